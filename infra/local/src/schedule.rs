//! The schedules' clock: reads the expressions of the template and runs the handlers by them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use functions::App;
use functions::handlers::Handler;
use functions::runtime::{self, RunError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::clock::LocalClock;
use crate::scope;

/// When a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `rate(5 minutes)`
    Rate(SignedDuration),
    /// `cron(0 6 ? * MON-FRI *)`, in UTC.
    Cron(Box<Cron>),
}

/// The fields of a cron expression, written out; `None` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Option<BTreeSet<i32>>,
    hours: Option<BTreeSet<i32>>,
    days: Option<BTreeSet<i32>>,
    months: Option<BTreeSet<i32>>,
    /// 1 is Sunday.
    weekdays: Option<BTreeSet<i32>>,
    years: Option<BTreeSet<i32>>,
}

/// How far ahead a cron expression is searched for its next time.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 366 * 5);

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Expression {
    /// Reads an expression of EventBridge; `None` for one that it would refuse, or that this clock cannot follow
    /// (`L`, `W`, `#`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inside("rate") {
            let (number, unit) = rate.split_once(' ')?;
            let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
            let unit = match (number, unit) {
                (1, "minute") | (2.., "minutes") => 60,
                (1, "hour") | (2.., "hours") => 3_600,
                (1, "day") | (2.., "days") => 86_400,
                _ => return None,
            };
            return Some(Self::Rate(SignedDuration::from_secs(number.checked_mul(unit)?)));
        }
        let [minutes, hours, days, months, weekdays, years] = inside("cron")?.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        // One of the two says nothing about the day, and only one.
        if (days == "?") == (weekdays == "?") {
            return None;
        }
        Some(Self::Cron(Box::new(Cron {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 1, 7, &WEEKDAYS)?,
            years: field(years, 1970, 2199, &[])?,
        })))
    }

    /// The first time after `now`; `None` when there is none any more.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => now.checked_add(*every).ok(),
            Self::Cron(cron) => cron.next(now),
        }
    }
}

impl Cron {
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let minute = SignedDuration::from_mins(1);
        let mut at = Timestamp::from_second(now.as_second().div_euclid(60) * 60 + 60).ok()?;
        let end = now.checked_add(FARTHEST).ok()?;
        let allows = |set: &Option<BTreeSet<i32>>, value: i32| set.as_ref().is_none_or(|set| set.contains(&value));
        while at < end {
            let civil = at.to_zoned(TimeZone::UTC);
            let weekday = i32::from(civil.weekday().to_sunday_one_offset());
            let day = allows(&self.years, i32::from(civil.year()))
                && allows(&self.months, i32::from(civil.month()))
                && allows(&self.days, i32::from(civil.day()))
                && allows(&self.weekdays, weekday);
            if !day {
                at = civil.tomorrow().ok()?.start_of_day().ok()?.timestamp();
                continue;
            }
            if allows(&self.hours, i32::from(civil.hour())) && allows(&self.minutes, i32::from(civil.minute())) {
                return Some(at);
            }
            at = at.checked_add(minute).ok()?;
        }
        None
    }
}

/// `Some(None)`: any. `Some(Some(values))`: one of these. `None`: cannot be read.
fn field(text: &str, least: i32, most: i32, names: &[&str]) -> Option<Option<BTreeSet<i32>>> {
    if matches!(text, "*" | "?") {
        return Some(None);
    }
    let number = |text: &str| {
        let named = names.iter().position(|name| *name == text).and_then(|at| i32::try_from(at).ok());
        named.map(|at| at + least).or_else(|| text.parse().ok()).filter(|n| (least..=most).contains(n))
    };
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step_by = step.map_or(Some(1), |step| step.parse::<usize>().ok().filter(|step| *step > 0))?;
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (one, None) => (number(one)?, if step.is_some() { most } else { number(one)? }),
        };
        if from > to {
            return None;
        }
        values.extend((from..=to).step_by(step_by));
    }
    Some(Some(values))
}

/// A schedule of the template.
pub struct Schedule {
    /// What handlers work with.
    pub app: Arc<App>,
    /// What it runs.
    pub handler: &'static Handler,
    /// When.
    pub expression: Expression,
    /// What it hands over.
    pub input: String,
    /// When Lambda would end the run.
    pub timeout: Duration,
    /// The stack's clock.
    pub clock: Arc<LocalClock>,
}

impl Schedule {
    /// Runs the handler once.
    ///
    /// # Errors
    /// What the handler reports; the next run tries again.
    pub async fn run_once(&self) -> Result<(), RunError> {
        let run = scope::within(self.handler.name, runtime::run(&self.app, self.handler, &self.input));
        match tokio::time::timeout(self.timeout, run).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(RunError::Schedule("ended by its timeout".to_owned())),
        }
    }

    /// Runs by the expression until `stop` turns true. A time that was missed is not made up for: every run does all
    /// that is due.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Some(next) = self.expression.next(self.clock.now()) {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.clock.sleep_until(next) => {}
            }
            if let Err(error) = self.run_once().await {
                tracing::error!(handler = self.handler.name, %error, "the schedule failed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, now: &str) -> Option<String> {
        let next = Expression::parse(expression).unwrap().next(now.parse().unwrap())?;
        Some(next.to_string())
    }

    #[test]
    fn a_rate_runs_that_long_after_the_last_time() {
        assert_eq!(next("rate(1 minute)", "2026-11-01T12:00:30Z").as_deref(), Some("2026-11-01T12:01:30Z"));
        assert_eq!(next("rate(15 minutes)", "2026-11-01T12:00:00Z").as_deref(), Some("2026-11-01T12:15:00Z"));
    }

    #[test]
    fn a_cron_runs_at_its_next_time() {
        for (expression, now, then) in [
            ("cron(0 6 * * ? *)", "2026-11-01T12:00:00Z", "2026-11-02T06:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-11-01T12:15:00Z", "2026-11-01T12:30:00Z"),
            ("cron(30 8 ? * MON-FRI *)", "2026-11-06T09:00:00Z", "2026-11-09T08:30:00Z"),
            ("cron(0 0 29 FEB ? *)", "2026-11-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 0,12 1 1 ? 2027)", "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(expression, now).as_deref(), Some(then), "{expression}");
        }
        assert_eq!(next("cron(0 0 1 1 ? 2020)", "2026-11-01T00:00:00Z"), None);
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        for text in [
            "5minutes",
            "rate(5minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(0 minutes)",
            "rate(-1 minutes)",
            "cron(* * * * *)",
            "cron(0 6 * * * *)",
            "cron(60 6 * * ? *)",
            "cron(0 6 ? * FOO *)",
            "cron(0 9-8 * * ? *)",
            "cron(0/0 * * * ? *)",
            "",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
    }
}
