//! The simulator's own clock: real time plus an offset that the control API moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Real time plus a settable offset, in milliseconds since the Unix epoch.
/// Clones are the same clock.
#[derive(Debug, Default, Clone)]
pub(crate) struct SimClock {
    offset_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// What the platforms believe the time is.
    pub(crate) fn now_ms(&self) -> i64 {
        Self::real_ms().saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// The machine's time, without the offset.
    // The simulator is the outside world: it has a clock of its own and takes none from Herald.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn real_ms() -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    pub(crate) fn advance_s(&self, seconds: i64) {
        self.offset_ms.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }

    pub(crate) fn reset(&self) {
        self.offset_ms.store(0, Ordering::Relaxed);
    }
}

fn timestamp(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// `2026-11-01T12:00:00.000Z`
pub(crate) fn iso_ms(ms: i64) -> String {
    format!("{:.3}", timestamp(ms))
}

/// `2026-11-01T12:00:00Z`
pub(crate) fn iso_s(ms: i64) -> String {
    format!("{:.0}", timestamp(ms))
}

/// `2026-11-01T12:00:00+0000`, as the Graph APIs write it.
pub(crate) fn graph_time(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// `2026-11-01`
pub(crate) fn date(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%d").to_string()
}

/// Reads an RFC 3339 time.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_each_platform_writes_them() {
        let ms = 1_793_534_400_000;
        assert_eq!(iso_ms(ms), "2026-11-01T12:00:00.000Z");
        assert_eq!(iso_s(ms), "2026-11-01T12:00:00Z");
        assert_eq!(graph_time(ms), "2026-11-01T12:00:00+0000");
        assert_eq!(date(ms), "2026-11-01");
        assert_eq!(parse_iso("2026-11-01T12:00:00.000Z"), Some(ms));
    }
}
