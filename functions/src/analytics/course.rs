//! The course of figures over a range, step by step: of each account, and of all together.

use std::collections::BTreeMap;

use cloud::http::ApiError;
use cloud::table::points::{self, Point};
use domain::Metric;
use domain::analytics::Figure;
use domain::analytics::span::{Interval, Range};
use domain::analytics::totals::two_decimals;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::subject::Subject;
use crate::App;

/// A figure of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// The platform offers it and has not reported it, or the step is not over and nobody has looked yet.
    Pending,
    /// The platform has no such figure.
    NotOffered,
    /// Nobody looked in this step.
    NotMeasured,
}

impl Value {
    /// The number.
    #[must_use]
    pub const fn number(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// Why there is none.
    #[must_use]
    pub const fn unavailable(self) -> Option<&'static str> {
        match self {
            Self::Number(_) => None,
            Self::Pending => Some("pending"),
            Self::NotOffered => Some("not_offered"),
            Self::NotMeasured => Some("not_measured"),
        }
    }
}

/// A step of a course.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
    figures: BTreeMap<Figure, Metric<i64>>,
    /// Whether looks are still to come.
    open: bool,
}

/// The course of a subject's accounts.
pub struct Course {
    /// Each account's.
    pub accounts: Vec<Vec<Step>>,
    /// All together.
    pub total: Vec<Step>,
    /// The whole range as one step: the sum of what each account's whole range comes to.
    pub whole: Step,
}

/// A step as it is shown.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Where the step begins.
    start: Timestamp,
    /// Followers at its end.
    followers: Option<f64>,
    /// Accounts followed at its end.
    following: Option<f64>,
    /// Posts at its end.
    posts: Option<f64>,
    /// Impressions that were added.
    impressions: Option<f64>,
    /// Reach that was added: accounts reached, of each post for itself.
    reach: Option<f64>,
    /// Views that were added.
    views: Option<f64>,
    /// Likes that were added.
    likes: Option<f64>,
    /// Comments that were added.
    comments: Option<f64>,
    /// Re-posts that were added.
    shares: Option<f64>,
    /// Bookmarks that were added.
    saves: Option<f64>,
    /// likes + comments + shares that were added.
    engagement: Option<f64>,
    /// Added engagement / added base × 100; the base is impressions, else reach, else views.
    engagement_rate: Option<f64>,
    /// Why a figure is `null`: `pending`, `not_offered` or `not_measured`.
    unavailable: BTreeMap<&'static str, &'static str>,
}

impl StepView {
    /// What is shown of a step.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let number = |figure| step.value(figure).number();
        let why =
            Figure::ALL.into_iter().filter_map(|figure| Some((figure.as_str(), step.value(figure).unavailable()?)));
        Self {
            start: step.start,
            followers: number(Figure::Followers),
            following: number(Figure::Following),
            posts: number(Figure::Posts),
            impressions: number(Figure::Impressions),
            reach: number(Figure::Reach),
            views: number(Figure::Views),
            likes: number(Figure::Likes),
            comments: number(Figure::Comments),
            shares: number(Figure::Shares),
            saves: number(Figure::Saves),
            engagement: number(Figure::Engagement),
            engagement_rate: number(Figure::EngagementRate),
            unavailable: why.collect(),
        }
    }
}

impl Step {
    /// A figure of the step.
    #[must_use]
    pub fn value(&self, figure: Figure) -> Value {
        if figure == Figure::EngagementRate {
            return self.rate();
        }
        match self.figures.get(&figure) {
            Some(Metric::Count(count)) => Value::Number(as_f64(*count)),
            Some(Metric::Pending) => Value::Pending,
            Some(Metric::NotOffered) => Value::NotOffered,
            None if self.open => Value::Pending,
            None => Value::NotMeasured,
        }
    }

    fn rate(&self) -> Value {
        let engagement = self.value(Figure::Engagement);
        let bases = [Figure::Impressions, Figure::Reach, Figure::Views].map(|figure| self.value(figure));
        match (engagement, bases.iter().find_map(|base| base.number())) {
            // Nobody saw anything new, so there is nothing to be a share of.
            (Value::Number(_), Some(base)) if base <= 0.0 => Value::Pending,
            (Value::Number(engagement), Some(base)) => Value::Number(two_decimals(engagement / base * 100.0)),
            (Value::Number(_), None) if bases.iter().all(|base| *base == Value::NotOffered) => Value::NotOffered,
            (Value::Number(_), None) => {
                bases.into_iter().find(|base| *base != Value::NotOffered).unwrap_or(Value::Pending)
            }
            (why, _) => why,
        }
    }

    fn take(&mut self, figures: &BTreeMap<Figure, Metric<i64>>) {
        for (figure, seen) in figures {
            let known = self.figures.get(figure).copied();
            let joined = match (known, *seen) {
                (Some(Metric::Count(known)), Metric::Count(seen)) if !figure.is_level() => Metric::Count(known + seen),
                // A level's last number stays when a later look has none.
                (Some(Metric::Count(known)), Metric::Pending | Metric::NotOffered) => Metric::Count(known),
                (Some(Metric::Pending), Metric::NotOffered) => Metric::Pending,
                (_, seen) => seen,
            };
            self.figures.insert(*figure, joined);
        }
    }
}

/// Several steps as one.
#[must_use]
pub fn whole(steps: &[Step]) -> Step {
    let (first, last) = (steps.first(), steps.last());
    let start = first.map_or(Timestamp::UNIX_EPOCH, |step| step.start);
    let mut whole = Step {
        start,
        end: last.map_or(start, |step| step.end),
        figures: BTreeMap::new(),
        open: last.is_none_or(|step| step.open),
    };
    steps.iter().for_each(|step| whole.take(&step.figures));
    whole
}

/// The course of a subject's accounts. One query for each.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn of(app: &App, subject: &Subject, range: Range, interval: Interval) -> Result<Course, ApiError> {
    let now = app.now();
    let steps = range.steps(interval, &subject.zone);
    let empty: Vec<Step> = steps
        .iter()
        .map(|(start, end)| Step {
            start: start.timestamp(),
            end: end.timestamp(),
            figures: BTreeMap::new(),
            open: end.timestamp() > now,
        })
        .collect();
    let (Some(first), Some(last)) = (empty.first(), empty.last()) else {
        return Ok(Course { accounts: Vec::new(), total: Vec::new(), whole: whole(&[]) });
    };
    let clock = if interval == Interval::Hour { &TimeZone::UTC } else { &subject.zone };
    let day = |at: Timestamp| at.to_zoned(clock.clone()).date();
    let before_end = Timestamp::from_second(last.end.as_second() - 1).unwrap_or(last.end);
    let days = (day(first.start), day(before_end));
    let reads = subject.accounts.iter().map(|account| {
        let empty = empty.clone();
        async move {
            let found = points::read(&app.table, &account.workspace, &account.id, interval, days).await?;
            Ok::<_, ApiError>(laid_out(empty, &found, clock))
        }
    });
    let accounts: Vec<Vec<Step>> = try_join_all(reads).await?;
    let linked: Vec<Timestamp> = subject.accounts.iter().map(|account| account.created_at).collect();
    let total = summed(&empty, &accounts, &linked);
    // Not the sum of the days' sums: a day on which one figure was late has none, and what the others gained on it counts.
    let wholes: Vec<Vec<Step>> = accounts.iter().map(|steps| vec![whole(steps)]).collect();
    let whole = summed(&[whole(&empty)], &wholes, &linked).pop().unwrap_or_else(|| whole(&empty));
    Ok(Course { accounts, total, whole })
}

/// Points laid into the steps that they are of.
fn laid_out(mut steps: Vec<Step>, points: &[Point], clock: &TimeZone) -> Vec<Step> {
    for point in points {
        let Ok(at) = clock.to_ambiguous_timestamp(point.start).compatible() else { continue };
        let index = steps.partition_point(|step| step.start <= at);
        if let Some(step) = index.checked_sub(1).and_then(|index| steps.get_mut(index)).filter(|step| at < step.end) {
            step.take(&point.figures);
        }
    }
    steps
}

/// The sum of the accounts, of those that were linked by then. A part that is missing makes a figure missing; one that an
/// account's platform does not offer is missing in every step, whether somebody looked in it or not.
fn summed(empty: &[Step], accounts: &[Vec<Step>], linked: &[Timestamp]) -> Vec<Step> {
    let lacks = |steps: &[Step], figure: Figure| whole(steps).figures.get(&figure) == Some(&Metric::NotOffered);
    let mut total = empty.to_vec();
    for figure in Figure::LEVELS.into_iter().chain(Figure::GAINS) {
        let lacking: Vec<bool> = accounts.iter().map(|steps| lacks(steps, figure)).collect();
        for (index, sum) in total.iter_mut().enumerate() {
            let there = (0..accounts.len()).filter(|account| linked.get(*account).is_some_and(|at| *at < sum.end));
            let there: Vec<usize> = there.collect();
            if there.iter().any(|account| lacking.get(*account) == Some(&true)) {
                sum.figures.insert(figure, Metric::NotOffered);
                continue;
            }
            let seen = |account: &usize| accounts.get(*account)?.get(index)?.figures.get(&figure).copied();
            let known: Vec<Option<Metric<i64>>> = there.iter().map(seen).collect();
            // An account on whose posts nobody looked in this step has gained nothing that was seen.
            let known: Vec<Metric<i64>> = match figure.is_level() {
                true if known.iter().any(Option::is_none) => continue,
                _ => known.into_iter().flatten().collect(),
            };
            let why = [Metric::NotOffered, Metric::Pending].into_iter().find(|why| known.contains(why));
            let numbers: Vec<i64> = known.iter().filter_map(|metric| metric.count()).collect();
            if let Some(metric) = why.or((!numbers.is_empty()).then(|| Metric::Count(numbers.iter().sum()))) {
                sum.figures.insert(figure, metric);
            }
        }
    }
    total
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn as_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use Metric::{Count, NotOffered, Pending};

    use super::*;

    fn step(figures: &[(Figure, Metric<i64>)]) -> Step {
        let (start, end) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(86_400).unwrap());
        let mut step = Step { start, end, figures: BTreeMap::new(), open: false };
        step.take(&figures.iter().copied().collect());
        step
    }

    #[test]
    fn a_rate_is_of_what_was_added_and_on_the_first_base_there_is() {
        let rate = |figures: &[(Figure, Metric<i64>)]| step(figures).value(Figure::EngagementRate);
        let engagement = (Figure::Engagement, Count(87));
        assert_eq!(
            rate(&[engagement, (Figure::Impressions, Count(1250)), (Figure::Reach, Count(900))]),
            Value::Number(6.96)
        );
        assert_eq!(
            rate(&[engagement, (Figure::Impressions, NotOffered), (Figure::Reach, Count(1250))]),
            Value::Number(6.96)
        );
        assert_eq!(rate(&[engagement, (Figure::Reach, Count(0))]), Value::Pending);
        let none = [Figure::Impressions, Figure::Reach, Figure::Views].map(|figure| (figure, NotOffered));
        assert_eq!(rate(&[[engagement].as_slice(), &none].concat()), Value::NotOffered);
        assert_eq!(rate(&[(Figure::Engagement, Pending), (Figure::Reach, Count(9))]), Value::Pending);
        assert_eq!(rate(&[]), Value::NotMeasured);
    }

    #[test]
    fn steps_add_gains_and_keep_the_last_level() {
        let steps = [
            step(&[(Figure::Followers, Count(100)), (Figure::Likes, Count(5)), (Figure::Views, Pending)]),
            step(&[(Figure::Followers, Count(90)), (Figure::Likes, Count(-2)), (Figure::Views, Count(7))]),
            step(&[(Figure::Followers, Pending), (Figure::Saves, NotOffered)]),
        ];
        let whole = whole(&steps);
        assert_eq!(whole.value(Figure::Followers), Value::Number(90.0));
        assert_eq!(whole.value(Figure::Likes), Value::Number(3.0));
        assert_eq!(whole.value(Figure::Views), Value::Number(7.0));
        assert_eq!(whole.value(Figure::Saves), Value::NotOffered);
        assert_eq!(whole.value(Figure::Shares), Value::NotMeasured);
    }

    #[test]
    fn a_sum_is_that_of_every_account_or_says_why_there_is_none() {
        let none = || step(&[]);
        let linked = [Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH];
        let sum = |accounts: &[Vec<Step>], index: usize, figure: Figure| {
            let empty = vec![none(); accounts[0].len()];
            summed(&empty, accounts, &linked)[index].value(figure)
        };
        // One of the two has no views: no day has a sum, also the one on which nobody looked at it.
        let has = vec![step(&[(Figure::Views, Count(5))]), step(&[(Figure::Views, Count(7))])];
        let lacks = vec![step(&[(Figure::Views, NotOffered)]), none()];
        assert_eq!(sum(&[has.clone(), lacks.clone()], 0, Figure::Views), Value::NotOffered);
        assert_eq!(sum(&[has.clone(), lacks.clone()], 1, Figure::Views), Value::NotOffered);
        // Late on a day is late on that day.
        let late = vec![step(&[(Figure::Views, Pending)]), step(&[(Figure::Views, Count(1))])];
        assert_eq!(sum(&[has.clone(), late.clone()], 0, Figure::Views), Value::Pending);
        assert_eq!(sum(&[has.clone(), late.clone()], 1, Figure::Views), Value::Number(8.0));
        // Of the whole range each account's own sum counts, the first day's five among them.
        let wholes = [vec![whole(&has)], vec![whole(&late)]];
        assert_eq!(sum(&wholes, 0, Figure::Views), Value::Number(13.0));
        assert_eq!(sum(&[vec![whole(&has)], vec![whole(&lacks)]], 0, Figure::Views), Value::NotOffered);
        // A level that one account has not shown yet is no level of both.
        let levels = [vec![step(&[(Figure::Followers, Count(3))])], vec![none()]];
        assert_eq!(sum(&levels, 0, Figure::Followers), Value::NotMeasured);
    }
}
