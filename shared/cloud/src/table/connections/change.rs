//! What a person changes: a new connection, and every change of one that is there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::due::{self, WorkKind};
use domain::{Connection, SyncEvent};
use jiff::Timestamp;

use super::guards::{Guards, guards};
use super::row::{Row, attributes};
use crate::table::client::{Item, StoreError, Table, millis, n, s};
use crate::table::keys;
use crate::table::transact::{Outcome, Transaction};

/// The condition of a person's change: nobody changed the row since it was read. A sync that found nothing new changes
/// neither fence nor time, only the state.
pub(super) const AS_READ: &str = "fence = :fence AND updated_at = :read_at AND sync_status = :read_status";

pub(super) fn as_read(row: &Row) -> HashMap<String, AttributeValue> {
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

/// Whether an outcome says that somebody changed the row in between, so that it has to be read again.
#[must_use]
pub fn changed_in_between(outcome: &Outcome) -> bool {
    outcome.refusal("connection").is_some() || outcome.refusal("tokens").is_some()
}
