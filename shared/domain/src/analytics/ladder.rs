//! When a post is looked at again: soon while it is young, seldom when it is old, more often while it moves.

use jiff::{SignedDuration, Timestamp};

/// The ages at which every post is looked at: 1, 3, 12 and 24 hours, 3, 7 and 30 days, then monthly to 90 days.
pub const RUNGS: [SignedDuration; 9] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(3),
    SignedDuration::from_hours(12),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(3 * 24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
    SignedDuration::from_hours(60 * 24),
    LAST,
];
/// Older posts are not looked at any more.
pub const LAST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The least time between two looks that are not on a rung.
pub const LEAST_GAP: SignedDuration = SignedDuration::from_hours(6);
/// After this many looks without a change, every other rung is left out.
pub const STILL_AFTER: u32 = 2;
/// The most looks that a post can get, whatever it does: one on each rung, and between two rungs as many halvings as fit
/// over [`LEAST_GAP`].
pub const MOST_LOOKS: usize = 40;

/// How a post did at its last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// A figure has grown by a tenth or more since the look before.
    Moving,
    /// It goes as posts go; also a post that has been looked at once.
    Usual,
    /// [`STILL_AFTER`] looks in a row saw no change.
    Still,
}

/// When a post that was looked at at `now` is looked at again; `None`: never.
#[must_use]
pub fn next_look(posted_at: Timestamp, now: Timestamp, motion: Motion) -> Option<Timestamp> {
    let age = posted_at.duration_until(now);
    let mut ahead = RUNGS.iter().copied().filter(|rung| *rung > age + early(age));
    let next = ahead.next()?;
    let wait = match motion {
        Motion::Usual => next - age,
        // The last rung is never left out: it is what the post came to.
        Motion::Still => ahead.next().unwrap_or(next) - age,
        Motion::Moving => {
            let half = (next - age) / 2;
            if half >= LEAST_GAP { half } else { next - age }
        }
    };
    now.checked_add(wait).ok()
}

/// How much before its time a look may be taken along with others: a twentieth of the post's age, an hour at most.
#[must_use]
pub fn early(age: SignedDuration) -> SignedDuration {
    (age / 20).clamp(SignedDuration::ZERO, SignedDuration::from_hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + hours * HOUR).unwrap()
    }

    /// The ages in hours at which a post is looked at that always does the same.
    fn ages(motion: Motion) -> Vec<i64> {
        let (posted, mut now, mut ages) = (at(0), at(0), Vec::new());
        while let Some(next) = next_look(posted, now, motion) {
            assert!(next > now);
            ages.push(posted.duration_until(next).as_secs() / HOUR);
            now = next;
        }
        ages
    }

    #[test]
    fn a_usual_post_is_looked_at_on_every_rung() {
        assert_eq!(ages(Motion::Usual), [1, 3, 12, 24, 72, 168, 720, 1440, 2160]);
    }

    #[test]
    fn a_still_post_is_looked_at_on_every_other_rung_and_at_the_last() {
        assert_eq!(ages(Motion::Still), [3, 24, 168, 1440, 2160]);
    }

    #[test]
    fn a_moving_post_is_looked_at_more_often_but_not_without_end() {
        let ages = ages(Motion::Moving);
        assert_eq!(ages[..7], [1, 3, 12, 18, 24, 48, 60]);
        assert!(RUNGS.iter().all(|rung| ages.contains(&rung.as_hours())), "{ages:?}");
        assert!(ages.len() > 20 && ages.len() <= MOST_LOOKS, "{}", ages.len());
    }

    #[test]
    fn a_look_a_little_before_its_rung_counts_for_it() {
        // At 71 hours, taken along with others: the next is at 7 days, not an hour later.
        assert_eq!(next_look(at(0), at(71), Motion::Usual), Some(at(168)));
        assert_eq!(next_look(at(0), at(60), Motion::Usual), Some(at(72)));
        assert_eq!(next_look(at(0), at(2160), Motion::Usual), None);
        assert_eq!(next_look(at(0), at(9_999), Motion::Moving), None);
    }

    #[test]
    fn a_post_that_is_found_late_goes_on_at_its_age() {
        assert_eq!(next_look(at(0), at(30), Motion::Usual), Some(at(72)));
        assert_eq!(next_look(at(0), at(0), Motion::Usual), Some(at(1)));
    }
}
