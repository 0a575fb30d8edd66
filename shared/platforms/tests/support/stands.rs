//! What the contract has to know about each platform beyond its facts: accounts to ask for, credentials, and the
//! answers in which platforms honestly differ.

use std::ops::RangeInclusive;

use domain::{Failure, Kind, Platform, Profile, Secret, TokenSet};
use platforms::{Access, AppCredentials, Facts, Platforms, PublicRead, Registration, Renewal};
use serde_json::Value;
use url::Url;

use crate::support::{REDIRECT, World};

/// One platform's place in the contract.
pub struct Stand {
    pub platform: Platform,
    pub app: fn() -> AppCredentials,
    /// An account with forty posts.
    pub handle: &'static str,
    /// An account with more posts than three pages hold.
    pub many: &'static str,
    /// A handle that nobody has.
    pub missing: &'static str,
    /// What [`Stand::handle`] is called after a rename; `None` where a name cannot change.
    pub renamed: Option<&'static str>,
    /// How the account's identity reads in our words.
    pub identity: fn(&Value) -> String,
    /// The simulator's id of a post, from ours.
    pub post_id: fn(&str) -> &str,
    /// Figures that the platform offers only for another call per post.
    pub pending: &'static [&'static str],
    /// What reading a suspended account answers.
    pub suspended: Refusals,
    /// What reading an account answers that was deleted after the consent.
    pub deleted: Refusals,
    /// Parts of the paths that faults are put on.
    pub paths: Paths,
    /// A rate limit of so many seconds, and the wait that must be read from it.
    pub limit: (i64, RangeInclusive<u64>),
    /// A scope that a person may leave out.
    pub optional_scope: &'static str,
    /// The scopes that reads are refused for at the platform itself.
    pub guarding_scopes: &'static [&'static str],
    /// Ways to write a handle, and its one spelling.
    pub handles: &'static [(&'static str, &'static str)],
    /// What no account is called.
    pub not_handles: &'static [&'static str],
}

/// What a look answers without consent, and with it (after one renewal, as in a sync).
pub struct Refusals {
    pub public: Kind,
    pub own: Kind,
}

/// Parts of paths: of a look at the own profile, of a page of posts, of a renewal.
pub struct Paths {
    pub profile: &'static str,
    pub posts: &'static str,
    pub renewal: &'static str,
}

/// A capability that a fact is about.
#[derive(Clone, Copy)]
pub enum Need {
    Nothing,
    PublicRead,
    NoPublicRead,
    ExpiringTokens,
    Renewal,
    RefreshToken,
    RotatingRefreshToken,
    Revocation,
    NoRevocation,
    ChangeableNames,
    ConsentPage,
    OpenConsentAddress,
    History,
    NoHistory,
}

impl Need {
    /// What `stand` lacks for the fact; `None` when it can be run.
    pub fn missing(self, stand: &Stand) -> Option<&'static str> {
        let facts = stand.facts();
        let oauth = &facts.oauth;
        let refreshes = matches!(oauth.renewal, Renewal::RefreshToken | Renewal::RotatingRefreshToken);
        let (there, without) = match self {
            Self::Nothing => (true, ""),
            Self::PublicRead => (facts.public_read != PublicRead::None, "no public read"),
            Self::NoPublicRead => (facts.public_read == PublicRead::None, "it has a public read"),
            Self::ExpiringTokens => (oauth.access_life.is_some(), "access tokens do not expire"),
            Self::Renewal => (oauth.renewal != Renewal::None, "no renewal of tokens"),
            Self::RefreshToken => (refreshes, "no refresh tokens"),
            Self::RotatingRefreshToken => {
                (oauth.renewal == Renewal::RotatingRefreshToken, "no rotating refresh tokens")
            }
            Self::Revocation => (oauth.revocable, "no call that revokes"),
            Self::NoRevocation => (!oauth.revocable, "it has a call that revokes"),
            Self::ChangeableNames => (stand.renamed.is_some(), "names never change"),
            Self::ConsentPage => (stand.has_consent_page(), "no consent page"),
            Self::OpenConsentAddress if !stand.has_consent_page() => (false, "no consent page"),
            Self::OpenConsentAddress => (
                oauth.registration != Registration::ClientMetadata,
                "the request for consent is pushed, not in the address",
            ),
            Self::History => (stand.has_history(), "posts cannot be listed"),
            Self::NoHistory => (!stand.has_history(), "posts can be listed"),
        };
        (!there).then_some(without)
    }
}

impl Stand {
    pub fn facts(&self) -> &'static Facts {
        Platforms::facts().find(|facts| facts.platform == self.platform).unwrap()
    }

    /// Whether the account's posts can be listed with its consent.
    pub fn has_history(&self) -> bool {
        !matches!(self.platform, Platform::Linkedin | Platform::Telegram)
    }

    /// What is true about an account and told: apps do not get to see everything.
    pub fn told<'a>(&self, truth: &'a Value, name: &str) -> &'a Value {
        let hidden: &[&str] = match self.platform {
            // The address of the portrait holds the bot's token.
            Platform::Telegram => &["followingCount", "postCount", "avatarUrl"],
            Platform::Linkedin => &["bio", "followerCount", "followingCount", "postCount"],
            _ => &[],
        };
        if hidden.contains(&name) { &Value::Null } else { &truth[name] }
    }

    /// The portrait as it is read: on X in full, not the small one.
    pub fn portrait(&self, truth: &Value) -> Option<String> {
        let address = self.told(truth, "avatarUrl").as_str()?;
        Some(if self.platform == Platform::Twitter { address.replace("_normal.", ".") } else { address.to_owned() })
    }

    /// Whether consent is given on a page of the platform.
    pub fn has_consent_page(&self) -> bool {
        self.platform != Platform::Telegram
    }

    /// A fresh world where Herald has its credentials.
    pub async fn world(&self) -> World {
        let mut world = World::new(self.platform, (self.app)()).await;
        let register = world.adapter().register.as_ref();
        assert_eq!(register.is_some(), self.facts().oauth.registration == Registration::PerServer);
        if let Some(register) = register {
            let server = register.server(self.handle).unwrap();
            let redirect_uri = Url::parse(REDIRECT).unwrap();
            world.app = register.register(&world.cx(), &server, &redirect_uri).await.unwrap();
        }
        world
    }

    /// The tokens of a consent to everything.
    pub async fn tokens(&self, world: &World) -> TokenSet {
        world.consent(self.handle, &[]).await.unwrap().tokens
    }

    /// One look at the account with its consent.
    pub async fn look(&self, world: &World, tokens: &TokenSet) -> Result<Profile, Failure> {
        world.profile(self.handle, Access::Token(tokens)).await
    }

    /// The same as a sync does it: a refused token is renewed once.
    pub async fn look_renewing(&self, world: &World, tokens: &TokenSet) -> Result<Profile, Failure> {
        match self.look(world, tokens).await {
            Err(failure) if failure.kind == Kind::TokenRejected => {
                let renewed = tokens.clone().renewed_by(world.refresh(tokens).await?);
                self.look(world, &renewed).await
            }
            answered => answered,
        }
    }
}

fn app(id: &str, secret: &str) -> AppCredentials {
    AppCredentials { client_id: id.to_owned(), client_secret: Some(Secret::new(secret)), api_key: None }
}

fn id(truth: &Value) -> String {
    truth["id"].as_str().unwrap().to_owned()
}

pub static INSTAGRAM: Stand = Stand {
    platform: Platform::Instagram,
    app: || app(simulator::INSTAGRAM_CLIENT_ID, simulator::INSTAGRAM_CLIENT_SECRET),
    handle: "ann.lee",
    many: "ann_p160",
    missing: "missing.ann",
    renamed: Some("anna.lee"),
    identity: id,
    post_id: |id| id,
    pending: &["shares", "saves", "views", "reach"],
    suspended: Refusals { public: Kind::OauthRequired, own: Kind::Suspended },
    deleted: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/me", posts: "/media", renewal: "/refresh_access_token" },
    limit: (300, 300..=300),
    optional_scope: "instagram_business_manage_comments",
    guarding_scopes: &["instagram_business_basic"],
    handles: &[("@Ann.Lee_1", "ann.lee_1"), ("https://www.instagram.com/Ann.Lee_1/", "ann.lee_1")],
    not_handles: &["", "two words", "ann@example.org", "ann/lee", "https://www.tiktok.com/@ann"],
};

pub static TIKTOK: Stand = Stand {
    platform: Platform::Tiktok,
    app: || app(simulator::TIKTOK_CLIENT_KEY, simulator::TIKTOK_CLIENT_SECRET),
    handle: "annlee",
    many: "ann_p70",
    missing: "missing_ann",
    renamed: Some("anna.lee"),
    identity: id,
    post_id: |id| id,
    pending: &[],
    // The platform says no more than that the tokens are worth nothing.
    suspended: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    deleted: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/v2/user/info/", posts: "/v2/video/list/", renewal: "/v2/oauth/token/" },
    // No header says how long; limits are windows of a minute.
    limit: (5, 60..=60),
    optional_scope: "video.upload",
    guarding_scopes: &["video.list"],
    handles: &[("@AnnLee", "annlee"), ("https://www.tiktok.com/@annlee?lang=en", "annlee")],
    not_handles: &["", "a", "two words", "dot.", "https://www.instagram.com/ann"],
};

pub static YOUTUBE: Stand = Stand {
    platform: Platform::Youtube,
    app: || AppCredentials {
        api_key: Some(Secret::new(simulator::YOUTUBE_API_KEY)),
        ..app(simulator::YOUTUBE_CLIENT_ID, simulator::YOUTUBE_CLIENT_SECRET)
    },
    handle: "annlee",
    many: "ann-p160",
    missing: "missing-ann",
    renamed: Some("anna-lee"),
    identity: id,
    post_id: |id| id,
    pending: &[],
    // For others a suspended channel is just missing.
    suspended: Refusals { public: Kind::NotFound, own: Kind::Suspended },
    // Its tokens died with it.
    deleted: Refusals { public: Kind::NotFound, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/channels", posts: "/playlistItems", renewal: "/token" },
    // Below an hour the platform gives no hint at all; then the quota of the day is spent, until midnight in California.
    limit: (7_200, 1..=25 * 3_600),
    optional_scope: "https://www.googleapis.com/auth/yt-analytics.readonly",
    guarding_scopes: &[],
    handles: &[
        ("@AnnLee", "annlee"),
        ("https://www.youtube.com/@AnnLee/videos", "annlee"),
        ("UC0000000000000000000abC", "UC0000000000000000000abC"),
    ],
    not_handles: &["", "ab", "two words", "https://www.youtube.com/watch?v=dQw4w9WgXc0"],
};

pub static TWITTER: Stand = Stand {
    platform: Platform::Twitter,
    app: || app(simulator::TWITTER_CLIENT_ID, simulator::TWITTER_CLIENT_SECRET),
    handle: "annlee",
    many: "ann_p330",
    missing: "missing_ann",
    renamed: Some("anna_lee"),
    identity: id,
    post_id: |id| id,
    pending: &[],
    suspended: Refusals { public: Kind::OauthRequired, own: Kind::Suspended },
    deleted: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/2/users/me", posts: "/tweets", renewal: "/2/oauth2/token" },
    limit: (90, 80..=90),
    optional_scope: "media.write",
    // Every read needs both rights, and the platform does not say which one is missing.
    guarding_scopes: &["users.read"],
    handles: &[("@AnnLee", "annlee"), ("https://twitter.com/AnnLee/status/1", "annlee")],
    not_handles: &["", "two words", "ann.lee", "sixteen_letters_", "https://www.tiktok.com/@ann"],
};

pub static LINKEDIN: Stand = Stand {
    platform: Platform::Linkedin,
    app: || app(simulator::LINKEDIN_CLIENT_ID, simulator::LINKEDIN_CLIENT_SECRET),
    handle: "ann-lee",
    many: "ann-p330",
    missing: "missing-ann",
    // The platform does not say what a member's page is called.
    renamed: None,
    identity: id,
    post_id: |id| id,
    pending: &[],
    suspended: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    deleted: Refusals { public: Kind::OauthRequired, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/v2/userinfo", posts: "/rest/posts", renewal: "/oauth/v2/accessToken" },
    // No header says how long; quotas of a day end at midnight UTC.
    limit: (300, 1..=86_400),
    optional_scope: "w_member_social",
    guarding_scopes: &["openid"],
    handles: &[
        ("@Ann-Lee", "ann-lee"),
        ("https://www.linkedin.com/in/Ann-Lee/", "ann-lee"),
        ("https://www.linkedin.com/company/2414183/", "2414183"),
    ],
    not_handles: &["", "ab", "two words", "ann@example.org", "https://www.tiktok.com/@ann"],
};

pub static TELEGRAM: Stand = Stand {
    platform: Platform::Telegram,
    app: || AppCredentials { api_key: Some(Secret::new(simulator::TELEGRAM_BOT_TOKEN)), ..AppCredentials::default() },
    handle: "annlee",
    many: "ann_p330",
    missing: "missing_ann",
    renamed: Some("anna_lee"),
    identity: id,
    post_id: |id| id,
    pending: &[],
    suspended: Refusals { public: Kind::NotFound, own: Kind::NotFound },
    deleted: Refusals { public: Kind::NotFound, own: Kind::NotFound },
    paths: Paths { profile: "/getChat", posts: "", renewal: "" },
    limit: (35, 35..=35),
    optional_scope: "",
    // A bot's rights are the channel's to give; without any it is no administrator.
    guarding_scopes: &[],
    handles: &[
        ("@AnnLee", "annlee"),
        ("https://t.me/s/AnnLee", "annlee"),
        ("https://t.me/c/1234567890/7", "-1001234567890"),
    ],
    not_handles: &["", "abc", "two words", "4teas", "https://www.tiktok.com/@ann"],
};

pub static MASTODON: Stand = Stand {
    platform: Platform::Mastodon,
    app: AppCredentials::default,
    handle: "ann@social.example.org",
    many: "many-p130@social.example.org",
    missing: "missing@social.example.org",
    renamed: None,
    identity: |truth| {
        let handle = truth["handle"].as_str().unwrap();
        let (user, host) = handle.split_once('@').unwrap();
        format!("https://{host}/users/{user}")
    },
    post_id: |id| id,
    pending: &[],
    suspended: Refusals { public: Kind::Suspended, own: Kind::Suspended },
    deleted: Refusals { public: Kind::NotFound, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "/verify_credentials", posts: "/statuses", renewal: "" },
    limit: (90, 80..=90),
    optional_scope: "write:media",
    guarding_scopes: &["read:accounts", "read:statuses"],
    handles: &[
        ("@Ann@Social.Example.org", "ann@social.example.org"),
        ("https://social.example.org/@Ann", "ann@social.example.org"),
    ],
    not_handles: &["", "ann", "ann@", "ann@10.0.0.1", "ann@youtube.com", "two words@social.example.org"],
};

pub static BLUESKY: Stand = Stand {
    platform: Platform::Bluesky,
    app: || AppCredentials {
        client_id: "https://herald.example/client-metadata.json".to_owned(),
        ..AppCredentials::default()
    },
    handle: "ann.bsky.social",
    many: "many-p330.bsky.social",
    missing: "missing.bsky.social",
    renamed: Some("ann.example.com"),
    identity: id,
    // at://did/collection/rkey
    post_id: |id| id.rsplit_once('/').unwrap().1,
    pending: &[],
    suspended: Refusals { public: Kind::Suspended, own: Kind::Suspended },
    deleted: Refusals { public: Kind::NotFound, own: Kind::ReconnectNeeded },
    paths: Paths { profile: "getProfile", posts: "getAuthorFeed", renewal: "/oauth/token" },
    limit: (77, 77..=77),
    optional_scope: "transition:generic",
    guarding_scopes: &["transition:generic"],
    handles: &[
        ("@Ann.Example.com", "ann.example.com"),
        ("https://bsky.app/profile/ann.example.com", "ann.example.com"),
        ("did:plc:cavgp3laz4lboqk3ta2pohli", "did:plc:cavgp3laz4lboqk3ta2pohli"),
    ],
    not_handles: &["", "ann", "two words.com", "www.instagram.com", "did:key:z6Mk", "1.2.3.4"],
};
