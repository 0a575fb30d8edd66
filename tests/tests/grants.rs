//! What a consent is worth: fewer scopes than asked for, half-finished logins, registrations at servers, identities.

use herald_tests::client::Client;
use herald_tests::consent::{Person, consent, landing, link, start};
use herald_tests::eventually::{asked, served, until};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use reqwest::Url;
use serde_json::{Value, json};

async fn admin(stack: &Stack) -> Result<Client> {
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

fn body(platform: &str, handle: &str) -> Value {
    match handle {
        "" => json!({"userId": "ann", "platform": platform}),
        handle => json!({"userId": "ann", "platform": platform, "handle": handle}),
    }
}

/// Where a platform is told that tokens are not wanted any more; nothing where it has no such call.
fn revocation(platform: &str) -> Option<(&'static str, &'static str)> {
    Some(match platform {
        "TIKTOK" => ("open.tiktokapis.com", "/v2/oauth/revoke/"),
        "YOUTUBE" => ("oauth2.googleapis.com", "/revoke"),
        "MASTODON" => ("mastodon.example", "/oauth/revoke"),
        "BLUESKY" => ("pds.bsky.example", "/oauth/revoke"),
        _ => return None,
    })
}

#[tokio::test]
async fn a_consent_with_fewer_scopes_says_what_is_missing_and_its_state_tells_the_truth() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let instagram = [
        "instagram_business_content_publish",
        "instagram_business_manage_insights",
        "instagram_business_manage_comments",
    ];
    let unticked = [
        ("INSTAGRAM", "ann.rows", "", ["instagram_business_basic"].as_slice(), instagram.as_slice()),
        (
            "TIKTOK",
            "annrows",
            "",
            &["user.info.profile", "video.list"],
            &["user.info.stats", "video.publish", "video.upload"],
        ),
        (
            "MASTODON",
            "ann@mastodon.example",
            "mastodon.example",
            &["read:accounts", "read:statuses"],
            &["read:notifications", "write:statuses", "write:media"],
        ),
    ];
    for (platform, account, server, ticked, missing) in unticked {
        let person = Person { scopes: ticked, ..Person::allowing(account) };
        let landed = consent(&admin, &body(platform, server), &person).await?;
        let ready = admin.done("ann", landed.connection()?).await?;
        assert_eq!((&ready["syncStatus"], &ready["missingScopes"]), (&json!("READY"), &json!(missing)), "{platform}");
        for scope in ticked {
            assert!(ready["scopes"].as_array().is_some_and(|all| all.contains(&json!(scope))), "{platform} {scope}");
        }
        // Without the right to read them, counts are not zero.
        if platform == "TIKTOK" {
            let profile = &ready["profile"];
            assert_eq!(
                (&profile["followerCount"], &profile["unavailable"]["followerCount"]),
                (&Value::Null, &json!("not_offered"))
            );
        }
    }
    // Connected, but its videos cannot be read: the state says so and names the scope.
    let person = Person { scopes: &["user.info.profile"], ..Person::allowing("bobrows") };
    let landed = consent(&admin, &body("TIKTOK", ""), &person).await?;
    let blind = admin.done("ann", landed.connection()?).await?;
    assert_eq!((&blind["syncStatus"], &blind["syncErrorCode"]), (&json!("ERROR"), &json!("permission_missing")));
    assert_eq!(blind["syncError"], "Cannot access profile data. Missing permission: video.list.");
    // Ticked after all, it is the same connection, and whole.
    assert_eq!(link(&admin, "ann", "TIKTOK", "bobrows").await?, landed.connection()?);
    assert_eq!(admin.done("ann", landed.connection()?).await?["missingScopes"], json!([]));
    // Where the account itself cannot be read, there is nothing to connect.
    let linked = admin.connections("ann").await?.len();
    for (platform, account, scope) in [
        ("YOUTUBE", "annrows", "https://www.googleapis.com/auth/youtube.upload"),
        ("BLUESKY", "ann.bsky.social", "atproto"),
    ] {
        let landed =
            consent(&admin, &body(platform, ""), &Person { scopes: &[scope], ..Person::allowing(account) }).await?;
        assert_eq!(landed.error(), "permission_missing", "{platform}");
        let (host, path) = revocation(platform).ok_or("no revocation")?;
        assert_eq!(served(&stack.world, host, path).await?, 1, "{platform}: the useless grant is given back");
    }
    assert_eq!(admin.connections("ann").await?.len(), linked);
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_login_whose_account_cannot_be_read_leaves_nothing_and_gives_the_tokens_back() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for (platform, account, server, host, identity) in [
        ("INSTAGRAM", "ann.rows", "", "graph.instagram.com", "/me"),
        ("TIKTOK", "annrows", "", "open.tiktokapis.com", "/v2/user/info/"),
        ("YOUTUBE", "annrows", "", "youtube.googleapis.com", "/channels"),
        ("MASTODON", "ann@mastodon.example", "mastodon.example", "mastodon.example", "verify_credentials"),
        ("BLUESKY", "ann.bsky.social", "", "pds.bsky.example", "getProfile"),
    ] {
        let away = json!({"kind": "reject", "status": 503});
        stack.world.fault(json!({"host": host, "pathContains": identity, "fault": away})).await?;
        let landed = consent(&admin, &body(platform, server), &Person::allowing(account)).await?;
        assert_eq!(landed.error(), "platform_unavailable", "{platform}");
        assert!(admin.connections("ann").await?.is_empty(), "{platform}: half a connection looks connected");
        if let Some((host, path)) = revocation(platform) {
            assert_eq!(served(&stack.world, host, path).await?, 1, "{platform}");
        }
    }
    // An account without a channel is no YouTube account.
    let landed = consent(&admin, &body("YOUTUBE", ""), &Person::allowing("nochannelann")).await?;
    assert_eq!(landed.error(), "profile_not_found");
    assert_eq!(served(&stack.world, "oauth2.googleapis.com", "/revoke").await?, 2);
    // The code that could not be exchanged is spent with its state.
    for (host, token) in [("open.tiktokapis.com", "/v2/oauth/token/"), ("oauth2.googleapis.com", "/token")] {
        let platform = if host == "open.tiktokapis.com" { "TIKTOK" } else { "YOUTUBE" };
        for fault in [json!({"kind": "reject", "status": 503}), json!({"kind": "drop"}), json!({"kind": "garbage"})] {
            stack.world.fault(json!({"host": host, "pathContains": token, "fault": fault})).await?;
            let landed = consent(&admin, &body(platform, ""), &Person::allowing("annrows")).await?;
            assert_eq!(landed.error(), "platform_unavailable", "{platform} {fault}");
        }
    }
    assert!(admin.connections("ann").await?.is_empty());
    // A later try finds nothing in its way.
    link(&admin, "ann", "TIKTOK", "annrows").await?;
    assert_eq!(stack.world.look("/faults").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn herald_registers_once_at_each_mastodon_server_and_keeps_it() -> Result<()> {
    let mut stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let apps = async |stack: &Stack, host: &str| {
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(asked(&stack.world, host, "/api/v1/apps").await?.len())
    };
    for named in ["mastodon.example", "@mastodon.example", "Ann@Mastodon.example", "@ann@mastodon.example"] {
        let landed = consent(&admin, &body("MASTODON", named), &Person::allowing("ann")).await?;
        assert_eq!(admin.done("ann", landed.connection()?).await?["handle"], "ann@mastodon.example", "{named}");
    }
    // Servers before 4.3 know neither discovery nor PKCE.
    for (server, account) in [("old.example", "bob@old.example"), ("closed.example", "cem@closed.example")] {
        let landed = consent(&admin, &body("MASTODON", server), &Person::allowing(account)).await?;
        let ready = admin.done("ann", landed.connection()?).await?;
        assert_eq!((&ready["syncStatus"], &ready["handle"]), (&json!("READY"), &json!(account)));
    }
    // Somebody else's talents and a new process use what is kept.
    let rival = stack.client.with_token(stack.token("workspace=rival&role=admin&ttl=31536000").await?);
    rival.talent("ann").await?;
    link(&rival, "ann", "MASTODON", "zoe@mastodon.example").await?;
    stack.kill().await?;
    stack.restart().await?;
    link(&rival, "ann", "MASTODON", "yan@mastodon.example").await?;
    for host in ["mastodon.example", "old.example", "closed.example"] {
        assert_eq!(apps(&stack, host).await?, 1, "{host}");
    }
    // A host that is no such server is named before anyone is sent there.
    for server in ["missing.example", "www.youtube.com", "127.0.0.1", "localhost:4100"] {
        let refused = admin.post("/api/social/oauth/connect", &body("MASTODON", server)).await?;
        let code = if server == "missing.example" { (422, "profile_not_found") } else { (400, "invalid_handle") };
        assert_eq!((refused.status, refused.text_of("code")), code, "{server}: {}", refused.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_has_forgotten_herald_gets_a_new_registration() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let id = link(&admin, "ann", "MASTODON", "ann@mastodon.example").await?;
    admin.done("ann", &id).await?;
    // Every app and token is gone, as after a move to a new database.
    let _ = stack.world.control("/reset", &json!({})).await?.expect(200);
    assert_eq!(link(&admin, "ann", "MASTODON", "ann@mastodon.example").await?, id);
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    assert_eq!(asked(&stack.world, "mastodon.example", "/api/v1/apps").await?.len(), 1);
    // The same at a server that wants the sign-in before it looks at the app, as Mastodon does.
    let _ = stack.world.control("/reset", &json!({})).await?.expect(200);
    let sign_in =
        json!({"kind": "reject", "status": 302, "headers": {"location": "https://mastodon.example/auth/sign_in"}});
    let first = json!({"host": "mastodon.example", "method": "GET", "pathContains": "/oauth/authorize", "times": 2, "fault": sign_in});
    stack.world.fault(first).await?;
    assert_eq!(link(&admin, "ann", "MASTODON", "ann@mastodon.example").await?, id);
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    assert_eq!(asked(&stack.world, "mastodon.example", "/api/v1/apps").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn bluesky_finds_the_server_of_a_named_account_and_the_entryway_without_one() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let own = "ann.example";
    let url = start(&admin, &body("BLUESKY", own)).await?;
    assert!(url.contains("/pds.bsky.example/oauth/authorize?"), "{url}");
    let page = admin.http().get(&url).send().await?.text().await?;
    assert!(page.contains(own), "the account is filled in");
    let callback = Person::allowing(own).answers(admin.http(), &url).await?;
    let named = landing(&stack.client.get(&callback).await?)?.connection()?.to_owned();
    assert_eq!(admin.done("ann", &named).await?["handle"], own);

    let entryway =
        async || Ok::<_, Box<dyn std::error::Error + Send + Sync>>(asked(&stack.world, "bsky.social", "").await?.len());
    assert_eq!(entryway().await?, 0, "a named account is not looked for elsewhere");
    let landed = consent(&admin, &body("BLUESKY", ""), &Person::allowing("bob.bsky.social")).await?;
    assert_eq!(admin.done("ann", landed.connection()?).await?["handle"], "bob.bsky.social");
    assert!(entryway().await? > 0);

    // Whoever consents is who is connected, whatever name was typed before.
    let landed = consent(&admin, &body("BLUESKY", own), &Person::allowing("cem.bsky.social")).await?;
    assert_eq!(admin.done("ann", landed.connection()?).await?["handle"], "cem.bsky.social");
    assert_ne!(landed.connection()?, named);
    for handle in ["missing.bsky.social", "missing.example"] {
        let refused = admin.post("/api/social/oauth/connect", &body("BLUESKY", handle)).await?.expect(422);
        assert_eq!(refused.text_of("code"), "profile_not_found", "{handle}");
    }
    // The handle follows the identity, and the identity is what disconnects.
    let _ = admin.delete(&format!("/api/admin/socials/{named}")).await?.expect(200);
    until("the revocation", async || Ok(served(&stack.world, "pds.bsky.example", "/oauth/revoke").await? == 1)).await?;
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_client_metadata_document_describes_this_installation_at_its_own_address() -> Result<()> {
    let world = herald_tests::stack::World::start().await?;
    let stack = Stack::with(world, &[("HERALD_PUBLIC_URL", "https://social.agency.example/herald")]).await?;
    let admin = admin(&stack).await?;
    let reply = stack.client.get("/api/social/oauth/bluesky/client-metadata.json").await?.expect(200);
    let at = |path: &str| format!("https://social.agency.example/herald{path}");
    assert_eq!(reply.body["client_id"], at("/api/social/oauth/bluesky/client-metadata.json"));
    assert_eq!(reply.body["redirect_uris"], json!([at("/api/social/oauth/callback")]));
    assert_eq!(
        (&reply.body["dpop_bound_access_tokens"], &reply.body["scope"]),
        (&json!(true), &json!("atproto transition:generic"))
    );
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    // It is the client id that servers are told, and the redirect is ours.
    let url = Url::parse(&start(&admin, &body("BLUESKY", "")).await?)?;
    let told = url.query_pairs().find(|(name, _)| name == "client_id").map(|(_, value)| value.into_owned());
    assert_eq!(told, Some(at("/api/social/oauth/bluesky/client-metadata.json")));
    let callback = Person::allowing("ann.bsky.social").answers(admin.http(), url.as_str()).await?;
    assert!(callback.starts_with("/herald/api/social/oauth/callback?"), "{callback}");
    landing(&stack.client.get(callback.trim_start_matches("/herald")).await?)?.connection()?;
    Ok(())
}
