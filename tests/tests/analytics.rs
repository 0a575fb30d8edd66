//! Figures over time: looks by the age of posts, courses, sums and what is made of them, against the closed form of the
//! world's growing accounts.

mod analytics_support;

use analytics_support::{Law, count, grown, hand_over, looks, pass, staff, sweep};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn looks_follow_the_age_of_posts_and_each_sees_what_the_platform_shows() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let (handle, platform) = ("growing@mastodon.example", "MASTODON");
    let id = admin.connect("ann", platform, handle).await?;
    admin.done("ann", &id).await?;
    sweep(&stack).await?;
    let first = looks(&stack, &id).await?;
    assert_eq!(first.len(), 40, "every post of the last 90 days has its first look");
    let law = Law::of(&stack, platform, handle).await?;
    for row in &first {
        let post = law.post(&row.id);
        let seen = &row.looks[0];
        let age = count(&seen["t"]) as i64 - law.posted(post);
        assert_eq!(count(&seen["m"]["likes"]), grown(count(&post["likes"]), age), "{}", row.id);
        assert_eq!(seen["m"].get("views"), None, "a figure that is not offered is not stored");
    }
    // A second run at the same time finds nothing to do, and changes nothing.
    sweep(&stack).await?;
    assert_eq!(looks(&stack, &id).await?, first);
    // Two days on, those are looked at whose next age has come, and no other.
    pass(&stack, &admin, &id, 2 * DAY).await?;
    let now: Timestamp = stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?;
    sweep(&stack).await?;
    let second = looks(&stack, &id).await?;
    let due = |row: &analytics_support::Row| row.next_s.is_some_and(|next| next <= now.as_second());
    for (before, after) in first.iter().zip(&second) {
        let more = after.looks.len() - before.looks.len();
        if due(before) {
            assert_eq!(more, 1, "{}", before.id);
        }
    }
    assert!(second.iter().any(|row| row.looks.len() == 2) && second.iter().any(|row| row.looks.len() == 1));
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

/// The sum over posts of what their looks added, by the law.
fn gained(law: &Law, rows: &[analytics_support::Row], figure: &str) -> i64 {
    let of = |row: &analytics_support::Row| {
        let post = law.post(&row.id);
        let at = |look: &Value| {
            let age = count(&look["t"]) as i64 - law.posted(post);
            i64::try_from(grown(count(&post[figure]), age)).unwrap_or(0)
        };
        row.looks.last().map_or(0, at) - row.looks.first().map_or(0, at)
    };
    rows.iter().map(of).sum()
}

#[tokio::test]
async fn every_route_answers_the_worlds_closed_form() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let id = hand_over(&stack, &admin, "INSTAGRAM", "growing.harbor").await?;
    let ann = stack.client.with_token(stack.token("workspace=agency&role=talent&talent=ann&ttl=315360000").await?);
    sweep(&stack).await?;
    for _ in 0..3 {
        pass(&stack, &admin, &id, DAY).await?;
        sweep(&stack).await?;
    }
    // A look that came before the day's sync has left the account's own figures to the next.
    pass(&stack, &admin, &id, HOUR + 120).await?;
    sweep(&stack).await?;
    let law = Law::of(&stack, "INSTAGRAM", "growing.harbor").await?;
    let rows = looks(&stack, &id).await?;

    // Posts: the newest figures, each as of the time that it says.
    let posts = ann.get("/api/exclusive/analytics/posts?platform=instagram&limit=200").await?.expect(200).body;
    let posts = posts["publications"].as_array().cloned().unwrap_or_default();
    assert_eq!(posts.len(), 40);
    for post in &posts {
        let row = rows.iter().find(|row| post["externalId"] == row.id.as_str()).ok_or("a post without looks")?;
        let of = law.post(&row.id);
        let seen: Timestamp = post["lastSyncedAt"].as_str().unwrap_or_default().parse()?;
        let views_at = row.looks.last().map_or(0, |look| count(&look["t"]) as i64);
        assert!(seen.as_second() >= views_at, "{post}");
        assert_eq!(count(&post["views"]), grown(count(&of["views"]), views_at - law.posted(of)), "{post}");
        assert_eq!(post["impressions"], Value::Null);
        assert_eq!(post["unavailable"]["impressions"], "not_offered");
        if of["likes"].is_null() {
            assert_eq!((&post["engagement"], &post["engagementRate"]), (&Value::Null, &Value::Null), "{post}");
        } else {
            let engagement = count(&post["likes"]) + count(&post["comments"]) + count(&post["shares"]);
            assert_eq!(count(&post["engagement"]), engagement);
            let rate = engagement as f64 / count(&post["reach"]) as f64 * 100.0;
            assert_eq!(post["engagementRate"], json!((rate * 100.0).round() / 100.0), "{post}");
            assert_eq!(post["rateBase"], "reach");
        }
    }

    // Trends: what was added since the first look, and followers as of the last sync.
    for (metric, figure) in [("views", "views"), ("comments", "comments"), ("reach", "reach"), ("saves", "saves")] {
        let path = format!("/api/exclusive/analytics/trends?metric={metric}&interval=day");
        let trends = ann.get(&path).await?.expect(200).body;
        assert_eq!((&trends["kind"], &trends["timezone"]), (&json!("gain"), &json!("UTC")));
        let points = trends["points"].as_array().cloned().unwrap_or_default();
        let sum: f64 = points.iter().filter_map(|point| point["value"].as_f64()).sum();
        assert_eq!(sum as i64, gained(&law, &rows, figure), "{metric}: {trends}");
        let days = points.iter().filter(|point| point["state"] == "number").count();
        assert!((4..=5).contains(&days), "{metric}: {trends}");
        assert!(points.iter().any(|point| point["state"] == "not_measured" && point["value"].is_null()));
        let month = ann.get(&path.replace("day", "month")).await?.expect(200).body;
        let months: f64 = month["points"].as_array().into_iter().flatten().filter_map(|p| p["value"].as_f64()).sum();
        assert_eq!(months, sum, "days and months add up alike");
        let hour = ann.get(&path.replace("interval=day", "interval=hour")).await?.expect(200).body;
        let hours: f64 = hour["points"].as_array().into_iter().flatten().filter_map(|p| p["value"].as_f64()).sum();
        assert_eq!(hours, sum, "and hours");
    }
    let connection = admin.connection("ann", &id).await?;
    let synced: Timestamp = connection["lastSyncedAt"].as_str().unwrap_or_default().parse()?;
    let followers = ann.get("/api/exclusive/analytics/trends?metric=followers").await?.expect(200).body;
    let last = followers["points"].as_array().and_then(|points| points.last().cloned()).unwrap_or_default();
    // The look noted what the last sync before it had found, an hour ago at most.
    let earlier = synced - jiff::SignedDuration::from_secs(HOUR + 180);
    let expected = law.followers(earlier)..=law.followers(synced);
    assert!(expected.contains(&(last["value"].as_f64().unwrap_or_default() as u64)), "{last} {expected:?}");
    let none = ann.get("/api/exclusive/analytics/trends?metric=impressions").await?.expect(200).body;
    assert!(none["points"].as_array().into_iter().flatten().any(|point| point["state"] == "not_offered"));

    // The range, for staff and for the talent: the same sums.
    let range = admin.get("/api/admin/talent/ann/analytics?platform=instagram").await?.expect(200).body;
    assert_eq!(range["data"]["totals"]["views"].as_f64().map(|n| n as i64), Some(gained(&law, &rows, "views")));
    assert_eq!(
        ann.get("/api/social/analytics?platform=instagram").await?.expect(200).body["data"]["totals"]["views"],
        range["data"]["totals"]["views"]
    );

    // The summary, by both of its paths.
    let summary = ann.get("/api/exclusive/analytics/summary").await?.expect(200).body;
    let instagram = &summary["instagram"];
    assert_eq!(instagram["reachLast30Days"].as_f64().map(|n| n as i64), Some(gained(&law, &rows, "reach")));
    assert_eq!(count(&instagram["followers"]), count(&connection["profile"]["followerCount"]));
    assert_eq!(&ann.get("/api/social/metrics/instagram").await?.expect(200).body, instagram);
    let recent = |post: &&Value| {
        let at: Option<Timestamp> = post["postedAt"].as_str().and_then(|at| at.parse().ok());
        at.is_some_and(|at| synced.duration_since(at).as_hours() < 30 * 24)
    };
    let best = posts.iter().filter(recent).max_by_key(|post| post["engagement"].as_u64().or(post["likes"].as_u64()));
    assert_eq!(instagram["topPost"]["id"], best.ok_or("no post")?["id"]);

    // The audience: shares of the followers, as the world has them.
    let audience = ann.get("/api/exclusive/analytics/audience?platform=instagram").await?.expect(200).body;
    let near = |value: &Value, percent: f64| (value.as_f64().unwrap_or_default() - percent).abs() < 0.5;
    assert!(near(&audience["gender"]["female"], 56.0) && near(&audience["ageRange"]["25-34"], 40.0), "{audience}");
    assert_eq!(audience["topCountries"][0]["name"], "DE");
    assert_eq!(audience["topCities"][0]["name"], "Köln, Nordrhein-Westfalen");
    assert_eq!(audience["activeHours"].as_object().map(serde_json::Map::len), Some(24));

    // Times, advice and forecasts: with 40 posts there is something to compare, with four days nothing to tell ahead.
    let times = ann.get("/api/exclusive/analytics/best-times").await?.expect(200).body;
    let cells = times["cells"].as_array().cloned().unwrap_or_default();
    assert_eq!(cells.iter().map(|cell| count(&cell["posts"])).sum::<u64>(), count(&times["posts"]));
    assert_eq!((&times["sufficient"], &times["metric"]), (&json!(true), &json!("engagementRate")));
    let forecast = ann.get("/api/exclusive/analytics/forecast").await?.expect(200).body;
    assert_eq!(forecast["accounts"][0]["followers"]["forecasts"], json!([]));
    assert_eq!(forecast["accounts"][0]["followers"]["reason"], "too_little_history");
    let advice = ann.get("/api/exclusive/analytics/recommendations").await?.expect(200).body;
    assert!(advice["recommendations"].is_array() && count(&advice["posts"]) > 20, "{advice}");

    // The table: one row for each post of the range, and the head.
    let table = ann.get("/api/exclusive/analytics/export?format=csv").await?.expect(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(table.text.starts_with("\u{feff}platform,posted_at,") && table.text.contains("🍵"), "{}", table.text);
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_post_of_ours_is_summed_over_its_places() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let mut ids = Vec::new();
    for (platform, handle) in [("MASTODON", "growing@mastodon.example"), ("TWITTER", "growing")] {
        ids.push(hand_over(&stack, &admin, platform, handle).await?);
    }
    let body = json!({"talentId": "ann", "content": "Tea time", "platforms": ["mastodon", "twitter"]});
    let post = admin.post("/api/social/posts/publish", &body).await?.expect(202).text_of("id").to_owned();
    let published =
        async || Ok(admin.get(&format!("/api/social/posts/{post}")).await?.expect(200).body["status"] == "published");
    herald_tests::eventually::until("the post is out", published).await?;
    let path = format!("/api/social/analytics?postId={post}");
    let before = admin.get(&path).await?.expect(200).body;
    assert_eq!(
        (&before["totalEngagement"], &before["unavailable"]["totalEngagement"]),
        (&Value::Null, &json!("pending"))
    );
    assert_eq!(
        (&before["analytics"][0]["fetchedAt"], before["analytics"].as_array().map(Vec::len)),
        (&Value::Null, Some(2))
    );
    // The syncs find it, and an hour after it went out it is looked at.
    stack.pass(90 * 60).await?;
    for id in &ids {
        let _ = admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
        admin.settled("ann", id, std::time::Duration::from_secs(20), |c| c["syncStatus"] == "READY").await?;
    }
    sweep(&stack).await?;
    let after = admin.get(&path).await?.expect(200).body;
    let places = after["analytics"].as_array().cloned().unwrap_or_default();
    let sum: u64 = places.iter().map(|place| count(&place["engagement"])).sum();
    assert!(places.iter().all(|place| place["fetchedAt"].is_string()) && sum > 0, "{after}");
    assert_eq!(count(&after["totalEngagement"]), sum);
    // Mastodon shows no reach at all, so there is no total of it.
    assert_eq!((&after["totalReach"], &after["unavailable"]["totalReach"]), (&Value::Null, &json!("not_offered")));
    let x = places.iter().find(|place| place["platform"] == "TWITTER").ok_or("X is missing")?;
    let rate = count(&x["engagement"]) as f64 / count(&x["impressions"]) as f64 * 100.0;
    assert_eq!((&x["rateBase"], &x["engagementRate"]), (&json!("impressions"), &json!((rate * 100.0).round() / 100.0)));
    Ok(())
}

#[tokio::test]
async fn late_figures_are_pending_and_a_used_up_quota_puts_looks_off_and_not_posts() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    stack.world.settings("INSTAGRAM", &json!({"figuresLagSeconds": 60 * DAY})).await?;
    let id = hand_over(&stack, &admin, "INSTAGRAM", "growing.late").await?;
    sweep(&stack).await?;
    let path = "/api/admin/talent/ann/analytics/trends?metric=views";
    let views = admin.get(path).await?.expect(200).body;
    let last = views["points"].as_array().and_then(|points| points.last().cloned()).unwrap_or_default();
    assert_eq!((&last["state"], &last["value"]), (&json!("pending"), &Value::Null), "{views}");
    // They come, and a quota of five calls an hour is used up at once.
    stack.world.settings("INSTAGRAM", &json!({"figuresLagSeconds": null, "callsPerHour": 5})).await?;
    stack.pass(DAY).await?;
    sweep(&stack).await?;
    let row = Rows::of(&stack).await?.of_partition(&format!("w#agency#c#{id}"), "sweep").await?.remove(0);
    let now: Timestamp = stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?;
    let due: i64 = row["due_at"]["N"].as_str().unwrap_or_default().parse()?;
    assert!(due > now.as_millisecond(), "looks wait: {row}");
    // With the quota back, looks go on where they stopped.
    stack.world.settings("INSTAGRAM", &json!({"callsPerHour": null})).await?;
    stack.pass(DAY).await?;
    admin.settled("ann", &id, std::time::Duration::from_secs(20), |c| c["syncStatus"] == "READY").await?;
    sweep(&stack).await?;
    let views = admin.get(path).await?.expect(200).body;
    let last = views["points"].as_array().and_then(|points| points.last().cloned()).unwrap_or_default();
    assert_eq!(last["state"], "number", "{views}");
    // Nobody asked for more than its share of an hour: 100 of Instagram's 200 calls.
    let budgets = Rows::of(&stack).await?.of_partition(&format!("w#agency#c#{id}"), "budget#").await?;
    let spent = |row: &Value| row["sweep"]["N"].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    assert!(!budgets.is_empty() && budgets.iter().all(|row| spent(row) <= 100), "{budgets:?}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_clear_4xx() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    admin.talent("bob").await?;
    let ann = stack.as_talent("agency", "ann").await?;
    let bob = stack.as_talent("agency", "bob").await?;
    let rival = stack.admin("rival").await?;
    let id = admin.connect("ann", "MASTODON", "growing@mastodon.example").await?;
    admin.done("ann", &id).await?;
    let body = json!({"talentId": "ann", "content": "Tea"});
    let post = admin.post("/api/social/posts", &body).await?.expect(201).text_of("id").to_owned();
    let unknown = "post_019cb00a9d00123456789abcdef";
    let of_post = format!("/api/social/analytics?postId={post}");
    let cases: Vec<(&Client, &str, String, u16)> = vec![
        (
            &ann,
            "reversed",
            "/api/exclusive/analytics/trends?metric=likes&from=2026-11-05&to=2026-11-01".to_owned(),
            400,
        ),
        (&ann, "future", "/api/exclusive/analytics/trends?metric=likes&from=2031-01-01&to=2031-02-01".to_owned(), 400),
        (&ann, "absurd", "/api/exclusive/analytics/trends?metric=likes&from=1970-01-01".to_owned(), 400),
        (&ann, "no date", "/api/exclusive/analytics/trends?metric=likes&from=yesterday".to_owned(), 400),
        (&ann, "metric", "/api/exclusive/analytics/trends?metric=clicks".to_owned(), 400),
        (&ann, "no metric", "/api/exclusive/analytics/trends".to_owned(), 400),
        (&ann, "interval", "/api/exclusive/analytics/trends?metric=likes&interval=minute".to_owned(), 400),
        (
            &ann,
            "a year by hours",
            "/api/exclusive/analytics/trends?metric=likes&interval=hour&from=2026-01-01".to_owned(),
            400,
        ),
        (&ann, "reversed range", "/api/social/analytics?startDate=2026-11-05&endDate=2026-11-01".to_owned(), 400),
        (&ann, "platform", "/api/exclusive/analytics/posts?platform=myspace".to_owned(), 400),
        (&ann, "limit", "/api/exclusive/analytics/posts?limit=0".to_owned(), 400),
        (&ann, "cursor", "/api/exclusive/analytics/posts?cursor=00".to_owned(), 400),
        (&ann, "format", "/api/exclusive/analytics/export?format=xls".to_owned(), 400),
        (&ann, "connection", "/api/exclusive/analytics/trends?metric=likes&connectionId=conn_x".to_owned(), 404),
        (&bob, "another's connection", format!("/api/exclusive/analytics/trends?metric=likes&connectionId={id}"), 404),
        (&ann, "no account there", "/api/social/metrics/tiktok".to_owned(), 404),
        (&ann, "no such post", format!("/api/social/analytics?postId={unknown}"), 404),
        (&ann, "no post's id", "/api/social/analytics?postId=x".to_owned(), 404),
        (&bob, "another's post", of_post.clone(), 404),
        (&rival, "another workspace's post", of_post.clone(), 404),
        (&admin, "a post under another talent", format!("/api/admin/talent/bob/analytics?postId={post}"), 404),
        (&rival, "another workspace's talent", "/api/admin/talent/ann/analytics/summary".to_owned(), 404),
        (&admin, "whose", "/api/social/analytics".to_owned(), 400),
        (&bob, "another talent", "/api/social/analytics?talentId=ann".to_owned(), 404),
        (&ann, "a staff route", "/api/admin/talent/ann/analytics/summary".to_owned(), 403),
        (&admin, "a talent's route", "/api/exclusive/analytics/summary".to_owned(), 403),
        (&ann, "own post", of_post, 200),
    ];
    for (caller, what, path, status) in cases {
        let reply = caller.get(&path).await?;
        assert_eq!(reply.status, status, "{what}: {path}: {}", reply.text);
        if status >= 400 {
            assert!(!reply.text_of("error").is_empty() && !reply.text_of("code").is_empty(), "{what}: {}", reply.text);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_access_is_noted_once_for_each_subject_talent_route_and_hour() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let ann = stack
        .client
        .with_token(stack.token("workspace=agency&role=talent&talent=ann&ttl=315360000&subject=ann").await?);
    let rows = Rows::of(&stack).await?;
    let noted = async || -> Result<Vec<String>> {
        let all = rows.of_partition("w#agency#t#ann", "audit#").await?;
        let read = all.iter().filter(|row| row["shown"]["M"]["action"]["S"] == "analytics.read");
        Ok(read.map(|row| row["shown"]["M"]["subject"]["S"].as_str().unwrap_or_default().to_owned()).collect())
    };
    for _ in 0..3 {
        let _ = ann.get("/api/exclusive/analytics/summary").await?.expect(200);
        let _ = ann.get("/api/exclusive/analytics/trends?metric=likes").await?.expect(200);
        let _ = admin.get("/api/admin/talent/ann/analytics/summary").await?.expect(200);
    }
    assert_eq!(noted().await?.len(), 3, "{:?}", noted().await?);
    stack.pass(HOUR).await?;
    let _ = ann.get("/api/exclusive/analytics/summary").await?.expect(200);
    assert_eq!(noted().await?.iter().filter(|route| route.contains("exclusive/analytics/summary")).count(), 2);
    Ok(())
}

#[tokio::test]
async fn accounts_are_compared_side_by_side() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let ann = stack.as_talent("agency", "ann").await?;
    let (handle, body) =
        ("rival@mastodon.example", json!({"platform": "MASTODON", "handle": "@Rival@mastodon.example"}));
    let added = ann.post("/api/social/competitors", &body).await?.expect(201).body;
    assert_eq!((&added["handle"], &added["asOf"]), (&json!(handle), &Value::Null));
    assert_eq!(ann.post("/api/social/competitors", &body).await?.expect(201).body["id"], added["id"], "the same again");
    for (body, status) in [
        (json!({"platform": "INSTAGRAM", "handle": "rival"}), 400),
        (json!({"platform": "MASTODON", "handle": "no host"}), 400),
        (json!({"platform": "MASTODON", "handle": handle, "talentId": "bob"}), 404),
        (json!({"platform": "MASTODON"}), 400),
    ] {
        let _ = ann.post("/api/social/competitors", &body).await?.expect(status);
    }
    let id = admin.connect("ann", "MASTODON", "growing@mastodon.example").await?;
    admin.done("ann", &id).await?;
    sweep(&stack).await?;
    let sides = ann.get("/api/exclusive/analytics/benchmarks").await?.expect(200).body;
    let truth = stack.world.account("MASTODON", handle).await?;
    let rival = &sides["competitors"][0];
    assert_eq!((&rival["followers"], &rival["posts"]), (&truth["followerCount"], &truth["postCount"]), "{sides}");
    assert_eq!((&sides["own"][0]["id"], &rival["unavailable"]["avgViews"]), (&json!(id), &json!("not_offered")));
    let listed = ann.get("/api/social/competitors").await?.expect(200).body;
    assert!(listed["competitors"][0]["asOf"].is_string(), "{listed}");
    let path = format!("/api/social/competitors/{}", added["id"].as_str().unwrap_or_default());
    let stranger = stack.as_talent("agency", "bob").await?;
    let _ = stranger.delete(&path).await?.expect(404);
    let _ = ann.delete(&path).await?.expect(200);
    let _ = ann.delete(&path).await?.expect(404);
    Ok(())
}

#[tokio::test]
async fn days_begin_in_the_workspaces_zone_and_what_is_removed_leaves_no_figures() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let zone = async |name: &str| admin.json(Method::PUT, "/api/admin/workspace", &json!({"timezone": name})).await;
    assert_eq!(zone("Pacific/Auckland").await?.expect(200).body, json!({"timezone": "Pacific/Auckland"}));
    let _ = admin.json(Method::PUT, "/api/admin/workspace", &json!({"timezone": "Mars/Base"})).await?.expect(400);
    let id = admin.connect("ann", "MASTODON", "growing@mastodon.example").await?;
    admin.done("ann", &id).await?;
    sweep(&stack).await?;
    let trends = admin.get("/api/admin/talent/ann/analytics/trends?metric=followers").await?.expect(200).body;
    let last = trends["points"].as_array().and_then(|points| points.last().cloned()).unwrap_or_default();
    let start: Timestamp = last["at"].as_str().unwrap_or_default().parse()?;
    let there = start.in_tz("Pacific/Auckland")?;
    assert_eq!(
        (there.hour(), &last["state"], &trends["timezone"]),
        (0, &json!("number"), &json!("Pacific/Auckland")),
        "{trends}"
    );
    let rows = Rows::of(&stack).await?;
    let left = async || -> Result<usize> { Ok(rows.of_partition(&format!("w#agency#c#{id}"), "").await?.len()) };
    assert!(left().await? > 40);
    let _ = admin.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    herald_tests::eventually::until("everything of it is gone", async || Ok(left().await? == 0)).await?;
    Ok(())
}
