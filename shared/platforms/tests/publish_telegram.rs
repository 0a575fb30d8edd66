//! Publishing on Telegram against the simulated platform. Whether a message was sent nothing tells afterwards.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use std::time::Duration;

use delivery::{Delivery, draft, setting};
use domain::{Effect, Kind, Platform};
use platforms::AppCredentials;
use platforms::publish::{Found, PostRef, Proof, Stop};
use serde_json::{Value, json};
use support::World;

const HANDLE: &str = "annlee";
const PHOTO: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";
const LARGE: &str = "https://media.example/swan.mp4?bytes=13000000";

async fn world() -> World {
    World::new(Platform::Telegram, AppCredentials::default()).await
}

async fn delivery<'a>(world: &'a World, text: &str, urls: &[&str], options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Telegram, HANDLE, draft(text, urls, options)).await
}

#[tokio::test]
async fn words_go_out_as_they_were_written() {
    for (text, options, shown) in [
        ("Hello ☕ *not bold* <b>", json!({}), "Hello ☕ *not bold* <b>"),
        ("<b>Hello</b> &amp; bye", json!({"parseMode": "HTML"}), "Hello & bye"),
        (r"*Hello* 5 \> 4", json!({"parseMode": "MarkdownV2", "disableNotification": true}), "Hello 5 > 4"),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, text, &[], options).await;
        let post = delivery.deliver().await;
        let [publication] = &delivery.publications().await[..] else { panic!("one post") };
        assert_eq!(publication["text"], shown);
        assert_eq!(post.url.as_deref(), publication["url"].as_str());
        assert_eq!(post.url, Some(format!("https://t.me/annlee/{}", post.id)));
        assert!(post.posted_at.is_some());
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn files_go_out_byte_for_byte() {
    for urls in [&[PHOTO][..], &[VIDEO], &[LARGE], &[PHOTO, VIDEO, "https://media.example/beans.jpg"]] {
        let world = world().await;
        let mut delivery = delivery(&world, "<i>Swans</i>", urls, json!({"parseMode": "HTML"})).await;
        delivery.row.longest = Some(Duration::from_secs(75));
        let post = delivery.deliver().await;
        let [shown] = &delivery.publications().await[..] else { panic!("one post") };
        assert_eq!((&shown["text"], &shown["mediaCount"]), (&json!("Swans"), &json!(urls.len())));
        assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
        assert_eq!(post.url.as_deref(), shown["url"].as_str());
        delivery.stands_once().await;
        world.nothing_odd().await;
        // All messages of an album go with it.
        for _ in 0..2 {
            delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
        }
        assert_eq!(delivery.counts().await["deleted"], 1, "{urls:?}");
    }
}

#[tokio::test]
async fn only_a_message_that_is_not_there_is_deleted_already() {
    let world = world().await;
    let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
    let post = delivery.deliver().await;
    for words in ["chat not found", "MESSAGE_ID_INVALID", "not found", "message can't be deleted"] {
        let body = json!({"ok": false, "error_code": 400, "description": format!("Bad Request: {words}")});
        delivery.fault("delete", json!({"kind": "reject", "status": 400, "body": body})).await;
        delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap_err();
    }
    assert_eq!(delivery.counts().await["deleted"], 0);
    let body = json!({"ok": false, "error_code": 400, "description": "Bad Request: message to delete not found"});
    delivery.fault("delete", json!({"kind": "reject", "status": 400, "body": body})).await;
    delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
}

#[tokio::test]
async fn a_group_that_has_another_number_now_is_found_under_it() {
    for urls in [&[][..], &[PHOTO]] {
        let world = world().await;
        let mut delivery = delivery(&world, "Hello", urls, json!({})).await;
        let number: i64 = delivery.account_id.parse().unwrap();
        "-123456".clone_into(&mut delivery.account_id);
        let body = json!({"ok": false, "error_code": 400, "parameters": {"migrate_to_chat_id": number},
            "description": "Bad Request: group chat was upgraded to a supergroup chat"});
        delivery.fault("submit", json!({"kind": "reject", "status": 400, "body": body.clone()})).await;
        let post = delivery.deliver().await;
        assert_eq!(delivery.publications().await[0]["url"].as_str(), post.url.as_deref());
        delivery.stands_once().await;
        delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
        assert_eq!(delivery.counts().await["deleted"], 1);
        // A message of the time before has another number there, and must not be confused with one.
        let old = PostRef { extra: Default::default(), ..post };
        delivery.fault("delete", json!({"kind": "reject", "status": 400, "body": body})).await;
        let failure = delivery.publish().delete(&world.cx(), &delivery.job(), &old).await.unwrap_err();
        assert!(failure.said.is_some_and(|said| said.contains(&number.to_string())));
    }
}

#[tokio::test]
async fn files_have_the_time_that_their_size_takes() {
    let world = world().await;
    let mut delivery = delivery(&world, "Swans", &[LARGE, LARGE], json!({})).await;
    delivery.row.longest = Some(Duration::from_secs(60 + 2 * 13));
    delivery.deliver().await;
    // A minute, and a second for each megabyte of 26,000,000 bytes.
    assert_eq!(*delivery.row.held.lock().unwrap(), [Duration::from_secs(84)]);
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open() {
    for (fault, urls) in
        [("drop_after", &[][..]), ("truncate", &[]), ("drop", &[]), ("garbage", &[]), ("drop_after", &[PHOTO])]
    {
        let world = world().await;
        let mut delivery = delivery(&world, "Hello", urls, json!({})).await;
        assert_eq!(delivery.publish().proof(&delivery.job().account, &delivery.tokens), Proof::None);
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": fault})).await;
        delivery.submit_unknown().await;
        let asked = world.requests().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::NoMeans));
        assert_eq!(world.requests().await, asked);
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_have_no_effect() {
    for (fault, kind, wait) in [
        (json!({"kind": "rate_limit", "retryAfterSeconds": 35}), Kind::RateLimited, Some(Duration::from_secs(35))),
        (json!({"kind": "revoke_token"}), Kind::ReconnectNeeded, None),
        (json!({"kind": "reject", "status": 400}), Kind::ContentRefused, None),
    ] {
        let world = world().await;
        let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        let failure = delivery.submit_failing().await;
        assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{fault}: {failure}");
        assert_eq!(failure.retry_after, wait);
        delivery.stands_nowhere().await;
    }
}

#[tokio::test]
async fn twenty_messages_a_minute_are_enough() {
    let world = world().await;
    setting(&world, Platform::Telegram, json!({"rates": true})).await;
    let mut delivery = delivery(&world, "Hello", &[], json!({})).await;
    let failure = loop {
        match delivery.submit().await {
            Ok(_) => {}
            Err(Stop::Failed(failure)) => break failure,
            Err(Stop::Lost) => panic!("nobody took the row"),
        }
    };
    assert_eq!((failure.kind, failure.effect), (Kind::RateLimited, Effect::NotApplied));
    assert!(failure.retry_after.is_some_and(|wait| wait <= Duration::from_secs(61)));
}

#[tokio::test]
async fn a_lost_row_sends_no_file() {
    let world = world().await;
    let mut delivery = delivery(&world, "Swans", &[PHOTO], json!({})).await;
    *delivery.row.renewals_left.lock().unwrap() = Some(0);
    assert!(matches!(delivery.submit().await, Err(Stop::Lost)));
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn the_token_is_in_nothing_that_is_kept_or_said() {
    let world = world().await;
    let mut delivery = delivery(&world, "Hello", &[PHOTO], json!({})).await;
    let token = delivery.tokens.access.expose().to_owned();
    let post = delivery.deliver().await;
    let profile = world.profile(HANDLE, platforms::Access::Token(&delivery.tokens)).await.unwrap();
    delivery.fault("submit", json!({"kind": "drop"})).await;
    let failure = delivery.submit_failing().await;
    let printed = format!("{post:?} {profile:?} {failure:?} {failure} {:?}", delivery.progress);
    assert!(!printed.contains(&token) && !printed.contains("/bot"), "{printed}");
}
