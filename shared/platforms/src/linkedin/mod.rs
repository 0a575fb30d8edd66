//! LinkedIn, by its versioned REST API.
//!
//! - Consent: <https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow>
//! - Members: <https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>
//! - Posts: <https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api>
//! - Media: <https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/images-api>, videos-api and
//!   documents-api beside it
//! - Comments: <https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/comments-api>
//! - Versions: <https://learn.microsoft.com/en-us/linkedin/marketing/versioning>
//!
//! An account is a member or a page (an organisation) that a member administers; its identity is its URN. A consent is
//! asked for the member, because every app may have that. A page becomes an account with a token that LinkedIn granted
//! to an app with the Community Management product: handed over with the page's name or number as the handle, it is
//! looked for among the pages that its member administers. A member's posts can be made but not listed.

mod api;
mod error;
mod facts;
mod ingest;
mod insights;
mod little;
mod oauth;
mod publish;
mod publish_api;
mod readback;
mod rest;
mod upload;

pub use facts::FACTS;

use crate::registry::Adapter;

/// LinkedIn's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Linkedin),
        oauth: Box::new(oauth::Linkedin),
        register: None,
        publish: Some(Box::new(publish::Linkedin)),
        insights: Some(Box::new(insights::Linkedin)),
        app_password: None,
    }
}
