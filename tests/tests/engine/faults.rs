//! What an embedded database never does by itself.

use herald_tests::eventually::{SOON, until};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{TALENT, WORKSPACE, calls, count, fault, heal, queued, ring_due, staff};

#[tokio::test]
async fn conflicts_and_throttling_leave_one_connection_that_becomes_ready() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    for (n, faults) in [
        json!([{"kind": "transaction_conflict", "times": 3}]),
        json!([{"kind": "throttle", "times": 3}]),
        json!([{"kind": "throttle", "every": 3}, {"kind": "transaction_conflict", "every": 2, "operation": "TransactWriteItems"}]),
        json!([{"kind": "transaction_conflict", "times": 2, "handler": "workers.ingest"}]),
        json!([{"kind": "throttle", "times": 2, "handler": "workers.ingest", "operation": "UpdateItem"}]),
    ]
    .into_iter()
    .enumerate()
    {
        // What went back to the queue before stays hidden there for minutes.
        let _ = stack.client.delete("/local/queues").await?.expect(200);
        for one in faults.as_array().into_iter().flatten() {
            fault(&stack, one.clone()).await?;
        }
        let (talent, account) = (format!("bad_day_{n}"), format!("bad{n}-p120.bsky.social"));
        let body = json!({"talentId": talent, "platform": "BLUESKY", "handle": account}).to_string().into_bytes();
        until("the talent", async || {
            let name = json!({"name": "Bad Day"});
            Ok(staff.json(Method::PUT, &format!("/api/admin/talents/{talent}"), &name).await?.status == 200)
        })
        .await?;
        // A client that is told to come back comes back, with its key.
        until("the link", async || {
            let headers = [("content-type", "application/json"), ("idempotency-key", talent.as_str())];
            let reply = staff.send(Method::POST, "/api/admin/socials/connect-manual", &headers, Some(body.clone())).await?;
            assert!(reply.status == 201 || (reply.status == 503 && reply.header("retry-after").is_some()), "{}", reply.text);
            Ok(reply.status == 201)
        })
        .await?;
        heal_after_a_while(&stack).await?;
        let all = staff.connections(&talent).await?;
        assert_eq!(all.len(), 1, "{faults}: {all:?}");
        let id = all[0]["id"].as_str().unwrap_or_default();
        let ready = staff.done(&talent, id).await?;
        assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null), "{faults}: {ready}");
        assert_eq!(Rows::of(&stack).await?.publications(WORKSPACE, id).await?, 100, "{faults}");
    }
    Ok(())
}

/// Lets the faults strike for a moment, then makes good what was put off to the end of a lease.
async fn heal_after_a_while(stack: &Stack) -> Result<()> {
    until("the queue at rest", async || Ok(queued(stack, "waiting").await? + queued(stack, "in_flight").await? <= 1))
        .await?;
    heal(stack).await?;
    stack.pass(63).await?;
    ring_due(stack).await
}

#[tokio::test]
async fn an_index_that_lags_makes_work_late_and_not_lost() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    fault(&stack, json!({"kind": "doorbell_silent"})).await?;
    fault(&stack, json!({"kind": "index_lag"})).await?;
    let id = staff.connect(TALENT, "BLUESKY", "lag.bsky.social").await?;
    count(&stack).await?;
    ring_due(&stack).await?;
    assert_eq!(queued(&stack, "waiting").await?, 0);
    assert_eq!(staff.connection(TALENT, &id).await?["syncStatus"], "PENDING", "the index does not show it yet");
    ring_due(&stack).await?;
    assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "READY");
    // The index goes on showing what is done already; a ring for that finds nothing to claim.
    let before = calls(&stack, "workers.ingest").await?;
    ring_due(&stack).await?;
    until("the late ring", async || {
        let now = calls(&stack, "workers.ingest").await?;
        Ok(now["dynamodb.UpdateItem"] > before["dynamodb.UpdateItem"])
    })
    .await?;
    let settled = |c: &Value| c["syncStatus"] == "READY";
    staff.settled(TALENT, &id, SOON, settled).await?;
    let after = calls(&stack, "workers.ingest").await?;
    assert_eq!(after["platform.public.api.bsky.app"], before["platform.public.api.bsky.app"]);
    Ok(())
}
