//! Ranges of time and the steps that a chart goes in, in a zone's own hours, days and months.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{RoundMode, SignedDuration, Timestamp, ToSpan, Unit, Zoned, ZonedRound};

/// The step of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Interval {
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
}

impl Interval {
    /// The step that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The longest range that is answered in this step: what fits one small query.
    #[must_use]
    pub const fn longest(self) -> SignedDuration {
        match self {
            Self::Hour => SignedDuration::from_hours(31 * 24),
            Self::Day | Self::Week | Self::Month => KEPT,
        }
    }

    /// Where the step begins that `at` lies in.
    #[must_use]
    pub fn start(self, at: &Zoned) -> Zoned {
        let floor = |unit: Unit| at.round(ZonedRound::new().smallest(unit).mode(RoundMode::Trunc));
        let start = match self {
            Self::Hour => floor(Unit::Hour),
            Self::Day => at.start_of_day(),
            Self::Week => {
                let back = i32::from(at.weekday().to_monday_zero_offset());
                at.checked_sub(back.days()).and_then(|monday| monday.start_of_day())
            }
            Self::Month => at.first_of_month().and_then(|first| first.start_of_day()),
        };
        start.unwrap_or_else(|_| at.clone())
    }

    /// Where the next step begins.
    #[must_use]
    pub fn next(self, start: &Zoned) -> Option<Zoned> {
        let step = match self {
            Self::Hour => 1.hour(),
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        };
        // A day that begins at one, because the clocks went forward at midnight, is followed by one that begins at none.
        start.checked_add(step).ok().map(|next| self.start(&next)).filter(|next| next > start)
    }
}

/// How long figures are kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(731 * 24);

/// A range that cannot be answered; the text is for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRange(pub String);

/// A range of time, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// From this instant on.
    pub from: Timestamp,
    /// Before this one.
    pub to: Timestamp,
}

impl Range {
    /// Reads a range: dates (`2026-11-01`, whole days of `zone`) or instants. Without an end it ends now, without a
    /// beginning it is the 30 days before its end.
    ///
    /// # Errors
    /// [`InvalidRange`] for what is no time, ends before it begins, begins in the future or is longer than what is kept.
    pub fn read(
        (from, to): (Option<&str>, Option<&str>),
        names: (&str, &str),
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Self, InvalidRange> {
        let to_given = to.is_some();
        let to = to.map_or(Ok(now), |text| edge(text, names.1, zone, true))?;
        let from = match from {
            Some(text) => edge(text, names.0, zone, false)?,
            None => to.saturating_sub(SignedDuration::from_hours(30 * 24)).unwrap_or(to),
        };
        let invalid = |text: String| Err(InvalidRange(text));
        if from >= to {
            let what = if to_given { names.1 } else { "now" };
            return invalid(format!("{} must be before {what}.", names.0));
        }
        if from > now {
            return invalid(format!("{} is in the future.", names.0));
        }
        if from.duration_until(to) > KEPT + SignedDuration::from_hours(24) {
            return invalid("The range is longer than two years, which is how long figures are kept.".to_owned());
        }
        Ok(Self { from, to })
    }

    /// The beginnings of the steps that lie in the range, each with its end.
    #[must_use]
    pub fn steps(&self, interval: Interval, zone: &TimeZone) -> Vec<(Zoned, Zoned)> {
        let mut steps = Vec::new();
        let mut start = Some(interval.start(&self.from.to_zoned(zone.clone())));
        while let Some(at) = start.filter(|at| at.timestamp() < self.to) {
            let Some(next) = interval.next(&at) else { break };
            steps.push((at, next.clone()));
            start = Some(next);
        }
        steps
    }
}

fn edge(text: &str, name: &str, zone: &TimeZone, is_end: bool) -> Result<Timestamp, InvalidRange> {
    let wrong =
        || InvalidRange(format!("{name} must be a date such as 2026-11-05 or a time such as 2026-11-05T09:00:00Z."));
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    // `2026-11-05T09:00` would be read as a date with a time of nowhere.
    let date: Date = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    // The last day is meant whole.
    let date = if is_end { date.tomorrow().map_err(|_| wrong())? } else { date };
    date.to_zoned(zone.clone()).map(|start| start.timestamp()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        crate::schedule::zone(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-20T12:00:00Z";

    fn read(from: Option<&str>, to: Option<&str>) -> Result<Range, InvalidRange> {
        Range::read((from, to), ("from", "to"), &zone("America/New_York"), at(NOW))
    }

    #[test]
    fn dates_are_whole_days_of_the_zone() {
        let range = read(Some("2026-11-01"), Some("2026-11-02")).unwrap();
        // The clocks go back on the first of November 2026 in New York: 49 hours.
        assert_eq!((range.from, range.to), (at("2026-11-01T04:00:00Z"), at("2026-11-03T05:00:00Z")));
        assert_eq!(range.steps(Interval::Day, &zone("America/New_York")).len(), 2);
        assert_eq!(range.steps(Interval::Hour, &zone("America/New_York")).len(), 49);
        let default = read(None, None).unwrap();
        assert_eq!((default.from, default.to), (at("2026-10-21T12:00:00Z"), at(NOW)));
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let range = read(Some("2026-10-28"), Some("2026-11-10")).unwrap();
        let starts = |interval: Interval| -> Vec<String> {
            let steps = range.steps(interval, &zone("America/New_York"));
            steps.iter().map(|(start, _)| start.date().to_string()).collect()
        };
        assert_eq!(starts(Interval::Week), ["2026-10-26", "2026-11-02", "2026-11-09"]);
        assert_eq!(starts(Interval::Month), ["2026-10-01", "2026-11-01"]);
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_with_a_reason() {
        for (from, to, says) in [
            (Some("2026-11-05"), Some("2026-11-01"), "from must be before to"),
            (Some("2026-11-05T00:00:00Z"), Some("2026-11-05T00:00:00Z"), "from must be before to"),
            (Some("2027-01-01"), None, "from must be before now"),
            (Some("2027-01-01"), Some("2027-02-01"), "in the future"),
            (Some("2020-01-01"), None, "two years"),
            (Some("yesterday"), None, "from must be a date"),
            (Some("2026-02-30"), None, "from must be a date"),
            (None, Some("2026-11-05T09:00"), "to must be a date"),
            (Some("-009999-01-01"), None, "from must be a date"),
            (Some("9999-12-31"), Some("9999-12-31"), "to must be a date"),
        ] {
            let refused = read(from, to).unwrap_err();
            assert!(refused.0.contains(says), "{from:?} {to:?}: {refused}");
        }
        assert!(read(Some("2024-11-20"), Some("2026-11-20")).is_ok(), "two years to the day");
    }
}
