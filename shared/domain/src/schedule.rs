//! When a post goes out, read from what a person wrote.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far in the past a time may lie: clocks differ, and "now" takes a while to be sent.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// How far ahead a post may be scheduled.
const FARTHEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A time that cannot be used; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTime(pub String);

/// The zone that `name` names.
///
/// # Errors
/// [`InvalidTime`] for a name that the zone database does not have.
pub fn zone(name: &str) -> Result<TimeZone, InvalidTime> {
    let unknown = || {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        InvalidTime(format!("Unknown timezone {shown}. Use an IANA name such as Europe/Madrid."))
    };
    // Only names of the database: an offset or a POSIX rule would not know of daylight saving time.
    if name.is_empty() || name.len() > 60 {
        return Err(unknown());
    }
    TimeZone::get(name).map_err(|_| unknown())
}

/// The instant that `text` names: RFC 3339 with an offset, or a wall-clock time in `timezone`.
///
/// In the hour that comes twice when clocks go back it is the earlier one; a time in the hour that does not exist when
/// they go forward is an error that names it.
///
/// # Errors
/// [`InvalidTime`].
pub fn instant(text: &str, timezone: Option<&str>) -> Result<Timestamp, InvalidTime> {
    let zone = timezone.map(|name| zone(name).map(|zone| (name, zone))).transpose()?;
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let malformed = || {
        InvalidTime(
            "scheduledAt must be a time such as 2026-11-05T09:00:00Z, or 2026-11-05T09:00:00 with a timezone."
                .to_owned(),
        )
    };
    let wall: DateTime = text.parse().map_err(|_| malformed())?;
    let Some((name, zone)) = zone else {
        return Err(InvalidTime("scheduledAt has no offset. Add Z or an offset, or name a timezone.".to_owned()));
    };
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(InvalidTime(format!(
            "{wall} does not exist in {name}: clocks go forward over it. Choose another time."
        )));
    }
    ambiguous.earlier().map_err(|_| malformed())
}

/// Whether `text` says by itself which instant it means.
#[must_use]
pub fn has_offset(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

/// Whether a post may be scheduled at `at`.
///
/// # Errors
/// [`InvalidTime`] for a time more than a minute past or more than a year ahead.
pub fn check(at: Timestamp, now: Timestamp) -> Result<(), InvalidTime> {
    let ahead = now.duration_until(at);
    if ahead < -GRACE {
        return Err(InvalidTime("scheduledAt is in the past.".to_owned()));
    }
    if ahead > FARTHEST {
        return Err(InvalidTime("scheduledAt is more than a year ahead.".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str, zone: Option<&str>) -> Result<String, String> {
        instant(text, zone).map(|at| at.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_offset_decides_and_a_zone_reads_wall_clock_times() {
        assert_eq!(at("2026-11-05T09:00:00Z", None).unwrap(), "2026-11-05T09:00:00Z");
        assert_eq!(at("2026-11-05T09:00:00+05:30", None).unwrap(), "2026-11-05T03:30:00Z");
        // An offset in the text wins over the zone, which then only says how to show it.
        assert_eq!(at("2026-11-05T09:00:00Z", Some("America/New_York")).unwrap(), "2026-11-05T09:00:00Z");
        // By hand: New York is at UTC-5 in November and at UTC-4 in July.
        assert_eq!(at("2026-11-05T09:00:00", Some("America/New_York")).unwrap(), "2026-11-05T14:00:00Z");
        assert_eq!(at("2026-07-05T09:00", Some("America/New_York")).unwrap(), "2026-07-05T13:00:00Z");
        assert_eq!(at("2026-07-05T09:00", Some("Asia/Kolkata")).unwrap(), "2026-07-05T03:30:00Z");
    }

    #[test]
    fn a_time_in_the_gap_is_refused_by_name_and_in_a_fold_the_earlier_one_is_meant() {
        let error = at("2027-03-14T02:30:00", Some("America/New_York")).unwrap_err();
        assert!(error.contains("2027-03-14T02:30:00 does not exist in America/New_York"), "{error}");
        // 1:30 comes twice on 2026-11-01; the earlier is daylight saving time, UTC-4.
        assert_eq!(at("2026-11-01T01:30:00", Some("America/New_York")).unwrap(), "2026-11-01T05:30:00Z");
        // Lord Howe moves by half an hour.
        assert!(at("2026-10-04T02:15:00", Some("Australia/Lord_Howe")).unwrap_err().contains("does not exist"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert!(at("2026-11-05T09:00:00", None).unwrap_err().contains("no offset"));
        assert!(at("tomorrow", None).unwrap_err().contains("must be a time"));
        assert!(at("2026-02-30T09:00:00Z", None).is_err());
        for zone in ["Mars/Olympus", "", "EST5EDT,M3.2.0,M11.1.0", "+02:00", "../../etc/passwd", "\n"] {
            assert!(at("2026-11-05T09:00:00", Some(zone)).unwrap_err().starts_with("Unknown timezone"), "{zone:?}");
        }
    }

    #[test]
    fn the_past_and_the_far_future_are_refused() {
        let now: Timestamp = "2026-11-05T09:00:00Z".parse().unwrap();
        let check = |seconds| check(now.saturating_add(SignedDuration::from_secs(seconds)).unwrap(), now).is_ok();
        assert_eq!(
            [check(-61), check(-60), check(0), check(365 * 86_400), check(367 * 86_400)],
            [false, true, true, true, false]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", zone in "\\PC{0,40}") {
            let _ = instant(&text, Some(&zone));
            let _ = instant(&text, None);
        }
    }
}
