//! The engine: claim, fence, finish, and the rows that are due (docs/ARCHITECTURE.md, "The engine").
//!
//! Every row with pending work carries `due` (its partition of the `due` index), `due_at` (milliseconds), `claims`
//! (claims since the last outcome) and `fence` (claims ever; the token of the present holder).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::due::{self, EARLY, HORIZON, LEASE, POISON_CLAIM, SKEW, WorkKind};
use jiff::{SignedDuration, Timestamp};

use crate::doorbell::Ring;
use crate::table::{Item, StoreError, Table, demand, field, held, keys, millis, n, number, s};

/// The right to work on a row: every later write is conditioned on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The row's partition key.
    pub pk: String,
    /// The row's sort key.
    pub sk: String,
    /// The claim number that the row must still carry.
    pub fence: u64,
}

/// A row that this worker may work on.
#[derive(Debug)]
pub struct Claimed {
    /// The right to it.
    pub token: Token,
    /// The row as it is after the claim.
    pub item: Item,
    /// Claims since the last outcome, this one included.
    pub claims: u32,
}

impl Claimed {
    /// Whether the claims before this one left no outcome so often that no work is done any more.
    #[must_use]
    pub const fn is_poison(&self) -> bool {
        self.claims >= POISON_CLAIM
    }
}

/// What a claim found.
#[derive(Debug)]
pub enum Claim {
    /// The row is this worker's.
    Taken(Claimed),
    /// The row is due in less than [`EARLY`]: wait that long and claim again.
    Wait(Duration),
    /// The row is due inside the horizon: ring again after this delay.
    RingAgain(Duration),
    /// There is nothing to do: done, taken by another, far away or gone.
    Nothing,
}

/// The attributes that make a row due.
#[must_use]
pub fn due_attributes(table: &Table, kind: WorkKind, row_id: &str, at: Timestamp) -> [(String, AttributeValue); 4] {
    [
        ("due".to_owned(), s(due::shard(kind, row_id, table.due_shards()))),
        ("due_at".to_owned(), millis(at)),
        ("claims".to_owned(), n(0)),
        ("fence".to_owned(), n(0)),
    ]
}

/// Takes the row that a ring names. `extra` is added to the SET of the same write, with its names and values.
///
/// # Errors
/// [`StoreError`] when the table cannot answer; the message goes back to the queue.
pub async fn claim(table: &Table, ring: &Ring, now: Timestamp, extra: Extra) -> Result<Claim, StoreError> {
    let lease_end = now.saturating_add(LEASE + SKEW).unwrap_or(now);
    let sent = table
        .client
        .update_item()
        .table_name(&table.name)
        .key("pk", s(&ring.pk))
        .key("sk", s(&ring.sk))
        .update_expression(format!(
            "SET due_at = :lease_end, claims = claims + :one, fence = fence + :one{}",
            extra.set
        ))
        .condition_expression("due_at <= :now AND begins_with(due, :kind)")
        .set_expression_attribute_names((!extra.names.is_empty()).then_some(extra.names))
        .set_expression_attribute_values(Some(
            HashMap::from([
                (":lease_end".to_owned(), millis(lease_end)),
                (":one".to_owned(), n(1)),
                (":now".to_owned(), millis(now)),
                (":kind".to_owned(), s(format!("{}#", ring.kind.as_str()))),
            ])
            .into_iter()
            .chain(extra.values)
            .collect(),
        ))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match sent {
        Ok(answer) => {
            let item = answer.attributes.unwrap_or_default();
            let fence = demand(number(&item, "fence")?, "fence")?;
            let claims = demand(number(&item, "claims")?, "claims")?;
            let token = Token { pk: ring.pk.clone(), sk: ring.sk.clone(), fence };
            Ok(Claim::Taken(Claimed { token, claims, item }))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Ok(not_due(failed.item(), now)),
            _ => Err(error.into()),
        },
    }
}

/// More to SET in the write of a claim: `, name = :value` with its names and values.
#[derive(Debug, Default)]
pub struct Extra {
    /// The text, beginning with a comma.
    pub set: String,
    /// Its `#names`.
    pub names: HashMap<String, String>,
    /// Its `:values`.
    pub values: HashMap<String, AttributeValue>,
}

fn not_due(item: Option<&Item>, now: Timestamp) -> Claim {
    let due_at = item.and_then(|item| number(item, "due_at").ok()?).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let Some(ahead) = due_at.map(|due_at| now.duration_until(due_at)) else { return Claim::Nothing };
    // A row leased by another worker looks like a row due in a minute; ringing for it again would only make noise,
    // and ring_due sees it should that worker die.
    let leased = item.is_some_and(|item| number(item, "claims").is_ok_and(|claims| claims.unwrap_or(0) > 0));
    let wait = Duration::try_from(ahead).unwrap_or_default();
    if leased || ahead > HORIZON {
        Claim::Nothing
    } else if ahead < EARLY {
        Claim::Wait(wait)
    } else {
        Claim::RingAgain(wait)
    }
}

/// When the next work of a row starts, in the write that ends this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At this instant.
    At(Timestamp),
    /// Not by itself.
    Never,
}

/// A change of a row under its token.
#[derive(Debug)]
pub struct Finish {
    set: Vec<String>,
    remove: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Finish {
    /// An outcome: the claims start from zero again and the row is due at `next`.
    #[must_use]
    pub fn outcome(next: Next) -> Self {
        let mut finish = Self { set: Vec::new(), remove: Vec::new(), names: HashMap::new(), values: HashMap::new() };
        finish = finish.set("claims", n(0));
        match next {
            Next::At(at) => finish.set("due_at", millis(at)),
            Next::Never => finish.remove("due").remove("due_at"),
        }
    }

    /// Sets an attribute; of two values for one attribute the later wins.
    #[must_use]
    pub fn set(mut self, name: &str, value: AttributeValue) -> Self {
        // An expression that names a path twice is refused as a whole.
        if self.names.insert(format!("#{name}"), name.to_owned()).is_none() {
            self.set.push(format!("#{name} = :{name}"));
        }
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// Sets an attribute to the value of a domain type.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn set_value(self, name: &str, value: &impl serde::Serialize) -> Result<Self, StoreError> {
        Ok(self.set(name, serde_dynamo::to_attribute_value(value)?))
    }

    /// Sets an attribute, or removes it where there is no value.
    #[must_use]
    pub fn set_or_remove(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.remove.push(format!("#{name}"));
        self.names.insert(format!("#{name}"), name.to_owned());
        self
    }

    /// The expression, its condition, names and values; for a transaction.
    #[must_use]
    pub fn parts(
        mut self,
        token: &Token,
    ) -> (String, &'static str, HashMap<String, String>, HashMap<String, AttributeValue>) {
        let mut expression = format!("SET {}", self.set.join(", "));
        if !self.remove.is_empty() {
            expression = format!("{expression} REMOVE {}", self.remove.join(", "));
        }
        self.values.insert(":token".to_owned(), n(token.fence));
        (expression, FENCED, self.names, self.values)
    }

    /// Writes the outcome; answers false when the token is lost, and then nothing was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write(self, table: &Table, token: &Token) -> Result<bool, StoreError> {
        let (expression, condition, names, values) = self.parts(token);
        let sent = table
            .client
            .update_item()
            .table_name(&table.name)
            .key("pk", s(&token.pk))
            .key("sk", s(&token.sk))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        held(sent)
    }
}

/// The condition of every write of a worker: its claim is still the last one.
pub const FENCED: &str = "fence = :token";

/// A row of the `due` index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What to ring.
    pub ring: Ring,
    /// When the row is due.
    pub at: Timestamp,
}

/// A span of due times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Later than this; `None`: however long ago.
    pub after: Option<Timestamp>,
    /// At this instant at the latest.
    pub until: Timestamp,
}

/// One page of the rows of a kind and shard that are due in `span`, the most overdue first.
///
/// # Errors
/// [`StoreError`].
pub async fn due_page(
    table: &Table,
    kind: WorkKind,
    shard: u32,
    span: Span,
    from: Option<Item>,
    limit: i32,
) -> Result<(Vec<Due>, Option<Item>), StoreError> {
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name("due")
        .expression_attribute_values(":due", s(format!("{}#{shard}", kind.as_str())))
        .expression_attribute_values(":until", millis(span.until))
        .set_exclusive_start_key(from)
        .limit(limit);
    let query = match span.after {
        None => query.key_condition_expression("due = :due AND due_at <= :until"),
        Some(after) => query
            .key_condition_expression("due = :due AND due_at BETWEEN :from AND :until")
            .expression_attribute_values(":from", n(after.as_millisecond() + 1)),
    };
    let answer = query.send().await?;
    let rows: Result<Vec<Due>, StoreError> = answer
        .items
        .unwrap_or_default()
        .iter()
        .map(|item| {
            let ring = Ring { kind, pk: field(item, "pk")?, sk: field(item, "sk")? };
            let at = Timestamp::from_millisecond(demand(number(item, "due_at")?, "due_at")?)
                .map_err(|error| StoreError::Malformed(format!("due_at: {error}")))?;
            Ok(Due { ring, at })
        })
        .collect();
    Ok((rows?, answer.last_evaluated_key))
}

/// The delay with which a ring for a row due at `at` makes work start on the second. SQS takes whole seconds, so the
/// delay is rounded down; the claim waits for what is left of the second.
#[must_use]
pub fn ring_delay(at: Timestamp, now: Timestamp) -> Duration {
    let ahead: SignedDuration = now.duration_until(at);
    Duration::from_secs(u64::try_from(ahead.as_secs()).unwrap_or(0))
}

/// The delay of a ring for a delivery, which is taken up ahead of its second: rounded up, since it has the lead to spare
/// and a ring before its time would be claimed in vain.
#[must_use]
pub fn lead_delay(at: Timestamp, now: Timestamp) -> Duration {
    let ahead = Duration::try_from(now.duration_until(at)).unwrap_or_default();
    Duration::from_secs(ahead.as_secs() + u64::from(ahead.subsec_nanos() > 0))
}

/// The row that is due for the work of a connection: the connection itself.
#[must_use]
pub fn ingest_ring(connection: &domain::Connection) -> Ring {
    Ring {
        kind: WorkKind::Ingest,
        pk: keys::talent_pk(&connection.workspace, &connection.talent),
        sk: keys::connection_sk(&connection.id),
    }
}

/// The most overdue row of a kind; `None` when nothing is overdue.
///
/// # Errors
/// [`StoreError`].
pub async fn oldest_due(table: &Table, kind: WorkKind, now: Timestamp) -> Result<Option<Due>, StoreError> {
    let mut oldest: Option<Due> = None;
    for shard in 0..table.due_shards() {
        let (rows, _) = due_page(table, kind, shard, Span { after: None, until: now }, None, 1).await?;
        oldest = oldest.into_iter().chain(rows).min_by_key(|row| row.at);
    }
    Ok(oldest)
}
