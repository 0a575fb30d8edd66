//! Posts: what a person wrote, with the state of each delivery and one version for all of it.

use std::collections::HashMap;

use domain::{Post, PostId, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, from_json, json, n, number, s, text};
use super::deliveries::{self, Row};
use super::months::{month_number, previous_month};
use super::transact::Transaction;
use super::{keys, talents};

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Post, StoreError> {
    let mut post: Post = demand(from_json(item, "shown")?, "shown")?;
    post.version = demand(number(item, "version")?, "version")?;
    Ok(post)
}

/// One post without its deliveries' own rows.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId, id: &PostId) -> Result<Option<Post>, StoreError> {
    table.get(&keys::post_pk(workspace, id), keys::POST_SK).await?.map(|item| read(&item)).transpose()
}

/// What is read of a post and of its deliveries.
const WHOLE: &str = "v, sk, shown, version, card, sealed, fence, claims";

/// One post with the rows of its deliveries, in their order. One query.
///
/// # Errors
/// [`StoreError`].
pub async fn get_whole(
    table: &Table,
    workspace: &WorkspaceId,
    id: &PostId,
) -> Result<Option<(Post, Vec<Row>)>, StoreError> {
    let rows = table.query_prefix(&keys::post_pk(workspace, id), keys::POST_SK, WHOLE).await?;
    let Some((first, rest)) = rows.split_first() else { return Ok(None) };
    if text(first, "sk")? != Some(keys::POST_SK) {
        return Err(StoreError::Malformed("deliveries without their post".to_owned()));
    }
    let deliveries: Result<Vec<Row>, StoreError> = rest.iter().map(deliveries::read).collect();
    Ok(Some((read(first)?, deliveries?)))
}

/// Adds a new post to a transaction (label `post`).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn put<'a>(transaction: Transaction<'a>, post: &Post) -> Result<Transaction<'a>, StoreError> {
    let at = post.id.written_at();
    let item: Item = HashMap::from([
        ("pk".to_owned(), s(keys::post_pk(&post.workspace, &post.id))),
        ("sk".to_owned(), s(keys::POST_SK)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(post.workspace.as_str())),
        ("version".to_owned(), n(post.version)),
        ("shown".to_owned(), json(post)?),
        ("month".to_owned(), s(keys::month_key(&post.workspace, at))),
        ("talent_month".to_owned(), s(keys::talent_month_key(&post.workspace, &post.talent, at))),
        ("month_sort".to_owned(), s(keys::post_sort(&post.id))),
    ]);
    transaction.put_new("post", item, None)
}

/// Adds a changed post to a transaction (label `post`), if its row is still the version that was read. The version
/// goes up by one, in the row and in `post`.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn update<'a>(transaction: Transaction<'a>, post: &mut Post) -> Result<Transaction<'a>, StoreError> {
    let before = post.version;
    post.version += 1;
    let key = keys::post_pk(&post.workspace, &post.id);
    transaction.update(
        "post",
        (&key, keys::POST_SK),
        "SET shown = :shown, version = :after",
        Some("version = :before"),
        HashMap::new(),
        HashMap::from([
            (":shown".to_owned(), json(post)?),
            (":before".to_owned(), n(before)),
            (":after".to_owned(), n(post.version)),
        ]),
    )
}

/// Adds the removal of a post to a transaction (label `post`), if its row is still the version that was read.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn remove<'a>(transaction: Transaction<'a>, post: &Post) -> Result<Transaction<'a>, StoreError> {
    let key = keys::post_pk(&post.workspace, &post.id);
    let version = HashMap::from([(":before".to_owned(), n(post.version))]);
    transaction.delete("post", (&key, keys::POST_SK), Some(("version = :before", version)))
}

/// Whose posts are listed.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// Everybody's in the workspace.
    Workspace,
    /// One talent's.
    Talent(&'a TalentId),
}

/// Where a list of posts goes on: after this post, or from the month of an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The last instant of the month that is read next, in seconds.
    month: i64,
    /// The last post that was read in it.
    last: Option<PostId>,
}

/// How many rows one request looks at at most before it answers what it has, with a cursor.
const MOST_LOOKED_AT: usize = 2_000;

/// One page of posts that `wanted` accepts, newest first, written between `from` and `until`.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    table: &Table,
    workspace: &WorkspaceId,
    of: Of<'_>,
    (from, until): (Option<Timestamp>, Timestamp),
    limit: u32,
    position: Option<Position>,
    wanted: impl Fn(&Post) -> bool,
) -> Result<(Vec<Post>, Option<Position>), StoreError> {
    let Some(first) = talents::first_month(table, workspace).await? else { return Ok((Vec::new(), None)) };
    let first = from.map_or(first, |from| from.max(first));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut posts, mut looked_at) = (Vec::new(), 0);
    let mut at = position.unwrap_or(Position { month: until.as_second(), last: None });
    loop {
        let month = Timestamp::from_second(at.month).map_err(|error| StoreError::Malformed(error.to_string()))?;
        let (index, name, key) = match of {
            Of::Workspace => ("by_workspace", "month", keys::month_key(workspace, month)),
            Of::Talent(talent) => ("by_talent", "talent_month", keys::talent_month_key(workspace, talent, month)),
        };
        let start = at.last.take().map(|id| {
            HashMap::from([
                ("pk".to_owned(), s(keys::post_pk(workspace, &id))),
                ("sk".to_owned(), s(keys::POST_SK)),
                (name.to_owned(), s(&key)),
                ("month_sort".to_owned(), s(keys::post_sort(&id))),
            ])
        });
        let (rows, more) = page(table, index, (name, &key), limit.clamp(20, 200), start).await?;
        looked_at += rows.len();
        let (mut last, mut read) = (None, 0);
        for row in &rows {
            read += 1;
            let post: Post = demand(from_json(row, "shown")?, "shown")?;
            let written = post.id.written_at();
            last = Some(post.id.clone());
            if written <= until && from.is_none_or(|from| written >= from) && wanted(&post) {
                posts.push(post);
                if posts.len() == limit {
                    break;
                }
            }
        }
        let full = posts.len() >= limit;
        let unread = more || read < rows.len();
        at = if unread {
            Position { month: at.month, last }
        } else {
            match previous_month(month).filter(|previous| month_number(*previous) >= month_number(first)) {
                None => return Ok((posts, None)),
                Some(previous) => Position { month: previous.as_second(), last: None },
            }
        };
        if full || looked_at >= MOST_LOOKED_AT {
            return Ok((posts, Some(at)));
        }
    }
}

async fn page(
    table: &Table,
    index: &str,
    (name, key): (&str, &str),
    limit: usize,
    start: Option<Item>,
) -> Result<(Vec<Item>, bool), StoreError> {
    let answer = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(index)
        .key_condition_expression("#key = :key AND begins_with(month_sort, :prefix)")
        .expression_attribute_names("#key", name)
        .expression_attribute_values(":key", s(key))
        .expression_attribute_values(":prefix", s(keys::POST_SORT_PREFIX))
        .scan_index_forward(false)
        .limit(i32::try_from(limit).unwrap_or(200))
        .set_exclusive_start_key(start)
        .send()
        .await?;
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.is_some()))
}

impl Position {
    /// Whether [`list`] can have made it by `now`: a cursor is plain text, so anyone can write one.
    #[must_use]
    pub fn is_possible(&self, now: Timestamp) -> bool {
        (0..=now.as_second()).contains(&self.month)
    }
}
