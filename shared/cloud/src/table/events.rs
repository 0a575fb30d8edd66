//! What the outside is to be told: a row in the transaction of the change, so that no event is lost and none is made up.

use std::collections::HashMap;

use domain::WorkspaceId;
use domain::due::WorkKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Item, StoreError, Table, demand, from_json, json, n, s};
use super::keys;
use super::transact::Transaction;
use crate::doorbell::Ring;
use crate::work::{FENCED, Token};

/// Something that happened. It is told at least once, always with the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id; a receiver drops what it has seen.
    pub id: String,
    /// `post.published`, `connection.needs_reconnect`, …
    pub name: String,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// When it happened.
    pub at: Timestamp,
    /// What a receiver needs to know; no text of a post, nothing secret.
    pub detail: Value,
}

/// Adds an event to the transaction of what caused it (label `event`), due at once.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn add<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    pk: &str,
    event: &Event,
) -> Result<Transaction<'a>, StoreError> {
    let mut item: Item = HashMap::from([
        ("pk".to_owned(), s(pk)),
        ("sk".to_owned(), s(keys::event_sk(&event.id))),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(event.workspace.as_str())),
        ("event".to_owned(), json(event)?),
    ]);
    item.extend(crate::work::due_attributes(table, WorkKind::Notify, &event.id, event.at));
    transaction.put("event", item)
}

/// The ring for telling it.
#[must_use]
pub fn ring(pk: &str, event: &Event) -> Ring {
    Ring { kind: WorkKind::Notify, pk: pk.to_owned(), sk: keys::event_sk(&event.id) }
}

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Event, StoreError> {
    demand(from_json(item, "event")?, "event")
}

/// Forgets an event that was told; false when the token is lost.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(table: &Table, token: &Token) -> Result<bool, StoreError> {
    let values = HashMap::from([(":token".to_owned(), n(token.fence))]);
    let change = table.transaction().delete("event", (&token.pk, &token.sk), Some((FENCED, values)))?;
    Ok(change.commit().await?.is_done())
}
