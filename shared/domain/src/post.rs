//! What a person wrote, and where its deliveries stand together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::content::{Draft, Media};
use crate::delivery::DeliveryStatus;
use crate::ids::{ConnectionId, DeliveryId, PostId, TalentId, WorkspaceId};
use crate::platform::Platform;

/// Where a post stands; derived from its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostStatus {
    /// Nobody has asked for it to go out.
    Draft,
    /// It has its time, and nothing has begun.
    Scheduled,
    /// It is at work.
    Queued,
    /// It is live everywhere.
    Published,
    /// It is live somewhere, and nothing more happens by itself elsewhere.
    Partial,
    /// It is live nowhere, and nothing more happens by itself.
    Failed,
    /// A person put it away.
    Archived,
}

impl PostStatus {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Draft, Self::Scheduled, Self::Queued, Self::Published, Self::Partial, Self::Failed, Self::Archived];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Published => "published",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Archived => "archived",
        }
    }

    /// The state that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The state of a post with these deliveries; none is a draft.
    #[must_use]
    pub fn of(deliveries: impl IntoIterator<Item = DeliveryStatus>) -> Self {
        use DeliveryStatus as D;
        let (mut all, mut waiting, mut published, mut cancelled, mut settled, mut lost) = (0, 0, 0, 0, 0, 0);
        for status in deliveries {
            all += 1;
            match status {
                D::Scheduled => waiting += 1,
                D::Published => published += 1,
                D::Cancelled => cancelled += 1,
                D::Failed | D::Missed => lost += 1,
                D::Claimed | D::Submitting | D::Processing | D::Unconfirmed => {}
            }
            settled += u32::from(status.is_final());
        }
        if all == cancelled {
            Self::Draft
        } else if waiting + cancelled == all {
            Self::Scheduled
        } else if settled < all {
            Self::Queued
        } else if published + cancelled == all {
            Self::Published
        } else if published > 0 {
            Self::Partial
        } else {
            debug_assert!(lost > 0);
            Self::Failed
        }
    }
}

/// What a post's row says of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// Its id.
    pub id: DeliveryId,
    /// The account it goes to.
    pub connection: ConnectionId,
    /// The account's platform.
    pub platform: Platform,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Whether a worker has ever begun. Only then is a post that waits again (for its next attempt) `queued`.
    #[serde(default)]
    pub begun: bool,
}

/// What differs on one platform from the shared text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Override {
    /// The text there.
    pub content: Option<String>,
    /// The files there; `None`: the shared ones.
    #[serde(default)]
    pub media: Option<Vec<Media>>,
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Whose it is: the workspace.
    pub workspace: WorkspaceId,
    /// Whose it is: the talent.
    pub talent: TalentId,
    /// The shared text.
    pub content: String,
    /// The shared files.
    #[serde(default)]
    pub media: Vec<Media>,
    /// What differs per platform.
    #[serde(default)]
    pub overrides: BTreeMap<Platform, Override>,
    /// Options per platform.
    #[serde(default)]
    pub options: BTreeMap<Platform, Map<String, Value>>,
    /// Hashtags, without `#`; those that the text does not hold are appended.
    #[serde(default)]
    pub hashtags: Vec<String>,
    /// The campaign that it belongs to.
    #[serde(default)]
    pub campaign: Option<String>,
    /// The accounts that a draft is meant for; a scheduled post has deliveries.
    #[serde(default)]
    pub targets: Vec<(ConnectionId, Platform)>,
    /// When it goes out.
    pub scheduled_at: Option<Timestamp>,
    /// The IANA zone that the person wrote the time in.
    pub timezone: Option<String>,
    /// How late it may go out, in minutes.
    pub late_after_minutes: u32,
    /// Where its deliveries stand.
    #[serde(default)]
    pub deliveries: Vec<DeliveryState>,
    /// Its state.
    pub status: PostStatus,
    /// When the first of its deliveries went live.
    pub posted_at: Option<Timestamp>,
    /// The first delivery's error, for lists.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: String,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// The version of its row: its ETag, and the condition of every change.
    pub version: u64,
}

/// The option that is a first comment, on every platform that has such.
pub const FIRST_COMMENT: &str = "firstComment";
/// The option that is the continuation of a thread.
pub const THREAD: &str = "thread";

/// The texts of an option that says what follows: one, or a list. What is no text is none.
#[must_use]
pub fn follow_up_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The default of `lateAfterMinutes`.
pub const LATE_AFTER_MINUTES: u32 = 60;
/// The largest `lateAfterMinutes`: a week.
pub const MOST_LATE_AFTER_MINUTES: u32 = 10_080;
/// The most deliveries of one post.
pub const MOST_DELIVERIES: usize = 50;

impl Post {
    /// The state that follows from the deliveries. A post whose every delivery waits but one of which has begun
    /// before is at work.
    #[must_use]
    pub fn derived(&self) -> PostStatus {
        if self.status == PostStatus::Archived {
            return PostStatus::Archived;
        }
        match PostStatus::of(self.deliveries.iter().map(|delivery| delivery.status)) {
            PostStatus::Scheduled if self.deliveries.iter().any(|delivery| delivery.begun) => PostStatus::Queued,
            status => status,
        }
    }

    /// What goes out on `platform`: its override or the shared text, the hashtags that the text lacks, its options and
    /// its follow-ups (`firstComment`, `thread`).
    #[must_use]
    pub fn draft(&self, platform: Platform) -> Draft {
        let own = self.overrides.get(&platform);
        let text = own.and_then(|own| own.content.as_deref()).unwrap_or(&self.content);
        let media = own.and_then(|own| own.media.as_ref()).unwrap_or(&self.media);
        let options = self.options.get(&platform).cloned().unwrap_or_default();
        // They stay among the options, where a wrong form is seen and named.
        let given = [THREAD, FIRST_COMMENT].into_iter().filter_map(|name| options.get(name));
        let follow_ups = given.flat_map(follow_up_texts).map(str::to_owned).collect();
        Draft { text: with_hashtags(text, &self.hashtags), media: media.clone(), options, follow_ups }
    }

    /// Until when a delivery may begin.
    #[must_use]
    pub fn window_ends(&self) -> Option<Timestamp> {
        let late = SignedDuration::from_mins(i64::from(self.late_after_minutes));
        self.scheduled_at.and_then(|at| at.checked_add(late).ok())
    }
}

/// `text` with the hashtags that it does not hold yet, in a paragraph of their own.
#[must_use]
pub fn with_hashtags(text: &str, hashtags: &[String]) -> String {
    let held = |tag: &str| {
        let tag = tag.to_lowercase();
        text.to_lowercase().split('#').skip(1).any(|rest| {
            rest.strip_prefix(tag.as_str())
                .is_some_and(|after| !after.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_'))
        })
    };
    let mut missing: Vec<String> = Vec::new();
    for tag in hashtags {
        let tag = tag.trim().trim_start_matches('#');
        let new = format!("#{tag}");
        if !tag.is_empty() && !held(tag) && !missing.iter().any(|had| had.to_lowercase() == new.to_lowercase()) {
            missing.push(new);
        }
    }
    match (text.trim_end(), missing.is_empty()) {
        (text, true) => text.to_owned(),
        ("", false) => missing.join(" "),
        (text, false) => format!("{text}\n\n{}", missing.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryStatus as D;
    use PostStatus as P;

    #[test]
    fn a_posts_state_follows_from_its_deliveries() {
        let cases: [(&[D], P); 16] = [
            (&[], P::Draft),
            (&[D::Cancelled, D::Cancelled], P::Draft),
            (&[D::Scheduled, D::Scheduled], P::Scheduled),
            (&[D::Scheduled, D::Claimed], P::Queued),
            (&[D::Submitting], P::Queued),
            (&[D::Processing, D::Published], P::Queued),
            (&[D::Unconfirmed, D::Failed], P::Queued),
            (&[D::Scheduled, D::Published], P::Queued),
            (&[D::Scheduled, D::Failed], P::Queued),
            (&[D::Published, D::Published], P::Published),
            (&[D::Published, D::Cancelled], P::Published),
            (&[D::Published, D::Failed], P::Partial),
            (&[D::Published, D::Missed], P::Partial),
            (&[D::Failed, D::Missed], P::Failed),
            (&[D::Missed], P::Failed),
            (&[D::Failed, D::Cancelled], P::Failed),
        ];
        for (deliveries, expected) in cases {
            assert_eq!(P::of(deliveries.iter().copied()), expected, "{deliveries:?}");
        }
    }

    #[test]
    fn only_missing_hashtags_are_appended() {
        let tags = ["coffee", "#Latte", "COFFEE", "art", " "].map(str::to_owned);
        assert_eq!(with_hashtags("Good #latte, and #artful", &tags), "Good #latte, and #artful\n\n#coffee #art");
        assert_eq!(with_hashtags("", &tags[..1]), "#coffee");
        assert_eq!(with_hashtags("Just text\n", &[]), "Just text");
        assert_eq!(with_hashtags("#coffee!", &tags[..1]), "#coffee!");
    }
}
