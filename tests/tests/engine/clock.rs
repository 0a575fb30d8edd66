//! A clock that steps back under a running stack, as a machine's does when it is set right.

use herald_tests::consent;
use herald_tests::eventually::{asked, until};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::{TALENT, calls, count, fault, heal, queued, ring_due, staff};

/// Our clock alone; the world's goes on.
async fn step(stack: &Stack, seconds: i64) -> Result<()> {
    let _ = stack.control("/clock", &json!({"advanceSeconds": seconds})).await?.expect(200);
    Ok(())
}

async fn at_rest(stack: &Stack) -> Result<()> {
    until("empty queues", async || {
        Ok(queued(stack, "waiting").await? + queued(stack, "in_flight").await? + queued(stack, "delayed").await? == 0)
    })
    .await
}

/// Nobody is at work. A clock that moves wakes the schedule too, and of two runs the second may have rung for a leased row:
/// that ring lies in the queue until the lease would be over, and finds nothing to do.
async fn nobody_at_work(stack: &Stack) -> Result<()> {
    until("idle workers", async || Ok(queued(stack, "waiting").await? + queued(stack, "in_flight").await? == 0)).await
}

/// How often the profile of an account was read.
async fn reads(stack: &Stack, account: &str) -> Result<usize> {
    let asked = asked(&stack.world, "public.api.bsky.app", "getProfile").await?;
    Ok(asked.iter().filter(|request| request["account"] == account).count())
}

#[tokio::test]
async fn a_step_back_while_a_worker_is_at_it_makes_work_late_and_neither_lost_nor_doubled() -> Result<()> {
    let stack = Stack::start().await?;
    let before = staff(&stack).await?;
    let (running, waiting) = ("running.bsky.social", "waiting.bsky.social");
    let slow = json!({"platform": "BLUESKY", "pathContains": "getProfile", "fault": {"kind": "delay", "ms": 2_500}});
    stack.world.fault(slow).await?;
    count(&stack).await?;
    let at_work = before.connect(TALENT, "BLUESKY", running).await?;
    until("the worker at the platform", async || {
        Ok(calls(&stack, "workers.ingest").await?.contains_key("platform.public.api.bsky.app"))
    })
    .await?;
    fault(&stack, json!({"kind": "workers_stopped"})).await?;
    let in_table = before.connect(TALENT, "BLUESKY", waiting).await?;

    step(&stack, -300).await?;
    heal(&stack).await?;
    // Credentials are of the new time as well.
    let staff = staff(&stack).await?;
    let ready = staff.done(TALENT, &at_work).await?;
    assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null), "{ready}");
    // By this clock the other is due in five minutes: nobody is at it, whatever rings.
    ring_due(&stack).await?;
    at_rest(&stack).await?;
    assert_eq!(staff.connection(TALENT, &in_table).await?["syncStatus"], "PENDING");
    assert_eq!((reads(&stack, running).await?, reads(&stack, waiting).await?), (1, 0));
    // A person need not wait for it: asking again makes it due by the clock of now.
    let third = staff.connect(TALENT, "BLUESKY", "third.bsky.social").await?;
    assert_eq!(staff.done(TALENT, &third).await?["syncStatus"], "READY");

    step(&stack, 300).await?;
    ring_due(&stack).await?;
    let ready = staff.done(TALENT, &in_table).await?;
    assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null), "{ready}");
    nobody_at_work(&stack).await?;
    ring_due(&stack).await?;
    nobody_at_work(&stack).await?;
    assert_eq!((reads(&stack, running).await?, reads(&stack, waiting).await?), (1, 1));
    // The periodic runs go on, once each.
    stack.pass(3_700).await?;
    ring_due(&stack).await?;
    until("the periodic runs", async || Ok(reads(&stack, running).await? >= 2 && reads(&stack, waiting).await? >= 2))
        .await?;
    nobody_at_work(&stack).await?;
    assert_eq!((reads(&stack, running).await?, reads(&stack, waiting).await?), (2, 2));
    Ok(())
}

#[tokio::test]
async fn a_step_back_during_a_renewal_spends_no_refresh_token_twice() -> Result<()> {
    let stack = Stack::start().await?;
    let before = staff(&stack).await?;
    let id = consent::link(&before, TALENT, "TIKTOK", "renewer").await?;
    before.done(TALENT, &id).await?;
    let (host, path) = ("open.tiktokapis.com", "/v2/oauth/token/");
    let asked_for = asked(&stack.world, host, path).await?.len();
    stack.world.fault(json!({"host": host, "pathContains": path, "fault": {"kind": "delay", "ms": 2_000}})).await?;
    stack.pass(86_400 - 60).await?;
    ring_due(&stack).await?;
    until("the renewal at the platform", async || Ok(asked(&stack.world, host, path).await?.len() > asked_for)).await?;
    step(&stack, -300).await?;
    let staff = staff(&stack).await?;
    // The new tokens are stored. A sync that waited for them may have been put off by the clock of before.
    nobody_at_work(&stack).await?;
    ring_due(&stack).await?;
    nobody_at_work(&stack).await?;
    let meanwhile = staff.connection(TALENT, &id).await?;
    assert_eq!((&meanwhile["syncError"], &meanwhile["connected"]), (&Value::Null, &json!(true)), "{meanwhile}");
    step(&stack, 303).await?;
    ring_due(&stack).await?;
    let ready = staff.done(TALENT, &id).await?;
    assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null), "{ready}");
    nobody_at_work(&stack).await?;
    let after = asked(&stack.world, host, path).await?;
    assert_eq!(after.iter().filter(|request| request["status"] == 200).count(), asked_for + 1, "{after:?}");
    assert_eq!(staff.connection(TALENT, &id).await?["syncStatus"], "READY");
    Ok(())
}
