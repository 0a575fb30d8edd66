//! Someone who writes posts, and the judge who saw what came of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::consent;
use crate::eventually::SOON;
use crate::process::Result;
use crate::stack::World;

/// Platforms that posts go to, with an account there and whether a post needs a file.
pub const STAGES: [Stage; 8] = [
    Stage { platform: "BLUESKY", account: "ann.bsky.social", media: None },
    Stage { platform: "MASTODON", account: "ann@mastodon.example", media: None },
    Stage { platform: "INSTAGRAM", account: "annsings", media: Some("https://media.example/photo.jpg?w=1080&h=1080") },
    Stage { platform: "YOUTUBE", account: "annsings", media: Some("https://media.example/clip.mp4?bytes=3000000") },
    Stage { platform: "TIKTOK", account: "annsings", media: Some("https://media.example/clip.mp4?bytes=3000000") },
    Stage { platform: "TWITTER", account: "annsings", media: None },
    Stage { platform: "LINKEDIN", account: "annsings", media: None },
    Stage { platform: "TELEGRAM", account: "annsings", media: None },
];

/// A platform that posts go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// The platform.
    pub platform: &'static str,
    /// An account there.
    pub account: &'static str,
    /// A file that a post needs there.
    pub media: Option<&'static str>,
}

impl Stage {
    /// The platform `name`.
    ///
    /// # Panics
    /// For a name that is none of [`STAGES`].
    #[must_use]
    pub fn of(name: &str) -> Self {
        *STAGES.iter().find(|stage| stage.platform == name).unwrap_or_else(|| panic!("{name} is no stage"))
    }

    /// A post that this platform takes.
    #[must_use]
    pub fn post(&self, talent: &str, text: &str) -> Value {
        let mut post = json!({"talentId": talent, "content": text, "platforms": [self.platform]});
        if let Some(url) = self.media {
            post["mediaUrls"] = json!([url]);
        }
        match self.platform {
            "YOUTUBE" => post["options"] = json!({"YOUTUBE": {"title": text, "privacyStatus": "public"}}),
            "TIKTOK" => post["options"] = json!({"TIKTOK": {"privacyLevel": "PUBLIC_TO_EVERYONE"}}),
            _ => {}
        }
        post
    }
}

/// Connects the account of a stage to a talent, ready to publish.
///
/// # Errors
/// When it does not become READY.
pub async fn connect(world: &World, staff: &Client, talent: &str, stage: Stage) -> Result<String> {
    let id = if stage.platform == "TELEGRAM" {
        let path = format!("/accounts/TELEGRAM/{}/issue-token", stage.account);
        let token = world.control(&path, &json!({})).await?.expect(201);
        let body = json!({
            "talentId": talent, "platform": "TELEGRAM",
            "accessToken": token.body["accessToken"], "handle": format!("@{}", stage.account),
        });
        let reply = staff.post("/api/socials/oauth/callback", &body).await?.expect(201);
        reply.text_of("connectionId").to_owned()
    } else if let Some(member) = stage.account.strip_suffix("-inc") {
        // The token of a member who administers the page is handed over, with the page's number.
        let page = world.account(stage.platform, stage.account).await?["id"].clone();
        let number = page.as_str().and_then(|urn| urn.rsplit(':').next()).ok_or("a page has a number")?.to_owned();
        let path = format!("/accounts/{}/{member}/issue-token", stage.platform);
        let token = world.control(&path, &json!({})).await?.expect(201);
        let body = json!({
            "talentId": talent, "platform": stage.platform, "accessToken": token.body["accessToken"], "handle": number,
        });
        staff.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned()
    } else {
        consent::link(staff, talent, stage.platform, stage.account).await?
    };
    let seen = staff.done(talent, &id).await?;
    if seen["syncStatus"] == "READY" { Ok(id) } else { Err(format!("{} is not ready: {seen}", stage.platform).into()) }
}

/// Publishes now and answers the post's id.
///
/// # Errors
/// When there is no answer.
pub async fn publish(client: &Client, post: &Value) -> Result<String> {
    let reply = client.post("/api/social/posts/publish", post).await?.expect(202);
    Ok(reply.text_of("id").to_owned())
}

/// A post as it stands.
///
/// # Errors
/// When there is no answer.
pub async fn post(client: &Client, id: &str) -> Result<Reply> {
    Ok(client.get(&format!("/api/social/posts/{id}")).await?.expect(200))
}

/// Waits until a post is as `settled` wants it.
///
/// # Errors
/// When it is not in time; the sentence holds the last look.
pub async fn until(client: &Client, id: &str, settled: impl Fn(&Value) -> bool) -> Result<Value> {
    within(client, id, SOON, settled).await
}

/// The same with another patience.
///
/// # Errors
/// As [`until`].
pub async fn within(client: &Client, id: &str, time: Duration, settled: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Instant::now() + time;
    loop {
        let seen = post(client, id).await?.body;
        if settled(&seen) {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            return Err(format!("not settled within {time:?}: {seen:#}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a post's status is one of these.
pub fn is<'a>(wanted: &'a [&'a str]) -> impl Fn(&Value) -> bool + 'a {
    move |post| wanted.contains(&post["status"].as_str().unwrap_or_default())
}

/// The status of a post's only delivery.
#[must_use]
pub fn delivery(post: &Value) -> &str {
    post["deliveries"][0]["status"].as_str().unwrap_or_default()
}

/// What an account's platform was made to publish with this text.
///
/// # Errors
/// When there is no answer.
pub async fn published(world: &World, stage: Stage, text: &str) -> Result<Vec<Value>> {
    let all = world.look(&format!("/publications?platform={}", stage.platform)).await?;
    let fits = |publication: &&Value| {
        let stands = !matches!(publication["state"].as_str(), Some("failed"));
        stands && publication["kind"] != "comment" && publication["text"].as_str().is_some_and(|had| had.contains(text))
    };
    Ok(all.as_array().into_iter().flatten().filter(fits).cloned().collect())
}

/// A time that stays in the future for as long as a test runs, for tests that leave the clock alone.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test that leaves the clock alone has the machine's")]
pub fn far_off() -> String {
    let now = jiff::Timestamp::now();
    now.checked_add(jiff::SignedDuration::from_hours(48)).unwrap_or(now).to_string()
}
