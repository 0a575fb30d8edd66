//! Publishing on a real server of the Mastodon API that keeps no `Idempotency-Key`: only what its list shows can tell
//! whether a post is out.

use std::time::Duration;

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::process::Result;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::mastodon::{Ground, own_app};

/// What the account's own list shows, newest first.
struct Timeline {
    statuses: Url,
    token: String,
}

impl Timeline {
    async fn of(ground: &Ground) -> Result<Self> {
        let token = own_app(ground).await?;
        let site = Url::parse(ground.server.facts["url"].as_str().unwrap())?;
        let me: Value = ask(site.join("/api/v1/accounts/verify_credentials")?, &token).await?;
        let id = me["id"].as_str().ok_or("no account")?.to_owned();
        Ok(Self { statuses: site.join(&format!("/api/v1/accounts/{id}/statuses"))?, token })
    }

    async fn with_text(&self, text: &str) -> Result<Vec<Value>> {
        let all = ask(self.statuses.clone(), &self.token).await?;
        let fits = |status: &&Value| status["content"].as_str().is_some_and(|html| html.contains(text));
        Ok(all.as_array().into_iter().flatten().filter(fits).cloned().collect())
    }
}

async fn ask(url: Url, token: &str) -> Result<Value> {
    // A small server closes connections without a word, so none is used twice.
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build()?;
    let answer = http.get(url).header("authorization", token).header("connection", "close").send().await?;
    Ok(serde_json::from_str(&answer.error_for_status()?.text().await?)?)
}

fn post(text: &str) -> Value {
    json!({"talentId": "alice", "content": text, "platforms": ["MASTODON"]})
}

async fn settled(staff: &Client, id: &str) -> Result<Value> {
    author::within(staff, id, Duration::from_secs(40), author::is(&["published", "partial", "failed"])).await
}

#[tokio::test]
async fn a_real_mastodon_server_shows_text_and_picture_and_a_schedule_as_edited() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::mastodon_posts").await? else { return Ok(()) };
    let staff = &ground.staff;
    let connection = ground.alice_consents().await?;
    assert_eq!(staff.done("alice", &connection).await?["syncStatus"], "READY");
    let timeline = Timeline::of(&ground).await?;

    let mut body = post("Grüße with a picture 👩‍👩‍👧‍👦");
    body["mediaUrls"] = json!(["https://media.example/photo.png?w=64&h=48"]);
    let id = author::publish(staff, &body).await?;
    let seen = settled(staff, &id).await?;
    assert_eq!(seen["status"], "published", "{seen:#}");
    let there = timeline.with_text("Grüße with a picture 👩‍👩‍👧‍👦").await?;
    assert_eq!(there.len(), 1, "{there:#?}");
    assert_eq!(seen["deliveries"][0]["platformPostId"], there[0]["id"]);
    let files = there[0]["media_attachments"].as_array().cloned().unwrap_or_default();
    assert_eq!(files.len(), 1, "{there:#?}");
    let kept = staff
        .http()
        .get(files[0]["url"].as_str().unwrap_or_default())
        .header("connection", "close")
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?;
    let address = format!("{}/media.example/photo.png?w=64&h=48", ground.stack.world.origin);
    assert!(kept == staff.http().get(address).send().await?.error_for_status()?.bytes().await?, "{} bytes", kept.len());

    let now: Timestamp = ground.stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let at =
        |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).and_then(|at| at.round(jiff::Unit::Second));
    let (first, second) = (at(12)?, at(16)?);
    let mut body = post("as first written");
    body["scheduledAt"] = json!(first.to_string());
    let made = staff.post("/api/social/posts", &body).await?.expect(201);
    let (edited, etag) = (made.text_of("id"), made.header("etag").unwrap_or("*").to_owned());
    let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
    let change = json!({"content": "as edited", "scheduledAt": second.to_string()}).to_string().into_bytes();
    let path = format!("/api/social/posts/{edited}");
    let _ = staff.send(Method::PATCH, &path, &headers, Some(change)).await?.expect(200);
    // The server would have sent it at once: it is we who wait.
    assert_eq!(timeline.with_text("as ").await?, Vec::<Value>::new());
    let seen = settled(staff, edited).await?;
    assert_eq!(seen["status"], "published", "{seen:#}");
    assert_eq!((timeline.with_text("as edited").await?.len(), timeline.with_text("as first").await?.len()), (1, 0));
    let posted: Timestamp = seen["postedAt"].as_str().unwrap_or_default().parse()?;
    assert!((-1..10).contains(&second.duration_until(posted).as_secs()), "{second} {posted}");

    // This server lets no other program delete: the post says so, and stays what it is.
    let _ = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    let seen = author::until(staff, &id, |post| post["deliveries"][0]["error"].is_string()).await?;
    let delivery = &seen["deliveries"][0];
    assert_eq!((&delivery["deleted"], &delivery["status"]), (&json!(false), &json!("published")), "{seen:#}");
    assert!(delivery["error"].as_str().unwrap_or_default().contains("lets no other program delete posts"), "{seen:#}");
    assert_eq!(timeline.with_text("Grüße with a picture").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_was_lost_is_read_back_from_a_real_mastodon_server() -> Result<()> {
    let Some(mut ground) = Ground::or_skip("real_servers::mastodon_posts").await? else { return Ok(()) };
    let staff = ground.staff.clone();
    let connection = ground.alice_consents().await?;
    assert_eq!(staff.done("alice", &connection).await?["syncStatus"], "READY");
    let timeline = Timeline::of(&ground).await?;

    let _ = ground.stack.client.delete("/local/crossings").await?.expect(200);
    let id = author::publish(&staff, &post("undisturbed")).await?;
    assert_eq!(settled(&staff, &id).await?["status"], "published");
    let calls = crate::platform_calls(&ground.stack, "workers.publish").await?;

    // Our clock runs ahead of the server's afterwards, so what reads times back comes first.
    for phase in ["after", "before"] {
        let text = format!("killed {phase} the status");
        let crash = json!({"phase": phase, "nth": calls, "service": "platform", "scope": "workers.publish"});
        let _ = ground.stack.control("/crash", &crash).await?.expect(200);
        let id = author::publish(&staff, &post(&text)).await?;
        ground.stack.ended(Duration::from_secs(20)).await?;
        assert_eq!(timeline.with_text(&text).await?.len(), usize::from(phase == "after"), "{phase}");
        ground.stack.restart().await?;
        let seen = crate::in_time(&ground.stack, &staff, &id).await?;
        assert_eq!(seen["status"], "published", "{seen:#}");
        let there = timeline.with_text(&text).await?;
        assert_eq!(there.len(), 1, "{there:#?}");
        assert_eq!(seen["deliveries"][0]["platformPostId"], there[0]["id"]);
        let steps: Vec<(&str, &str)> = seen["deliveries"][0]["attempts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|attempt| Some((attempt["step"].as_str()?, attempt["outcome"].as_str()?)))
            .collect();
        // What is there is found, and not sent again; what is not is sent when its absence is proven.
        let last = if phase == "after" { ("find", "ok") } else { ("submit", "ok") };
        assert_eq!(steps.last(), Some(&last), "{steps:?}");
        assert!(phase == "after" || steps.contains(&("find", "absent")), "{steps:?}");
    }
    Ok(())
}
