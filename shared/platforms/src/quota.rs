//! How much a platform lets Herald ask, and who gets how much of it: one budget for publishing, syncs and looks at figures,
//! in which looks give way first and publishing never.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Whose a quota is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The installation's app: all accounts share it.
    App,
    /// Each account has its own.
    Account,
}

/// When a quota begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// At each full hour. Platforms count an hour back from now; a share of half keeps any two halves under the whole.
    Hour,
    /// At midnight, UTC.
    Day,
    /// At midnight, Pacific time without daylight saving: an hour late in summer, never early.
    PacificDay,
}

/// A quota that the platform states, and its shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Whose it is.
    pub scope: Scope,
    /// When it begins anew.
    pub window: Window,
    /// How many units there are, by the platform's word.
    pub limit: u64,
    /// Up to how much of it, spent by all, a look may still be taken.
    pub sweep_until: u64,
    /// Up to how much of it a sync may run; what is above is publishing's.
    pub ingest_until: u64,
    /// Whether syncs are counted one by one. Where they are not, `sweep_until` is what their fixed number leaves.
    pub counts_syncs: bool,
    /// How many units a step of a delivery is counted with; 0 where publishing spends another quota, or hardly any of this one.
    pub publish_units: u64,
}

impl Window {
    /// The name of the window that `now` lies in, and when it ends.
    #[must_use]
    pub fn of(self, now: Timestamp) -> (String, Timestamp) {
        let zone = match self {
            Self::Hour | Self::Day => TimeZone::UTC,
            Self::PacificDay => TimeZone::fixed(Offset::constant(-8)),
        };
        let local: DateTime = zone.to_datetime(now);
        let (name, length) = match self {
            Self::Hour => (local.strftime("%Y-%m-%dT%H").to_string(), 3_600),
            Self::Day | Self::PacificDay => (local.strftime("%Y-%m-%d").to_string(), 86_400),
        };
        let offset = if self == Self::PacificDay { 8 * 3_600 } else { 0 };
        let into = (now.as_second() - offset).rem_euclid(length);
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        (name, whole.saturating_add(SignedDuration::from_secs(length - into)).unwrap_or(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Platforms;

    #[test]
    fn a_window_has_a_name_and_an_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-01T07:59:59.5Z");
        assert_eq!(Window::Hour.of(now), ("2026-11-01T07".to_owned(), at("2026-11-01T08:00:00Z")));
        assert_eq!(Window::Day.of(now), ("2026-11-01".to_owned(), at("2026-11-02T00:00:00Z")));
        assert_eq!(Window::PacificDay.of(now), ("2026-10-31".to_owned(), at("2026-11-01T08:00:00Z")));
        assert_eq!(Window::PacificDay.of(at("2026-11-01T08:00:00Z")).0, "2026-11-01");
    }

    #[test]
    fn looks_give_way_first_and_publishing_has_a_reserve_everywhere() {
        let platforms = Platforms::default();
        for facts in Platforms::facts() {
            let Some(insights) = &platforms.get(facts.platform).unwrap().insights else { continue };
            let known = insights.facts();
            assert!(known.batch > 0 && !known.quotas.is_empty(), "{}", facts.platform);
            for quota in known.quotas {
                assert!(quota.sweep_until <= quota.ingest_until, "{}", facts.platform);
                assert!(quota.ingest_until * 10 <= quota.limit * 9, "{}: a tenth is publishing's", facts.platform);
            }
        }
    }
}
