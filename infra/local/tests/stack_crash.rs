//! The stack as a process: it prints what a person needs, stops when it is asked to, and survives being killed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

struct Process {
    child: Child,
    greeting: Vec<String>,
    client: Client,
}

impl Process {
    fn start(folder: &Path) -> Self {
        // The client wants a cryptography, even for plain http.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HERALD_")) {
            command.env_remove(name);
        }
        // It ends with its input, and so with this test, however that ends.
        command.env("HERALD_PORT", "0").env("HERALD_DATA", folder).env("HERALD_EXIT_WITH_STDIN", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            greeting.push(line.unwrap());
            if greeting.last().unwrap() == "Herald is ready." {
                break;
            }
        }
        Self { child, greeting, client }
    }

    fn said(&self, prefix: &str) -> String {
        let line = self.greeting.iter().find_map(|line| line.strip_prefix(prefix));
        line.unwrap_or_else(|| panic!("no {prefix} in {:?}", self.greeting)).trim().trim_matches('\'').to_owned()
    }

    /// `None` when the process did not answer.
    async fn send(&self, method: Method, path: &str, body: Value) -> Option<Value> {
        let url = format!("{}{path}", self.said("Herald "));
        let request = self.client.request(method, url).bearer_auth(self.said("ADMIN=")).json(&body);
        request.timeout(Duration::from_secs(20)).send().await.ok()?.json().await.ok()
    }

    async fn statuses(&self) -> Vec<String> {
        let path = "/api/admin/talent/talent_demo/social-connections";
        let answer = self.send(Method::GET, path, Value::Null).await.unwrap();
        let connections = answer["connections"].as_array().cloned().unwrap_or_default();
        connections.iter().map(|connection| connection["syncStatus"].as_str().unwrap().to_owned()).collect()
    }

    async fn becomes_ready(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.statuses().await != ["READY"] {
            assert!(Instant::now() < until, "{:?}", self.statuses().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn connect(&self) {
        self.send(Method::PUT, "/api/admin/talents/talent_demo", json!({"name": "Demo"})).await.unwrap();
        let body = json!({"talentId": "talent_demo", "platform": "BLUESKY", "handle": "demo.bsky.social"});
        self.send(Method::POST, "/api/admin/socials/connect-manual", body).await;
    }

    fn died(&mut self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the process lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_is_printed_connects_an_account_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let shell: Vec<&str> = process
        .greeting
        .iter()
        .map(String::as_str)
        .filter(|l| l.starts_with("ADMIN=") || l.contains("curl -s "))
        .collect();
    assert_eq!(shell.len(), 4, "a token and three commands");
    let ran = Command::new("bash").arg("-c").arg(shell.join("\n")).output();
    match ran {
        Ok(ran) => assert!(String::from_utf8_lossy(&ran.stdout).contains(r#""syncStatus":"READY""#), "{ran:?}"),
        Err(error) => println!("SKIPPED: the printed commands ({error})"),
    }
}

#[tokio::test]
async fn asked_to_stop_it_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path());
    process.connect().await;
    let pid = rustix::process::Pid::from_child(&process.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    process.died();
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test]
async fn it_ends_with_the_process_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    // The other end of a killed process's pipe is closed by the system, as it is here.
    let mut process = Process::start(folder.path());
    drop(process.child.stdin.take());
    process.died();
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test]
async fn killed_at_a_call_nothing_is_lost() {
    for (phase, scope, nth) in [
        ("after", "connections.connect_manual", 1),
        ("before", "workers.ingest", 1),
        ("after", "workers.ingest", 1),
        ("after", "workers.ingest", 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start(folder.path());
        let crash = json!({"phase": phase, "scope": scope, "nth": nth});
        process.send(Method::POST, "/local/crash", crash).await.unwrap();
        process.connect().await;
        process.died();
        drop(process);
        let process = Process::start(folder.path());
        // A row that was claimed comes due again when its lease is over.
        process.send(Method::POST, "/local/clock", json!({"advanceSeconds": 63})).await.unwrap();
        process.becomes_ready().await;
    }
}
