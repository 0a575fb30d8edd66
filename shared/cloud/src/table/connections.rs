//! Connections: the row, its guards, and every transaction that changes them for a person.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::due::{self, WorkKind};
use domain::{Connection, ConnectionId, Platform, SyncEvent, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, field, millis, n, s};
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

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Row, StoreError> {
    Ok(Row {
        connection: serde_dynamo::from_item(item.clone())?,
        fence: field(item, "fence")?,
        found: item.get("found").and_then(|value| value.as_s().ok()).cloned().unwrap_or_default(),
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
    let rows = table.query_prefix(&keys::talent_pk(workspace, talent), keys::TALENT_SK).await?;
    let Some((first, connections)) = rows.split_first() else { return Ok(None) };
    if field::<String>(first, "sk")? != keys::TALENT_SK {
        return Err(StoreError::Malformed("connections without their talent".to_owned()));
    }
    let mut connections =
        connections.iter().map(|item| Ok(read(item)?.connection)).collect::<Result<Vec<_>, StoreError>>()?;
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

/// A condition under which a guard may be written: nobody holds it, or this connection does.
fn or_own(connection: &Connection) -> Option<(&'static str, HashMap<String, AttributeValue>)> {
    Some(("holder = :own", HashMap::from([(":own".to_owned(), s(connection.id.as_str()))])))
}

/// Adds a new connection to a transaction, due at once. Labels: `talent` (unknown), `connection` (the id is taken),
/// `handle` and `account` (another connection of the talent holds the account).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn insert<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    connection: &Connection,
) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::talent_pk(&connection.workspace, &connection.talent);
    let mut item: Item = serde_dynamo::to_item(connection)?;
    item.insert("pk".to_owned(), s(&pk));
    item.insert("sk".to_owned(), s(keys::connection_sk(&connection.id)));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    item.insert("month".to_owned(), s(keys::month_key(&connection.workspace, connection.created_at)));
    item.insert(
        "month_sort".to_owned(),
        s(format!("conn#{}#{}", connection.created_at.as_millisecond(), connection.id)),
    );
    item.extend(crate::work::due_attributes(table, WorkKind::Ingest, connection.id.as_str(), connection.created_at));
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
    let pk = keys::talent_pk(&after.workspace, &after.talent);
    let sk = keys::connection_sk(&after.id);
    let mut expression = String::from("SET fence = fence + :one, claims = :zero");
    let mut names = HashMap::new();
    let mut values = HashMap::from([
        (":one".to_owned(), n(1)),
        (":zero".to_owned(), n(0)),
        (":fence".to_owned(), n(before.fence)),
        (":read_at".to_owned(), s(before.connection.updated_at.to_string())),
    ]);
    let mut row: Item = serde_dynamo::to_item(after)?;
    if let Some(at) = due {
        row.insert("due".to_owned(), s(due::shard(WorkKind::Ingest, after.id.as_str(), table.due_shards())));
        row.insert("due_at".to_owned(), millis(at));
    }
    for (name, value) in row {
        expression.push_str(&format!(", #{name} = :{name}"));
        names.insert(format!("#{name}"), name.clone());
        values.insert(format!(":{name}"), value);
    }
    if due.is_none() {
        expression.push_str(" REMOVE due, due_at");
    }
    let condition = "fence = :fence AND updated_at = :read_at";
    let mut transaction = transaction.update("connection", (&pk, &sk), &expression, Some(condition), names, values)?;
    let (old, new) = (guards(&before.connection), guards(after));
    for (label, item) in &new {
        if !old.iter().any(|(_, had)| had == item) {
            transaction = transaction.put_new(label, item.clone(), or_own(after))?;
        }
    }
    for (_, item) in old.iter().filter(|(_, had)| !new.iter().any(|(_, item)| item == had)) {
        let guard_sk: String = field(item, "sk")?;
        transaction = transaction.delete("old guard", (&pk, &guard_sk), None)?;
    }
    Ok(transaction)
}

/// The guards that a sync has to write and to remove, when it learned the account's id or a new handle.
#[must_use]
pub fn guard_changes(before: &Connection, after: &Connection) -> (Vec<(&'static str, Item)>, Vec<String>) {
    let (old, new) = (guards(before), guards(after));
    let added = new.iter().filter(|pair| !old.contains(pair)).cloned().collect();
    let removed = old
        .iter()
        .filter(|pair| !new.contains(pair))
        .filter_map(|(_, item)| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned())
        .collect();
    (added, removed)
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

/// Removes a connection, its guards and its tokens, and leaves the rest to be erased, in one transaction.
///
/// # Errors
/// [`StoreError`].
pub fn remove<'a>(transaction: Transaction<'a>, connection: &Connection) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::talent_pk(&connection.workspace, &connection.talent);
    let sk = keys::connection_sk(&connection.id);
    let there = Some(("attribute_exists(pk)", HashMap::new()));
    let mut transaction = transaction.delete("connection", (&pk, &sk), there)?;
    for (_, item) in guards(connection) {
        let guard_sk: String = field(&item, "sk")?;
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
