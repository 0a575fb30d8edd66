//! Which of an account's posts is the one that was sent.

use jiff::{SignedDuration, Timestamp};

use crate::publish::Job;

impl Job<'_> {
    /// When the submission in question began.
    #[must_use]
    pub fn intent(&self) -> Timestamp {
        self.intent_at.or(self.first_intent_at).unwrap_or(self.started_at)
    }

    /// The earliest time that anything of this content can carry on the platform. An earlier submission may be listed
    /// late, so this is the first one's time; the clocks differ a little.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        let intent = self.intent();
        let first = self.first_intent_at.map_or(intent, |first| first.min(intent));
        first.saturating_sub(CLOCK_SLACK).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether a post that looks the same can be this one: it is no other delivery's.
    #[must_use]
    pub fn may_be(&self, id: &str) -> bool {
        !self.not_ours.iter().any(|other| other == id)
    }
}

/// How far a platform's clock may be behind ours at the worst.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(60);

/// How far it usually is; many tell whole seconds only.
const USUAL_SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Of several posts that could be the one, the one that a submission of this intent most likely made: the first after
/// it. Where all are older, they are an earlier submission's, and the last of them is the nearest.
pub(crate) fn nearest<T>(
    posts: impl IntoIterator<Item = T>,
    at: impl Fn(&T) -> Option<Timestamp>,
    intent: Timestamp,
) -> Option<T> {
    let begin = intent.saturating_sub(USUAL_SLACK).unwrap_or(intent);
    let dated = posts.into_iter().filter_map(|post| Some((at(&post)?, post)));
    let near = dated.min_by_key(|(at, _)| (*at < begin, intent.duration_until(*at).abs()));
    near.map(|(_, post)| post)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_posts_the_first_after_the_intent_is_the_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let near = |posts: &[i64]| nearest(posts.iter().copied(), |second| Some(at(*second)), at(10_000));
        assert_eq!(near(&[12_000, 10_003, 9_900, 5_000]), Some(10_003));
        // The platform's clock may be behind.
        assert_eq!(near(&[10_050, 9_997, 9_900]), Some(9_997));
        assert_eq!(near(&[10_050, 9_970, 9_900]), Some(10_050));
        assert_eq!(near(&[9_900, 5_000]), Some(9_900));
        assert_eq!(near(&[]), None);
    }
}
