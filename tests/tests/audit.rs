//! The audit log: who did what to which thing, and when; for every action once, and never with anything secret.

use std::collections::{BTreeMap, BTreeSet};

use herald_tests::author::{self, Stage};
use herald_tests::client::{Client, Reply};
use herald_tests::consent::{self, Person};
use herald_tests::eventually::until;
use herald_tests::process::{Result, repository};
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

const WORKSPACE: &str = "w_audit";
const STAFF: &str = "auth0|staff 7";
const TALENT: &str = "auth0|ann";

/// What the outside is told is no act of anybody's.
const EVENTS: [&str; 6] =
    ["post.published", "post.partial", "post.failed", "post.unconfirmed", "post.missed", "connection.needs_reconnect"];

/// An entry: what `shown` says, by name.
type Entry = BTreeMap<String, String>;

/// A stack whose audit log is read entry by entry.
struct Trail {
    stack: Stack,
    rows: Rows,
    staff: Client,
    ann: Client,
    /// Sort keys of the entries that were read before.
    read: BTreeSet<String>,
    /// Actions that were seen.
    seen: BTreeSet<String>,
    asked_at: Timestamp,
}

impl Trail {
    async fn start() -> Result<Self> {
        let stack = Stack::start().await?;
        let staff = format!("workspace={WORKSPACE}&role=admin&ttl=86400&subject={}", "auth0%7Cstaff%207");
        let ann = format!("workspace={WORKSPACE}&role=talent&talent=ann&ttl=86400&subject={}", "auth0%7Cann");
        let staff = stack.client.with_token(stack.token(&staff).await?);
        let ann = stack.client.with_token(stack.token(&ann).await?);
        let rows = Rows::of(&stack).await?;
        Ok(Self {
            stack,
            rows,
            staff,
            ann,
            read: BTreeSet::new(),
            seen: BTreeSet::new(),
            asked_at: Timestamp::UNIX_EPOCH,
        })
    }

    async fn now(&self) -> Result<Timestamp> {
        Ok(self.stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?)
    }

    /// The entries that nobody has read yet, in the partition of the talent and in the workspace's own.
    async fn fresh(&mut self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for pk in [format!("w#{WORKSPACE}#t#ann"), format!("w#{WORKSPACE}")] {
            for row in self.rows.of_partition(&pk, "audit#").await? {
                let sk = row["sk"]["S"].as_str().unwrap_or_default().to_owned();
                if !self.read.insert(sk.clone()) {
                    continue;
                }
                assert_eq!(row["workspace"]["S"], WORKSPACE);
                let shown = row["shown"]["M"].as_object().ok_or("an entry shows something")?;
                let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
                let entry: Entry = shown.iter().map(|(name, value)| (name.clone(), text(value))).collect();
                // Its place says the same: an entry is found by its time, and no two of one request are one.
                let ms = entry["at"].parse::<Timestamp>()?.as_millisecond();
                assert_eq!(sk, format!("audit#{ms}#{}#{}", entry["requestId"], entry["action"]));
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Before something is done.
    async fn ask(&mut self) -> Result<()> {
        self.asked_at = self.now().await?;
        assert_eq!(self.fresh().await?, Vec::<Entry>::new(), "an entry that nobody looked for");
        Ok(())
    }

    /// What was done since has left exactly this entry.
    async fn left(
        &mut self,
        actor: &str,
        action: &str,
        subject: &str,
        talent: Option<&str>,
        reason: Option<&str>,
    ) -> Result<()> {
        let now = self.now().await?;
        let mut entries = self.fresh().await?;
        assert_eq!(entries.len(), 1, "{action}: {entries:?}");
        let mut entry = entries.remove(0);
        let at: Timestamp = entry.remove("at").unwrap_or_default().parse()?;
        // The clock is read to the millisecond.
        assert!(
            (self.asked_at.as_millisecond()..=now.as_millisecond()).contains(&at.as_millisecond()),
            "{action}: {at}"
        );
        assert!(!entry.remove("requestId").unwrap_or_default().is_empty(), "{action}");
        let mut expected = vec![("actor", actor), ("action", action), ("subject", subject)];
        expected.extend(talent.map(|talent| ("talent", talent)));
        expected.extend(reason.map(|reason| ("reason", reason)));
        let expected: Entry = expected.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        assert_eq!(entry, expected);
        self.seen.insert(action.to_owned());
        Ok(())
    }

    /// The same for a post or an account of ann's that staff changed.
    async fn by_staff(&mut self, action: &str, subject: &str) -> Result<()> {
        self.left(STAFF, action, subject, Some("ann"), None).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Reply> {
        self.ask().await?;
        self.staff.post(path, body).await
    }
}

async fn connections(trail: &mut Trail) -> Result<()> {
    let manual = json!({"talentId": "ann", "platform": "MASTODON", "handle": "ann@mastodon.example"});
    let id =
        trail.post("/api/admin/socials/connect-manual", &manual).await?.expect(201).text_of("connectionId").to_owned();
    trail.by_staff("connection.connect_manual", &id).await?;
    trail.staff.done("ann", &id).await?;
    for (route, status, action) in
        [("sync", 202, "connection.sync"), ("pause", 200, "connection.pause"), ("resume", 200, "connection.resume")]
    {
        let _ = trail.post(&format!("/api/admin/socials/{id}/{route}"), &json!({})).await?.expect(status);
        trail.by_staff(action, &id).await?;
        if route != "pause" {
            trail.staff.done("ann", &id).await?;
        }
    }
    let _ = trail.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200);
    trail.by_staff("connection.disconnect", &id).await?;
    trail.ask().await?;
    let _ = trail.staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    trail.by_staff("connection.remove", &id).await?;

    // Handed over by a talent: their own name stands there.
    let issued = trail.stack.world.control("/accounts/TIKTOK/annsings/issue-token", &json!({})).await?.expect(201).body;
    let body = json!({"platform": "TIKTOK", "handle": "annsings", "accessToken": issued["accessToken"],
        "refreshToken": issued["refreshToken"]});
    trail.ask().await?;
    let id = trail.ann.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned();
    trail.left(TALENT, "connection.hand_over", &id, Some("ann"), None).await
}

/// A consent, and each way in which it comes to nothing.
async fn consents(trail: &mut Trail) -> Result<()> {
    let body = json!({"userId": "ann", "platform": "BLUESKY"});
    let person = Person::allowing("ann.bsky.social");
    trail.ask().await?;
    let id = consent::consent(&trail.ann, &body, &person).await?.connection()?.to_owned();
    trail.left(TALENT, "connection.oauth", &id, Some("ann"), None).await?;
    trail.staff.done("ann", &id).await?;

    let failed = "connection.oauth_failed";
    trail.ask().await?;
    let landing = consent::consent(&trail.staff, &body, &Person::denying("ann.bsky.social")).await?;
    assert_eq!(landing.error(), "access_denied");
    trail.left(STAFF, failed, "BLUESKY", Some("ann"), Some("access_denied")).await?;

    // The platform's own trouble, and no code at all.
    for (query, code) in
        [("error=server_error", "platform_refused"), ("x=1", "code_missing"), ("code=guess", "token_refused")]
    {
        let url = consent::start(&trail.ann, &json!({"platform": "TIKTOK"})).await?;
        let state = url
            .rsplit_once("state=")
            .map(|(_, state)| state.split('&').next().unwrap_or_default())
            .ok_or("no state")?;
        trail.ask().await?;
        let callback = format!("/api/social/oauth/callback?state={state}&{query}");
        let landing = consent::landing(&trail.stack.client.get(&callback).await?)?;
        assert_eq!(landing.error(), code);
        trail.left(TALENT, failed, "TIKTOK", Some("ann"), Some(code)).await?;
        // A state that was used belongs to nobody any more, and one that was made up never did.
        for forged in [callback.as_str(), "/api/social/oauth/callback?state=forged&code=guess"] {
            trail.ask().await?;
            assert_eq!(trail.stack.client.get(forged).await?.expect(400).text_of("code"), "invalid_state");
            assert_eq!(trail.fresh().await?, Vec::<Entry>::new());
        }
    }

    // Ended in another browser than it was begun in.
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    let body = json!({"platform": "TIKTOK", "userId": "ann"}).to_string().into_bytes();
    let started = trail.staff.send(Method::POST, "/api/social/oauth/connect", &headers, Some(body)).await?.expect(200);
    let callback = Person::allowing("anndives").answers(trail.staff.http(), started.text_of("url")).await?;
    trail.ask().await?;
    assert_eq!(consent::landing(&trail.stack.client.get(&callback).await?)?.error(), "other_browser");
    trail.left(STAFF, failed, "TIKTOK", Some("ann"), Some("other_browser")).await
}

async fn posts(trail: &mut Trail) -> Result<()> {
    let later =
        json!({"talentId": "ann", "content": "later", "platforms": ["BLUESKY"], "scheduledAt": author::far_off()});
    for (path, action) in [("/api/social/posts", "post.create"), ("/api/social/posts/schedule", "post.schedule")] {
        let made = trail.post(path, &later).await?.body;
        let made = if action == "post.create" { &made } else { &made["scheduledPosts"][0] };
        let id = made["id"].as_str().ok_or_else(|| format!("no post: {made}"))?.to_owned();
        trail.by_staff(action, &id).await?;
        trail.ask().await?;
        let headers = [("content-type", "application/json"), ("if-match", "*")];
        let body = Some(json!({"content": "better"}).to_string().into_bytes());
        let _ = trail.staff.send(Method::PATCH, &format!("/api/social/posts/{id}"), &headers, body).await?.expect(200);
        trail.by_staff("post.update", &id).await?;
        let _ = trail.post(&format!("/api/social/posts/{id}/cancel"), &json!({})).await?.expect(200);
        trail.by_staff("post.cancel", &id).await?;
        trail.ask().await?;
        let _ = trail.staff.delete(&format!("/api/social/posts/{id}")).await?.expect(204);
        trail.by_staff("post.remove", &id).await?;
    }

    let now = json!({"talentId": "ann", "content": "now", "platforms": ["BLUESKY"]});
    let id = trail.post("/api/social/posts/publish", &now).await?.expect(202).text_of("id").to_owned();
    trail.by_staff("post.publish", &id).await?;
    author::until(&trail.staff, &id, author::is(&["published"])).await?;
    let _ = trail.post(&format!("/api/social/posts/{id}/archive"), &json!({})).await?.expect(200);
    trail.by_staff("post.archive", &id).await?;
    trail.ask().await?;
    let _ = trail.staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    trail.by_staff("post.remove_remote", &id).await?;

    // Refused by the platform and tried again; then in doubt and decided.
    let stage = Stage::of("TELEGRAM");
    author::connect(&trail.stack.world, &trail.staff, "ann", stage).await?;
    trail.fresh().await?;
    let refusal =
        json!({"ok": false, "error_code": 403, "description": "Forbidden: bot is not a member of the channel chat"});
    let fault = json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "reject", "status": 403, "body": refusal}});
    trail.stack.world.fault(fault).await?;
    let id = author::publish(&trail.staff, &stage.post("ann", "again")).await?;
    author::until(&trail.staff, &id, author::is(&["failed"])).await?;
    trail.fresh().await?;
    trail.stack.world.fault(json!({"platform": "TELEGRAM", "operation": "submit", "fault": {"kind": "drop"}})).await?;
    let _ = trail.post(&format!("/api/social/posts/{id}/retry"), &json!({})).await?.expect(202);
    trail.by_staff("post.retry", &id).await?;
    let rests =
        |post: &Value| author::delivery(post) == "unconfirmed" && post["deliveries"][0]["nextAttemptAt"].is_null();
    let post = author::until(&trail.staff, &id, rests).await?;
    let delivery = post["deliveries"][0]["id"].as_str().unwrap_or_default().to_owned();
    let _ = trail
        .post(&format!("/api/social/deliveries/{delivery}/resolve"), &json!({"outcome": "failed"}))
        .await?
        .expect(200);
    trail.by_staff("delivery.resolve", &id).await
}

/// A file is one act of the workspace's, and each post that it makes one of its talent's, in the name of who sent it.
async fn bulk(trail: &mut Trail) -> Result<()> {
    trail.ask().await?;
    let file = "talentId,content\nann,a draft from a file\n";
    let headers = [("content-type", "text/csv")];
    let sent = trail.staff.send(Method::POST, "/api/social/posts/bulk", &headers, Some(file.into())).await?.expect(202);
    let job = sent.text_of("jobId").to_owned();
    let mut entries: Vec<Entry> = Vec::new();
    until("the post of the file", async || {
        entries.extend(trail.fresh().await?);
        Ok(entries.len() == 2)
    })
    .await?;
    let posts = trail.staff.get("/api/social/posts?status=draft").await?.expect(200).body;
    let post = posts["posts"].as_array().into_iter().flatten().find(|post| post["content"] == "a draft from a file");
    let post = post.and_then(|post| post["id"].as_str()).ok_or("no post")?;
    let by = |action: &str| {
        entries
            .iter()
            .find(|entry| entry["action"] == action)
            .cloned()
            .ok_or_else(|| format!("no {action}: {entries:?}"))
    };
    let (whole, row) = (by("post.bulk")?, by("post.create")?);
    assert_eq!((whole["actor"].as_str(), whole["subject"].as_str(), whole.get("talent")), (STAFF, job.as_str(), None));
    assert_eq!((row["actor"].as_str(), row["subject"].as_str(), row["talent"].as_str()), (STAFF, post, "ann"));
    assert_eq!(row["requestId"], format!("{job}.1"));
    trail.seen.insert("post.bulk".to_owned());
    Ok(())
}

/// Every word for an act in the source.
fn actions() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![repository().join("functions/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                // Between two quotation marks, every second piece.
                let text = std::fs::read_to_string(path)?;
                found.extend(text.split('"').skip(1).map(str::to_owned).filter(|word| is_act(word)));
            }
        }
    }
    Ok(found)
}

fn is_act(word: &str) -> bool {
    let Some((of, act)) = word.split_once('.') else { return false };
    let named = matches!(of, "talent" | "connection" | "post" | "delivery" | "queue" | "api_key");
    named && !act.is_empty() && act.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !EVENTS.contains(&word)
}

#[tokio::test]
async fn every_act_is_written_down_with_who_what_and_when() -> Result<()> {
    let mut trail = Trail::start().await?;
    trail.ask().await?;
    trail.staff.talent("ann").await?;
    trail.by_staff("talent.save", "ann").await?;
    connections(&mut trail).await?;
    consents(&mut trail).await?;
    posts(&mut trail).await?;
    bulk(&mut trail).await?;
    let _ = trail.post("/api/admin/queues/ingest/redrive", &json!({})).await?.expect(202);
    trail.left(STAFF, "queue.redrive", "ingest", None, None).await?;
    let made = trail.post("/api/admin/api-keys", &json!({"name": "ci", "role": "admin"})).await?.expect(201);
    let key = made.text_of("id").to_owned();
    trail.left(STAFF, "api_key.create", &key, None, None).await?;
    trail.ask().await?;
    let _ = trail.staff.delete(&format!("/api/admin/api-keys/{key}")).await?.expect(200);
    trail.left(STAFF, "api_key.revoke", &key, None, None).await?;

    let actions = actions()?;
    assert!(actions.len() > 15, "{actions:?}");
    assert_eq!(trail.seen, actions, "every act that the source knows was looked at");

    // Of all that is known of the accounts' secrets nothing is in any entry.
    let log: Vec<Value> = trail.rows.all().await?;
    let log: Vec<String> = log
        .iter()
        .filter(|row| row["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("audit#")))
        .map(Value::to_string)
        .collect();
    let secrets = trail.stack.world.look("/tokens").await?;
    let secrets: Vec<&str> =
        secrets.as_array().into_iter().flatten().filter_map(|token| token["value"].as_str()).collect();
    assert!(secrets.len() > 5 && log.len() > 20, "{} secrets, {} entries", secrets.len(), log.len());
    let told: Vec<&String> = log.iter().filter(|entry| secrets.iter().any(|secret| entry.contains(secret))).collect();
    assert_eq!(told, Vec::<&String>::new());
    Ok(())
}
