//! No secret stands anywhere in the clear: not in what is printed, logged or answered, and not in the data folder.

use std::path::{Path, PathBuf};

use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::stack::{Stack, World};
use serde_json::{Value, json};

/// A secret shorter than this could stand somewhere by chance.
const SHORTEST: usize = 12;

/// Runs the whole main job, with everything that makes or uses a secret, and keeps every body that came back.
async fn main_job(stack: &Stack) -> Result<Vec<String>> {
    let mut bodies = Vec::new();
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    let mut ids = Vec::new();
    for (platform, account) in [
        ("INSTAGRAM", "ann.one"),
        ("TIKTOK", "ann.one"),
        ("YOUTUBE", "annone"),
        ("MASTODON", "ann@mastodon.example"),
        ("BLUESKY", "ann.bsky.social"),
    ] {
        ids.push(consent::link(&admin, "ann", platform, account).await?);
    }
    let issued = stack.world.control("/accounts/TIKTOK/bob.two/issue-token", &json!({})).await?.expect(201).body;
    let password = stack.world.account("BLUESKY", "bob.bsky.social").await?["appPassword"].clone();
    for body in [
        json!({"platform": "TIKTOK", "talentId": "ann", "handle": "bob.two", "accessToken": issued["accessToken"], "refreshToken": issued["refreshToken"]}),
        json!({"platform": "BLUESKY", "talentId": "ann", "handle": "bob.bsky.social", "accessToken": password}),
        // Refused ones are not echoed either.
        json!({"platform": "BLUESKY", "talentId": "ann", "handle": "bob.bsky.social", "accessToken": issued["accessToken"]}),
        json!({"platform": issued["accessToken"], "talentId": "ann", "handle": issued["refreshToken"], "accessToken": 1}),
        json!({"platform": "TIKTOK", "talentId": "ann", issued["accessToken"].as_str().unwrap_or_default(): "x"}),
    ] {
        let reply = admin.post("/api/socials/oauth/callback", &body).await?;
        bodies.push(reply.text.clone());
        if reply.status == 201 {
            ids.push(reply.text_of("connectionId").to_owned());
        }
    }
    assert_eq!(ids.len(), 7, "{bodies:?}");
    for id in &ids {
        let done = admin.done("ann", id).await?;
        assert_eq!(done["syncStatus"], "READY", "{done}");
        bodies.push(done.to_string());
    }
    // Two days on, what can be renewed has been.
    stack.pass(2 * 86_400).await?;
    for _ in 0..3 {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?;
    }
    for id in &ids {
        bodies.push(admin.done("ann", id).await?.to_string());
    }
    for id in ids.iter().take(2) {
        bodies.push(admin.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200).text);
    }
    bodies.push(admin.delete(&format!("/api/admin/socials/{}", ids[2])).await?.expect(200).text);
    settled(&admin).await?;
    for path in ["/api/admin/queue-stats", "/api/capabilities", "/api/admin/talent/ann/social-intelligence"] {
        bodies.push(admin.get(path).await?.text);
    }
    Ok(bodies)
}

/// Waits until the workers have nothing left to do.
async fn settled(admin: &Client) -> Result<()> {
    until("every queue is empty", async || {
        let stats = admin.get("/api/admin/queue-stats").await?.expect(200).body;
        let busy = |queue: &Value| ["waiting", "inFlight"].iter().any(|field| queue[field] != 0);
        Ok(!stats["queues"].as_array().is_some_and(|queues| queues.iter().any(busy)))
    })
    .await
}

/// Every secret that the world has handed out, and ours.
async fn secrets(world: &World) -> Result<Vec<String>> {
    let all = world.look("/tokens").await?;
    let values = all.as_array().cloned().unwrap_or_default();
    let mut known: Vec<String> = values.iter().filter_map(|t| Some(t["value"].as_str()?.to_owned())).collect();
    known.extend([
        simulator::INSTAGRAM_CLIENT_SECRET.to_owned(),
        simulator::TIKTOK_CLIENT_SECRET.to_owned(),
        simulator::YOUTUBE_CLIENT_SECRET.to_owned(),
        simulator::YOUTUBE_API_KEY.to_owned(),
    ]);
    known.retain(|secret| secret.len() >= SHORTEST);
    Ok(known)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = hay[from..].iter().position(|byte| byte == first).map(|at| at + from) {
        if hay[at + 1..].starts_with(rest) {
            return true;
        }
        from = at + 1;
    }
    false
}

#[tokio::test]
async fn no_secret_is_printed_logged_answered_or_stored_in_the_clear() -> Result<()> {
    let mut stack = Stack::with(World::start().await?, &[("HERALD_LOG", "debug")]).await?;
    let bodies = main_job(&stack).await?;
    let known = secrets(&stack.world).await?;
    let kinds = stack.world.look("/tokens").await?;
    for kind in ["accessToken", "refreshToken", "clientSecret", "code"] {
        let seen = kinds.as_array().is_some_and(|all| all.iter().any(|t| t["kind"] == kind));
        assert!(seen, "the job made no {kind}, so nothing could be found");
    }
    assert!(stack.terminate().await?.success());

    // The tokens of the stack's own start are for the person who reads them; they are not the platforms'.
    let mut places: Vec<(String, Vec<u8>)> = vec![
        ("an answer".to_owned(), bodies.join("\n").into_bytes()),
        ("what was printed".to_owned(), stack.lines().join("\n").into_bytes()),
    ];
    let stored = files(stack.data())?;
    for expected in ["database.sqlite", "herald.log"] {
        assert!(stored.iter().any(|path| path.ends_with(expected)), "{expected} is not there to be searched");
    }
    for path in stored {
        places.push((path.display().to_string(), std::fs::read(&path)?));
    }
    for secret in &known {
        for (place, bytes) in &places {
            let shown = &secret[..4];
            assert!(!holds(bytes, secret.as_bytes()), "a secret that begins with {shown} stands in {place}");
        }
    }
    // The search itself works: what is no secret is found.
    assert!(places.iter().any(|(_, bytes)| holds(bytes, b"ann.bsky.social")));
    Ok(())
}
