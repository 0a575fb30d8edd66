//! Sums over the places where one post stands, as the contract states them.

use crate::metric::Metric;
use crate::publication::{Metrics, as_f64};

/// What a post did over all its places. A part that is missing makes a figure missing: half a sum is no sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Impressions, or reach where a place has none.
    pub reach: Metric,
    /// Likes + comments + shares.
    pub engagement: Metric,
    /// The mean of the unrounded rates, in percent with two decimals.
    pub average_rate: Metric<f64>,
}

impl Totals {
    /// The totals of `parts`; of none, nothing is known yet.
    #[must_use]
    pub fn of(parts: &[Metrics]) -> Self {
        let reached = |m: &Metrics| match (m.impressions, m.reach) {
            (Metric::Count(_), _) => m.impressions,
            (Metric::Pending, Metric::NotOffered) => Metric::Pending,
            (_, reach) => reach,
        };
        let rates = all(parts.iter().map(Metrics::engagement_rate));
        let mean = |rates: Vec<f64>| two_decimals(rates.iter().sum::<f64>() / as_f64(rates.len() as u64));
        Self {
            reach: map(all(parts.iter().map(reached)), |counts| counts.into_iter().sum()),
            engagement: map(all(parts.iter().map(Metrics::engagement)), |counts| counts.into_iter().sum()),
            average_rate: map(rates, mean),
        }
    }
}

/// Rounds as people do: two decimals, half away from zero.
#[must_use]
pub fn two_decimals(rate: f64) -> f64 {
    (rate * 100.0).round() / 100.0
}

/// Every number, or why one is missing: for good, or for now.
fn all<N: Copy>(figures: impl Iterator<Item = Metric<N>>) -> Result<Vec<N>, Metric<N>> {
    let figures: Vec<Metric<N>> = figures.collect();
    if figures.iter().any(Metric::is_not_offered) {
        return Err(Metric::NotOffered);
    }
    let numbers: Option<Vec<N>> = figures.iter().map(|figure| figure.count()).collect();
    numbers.filter(|numbers| !numbers.is_empty()).ok_or(Metric::Pending)
}

fn map<N: Copy, T: Copy>(numbers: Result<Vec<N>, Metric<N>>, of: impl FnOnce(Vec<N>) -> T) -> Metric<T> {
    match numbers {
        Ok(numbers) => Metric::Count(of(numbers)),
        Err(Metric::NotOffered) => Metric::NotOffered,
        Err(_) => Metric::Pending,
    }
}

#[cfg(test)]
mod tests {
    use Metric::{Count, NotOffered, Pending};

    use super::*;

    fn part(likes: u64, comments: u64, shares: u64, impressions: Metric, reach: Metric) -> Metrics {
        Metrics {
            likes: Count(likes),
            comments: Count(comments),
            shares: Count(shares),
            impressions,
            reach,
            ..Metrics::default()
        }
    }

    #[test]
    fn the_contracts_examples_come_out() {
        // 87 of 1250 impressions and 42 of 856: 6.96 and 4.91, in the mean 5.93; together 2106 reached, 129 engaged.
        let parts = [part(80, 5, 2, Count(1250), Count(900)), part(30, 10, 2, Count(856), NotOffered)];
        let rates = parts.map(|part| part.engagement_rate().count().map(two_decimals));
        assert_eq!(rates, [Some(6.96), Some(4.91)]);
        assert_eq!(
            Totals::of(&parts),
            Totals { reach: Count(2106), engagement: Count(129), average_rate: Count(5.93) }
        );
        // 5743 of a reach of 124000, where there are no impressions: 4.63.
        let reached = part(5000, 500, 243, NotOffered, Count(124_000));
        assert_eq!(reached.engagement_rate().count().map(two_decimals), Some(4.63));
        assert_eq!(Totals::of(&[reached]).reach, Count(124_000));
    }

    #[test]
    fn a_missing_part_makes_a_figure_missing_and_never_zero() {
        let whole = part(80, 5, 2, Count(1250), NotOffered);
        let late = part(30, 10, 2, NotOffered, Pending);
        let totals = Totals::of(&[whole, late]);
        assert_eq!((totals.reach, totals.engagement, totals.average_rate), (Pending, Count(129), Pending));
        let never = Metrics { shares: NotOffered, ..part(30, 10, 0, NotOffered, NotOffered) };
        let totals = Totals::of(&[whole, late, never]);
        assert_eq!((totals.reach, totals.engagement, totals.average_rate), (NotOffered, NotOffered, NotOffered));
        let none = Totals::of(&[]);
        assert_eq!((none.reach, none.engagement, none.average_rate), (Pending, Pending, Pending));
    }
}
