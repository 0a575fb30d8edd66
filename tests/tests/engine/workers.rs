//! Workers that die, wake up late, or meet each other.

use std::time::Duration;

use herald_tests::consent;
use herald_tests::eventually::{asked, until};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::{TALENT, WORKSPACE, calls, count, queued, ring_due, staff};

/// The lease of a row, and a little more.
const LEASE_S: i64 = 63;

#[tokio::test]
async fn a_worker_that_wakes_after_its_lease_changes_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let account = "late.bsky.social";
    stack.world.fault(json!({"platform": "BLUESKY", "fault": {"kind": "delay", "ms": 5_000}})).await?;
    count(&stack).await?;
    let id = staff.connect(TALENT, "BLUESKY", account).await?;
    until("the first worker at the platform", async || {
        Ok(calls(&stack, "workers.ingest").await?.contains_key("platform.public.api.bsky.app"))
    })
    .await?;
    // Its lease runs out while it waits, and another one takes over.
    stack.pass(LEASE_S).await?;
    ring_due(&stack).await?;
    let ready = staff.done(TALENT, &id).await?;
    assert_eq!(ready["syncStatus"], "READY", "{ready}");
    until("the end of the second worker", async || Ok(queued(&stack, "in_flight").await? == 1)).await?;
    let rows = Rows::of(&stack).await?;
    let stored = async || {
        let mut stored = rows.of_partition(&format!("w#{WORKSPACE}#t#{TALENT}"), "").await?;
        stored.extend(rows.of_partition(&format!("w#{WORKSPACE}#c#{id}"), "").await?);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(stored)
    };
    let before = stored().await?;

    // What the late one reads when it wakes is not what is stored, so any write of it would show.
    let _ = stack.world.change("BLUESKY", account, &json!({"followerCount": 1, "posts": 60})).await?.expect(200);
    until("the end of the late worker", async || Ok(queued(&stack, "in_flight").await? == 0)).await?;
    let late = asked(&stack.world, "public.api.bsky.app", "getProfile").await?;
    assert_eq!(late.iter().filter(|request| request["status"] == 200).count(), 2, "{late:?}");
    assert_eq!(stored().await?, before);
    assert_eq!(staff.connection(TALENT, &id).await?, ready);
    Ok(())
}

#[tokio::test]
async fn the_sixth_claim_after_five_deaths_does_no_work_and_says_so() -> Result<()> {
    let mut stack = Stack::start().await?;
    let id = staff(&stack).await?.connect(TALENT, "BLUESKY", "control.bsky.social").await?;
    staff(&stack).await?.done(TALENT, &id).await?;
    let mut poison = String::new();
    for death in 1..=5 {
        let crash = json!({"phase": "before", "service": "platform", "scope": "workers.ingest"});
        let _ = stack.control("/crash", &crash).await?.expect(200);
        if death == 1 {
            poison = staff(&stack).await?.connect(TALENT, "BLUESKY", "poison.bsky.social").await?;
        } else {
            // A clock that moves wakes the schedule, so either answer may be lost with the process.
            let _ = stack.pass(LEASE_S).await;
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await;
        }
        stack.ended(Duration::from_secs(10)).await?;
        stack.restart().await?;
        let seen = staff(&stack).await?.connection(TALENT, &poison).await?;
        assert_eq!(
            (&seen["syncStatus"], &seen["syncError"]),
            (&json!("SYNCING"), &Value::Null),
            "after {death} deaths"
        );
    }
    count(&stack).await?;
    stack.pass(LEASE_S).await?;
    ring_due(&stack).await?;
    let staff = staff(&stack).await?;
    let given_up = staff.done(TALENT, &poison).await?;
    assert_eq!((&given_up["syncStatus"], &given_up["syncErrorCode"]), (&json!("ERROR"), &json!("sync_interrupted")));
    assert_eq!(given_up["syncError"], "Sync stopped unexpectedly. Try again.");
    let made = calls(&stack, "workers.ingest").await?;
    assert!(!made.keys().any(|call| call.starts_with("platform.")), "no work: {made:?}");
    // The others were not held up, and a person's retry starts afresh.
    assert_eq!(staff.connection(TALENT, &id).await?["syncStatus"], "READY");
    let _ = staff.post_empty(&format!("/api/admin/socials/{poison}/sync")).await?.expect(202);
    assert_eq!(staff.done(TALENT, &poison).await?["syncStatus"], "READY");
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_and_left_alone_for_an_hour() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let id = staff.connect(TALENT, "BLUESKY", "broken.bsky.social").await?;
    staff.done(TALENT, &id).await?;
    let rows = Rows::of(&stack).await?;
    let (pk, sk) = (format!("w#{WORKSPACE}#t#{TALENT}"), format!("talent#conn#{id}"));
    // As five claims leave it that could make nothing of it.
    let broken = json!({
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "UpdateExpression": "SET card = :broken, claims = :five, due_at = :past",
        "ExpressionAttributeValues": {":broken": {"S": "{}"}, ":five": {"N": "5"}, ":past": {"N": "1"}},
    });
    rows.call("UpdateItem", broken).await?;
    ring_due(&stack).await?;
    let row = async || Ok::<_, Box<dyn std::error::Error + Send + Sync>>(rows.of_partition(&pk, &sk).await?.remove(0));
    until("the end of the claims", async || Ok(row().await?["claims"]["N"] == "0")).await?;
    let row = row().await?;
    assert_eq!(row["sync_status"]["S"], "ERROR");
    let due: i64 = row["due_at"]["N"].as_str().unwrap_or_default().parse()?;
    let since: jiff::Timestamp = row["updated_at"]["S"].as_str().unwrap_or_default().parse()?;
    // The worker reads the clock for the one and for the other.
    let pause = due - since.as_millisecond();
    assert!((3_599_000..=3_601_000).contains(&pause), "{pause} ms");
    let log = std::fs::read_to_string(stack.data().join("herald.log"))?;
    assert_eq!(log.lines().filter(|line| line.contains("\"WorkAbandoned\":")).count(), 1);
    Ok(())
}

#[tokio::test]
async fn however_many_want_a_new_token_it_is_asked_for_once() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    for (platform, account, host, path, life_s) in [
        ("TIKTOK", "renewer", "open.tiktokapis.com", "/v2/oauth/token", 86_400),
        ("BLUESKY", "renewer.bsky.social", "pds.bsky.example", "/oauth/token", 3_600),
    ] {
        let id = consent::link(&staff, TALENT, platform, account).await?;
        assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "READY");
        let tokens = async || {
            let asked = asked(&stack.world, host, path).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(asked.iter().filter(|r| r["status"] == 200).count())
        };
        let before = tokens().await?;
        // A minute from its end the renewal is overdue, and no sync can begin without a new one.
        stack.world.fault(json!({"host": host, "pathContains": path, "fault": {"kind": "delay", "ms": 500}})).await?;
        stack.pass(life_s - 60).await?;
        ring_due(&stack).await?;
        for _ in 0..5 {
            let _ = staff.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
            ring_due(&stack).await?;
        }
        let ready = staff.done(TALENT, &id).await?;
        assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null), "{ready}");
        assert_eq!(tokens().await?, before + 1, "{platform}");
        let _ = staff.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200);
    }
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}
