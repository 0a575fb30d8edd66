//! Instagram for professional accounts, by the Instagram API with Instagram Login.
//!
//! - Overview: <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login>
//! - Consent: <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login>
//! - Publishing: <https://developers.facebook.com/docs/instagram-platform/content-publishing>
//! - Media: <https://developers.facebook.com/docs/instagram-platform/reference/instagram-media>
//! - Errors: <https://developers.facebook.com/docs/instagram-platform/reference/error-codes>
//!
//! Only Business and Creator accounts have an API at all, and only with their own consent: there is no public read.
//! The flavour with Facebook Login (Pages, hashtag search, mentions) is another API on another host and not used here.

mod api;
mod comments;
mod container;
mod error;
mod facts;
mod ingest;
mod insights;
mod oauth;
mod publish;
mod publish_api;
mod rules;

pub use facts::{FACTS, PUBLISHING};

use crate::registry::Adapter;

/// Instagram's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Instagram),
        oauth: Box::new(oauth::Instagram),
        register: None,
        publish: Some(Box::new(publish::Instagram)),
        insights: Some(Box::new(insights::Instagram)),
        app_password: None,
    }
}
