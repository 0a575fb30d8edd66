//! What happens when a post was sent before, or when others look like it: nothing goes out twice, and nothing that is
//! there is said to be gone.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "../support/delivering.rs"]
mod delivering;
#[path = "../support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

mod bluesky;
mod comments;
mod readback;
mod terms;
mod youtube;

use domain::{Platform, Secret};
use platforms::AppCredentials;
use serde_json::json;
use support::World;

/// A world in which Herald has its credentials at `platform`.
async fn world(platform: Platform) -> World {
    let (id, secret) = match platform {
        Platform::Instagram => (simulator::INSTAGRAM_CLIENT_ID, simulator::INSTAGRAM_CLIENT_SECRET),
        Platform::Tiktok => (simulator::TIKTOK_CLIENT_KEY, simulator::TIKTOK_CLIENT_SECRET),
        Platform::Youtube => (simulator::YOUTUBE_CLIENT_ID, simulator::YOUTUBE_CLIENT_SECRET),
        Platform::Twitter => (simulator::TWITTER_CLIENT_ID, simulator::TWITTER_CLIENT_SECRET),
        Platform::Linkedin => (simulator::LINKEDIN_CLIENT_ID, simulator::LINKEDIN_CLIENT_SECRET),
        other => panic!("{other} is not asked for here"),
    };
    let app = AppCredentials {
        client_id: id.to_owned(),
        client_secret: Some(Secret::new(secret)),
        ..AppCredentials::default()
    };
    World::new(platform, app).await
}

/// `count` posts that the account makes elsewhere, with the same text.
async fn elsewhere(world: &World, handle: &str, text: &str, count: usize, age_seconds: u32) {
    for _ in 0..count {
        let post = json!({"text": text, "ageSeconds": age_seconds});
        world.post(&format!("{}/posts", world.account_path(handle)), post).await;
    }
}
