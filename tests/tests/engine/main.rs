//! The table is the truth, the queue is only a doorbell: what holds when rings are lost or repeated, workers die, wake
//! up late or are not there at all, and the database answers as DynamoDB does on a bad day.

mod backlog;
mod clock;
mod faults;
mod figures;
mod rings;
mod workers;

use std::collections::BTreeMap;

use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

/// The workspace of these tests.
pub const WORKSPACE: &str = "w_engine";
/// The talent of most of them.
pub const TALENT: &str = "ann";

/// Staff with the talent of these tests, whose token outlives every move of the clock.
pub async fn staff(stack: &Stack) -> Result<Client> {
    let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
    let staff = stack.client.with_token(token);
    staff.talent(TALENT).await?;
    Ok(staff)
}

/// Runs the schedule that rings for what is due.
pub async fn ring_due(stack: &Stack) -> Result<()> {
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    Ok(())
}

/// Switches a fault of the stack itself on.
pub async fn fault(stack: &Stack, fault: Value) -> Result<()> {
    let _ = stack.control("/faults", &fault).await?.expect(200);
    Ok(())
}

/// Switches all of them off.
pub async fn heal(stack: &Stack) -> Result<()> {
    let _ = stack.client.delete("/local/faults").await?.expect(200);
    Ok(())
}

/// Counts calls from now on.
pub async fn count(stack: &Stack) -> Result<()> {
    let _ = stack.client.delete("/local/crossings").await?.expect(200);
    Ok(())
}

/// The calls of a handler since [`count`].
pub async fn calls(stack: &Stack, handler: &str) -> Result<BTreeMap<String, u64>> {
    let all = stack.client.get("/local/calls").await?.expect(200).body;
    Ok(serde_json::from_value(all.get(handler).cloned().unwrap_or(json!({})))?)
}

/// What the queue of syncs holds of a kind: `waiting`, `delayed`, `in_flight`.
pub async fn queued(stack: &Stack, what: &str) -> Result<u64> {
    let depths = stack.client.get("/local/queues").await?.expect(200).body;
    depths["ingest"][what].as_u64().ok_or_else(|| format!("no {what} in {depths}").into())
}

/// How often the world was asked about each account.
pub async fn looks(stack: &Stack, platform: &str) -> Result<BTreeMap<String, usize>> {
    let mut looks = BTreeMap::new();
    for request in stack.world.look(&format!("/requests?platform={platform}")).await?.as_array().into_iter().flatten() {
        *looks.entry(request["account"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    Ok(looks)
}
