//! A connection's end: its row and guards go, and what is left to revoke and to erase becomes work.

use std::collections::HashMap;

use domain::due::WorkKind;
use domain::{Connection, ConnectionId, Platform, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::{AS_READ, as_read};
use super::guards::{guards, holder_of};
use super::row::Row;
use crate::doorbell::Ring;
use crate::table::client::{Item, StoreError, Table, field, n, s};
use crate::table::keys;
use crate::table::tokens::{self, TokensRow};
use crate::table::transact::Transaction;
use crate::vault::Sealed;

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
