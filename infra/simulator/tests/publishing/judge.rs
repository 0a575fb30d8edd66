//! The judge and the control routes around it.

use serde_json::{Value, json};

use crate::common::World;
use crate::desk::{ALL, prepare};

#[tokio::test]
async fn every_platform_has_a_post_with_id_address_and_place_in_its_list() {
    let w = World::start().await;
    for (platform, handle) in ALL {
        let before = w.truth(platform, handle).await["postCount"].as_u64().unwrap();
        let answer = prepare(&w, platform, handle, "hello world").await.submit(&w).await.unwrap();
        assert!(answer.status < 300, "{platform} {} {}", answer.status, answer.body);
        let made = w.publications(platform).await;
        assert_eq!(made.len(), 1, "{platform}");
        let p = &made[0];
        assert_eq!((&p["account"], &p["kind"], &p["text"]), (&json!(handle), &json!("post"), &json!("hello world")));
        assert!(p["url"].as_str().unwrap().starts_with("https://"), "{platform} {p}");
        assert_eq!((&p["submissions"], &p["deletedAt"], &p["elsewhere"]), (&json!(1), &Value::Null, &json!(false)));
        let truth = w.truth(platform, handle).await;
        assert_eq!(truth["postCount"].as_u64().unwrap(), before + 1, "{platform}");
        assert_eq!(truth["posts"][0]["text"], "hello world", "{platform}");
        assert_eq!(truth["posts"][0]["url"], p["url"], "{platform}");
    }
    let counts = w.control("GET", "counts", Value::Null).await;
    assert_eq!((&counts["created"], &counts["submissions"], &counts["comments"]), (&json!(8), &json!(8), &json!(0)));
    assert_eq!(counts["platforms"]["BLUESKY"]["created"], 1);
    assert_eq!(w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn forgetting_publications_keeps_accounts_and_tokens() {
    let w = World::start().await;
    let ready = prepare(&w, "TWITTER", "demo", "again").await;
    assert_eq!(ready.submit(&w).await.unwrap().status, 201);
    assert_eq!(ready.submit(&w).await.unwrap().status, 403);
    assert_eq!(w.control("GET", "submissions", Value::Null).await.as_array().unwrap().len(), 2);
    w.control("DELETE", "publications", Value::Null).await;
    assert_eq!(w.control("GET", "submissions", Value::Null).await, json!([]));
    assert_eq!(w.counts("TWITTER").await["created"], 0);
    assert_eq!(ready.submit(&w).await.unwrap().status, 201, "the token still stands and the rule has forgotten");
}

#[tokio::test]
async fn a_person_can_delete_a_post_and_make_one_elsewhere() {
    let w = World::start().await;
    prepare(&w, "MASTODON", "demo@mastodon.example", "mine").await.submit(&w).await.unwrap();
    let gone = w.control("DELETE", "publications/1", Value::Null).await;
    assert_eq!(gone["state"], "deleted");
    let counts = w.counts("MASTODON").await;
    assert_eq!((&counts["created"], &counts["live"], &counts["deleted"]), (&json!(1), &json!(0), &json!(1)));
    let path = "accounts/MASTODON/demo@mastodon.example/posts";
    let other = w.control("POST", path, json!({"text": "mine", "ageSeconds": 60})).await;
    assert_eq!((&other["elsewhere"], &other["n"]), (&json!(true), &json!(2)));
    assert_eq!(w.counts("MASTODON").await["created"], 1, "what the person did elsewhere is not counted");
    let id = w.truth("MASTODON", "demo@mastodon.example").await["id"].as_str().unwrap().to_owned();
    let list = w.get(&format!("mastodon.example/api/v1/accounts/{id}/statuses?limit=5")).await.json();
    assert_eq!((&list[0]["id"], &list[0]["content"]), (&other["id"], &json!("<p>mine</p>")));
}

#[tokio::test]
async fn settings_are_checked_and_reset_brings_back_the_defaults() {
    let w = World::start().await;
    let odd = w
        .send("PATCH", "_control/settings/TIKTOK", &[("content-type", "application/json")], "{\"quotaTotal\":1}")
        .await;
    assert_eq!((odd.status, odd.json()["error"].clone()), (400, json!("unknown setting quotaTotal")));
    let set = w.control("PATCH", "settings/MASTODON/long.example", json!({"maxCharacters": 5000})).await;
    assert_eq!(set["maxCharacters"], 5000);
    let instance = w.get("long.example/api/v2/instance").await.json();
    assert_eq!(instance["configuration"]["statuses"]["max_characters"], 5000);
    let other = w.get("mastodon.example/api/v2/instance").await.json();
    assert_eq!(other["configuration"]["statuses"]["max_characters"], 500);
    w.control("POST", "reset", Value::Null).await;
    let back = w.control("GET", "settings/MASTODON/long.example", Value::Null).await;
    assert_eq!(back["maxCharacters"], 500);
}

#[tokio::test]
async fn the_token_of_a_bot_is_in_no_log() {
    let w = World::start().await;
    let token = w.token("TELEGRAM", "demo_channel").await;
    prepare(&w, "TELEGRAM", "demo_channel", "quiet").await.submit(&w).await.unwrap();
    w.get(&format!("api.telegram.org/bot{token}/getUpdates")).await;
    let log = w.control("GET", "requests", Value::Null).await.to_string();
    let odd = w.control("GET", "unexpected", Value::Null).await.to_string();
    assert!(log.contains("/bot*/sendMessage") && odd.contains("/bot*/getUpdates"), "{log} {odd}");
    assert!(!log.contains(&token) && !odd.contains(&token));
    assert!(w.control("GET", "tokens", Value::Null).await.to_string().contains(&token));
}
