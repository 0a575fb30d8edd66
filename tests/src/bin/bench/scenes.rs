//! For each handler an event that it can do its usual work on: the captured one of `events/`, with what this run made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use herald_tests::client::Client;
use herald_tests::consent::Person;
use herald_tests::process::{Result, repository};
use herald_tests::rows::Rows;
use herald_tests::stack::{Stack, World};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::event::{body, captured, message, path, query};
use crate::load::idle;
use crate::posts::Posts;
use crate::proofs::{self, Standing};
use crate::year;

/// The workspace of the run.
const WORKSPACE: &str = "bench";
/// Rows in the list that is read.
const LISTED: usize = 20;
/// Routes that act on a connection, each on a talent of its own.
const ON_CONNECTIONS: [&str; 5] =
    ["connections.sync", "connections.pause", "connections.resume", "connections.remove", "connections.disconnect"];
/// These live on what others of the list leave behind.
const LAST: [&str; 21] = [
    "oauth.callback",
    "posts.validate",
    "posts.create",
    "posts.schedule",
    "posts.list",
    "posts.get",
    "posts.update",
    "posts.cancel",
    "posts.remove",
    "posts.publish",
    "posts.archive",
    "posts.retry",
    "posts.resolve",
    "posts.bulk",
    "workers.bulk",
    "posts.bulk_report",
    "workers.publish",
    "workers.notify",
    "workers.ingest",
    "workers.refresh",
    "workers.erase",
];

/// What the events are made of.
pub struct Scenes<'a> {
    stack: &'a Stack,
    aws: Arc<Aws>,
    rows: Rows,
    admin: Client,
    token: String,
    captured: BTreeMap<String, Value>,
    connections: BTreeMap<&'static str, Vec<String>>,
    /// Consents that were started: the page, and the cookie of the browser that started it.
    consents: Vec<(String, String)>,
    with_tokens: Vec<String>,
    /// Accounts that were connected by a consent, at YouTube.
    consented: Vec<String>,
    /// The accounts with a year of figures.
    grown: Vec<String>,
    posts: Posts,
    made: usize,
}

impl<'a> Scenes<'a> {
    /// Connects what the events need, `each` for every route, and then stops the stack's own workers.
    ///
    /// # Errors
    /// When the stack does not answer as it should.
    pub async fn prepare(stack: &'a Stack, aws: Arc<Aws>, each: usize) -> Result<Self> {
        year::prepare(stack, WORKSPACE).await?;
        let token = stack.token(&format!("workspace={WORKSPACE}&role=admin")).await?;
        let admin = stack.client.with_token(&token);
        let mut connections = BTreeMap::new();
        let routes = ON_CONNECTIONS.into_iter().map(|route| (route, each)).chain([("connections.list", LISTED)]);
        admin.talent("cold").await?;
        for (route, count) in routes {
            let talent = talent_of(route);
            admin.talent(&talent).await?;
            let mut ids = Vec::new();
            for n in 0..count {
                let handle = format!("{}{n}.bsky.social", talent.replace('_', "-"));
                ids.push(admin.connect(&talent, "BLUESKY", &handle).await?);
            }
            connections.insert(route, ids);
        }
        for route in connections.keys() {
            all_ready(&admin, &talent_of(route), Duration::from_secs(60)).await?;
        }
        let posts = Posts::prepare(stack, &admin, each).await?;
        for kind in ["ingest", "refresh", "erase", "publish", "notify", "bulk", "sweep"] {
            idle(stack, kind).await?;
        }
        let stopped = stack.control("/faults", &json!({"kind": "workers_stopped"})).await?;
        if stopped.status != 200 {
            return Err(format!("the workers cannot be stopped: {}", stopped.text).into());
        }
        let grown = admin.connections(year::TALENT).await?;
        let grown = grown.iter().filter_map(|connection| connection["id"].as_str().map(str::to_owned)).collect();
        Ok(Self {
            stack,
            aws,
            rows: Rows::of(stack).await?,
            admin,
            grown,
            token,
            captured: captured()?,
            connections,
            consents: Vec::new(),
            with_tokens: Vec::new(),
            consented: Vec::new(),
            posts,
            made: 0,
        })
    }

    /// The handlers in an order in which each finds what it needs.
    ///
    /// # Errors
    /// When the template names none.
    pub fn handlers(&self) -> Result<Vec<String>> {
        let template = std::fs::read_to_string(repository().join("template.yaml"))?;
        let mut handlers: Vec<String> =
            template.lines().filter_map(|line| line.trim().strip_prefix("Handler: ").map(str::to_owned)).collect();
        if let Some(without) = handlers.iter().find(|name| !self.captured.contains_key(*name)) {
            return Err(format!("{without} has no event in events/").into());
        }
        // `ring_due` first, while nothing is due.
        handlers.sort_by_key(|name| {
            let last = LAST.iter().position(|late| late == name).map_or(0, |at| at + 1);
            (last, !name.starts_with("schedules."))
        });
        if handlers.is_empty() { Err("the template names no handler".into()) } else { Ok(handlers) }
    }

    /// The next event for a handler.
    ///
    /// # Errors
    /// When what it needs cannot be made.
    pub async fn event(&mut self, handler: &str) -> Result<Value> {
        self.made += 1;
        let n = self.made;
        let mut event = self.captured.get(handler).cloned().unwrap_or_default();
        if event["headers"]["authorization"].is_string() {
            event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));
        }
        if event["headers"]["idempotency-key"].is_string() {
            event["headers"]["idempotency-key"] = json!(format!("bench-{n}"));
        }
        match handler {
            "talents.save" => {
                path(&mut event, &format!("/api/admin/talents/cold_{n}"), "talentId", &format!("cold_{n}"))
            }
            "talents.social_intelligence" | "connections.list" => {
                let talent = talent_of("connections.list");
                let old = event["pathParameters"]["talentId"].as_str().unwrap_or_default().to_owned();
                let new = event["rawPath"].as_str().unwrap_or_default().replace(&old, &talent);
                path(&mut event, &new, "talentId", &talent);
            }
            "connections.connect_manual" => {
                body(
                    &mut event,
                    &json!({"talentId": "cold", "platform": "BLUESKY", "handle": format!("cold{n}.bsky.social")}),
                );
            }
            "connections.hand_over" => self.hand_over(&mut event, n).await?,
            _ if handler.starts_with("posts.") => self.posts.event(handler, &mut event, n, &self.admin).await?,
            "connections.disconnect" => {
                let id = self.connection(handler)?;
                body(&mut event, &json!({ "connectionId": id }));
            }
            "connections.sync" | "connections.pause" | "connections.resume" | "connections.remove" => {
                let id = self.connection(handler)?;
                if handler == "connections.resume" {
                    self.admin.post_empty(&format!("/api/admin/socials/{id}/pause")).await?;
                }
                let old = event["pathParameters"]["connectionId"].as_str().unwrap_or_default().to_owned();
                let new = event["rawPath"].as_str().unwrap_or_default().replace(&old, &id);
                path(&mut event, &new, "connectionId", &id);
            }
            _ if handler.starts_with("analytics.") => year::event(&mut event, handler),
            "competitors.list" => query(&mut event, &format!("talentId={}", year::TALENT)),
            "competitors.add" => body(&mut event, &self.rival(n).await?),
            "competitors.remove" => {
                let added = self.admin.post("/api/social/competitors", &self.rival(n).await?).await?;
                let id = added.text_of("id").to_owned();
                path(&mut event, &format!("/api/social/competitors/{id}"), "id", &id);
            }
            "api_keys.revoke" => {
                let made = self.admin.post("/api/admin/api-keys", &json!({"name": "Bench", "role": "admin"})).await?;
                let id = made.text_of("id").to_owned();
                path(&mut event, &format!("/api/admin/api-keys/{id}"), "id", &id);
            }
            "workers.sweep" => {
                let ring = year::make_due(&self.rows, WORKSPACE, self.grown()?).await?;
                message(&mut event, &ring);
            }
            "oauth.connect" => query(&mut event, "platform=YOUTUBE&userId=cold&returnTo=%2F"),
            "oauth.callback" => {
                let (url, cookie) = self.consents.pop().ok_or("no consent was started")?;
                let account = format!("annlee{n}");
                let back = Person::allowing(&account).answers(self.admin.http(), &url).await?;
                query(&mut event, back.split_once('?').map(|(_, query)| query).unwrap_or_default());
                event["cookies"] = json!([cookie]);
            }
            "workers.ingest" | "workers.erase" | "workers.publish" | "workers.notify" | "workers.bulk" => {
                let ring = self.due_ring(handler.trim_start_matches("workers.")).await?;
                message(&mut event, &ring);
            }
            "workers.refresh" => {
                let id = self.with_tokens.pop().ok_or("no tokens were handed over")?;
                let row = json!({"kind": "refresh", "pk": format!("w#{WORKSPACE}#c#{id}"), "sk": "tokens"});
                message(&mut event, &row);
            }
            _ => {}
        }
        Ok(event)
    }

    /// Events that a function is to work on before it is measured: a file is spread over its chunks before the work on
    /// one of them is.
    pub fn beforehand(&self, handler: &str) -> Vec<Value> {
        let captured = self.captured.get(handler).filter(|_| handler == "workers.bulk");
        let spread = |event: &Value| {
            let mut event = event.clone();
            message(&mut event, &self.aws.take_ring("bulk")?);
            Some(event)
        };
        std::iter::from_fn(|| captured.and_then(spread)).collect()
    }

    /// Keeps what later events are made of, and refuses work that was not done.
    ///
    /// # Errors
    /// The answer, or what was found in place of the work.
    pub async fn answered(&mut self, handler: &str, event: &Value, answer: &Value) -> Result<()> {
        let status = answer["statusCode"].as_u64();
        let failures = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
        if status.is_some_and(|status| status >= 400) || failures > 0 {
            return Err(format!("{handler}: {answer}").into());
        }
        proofs::route(handler, event, answer)?;
        if handler.starts_with("workers.") {
            proofs::worker(handler, event, &self.admin, &self.aws, &self.rows, self.now().await?).await?;
        }
        let said: Value = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        match handler {
            "oauth.connect" => {
                let cookie = answer["cookies"][0].as_str().and_then(|cookie| cookie.split(';').next());
                let consent = said["url"].as_str().zip(cookie);
                self.consents.extend(consent.map(|(url, cookie)| (url.to_owned(), cookie.to_owned())));
            }
            "oauth.callback" => {
                let location = answer["headers"]["location"].as_str().unwrap_or_default();
                let Some((_, id)) = location.split_once("connectionId=") else {
                    return Err(format!("{handler}: {answer}").into());
                };
                self.consented.push(id.to_owned());
            }
            "posts.bulk" => self.posts.take_job(&said),
            "connections.hand_over" => self.with_tokens.extend(said["connectionId"].as_str().map(str::to_owned)),
            _ => {}
        }
        Ok(())
    }

    /// The event that hands the writer's account over, so that functions can open its token.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn writer(&self) -> Result<Value> {
        let mut event = self.captured.get("connections.hand_over").cloned().unwrap_or_default();
        event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));
        body(&mut event, &Posts::writer(self.stack).await?);
        Ok(event)
    }

    /// A YouTube account whose tokens functions can open, of the talent `cold`.
    ///
    /// # Errors
    /// When there was no consent.
    pub fn channel(&self) -> Result<&str> {
        Ok(self.consented.first().ok_or("nobody has consented")?)
    }

    /// An account with a year of figures.
    ///
    /// # Errors
    /// When there is none.
    pub fn grown(&self) -> Result<&str> {
        Ok(self.grown.first().ok_or("no account has figures")?)
    }

    /// An account to compare with, of a talent of its own.
    async fn rival(&self, n: usize) -> Result<Value> {
        let talent = format!("compared_{n}");
        self.admin.talent(&talent).await?;
        Ok(json!({"talentId": talent, "platform": "MASTODON", "handle": format!("rival{n}@mastodon.example")}))
    }

    /// Staff, calling the stack itself.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// The event that rings `workers.publish` for the only delivery of a post.
    pub fn publish_ring(&self, post: &str) -> Value {
        let mut event = self.captured.get("workers.publish").cloned().unwrap_or_default();
        let ring = json!({"kind": "publish", "pk": format!("w#{WORKSPACE}#p#{post}"), "sk": "post#delivery#00"});
        message(&mut event, &ring);
        event
    }

    /// The event that the worker has left with the queue for that delivery, once the queue would tell of it.
    ///
    /// # Errors
    /// When it has left none.
    pub async fn rung_again(&self, post: &str) -> Result<Value> {
        let pk = format!("w#{WORKSPACE}#p#{post}");
        let left = self.aws.take_left(|ring| ring["kind"] == "publish" && ring["pk"] == pk.as_str());
        let left = left.ok_or_else(|| format!("nobody rang for {post} again"))?;
        tokio::time::sleep_until(left.due.into()).await;
        Ok(self.publish_ring(post))
    }

    /// The platforms.
    pub fn world(&self) -> &World {
        &self.stack.world
    }

    /// Counts calls of AWS from now on.
    pub fn forget_calls(&self) {
        self.aws.take_calls();
    }

    /// The calls of AWS since then.
    pub fn calls(&self) -> Vec<(String, u64)> {
        self.aws.take_calls().into_iter().collect()
    }

    /// The variables that the functions need.
    pub fn environment(&self, root: &str) -> Vec<(&'static str, String)> {
        let origin = self.stack.client.base();
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.aws.origin.clone()),
            ("AWS_CA_BUNDLE", root.to_owned()),
            ("HERALD_TABLE", "Table".to_owned()),
            ("HERALD_DUE_SHARDS", "8".to_owned()),
            ("HERALD_PUBLIC_URL", origin.to_owned()),
            ("HERALD_ALLOWED_ORIGINS", origin.to_owned()),
            ("HERALD_ISSUER", format!("{origin}/local")),
            ("HERALD_FONTS", repository().join("infra/fonts/layer/fonts").display().to_string()),
            ("HERALD_AUDIENCE", "herald".to_owned()),
            // One caller asks for all of it.
            ("HERALD_RATE_LIMIT", "5000:10000".to_owned()),
            ("HERALD_UPSTREAM", self.stack.world.origin.clone()),
            ("HERALD_LOOPBACK_ALLOW", origin.trim_start_matches("http://").to_owned()),
            ("HERALD_EVENT_BUS", "herald".to_owned()),
            ("HERALD_KMS_KEY", "arn:aws:kms:us-east-1:000000000000:key/bench".to_owned()),
            ("HERALD_YOUTUBE_CLIENT_ID", simulator::YOUTUBE_CLIENT_ID.to_owned()),
            ("HERALD_YOUTUBE_CLIENT_SECRET", simulator::YOUTUBE_CLIENT_SECRET.to_owned()),
        ];
        for (name, queue) in [
            ("HERALD_QUEUE_INGEST", "ingest"),
            ("HERALD_QUEUE_INGEST_DLQ", "ingest-dead"),
            ("HERALD_QUEUE_REFRESH", "refresh"),
            ("HERALD_QUEUE_REFRESH_DLQ", "refresh-dead"),
            ("HERALD_QUEUE_ERASE", "erase"),
            ("HERALD_QUEUE_ERASE_DLQ", "erase-dead"),
            ("HERALD_QUEUE_PUBLISH", "publish"),
            ("HERALD_QUEUE_PUBLISH_DLQ", "publish-dead"),
            ("HERALD_QUEUE_NOTIFY", "notify"),
            ("HERALD_QUEUE_NOTIFY_DLQ", "notify-dead"),
            ("HERALD_QUEUE_BULK", "bulk"),
            ("HERALD_QUEUE_BULK_DLQ", "bulk-dead"),
            ("HERALD_QUEUE_SWEEP", "sweep"),
            ("HERALD_QUEUE_SWEEP_DLQ", "sweep-dead"),
        ] {
            variables.push((name, format!("{}/000000000000/{queue}", self.aws.origin)));
        }
        variables
    }

    /// Tokens whose access has ended, so that they are due to be renewed.
    async fn hand_over(&self, event: &mut Value, n: usize) -> Result<()> {
        let handle = format!("handed-over-{n}");
        let issued = self.stack.world.control(&format!("/accounts/YOUTUBE/{handle}/issue-token"), &json!({})).await?;
        let ends = self.now().await?.checked_sub(jiff::SignedDuration::from_secs(60))?;
        let tokens = json!({"talentId": "cold", "platform": "YOUTUBE", "handle": handle, "expiresAt": ends,
            "accessToken": issued.body["accessToken"], "refreshToken": issued.body["refreshToken"]});
        body(event, &tokens);
        Ok(())
    }

    /// The time of the stack.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn now(&self) -> Result<jiff::Timestamp> {
        Ok(self.stack.client.get("/local/clock").await?.text_of("now").parse()?)
    }

    /// The oldest ring whose row has work: of a row that was rung for twice, one is nobody's usual work.
    async fn due_ring(&self, kind: &str) -> Result<Value> {
        loop {
            let ring = self.aws.take_ring(kind).ok_or_else(|| format!("nobody rang for {kind}"))?;
            let standing = proofs::standing(&self.rows, &ring, self.now().await?).await?;
            if standing == Standing::Due {
                return Ok(ring);
            }
        }
    }

    fn connection(&mut self, route: &str) -> Result<String> {
        let left = self.connections.get_mut(route).and_then(Vec::pop);
        left.ok_or_else(|| format!("no connection is left for {route}").into())
    }
}

/// Waits until every connection of a talent is READY.
///
/// # Errors
/// When one is not in time.
pub async fn all_ready(client: &Client, talent: &str, within: Duration) -> Result<()> {
    let deadline = Instant::now() + within;
    loop {
        let seen = client.connections(talent).await?;
        let waiting = seen.iter().find(|connection| connection["syncStatus"] != "READY");
        match waiting {
            None => return Ok(()),
            Some(waiting) if Instant::now() > deadline => return Err(format!("not READY in time: {waiting}").into()),
            Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn talent_of(route: &str) -> String {
    route.replace('.', "_")
}
