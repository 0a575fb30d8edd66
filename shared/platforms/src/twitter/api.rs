//! X's words on the wire. Its newer names of members are read beside the older ones.

use std::collections::HashMap;

use domain::publication::Metrics;
use domain::{Failure, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;
use serde_json::Value;

use super::{FACTS, error};
use crate::Page;
use crate::wire::{self, text_or_number};

/// What is asked of a user.
pub(super) const USER_FIELDS: &str =
    "id,name,username,description,profile_image_url,protected,public_metrics,verified,verified_type";

/// What is asked of a post.
pub(super) const POST_FIELDS: &str =
    "id,text,created_at,attachments,entities,note_tweet,public_metrics,referenced_tweets";
/// What is asked of its media, which come beside it.
pub(super) const MEDIA_FIELDS: &str = "media_key,type,url,preview_image_url";

/// What every answer is.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: Option<T>,
    #[serde(default)]
    includes: Includes,
    #[serde(default)]
    meta: Meta,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Default, Deserialize)]
struct Includes {
    #[serde(default)]
    media: Vec<Media>,
}

#[derive(Default, Deserialize)]
struct Meta {
    result_count: Option<u32>,
    next_token: Option<String>,
}

/// What an answer is about. A 200 may say in `errors` why there is nothing.
fn data<T: serde::de::DeserializeOwned>(answer: &Answer, now: Timestamp, scope: &str) -> Result<T, Failure> {
    answer.json::<Envelope<T>>()?.data.ok_or_else(|| error::of(answer, now, scope))
}

#[derive(Deserialize)]
struct User {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    username: String,
    name: Option<String>,
    description: Option<String>,
    profile_image_url: Option<String>,
    verified: Option<bool>,
    #[serde(default)]
    public_metrics: UserMetrics,
}

#[derive(Default, Deserialize)]
struct UserMetrics {
    #[serde(default, deserialize_with = "text_or_number::count")]
    followers_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    following_count: Option<u64>,
    #[serde(default, alias = "post_count", deserialize_with = "text_or_number::count")]
    tweet_count: Option<u64>,
}

/// Reads the answer about a user.
pub(super) fn profile(answer: &Answer, now: Timestamp, scope: &str) -> Result<Profile, Failure> {
    let user: User = data(answer, now, scope)?;
    let handle = (FACTS.handle.normalise)(&user.username);
    Ok(Profile {
        external_id: user.id,
        profile_url: (FACTS.profile_url)(&handle),
        handle,
        display_name: wire::filled(user.name),
        bio: wire::filled(user.description.map(|text| unescaped(&text))),
        // `_normal` is 48 pixels wide; the address without it is the picture as it was uploaded.
        profile_image_url: user.profile_image_url.map(|url| url.replacen("_normal.", ".", 1)),
        follower_count: Metric::offered(user.public_metrics.followers_count),
        following_count: Metric::offered(user.public_metrics.following_count),
        post_count: Metric::offered(user.public_metrics.tweet_count),
        is_verified: user.verified,
        account_type: None,
    })
}

/// A post as X shows it.
#[derive(Deserialize)]
pub(super) struct Post {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
    #[serde(default)]
    text: String,
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    attachments: Attachments,
    #[serde(default)]
    entities: Entities,
    /// The whole text of a post longer than 280, which `text` cuts off.
    #[serde(alias = "note_post")]
    note_tweet: Option<Note>,
    #[serde(default)]
    public_metrics: PostMetrics,
    #[serde(default, alias = "referenced_posts")]
    referenced_tweets: Vec<Reference>,
}

#[derive(Default, Deserialize)]
struct Attachments {
    #[serde(default)]
    media_keys: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Entities {
    #[serde(default)]
    urls: Vec<UrlEntity>,
}

#[derive(Deserialize)]
struct UrlEntity {
    url: String,
    expanded_url: Option<String>,
    media_key: Option<String>,
}

#[derive(Deserialize)]
struct Note {
    text: String,
    #[serde(default)]
    entities: Entities,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
}

#[derive(Default, Deserialize)]
struct PostMetrics {
    #[serde(default, alias = "repost_count", deserialize_with = "text_or_number::count")]
    retweet_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    reply_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    quote_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    bookmark_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    impression_count: Option<u64>,
}

#[derive(Deserialize)]
struct Media {
    media_key: String,
    #[serde(rename = "type", default)]
    kind: String,
    url: Option<String>,
    preview_image_url: Option<String>,
}

/// A page of a timeline.
pub(super) struct Timeline {
    pub(super) posts: Vec<Post>,
    media: HashMap<String, Media>,
    pub(super) next: Option<String>,
}

/// Reads a page of a timeline. Nothing in the window is no `data` and a count of zero.
pub(super) fn timeline(answer: &Answer, now: Timestamp, scope: &str) -> Result<Timeline, Failure> {
    let list: Envelope<Vec<Post>> = answer.json()?;
    let posts = match list.data {
        Some(posts) => posts,
        None if list.meta.result_count == Some(0) || list.errors.is_empty() => Vec::new(),
        None => return Err(error::of(answer, now, scope)),
    };
    let media = list.includes.media.into_iter().map(|media| (media.media_key.clone(), media)).collect();
    Ok(Timeline { posts, media, next: list.meta.next_token.filter(|token| !token.is_empty()) })
}

/// Reads the figures of posts that were asked for by id; those that are gone are errors beside the others.
pub(super) fn figures(answer: &Answer, now: Timestamp, scope: &str) -> Result<HashMap<String, Metrics>, Failure> {
    let list: Envelope<Vec<Post>> = answer.json()?;
    let gone = |error: &Value| error["type"].as_str().is_some_and(|kind| kind.ends_with("/resource-not-found"));
    match list.data {
        Some(posts) => Ok(posts.into_iter().map(|post| (post.id.clone(), post.metrics())).collect()),
        None if list.errors.iter().all(gone) => Ok(HashMap::new()),
        None => Err(error::of(answer, now, scope)),
    }
}

impl Timeline {
    /// The posts as publications of `handle`, newest first.
    pub(super) fn page(self, handle: &str) -> Page {
        let Self { posts, media, next } = self;
        Page { publications: posts.into_iter().filter_map(|post| post.publication(&media, handle)).collect(), next }
    }
}

impl Post {
    /// The text as the person wrote it: links in full, those of the post's own media left out.
    pub(super) fn whole_text(&self) -> String {
        let (text, entities) = match &self.note_tweet {
            Some(note) => (&note.text, &note.entities),
            None => (&self.text, &self.entities),
        };
        let mut text = unescaped(text);
        // A link to the post's own pictures or video stands behind what was written.
        for link in self.links(entities).filter(|link| link.is_own_media()) {
            text = text.replace(&link.url, "");
        }
        for link in self.links(entities).filter(|link| !link.is_own_media()) {
            text = text.replace(&link.url, link.expanded_url.as_deref().unwrap_or(&link.url));
        }
        text.trim_end().to_owned()
    }

    fn links<'a>(&'a self, entities: &'a Entities) -> impl Iterator<Item = &'a UrlEntity> {
        entities.urls.iter().filter(|link| !link.url.is_empty())
    }

    /// The post that it replies to.
    pub(super) fn replies_to(&self) -> Option<&str> {
        self.reference("replied_to")
    }

    /// Whether it shows another post: quoted, or as it is.
    pub(super) fn shows_another(&self) -> bool {
        self.reference("quoted").or(self.reference("retweeted")).or(self.reference("reposted")).is_some()
    }

    pub(super) fn media_count(&self) -> usize {
        self.attachments.media_keys.len()
    }

    fn reference(&self, kind: &str) -> Option<&str> {
        self.referenced_tweets.iter().find(|other| other.kind == kind).map(|other| other.id.as_str())
    }

    fn metrics(&self) -> Metrics {
        let figures = &self.public_metrics;
        let shares = figures.retweet_count.map(|reposts| reposts + figures.quote_count.unwrap_or(0));
        Metrics {
            likes: Metric::offered(figures.like_count),
            comments: Metric::offered(figures.reply_count),
            shares: Metric::offered(shares),
            saves: Metric::offered(figures.bookmark_count),
            // X shows its impressions as views.
            views: Metric::offered(figures.impression_count),
            impressions: Metric::offered(figures.impression_count),
            reach: Metric::NotOffered,
        }
    }

    /// `None` for what is somebody else's, or has no time.
    fn publication(self, media: &HashMap<String, Media>, handle: &str) -> Option<Publication> {
        if self.reference("retweeted").or(self.reference("reposted")).is_some() {
            return None;
        }
        let own: Vec<&Media> = self.attachments.media_keys.iter().filter_map(|key| media.get(key)).collect();
        let media_type = match own.as_slice() {
            [] => MediaType::Text,
            [one] if matches!(one.kind.as_str(), "video" | "animated_gif") => MediaType::Video,
            [_] => MediaType::Image,
            _ => MediaType::Carousel,
        };
        let post_type = match (self.replies_to(), self.reference("quoted")) {
            (Some(_), _) => "reply",
            (None, Some(_)) => "quote",
            (None, None) => "post",
        };
        let metrics = self.metrics();
        Some(Publication {
            url: Some(address(handle, &self.id)),
            caption: wire::filled(Some(self.whole_text())),
            media_type,
            post_type: Some(post_type.to_owned()),
            media_url: own.first().and_then(|first| first.url.clone()),
            thumbnail_url: own.first().and_then(|first| first.preview_image_url.clone().or(first.url.clone())),
            posted_at: self.created_at?,
            metrics,
            external_id: self.id,
        })
    }
}

impl UrlEntity {
    fn is_own_media(&self) -> bool {
        let address = self.expanded_url.as_deref().unwrap_or_default();
        let on_x = ["https://x.com/", "https://twitter.com/"].iter().any(|site| address.starts_with(site));
        self.media_key.is_some() || (on_x && (address.contains("/photo/") || address.contains("/video/")))
    }
}

/// The public page of a post.
pub(super) fn address(handle: &str, id: &str) -> String {
    format!("https://x.com/{handle}/status/{id}")
}

/// X writes three characters of a text as entities of HTML.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The answer to a code or a refresh token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: Secret,
    /// With `offline.access` only.
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: i64,
    /// With spaces between.
    pub(super) scope: Option<String>,
}
