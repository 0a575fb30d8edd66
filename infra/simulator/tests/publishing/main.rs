//! Facts about publishing on the simulated platforms, and about the judge that counts it.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

#[path = "../common/mod.rs"]
mod common;

mod bluesky;
mod desk;
mod faults;
mod instagram;
mod judge;
mod linkedin;
mod mastodon;
mod media;
mod telegram;
mod tiktok;
mod twitter;
mod youtube;
