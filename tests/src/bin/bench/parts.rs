//! What each piece of the main job costs by itself: one caller, one thing at a time.

use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use crate::load::{Cpu, ROWS, cpu, idle};

/// How often each thing is done.
pub const TIMES: usize = 300;
const TALENTS: usize = TIMES / ROWS;

/// A request that does nothing: what the gateway and a function's frame cost.
pub const FRAME: &str = "GET /health: gateway and function";
/// A request that proves its caller. The same token comes each time, so its signature is verified once.
pub const PROVEN: &str = "GET capabilities: and the caller's proof";
/// A request with one call of the table, which finds next to nothing.
pub const ONE_QUERY: &str = "GET a list of no rows: and one query";
/// The request of the bar.
pub const LIST: &str = "GET a list of 20 rows";

/// A piece and its share of CPU time.
pub struct Part {
    /// What was done.
    pub what: &'static str,
    /// CPU time of one.
    pub cpu: Cpu,
}

/// Measures the pieces.
///
/// # Errors
/// When the stack does not do what it should.
pub async fn measure(stack: &Stack) -> Result<Vec<Part>> {
    let admin = stack.admin("parts").await?;
    for talent in 0..TALENTS {
        admin.talent(&format!("t{talent}")).await?;
    }
    admin.talent("nobody").await?;
    let mut bench = Parts { stack, admin, parts: Vec::new() };
    bench.gets(FRAME, |_| "/health".to_owned()).await?;
    bench.gets(PROVEN, |_| "/api/capabilities".to_owned()).await?;
    bench.gets(ONE_QUERY, |_| list_of("nobody")).await?;

    bench.workers(false).await?;
    let mut ids = Vec::new();
    let before = cpu(stack).await?;
    for n in 0..TIMES {
        let talent = format!("t{}", n % TALENTS);
        ids.push(bench.admin.connect(&talent, "BLUESKY", &format!("part{n}.bsky.social")).await?);
    }
    bench.done("POST connect-manual", before).await?;
    bench.work("first sync: two calls of the platform, 40 posts written").await?;
    bench.gets(LIST, |n| list_of(&format!("t{}", n % TALENTS))).await?;

    bench.workers(false).await?;
    let before = cpu(stack).await?;
    for id in &ids {
        let reply = bench.admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?;
        if reply.status != 202 {
            return Err(format!("no sync: {} {}", reply.status, reply.text).into());
        }
    }
    bench.done("POST sync", before).await?;
    bench.work("a sync that finds nothing new: two calls of the platform, 40 posts compared").await?;
    Ok(bench.parts)
}

fn list_of(talent: &str) -> String {
    format!("/api/admin/talent/{talent}/social-connections")
}

struct Parts<'a> {
    stack: &'a Stack,
    admin: Client,
    parts: Vec<Part>,
}

impl Parts<'_> {
    async fn gets(&mut self, what: &'static str, path: impl Fn(usize) -> String) -> Result<()> {
        let before = cpu(self.stack).await?;
        for n in 0..TIMES {
            let reply = self.admin.send(Method::GET, &path(n), &[], None).await?;
            if reply.status != 200 {
                return Err(format!("{what}: {} {}", reply.status, reply.text).into());
            }
        }
        self.done(what, before).await
    }

    async fn done(&mut self, what: &'static str, before: Cpu) -> Result<()> {
        let cpu = cpu(self.stack).await?.since(before).per(TIMES);
        self.parts.push(Part { what, cpu });
        Ok(())
    }

    /// Lets the workers do what has piled up.
    async fn work(&mut self, what: &'static str) -> Result<()> {
        let before = cpu(self.stack).await?;
        self.workers(true).await?;
        idle(self.stack, "ingest").await?;
        self.done(what, before).await
    }

    async fn workers(&self, work: bool) -> Result<()> {
        let fault: Value = json!({"kind": "workers_stopped", "on": !work});
        let reply = self.stack.control("/faults", &fault).await?;
        if reply.status == 200 { Ok(()) } else { Err(format!("the workers do not obey: {}", reply.text).into()) }
    }
}
