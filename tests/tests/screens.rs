//! What screens read: lists with validators and pages, the glance at a talent, queues, capabilities, health.

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

async fn admin(stack: &Stack) -> Result<Client> {
    let admin = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=31536000").await?);
    admin.talent("ann").await?;
    Ok(admin)
}

async fn fault(stack: &Stack, fault: &Value) -> Result<()> {
    let reply = stack.control("/faults", fault).await?;
    assert!(reply.status / 100 == 2, "{}", reply.text);
    Ok(())
}

#[tokio::test]
async fn a_screen_that_polls_gets_304_until_something_changes() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let talent = stack.as_talent("agency", "ann").await?;
    let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    admin.done("ann", &id).await?;
    let staff = "/api/admin/talent/ann/social-connections";
    for (caller, path) in [
        (&admin, staff),
        (&talent, "/api/exclusive/socials"),
        (&admin, "/api/admin/talents"),
        (&admin, "/api/admin/talent/ann/social-intelligence"),
        (&admin, "/api/capabilities"),
        (&admin, "/health"),
    ] {
        let first = caller.get(path).await?.expect(200);
        let etag = first.header("etag").unwrap_or_default().to_owned();
        assert!(etag.len() > 4 && etag.starts_with('"'), "{path}: {etag}");
        for tags in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}")] {
            let same = caller.send(Method::GET, path, &[("if-none-match", &tags)], None).await?.expect(304);
            assert_eq!((same.text.as_str(), same.header("etag")), ("", Some(etag.as_str())), "{path}");
        }
        let _ = caller.send(Method::GET, path, &[("if-none-match", "\"other\"")], None).await?.expect(200);
    }
    let before = admin.get(staff).await?.expect(200);
    assert_eq!((&before.body["total"], before.header("cache-control")), (&json!(1), Some("private, no-cache")));
    assert_eq!(talent.get("/api/exclusive/socials").await?.body, before.body, "the talent sees what staff see");
    let _ = admin.post_empty(&format!("/api/admin/socials/{id}/pause")).await?.expect(200);
    let etag = before.header("etag").unwrap_or_default();
    let changed = admin.send(Method::GET, staff, &[("if-none-match", etag)], None).await?.expect(200);
    assert_eq!(changed.body["connections"][0]["paused"], true);
    Ok(())
}

#[tokio::test]
async fn talents_are_paged_newest_first_over_months_and_a_cursor_is_of_its_own_list_only() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    for talent in ["bob", "cem"] {
        admin.talent(talent).await?;
    }
    // Two months later, with a month in between in which nobody came.
    stack.pass(62 * 86_400).await?;
    for talent in ["dan", "eve"] {
        admin.talent(talent).await?;
    }
    for limit in ["1", "2", "3", "4", "200"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for page in 0..9 {
            let path = format!("/api/admin/talents?limit={limit}{cursor}");
            let body = admin.get(&path).await?.expect(200).body;
            let ids = body["talents"].as_array().into_iter().flatten().filter_map(|t| t["id"].as_str());
            seen.extend(ids.map(str::to_owned));
            let Some(next) = body["nextCursor"].as_str() else { break };
            assert!(page < 8, "the list does not end: {seen:?}");
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ["eve", "dan", "cem", "bob", "ann"], "limit {limit}");
    }
    let renamed =
        admin.json(Method::PUT, "/api/admin/talents/bob", &json!({"name": "Bob the Baker"})).await?.expect(200);
    assert_eq!((&renamed.body["id"], &renamed.body["name"]), (&json!("bob"), &json!("Bob the Baker")));
    let first = admin.get("/api/admin/talents?limit=3").await?.expect(200);
    let listed = admin.get("/api/admin/talents").await?.expect(200);
    assert_eq!(listed.body["talents"][3], renamed.body, "a new name changes neither place nor time");

    let cursor = first.text_of("nextCursor");
    let other = stack.client.with_token(stack.token("workspace=rival&role=admin&ttl=31536000").await?);
    other.talent("zoe").await?;
    for (caller, query) in [
        (&other, format!("cursor={cursor}")),
        (&admin, format!("cursor={}", &cursor[2..])),
        (&admin, format!("cursor={cursor}00")),
        (&admin, "cursor=%C3%A4%C3%A4".to_owned()),
        (&admin, "limit=0".to_owned()),
        (&admin, "limit=201".to_owned()),
        (&admin, "limit=-1".to_owned()),
        (&admin, "limit=all".to_owned()),
    ] {
        let refused = caller.get(&format!("/api/admin/talents?{query}")).await?.expect(400);
        assert_eq!(refused.text_of("code"), "invalid_request", "{query}");
    }
    assert_eq!(other.get("/api/admin/talents").await?.body["talents"][0]["id"], "zoe");
    Ok(())
}

#[tokio::test]
async fn queue_stats_count_what_waits_and_the_states_as_of_the_last_count() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let stats = || admin.get("/api/admin/queue-stats");
    let queue = |body: &Value, name: &str| {
        body["queues"].as_array().and_then(|all| all.iter().find(|q| q["name"] == name).cloned()).unwrap_or_default()
    };
    let missing = admin.connect("ann", "MASTODON", "missing@mastodon.example").await?;
    admin.done("ann", &missing).await?;
    fault(&stack, &json!({"kind": "workers_stopped", "on": true})).await?;
    for handle in ["a@mastodon.example", "b@mastodon.example", "c@mastodon.example"] {
        admin.connect("ann", "MASTODON", handle).await?;
    }
    let body = stats().await?.expect(200).body;
    assert_eq!(body["deliveries"], Value::Null);
    let names: Vec<_> = body["queues"].as_array().into_iter().flatten().map(|q| q["name"].clone()).collect();
    assert_eq!(names, ["ingest", "refresh", "erase", "publish", "notify", "bulk", "sweep"]);
    let ingest = queue(&body, "ingest");
    assert_eq!((&ingest["waiting"], &ingest["dead"], &ingest["inFlight"]), (&json!(3), &json!(0), &json!(0)));

    stack.pass(90).await?;
    let _ = stack.control("/schedules/schedules.count_states", &json!({})).await?.expect(200);
    let body = stats().await?.expect(200).body;
    assert_eq!(body["connections"], json!({"PENDING": 3, "SYNCING": 0, "READY": 0, "ERROR": 1}));
    let none = json!({"scheduled": 0, "claimed": 0, "submitting": 0, "processing": 0, "unconfirmed": 0, "published": 0,
        "failed": 0, "missed": 0, "cancelled": 0});
    assert_eq!(body["deliveries"], none);
    assert_ne!(body["asOf"], Value::Null);
    let age = queue(&body, "ingest")["oldestAgeSeconds"].as_i64().unwrap_or_default();
    assert!((90..=150).contains(&age), "{age}");
    assert_eq!(queue(&body, "erase")["oldestAgeSeconds"], 0);

    let rival = stack.client.with_token(stack.token("workspace=rival&role=admin&ttl=31536000").await?);
    let theirs = rival.get("/api/admin/queue-stats").await?.expect(200).body;
    assert_eq!(theirs["connections"], Value::Null, "another workspace's states are not shown");
    Ok(())
}

#[tokio::test]
async fn queue_stats_count_deliveries_by_state() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let stage = Stage::of("TELEGRAM");
    author::connect(&stack.world, &admin, "ann", stage).await?;
    let out = author::publish(&admin, &stage.post("ann", "out")).await?;
    author::until(&admin, &out, author::is(&["published"])).await?;
    stack.world.fault(json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "drop"}})).await?;
    let doubtful = author::publish(&admin, &stage.post("ann", "in doubt")).await?;
    author::until(&admin, &doubtful, |post| author::delivery(post) == "unconfirmed").await?;
    let mut later = stage.post("ann", "later");
    later["scheduledAt"] = json!(author::far_off());
    for _ in 0..2 {
        let _ = admin.post("/api/social/posts", &later).await?.expect(201);
    }
    let _ = admin.post("/api/social/posts", &json!({"talentId": "ann", "content": "a draft"})).await?.expect(201);
    let _ = stack.control("/schedules/schedules.count_states", &json!({})).await?.expect(200);
    let body = admin.get("/api/admin/queue-stats").await?.expect(200).body;
    let counted = json!({"scheduled": 2, "claimed": 0, "submitting": 0, "processing": 0, "unconfirmed": 1, "published": 1,
        "failed": 0, "missed": 0, "cancelled": 0});
    assert_eq!(body["deliveries"], counted);
    Ok(())
}

#[tokio::test]
async fn dead_letters_are_counted_and_a_redrive_puts_them_back() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let refused = admin.post_empty("/api/admin/queues/postbox/redrive").await?.expect(404);
    assert_eq!(refused.text_of("code"), "queue_not_found");
    let none = admin.post_empty("/api/admin/queues/ingest/redrive").await?.expect(202);
    assert_eq!(none.body, json!({"queue": "ingest", "messages": 0}));

    // A worker that cannot reach the table gives its message back, and after the fifth time it is dead.
    fault(&stack, &json!({"kind": "throttle", "on": true, "handler": "workers.ingest"})).await?;
    let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    let dead = async || Ok(stack.client.get("/local/queues").await?.expect(200).body["ingest"]["dead"] == 1);
    until("the fifth failure", async || {
        stack.pass(400).await?;
        dead().await
    })
    .await?;
    assert_eq!(admin.connection("ann", &id).await?["syncStatus"], "PENDING", "nobody has looked yet");
    let stats = admin.get("/api/admin/queue-stats").await?.expect(200).body;
    assert_eq!(stats["queues"][0]["dead"], 1);

    fault(&stack, &json!({"kind": "throttle", "on": false})).await?;
    let put_back = admin.post_empty("/api/admin/queues/ingest/redrive").await?.expect(202);
    assert_eq!(put_back.body, json!({"queue": "ingest", "messages": 1}));
    assert_eq!(admin.done("ann", &id).await?["syncStatus"], "READY");
    assert!(!dead().await?);
    Ok(())
}

#[tokio::test]
async fn the_glance_sums_what_is_known_and_never_takes_a_missing_part_for_zero() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack).await?;
    let glance = || admin.get("/api/admin/talent/ann/social-intelligence");
    let empty = json!({"totalFollowers": null, "totalFollowing": null, "totalPosts": null});
    let body = glance().await?.expect(200).body;
    assert_eq!(body, json!({"connected": false, "syncStatus": null, "overview": empty, "platforms": []}));

    let bluesky = admin.connect("ann", "BLUESKY", "ann.bsky.social").await?;
    let mastodon = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
    admin.done("ann", &bluesky).await?;
    admin.done("ann", &mastodon).await?;
    let truths = [
        stack.world.account("BLUESKY", "ann.bsky.social").await?,
        stack.world.account("MASTODON", "ann@mastodon.example").await?,
    ];
    let sum = |field: &str| truths.iter().map(|truth| truth[field].as_u64().unwrap_or_default()).sum::<u64>();
    let body = glance().await?.expect(200).body;
    assert_eq!((&body["connected"], &body["syncStatus"]), (&json!(true), &json!("READY")));
    assert_eq!(body["overview"]["totalFollowers"], sum("followerCount"));
    assert_eq!(body["overview"]["totalFollowing"], sum("followingCount"));
    assert_eq!(body["overview"]["totalPosts"], sum("postCount"));
    let shown: Vec<_> = body["platforms"].as_array().into_iter().flatten().map(|p| p["platform"].clone()).collect();
    assert_eq!(shown, ["BLUESKY", "MASTODON"]);
    assert_eq!(body["platforms"][0]["profile"], admin.connection("ann", &bluesky).await?["profile"]);

    // YouTube does not say whom a channel follows, and a private one not who follows it.
    let youtube = admin.connect("ann", "YOUTUBE", "privateann").await?;
    let hidden = admin.done("ann", &youtube).await?;
    assert_eq!(hidden["profile"]["unavailable"]["followerCount"], "not_offered");
    let body = glance().await?.expect(200).body;
    assert_eq!(
        (&body["overview"]["totalFollowers"], &body["overview"]["totalFollowing"]),
        (&Value::Null, &Value::Null)
    );
    assert_ne!(body["overview"]["totalPosts"], Value::Null);
    // A disconnected account counts no more.
    let _ = admin.post("/api/social/disconnect", &json!({"connectionId": youtube})).await?.expect(200);
    assert_eq!(glance().await?.expect(200).body["overview"]["totalFollowers"], sum("followerCount"));
    Ok(())
}

#[tokio::test]
async fn capabilities_and_health_say_what_this_installation_does() -> Result<()> {
    let stack = Stack::with(
        herald_tests::stack::World::start().await?,
        &[("HERALD_INSTAGRAM_MODES", "oauth"), ("HERALD_MASTODON_MODES", "manual")],
    )
    .await?;
    let admin = admin(&stack).await?;
    let health = stack.client.get("/health").await?.expect(200);
    assert_eq!(health.body, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));

    let body = admin.get("/api/capabilities").await?.expect(200).body;
    let of = |name: &str| {
        body["platforms"]
            .as_array()
            .and_then(|all| all.iter().find(|p| p["platform"] == name).cloned())
            .unwrap_or_default()
    };
    assert_eq!(body["platforms"].as_array().map(Vec::len), Some(8));
    // manual, reads without consent, consent, app password, needs its server, proof key: written by hand from the contract.
    for (platform, ways) in [
        ("INSTAGRAM", [false, false, true, false, false, false]),
        ("TIKTOK", [true, false, true, false, false, false]),
        ("YOUTUBE", [true, true, true, false, false, true]),
        ("MASTODON", [true, true, false, false, true, true]),
        ("BLUESKY", [true, true, true, true, false, true]),
        ("TWITTER", [true, false, true, false, false, true]),
        ("LINKEDIN", [true, false, true, false, false, false]),
        // A bot's token is handed over; there is no consent page.
        ("TELEGRAM", [true, false, false, true, false, false]),
    ] {
        let names = ["manual", "manualReads", "oauth", "appPassword", "needsServer", "pkce"];
        let connect = &of(platform)["connect"];
        assert_eq!(names.map(|name| connect[name].as_bool()), ways.map(Some), "{platform}");
        let every = of(platform)["sync"]["everySeconds"].as_i64().unwrap_or_default();
        assert!((3_600..=6 * 3_600).contains(&every), "{platform} syncs every {every} s");
    }
    // What is closed is closed in the routes, too, with the same words for the same thing.
    let manual = json!({"talentId": "ann", "platform": "INSTAGRAM", "handle": "ann"});
    assert_eq!(
        admin.post("/api/admin/socials/connect-manual", &manual).await?.expect(400).text_of("code"),
        "mode_closed"
    );
    let refused =
        consent::start(&admin, &json!({"userId": "ann", "platform": "MASTODON", "handle": "mastodon.example"})).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("mode_closed")));
    let handed = json!({"talentId": "ann", "platform": "MASTODON", "handle": "a@mastodon.example", "accessToken": "x"});
    assert_eq!(admin.post("/api/socials/oauth/callback", &handed).await?.expect(400).text_of("code"), "mode_closed");
    assert!(admin.connections("ann").await?.is_empty());
    Ok(())
}
