//! YouTube, by the Data API v3.
//!
//! - Consent: <https://developers.google.com/identity/protocols/oauth2/web-server>
//! - Channels: <https://developers.google.com/youtube/v3/docs/channels>
//! - Uploads: <https://developers.google.com/youtube/v3/docs/playlistItems/list>, <https://developers.google.com/youtube/v3/docs/videos>
//! - Publishing: <https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol>
//! - Quota: <https://developers.google.com/youtube/v3/determine_quota_cost>
//!
//! Public channels are read with the installation's API key; a consent adds what only the owner may see. A token is
//! bound to the one channel that the person chose, so `mine` is always that channel.

mod api;
mod error;
mod facts;
mod ingest;
mod insights;
mod oauth;
mod publish;
mod publish_api;
mod refusal;
mod rules;
mod upload;

pub use facts::{FACTS, PUBLISHING};

use crate::registry::Adapter;

/// YouTube's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Youtube),
        oauth: Box::new(oauth::Youtube),
        register: None,
        publish: Some(Box::new(publish::Youtube)),
        insights: Some(Box::new(insights::Youtube)),
        app_password: None,
    }
}
