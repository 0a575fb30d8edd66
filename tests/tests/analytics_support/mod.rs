//! What the suites of figures share.

#![allow(dead_code, reason = "each suite uses its part")]

use herald_tests::client::Client;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use serde_json::{Value, json};

/// When these suites begin, whatever day it is: the newest posts of the accounts of the world are 26 days old.
const BEGIN: &str = "2026-11-27T12:00:00Z";

/// Brings a new stack to [`BEGIN`]; staff of a workspace with the talent `ann`, signed in for years.
pub async fn staff(stack: &Stack) -> Result<Client> {
    let now: Timestamp = stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?;
    stack.pass(BEGIN.parse::<Timestamp>()?.as_second() - now.as_second()).await?;
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

/// Rings for what is due, and waits until nothing of it is left.
pub async fn sweep(stack: &Stack) -> Result<()> {
    let _ = stack.control("/schedules/schedules.analytics_sweep", &json!({})).await?.expect(200);
    let mut ended = Ok(());
    // Many accounts on a busy machine take longer than a person would wait.
    for _ in 0..40 {
        ended = until("the end of the sweep", async || {
            let queues = stack.client.get("/local/queues").await?.expect(200).body;
            Ok(["waiting", "in_flight"].iter().all(|part| queues["sweep"][part].as_u64() == Some(0)))
        })
        .await;
        if ended.is_ok() {
            break;
        }
    }
    ended
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

/// A number of an answer; 0 where there is none.
pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// The looks at one post, as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The platform's id of the post (on Bluesky its record key).
    pub id: String,
    /// The looks, oldest first.
    pub looks: Vec<Value>,
    /// When the next one is due, in seconds.
    pub next_s: Option<i64>,
}

/// The looks at an account's posts.
pub async fn looks(stack: &Stack, connection: &str) -> Result<Vec<Row>> {
    let rows = Rows::of(stack).await?.of_partition(&format!("w#agency#c#{connection}"), "look#").await?;
    let read = |row: &Value| -> Result<Row> {
        let sk = row["sk"]["S"].as_str().unwrap_or_default();
        let id = sk.splitn(3, '#').nth(2).unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let next = row["next_at"]["N"].as_str().and_then(|ms| ms.parse::<i64>().ok());
        Ok(Row {
            id,
            looks: serde_json::from_str(row["looks"]["S"].as_str().unwrap_or("[]"))?,
            next_s: next.map(|ms| ms / 1000),
        })
    };
    rows.iter().map(read).collect()
}

/// Links an account by tokens that its owner consented to elsewhere, and waits for the first sync.
pub async fn hand_over(stack: &Stack, admin: &Client, platform: &str, handle: &str) -> Result<String> {
    let issued =
        stack.world.control(&format!("/accounts/{platform}/{handle}/issue-token"), &json!({})).await?.expect(201).body;
    let mut body =
        json!({"talentId": "ann", "platform": platform, "handle": handle, "accessToken": issued["accessToken"]});
    if issued["refreshToken"].is_string() {
        body["refreshToken"] = issued["refreshToken"].clone();
    }
    let id = admin.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned();
    let done = admin.done("ann", &id).await?;
    assert_eq!(done["syncStatus"], "READY", "{done}");
    Ok(id)
}

/// Lets time pass, and waits until the account has been synced after it.
pub async fn pass(stack: &Stack, admin: &Client, connection: &str, seconds: i64) -> Result<()> {
    let before = admin.connection("ann", connection).await?["lastSyncedAt"].clone();
    stack.pass(seconds).await?;
    let again = |c: &Value| c["syncStatus"] == "READY" && c["lastSyncedAt"] != before;
    admin.settled("ann", connection, std::time::Duration::from_secs(20), again).await?;
    Ok(())
}
