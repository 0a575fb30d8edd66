//! Letting a post come to rest in simulated time, and judging what the platform says of it.

use std::time::{Duration, Instant};

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::cases::{Case, Trouble};

/// How a post came to rest.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The delivery's status.
    pub status: String,
    /// How often the platform says it was made.
    pub created: usize,
    /// Simulated seconds until it was at rest.
    pub recovered_in_s: i64,
    /// Whether the trouble was met at all: not every platform has every operation.
    pub met: bool,
}

/// In how much simulated time a killed publish is at rest again: its lease (62 s), a tick of `ring_due` (60 s), the
/// deadline and margin of the call that it may have made (35 s), the longest index lag (60 s), and one step of the
/// suite's own clock (20 s).
const RECOVERY_S: i64 = 62 + 60 + 35 + 60 + 20;

/// The simulated time after which nothing may still be under way: a lease (62 s), a tick of `ring_due` (60 s), a call's
/// deadline and margin (35 s), the slowest platform's index lag and three rounds of looks and submissions.
const MOST_SIMULATED_S: i64 = 1_800;

/// Platforms on which nothing shows whether an uncertain submission took effect, for these accounts.
pub fn has_no_proof(stage: Stage) -> bool {
    matches!(stage.platform, "TELEGRAM" | "LINKEDIN")
}

/// Whether the next attempt is later than any settling waits for.
fn far_off(delivery: &Value) -> bool {
    let attempt = |at: &Value| at.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let tried = delivery["attempts"].as_array().and_then(|all| all.last()).and_then(|last| attempt(&last["startedAt"]));
    tried
        .zip(attempt(&delivery["nextAttemptAt"]))
        .is_some_and(|(at, next)| at.duration_until(next).as_secs() > MOST_SIMULATED_S)
}

fn at_rest(post: &Value) -> bool {
    let delivery = &post["deliveries"][0];
    let waits = delivery["nextAttemptAt"].is_string();
    match delivery["status"].as_str().unwrap_or_default() {
        "published" | "failed" | "missed" => !waits,
        // Until tomorrow, says the platform.
        "scheduled" if delivery["errorCode"] == "rate_limited" => far_off(delivery),
        "unconfirmed" => !waits,
        _ => false,
    }
}

/// Moves the clock on until the post is at rest.
pub async fn settle(stack: &Stack, staff: &Client, stage: Stage, id: &str, text: &str) -> Result<Settled> {
    let mut passed = 0;
    loop {
        // What is due now is done now, in real time.
        let quiet = Instant::now() + Duration::from_millis(if passed == 0 { 1_500 } else { 400 });
        let post = loop {
            let post = author::post(staff, id).await?.body;
            if at_rest(&post) || Instant::now() > quiet {
                break post;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        };
        if at_rest(&post) {
            let status = author::delivery(&post).to_owned();
            let created = author::published(&stack.world, stage, text).await?.len();
            return Ok(Settled { status, created, recovered_in_s: passed, met: true });
        }
        if passed > MOST_SIMULATED_S {
            return Err(format!("not at rest after {passed} simulated seconds: {post:#}").into());
        }
        let step = if passed < 60 { 5 } else { 20 };
        stack.pass(step).await?;
        passed += step;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    }
}

/// Whether what came of it is right.
pub async fn judge(stack: &Stack, staff: &Client, case: &Case, id: &str, text: &str, settled: &Settled) -> Result<()> {
    let wrong = |why: &str| Err(format!("{why}: {settled:?}").into());
    if settled.created > 1 {
        return wrong("a duplicate");
    }
    if matches!(case.trouble, Trouble::Killed { .. }) && settled.recovered_in_s > RECOVERY_S {
        return wrong("at rest too late");
    }
    match settled.status.as_str() {
        "published" if settled.created == 1 => Ok(()),
        "published" => wrong("published, and the platform has none"),
        "scheduled" if case.is_told_to_wait() && settled.created == 0 => Ok(()),
        "unconfirmed" if has_no_proof(case.stage) => Ok(()),
        "unconfirmed" => wrong("unconfirmed although the platform can tell"),
        "failed" if settled.created == 0 => {
            let kind = |fault: &Value| fault["kind"].as_str().unwrap_or_default().to_owned();
            let may = matches!(&case.trouble, Trouble::Fault { fault, .. } if !kind(fault).contains("after"));
            if may { Ok(()) } else { wrong("given up although nothing stood in the way for good") }
        }
        // The platform refused what it had taken. Whoever tries again must not make a second one.
        "failed" => again(stack, staff, case, id, text).await,
        _ => wrong("an end that is none"),
    }
}

async fn again(stack: &Stack, staff: &Client, case: &Case, id: &str, text: &str) -> Result<()> {
    let _ = staff.post_empty(&format!("/api/social/posts/{id}/retry")).await?.expect(202);
    let settled = settle(stack, staff, case.stage, id, text).await?;
    match (settled.status.as_str(), settled.created) {
        ("published" | "unconfirmed", 1) => Ok(()),
        _ => Err(format!("refused although taken, and then a retry: {settled:?}").into()),
    }
}
