//! The looks at one post: what each saw, and what the next one adds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::ladder::{MOST_LOOKS, Motion, STILL_AFTER};
use crate::metric::Metric;
use crate::publication::Metrics;

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When, in whole seconds.
    #[serde(rename = "t", with = "jiff::fmt::serde::timestamp::second::required")]
    pub at: Timestamp,
    /// The figures.
    #[serde(rename = "m")]
    pub metrics: Metrics,
}

/// The looks at one post, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(pub Vec<Look>);

impl History {
    /// The newest look.
    #[must_use]
    pub fn last(&self) -> Option<&Look> {
        self.0.last()
    }

    /// The newest number of a figure; a look that found it pending does not take it away.
    #[must_use]
    pub fn known(&self, figure: Figure) -> Option<u64> {
        self.0.iter().rev().find_map(|look| figure.of(&look.metrics)?.count())
    }

    /// What `now` adds to a figure since the last number of it.
    ///
    /// The first number of a post is a gain only where the post appeared while it was watched (`from_birth`): what an old
    /// post had before nobody saw being added. A figure may also fall, when a like is taken back.
    #[must_use]
    pub fn gain(&self, figure: Figure, now: &Metrics, from_birth: bool) -> Metric<i64> {
        match figure.of(now).unwrap_or_default() {
            Metric::Pending => Metric::Pending,
            Metric::NotOffered => Metric::NotOffered,
            Metric::Count(count) => {
                let before = self.known(figure).or(from_birth.then_some(0)).unwrap_or(count);
                Metric::Count(signed(count).saturating_sub(signed(before)))
            }
        }
    }

    /// Adds a look; false when it is not newer than the last one, and then nothing changes.
    pub fn add(&mut self, look: Look) -> bool {
        if self.last().is_some_and(|last| last.at >= look.at) {
            return false;
        }
        self.0.push(look);
        // The ladder ends before that; a clock that was set back and forth could go on.
        if self.0.len() > MOST_LOOKS {
            self.0.remove(1);
        }
        true
    }

    /// How the post did at its last looks.
    #[must_use]
    pub fn motion(&self) -> Motion {
        let pairs: Vec<[&Look; 2]> =
            self.0.windows(2).rev().filter_map(|pair| pair.iter().collect::<Vec<_>>().try_into().ok()).collect();
        let changed = |[before, after]: &[&Look; 2]| before.metrics != after.metrics;
        let still = pairs.iter().take_while(|pair| !changed(pair)).count();
        if u32::try_from(still).is_ok_and(|still| still >= STILL_AFTER) {
            return Motion::Still;
        }
        let grew = |[before, after]: &[&Look; 2]| {
            Figure::GAINS.iter().any(|figure| {
                let counts = |look: &Look| figure.of(&look.metrics).and_then(Metric::count);
                matches!((counts(before), counts(after)), (Some(b), Some(a)) if a > b && (a - b) * 10 >= b)
            })
        };
        if pairs.first().is_some_and(grew) { Motion::Moving } else { Motion::Usual }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use Metric::{Count, NotOffered, Pending};

    use super::*;

    fn look(at: i64, likes: Metric, views: Metric) -> Look {
        let metrics = Metrics { likes, views, ..Metrics::default() };
        Look { at: Timestamp::from_second(at).unwrap(), metrics }
    }

    fn history(looks: &[(Metric, Metric)]) -> History {
        History(looks.iter().zip(1..).map(|((likes, views), at)| look(at, *likes, *views)).collect())
    }

    #[test]
    fn a_gain_is_since_the_last_number_and_an_old_posts_past_is_none() {
        let new = look(9, Count(12), Pending).metrics;
        assert_eq!(history(&[]).gain(Figure::Likes, &new, true), Count(12));
        assert_eq!(history(&[]).gain(Figure::Likes, &new, false), Count(0));
        assert_eq!(history(&[]).gain(Figure::Views, &new, true), Pending);
        assert_eq!(history(&[]).gain(Figure::Shares, &new, true), NotOffered);
        let seen = history(&[(Count(5), Count(100)), (Pending, Pending)]);
        assert_eq!(seen.gain(Figure::Likes, &new, true), Count(7), "a look without a number in between loses nothing");
        assert_eq!(history(&[(Count(15), Pending)]).gain(Figure::Likes, &new, true), Count(-3));
        let late = look(9, Count(1), Count(80)).metrics;
        assert_eq!(history(&[(Count(1), Pending)]).gain(Figure::Views, &late, true), Count(80));
        assert_eq!(history(&[(Count(1), Pending)]).gain(Figure::Views, &late, false), Count(0));
    }

    #[test]
    fn a_look_that_is_not_newer_changes_nothing() {
        let mut seen = history(&[(Count(5), Count(100))]);
        assert!(!seen.add(look(1, Count(6), Count(100))));
        assert!(!seen.add(look(0, Count(6), Count(100))));
        assert!(seen.add(look(2, Count(6), Count(100))));
        assert_eq!(seen.0.len(), 2);
        for at in 3..200 {
            seen.add(look(at, Count(6), Count(100)));
        }
        assert_eq!(seen.0.len(), MOST_LOOKS);
        assert_eq!(seen.0[0], look(1, Count(5), Count(100)), "the first look is the baseline and stays");
    }

    #[test]
    fn a_post_moves_when_a_figure_grew_by_a_tenth_and_is_still_after_two_equal_looks() {
        let motion = |looks: &[(Metric, Metric)]| history(looks).motion();
        assert_eq!(motion(&[]), Motion::Usual);
        assert_eq!(motion(&[(Count(5), Count(100))]), Motion::Usual);
        assert_eq!(motion(&[(Count(5), Count(100)), (Count(5), Count(109))]), Motion::Usual);
        assert_eq!(motion(&[(Count(5), Count(100)), (Count(5), Count(110))]), Motion::Moving);
        assert_eq!(motion(&[(Count(0), Pending), (Count(1), Pending)]), Motion::Moving);
        let same = (Count(5), Count(100));
        assert_eq!(motion(&[same, same]), Motion::Usual);
        assert_eq!(motion(&[same, same, same]), Motion::Still);
        assert_eq!(motion(&[same, same, same, (Count(6), Count(100))]), Motion::Moving);
    }

    #[test]
    fn looks_are_stored_small() {
        let text = serde_json::to_string(&history(&[(Count(5), Pending)])).unwrap();
        assert_eq!(text, r#"[{"t":1,"m":{"likes":5,"views":"pending"}}]"#);
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history(&[(Count(5), Pending)]));
    }
}
