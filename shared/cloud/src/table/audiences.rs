//! Who follows an account: one row for each look, two years long.

use std::collections::HashMap;

use domain::analytics::Audience;
use domain::analytics::span::KEPT;
use domain::{ConnectionId, WorkspaceId};
use jiff::Timestamp;

use super::client::{StoreError, Table, demand, from_json, json, n, parsed, s};
use super::keys;
use super::transact::Transaction;

/// Adds an audience to a transaction; a second look on the same day replaces the first.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn put<'a>(
    transaction: Transaction<'a>,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    audience: &Audience,
    at: Timestamp,
) -> Result<Transaction<'a>, StoreError> {
    let item = HashMap::from([
        ("pk".to_owned(), s(keys::connection_pk(workspace, id))),
        ("sk".to_owned(), s(keys::audience_sk(&at.strftime("%Y-%m-%d").to_string()))),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("at".to_owned(), s(at.to_string())),
        ("shown".to_owned(), json(audience)?),
        ("ttl".to_owned(), n(at.saturating_add(KEPT).unwrap_or(at).as_second())),
    ]);
    transaction.put("audience", item)
}

/// The newest audience of an account, and when it was read.
///
/// # Errors
/// [`StoreError`].
pub async fn newest(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
) -> Result<Option<(Audience, Timestamp)>, StoreError> {
    let row = table.last_of(&keys::connection_pk(workspace, id), keys::AUDIENCE_PREFIX).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((demand(from_json(&row, "shown")?, "shown")?, demand(parsed(&row, "at")?, "at")?)))
}

#[cfg(test)]
mod tests {
    use domain::analytics::Shares;

    use super::*;
    use crate::testing::{connection, table};

    #[tokio::test]
    async fn the_newest_audience_is_shown() {
        let (table, connection) = (table().await, connection());
        let (workspace, id) = (&connection.workspace, &connection.id);
        assert_eq!(newest(&table, workspace, id).await.unwrap(), None);
        for (at, share) in [("2026-11-01T00:00:00Z", 60.0), ("2026-11-08T00:00:00Z", 61.0)] {
            let genders = Shares::Known(vec![("female".to_owned(), share)]);
            let audience = Audience { genders, ..Audience::default() };
            let written = put(table.transaction(), workspace, id, &audience, at.parse().unwrap()).unwrap();
            assert!(written.commit().await.unwrap().is_done());
        }
        let (audience, at) = newest(&table, workspace, id).await.unwrap().unwrap();
        assert_eq!(at.to_string(), "2026-11-08T00:00:00Z");
        assert_eq!(audience.genders, Shares::Known(vec![("female".to_owned(), 61.0)]));
    }
}
