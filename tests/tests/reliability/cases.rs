//! What can go wrong, and how it is brought about.

use std::fmt;
use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::settle::{self, Settled};

/// The talent of every case.
pub const TALENT: &str = "ann";
/// The handlers that a publish runs through, in order.
const HANDLERS: [&str; 3] = ["posts.publish", "workers.publish", "workers.notify"];

/// What a publish was seen to call, in order: handler and call.
pub type Calls = Vec<(String, String)>;

/// A kind of trouble.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The process dies at the `nth` call of its kind in a handler, before it is sent or after its effect.
    Killed { handler: String, call: String, nth: usize, after: bool },
    /// The platform shows a fault at the first call of an operation.
    Fault { operation: &'static str, fault: Value },
    /// Every message arrives three times.
    Tripled,
    /// A worker stands still before its `nth` call of the platform until its lease is over and another has taken the row.
    Zombie { nth: usize, after_intent: bool },
    /// The clock goes back five minutes while the platform processes, or after the intent.
    ClockBack,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed { handler, call, nth, after } => {
                let side = if *after { "after" } else { "before" };
                write!(f, "killed {side} {} {call} #{nth}", handler.trim_start_matches("workers."))
            }
            Self::Fault { operation, fault } => {
                let kind = fault["kind"].as_str().unwrap_or_default();
                let status = fault["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
                write!(f, "{operation}: {kind}{status}")
            }
            Self::Tripled => f.write_str("every message three times"),
            Self::Zombie { nth, .. } => write!(f, "a worker wakes after its lease at platform call #{nth}"),
            Self::ClockBack => f.write_str("the clock goes back 5 min"),
        }
    }
}

/// Trouble on a platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub stage: Stage,
    pub trouble: Trouble,
}

impl Case {
    /// Whether the account's consent may be dead afterwards, which no later case must inherit.
    pub fn spends_the_account(&self) -> bool {
        matches!(&self.trouble, Trouble::Fault { fault, .. } if fault["kind"] == "expire_token")
    }

    /// Whether the platform asks to wait for longer than a post's window: nothing is wrong, and nothing is out.
    pub fn is_told_to_wait(&self) -> bool {
        matches!(&self.trouble, Trouble::Fault { fault, .. } if fault["kind"] == "rate_limit")
    }

    /// Whether it is taken in every run: trouble around the submission itself.
    pub fn is_essential(&self) -> bool {
        match &self.trouble {
            Trouble::Killed { .. } => false,
            Trouble::Fault { operation, fault } => {
                *operation == "submit" && matches!(fault["kind"].as_str(), Some("drop_after" | "reject_after"))
            }
            Trouble::Zombie { after_intent, .. } => *after_intent,
            Trouble::Tripled | Trouble::ClockBack => true,
        }
    }
}

/// Every case of a platform whose publish makes these calls.
pub fn all(stage: Stage, calls: &Calls) -> Vec<Case> {
    let mut troubles = Vec::new();
    for at in 0..calls.len() {
        let (handler, call) = &calls[at];
        let nth = calls[..=at].iter().filter(|seen| **seen == calls[at]).count();
        for after in [false, true] {
            troubles.push(Trouble::Killed { handler: handler.clone(), call: call.clone(), nth, after });
        }
    }
    let submit = [
        json!({"kind": "reject", "status": 500}),
        json!({"kind": "reject_after", "status": 500}),
        json!({"kind": "reject_after", "status": 400}),
        json!({"kind": "drop"}),
        json!({"kind": "drop_after"}),
        json!({"kind": "truncate"}),
        json!({"kind": "garbage"}),
        json!({"kind": "rate_limit", "retryAfterSeconds": 7}),
        json!({"kind": "delay_after", "ms": 1500}),
        json!({"kind": "expire_token"}),
        json!({"kind": "index_lag", "seconds": 4}),
    ];
    troubles.extend(submit.map(|fault| Trouble::Fault { operation: "submit", fault }));
    let around = [json!({"kind": "reject", "status": 503}), json!({"kind": "drop"}), json!({"kind": "garbage"})];
    for operation in ["init", "upload", "finish", "status", "read"] {
        troubles.extend(around.iter().map(|fault| Trouble::Fault { operation, fault: fault.clone() }));
    }
    troubles.push(Trouble::Fault { operation: "submit", fault: json!({"kind": "fail_processing"}) });
    let own: Vec<&str> =
        calls.iter().filter(|(by, _)| by == "workers.publish").map(|(_, call)| call.as_str()).collect();
    let mut nth = 0;
    for at in 0..own.len() {
        if own[at].starts_with("platform.") {
            nth += 1;
            // What follows a write of the row follows its intent, or what was prepared before it.
            let after_intent = at > 0 && own[at - 1] == "dynamodb.TransactWriteItems";
            troubles.push(Trouble::Zombie { nth, after_intent });
        }
    }
    troubles.extend([Trouble::Tripled, Trouble::ClockBack]);
    troubles.into_iter().map(|trouble| Case { stage, trouble }).collect()
}

/// Staff whose token outlives every simulated hour.
pub async fn staff(stack: &Stack) -> Result<Client> {
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent(TALENT).await?;
    Ok(staff)
}

/// A stack with an account to publish to.
pub async fn ready(stage: Stage) -> Result<Stack> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    author::connect(&stack, &staff, TALENT, stage).await?;
    Ok(stack)
}

/// Publishes once, undisturbed, and answers what it called.
pub async fn record(stack: &mut Stack, staff: &Client, stage: Stage) -> Result<Calls> {
    let _ = stack.client.delete("/local/crossings").await?.expect(200);
    let text = "nothing disturbs this one";
    let id = author::publish(staff, &stage.post(TALENT, text)).await?;
    let settled = settle::settle(stack, staff, stage, &id, text).await?;
    if settled.status != "published" || settled.created != 1 {
        return Err(format!("{}: not published although nothing was disturbed: {settled:?}", stage.platform).into());
    }
    let recorded = stack.client.get("/local/crossings").await?.expect(200);
    let mut calls: Vec<(usize, String, String)> = Vec::new();
    for seen in recorded.body["crossings"].as_array().ok_or("nothing recorded")? {
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let place = HANDLERS.iter().position(|handler| *handler == text("handler"));
        calls.extend(place.map(|place| (place, text("handler"), format!("{}.{}", text("service"), text("operation")))));
    }
    calls.sort_by_key(|(place, ..)| *place);
    Ok(calls.into_iter().map(|(_, handler, call)| (handler, call)).collect())
}

/// Brings the trouble about and says how it ended.
pub async fn run(stack: &mut Stack, case: &Case, n: usize) -> Result<Settled> {
    let staff = staff(stack).await?;
    let stage = case.stage;
    let text = format!("case {n} of {} at {}", stage.platform, std::process::id());
    let post = stage.post(TALENT, &text);
    let key = format!("{}-{n}", stage.platform);
    let ask = async |staff: &Client| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        staff
            .send(reqwest::Method::POST, "/api/social/posts/publish", &headers, Some(post.to_string().into_bytes()))
            .await
    };
    let id = match &case.trouble {
        Trouble::Killed { handler, call, nth, after } => {
            let (service, operation) = call.split_once('.').ok_or("a call is service and operation")?;
            let phase = if *after { "after" } else { "before" };
            if handler == "posts.publish" && service == "platform" {
                // A server's limits are asked for once in a process.
                stack.kill().await?;
                stack.restart().await?;
            }
            let crash =
                json!({"phase": phase, "nth": nth, "service": service, "operation": operation, "scope": handler});
            let _ = stack.control("/crash", &crash).await?.expect(200);
            let first = ask(&staff).await.ok();
            stack
                .ended(Duration::from_secs(20))
                .await
                .map_err(|error| format!("the crossing was not reached: {error}"))?;
            stack.restart().await?;
            match first {
                Some(reply) => reply.expect(202),
                // The answer was lost; the client sends the same request again.
                None => ask(&staff).await?.expect(202),
            }
        }
        Trouble::Fault { operation, fault } => {
            let reply = stack
                .world
                .control(
                    "/faults",
                    &json!({"platform": stage.platform, "operation": operation, "times": 1, "fault": fault}),
                )
                .await?;
            if reply.status / 100 != 2 {
                return Err(format!("the fault is not known: {}", reply.text).into());
            }
            ask(&staff).await?.expect(202)
        }
        Trouble::Tripled => {
            let _ = stack.control("/faults", &json!({"kind": "doorbell_triple"})).await?.expect(200);
            ask(&staff).await?.expect(202)
        }
        Trouble::Zombie { nth, .. } => {
            let crash = json!({
                "phase": "before", "nth": nth, "service": "platform", "scope": "workers.publish", "stall": true,
            });
            let _ = stack.control("/crash", &crash).await?.expect(200);
            let reply = ask(&staff).await?.expect(202);
            let begun = std::time::Instant::now();
            while stack.client.get("/local/crash").await?.body["stalled"] != 1 {
                // Some calls come only when the platform has had time to process.
                if begun.elapsed() > Duration::from_secs(1) {
                    stack.pass(5).await?;
                    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
                }
                if begun.elapsed() > Duration::from_secs(20) {
                    return Err("the worker does not come to where it is to stand still".into());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // Its lease runs out, and another worker takes the row.
            for _ in 0..4 {
                stack.pass(35).await?;
                let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            let _ = stack.client.delete("/local/crash").await?.expect(200);
            reply
        }
        Trouble::ClockBack => {
            let fault = json!({"platform": stage.platform, "operation": "submit", "fault": {"kind": "drop_after"}});
            stack.world.fault(fault).await?;
            let reply = ask(&staff).await?.expect(202);
            let id = reply.text_of("id").to_owned();
            author::until(&staff, &id, |post| author::delivery(post) != "scheduled").await?;
            let _ = stack.client.post("/local/clock", &json!({"advanceSeconds": -300})).await?.expect(200);
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
            let _ = stack.client.post("/local/clock", &json!({"advanceSeconds": 300})).await?.expect(200);
            reply
        }
    };
    let id = id.text_of("id").to_owned();
    let settled = settle::settle(stack, &staff, stage, &id, &text).await;
    let faults = stack.world.look("/faults").await?;
    stack.world.heal().await?;
    let _ = stack.client.delete("/local/faults").await?;
    let mut settled = settled?;
    settled.met = !faults.as_array().into_iter().flatten().any(|order| order["hits"] == 0);
    settle::judge(stack, &staff, case, &id, &text, &settled).await?;
    Ok(settled)
}
