//! Events of the routes of posts, and the posts they act on.

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::event::{body, path, query, text};

/// Posts of the list that is read.
pub const LISTED: usize = 20;
/// Posts of a file.
pub const LINES: usize = 10;
/// Who writes: a talent with one account whose tokens functions can open.
const WRITER: &str = "writer";

/// What the events are made of.
pub struct Posts {
    /// Posts that are out.
    published: Vec<String>,
    /// Posts that failed.
    failed: Vec<String>,
    /// Deliveries that only a person can decide.
    unconfirmed: Vec<String>,
    job: Option<String>,
}

impl Posts {
    /// Brings posts into the states that some routes need; the stack's own workers must still work.
    ///
    /// # Errors
    /// When one does not come to its state.
    pub async fn prepare(stack: &Stack, admin: &Client, each: usize) -> Result<Self> {
        let talent = "author";
        for talent in [talent, WRITER] {
            admin.talent(talent).await?;
        }
        let (mastodon, linkedin) = (Stage::of("MASTODON"), Stage::of("LINKEDIN"));
        for stage in [mastodon, linkedin] {
            author::connect(&stack.world, admin, talent, stage).await?;
        }
        let mut publish = Vec::new();
        // Turned away at the door it fails at once; what was read and refused is looked for first.
        let no_right = json!({"error": "This action is outside the authorized scopes"});
        for (stage, wanted, fault) in [
            (mastodon, "published", None),
            (mastodon, "failed", Some(json!({"kind": "reject", "status": 403, "body": no_right}))),
            (linkedin, "unconfirmed", Some(json!({"kind": "drop_after"}))),
        ] {
            if let Some(fault) = fault {
                let order = json!({"platform": stage.platform, "operation": "submit", "times": each, "fault": fault});
                stack.world.fault(order).await?;
            }
            let mut ids = Vec::new();
            for n in 0..each {
                ids.push(author::publish(admin, &stage.post(talent, &format!("to be {wanted}, {n}"))).await?);
            }
            let waits = |post: &Value| post["deliveries"][0]["nextAttemptAt"].is_string();
            for id in &mut ids {
                let there = |post: &Value| author::delivery(post) == wanted && !waits(post);
                let post = author::until(admin, id, there).await?;
                if wanted == "unconfirmed" {
                    *id = post["deliveries"][0]["id"].as_str().unwrap_or_default().to_owned();
                }
            }
            stack.world.heal().await?;
            publish.push(ids);
        }
        let mut states = publish.into_iter();
        let mut next = || states.next().unwrap_or_default();
        Ok(Self { published: next(), failed: next(), unconfirmed: next(), job: None })
    }

    /// The body of the request that hands the writer's account over: a Telegram bot, whose token does not end.
    ///
    /// # Errors
    /// When there is no such bot.
    pub async fn writer(stack: &Stack) -> Result<Value> {
        let path = "/accounts/TELEGRAM/writerschannel/issue-token";
        let token = stack.world.control(path, &json!({})).await?.expect(201);
        Ok(json!({
            "talentId": WRITER, "platform": "TELEGRAM", "handle": "@writerschannel",
            "accessToken": token.body["accessToken"],
        }))
    }

    /// Keeps the job that was answered.
    pub fn take_job(&mut self, answer: &Value) {
        self.job = answer["jobId"].as_str().map(str::to_owned).or(self.job.take());
    }

    /// Fits an event of a route.
    ///
    /// # Errors
    /// When what it acts on cannot be made.
    pub async fn event(&mut self, route: &str, event: &mut Value, n: usize, admin: &Client) -> Result<()> {
        if event["headers"]["idempotency-key"].is_string() {
            event["headers"]["idempotency-key"] = json!(format!("posts-{n}"));
        }
        let post = |n: usize| json!({"talentId": WRITER, "content": format!("post {n}"), "platforms": ["TELEGRAM"]});
        let later = |mut post: Value| {
            post["scheduledAt"] = json!(author::far_off());
            post
        };
        match route {
            "posts.validate" | "posts.publish" => body(event, &post(n)),
            "posts.create" | "posts.schedule" => body(event, &later(post(n))),
            "posts.list" => query(event, &format!("limit={LISTED}")),
            "posts.bulk" => {
                let at = author::far_off();
                let row = |line: usize| format!("{WRITER},job {n} line {line},telegram,{at}\r\n");
                let rows: String = (0..LINES).map(row).collect();
                query(event, "");
                text(event, &format!("talentId,content,platforms,scheduledAt\r\n{rows}"));
            }
            "posts.bulk_report" => {
                let job = self.job.clone().ok_or("no bulk job was made")?;
                path(event, &format!("/api/social/posts/bulk/{job}"), "jobId", &job);
            }
            "posts.resolve" => {
                let id = self.unconfirmed.pop().ok_or("no delivery is left to resolve")?;
                path(event, &format!("/api/social/deliveries/{id}/resolve"), "deliveryId", &id);
                body(event, &json!({"outcome": "failed"}));
            }
            _ => {
                let (id, verb) = match route {
                    "posts.archive" => (self.published.pop().ok_or("no post is left to archive")?, "/archive"),
                    "posts.get" => (self.published.last().cloned().ok_or("no post is out")?, ""),
                    "posts.retry" => (self.failed.pop().ok_or("no post is left to retry")?, "/retry"),
                    other => {
                        let made = admin.post("/api/social/posts", &later(post(n))).await?;
                        if made.status != 201 {
                            return Err(format!("no post for {other}: {} {}", made.status, made.text).into());
                        }
                        (made.text_of("id").to_owned(), if other == "posts.cancel" { "/cancel" } else { "" })
                    }
                };
                if route == "posts.update" {
                    event["headers"]["if-match"] = json!("*");
                }
                path(event, &format!("/api/social/posts/{id}{verb}"), "postId", &id);
            }
        }
        Ok(())
    }
}
