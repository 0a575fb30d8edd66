//! What stands on a platform.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

/// The form of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MediaType {
    Image,
    Video,
    Carousel,
    Text,
}

/// A post as one look found it on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The platform's own id of the post.
    pub external_id: String,
    /// Its public address; `None` where the platform gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The text as plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Its form.
    pub media_type: MediaType,
    /// The platform's own word for its kind (`REELS`, `FEED`, `short`, `reply`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_type: Option<String>,
    /// The media itself; platforms sign these, so they may expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// A still of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// When the platform says it went out.
    pub posted_at: Timestamp,
    /// The figures of this look.
    pub metrics: Metrics,
}

/// The figures of one publication; stored without those that are not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Likes, favourites, hearts.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub likes: Metric,
    /// Comments and replies.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub comments: Metric,
    /// All re-posts (where a platform tells reposts from quotes: both).
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub shares: Metric,
    /// Bookmarks.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub saves: Metric,
    /// Plays or views.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub views: Metric,
    /// Accounts reached.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub reach: Metric,
    /// Times shown.
    #[serde(skip_serializing_if = "Metric::is_not_offered")]
    pub impressions: Metric,
}

/// What an engagement rate is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateBase {
    /// Times shown.
    Impressions,
    /// Accounts reached.
    Reach,
    /// Plays or views.
    Views,
}

impl Metrics {
    /// likes + comments + shares. A part that is not offered takes the sum with it for good, a pending one for now.
    #[must_use]
    pub fn engagement(&self) -> Metric {
        match (self.likes, self.comments, self.shares) {
            (Metric::Count(likes), Metric::Count(comments), Metric::Count(shares)) => {
                Metric::Count(likes + comments + shares)
            }
            (Metric::NotOffered, _, _) | (_, Metric::NotOffered, _) | (_, _, Metric::NotOffered) => Metric::NotOffered,
            _ => Metric::Pending,
        }
    }

    /// What the rate is a share of: impressions, else reach, else views; the first that is a number.
    #[must_use]
    pub fn rate_base(&self) -> Option<RateBase> {
        let has = |base: &RateBase| self.base(*base).count().is_some();
        [RateBase::Impressions, RateBase::Reach, RateBase::Views].into_iter().find(has)
    }

    fn base(&self, base: RateBase) -> Metric {
        match base {
            RateBase::Impressions => self.impressions,
            RateBase::Reach => self.reach,
            RateBase::Views => self.views,
        }
    }

    /// (likes + comments + shares) / base, in percent and unrounded. A post that nobody has seen has no rate yet.
    #[must_use]
    pub fn engagement_rate(&self) -> Metric<f64> {
        let never = [self.impressions, self.reach, self.views].iter().all(Metric::is_not_offered);
        let base = self.rate_base().and_then(|base| self.base(base).count());
        match (self.engagement(), base) {
            (Metric::NotOffered, _) => Metric::NotOffered,
            _ if never => Metric::NotOffered,
            (Metric::Count(engagement), Some(base)) if base > 0 => {
                Metric::Count(as_f64(engagement) / as_f64(base) * 100.0)
            }
            _ => Metric::Pending,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur, and a rate has two decimals")]
pub(crate) fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_makes_engagement_unknown() {
        let mut metrics = Metrics {
            likes: Metric::Count(5),
            comments: Metric::Count(2),
            shares: Metric::Count(0),
            ..Metrics::default()
        };
        assert_eq!(metrics.engagement(), Metric::Count(7));
        metrics.comments = Metric::Pending;
        assert_eq!(metrics.engagement(), Metric::Pending);
        metrics.shares = Metric::NotOffered;
        assert_eq!(metrics.engagement(), Metric::NotOffered);
    }

    #[test]
    fn figures_are_stored_without_those_that_are_not_offered() {
        let metrics = Metrics { likes: Metric::Count(0), views: Metric::Pending, ..Metrics::default() };
        let stored = serde_json::to_string(&metrics).unwrap();
        assert_eq!(stored, r#"{"likes":0,"views":"pending"}"#);
        assert_eq!(serde_json::from_str::<Metrics>(&stored).unwrap(), metrics);
    }

    #[test]
    fn impressions_come_first_and_the_base_is_named() {
        use Metric::Count;
        // By hand: 80 + 5 + 2 = 87 of 1250 impressions, whatever the reach.
        let shown = Metrics {
            likes: Count(80),
            comments: Count(5),
            shares: Count(2),
            reach: Count(900),
            impressions: Count(1250),
            ..Metrics::default()
        };
        assert_eq!(
            (shown.engagement_rate(), shown.rate_base()),
            (Count(6.959999999999999), Some(RateBase::Impressions))
        );
        let reached = Metrics { impressions: Metric::Pending, ..shown };
        assert_eq!(reached.rate_base(), Some(RateBase::Reach));
        assert_eq!(Metrics::default().rate_base(), None);
    }

    #[test]
    fn a_rate_is_on_reach_then_on_views_and_never_on_nothing() {
        use Metric::{Count, NotOffered, Pending};
        let rate = |shares: Metric, reach: Metric, views: Metric| {
            let parts = Metrics { likes: Count(6), comments: Count(2), shares, reach, views, ..Metrics::default() };
            parts.engagement_rate()
        };
        assert_eq!(rate(Count(2), Count(50), Count(100)), Count(20.0));
        assert_eq!(rate(Count(2), Pending, Count(100)), Count(10.0));
        assert_eq!(rate(Count(2), NotOffered, Count(0)), Pending);
        assert_eq!(rate(Count(2), Pending, NotOffered), Pending);
        assert_eq!(rate(Count(2), NotOffered, Pending), Pending);
        assert_eq!(rate(Pending, Count(50), NotOffered), Pending);
        assert_eq!(rate(Count(2), NotOffered, NotOffered), NotOffered);
        assert_eq!(rate(NotOffered, Count(50), Count(100)), NotOffered);
        assert_eq!(rate(Pending, NotOffered, NotOffered), NotOffered);
    }
}
