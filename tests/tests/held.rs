//! What becomes of posts whose account is held or removed, of a processing that does not end, and of what only a person
//! can find or delete.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::eventually;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TALENT: &str = "ann";
const DAY: i64 = 86_400;

async fn with(platform: &str) -> Result<(Stack, Client, Stage, String)> {
    let stack = Stack::start().await?;
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent(TALENT).await?;
    let stage = Stage::of(platform);
    let connection = author::connect(&stack.world, &staff, TALENT, stage).await?;
    Ok((stack, staff, stage, connection))
}

/// Lets time pass, a step after the other, until the post is as `settled` wants it.
async fn passing(
    stack: &Stack,
    staff: &Client,
    id: &str,
    seconds: i64,
    settled: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let look = async || {
        stack.pass(seconds).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(settled(&author::post(staff, id).await?.body))
    };
    eventually::until("the post", look).await?;
    Ok(author::post(staff, id).await?.body)
}

#[tokio::test]
async fn a_post_of_a_removed_account_fails_and_says_so() -> Result<()> {
    let (stack, staff, stage, connection) = with("BLUESKY").await?;
    let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let mut post = stage.post(TALENT, "orphan");
    post["scheduledAt"] = json!(now.checked_add(SignedDuration::from_hours(1))?.to_string());
    let id = staff.post("/api/social/posts", &post).await?.expect(201).text_of("id").to_owned();
    let _ = staff.delete(&format!("/api/admin/socials/{connection}")).await?.expect(200);
    stack.pass(3_595).await?;
    let failed = passing(&stack, &staff, &id, 5, author::is(&["failed"])).await?;
    let delivery = &failed["deliveries"][0];
    assert_eq!((&delivery["errorCode"], author::delivery(&failed)), (&json!("connection_removed"), "failed"));
    assert_eq!(author::published(&stack.world, stage, "orphan").await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_comment_waits_a_day_for_an_account_that_is_held_and_a_deletion_does_not() -> Result<()> {
    let (stack, staff, stage, connection) = with("BLUESKY").await?;
    let mut post = stage.post(TALENT, "the post");
    post["options"] = json!({"BLUESKY": {"firstComment": "the comment"}});
    let busy = json!({"kind": "rate_limit", "retryAfterSeconds": 120});
    stack.world.fault(json!({"platform": "BLUESKY", "operation": "comment", "fault": busy})).await?;
    let id = author::publish(&staff, &post).await?;
    author::until(&staff, &id, author::is(&["published"])).await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{connection}/pause")).await?.expect(200);
    let over = |post: &Value| post["deliveries"][0]["followUps"][0]["status"] == "failed";
    let post = passing(&stack, &staff, &id, DAY / 3, over).await?;
    let follow_up = &post["deliveries"][0]["followUps"][0];
    assert_eq!(follow_up["error"], "The account was held for a day.", "{post:#}");
    assert_eq!(post["status"], "published", "a comment is not the post");

    let _ = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    let told = |post: &Value| post["deliveries"][0]["errorCode"] == "account_held";
    let post = passing(&stack, &staff, &id, 1, told).await?;
    assert_eq!(post["deliveries"][0]["deleted"], false);
    assert_eq!(author::published(&stack.world, stage, "the post").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_processing_without_end_is_left_to_a_person() -> Result<()> {
    let (stack, staff, stage, connection) = with("TIKTOK").await?;
    let endless = json!({"processingSeconds": 400 * DAY});
    assert_eq!(stack.world.settings("TIKTOK", &endless).await?.status / 100, 2);
    let id = author::publish(&staff, &stage.post(TALENT, "never done")).await?;
    author::until(&staff, &id, |post| author::delivery(post) == "processing").await?;
    // Its token is renewed before the day is over, so that it can be looked at to the end.
    let before = staff.connection(TALENT, &connection).await?["tokenExpiresAt"].clone();
    stack.pass(DAY - 1_200).await?;
    let renewed = async || {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(staff.connection(TALENT, &connection).await?["tokenExpiresAt"] != before)
    };
    eventually::until("the renewal", renewed).await?;
    let left =
        |post: &Value| author::delivery(post) == "unconfirmed" && post["deliveries"][0]["nextAttemptAt"].is_null();
    let post = passing(&stack, &staff, &id, 1_800, left).await?;
    let delivery = &post["deliveries"][0];
    assert_eq!(delivery["errorCode"], "processing_too_long", "{post:#}");
    Ok(())
}

#[tokio::test]
async fn what_a_person_found_can_be_named_and_deleted_and_what_cannot_be_deleted_is_told() -> Result<()> {
    let (stack, staff, telegram, _) = with("TELEGRAM").await?;
    author::connect(&stack.world, &staff, TALENT, Stage::of("INSTAGRAM")).await?;
    for named in [true, false] {
        let fault = json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "drop_after"}});
        stack.world.fault(fault).await?;
        let text = format!("nobody knows {named}");
        let id = author::publish(&staff, &telegram.post(TALENT, &text)).await?;
        let stuck = author::within(&staff, &id, Duration::from_secs(10), |post| {
            author::delivery(post) == "unconfirmed" && post["deliveries"][0]["nextAttemptAt"].is_null()
        })
        .await?;
        let path =
            format!("/api/social/deliveries/{}/resolve", stuck["deliveries"][0]["id"].as_str().unwrap_or_default());
        let there = author::published(&stack.world, telegram, &text).await?;
        let own = there[0]["id"].as_str().map_or_else(|| there[0]["id"].to_string(), str::to_owned);
        let own = own.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let bad = json!({"outcome": "published", "platformPostId": "../1?x"});
        assert_eq!(staff.post(&path, &bad).await?.status, 400);
        let mut found = json!({"outcome": "published", "permalink": "https://t.me/annsings/1"});
        if named {
            found["platformPostId"] = json!(own);
        }
        let resolved = staff.post(&path, &found).await?.expect(200);
        let delivery = &resolved.body["deliveries"][0];
        let expected = if named { json!(own) } else { Value::Null };
        assert_eq!((&delivery["platformPostId"], &delivery["url"]), (&expected, &found["permalink"]));
        let removed = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
        if named {
            assert_eq!(removed.body["notDeleted"], json!([]), "{}", removed.text);
            author::until(&staff, &id, |post| post["deliveries"][0]["deleted"] == true).await?;
        } else {
            assert_eq!(removed.body["notDeleted"][0]["code"], "post_id_unknown", "{}", removed.text);
        }
    }
    let id = author::publish(&staff, &Stage::of("INSTAGRAM").post(TALENT, "stays")).await?;
    author::within(&staff, &id, Duration::from_secs(30), author::is(&["published"])).await?;
    let removed = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    assert_eq!(removed.body["notDeleted"][0]["code"], "platform_cannot_delete", "{}", removed.text);
    assert!(removed.text.contains("Instagram"), "{}", removed.text);
    Ok(())
}
