//! The wire: what the servers answer, in their words.

use domain::publication::Metrics;
use domain::{AccountType, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::facts::FACTS;
use crate::wire::{address, filled};

/// Bluesky tells no kinds of accounts apart.
const NO_KIND: Option<AccountType> = None;
/// Shown in place of a handle that does not lead back to the account.
const BROKEN_HANDLE: &str = "handle.invalid";

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: Option<String>,
    pub(super) message: Option<String>,
}

/// Of the claims of a session token.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) exp: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResolvedHandle {
    pub(super) did: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DidDocument {
    pub(super) id: String,
    #[serde(default)]
    pub(super) also_known_as: Vec<String>,
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: Value,
    service_endpoint: Value,
}

impl DidDocument {
    /// The account's server, as written.
    pub(super) fn pds(&self) -> Option<&str> {
        let is_pds = |s: &&Service| {
            let fragment = s.id.strip_prefix(&self.id).unwrap_or(&s.id);
            fragment == "#atproto_pds" && s.kind == "AtprotoPersonalDataServer"
        };
        self.service.iter().find(is_pds)?.service_endpoint.as_str()
    }

    /// The first handle it claims, in lower case.
    pub(super) fn handle(&self) -> Option<String> {
        self.also_known_as.iter().find_map(|name| name.strip_prefix("at://")).map(str::to_ascii_lowercase)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ProtectedResource {
    #[serde(default)]
    pub(super) authorization_servers: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServerMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) pushed_authorization_request_endpoint: String,
    pub(super) revocation_endpoint: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pushed {
    pub(super) request_uri: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: Secret,
    pub(super) token_type: String,
    pub(super) refresh_token: Option<Secret>,
    #[serde(default)]
    pub(super) scope: String,
    pub(super) expires_in: Option<i64>,
    pub(super) sub: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionAnswer {
    pub(super) access_jwt: Secret,
    pub(super) refresh_jwt: Secret,
    pub(super) did: String,
    /// Absent means active.
    pub(super) active: Option<bool>,
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileView {
    pub(super) did: String,
    pub(super) handle: String,
    display_name: Option<String>,
    description: Option<String>,
    avatar: Option<String>,
    followers_count: Option<u64>,
    follows_count: Option<u64>,
    posts_count: Option<u64>,
    verification: Option<Verification>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    verified_status: Option<String>,
    trusted_verifier_status: Option<String>,
}

impl ProfileView {
    pub(super) fn into_profile(self) -> Profile {
        let handle = shown_handle(&self.handle, &self.did);
        let valid = |status: &Option<String>| status.as_deref() == Some("valid");
        Profile {
            profile_url: (FACTS.profile_url)(&handle),
            handle,
            external_id: self.did,
            display_name: filled(self.display_name),
            bio: filled(self.description),
            profile_image_url: address(self.avatar),
            follower_count: Metric::offered(self.followers_count),
            following_count: Metric::offered(self.follows_count),
            post_count: Metric::offered(self.posts_count),
            is_verified: self.verification.map(|v| valid(&v.verified_status) || valid(&v.trusted_verifier_status)),
            account_type: NO_KIND,
        }
    }
}

/// The handle, or the identity where the handle does not lead back to it.
pub(super) fn shown_handle(handle: &str, did: &str) -> String {
    let handle = (FACTS.handle.normalise)(handle);
    if handle == BROKEN_HANDLE || !(FACTS.handle.is_valid)(&handle) { did.to_owned() } else { handle }
}

#[derive(Debug, Deserialize)]
pub(super) struct AuthorFeed {
    pub(super) feed: Vec<FeedItem>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FeedItem {
    post: PostView,
    reason: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostView {
    uri: String,
    author: Author,
    record: Value,
    embed: Option<Value>,
    reply_count: Option<u64>,
    repost_count: Option<u64>,
    like_count: Option<u64>,
    quote_count: Option<u64>,
    bookmark_count: Option<u64>,
    indexed_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Author {
    did: String,
}

/// The answer about posts that were asked for by address; one that is gone is left out.
#[derive(Debug, Deserialize)]
pub(super) struct Posts {
    posts: Vec<PostView>,
}

impl Posts {
    /// Their figures, by address.
    pub(super) fn figures(self) -> std::collections::HashMap<String, Metrics> {
        self.posts.into_iter().map(|post| (post.uri.clone(), post.metrics())).collect()
    }
}

impl PostView {
    fn metrics(&self) -> Metrics {
        let shares = match (self.repost_count, self.quote_count) {
            (None, None) => None,
            (reposts, quotes) => Some(reposts.unwrap_or(0) + quotes.unwrap_or(0)),
        };
        Metrics {
            likes: Metric::offered(self.like_count),
            comments: Metric::offered(self.reply_count),
            shares: Metric::offered(shares),
            // Servers that are not the newest have no such count.
            saves: Metric::unless_hidden(self.bookmark_count),
            views: Metric::NotOffered,
            reach: Metric::NotOffered,
            impressions: Metric::NotOffered,
        }
    }
}

/// Of a post's record. What another client wrote oddly is left out, not refused.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) text: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) is_reply: bool,
    pub(super) embed_type: String,
}

impl Record {
    pub(super) fn read(record: &Value) -> Self {
        Self {
            text: filled(record["text"].as_str().map(str::to_owned)),
            created_at: record["createdAt"].as_str().and_then(|text| text.parse().ok()),
            is_reply: record["reply"].is_object(),
            embed_type: record["embed"]["$type"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Herald's word for what kind of post it is.
    pub(super) fn post_type(&self) -> &'static str {
        match self.embed_type.as_str() {
            _ if self.is_reply => "reply",
            "app.bsky.embed.record" | "app.bsky.embed.recordWithMedia" => "quote",
            _ => "post",
        }
    }
}

/// Pictures and video of a post: its form, the media, a still.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Media {
    pub(super) kind: MediaType,
    pub(super) url: Option<String>,
    pub(super) still: Option<String>,
}

impl Media {
    pub(super) const NONE: Self = Self { kind: MediaType::Text, url: None, still: None };

    pub(super) fn pictures(count: usize, url: Option<String>, still: Option<String>) -> Self {
        let kind = match count {
            0 => return Self::NONE,
            1 => MediaType::Image,
            _ => MediaType::Carousel,
        };
        Self { kind, url, still }
    }

    /// Of an embed as an AppView shows it.
    fn viewed(embed: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match embed["$type"].as_str().unwrap_or_default() {
            "app.bsky.embed.images#view" => {
                let count = embed["images"].as_array().map_or(0, Vec::len);
                Self::pictures(count, text(&embed["images"][0]["fullsize"]), text(&embed["images"][0]["thumb"]))
            }
            "app.bsky.embed.gallery#view" => {
                let count = embed["items"].as_array().map_or(0, Vec::len);
                Self::pictures(count, text(&embed["items"][0]["fullsize"]), text(&embed["items"][0]["thumbnail"]))
            }
            "app.bsky.embed.video#view" => {
                Self { kind: MediaType::Video, url: text(&embed["playlist"]), still: text(&embed["thumbnail"]) }
            }
            "app.bsky.embed.recordWithMedia#view" => Self::viewed(&embed["media"]),
            // A link card is a text with a link; its picture is not the account's.
            _ => Self::NONE,
        }
    }
}

impl FeedItem {
    /// The publication, if it is one of the account's own: a repost is somebody else's, or stands in the feed by itself.
    pub(super) fn into_publication(self, profile: &Profile) -> Option<Publication> {
        let post = self.post;
        let reposted = self.reason.is_some_and(|reason| reason["$type"] == "app.bsky.feed.defs#reasonRepost");
        if reposted || post.author.did != profile.external_id {
            return None;
        }
        let metrics = post.metrics();
        let record = Record::read(&post.record);
        let media = post.embed.as_ref().map_or(Media::NONE, Media::viewed);
        let indexed = post.indexed_at.and_then(|text| text.parse::<Timestamp>().ok());
        // The author's client states `createdAt`; a time after the network saw the post is not believed, as in the app.
        let posted_at = [record.created_at, indexed].into_iter().flatten().min()?;
        Some(Publication {
            url: web_url(profile, &post.uri),
            external_id: post.uri,
            post_type: Some(record.post_type().to_owned()),
            caption: record.text,
            media_type: media.kind,
            media_url: address(media.url),
            thumbnail_url: address(media.still),
            posted_at,
            metrics,
        })
    }
}

/// The page of a post, from its `at://did/collection/rkey`.
pub(super) fn web_url(profile: &Profile, uri: &str) -> Option<String> {
    let rkey = uri.rsplit_once('/')?.1;
    Some(format!("{}/post/{rkey}", profile.profile_url))
}

#[derive(Debug, Deserialize)]
pub(super) struct RecordPage {
    #[serde(default)]
    pub(super) records: Vec<RawRecord>,
    pub(super) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRecord {
    pub(super) uri: String,
    pub(super) value: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        serde_json::from_str::<ProfileView>(include_str!("fixtures/profile.json")).unwrap().into_profile()
    }

    fn feed() -> Vec<Publication> {
        let feed: AuthorFeed = serde_json::from_str(include_str!("fixtures/author_feed.json")).unwrap();
        assert_eq!(feed.cursor.as_deref(), Some("2026-07-30T09:00:00Z"));
        feed.feed.into_iter().filter_map(|item| item.into_publication(&profile())).collect()
    }

    #[test]
    fn a_profile_is_known_by_its_did() {
        let profile = profile();
        assert_eq!(profile.external_id, "did:plc:cavgp3laz4lboqk3ta2pohli");
        assert_eq!(profile.handle, "alice.example.com");
        assert_eq!(profile.profile_url, "https://bsky.app/profile/alice.example.com");
        assert_eq!(profile.follower_count, Metric::Count(120));
        assert_eq!(profile.post_count, Metric::Pending);
        assert_eq!(profile.is_verified, None);
    }

    #[test]
    fn a_handle_that_does_not_lead_back_is_not_shown() {
        assert_eq!(shown_handle("handle.invalid", "did:plc:x"), "did:plc:x");
        assert_eq!(shown_handle("Alice.Test", "did:plc:x"), "alice.test");
    }

    #[test]
    fn reposts_are_not_the_accounts_own() {
        let ids: Vec<String> =
            feed().into_iter().map(|p| p.external_id.rsplit_once('/').unwrap().1.to_owned()).collect();
        assert_eq!(ids, ["3n2qhjxtkz22l", "3n2qhjxtkz22m", "3n2qhjxtkz22n", "3n2qhjxtkz22o"]);
    }

    #[test]
    fn a_post_has_its_form_and_its_figures() {
        let posts = feed();
        assert_eq!(posts[0].media_type, MediaType::Carousel);
        assert_eq!(posts[0].media_url.as_deref(), Some("https://cdn.example/full/1.jpg"));
        assert_eq!(posts[0].url.as_deref(), Some("https://bsky.app/profile/alice.example.com/post/3n2qhjxtkz22l"));
        assert_eq!(posts[0].metrics.shares, Metric::Count(5));
        assert_eq!(posts[0].metrics.saves, Metric::Count(2));
        assert_eq!(posts[0].metrics.views, Metric::NotOffered);
        assert_eq!((posts[1].media_type, posts[1].post_type.as_deref()), (MediaType::Video, Some("reply")));
        assert_eq!(posts[1].metrics.saves, Metric::NotOffered);
        assert_eq!((posts[2].media_type, posts[2].post_type.as_deref()), (MediaType::Image, Some("quote")));
        assert_eq!((posts[3].media_type, posts[3].caption.as_deref()), (MediaType::Text, None));
    }

    #[test]
    fn a_time_in_the_future_is_not_believed() {
        assert_eq!(feed()[1].posted_at, "2026-07-31T10:00:01Z".parse().unwrap());
        assert_eq!(feed()[0].posted_at, "2026-08-01T10:00:00Z".parse().unwrap());
    }

    #[test]
    fn the_server_stands_in_the_did_document() {
        let document: DidDocument = serde_json::from_str(include_str!("fixtures/did_document.json")).unwrap();
        assert_eq!(document.pds(), Some("https://pds.example.com"));
        assert_eq!(document.handle().as_deref(), Some("alice.example.com"));
    }
}
