//! Reading connections: one, a talent's, the one that holds an account.

use domain::{Connection, ConnectionId, Platform, TalentId, WorkspaceId};

use super::guards::holder_of;
use super::row::{LISTED, Row, connection, read};
use crate::table::client::{StoreError, Table};
use crate::table::keys;

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
