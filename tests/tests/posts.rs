//! Posts as people handle them: written, checked, moved, taken back, held, missed, decided.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::{Client, Reply};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

const TALENT: &str = "ann";

async fn staff(stack: &Stack) -> Result<Client> {
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent(TALENT).await?;
    Ok(staff)
}

/// A stack with an account at `platform`.
async fn with(platform: &str) -> Result<(Stack, Client, Stage, String)> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let stage = Stage::of(platform);
    let connection = author::connect(&stack.world, &staff, TALENT, stage).await?;
    Ok((stack, staff, stage, connection))
}

async fn in_hours(stack: &Stack, hours: i64) -> Result<String> {
    let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    Ok(now.checked_add(SignedDuration::from_hours(hours))?.round(jiff::Unit::Second)?.to_string())
}

async fn scheduled(stack: &Stack, staff: &Client, stage: Stage, text: &str, hours: i64) -> Result<Reply> {
    let mut post = stage.post(TALENT, text);
    post["scheduledAt"] = json!(in_hours(stack, hours).await?);
    Ok(staff.post("/api/social/posts", &post).await?.expect(201))
}

async fn patch(staff: &Client, id: &str, etag: &str, body: &Value) -> Result<Reply> {
    let headers = [("content-type", "application/json"), ("if-match", etag)];
    staff.send(Method::PATCH, &format!("/api/social/posts/{id}"), &headers, Some(body.to_string().into_bytes())).await
}

#[tokio::test]
async fn a_draft_is_edited_scheduled_and_taken_back() -> Result<()> {
    let (stack, staff, stage, connection) = with("BLUESKY").await?;
    let created = staff.post("/api/social/posts", &stage.post(TALENT, "first words")).await?.expect(201);
    assert_eq!((created.text_of("status"), created.body["deliveries"].as_array().map(Vec::len)), ("draft", Some(0)));
    let id = created.text_of("id").to_owned();
    let etag = created.header("etag").unwrap_or_default().to_owned();

    let without = staff.json(Method::PATCH, &format!("/api/social/posts/{id}"), &json!({"content": "x"})).await?;
    assert_eq!((without.status, without.text_of("code")), (428, "if_match_required"));
    let at = in_hours(&stack, 3).await?;
    let edited = patch(&staff, &id, &etag, &json!({"content": "better words", "scheduledAt": at})).await?.expect(200);
    assert_eq!((edited.text_of("status"), edited.text_of("content")), ("scheduled", "better words"));
    assert_eq!(edited.body["deliveries"][0]["connectionId"], json!(connection));
    let stale = patch(&staff, &id, &etag, &json!({"content": "too late"})).await?;
    assert_eq!((stale.status, stale.text_of("code")), (412, "version_mismatch"));

    let read = author::post(&staff, &id).await?;
    let tag = read.header("etag").unwrap_or_default().to_owned();
    let again = staff.send(Method::GET, &format!("/api/social/posts/{id}"), &[("if-none-match", &tag)], None).await?;
    assert_eq!(again.status, 304);

    let taken_back = staff.post_empty(&format!("/api/social/posts/{id}/cancel")).await?.expect(200);
    assert_eq!((taken_back.text_of("status"), taken_back.body["scheduledAt"].is_null()), ("draft", true));
    // The same by an edit of its time.
    let again = json!({"scheduledAt": in_hours(&stack, 4).await?});
    let moved = patch(&staff, &id, "*", &again).await?.expect(200);
    assert_eq!(moved.text_of("status"), "scheduled");
    let cleared = patch(&staff, &id, "*", &json!({"scheduledAt": null})).await?.expect(200);
    assert_eq!((cleared.text_of("status"), cleared.body["deliveries"].as_array().map(Vec::len)), ("draft", Some(0)));
    let drafts = staff.get("/api/social/posts?status=draft").await?.expect(200);
    assert_eq!(drafts.body["posts"].as_array().map(Vec::len), Some(1), "{}", drafts.text);
    stack.pass(4 * 3600).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    assert_eq!(author::published(&stack.world, stage, "better words").await?, Vec::<Value>::new());

    let _ = staff.post("/api/social/posts/publish", &json!({"postId": id})).await?.expect(202);
    let post = author::until(&staff, &id, author::is(&["published"])).await?;
    assert_eq!(author::published(&stack.world, stage, "better words").await?.len(), 1);
    for (method, path) in [(Method::POST, "/cancel"), (Method::DELETE, "")] {
        let refused = staff.send(method, &format!("/api/social/posts/{id}{path}"), &[], None).await?;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text_of("error").contains("published"), "{}", refused.text);
    }
    assert!(post["deliveries"][0]["attempts"].as_array().is_some_and(|all| !all.is_empty()));
    Ok(())
}

#[tokio::test]
async fn of_a_worker_and_a_person_one_wins_and_the_other_is_told() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    for n in 0..12 {
        let text = format!("race {n}");
        let reply = scheduled(&stack, &staff, stage, &text, 1).await?;
        let id = reply.text_of("id").to_owned();
        // Now it is due; the ring and the cancel meet at the row.
        let at = in_hours(&stack, 0).await?;
        let etag = reply.header("etag").unwrap_or_default().to_owned();
        let moved = patch(&staff, &id, &etag, &json!({"scheduledAt": at})).await?.expect(200);
        assert_eq!(moved.text_of("status"), "scheduled");
        let cancelled = staff.post_empty(&format!("/api/social/posts/{id}/cancel")).await?;
        let post = author::until(&staff, &id, author::is(&["published", "draft"])).await?;
        let there = author::published(&stack.world, stage, &text).await?.len();
        match (cancelled.status, post["status"].as_str().unwrap_or_default()) {
            (200, "draft") => assert_eq!(there, 0, "taken back, and out all the same"),
            (409, "published") => assert_eq!(there, 1),
            other => panic!("{other:?}: {}", cancelled.text),
        }
    }
    Ok(())
}

#[tokio::test]
async fn everything_wrong_is_said_at_once_and_nothing_is_stored() -> Result<()> {
    let (stack, staff, _, _) = with("BLUESKY").await?;
    author::connect(&stack.world, &staff, TALENT, Stage::of("INSTAGRAM")).await?;
    let text = "é".repeat(301);
    let post = json!({"talentId": TALENT, "content": text, "platforms": ["BLUESKY", "instagram"], "options": {"INSTAGRAM": {"mood": "x"}}});
    let checked = staff.post("/api/social/posts/validate", &post).await?.expect(200);
    assert_eq!(checked.body["valid"], false);
    let bluesky = &checked.body["platforms"]["BLUESKY"];
    assert_eq!((&bluesky["length"], &bluesky["maxLength"]), (&json!(301), &json!(300)));
    assert_eq!(bluesky["problems"][0]["code"], "too_long");
    let codes = |platform: &str| -> Vec<String> {
        let all = checked.body["platforms"][platform]["problems"].as_array().cloned().unwrap_or_default();
        all.iter().map(|problem| problem["code"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let instagram = codes("INSTAGRAM");
    assert!(
        instagram.contains(&"media_required".to_owned()) && instagram.contains(&"unknown_option".to_owned()),
        "{instagram:?}"
    );
    let refused = staff.post("/api/social/posts/publish", &post).await?;
    assert_eq!((refused.status, refused.text_of("code")), (422, "invalid_post"));
    let platforms: Vec<&str> =
        refused.body["problems"].as_array().into_iter().flatten().filter_map(|p| p["platform"].as_str()).collect();
    assert!(platforms.contains(&"BLUESKY") && platforms.contains(&"INSTAGRAM"), "{}", refused.text);
    assert_eq!(staff.get("/api/social/posts").await?.expect(200).body["posts"], json!([]), "nothing is stored");
    Ok(())
}

#[tokio::test]
async fn a_bad_request_is_refused_with_its_reason() -> Result<()> {
    let (stack, staff, stage, connection) = with("BLUESKY").await?;
    let manual = staff.connect(TALENT, "MASTODON", "bob@mastodon.example").await?;
    let ok = stage.post(TALENT, "words");
    let with = |name: &str, value: Value| {
        let mut body = ok.clone();
        body[name] = value;
        body
    };
    let cases = [
        (with("scheduledAt", json!("2020-01-01T00:00:00Z")), 400, "invalid_time"),
        (with("scheduledAt", json!("2031-01-01T00:00:00Z")), 400, "invalid_time"),
        (with("scheduledAt", json!("tomorrow")), 400, "invalid_time"),
        (with("scheduledAt", json!("2026-12-01T09:00:00")), 400, "invalid_time"),
        (with("timezone", json!("Mars/Olympus")), 400, "invalid_time"),
        (with("lateAfterMinutes", json!(0)), 400, "invalid_request"),
        (with("platforms", json!(["myspace"])), 400, "invalid_request"),
        (with("platforms", json!(["YOUTUBE"])), 400, "platform_not_connected"),
        (with("platforms", json!(["MASTODON"])), 400, "oauth_required"),
        (with("platforms", json!(["SPOTIFY"])), 400, "platform_not_supported"),
        (with("connectionIds", json!([manual])), 400, "oauth_required"),
        (with("connectionIds", json!(["conn_ann_BLUESKY_1"])), 404, "connection_not_found"),
        (with("talentId", json!("nobody")), 404, "talent_not_found"),
        (with("mood", json!("x")), 400, "invalid_request"),
        (with("content", json!("x".repeat(100_001))), 400, "invalid_request"),
        (with("mediaUrls", json!(["http://media.example/photo.jpg"])), 422, "media_refused"),
        (with("mediaUrls", json!(["https://127.0.0.1/photo.jpg"])), 422, "media_refused"),
        (with("mediaUrls", json!(["https://media.example/photo.jpg?status=404"])), 422, "media_refused"),
    ];
    for (body, status, code) in cases {
        let mut body = body;
        if body["scheduledAt"].is_null() {
            body["scheduledAt"] = json!(in_hours(&stack, 1).await?);
        }
        let refused = staff.post("/api/social/posts", &body).await?;
        assert_eq!((refused.status, refused.text_of("code")), (status, code), "{}", refused.text);
    }
    let huge = with("content", json!("x".repeat(1_100_000)));
    assert_eq!(staff.post("/api/social/posts", &huge).await?.status, 413);
    assert_eq!(staff.get("/api/social/posts").await?.expect(200).body["posts"], json!([]), "nothing is stored");
    let other = stack.admin("rival").await?;
    other.talent(TALENT).await?;
    let stolen = other.post("/api/social/posts/publish", &with("connectionIds", json!([connection]))).await?;
    assert_eq!(stolen.status, 404, "{}", stolen.text);
    Ok(())
}

#[tokio::test]
async fn posts_of_others_are_not_there() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    let id = scheduled(&stack, &staff, stage, "private plans", 1).await?.text_of("id").to_owned();
    let rival = stack.admin("rival").await?;
    staff.talent("bob").await?;
    let bob = stack.as_talent("agency", "bob").await?;
    let ann = stack.as_talent("agency", TALENT).await?;
    for stranger in [&rival, &bob] {
        assert_eq!(stranger.get(&format!("/api/social/posts/{id}")).await?.status, 404);
        assert_eq!(stranger.post_empty(&format!("/api/social/posts/{id}/cancel")).await?.status, 404);
        assert_eq!(stranger.delete(&format!("/api/social/posts/{id}")).await?.status, 404);
        assert_eq!(stranger.get("/api/social/posts").await?.expect(200).body["posts"], json!([]));
        assert_eq!(
            stranger.get("/api/social/posts?talentId=ann").await?.body["posts"].as_array().map_or(0, Vec::len),
            0
        );
    }
    let own = ann.get("/api/social/posts?status=scheduled&platform=bluesky").await?.expect(200);
    assert_eq!(own.body["posts"][0]["id"], json!(id));
    assert_eq!(ann.post_empty(&format!("/api/social/posts/{id}/cancel")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn the_list_pages_through_everything_once_newest_first() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    for n in 0..7 {
        let _ = scheduled(&stack, &staff, stage, &format!("post {n}"), 5).await?;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = staff.get(&format!("/api/social/posts?limit=3{cursor}")).await?.expect(200).body;
        let posts = page["posts"].as_array().cloned().unwrap_or_default();
        seen.extend(posts.iter().map(|post| post["content"].as_str().unwrap_or_default().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).rev().map(|n| format!("post {n}")).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_paused_account_holds_its_posts_and_they_go_out_or_are_missed() -> Result<()> {
    let (stack, staff, stage, connection) = with("BLUESKY").await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{connection}/pause")).await?.expect(200);
    let id = author::publish(&staff, &stage.post(TALENT, "held words")).await?;
    author::until(&staff, &id, |post| post["deliveries"][0]["attempts"][0]["step"] == "hold").await?;
    assert_eq!(author::published(&stack.world, stage, "held words").await?.len(), 0);
    let _ = staff.post_empty(&format!("/api/admin/socials/{connection}/resume")).await?.expect(200);
    stack.pass(31).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    author::until(&staff, &id, author::is(&["published"])).await?;

    let _ = staff.post_empty(&format!("/api/admin/socials/{connection}/pause")).await?.expect(200);
    let id = author::publish(&staff, &stage.post(TALENT, "missed words")).await?;
    author::until(&staff, &id, |post| post["deliveries"][0]["attempts"][0]["step"] == "hold").await?;
    stack.pass(3_700).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    let post = author::until(&staff, &id, author::is(&["failed"])).await?;
    assert_eq!(author::delivery(&post), "missed");
    assert!(post["deliveries"][0]["error"].as_str().is_some_and(|why| why.contains("paused")), "{post:#}");
    let _ = staff.post_empty(&format!("/api/admin/socials/{connection}/resume")).await?.expect(200);
    let _ = staff.post_empty(&format!("/api/social/posts/{id}/retry")).await?.expect(202);
    author::until(&staff, &id, author::is(&["published"])).await?;
    assert_eq!(author::published(&stack.world, stage, "missed words").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_dead_consent_fails_one_post_and_holds_the_others() -> Result<()> {
    let (stack, staff, stage, connection) = with("MASTODON").await?;
    let path = format!("/accounts/MASTODON/{}/revoke-tokens", stage.account);
    assert!(stack.world.control(&path, &json!({})).await?.status / 100 == 2);
    let first = author::publish(&staff, &stage.post(TALENT, "first")).await?;
    let failed = author::until(&staff, &first, author::is(&["failed"])).await?;
    assert_eq!(failed["deliveries"][0]["errorCode"], "token_expired", "{failed:#}");
    let seen = staff.connection(TALENT, &connection).await?;
    assert_eq!((&seen["syncStatus"], &seen["syncErrorCode"]), (&json!("ERROR"), &json!("token_expired")));
    let second = author::publish(&staff, &stage.post(TALENT, "second")).await?;
    let held = author::until(&staff, &second, |post| post["deliveries"][0]["attempts"][0]["step"] == "hold").await?;
    assert_eq!(author::delivery(&held), "scheduled", "waits instead of being burnt");
    let told = stack.client.get("/local/events").await?.body;
    let names: Vec<&str> =
        told["events"].as_array().into_iter().flatten().filter_map(|e| e["detail-type"].as_str()).collect();
    assert!(names.contains(&"connection.needs_reconnect") && names.contains(&"post.failed"), "{names:?}");
    Ok(())
}

#[tokio::test]
async fn on_telegram_a_person_decides_what_nobody_can_prove() -> Result<()> {
    let (stack, staff, stage, _) = with("TELEGRAM").await?;
    for (outcome, there, status) in [
        (json!({"outcome": "published", "url": "https://t.me/annsings/1"}), 1, "published"),
        (json!({"outcome": "failed"}), 1, "failed"),
        (json!({"outcome": "resend"}), 2, "published"),
    ] {
        let text = format!("nobody knows {}", outcome["outcome"]);
        let fault = json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "drop_after"}});
        stack.world.fault(fault).await?;
        let id = author::publish(&staff, &stage.post(TALENT, &text)).await?;
        let stuck = author::within(&staff, &id, Duration::from_secs(10), |post| {
            author::delivery(post) == "unconfirmed" && post["deliveries"][0]["nextAttemptAt"].is_null()
        })
        .await?;
        let delivery = stuck["deliveries"][0]["id"].as_str().unwrap_or_default().to_owned();
        let resolved = staff.post(&format!("/api/social/deliveries/{delivery}/resolve"), &outcome).await?.expect(200);
        assert!(
            matches!(resolved.text_of("status"), "published" | "failed" | "queued" | "scheduled"),
            "{}",
            resolved.text
        );
        author::until(&staff, &id, author::is(&[status])).await?;
        assert_eq!(author::published(&stack.world, stage, &text).await?.len(), there, "{outcome}");
        let again = staff.post(&format!("/api/social/deliveries/{delivery}/resolve"), &outcome).await?;
        assert_eq!((again.status, again.text_of("code")), (409, "delivery_not_unconfirmed"));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_out_is_deleted_on_the_platform_when_asked() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    let id = author::publish(&staff, &stage.post(TALENT, "regretted")).await?;
    author::until(&staff, &id, author::is(&["published"])).await?;
    let refused = staff.delete(&format!("/api/social/posts/{id}")).await?;
    assert_eq!((refused.status, refused.text_of("code")), (409, "post_is_out"));
    let _ = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    let post = author::until(&staff, &id, |post| post["deliveries"][0]["deleted"] == true).await?;
    assert_eq!(post["status"], "archived");
    let there = stack.world.look("/publications?platform=BLUESKY&state=deleted").await?;
    assert_eq!(there.as_array().map(Vec::len), Some(1));
    let draft = staff.post("/api/social/posts", &stage.post(TALENT, "unfinished")).await?.expect(201);
    let gone = format!("/api/social/posts/{}", draft.text_of("id"));
    assert_eq!(staff.delete(&gone).await?.status, 204);
    assert_eq!(staff.get(&gone).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_request_sent_twice_makes_one_post() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    let body = stage.post(TALENT, "only once").to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", "click-1")];
    let send = || staff.send(Method::POST, "/api/social/posts/publish", &headers, Some(body.clone()));
    let (one, two) = tokio::join!(send(), send());
    let (one, two) = (one?.expect(202), two?.expect(202));
    assert_eq!(one.text_of("id"), two.text_of("id"));
    author::until(&staff, one.text_of("id"), author::is(&["published"])).await?;
    let third = send().await?.expect(202);
    assert_eq!(third.text_of("id"), one.text_of("id"));
    assert_eq!(author::published(&stack.world, stage, "only once").await?.len(), 1);
    let other = stage.post(TALENT, "another").to_string().into_bytes();
    let reused = staff.send(Method::POST, "/api/social/posts/publish", &headers, Some(other)).await?;
    assert_eq!((reused.status, reused.text_of("code")), (409, "idempotency_key_reused"));
    Ok(())
}

#[tokio::test]
async fn a_first_comment_follows_and_never_repeats_the_post() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    let mut post = stage.post(TALENT, "the post");
    post["options"] = json!({"BLUESKY": {"firstComment": "the comment"}});
    stack
        .world
        .fault(json!({"platform": "BLUESKY", "operation": "comment", "fault": {"kind": "reject_after", "status": 500}}))
        .await?;
    let id = author::publish(&staff, &post).await?;
    author::until(&staff, &id, author::is(&["published"])).await?;
    let seen = async || {
        stack.pass(5).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(author::post(&staff, &id).await?.body["deliveries"][0]["followUps"][0]["status"] == "published")
    };
    herald_tests::eventually::until("the comment", seen).await?;
    assert_eq!(author::published(&stack.world, stage, "the post").await?.len(), 1);
    let comments = stack.world.look("/publications?platform=BLUESKY&kind=comment").await?;
    assert_eq!(comments.as_array().map(Vec::len), Some(1), "{comments:#}");
    Ok(())
}

#[tokio::test]
async fn the_same_text_and_a_clash_are_warned_of() -> Result<()> {
    let (stack, staff, stage, _) = with("BLUESKY").await?;
    let _ = scheduled(&stack, &staff, stage, "again and again", 2).await?;
    let mut post = stage.post(TALENT, "again and again");
    post["scheduledAt"] = json!(in_hours(&stack, 2).await?);
    let checked = staff.post("/api/social/posts/validate", &post).await?.expect(200);
    let codes: Vec<&str> =
        checked.body["warnings"].as_array().into_iter().flatten().filter_map(|w| w["code"].as_str()).collect();
    assert_eq!((checked.body["valid"].clone(), codes), (json!(true), vec!["same_text", "clash"]), "{}", checked.text);
    Ok(())
}
