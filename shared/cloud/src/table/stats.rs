//! Counts per state, made by a schedule and never by a request.

use std::collections::{BTreeMap, HashMap};

use domain::{DeliveryStatus, SyncStatus, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, field, from_json, n, s};
use super::{keys, months, talents};

/// How often it is counted, in seconds: by it the old months take turns.
const EVERY_S: i64 = 300;
/// How many rows one query reads at most.
const PAGE: i32 = 1_000;

/// How many there are, by state.
pub type Counts = BTreeMap<String, u64>;

/// The counts of a workspace as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// When they were counted.
    pub as_of: Timestamp,
    /// Connections per sync state.
    pub connections: Counts,
    /// Of those in ERROR, the ones that are disconnected: nobody waits for them.
    #[serde(default)]
    pub disconnected: u64,
    /// Deliveries per state, by the month (`2026-11`) in which their posts were written.
    #[serde(default)]
    pub delivery_months: BTreeMap<String, Counts>,
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

    /// Deliveries per state, of all months; `None` before the first count of them.
    #[must_use]
    pub fn deliveries(&self) -> Option<Counts> {
        let mut sum = no_deliveries();
        for (state, n) in self.delivery_months.values().flatten() {
            *sum.entry(state.clone()).or_default() += n;
        }
        (!self.delivery_months.is_empty()).then_some(sum)
    }
}

fn no_deliveries() -> Counts {
    DeliveryStatus::ALL.iter().map(|state| (state.as_str().to_owned(), 0)).collect()
}

/// Whether a month's deliveries may still change their state by themselves. What only a person can decide changes in its
/// turn.
fn is_open(counts: &Counts) -> bool {
    let moves = |state: &&DeliveryStatus| !state.is_final() && **state != DeliveryStatus::Unconfirmed;
    DeliveryStatus::ALL.iter().filter(moves).any(|state| counts.get(state.as_str()).is_some_and(|n| *n > 0))
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
            months::month_page(table, keys::WORKSPACES_KEY, keys::WORKSPACE_SORT_PREFIX, PAGE, from).await?;
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

/// Counts a workspace's connections and deliveries, and stores the counts.
///
/// Posts are kept for ever, so their old months are not read each time: the present one is, each that has deliveries
/// which are not at their end, and one of the others in turn, for what a person retried or removed.
///
/// # Errors
/// [`StoreError`].
pub async fn count(
    table: &Table,
    workspace: &WorkspaceId,
    now: Timestamp,
    oldest_due: &BTreeMap<String, Timestamp>,
) -> Result<Stats, StoreError> {
    let mut stats = Stats {
        as_of: now,
        connections: SyncStatus::ALL.iter().map(|state| (state.as_str().to_owned(), 0)).collect(),
        disconnected: 0,
        delivery_months: BTreeMap::new(),
        oldest_due: oldest_due.clone(),
    };
    let mut known = get(table, workspace).await?.map(|stats| stats.delivery_months).unwrap_or_default();
    let first = talents::first_month(table, workspace).await?.unwrap_or(now);
    let months = i64::from(months::month_number(now) - months::month_number(first)) + 1;
    let turn = now.as_second().div_euclid(EVERY_S).rem_euclid(months.max(1));
    let mut month = Some(now).filter(|_| months > 0);
    let mut back = 0;
    while let Some(at) = month {
        count_connections(table, workspace, at, &mut stats).await?;
        let name = at.strftime("%Y-%m").to_string();
        let counts = match known.remove(&name).filter(|counts| back > 0 && back != turn && !is_open(counts)) {
            Some(counts) => counts,
            None => count_deliveries(table, workspace, at).await?,
        };
        stats.delivery_months.insert(name, counts);
        month = months::previous_month(at).filter(|at| months::month_number(*at) >= months::month_number(first));
        back += 1;
    }
    let mut item: Item = serde_dynamo::to_item(&stats)?;
    item.extend(HashMap::from([
        ("pk".to_owned(), s(keys::workspace_pk(workspace))),
        ("sk".to_owned(), s(keys::STATS_SK)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
    ]));
    table.put(item).await?;
    Ok(stats)
}

async fn count_connections(
    table: &Table,
    workspace: &WorkspaceId,
    month: Timestamp,
    stats: &mut Stats,
) -> Result<(), StoreError> {
    let mut from = None;
    loop {
        let (rows, next) = months::month_page(table, &keys::month_key(workspace, month), "conn#", PAGE, from).await?;
        for row in rows {
            let state: String = field(&row, "sync_status")?;
            if state == SyncStatus::Error.as_str() && row.contains_key("shown") {
                stats.disconnected += 1;
            }
            *stats.connections.entry(state).or_default() += 1;
        }
        from = next;
        if from.is_none() {
            return Ok(());
        }
    }
}

/// Of a post, what is counted.
#[derive(Deserialize)]
struct Post {
    #[serde(default)]
    deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    status: DeliveryStatus,
}

async fn count_deliveries(table: &Table, workspace: &WorkspaceId, month: Timestamp) -> Result<Counts, StoreError> {
    let (mut counts, mut from) = (no_deliveries(), None);
    loop {
        let month = keys::month_key(workspace, month);
        let (rows, next) = months::month_page(table, &month, keys::POST_SORT_PREFIX, PAGE, from).await?;
        for row in rows {
            let post: Post = demand(from_json(&row, "shown")?, "shown")?;
            for delivery in post.deliveries {
                *counts.entry(delivery.status.as_str().to_owned()).or_default() += 1;
            }
        }
        from = next;
        if from.is_none() {
            return Ok(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::testing::table;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A post's row, as far as it is counted.
    async fn post(table: &Table, workspace: &WorkspaceId, written: &str, states: &[&str]) {
        let deliveries: Vec<String> = states.iter().map(|state| format!(r#"{{"status":"{state}"}}"#)).collect();
        let pk = format!("w#{workspace}#p#{written}");
        let item: Item = HashMap::from([
            ("pk".to_owned(), s(&pk)),
            ("sk".to_owned(), s(keys::POST_SK)),
            ("v".to_owned(), n(1)),
            ("month".to_owned(), s(keys::month_key(workspace, at(written)))),
            ("month_sort".to_owned(), s(format!("{}{written}", keys::POST_SORT_PREFIX))),
            ("shown".to_owned(), AttributeValue::S(format!(r#"{{"deliveries":[{}]}}"#, deliveries.join(",")))),
        ]);
        table.put(item).await.unwrap();
    }

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        let mut counts = no_deliveries();
        counts.extend(pairs.iter().map(|(state, n)| ((*state).to_owned(), *n)));
        counts
    }

    #[tokio::test]
    async fn deliveries_are_counted_and_old_months_only_in_turn() {
        let (table, workspace) = (table().await, WorkspaceId::parse("w").unwrap());
        let item: Item = HashMap::from([
            ("pk".to_owned(), s(keys::workspace_pk(&workspace))),
            ("sk".to_owned(), s(keys::WORKSPACE_SK)),
            ("v".to_owned(), n(1)),
            ("first_month".to_owned(), n(at("2026-09-10T00:00:00Z").as_second())),
        ]);
        table.put(item).await.unwrap();
        post(&table, &workspace, "2026-09-11T00:00:00Z", &["failed", "published"]).await;
        post(&table, &workspace, "2026-10-11T00:00:00Z", &["scheduled"]).await;
        post(&table, &workspace, "2026-11-11T00:00:00Z", &["published", "unconfirmed"]).await;
        let count = async |moment: &str| {
            count(&table, &workspace, at(moment), &BTreeMap::new()).await.unwrap().deliveries().unwrap()
        };
        // Three months: of the runs at 00:00, 00:05 and 00:10 each looks at another.
        let first = count("2026-11-20T00:00:00Z").await;
        assert_eq!(first, counts(&[("failed", 1), ("published", 2), ("scheduled", 1), ("unconfirmed", 1)]));
        // A person retries what failed in September, which is seen in its turn; October is open, and seen at once.
        post(&table, &workspace, "2026-09-11T00:00:00Z", &["published", "published"]).await;
        post(&table, &workspace, "2026-10-11T00:00:00Z", &["published"]).await;
        let mut seen = Vec::new();
        for moment in ["2026-11-20T00:05:00Z", "2026-11-20T00:10:00Z", "2026-11-20T00:15:00Z"] {
            let now = count(moment).await;
            assert_eq!((now["scheduled"], now["unconfirmed"]), (0, 1), "{moment}");
            seen.push(now["failed"]);
        }
        assert_eq!(seen.last(), Some(&0), "{seen:?}");
        assert_eq!(count("2026-11-20T00:20:00Z").await, counts(&[("published", 4), ("unconfirmed", 1)]));
    }
}
