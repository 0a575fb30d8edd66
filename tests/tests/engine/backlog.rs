//! An hour without workers.

use std::time::{Duration, Instant};

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::json;

use crate::{WORKSPACE, fault, queued, ring_due};

/// Rows with overdue work; `HERALD_FULL=1` takes the five thousand of the design.
const ROWS: usize = 1_500;
const TALENTS: usize = 15;
/// Overdue rows are rung only while fewer messages than this wait.
const LIMIT: u64 = 1_000;

fn talent(n: usize) -> String {
    format!("crowd_{n}")
}

/// Links `rows` accounts over all talents, 32 at a time.
async fn link(staff: &Client, rows: usize) -> Result<()> {
    for n in 0..TALENTS {
        staff.talent(&talent(n)).await?;
    }
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..32 {
        let staff = staff.clone();
        workers.spawn(async move {
            for n in (worker..rows).step_by(32) {
                // Accounts that show no posts: the engine is under test, not the database's speed.
                staff.connect(&talent(n % TALENTS), "MASTODON", &format!("private{n}@crowd.example")).await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(())
}

/// How many connections of all talents are in a state.
async fn in_state(staff: &Client, state: &str) -> Result<usize> {
    let mut count = 0;
    for n in 0..TALENTS {
        count += staff.connections(&talent(n)).await?.iter().filter(|c| c["syncStatus"] == state).count();
    }
    Ok(count)
}

async fn waiting(stack: &Stack) -> Result<u64> {
    Ok(queued(stack, "waiting").await? + queued(stack, "delayed").await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_hour_without_workers_the_queue_holds_no_more_than_a_thousand_beyond_the_rows() -> Result<()> {
    let rows = if std::env::var("HERALD_FULL").is_ok_and(|value| value == "1") { 5_000 } else { ROWS };
    let stack = Stack::start().await?;
    let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
    let staff = stack.client.with_token(token);
    fault(&stack, json!({"kind": "workers_stopped"})).await?;
    let started = Instant::now();
    link(&staff, rows).await?;
    println!("{rows} rows linked in {:.1} s", started.elapsed().as_secs_f64());
    let all = u64::try_from(rows)?;
    assert_eq!(waiting(&stack).await?, all, "each was rung for once");

    // The schedule goes on every minute, and finds everything overdue.
    let mut most = all;
    for _ in 0..60 {
        stack.pass(60).await?;
        most = most.max(waiting(&stack).await?);
    }
    assert!(most <= all + LIMIT, "{most} messages for {rows} rows");
    assert_eq!(in_state(&staff, "PENDING").await?, rows);

    // Now every ring is lost. One run fills the queue to the brim and no further; then workers come back.
    let _ = stack.client.delete("/local/queues").await?.expect(200);
    let (mut seen, deadline) = (0, Instant::now() + Duration::from_secs(20));
    while seen < LIMIT && Instant::now() < deadline {
        seen = waiting(&stack).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen, LIMIT, "overdue rows are rung as far as there is room");
    fault(&stack, json!({"kind": "workers_stopped", "on": false})).await?;
    let (started, mut ready, mut most) = (Instant::now(), 0, 0);
    while ready < rows {
        assert!(started.elapsed() < Duration::from_secs(120), "{ready} of {rows} are READY");
        let waits = waiting(&stack).await?;
        most = most.max(waits);
        if waits + queued(&stack, "in_flight").await? == 0 {
            // What was rung for just before the rings were lost is found by the next run.
            ring_due(&stack).await?;
            ready = in_state(&staff, "READY").await?;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("all READY {:.1} s after the workers came back; {most} waiting at most", started.elapsed().as_secs_f64());
    assert!(most <= LIMIT, "{most}");
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

/// How many posts are due in the same second: more than a page of each shard.
const POSTS: usize = 1_700;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_the_future_are_rung_for_once_and_overdue_they_add_no_more_than_a_thousand() -> Result<()> {
    let stack = Stack::start().await?;
    let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
    let staff = stack.client.with_token(token);
    staff.talent("ann").await?;
    author::connect(&stack.world, &staff, "ann", Stage::of("TELEGRAM")).await?;
    fault(&stack, json!({"kind": "workers_stopped"})).await?;
    let now: jiff::Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let at = now.checked_add(jiff::SignedDuration::from_mins(8))?.to_string();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..32 {
        let (staff, at) = (staff.clone(), at.clone());
        writers.spawn(async move {
            for n in (writer..POSTS).step_by(32) {
                let mut post = Stage::of("TELEGRAM").post("ann", &format!("post {n}"));
                post["scheduledAt"] = json!(at);
                let _ = staff.post("/api/social/posts", &post).await?.expect(201);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let messages = async || {
        let queue = stack.client.get("/local/queues").await?.expect(200).body["publish"].clone();
        let count = |what: &str| queue[what].as_u64().unwrap_or_default();
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(count("waiting") + count("delayed"))
    };
    let all = u64::try_from(POSTS)?;
    assert_eq!(messages().await?, 0, "their time is far");
    let mut seen = Vec::new();
    for _ in 0..7 {
        stack.pass(60).await?;
        ring_due(&stack).await?;
        seen.push(messages().await?);
    }
    // A clock that moves wakes the schedule too, so the last look may come while that run still rings.
    until("the last ring", async || Ok(messages().await? >= all)).await?;
    seen.push(messages().await?);
    assert!(seen.iter().all(|n| *n <= all), "{seen:?}");
    // Now they are overdue, and nobody comes.
    let mut most = 0;
    for _ in 0..3 {
        stack.pass(60).await?;
        most = most.max(messages().await?);
    }
    assert!(most <= all + LIMIT, "{most} messages for {all} rows");
    Ok(())
}
