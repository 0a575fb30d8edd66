//! What an account allows, and what a platform's limits mean for the next attempt.

use std::time::Duration;

use domain::{Effect, Kind, Platform};
use jiff::SignedDuration;
use serde_json::json;

use crate::delivery::{Delivery, draft};
use crate::world;

const PHOTO: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";

#[tokio::test]
async fn what_a_tiktok_account_allows_is_asked_anew_before_a_later_attempt() {
    for url in [PHOTO, VIDEO] {
        let world = world(Platform::Tiktok).await;
        let draft = draft("Swans", &[url], json!({"privacyLevel": "PUBLIC_TO_EVERYONE"}));
        let mut delivery = Delivery::new(&world, Platform::Tiktok, "annlee", draft).await;
        delivery
            .fault(if url == PHOTO { "submit" } else { "init" }, json!({"kind": "rate_limit", "retryAfterSeconds": 60}))
            .await;
        let failure = if url == PHOTO {
            delivery.prepare().await.unwrap();
            delivery.submit_failing().await
        } else {
            delivery.prepare_failing().await
        };
        assert_eq!((failure.kind, failure.effect), (Kind::RateLimited, Effect::NotApplied), "{url}");
        world.pass(SignedDuration::from_mins(10)).await;
        // Meanwhile the person has made the account private: its posts cannot be public any more.
        let narrow = json!({"data": {"creator_username": "annlee", "privacy_level_options": ["SELF_ONLY"],
            "comment_disabled": true}, "error": {"code": "ok", "message": "", "log_id": "1"}});
        delivery.fault("limits", json!({"kind": "reject", "status": 200, "body": narrow})).await;
        let failure = delivery.prepare_failing().await;
        assert_eq!(failure.code.as_deref(), Some("privacy_level_option_mismatch"), "{url}");
        // And back again.
        delivery.deliver().await;
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn instagrams_limits_without_an_end_wait_for_an_hour_and_a_block_for_a_day() {
    for (code, wait) in [(4, 3_600), (17, 3_600), (32, 3_600), (613, 3_600), (80_002, 3_600), (368, 86_400)] {
        let world = world(Platform::Instagram).await;
        let mut delivery =
            Delivery::new(&world, Platform::Instagram, "ann.lee", draft("Hi", &[PHOTO], json!({}))).await;
        delivery.prepare().await.unwrap();
        let body = json!({"error": {"message": "m", "type": "OAuthException", "code": code}});
        delivery.fault("submit", json!({"kind": "reject", "status": 400, "body": body})).await;
        let failure = delivery.submit_failing().await;
        assert_eq!((failure.kind, failure.effect), (Kind::RateLimited, Effect::NotApplied), "{code}");
        assert_eq!(failure.retry_after, Some(Duration::from_secs(wait)), "{code}");
    }
}
