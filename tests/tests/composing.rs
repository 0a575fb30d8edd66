//! Posts before they are stored: everything that is wrong is said at once, and nothing inside is fetched for it.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::{Client, Reply};
use herald_tests::consent::{self, Person};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const TALENT: &str = "ann";

async fn staff(stack: &Stack) -> Result<Client> {
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent(TALENT).await?;
    Ok(staff)
}

/// A stack with an account at each of these.
async fn with(platforms: &[&str]) -> Result<(Stack, Client, Vec<String>)> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let mut connections = Vec::new();
    for platform in platforms {
        connections.push(author::connect(&stack.world, &staff, TALENT, Stage::of(platform)).await?);
    }
    Ok((stack, staff, connections))
}

async fn in_minutes(stack: &Stack, minutes: i64) -> Result<String> {
    let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    Ok(now.checked_add(SignedDuration::from_mins(minutes))?.round(jiff::Unit::Second)?.to_string())
}

async fn patch(staff: &Client, id: &str, etag: &str, body: &Value) -> Result<Reply> {
    let headers = [("content-type", "application/json"), ("if-match", etag)];
    staff.send(Method::PATCH, &format!("/api/social/posts/{id}"), &headers, Some(body.to_string().into_bytes())).await
}

async fn is_nothing_stored(staff: &Client) -> Result<bool> {
    Ok(staff.get("/api/social/posts").await?.expect(200).body["posts"] == json!([]))
}

/// `platform field code` of each problem in a list.
fn told(problems: &Value) -> Vec<String> {
    let word = |problem: &Value, name: &str| problem[name].as_str().unwrap_or("-").to_owned();
    let all = problems.as_array().into_iter().flatten();
    all.map(|p| format!("{} {} {}", word(p, "platform"), word(p, "field"), word(p, "code"))).collect()
}

fn codes(problems: &Value) -> Vec<&str> {
    problems.as_array().into_iter().flatten().filter_map(|problem| problem["code"].as_str()).collect()
}

/// A post with something wrong in every part, and all that is.
fn all_wrong(manual: &str) -> (Value, Vec<String>) {
    let body = json!({
        "talentId": TALENT,
        "content": "é".repeat(301),
        "platforms": ["BLUESKY", "YOUTUBE", "SPOTIFY"],
        "connectionIds": [manual, "conn_ann_BLUESKY_1"],
        "mediaUrls": ["https://127.0.0.1/a.jpg", "https://media.example/b.jpg?status=404"],
        "overrides": {"YOUTUBE": {"content": "a <b>"}},
        "options": {"BLUESKY": {"firstComment": {"text": "Hi"}, "mood": "x"}},
        "hashtags": ["two words"],
        "campaign": "x".repeat(201),
        "scheduledAt": "2020-01-01T00:00:00Z",
        "timezone": "Mars/Olympus",
        "lateAfterMinutes": 0,
    });
    let told = [
        "- hashtags invalid_request",
        "- campaign invalid_request",
        "- lateAfterMinutes invalid_request",
        "- timezone invalid_time",
        "- scheduledAt invalid_time",
        "- connectionIds connection_not_found",
        "YOUTUBE platforms platform_not_connected",
        "SPOTIFY platforms platform_not_supported",
        "MASTODON connectionIds oauth_required",
        "- mediaUrls[0] media_address_refused",
        "- mediaUrls[1] media_unreachable",
        "YOUTUBE mediaUrls too_many_files",
        "YOUTUBE overrides.YOUTUBE.content forbidden_characters",
        "BLUESKY content too_long",
        "BLUESKY options.BLUESKY.firstComment option_invalid",
        "BLUESKY options.BLUESKY.mood unknown_option",
    ];
    (body, told.map(str::to_owned).to_vec())
}

#[tokio::test]
async fn everything_wrong_in_every_part_is_said_at_once_by_create_update_and_validate() -> Result<()> {
    let (_stack, staff, _) = with(&["BLUESKY"]).await?;
    let manual = staff.connect(TALENT, "MASTODON", "bob@mastodon.example").await?;
    let (body, expected) = all_wrong(&manual);
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines.dedup();
        lines
    };
    let expected = sorted(expected);

    let refused = staff.post("/api/social/posts", &body).await?;
    assert_eq!((refused.status, refused.text_of("code")), (400, "invalid_request"), "{}", refused.text);
    let seen: Vec<String> = sorted(told(&refused.body["problems"]));
    // Of a file that could not be looked at, nothing else is said.
    assert_eq!(seen, expected, "{}", refused.text);

    let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
    assert_eq!((&checked.body["valid"], sorted(told(&checked.body["problems"]))), (&json!(false), expected.clone()));
    assert_eq!(checked.body["platforms"]["BLUESKY"]["length"], 313, "with its hashtag");
    assert!(is_nothing_stored(&staff).await?);

    let draft = staff.post("/api/social/posts", &Stage::of("BLUESKY").post(TALENT, "words")).await?.expect(201);
    let etag = draft.header("etag").unwrap_or_default().to_owned();
    let mut change = body.clone();
    change.as_object_mut().map(|fields| fields.remove("talentId"));
    let refused = patch(&staff, draft.text_of("id"), &etag, &change).await?;
    assert_eq!((refused.status, refused.text_of("code")), (400, "invalid_request"), "{}", refused.text);
    assert_eq!(sorted(told(&refused.body["problems"])), expected);
    let read = author::post(&staff, draft.text_of("id")).await?;
    assert_eq!((read.header("etag"), read.text_of("content")), (Some(etag.as_str()), "words"), "nothing changed");
    Ok(())
}

#[tokio::test]
async fn validate_answers_with_problems_whatever_they_are() -> Result<()> {
    let (_stack, staff, _) = with(&["BLUESKY"]).await?;
    for (body, line) in [
        (json!({"content": "x", "platforms": ["BLUESKY"]}), "- talentId invalid_request"),
        (json!({"talentId": TALENT, "content": "x", "scheduledAt": "tomorrow"}), "- scheduledAt invalid_time"),
        (json!({"talentId": TALENT, "content": "x".repeat(100_001)}), "- content invalid_request"),
        (json!({"talentId": TALENT, "mediaUrls": ["nowhere"]}), "- mediaUrls[0] media_address_refused"),
    ] {
        let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
        assert_eq!(checked.body["valid"], false);
        assert!(told(&checked.body["problems"]).contains(&line.to_owned()), "{line}: {}", checked.text);
    }
    let nobody = json!({"talentId": "nobody", "content": "x", "platforms": ["BLUESKY"]});
    let unseen = staff.post("/api/social/posts/validate", &nobody).await?.expect(404);
    assert_eq!(unseen.text_of("code"), "talent_not_found");
    let no_json = [("content-type", "application/json")];
    let path = "/api/social/posts/validate";
    let refused = staff.send(Method::POST, path, &no_json, Some(b"{".to_vec())).await?;
    assert_eq!(refused.status, 400);
    for body in [json!({"mood": "x"}), json!({"content": 7}), json!({"platforms": ["myspace"]}), json!([])] {
        assert_eq!(staff.post(path, &body).await?.status, 400, "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn what_follows_a_post_is_a_text_or_it_is_told() -> Result<()> {
    let (stack, staff, _) = with(&["BLUESKY"]).await?;
    let at = in_minutes(&stack, 60).await?;
    for (options, line) in [
        (json!({"firstComment": 7}), "BLUESKY options.BLUESKY.firstComment option_invalid"),
        (json!({"thread": ["a", {"text": "b"}]}), "BLUESKY options.BLUESKY.thread[1] option_invalid"),
    ] {
        let mut post = Stage::of("BLUESKY").post(TALENT, "words");
        (post["options"], post["scheduledAt"]) = (json!({ "BLUESKY": options }), json!(at));
        let refused = staff.post("/api/social/posts", &post).await?;
        assert_eq!((refused.status, refused.text_of("code")), (422, "invalid_post"), "{}", refused.text);
        assert_eq!(told(&refused.body["problems"]), [line]);
    }
    assert!(is_nothing_stored(&staff).await?);
    Ok(())
}

#[tokio::test]
async fn the_limit_that_is_shown_is_the_one_that_holds_for_this_post() -> Result<()> {
    let (stack, staff, _) = with(&["TELEGRAM", "TIKTOK", "MASTODON"]).await?;
    let settings = json!({"maxCharacters": 777});
    assert_eq!(stack.world.settings("MASTODON/mastodon.example", &settings).await?.status / 100, 2);
    let shown = async |platform: &str, media: &[&str], options: Value| -> Result<(Value, Value)> {
        let body = json!({"talentId": TALENT, "content": "<b>Tea</b>", "platforms": [platform], "mediaUrls": media,
            "options": {platform: options}});
        let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
        let seen = &checked.body["platforms"][platform];
        Ok((seen["length"].clone(), seen["maxLength"].clone()))
    };
    let (photo, clip) = ("https://media.example/photo.jpg", "https://media.example/clip.mp4?bytes=300000");
    let of = |length: u32, most: u32| (json!(length), json!(most));
    assert_eq!(shown("TELEGRAM", &[], json!({})).await?, of(10, 4096));
    assert_eq!(shown("TELEGRAM", &[photo], json!({})).await?, of(10, 1024));
    assert_eq!(shown("TELEGRAM", &[photo], json!({"parseMode": "HTML"})).await?, of(3, 1024));
    assert_eq!(shown("TIKTOK", &[clip], json!({})).await?, of(10, 2200));
    assert_eq!(shown("TIKTOK", &[photo], json!({})).await?, of(10, 4000));
    assert_eq!(shown("MASTODON", &[], json!({})).await?, of(10, 777));
    Ok(())
}

#[tokio::test]
async fn an_account_that_did_not_allow_publishing_is_told_before_and_after() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let ticked = ["read:accounts", "read:statuses", "write:statuses"];
    let person = Person { scopes: &ticked[..2], ..Person::allowing("ann@mastodon.example") };
    let start = json!({"userId": TALENT, "platform": "MASTODON", "handle": "mastodon.example"});
    let linked = consent::consent(&staff, &start, &person).await?.connection()?.to_owned();
    let _ = staff.done(TALENT, &linked).await?;
    let words = json!({"talentId": TALENT, "content": "words", "platforms": ["MASTODON"]});
    let refused = staff.post("/api/social/posts/publish", &words).await?;
    assert_eq!((refused.status, refused.text_of("code")), (422, "invalid_post"), "{}", refused.text);
    let problem = &refused.body["problems"][0];
    assert_eq!((&problem["code"], &problem["connectionId"]), (&json!("permission_missing"), &json!(linked)));
    let message = problem["message"].as_str().unwrap_or_default();
    assert!(message.contains("Reconnect") && message.contains("write:statuses"), "{message}");
    assert!(is_nothing_stored(&staff).await?);

    // With the right to publish, but not to upload, only a post with files is refused.
    let person = Person { scopes: &ticked, ..Person::allowing("ann@mastodon.example") };
    let again = consent::consent(&staff, &start, &person).await?.connection()?.to_owned();
    let _ = staff.done(TALENT, &again).await?;
    let mut picture = words.clone();
    picture["mediaUrls"] = json!(["https://media.example/photo.jpg"]);
    let refused = staff.post("/api/social/posts/publish", &picture).await?;
    assert_eq!(codes(&refused.body["problems"]), ["permission_missing"], "{}", refused.text);
    assert!(refused.text.contains("write:media"), "{}", refused.text);

    // The right vanishes where nobody here sees it.
    let cap = json!({"grantedScopes": ["read:accounts", "read:statuses"]});
    assert_eq!(stack.world.change("MASTODON", "ann@mastodon.example", &cap).await?.status / 100, 2);
    let id = author::publish(&staff, &words).await?;
    let failed = author::until(&staff, &id, author::is(&["failed"])).await?;
    let delivery = &failed["deliveries"][0];
    assert_eq!(delivery["errorCode"], "permission_missing", "{failed:#}");
    assert!(delivery["error"].as_str().is_some_and(|why| why.contains("write:statuses")), "{delivery:#}");
    Ok(())
}

#[tokio::test]
async fn the_same_text_and_a_clash_are_warned_of_however_many_posts_there_are_and_never_of_itself() -> Result<()> {
    let (stack, staff, connections) = with(&["BLUESKY"]).await?;
    let stage = Stage::of("BLUESKY");
    let create = async |text: &str, minutes: i64| -> Result<Reply> {
        let mut post = stage.post(TALENT, text);
        post["scheduledAt"] = json!(in_minutes(&stack, minutes).await?);
        Ok(staff.post("/api/social/posts", &post).await?.expect(201))
    };
    let first = create("again and again", 120).await?;
    assert_eq!(first.body["warnings"], json!([]));
    for n in 0..105 {
        let _ = create(&format!("other words {n}"), 3_000 + 10 * n).await?;
    }
    let second = create("again and again ", 123).await?;
    assert_eq!(codes(&second.body["warnings"]), ["same_text", "clash"], "{}", second.text);
    let warning = &second.body["warnings"][0];
    assert_eq!((&warning["connectionId"], &warning["platform"]), (&json!(connections[0]), &json!("BLUESKY")));
    assert!(warning["message"].as_str().is_some_and(|text| text.contains(first.text_of("id"))), "{warning:#}");

    let etag = second.header("etag").unwrap_or_default().to_owned();
    let edited = patch(&staff, second.text_of("id"), &etag, &json!({"content": "new words"})).await?.expect(200);
    assert_eq!(codes(&edited.body["warnings"]), ["clash"], "{}", edited.text);
    let etag = edited.header("etag").unwrap_or_default().to_owned();
    let at = in_minutes(&stack, 200).await?;
    let moved = patch(&staff, second.text_of("id"), &etag, &json!({"scheduledAt": at})).await?.expect(200);
    assert_eq!(moved.body["warnings"], json!([]), "an edit does not warn of itself");

    let mut body = stage.post(TALENT, "new words");
    body["scheduledAt"] = json!(at);
    let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
    assert_eq!(codes(&checked.body["warnings"]), ["same_text", "clash"]);
    let path = format!("/api/social/posts/validate?postId={}", second.text_of("id"));
    assert_eq!(staff.post(&path, &body).await?.expect(200).body["warnings"], json!([]));
    // What was taken back goes nowhere.
    let _ = staff.post_empty(&format!("/api/social/posts/{}/cancel", second.text_of("id"))).await?.expect(200);
    let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
    assert_eq!(checked.body["warnings"], json!([]));
    // A day apart is far enough.
    assert_eq!(create("again and again", 120 + 24 * 60 + 1).await?.body["warnings"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_file_that_lies_never_ends_or_leads_inside_is_refused_and_nothing_is_stored() -> Result<()> {
    let (_stack, staff, _) = with(&["YOUTUBE", "BLUESKY"]).await?;
    // Whoever is called inside would be seen here.
    let inside = TcpListener::bind("127.0.0.1:0").await?;
    let port = inside.local_addr()?.port();
    let there = |query: String| format!("https://media.example/clip.mp4?{query}");
    for (url, platform, status, code, problem) in [
        (there("as=jpg".to_owned()), "YOUTUBE", 422, "invalid_post", "file_kind_refused"),
        (there("as=html".to_owned()), "YOUTUBE", 422, "media_refused", "media_type_unknown"),
        (there("as=html".to_owned()), "BLUESKY", 422, "media_refused", "media_type_unknown"),
        (there("as=bin&endless=1".to_owned()), "YOUTUBE", 422, "media_refused", "media_type_unknown"),
        (there("status=503".to_owned()), "YOUTUBE", 422, "media_refused", "media_unreachable"),
        (format!("https://127.0.0.1:{port}/a.mp4"), "YOUTUBE", 422, "media_refused", "media_address_refused"),
        (
            there(format!("redirect=https://127.0.0.1:{port}/a.mp4")),
            "YOUTUBE",
            422,
            "media_refused",
            "media_address_refused",
        ),
        (
            there(format!("redirect=http://127.0.0.1:{port}/a.mp4")),
            "YOUTUBE",
            422,
            "media_refused",
            "media_address_refused",
        ),
        (format!("https://localhost:{port}/a.mp4"), "YOUTUBE", 422, "media_refused", "media_address_refused"),
        (
            "https://169.254.169.254/latest/meta-data".to_owned(),
            "YOUTUBE",
            422,
            "media_refused",
            "media_address_refused",
        ),
        ("https://[fd00:ec2::254]/latest".to_owned(), "YOUTUBE", 422, "media_refused", "media_address_refused"),
        ("file:///etc/passwd".to_owned(), "YOUTUBE", 422, "media_refused", "media_address_refused"),
    ] {
        let post = json!({"talentId": TALENT, "content": "words", "platforms": [platform], "mediaUrls": [url],
            "options": {"YOUTUBE": {"title": "words"}}});
        let begun = std::time::Instant::now();
        let refused = staff.post("/api/social/posts/publish", &post).await?;
        assert_eq!((refused.status, refused.text_of("code")), (status, code), "{url}: {}", refused.text);
        assert!(codes(&refused.body["problems"]).contains(&problem), "{url}: {}", refused.text);
        assert!(begun.elapsed() < Duration::from_secs(15), "{url}");
    }
    // A body without end is left after its head; what it is was seen by then.
    let endless = json!({"talentId": TALENT, "content": "words", "platforms": ["YOUTUBE"],
        "mediaUrls": [there("endless=1".to_owned())]});
    let begun = std::time::Instant::now();
    let _ = staff.post("/api/social/posts/validate", &endless).await?.expect(200);
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(is_nothing_stored(&staff).await?);
    let called = tokio::time::timeout(Duration::from_millis(200), inside.accept()).await;
    assert!(called.is_err(), "something inside was called");
    Ok(())
}

#[tokio::test]
async fn ten_megabytes_of_content_are_refused_and_nothing_is_stored() -> Result<()> {
    let (_stack, staff, _) = with(&["BLUESKY"]).await?;
    let huge = Stage::of("BLUESKY").post(TALENT, &"x".repeat(10_000_000));
    for path in ["/api/social/posts", "/api/social/posts/publish", "/api/social/posts/validate"] {
        let refused = staff.post(path, &huge).await?;
        assert_eq!((refused.status, refused.text_of("code")), (413, "payload_too_large"), "{path}");
    }
    assert!(is_nothing_stored(&staff).await?);
    Ok(())
}

#[tokio::test]
async fn how_long_and_how_large_a_file_is_counts() -> Result<()> {
    let (_stack, staff, _) = with(&["TWITTER", "INSTAGRAM"]).await?;
    let of = async |platform: &str, url: &str| -> Result<Vec<String>> {
        let body = json!({"talentId": TALENT, "content": "words", "platforms": [platform], "mediaUrls": [url]});
        let checked = staff.post("/api/social/posts/validate", &body).await?.expect(200);
        Ok(codes(&checked.body["problems"]).into_iter().map(str::to_owned).collect())
    };
    assert_eq!(of("TWITTER", "https://media.example/clip.mp4?seconds=140&w=720&h=1280").await?, [""; 0]);
    assert_eq!(of("TWITTER", "https://media.example/clip.mp4?seconds=141&w=720&h=1280").await?, ["video_too_long"]);
    assert_eq!(of("TWITTER", "https://media.example/clip.mp4?w=1080&h=1920").await?, ["dimensions_refused"; 2]);
    assert_eq!(of("INSTAGRAM", "https://media.example/clip.mp4?seconds=2").await?, ["video_too_short"]);
    assert_eq!(of("INSTAGRAM", "https://media.example/photo.jpg?w=1080&h=1920").await?, ["aspect_ratio"]);
    Ok(())
}

#[tokio::test]
async fn capabilities_say_of_every_option_what_it_may_hold() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let all = staff.get("/api/capabilities").await?.expect(200).body;
    let of = |platform: &str, name: &str| -> Value {
        let one = all["platforms"].as_array().into_iter().flatten().find(|one| one["platform"] == platform);
        let options = one.and_then(|one| one["publish"]["options"].as_array()).cloned().unwrap_or_default();
        options.into_iter().find(|option| option["name"] == name).unwrap_or_default()
    };
    let privacy = of("YOUTUBE", "privacyStatus");
    assert_eq!((&privacy["type"], &privacy["default"]), (&json!("word"), &json!("public")));
    assert_eq!(privacy["values"], json!(["public", "unlisted", "private"]));
    let title = of("YOUTUBE", "title");
    assert_eq!((&title["type"], &title["maxLength"], &title["default"]), (&json!("text"), &json!(100), &Value::Null));
    assert_eq!(
        (&of("TIKTOK", "disableDuet")["type"], &of("TIKTOK", "disableDuet")["default"]),
        (&json!("flag"), &json!(false))
    );
    let thread = of("BLUESKY", "thread");
    assert_eq!(
        (&thread["type"], &thread["maxItems"], &thread["maxLength"]),
        (&json!("texts"), &json!(24), &json!(300))
    );
    assert!(title["description"].as_str().is_some_and(|text| text.ends_with('.')));
    Ok(())
}
