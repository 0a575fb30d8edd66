//! The outside world on one machine: the HTTP APIs of Instagram, TikTok, YouTube, Mastodon, Bluesky, X, LinkedIn and
//! Telegram, with deterministic accounts, strict endpoints, faults on request and a judge of what was published.
//!
//! Every request to `https://{host}{path}` arrives as `/{host}{path}`; the control API lives under
//! `/_control`. See the crate's README for the laws of the world.

mod accounts;
mod bluesky;
mod call;
mod clock;
mod consent;
mod control;
mod faults;
mod graphemes;
mod hosts;
mod instagram;
mod journal;
mod judge;
mod law;
mod linkedin;
mod mastodon;
mod media;
mod memory;
mod multipart;
mod oauth;
mod operations;
mod payload;
mod posts;
mod server;
mod settings;
mod state;
mod stock;
mod strict;
mod telegram;
mod tiktok;
mod twitter;
mod uploads;
mod verdict;
mod wire;
mod youtube;

use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::state::World;

/// Instagram app id of the default [`Config`].
pub const INSTAGRAM_CLIENT_ID: &str = "sim-instagram-id";
/// Instagram app secret of the default [`Config`].
pub const INSTAGRAM_CLIENT_SECRET: &str = "sim-instagram-secret";
/// TikTok client key of the default [`Config`].
pub const TIKTOK_CLIENT_KEY: &str = "sim-tiktok-key";
/// TikTok client secret of the default [`Config`].
pub const TIKTOK_CLIENT_SECRET: &str = "sim-tiktok-secret";
/// Google client id of the default [`Config`].
pub const YOUTUBE_CLIENT_ID: &str = "sim-youtube-id";
/// Google client secret of the default [`Config`].
pub const YOUTUBE_CLIENT_SECRET: &str = "sim-youtube-secret";
/// Google API key of the default [`Config`].
pub const YOUTUBE_API_KEY: &str = "sim-youtube-api-key";
/// X client id of the default [`Config`].
pub const TWITTER_CLIENT_ID: &str = "sim-twitter-id";
/// X client secret of the default [`Config`].
pub const TWITTER_CLIENT_SECRET: &str = "sim-twitter-secret";
/// X API key (consumer key) of the default [`Config`], for app-only reads.
pub const TWITTER_API_KEY: &str = "sim-twitter-api-key";
/// X API secret (consumer secret) of the default [`Config`].
pub const TWITTER_API_SECRET: &str = "sim-twitter-api-secret";
/// LinkedIn client id of the default [`Config`].
pub const LINKEDIN_CLIENT_ID: &str = "sim-linkedin-id";
/// LinkedIn client secret of the default [`Config`].
pub const LINKEDIN_CLIENT_SECRET: &str = "sim-linkedin-secret";
/// Token of the product's own Telegram bot in the default [`Config`].
pub const TELEGRAM_BOT_TOKEN: &str = "700000001:AAsim0telegram0bot0of0the0product00";
/// The simulator's PDS and authorization server for Bluesky.
pub const BLUESKY_PDS: &str = "https://pds.bsky.example";

/// An app registered with a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Client id, client key or app id.
    pub id: String,
    /// Client secret.
    pub secret: String,
}

impl App {
    /// An app with these credentials.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }
}

/// The apps that the platforms know. Mastodon apps register themselves; Bluesky has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The Instagram app.
    pub instagram: App,
    /// The TikTok app; its id is the client key.
    pub tiktok: App,
    /// The Google OAuth client.
    pub youtube: App,
    /// The Google API key for public reads.
    pub youtube_api_key: String,
    /// The X app (OAuth 2.0).
    pub twitter: App,
    /// The X app's API key and secret, for app-only reads.
    pub twitter_api: App,
    /// The LinkedIn app.
    pub linkedin: App,
    /// The token of the product's own Telegram bot.
    pub telegram_bot_token: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instagram: App::new(INSTAGRAM_CLIENT_ID, INSTAGRAM_CLIENT_SECRET),
            tiktok: App::new(TIKTOK_CLIENT_KEY, TIKTOK_CLIENT_SECRET),
            youtube: App::new(YOUTUBE_CLIENT_ID, YOUTUBE_CLIENT_SECRET),
            youtube_api_key: YOUTUBE_API_KEY.to_owned(),
            twitter: App::new(TWITTER_CLIENT_ID, TWITTER_CLIENT_SECRET),
            twitter_api: App::new(TWITTER_API_KEY, TWITTER_API_SECRET),
            linkedin: App::new(LINKEDIN_CLIENT_ID, LINKEDIN_CLIENT_SECRET),
            telegram_bot_token: TELEGRAM_BOT_TOKEN.to_owned(),
        }
    }
}

/// The simulated outside world. Clones share it.
#[derive(Debug, Clone)]
pub struct Simulator {
    world: Arc<World>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Simulator {
    /// A fresh world that knows the apps of `config`.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { world: Arc::new(World::new(config)) }
    }

    /// Knows again what an earlier start with the same file knew: the accounts that it was asked for, apps, consents and
    /// tokens, and what was published. Uploads that were under way, codes, faults and settings do not survive.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remembering(self, path: &std::path::Path) -> io::Result<Self> {
        self.world.remember_in(path)?;
        Ok(self)
    }

    /// The world as a router. Faults that cut the connection need [`Simulator::serve`]; under another
    /// server they break the body instead.
    pub fn router(&self) -> Router {
        server::router(Arc::clone(&self.world))
    }

    /// Serves the world until the listener fails or the future is dropped.
    ///
    /// # Errors
    /// Whatever makes the listener unusable.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        server::serve(self.router(), listener).await
    }
}
