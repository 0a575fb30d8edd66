//! How often each route, worker and schedule calls something outside the process.

use std::time::{Duration, Instant};

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

/// Calls by operation.
pub type Operations = Vec<(String, u64)>;

/// A piece of work and the calls it took.
pub struct Row {
    /// What was done.
    pub what: &'static str,
    /// Its handler.
    pub handler: &'static str,
    /// The calls.
    pub operations: Operations,
}

impl Row {
    /// How many calls there were whose name begins so.
    pub fn count(&self, prefix: &str) -> u64 {
        self.operations.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// How many calls of the table changed something.
    pub fn writes(&self) -> u64 {
        ["Put", "Update", "Delete", "Transact", "BatchWrite"]
            .iter()
            .map(|verb| self.count(&format!("dynamodb.{verb}")))
            .sum()
    }
}

/// The name of the row about linking.
pub const CONNECT: &str = "link by handle";
/// The name of the row about listing.
pub const LIST: &str = "list a talent's accounts";
/// The name of the row about a sync that finds what is there already.
pub const NOTHING_NEW: &str = "a sync that finds nothing new";

/// Does each piece of work once, warm.
///
/// # Errors
/// When the stack does not do what it should.
pub async fn measure(stack: &Stack) -> Result<Vec<Row>> {
    let admin = stack.admin("calls").await?;
    let mut counter = Counter { stack, rows: Vec::new() };
    let c = &mut counter;
    c.begin().await?;
    admin.talent("ann").await?;
    c.row("create a talent", "talents.save").await?;
    admin.get("/api/admin/talents").await?;
    c.row("list talents", "talents.list").await?;

    let id = admin.connect("ann", "BLUESKY", "ann.bsky.social").await?;
    let before = admin.done("ann", &id).await?;
    c.row(CONNECT, "connections.connect_manual").await?;
    c.row("its first sync, 40 posts", "workers.ingest").await?;
    c.begin().await?;
    admin.connections("ann").await?;
    c.row(LIST, "connections.list").await?;
    admin.get("/api/admin/talent/ann/social-intelligence").await?;
    c.row("read a talent's figures", "talents.social_intelligence").await?;

    admin.post_empty(&format!("/api/admin/socials/{id}/sync")).await?;
    synced_again(&admin, &id, &before).await?;
    c.row("ask for a sync", "connections.sync").await?;
    c.row(NOTHING_NEW, "workers.ingest").await?;
    c.begin().await?;
    admin.post_empty(&format!("/api/admin/socials/{id}/pause")).await?;
    c.row("pause", "connections.pause").await?;
    admin.post_empty(&format!("/api/admin/socials/{id}/resume")).await?;
    c.worked("workers.ingest").await?;
    c.row("resume", "connections.resume").await?;
    c.begin().await?;

    let own = consent::link(&admin, "ann", "YOUTUBE", "annlee").await?;
    admin.done("ann", &own).await?;
    c.row("start a consent", "oauth.connect").await?;
    c.row("finish a consent", "oauth.callback").await?;
    c.row("its first sync, 40 videos", "workers.ingest").await?;
    c.begin().await?;
    let reply = admin.post("/api/social/disconnect", &json!({ "connectionId": own })).await?;
    if reply.status != 200 {
        return Err(format!("not disconnected: {} {}", reply.status, reply.text).into());
    }
    c.worked("workers.erase").await?;
    c.row("disconnect", "connections.disconnect").await?;
    c.row("revoke and erase its tokens", "workers.erase").await?;
    c.begin().await?;
    admin.delete(&format!("/api/admin/socials/{id}")).await?;
    c.worked("workers.erase").await?;
    c.row("remove", "connections.remove").await?;
    c.row("erase it with its 40 posts", "workers.erase").await?;
    c.begin().await?;
    admin.get("/api/capabilities").await?;
    c.row("capabilities", "ops.capabilities").await?;
    admin.get("/api/admin/queue-stats").await?;
    c.row("queue statistics", "ops.queue_stats").await?;
    publishing(c, &admin).await?;
    for (what, handler) in [
        ("ring what is due: nothing", "schedules.ring_due"),
        ("fetch the issuer's keys", "schedules.fetch_jwks"),
        ("count states", "schedules.count_states"),
    ] {
        c.begin().await?;
        stack.control(&format!("/schedules/{handler}"), &json!({})).await?;
        c.row(what, handler).await?;
    }
    Ok(counter.rows)
}

/// One post from its first word to the bus, and what else is done with posts.
async fn publishing(c: &mut Counter<'_>, admin: &Client) -> Result<()> {
    let id = consent::link(admin, "ann", "MASTODON", "ann@mastodon.example").await?;
    admin.done("ann", &id).await?;
    // The server's limits and Herald's registration there are known from then on.
    let post = |text: &str| json!({"talentId": "ann", "content": text, "platforms": ["MASTODON"]});
    let warm = author::publish(admin, &post("the first")).await?;
    author::until(admin, &warm, author::is(&["published"])).await?;
    c.worked("workers.notify").await?;
    c.begin().await?;
    let now = author::publish(admin, &post("the second")).await?;
    author::until(admin, &now, author::is(&["published"])).await?;
    c.worked("workers.notify").await?;
    c.row("publish a post now", "posts.publish").await?;
    c.row("its delivery", "workers.publish").await?;
    c.row("its event", "workers.notify").await?;
    c.begin().await?;
    let mut later = post("the third");
    later["scheduledAt"] = json!(author::far_off());
    let later = admin.post("/api/social/posts", &later).await?.expect(201);
    c.row("schedule a post", "posts.create").await?;
    admin.get("/api/social/posts?limit=20").await?;
    c.row("list posts", "posts.list").await?;
    let path = format!("/api/social/posts/{}", later.text_of("id"));
    admin.get(&path).await?;
    c.row("read a post with its deliveries", "posts.get").await?;
    let edit = json!({"content": "the third, edited"}).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    let _ = admin.send(reqwest::Method::PATCH, &path, &headers, Some(edit)).await?.expect(200);
    c.row("edit it", "posts.update").await?;
    let _ = admin.post_empty(&format!("{path}/cancel")).await?.expect(200);
    c.row("cancel it", "posts.cancel").await?;
    c.begin().await?;
    let rows: String = (0..10).map(|n| format!("ann,line {n},mastodon,{}\r\n", author::far_off())).collect();
    let file = format!("talentId,content,platforms,scheduledAt\r\n{rows}").into_bytes();
    let headers = [("content-type", "text/csv")];
    let _ = admin.send(reqwest::Method::POST, "/api/social/posts/bulk", &headers, Some(file)).await?.expect(202);
    c.worked("workers.bulk").await?;
    c.row("a bulk file of ten posts", "posts.bulk").await?;
    c.row("make its posts", "workers.bulk").await?;
    c.begin().await
}

struct Counter<'a> {
    stack: &'a Stack,
    rows: Vec<Row>,
}

impl Counter<'_> {
    /// Counts from now on.
    async fn begin(&self) -> Result<()> {
        self.stack.client.delete("/local/crossings").await?;
        Ok(())
    }

    /// A row for what a handler has called since the beginning.
    async fn row(&mut self, what: &'static str, handler: &'static str) -> Result<()> {
        let operations = self.operations(handler).await?;
        self.rows.push(Row { what, handler, operations });
        Ok(())
    }

    async fn operations(&self, handler: &str) -> Result<Operations> {
        let calls = self.stack.client.get("/local/calls").await?.body;
        let of_handler = calls[handler].as_object().cloned().unwrap_or_default();
        Ok(of_handler.into_iter().map(|(name, count)| (name, count.as_u64().unwrap_or_default())).collect())
    }

    /// Waits until a worker's work of this piece is over.
    async fn worked(&self, handler: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let queues = self.stack.client.get("/local/queues").await?.body;
            let kind = handler.trim_start_matches("workers.");
            let left: u64 =
                ["waiting", "in_flight", "delayed"].iter().filter_map(|part| queues[kind][*part].as_u64()).sum();
            if left == 0 && !self.operations(handler).await?.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{handler} has not worked: {queues}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn synced_again(admin: &Client, id: &str, before: &Value) -> Result<()> {
    let within = Duration::from_secs(20);
    let later = |seen: &Value| seen["syncStatus"] == "READY" && seen["lastSyncedAt"] != before["lastSyncedAt"];
    admin.settled("ann", id, within, later).await.map(drop)
}
