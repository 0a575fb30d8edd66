//! Letting a post come to rest in simulated time, and judging what the platform says of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::cases::{Case, Trouble};
use crate::scenes::{Scene, comment_on};

/// How a post came to rest.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The delivery's status.
    pub status: String,
    /// How often the platform says it was made.
    pub created: usize,
    /// How often the platform says its first comment was made.
    pub comments: usize,
    /// The status of the first comment; empty where there is none.
    pub follow_up: String,
    /// What the outside was told of it: the distinct ids, each with its name.
    pub told: BTreeSet<(String, String)>,
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

/// How long work that is under way is waited for before the clock goes on all the same: a call that hangs is to be
/// overtaken by its lease.
const PATIENCE: Duration = Duration::from_millis(1_500);

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
        // A first comment may have to wait until tomorrow.
        "published" => !waits || far_off(delivery),
        "failed" | "missed" => !waits,
        // Until tomorrow, says the platform.
        "scheduled" if delivery["errorCode"] == "rate_limited" => far_off(delivery),
        "unconfirmed" => !waits,
        _ => false,
    }
}

/// The event that the outside is told of this end.
fn event_of(status: &str) -> Option<&'static str> {
    match status {
        "published" => Some("post.published"),
        "failed" => Some("post.failed"),
        "unconfirmed" => Some("post.unconfirmed"),
        "missed" => Some("post.missed"),
        _ => None,
    }
}

/// What the outside was told of a post.
async fn told(stack: &Stack, id: &str) -> Result<BTreeSet<(String, String)>> {
    let all = stack.client.get("/local/events").await?.expect(200).body["events"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own = all.as_array().into_iter().flatten().filter(|event| event["detail"]["postId"] == id);
    Ok(own.map(|event| (text(&event["detail"]["id"]), text(&event["detail-type"]))).collect())
}

/// Waits until no message waits and none is under way.
async fn quiet(stack: &Stack) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let queues = stack.client.get("/local/queues").await?.expect(200).body;
        let busy = |kind: &str| queues[kind]["waiting"] != 0 || queues[kind]["in_flight"] != 0;
        if !(busy("publish") || busy("notify")) || Instant::now() > until {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Moves the clock on until the post is at rest and the outside has been told.
pub async fn settle(stack: &Stack, staff: &Client, scene: &Scene, id: &str, text: &str) -> Result<Settled> {
    let (mut passed, mut rested) = (0, None);
    loop {
        quiet(stack).await?;
        let post = author::post(staff, id).await?.body;
        let status = author::delivery(&post).to_owned();
        let told = told(stack, id).await?;
        if at_rest(&post) {
            let recovered_in_s = *rested.get_or_insert((passed - scene.ahead_s()).max(0));
            if event_of(&status).is_none_or(|name| told.iter().any(|(_, had)| had == name)) {
                let created = author::published(&stack.world, scene.stage, text).await?.len();
                let follow_up = post["deliveries"][0]["followUps"][0]["status"].as_str().unwrap_or_default().to_owned();
                let comments = if scene.comment { comments(stack, scene, text).await? } else { 0 };
                return Ok(Settled { status, created, comments, follow_up, told, recovered_in_s, met: true });
            }
        }
        if passed > MOST_SIMULATED_S {
            return Err(format!("not at rest after {passed} simulated seconds; told {told:?}: {post:#}").into());
        }
        let step = if passed < 60 { 5 } else { 20 };
        stack.pass(step).await?;
        passed += step;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    }
}

async fn comments(stack: &Stack, scene: &Scene, text: &str) -> Result<usize> {
    let all = stack.world.look(&format!("/publications?platform={}&kind=comment", scene.stage.platform)).await?;
    let wanted = comment_on(text);
    Ok(all.as_array().into_iter().flatten().filter(|made| made["text"] == wanted.as_str()).count())
}

/// Whether what came of it is right.
pub async fn judge(stack: &Stack, staff: &Client, case: &Case, id: &str, text: &str, settled: &Settled) -> Result<()> {
    let wrong = |why: &str| Err(format!("{why}: {settled:?}").into());
    if settled.created > 1 {
        return wrong("a duplicate");
    }
    if settled.comments > 1 {
        return wrong("a first comment made twice");
    }
    if matches!(case.trouble, Trouble::Killed { .. }) && settled.recovered_in_s > RECOVERY_S {
        return wrong("at rest too late");
    }
    let mut names: Vec<&str> = settled.told.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    if names.iter().copied().ne(event_of(&settled.status)) {
        return wrong("told what did not happen, or one thing under two ids");
    }
    match settled.status.as_str() {
        "published" if settled.created == 1 => follow_up(case, settled),
        "published" => wrong("published, and the platform has none"),
        "scheduled" if case.is_told_to_wait() && settled.created == 0 => Ok(()),
        "unconfirmed" if !case.scene.proof => Ok(()),
        "unconfirmed" => wrong("unconfirmed although the platform can tell"),
        "failed" if settled.created == 0 && case.may_fail() => Ok(()),
        "failed" if settled.created == 0 => wrong("given up although nothing stood in the way for good"),
        // The platform refused what it had taken, and nothing shows it: the platform's word is all there is. Whoever tries
        // again must not make a second one.
        "failed" if !case.scene.proof && case.is_refused_although_taken() => again(stack, staff, case, id, text).await,
        "failed" => wrong("failed although it is live"),
        _ => wrong("an end that is none"),
    }
}

fn follow_up(case: &Case, settled: &Settled) -> Result<()> {
    let is_right = match settled.follow_up.as_str() {
        "" => !case.scene.comment || case.is_told_to_wait(),
        "published" => settled.comments == 1,
        // It never touches the post; where nothing shows what became of it, it is not sent again.
        "failed" if case.scene.proof => {
            settled.comments == 0 && matches!(case.trouble, Trouble::Fault { operation: "comment", .. })
        }
        "failed" => true,
        _ => false,
    };
    if is_right { Ok(()) } else { Err(format!("the first comment: {settled:?}").into()) }
}

async fn again(stack: &Stack, staff: &Client, case: &Case, id: &str, text: &str) -> Result<()> {
    let _ = staff.post_empty(&format!("/api/social/posts/{id}/retry")).await?.expect(202);
    let settled = settle(stack, staff, &case.scene, id, text).await?;
    match (settled.status.as_str(), settled.created) {
        ("published" | "unconfirmed", 1) => Ok(()),
        _ => Err(format!("refused although taken, and then a retry: {settled:?}").into()),
    }
}
