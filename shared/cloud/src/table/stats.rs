//! Counts per state, made by a schedule and never by a request.

use std::collections::{BTreeMap, HashMap};

use domain::{SyncStatus, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, field, n, s};
use super::{keys, talents};

/// The counts of a workspace as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// When they were counted.
    pub as_of: Timestamp,
    /// Connections per sync state.
    pub connections: BTreeMap<String, u64>,
    /// Of those in ERROR, the ones that are disconnected: nobody waits for them.
    #[serde(default)]
    pub disconnected: u64,
    /// Per kind of work, when its most overdue row was due; absent when nothing is overdue.
    #[serde(default)]
    pub oldest_due: BTreeMap<String, Timestamp>,
}

impl Stats {
    /// How many connections stand in ERROR and are wanted.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let failed = self.connections.get(SyncStatus::Error.as_str()).copied().unwrap_or(0);
        failed.saturating_sub(self.disconnected)
    }
}

/// The last counts of a workspace; `None` until the schedule has run.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId) -> Result<Option<Stats>, StoreError> {
    let row = table.get(&keys::workspace_pk(workspace), keys::STATS_SK).await?;
    Ok(row.map(serde_dynamo::from_item).transpose()?)
}

/// Every workspace that has a talent.
///
/// # Errors
/// [`StoreError`].
pub async fn workspaces(table: &Table) -> Result<Vec<WorkspaceId>, StoreError> {
    let mut found = Vec::new();
    let mut from = None;
    loop {
        let (rows, next) =
            talents::month_page(table, keys::WORKSPACES_KEY, keys::WORKSPACE_SORT_PREFIX, 1_000, from).await?;
        for row in rows {
            let sort: String = field(&row, "month_sort")?;
            let name = sort.trim_start_matches(keys::WORKSPACE_SORT_PREFIX);
            found.push(WorkspaceId::parse(name).map_err(|error| StoreError::Malformed(error.to_string()))?);
        }
        from = next;
        if from.is_none() {
            return Ok(found);
        }
    }
}

/// Counts a workspace's connections and stores the counts.
///
/// # Errors
/// [`StoreError`].
pub async fn count(
    table: &Table,
    workspace: &WorkspaceId,
    now: Timestamp,
    oldest_due: &BTreeMap<String, Timestamp>,
) -> Result<Stats, StoreError> {
    let mut connections: BTreeMap<String, u64> = SyncStatus::ALL.iter().map(|s| (s.as_str().to_owned(), 0)).collect();
    let first = talents::first_month(table, workspace).await?.unwrap_or(now);
    let mut disconnected = 0;
    let mut month = Some(now).filter(|_| talents::month_number(now) >= talents::month_number(first));
    while let Some(at) = month {
        let mut from = None;
        loop {
            let (rows, next) =
                talents::month_page(table, &keys::month_key(workspace, at), "conn#", 1_000, from).await?;
            for row in rows {
                let state: String = field(&row, "sync_status")?;
                if state == SyncStatus::Error.as_str() && row.contains_key("shown") {
                    disconnected += 1;
                }
                *connections.entry(state).or_default() += 1;
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        month = talents::previous_month(at).filter(|at| talents::month_number(*at) >= talents::month_number(first));
    }
    let stats = Stats { as_of: now, connections, disconnected, oldest_due: oldest_due.clone() };
    let mut item: Item = serde_dynamo::to_item(&stats)?;
    item.extend(HashMap::from([
        ("pk".to_owned(), s(keys::workspace_pk(workspace))),
        ("sk".to_owned(), s(keys::STATS_SK)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
    ]));
    table.put(item).await?;
    Ok(stats)
}
