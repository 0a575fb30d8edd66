//! What the suites of figures share.

#![allow(dead_code, reason = "each suite uses its part")]

use herald_tests::client::Client;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Staff of a workspace with the talent `ann`, signed in for years.
pub async fn staff(stack: &Stack) -> Result<Client> {
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

/// Rings for what is due, and waits until nothing of it is left.
pub async fn sweep(stack: &Stack) -> Result<()> {
    let _ = stack.control("/schedules/schedules.analytics_sweep", &json!({})).await?.expect(200);
    until("the end of the sweep", async || {
        let queues = stack.client.get("/local/queues").await?.expect(200).body;
        Ok(["waiting", "in_flight", "delayed"].iter().all(|part| queues["sweep"][part].as_u64() == Some(0)))
    })
    .await
}

/// What a figure has come to at an age, by the world's law: half of its total after a day.
pub fn grown(total: u64, age_s: i64) -> u64 {
    let age = u128::from(age_s.max(0).unsigned_abs());
    u64::try_from(u128::from(total) * age / (age + 86_400)).unwrap_or(total)
}

/// The closed form of an account of the world.
pub struct Law(pub Value);

impl Law {
    /// Asks the world for it.
    pub async fn of(stack: &Stack, platform: &str, handle: &str) -> Result<Self> {
        Ok(Self(stack.world.look(&format!("/accounts/{platform}/{handle}/law")).await?))
    }

    /// The post with this id.
    pub fn post(&self, id: &str) -> &Value {
        let posts = self.0["posts"].as_array().map(Vec::as_slice).unwrap_or_default();
        posts.iter().find(|post| post["id"] == id).unwrap_or(&Value::Null)
    }

    /// When it went out, in seconds.
    pub fn posted(&self, post: &Value) -> i64 {
        let at = post["publishedAt"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        at.map_or(0, |at| at.as_second())
    }

    /// How many follow the account at an instant.
    pub fn followers(&self, at: Timestamp) -> u64 {
        let since = self.0["since"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).unwrap_or_default();
        let passed = (at.as_second() - since.as_second()).max(0).unsigned_abs();
        let of = |name: &str| self.0[name].as_u64().unwrap_or(0);
        of("followersAtFirst") + of("followersADay") * passed / 86_400
    }
}
