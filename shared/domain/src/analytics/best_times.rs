//! When an account's own posts did best, by weekday and hour.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::totals::two_decimals;
use crate::publication::as_f64;

/// Without this many posts nothing is said.
pub const LEAST_POSTS: usize = 20;
/// A time with fewer posts is shown and not recommended.
pub const LEAST_IN_CELL: u32 = 3;
/// How many average posts are mixed into each time, so that two lucky posts do not outdo twenty good ones.
const PRIOR: f64 = 5.0;
/// How many times are recommended.
const MOST: usize = 5;

/// An hour of a week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// 1 is Monday, 7 Sunday.
    pub weekday: i8,
    /// 0 to 23.
    pub hour: i8,
    /// The posts behind it.
    pub posts: u32,
    /// Their mean.
    pub mean: f64,
    /// The mean with [`PRIOR`] average posts mixed in: what times are compared by.
    pub score: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct BestTimes {
    /// How many posts there were.
    pub posts: usize,
    /// The mean of all.
    pub mean: f64,
    /// Every hour that has a post, by weekday and hour.
    pub cells: Vec<Cell>,
    /// The best of those with [`LEAST_IN_CELL`] posts that are above the average, best first; none with too few posts.
    pub best: Vec<Cell>,
}

/// Compares the hours in which posts went out, by the figure that each came to.
#[must_use]
pub fn best_times(posts: &[(Timestamp, f64)], zone: &TimeZone) -> BestTimes {
    let count = |n: u32| as_f64(u64::from(n));
    let mean = posts.iter().map(|(_, figure)| figure).sum::<f64>() / as_f64(posts.len().max(1) as u64);
    let mut sums = std::collections::BTreeMap::<(i8, i8), (u32, f64)>::new();
    for (at, figure) in posts {
        let local = at.to_zoned(zone.clone());
        let (n, sum) = sums.entry((local.weekday().to_monday_one_offset(), local.hour())).or_default();
        *n += 1;
        *sum += figure;
    }
    let cells: Vec<Cell> = sums
        .into_iter()
        .map(|((weekday, hour), (n, sum))| Cell {
            weekday,
            hour,
            posts: n,
            mean: two_decimals(sum / count(n)),
            score: two_decimals((sum + PRIOR * mean) / (count(n) + PRIOR)),
        })
        .collect();
    let mut best: Vec<Cell> = cells.clone();
    best.retain(|cell| cell.posts >= LEAST_IN_CELL && cell.score > two_decimals(mean));
    best.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.weekday, a.hour).cmp(&(b.weekday, b.hour))));
    best.truncate(if posts.len() < LEAST_POSTS { 0 } else { MOST });
    BestTimes { posts: posts.len(), mean: two_decimals(mean), cells, best }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    /// `n` weekly posts at an hour of a Monday in November, UTC.
    fn posts(n: i64, hour: i64, figure: f64) -> Vec<(Timestamp, f64)> {
        let monday: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
        (0..n).map(|week| (monday + (week * 7 * 24 + hour).hours(), figure)).collect()
    }

    #[test]
    fn the_hour_with_better_posts_wins_and_luck_does_not() {
        let all = [posts(10, 9, 2.0), posts(10, 18, 6.0), posts(2, 22, 9.0)].concat();
        let found = best_times(&all, &TimeZone::UTC);
        // By hand: (10·2 + 10·6 + 2·9) / 22 = 4.4545; at 18: (60 + 5·4.4545) / 15 = 5.48; at 22, with two posts, none.
        assert_eq!((found.posts, found.mean, found.cells.len()), (22, 4.45, 3));
        assert_eq!(found.best, [Cell { weekday: 1, hour: 18, posts: 10, mean: 6.0, score: 5.48 }]);
        assert_eq!(found.cells[2].posts, 2);
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let berlin = crate::schedule::zone("Europe/Berlin").unwrap();
        let found = best_times(&posts(1, 23, 1.0), &berlin);
        assert_eq!((found.cells[0].weekday, found.cells[0].hour), (2, 0));
    }

    #[test]
    fn too_few_posts_recommend_nothing_and_none_are_no_error() {
        let all = [posts(9, 9, 2.0), posts(10, 18, 6.0)].concat();
        let found = best_times(&all, &TimeZone::UTC);
        assert_eq!((found.best.len(), found.cells.len()), (0, 2));
        let none = best_times(&[], &TimeZone::UTC);
        assert_eq!((none.posts, none.mean, none.cells.len()), (0, 0.0, 0));
        assert!(best_times(&posts(30, 9, 2.0), &TimeZone::UTC).best.is_empty(), "nothing is above its own average");
    }
}
