//! Bluesky and the AT Protocol network behind it.
//!
//! - OAuth: <https://atproto.com/specs/oauth>
//! - Identity: <https://atproto.com/specs/did>, <https://atproto.com/specs/handle>
//! - XRPC and its errors: <https://atproto.com/specs/xrpc>
//! - The API's schemas: <https://github.com/bluesky-social/atproto/tree/main/lexicons>
//! - Limits: <https://docs.bsky.app/docs/advanced-guides/rate-limits>
//! - Posts: <https://docs.bsky.app/docs/advanced-guides/posts>, videos: <https://docs.bsky.app/docs/tutorials/video>
//!
//! An account is known by its DID and lives on a server of its own choice (its PDS), which also consents for it. What
//! it shows is asked of an AppView, through that server or in public.

mod api;
mod client;
mod dpop;
mod error;
mod facts;
mod identity;
mod ingest;
mod insights;
mod metadata;
mod oauth;
mod publish;
mod raw;
mod record;
mod richtext;
mod session;
mod tid;
mod upload;

pub use facts::FACTS;
pub use metadata::{client_metadata, loopback_client_id};

use crate::registry::Adapter;

/// Bluesky's capabilities. They share what servers said about their nonces.
#[must_use]
pub fn adapter() -> Adapter {
    let client = client::Bluesky::default();
    Adapter {
        facts: &FACTS,
        ingest: Box::new(client.clone()),
        oauth: Box::new(client.clone()),
        register: None,
        publish: Some(Box::new(client.clone())),
        insights: Some(Box::new(client.clone())),
        app_password: Some(Box::new(client)),
    }
}
