//! The stack as a client sees it: over HTTP, with the faults that it can be told to have.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use local::template::TEMPLATE;
use local::token::Wanted;
use local::{Options, Stack};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

struct Herald {
    stack: Stack,
    client: Client,
    token: String,
}

impl Herald {
    async fn start(folder: &Path) -> Self {
        let options = Options {
            port: 0,
            data: folder.to_owned(),
            clock_advance_s: 0,
            template: TEMPLATE.to_owned(),
            env: BTreeMap::new(),
        };
        let stack = Stack::start(options).await.unwrap();
        let token = stack.token(&Wanted::default()).unwrap();
        Self { stack, client: Client::builder().no_proxy().build().unwrap(), token }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.stack.origin)).bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.request(method, path);
        let answer = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, Some(body)).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn talent(&self) {
        let (status, answer) = self.send(Method::PUT, "/api/admin/talents/t", Some(json!({"name": "T"}))).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    async fn connect(&self, handle: &str) {
        let body = json!({"talentId": "t", "platform": "BLUESKY", "handle": handle});
        self.post("/api/admin/socials/connect-manual", body).await;
    }

    async fn states(&self) -> Vec<String> {
        let (_, answer) = self.send(Method::GET, "/api/admin/talent/t/social-connections", None).await;
        answer["connections"].as_array().unwrap().iter().map(|c| c["syncStatus"].as_str().unwrap().to_owned()).collect()
    }

    async fn all_ready(&self) {
        for _ in 0..200 {
            if self.states().await.iter().all(|state| state == "READY") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}, queues {}", self.states().await, self.send(Method::GET, "/local/queues", None).await.1);
    }

    async fn fault(&self, fault: Value) {
        self.post("/local/faults", fault).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_becomes_ready_and_is_still_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    herald.connect("demo.bsky.social").await;
    herald.all_ready().await;
    herald.stack.stop().await;
    let herald = Herald::start(folder.path()).await;
    assert_eq!(herald.states().await, ["READY"]);
    herald.stack.stop().await;
}

/// A consent on the simulator's page, to its end.
async fn consent(herald: &Herald, platform: &str, handle: &str) {
    let mut body = json!({"userId": "t", "platform": platform, "returnTo": "/done"});
    if platform == "MASTODON" {
        body["handle"] = json!(handle);
    }
    let url = herald.post("/api/social/oauth/connect", body).await["url"].as_str().unwrap().to_owned();
    let browser = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let _ = browser.get(&url).send().await.unwrap();
    let form = [("account", handle), ("decision", "approve")];
    let answer = browser.post(&url).form(&form).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    let landed = browser.get(back).send().await.unwrap();
    let at = landed.headers()["location"].to_str().unwrap();
    assert!(at.contains("connectionId="), "{platform}: {at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consents_and_posts_stand_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    for (platform, handle) in [
        ("TIKTOK", "demo"),
        ("MASTODON", "demo@mastodon.example"),
        ("BLUESKY", "demo.bsky.social"),
        ("TWITTER", "demo"),
    ] {
        consent(&herald, platform, handle).await;
    }
    herald.all_ready().await;
    let settled = async |herald: &Herald, id: &str, status: &str| {
        for _ in 0..200 {
            let (_, post) = herald.send(Method::GET, &format!("/api/social/posts/{id}"), None).await;
            if post["status"] == status || post["deliveries"][0]["deleted"] == true {
                return post;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}", herald.send(Method::GET, &format!("/api/social/posts/{id}"), None).await.1);
    };
    let body = json!({"talentId": "t", "content": "before", "platforms": ["MASTODON"]});
    let before = herald.post("/api/social/posts/publish", body).await["id"].as_str().unwrap().to_owned();
    settled(&herald, &before, "published").await;
    herald.stack.stop().await;

    let herald = Herald::start(folder.path()).await;
    let (_, list) = herald.send(Method::GET, "/api/admin/talent/t/social-connections", None).await;
    for connection in list["connections"].as_array().unwrap() {
        let (status, _) = herald
            .send(Method::POST, &format!("/api/admin/socials/{}/sync", connection["id"].as_str().unwrap()), None)
            .await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    herald.all_ready().await;
    // What was published is still there, to be deleted, and goes on being the account's.
    let path = format!("/api/social/posts/{before}?remote=true");
    assert_eq!(herald.send(Method::DELETE, &path, None).await.0, StatusCode::ACCEPTED);
    assert_eq!(settled(&herald, &before, "deleted").await["deliveries"][0]["deleted"], true);
    let body = json!({"talentId": "t", "content": "after", "platforms": ["BLUESKY", "TWITTER"]});
    let after = herald.post("/api/social/posts/publish", body).await["id"].as_str().unwrap().to_owned();
    settled(&herald, &after, "published").await;
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stacks_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    let options = Options {
        port: 0,
        data: folder.path().to_owned(),
        clock_advance_s: 0,
        template: TEMPLATE.to_owned(),
        env: BTreeMap::new(),
    };
    let refused = Stack::start(options).await.err().unwrap().to_string();
    assert!(refused.contains("HERALD_DATA"), "{refused}");
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_api_gateway_answers_by_itself_is_answered_like_that() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::POST, "/health"),
        (Method::HEAD, "/api/admin/talents"),
        (Method::GET, "/health/"),
    ] {
        let (status, answer) = herald.send(method.clone(), path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        assert!(method == Method::HEAD || answer == json!({"message": "Not Found"}), "{method} {path}: {answer}");
    }
    let long = herald.request(Method::GET, "/health").header("x-long", "x".repeat(11_000)).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    // Its connection is not used again: the server may close it, since it has not read all of it.
    let large = herald.request(Method::PUT, "/api/admin/talents/t").header("connection", "close");
    let large = large.body(vec![b'x'; 11 << 20]).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let origin = herald.stack.origin.clone();
    for (from, allowed) in [(origin.as_str(), true), ("https://elsewhere.example", false)] {
        let answer = herald.request(Method::GET, "/health").header("origin", from).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers().contains_key("access-control-allow-origin")),
            (StatusCode::OK, allowed),
            "{from}"
        );
    }
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_doorbell_only_makes_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    herald.fault(json!({"kind": "doorbell_silent"})).await;
    herald.connect("demo.bsky.social").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(herald.states().await, ["PENDING"]);
    herald.post("/local/schedules/schedules.ring_due", json!({})).await;
    herald.all_ready().await;
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_runs_when_the_clock_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    herald.fault(json!({"kind": "doorbell_silent"})).await;
    herald.connect("demo.bsky.social").await;
    herald.post("/local/clock", json!({"advanceSeconds": 61})).await;
    herald.all_ready().await;
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_survived() {
    for fault in [
        json!({"kind": "throttle", "every": 3}),
        json!({"kind": "transaction_conflict", "times": 2}),
        json!({"kind": "doorbell_triple"}),
        json!({"kind": "doorbell_broken", "handler": "connections.connect_manual"}),
        json!({"kind": "index_lag"}),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let herald = Herald::start(folder.path()).await;
        herald.talent().await;
        herald.fault(fault.clone()).await;
        for name in ["one", "two", "three"] {
            herald.connect(&format!("{name}.bsky.social")).await;
        }
        // Twice: the first finds what the index showed before.
        for _ in 0..2 {
            herald.send(Method::POST, "/local/schedules/schedules.ring_due", None).await;
        }
        herald.all_ready().await;
        assert_eq!(herald.states().await.len(), 3, "{fault}");
        herald.stack.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_workers_leave_messages_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    herald.fault(json!({"kind": "workers_stopped"})).await;
    herald.connect("demo.bsky.social").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (_, queues) = herald.send(Method::GET, "/local/queues", None).await;
    assert_eq!(queues["ingest"]["waiting"], 1, "{queues}");
    herald.fault(json!({"kind": "workers_stopped", "on": false})).await;
    herald.all_ready().await;
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_api_says_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    for (method, path, body, expected) in [
        (Method::GET, "/local/nothing", json!({}), StatusCode::NOT_FOUND),
        (Method::POST, "/local/schedules/schedules.nothing", json!({}), StatusCode::NOT_FOUND),
        (Method::POST, "/local/faults", json!({"kind": "flood"}), StatusCode::BAD_REQUEST),
        (Method::POST, "/local/crash", json!({"phase": "during"}), StatusCode::BAD_REQUEST),
        (Method::POST, "/local/clock", json!({"advance": 1}), StatusCode::BAD_REQUEST),
    ] {
        let (status, answer) = herald.send(method, path, Some(body)).await;
        assert_eq!(status, expected, "{path}: {answer}");
    }
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_counted_per_handler() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    herald.talent().await;
    herald.send(Method::DELETE, "/local/crossings", None).await;
    herald.states().await;
    let (_, calls) = herald.send(Method::GET, "/local/calls", None).await;
    assert_eq!(calls["connections.list"], json!({"dynamodb.Query": 1}));
    let (_, crossings) = herald.send(Method::GET, "/local/crossings", None).await;
    let seen = json!({"n": 1, "service": "dynamodb", "operation": "Query", "handler": "connections.list"});
    assert_eq!(crossings, json!({"crossings": [seen]}));
    herald.stack.stop().await;
}
