//! Tokens over their life: renewed in time, once, and never lost to a bad moment.

use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::{SOON, asked, until};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

/// Platforms whose tokens are renewed by a refresh token, with an account and the endpoint that does it.
const REFRESHING: [(&str, &str, &str, &str); 3] = [
    ("TIKTOK", "annsings", "open.tiktokapis.com", "/v2/oauth/token/"),
    ("YOUTUBE", "annsings", "oauth2.googleapis.com", "/token"),
    ("BLUESKY", "ann.bsky.social", "pds.bsky.example", "/oauth/token"),
];

async fn admin(stack: &Stack) -> Result<Client> {
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

async fn linked(admin: &Client, platform: &str, account: &str) -> Result<String> {
    let id = consent::link(admin, "ann", platform, account).await?;
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY", "{platform}");
    Ok(id)
}

async fn request_sync(admin: &Client, id: &str) -> Result<()> {
    let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    Ok(())
}

async fn expire(stack: &Stack, platform: &str, account: &str) -> Result<()> {
    let path = format!("/accounts/{platform}/{account}/expire-tokens");
    assert!(stack.world.control(&path, &json!({})).await?.expect(200).body["expired"].as_u64() > Some(0));
    Ok(())
}

/// The secrets of one kind that a platform has handed out for an account.
async fn issued(stack: &Stack, platform: &str, account: &str, kind: &str) -> Result<Vec<Value>> {
    let all = stack.world.look(&format!("/accounts/{platform}/{account}/tokens")).await?;
    let fits = |token: &&Value| token["kind"] == kind;
    Ok(all.as_array().into_iter().flatten().filter(fits).map(|token| token["value"].clone()).collect())
}

#[tokio::test]
async fn a_token_that_expired_early_is_renewed_once_and_the_sync_goes_on() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, account, host, path) in REFRESHING {
        let id = linked(&admin, platform, account).await?;
        let before = issued(&stack, platform, account, "accessToken").await?.len();
        expire(&stack, platform, account).await?;
        let _ = stack.world.change(platform, account, &json!({"followerCount": 4710})).await?.expect(200);
        request_sync(&admin, &id).await?;
        let ready = admin.done("ann", &id).await?;
        assert_eq!(
            (&ready["syncStatus"], &ready["profile"]["followerCount"]),
            (&json!("READY"), &json!(4710)),
            "{platform}"
        );
        assert_eq!(
            issued(&stack, platform, account, "accessToken").await?.len(),
            before + 1,
            "{platform}: one refresh"
        );
        assert!(!asked(&stack.world, host, path).await?.is_empty());
        // The new one is kept: the next sync needs no refresh.
        request_sync(&admin, &id).await?;
        assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
        assert_eq!(issued(&stack, platform, account, "accessToken").await?.len(), before + 1, "{platform}");
    }
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end_without_anyone_asking() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    // Life of the access token and how long before its end it has to be new, by the platforms' own documents.
    for (platform, account, life_s, ahead_s) in [
        ("BLUESKY", "ann.bsky.social", 3_600, 600),
        ("YOUTUBE", "annsings", 3_599, 300),
        ("TIKTOK", "annsings", 86_400, 1_800),
        ("INSTAGRAM", "ann.sings", 60 * 86_400, 10 * 86_400),
    ] {
        let id = linked(&admin, platform, account).await?;
        let end = admin.connection("ann", &id).await?["tokenExpiresAt"].clone();
        let (access, refresh) = (
            issued(&stack, platform, account, "accessToken").await?,
            issued(&stack, platform, account, "refreshToken").await?,
        );
        stack.pass(life_s - ahead_s + 60).await?;
        let renewed = async || {
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
            Ok(issued(&stack, platform, account, "accessToken").await?.len() > access.len())
        };
        until(&format!("a renewal at {platform}"), renewed).await?;
        let shown = |c: &Value| c["tokenExpiresAt"].as_str() > end.as_str();
        admin.settled("ann", &id, SOON, shown).await?;
        let rotates = matches!(platform, "TIKTOK" | "BLUESKY");
        let now = issued(&stack, platform, account, "refreshToken").await?;
        assert_eq!(now.len() > refresh.len(), rotates, "{platform}: rotation");
        // Gone for ever is what disconnects; what is left behind would only be renewed on.
        let _ = admin.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_moment_during_a_refresh_is_not_a_revocation() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (fault, (platform, account, host, path)) in
        [json!({"kind": "drop"}), json!({"kind": "reject", "status": 503}), json!({"kind": "garbage"})]
            .into_iter()
            .zip(REFRESHING)
    {
        let id = linked(&admin, platform, account).await?;
        expire(&stack, platform, account).await?;
        stack.world.fault(json!({"host": host, "pathContains": path, "fault": fault})).await?;
        request_sync(&admin, &id).await?;
        let waiting = admin.settled("ann", &id, SOON, |c| c["syncError"] != Value::Null).await?;
        let shown = (&waiting["syncStatus"], &waiting["syncErrorCode"], &waiting["connected"]);
        assert_eq!(shown, (&json!("SYNCING"), &json!("connection_timeout"), &json!(true)), "{platform}");
        stack.pass(2).await?;
        let recovered = admin.done("ann", &id).await?;
        assert_eq!((&recovered["syncStatus"], &recovered["syncError"]), (&json!("READY"), &Value::Null), "{platform}");
    }
    Ok(())
}

#[tokio::test]
async fn a_renewal_that_nobody_could_hear_is_tried_again_before_the_token_ends() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let (platform, account, host, path) = REFRESHING[1];
    let id = linked(&admin, platform, account).await?;
    stack.world.fault(json!({"host": host, "pathContains": path, "times": 3, "fault": {"kind": "drop"}})).await?;
    let before = issued(&stack, platform, account, "accessToken").await?.len();
    stack.pass(3_599 - 300 + 10).await?;
    until("the renewal", async || {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        stack.pass(5).await?;
        Ok(issued(&stack, platform, account, "accessToken").await?.len() > before)
    })
    .await?;
    let connection = admin.connection("ann", &id).await?;
    assert_ne!(connection["syncErrorCode"], "token_expired");
    assert_eq!(asked(&stack.world, host, path).await?.len(), 1 + 3 + 1, "code, three failures, success");
    Ok(())
}

#[tokio::test]
async fn an_empty_refresh_token_in_an_answer_does_not_erase_the_good_one() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (refresh, account) in [(json!(""), "annsings"), (Value::Null, "bobsings")] {
        let id = linked(&admin, "TIKTOK", account).await?;
        expire(&stack, "TIKTOK", account).await?;
        let elsewhere = stack.world.control(&format!("/accounts/TIKTOK/{account}/issue-token"), &json!({})).await?;
        let truth = stack.world.account("TIKTOK", account).await?;
        // A good access token, and a refresh token that is empty or not there.
        let mut answer = json!({"access_token": elsewhere.body["accessToken"], "expires_in": 86_400, "open_id": truth["id"],
            "scope": "user.info.basic,user.info.profile,user.info.stats,video.list", "token_type": "Bearer"});
        if refresh.is_string() {
            answer["refresh_token"] = refresh;
        }
        let instead = json!({"kind": "reject", "status": 200, "body": answer});
        stack
            .world
            .fault(json!({"host": "open.tiktokapis.com", "pathContains": "/v2/oauth/token/", "fault": instead}))
            .await?;
        request_sync(&admin, &id).await?;
        assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
        // The next refresh needs the first refresh token.
        expire(&stack, "TIKTOK", account).await?;
        request_sync(&admin, &id).await?;
        let ready = admin.done("ann", &id).await?;
        assert_eq!((&ready["syncStatus"], &ready["syncError"]), (&json!("READY"), &Value::Null));
    }
    Ok(())
}

#[tokio::test]
async fn a_handed_over_token_that_the_platform_refuses_never_looks_ready() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, handle) in [
        ("INSTAGRAM", "ann.sings"),
        ("TIKTOK", "annsings"),
        ("YOUTUBE", "annsings"),
        ("MASTODON", "ann@mastodon.example"),
    ] {
        let body =
            json!({"talentId": "ann", "platform": platform, "handle": handle, "accessToken": "made-up-by-somebody"});
        let reply = admin.post("/api/socials/oauth/callback", &body).await?.expect(201);
        let refused = admin.done("ann", reply.text_of("connectionId")).await?;
        let shown = (&refused["syncStatus"], &refused["syncErrorCode"], &refused["profile"]);
        assert_eq!(shown, (&json!("ERROR"), &json!("token_expired"), &Value::Null), "{platform}: {refused}");
        assert_eq!(refused["syncError"], "Token expired. Reconnect via OAuth.");
    }
    Ok(())
}
