//! Mastodon, and the servers that speak its API.
//!
//! - OAuth: <https://docs.joinmastodon.org/spec/oauth/>, scopes: <https://docs.joinmastodon.org/api/oauth-scopes/>
//! - Apps: <https://docs.joinmastodon.org/methods/apps/>
//! - Accounts and their posts: <https://docs.joinmastodon.org/methods/accounts/>
//! - Posts: <https://docs.joinmastodon.org/methods/statuses/>, files: <https://docs.joinmastodon.org/methods/media/>
//! - Names: <https://docs.joinmastodon.org/spec/webfinger/>
//! - Limits: <https://docs.joinmastodon.org/api/rate-limits/>
//!
//! Every account lives on a server of its own, named in its handle (`user@host`). Each server registers Herald for
//! itself, and each has its own limits. Ids are unique on one server only; the account's ActivityPub address is its
//! identity.

mod api;
mod error;
mod facts;
mod html;
mod ingest;
mod insights;
mod instance;
mod length;
mod oauth;
mod publish;
mod readback;
mod register;
mod server;
mod upload;

pub use facts::FACTS;

use crate::registry::Adapter;

/// Mastodon's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Mastodon::default()),
        oauth: Box::new(oauth::Mastodon),
        register: Some(Box::new(register::Mastodon)),
        publish: Some(Box::new(publish::Mastodon)),
        insights: Some(Box::new(insights::Mastodon)),
        app_password: None,
    }
}
