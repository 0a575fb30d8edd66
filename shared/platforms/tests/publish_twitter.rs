//! Publishing on X against the simulated platform: every step, and every way in which its answer is lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use delivery::{Delivery, draft, setting};
use domain::content::Severity;
use domain::{Effect, Kind, Platform, Secret};
use platforms::publish::{Found, Limits, PostRef, Proof, Stop};
use platforms::{Access, AppCredentials};
use serde_json::{Value, json};
use support::World;

const HANDLE: &str = "annlee";
const PHOTO: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";
/// Three pieces of four megabytes and a rest.
const LARGE: &str = "https://media.example/swan.mp4?bytes=13000000";

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::TWITTER_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::TWITTER_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Twitter, app).await
}

async fn delivery<'a>(world: &'a World, text: &str, urls: &[&str], options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Twitter, HANDLE, draft(text, urls, options)).await
}

#[tokio::test]
async fn a_text_goes_out_as_it_was_written() {
    let world = world().await;
    let mut delivery = delivery(&world, "Hello ☕ example.com", &[], json!({"replySettings": "following"})).await;
    let post = delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!((&shown["id"], &shown["text"]), (&json!(post.id), &json!("Hello ☕ example.com")));
    assert_eq!(shown["details"]["replySettings"], "following");
    assert_eq!(post.url, Some(format!("https://x.com/annlee/status/{}", post.id)));
    let lag = post.posted_at.unwrap().duration_since(world.now()).abs();
    assert!(lag.as_secs() < 5, "the id says when: {lag:?}");
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn files_go_out_byte_for_byte() {
    for urls in [&[PHOTO][..], &[VIDEO], &[LARGE], &[PHOTO, "https://media.example/beans.jpg"]] {
        let world = world().await;
        let mut delivery = delivery(&world, "Swans", urls, json!({"altText": ["A swan in milk"]})).await;
        let post = delivery.deliver().await;
        let [shown] = &delivery.publications().await[..] else { panic!("one post") };
        assert_eq!((&shown["id"], &shown["mediaCount"]), (&json!(post.id), &json!(urls.len())));
        assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
        let described = shown["media"][0]["altText"].as_str();
        assert_eq!(described, urls[0].contains(".jpg").then_some("A swan in milk"));
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let world = world().await;
    let mut delivery = delivery(&world, "Swans", &[LARGE], json!({})).await;
    delivery.fault_after("upload", 2, json!({"kind": "drop"})).await;
    delivery.prepare_failing().await;
    assert_eq!(delivery.progress.number("upload.sent"), 2 * 4 * 1024 * 1024);
    // The answer to a piece is lost, but X has it: the same piece again is the same piece.
    delivery.fault("upload", json!({"kind": "drop_after"})).await;
    delivery.prepare_failing().await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!(shown["media"][0]["bytes"], 13_000_000);
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_lost_row_stops_the_upload() {
    let world = world().await;
    let mut delivery = delivery(&world, "Swans", &[LARGE], json!({})).await;
    *delivery.row.renewals_left.lock().unwrap() = Some(1);
    assert!(matches!(delivery.prepare().await, Err(Stop::Lost)));
    let uploads = world.get("uploads?platform=TWITTER").await;
    assert_eq!(uploads[0]["bytes"], 4 * 1024 * 1024, "one piece was sent, and no more");
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn processing_is_waited_for_and_its_failure_told() {
    let world = world().await;
    setting(&world, Platform::Twitter, json!({"processingLooks": 3})).await;
    let mut patient = delivery(&world, "Swans", &[VIDEO], json!({})).await;
    patient.deliver().await;
    patient.stands_once().await;

    let world = self::world().await;
    let mut refused = delivery(&world, "Swans", &[VIDEO], json!({})).await;
    refused.fault("finish", json!({"kind": "fail_processing", "reason": "InvalidMedia"})).await;
    let failure = refused.prepare_failing().await;
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("InvalidMedia")));
    refused.stands_nowhere().await;

    // X's own trouble: the file is uploaded once more.
    let world = self::world().await;
    let mut unlucky = delivery(&world, "Swans", &[VIDEO], json!({})).await;
    unlucky.fault("finish", json!({"kind": "fail_processing", "reason": "InternalError"})).await;
    unlucky.deliver().await;
    unlucky.stands_once().await;
    assert_eq!(world.get("uploads?platform=TWITTER").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_found_and_nothing_goes_out_twice() {
    for (kind, urls) in [("drop_after", &[][..]), ("truncate", &[]), ("drop_after", &[PHOTO])] {
        let world = world().await;
        let mut delivery = delivery(&world, "Tom & Ann: see example.com/x?a=1&b=2 now", urls, json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": kind})).await;
        delivery.submit_unknown().await;
        let Found::Published(post) = delivery.find().await.unwrap() else { panic!("it is there") };
        assert_eq!(post.id, delivery.publications().await[0]["id"]);
        assert!(post.posted_at.is_some());
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn what_never_arrived_is_absent_and_goes_out_once() {
    for fault in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 503}), json!({"kind": "garbage"})] {
        let world = world().await;
        let mut delivery = delivery(&world, "Hello", &[PHOTO], json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
        delivery.deliver().await;
        delivery.stands_once().await;
    }
}

#[tokio::test]
async fn a_post_made_elsewhere_is_not_taken_for_ours() {
    let world = world().await;
    let mut delivery = delivery(&world, "Hello again", &[], json!({})).await;
    for (text, age) in [("Hello again", 3600), ("Hello again, world", 1), ("hello again", 2)] {
        world.post(&format!("{}/posts", world.account_path(HANDLE)), json!({"text": text, "ageSeconds": age})).await;
    }
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
}

#[tokio::test]
async fn without_credits_or_rights_to_read_nobody_can_tell() {
    let world = world().await;
    let mut poor = delivery(&world, "Hello", &[], json!({})).await;
    setting(&world, Platform::Twitter, json!({"credits": "write"})).await;
    poor.prepare().await.unwrap();
    poor.fault("submit", json!({"kind": "drop_after"})).await;
    poor.submit_unknown().await;
    assert!(matches!(poor.find().await.unwrap(), Found::NoMeans));
    // A person sends it again: the duplicate is the proof.
    let failure = poor.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
    poor.stands_once().await;

    let tokens = world.consent(HANDLE, &["users.read", "tweet.write", "media.write"]).await.unwrap().tokens;
    let publish = world.adapter().publish.as_ref().unwrap();
    assert_eq!(
        (publish.proof(&poor.job().account, &tokens), publish.proof(&poor.job().account, &poor.tokens)),
        (Proof::None, Proof::ReadBack)
    );
}

#[tokio::test]
async fn refusals_are_told_apart_and_have_no_effect() {
    for (fault, kind) in [
        (json!({"kind": "rate_limit", "retryAfterSeconds": 60}), Kind::RateLimited),
        (json!({"kind": "expire_token"}), Kind::TokenRejected),
        (json!({"kind": "reject", "status": 402}), Kind::AppRejected),
        (json!({"kind": "reject", "status": 400}), Kind::ContentRefused),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        let failure = delivery.submit_failing().await;
        assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{fault}: {failure}");
        delivery.stands_nowhere().await;
    }
    let world = world().await;
    let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
    setting(&world, Platform::Twitter, json!({"credits": "none"})).await;
    delivery.prepare().await.unwrap();
    let failure = delivery.submit_failing().await;
    assert_eq!(failure.kind, Kind::AppRejected);
    assert!(failure.said.is_some_and(|said| said.contains("credits") && said.contains("operator")));
}

#[tokio::test]
async fn a_thread_hangs_together_and_is_found_when_its_answer_is_lost() {
    let world = world().await;
    let mut content = draft("One", &[], json!({}));
    content.follow_ups = vec!["Two, see example.com".to_owned(), "Three".to_owned()];
    let mut delivery = Delivery::new(&world, Platform::Twitter, HANDLE, content).await;
    let post = delivery.deliver().await;
    delivery.intent_at = Some(world.now());
    delivery.fault("comment", json!({"kind": "drop_after"})).await;
    let failure = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    let Found::Published(second) = found else { panic!("it is there") };
    // The third is not there yet, and the second is not taken for it.
    let absent = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &second, 1).await.unwrap();
    assert!(matches!(absent, Found::Absent(_)));
    let third = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &second, 1).await.unwrap();
    let all = delivery.publications().await;
    let replies: Vec<_> = all.iter().map(|post| post["replyTo"].as_str()).collect();
    assert_eq!(replies, [None, Some(post.id.as_str()), Some(second.id.as_str())]);
    assert_eq!(all[2]["id"], third.id);
    // A reply is not taken for the post itself.
    delivery.draft.text = "Three".to_owned();
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_poll_goes_out_with_its_text() {
    let world = world().await;
    let options = json!({"poll": {"options": ["Espresso", "Filter"], "durationMinutes": 60}});
    let mut delivery = delivery(&world, "Which one?", &[], options).await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!(shown["details"]["poll"], json!({"options": ["Espresso", "Filter"], "duration_minutes": 60}));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_post_is_deleted_once_and_stays_deleted() {
    let world = world().await;
    let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
    let post = delivery.deliver().await;
    for _ in 0..2 {
        delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
    }
    assert_eq!(delivery.counts().await["deleted"], 1);
    let gone = PostRef { id: "1".to_owned(), ..post };
    delivery.publish().delete(&world.cx(), &delivery.job(), &gone).await.unwrap();
}

#[tokio::test]
async fn what_is_too_long_or_does_not_fit_is_said_before_anything_is_sent() {
    let world = world().await;
    let publish = world.adapter().publish.as_ref().unwrap();
    let limits = Limits::from(publish.facts());
    let codes = |draft: &domain::content::Draft| -> Vec<String> {
        let problems = publish.problems(draft, &limits);
        problems.into_iter().filter(|p| p.severity == Severity::Error).map(|p| p.code).collect()
    };
    let link = format!("https://example.com/{}", "a".repeat(300));
    assert_eq!((publish.length(&link, &limits), publish.length("日本語👨‍👩‍👧‍👦", &limits)), (23, 8));
    assert!(codes(&draft(&format!("{} {link}", "a".repeat(256)), &[], json!({}))).is_empty());
    assert_eq!(codes(&draft(&format!("{} {link}", "a".repeat(257)), &[], json!({}))), ["too_long"]);
    let poll = json!({"poll": {"options": ["Yes", "No"], "durationMinutes": 60}});
    assert_eq!(codes(&draft("Hello", &[PHOTO], poll)), ["poll_with_media"]);
    let mut thread = draft("Hello", &[], json!({}));
    thread.follow_ups = vec!["a".repeat(281)];
    assert_eq!(codes(&thread), ["follow_up_too_long"]);
    assert_eq!(codes(&draft("", &[], json!({}))), ["text_required"]);
    // A problem is named where it was written.
    for (option, field) in [("firstComment", "firstComment"), ("thread", "thread[0]")] {
        let mut commented = draft("Hello", &[], json!({ option: "a\u{ffff}" }));
        commented.follow_ups = vec!["a\u{ffff}".to_owned()];
        let problems = publish.problems(&commented, &limits);
        let wrong = problems.iter().find(|problem| problem.code == "invalid_character").unwrap();
        assert_eq!(wrong.field, format!("options.TWITTER.{field}"));
    }
    // Reading is still possible: the world was asked nothing.
    assert!(world.requests().await.is_empty());
    assert!(world.profile(HANDLE, Access::Public).await.is_err());
}
