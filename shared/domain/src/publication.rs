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
    pub url: Option<String>,
    /// The text as plain text.
    pub caption: Option<String>,
    /// Its form.
    pub media_type: MediaType,
    /// The platform's own word for its kind (`REELS`, `FEED`, `short`, `reply`, …).
    pub post_type: Option<String>,
    /// The media itself; platforms sign these, so they may expire.
    pub media_url: Option<String>,
    /// A still of it.
    pub thumbnail_url: Option<String>,
    /// When the platform says it went out.
    pub posted_at: Timestamp,
    /// The figures of this look.
    pub metrics: Metrics,
}

/// The figures of one publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Likes, favourites, hearts.
    pub likes: Metric,
    /// Comments and replies.
    pub comments: Metric,
    /// All re-posts (where a platform tells reposts from quotes: both).
    pub shares: Metric,
    /// Bookmarks.
    pub saves: Metric,
    /// Plays or views.
    pub views: Metric,
    /// Accounts reached.
    pub reach: Metric,
}

impl Metrics {
    /// likes + comments + shares; `None` as soon as one part is missing.
    #[must_use]
    pub fn engagement(&self) -> Option<u64> {
        Some(self.likes.count()? + self.comments.count()? + self.shares.count()?)
    }
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
        assert_eq!(metrics.engagement(), Some(7));
        metrics.shares = Metric::NotOffered;
        assert_eq!(metrics.engagement(), None);
    }
}
