//! The looks at posts: one row for each post, which holds its whole course.
//!
//! The ladder bounds how many looks there are (`domain::analytics::ladder`), so a row stays under a few kilobytes, one read
//! answers for a post, and the rows go by themselves two years after the post went out.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::analytics::History;
use domain::analytics::span::KEPT;
use domain::{ConnectionId, WorkspaceId};
use jiff::Timestamp;

use super::client::{Item, StoreError, Table, demand, from_json, json, millis, n, number, s, text};
use super::keys;
use super::transact::Transaction;

/// The looks at one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The platform's own id of the post.
    pub external_id: String,
    /// When it went out.
    pub posted_at: Timestamp,
    /// What was seen.
    pub history: History,
    /// When it is looked at next; `None`: not any more.
    pub next_at: Option<Timestamp>,
    /// Whether the platform said that it is not there any more.
    pub gone: bool,
}

fn read(item: &Item) -> Result<Looks, StoreError> {
    let sk = demand(text(item, "sk")?, "sk")?;
    let parts = sk.strip_prefix(keys::LOOKS_PREFIX).and_then(|rest| rest.split_once('#'));
    let (posted_at, external_id) = demand(parts, "sk")?;
    let posted_at = posted_at.parse().map_err(|_| StoreError::Malformed("sk holds no time".to_owned()))?;
    let next_at = number(item, "next_at")?.map(Timestamp::from_millisecond).transpose();
    Ok(Looks {
        external_id: external_id.to_owned(),
        posted_at,
        history: demand(from_json(item, "looks")?, "looks")?,
        next_at: next_at.map_err(|error| StoreError::Malformed(format!("next_at: {error}")))?,
        gone: matches!(item.get("gone"), Some(AttributeValue::Bool(true))),
    })
}

/// The looks at an account's posts that went out from `from` to `to`, by time.
///
/// # Errors
/// [`StoreError`].
pub async fn between(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Looks>, StoreError> {
    let pk = keys::connection_pk(workspace, id);
    // `~` stands behind every id of that second.
    let span = (keys::looks_from(from), format!("{}~", keys::looks_from(to)));
    let rows = table.query_between(&pk, (&span.0, &span.1), "v, sk, looks, next_at, gone").await?;
    rows.iter().map(read).collect()
}

/// Adds the looks at a post to a transaction. The caller's fence is in it.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn put<'a>(
    transaction: Transaction<'a>,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    looks: &Looks,
) -> Result<Transaction<'a>, StoreError> {
    let mut item: Item = HashMap::from([
        ("pk".to_owned(), s(keys::connection_pk(workspace, id))),
        ("sk".to_owned(), s(keys::looks_sk(looks.posted_at, &looks.external_id))),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("looks".to_owned(), json(&looks.history)?),
        ("ttl".to_owned(), n(looks.posted_at.saturating_add(KEPT).unwrap_or(looks.posted_at).as_second())),
    ]);
    item.extend(looks.next_at.map(|at| ("next_at".to_owned(), millis(at))));
    if looks.gone {
        item.insert("gone".to_owned(), AttributeValue::Bool(true));
    }
    transaction.put("looks", item)
}

#[cfg(test)]
mod tests {
    use domain::Metric;
    use domain::analytics::Look;
    use domain::publication::Metrics;

    use super::*;
    use crate::testing::table;

    fn looks(id: &str, posted_at: &str, likes: u64) -> Looks {
        let posted_at: Timestamp = posted_at.parse().unwrap();
        let metrics = Metrics { likes: Metric::Count(likes), views: Metric::Pending, ..Metrics::default() };
        let at = Timestamp::from_second(1_793_600_000).unwrap();
        let history = History(vec![Look { at, metrics }]);
        Looks { external_id: id.to_owned(), posted_at, history, next_at: Some(at), gone: false }
    }

    #[tokio::test]
    async fn looks_are_read_back_by_the_time_of_their_posts() {
        let (table, workspace) = (table().await, WorkspaceId::parse("w").unwrap());
        let id = ConnectionId::parse("conn_ann_INSTAGRAM_1790000000000".to_owned()).unwrap();
        let mut all = vec![
            looks("at://did/app.bsky.feed.post/3k#x", "2026-11-01T10:00:00Z", 1),
            looks("2", "2026-11-02T10:00:00Z", 2),
            looks("3", "2026-11-03T10:00:00Z", 3),
        ];
        all[1].next_at = None;
        all[1].gone = true;
        for looks in &all {
            let written = put(table.transaction(), &workspace, &id, looks).unwrap().commit().await.unwrap();
            assert!(written.is_done());
        }
        let read = async |from: &str, to: &str| {
            between(&table, &workspace, &id, from.parse().unwrap(), to.parse().unwrap()).await.unwrap()
        };
        assert_eq!(read("2026-11-01T10:00:00Z", "2026-11-03T10:00:00Z").await, all);
        assert_eq!(read("2026-11-01T10:00:01Z", "2026-11-03T09:59:59Z").await, all[1..2]);
    }
}
