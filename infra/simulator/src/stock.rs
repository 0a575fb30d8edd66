//! Files and containers that are there but not published yet, and the windows of short-term limits.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde_json::Value;

use crate::judge::Medium;
use crate::media::sniff::Seen;
use crate::payload::Digest;
use crate::state::{Platform, Who, lock};

/// A file or container that a later request names.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) who: Who,
    pub(crate) id: String,
    pub(crate) medium: Medium,
    pub(crate) seen: Seen,
    pub(crate) created_ms: i64,
    pub(crate) ready_ms: i64,
    /// Looks that still find it unfinished.
    pub(crate) looks: u64,
    /// How processing ends, if it ends badly.
    pub(crate) failure: Option<String>,
    /// All bytes are there.
    pub(crate) complete: bool,
    /// The publication that it became.
    pub(crate) used: Option<u64>,
    pub(crate) meta: Value,
    /// Before every part, and after the last: parts of uploads whose order is their number.
    pub(crate) chain: Vec<Digest>,
    pub(crate) head: bytes::Bytes,
}

/// How processing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processing {
    Running,
    Failed,
    Done,
}

impl Item {
    pub(crate) fn new(who: &Who, id: &str, medium: Medium, seen: Seen, now: i64) -> Self {
        Self {
            who: who.clone(),
            id: id.to_owned(),
            medium,
            seen,
            created_ms: now,
            ready_ms: now,
            looks: 0,
            failure: None,
            complete: true,
            used: None,
            meta: Value::Null,
            chain: vec![Digest::default()],
            head: bytes::Bytes::new(),
        }
    }

    pub(crate) fn processing(&self, now: i64) -> Processing {
        match () {
            () if self.ready_ms > now || self.looks > 0 => Processing::Running,
            () if self.failure.is_some() => Processing::Failed,
            () => Processing::Done,
        }
    }
}

/// All items, by platform and id.
#[derive(Debug, Default)]
pub(crate) struct Stock(Mutex<HashMap<(Platform, String), Item>>);

impl Stock {
    pub(crate) fn reset(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn put(&self, item: Item) {
        lock(&self.0).insert((item.who.platform, item.id.clone()), item);
    }

    pub(crate) fn get(&self, platform: Platform, id: &str) -> Option<Item> {
        lock(&self.0).get(&(platform, id.to_owned())).cloned()
    }

    /// The item, if it is this account's.
    pub(crate) fn own(&self, who: &Who, id: &str) -> Option<Item> {
        self.get(who.platform, id).filter(|item| item.who == *who)
    }

    pub(crate) fn change(&self, platform: Platform, id: &str, edit: impl FnOnce(&mut Item)) -> Option<Item> {
        let mut all = lock(&self.0);
        let item = all.get_mut(&(platform, id.to_owned()))?;
        edit(item);
        Some(item.clone())
    }

    /// One look at processing: answers what it finds, and counts.
    pub(crate) fn look(&self, platform: Platform, id: &str, now: i64) -> Option<(Item, Processing)> {
        let mut found = None;
        self.change(platform, id, |item| {
            let state = item.processing(now);
            found = Some((item.clone(), state));
            item.looks = item.looks.saturating_sub(1);
        });
        found
    }

    /// How many items of the account `wanted` accepts.
    pub(crate) fn count(&self, who: &Who, wanted: impl Fn(&Item) -> bool) -> usize {
        lock(&self.0).values().filter(|item| item.who == *who && wanted(item)).count()
    }
}

/// Sliding windows.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<(String, &'static str), VecDeque<i64>>>);

impl Rates {
    pub(crate) fn reset(&self) {
        lock(&self.0).clear();
    }

    /// Takes one of `limit` in `window_ms`; the error is the milliseconds until there is one again.
    pub(crate) fn take(
        &self,
        who: &str,
        what: &'static str,
        limit: usize,
        window_ms: i64,
        now: i64,
    ) -> Result<(), i64> {
        let mut all = lock(&self.0);
        let times = all.entry((who.to_owned(), what)).or_default();
        while times.front().is_some_and(|t| now - t >= window_ms) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= limit => Err(first + window_ms - now),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

/// What has been used on which day.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<(Platform, &'static str, i64), u64>>);

impl Ledger {
    pub(crate) fn reset(&self) {
        lock(&self.0).clear();
    }

    /// Adds to a day; answers the day's total.
    pub(crate) fn add(&self, platform: Platform, what: &'static str, day: i64, amount: u64) -> u64 {
        let mut all = lock(&self.0);
        let total = all.entry((platform, what, day)).or_default();
        *total += amount;
        *total
    }

    pub(crate) fn total(&self, platform: Platform, what: &'static str, day: i64) -> u64 {
        lock(&self.0).get(&(platform, what, day)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_fills_and_slides() {
        let rates = Rates::default();
        assert_eq!(rates.take("a", "init", 2, 60_000, 0), Ok(()));
        assert_eq!(rates.take("a", "init", 2, 60_000, 10_000), Ok(()));
        assert_eq!(rates.take("a", "init", 2, 60_000, 20_000), Err(40_000));
        assert_eq!(rates.take("b", "init", 2, 60_000, 20_000), Ok(()));
        assert_eq!(rates.take("a", "init", 2, 60_000, 60_000), Ok(()));
        assert_eq!(rates.take("a", "init", 2, 60_000, 61_000), Err(9_000));
    }
}
