//! The whole main job, and then a search of every log line, printed line, answer and file for what was secret in it.

mod search;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::consent::{self, Person};
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use search::{Search, decoded};
use serde_json::{Value, json};

const WORKSPACE: &str = "w_secret";
const TALENT: &str = "ann";
const ACCOUNTS: [(&str, &str); 8] = [
    ("INSTAGRAM", "secretive"),
    ("TIKTOK", "secretive"),
    ("YOUTUBE", "secretive"),
    ("MASTODON", "secretive@mastodon.example"),
    ("BLUESKY", "secretive.bsky.social"),
    ("TWITTER", "secretive"),
    ("LINKEDIN", "secretive"),
    ("TELEGRAM", "secretive"),
];
/// What holds keys because it is there to hold them.
const KEY_FILES: [&str; 2] = ["keys.json", "issuer.key"];

/// Stands in front of the stack and keeps everything that it answers.
#[derive(Clone)]
struct Ear {
    http: reqwest::Client,
    stack: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

async fn pass_on(State(ear): State<Ear>, request: Request) -> Response<Body> {
    ear.pass_on(request).await.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
}

impl Ear {
    async fn pass_on(&self, request: Request) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await?;
        let address = format!("{}{}", self.stack, parts.uri);
        let answer = self.http.request(parts.method, address).headers(parts.headers).body(body).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?;
        let mut heard = self.heard();
        for (name, value) in &headers {
            // The browser's mark is handed to the browser, and nowhere else.
            if name != "set-cookie" {
                heard.extend_from_slice(name.as_str().as_bytes());
                heard.extend_from_slice(value.as_bytes());
            }
        }
        heard.extend_from_slice(&body);
        heard.push(b'\n');
        Ok((status, headers, body).into_response())
    }

    fn heard(&self) -> MutexGuard<'_, Vec<u8>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn before(stack: &Stack) -> Result<(Self, Client)> {
        let ear =
            Self { http: stack.client.http().clone(), stack: stack.client.base().to_owned(), heard: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let client = Client::new(&format!("http://{}", listener.local_addr()?))?;
        let router = Router::new().fallback(pass_on).with_state(ear.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((ear, client))
    }
}

/// Secrets that the simulator does not know of, as they turn up.
type Known = BTreeMap<String, String>;

fn know(known: &mut Known, name: &str, secret: &str) {
    known.insert(secret.to_owned(), name.to_owned());
}

/// A consent of an account from start to end, with everything that is secret on the way.
async fn link(staff: &Client, known: &mut Known, platform: &str, account: &str) -> Result<String> {
    let body = json!({"userId": TALENT, "platform": platform, "handle": account, "returnTo": "/done"});
    // A page of our own asks, so that a browser's mark is set, too.
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    let path = "/api/social/oauth/connect";
    let started = staff.send(Method::POST, path, &headers, Some(body.to_string().into_bytes())).await?.expect(200);
    let cookie = started.header("set-cookie").and_then(|text| text.split(';').next()).unwrap_or_default().to_owned();
    know(known, "the browser's mark", cookie.split_once('=').map_or("", |(_, value)| value));
    let callback = Person::allowing(account).answers(staff.http(), started.text_of("url")).await?;
    let landing = consent::landing(&staff.send(Method::GET, &callback, &[("cookie", &cookie)], None).await?)?;
    // Whoever brings it a second time learns nothing, and neither does the log.
    assert_eq!(staff.get(&callback).await?.expect(400).text_of("code"), "invalid_state");
    let query = reqwest::Url::parse(&format!("http://ours.example{callback}"))?;
    for (name, value) in query.query_pairs().filter(|(name, _)| name == "state" || name == "code") {
        know(known, &format!("the {name} of a consent at {platform}"), &value);
    }
    Ok(landing.connection()?.to_owned())
}

/// A post with a file to each of these accounts, seen through to its end: uploads, containers and addresses included.
async fn publish(staff: &Client, platform: &str, accounts: impl Iterator<Item = &String>) -> Result<()> {
    let mut post = Stage::of(platform).post(TALENT, "nothing secret in it");
    post["connectionIds"] = json!(accounts.collect::<Vec<_>>());
    if let Some(members) = post.as_object_mut() {
        members.remove("platforms");
        members.entry("mediaUrls").or_insert_with(|| json!(["https://media.example/photo.jpg?w=1080&h=1080"]));
    }
    let id = author::publish(staff, &post).await?;
    let ended = author::is(&["published", "partial", "failed"]);
    let post = author::within(staff, &id, std::time::Duration::from_secs(40), ended).await?;
    if post["status"] == "published" { Ok(()) } else { Err(format!("{platform}: {post:#}").into()) }
}

/// An account's newest secret of a kind.
async fn newest(stack: &Stack, platform: &str, account: &str, kind: &str) -> Result<String> {
    let all = stack.world.look(&format!("/accounts/{platform}/{account}/tokens")).await?;
    let found = all.as_array().and_then(|all| all.iter().rfind(|token| token["kind"] == kind).cloned());
    Ok(found.ok_or_else(|| format!("no {kind} of {account}"))?["value"].as_str().unwrap_or_default().to_owned())
}

/// Tokens in every place of a body where a hurried person may paste one, and at platforms that echo them.
async fn mistakes(stack: &Stack, staff: &Client, known: &mut Known) -> Result<()> {
    let pasted = "act.PASTED-INTO-THE-WRONG-FIELD-0123456789";
    know(known, "a token in the wrong field", pasted);
    let good = json!({"talentId": TALENT, "platform": "TIKTOK", "accessToken": pasted, "handle": "secretive"});
    for field in ["platform", "handle", "profileUrl", "expiresAt", "talentId", "surprise"] {
        let mut body = good.clone();
        body[field] = json!(pasted);
        let refused = staff.post("/api/socials/oauth/callback", &body).await?;
        assert!((400..500).contains(&refused.status), "{field}: {}", refused.text);
    }
    // As a name, too.
    let mut body = good.clone();
    body[pasted] = json!("surprise");
    let _ = staff.post("/api/socials/oauth/callback", &body).await?.expect(400);
    let broken = format!("{{\"accessToken\":\"{pasted}\",");
    for path in ["/api/socials/oauth/callback", "/api/admin/socials/connect-manual", "/api/social/disconnect"] {
        let headers = [("content-type", "application/json")];
        let _ = staff.send(Method::POST, path, &headers, Some(broken.clone().into_bytes())).await?.expect(400);
    }
    for bearer in [pasted, &format!("hk_{pasted}")] {
        let _ = staff.with_token(bearer).get("/api/admin/talents").await?.expect(401);
    }
    // A token that the platform refuses, and says so with the token in its answer.
    let refused = "act.REFUSED-BY-THE-PLATFORM-0123456789";
    know(known, "a refused token", refused);
    for status in [400, 401, 403, 500] {
        let echo = json!({"error": {"code": "odd", "message": format!("token {refused} is odd")}, "error_description": refused});
        let fault = json!({"host": "open.tiktokapis.com", "fault": {"kind": "reject", "status": status, "body": echo}});
        stack.world.fault(fault).await?;
        let body = json!({"talentId": TALENT, "platform": "TIKTOK", "handle": format!("echo{status}"), "accessToken": refused});
        let id = staff.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned();
        let asked = |c: &Value| c["syncStatus"] == "ERROR" || c["nextRetryAt"] != Value::Null;
        staff.settled(TALENT, &id, herald_tests::eventually::SOON, asked).await?;
        let _ = staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    }
    stack.world.heal().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_secret_is_in_a_log_an_answer_or_a_file() -> Result<()> {
    let mut stack = Stack::with(herald_tests::stack::World::start().await?, &[("HERALD_LOG", "trace")]).await?;
    let mut known = Known::new();
    let (ear, client) = Ear::before(&stack).await?;
    let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
    let staff = client.with_token(&token);
    know(&mut known, "the caller's token", &token);
    know(&mut known, "the signature of the caller's token", token.rsplit('.').next().unwrap_or_default());
    staff.talent(TALENT).await?;

    let mut linked = Vec::new();
    // A bot is no consent.
    for (platform, account) in ACCOUNTS.into_iter().filter(|(platform, _)| *platform != "TELEGRAM") {
        let id = link(&staff, &mut known, platform, account).await?;
        assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "READY", "{platform}");
        linked.push(id);
    }
    // The other ways in: tokens that somebody else obtained, an app password.
    let mut handed = Vec::new();
    for (platform, account) in ACCOUNTS {
        let account = account.replacen("secretive", "handed", 1);
        let mut body = json!({"talentId": TALENT, "platform": platform, "handle": account});
        if platform == "BLUESKY" {
            let password = stack.world.account(platform, &account).await?["appPassword"].clone();
            know(&mut known, "an app password", password.as_str().unwrap_or_default());
            body["accessToken"] = password;
        } else {
            let issued =
                stack.world.control(&format!("/accounts/{platform}/{account}/issue-token"), &json!({})).await?;
            let issued = issued.expect(201).body;
            (body["accessToken"], body["refreshToken"]) =
                (issued["accessToken"].clone(), issued["refreshToken"].clone());
        }
        let id = staff.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned();
        assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "READY", "{platform} handed over");
        handed.push(id);
    }
    for (at, (platform, _)) in ACCOUNTS.into_iter().enumerate() {
        publish(&staff, platform, linked.get(at).into_iter().chain([&handed[at]])).await?;
    }
    mistakes(&stack, &staff, &mut known).await?;

    // Renewal, ahead of the end and after a surprise.
    for (at, (platform, account)) in ACCOUNTS.into_iter().enumerate() {
        if matches!(platform, "MASTODON" | "TELEGRAM") {
            continue;
        }
        let before = newest(&stack, platform, account, "accessToken").await?;
        let _ = stack
            .world
            .control(&format!("/accounts/{platform}/{account}/expire-tokens"), &json!({}))
            .await?
            .expect(200);
        let _ = staff.post_empty(&format!("/api/admin/socials/{}/sync", linked[at])).await?.expect(202);
        let seen = staff.done(TALENT, &linked[at]).await?;
        // Instagram cannot renew what has expired.
        assert_eq!(seen["syncStatus"], if platform == "INSTAGRAM" { "ERROR" } else { "READY" }, "{platform}: {seen}");
        assert_eq!(
            newest(&stack, platform, account, "accessToken").await? == before,
            platform == "INSTAGRAM",
            "{platform}"
        );
    }
    let rows = Rows::of(&stack).await?.all().await?;
    assert!(rows.iter().filter(|row| row.get("sealed").is_some()).count() > 9, "tokens are stored");

    // Ahead of the end, without anyone asking.
    let before = newest(&stack, "TIKTOK", "secretive", "refreshToken").await?;
    stack.pass(23 * 3_600 + 35 * 60).await?;
    until("the renewal", async || {
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(newest(&stack, "TIKTOK", "secretive", "refreshToken").await? != before)
    })
    .await?;
    for path in ["/api/admin/queue-stats", "/api/capabilities", "/api/admin/talent/ann/social-intelligence", "/health"]
    {
        let _ = staff.get(path).await?.expect(200);
    }

    // Half of it is disconnected, the rest deleted.
    for (at, id) in linked.iter().chain(&handed).enumerate() {
        if at % 2 == 0 {
            let _ = staff.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200);
        } else {
            let _ = staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
        }
    }
    until("the end of erasing", async || {
        let rows = Rows::of(&stack).await?.all().await?;
        Ok(!rows.iter().any(|row| row["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("erase#"))))
    })
    .await?;

    for secret in stack.world.look("/tokens").await?.as_array().into_iter().flatten() {
        let text = |name: &str| secret[name].as_str().unwrap_or_default();
        know(&mut known, &format!("{} of {} {}", text("kind"), text("platform"), text("account")), text("value"));
    }
    let ring: Value = serde_json::from_slice(&std::fs::read(stack.data().join("keys.json"))?)?;
    let mut keys = Vec::new();
    strings(&ring, &mut keys);
    let keys: Vec<_> = keys.into_iter().filter(|text| decoded(text).len() == 32).collect();
    assert!(!keys.is_empty(), "the key ring holds keys");
    keys.iter().for_each(|key| know(&mut known, "a key of the ring", key));

    for (platform, _) in ACCOUNTS {
        assert!(known.values().any(|name| name.starts_with(&format!("accessToken of {platform} "))), "{platform}");
    }
    let search = Search::new(&known);
    println!("{} secrets", search.secrets());
    assert!(search.secrets() > 40);
    let mut found = Vec::new();
    let mut look = |place: &str, bytes: &[u8]| {
        println!("{place}: {} bytes", bytes.len());
        // A state travels in the address that the person is sent to, so that one answer holds it.
        let meant = |name: &String| place == "answers" && name.starts_with("the state of");
        let here = search.find(bytes).into_iter().filter(|name| !meant(name));
        found.extend(here.map(|name| format!("{place}: {name}")));
    };
    look("answers", &ear.heard());
    // While it runs, what was written last is in files of its own; after a clean end it is in the database.
    for moment in ["running", "ended"] {
        for file in std::fs::read_dir(stack.data())? {
            let file = file?;
            let name = file.file_name().into_string().unwrap_or_default();
            let bytes = std::fs::read(file.path())?;
            if KEY_FILES.contains(&name.as_str()) {
                assert_eq!(search.find(&bytes).is_empty(), name != "keys.json", "the search finds what is there");
            } else {
                look(&format!("{name}, {moment}"), &bytes);
            }
        }
        if moment == "running" {
            assert!(stack.terminate().await?.success());
        }
    }
    look("printed lines", stack.lines().join("\n").as_bytes());
    assert_eq!(found, Vec::<String>::new());
    Ok(())
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|value| strings(value, into)),
        Value::Object(all) => all.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}

#[tokio::test]
async fn sealed_tokens_that_were_copied_to_another_connection_do_not_open() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.admin(WORKSPACE).await?;
    staff.talent(TALENT).await?;
    let (mine, theirs) = (
        consent::link(&staff, TALENT, "TIKTOK", "mine").await?,
        consent::link(&staff, TALENT, "TIKTOK", "theirs").await?,
    );
    for id in [&mine, &theirs] {
        assert_eq!(staff.done(TALENT, id).await?["syncStatus"], "READY");
    }
    let rows = Rows::of(&stack).await?;
    let tokens = async |id: &str| {
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
            rows.of_partition(&format!("w#{WORKSPACE}#c#{id}"), "tokens").await?.remove(0),
        )
    };
    let mut row = tokens(&mine).await?;
    row["sealed"] = tokens(&theirs).await?["sealed"].clone();
    rows.call("PutItem", json!({"Item": row})).await?;
    // A cached key must not open what the row's own key would not.
    let _ = stack.world.look("/requests").await?;
    let asked = async || {
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
            stack.world.look("/requests").await?.as_array().map_or(0, Vec::len),
        )
    };
    let before = asked().await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{mine}/sync")).await?.expect(202);
    let seen = staff.done(TALENT, &mine).await?;
    assert_eq!((&seen["syncStatus"], &seen["syncErrorCode"]), (&json!("ERROR"), &json!("token_expired")), "{seen}");
    assert_eq!(asked().await?, before, "nobody was asked with somebody else's token");
    assert_eq!(staff.connection(TALENT, &theirs).await?["syncStatus"], "READY");
    Ok(())
}
