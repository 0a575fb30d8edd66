//! The names of figures, as the API writes them.

use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::publication::Metrics;

/// A figure that has a course in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Figure {
    Followers,
    Following,
    Posts,
    Impressions,
    Reach,
    Views,
    Likes,
    Comments,
    Shares,
    Saves,
    Engagement,
    EngagementRate,
}

impl Figure {
    /// Every figure, in the order of the documents.
    pub const ALL: [Self; 12] = [
        Self::Followers,
        Self::Following,
        Self::Posts,
        Self::Impressions,
        Self::Reach,
        Self::Views,
        Self::Likes,
        Self::Comments,
        Self::Shares,
        Self::Saves,
        Self::Engagement,
        Self::EngagementRate,
    ];

    /// What is counted of an account as it stands: the last look of a span is its figure.
    pub const LEVELS: [Self; 3] = [Self::Followers, Self::Following, Self::Posts];

    /// What posts gain: the figure of a span is the sum of what its looks saw added.
    pub const GAINS: [Self; 8] = [
        Self::Impressions,
        Self::Reach,
        Self::Views,
        Self::Likes,
        Self::Comments,
        Self::Shares,
        Self::Saves,
        Self::Engagement,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Followers => "followers",
            Self::Following => "following",
            Self::Posts => "posts",
            Self::Impressions => "impressions",
            Self::Reach => "reach",
            Self::Views => "views",
            Self::Likes => "likes",
            Self::Comments => "comments",
            Self::Shares => "shares",
            Self::Saves => "saves",
            Self::Engagement => "engagement",
            Self::EngagementRate => "engagementRate",
        }
    }

    /// The figure that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == text)
    }

    /// Two letters, for the names of a row's attributes.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Followers => "fo",
            Self::Following => "fg",
            Self::Posts => "po",
            Self::Impressions => "im",
            Self::Reach => "re",
            Self::Views => "vi",
            Self::Likes => "li",
            Self::Comments => "co",
            Self::Shares => "sh",
            Self::Saves => "sa",
            Self::Engagement => "en",
            Self::EngagementRate => "er",
        }
    }

    /// Whether it is a level of an account, and no gain of its posts.
    #[must_use]
    pub fn is_level(self) -> bool {
        Self::LEVELS.contains(&self)
    }

    /// The figure among a post's; `None` for one that only an account has, and for the rate.
    #[must_use]
    pub fn of(self, metrics: &Metrics) -> Option<Metric> {
        Some(match self {
            Self::Impressions => metrics.impressions,
            Self::Reach => metrics.reach,
            Self::Views => metrics.views,
            Self::Likes => metrics.likes,
            Self::Comments => metrics.comments,
            Self::Shares => metrics.shares,
            Self::Saves => metrics.saves,
            Self::Engagement => metrics.engagement(),
            Self::Followers | Self::Following | Self::Posts | Self::EngagementRate => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_reads_back_and_no_two_are_alike() {
        for figure in Figure::ALL {
            assert_eq!(Figure::parse(figure.as_str()), Some(figure));
        }
        assert_eq!(Figure::ALL.map(Figure::short).into_iter().collect::<BTreeSet<_>>().len(), Figure::ALL.len());
        assert_eq!(Figure::parse("Likes"), None);
        assert_eq!(Figure::parse("clicks"), None);
    }
}
