//! LinkedIn's words on the wire.

use std::collections::HashMap;

use domain::profile::AccountType;
use domain::publication::Metrics;
use domain::{Failure, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;
use serde_json::Value;

use super::{FACTS, little};
use crate::wire::{self, text_or_number};

/// What a member's URN begins with.
pub(super) const PERSON: &str = "urn:li:person:";
/// What a page's URN begins with.
pub(super) const ORGANIZATION: &str = "urn:li:organization:";

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    name: Option<String>,
    picture: Option<String>,
}

/// Reads the answer about the member. LinkedIn does not say what the member's page is called: the handle stays `known`,
/// or becomes the member's id.
pub(super) fn member(answer: &Answer, known: &str) -> Result<Profile, Failure> {
    let user: UserInfo = answer.json()?;
    let handle = if known.is_empty() { (FACTS.handle.normalise)(&user.sub) } else { known.to_owned() };
    Ok(Profile {
        external_id: format!("{PERSON}{}", user.sub),
        profile_url: (FACTS.profile_url)(&handle),
        handle,
        display_name: wire::filled(user.name),
        bio: None,
        profile_image_url: wire::filled(user.picture),
        // Followers of a member are shown to apps with a product of their own.
        follower_count: Metric::NotOffered,
        following_count: Metric::NotOffered,
        post_count: Metric::NotOffered,
        is_verified: None,
        account_type: Some(AccountType::Personal),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Organization {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    localized_name: Option<String>,
    vanity_name: Option<String>,
    localized_description: Option<String>,
}

impl Organization {
    /// Whether a person means this page by `handle`: its name or its number.
    pub(super) fn is_called(&self, handle: &str) -> bool {
        let vanity = self.vanity_name.as_deref().map(|name| (FACTS.handle.normalise)(name));
        self.id == handle || vanity.as_deref() == Some(handle)
    }

    pub(super) fn urn(&self) -> String {
        format!("{ORGANIZATION}{}", self.id)
    }

    /// The page as a profile, with what is known of its followers.
    pub(super) fn profile(self, followers: Metric) -> Profile {
        let vanity = self.vanity_name.as_deref().map(|name| (FACTS.handle.normalise)(name));
        let handle = vanity.filter(|name| (FACTS.handle.is_valid)(name)).unwrap_or_else(|| self.id.clone());
        Profile {
            external_id: self.urn(),
            profile_url: format!("https://www.linkedin.com/company/{handle}/"),
            handle,
            display_name: wire::filled(self.localized_name),
            bio: wire::filled(self.localized_description),
            // The logo is an asset whose address is another call, signed and short-lived.
            profile_image_url: None,
            follower_count: followers,
            following_count: Metric::NotOffered,
            post_count: Metric::NotOffered,
            is_verified: None,
            account_type: Some(AccountType::Business),
        }
    }
}

/// A list, in a page of it or whole.
#[derive(Deserialize)]
pub(super) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(super) elements: Vec<T>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Default, Deserialize)]
struct Paging {
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
}

impl<T> List<T> {
    /// Whether this is the last page of at most `count`: it is not full, and names no next one. What may not be shown is
    /// left out of a page, so a short one can have a successor.
    pub(super) fn is_last(&self, count: usize) -> bool {
        self.elements.len() < count && !self.paging.links.iter().any(|link| link.rel == "next")
    }
}

#[derive(Deserialize)]
struct Role {
    organization: String,
}

/// The URNs of the pages that a member administers.
pub(super) fn administered(answer: &Answer) -> Result<Vec<String>, Failure> {
    Ok(answer.json::<List<Role>>()?.elements.into_iter().map(|role| role.organization).collect())
}

#[derive(Deserialize)]
struct Results<T> {
    results: HashMap<String, T>,
}

/// Reads a batch of pages.
pub(super) fn organizations(answer: &Answer) -> Result<Vec<Organization>, Failure> {
    Ok(answer.json::<Results<Organization>>()?.results.into_values().collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkSize {
    #[serde(default, deserialize_with = "text_or_number::count")]
    first_degree_size: Option<u64>,
}

/// Reads how many follow a page.
pub(super) fn followers(answer: &Answer) -> Result<Metric, Failure> {
    Ok(Metric::offered(answer.json::<NetworkSize>()?.first_degree_size))
}

/// A post as LinkedIn shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post {
    pub(super) id: String,
    author: Option<String>,
    commentary: Option<String>,
    #[serde(default)]
    pub(super) lifecycle_state: String,
    content: Option<Content>,
    created_at: Option<i64>,
    published_at: Option<i64>,
    reshare_context: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    media: Option<ContentMedia>,
    multi_image: Option<MultiImage>,
    article: Option<Value>,
    poll: Option<Value>,
}

#[derive(Deserialize)]
struct ContentMedia {
    id: String,
}

#[derive(Deserialize)]
struct MultiImage {
    #[serde(default)]
    images: Vec<ContentMedia>,
}

/// Reads a page of posts.
pub(super) fn posts(answer: &Answer) -> Result<List<Post>, Failure> {
    answer.json()
}

impl Post {
    /// The words as a person reads them.
    pub(super) fn text(&self) -> String {
        little::plain(self.commentary.as_deref().unwrap_or_default())
    }

    /// The URNs of its files.
    pub(super) fn media(&self) -> Vec<&str> {
        let Some(content) = &self.content else { return Vec::new() };
        let single = content.media.iter().map(|media| media.id.as_str());
        single
            .chain(content.multi_image.iter().flat_map(|multi| &multi.images).map(|image| image.id.as_str()))
            .collect()
    }

    /// Whether `urn` wrote it, as far as the answer says.
    pub(super) fn is_by(&self, urn: Option<&str>) -> bool {
        self.author.as_deref().zip(urn).is_none_or(|(author, urn)| author == urn)
    }

    /// When it was made.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.published_at.or(self.created_at).and_then(|millis| Timestamp::from_millisecond(millis).ok())
    }

    fn kind(&self) -> (MediaType, &'static str) {
        let Some(content) = &self.content else {
            return (MediaType::Text, if self.reshare_context.is_some() { "reshare" } else { "post" });
        };
        match content.media.as_ref().map(|media| media.id.as_str()) {
            Some(id) if id.starts_with("urn:li:video:") => (MediaType::Video, "video"),
            // The pages of a document are leafed through.
            Some(id) if id.starts_with("urn:li:document:") => (MediaType::Carousel, "document"),
            Some(_) => (MediaType::Image, "image"),
            None if content.multi_image.is_some() => (MediaType::Carousel, "multi_image"),
            None if content.article.is_some() => (MediaType::Text, "article"),
            None if content.poll.is_some() => (MediaType::Text, "poll"),
            None => (MediaType::Text, "post"),
        }
    }

    /// `None` for what is not out, or has no time.
    pub(super) fn publication(self, figures: &Figures) -> Option<Publication> {
        if self.lifecycle_state != "PUBLISHED" {
            return None;
        }
        let (media_type, post_type) = self.kind();
        Some(Publication {
            url: Some(address(&self.id)),
            caption: wire::filled(Some(self.text())),
            media_type,
            post_type: Some(post_type.to_owned()),
            media_url: None,
            thumbnail_url: None,
            posted_at: self.at()?,
            metrics: figures.of(&self.id),
            external_id: self.id,
        })
    }
}

/// The public page of a post.
pub(super) fn address(urn: &str) -> String {
    format!("https://www.linkedin.com/feed/update/{urn}")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShareStatistics {
    share: Option<String>,
    ugc_post: Option<String>,
    total_share_statistics: Totals,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    #[serde(default, deserialize_with = "text_or_number::count")]
    impression_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    unique_impressions_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    comment_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    share_count: Option<u64>,
}

/// The figures of a page's posts.
pub(super) enum Figures {
    /// By URN. A post that nobody has seen is left out, and has zeros.
    Known(HashMap<String, Metrics>),
    /// The rights do not allow the look.
    Hidden,
}

/// Reads the figures.
pub(super) fn figures(answer: &Answer) -> Result<Figures, Failure> {
    let elements = answer.json::<List<ShareStatistics>>()?.elements;
    let entry = |element: ShareStatistics| {
        let totals = element.total_share_statistics;
        let metrics = Metrics {
            likes: Metric::offered(totals.like_count),
            comments: Metric::offered(totals.comment_count),
            shares: Metric::offered(totals.share_count),
            saves: Metric::NotOffered,
            views: Metric::offered(totals.impression_count),
            reach: Metric::offered(totals.unique_impressions_count),
            impressions: Metric::offered(totals.impression_count),
        };
        Some((element.share.or(element.ugc_post)?, metrics))
    };
    Ok(Figures::Known(elements.into_iter().filter_map(entry).collect()))
}

impl Figures {
    /// Those of one post.
    pub(super) fn of(&self, urn: &str) -> Metrics {
        let zero = Metric::Count(0);
        match self {
            Self::Hidden => Metrics::default(),
            Self::Known(known) => known.get(urn).copied().unwrap_or(Metrics {
                likes: zero,
                comments: zero,
                shares: zero,
                saves: Metric::NotOffered,
                views: zero,
                reach: zero,
                impressions: zero,
            }),
        }
    }
}

/// The answer to a code or a refresh token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: Secret,
    /// For apps of partners only.
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: i64,
    /// With commas between.
    pub(super) scope: Option<String>,
}
