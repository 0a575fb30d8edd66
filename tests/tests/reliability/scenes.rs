//! What is published: on each platform the plainest post, and one with everything that takes further steps.

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The talent of every case.
pub const TALENT: &str = "ann";
/// How far ahead a scheduled scene is written, in seconds: beyond the first tick of `ring_due`.
const AHEAD_S: i64 = 150;

/// A post on a platform.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// What the table calls it.
    pub name: &'static str,
    /// Where it goes.
    pub stage: Stage,
    /// Its files.
    pub media: &'static [&'static str],
    /// Whether a first comment follows.
    pub comment: bool,
    /// Whether it is written for later, and `ring_due` finds it.
    pub later: bool,
    /// Whether anything shows what became of an uncertain submission, for this account.
    pub proof: bool,
}

const PHOTO: &str = "https://media.example/photo.jpg?w=1080&h=1080";
const SECOND: &str = "https://media.example/second.jpg?w=1080&h=1080&seed=2";
const CLIP: &str = "https://media.example/clip.mp4?bytes=3000000&seconds=20&w=1080&h=1920";
/// Three pieces of the platforms' resumable uploads.
const FILM: &str = "https://media.example/film.mp4?bytes=20000000&seconds=60&w=1080&h=1920";

const fn plain(name: &'static str, account: &'static str, media: &'static [&'static str]) -> Scene {
    let stage = Stage { platform: name, account, media: None };
    Scene { name, stage, media, comment: false, later: false, proof: true }
}

const fn of(platform: &'static str, name: &'static str, account: &'static str) -> Scene {
    Scene { name, ..plain(platform, account, &[]) }
}

/// Every scene.
pub const SCENES: [Scene; 18] = [
    plain("BLUESKY", "ann.bsky.social", &[]),
    plain("MASTODON", "ann@mastodon.example", &[]),
    plain("INSTAGRAM", "annsings", &[PHOTO]),
    plain("YOUTUBE", "annsings", &[CLIP]),
    plain("TIKTOK", "annsings", &[CLIP]),
    plain("TWITTER", "annsings", &[]),
    Scene { proof: false, ..plain("LINKEDIN", "annsings", &[]) },
    Scene { proof: false, ..plain("TELEGRAM", "annsings", &[]) },
    Scene { later: true, ..of("BLUESKY", "BLUESKY, scheduled", "ann.bsky.social") },
    Scene { media: &[PHOTO], comment: true, ..of("BLUESKY", "BLUESKY, photo and comment", "ann.bsky.social") },
    Scene { media: &[PHOTO], comment: true, ..of("MASTODON", "MASTODON, photo and comment", "ann@mastodon.example") },
    Scene { media: &[PHOTO, SECOND], comment: true, ..of("INSTAGRAM", "INSTAGRAM, two and comment", "annsings") },
    Scene { media: &[FILM], comment: true, ..of("YOUTUBE", "YOUTUBE, in pieces, comment", "annsings") },
    Scene { media: &[FILM], ..of("TIKTOK", "TIKTOK, in pieces", "annsings") },
    Scene { media: &[CLIP], comment: true, ..of("TWITTER", "TWITTER, clip and comment", "annsings") },
    Scene { proof: false, ..of("TWITTER", "TWITTER, no credit to read", "annsings") },
    Scene { media: &[PHOTO], comment: true, ..of("LINKEDIN", "LINKEDIN, page, photo, comment", "ann-lee-inc") },
    Scene { proof: false, media: &[PHOTO], ..of("TELEGRAM", "TELEGRAM, photo", "annsings") },
];

impl Scene {
    /// The post with this text.
    pub fn post(&self, text: &str) -> Value {
        let mut post = self.stage.post(TALENT, text);
        if !self.media.is_empty() {
            post["mediaUrls"] = json!(self.media);
        }
        if self.comment {
            post["options"][self.stage.platform]["firstComment"] = json!(comment_on(text));
        }
        post
    }

    /// Where the post is sent to.
    pub const fn route(&self) -> &'static str {
        if self.later { "/api/social/posts" } else { "/api/social/posts/publish" }
    }

    /// The handlers that it runs through, in order.
    pub const fn handlers(&self) -> &'static [&'static str] {
        if self.later {
            &["posts.create", "schedules.ring_due", "workers.publish", "workers.notify"]
        } else {
            &["posts.publish", "workers.publish", "workers.notify"]
        }
    }

    /// How far ahead it is written, in seconds.
    pub const fn ahead_s(&self) -> i64 {
        if self.later { AHEAD_S } else { 0 }
    }

    /// When it goes out, where that is not now.
    pub async fn time(&self, stack: &Stack) -> Result<Option<Timestamp>> {
        if !self.later {
            return Ok(None);
        }
        let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
        Ok(Some(now.checked_add(SignedDuration::from_secs(AHEAD_S))?.round(jiff::Unit::Second)?))
    }

    /// Sends it, with a key by which the same request is known again.
    pub async fn send(&self, staff: &Client, post: &Value, key: &str) -> Result<String> {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let body = Some(post.to_string().into_bytes());
        let reply = staff.send(reqwest::Method::POST, self.route(), &headers, body).await?;
        match reply.status {
            201 | 202 => Ok(reply.text_of("id").to_owned()),
            status => Err(format!("not accepted: {status} {}", reply.text).into()),
        }
    }
}

/// The first comment on the post with this text.
pub fn comment_on(text: &str) -> String {
    format!("first to comment on {text}")
}

/// Staff whose token outlives every simulated hour.
pub async fn staff(stack: &Stack) -> Result<Client> {
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent(TALENT).await?;
    Ok(staff)
}

/// A stack with an account to publish to.
pub async fn ready(scene: &Scene) -> Result<Stack> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    author::connect(&stack.world, &staff, TALENT, scene.stage).await?;
    if scene.stage.platform == "TWITTER" && !scene.proof {
        // The credit for reading runs out after the account was connected.
        let settings = format!("{}/_control/settings/TWITTER", stack.world.origin);
        let out = stack.client.http().patch(settings).json(&json!({"credits": "write"})).send().await?;
        assert!(out.status().is_success(), "{}", out.text().await?);
    }
    Ok(stack)
}
