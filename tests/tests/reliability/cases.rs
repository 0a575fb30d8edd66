//! What can go wrong, and how it is brought about.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::scenes::{Scene, staff};
use crate::settle::{self, Settled};

/// What an undisturbed publish was seen to do.
#[derive(Debug)]
pub struct Seen {
    /// What it called, in order: handler and call.
    pub calls: Vec<(String, String)>,
    /// The platform's operations that were met.
    pub operations: BTreeSet<String>,
}

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

/// Trouble in a scene.
#[derive(Debug, Clone)]
pub struct Case {
    pub scene: Scene,
    pub trouble: Trouble,
}

impl Case {
    /// The fault that the platform shows, if it is one.
    fn fault(&self) -> &str {
        match &self.trouble {
            Trouble::Fault { fault, .. } => fault["kind"].as_str().unwrap_or_default(),
            _ => "",
        }
    }

    /// Whether the account's consent may be dead afterwards, which no later case must inherit.
    pub fn spends_the_account(&self) -> bool {
        matches!(self.fault(), "expire_token" | "revoke_token")
    }

    /// Whether the platform asks to wait for longer than a post's window: nothing is wrong, and nothing is out.
    pub fn is_told_to_wait(&self) -> bool {
        matches!(self.fault(), "rate_limit" | "quota_exhausted")
    }

    /// Whether the platform refuses what it has taken.
    pub fn is_refused_although_taken(&self) -> bool {
        self.fault() == "reject_after"
    }

    /// Whether something stands in the way for good, so that giving up is right where nothing was made.
    pub fn may_fail(&self) -> bool {
        matches!(self.trouble, Trouble::Fault { .. }) && !self.fault().contains("after")
    }

    /// Whether it is taken in every run: trouble around the submission itself.
    pub fn is_essential(&self) -> bool {
        match &self.trouble {
            Trouble::Killed { .. } => false,
            Trouble::Fault { operation, .. } => {
                *operation == "submit" && matches!(self.fault(), "drop_after" | "reject_after")
            }
            Trouble::Zombie { after_intent, .. } => *after_intent,
            Trouble::Tripled | Trouble::ClockBack => true,
        }
    }
}

/// Every case of a scene whose publish does what was `seen`.
pub fn all(scene: Scene, seen: &Seen) -> Vec<Case> {
    let calls = &seen.calls;
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
        json!({"kind": "reject_after", "status": 429}),
        json!({"kind": "drop"}),
        json!({"kind": "drop_after"}),
        json!({"kind": "hang_after"}),
        json!({"kind": "truncate"}),
        json!({"kind": "garbage"}),
        json!({"kind": "rate_limit", "retryAfterSeconds": 7}),
        json!({"kind": "rate_limit", "retryAfterSeconds": 90}),
        json!({"kind": "quota_exhausted"}),
        json!({"kind": "delay_after", "ms": 1500}),
        json!({"kind": "expire_token"}),
        json!({"kind": "revoke_token"}),
        json!({"kind": "index_lag", "seconds": 4}),
    ];
    // Where nothing shows what became of a message and nothing refuses a second one, a 429 is taken at its word.
    let is_believed = |fault: &Value| scene.stage.platform == "TELEGRAM" && fault["status"] == 429;
    let submit = submit.into_iter().filter(|fault| !is_believed(fault));
    troubles.extend(submit.map(|fault| Trouble::Fault { operation: "submit", fault }));
    let around = [json!({"kind": "reject", "status": 503}), json!({"kind": "drop"}), json!({"kind": "garbage"})];
    for operation in ["init", "upload", "finish", "status", "read", "limits"] {
        // Read is only what is doubted.
        if !(seen.operations.contains(operation) || operation == "read" && scene.proof) {
            continue;
        }
        troubles.extend(around.iter().map(|fault| Trouble::Fault { operation, fault: fault.clone() }));
    }
    if !scene.media.is_empty() {
        troubles.push(Trouble::Fault { operation: "submit", fault: json!({"kind": "fail_processing"}) });
        for operation in ["upload", "submit"].into_iter().filter(|name| seen.operations.contains(*name)) {
            let fault = json!({"kind": "cut", "afterBytes": 1_000_000});
            troubles.push(Trouble::Fault { operation, fault });
        }
        if seen.operations.contains("init") {
            troubles.push(Trouble::Fault { operation: "init", fault: json!({"kind": "media_refused"}) });
        }
    }
    if scene.comment {
        let faults = [
            json!({"kind": "reject", "status": 500}),
            json!({"kind": "reject_after", "status": 500}),
            json!({"kind": "reject_after", "status": 400}),
            json!({"kind": "drop_after"}),
            json!({"kind": "rate_limit", "retryAfterSeconds": 7}),
        ];
        troubles.extend(faults.map(|fault| Trouble::Fault { operation: "comment", fault }));
    }
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
    troubles.into_iter().map(|trouble| Case { scene, trouble }).collect()
}

/// Publishes once, undisturbed, and answers what it called.
pub async fn record(stack: &Stack, staff: &Client, scene: &Scene) -> Result<Seen> {
    let _ = stack.client.delete("/local/crossings").await?.expect(200);
    let before = operations(stack, scene).await?.len();
    let text = format!("nothing disturbs this one of {}", scene.name);
    let id = ask(stack, staff, scene, &text, "recorded").await?;
    let settled = settle::settle(stack, staff, scene, &id, &text).await?;
    if settled.status != "published" || settled.created != 1 || settled.comments != usize::from(scene.comment) {
        return Err(format!("{}: not published although nothing was disturbed: {settled:?}", scene.name).into());
    }
    let handlers = scene.handlers();
    let recorded = stack.client.get("/local/crossings").await?.expect(200);
    let mut calls: Vec<(usize, String, String)> = Vec::new();
    for seen in recorded.body["crossings"].as_array().ok_or("nothing recorded")? {
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let place = handlers.iter().position(|handler| *handler == text("handler"));
        calls.extend(place.map(|place| (place, text("handler"), format!("{}.{}", text("service"), text("operation")))));
    }
    // Every tick looks into every shard of the index; one look stands for all of them.
    let mut looks = 0;
    calls.retain(|(_, handler, call)| {
        let is_look = handler == "schedules.ring_due" && call == "dynamodb.Query";
        looks += usize::from(is_look);
        !is_look || looks == 1
    });
    calls.sort_by_key(|(place, ..)| *place);
    let calls = calls.into_iter().map(|(_, handler, call)| (handler, call)).collect();
    let operations = operations(stack, scene).await?.into_iter().skip(before).collect();
    Ok(Seen { calls, operations })
}

/// The platform's operations that were met so far, in order.
async fn operations(stack: &Stack, scene: &Scene) -> Result<Vec<String>> {
    let met = stack.world.look(&format!("/requests?platform={}", scene.stage.platform)).await?;
    let name = |request: &Value| request["operation"].as_str().unwrap_or_default().to_owned();
    Ok(met.as_array().into_iter().flatten().map(name).collect())
}

/// Asks for the post; the same `key` stands for the same request.
async fn ask(stack: &Stack, staff: &Client, scene: &Scene, text: &str, key: &str) -> Result<String> {
    let mut post = scene.post(text);
    if let Some(time) = scene.time(stack).await? {
        post["scheduledAt"] = json!(time);
    }
    scene.send(staff, &post, key).await
}

/// Moves the clock on and looks for what is due.
async fn tick(stack: &Stack, seconds: i64) -> Result<()> {
    stack.pass(seconds).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    Ok(())
}

/// Brings the trouble about and says how it ended.
pub async fn run(stack: &mut Stack, case: &Case, n: usize) -> Result<Settled> {
    let staff = staff(stack).await?;
    let scene = &case.scene;
    let text = format!("case {n} of {} at {}", scene.name, std::process::id());
    let mut post = scene.post(&text);
    if let Some(time) = scene.time(stack).await? {
        post["scheduledAt"] = json!(time);
    }
    let key = format!("case-{n}");
    let mut reached = true;
    let ask = async |staff: &Client| scene.send(staff, &post, &key).await;
    let id = match &case.trouble {
        Trouble::Killed { handler, call, nth, after } => {
            let (service, operation) = call.split_once('.').ok_or("a call is service and operation")?;
            let phase = if *after { "after" } else { "before" };
            if handler.starts_with("posts.") && service == "platform" {
                // A server's limits are asked for once in a process.
                stack.kill().await?;
                stack.restart().await?;
            }
            let crash =
                json!({"phase": phase, "nth": nth, "service": service, "operation": operation, "scope": handler});
            let _ = stack.control("/crash", &crash).await?.expect(200);
            let first = ask(&staff).await;
            if let Err(error) = &first
                && error.to_string().starts_with("not accepted")
            {
                return Err(error.to_string().into());
            }
            if dies(stack).await? {
                stack.restart().await?;
            } else if scene.later {
                // How often a scheduled post is taken up depends on where its ticks fall: this time there was no such call.
                let _ = stack.client.delete("/local/crash").await?;
                reached = false;
            } else {
                return Err("the crossing was not reached".into());
            }
            match first {
                Ok(id) => id,
                // The answer was lost; the client sends the same request again.
                Err(_) => ask(&staff).await?,
            }
        }
        Trouble::Fault { operation, fault } => {
            let order = json!({"platform": scene.stage.platform, "operation": operation, "times": 1, "fault": fault});
            let reply = stack.world.control("/faults", &order).await?;
            if reply.status / 100 != 2 {
                return Err(format!("the fault is not known: {}", reply.text).into());
            }
            ask(&staff).await?
        }
        Trouble::Tripled => {
            let _ = stack.control("/faults", &json!({"kind": "doorbell_triple"})).await?.expect(200);
            ask(&staff).await?
        }
        Trouble::Zombie { nth, .. } => {
            let crash = json!({
                "phase": "before", "nth": nth, "service": "platform", "scope": "workers.publish", "stall": true,
            });
            let _ = stack.control("/crash", &crash).await?.expect(200);
            let id = ask(&staff).await?;
            let begun = Instant::now();
            while stack.client.get("/local/crash").await?.body["stalled"] != 1 {
                // Some calls come only when the platform has had time to process.
                if scene.later || begun.elapsed() > Duration::from_secs(1) {
                    tick(stack, 5).await?;
                }
                if begun.elapsed() > Duration::from_secs(30) {
                    return Err("the worker does not come to where it is to stand still".into());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // Its lease runs out, and another worker takes the row.
            for _ in 0..4 {
                tick(stack, 35).await?;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            let _ = stack.client.delete("/local/crash").await?.expect(200);
            id
        }
        Trouble::ClockBack => {
            let fault =
                json!({"platform": scene.stage.platform, "operation": "submit", "fault": {"kind": "drop_after"}});
            stack.world.fault(fault).await?;
            let id = ask(&staff).await?;
            let begun = Instant::now();
            while author::delivery(&author::post(&staff, &id).await?.body) == "scheduled" {
                if scene.later {
                    tick(stack, 5).await?;
                }
                if begun.elapsed() > Duration::from_secs(30) {
                    return Err("nobody takes it up".into());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let _ = stack.client.post("/local/clock", &json!({"advanceSeconds": -300})).await?.expect(200);
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
            let _ = stack.client.post("/local/clock", &json!({"advanceSeconds": 300})).await?.expect(200);
            id
        }
    };
    let settled = settle::settle(stack, &staff, scene, &id, &text).await;
    let faults = stack.world.look("/faults").await?;
    stack.world.heal().await?;
    let _ = stack.client.delete("/local/faults").await?;
    let mut settled = settled?;
    settled.met = reached && !faults.as_array().into_iter().flatten().any(|order| order["hits"] == 0);
    settle::judge(stack, &staff, case, &id, &text, &settled).await?;
    Ok(settled)
}

/// Waits until the armed crash has come, with the clock going on for what has its time; whether it came.
async fn dies(stack: &mut Stack) -> Result<bool> {
    let begun = Instant::now();
    for n in 0.. {
        let patience = if n == 0 { 300 } else { 60 };
        if stack.ended(Duration::from_millis(patience)).await.is_ok() {
            return Ok(true);
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Ok(false);
        }
        // It may end the process before its answer is out.
        if tick(stack, 5).await.is_err() {
            stack.ended(Duration::from_secs(5)).await?;
            return Ok(true);
        }
    }
    Ok(false)
}
