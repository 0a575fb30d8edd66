//! The body of a post, as every route that takes one reads it.

use std::collections::BTreeMap;

use domain::post::{LATE_AFTER_MINUTES, MOST_DELIVERIES, MOST_LATE_AFTER_MINUTES};
use domain::{ConnectionId, Platform, TalentId};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::found::Found;

/// What differs on one platform.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideBody {
    /// The text there.
    pub content: Option<String>,
    /// The files there, in place of the shared ones.
    pub media_urls: Option<Vec<String>>,
}

/// A post.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostBody {
    /// The talent whose post it is; a talent's own needs not be named.
    #[schema(value_type = Option<String>)]
    pub talent_id: Option<TalentId>,
    /// The shared text.
    #[serde(default)]
    pub content: String,
    /// Platforms: every OAuth-connected account of the talent there.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub platforms: Vec<Platform>,
    /// Accounts one by one.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub connection_ids: Vec<ConnectionId>,
    /// Addresses of pictures and videos, https, in order.
    #[serde(default)]
    pub media_urls: Vec<String>,
    /// When: RFC 3339, or a wall-clock time with `timezone`. Without it the post is a draft.
    pub scheduled_at: Option<String>,
    /// An IANA zone.
    pub timezone: Option<String>,
    /// The campaign it belongs to.
    pub campaign: Option<String>,
    /// Hashtags, with or without `#`; those that the text does not hold are appended.
    #[serde(default)]
    pub hashtags: Vec<String>,
    /// What differs per platform.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, OverrideBody>)]
    pub overrides: BTreeMap<Platform, OverrideBody>,
    /// Options per platform, in the platform's own terms (`GET /api/capabilities` lists them), with `firstComment` and `thread`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub options: BTreeMap<Platform, Map<String, Value>>,
    /// How late it may go out, 1 to 10080 minutes; default 60.
    pub late_after_minutes: Option<u32>,
}

/// The longest text of any platform, with room; X allows 25,000 to some.
const MOST_CONTENT: usize = 100_000;
/// More files than any platform takes in one post.
pub const MOST_MEDIA: usize = 35;
const MOST_HASHTAGS: usize = 60;

impl PostBody {
    /// Everything that no post may be, whatever its platforms.
    #[must_use]
    pub fn problems(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut wrong = |field: &str, message: String| found.push(Found::request("invalid_request", field, message));
        let own = |platform: &Platform, field: &str| format!("overrides.{platform}.{field}");
        let texts = self.overrides.iter().filter_map(|(p, o)| Some((own(p, "content"), o.content.as_ref()?)));
        for (field, text) in std::iter::once(("content".to_owned(), &self.content)).chain(texts) {
            if text.len() > MOST_CONTENT {
                wrong(&field, format!("content must be at most {MOST_CONTENT} bytes."));
            }
            if text.contains('\0') {
                wrong(&field, "content must not hold NUL characters.".to_owned());
            }
        }
        let lists = self.overrides.iter().filter_map(|(p, o)| Some((own(p, "mediaUrls"), o.media_urls.as_ref()?)));
        for (field, list) in std::iter::once(("mediaUrls".to_owned(), &self.media_urls)).chain(lists) {
            if list.len() > MOST_MEDIA {
                wrong(&field, format!("mediaUrls must hold at most {MOST_MEDIA} addresses."));
            }
        }
        for (field, given) in [("platforms", self.platforms.len()), ("connectionIds", self.connection_ids.len())] {
            if given > MOST_DELIVERIES {
                wrong(field, format!("{field} must name at most {MOST_DELIVERIES}."));
            }
        }
        let is_word = |tag: &String| {
            tag.chars().count() <= 140
                && !tag.trim_start_matches('#').chars().any(|c| c.is_whitespace() || c.is_control() || c == '#')
        };
        if self.hashtags.len() > MOST_HASHTAGS || !self.hashtags.iter().all(is_word) {
            let message = format!("hashtags must be at most {MOST_HASHTAGS} words of at most 140 characters.");
            wrong("hashtags", message);
        }
        if self.campaign.as_ref().is_some_and(|text| text.chars().count() > 200 || text.chars().any(char::is_control)) {
            wrong("campaign", "campaign must be at most 200 printable characters.".to_owned());
        }
        if !(1..=MOST_LATE_AFTER_MINUTES).contains(&self.late()) {
            wrong("lateAfterMinutes", format!("lateAfterMinutes must be 1 to {MOST_LATE_AFTER_MINUTES}."));
        }
        if self.options_are_too_large() {
            wrong("options", "options are too large.".to_owned());
        }
        found
    }

    /// Whether it is larger than any post, so that no platform's rules are worth the time.
    #[must_use]
    pub fn is_oversized(&self) -> bool {
        let own = self.overrides.values().filter_map(|own| own.content.as_ref());
        self.options_are_too_large() || std::iter::once(&self.content).chain(own).any(|text| text.len() > MOST_CONTENT)
    }

    fn options_are_too_large(&self) -> bool {
        serde_json::to_string(&self.options).map_or(0, |text| text.len()) > MOST_CONTENT
    }

    /// Each platform and each account once, and no more of them than a post goes to.
    pub fn dedup(&mut self) {
        self.platforms.sort();
        self.platforms.dedup();
        self.platforms.truncate(MOST_DELIVERIES);
        self.connection_ids.sort();
        self.connection_ids.dedup();
        self.connection_ids.truncate(MOST_DELIVERIES);
    }

    /// `lateAfterMinutes`, or its default.
    #[must_use]
    pub fn late(&self) -> u32 {
        self.late_after_minutes.unwrap_or(LATE_AFTER_MINUTES)
    }
}
