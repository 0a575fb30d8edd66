//! An account's course in time: quarter hours in a row for each day, days in a row for each month, months in a row for each year.
//!
//! A look adds what it saw to the three of them in the transaction that stores the look itself, so no repetition can add
//! it twice, and a year by days is one query of thirteen rows. Quarter hours are of UTC, since every zone's hours begin at
//! one; days and months are those of the workspace's zone when the look was made.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::analytics::Figure;
use domain::analytics::span::{Interval, KEPT};
use domain::{ConnectionId, Metric, WorkspaceId};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::client::{Item, StoreError, Table, demand, n, s, text};
use super::keys;
use super::transact::Transaction;

/// How much one row and one figure may hold of a span of time.
const HOURS: usize = 0;
const DAYS: usize = 1;
const MONTHS: usize = 2;

/// What one look adds to an account's course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Levels of the account, as of now.
    pub levels: BTreeMap<Figure, Metric>,
    /// What its posts gained.
    pub gains: BTreeMap<Figure, Metric<i64>>,
}

impl Seen {
    /// Counts a gain in. One number makes a number of the sum; without any it is pending while a part of it is.
    pub fn gain(&mut self, figure: Figure, gain: Metric<i64>) {
        let sum = self.gains.entry(figure).or_default();
        *sum = joined(*sum, gain);
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.gains.is_empty()
    }
}

fn joined(a: Metric<i64>, b: Metric<i64>) -> Metric<i64> {
    match (a, b) {
        (Metric::Count(a), Metric::Count(b)) => Metric::Count(a.saturating_add(b)),
        (Metric::Count(n), _) | (_, Metric::Count(n)) => Metric::Count(n),
        (Metric::Pending, _) | (_, Metric::Pending) => Metric::Pending,
        (Metric::NotOffered, Metric::NotOffered) => Metric::NotOffered,
    }
}

/// A span of time with what was seen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Where the span begins, in the clock of the rows: UTC for quarter hours, the workspace's for days and months.
    pub start: DateTime,
    /// The figures. One that is not there was not looked for.
    pub figures: BTreeMap<Figure, Metric<i64>>,
}

/// Adds what a look saw at `at` to a transaction: three updates of rows that need not be there.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn add<'a>(
    mut transaction: Transaction<'a>,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    seen: &Seen,
    at: Timestamp,
    zone: &TimeZone,
) -> Result<Transaction<'a>, StoreError> {
    let pk = keys::connection_pk(workspace, id);
    let (utc, local) = (at.to_zoned(TimeZone::UTC), at.to_zoned(zone.clone()));
    let ends = at.saturating_add(KEPT).unwrap_or(at);
    for (level, at) in [(HOURS, &utc), (DAYS, &local), (MONTHS, &local)] {
        let (period, slot) = place(level, at);
        let (expression, names, values) = change(seen, &slot, ends, level);
        let sk = keys::points_sk(level, &period);
        transaction = transaction.update("points", (&pk, &sk), &expression, None, names, values)?;
    }
    Ok(transaction)
}

/// The row of a point, and its place in it.
fn place(level: usize, at: &Zoned) -> (String, String) {
    let quarter = at.minute() / 15 * 15;
    match level {
        HOURS => (at.strftime("%Y-%m-%d").to_string(), format!("{:02}{quarter:02}", at.hour())),
        DAYS => (at.strftime("%Y-%m").to_string(), format!("{:02}", at.day())),
        _ => (at.strftime("%Y").to_string(), format!("{:02}", at.month())),
    }
}

type Change = (String, HashMap<String, String>, HashMap<String, AttributeValue>);

fn change(seen: &Seen, slot: &str, ends: Timestamp, level: usize) -> Change {
    let mut names = HashMap::from([("#ttl".to_owned(), "ttl".to_owned())]);
    // A row lives until two years after the last look that it could get.
    let longer = SignedDuration::from_hours(24 * [1, 31, 366].get(level).unwrap_or(&0));
    let ends = ends.saturating_add(longer).unwrap_or(ends);
    let mut values =
        HashMap::from([(":v".to_owned(), n(keys::SCHEMA_VERSION)), (":ttl".to_owned(), n(ends.as_second()))]);
    let (mut set, mut add) = (vec!["v = :v".to_owned(), "#ttl = :ttl".to_owned()], Vec::new());
    let mut put = |figure: Figure, value: AttributeValue, list: &mut Vec<String>, between: &str| {
        let short = figure.short();
        names.insert(format!("#{short}"), format!("{slot}{short}"));
        values.insert(format!(":{short}"), value);
        list.push(format!("#{short}{between}:{short}"));
    };
    let mut missing = Vec::new();
    for (figure, level) in &seen.levels {
        match level {
            Metric::Count(count) => put(*figure, n(count), &mut set, " = "),
            why => missing.push((*figure, why.unavailable())),
        }
    }
    for (figure, gain) in &seen.gains {
        match gain {
            Metric::Count(count) => put(*figure, n(count), &mut add, " "),
            why => missing.push((*figure, why.unavailable())),
        }
    }
    // Why a figure has no number, as of the last look of the span; a number that is there wins over it.
    for (figure, why) in missing {
        let (short, why) = (figure.short(), why.unwrap_or_default());
        names.insert(format!("#{short}"), format!("{slot}{short}?"));
        values.insert(format!(":{short}"), s(why));
        set.push(format!("#{short} = :{short}"));
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !add.is_empty() {
        expression = format!("{expression} ADD {}", add.join(", "));
    }
    (expression, names, values)
}

/// An account's points between two days of the rows' clock, by time. One query.
///
/// # Errors
/// [`StoreError`].
pub async fn read(
    table: &Table,
    workspace: &WorkspaceId,
    id: &ConnectionId,
    interval: Interval,
    (first, last): (Date, Date),
) -> Result<Vec<Point>, StoreError> {
    let level = match interval {
        Interval::Hour => HOURS,
        Interval::Day | Interval::Week => DAYS,
        Interval::Month => MONTHS,
    };
    let period = |day: Date| {
        let form = ["%Y-%m-%d", "%Y-%m", "%Y"].get(level).copied().unwrap_or("%Y");
        keys::points_sk(level, &day.strftime(form).to_string())
    };
    let rows = table.query_whole_between(&keys::connection_pk(workspace, id), (&period(first), &period(last))).await?;
    let mut points = Vec::new();
    for row in &rows {
        points.extend(points_of(row, level)?);
    }
    points.sort_by_key(|point| point.start);
    Ok(points)
}

fn points_of(row: &Item, level: usize) -> Result<Vec<Point>, StoreError> {
    let sk = demand(text(row, "sk")?, "sk")?;
    let period = sk.split_once('#').map(|(_, period)| period).unwrap_or_default();
    let mut points: BTreeMap<DateTime, BTreeMap<Figure, Metric<i64>>> = BTreeMap::new();
    for (name, value) in row {
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            continue;
        }
        let (slot, rest) = name.split_at(digits);
        let figure = Figure::ALL.into_iter().find(|figure| figure.short() == rest.trim_end_matches('?'));
        let malformed = || StoreError::Malformed(format!("{name} of {sk} is no point"));
        let (figure, start) = figure.zip(start_of(level, period, slot)).ok_or_else(malformed)?;
        let seen = match value {
            AttributeValue::N(number) => Metric::Count(number.parse().map_err(|_| malformed())?),
            AttributeValue::S(why) if why == "pending" => Metric::Pending,
            AttributeValue::S(_) => Metric::NotOffered,
            _ => return Err(malformed()),
        };
        let known = points.entry(start).or_default().entry(figure).or_default();
        if known.count().is_none() {
            *known = seen;
        }
    }
    Ok(points.into_iter().map(|(start, figures)| Point { start, figures }).collect())
}

fn start_of(level: usize, period: &str, slot: &str) -> Option<DateTime> {
    let text = match level {
        HOURS => format!("{period}T{}:{}", slot.get(..2)?, slot.get(2..)?),
        DAYS => format!("{period}-{slot}T00:00"),
        _ => format!("{period}-{slot}-01T00:00"),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    fn zone() -> TimeZone {
        domain::schedule::zone("Asia/Kolkata").unwrap()
    }

    #[tokio::test]
    async fn looks_add_up_in_hours_days_and_months_and_levels_are_the_last() {
        let (table, workspace) = (table().await, WorkspaceId::parse("w").unwrap());
        let id = ConnectionId::parse("conn_ann_INSTAGRAM_1790000000000".to_owned()).unwrap();
        for (at, followers, likes, views) in [
            ("2026-10-31T18:20:00Z", 100, 5, Metric::Pending),
            ("2026-10-31T18:40:00Z", 101, 7, Metric::Pending),
            ("2026-10-31T18:44:00Z", 102, -1, Metric::Count(40)),
        ] {
            let mut seen = Seen::default();
            seen.levels.insert(Figure::Followers, Metric::Count(followers));
            seen.gain(Figure::Likes, Metric::Count(likes));
            seen.gain(Figure::Views, views);
            seen.gain(Figure::Shares, Metric::NotOffered);
            let at = at.parse().unwrap();
            let write = add(table.transaction(), &workspace, &id, &seen, at, &zone()).unwrap();
            assert!(write.commit().await.unwrap().is_done());
        }
        let read = async |interval, first: &str, last: &str| {
            let days = (first.parse().unwrap(), last.parse().unwrap());
            let points = read(&table, &workspace, &id, interval, days).await.unwrap();
            let shown = |p: &Point| {
                let of = |figure| p.figures.get(&figure).copied();
                let why = |figure| of(figure).and_then(Metric::unavailable);
                let count = |figure| of(figure).and_then(Metric::count);
                let counts = (count(Figure::Followers), count(Figure::Likes), count(Figure::Views));
                (p.start.to_string(), counts, why(Figure::Views), why(Figure::Shares))
            };
            points.iter().map(shown).collect::<Vec<_>>()
        };
        // In Kolkata it is five and a half hours later: the first look is of October, the others of November.
        let none = Some("not_offered");
        assert_eq!(
            read(Interval::Hour, "2026-10-31", "2026-10-31").await,
            [
                ("2026-10-31T18:15:00".to_owned(), (Some(100), Some(5), None), Some("pending"), none),
                ("2026-10-31T18:30:00".to_owned(), (Some(102), Some(6), Some(40)), None, none),
            ]
        );
        let days = [
            ("2026-10-31T00:00:00".to_owned(), (Some(100), Some(5), None), Some("pending"), none),
            ("2026-11-01T00:00:00".to_owned(), (Some(102), Some(6), Some(40)), None, none),
        ];
        assert_eq!(read(Interval::Day, "2026-10-01", "2026-11-30").await, days);
        assert_eq!(read(Interval::Day, "2026-11-01", "2026-11-01").await, days[1..]);
        let months = read(Interval::Month, "2026-01-01", "2026-12-31").await;
        assert_eq!(
            months.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(),
            ["2026-10-01T00:00:00", "2026-11-01T00:00:00"]
        );
        assert_eq!(read(Interval::Day, "2025-01-01", "2025-12-31").await, []);
    }
}
