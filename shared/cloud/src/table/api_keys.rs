//! The API keys of a workspace. A key's own row stands under its hash, which is all that a request knows; beside it a
//! row of the workspace names the hash, by which keys are listed and revoked.

use std::collections::HashMap;

use domain::WorkspaceId;
use jiff::Timestamp;

use super::client::{Item, StoreError, Table, field, n, s};
use super::idempotency::IdempotencyKey;
use super::keys;
use super::transact::Outcome;
use crate::audit::Audit;
use crate::auth::ApiKeyRow;

/// How many keys a workspace may have.
pub const MOST: usize = 100;

/// Writes a new key.
///
/// # Errors
/// [`StoreError`].
pub async fn put(
    table: &Table,
    row: &ApiKeyRow,
    hash: &str,
    audit: &Audit,
    idempotency: Option<(&IdempotencyKey, u16, &str)>,
) -> Result<Outcome, StoreError> {
    let mut named: Item = HashMap::from([
        ("pk".to_owned(), s(keys::workspace_pk(&row.workspace))),
        ("sk".to_owned(), s(keys::api_key_sk(row.id.as_str()))),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(row.workspace.as_str())),
        ("key_hash".to_owned(), s(hash)),
    ]);
    named.extend(row.expires_at.map(|at| ("ttl".to_owned(), n(at.as_second()))));
    let mut transaction = table.transaction().put_new("key", row.item(hash)?, None)?.put("name", named)?;
    transaction = audit.add(transaction)?;
    if let Some((key, status, response)) = idempotency {
        transaction = key.add(transaction, status, response)?;
    }
    transaction.commit().await
}

/// The keys of a workspace that live at `now`, in no order. The table removes dead rows late.
///
/// # Errors
/// [`StoreError`].
pub async fn list(table: &Table, workspace: &WorkspaceId, now: Timestamp) -> Result<Vec<ApiKeyRow>, StoreError> {
    let named = table.query_prefix(&keys::workspace_pk(workspace), keys::API_KEY_PREFIX, "v, key_hash").await?;
    let wanted: Result<Vec<_>, StoreError> = named
        .iter()
        .map(|row| Ok((keys::api_key_pk(&field::<String>(row, "key_hash")?), keys::ONLY_SK.to_owned())))
        .collect();
    let mut found = Vec::new();
    for chunk in wanted?.chunks(MOST) {
        for row in table.get_many(chunk).await? {
            found.push(serde_dynamo::from_item::<_, ApiKeyRow>(row)?);
        }
    }
    found.retain(|row| row.expires_at.is_none_or(|at| at > now));
    Ok(found)
}

/// Removes a key, which is dead at once; `None` when the workspace has none of this id.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(
    table: &Table,
    workspace: &WorkspaceId,
    id: &str,
    audit: &Audit,
    idempotency: Option<(&IdempotencyKey, u16, &str)>,
) -> Result<Option<Outcome>, StoreError> {
    let (pk, sk) = (keys::workspace_pk(workspace), keys::api_key_sk(id));
    let Some(named) = table.get(&pk, &sk).await? else { return Ok(None) };
    let hash: String = field(&named, "key_hash")?;
    let is_there = ("attribute_exists(pk)", HashMap::new());
    let mut transaction = table.transaction().delete("name", (&pk, &sk), Some(is_there))?.delete(
        "key",
        (&keys::api_key_pk(&hash), keys::ONLY_SK),
        None,
    )?;
    transaction = audit.add(transaction)?;
    if let Some((key, status, response)) = idempotency {
        transaction = key.add(transaction, status, response)?;
    }
    let outcome = transaction.commit().await?;
    Ok((outcome.refusal("name").is_none()).then_some(outcome))
}
