//! Work that must happen later: kinds, shards and times.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A kind of pending work. Each has its own queue, worker and part of the `due` index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// Fetch an account's profile and posts. The row is the connection.
    Ingest,
    /// Renew a token before it expires. The row holds the sealed tokens.
    Refresh,
    /// Revoke and remove what a deleted or disconnected account left behind.
    Erase,
    /// Take a delivery its next step. The row is the delivery.
    Publish,
    /// Tell the outside of something that happened. The row is the event.
    Notify,
    /// Make posts of the rows of a file. The row is the job, or one of its chunks.
    Bulk,
    /// Look at an account's posts and figures. The row is the account's sweep.
    Sweep,
}

impl WorkKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Ingest, Self::Refresh, Self::Erase, Self::Publish, Self::Notify, Self::Bulk, Self::Sweep];

    /// The word in index keys, queue names and routes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Refresh => "refresh",
            Self::Erase => "erase",
            Self::Publish => "publish",
            Self::Notify => "notify",
            Self::Bulk => "bulk",
            Self::Sweep => "sweep",
        }
    }

    /// The kind that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How long a claim holds a row.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// A lease counts as over this much late, for skew between machines.
pub const SKEW: SignedDuration = SignedDuration::from_secs(2);
/// How far ahead `ring_due` rings: tick 60 s + imprecision of the schedule 60 s + its own run 60 s.
pub const HORIZON: SignedDuration = SignedDuration::from_secs(180);
/// Whoever writes a row that is due within this time rings for it. It is a minute more than the horizon: a run of
/// `ring_due` that came between the writer's look at the clock and the row's appearance in the index has passed it by.
pub const NEAR: SignedDuration = SignedDuration::from_secs(240);
/// A ring at most this early waits inside the worker.
pub const EARLY: SignedDuration = SignedDuration::from_secs(1);
/// Overdue rows are rung only while their queue holds fewer messages than this.
pub const BACKLOG_LIMIT: u64 = 1_000;
/// The claim that does no work any more, because the ones before it left no outcome.
pub const POISON_CLAIM: u32 = 6;

/// A stable 64-bit hash (FNV-1a): the same in every process, version and machine.
#[must_use]
pub fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The partition of the `due` index that a row stands in: `ingest#3`.
#[must_use]
pub fn shard(kind: WorkKind, row_id: &str, shards: u32) -> String {
    format!("{}#{}", kind.as_str(), stable_hash(row_id) % u64::from(shards.max(1)))
}

/// The next periodic run of a row: every `interval`, at a phase that is the row's own, so that load is flat.
///
/// The result lies between a quarter of an interval and one whole interval after `now`, and once a row runs at its
/// phase, one interval after the other.
#[must_use]
pub fn next_periodic(row_id: &str, now: Timestamp, interval: SignedDuration) -> Timestamp {
    let every = interval.as_millis().clamp(4, i128::from(i64::MAX / 4));
    let phase = i128::from(stable_hash(row_id)) % every;
    let now_ms = i128::from(now.as_millisecond());
    let quarter = every / 4;
    let mut wait = quarter + (phase - now_ms - quarter).rem_euclid(every);
    if wait > every {
        // Just past its phase: a run halfway keeps the promise that no two are further apart than the interval.
        wait -= every / 2;
    }
    i64::try_from(now_ms + wait).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_never_changes_since_rows_stand_where_it_put_them() {
        assert_eq!(stable_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(stable_hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(stable_hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn periodic_load_is_flat() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let mut minutes = [0u32; 60];
        for n in 0..6_000 {
            // All are linked at the same moment; the first run spreads them, the second stands at their phase.
            let hop = |at| next_periodic(&format!("conn_t_{n}"), at, SignedDuration::from_hours(1));
            let next = hop(hop(now));
            minutes[usize::try_from(next.as_second() / 60 % 60).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|&n| (50..=150).contains(&n)), "{minutes:?}");
    }

    proptest! {
        #[test]
        fn the_next_periodic_run_is_never_more_than_an_interval_ahead(id in "\\PC{1,40}", now in 0i64..4_000_000_000, minutes in 1i64..10_000) {
            let now = Timestamp::from_second(now).unwrap();
            let interval = SignedDuration::from_mins(minutes);
            let ahead = now.duration_until(next_periodic(&id, now, interval));
            prop_assert!(ahead >= interval / 4 - SignedDuration::from_secs(1) && ahead <= interval, "{ahead:?}");
        }

        #[test]
        fn a_row_that_runs_at_its_phase_runs_every_interval(id in "\\PC{1,40}", now in 0i64..4_000_000_000, minutes in 1i64..10_000) {
            let interval = SignedDuration::from_mins(minutes);
            let mut at = Timestamp::from_second(now).unwrap();
            for _ in 0..4 {
                at = next_periodic(&id, at, interval);
            }
            prop_assert_eq!(at.duration_until(next_periodic(&id, at, interval)), interval);
        }

        #[test]
        fn every_row_has_one_of_the_shards(id in "\\PC{0,40}", shards in 1u32..64) {
            let shard = shard(WorkKind::Ingest, &id, shards);
            let n: u32 = shard.strip_prefix("ingest#").unwrap().parse().unwrap();
            prop_assert!(n < shards);
        }
    }
}
