//! Deliveries: the rows that decide who may publish. They stand beside their post.
//!
//! What only the engine conditions on are attributes of their own; all the rest is one JSON text, since a delivery is
//! always read and written whole.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::delivery::{DeliveryError, LEAD};
use domain::due::{self, WorkKind};
use domain::{ConnectionId, DeliveryId, DeliveryStatus, Platform, TalentId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, from_json, json, millis, n, number, s};
use super::transact::Transaction;
use super::{keys, slots};
use crate::doorbell::Ring;
use crate::vault::Sealed;
use crate::work::{FENCED, Next, Token};

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub n: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// `prepare`, `submit`, `look`, `find`, `follow_up`, `delete`, `hold`.
    pub step: String,
    /// `ok`, `failed`, `unknown`, `absent`, `waiting`.
    pub outcome: String,
    /// In plain words.
    pub detail: String,
}

/// A post as it stands on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The platform's own id.
    pub id: String,
    /// The public page.
    pub url: Option<String>,
    /// When it went out.
    pub posted_at: Timestamp,
    /// What follow-ups and a deletion need beside the id.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
}

/// Where a follow-up (a first comment, the continuation of a thread) stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum FollowUp {
    /// Its intent is written; it may or may not have been sent.
    Submitting {
        /// When.
        intent_at: Timestamp,
        /// Looks so far.
        looks: u32,
        /// Why the platform refused it, where it did; some have refused what they had taken, so it is looked for once.
        #[serde(default)]
        refused: Option<DeliveryError>,
    },
    /// It is live.
    Done(Live),
    /// It is not, and nothing more is tried.
    Failed {
        /// Why.
        error: DeliveryError,
    },
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose it is: the workspace.
    pub workspace: WorkspaceId,
    /// Whose it is: the talent.
    pub talent: TalentId,
    /// The account it goes to.
    pub connection: ConnectionId,
    /// The account's platform.
    pub platform: Platform,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When it goes out.
    pub scheduled_at: Timestamp,
    /// Its text, as [`super::slots::text_of`] makes it.
    #[serde(default)]
    pub text: Option<String>,
    /// Until when it may begin.
    pub window_ends: Timestamp,
    /// Attempts without effect in this round.
    #[serde(default)]
    pub attempts: u32,
    /// Submissions in this round.
    #[serde(default)]
    pub submissions: u32,
    /// Looks for the present uncertain submission, or at the present processing.
    #[serde(default)]
    pub looks: u32,
    /// When a worker first began: the fixed time of a record that carries one.
    pub started_at: Option<Timestamp>,
    /// When the intent of the last submission was written.
    pub intent_at: Option<Timestamp>,
    /// When the first intent of this content was written, kept whatever is sent again: a platform's memory of a key
    /// counts from it, and nothing of this content is older on the platform.
    pub first_intent_at: Option<Timestamp>,
    /// When the last doubt began: the call of a submission had ended by then.
    #[serde(default)]
    pub doubted_at: Option<Timestamp>,
    /// It was sent before, so that a platform's "duplicate" is about our own.
    #[serde(default)]
    pub resent: bool,
    /// The platform said that it is there already, without saying where.
    #[serde(default)]
    pub duplicate: bool,
    /// The platform refused it, and [`Self::error`] says why. Some have refused what they had taken, so it is looked for
    /// once before it fails.
    #[serde(default)]
    pub refused: bool,
    /// When its upload, which began in time, was last handed on to another invocation.
    #[serde(default)]
    pub handed_on_at: Option<Timestamp>,
    /// The platform showed it no more at the last look.
    #[serde(default)]
    pub gone: bool,
    /// What the platform's keys are made of in place of its id, since its own post was counted as another delivery's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The platform's ids of posts that look the same and are other deliveries'.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_ours: Vec<String>,
    /// What the steps so far have obtained.
    #[serde(default)]
    pub progress: BTreeMap<String, String>,
    /// The post on the platform.
    pub live: Option<Live>,
    /// Its follow-ups so far.
    #[serde(default)]
    pub follow_ups: Vec<FollowUp>,
    /// Why it is not out.
    pub error: Option<DeliveryError>,
    /// When the next step starts, where one has its time; what is shown.
    pub next_attempt_at: Option<Timestamp>,
    /// A person wants it deleted on the platform.
    #[serde(default)]
    pub remove: bool,
    /// It was deleted on the platform.
    #[serde(default)]
    pub removed: bool,
    /// What was tried, oldest first; the last [`MOST_ATTEMPTS_SHOWN`].
    #[serde(default)]
    pub log: Vec<Attempt>,
    /// How many attempts were ever logged.
    #[serde(default)]
    pub tried: u32,
}

/// How many attempts a row remembers.
pub const MOST_ATTEMPTS_SHOWN: usize = 40;

impl Delivery {
    /// Notes what was tried.
    pub fn note(&mut self, step: &str, outcome: &str, started_at: Timestamp, detail: impl Into<String>) {
        self.tried = self.tried.saturating_add(1);
        let detail: String = detail.into().chars().take(500).collect();
        // The same wait again and again (a paused account, a long processing) is one line with its last time.
        if let Some(last) = self.log.last_mut()
            && (last.step.as_str(), last.outcome.as_str(), last.detail.as_str()) == (step, outcome, detail.as_str())
            && outcome == "waiting"
        {
            last.n = self.tried;
            return;
        }
        let attempt = Attempt { n: self.tried, started_at, step: step.to_owned(), outcome: outcome.to_owned(), detail };
        self.log.push(attempt);
        if self.log.len() > MOST_ATTEMPTS_SHOWN {
            self.log.remove(0);
        }
    }

    /// When a worker takes it up: at its next attempt, and for what waits for its second a little earlier.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let at = self.next_attempt_at?;
        Some(if at == self.scheduled_at { at.saturating_sub(LEAD).unwrap_or(at) } else { at })
    }

    /// The ring for its work.
    #[must_use]
    pub fn ring(&self) -> Ring {
        Ring {
            kind: WorkKind::Publish,
            pk: keys::post_pk(&self.workspace, self.id.post()),
            sk: keys::delivery_sk(self.id.number()),
        }
    }
}

/// A delivery with what only the engine reads.
#[derive(Debug, Clone)]
pub struct Row {
    /// The delivery.
    pub delivery: Delivery,
    /// Upload sessions and addresses, sealed.
    pub sealed: Option<Sealed>,
    /// The number of the last claim.
    pub fence: u64,
    /// Claims since the last outcome.
    pub claims: u32,
}

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Row, StoreError> {
    let sealed = item.get("sealed").map(|value| serde_dynamo::from_attribute_value(value.clone())).transpose()?;
    Ok(Row {
        delivery: demand(from_json(item, "card")?, "card")?,
        sealed,
        fence: demand(number(item, "fence")?, "fence")?,
        claims: demand(number(item, "claims")?, "claims")?,
    })
}

/// Adds a new delivery, due at its time, to a transaction (label `delivery`).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn put<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    delivery: &Delivery,
) -> Result<Transaction<'a>, StoreError> {
    let ring = delivery.ring();
    let mut item: Item = HashMap::from([
        ("pk".to_owned(), s(ring.pk)),
        ("sk".to_owned(), s(ring.sk)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(delivery.workspace.as_str())),
        ("card".to_owned(), json(delivery)?),
    ]);
    let at = delivery.due_at().unwrap_or(delivery.scheduled_at);
    item.extend(slots::attributes(delivery)?);
    item.extend(crate::work::due_attributes(table, WorkKind::Publish, delivery.id.as_str(), at));
    transaction.put_new("delivery", item, None)
}

/// Adds the outcome of a worker's step to a transaction (label `delivery`), under its token.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn finish<'a>(
    transaction: Transaction<'a>,
    token: &Token,
    delivery: &Delivery,
    sealed: Option<&Sealed>,
    next: Next,
) -> Result<Transaction<'a>, StoreError> {
    let (expression, names, mut values) = change(delivery, sealed, next, n(0))?;
    values.insert(":token".to_owned(), n(token.fence));
    transaction.update("delivery", (&token.pk, &token.sk), &expression, Some(FENCED), names, values)
}

/// Adds what a worker keeps while it holds the row: its intent, its progress, a longer lease. The claims stay counted.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn hold<'a>(
    transaction: Transaction<'a>,
    token: &Token,
    delivery: &Delivery,
    sealed: Option<&Sealed>,
    lease_end: Timestamp,
    claims: u32,
) -> Result<Transaction<'a>, StoreError> {
    let (expression, names, mut values) = change(delivery, sealed, Next::At(lease_end), n(claims))?;
    values.insert(":token".to_owned(), n(token.fence));
    transaction.update("delivery", (&token.pk, &token.sk), &expression, Some(FENCED), names, values)
}

/// Adds a person's change to a transaction (label `delivery`), if no worker has the row and none had it since it was
/// read. The fence goes up, so that a late worker finds it lost.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn decide<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    row: &Row,
    delivery: &Delivery,
    next: Next,
) -> Result<Transaction<'a>, StoreError> {
    let ring = delivery.ring();
    // What the steps have obtained goes on with it; a delivery that is made anew has not begun and has nothing.
    let sealed = delivery.started_at.and(row.sealed.as_ref());
    let (mut expression, names, mut values) = change(delivery, sealed, next, n(0))?;
    expression = expression.replacen("SET ", "SET fence = fence + :one, ", 1);
    if matches!(next, Next::At(_)) {
        expression = expression.replacen("SET ", "SET due = :due, ", 1);
        let shard = due::shard(WorkKind::Publish, delivery.id.as_str(), table.due_shards());
        values.insert(":due".to_owned(), s(shard));
    }
    for (name, value) in slots::attributes(delivery)? {
        expression = expression.replacen("SET ", &format!("SET {name} = :{name}, "), 1);
        values.insert(format!(":{name}"), value);
    }
    values.insert(":one".to_owned(), n(1));
    values.insert(":token".to_owned(), n(row.fence));
    values.insert(":zero".to_owned(), n(0));
    let condition = format!("{FENCED} AND claims = :zero");
    transaction.update("delivery", (&ring.pk, &ring.sk), &expression, Some(&condition), names, values)
}

/// Adds to a transaction that the post with this id on the platform is this delivery's (label `live`), if it is no
/// other's. Two deliveries with the same words to the same account cannot both take one post for their own.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn own<'a>(
    transaction: Transaction<'a>,
    delivery: &Delivery,
    live: &Live,
    now: Timestamp,
) -> Result<Transaction<'a>, StoreError> {
    let ends_at = now.saturating_add(OWNED_FOR).unwrap_or(now);
    let item: Item = HashMap::from([
        ("pk".to_owned(), s(keys::connection_pk(&delivery.workspace, &delivery.connection))),
        ("sk".to_owned(), s(keys::live_sk(&live.id))),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("delivery".to_owned(), s(delivery.id.as_str())),
        ("ttl".to_owned(), n(ends_at.as_second())),
    ]);
    let values = HashMap::from([(":me".to_owned(), s(delivery.id.as_str()))]);
    transaction.put_new("live", item, Some(("delivery = :me", values)))
}

/// How long it is known whose a post is: longer than anything is looked for.
const OWNED_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Adds the removal of a delivery that no worker has to a transaction (label `delivery`).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn remove<'a>(transaction: Transaction<'a>, row: &Row) -> Result<Transaction<'a>, StoreError> {
    let ring = row.delivery.ring();
    let values = HashMap::from([(":token".to_owned(), n(row.fence)), (":zero".to_owned(), n(0))]);
    transaction.delete("delivery", (&ring.pk, &ring.sk), Some((&format!("{FENCED} AND claims = :zero"), values)))
}

type Change = (String, HashMap<String, String>, HashMap<String, AttributeValue>);

fn change(
    delivery: &Delivery,
    sealed: Option<&Sealed>,
    next: Next,
    claims: AttributeValue,
) -> Result<Change, StoreError> {
    let mut names = HashMap::new();
    let mut values = HashMap::from([(":card".to_owned(), json(delivery)?), (":claims".to_owned(), claims)]);
    let mut set = "SET card = :card, claims = :claims".to_owned();
    let mut remove = Vec::new();
    match sealed {
        Some(sealed) => {
            set.push_str(", sealed = :sealed");
            values.insert(":sealed".to_owned(), serde_dynamo::to_attribute_value(sealed)?);
        }
        None => remove.push("sealed"),
    }
    match next {
        Next::At(at) => {
            set.push_str(", due_at = :due_at");
            values.insert(":due_at".to_owned(), millis(at));
        }
        Next::Never => {
            remove.push("#due");
            remove.push("due_at");
            names.insert("#due".to_owned(), "due".to_owned());
        }
    }
    if !remove.is_empty() {
        set = format!("{set} REMOVE {}", remove.join(", "));
    }
    Ok((set, names, values))
}
