//! The outside world on one machine: the HTTP APIs of Instagram, TikTok, YouTube, Mastodon and
//! Bluesky, with deterministic accounts, strict endpoints and faults on request.
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
mod instagram;
mod law;
mod mastodon;
mod oauth;
mod posts;
mod server;
mod state;
mod strict;
mod tiktok;
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instagram: App::new(INSTAGRAM_CLIENT_ID, INSTAGRAM_CLIENT_SECRET),
            tiktok: App::new(TIKTOK_CLIENT_KEY, TIKTOK_CLIENT_SECRET),
            youtube: App::new(YOUTUBE_CLIENT_ID, YOUTUBE_CLIENT_SECRET),
            youtube_api_key: YOUTUBE_API_KEY.to_owned(),
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

    /// Knows the accounts again that an earlier start with the same file was asked for. Tokens do not survive: whoever
    /// consented has to consent again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remembering(self, path: &std::path::Path) -> io::Result<Self> {
        self.world.accounts.remember_in(path)?;
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
