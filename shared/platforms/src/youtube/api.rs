//! YouTube's words on the wire. 64-bit counters are text there.

use std::collections::HashMap;

use domain::publication::Metrics;
use domain::{Failure, Kind, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use super::FACTS;
use crate::wire::{self, text_or_number};

#[derive(Deserialize)]
struct List<T> {
    /// Left out when there is nothing.
    #[serde(default = "Vec::new")]
    items: Vec<T>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
}

type Thumbnails = HashMap<String, Thumbnail>;

#[derive(Deserialize)]
struct Thumbnail {
    url: String,
}

/// The largest picture of the usual shape.
fn largest(mut thumbnails: Thumbnails) -> Option<String> {
    ["maxres", "standard", "high", "medium", "default"]
        .into_iter()
        .find_map(|size| thumbnails.remove(size))
        .map(|t| t.url)
}

#[derive(Deserialize)]
struct Channel {
    id: String,
    snippet: ChannelSnippet,
    statistics: ChannelStatistics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChannelSnippet {
    title: Option<String>,
    description: Option<String>,
    /// `@handle`; without the `@` a custom name of the older kind.
    custom_url: Option<String>,
    #[serde(default)]
    thumbnails: Thumbnails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChannelStatistics {
    #[serde(default, deserialize_with = "text_or_number::count")]
    subscriber_count: Option<u64>,
    #[serde(default)]
    hidden_subscriber_count: bool,
    #[serde(default, deserialize_with = "text_or_number::count")]
    video_count: Option<u64>,
}

/// Reads the first channel of a list.
pub(super) fn profile(answer: &Answer) -> Result<Profile, Failure> {
    let channel = answer.json::<List<Channel>>()?.items.into_iter().next();
    let channel = channel.ok_or_else(|| Failure::new(Kind::NotFound, "no channel"))?;
    let custom = channel.snippet.custom_url.as_deref().and_then(|text| text.strip_prefix('@'));
    let handle = custom.map(FACTS.handle.normalise).filter(|handle| (FACTS.handle.is_valid)(handle));
    let handle = handle.unwrap_or_else(|| channel.id.clone());
    let statistics = channel.statistics;
    Ok(Profile {
        profile_url: (FACTS.profile_url)(&handle),
        external_id: channel.id,
        handle,
        display_name: wire::filled(channel.snippet.title),
        bio: wire::filled(channel.snippet.description),
        profile_image_url: largest(channel.snippet.thumbnails),
        // Rounded to three digits for everyone but the owner. A hidden count is sent as 0 or left out.
        follower_count: match statistics.hidden_subscriber_count {
            true => Metric::NotOffered,
            false => Metric::offered(statistics.subscriber_count),
        },
        // A channel's subscriptions are a list of their own, mostly private.
        following_count: Metric::NotOffered,
        post_count: Metric::offered(statistics.video_count),
        is_verified: None,
        account_type: None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upload {
    content_details: UploadDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadDetails {
    video_id: String,
}

/// Reads a page of uploads: video ids and the next page's token.
pub(super) fn uploads(answer: &Answer) -> Result<(Vec<String>, Option<String>), Failure> {
    let list = answer.json::<List<Upload>>()?;
    Ok((list.items.into_iter().map(|item| item.content_details.video_id).collect(), list.next))
}

#[derive(Deserialize)]
struct Video {
    id: String,
    snippet: VideoSnippet,
    status: Option<VideoStatus>,
    #[serde(default)]
    statistics: VideoStatistics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoSnippet {
    published_at: Timestamp,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    thumbnails: Thumbnails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoStatus {
    privacy_status: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct VideoStatistics {
    #[serde(default, deserialize_with = "text_or_number::count")]
    view_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    comment_count: Option<u64>,
}

/// Reads videos, newest first. The owner's uploads hold private videos too: those are planned or withdrawn, not out.
pub(super) fn videos(answer: &Answer) -> Result<Vec<Publication>, Failure> {
    let list = answer.json::<List<Video>>()?;
    let is_out = |video: &Video| video.status.as_ref().and_then(|s| s.privacy_status.as_deref()) != Some("private");
    let mut videos: Vec<_> = list.items.into_iter().filter(is_out).map(Video::publication).collect();
    // The list of videos has no promised order.
    videos.sort_by_key(|video| std::cmp::Reverse(video.posted_at));
    Ok(videos)
}

impl Video {
    fn publication(self) -> Publication {
        Publication {
            url: Some(format!("https://www.youtube.com/watch?v={}", self.id)),
            external_id: self.id,
            caption: caption(wire::filled(self.snippet.title), wire::filled(self.snippet.description)),
            media_type: MediaType::Video,
            // The Data API does not tell a Short from another video; only analytics does.
            post_type: Some("video".to_owned()),
            media_url: None,
            thumbnail_url: largest(self.snippet.thumbnails),
            posted_at: self.snippet.published_at,
            metrics: Metrics {
                views: Metric::offered(self.statistics.view_count),
                // Left out when likes are hidden or comments switched off.
                likes: Metric::unless_hidden(self.statistics.like_count),
                comments: Metric::unless_hidden(self.statistics.comment_count),
                shares: Metric::NotOffered,
                saves: Metric::NotOffered,
                reach: Metric::NotOffered,
                impressions: Metric::NotOffered,
            },
        }
    }
}

/// Title and description as one text; a description that begins with the title says it already.
fn caption(title: Option<String>, description: Option<String>) -> Option<String> {
    match (title, description) {
        (Some(title), Some(description)) if !description.starts_with(&title) => {
            Some(format!("{title}\n\n{description}"))
        }
        (title, description) => description.or(title),
    }
}

/// The answer to a code or a refresh token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: Secret,
    /// On a first consent or a forced one; a refresh seldom brings one.
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: i64,
    /// What was ticked, with spaces between.
    pub(super) scope: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;

    #[test]
    fn a_channel_is_read() {
        let profile = profile(&ok(include_str!("fixtures/channel.json"))).unwrap();
        assert_eq!(profile.external_id, "UC0000000000000000000001");
        assert_eq!(profile.handle, "harborroasters");
        assert_eq!(profile.profile_url, "https://www.youtube.com/@harborroasters");
        assert_eq!((profile.follower_count, profile.post_count), (Metric::Count(1520), Metric::Count(64)));
        assert_eq!(profile.profile_image_url.as_deref(), Some("https://yt3.example/800.jpg"));
        assert_eq!(profile.bio, None);
    }

    #[test]
    fn hidden_subscribers_are_not_zero_and_an_old_custom_name_is_no_handle() {
        let profile = profile(&ok(include_str!("fixtures/channel.hidden_subscribers.json"))).unwrap();
        assert_eq!(profile.follower_count, Metric::NotOffered);
        assert_eq!(profile.handle, "UC0000000000000000000001");
        assert_eq!(profile.profile_url, "https://www.youtube.com/channel/UC0000000000000000000001");
    }

    #[test]
    fn an_empty_list_is_no_channel() {
        assert_eq!(profile(&ok(include_str!("fixtures/channel.none.json"))).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn a_page_of_uploads_is_read() {
        let (ids, next) = uploads(&ok(include_str!("fixtures/uploads.json"))).unwrap();
        assert_eq!(ids, ["dQw4w9WgXc0", "aaaaaaaaaa1", "aaaaaaaaaa2"]);
        assert_eq!(next.as_deref(), Some("EAAaBlBUOkNBVQ"));
    }

    #[test]
    fn videos_are_newest_first_and_private_ones_are_not_out() {
        let videos = videos(&ok(include_str!("fixtures/videos.json"))).unwrap();
        let ids: Vec<_> = videos.iter().map(|video| video.external_id.as_str()).collect();
        assert_eq!(ids, ["dQw4w9WgXc0", "aaaaaaaaaa1"]);
        assert_eq!(videos[0].caption.as_deref(), Some("Latte art\n\nHow to pour a swan.\n#coffee"));
        assert_eq!(videos[0].thumbnail_url.as_deref(), Some("https://i.example/m.jpg"));
    }

    #[test]
    fn a_title_is_not_said_twice() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(caption(text("Latte art"), text("Latte art, slowly")), text("Latte art, slowly"));
        assert_eq!(caption(text("Latte art"), None), text("Latte art"));
        assert_eq!(caption(None, None), None);
    }

    #[test]
    fn counters_are_read_in_full_and_hidden_ones_are_not_zero() {
        let videos = videos(&ok(include_str!("fixtures/videos.json"))).unwrap();
        assert_eq!(videos[0].metrics.views, Metric::Count(9_007_199_254_740_993));
        assert_eq!(videos[1].metrics.likes, Metric::NotOffered);
        assert_eq!(videos[1].metrics.comments, Metric::NotOffered);
    }
}
