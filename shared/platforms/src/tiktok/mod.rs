//! TikTok, by TikTok for Developers: Login Kit v2, the Display API and the Content Posting API.
//!
//! - Consent: <https://developers.tiktok.com/doc/login-kit-web>
//! - Tokens: <https://developers.tiktok.com/doc/oauth-user-access-token-management>
//! - Profile: <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>
//! - Publishing: <https://developers.tiktok.com/doc/content-posting-api-get-started>
//! - Videos: <https://developers.tiktok.com/doc/tiktok-api-v2-video-list>
//!
//! An account is known by `open_id`, an id that is this app's own: another app's `open_id` means nothing here.
//! There is no public read. TikTok API for Business is another API with other tokens and not used here.

mod api;
mod error;
mod facts;
mod ingest;
mod insights;
mod oauth;
mod publish;
mod publish_api;
mod rules;
mod upload;

pub use facts::{FACTS, PUBLISHING};

use crate::registry::Adapter;

/// TikTok's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Tiktok),
        oauth: Box::new(oauth::Tiktok),
        register: None,
        publish: Some(Box::new(publish::Tiktok)),
        insights: Some(Box::new(insights::Tiktok)),
        app_password: None,
    }
}
