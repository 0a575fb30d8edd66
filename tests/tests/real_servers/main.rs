//! Real implementations instead of our own reading of the documents: a Bluesky server with its directory, a server of
//! the Mastodon API, a certified OpenID provider. `tests/real/README.md` says what they are.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may panic as the tests do

mod bluesky;
mod bluesky_posts;
mod mastodon;
mod mastodon_posts;
mod openid;

use std::time::Duration;

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use reqwest::Url;
use serde_json::{Value, json};

/// The workspace of every test.
pub const WORKSPACE: &str = "w_real";

/// `localhost:PORT` of an address that a server printed.
pub fn authority(address: &Value) -> String {
    address.as_str().unwrap().trim_start_matches("http://").to_owned()
}

/// Takes a consent's redirect back to the stack, and answers the connection that it made.
pub async fn come_back(staff: &Client, callback: &Url) -> Result<String> {
    let path = format!("{}?{}", callback.path(), callback.query().unwrap_or_default());
    Ok(consent::landing(&staff.get(&path).await?)?.connection()?.to_owned())
}

/// Starts a consent, and answers the page that the person is sent to.
pub async fn begin(staff: &Client, talent: &str, platform: &str, handle: &str) -> Result<Url> {
    let body = json!({"platform": platform, "userId": talent, "handle": handle, "returnTo": "/done"});
    Ok(Url::parse(&consent::start(staff, &body).await?)?)
}

/// Whether nothing is left to erase, and every token was revoked by its platform's own word.
pub async fn erased(stack: &Stack, connection: &str) -> Result<()> {
    let rows = Rows::of(stack).await?;
    let pk = format!("w#{WORKSPACE}#c#{connection}");
    until("the end of erasing", async || Ok(rows.of_partition(&pk, "erase#").await?.is_empty())).await?;
    assert!(rows.of_partition(&pk, "tokens").await?.is_empty());
    let log = std::fs::read_to_string(stack.data().join("herald.log"))?;
    assert!(log.contains("\"social_erase\"") && !log.contains("tokens destroyed without revocation"), "{log}");
    Ok(())
}

/// How many calls of a platform a handler has made since the recording began.
pub async fn platform_calls(stack: &Stack, handler: &str) -> Result<usize> {
    let recorded = stack.client.get("/local/crossings").await?.expect(200).body;
    let ours = |seen: &&Value| seen["handler"] == handler && seen["service"] == "platform";
    Ok(recorded["crossings"].as_array().into_iter().flatten().filter(ours).count())
}

/// Lets time pass, though not on the real server, until a post has come to its end.
pub async fn in_time(stack: &Stack, staff: &Client, id: &str) -> Result<Value> {
    let ended = author::is(&["published", "partial", "failed"]);
    for _ in 0..40 {
        if let Ok(post) = author::within(staff, id, Duration::from_millis(400), &ended).await {
            return Ok(post);
        }
        stack.pass(10).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    }
    Err(format!("not in seven minutes: {:#}", author::post(staff, id).await?.body).into())
}
