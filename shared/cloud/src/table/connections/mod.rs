//! Connections: the row, its guards, and every transaction that changes them for a person.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::{Averages, ConnectionType};
use domain::due::{self, WorkKind};
use domain::{
    AccountType, Connection, ConnectionId, Metric, Platform, Profile, SyncEvent, SyncStatus, TalentId, WorkspaceId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, field, from_json, json, millis, n, number, parsed, s, text};
use super::keys;
use super::tokens::{self, TokensRow};
use super::transact::{Outcome, Transaction};
use crate::doorbell::Ring;
use crate::vault::Sealed;

/// A connection with what only the engine reads.
#[derive(Debug, Clone)]
pub struct Row {
    /// The connection.
    pub connection: Connection,
    /// The number of the last claim.
    pub fence: u64,
    /// A digest of everything that the last good look found; empty before it.
    pub found: String,
}

/// What only readers need: all that changes by a person's hand, or when a sync finds something new. It is one attribute
/// of JSON text, so that a list of accounts is cheap to read (docs/decisions/0018-what-only-readers-need.md).
#[derive(Serialize, Deserialize)]
struct Card {
    id: ConnectionId,
    workspace: WorkspaceId,
    talent: TalentId,
    platform: Platform,
    handle: String,
    profile_url: String,
    connection_type: ConnectionType,
    connected: bool,
    paused: bool,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Seen>,
    averages: Averages,
}

/// Of a profile, what its connection does not state itself: handle, page and the platform's id are the connection's own.
#[derive(Serialize, Deserialize)]
struct Seen {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_image_url: Option<String>,
    follower_count: Metric,
    following_count: Metric,
    post_count: Metric,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_type: Option<AccountType>,
}

impl From<Profile> for Seen {
    fn from(profile: Profile) -> Self {
        Self {
            display_name: profile.display_name,
            bio: profile.bio,
            profile_image_url: profile.profile_image_url,
            follower_count: profile.follower_count,
            following_count: profile.following_count,
            post_count: profile.post_count,
            is_verified: profile.is_verified,
            account_type: profile.account_type,
        }
    }
}

/// The card of a connection: every write of one is of the whole.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn card(connection: &Connection) -> Result<AttributeValue, StoreError> {
    let c = connection.clone();
    json(&Card {
        id: c.id,
        workspace: c.workspace,
        talent: c.talent,
        platform: c.platform,
        handle: c.handle,
        profile_url: c.profile_url,
        connection_type: c.connection_type,
        connected: c.connected,
        paused: c.paused,
        created_at: c.created_at,
        scopes: c.scopes,
        missing_scopes: c.missing_scopes,
        platform_account_id: c.platform_account_id,
        profile: c.profile.map(Seen::from),
        averages: c.averages,
    })
}

/// What a list reads of each row; of the talent's own row only `v` is there.
const LISTED: &str = "v, card, sync_status, sync_error, next_retry_at, last_synced_at, updated_at, token_expires_at";

/// The attributes of a row that a person's change writes; one without a value is absent.
fn attributes(connection: &Connection) -> Result<[(&'static str, Option<AttributeValue>); 7], StoreError> {
    let instant = |at: Timestamp| s(at.to_string());
    Ok([
        ("card", Some(card(connection)?)),
        ("sync_status", Some(s(connection.sync_status.as_str()))),
        ("sync_error", connection.sync_error.as_ref().map(json).transpose()?),
        ("next_retry_at", connection.next_retry_at.map(instant)),
        ("attempts", Some(n(connection.attempts))),
        ("updated_at", Some(instant(connection.updated_at))),
        ("token_expires_at", connection.token_expires_at.map(instant)),
    ])
}

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Row, StoreError> {
    Ok(Row {
        connection: connection(item)?,
        fence: demand(number(item, "fence")?, "fence")?,
        found: text(item, "found")?.unwrap_or_default().to_owned(),
    })
}

fn connection(item: &Item) -> Result<Connection, StoreError> {
    let card: Card = demand(from_json(item, "card")?, "card")?;
    let status = demand(text(item, "sync_status")?, "sync_status")?;
    let status = SyncStatus::ALL.into_iter().find(|known| known.as_str() == status);
    let profile = card.profile.map(|seen| Profile {
        external_id: card.platform_account_id.clone().unwrap_or_default(),
        handle: card.handle.clone(),
        profile_url: card.profile_url.clone(),
        display_name: seen.display_name,
        bio: seen.bio,
        profile_image_url: seen.profile_image_url,
        follower_count: seen.follower_count,
        following_count: seen.following_count,
        post_count: seen.post_count,
        is_verified: seen.is_verified,
        account_type: seen.account_type,
    });
    Ok(Connection {
        id: card.id,
        workspace: card.workspace,
        talent: card.talent,
        platform: card.platform,
        handle: card.handle,
        profile_url: card.profile_url,
        connection_type: card.connection_type,
        connected: card.connected,
        paused: card.paused,
        sync_status: status.ok_or_else(|| StoreError::Malformed("sync_status is no state".to_owned()))?,
        sync_error: from_json(item, "sync_error")?,
        next_retry_at: parsed(item, "next_retry_at")?,
        attempts: number(item, "attempts")?.unwrap_or(0),
        last_synced_at: parsed(item, "last_synced_at")?,
        created_at: card.created_at,
        updated_at: demand(parsed(item, "updated_at")?, "updated_at")?,
        token_expires_at: parsed(item, "token_expires_at")?,
        scopes: card.scopes,
        missing_scopes: card.missing_scopes,
        platform_account_id: card.platform_account_id,
        profile,
        averages: card.averages,
    })
}

/// One connection.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId, id: &ConnectionId) -> Result<Option<Row>, StoreError> {
    let row = table.get(&keys::talent_pk(workspace, id.talent()), &keys::connection_sk(id)).await?;
    row.map(|item| read(&item)).transpose()
}

/// The connections of a talent, oldest first; `None` when there is no such talent. One query.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    table: &Table,
    workspace: &WorkspaceId,
    talent: &TalentId,
) -> Result<Option<Vec<Connection>>, StoreError> {
    let rows = table.query_prefix(&keys::talent_pk(workspace, talent), keys::TALENT_SK, LISTED).await?;
    // The talent sorts before its connections, and has no card.
    let Some((first, connections)) = rows.split_first() else { return Ok(None) };
    if first.contains_key("card") {
        return Err(StoreError::Malformed("connections without their talent".to_owned()));
    }
    let mut connections = connections.iter().map(connection).collect::<Result<Vec<_>, StoreError>>()?;
    connections.sort_by_key(|c| c.created_at);
    Ok(Some(connections))
}

/// The connection that holds an account of a talent, found by the platform's id first and by handle second.
///
/// # Errors
/// [`StoreError`].
pub async fn holder(
    table: &Table,
    workspace: &WorkspaceId,
    talent: &TalentId,
    platform: Platform,
    account_id: Option<&str>,
    handle: &str,
) -> Result<Option<Row>, StoreError> {
    let pk = keys::talent_pk(workspace, talent);
    let by_id = account_id.map(|id| keys::account_guard_sk(platform, id));
    for sk in by_id.into_iter().chain([keys::handle_guard_sk(platform, handle)]) {
        if let Some(guard) = table.get(&pk, &sk).await? {
            return get(table, workspace, &holder_of(&guard)?).await;
        }
    }
    Ok(None)
}

/// The connection that a guard names.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn holder_of(guard: &Item) -> Result<ConnectionId, StoreError> {
    field(guard, "holder")
}

fn guard(connection: &Connection, sk: String) -> Item {
    HashMap::from([
        ("pk".to_owned(), s(keys::talent_pk(&connection.workspace, &connection.talent))),
        ("sk".to_owned(), s(sk)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("holder".to_owned(), s(connection.id.as_str())),
    ])
}

fn guards(connection: &Connection) -> Vec<(&'static str, Item)> {
    let by_handle = guard(connection, keys::handle_guard_sk(connection.platform, &connection.handle));
    let by_id = connection
        .platform_account_id
        .as_deref()
        .map(|id| guard(connection, keys::account_guard_sk(connection.platform, id)));
    std::iter::once(("handle", by_handle)).chain(by_id.map(|item| ("account", item))).collect()
}

fn sort_key(guard: &Item) -> Option<&str> {
    guard.get("sk")?.as_s().ok().map(String::as_str)
}

/// What a refused transaction taught about guards that others hold. Without such a lesson a guard is written if nobody
/// else holds it, and an old one removed if it is the connection's own.
#[derive(Debug, Default)]
pub struct Guards {
    /// Guards that may be taken, and from whom: its holder is gone, or known to be another account.
    taken: HashMap<String, ConnectionId>,
    /// Old guards that another connection has taken, and that stay.
    left: Vec<String>,
}

/// What follows a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson {
    /// The same transaction, added with what was learned, can succeed.
    Again,
    /// Another connection of the talent holds the account.
    Duplicate,
    /// No guard refused.
    Nothing,
}

impl Guards {
    /// Reads the refusals of guards in the outcome of a transaction that made `after`. A handle follows its account: where
    /// the connection that holds its guard is gone or known to be another account, the guard may be taken from it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn learn(&mut self, table: &Table, after: &Connection, outcome: &Outcome) -> Result<Lesson, StoreError> {
        let Outcome::Refused(refusals) = outcome else { return Ok(Lesson::Nothing) };
        let mut lesson = Lesson::Nothing;
        for refusal in refusals {
            // A guard that is gone by now, or that the connection has got itself, refuses no second time.
            let held = refusal.item.as_ref().and_then(|item| Some((sort_key(item)?.to_owned(), item)));
            match (refusal.label, held) {
                ("handle" | "account" | "old guard", None) => lesson = Lesson::Again,
                ("old guard", Some((sk, _))) => {
                    self.left.push(sk);
                    lesson = Lesson::Again;
                }
                ("handle" | "account", Some((sk, item))) => {
                    let other = holder_of(item)?;
                    let row = get(table, &after.workspace, &other).await?;
                    let another = row.is_none_or(|row| {
                        let (ours, theirs) = (&after.platform_account_id, &row.connection.platform_account_id);
                        refusal.label == "handle" && ours.as_ref().zip(theirs.as_ref()).is_some_and(|(a, b)| a != b)
                    });
                    if !another {
                        return Ok(Lesson::Duplicate);
                    }
                    self.taken.insert(sk, other);
                    lesson = Lesson::Again;
                }
                _ => {}
            }
        }
        Ok(lesson)
    }

    /// Adds what a change of handle or account id means for the guards (labels `handle`, `account`, `old guard`).
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn add<'a>(
        &self,
        mut transaction: Transaction<'a>,
        before: &Connection,
        after: &Connection,
    ) -> Result<Transaction<'a>, StoreError> {
        let pk = keys::talent_pk(&after.workspace, &after.talent);
        let own = || HashMap::from([(":own".to_owned(), s(after.id.as_str()))]);
        let (old, new) = (guards(before), guards(after));
        for (label, item) in new.iter().filter(|pair| !old.contains(pair)) {
            let (mut condition, mut values) = ("holder = :own", own());
            if let Some(other) = sort_key(item).and_then(|sk| self.taken.get(sk)) {
                condition = "holder = :own OR holder = :other";
                values.insert(":other".to_owned(), s(other.as_str()));
            }
            transaction = transaction.put_new(label, item.clone(), Some((condition, values)))?;
        }
        for (_, item) in old.iter().filter(|pair| !new.contains(pair)) {
            let sk: String = field(item, "sk")?;
            if !self.left.contains(&sk) {
                let condition = Some(("attribute_not_exists(pk) OR holder = :own", own()));
                transaction = transaction.delete("old guard", (&pk, &sk), condition)?;
            }
        }
        Ok(transaction)
    }

    /// Whether a change of a connection changes its guards.
    #[must_use]
    pub fn differ(before: &Connection, after: &Connection) -> bool {
        guards(before) != guards(after)
    }
}

/// The condition of a person's change: nobody changed the row since it was read. A sync that found nothing new changes
/// neither fence nor time, only the state.
const AS_READ: &str = "fence = :fence AND updated_at = :read_at AND sync_status = :read_status";

fn as_read(row: &Row) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (":fence".to_owned(), n(row.fence)),
        (":read_at".to_owned(), s(row.connection.updated_at.to_string())),
        (":read_status".to_owned(), s(row.connection.sync_status.as_str())),
    ])
}

/// Adds a new connection to a transaction; `due`: when its first sync starts. Labels: `talent` (unknown), `connection` (the id is taken),
/// `handle` and `account` (another connection of the talent holds the account).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn insert<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    connection: &Connection,
    due: Timestamp,
) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::talent_pk(&connection.workspace, &connection.talent);
    let shown = attributes(connection)?.into_iter();
    let mut item: Item = shown.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    item.insert("pk".to_owned(), s(&pk));
    item.insert("sk".to_owned(), s(keys::connection_sk(&connection.id)));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    item.insert("month".to_owned(), s(keys::month_key(&connection.workspace, connection.created_at)));
    item.insert(
        "month_sort".to_owned(),
        s(format!("conn#{}#{}", connection.created_at.as_millisecond(), connection.id)),
    );
    item.extend(crate::work::due_attributes(table, WorkKind::Ingest, connection.id.as_str(), due));
    let mut transaction = transaction
        .check("talent", (&pk, keys::TALENT_SK), "attribute_exists(pk)", HashMap::new())?
        .put_new("connection", item, None)?;
    for (label, item) in guards(connection) {
        transaction = transaction.put_new(label, item, None)?;
    }
    Ok(transaction)
}

/// What a person changes about a connection that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Sync now; also the retry after an error.
    Sync,
    /// Linked again, by the same means or by a better one.
    Reconnect,
    /// Hold posts and syncs.
    Pause,
    /// Go on.
    Resume,
    /// Forget the tokens, keep the history.
    Disconnect,
}

/// The connection after a person's change; the caller writes it with [`update`].
#[must_use]
pub fn changed(mut connection: Connection, change: Change, now: Timestamp) -> Connection {
    let event = match change {
        Change::Sync | Change::Reconnect | Change::Resume => SyncEvent::Requested,
        Change::Disconnect => SyncEvent::Disconnected,
        Change::Pause => SyncEvent::Held,
    };
    // None of these events is illegal in any state.
    if let Ok(next) = connection.sync_status.next(event) {
        connection.sync_status = next;
    }
    match change {
        Change::Sync | Change::Reconnect | Change::Resume => {
            connection.sync_error = None;
            connection.next_retry_at = None;
            connection.attempts = 0;
            connection.connected = true;
            connection.paused = false;
        }
        Change::Pause => connection.paused = true,
        Change::Disconnect => {
            connection.connected = false;
            connection.token_expires_at = None;
            connection.next_retry_at = None;
            connection.scopes = Vec::new();
            connection.missing_scopes = Vec::new();
            if connection.sync_status == domain::SyncStatus::Error {
                connection.sync_error = Some(domain::sync::SyncError::of(domain::SyncErrorCode::Disconnected));
            }
        }
    }
    connection.updated_at = now;
    connection
}

/// Adds a change of a connection to a transaction, if nobody changed it since it was read (label `connection`).
/// `due`: when its next sync starts. A worker that is at it loses its right to write.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn update<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    before: &Row,
    after: &Connection,
    due: Option<Timestamp>,
) -> Result<Transaction<'a>, StoreError> {
    update_with(transaction, table, before, after, due, &Guards::default())
}

/// [`update`], with what an earlier try taught about the guards.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn update_with<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    before: &Row,
    after: &Connection,
    due: Option<Timestamp>,
    guards: &Guards,
) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::talent_pk(&after.workspace, &after.talent);
    let sk = keys::connection_sk(&after.id);
    let mut expression = String::from("SET fence = fence + :one, claims = :zero");
    let mut names = HashMap::new();
    let mut values = as_read(before);
    values.extend([(":one".to_owned(), n(1)), (":zero".to_owned(), n(0))]);
    let mut row = Vec::from(attributes(after)?);
    // A renewal writes this one without asking anybody; what it wrote since the row was read stays.
    row.retain(|(name, _)| *name != "token_expires_at" || before.connection.token_expires_at != after.token_expires_at);
    let shard = |_| s(due::shard(WorkKind::Ingest, after.id.as_str(), table.due_shards()));
    row.extend([("due", due.map(shard)), ("due_at", due.map(millis))]);
    // What the counts by state need to know beside it, since the index projects no more of a connection.
    row.push(("shown", (!after.connected).then(|| s(keys::DISCONNECTED))));
    let mut absent = Vec::new();
    for (name, value) in row {
        names.insert(format!("#{name}"), name.to_owned());
        match value {
            Some(value) => {
                expression.push_str(&format!(", #{name} = :{name}"));
                values.insert(format!(":{name}"), value);
            }
            None => absent.push(format!("#{name}")),
        }
    }
    if !absent.is_empty() {
        expression.push_str(&format!(" REMOVE {}", absent.join(", ")));
    }
    let transaction = transaction.update("connection", (&pk, &sk), &expression, Some(AS_READ), names, values)?;
    guards.add(transaction, &before.connection, after)
}

/// Work that a disconnect or a removal leaves behind: revoke, then remove.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EraseRow {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The connection it was.
    pub connection: ConnectionId,
    /// The platform to ask.
    pub platform: Platform,
    /// The handle at that time; names the server of a federated platform.
    pub handle: String,
    /// The tokens to revoke; removed once they are.
    pub sealed: Option<Sealed>,
    /// Whether the publications go too.
    pub publications: bool,
    /// Failed tries so far.
    #[serde(default)]
    pub attempts: u32,
}

/// Adds the work of erasing to a transaction (label `erase`) and says which row to ring.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn leave_to_erase<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    connection: &Connection,
    tokens: Option<&TokensRow>,
    publications: bool,
    now: Timestamp,
    nonce: &str,
) -> Result<(Transaction<'a>, Ring), StoreError> {
    let row = EraseRow {
        workspace: connection.workspace.clone(),
        connection: connection.id.clone(),
        platform: connection.platform,
        handle: connection.handle.clone(),
        sealed: tokens.map(|row| row.sealed.clone()),
        publications,
        attempts: 0,
    };
    let ring = Ring {
        kind: WorkKind::Erase,
        pk: keys::connection_pk(&connection.workspace, &connection.id),
        sk: keys::erase_sk(nonce),
    };
    let mut item: Item = serde_dynamo::to_item(row)?;
    item.insert("pk".to_owned(), s(&ring.pk));
    item.insert("sk".to_owned(), s(&ring.sk));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    item.extend(crate::work::due_attributes(table, WorkKind::Erase, connection.id.as_str(), now));
    let mut transaction = transaction.put("erase", item)?;
    if let Some(tokens) = tokens {
        transaction = tokens::take(transaction, tokens)?;
    }
    Ok((transaction, ring))
}

/// Adds the removal of a connection and of its guards to a transaction, if nobody changed it since it was read (label
/// `connection`): a sync in between may have given it other guards. A guard that another connection has taken stays.
///
/// # Errors
/// [`StoreError`].
pub async fn remove<'a>(transaction: Transaction<'a>, table: &Table, row: &Row) -> Result<Transaction<'a>, StoreError> {
    let connection = &row.connection;
    let pk = keys::talent_pk(&connection.workspace, &connection.talent);
    let sk = keys::connection_sk(&connection.id);
    let mut transaction = transaction.delete("connection", (&pk, &sk), Some((AS_READ, as_read(row))))?;
    for (_, item) in guards(connection) {
        let guard_sk: String = field(&item, "sk")?;
        let standing = table.get(&pk, &guard_sk).await?;
        if standing.as_ref().map(holder_of).transpose()?.is_some_and(|holder| holder != connection.id) {
            continue;
        }
        let own = Some((
            "attribute_not_exists(pk) OR holder = :own",
            HashMap::from([(":own".to_owned(), s(connection.id.as_str()))]),
        ));
        transaction = transaction.delete("guard", (&pk, &guard_sk), own)?;
    }
    Ok(transaction)
}

/// Whether an outcome says that somebody changed the row in between, so that it has to be read again.
#[must_use]
pub fn changed_in_between(outcome: &Outcome) -> bool {
    outcome.refusal("connection").is_some() || outcome.refusal("tokens").is_some()
}

#[cfg(test)]
mod tests {
    use domain::connection::Averages;
    use domain::sync::SyncError;
    use domain::{SyncErrorCode, SyncStatus};

    use super::*;
    use crate::testing::table;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bare() -> Connection {
        let (talent, linked) = (TalentId::parse("ann").unwrap(), at("2026-11-01T10:00:00.001Z"));
        Connection {
            id: ConnectionId::new(&talent, Platform::Instagram, linked),
            workspace: WorkspaceId::parse("w").unwrap(),
            talent,
            platform: Platform::Instagram,
            handle: "ann".to_owned(),
            profile_url: "https://i.example/ann".to_owned(),
            connection_type: ConnectionType::Manual,
            connected: true,
            paused: false,
            sync_status: SyncStatus::Pending,
            sync_error: None,
            next_retry_at: None,
            attempts: 0,
            last_synced_at: None,
            created_at: linked,
            updated_at: linked,
            token_expires_at: None,
            scopes: Vec::new(),
            missing_scopes: Vec::new(),
            platform_account_id: None,
            profile: None,
            averages: Averages::default(),
        }
    }

    fn full() -> Connection {
        Connection {
            connection_type: ConnectionType::Oauth,
            paused: true,
            sync_status: SyncStatus::Syncing,
            sync_error: Some(SyncError::of(SyncErrorCode::RateLimited)),
            next_retry_at: Some(at("2026-11-02T10:00:04Z")),
            attempts: 2,
            updated_at: at("2026-11-02T10:00:00.5Z"),
            token_expires_at: Some(at("2026-12-01T00:00:00Z")),
            scopes: vec!["basic".to_owned()],
            missing_scopes: vec!["insights".to_owned()],
            platform_account_id: Some("17".to_owned()),
            profile: Some(Profile {
                external_id: "17".to_owned(),
                handle: "ann".to_owned(),
                profile_url: "https://i.example/ann".to_owned(),
                display_name: Some("Ann \"A\"\n東京".to_owned()),
                bio: None,
                profile_image_url: Some("https://i.example/ann.jpg".to_owned()),
                follower_count: Metric::Count(0),
                following_count: Metric::NotOffered,
                post_count: Metric::Pending,
                is_verified: Some(false),
                account_type: Some(AccountType::Creator),
            }),
            averages: Averages {
                views: Metric::Pending,
                engagement: Metric::Count(12),
                engagement_rate: Metric::Count(5.93),
            },
            ..bare()
        }
    }

    fn row(connection: &Connection) -> Item {
        let attributes = attributes(connection).unwrap().into_iter();
        let mut item: Item = attributes.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        item.insert("fence".to_owned(), n(7));
        item
    }

    #[test]
    fn a_row_gives_back_what_was_written() {
        for connection in [bare(), full()] {
            let found = read(&row(&connection)).unwrap();
            assert_eq!((&found.connection, found.fence, found.found.as_str()), (&connection, 7, ""));
        }
        let mut item = row(&full());
        for name in ["sync_error", "next_retry_at", "token_expires_at"] {
            item.insert(name.to_owned(), AttributeValue::Null(true));
        }
        let read = read(&item).unwrap().connection;
        assert_eq!((read.sync_error, read.next_retry_at, read.token_expires_at), (None, None, None));
    }

    #[test]
    fn a_row_that_makes_no_sense_is_an_error_and_not_a_default() {
        for (name, value) in [
            ("card", Some(s("{}"))),
            ("card", Some(n(1))),
            ("card", None),
            ("sync_status", Some(s("DONE"))),
            ("sync_status", None),
            ("updated_at", Some(s("yesterday"))),
            ("updated_at", None),
            ("sync_error", Some(s("oops"))),
            ("attempts", Some(n(-1))),
            ("fence", None),
        ] {
            let mut item = row(&full());
            match value.clone() {
                Some(value) => item.insert(name.to_owned(), value),
                None => item.remove(name),
            };
            assert!(matches!(read(&item), Err(StoreError::Malformed(_))), "{name}: {value:?}");
        }
    }

    async fn save(table: &Table, connection: &Connection) {
        let talent = HashMap::from([
            ("pk".to_owned(), s(keys::talent_pk(&connection.workspace, &connection.talent))),
            ("sk".to_owned(), s(keys::TALENT_SK)),
            ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ]);
        table.put(talent).await.unwrap();
        let outcome =
            insert(table.transaction(), table, connection, connection.created_at).unwrap().commit().await.unwrap();
        assert!(outcome.is_done(), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_list_shows_what_a_single_read_shows() {
        let (table, connection) = (table().await, full());
        assert_eq!(list(&table, &connection.workspace, &connection.talent).await.unwrap(), None);
        save(&table, &connection).await;
        let one = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap().connection;
        assert_eq!(one, connection);
        let listed = list(&table, &connection.workspace, &connection.talent).await.unwrap().unwrap();
        // Nobody is shown the number of failed attempts.
        assert_eq!(listed, [Connection { attempts: 0, ..connection }]);
    }

    #[tokio::test]
    async fn a_persons_change_leaves_a_renewal_that_came_in_between_as_it_is() {
        let (table, connection) = (table().await, full());
        save(&table, &connection).await;
        let before = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap();
        let renewed = at("2027-01-01T00:00:00Z");
        let (pk, sk) =
            (keys::talent_pk(&connection.workspace, &connection.talent), keys::connection_sk(&connection.id));
        let renewal = table.transaction().update(
            "connection",
            (&pk, &sk),
            "SET token_expires_at = :ends",
            None,
            HashMap::new(),
            HashMap::from([(":ends".to_owned(), s(renewed.to_string()))]),
        );
        assert!(renewal.unwrap().commit().await.unwrap().is_done());
        let after = changed(before.connection.clone(), Change::Resume, at("2026-11-03T00:00:00Z"));
        let change = update(table.transaction(), &table, &before, &after, Some(after.updated_at)).unwrap();
        assert!(change.commit().await.unwrap().is_done());
        let found = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap();
        assert_eq!(found.connection, Connection { token_expires_at: Some(renewed), ..after.clone() });
        assert_eq!(found.fence, before.fence + 1);
        // What was read before the change is no ground for another.
        let late = update(table.transaction(), &table, &before, &after, None).unwrap();
        assert!(changed_in_between(&late.commit().await.unwrap()));
    }

    async fn row_of(table: &Table, connection: &Connection) -> Row {
        get(table, &connection.workspace, &connection.id).await.unwrap().unwrap()
    }

    /// What a sync commits: the row under its fence, and the guards that follow.
    async fn synced(table: &Table, before: &Row, after: &Connection, learned: &Guards) -> Outcome {
        let (pk, sk) = (keys::talent_pk(&after.workspace, &after.talent), keys::connection_sk(&after.id));
        let transaction = table.transaction().update(
            "connection",
            (&pk, &sk),
            "SET card = :card, sync_status = :ready",
            None,
            HashMap::new(),
            HashMap::from([
                (":card".to_owned(), card(after).unwrap()),
                (":ready".to_owned(), s(SyncStatus::Ready.as_str())),
            ]),
        );
        learned.add(transaction.unwrap(), &before.connection, after).unwrap().commit().await.unwrap()
    }

    async fn guards_of(table: &Table, connection: &Connection) -> Vec<(String, String)> {
        let pk = keys::talent_pk(&connection.workspace, &connection.talent);
        let rows = table.query_prefix(&pk, "account#", "v, sk, holder").await.unwrap();
        rows.iter().map(|row| (field(row, "sk").unwrap(), holder_of(row).unwrap().as_str().to_owned())).collect()
    }

    #[tokio::test]
    async fn a_removal_that_meets_a_sync_leaves_no_guard_behind() {
        let (table, connection) = (table().await, bare());
        save(&table, &connection).await;
        let before = row_of(&table, &connection).await;
        let named = Connection { handle: "new".to_owned(), platform_account_id: Some("17".to_owned()), ..bare() };
        assert!(synced(&table, &before, &named, &Guards::default()).await.is_done());
        let late = remove(table.transaction(), &table, &before).await.unwrap().commit().await.unwrap();
        assert!(changed_in_between(&late), "{late:?}");
        let again = row_of(&table, &connection).await;
        assert!(remove(table.transaction(), &table, &again).await.unwrap().commit().await.unwrap().is_done());
        assert_eq!(guards_of(&table, &connection).await, []);
    }

    #[tokio::test]
    async fn a_persons_change_does_not_undo_a_sync_that_found_nothing_new() {
        let (table, connection) = (table().await, full());
        save(&table, &connection).await;
        let before = row_of(&table, &connection).await;
        // Neither fence nor time moves, only the state.
        assert!(synced(&table, &before, &connection, &Guards::default()).await.is_done());
        let after = changed(before.connection.clone(), Change::Sync, at("2026-11-03T00:00:00Z"));
        let late = update(table.transaction(), &table, &before, &after, None).unwrap();
        assert!(changed_in_between(&late.commit().await.unwrap()));
        let late = remove(table.transaction(), &table, &before).await.unwrap();
        assert!(changed_in_between(&late.commit().await.unwrap()));
    }

    #[tokio::test]
    async fn a_handle_follows_its_account_and_an_account_is_held_once() {
        let (table, mut learned) = (table().await, Guards::default());
        let linked = |id: &str, moment: &str, handle: &str| Connection {
            id: ConnectionId::new(&bare().talent, Platform::Instagram, at(moment)),
            handle: handle.to_owned(),
            platform_account_id: Some(id.to_owned()),
            ..bare()
        };
        let (one, two) = (linked("1", "2026-11-01T10:00:00Z", "one"), linked("2", "2026-11-01T11:00:00Z", "two"));
        save(&table, &one).await;
        save(&table, &two).await;
        let (row_one, row_two) = (row_of(&table, &one).await, row_of(&table, &two).await);
        // The first is renamed to the handle of the second, whose own sync comes later.
        let one_now = Connection { handle: "two".to_owned(), ..one.clone() };
        let refused = synced(&table, &row_one, &one_now, &learned).await;
        assert_eq!(learned.learn(&table, &one_now, &refused).await.unwrap(), Lesson::Again);
        assert!(synced(&table, &row_one, &one_now, &learned).await.is_done());
        let mut learned = Guards::default();
        let two_now = Connection { handle: "one".to_owned(), ..two.clone() };
        let refused = synced(&table, &row_two, &two_now, &learned).await;
        assert_eq!(learned.learn(&table, &two_now, &refused).await.unwrap(), Lesson::Again);
        assert!(synced(&table, &row_two, &two_now, &learned).await.is_done());
        let held = |sk: &str, by: &Connection| (format!("account#INSTAGRAM#{sk}"), by.id.as_str().to_owned());
        let expected = [held("handle#one", &two), held("handle#two", &one), held("id#1", &one), held("id#2", &two)];
        assert_eq!(guards_of(&table, &one).await, expected);
        // The account itself is nobody else's.
        let row_two = row_of(&table, &two).await;
        let stolen = Connection { platform_account_id: Some("1".to_owned()), ..two_now };
        let mut learned = Guards::default();
        let refused = synced(&table, &row_two, &stolen, &learned).await;
        assert_eq!(learned.learn(&table, &stolen, &refused).await.unwrap(), Lesson::Duplicate);
        let gone = remove(table.transaction(), &table, &row_of(&table, &one).await).await.unwrap();
        assert!(gone.commit().await.unwrap().is_done());
        assert_eq!(guards_of(&table, &one).await, [held("handle#one", &two), held("id#2", &two)]);
    }
}
