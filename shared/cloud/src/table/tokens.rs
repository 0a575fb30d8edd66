//! The sealed tokens of a connection, and the work of renewing them in time.

use std::collections::HashMap;

use domain::due::WorkKind;
use domain::{Connection, ConnectionId, Platform, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, n, s};
use super::keys;
use super::transact::Transaction;
use crate::doorbell::Ring;
use crate::vault::Sealed;
use crate::work::{Finish, Next};

/// The row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokensRow {
    /// Whose tokens: the workspace.
    pub workspace: WorkspaceId,
    /// Whose tokens: the talent, in whose partition the connection stands.
    pub talent: TalentId,
    /// Whose tokens: the connection.
    pub connection: ConnectionId,
    /// The platform that issued them.
    pub platform: Platform,
    /// The tokens.
    pub sealed: Sealed,
    /// When the access token dies.
    pub expires_at: Option<Timestamp>,
    /// Failed renewals in a row.
    #[serde(default)]
    pub attempts: u32,
    /// The number of the last claim; a renewal holds the row while `due_at` is its lease's end.
    #[serde(default)]
    pub fence: u64,
}

/// The ring for a renewal.
#[must_use]
pub fn refresh_ring(workspace: &WorkspaceId, id: &ConnectionId) -> Ring {
    Ring { kind: WorkKind::Refresh, pk: keys::connection_pk(workspace, id), sk: keys::TOKENS_SK.to_owned() }
}

/// Reads the tokens of a connection.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId, id: &ConnectionId) -> Result<Option<TokensRow>, StoreError> {
    let row = table.get(&keys::connection_pk(workspace, id), keys::TOKENS_SK).await?;
    row.map(|item| read(&item)).transpose()
}

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<TokensRow, StoreError> {
    Ok(serde_dynamo::from_item(item.clone())?)
}

/// Adds the first tokens of a connection, or new ones in place of old ones, to a transaction (label `tokens`).
/// The fence goes on counting, so a renewal of the old tokens that is under way loses its right to write.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn store<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    connection: &Connection,
    sealed: &Sealed,
    expires_at: Option<Timestamp>,
    renew_at: Option<Timestamp>,
) -> Result<Transaction<'a>, StoreError> {
    let row = TokensRow {
        workspace: connection.workspace.clone(),
        talent: connection.talent.clone(),
        connection: connection.id.clone(),
        platform: connection.platform,
        sealed: sealed.clone(),
        expires_at,
        attempts: 0,
        fence: 0,
    };
    let mut item: Item = serde_dynamo::to_item(row)?;
    item.remove("fence");
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    item.insert("claims".to_owned(), n(0));
    let mut expression = String::from("SET fence = if_not_exists(fence, :zero) + :one");
    let (mut names, mut values) =
        (HashMap::new(), HashMap::from([(":zero".to_owned(), n(0)), (":one".to_owned(), n(1))]));
    if let Some(at) = renew_at {
        item.insert(
            "due".to_owned(),
            s(domain::due::shard(WorkKind::Refresh, connection.id.as_str(), table.due_shards())),
        );
        item.insert("due_at".to_owned(), super::client::millis(at));
    }
    for (name, value) in item {
        expression.push_str(&format!(", #{name} = :{name}"));
        names.insert(format!("#{name}"), name.clone());
        values.insert(format!(":{name}"), value);
    }
    if renew_at.is_none() {
        expression.push_str(" REMOVE due, due_at");
    }
    let pk = keys::connection_pk(&connection.workspace, &connection.id);
    transaction.update("tokens", (&pk, keys::TOKENS_SK), &expression, None, names, values)
}

/// The outcome of a renewal, for the row it was claimed on.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn renewed(
    sealed: &Sealed,
    expires_at: Option<Timestamp>,
    renew_at: Option<Timestamp>,
) -> Result<Finish, StoreError> {
    Finish::outcome(renew_at.map_or(Next::Never, Next::At))
        .set("attempts", n(0))
        .set_value("sealed", sealed)?
        .set_value("expires_at", &expires_at)
}

/// Takes the tokens out of their row in a transaction (label `tokens`), if they are still the ones that were read.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn take<'a>(transaction: Transaction<'a>, row: &TokensRow) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::connection_pk(&row.workspace, &row.connection);
    let same = HashMap::from([(":fence".to_owned(), n(row.fence))]);
    transaction.delete("tokens", (&pk, keys::TOKENS_SK), Some(("fence = :fence", same)))
}
