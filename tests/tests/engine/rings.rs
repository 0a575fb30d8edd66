//! Rings that are lost, repeated, or not needed.

use herald_tests::consent;
use herald_tests::eventually::{SOON, until};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::{TALENT, WORKSPACE, calls, count, fault, heal, looks, queued, ring_due, staff};

fn handle(n: usize) -> String {
    format!("ring{n}.bsky.social")
}

#[tokio::test]
async fn with_a_doorbell_that_is_never_heard_everything_is_still_done() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    fault(&stack, json!({"kind": "doorbell_silent"})).await?;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(staff.connect(TALENT, "BLUESKY", &handle(n)).await?);
    }
    let linked = consent::link(&staff, TALENT, "TIKTOK", "ringer").await?;
    ids.push(linked.clone());
    for connection in staff.connections(TALENT).await? {
        assert_eq!(connection["syncStatus"], "PENDING", "nobody was told");
    }
    assert_eq!(queued(&stack, "waiting").await?, 0);

    ring_due(&stack).await?;
    for id in &ids {
        assert_eq!(staff.done(TALENT, id).await?["syncStatus"], "READY");
    }
    // A failure's next attempt, a sync on request, a removal: each waits for the schedule alone.
    stack.world.fault(json!({"platform": "BLUESKY", "fault": {"kind": "reject", "status": 503}})).await?;
    let again = |c: &Value| c["syncStatus"] == "SYNCING" && c["nextRetryAt"] != Value::Null;
    let _ = staff.post_empty(&format!("/api/admin/socials/{}/sync", ids[0])).await?.expect(202);
    ring_due(&stack).await?;
    staff.settled(TALENT, &ids[0], SOON, again).await?;
    stack.pass(3).await?;
    ring_due(&stack).await?;
    assert_eq!(staff.done(TALENT, &ids[0]).await?["syncStatus"], "READY");

    let _ = staff.delete(&format!("/api/admin/socials/{linked}")).await?.expect(200);
    let (rows, pk) = (Rows::of(&stack).await?, format!("w#{WORKSPACE}#c#{linked}"));
    assert!(rows.publications(WORKSPACE, &linked).await? > 0);
    ring_due(&stack).await?;
    until("the end of erasing", async || Ok(rows.of_partition(&pk, "").await?.is_empty())).await
}

#[tokio::test]
async fn a_ring_that_comes_three_times_is_worked_on_once() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let control = staff.connect(TALENT, "BLUESKY", "control.bsky.social").await?;
    staff.done(TALENT, &control).await?;
    let one = looks(&stack, "BLUESKY").await?["control.bsky.social"];

    fault(&stack, json!({"kind": "doorbell_triple"})).await?;
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(staff.connect(TALENT, "BLUESKY", &handle(n)).await?);
    }
    for id in &ids {
        assert_eq!(staff.done(TALENT, id).await?["syncStatus"], "READY");
    }
    until("the last ring", async || Ok(queued(&stack, "waiting").await? + queued(&stack, "in_flight").await? == 0))
        .await?;
    let seen = looks(&stack, "BLUESKY").await?;
    for n in 0..8 {
        assert_eq!(seen[&handle(n)], one, "{}", handle(n));
    }
    // Three rings, three claims; one of them finds work, and wakes the looks at the account's figures once.
    let made = calls(&stack, "workers.ingest").await?;
    assert_eq!(made["dynamodb.UpdateItem"], (1 + 1) + (3 + 1) * 8, "{made:?}");
    heal(&stack).await
}

#[tokio::test]
async fn a_link_is_one_transaction_and_one_ring_and_a_list_is_one_query() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    // Warm keys: the first call of a process may fetch the issuer's.
    staff.connections(TALENT).await?;
    count(&stack).await?;
    let id = staff.connect(TALENT, "BLUESKY", &handle(0)).await?;
    staff.connections(TALENT).await?;
    let expected = |pairs: &[(&str, u64)]| pairs.iter().map(|(call, n)| ((*call).to_owned(), *n)).collect();
    let linking = calls(&stack, "connections.connect_manual").await?;
    assert_eq!(linking, expected(&[("dynamodb.TransactWriteItems", 1), ("queue.SendMessage", 1)]));
    assert_eq!(calls(&stack, "connections.list").await?, expected(&[("dynamodb.Query", 1)]));
    // The first sync: a claim, one transaction for forty posts, one for the connection and its guard, and the looks at its
    // figures are woken.
    staff.done(TALENT, &id).await?;
    until("the looks are woken", async || Ok(calls(&stack, "workers.ingest").await?["dynamodb.UpdateItem"] == 2))
        .await?;
    let syncing = calls(&stack, "workers.ingest").await?;
    assert_eq!(syncing["dynamodb.TransactWriteItems"], 2, "{syncing:?}");
    Ok(())
}

#[tokio::test]
async fn a_periodic_sync_comes_by_itself_and_one_that_finds_nothing_new_writes_claim_and_finish() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let id = staff.connect(TALENT, "BLUESKY", &handle(0)).await?;
    let first = staff.done(TALENT, &id).await?;
    let text = |connection: &Value, name: &str| connection[name].as_str().unwrap_or_default().to_owned();
    // Every hour at the row's own phase: the first time between 15 and 60 minutes from now.
    count(&stack).await?;
    stack.pass(14 * 60).await?;
    ring_due(&stack).await?;
    assert_eq!(calls(&stack, "workers.ingest").await?, [].into(), "not before a quarter of the interval");
    stack.pass(47 * 60).await?;
    let again = async |than: &Value| {
        until("the periodic sync", async || {
            ring_due(&stack).await?;
            let seen = staff.done(TALENT, &id).await?;
            Ok(text(&seen, "lastSyncedAt") > text(than, "lastSyncedAt"))
        })
        .await?;
        staff.done(TALENT, &id).await
    };
    let second = again(&first).await?;
    assert_eq!((&second["syncStatus"], &second["updatedAt"]), (&json!("READY"), &first["updatedAt"]), "nothing is new");
    // One that is asked for is rung for once, so its calls can be counted.
    count(&stack).await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "READY");
    let made = calls(&stack, "workers.ingest").await?;
    let rows: Vec<_> = made.iter().filter(|(call, _)| call.starts_with("dynamodb.")).collect();
    assert_eq!(rows, [(&"dynamodb.UpdateItem".to_owned(), &2)], "{made:?}");

    let _ = stack.world.change("BLUESKY", &handle(0), &json!({"followerCount": 4_242})).await?.expect(200);
    stack.pass(61 * 60).await?;
    let third = again(&second).await?;
    assert_eq!(third["profile"]["followerCount"], 4_242);
    assert!(text(&third, "updatedAt") > text(&second, "updatedAt"));
    Ok(())
}
