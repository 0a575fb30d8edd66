//! Reading the audit log of a workspace: by month, newest first.

use std::collections::HashMap;

use domain::WorkspaceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{StoreError, Table, field, s};
use super::keys;
use super::months::{month_number, month_span, month_start, previous_month};
use super::talents::first_month;

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose credential it was.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// Whom it is about.
    #[serde(default)]
    pub talent: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The request, as its answer and its log lines name it.
    #[serde(rename = "requestId")]
    pub request_id: String,
    /// Why it came to nothing.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Where a page goes on: before this time, and of that time before this entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// In milliseconds.
    pub at: i64,
    /// The entry's row, if the time was begun: pk, sk and sort key.
    row: Option<[String; 3]>,
}

impl Position {
    /// Whether [`page`] can have made it. A cursor is plain text, so anyone can write one.
    #[must_use]
    pub fn is_possible(&self, workspace: &WorkspaceId) -> bool {
        let own = |pk: &str| {
            pk == keys::workspace_pk(workspace) || pk.starts_with(&format!("{}#", keys::workspace_pk(workspace)))
        };
        let row = |[pk, sk, sort]: &[String; 3]| own(pk) && sk.starts_with(sort.as_str()) && sort.starts_with("audit#");
        self.at >= 0 && self.row.as_ref().is_none_or(row)
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of one actor only.
    pub actor: Option<String>,
    /// Of one action only.
    pub action: Option<String>,
    /// The earliest.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
}

/// How many rows one request reads at most, where a filter leaves most of them out. A query counts as [`LEAST_READ`] rows at
/// least, so that years of empty months are bounded, too.
const MOST_READ: usize = 2_000;
/// What a query that finds nothing counts as: 40 months a request.
const LEAST_READ: usize = 50;

/// A page of entries, newest first, and where the next one begins. With a filter a page can be shorter than `limit`, or
/// empty, and still have a next one: a request reads a bounded number of rows.
///
/// # Errors
/// [`StoreError`].
pub async fn page(
    table: &Table,
    workspace: &WorkspaceId,
    wanted: &Wanted,
    limit: usize,
    from: Option<Position>,
) -> Result<(Vec<Entry>, Option<Position>), StoreError> {
    // What staff do before the first talent is there stands in the same month as a rule, and in these two without one.
    let first = match first_month(table, workspace).await? {
        Some(first) => month_start(first),
        None => previous_month(wanted.to).map_or(wanted.to, month_start),
    };
    let first = first.max(wanted.from);
    let mut at = from.unwrap_or(Position { at: wanted.to.as_millisecond(), row: None });
    let (mut entries, mut read) = (Vec::new(), 0);
    loop {
        let latest = Timestamp::from_millisecond(at.at).map_err(|error| StoreError::Malformed(error.to_string()))?;
        // Before the first entry there is nothing to ask for.
        if latest < first {
            return Ok((entries, None));
        }
        let month = keys::month_key(workspace, latest);
        let start = at.row.take().map(|[pk, sk, sort]| {
            HashMap::from([
                ("pk".to_owned(), s(pk)),
                ("sk".to_owned(), s(sk)),
                ("month".to_owned(), s(&month)),
                ("month_sort".to_owned(), s(sort)),
            ])
        });
        let oldest = format!("audit#{}", first.as_millisecond());
        // Every entry of the last millisecond.
        let newest = format!("audit#{}#~", latest.as_millisecond());
        let left = i32::try_from((limit - entries.len()).clamp(1, 200)).unwrap_or(200);
        let (rows, next) = month_span(table, &month, (&oldest, &newest), left, start).await?;
        read += rows.len().max(LEAST_READ);
        for row in &rows {
            let entry: Entry = field(row, "shown")?;
            let fits = |asked: &Option<String>, had: &str| asked.as_ref().is_none_or(|asked| asked == had);
            if fits(&wanted.actor, &entry.actor) && fits(&wanted.action, &entry.action) {
                entries.push(entry);
            }
        }
        let here = next
            .map(|last| Ok::<_, StoreError>([field(&last, "pk")?, field(&last, "sk")?, field(&last, "month_sort")?]));
        let here = here.transpose()?;
        at = match (here, previous_month(latest)) {
            (Some(row), _) => Position { at: at.at, row: Some(row) },
            (None, Some(before)) if month_number(before) >= month_number(first) => {
                Position { at: before.as_millisecond() + 999, row: None }
            }
            (None, _) => return Ok((entries, None)),
        };
        if entries.len() >= limit || read >= MOST_READ {
            return Ok((entries, Some(at)));
        }
    }
}
