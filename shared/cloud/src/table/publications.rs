//! What stands on the platforms, as the last look found it.

use std::collections::HashMap;

use domain::{Connection, ConnectionId, Publication, WorkspaceId};
use jiff::Timestamp;

use super::client::{Item, StoreError, Table, n, s};
use super::keys;
use crate::work::{FENCED, Token};

/// How many publications one transaction writes; the hundredth part is the fence.
const PER_TRANSACTION: usize = 99;

/// The publications of a connection, oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(table: &Table, workspace: &WorkspaceId, id: &ConnectionId) -> Result<Vec<Publication>, StoreError> {
    let rows = table.query_prefix(&keys::connection_pk(workspace, id), keys::PUBLICATION_PREFIX).await?;
    rows.into_iter().map(|item| Ok(serde_dynamo::from_item(item)?)).collect()
}

/// Writes what changed, under the token of the sync that found it. Answers false when the token is lost; what was
/// written before that is the truth of this look all the same.
///
/// # Errors
/// [`StoreError`].
pub async fn write(
    table: &Table,
    connection: &Connection,
    changed: &[&Publication],
    token: &Token,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let pk = keys::connection_pk(&connection.workspace, &connection.id);
    for chunk in changed.chunks(PER_TRANSACTION) {
        let held = HashMap::from([(":token".to_owned(), n(token.fence))]);
        let mut transaction = table.transaction().check("fence", (&token.pk, &token.sk), FENCED, held)?;
        for publication in chunk {
            let mut item: Item = serde_dynamo::to_item(publication)?;
            item.insert("pk".to_owned(), s(&pk));
            item.insert("sk".to_owned(), s(keys::publication_sk(publication.posted_at, &publication.external_id)));
            item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
            item.insert("last_synced_at".to_owned(), s(now.to_string()));
            transaction = transaction.put("publication", item)?;
        }
        if !transaction.commit().await?.is_done() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes up to `limit` publications of a connection that is gone; answers whether any may be left.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(table: &Table, pk: &str, limit: i32) -> Result<bool, StoreError> {
    use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
    let page = table
        .client
        .query()
        .table_name(&table.name)
        .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_values(":pk", s(pk))
        .expression_attribute_values(":prefix", s(keys::PUBLICATION_PREFIX))
        .projection_expression("pk, sk")
        .consistent_read(true)
        .limit(limit)
        .send()
        .await?;
    let rows = page.items.unwrap_or_default();
    for chunk in rows.chunks(25) {
        let deletes: Result<Vec<WriteRequest>, StoreError> = chunk
            .iter()
            .map(|row| {
                let request = DeleteRequest::builder().set_key(Some(row.clone())).build()?;
                Ok(WriteRequest::builder().delete_request(request).build())
            })
            .collect();
        // What DynamoDB leaves unprocessed is found again by the next page of the same work.
        table.client.batch_write_item().request_items(&table.name, deletes?).send().await?;
    }
    Ok(!rows.is_empty())
}
