//! X, by its API v2.
//!
//! - Consent: <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>
//! - Users: <https://docs.x.com/x-api/users/lookup/introduction>
//! - Posts: <https://docs.x.com/x-api/posts/manage-tweets/introduction>, timelines:
//!   <https://docs.x.com/x-api/posts/timelines/introduction>
//! - Media: <https://docs.x.com/x-api/media/introduction>
//! - Counting characters: <https://docs.x.com/fundamentals/counting-characters>
//! - Limits: <https://docs.x.com/x-api/fundamentals/rate-limits>
//!
//! Every call is paid from the app's credits. Members of answers have an older name (tweet) and a newer one (post);
//! which one an app gets nobody can say, so both are read.

mod api;
#[cfg(test)]
mod conformance;
mod error;
mod facts;
mod ingest;
mod insights;
mod oauth;
mod publish;
mod publish_api;
mod readback;
mod text;
mod upload;
mod urls;

pub use facts::FACTS;

use crate::registry::Adapter;

/// X's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Twitter),
        oauth: Box::new(oauth::Twitter),
        register: None,
        publish: Some(Box::new(publish::Twitter)),
        insights: Some(Box::new(insights::Twitter)),
        app_password: None,
    }
}
