//! The social platforms: one folder each, the same small file set in every one (docs/ADDING-A-PLATFORM.md).
//!
//! A capability is a small trait ([`Ingest`], [`OAuth`], …). A platform that lacks one has no file for it, and
//! [`Platforms::get`] answers with what is there.

pub mod bluesky;
pub mod compose;
mod facts;
pub mod insights;
pub mod instagram;
mod kit;
pub mod linkedin;
pub mod mastodon;
mod measure;
pub mod media;
mod option;
pub mod publish;
pub mod quota;
mod readback;
mod registry;
pub mod telegram;
pub mod tiktok;
pub mod twitter;
mod wire;
pub mod youtube;

pub use facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
pub use kit::{
    Access, Account, AppCredentials, AppPassword, Context, Finish, Grant, Ingest, OAuth, Page, RegisterApp, Start,
    Started,
};
pub use registry::{Adapter, Platforms};
