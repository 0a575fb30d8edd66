//! TikTok's words on the wire.

use domain::publication::Metrics;
use domain::{Failure, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::{Deserialize, Serialize};

use super::FACTS;
use super::facts::{PROFILE, STATS};
use crate::Page;
use crate::wire::{self, text_or_number};

/// What is asked of a video.
pub(super) const VIDEO_FIELDS: &str =
    "id,create_time,cover_image_url,share_url,video_description,title,like_count,comment_count,share_count,view_count";

/// What may be asked of a profile with these scopes; a field without its scope fails the whole call.
pub(super) fn profile_fields(granted: impl Fn(&str) -> bool) -> String {
    let mut fields = "open_id,display_name,avatar_url".to_owned();
    if granted(PROFILE) {
        fields.push_str(",bio_description,profile_deep_link,is_verified,username");
    }
    if granted(STATS) {
        fields.push_str(",follower_count,following_count,video_count");
    }
    fields
}

/// A page of videos, asked for.
#[derive(Serialize)]
pub(super) struct ListVideos {
    /// Milliseconds; the `cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<i64>,
    pub(super) max_count: u32,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct UserData {
    user: User,
}

#[derive(Deserialize)]
struct User {
    open_id: String,
    username: Option<String>,
    display_name: Option<String>,
    bio_description: Option<String>,
    avatar_url: Option<String>,
    profile_deep_link: Option<String>,
    is_verified: Option<bool>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    follower_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    following_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    video_count: Option<u64>,
}

/// Reads the answer of `user/info`. Without [`PROFILE`] there is no user name: the handle stays `known`, or becomes the
/// open id. `stats` says whether counts were asked for: those that were not are not offered to us.
pub(super) fn profile(answer: &Answer, known: &str, stats: bool) -> Result<Profile, Failure> {
    let user = answer.json::<Data<UserData>>()?.data.user;
    let named = wire::filled(user.username).map(|name| (FACTS.handle.normalise)(&name));
    let profile_url = match (&named, user.profile_deep_link) {
        (Some(name), _) => (FACTS.profile_url)(name),
        (None, Some(link)) => link,
        (None, None) => (FACTS.profile_url)(known),
    };
    let handle = named.unwrap_or_else(|| if known.is_empty() { user.open_id.clone() } else { known.to_owned() });
    let count = |value| if stats { Metric::offered(value) } else { Metric::NotOffered };
    Ok(Profile {
        external_id: user.open_id,
        handle,
        profile_url,
        display_name: wire::filled(user.display_name),
        bio: wire::filled(user.bio_description),
        profile_image_url: wire::address(user.avatar_url),
        follower_count: count(user.follower_count),
        following_count: count(user.following_count),
        post_count: count(user.video_count),
        is_verified: user.is_verified,
        // This API does not tell business accounts from others.
        account_type: None,
    })
}

#[derive(Deserialize)]
struct VideoData {
    #[serde(default)]
    videos: Vec<Video>,
    cursor: Option<i64>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Video {
    /// Larger than 2^53; text, but a number in the answers of some other calls.
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    /// Unix seconds.
    create_time: i64,
    title: Option<String>,
    video_description: Option<String>,
    cover_image_url: Option<String>,
    share_url: Option<String>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    comment_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    share_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    view_count: Option<u64>,
}

/// Reads a page of videos.
pub(super) fn videos(answer: &Answer) -> Result<Page, Failure> {
    let data = answer.json::<Data<VideoData>>()?.data;
    let next = data.cursor.filter(|_| data.has_more).map(|cursor| cursor.to_string());
    Ok(Page { publications: data.videos.into_iter().filter_map(Video::publication).collect(), next })
}

impl Video {
    /// `None` for a time that no calendar knows.
    fn publication(self) -> Option<Publication> {
        Some(Publication {
            external_id: self.id,
            url: wire::address(self.share_url),
            caption: wire::filled(self.video_description).or(wire::filled(self.title)),
            media_type: MediaType::Video,
            post_type: Some("video".to_owned()),
            // Only an embedded player is offered, no file.
            media_url: None,
            thumbnail_url: wire::address(self.cover_image_url),
            posted_at: Timestamp::from_second(self.create_time).ok()?,
            metrics: Metrics {
                likes: Metric::offered(self.like_count),
                comments: Metric::offered(self.comment_count),
                shares: Metric::offered(self.share_count),
                views: Metric::offered(self.view_count),
                // Only TikTok API for Business has these.
                saves: Metric::NotOffered,
                reach: Metric::NotOffered,
                impressions: Metric::NotOffered,
            },
        })
    }
}

/// The answer to a code or a refresh token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: i64,
    pub(super) open_id: Option<String>,
    /// With commas between.
    pub(super) scope: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;

    #[test]
    fn a_profile_is_read() {
        let profile = profile(&ok(include_str!("fixtures/user.json")), "old_name", true).unwrap();
        assert_eq!(profile.external_id, "723f24d7-e717-40f8-a2b6-cb8464cd23b4");
        assert_eq!(profile.handle, "teatree", "the name as it is now wins over the one we knew");
        assert_eq!(profile.profile_url, "https://www.tiktok.com/@teatree");
        assert_eq!((profile.follower_count, profile.post_count), (Metric::Count(1204), Metric::Count(57)));
        assert_eq!(profile.is_verified, Some(true));
    }

    #[test]
    fn without_the_profile_scope_the_handle_stays_what_it_was() {
        let answer = ok(include_str!("fixtures/user.basic_only.json"));
        assert_eq!(profile(&answer, "teatree", false).unwrap().handle, "teatree");
        assert_eq!(profile(&answer, "", false).unwrap().handle, "723f24d7-e717-40f8-a2b6-cb8464cd23b4");
    }

    #[test]
    fn counts_without_their_scope_are_not_offered() {
        let answer = ok(include_str!("fixtures/user.basic_only.json"));
        assert_eq!(profile(&answer, "teatree", false).unwrap().follower_count, Metric::NotOffered);
        assert_eq!(profile(&answer, "teatree", true).unwrap().follower_count, Metric::Pending);
    }

    #[test]
    fn only_fields_of_granted_scopes_are_asked_for() {
        assert_eq!(profile_fields(|_| false), "open_id,display_name,avatar_url");
        assert!(!profile_fields(|scope| scope == STATS).contains("username"));
        assert!(profile_fields(|_| true).ends_with("username,follower_count,following_count,video_count"));
    }

    #[test]
    fn a_page_of_videos_is_read() {
        let page = videos(&ok(include_str!("fixtures/videos.json"))).unwrap();
        assert_eq!(page.next.as_deref(), Some("1643332803000"));
        let [first, second] = &page.publications[..] else { panic!("two videos") };
        assert_eq!(first.posted_at.to_string(), "2022-02-26T08:00:52Z");
        assert_eq!(first.metrics.engagement(), Metric::Count(13));
        assert_eq!(second.external_id, "7068948195347508510");
        assert_eq!(second.caption.as_deref(), Some("only a title"));
        assert_eq!((second.metrics.likes, second.metrics.views), (Metric::Count(0), Metric::Pending));
    }

    #[test]
    fn a_cursor_without_more_is_the_end() {
        let page = videos(&ok(include_str!("fixtures/videos.last_page.json"))).unwrap();
        assert_eq!((page.publications.len(), page.next), (0, None));
    }
}
