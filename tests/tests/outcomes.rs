//! What is known of a post is not lost: not in a busy table, not by a person's retry, and the outside is told each time.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

async fn writer(stack: &Stack, stage: Stage) -> Result<Client> {
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    author::connect(&stack.world, &staff, "ann", stage).await?;
    Ok(staff)
}

async fn told(stack: &Stack, name: &str) -> Result<usize> {
    let all = stack.client.get("/local/events").await?.expect(200).body["events"].clone();
    Ok(all.as_array().into_iter().flatten().filter(|event| event["detail-type"] == name).count())
}

fn rests(status: &'static str) -> impl Fn(&Value) -> bool {
    move |post| author::delivery(post) == status && post["deliveries"][0]["nextAttemptAt"].is_null()
}

async fn resolve(staff: &Client, post: &Value, decision: &Value) -> Result<Value> {
    let id = post["deliveries"][0]["id"].as_str().unwrap_or_default();
    Ok(staff.post(&format!("/api/social/deliveries/{id}/resolve"), decision).await?.expect(200).body)
}

#[tokio::test]
async fn a_known_outcome_outlives_a_busy_table() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("TELEGRAM");
    let staff = writer(&stack, stage).await?;
    let stall = json!({"phase": "before", "service": "platform", "scope": "workers.publish", "stall": true});
    let _ = stack.control("/crash", &stall).await?.expect(200);
    let id = author::publish(&staff, &stage.post("ann", "through a crowd")).await?;
    eventually::until("the submission stands still", async || {
        Ok(stack.client.get("/local/crash").await?.body["stalled"] == 1)
    })
    .await?;
    // More than one write tries by itself: nothing but patience helps.
    let crowd = json!({"kind": "transaction_conflict", "times": 16, "handler": "workers.publish"});
    let _ = stack.control("/faults", &crowd).await?.expect(200);
    let _ = stack.client.delete("/local/crash").await?.expect(200);
    let post = author::until(&staff, &id, author::is(&["published", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    let steps: Vec<&str> = post["deliveries"][0]["attempts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|a| a["outcome"].as_str())
        .collect();
    assert_eq!(steps, ["ok"], "it was never in doubt: {post:#}");
    assert_eq!(author::published(&stack.world, stage, "through a crowd").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fifty_accounts_of_one_post_do_not_lose_each_other() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("MASTODON");
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    for n in 0..50 {
        consent::link(&staff, "ann", stage.platform, &format!("ann{n}@mastodon.example")).await?;
    }
    let id = author::publish(&staff, &stage.post("ann", "to all fifty")).await?;
    let post =
        author::within(&staff, &id, Duration::from_secs(90), author::is(&["published", "partial", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    assert_eq!(post["deliveries"].as_array().map(Vec::len), Some(50));
    let there = author::published(&stack.world, stage, "to all fifty").await?;
    assert_eq!(there.len(), 50);
    assert!(there.iter().all(|publication| publication["submissions"] == 1), "{there:#?}");
    eventually::until("the event", async || Ok(told(&stack, "post.published").await? > 0)).await?;
    assert_eq!(told(&stack, "post.published").await?, 1);
    Ok(())
}

#[tokio::test]
async fn each_doubt_and_each_decision_is_told() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("TELEGRAM");
    let staff = writer(&stack, stage).await?;
    let lost = json!({"platform": "TELEGRAM", "operation": "submit", "times": 2, "fault": {"kind": "drop"}});
    stack.world.fault(lost).await?;
    let id = author::publish(&staff, &stage.post("ann", "is it there?")).await?;
    let post = author::until(&staff, &id, rests("unconfirmed")).await?;
    eventually::until("the first doubt is told", async || Ok(told(&stack, "post.unconfirmed").await? == 1)).await?;
    resolve(&staff, &post, &json!({"outcome": "resend"})).await?;
    eventually::until("the second doubt is told", async || Ok(told(&stack, "post.unconfirmed").await? == 2)).await?;
    let post = author::until(&staff, &id, rests("unconfirmed")).await?;
    assert!(post["error"].is_string(), "{post:#}");
    let found = json!({"outcome": "published", "url": "https://t.me/annsings/7"});
    let post = resolve(&staff, &post, &found).await?;
    assert_eq!((&post["status"], &post["error"]), (&json!("published"), &Value::Null));
    eventually::until("the decision is told", async || Ok(told(&stack, "post.published").await? == 1)).await?;
    Ok(())
}

/// Lets the stack's and the world's time pass until a post is as it shall be.
async fn in_time(stack: &Stack, staff: &Client, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    for _ in 0..60 {
        if let Ok(post) = author::within(staff, id, Duration::from_millis(400), &wanted).await {
            return Ok(post);
        }
        stack.pass(10).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    }
    Err(format!("not in ten minutes: {:#}", author::post(staff, id).await?.body).into())
}

/// An upload that was given up is taken up again by a retry, with what it takes to go on.
async fn an_upload_goes_on_after_a_retry(platform: &str) -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of(platform);
    let staff = writer(&stack, stage).await?;
    let order = json!({
        "platform": platform, "operation": "submit", "times": 0,
        "fault": {"kind": "rate_limit", "retryAfterSeconds": 1},
    });
    stack.world.fault(order).await?;
    let id = author::publish(&staff, &stage.post("ann", "a long way up")).await?;
    let post = in_time(&stack, &staff, &id, rests("failed")).await?;
    assert_eq!(post["deliveries"][0]["errorCode"], "rate_limited", "{post:#}");
    stack.world.heal().await?;
    let _ = staff.post_empty(&format!("/api/social/posts/{id}/retry")).await?.expect(202);
    let post = in_time(&stack, &staff, &id, author::is(&["published", "failed", "partial"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    assert_eq!(author::published(&stack.world, stage, "a long way up").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_upload_to_tiktok_goes_on_after_a_retry() -> Result<()> {
    an_upload_goes_on_after_a_retry("TIKTOK").await
}

#[tokio::test]
async fn an_upload_to_youtube_goes_on_after_a_retry() -> Result<()> {
    an_upload_goes_on_after_a_retry("YOUTUBE").await
}

#[tokio::test]
async fn a_post_that_no_row_can_hold_is_refused() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    let long = "x".repeat(90_000);
    let mut post = json!({"talentId": "ann", "content": long, "overrides": {}});
    for platform in ["TWITTER", "MASTODON", "BLUESKY"] {
        post["overrides"][platform] = json!({"content": long});
    }
    let reply = staff.post("/api/social/posts", &post).await?.expect(400);
    assert!(reply.text_of("error").starts_with("The post is too large"), "{}", reply.text);
    assert_eq!(staff.get("/api/social/posts").await?.expect(200).body["posts"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_bot_that_got_its_right_sends_when_asked_again() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("TELEGRAM");
    let staff = writer(&stack, stage).await?;
    let no_right = json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "reject", "status": 403, "body": {
        "ok": false, "error_code": 403, "description": "Forbidden: bot is not a member of the channel chat",
    }}});
    stack.world.fault(no_right).await?;
    let id = author::publish(&staff, &stage.post("ann", "with the right")).await?;
    let post = author::until(&staff, &id, rests("failed")).await?;
    assert_eq!(post["deliveries"][0]["errorCode"], "permission_missing", "{post:#}");
    let _ = staff.post_empty(&format!("/api/social/posts/{id}/retry")).await?.expect(202);
    let post = author::until(&staff, &id, author::is(&["published", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    assert_eq!(author::published(&stack.world, stage, "with the right").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_upload_longer_than_a_shift_goes_on_in_the_next() -> Result<()> {
    let world = herald_tests::stack::World::start().await?;
    let stack = Stack::with(world, &[("HERALD_PUBLISH_SHIFT_SECONDS", "0")]).await?;
    let stage = Stage { media: Some("https://media.example/film.mp4?bytes=20000000"), ..Stage::of("YOUTUBE") };
    let staff = writer(&stack, stage).await?;
    let id = author::publish(&staff, &stage.post("ann", "a long film")).await?;
    let post = in_time(&stack, &staff, &id, author::is(&["published", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    let steps = post["deliveries"][0]["attempts"].to_string();
    assert!(steps.contains("The upload goes on."), "one worker did it all: {steps}");
    assert_eq!(author::published(&stack.world, stage, "a long film").await?.len(), 1);
    let uploads = stack.world.look("/uploads?platform=YOUTUBE").await?;
    assert_eq!(uploads.as_array().map(Vec::len), Some(1), "nothing was begun anew: {uploads:#}");
    assert_eq!(uploads[0]["requests"], 3, "no piece was sent twice");
    Ok(())
}

#[tokio::test]
async fn what_is_taken_and_never_shown_is_not_sent_for_ever() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("BLUESKY");
    let staff = writer(&stack, stage).await?;
    let swallowed = json!({"platform": "BLUESKY", "operation": "submit", "times": 0, "fault": {"kind": "garbage"}});
    stack.world.fault(swallowed).await?;
    let id = author::publish(&staff, &stage.post("ann", "into the void")).await?;
    let post = in_time(&stack, &staff, &id, rests("failed")).await?;
    assert_eq!(post["deliveries"][0]["errorCode"], "not_published", "{post:#}");
    assert_eq!(stack.world.look("/faults").await?[0]["hits"], 3, "three submissions and no more");
    assert_eq!(author::published(&stack.world, stage, "into the void").await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_post_that_goes_out_to_some_of_its_accounts_is_told_as_partial() -> Result<()> {
    let stack = Stack::start().await?;
    let (sound, refusing) = (Stage::of("BLUESKY"), Stage::of("MASTODON"));
    let staff = writer(&stack, sound).await?;
    author::connect(&stack.world, &staff, "ann", refusing).await?;
    let refusal = json!({"platform": "MASTODON", "operation": "submit", "fault": {"kind": "reject", "status": 422}});
    stack.world.fault(refusal).await?;
    let mut post = sound.post("ann", "half of it");
    post["platforms"] = json!(["BLUESKY", "MASTODON"]);
    let id = author::publish(&staff, &post).await?;
    let post = in_time(&stack, &staff, &id, author::is(&["partial", "published", "failed"])).await?;
    assert_eq!(post["status"], "partial", "{post:#}");
    eventually::until("the event", async || Ok(told(&stack, "post.partial").await? > 0)).await?;
    let names = ["post.partial", "post.published", "post.failed", "post.unconfirmed"];
    let mut counts = Vec::new();
    for name in names {
        counts.push(told(&stack, name).await?);
    }
    assert_eq!(counts, [1, 0, 0, 0], "{names:?}");
    Ok(())
}

#[tokio::test]
async fn told_to_wait_beyond_its_window_a_post_is_missed_when_the_window_ends() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("BLUESKY");
    let staff = writer(&stack, stage).await?;
    let limit = json!({
        "platform": "BLUESKY", "operation": "submit", "fault": {"kind": "rate_limit", "retryAfterSeconds": 7200},
    });
    stack.world.fault(limit).await?;
    let mut post = stage.post("ann", "in time or not at all");
    post["lateAfterMinutes"] = json!(2);
    let id = author::publish(&staff, &post).await?;
    let post = in_time(&stack, &staff, &id, rests("missed")).await?;
    assert_eq!(post["deliveries"][0]["errorCode"], "missed", "{post:#}");
    assert!(post["deliveries"][0]["error"].to_string().contains("asks to wait"), "why: {post:#}");
    eventually::until("the event", async || Ok(told(&stack, "post.missed").await? == 1)).await?;
    assert_eq!(author::published(&stack.world, stage, "in time or not at all").await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_upload_that_began_in_its_window_goes_on_after_it() -> Result<()> {
    let world = herald_tests::stack::World::start().await?;
    let stack = Stack::with(world, &[("HERALD_PUBLISH_SHIFT_SECONDS", "0")]).await?;
    let stage = Stage { media: Some("https://media.example/film.mp4?bytes=20000000"), ..Stage::of("YOUTUBE") };
    let staff = writer(&stack, stage).await?;
    // Each shift waits for a tick, and a tick is as long as most of the window.
    let _ = stack.control("/faults", &json!({"kind": "doorbell_silent"})).await?.expect(200);
    let mut post = stage.post("ann", "begun in time");
    post["lateAfterMinutes"] = json!(1);
    let id = author::publish(&staff, &post).await?;
    for n in 0..12 {
        stack.pass(if n == 0 { 5 } else { 45 }).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        let ended = author::is(&["published", "missed", "failed"]);
        if let Ok(post) = author::within(&staff, &id, Duration::from_millis(500), ended).await {
            assert_eq!(post["status"], "published", "{post:#}");
            assert!(n >= 2, "it did not outlast its window");
            return Ok(());
        }
    }
    Err("it never ended".into())
}
