//! Instagram for professional accounts, by the Instagram API with Instagram Login.
//!
//! - Overview: <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login>
//! - Consent: <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login>
//! - Media: <https://developers.facebook.com/docs/instagram-platform/reference/instagram-media>
//! - Errors: <https://developers.facebook.com/docs/instagram-platform/reference/error-codes>
//!
//! Only Business and Creator accounts have an API at all, and only with their own consent: there is no public read.
//! The flavour with Facebook Login (Pages, hashtag search, mentions) is another API on another host and not used here.

mod api;
mod error;
mod facts;
mod ingest;
mod oauth;

pub use facts::FACTS;

use crate::registry::Adapter;

/// Instagram's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Instagram),
        oauth: Box::new(oauth::Instagram),
        register: None,
        app_password: None,
    }
}
