//! What stands on the platforms, as the last look found it.

use std::collections::HashMap;

use domain::{Connection, ConnectionId, Publication, WorkspaceId};
use jiff::Timestamp;

use super::client::{Item, StoreError, Table, demand, from_json, n, parsed, s, text};
use super::keys;
use crate::work::{FENCED, Token};

/// How many publications one transaction writes; the hundredth part is the fence.
const PER_TRANSACTION: usize = 99;

/// A publication as its row holds it: everything that readers need, as JSON text in one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    sk: String,
    json: String,
}

impl Shown {
    /// What the row of a publication holds.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn of(publication: &Publication) -> Result<Self, StoreError> {
        let json = serde_json::to_string(publication).map_err(|error| StoreError::Malformed(error.to_string()))?;
        Ok(Self { sk: keys::publication_sk(publication.posted_at, &publication.external_id), json })
    }

    /// The text, in which two looks at a publication that changed nothing are equal.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// The ids and times of an account's publications that went out from `from` to `to`, by time.
///
/// # Errors
/// [`StoreError`].
pub async fn known(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, String)>, StoreError> {
    let rows = rows(table, workspace, id, from, to, "v, sk").await?;
    rows.iter().map(|row| named(demand(text(row, "sk")?, "sk")?)).collect()
}

/// An account's publications that went out from `from` to `to`, by time, each with when it was read.
///
/// # Errors
/// [`StoreError`].
pub async fn between(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Publication, Timestamp)>, StoreError> {
    let rows = rows(table, workspace, id, from, to, "v, shown, last_synced_at").await?;
    let read = |row: &Item| {
        let publication = demand(from_json(row, "shown")?, "shown")?;
        Ok((publication, demand(parsed(row, "last_synced_at")?, "last_synced_at")?))
    };
    rows.iter().map(read).collect()
}

/// An account's newest publications, newest first, before the one that `before` names; at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn newest(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    before: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<(Publication, Timestamp)>, StoreError> {
    let pk = keys::connection_pk(workspace, id);
    let last = before.map_or_else(|| format!("{}~", keys::PUBLICATION_PREFIX), |(at, id)| keys::publication_sk(at, id));
    let answer = table
        .client
        .query()
        .table_name(&table.name)
        .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
        .expression_attribute_values(":pk", s(pk))
        .expression_attribute_values(":first", s(keys::PUBLICATION_PREFIX))
        .expression_attribute_values(":last", s(&last))
        .projection_expression("sk, shown, last_synced_at")
        .consistent_read(true)
        .scan_index_forward(false)
        // The one that `before` names is read again.
        .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX))
        .send()
        .await?;
    let mut found = Vec::new();
    for row in answer.items.unwrap_or_default() {
        if text(&row, "sk")? != Some(last.as_str()) {
            let publication = demand(from_json(&row, "shown")?, "shown")?;
            found.push((publication, demand(parsed(&row, "last_synced_at")?, "last_synced_at")?));
        }
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

async fn rows(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    from: Timestamp,
    to: Timestamp,
    attributes: &str,
) -> Result<Vec<Item>, StoreError> {
    let (first, last) = (keys::publication_sk(from, ""), keys::publication_sk(to, "~"));
    table.query_between(&keys::connection_pk(workspace, id), (first.trim_end_matches('#'), &last), attributes).await
}

fn named(sk: &str) -> Result<(Timestamp, String), StoreError> {
    let parts = sk.strip_prefix(keys::PUBLICATION_PREFIX).and_then(|rest| rest.split_once('#'));
    let (at, id) = demand(parts, "sk")?;
    let at = at.parse().map_err(|_| StoreError::Malformed("sk holds no time".to_owned()))?;
    Ok((at, id.to_owned()))
}

/// The publications of `found` that the table does not hold just so.
///
/// # Errors
/// [`StoreError`].
pub async fn changed(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    mut found: Vec<Shown>,
) -> Result<Vec<Shown>, StoreError> {
    let pk = keys::connection_pk(workspace, id);
    let sort_keys = || found.iter().map(|shown| shown.sk.as_str());
    // What stands before or after everything that was found can equal none of it.
    let Some(span) = sort_keys().min().zip(sort_keys().max()) else { return Ok(found) };
    let stored = table.query_between(&pk, span, "v, sk, shown").await?;
    let mut held = HashMap::with_capacity(stored.len());
    for row in &stored {
        held.insert(text(row, "sk")?, text(row, "shown")?);
    }
    found.retain(|shown| held.get(&Some(shown.sk.as_str())) != Some(&Some(shown.json.as_str())));
    Ok(found)
}

/// Writes what changed, under the token of the sync that found it. Answers false when the token is lost; what was
/// written before that is the truth of this look all the same.
///
/// # Errors
/// [`StoreError`].
pub async fn write(
    table: &Table,
    connection: &Connection,
    mut changed: Vec<Shown>,
    token: &Token,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let pk = keys::connection_pk(&connection.workspace, &connection.id);
    while !changed.is_empty() {
        let held = HashMap::from([(":token".to_owned(), n(token.fence))]);
        let mut transaction = table.transaction().check("fence", (&token.pk, &token.sk), FENCED, held)?;
        for shown in changed.drain(..changed.len().min(PER_TRANSACTION)) {
            let item = HashMap::from([
                ("pk".to_owned(), s(&pk)),
                ("sk".to_owned(), s(shown.sk)),
                ("v".to_owned(), n(keys::SCHEMA_VERSION)),
                ("last_synced_at".to_owned(), s(now.to_string())),
                ("shown".to_owned(), s(shown.json)),
            ]);
            transaction = transaction.put("publication", item)?;
        }
        if !transaction.commit().await?.is_done() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes up to `limit` of the rows of a connection that is gone whose sort keys begin with `prefix`; answers whether any
/// may be left.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(table: &Table, pk: &str, prefix: &str, limit: i32) -> Result<bool, StoreError> {
    use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
    let page = table
        .client
        .query()
        .table_name(&table.name)
        .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_values(":pk", s(pk))
        .expression_attribute_values(":prefix", s(prefix))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    fn shown(day: u32, json: &str) -> Shown {
        Shown { sk: format!("pub#2026-11-{day:02}T10:00:00Z#{day}"), json: json.to_owned() }
    }

    #[tokio::test]
    async fn what_is_stored_just_so_has_not_changed() {
        let (table, workspace) = (table().await, WorkspaceId::parse("w").unwrap());
        let id = ConnectionId::parse("conn_ann_INSTAGRAM_1790000000000".to_owned()).unwrap();
        for Shown { sk, json } in (1..=9).map(|day| shown(day, "old")) {
            let pk = keys::connection_pk(&workspace, &id);
            let item = [("pk", pk), ("sk", sk), ("shown", json)].map(|(name, text)| (name.to_owned(), s(text)));
            table.put(item.into()).await.unwrap();
        }
        let found = vec![shown(8, "old"), shown(7, "new"), shown(5, "old"), shown(12, "old")];
        let news = changed(&table, &workspace, &id, found).await.unwrap();
        assert_eq!(news, [shown(7, "new"), shown(12, "old")]);
        assert_eq!(changed(&table, &workspace, &id, Vec::new()).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_row_that_the_table_refuses_is_no_outage() {
        let table = table().await;
        let large = [("pk", "p".to_owned()), ("sk", "s".to_owned()), ("shown", "x".repeat(500_000))];
        let large = large.map(|(name, text)| (name.to_owned(), s(text)));
        let alone = table.put(large.clone().into()).await;
        assert!(matches!(alone, Err(StoreError::Malformed(_))), "{alone:?}");
        let together = table.transaction().put("publication", large.into()).unwrap().commit().await;
        assert!(matches!(together, Err(StoreError::Malformed(_))), "{together:?}");
    }
}
