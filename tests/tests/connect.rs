//! Linking an account: by handle, by handed-over tokens, by consent; its states and its numbers.

use std::time::Duration;

use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::SOON;
use herald_tests::process::Result;
use herald_tests::stack::{Stack, World};
use serde_json::{Value, json};

/// Platforms that anyone may read, with an account each.
const PUBLIC: [(&str, &str); 3] =
    [("MASTODON", "ann@mastodon.example"), ("BLUESKY", "ann.bsky.social"), ("YOUTUBE", "annwrites")];

/// Compares a READY connection with the truth about its account.
#[track_caller]
fn assert_true(connection: &Value, truth: &Value) {
    let (profile, platform) = (&connection["profile"], truth["platform"].as_str().unwrap_or_default());
    assert_eq!(connection["syncStatus"], "READY", "{connection}");
    for field in ["syncError", "syncErrorCode", "nextRetryAt"] {
        assert_eq!(connection[field], Value::Null, "{field}: {connection}");
    }
    assert_ne!(connection["lastSyncedAt"], Value::Null);
    for field in ["platform", "handle", "profileUrl"] {
        assert_eq!(connection[field], truth[field], "{platform} {field}");
    }
    for field in ["displayName", "bio", "followerCount", "followingCount", "postCount", "isVerified"] {
        assert_eq!(profile[field], truth[field], "{platform} {field}");
    }
    assert_eq!(profile["profileImageUrl"], truth["avatarUrl"]);
    assert_eq!(profile["externalId"], connection["platformAccountId"]);
    if platform != "MASTODON" {
        assert_eq!(profile["externalId"], truth["id"], "{platform}");
    }
    let (views, engagement, rate) =
        averages(platform, truth["posts"].as_array().map(Vec::as_slice).unwrap_or_default());
    assert_eq!(profile["averageViews"], json!(views), "{platform}");
    assert_eq!(profile["averageEngagement"], json!(engagement), "{platform}");
    assert_eq!(profile["engagementRate"], json!(rate), "{platform}");
    for (field, missing) in [
        ("followingCount", truth["followingCount"].is_null()),
        ("averageViews", views.is_none()),
        ("averageEngagement", engagement.is_none()),
        ("engagementRate", rate.is_none()),
    ] {
        assert_eq!(profile["unavailable"].get(field).is_some(), missing, "{platform} {field}: {profile}");
    }
}

/// What the contract's rule makes of the recent posts: means over the posts that report a figure, rates on views.
fn averages(platform: &str, posts: &[Value]) -> (Option<u64>, Option<u64>, Option<f64>) {
    let recent = match platform {
        "MASTODON" | "TIKTOK" => 40,
        "BLUESKY" => 100,
        _ => 50,
    };
    let (mut views, mut engagement, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for post in posts.iter().take(recent) {
        let seen = post["views"].as_f64().filter(|_| platform != "INSTAGRAM");
        // Instagram tells shares and views only one post at a time, which a sync does not ask for.
        let shares = post["shares"].as_f64().filter(|_| platform != "INSTAGRAM");
        let shares = shares.map(|shares| shares + post["quotes"].as_f64().unwrap_or(0.0));
        views.extend(seen);
        if let (Some(likes), Some(comments), Some(shares)) = (post["likes"].as_f64(), post["comments"].as_f64(), shares)
        {
            engagement.push(likes + comments + shares);
            rates.extend(seen.map(|seen| (likes + comments + shares) / seen));
        }
    }
    let mean = |list: &[f64]| (!list.is_empty()).then(|| list.iter().sum::<f64>() / list.len() as f64);
    let whole = |list: &[f64]| mean(list).map(|mean| mean.round() as u64);
    (whole(&views), whole(&engagement), mean(&rates).map(|rate| (rate * 10_000.0).round() / 100.0))
}

async fn hold(stack: &Stack, on: bool) -> Result<()> {
    let reply = stack.control("/faults", &json!({"kind": "workers_stopped", "on": on})).await?;
    assert!(reply.status / 100 == 2, "{}", reply.text);
    Ok(())
}

/// A good client leaves nothing that a platform did not expect.
async fn assert_polite(world: &World) -> Result<()> {
    assert_eq!(world.look("/unexpected").await?, json!([]));
    Ok(())
}

async fn requests_to(world: &World, platform: &str) -> Result<usize> {
    Ok(world.look(&format!("/requests?platform={platform}")).await?.as_array().map(Vec::len).unwrap_or_default())
}

async fn admin(stack: &Stack) -> Result<Client> {
    let admin = stack.admin("agency").await?;
    admin.talent("ann").await?;
    Ok(admin)
}

#[tokio::test]
async fn a_handle_goes_from_pending_over_syncing_to_ready_with_the_platforms_own_numbers() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    hold(&stack, true).await?;
    let mut ids = Vec::new();
    for (platform, handle) in PUBLIC {
        let body = json!({"talentId": "ann", "platform": platform, "handle": handle});
        let reply = admin.post("/api/admin/socials/connect-manual", &body).await?.expect(201);
        let id = reply.text_of("connectionId").to_owned();
        let truth = stack.world.account(platform, handle).await?;
        let answer = json!({
            "connectionId": id, "handle": handle, "platform": platform, "profileUrl": truth["profileUrl"],
            "connectionType": "MANUAL", "connected": true, "syncStatus": "PENDING",
            "message": "Profile connected. Data sync will begin shortly.",
        });
        assert_eq!(reply.body, answer);
        assert!(id.starts_with(&format!("conn_ann_{platform}_")), "{id}");
        let listed = admin.connection("ann", &id).await?;
        assert_eq!((&listed["syncStatus"], &listed["profile"]), (&json!("PENDING"), &Value::Null));
        assert_eq!(requests_to(&stack.world, platform).await?, 0, "nobody has looked yet");
        // Slow enough to be seen at work.
        stack.world.fault(json!({"platform": platform, "fault": {"kind": "delay", "ms": 2_500}})).await?;
        ids.push((id, truth));
    }
    hold(&stack, false).await?;
    for (id, _) in &ids {
        let at_work = |c: &Value| c["syncStatus"] == "SYNCING";
        let seen = admin.settled("ann", id, Duration::from_secs(10), at_work).await?;
        assert_eq!((&seen["lastSyncedAt"], &seen["syncError"]), (&Value::Null, &Value::Null));
    }
    for (id, truth) in &ids {
        let ready = admin.done("ann", id).await?;
        assert_true(&ready, truth);
        assert_eq!((&ready["connectionType"], &ready["connected"]), (&json!("MANUAL"), &json!(true)));
        assert_eq!((&ready["tokenExpiresAt"], &ready["scopes"]), (&Value::Null, &json!([])));
    }
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn only_the_recent_posts_count_and_an_account_without_posts_has_no_averages() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, handle) in [
        ("MASTODON", "many_p120@mastodon.example"),
        ("BLUESKY", "many-p120.bsky.social"),
        ("YOUTUBE", "many_p120"),
        ("MASTODON", "silent_p0@mastodon.example"),
        ("YOUTUBE", "silent_p0"),
    ] {
        let id = admin.connect("ann", platform, handle).await?;
        assert_true(&admin.done("ann", &id).await?, &stack.world.account(platform, handle).await?);
    }
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn without_a_public_read_oauth_is_asked_for_and_consent_upgrades_the_connection_in_place() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, handle) in [("INSTAGRAM", "harbor.roasters"), ("TIKTOK", "harbor.roasters")] {
        let id = admin.connect("ann", platform, handle).await?;
        let refused = admin.done("ann", &id).await?;
        assert_eq!(refused["syncErrorCode"], "oauth_required");
        let sentence = refused["syncError"].as_str().unwrap_or_default();
        assert!(sentence.starts_with("Cannot access profile data. Connect via OAuth"), "{sentence}");
        assert_eq!((&refused["nextRetryAt"], &refused["profile"]), (&Value::Null, &Value::Null));
        assert_eq!(requests_to(&stack.world, platform).await?, 0, "nothing is scraped");

        assert_eq!(consent::link(&admin, "ann", platform, handle).await?, id, "upgraded, not doubled");
        let ready = admin.done("ann", &id).await?;
        assert_true(&ready, &stack.world.account(platform, handle).await?);
        assert_eq!((&ready["connectionType"], &ready["connected"]), (&json!("OAUTH"), &json!(true)));
        assert_eq!(ready["missingScopes"], json!([]));
        assert_ne!(ready["tokenExpiresAt"], Value::Null);
        let professional = matches!(ready["accountType"].as_str(), Some("BUSINESS" | "CREATOR"));
        assert_eq!((professional, ready["accountType"].is_null()), (platform == "INSTAGRAM", platform == "TIKTOK"));
    }
    assert_eq!(admin.connections("ann").await?.len(), 2);
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn two_accounts_that_swap_their_handles_keep_their_connections() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let (left, right, aside) = ("left.bsky.social", "right.bsky.social", "aside.bsky.social");
    let (one, two) = (admin.connect("ann", "BLUESKY", left).await?, admin.connect("ann", "BLUESKY", right).await?);
    let (first, second) = (admin.done("ann", &one).await?, admin.done("ann", &two).await?);
    let rename = async |from: &str, to: &str| -> Result<()> {
        let _ = stack.world.change("BLUESKY", from, &json!({"rename": to})).await?.expect(200);
        Ok(())
    };
    rename(left, aside).await?;
    rename(right, left).await?;
    rename(aside, right).await?;
    // The first finds its new handle still held for the second, and the second the old one held for the first.
    for (id, before, handle) in [(&one, &first, right), (&two, &second, left)] {
        let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
        let synced = admin.done("ann", id).await?;
        assert_eq!((&synced["syncStatus"], &synced["handle"]), (&json!("READY"), &json!(handle)), "{synced}");
        assert_eq!(synced["platformAccountId"], before["platformAccountId"]);
    }
    // Each handle is the one connection's that shows it, and goes with it.
    for (id, handle) in [(&one, right), (&two, left)] {
        assert_eq!(&admin.connect("ann", "BLUESKY", handle).await?, id);
    }
    let _ = admin.delete(&format!("/api/admin/socials/{one}")).await?.expect(200);
    assert_eq!(admin.connect("ann", "BLUESKY", left).await?, two);
    let again = admin.connect("ann", "BLUESKY", right).await?;
    assert_ne!(again, one);
    assert_eq!(admin.done("ann", &again).await?["syncStatus"], "READY");
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn a_consent_of_a_renamed_account_takes_its_new_handle_from_the_connection_that_had_it() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let (left, right) = ("west.bsky.social", "east.bsky.social");
    let (one, two) = (admin.connect("ann", "BLUESKY", left).await?, admin.connect("ann", "BLUESKY", right).await?);
    let (first, _) = (admin.done("ann", &one).await?, admin.done("ann", &two).await?);
    for (from, to) in [(right, "north.bsky.social"), (left, right)] {
        let _ = stack.world.change("BLUESKY", from, &json!({"rename": to})).await?.expect(200);
    }
    assert_eq!(consent::link(&admin, "ann", "BLUESKY", right).await?, one);
    let ready = admin.done("ann", &one).await?;
    assert_eq!((&ready["syncStatus"], &ready["handle"]), (&json!("READY"), &json!(right)), "{ready}");
    assert_eq!(ready["platformAccountId"], first["platformAccountId"]);
    assert_eq!(admin.connect("ann", "BLUESKY", right).await?, one);
    // The other finds its own new name at its next sync.
    let _ = admin.post_empty(&format!("/api/admin/socials/{two}/sync")).await?.expect(202);
    let moved = admin.done("ann", &two).await?;
    assert_eq!((&moved["syncStatus"], &moved["handle"]), (&json!("READY"), &json!("north.bsky.social")), "{moved}");
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn the_same_account_in_any_spelling_is_the_same_connection() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let spellings: [(&str, &[&str], &[&str]); 5] = [
        ("INSTAGRAM", &["Ann.Reads", "@ann.reads"], &["https://www.instagram.com/Ann.Reads/?hl=de"]),
        ("TIKTOK", &["annreads", "@AnnReads"], &["https://www.tiktok.com/@annreads?lang=en"]),
        ("YOUTUBE", &["annreads", "@AnnReads"], &["https://m.youtube.com/@AnnReads/videos"]),
        ("MASTODON", &["Ann@Mastodon.Example", "@ann@mastodon.example"], &["https://mastodon.example/@ann"]),
        ("BLUESKY", &["ann.bsky.social", "@Ann.bsky.social"], &["https://bsky.app/profile/ann.bsky.social"]),
    ];
    for (platform, handles, urls) in spellings {
        let id = admin.connect("ann", platform, handles[0]).await?;
        let ready = admin.done("ann", &id).await?;
        let bodies = handles.iter().map(|handle| json!({"talentId": "ann", "platform": platform, "handle": handle}));
        let by_url = urls.iter().map(|url| json!({"talentId": "ann", "platform": platform, "profileUrl": url}));
        let both = [
            json!({"talentId": "ann", "platform": platform.to_lowercase(), "handle": handles[1], "profileUrl": urls[0]}),
        ];
        for body in bodies.chain(by_url).chain(both) {
            let again = admin.post("/api/admin/socials/connect-manual", &body).await?.expect(201);
            assert_eq!(again.text_of("connectionId"), id, "{body}");
            assert_eq!(again.body["syncStatus"], ready["syncStatus"], "{body}: an account that is there is left alone");
        }
    }
    // The platform's own id is the identity: naming it names the account that is linked already.
    for (platform, handle) in [("YOUTUBE", "annreads"), ("BLUESKY", "ann.bsky.social")] {
        let known = stack.world.account(platform, handle).await?["id"].clone();
        let body = json!({"talentId": "ann", "platform": platform, "handle": known});
        let again = admin.post("/api/admin/socials/connect-manual", &body).await?.expect(201);
        let first = admin.connections("ann").await?.into_iter().find(|c| c["platform"] == platform).unwrap_or_default();
        assert_eq!(again.body["connectionId"], first["id"], "{platform} by id");
    }
    // Side by side they are still one.
    let connects = (0..8).map(|_| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.connect("ann", "MASTODON", "rush@mastodon.example").await })
    });
    let mut ids = Vec::new();
    for connect in connects.collect::<Vec<_>>() {
        ids.push(connect.await??);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(admin.connections("ann").await?.len(), 6);
    Ok(())
}

#[tokio::test]
async fn two_talents_may_hold_one_account_and_one_talent_several_of_a_platform() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    admin.talent("bob").await?;
    let other = stack.admin("rival").await?;
    other.talent("ann").await?;
    let shared = "shared@mastodon.example";
    let ours = [admin.connect("ann", "MASTODON", shared).await?, admin.connect("bob", "MASTODON", shared).await?];
    let second = admin.connect("ann", "MASTODON", "second@mastodon.example").await?;
    other.connect("ann", "MASTODON", shared).await?;
    assert_ne!(ours[0], ours[1]);
    assert_ne!(ours[0], second);
    let truth = stack.world.account("MASTODON", shared).await?;
    for (talent, id) in ["ann", "bob"].into_iter().zip(&ours) {
        assert_true(&admin.done(talent, id).await?, &truth);
    }
    let theirs = other.connections("ann").await?;
    assert_eq!(theirs.len(), 1, "a talent of the same name in another workspace is somebody else");
    // One of two gone leaves the other alone.
    let _ = admin.delete(&format!("/api/admin/socials/{}", ours[0])).await?.expect(200);
    assert_true(&admin.done("bob", &ours[1]).await?, &truth);
    assert_eq!(admin.connections("ann").await?.iter().map(|c| &c["id"]).collect::<Vec<_>>(), [&json!(second)]);
    Ok(())
}

#[tokio::test]
async fn many_accounts_of_one_talent_are_linked_at_the_same_moment() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let mut links = tokio::task::JoinSet::new();
    for n in 0..40 {
        let admin = admin.clone();
        links.spawn(async move { admin.connect("ann", "BLUESKY", &format!("ann{n}.bsky.social")).await });
    }
    let ids: Vec<String> = links.join_all().await.into_iter().collect::<Result<_>>()?;
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 40);
    for id in &ids {
        assert_eq!(admin.done("ann", id).await?["syncStatus"], "READY");
    }
    Ok(())
}

#[tokio::test]
async fn handed_over_tokens_are_proven_by_the_sync_and_the_platforms_identity_wins() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let talent = stack.as_talent("agency", "ann").await?;
    for (platform, given, handle) in [
        ("INSTAGRAM", "somebody.else", "ann.paints"),
        ("TIKTOK", "somebody.else", "annpaints"),
        ("YOUTUBE", "somebodyelse", "annpaints"),
        ("MASTODON", "else@mastodon.example", "ann@mastodon.example"),
    ] {
        let issued = stack.world.control(&format!("/accounts/{platform}/{handle}/issue-token"), &json!({})).await?;
        let mut body = json!({"platform": platform, "accessToken": issued.body["accessToken"], "handle": given});
        if let Some(refresh) = issued.body["refreshToken"].as_str() {
            body["refreshToken"] = json!(refresh);
        }
        let reply = talent.post("/api/socials/oauth/callback", &body).await?.expect(201);
        assert_eq!(reply.body["connectionType"], "OAUTH");
        assert_eq!(reply.body["message"], "Successfully connected via OAuth. Data sync will begin immediately.");
        let ready = admin.done("ann", reply.text_of("connectionId")).await?;
        assert_true(&ready, &stack.world.account(platform, handle).await?);
        assert!(!reply.text.contains(issued.text_of("accessToken")));
    }
    // An app password becomes a session at once and is kept nowhere.
    let truth = stack.world.account("BLUESKY", "ann.bsky.social").await?;
    let body = json!({"platform": "BLUESKY", "talentId": "ann", "handle": "ann.bsky.social", "accessToken": truth["appPassword"]});
    let reply = admin.post("/api/socials/oauth/callback", &body).await?.expect(201);
    assert_true(&admin.done("ann", reply.text_of("connectionId")).await?, &truth);
    let wrong = json!({"platform": "BLUESKY", "talentId": "ann", "handle": "bob.bsky.social", "accessToken": "aaaa-bbbb-cccc-dddd"});
    let refused = admin.post("/api/socials/oauth/callback", &wrong).await?.expect(422);
    assert_eq!(refused.text_of("code"), "token_refused");
    assert_eq!(admin.connections("ann").await?.len(), 5, "a refused password leaves nothing");
    assert_polite(&stack.world).await
}

/// Tokens of `account`, in the body that hands them over under the handle `under`.
async fn handed(world: &World, platform: &str, account: &str, under: &str) -> Result<Value> {
    let issued = world.control(&format!("/accounts/{platform}/{account}/issue-token"), &json!({})).await?.body;
    let mut body =
        json!({"talentId": "ann", "platform": platform, "accessToken": issued["accessToken"], "handle": under});
    if issued["refreshToken"].is_string() {
        body["refreshToken"] = issued["refreshToken"].clone();
    }
    Ok(body)
}

const HAND_OVER: &str = "/api/socials/oauth/callback";

#[tokio::test]
async fn handed_over_tokens_whose_end_nobody_knows_are_renewed_when_the_platform_refuses_them() -> Result<()> {
    let stack = Stack::start().await?;
    // Staff stay signed in while the days go by.
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    for (platform, handle) in [("YOUTUBE", "annpaints"), ("TIKTOK", "annpaints")] {
        let body = handed(&stack.world, platform, handle, handle).await?;
        assert!(body["refreshToken"].is_string() && body["expiresAt"].is_null(), "{platform}");
        let id = admin.post(HAND_OVER, &body).await?.expect(201).text_of("connectionId").to_owned();
        let before = admin.done("ann", &id).await?["lastSyncedAt"].clone();
        stack.pass(2 * 86_400).await?;
        let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?;
        let synced = |c: &Value| c["lastSyncedAt"] != before && c["syncStatus"] != "SYNCING";
        let after = admin.settled("ann", &id, SOON, synced).await?;
        assert_eq!((&after["syncStatus"], &after["syncError"]), (&json!("READY"), &Value::Null), "{platform}");
        assert!(after["tokenExpiresAt"].is_string(), "{platform}: from now on its end is known");
    }
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn handed_over_tokens_of_the_same_account_upgrade_its_connection_in_place() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, handle) in [
        ("INSTAGRAM", "ann.paints"),
        ("TIKTOK", "annpaints"),
        ("YOUTUBE", "annpaints"),
        ("MASTODON", "ann@mastodon.example"),
    ] {
        let id = admin.connect("ann", platform, handle).await?;
        admin.done("ann", &id).await?;
        // By handle first, then with consent, then with newer tokens: always the same connection.
        for time in 0..2 {
            let body = handed(&stack.world, platform, handle, handle).await?;
            let reply = admin.post(HAND_OVER, &body).await?.expect(201);
            assert_eq!(
                (reply.text_of("connectionId"), reply.text_of("handle")),
                (id.as_str(), handle),
                "{platform} {time}"
            );
            let ready = admin.done("ann", &id).await?;
            assert_true(&ready, &stack.world.account(platform, handle).await?);
            assert_eq!(ready["connectionType"], "OAUTH", "{platform} {time}");
        }
    }
    // An access token that has died already says whose it is once it is renewed, where that costs nothing.
    let body = handed(&stack.world, "YOUTUBE", "annpaints", "annpaints").await?;
    let _ = stack.world.control("/accounts/YOUTUBE/annpaints/expire-tokens", &json!({})).await?.expect(200);
    let before = admin.connections("ann").await?.len();
    let reply = admin.post(HAND_OVER, &body).await?.expect(201);
    assert_eq!(admin.done("ann", reply.text_of("connectionId")).await?["syncStatus"], "READY");
    // An app password states the account by itself.
    let id = admin.connect("ann", "BLUESKY", "ann.bsky.social").await?;
    admin.done("ann", &id).await?;
    let truth = stack.world.account("BLUESKY", "ann.bsky.social").await?;
    let body = json!({"talentId": "ann", "platform": "BLUESKY", "handle": "ann.bsky.social", "accessToken": truth["appPassword"]});
    assert_eq!(admin.post(HAND_OVER, &body).await?.expect(201).text_of("connectionId"), id);
    assert_true(&admin.done("ann", &id).await?, &truth);
    assert_eq!(admin.connections("ann").await?.len(), before + 1);
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn handed_over_tokens_of_another_account_do_not_touch_the_connection_whose_handle_was_given() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, good, other, host, identity) in [
        ("INSTAGRAM", "ann.paints", "bob.paints", "graph.instagram.com", "/me"),
        ("TIKTOK", "annpaints", "bobpaints", "open.tiktokapis.com", "/v2/user/info/"),
        ("YOUTUBE", "annpaints", "bobpaints", "youtube.googleapis.com", "/channels"),
        ("MASTODON", "ann@mastodon.example", "bob@mastodon.example", "mastodon.example", "verify_credentials"),
    ] {
        let id = consent::link(&admin, "ann", platform, good).await?;
        let before = admin.done("ann", &id).await?;
        assert_eq!(before["syncStatus"], "READY");
        // The account that the platform states is linked; a second time it is the same connection.
        let mut linked = Vec::new();
        for _ in 0..2 {
            let reply = admin.post(HAND_OVER, &handed(&stack.world, platform, other, good).await?).await?.expect(201);
            assert_eq!(reply.text_of("handle"), other, "{platform}");
            assert_true(
                &admin.done("ann", reply.text_of("connectionId")).await?,
                &stack.world.account(platform, other).await?,
            );
            linked.push(reply.text_of("connectionId").to_owned());
        }
        assert!(linked[0] == linked[1] && linked[0] != id, "{platform}: {linked:?}");
        // Tokens that the platform refuses, or cannot speak about, change nothing either.
        let made_up = json!({"talentId": "ann", "platform": platform, "handle": good, "accessToken": "made-up"});
        assert_eq!(admin.post(HAND_OVER, &made_up).await?.expect(422).text_of("code"), "token_refused", "{platform}");
        let away = json!({"kind": "reject", "status": 503});
        stack.world.fault(json!({"host": host, "pathContains": identity, "fault": away})).await?;
        let reply = admin.post(HAND_OVER, &handed(&stack.world, platform, other, good).await?).await?.expect(503);
        assert_eq!(reply.text_of("code"), "platform_unavailable", "{platform}");
        assert!(reply.header("retry-after").is_some(), "{platform}");
        assert_eq!(admin.connection("ann", &id).await?, before, "{platform}: the good one is as it was");
        // Its own tokens are in place and good.
        let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
        let newer = |c: &Value| c["syncStatus"] == "READY" && c["lastSyncedAt"] != before["lastSyncedAt"];
        let synced = admin.settled("ann", &id, Duration::from_secs(10), newer).await?;
        assert_eq!(synced["handle"], good, "{platform}");
    }
    assert_eq!(admin.connections("ann").await?.len(), 8);
    assert_polite(&stack.world).await
}

#[tokio::test]
async fn a_renamed_account_keeps_its_connection_and_changes_its_handle() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, old, new, by_consent) in [
        ("YOUTUBE", "oldname", "newname", false),
        ("BLUESKY", "old.bsky.social", "new.bsky.social", false),
        ("INSTAGRAM", "old.name", "new.name", true),
        ("TIKTOK", "oldname", "newname", true),
        ("MASTODON", "old@mastodon.example", "new@mastodon.example", true),
    ] {
        let id = match by_consent {
            true => consent::link(&admin, "ann", platform, old).await?,
            false => admin.connect("ann", platform, old).await?,
        };
        assert_eq!(admin.done("ann", &id).await?["handle"], old);
        let _ = stack.world.change(platform, old, &json!({"rename": new})).await?.expect(200);
        let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
        let ready = admin.settled("ann", &id, Duration::from_secs(10), |c| c["handle"] == new).await?;
        assert_true(&ready, &stack.world.account(platform, new).await?);
        // The new name leads to the same connection, the old one is free for somebody else.
        assert_eq!(admin.connect("ann", platform, new).await?, id, "{platform}");
        assert_ne!(admin.connect("ann", platform, old).await?, id, "{platform}");
    }
    Ok(())
}
