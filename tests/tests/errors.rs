//! Every row of the catalogue of sync errors, end to end: the words, what is tried again, and when.

use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::{SOON, asked, until};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use serde_json::{Value, json};

const HOUR: i64 = 3_600;

async fn admin(stack: &Stack) -> Result<Client> {
    // The clock is moved by days here, and a token must outlive that.
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

#[track_caller]
fn assert_error(connection: &Value, code: &str, sentence: &str, tried_again: bool) {
    let shown = (&connection["syncStatus"], &connection["syncErrorCode"], &connection["syncError"]);
    assert_eq!(shown, (&json!("ERROR"), &json!(code), &json!(sentence)), "{connection}");
    assert_eq!(connection["nextRetryAt"] != Value::Null, tried_again, "{connection}");
}

/// Asks for a sync and waits for its end.
async fn sync(admin: &Client, id: &str) -> Result<Value> {
    let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    admin.done("ann", id).await
}

/// Seconds from the failed attempt to the next one.
fn wait_of(connection: &Value) -> Result<i64> {
    let at =
        |field: &str| connection[field].as_str().ok_or("nothing follows")?.parse::<Timestamp>().map_err(|_| "no time");
    Ok(at("updatedAt")?.duration_until(at("nextRetryAt")?).as_secs_f64().round() as i64)
}

async fn sweep(stack: &Stack) -> Result<()> {
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    Ok(())
}

async fn order(stack: &Stack, platform: &str, account: &str, what: &str) -> Result<()> {
    let _ = stack.world.control(&format!("/accounts/{platform}/{account}/{what}"), &json!({})).await?.expect(200);
    Ok(())
}

/// A talent's consent on every platform, synced once.
const CONSENTS: [(&str, &str); 5] = [
    ("INSTAGRAM", "ann.cooks"),
    ("TIKTOK", "anncooks"),
    ("YOUTUBE", "anncooks"),
    ("MASTODON", "ann@mastodon.example"),
    ("BLUESKY", "ann.bsky.social"),
];

async fn consents(admin: &Client, wanted: &[&str]) -> Result<Vec<(&'static str, &'static str, String)>> {
    let mut linked = Vec::new();
    for (platform, account) in CONSENTS.into_iter().filter(|(platform, _)| wanted.contains(platform)) {
        let id = consent::link(admin, "ann", platform, account).await?;
        assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY", "{platform}");
        linked.push((platform, account, id));
    }
    Ok(linked)
}

#[tokio::test]
async fn what_cannot_pass_is_an_error_at_once_and_is_never_tried_again() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let malformed = json!({"error": "InvalidRequest", "message": "Error: actor must be a valid did or a handle"});
    stack
        .world
        .fault(json!({"platform": "BLUESKY", "fault": {"kind": "reject", "status": 400, "body": malformed}}))
        .await?;
    let wrong_key = json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
        "errors": [{"reason": "badRequest", "message": "API key not valid. Please pass a valid API key."}]}});
    stack
        .world
        .fault(json!({"platform": "YOUTUBE", "fault": {"kind": "reject", "status": 400, "body": wrong_key}}))
        .await?;
    let not_found = ("profile_not_found", "Profile not found on platform");
    let closed = ("oauth_required", "Cannot access profile data. Connect via OAuth to sync this account.");
    let app =
        "Cannot access profile data. The platform refuses this installation's app credentials; ask your administrator.";
    let mut ids = Vec::new();
    for (platform, handle, (code, sentence), tried_again) in [
        ("BLUESKY", "odd.bsky.social", ("invalid_username", "Invalid username format"), false),
        ("BLUESKY", "missing.bsky.social", not_found, false),
        ("MASTODON", "missing@mastodon.example", not_found, false),
        ("MASTODON", "ann@missing.example", not_found, false),
        ("MASTODON", "ann@closed.example", closed, false),
        // The operator can mend this one, and then it heals by itself.
        ("YOUTUBE", "annwrites", ("app_rejected", app), true),
        ("YOUTUBE", "missingann", not_found, false),
    ] {
        let id = admin.connect("ann", platform, handle).await?;
        assert_error(&admin.done("ann", &id).await?, code, sentence, tried_again);
        ids.push((id, tried_again));
    }
    let hosts = ["mastodon.example", "missing.example", "closed.example", "public.api.bsky.app"];
    let calls = async || {
        let mut calls = Vec::new();
        for host in hosts {
            calls.push(asked(&stack.world, host, "").await?.len());
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(calls)
    };
    let before = calls().await?;
    assert_eq!(asked(&stack.world, "mastodon.example", "lookup").await?.len(), 1, "one attempt, not three");
    stack.pass(3 * 24 * HOUR).await?;
    sweep(&stack).await?;
    let (healed, _) = &ids[5];
    admin.settled("ann", healed, SOON, |c| c["syncStatus"] == "READY").await?;
    assert_eq!(calls().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_suspended_account_is_called_that_and_is_looked_at_again_by_the_next_sweep() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let sentence = "Account suspended on platform";
    let mut ids = consents(&admin, &["INSTAGRAM", "YOUTUBE", "MASTODON", "BLUESKY"]).await?;
    for (platform, account, id) in &ids {
        let _ = stack.world.change(platform, account, &json!({"suspended": true})).await?.expect(200);
        assert_error(&sync(&admin, id).await?, "account_suspended", sentence, true);
    }
    for (platform, account) in [("MASTODON", "suspended@mastodon.example"), ("BLUESKY", "suspended.bsky.social")] {
        let id = admin.connect("ann", platform, account).await?;
        assert_error(&admin.done("ann", &id).await?, "account_suspended", sentence, true);
        ids.push((platform, account, id));
    }
    for (platform, account, _) in &ids {
        let _ = stack.world.change(platform, account, &json!({"suspended": false})).await?.expect(200);
    }
    stack.pass(9 * HOUR).await?;
    sweep(&stack).await?;
    for (platform, _, id) in &ids {
        let healed = admin.settled("ann", id, SOON, |c| c["syncStatus"] == "READY").await?;
        assert_eq!(healed["syncError"], Value::Null, "{platform}");
    }
    Ok(())
}

#[tokio::test]
async fn the_platforms_own_waiting_time_replaces_the_backoff() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let consented = consents(&admin, &["INSTAGRAM", "TIKTOK"]).await?;
    let known = |platform: &str| consented.iter().find(|(p, _, _)| *p == platform).map(|(_, _, id)| id.clone());
    for (platform, handle, host, asked_for, waits) in [
        ("MASTODON", "bob@mastodon.example", "mastodon.example", 120, 120),
        ("BLUESKY", "bob.bsky.social", "public.api.bsky.app", 90, 90),
        // Minutes in a header of its own.
        ("INSTAGRAM", "", "graph.instagram.com", 600, 600),
        // No hint, but windows of a minute.
        ("TIKTOK", "", "open.tiktokapis.com", 5, 60),
        // No hint at all: the usual two seconds.
        ("YOUTUBE", "bobwrites", "youtube.googleapis.com", 30, 2),
    ] {
        let limit = json!({"host": host, "fault": {"kind": "rate_limit", "retryAfterSeconds": asked_for}});
        stack.world.fault(limit).await?;
        let id = match known(platform) {
            Some(id) => {
                let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
                id
            }
            None => admin.connect("ann", platform, handle).await?,
        };
        let waiting = admin.settled("ann", &id, SOON, |c| c["syncError"] != Value::Null).await?;
        let shown = (&waiting["syncStatus"], &waiting["syncErrorCode"], &waiting["syncError"]);
        assert_eq!(
            shown,
            (&json!("SYNCING"), &json!("rate_limited"), &json!("API rate limit. Retrying...")),
            "{platform}"
        );
        let wait = wait_of(&waiting)?;
        assert!((waits - 1..=waits).contains(&wait), "{platform} waits {wait} s");
        let calls = asked(&stack.world, host, "").await?.len();
        if waits > 10 {
            stack.pass(waits - 8).await?;
            sweep(&stack).await?;
            assert_eq!(asked(&stack.world, host, "").await?.len(), calls, "{platform} was asked before the time");
        }
        stack.pass(8).await?;
        assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY", "{platform}");
    }
    Ok(())
}

#[tokio::test]
async fn three_attempts_then_an_error_until_the_next_sweep_heals_it() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let timeout = ("connection_timeout", "Connection timeout. Try again.", "Connection timeout. Try again.");
    let limited = ("rate_limited", "API rate limit. Retrying...", "API rate limit. Try again later.");
    let mut ids = Vec::new();
    for (host, fault, words) in [
        ("down.example", json!({"kind": "reject", "status": 503}), timeout),
        ("gateway.example", json!({"kind": "reject", "status": 502, "body": "<html>Bad gateway</html>"}), timeout),
        ("dropped.example", json!({"kind": "drop"}), timeout),
        ("garbage.example", json!({"kind": "garbage"}), timeout),
        ("half.example", json!({"kind": "truncate"}), timeout),
        ("busy.example", json!({"kind": "rate_limit", "retryAfterSeconds": 1}), limited),
    ] {
        stack.world.fault(json!({"host": host, "pathContains": "lookup", "times": 0, "fault": fault})).await?;
        ids.push((admin.connect("ann", "MASTODON", &format!("ann@{host}")).await?, host, words));
    }
    for (id, host, (code, meanwhile, _)) in &ids {
        let waiting = admin.settled("ann", id, SOON, |c| c["syncError"] != Value::Null).await?;
        let shown = (&waiting["syncStatus"], &waiting["syncErrorCode"], &waiting["syncError"]);
        assert_eq!(shown, (&json!("SYNCING"), &json!(code), &json!(meanwhile)), "{host}");
        let wait = wait_of(&waiting)?;
        // A slow machine may have had its second attempt by now.
        let due = if *host == "busy.example" { [1, 1] } else { [2, 4] };
        assert!(due.contains(&wait), "{host} waits {wait} s");
    }
    for attempt in [2, 3] {
        stack.pass(4).await?;
        for (_, host, _) in &ids {
            let next = async || Ok(asked(&stack.world, host, "lookup").await?.len() >= attempt);
            until(&format!("attempt {attempt} at {host}"), next).await?;
        }
    }
    let capabilities = admin.get("/api/capabilities").await?.expect(200).body;
    let mastodon =
        capabilities["platforms"].as_array().and_then(|all| all.iter().find(|p| p["platform"] == "MASTODON"));
    let every = mastodon.and_then(|p| p["sync"]["everySeconds"].as_i64()).ok_or("nobody says how often")?;
    for (id, host, (code, _, finally)) in &ids {
        let given_up = admin.done("ann", id).await?;
        assert_error(&given_up, code, finally, true);
        assert_eq!(asked(&stack.world, host, "lookup").await?.len(), 3, "{host}");
        let wait = wait_of(&given_up)?;
        assert!((every / 4 - 60..=every).contains(&wait), "{host}: the sweep is {wait} s away");
    }
    stack.world.heal().await?;
    // A person need not wait for the sweep.
    assert_eq!(sync(&admin, &ids[0].0).await?["syncStatus"], "READY");
    stack.pass(9 * HOUR + 60).await?;
    sweep(&stack).await?;
    for (id, host, _) in &ids {
        let healed = admin.settled("ann", id, SOON, |c| c["syncStatus"] == "READY").await?;
        assert_eq!((&healed["syncError"], &healed["nextRetryAt"]), (&Value::Null, &Value::Null), "{host}");
    }
    Ok(())
}

#[tokio::test]
async fn a_platform_that_never_answers_is_given_up_on_and_tried_again() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    stack.world.fault(json!({"host": "mute.example", "pathContains": "lookup", "fault": {"kind": "hang"}})).await?;
    let id = admin.connect("ann", "MASTODON", "ann@mute.example").await?;
    let within = std::time::Duration::from_secs(40);
    let waiting = admin.settled("ann", &id, within, |c| c["syncError"] != Value::Null).await?;
    assert_eq!((&waiting["syncStatus"], &waiting["syncErrorCode"]), (&json!("SYNCING"), &json!("connection_timeout")));
    stack.pass(2).await?;
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    Ok(())
}

#[tokio::test]
async fn a_missing_permission_is_named() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, account, id) in consents(&admin, &["INSTAGRAM", "TIKTOK", "YOUTUBE", "MASTODON", "BLUESKY"]).await? {
        let (left, missing): (&[&str], &str) = match platform {
            "INSTAGRAM" => (&[], "instagram_business_basic"),
            "TIKTOK" => (&["user.info.basic", "user.info.profile"], "video.list"),
            "YOUTUBE" => (&[], "https://www.googleapis.com/auth/youtube.readonly"),
            "MASTODON" => (&["read:accounts"], "read:statuses"),
            _ => (&["atproto"], "transition:generic"),
        };
        let _ = stack.world.change(platform, account, &json!({"grantedScopes": left})).await?.expect(200);
        let sentence = format!("Cannot access profile data. Missing permission: {missing}.");
        assert_error(&sync(&admin, &id).await?, "permission_missing", &sentence, false);
        let _ = stack.world.change(platform, account, &json!({"grantedScopes": null})).await?.expect(200);
        assert_eq!(sync(&admin, &id).await?["syncStatus"], "READY", "{platform}");
    }
    Ok(())
}

#[tokio::test]
async fn a_revocation_asks_for_a_reconnect_which_heals_the_same_connection() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, account, id) in consents(&admin, &["INSTAGRAM", "TIKTOK", "YOUTUBE", "MASTODON", "BLUESKY"]).await? {
        let known = admin.connection("ann", &id).await?["profile"].clone();
        order(&stack, platform, account, "revoke-tokens").await?;
        let dead = sync(&admin, &id).await?;
        assert_error(&dead, "token_expired", "Token expired. Reconnect via OAuth.", false);
        assert_eq!((&dead["connected"], &dead["profile"]), (&json!(true), &known), "{platform}: what was known stays");
        assert_eq!(consent::link(&admin, "ann", platform, account).await?, id);
        assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY", "{platform}");
    }
    Ok(())
}
