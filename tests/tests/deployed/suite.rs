//! What a Herald does wherever it runs. Nothing here knows where that is.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::deployment::is_told;
use herald_tests::place::Place;
use herald_tests::process::Result;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

/// How long a person would wait for a function that starts for the first time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs every fact and names all that do not hold.
pub async fn run(place: &impl Place) -> Result<()> {
    let staff = place.admin("agency").await?;
    let made = staff.json(Method::PUT, "/api/admin/talents/ann", &json!({"name": "Ann"})).await?;
    held(made.status == 200, || format!("a talent: {}", made.text))?;
    let mut wrong = Vec::new();
    macro_rules! fact {
        ($($name:ident),* $(,)?) => {$(
            println!("{}", stringify!($name));
            if let Err(error) = $name(place, &staff).await {
                wrong.push(format!("{}: {error}", stringify!($name)));
            }
        )*};
    }
    fact!(
        nobody_comes_in_without_a_credential,
        a_handle_becomes_ready,
        a_consent_becomes_ready_and_publishes_once,
        a_picture_goes_out_with_its_text,
        a_request_sent_twice_has_one_effect,
        a_scheduled_post_leaves_on_its_second,
        a_ring_that_was_lost_is_found_by_the_schedule,
        a_message_that_fails_stops_no_other_and_ends_as_a_dead_letter,
        a_file_of_posts_is_reported_line_by_line,
        a_deleted_account_leaves_nothing,
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// A failed fact is a sentence, so that the others are still looked at.
fn held(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(what().into()) }
}

async fn publish(staff: &Client, post: &Value) -> Result<String> {
    let reply = staff.post("/api/social/posts/publish", post).await?;
    held(reply.status == 202, || reply.text.clone())?;
    Ok(reply.text_of("id").to_owned())
}

async fn published(place: &impl Place, staff: &Client, id: &str, text: &str) -> Result<Value> {
    let post = author::within(staff, id, PATIENCE, author::is(&["published", "failed", "missed"])).await?;
    held(post["status"] == "published", || format!("{post:#}"))?;
    let there = author::published(place.world(), Stage::of("MASTODON"), text).await?;
    held(there.len() == 1, || format!("there {} times", there.len()))?;
    Ok(post)
}

async fn nobody_comes_in_without_a_credential(place: &impl Place, staff: &Client) -> Result<()> {
    let health = place.client().get("/health").await?;
    held(health.status == 200, || format!("health: {}", health.text))?;
    let refused = place.client().get("/api/exclusive/socials").await?;
    held(refused.status == 401 && refused.header("www-authenticate").is_some(), || refused.text.clone())?;
    held(refused.text_of("code") == "unauthenticated", || refused.text.clone())?;
    let talent = place.client().with_token(place.token("workspace=agency&role=talent&talent=ann").await?);
    let staffs = talent.get("/api/admin/talents").await?;
    held(staffs.status == 403, || format!("a talent on a staff's route: {}", staffs.status))?;
    let own = talent.get("/api/exclusive/socials").await?;
    held(own.status == 200, || format!("a talent on its own route: {}", own.text))?;
    let forged =
        staff.with_token("eyJhbGciOiJub25lIn0.eyJoZXJhbGRfcm9sZSI6ImFkbWluIn0.").get("/api/admin/talents").await?;
    held(forged.status == 401, || format!("a forged token: {}", forged.status))?;
    let others = place.admin("another").await?.get("/api/admin/talent/ann/social-connections").await?;
    held(others.body["connections"].as_array().is_none_or(Vec::is_empty), || format!("another's: {}", others.text))
}

async fn a_handle_becomes_ready(place: &impl Place, staff: &Client) -> Result<()> {
    let id = staff.connect("ann", "BLUESKY", "ann.bsky.social").await?;
    let seen =
        staff.settled("ann", &id, PATIENCE, |c| matches!(c["syncStatus"].as_str(), Some("READY" | "ERROR"))).await?;
    held(seen["syncStatus"] == "READY", || seen.to_string())?;
    let truth = place.world().account("BLUESKY", "ann.bsky.social").await?;
    held(seen["profile"]["followerCount"] == truth["followerCount"], || format!("{} {truth}", seen["profile"]))?;
    let path = "/api/admin/talent/ann/social-connections";
    let first = staff.get(path).await?;
    let tag = first.header("etag").unwrap_or_default().to_owned();
    let again = staff.send(Method::GET, path, &[("if-none-match", &tag)], None).await?;
    held(again.status == 304, || format!("the same again: {}", again.status))
}

async fn a_consent_becomes_ready_and_publishes_once(place: &impl Place, staff: &Client) -> Result<()> {
    author::connect(place.world(), staff, "ann", Stage::of("MASTODON")).await?;
    let id = publish(staff, &Stage::of("MASTODON").post("ann", "straight away")).await?;
    let post = published(place, staff, &id, "straight away").await?;
    held(post["deliveries"][0]["url"].is_string(), || format!("{post:#}"))?;
    let times = is_told(place, "post.published", &id).await?;
    held(times == 1, || format!("told {times} times"))
}

async fn a_picture_goes_out_with_its_text(place: &impl Place, staff: &Client) -> Result<()> {
    let mut post = Stage::of("MASTODON").post("ann", "with a picture");
    post["mediaUrls"] = json!(["https://media.example/photo.jpg?w=640&h=480"]);
    let id = publish(staff, &post).await?;
    published(place, staff, &id, "with a picture").await?;
    let there = author::published(place.world(), Stage::of("MASTODON"), "with a picture").await?;
    held(there[0]["media"].as_array().map(Vec::len) == Some(1), || there[0].to_string())
}

async fn a_request_sent_twice_has_one_effect(place: &impl Place, staff: &Client) -> Result<()> {
    let body = Stage::of("MASTODON").post("ann", "asked twice").to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", "asked-twice")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = staff.send(Method::POST, "/api/social/posts/publish", &headers, Some(body.clone())).await?;
        held(reply.status == 202, || reply.text.clone())?;
        ids.push(reply.text_of("id").to_owned());
    }
    held(ids[0] == ids[1], || format!("{ids:?}"))?;
    published(place, staff, &ids[0], "asked twice").await.map(drop)
}

/// How long after its time a scheduled post says that it went out; negative is early.
fn late(post: &Value) -> Result<SignedDuration> {
    let at = |value: &Value| value.as_str().unwrap_or_default().parse::<Timestamp>();
    let (due, out) = (at(&post["scheduledAt"])?, at(&post["deliveries"][0]["postedAt"])?);
    Ok(due.duration_until(out))
}

/// A post that goes out this much later, by the clock of the API.
async fn schedule(staff: &Client, text: &str, seconds: i64) -> Result<String> {
    let mut post = Stage::of("MASTODON").post("ann", text);
    let draft = staff.post("/api/social/posts", &post).await?;
    let now: Timestamp = draft.text_of("createdAt").parse()?;
    let _ = staff.delete(&format!("/api/social/posts/{}", draft.text_of("id"))).await?;
    post["scheduledAt"] = json!(now + SignedDuration::from_secs(seconds));
    let reply = staff.post("/api/social/posts", &post).await?;
    held(reply.status == 201, || reply.text.clone())?;
    Ok(reply.text_of("id").to_owned())
}

async fn a_scheduled_post_leaves_on_its_second(place: &impl Place, staff: &Client) -> Result<()> {
    let id = schedule(staff, "on the second", 12).await?;
    place.pass(Duration::from_secs(12)).await?;
    let post = published(place, staff, &id, "on the second").await?;
    let late = late(&post)?;
    held((-1..=5).contains(&late.as_secs()), || format!("{late:?} after its time"))
}

async fn a_ring_that_was_lost_is_found_by_the_schedule(place: &impl Place, staff: &Client) -> Result<()> {
    let id = schedule(staff, "found again", 75).await?;
    place.lose_messages().await?;
    place.pass(Duration::from_secs(80)).await?;
    let post = published(place, staff, &id, "found again").await?;
    let late = late(&post)?;
    held((-1..=65).contains(&late.as_secs()), || format!("{late:?} after its time"))
}

async fn a_message_that_fails_stops_no_other_and_ends_as_a_dead_letter(
    place: &impl Place,
    staff: &Client,
) -> Result<()> {
    // What is no ring at all is dropped, since nobody could ever do anything about it.
    place.send("ingest", "this is no ring").await?;
    let id = staff.connect("ann", "BLUESKY", "bea.bsky.social").await?;
    let seen =
        staff.settled("ann", &id, PATIENCE, |c| matches!(c["syncStatus"].as_str(), Some("READY" | "ERROR"))).await?;
    held(seen["syncStatus"].is_string(), || seen.to_string())?;
    // The table refuses an empty key each time.
    place.wear_out("ingest", r#"{"kind":"ingest","pk":"","sk":""}"#).await?;
    let stats = staff.get("/api/admin/queue-stats").await?;
    held(stats.body["queues"][0]["name"] == "ingest" && stats.body["queues"][0]["dead"] == 1, || stats.text.clone())?;
    if place.redrives() {
        let moved = staff.post_empty("/api/admin/queues/ingest/redrive").await?;
        held(moved.status == 202 && moved.body["messages"] == 1, || moved.text.clone())?;
    } else {
        println!("  left out here: the redrive, since this AWS has no StartMessageMoveTask");
    }
    Ok(())
}

async fn a_file_of_posts_is_reported_line_by_line(place: &impl Place, staff: &Client) -> Result<()> {
    let (head, at) = ("talentId,content,platforms,scheduledAt", author::far_off());
    let file = format!("{head}\nann,from a file,MASTODON,{at}\nann,,MASTODON,{at}\nnobody,hello,MASTODON,{at}\n");
    let headers = [("content-type", "text/csv")];
    let started = staff.send(Method::POST, "/api/social/posts/bulk", &headers, Some(file.into())).await?;
    held(started.status == 202, || started.text.clone())?;
    let path = format!("/api/social/posts/bulk/{}", started.text_of("jobId"));
    let deadline = std::time::Instant::now() + PATIENCE;
    let report = loop {
        let report = staff.get(&path).await?;
        if report.body["state"] == "done" || std::time::Instant::now() > deadline {
            break report;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    held(report.body["state"] == "done", || report.text.clone())?;
    let rows = report.body["rows"].as_array().cloned().unwrap_or_default();
    let ok = rows.iter().filter(|row| row["postId"].is_string()).count();
    held(ok == 1 && rows.len() >= 2, || report.text.clone())?;
    let _ = place;
    Ok(())
}

async fn a_deleted_account_leaves_nothing(place: &impl Place, staff: &Client) -> Result<()> {
    let all = staff.connections("ann").await?;
    let mastodon = all.iter().find(|c| c["platform"] == "MASTODON").ok_or("no account at Mastodon")?;
    let id = mastodon["id"].as_str().unwrap_or_default();
    let gone = staff.delete(&format!("/api/admin/socials/{id}")).await?;
    held(gone.status / 100 == 2, || gone.text.clone())?;
    let left = staff.connections("ann").await?;
    held(left.iter().all(|c| c["id"] != id), || "it is still listed".to_owned())?;
    herald_tests::eventually::until("its tokens are revoked at the platform", async || {
        let asked = herald_tests::eventually::asked(place.world(), "mastodon.example", "/oauth/revoke").await?;
        Ok(asked.iter().any(|request| request["status"] == 200))
    })
    .await
}
