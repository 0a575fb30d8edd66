//! Instagram's words on the wire.

use domain::{AccountType, Failure, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use super::FACTS;
use crate::Page;
use crate::wire::{self, text_or_number};

/// What is asked of a profile.
pub(super) const PROFILE_FIELDS: &str =
    "id,user_id,username,name,account_type,profile_picture_url,followers_count,follows_count,media_count,biography";

/// What is asked of a post. Figures beyond likes and comments are insights: one more call per post.
pub(super) const MEDIA_FIELDS: &str =
    "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,timestamp,like_count,comments_count";

/// An object that the guide prints inside `{"data":[…]}` and the live API answers flat.
#[derive(Deserialize)]
#[serde(untagged)]
enum MaybeWrapped<T> {
    Wrapped { data: (T,) },
    Flat(T),
}

impl<T> MaybeWrapped<T> {
    fn open(self) -> T {
        match self {
            Self::Wrapped { data: (inner,) } | Self::Flat(inner) => inner,
        }
    }
}

#[derive(Deserialize)]
struct Me {
    /// The professional account's id, the same for every app; `id` beside it is this app's own.
    #[serde(deserialize_with = "text_or_number::text")]
    user_id: String,
    username: String,
    name: Option<String>,
    account_type: Option<String>,
    profile_picture_url: Option<String>,
    biography: Option<String>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    followers_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    follows_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    media_count: Option<u64>,
}

/// Reads the answer of `/me`.
pub(super) fn profile(answer: &Answer) -> Result<Profile, Failure> {
    let me = answer.json::<MaybeWrapped<Me>>()?.open();
    let handle = (FACTS.handle.normalise)(&me.username);
    Ok(Profile {
        profile_url: (FACTS.profile_url)(&handle),
        external_id: me.user_id,
        handle,
        display_name: wire::filled(me.name),
        bio: wire::filled(me.biography),
        profile_image_url: wire::address(me.profile_picture_url),
        follower_count: Metric::offered(me.followers_count),
        following_count: Metric::offered(me.follows_count),
        post_count: Metric::offered(me.media_count),
        // Not a field of this API.
        is_verified: None,
        account_type: me.account_type.and_then(|kind| match kind.to_ascii_lowercase().as_str() {
            "business" => Some(AccountType::Business),
            "media_creator" | "creator" => Some(AccountType::Creator),
            _ => None,
        }),
    })
}

#[derive(Deserialize)]
struct MediaList {
    data: Vec<Media>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    /// Its presence says that there is more. The address itself carries the token and is never called.
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

#[derive(Deserialize)]
struct Media {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    caption: Option<String>,
    media_type: String,
    media_product_type: Option<String>,
    media_url: Option<String>,
    thumbnail_url: Option<String>,
    permalink: Option<String>,
    /// `2026-11-07T13:00:34+0000`.
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_number::count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    comments_count: Option<u64>,
}

/// Reads a page of media.
pub(super) fn media(answer: &Answer) -> Result<Page, Failure> {
    let list = answer.json::<MediaList>()?;
    let next =
        list.paging.filter(|paging| paging.next.is_some()).and_then(|paging| paging.cursors).and_then(|c| c.after);
    Ok(Page { publications: list.data.into_iter().map(Media::publication).collect(), next })
}

impl Media {
    fn publication(self) -> Publication {
        let media_type = match self.media_type.as_str() {
            "CAROUSEL_ALBUM" => MediaType::Carousel,
            "VIDEO" => MediaType::Video,
            _ => MediaType::Image,
        };
        Publication {
            external_id: self.id,
            url: wire::address(self.permalink),
            caption: wire::filled(self.caption),
            media_type,
            post_type: self.media_product_type,
            media_url: wire::address(self.media_url),
            thumbnail_url: wire::address(self.thumbnail_url),
            posted_at: self.timestamp,
            metrics: domain::publication::Metrics {
                // Left out when the owner hides likes.
                likes: Metric::unless_hidden(self.like_count),
                comments: Metric::offered(self.comments_count),
                // Offered, but not fetched in a profile sync: insights cost one call per post.
                shares: Metric::Pending,
                saves: Metric::Pending,
                views: Metric::Pending,
                reach: Metric::Pending,
                // Removed from the API in April 2025.
                impressions: Metric::NotOffered,
            },
        }
    }
}

/// The answer to a code: good for an hour.
#[derive(Deserialize)]
pub(super) struct ShortLived {
    pub(super) access_token: Secret,
    #[serde(default)]
    permissions: Permissions,
}

/// The answer to an exchange or a refresh: good for 60 days.
#[derive(Deserialize)]
pub(super) struct LongLived {
    pub(super) access_token: Secret,
    pub(super) expires_in: i64,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Permissions {
    List(Vec<String>),
    Text(String),
    #[default]
    Absent,
}

impl Permissions {
    fn list(self) -> Vec<String> {
        match self {
            Self::List(list) => list,
            Self::Text(text) => wire::scopes(&text),
            Self::Absent => Vec::new(),
        }
    }
}

/// Reads the answer to a code; its `user_id` is this app's own id of the account and of no use.
pub(super) fn short_lived(answer: &Answer) -> Result<(Secret, Vec<String>), Failure> {
    let token = answer.json::<MaybeWrapped<ShortLived>>()?.open();
    Ok((token.access_token, token.permissions.list()))
}

/// Reads the answer to an exchange or a refresh: token, seconds, permissions.
pub(super) fn long_lived(answer: &Answer) -> Result<(Secret, i64, Vec<String>), Failure> {
    let token = answer.json::<LongLived>()?;
    Ok((token.access_token, token.expires_in, token.permissions.list()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;

    #[test]
    fn a_profile_is_read_from_the_flat_form() {
        let profile = profile(&ok(include_str!("fixtures/me.json"))).unwrap();
        assert_eq!(profile.external_id, "17841400000000001");
        assert_eq!(profile.handle, "harbor.roasters");
        assert_eq!(profile.profile_url, "https://www.instagram.com/harbor.roasters/");
        assert_eq!(profile.follower_count, Metric::Count(419));
        assert_eq!(profile.account_type, Some(AccountType::Business));
    }

    #[test]
    fn a_profile_is_read_from_the_wrapped_form_with_numeric_ids() {
        let profile = profile(&ok(include_str!("fixtures/me.wrapped.json"))).unwrap();
        assert_eq!(profile.external_id, "17841400000000001");
        assert_eq!(profile.account_type, Some(AccountType::Creator));
        assert_eq!(profile.follower_count, Metric::Pending, "a figure that was not sent is not zero");
    }

    #[test]
    fn hidden_likes_are_not_zero() {
        let page = media(&ok(include_str!("fixtures/media.json"))).unwrap();
        assert_eq!(page.publications[0].metrics.likes, Metric::Count(9));
        assert_eq!(page.publications[1].metrics.likes, Metric::NotOffered);
        assert_eq!(page.publications[1].metrics.comments, Metric::Count(0));
        assert_eq!(page.publications[1].metrics.views, Metric::Pending);
    }

    #[test]
    fn a_page_of_media_is_read() {
        let page = media(&ok(include_str!("fixtures/media.json"))).unwrap();
        assert_eq!(page.publications[0].media_type, MediaType::Carousel);
        assert_eq!(page.publications[0].posted_at.to_string(), "2026-11-07T13:00:34Z");
        assert_eq!(page.publications[1].post_type.as_deref(), Some("REELS"));
        assert_eq!(page.publications[1].caption, None);
        assert_eq!(page.next.as_deref(), Some("QVFI2"));
    }

    #[test]
    fn the_last_page_has_cursors_but_no_next() {
        assert_eq!(media(&ok(include_str!("fixtures/media.last_page.json"))).unwrap().next, None);
    }

    #[test]
    fn a_token_is_read_in_both_its_forms() {
        for body in [include_str!("fixtures/token.documented.json"), include_str!("fixtures/token.observed.json")] {
            let (token, scopes) = short_lived(&ok(body)).unwrap();
            assert_eq!(token.expose(), "IGAAexample");
            assert_eq!(scopes, ["instagram_business_basic", "instagram_business_manage_insights"]);
        }
    }

    #[test]
    fn a_long_lived_token_states_its_life() {
        let (token, seconds, scopes) = long_lived(&ok(include_str!("fixtures/token.long_lived.json"))).unwrap();
        assert_eq!((token.expose(), seconds, scopes.len()), ("IGAAlong", 5_183_944, 0));
    }
}
