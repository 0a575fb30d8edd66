//! A connection's later life: sync on request, pause, disconnect, delete.

use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::{SOON, served, until};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::{Stack, World};
use serde_json::{Value, json};

async fn admin(stack: &Stack) -> Result<Client> {
    // The clock is moved by days here, and a token must outlive that.
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

/// Whether a platform still serves the newest access token that it gave out for an account.
async fn serves(world: &World, http: &reqwest::Client, platform: &str, account: &str) -> Result<bool> {
    let path = match platform {
        "TIKTOK" => "open.tiktokapis.com/v2/user/info/?fields=open_id",
        "YOUTUBE" => "youtube.googleapis.com/youtube/v3/channels?part=id&mine=true",
        _ => "mastodon.example/api/v1/accounts/verify_credentials",
    };
    let issued = world.look(&format!("/accounts/{platform}/{account}/tokens")).await?;
    let newest = issued.as_array().and_then(|all| all.iter().rfind(|t| t["kind"] == "accessToken").cloned());
    let token = newest.ok_or("no token was ever issued")?["value"].as_str().unwrap_or_default().to_owned();
    Ok(http.get(format!("{}/{path}", world.origin)).bearer_auth(token).send().await?.status() == 200)
}

#[tokio::test]
async fn a_sync_on_request_brings_fresh_data_and_a_second_click_starts_no_second_sync() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let talent = stack.as_talent("agency", "ann").await?;
    let (host, lookup) = ("mastodon.example", "/api/v1/accounts/lookup");
    let account = "ann@mastodon.example";
    let id = admin.connect("ann", "MASTODON", account).await?;
    let before = admin.done("ann", &id).await?;
    assert_eq!(served(&stack.world, host, lookup).await?, 1);

    let _ = stack.world.change("MASTODON", account, &json!({"followerCount": 4711})).await?.expect(200);
    stack.world.fault(json!({"host": host, "fault": {"kind": "delay", "ms": 2_000}})).await?;
    let triggered =
        json!({"connectionId": id, "syncStatus": "SYNCING", "message": "Sync triggered. Refreshing data..."});
    let first = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    assert_eq!(first.body, triggered);
    let at_work = admin.settled("ann", &id, SOON, |c| c["syncStatus"] == "SYNCING").await?;
    assert_eq!(at_work["profile"], before["profile"], "what is known stays while new data is fetched");
    for clicked in [
        admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?,
        talent.post_empty(&format!("/api/exclusive/socials/{id}/sync")).await?,
    ] {
        assert_eq!(clicked.expect(202).body, triggered);
    }
    let after = admin.done("ann", &id).await?;
    assert_eq!(after["profile"]["followerCount"], 4711);
    assert!(after["lastSyncedAt"].as_str() > before["lastSyncedAt"].as_str());
    assert_eq!(served(&stack.world, host, lookup).await?, 2, "two more clicks, no more syncs");

    let _ = talent.post_empty(&format!("/api/exclusive/socials/{id}/sync")).await?.expect(202);
    until("the talent's sync", async || Ok(served(&stack.world, host, lookup).await? == 3)).await?;
    admin.done("ann", &id).await?;
    Ok(())
}

#[tokio::test]
async fn a_paused_connection_is_left_alone_until_it_is_resumed() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    let other = admin.connect("ann", "MASTODON", "bob@other.example").await?;
    for id in [&id, &other] {
        admin.done("ann", id).await?;
    }
    let path = |what: &str| format!("/api/admin/socials/{id}/{what}");
    for _ in 0..2 {
        let paused = admin.post_empty(&path("pause")).await?.expect(200);
        assert_eq!((&paused.body["id"], &paused.body["paused"]), (&json!(id), &json!(true)));
        assert_eq!(paused.body["syncStatus"], "READY");
    }
    assert_eq!(admin.post_empty(&path("sync")).await?.expect(409).text_of("code"), "connection_paused");

    let seen = served(&stack.world, "mastodon.example", "/accounts").await?;
    let others = served(&stack.world, "other.example", "/accounts").await?;
    stack.pass(2 * 86_400).await?;
    until("the periodic sync of the other one", async || {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(served(&stack.world, "other.example", "/accounts").await? > others)
    })
    .await?;
    assert_eq!(served(&stack.world, "mastodon.example", "/accounts").await?, seen, "paused means paused");

    for _ in 0..2 {
        assert_eq!(admin.post_empty(&path("resume")).await?.expect(200).body["paused"], false);
    }
    until("the sync after the pause", async || Ok(served(&stack.world, "mastodon.example", "/accounts").await? > seen))
        .await?;
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    Ok(())
}

#[tokio::test]
async fn a_pause_in_the_middle_of_a_sync_does_not_leave_it_syncing() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    stack.world.fault(json!({"host": "mastodon.example", "fault": {"kind": "delay", "ms": 2_000}})).await?;
    let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    admin.settled("ann", &id, SOON, |c| c["syncStatus"] == "SYNCING").await?;
    let paused = admin.post_empty(&format!("/api/admin/socials/{id}/pause")).await?.expect(200);
    assert_eq!(paused.body["syncStatus"], "PENDING", "nobody works for a held connection");
    // The worker that was at it has lost its right to write.
    until("the end of the old look", async || Ok(served(&stack.world, "mastodon.example", "/statuses").await? > 0))
        .await?;
    assert_eq!(admin.connection("ann", &id).await?["syncStatus"], "PENDING");
    let _ = admin.post_empty(&format!("/api/admin/socials/{id}/resume")).await?.expect(200);
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    Ok(())
}

#[tokio::test]
async fn a_disconnect_revokes_at_the_platform_keeps_the_history_and_a_new_consent_takes_up_the_same_connection()
-> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let talent = stack.as_talent("agency", "ann").await?;
    for (platform, account, revocation) in [
        ("TIKTOK", "annsews", ("open.tiktokapis.com", "/v2/oauth/revoke/")),
        ("YOUTUBE", "annsews", ("oauth2.googleapis.com", "/revoke")),
        ("MASTODON", "ann@mastodon.example", ("mastodon.example", "/oauth/revoke")),
        ("BLUESKY", "ann.bsky.social", ("pds.bsky.example", "/oauth/revoke")),
    ] {
        let id = consent::link(&admin, "ann", platform, account).await?;
        let ready = admin.done("ann", &id).await?;
        let can_look = platform != "BLUESKY";
        assert!(!can_look || serves(&stack.world, admin.http(), platform, account).await?, "{platform}");

        let body = json!({"connectionId": id});
        let (caller, path) = match platform {
            "TIKTOK" => (&talent, "/api/exclusive/socials/disconnect"),
            "YOUTUBE" => (&talent, "/api/social/disconnect"),
            _ => (&admin, "/api/social/disconnect"),
        };
        let gone = caller.post(path, &body).await?.expect(200);
        assert_eq!((&gone.body["id"], &gone.body["connected"]), (&json!(id), &json!(false)));
        for (field, empty) in [("tokenExpiresAt", Value::Null), ("nextRetryAt", Value::Null), ("scopes", json!([]))] {
            assert_eq!(gone.body[field], empty, "{platform} {field}");
        }
        assert_eq!(gone.body["profile"], ready["profile"], "the history stays");
        assert_eq!(admin.connection("ann", &id).await?, gone.body);
        until("the revocation", async || Ok(served(&stack.world, revocation.0, revocation.1).await? == 1)).await?;
        assert!(!can_look || !serves(&stack.world, admin.http(), platform, account).await?, "{platform} still serves");

        let again = caller.post(path, &body).await?.expect(200);
        assert_eq!(again.body, gone.body, "a second time changes nothing");
        for what in ["sync", "pause", "resume"] {
            let refused = admin.post_empty(&format!("/api/admin/socials/{id}/{what}")).await?.expect(409);
            assert_eq!(refused.text_of("code"), "connection_disconnected");
        }
        assert_eq!(consent::link(&admin, "ann", platform, account).await?, id);
        let back = admin.done("ann", &id).await?;
        assert_eq!((&back["connected"], &back["profile"]), (&json!(true), &ready["profile"]));
        assert_eq!(served(&stack.world, revocation.0, revocation.1).await?, 1, "and the new tokens live");
    }
    // Instagram has no call that revokes; the tokens are forgotten all the same.
    let id = consent::link(&admin, "ann", "INSTAGRAM", "ann.sews").await?;
    admin.done("ann", &id).await?;
    assert_eq!(
        admin.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200).body["connected"],
        false
    );
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_revocation_that_fails_at_first_is_tried_again_until_the_platform_has_heard_it() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let id = consent::link(&admin, "ann", "MASTODON", "ann@mastodon.example").await?;
    admin.done("ann", &id).await?;
    let away = json!({"host": "mastodon.example", "pathContains": "/oauth/revoke", "times": 2, "fault": {"kind": "reject", "status": 503}});
    stack.world.fault(away).await?;
    let _ = admin.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    until("the revocation", async || {
        stack.pass(5).await?;
        Ok(served(&stack.world, "mastodon.example", "/oauth/revoke").await? == 1)
    })
    .await?;
    assert!(!serves(&stack.world, admin.http(), "MASTODON", "ann@mastodon.example").await?);
    Ok(())
}

#[tokio::test]
async fn a_deleted_connection_is_gone_with_its_tokens_and_publications() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let id = consent::link(&admin, "ann", "YOUTUBE", "annbakes").await?;
    let kept = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    for id in [&id, &kept] {
        admin.done("ann", id).await?;
    }
    let rows = Rows::of(&stack).await?;
    // More than one call removes.
    assert_eq!(rows.publications("agency", &id).await?, 40);
    let removed = admin.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    assert_eq!(removed.body, json!({"message": "Social connection removed"}));
    let listed = admin.connections("ann").await?;
    assert_eq!(listed.iter().map(|c| &c["id"]).collect::<Vec<_>>(), [&json!(kept)]);

    until("the revocation", async || Ok(served(&stack.world, "oauth2.googleapis.com", "/revoke").await? == 1)).await?;
    assert!(!serves(&stack.world, admin.http(), "YOUTUBE", "annbakes").await?);
    until("the removal of all that it had", async || {
        Ok(rows.of_partition(&format!("w#agency#c#{id}"), "").await?.is_empty())
    })
    .await?;
    assert!(rows.publications("agency", &kept).await? > 0, "the other connection's publications stay");
    for (method, path) in [
        (reqwest::Method::POST, format!("/api/admin/socials/{id}/sync")),
        (reqwest::Method::POST, format!("/api/admin/socials/{id}/pause")),
        (reqwest::Method::POST, format!("/api/admin/socials/{id}/resume")),
        (reqwest::Method::DELETE, format!("/api/admin/socials/{id}")),
    ] {
        let refused = admin.send(method, &path, &[], None).await?.expect(404);
        assert_eq!(refused.text_of("code"), "connection_not_found", "{path}");
    }
    let refused = admin.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(404);
    assert_eq!(refused.text_of("code"), "connection_not_found");
    // Nothing of it is left to be done, and the account can be linked anew, under a new id.
    until("rest", async || {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        let queues = stack.client.get("/local/queues").await?.expect(200).body;
        Ok(["waiting", "in_flight", "delayed", "dead"].iter().all(|state| queues["erase"][state] == 0))
    })
    .await?;
    let anew = consent::link(&admin, "ann", "YOUTUBE", "annbakes").await?;
    assert_ne!(anew, id);
    assert_eq!(admin.done("ann", &anew).await?["syncStatus"], "READY");
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_linked_twice_under_two_names_is_told_so() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    // By its handle, and by the channel's own id: until somebody looks, nobody knows that they are one.
    let channel = stack.world.account("YOUTUBE", "annwrites").await?["id"].as_str().unwrap_or_default().to_owned();
    let hold = async |on: bool| {
        let _ = stack.control("/faults", &json!({"kind": "workers_stopped", "on": on})).await?.expect(200);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    hold(true).await?;
    let by_handle = admin.connect("ann", "YOUTUBE", "annwrites").await?;
    let by_id = admin.connect("ann", "YOUTUBE", &channel).await?;
    assert_ne!(by_handle, by_id);
    hold(false).await?;
    let (one, other) = (admin.done("ann", &by_handle).await?, admin.done("ann", &by_id).await?);
    // The one that was named by the id holds the account, whoever was looked at first.
    assert_eq!((&other["syncStatus"], &other["platformAccountId"]), (&json!("READY"), &json!(channel)), "{other}");
    assert_eq!((&one["syncStatus"], &one["syncErrorCode"]), (&json!("ERROR"), &json!("duplicate_account")), "{one}");
    assert_eq!(one["syncError"], "This account is already connected.");
    assert_eq!(one["nextRetryAt"], Value::Null);
    // It does not look again by itself; when the other is gone, a person's retry finds the account free.
    let _ = admin.delete(&format!("/api/admin/socials/{by_id}")).await?.expect(200);
    let _ = admin.post_empty(&format!("/api/admin/socials/{by_handle}/sync")).await?.expect(202);
    let one = admin.done("ann", &by_handle).await?;
    assert_eq!((&one["syncStatus"], &one["platformAccountId"]), (&json!("READY"), &json!(channel)), "{one}");
    Ok(())
}
