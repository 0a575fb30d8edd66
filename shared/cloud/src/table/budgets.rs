//! What is left of a platform's quota: one row for each window of time, for an account or for the whole app.
//!
//! Whoever spends from a short quota counts here first. Publishing is counted and never refused; a sync is refused when what
//! is left is publishing's reserve; a look at figures is refused first (`platforms::quota`).

use std::collections::HashMap;

use jiff::Timestamp;

use super::client::{StoreError, Table, held, n, number, s};
use super::keys;

/// Who spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spender {
    /// A delivery.
    Publish,
    /// A sync.
    Ingest,
    /// A look at figures.
    Sweep,
}

impl Spender {
    /// Every spender.
    pub const ALL: [Self; 3] = [Self::Publish, Self::Ingest, Self::Sweep];

    /// The attribute that counts it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Ingest => "ingest",
            Self::Sweep => "sweep",
        }
    }
}

/// A budget's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its partition.
    pub pk: String,
    /// Its window.
    pub sk: String,
    /// When nobody asks for it any more.
    pub ends: Timestamp,
}

/// Takes `units` for a spender, if no more than `most` are spent by all with them; `None`: whatever is spent.
///
/// # Errors
/// [`StoreError`].
pub async fn take(
    table: &Table,
    budget: &Budget,
    spender: Spender,
    units: u64,
    most: Option<u64>,
) -> Result<bool, StoreError> {
    let mut values = HashMap::from([
        (":units".to_owned(), n(units)),
        (":v".to_owned(), n(keys::SCHEMA_VERSION)),
        (":ttl".to_owned(), n(budget.ends.as_second() + 86_400)),
    ]);
    let room = most.map(|most| most.checked_sub(units));
    if room == Some(None) {
        return Ok(false);
    }
    values.extend(room.flatten().map(|room| (":room".to_owned(), n(room))));
    let names = [("#used", "used"), ("#who", spender.as_str()), ("#ttl", "ttl")];
    let sent = table
        .client
        .update_item()
        .table_name(&table.name)
        .key("pk", s(&budget.pk))
        .key("sk", s(&budget.sk))
        .update_expression("SET v = :v, #ttl = :ttl ADD #used :units, #who :units")
        .set_condition_expression(room.flatten().map(|_| "attribute_not_exists(#used) OR #used <= :room".to_owned()))
        .set_expression_attribute_names(Some(
            names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned())).into(),
        ))
        .set_expression_attribute_values(Some(values))
        .send()
        .await;
    held(sent)
}

/// What each spender has taken of a budget.
///
/// # Errors
/// [`StoreError`].
pub async fn spent(table: &Table, budget: &Budget) -> Result<[u64; 3], StoreError> {
    let row = table.get(&budget.pk, &budget.sk).await?.unwrap_or_default();
    let mut spent = [0; 3];
    for (spent, spender) in spent.iter_mut().zip(Spender::ALL) {
        *spent = number(&row, spender.as_str())?.unwrap_or(0);
    }
    Ok(spent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    #[tokio::test]
    async fn looks_give_way_first_then_syncs_and_publishing_never() {
        let table = table().await;
        let ends = Timestamp::from_second(1_793_600_000).unwrap();
        let budget = Budget { pk: "global#budget#YOUTUBE".to_owned(), sk: "budget#2026-11-01".to_owned(), ends };
        let take = async |spender, units, most| take(&table, &budget, spender, units, most).await.unwrap();
        assert!(take(Spender::Sweep, 50, Some(50)).await, "up to its share");
        assert!(!take(Spender::Sweep, 1, Some(50)).await, "and no further");
        assert!(take(Spender::Ingest, 30, Some(80)).await);
        assert!(!take(Spender::Ingest, 1, Some(80)).await, "the rest is publishing's");
        assert!(take(Spender::Publish, 60, None).await, "which is counted and not refused");
        assert_eq!(spent(&table, &budget).await.unwrap(), [60, 30, 50]);
        assert!(!take(Spender::Sweep, 99, Some(50)).await, "more than there ever is");
    }
}
