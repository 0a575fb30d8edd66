//! The wire: what the servers answer, in their words.

use domain::publication::Metrics;
use domain::{Failure, Kind, MediaType, Metric, Profile, Publication, Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::facts::FACTS;
use super::html;
use super::server::authority;
use crate::publish::PostRef;
use crate::wire::{self, filled, text_or_number};

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WebFinger {
    #[serde(default)]
    links: Vec<WebFingerLink>,
}

#[derive(Debug, Deserialize)]
struct WebFingerLink {
    rel: String,
    href: Option<String>,
}

impl WebFinger {
    /// The host that the account lives on.
    pub(super) fn web_host(&self) -> Option<String> {
        let link = self.links.iter().find(|link| link.rel == "self")?;
        authority(&Url::parse(link.href.as_deref()?).ok()?)
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Discovery {
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
    #[serde(default)]
    pub(super) code_challenge_methods_supported: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: Secret,
    #[serde(default)]
    pub(super) scope: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
    username: String,
    display_name: Option<String>,
    note: Option<String>,
    url: Option<String>,
    uri: Option<String>,
    avatar: Option<String>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    followers_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    following_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    statuses_count: Option<u64>,
    #[serde(default)]
    suspended: bool,
    /// In the own answer only.
    source: Option<Source>,
}

/// What an account has set for itself.
#[derive(Debug, Deserialize)]
struct Source {
    privacy: Option<String>,
}

impl Account {
    /// The visibility of its posts where nothing else is said.
    pub(super) fn privacy(&self) -> Option<&str> {
        self.source.as_ref()?.privacy.as_deref()
    }

    /// Whether the answer says who the account is in the network. `verify_credentials` of some servers does not (snac,
    /// observed), although their public answer does.
    pub(super) fn is_complete(&self) -> bool {
        self.uri.is_some()
    }

    /// Takes over what only the `public` answer about the same account says.
    pub(super) fn completed_by(&mut self, public: Self) {
        if public.id == self.id {
            self.uri = public.uri;
        }
    }

    /// The profile of an account that lives on `host`, under a handle of `domain`.
    ///
    /// # Errors
    /// [`Kind::Suspended`], and [`Kind::InvalidHandle`] where the account has a name that no handle can hold.
    pub(super) fn into_profile(self, host: &str, domain: &str) -> Result<Profile, Failure> {
        if self.suspended {
            return Err(Failure::new(Kind::Suspended, "the account is an empty shell"));
        }
        let handle = (FACTS.handle.normalise)(&format!("{}@{domain}", self.username));
        if !(FACTS.handle.is_valid)(&handle) {
            return Err(Failure::new(Kind::InvalidHandle, "the account's name is no handle"));
        }
        Ok(Profile {
            external_id: identity(self.uri, &self.id, host),
            profile_url: web(self.url).unwrap_or_else(|| (FACTS.profile_url)(&handle)),
            handle,
            display_name: filled(self.display_name),
            bio: filled(self.note.map(|note| html::to_text(&note))),
            profile_image_url: web(self.avatar),
            follower_count: Metric::unless_hidden(self.followers_count),
            following_count: Metric::unless_hidden(self.following_count),
            post_count: Metric::unless_hidden(self.statuses_count),
            // Nobody vouches: a verified link proves a web site, not the account.
            is_verified: None,
            account_type: None,
        })
    }
}

/// The ActivityPub address, which no other account in the network has. A server can speak for its own addresses only;
/// where it does not, its id with its host stands in.
fn identity(uri: Option<String>, id: &str, host: &str) -> String {
    let own = |uri: &String| Url::parse(uri).ok().and_then(|url| authority(&url)).as_deref() == Some(host);
    uri.filter(own).unwrap_or_else(|| format!("{id}@{host}"))
}

/// An address for a browser. A server could send any scheme.
fn web(address: Option<String>) -> Option<String> {
    wire::address(address).filter(|text| text.starts_with("https://") || text.starts_with("http://"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    uri: Option<String>,
    url: Option<String>,
    visibility: Option<String>,
    content: Option<String>,
    in_reply_to_id: Option<Value>,
    reblog: Option<Value>,
    quote: Option<Value>,
    #[serde(default)]
    media_attachments: Vec<Attachment>,
    application: Option<Application>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    replies_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    reblogs_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    favourites_count: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    quotes_count: Option<u64>,
}

/// Through what a status was written; shown to its author.
#[derive(Debug, Deserialize)]
struct Application {
    name: Option<String>,
}

/// A file that was sent, before a status names it.
#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
}

/// A status as its author wrote it.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Attachment {
    #[serde(rename = "type", default)]
    kind: String,
    url: Option<String>,
    preview_url: Option<String>,
}

impl Status {
    /// Whether it is the account's own, written through `app` if the server says through what, with as many files, and a
    /// reply to `parent` or none at all.
    pub(super) fn could_be(&self, app: Option<&str>, files: usize, parent: Option<&str>) -> bool {
        let written = self.application.as_ref().and_then(|application| application.name.as_deref());
        let replied = match &self.in_reply_to_id {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        self.reblog.as_ref().is_none_or(Value::is_null)
            && self.media_attachments.len() == files
            && replied.as_deref() == parent
            && app.is_none_or(|app| written.is_none_or(|written| written == app))
    }

    /// Its text, as far as the HTML shows it.
    pub(super) fn shown(&self) -> String {
        self.content.as_deref().map(html::to_text).unwrap_or_default()
    }

    /// What is remembered of it.
    pub(super) fn into_ref(self) -> PostRef {
        PostRef {
            id: self.id,
            url: web(self.url).or(web(self.uri)),
            posted_at: Some(self.created_at),
            extra: std::collections::BTreeMap::new(),
        }
    }

    /// The publication, if it is one: a boost is somebody else's post, and a direct message is none at all.
    pub(super) fn into_publication(self) -> Option<Publication> {
        if self.reblog.is_some_and(|value| !value.is_null()) || self.visibility.as_deref() == Some("direct") {
            return None;
        }
        let is_there = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        let post_type = match (is_there(&self.in_reply_to_id), is_there(&self.quote)) {
            (true, _) => "reply",
            (false, true) => "quote",
            (false, false) => "status",
        };
        let media_type = match self.media_attachments.as_slice() {
            [] => MediaType::Text,
            [one] if matches!(one.kind.as_str(), "video" | "gifv" | "audio") => MediaType::Video,
            [_] => MediaType::Image,
            _ => MediaType::Carousel,
        };
        let (media_url, thumbnail_url) = self
            .media_attachments
            .into_iter()
            .next()
            .map_or((None, None), |first| (web(first.url), web(first.preview_url)));
        // Servers before 4.5 count no quotes; then boosts are all there is.
        let shares = self.reblogs_count.map(|boosts| boosts + self.quotes_count.unwrap_or(0));
        Some(Publication {
            external_id: self.id,
            url: web(self.url).or(web(self.uri)),
            caption: filled(self.content.map(|content| html::to_text(&content))),
            media_type,
            post_type: Some(post_type.to_owned()),
            media_url,
            thumbnail_url,
            posted_at: self.created_at,
            metrics: Metrics {
                likes: Metric::offered(self.favourites_count),
                comments: Metric::offered(self.replies_count),
                shares: Metric::offered(shares),
                saves: Metric::NotOffered,
                views: Metric::NotOffered,
                reach: Metric::NotOffered,
                impressions: Metric::NotOffered,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        serde_json::from_str(include_str!("fixtures/account.json")).unwrap()
    }

    fn statuses() -> Vec<Publication> {
        let list: Vec<Status> = serde_json::from_str(include_str!("fixtures/statuses.json")).unwrap();
        list.into_iter().filter_map(Status::into_publication).collect()
    }

    #[test]
    fn an_account_is_known_by_its_activitypub_address() {
        let profile = account().into_profile("social.example", "social.example").unwrap();
        assert_eq!(profile.external_id, "https://social.example/users/ann");
        assert_eq!(profile.handle, "ann@social.example");
        assert_eq!(profile.profile_url, "https://social.example/@ann");
        assert_eq!(profile.bio.as_deref(), Some("hi"));
        assert_eq!((profile.follower_count, profile.post_count), (Metric::Count(821), Metric::Count(33_120)));
        assert_eq!(profile.is_verified, None);
    }

    #[test]
    fn the_handle_has_the_domain_and_not_the_web_host() {
        let profile = account().into_profile("social.example", "example").unwrap();
        assert_eq!(
            (profile.handle.as_str(), profile.external_id.as_str()),
            ("ann@example", "https://social.example/users/ann")
        );
    }

    #[test]
    fn a_server_cannot_claim_an_address_of_another() {
        let profile = account().into_profile("evil.example", "evil.example").unwrap();
        assert_eq!(profile.external_id, "14715@evil.example");
        assert_eq!(identity(None, "7", "localhost:8101"), "7@localhost:8101");
        assert_eq!(
            identity(Some("http://localhost:8101/ann".to_owned()), "7", "localhost:8101"),
            "http://localhost:8101/ann"
        );
    }

    #[test]
    fn the_public_answer_completes_the_own_one() {
        let mut own = Account { uri: None, ..account() };
        own.completed_by(Account { id: "7".to_owned(), ..account() });
        assert!(!own.is_complete());
        own.completed_by(account());
        assert_eq!(
            own.into_profile("social.example", "social.example").unwrap().external_id,
            "https://social.example/users/ann"
        );
    }

    #[test]
    fn hidden_counts_are_not_zero_and_a_shell_is_a_suspended_account() {
        let hidden: Account =
            serde_json::from_str(r#"{"id":7,"username":"ann","followers_count":-1,"url":"javascript:alert(1)"}"#)
                .unwrap();
        let profile = hidden.into_profile("a.example", "a.example").unwrap();
        assert_eq!(profile.follower_count, Metric::NotOffered);
        assert_eq!(profile.profile_url, "https://a.example/@ann");
        let shell = Account { suspended: true, ..account() };
        assert_eq!(shell.into_profile("social.example", "social.example").unwrap_err().kind, Kind::Suspended);
    }

    #[test]
    fn boosts_and_direct_messages_are_left_out() {
        let ids: Vec<String> = statuses().into_iter().map(|p| p.external_id).collect();
        assert_eq!(ids, ["103254962155278888", "103254962155278887", "103254962155278886"]);
    }

    #[test]
    fn a_status_has_its_form_and_its_figures() {
        let posts = statuses();
        assert_eq!(posts[0].caption.as_deref(), Some("test & more"));
        assert_eq!(posts[0].url.as_deref(), Some("https://social.example/@ann/103254962155278888"));
        assert_eq!((posts[0].media_type, posts[0].post_type.as_deref()), (MediaType::Text, Some("status")));
        assert_eq!(
            (posts[0].metrics.likes, posts[0].metrics.comments, posts[0].metrics.shares),
            (Metric::Count(11), Metric::Count(5), Metric::Count(8))
        );
        assert_eq!(posts[0].metrics.views, Metric::NotOffered);
        assert_eq!((posts[1].media_type, posts[1].post_type.as_deref()), (MediaType::Video, Some("reply")));
        assert_eq!(posts[1].thumbnail_url.as_deref(), Some("https://files.example/small/c.jpg"));
        assert_eq!((posts[2].media_type, posts[2].post_type.as_deref()), (MediaType::Carousel, Some("quote")));
        assert_eq!(posts[2].caption, None);
    }

    #[test]
    fn webfinger_names_the_web_host() {
        let found: WebFinger = serde_json::from_str(include_str!("fixtures/webfinger.json")).unwrap();
        assert_eq!(found.web_host().as_deref(), Some("social.example.com"));
        assert_eq!(WebFinger { links: vec![] }.web_host(), None);
    }
}
