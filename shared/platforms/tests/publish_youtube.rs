//! Publishing on YouTube against the simulated platform: every step, and every way in which its answer is lost.

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
/// Three chunks.
const LARGE: &str = "https://media.example/swan.mp4?bytes=20000000";
const CHUNK: u64 = 8 * 1024 * 1024;
const HANDLE: &str = "annlee";
const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
const UPLOAD: &str = "https://www.googleapis.com/auth/youtube.upload";
const MANAGE: &str = "https://www.googleapis.com/auth/youtube.force-ssl";

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::YOUTUBE_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::YOUTUBE_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Youtube, app).await
}

async fn delivery<'a>(world: &'a World, url: &str, options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Youtube, HANDLE, draft("Swans in milk\nHow to pour one", &[url], options)).await
}

async fn large(world: &World) -> Delivery<'_> {
    delivery(world, LARGE, json!({})).await
}

#[tokio::test]
async fn a_video_is_published_byte_for_byte_with_all_that_belongs_to_it() {
    let world = world().await;
    let options = json!({"privacyStatus": "unlisted", "tags": ["latte art", "#swan"], "categoryId": "26",
                         "madeForKids": false, "publishAsShort": true});
    let mut delivery = delivery(&world, LARGE, options).await;
    let post = delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one video") };
    assert_eq!(shown["id"], post.id);
    assert_eq!(post.url, Some(format!("https://www.youtube.com/watch?v={}", post.id)));
    assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
    assert_eq!(
        shown["details"],
        json!({
            "snippet": {"title": "Swans in milk", "description": "Swans in milk\nHow to pour one\n\n#Shorts",
                        "tags": ["latte art", "swan"], "categoryId": "26"},
            "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": false},
        })
    );
    assert_eq!(*delivery.row.offsets.lock().unwrap(), [0, CHUNK, 2 * CHUNK]);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn the_title_may_be_an_option_and_the_audience_is_always_said() {
    let world = world().await;
    let mut delivery = delivery(&world, SMALL, json!({"title": "Swans"})).await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one video") };
    assert_eq!(shown["details"]["snippet"]["title"], "Swans");
    assert_eq!(shown["details"]["status"], json!({"privacyStatus": "public"}));
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_upload_that_was_killed_goes_on_where_youtube_stands() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    *delivery.row.renewals_left.lock().unwrap() = Some(1);
    assert!(matches!(delivery.submit().await, Err(Stop::Lost)));
    *delivery.row.renewals_left.lock().unwrap() = None;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    assert_eq!(delivery.progress.number("offset"), CHUNK);
    delivery.row.offsets.lock().unwrap().clear();
    delivery.deliver().await;
    assert_eq!(*delivery.row.offsets.lock().unwrap(), [CHUNK, 2 * CHUNK]);
    let [shown] = &delivery.publications().await[..] else { panic!("one video") };
    assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_chunk_that_breaks_is_gone_on_with_where_youtube_stands() {
    for fault in [
        json!({"kind": "cut", "afterBytes": 1_000_000}),
        json!({"kind": "reject", "status": 503}),
        json!({"kind": "drop_after"}),
        json!({"kind": "reject_after", "status": 500}),
    ] {
        let world = world().await;
        let mut delivery = large(&world).await;
        delivery.prepare().await.unwrap();
        delivery.fault_after("upload", 1, fault.clone()).await;
        delivery.deliver().await;
        let [shown] = &delivery.publications().await[..] else { panic!("{fault}: one video") };
        assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await, "{fault}");
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn an_upload_that_keeps_breaking_has_published_nothing() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    let fault = json!({"operation": "upload", "skip": 1, "times": 4, "fault": {"kind": "reject", "status": 503}});
    world.post("faults", fault).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
    delivery.deliver().await;
    assert_eq!(delivery.publications().await[0]["media"][0]["sha256"], delivery.sha256().await);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_last_chunk_whose_answer_was_lost_is_a_video() {
    for fault in [
        json!({"kind": "drop_after"}),
        json!({"kind": "truncate"}),
        json!({"kind": "reject_after", "status": 500}),
        json!({"kind": "reject_after", "status": 400}),
    ] {
        let world = world().await;
        let mut delivery = large(&world).await;
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
        let mut delivery = large(&world).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)), "{fault}");
        delivery.deliver().await;
        assert_eq!(delivery.publications().await[0]["media"][0]["sha256"], delivery.sha256().await, "{fault}");
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_token_that_dies_during_the_upload_is_renewed_and_the_session_goes_on() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault_after("upload", 1, json!({"kind": "expire_token"})).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::TokenRejected, Effect::NotApplied));
    let renewed = world.refresh(&delivery.tokens).await.unwrap();
    delivery.tokens = delivery.tokens.clone().renewed_by(renewed);
    delivery.row.offsets.lock().unwrap().clear();
    delivery.deliver().await;
    assert_eq!(*delivery.row.offsets.lock().unwrap(), [CHUNK, 2 * CHUNK]);
    delivery.stands_once().await;
}

#[tokio::test]
async fn an_old_session_is_replaced_before_it_is_used() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    world.pass(SignedDuration::from_hours(6 * 24)).await;
    let renewed = world.refresh(&delivery.tokens).await.unwrap();
    delivery.tokens = delivery.tokens.clone().renewed_by(renewed);
    delivery.deliver().await;
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_session_that_is_gone_has_published_nothing_before_its_last_chunk() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault_after("upload", 1, json!({"kind": "reject", "status": 410})).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
    delivery.deliver().await;
    assert_eq!(delivery.publications().await[0]["media"][0]["sha256"], delivery.sha256().await);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_video_of_a_session_that_is_gone_is_found_among_the_uploads() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    delivery.fault("status", json!({"kind": "reject", "status": 404})).await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Processing { .. }));
    let post = delivery.settle().await.unwrap();
    assert_eq!(delivery.publications().await[0]["id"], post.id);
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn without_the_video_among_the_uploads_time_has_to_pass_before_it_is_absent() {
    let world = world().await;
    let mut delivery = large(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    // Others with the same beginning are not ours.
    world.post("accounts/YOUTUBE/annlee/posts", json!({"text": "Swans in milk and honey"})).await;
    delivery.fault("status", json!({"kind": "reject", "status": 404})).await;
    let failure = delivery.find().await.unwrap_err();
    assert_eq!((failure.kind, failure.retry_after), (Kind::ProviderDown, Some(Duration::from_secs(60))));
    world.pass(SignedDuration::from_mins(10)).await;
    delivery.fault("status", json!({"kind": "reject", "status": 404})).await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    assert!(!delivery.progress.secret.contains_key("session"));
    delivery.deliver().await;
    let ours = delivery.publications().await.into_iter().filter(|shown| shown["elsewhere"] == json!(false)).count();
    assert_eq!(ours, 1);
}

#[tokio::test]
async fn what_fails_in_processing_is_refused_with_the_reason() {
    for (reason, kind) in
        [("codec", Kind::ContentRefused), ("conversion", Kind::ContentRefused), ("invalidFile", Kind::ContentRefused)]
    {
        let world = world().await;
        let mut delivery = delivery(&world, SMALL, json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": "fail_processing", "reason": reason})).await;
        assert_eq!(delivery.submit().await.unwrap(), None);
        let failure = delivery.settle().await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(reason)));
        assert!(failure.said.is_some());
        assert_eq!(delivery.counts().await["live"], 0);
    }
}

#[tokio::test]
async fn the_same_file_again_is_a_duplicate() {
    let world = world().await;
    setting(&world, Platform::Youtube, json!({"rejectsDuplicates": true})).await;
    delivery(&world, SMALL, json!({})).await.deliver().await;
    let mut again = delivery(&world, SMALL, json!({"title": "Again"})).await;
    again.prepare().await.unwrap();
    assert_eq!(again.submit().await.unwrap(), None);
    assert_eq!(again.settle().await.unwrap_err().kind, Kind::Duplicate);
    again.stands_once().await;
}

#[tokio::test]
async fn a_spent_quota_waits_for_midnight_in_california() {
    for settings in [json!({"dailyUploads": 0}), json!({"dailyUploads": null})] {
        let world = world().await;
        let mut delivery = delivery(&world, SMALL, json!({})).await;
        if settings["dailyUploads"].is_null() {
            delivery.fault("init", json!({"kind": "quota_exhausted"})).await;
        } else {
            setting(&world, Platform::Youtube, settings).await;
        }
        let failure = delivery.prepare_failing().await;
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::RateLimited, Some("quotaExceeded")));
        let wait = failure.retry_after.unwrap();
        let midnight = (world.now() + SignedDuration::try_from(wait).unwrap())
            .to_zoned(jiff::tz::TimeZone::get("America/Los_Angeles").unwrap());
        assert_eq!((midnight.hour(), midnight.minute()), (0, 0));
        assert!(wait <= Duration::from_secs(25 * 3600));
        delivery.stands_nowhere().await;
    }
}

#[tokio::test]
async fn a_refusal_of_the_metadata_is_told_before_a_byte_is_sent() {
    let world = world().await;
    for reason in ["invalidTitle", "invalidDescription", "invalidTags", "invalidCategoryId"] {
        let mut delivery = delivery(&world, SMALL, json!({})).await;
        let body = json!({"error": {"code": 400, "message": "m", "errors": [{"message": "m", "reason": reason}]}});
        delivery.fault("init", json!({"kind": "reject", "status": 400, "body": body})).await;
        let failure = delivery.prepare_failing().await;
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some(reason)));
        assert!(failure.said.is_some_and(|words| words != "m"));
        delivery.stands_nowhere().await;
    }
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let world = world().await;
    let tokens = world.consent(HANDLE, &[READ]).await.unwrap().tokens;
    let draft = draft("Hi", &[SMALL], json!({}));
    let mut delivery = Delivery::with(&world, Platform::Youtube, HANDLE, tokens, draft).await;
    let failure = delivery.prepare_failing().await;
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(UPLOAD)));
}

#[tokio::test]
async fn a_first_comment_stands_once() {
    for fault in [None, Some(json!({"kind": "drop_after"})), Some(json!({"kind": "reject_after", "status": 400}))] {
        let world = world().await;
        let mut delivery = delivery(&world, SMALL, json!({})).await;
        delivery.draft.follow_ups = vec!["More on our site".to_owned()];
        let post = delivery.deliver().await;
        if let Some(fault) = &fault {
            delivery.fault("comment", fault.clone()).await;
        }
        delivery.intent_at = Some(world.now());
        let written = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await;
        let comment = match (fault, written) {
            (None, written) => written.unwrap(),
            (Some(_), written) => {
                assert_eq!(written.unwrap_err().effect, Effect::Unknown);
                let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await;
                let Found::Published(comment) = found.unwrap() else { panic!("it is there") };
                comment
            }
        };
        let comments = world.get("publications?kind=comment").await;
        assert_eq!((comments.as_array().unwrap().len(), &comments[0]["id"]), (1, &json!(comment.id)));
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_comment_that_never_arrived_is_absent_and_one_without_the_right_is_refused() {
    let world = world().await;
    let mut delivery = delivery(&world, SMALL, json!({})).await;
    delivery.draft.follow_ups = vec!["More on our site".to_owned()];
    let post = delivery.deliver().await;
    delivery.fault("comment", json!({"kind": "drop"})).await;
    let failure = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(matches!(found, Found::Absent(_)));
    delivery.tokens = world.consent(HANDLE, &[READ, UPLOAD]).await.unwrap().tokens;
    let failure = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::PermissionMissing, Effect::NotApplied));
    assert_eq!(failure.scope.as_deref(), Some(MANAGE));
    assert_eq!(delivery.counts().await["comments"], 0);
}

#[tokio::test]
async fn a_video_is_deleted_and_deleting_it_again_is_no_error() {
    let world = world().await;
    let mut delivery = delivery(&world, SMALL, json!({})).await;
    let post = delivery.deliver().await;
    for _ in 0..2 {
        delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
    }
    assert_eq!(delivery.publications().await[0]["state"], "deleted");
    world.nothing_odd().await;
}

#[tokio::test]
async fn the_address_of_the_session_is_only_in_what_is_sealed() {
    let world = world().await;
    let mut delivery = delivery(&world, SMALL, json!({})).await;
    delivery.prepare().await.unwrap();
    assert!(delivery.progress.secret["session"].expose().contains("upload_id="));
    assert!(!format!("{:?}", delivery.progress).contains("upload_id="));
}
