//! What each fault does to what stands on a platform.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::World;
use crate::desk::{ALL, bearer, prepare};

/// Sends the last request under a fault; answers what the client saw: a status, or 0 for a lost connection or none.
async fn under(w: &World, platform: &str, handle: &str, fault: Value) -> u16 {
    w.control("DELETE", "publications", Value::Null).await;
    let ready = prepare(w, platform, handle, "one of a kind").await;
    w.fault(json!({"platform": platform, "operation": "submit", "fault": fault})).await;
    let seen = match tokio::time::timeout(Duration::from_millis(400), ready.submit(w)).await {
        Ok(Ok(answer)) => answer.status,
        Ok(Err(_)) | Err(_) => 0,
    };
    assert_eq!(w.control("GET", "faults", Value::Null).await, json!([]), "{platform}: the fault was hit");
    seen
}

#[tokio::test]
async fn a_fault_after_the_effect_leaves_one_post_on_every_platform() {
    let w = World::start().await;
    let after = [
        (json!({"kind": "reject_after", "status": 500}), 500),
        (json!({"kind": "reject_after", "status": 422, "body": {"no": 1}}), 422),
        (json!({"kind": "drop_after"}), 0),
        (json!({"kind": "hang_after"}), 0),
        (json!({"kind": "delay_after", "ms": 2_000}), 0),
        (json!({"kind": "truncate"}), 0),
    ];
    for (platform, handle) in ALL {
        for (fault, status) in &after {
            assert_eq!(under(&w, platform, handle, fault.clone()).await, *status, "{platform} {fault}");
            let counts = w.counts(platform).await;
            assert_eq!((&counts["created"], &counts["submissions"]), (&json!(1), &json!(1)), "{platform} {fault}");
        }
    }
    assert_eq!(w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_fault_before_the_effect_leaves_nothing() {
    let w = World::start().await;
    let before = [
        json!({"kind": "reject", "status": 503}),
        json!({"kind": "drop"}),
        json!({"kind": "hang"}),
        json!({"kind": "garbage"}),
        json!({"kind": "rate_limit", "retryAfterSeconds": 30}),
        json!({"kind": "quota_exhausted"}),
    ];
    for (platform, handle) in ALL {
        for fault in &before {
            let seen = under(&w, platform, handle, fault.clone()).await;
            assert!(seen == 0 || seen >= 400 || fault["kind"] == "garbage", "{platform} {fault}: {seen}");
            let counts = w.counts(platform).await;
            assert_eq!((&counts["created"], &counts["submissions"]), (&json!(0), &json!(0)), "{platform} {fault}");
        }
    }
}

#[tokio::test]
async fn a_quota_is_told_in_the_words_of_the_platform() {
    let w = World::start().await;
    let words = [402_u16, 429, 429, 403, 403, 400];
    let platforms = ["TWITTER", "LINKEDIN", "TELEGRAM", "TIKTOK", "YOUTUBE", "INSTAGRAM"];
    for (platform, status) in platforms.into_iter().zip(words) {
        let (_, handle) = ALL.into_iter().find(|(p, _)| *p == platform).unwrap();
        let ready = prepare(&w, platform, handle, "over").await;
        w.fault(json!({"platform": platform, "operation": "submit", "fault": {"kind": "quota_exhausted"}})).await;
        assert_eq!(ready.submit(&w).await.unwrap().status, status, "{platform}");
    }
}

#[tokio::test]
async fn a_fault_waits_for_its_operation_its_turn_and_its_account() {
    let w = World::start().await;
    w.fault(json!({"platform": "X", "account": "demo", "operation": "submit", "nth": 2, "fault": {"kind": "reject", "status": 503}}))
        .await;
    for (handle, text, status) in [
        ("demo", "first", 201),
        ("other", "second", 201),
        ("other", "third", 201),
        ("demo", "fourth", 503),
        ("demo", "fifth", 201),
    ] {
        // Other work of the same account does not count.
        let token = w.token("TWITTER", handle).await;
        assert_eq!(w.get_as("api.x.com/2/users/me", &token).await.status, 200);
        let answer = prepare(&w, "TWITTER", handle, text).await.submit(&w).await.unwrap();
        assert_eq!(answer.status, status, "{text} {}", answer.body);
    }
    let odd = w.post_json("_control/faults", &[], &json!({"operation": "publish", "fault": {"kind": "drop"}})).await;
    assert_eq!((odd.status, odd.json()["error"].clone()), (400, json!("unknown operation publish")));
    let zero = w.post_json("_control/faults", &[], &json!({"nth": 0, "fault": {"kind": "drop"}})).await;
    assert_eq!(zero.status, 400);
    let log = w.control("GET", "requests?platform=X", Value::Null).await;
    let operations: Vec<&str> = log.as_array().unwrap().iter().map(|r| r["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["profile", "submit"].repeat(5));
    // The address of an upload carries no token; it belongs to whoever opened it.
    for platform in ["YOUTUBE", "TIKTOK"] {
        w.fault(json!({"platform": platform, "account": "other", "operation": "submit", "fault": {"kind": "drop"}}))
            .await;
        assert!(prepare(&w, platform, "demo", "mine").await.submit(&w).await.is_ok(), "{platform}");
        assert!(prepare(&w, platform, "other", "theirs").await.submit(&w).await.is_err(), "{platform}");
    }
}

#[tokio::test]
async fn a_token_can_run_out_in_the_middle() {
    let w = World::start().await;
    let expired = [
        ("MASTODON", 401),
        ("BLUESKY", 400),
        ("TWITTER", 401),
        ("LINKEDIN", 401),
        ("TELEGRAM", 401),
        ("INSTAGRAM", 400),
    ];
    for (platform, status) in expired {
        let (_, handle) = ALL.into_iter().find(|(p, _)| *p == platform).unwrap();
        let ready = prepare(&w, platform, handle, "too late").await;
        w.fault(json!({"platform": platform, "operation": "submit", "fault": {"kind": "expire_token"}})).await;
        assert_eq!(ready.submit(&w).await.unwrap().status, status, "{platform}");
        assert_eq!(w.counts(platform).await["created"], 0, "{platform}");
    }
    let token = w.token("TIKTOK", "demo").await;
    w.fault(json!({"platform": "TIKTOK", "operation": "limits", "fault": {"kind": "revoke_token"}})).await;
    let url = "open.tiktokapis.com/v2/post/publish/creator_info/query/";
    let answer = w.post_json(url, &[("authorization", &bearer(&token))], &json!({})).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (401, json!("access_token_invalid")));
}

#[tokio::test]
async fn what_fails_late_is_accepted_first_and_does_not_count() {
    let w = World::start().await;
    for platform in ["YOUTUBE", "TIKTOK"] {
        let ready = prepare(&w, platform, "demo", "fails").await;
        w.fault(json!({"platform": platform, "operation": "submit", "fault": {"kind": "fail_processing", "reason": "codec"}})).await;
        assert!(ready.submit(&w).await.unwrap().status < 300);
        assert_eq!(w.counts(platform).await["processing"], 1, "a look may still find it in processing");
        let token = w.token(platform, "demo").await;
        let made = &w.publications(platform).await[0];
        for _ in 0..2 {
            if platform == "TIKTOK" {
                let body = json!({"publish_id": made["key"]});
                let url = "open.tiktokapis.com/v2/post/publish/status/fetch/";
                w.post_json(url, &[("authorization", &bearer(&token))], &body).await;
            } else {
                let id = made["id"].as_str().unwrap();
                w.get_as(
                    &format!("www.googleapis.com/youtube/v3/videos?part=status,processingDetails&id={id}"),
                    &token,
                )
                .await;
            }
        }
        let counts = w.counts(platform).await;
        assert_eq!((&counts["created"], &counts["failed"]), (&json!(0), &json!(1)), "{platform}");
        assert_eq!(w.publications(platform).await[0]["failure"], "codec");
    }
}

#[tokio::test]
async fn an_index_that_lags_hides_a_post_for_a_while() {
    let w = World::start().await;
    let ready = prepare(&w, "TWITTER", "demo", "soon").await;
    w.fault(json!({"platform": "TWITTER", "operation": "submit", "fault": {"kind": "index_lag", "seconds": 20}})).await;
    let made = ready.submit(&w).await.unwrap().json();
    let token = w.token("TWITTER", "demo").await;
    let id = w.truth("TWITTER", "demo").await["id"].as_str().unwrap().to_owned();
    let newest = async || {
        let list = w.get_as(&format!("api.x.com/2/users/{id}/tweets?max_results=5"), &token).await.json();
        list["data"][0]["id"].clone()
    };
    assert_ne!(newest().await, made["data"]["id"]);
    assert_eq!(w.counts("TWITTER").await["created"], 1, "the judge knows at once");
    w.advance(20).await;
    assert_eq!(newest().await, made["data"]["id"]);
    w.control("PATCH", "settings/TWITTER", json!({"indexLagSeconds": 5})).await;
    let second = prepare(&w, "TWITTER", "demo", "later").await.submit(&w).await.unwrap().json();
    assert_ne!(newest().await, second["data"]["id"]);
    w.advance(5).await;
    assert_eq!(newest().await, second["data"]["id"]);
}
