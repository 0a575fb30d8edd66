//! Publishing on TikTok against the simulated platform: every step, and every way in which its answer is lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use std::time::Duration;

use delivery::{Delivery, draft, setting};
use domain::{Effect, Kind, Platform, Secret};
use jiff::SignedDuration;
use platforms::AppCredentials;
use platforms::publish::{Found, Stop};
use serde_json::{Value, json};
use support::World;

const SMALL: &str = "https://media.example/swan.mp4";
/// Three chunks: 7,000,000 each.
const LARGE: &str = "https://media.example/swan.mp4?bytes=21000000";
const PHOTO: &str = "https://media.example/cup.jpg";
const HANDLE: &str = "annlee";

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::TIKTOK_CLIENT_KEY.to_owned(),
        client_secret: Some(Secret::new(simulator::TIKTOK_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Tiktok, app).await
}

async fn delivery<'a>(world: &'a World, urls: &[&str], options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Tiktok, HANDLE, draft("Swans in milk #latteart", urls, options)).await
}

fn public() -> Value {
    json!({"privacyLevel": "PUBLIC_TO_EVERYONE"})
}

#[tokio::test]
async fn a_video_is_published_byte_for_byte() {
    for url in [SMALL, LARGE, "https://media.example/swan.mp4?bytes=9000000"] {
        let world = world().await;
        let mut delivery =
            delivery(&world, &[url], json!({"privacyLevel": "PUBLIC_TO_EVERYONE", "disableDuet": true})).await;
        let post = delivery.deliver().await;
        let [shown] = &delivery.publications().await[..] else { panic!("one post") };
        assert_eq!(shown["id"], post.id);
        assert_eq!(shown["text"], "Swans in milk #latteart");
        assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
        assert_eq!(shown["key"].as_str(), delivery.progress.get("publish_id"));
        assert_eq!(post.url, Some(format!("https://www.tiktok.com/@annlee/video/{}", post.id)));
        let info = &shown["details"]["postInfo"];
        assert_eq!((&info["disable_duet"], &info["disable_comment"]), (&json!(true), &json!(false)));
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn photos_are_fetched_by_tiktok() {
    let world = world().await;
    let urls = [PHOTO, "https://media.example/beans.jpg"];
    let mut delivery = delivery(&world, &urls, public()).await;
    let post = delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!((&shown["id"], &shown["mediaCount"]), (&json!(post.id), &json!(2)));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_post_that_not_everyone_sees_has_no_public_id() {
    let world = world().await;
    let mut delivery = delivery(&world, &[SMALL], json!({"privacyLevel": "SELF_ONLY"})).await;
    let post = delivery.deliver().await;
    assert_eq!(Some(post.id.as_str()), delivery.progress.get("publish_id"));
    assert_eq!(post.url, None);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn who_may_see_it_is_what_the_account_offers() {
    let world = world().await;
    // The account is private: it has no public posts.
    let private = draft("Hi", &[SMALL], public());
    let mut refused = Delivery::new(&world, Platform::Tiktok, "private_ann", private).await;
    let failure = refused.prepare_failing().await;
    assert_eq!(failure.kind, Kind::InvalidRequest);
    assert_eq!(failure.code.as_deref(), Some("privacy_level_option_mismatch"));
    assert_eq!(
        failure.said.as_deref(),
        Some(
            "The account does not offer the privacy level PUBLIC_TO_EVERYONE; it offers FOLLOWER_OF_CREATOR, \
             MUTUAL_FOLLOW_FRIENDS, SELF_ONLY."
        )
    );
    refused.stands_nowhere().await;
    // Without a choice it is the widest.
    let open = draft("Hi", &[SMALL], json!({}));
    let mut widest = Delivery::new(&world, Platform::Tiktok, "private_ann", open).await;
    widest.deliver().await;
    let [shown] = &widest.publications().await[..] else { panic!("one post") };
    let info = &shown["details"]["postInfo"];
    assert_eq!(info["privacy_level"], "FOLLOWER_OF_CREATOR");
    // What the account has switched off stays off.
    assert_eq!((&info["disable_duet"], &info["disable_stitch"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_draft_goes_to_the_inbox() {
    for url in [SMALL, PHOTO] {
        let world = world().await;
        let mut delivery = delivery(&world, &[url], json!({"postMode": "MEDIA_UPLOAD"})).await;
        let post = delivery.deliver().await;
        assert_eq!((post.url, post.extra["draft"].as_str()), (None, "inbox"));
        let counts = delivery.counts().await;
        assert_eq!((&counts["created"], &counts["drafts"]), (&json!(0), &json!(1)));
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn an_upload_that_was_killed_goes_on_at_the_stored_offset() {
    let world = world().await;
    let mut delivery = delivery(&world, &[LARGE], public()).await;
    delivery.prepare().await.unwrap();
    *delivery.row.renewals_left.lock().unwrap() = Some(1);
    assert!(matches!(delivery.submit().await, Err(Stop::Lost)));
    // Another worker takes the row over, and looks first.
    *delivery.row.renewals_left.lock().unwrap() = None;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    delivery.row.offsets.lock().unwrap().clear();
    delivery.deliver().await;
    assert_eq!(*delivery.row.offsets.lock().unwrap(), [0, 7_000_000, 14_000_000]);
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_chunk_that_breaks_is_sent_again_in_its_place() {
    for fault in [
        json!({"kind": "cut", "afterBytes": 1_000_000}),
        json!({"kind": "reject", "status": 503}),
        json!({"kind": "drop_after"}),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, &[LARGE], public()).await;
        delivery.prepare().await.unwrap();
        delivery.fault_after("upload", 1, fault).await;
        delivery.deliver().await;
        let [shown] = &delivery.publications().await[..] else { panic!("one post") };
        assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_chunk_that_breaks_twice_has_published_nothing() {
    let world = world().await;
    let mut delivery = delivery(&world, &[LARGE], public()).await;
    delivery.prepare().await.unwrap();
    let fault = json!({"operation": "upload", "skip": 1, "times": 2, "fault": {"kind": "reject", "status": 503}});
    world.post("faults", fault).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
    assert_eq!(delivery.progress.number("offset"), 7_000_000);
    delivery.deliver().await;
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_last_chunk_whose_answer_was_lost_is_a_post() {
    for fault in [
        json!({"kind": "drop_after"}),
        json!({"kind": "reject_after", "status": 500}),
        json!({"kind": "reject_after", "status": 400}),
        json!({"kind": "reject_after", "status": 404}),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, &[LARGE], public()).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Processing { .. }), "{fault}");
        let post = delivery.settle().await.unwrap();
        assert_eq!(delivery.publications().await[0]["id"], post.id);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_last_chunk_that_never_arrived_is_sent_again() {
    for fault in [
        json!({"kind": "drop"}),
        json!({"kind": "cut", "afterBytes": 500_000}),
        json!({"kind": "reject", "status": 502}),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, &[LARGE], public()).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)), "{fault}");
        delivery.deliver().await;
        assert_eq!(delivery.publications().await[0]["media"][0]["sha256"], delivery.sha256().await);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_place_for_bytes_that_has_expired_is_replaced() {
    let world = world().await;
    let mut delivery = delivery(&world, &[LARGE], public()).await;
    delivery.prepare().await.unwrap();
    let first = delivery.progress.get("publish_id").unwrap().to_owned();
    world.pass(SignedDuration::from_hours(2)).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
    delivery.deliver().await;
    assert_ne!(delivery.progress.get("publish_id"), Some(first.as_str()));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_lost_announcement_of_a_video_is_made_again() {
    let world = world().await;
    let mut delivery = delivery(&world, &[SMALL], public()).await;
    delivery.fault("init", json!({"kind": "drop_after"})).await;
    assert_eq!(delivery.prepare_failing().await.kind, Kind::ProviderDown);
    delivery.deliver().await;
    delivery.stands_once().await;
}

#[tokio::test]
async fn photos_whose_answer_was_lost_are_found_in_the_list() {
    for fault in [json!({"kind": "drop_after"}), json!({"kind": "reject_after", "status": 500})] {
        let world = world().await;
        let mut delivery = delivery(&world, &[PHOTO], public()).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault).await;
        delivery.submit_unknown().await;
        let Found::Published(post) = delivery.find().await.unwrap() else { panic!("it is there") };
        assert_eq!(delivery.publications().await[0]["id"], post.id);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn photos_that_the_list_does_not_show_in_time_are_left_to_a_person() {
    let world = world().await;
    let mut delivery = delivery(&world, &[PHOTO], public()).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    let failure = delivery.find().await.unwrap_err();
    assert_eq!((failure.kind, failure.retry_after), (Kind::ProviderDown, Some(Duration::from_secs(300))));
    world.pass(SignedDuration::from_mins(70)).await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Unclear), "a list that does not show them proves nothing");
    world.nothing_odd().await;
}

#[tokio::test]
async fn photos_that_no_list_shows_are_left_to_a_person() {
    for options in [json!({"privacyLevel": "SELF_ONLY"}), json!({"postMode": "MEDIA_UPLOAD"})] {
        let world = world().await;
        let mut delivery = delivery(&world, &[PHOTO], options).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": "drop_after"})).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::NoMeans));
    }
    let world = world().await;
    let tokens = world.consent(HANDLE, &["video.publish"]).await.unwrap().tokens;
    let draft = draft("Hi", &[PHOTO], public());
    let mut delivery = Delivery::with(&world, Platform::Tiktok, HANDLE, tokens, draft).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::NoMeans), "the right to see the list is missing");
}

#[tokio::test]
async fn what_fails_in_processing_is_refused_with_the_reason_and_can_be_tried_again() {
    for url in [SMALL, PHOTO] {
        let world = world().await;
        let mut delivery = delivery(&world, &[url], public()).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": "fail_processing", "reason": "picture_size_check_failed"})).await;
        assert_eq!(delivery.submit().await.unwrap(), None);
        let failure = delivery.settle().await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("picture_size_check_failed")));
        assert_eq!(delivery.counts().await["live"], 0);
        // A person tries again: the old publish id is worth nothing.
        delivery.deliver().await;
        delivery.stands_once().await;
    }
}

#[tokio::test]
async fn a_moderated_post_gets_its_address_when_moderation_ends() {
    let world = world().await;
    setting(&world, Platform::Tiktok, json!({"moderationSeconds": 600})).await;
    let mut delivery = delivery(&world, &[SMALL], public()).await;
    assert!(delivery.deliver().await.url.is_some());
    setting(&world, Platform::Tiktok, json!({"moderationSeconds": 86_400})).await;
    let mut slow = self::delivery(&world, &[SMALL], public()).await;
    let post = slow.deliver().await;
    assert_eq!((Some(post.id.as_str()), post.url), (slow.progress.get("publish_id"), None));
}

#[tokio::test]
async fn limits_and_refusals_have_their_kinds() {
    let cases = [
        (json!({"dailyPosts": 0}), SMALL, Kind::RateLimited, "spam_risk_too_many_posts"),
        (json!({"audited": false}), SMALL, Kind::AppRejected, "unaudited_client_can_only_post_to_private_accounts"),
        (json!({"verifiedDomains": ["other.example"]}), PHOTO, Kind::AppRejected, "url_ownership_unverified"),
        (json!({"dailyPosts": 0}), PHOTO, Kind::RateLimited, "spam_risk_too_many_posts"),
    ];
    for (settings, url, kind, code) in cases {
        let world = world().await;
        setting(&world, Platform::Tiktok, settings).await;
        let mut delivery = delivery(&world, &[url], public()).await;
        let failure = match delivery.prepare().await {
            Err(Stop::Failed(failure)) => failure,
            _ => delivery.submit_failing().await,
        };
        assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{failure}");
        assert_eq!(failure.code.as_deref(), Some(code));
        assert!(failure.said.is_some());
        let waits = (kind == Kind::RateLimited).then_some(Duration::from_secs(86_400));
        assert_eq!(failure.retry_after, waits);
        assert_eq!(delivery.counts().await["created"], 0);
    }
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let world = world().await;
    let tokens = world.consent(HANDLE, &["video.list"]).await.unwrap().tokens;
    for (options, scope) in [(public(), "video.publish"), (json!({"postMode": "MEDIA_UPLOAD"}), "video.upload")] {
        let draft = draft("Hi", &[SMALL], options);
        let mut delivery = Delivery::with(&world, Platform::Tiktok, HANDLE, tokens.clone(), draft).await;
        let failure = delivery.prepare_failing().await;
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(scope)));
    }
}

#[tokio::test]
async fn the_address_for_bytes_is_only_in_what_is_sealed() {
    let world = world().await;
    let mut delivery = delivery(&world, &[SMALL], public()).await;
    delivery.prepare().await.unwrap();
    let url = delivery.progress.secret["upload_url"].expose().to_owned();
    assert!(delivery.progress.kept.values().all(|value| !url.contains(value.as_str()) || value.len() < 4));
    assert!(!format!("{:?}", delivery.progress).contains("upload_token"));
}
