//! A small HTTP client that shows what is on the wire, and a simulator on a port of its own.

#![allow(dead_code)] // every test file uses its own part

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use serde_json::Value;
use simulator::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::form_urlencoded;

/// A running simulator.
pub struct World {
    addr: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.body))
    }

    /// A parameter of the redirect's target.
    pub fn redirected(&self, name: &str) -> Option<String> {
        let (_, query) = self.header("location")?.split_once('?')?;
        let query = query.split('#').next().unwrap();
        form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }
}

/// A query string or form.
pub fn pairs(list: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(list).finish()
}

impl World {
    pub async fn start() -> Self {
        Self::of(Simulator::default()).await
    }

    pub async fn of(simulator: Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(simulator.serve(listener));
        Self { addr }
    }

    /// Sends `method https://{url}` and reads to the end. No answer is an I/O error, half of one `InvalidData`.
    pub async fn try_send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        self.try_bytes(method, url, headers, body.as_bytes()).await
    }

    /// The same with a body of bytes.
    pub async fn try_bytes(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut stream = TcpStream::connect(self.addr).await?;
        let mut head = format!("{method} /{url} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await?;
        // A server that stops reading may still have answered.
        let _ = stream.write_all(body).await;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await?;
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
        let (head, body) = (String::from_utf8_lossy(&raw[..end]), &raw[end + 4..]);
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).unwrap();
        let headers: Vec<(String, String)> =
            lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let text = String::from_utf8_lossy(body).into_owned();
        let answer = Answer { status, headers, body: text, bytes: body.to_vec() };
        match answer.header("content-length").map(str::parse::<usize>) {
            Some(Ok(n)) if n != body.len() && method != "HEAD" => Err(ErrorKind::InvalidData.into()),
            _ => Ok(answer),
        }
    }

    pub async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, url, headers, body).await.unwrap()
    }

    pub async fn bytes(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_bytes(method, url, headers, body).await.unwrap()
    }

    /// A connection that has sent `start` and nothing more.
    pub async fn connect(&self, start: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        stream
    }

    /// An access token of the account, as if it had consented elsewhere.
    pub async fn token(&self, platform: &str, handle: &str) -> String {
        let path = format!("accounts/{platform}/{handle}/issue-token");
        let issued = self.control("POST", &path, Value::Null).await;
        issued["accessToken"].as_str().unwrap().to_owned()
    }

    pub async fn publications(&self, platform: &str) -> Vec<Value> {
        let list = self.control("GET", &format!("publications?platform={platform}"), Value::Null).await;
        list.as_array().unwrap().clone()
    }

    pub async fn counts(&self, platform: &str) -> Value {
        self.control("GET", &format!("counts?platform={platform}"), Value::Null).await
    }

    pub async fn fault(&self, order: Value) {
        assert!(self.control("POST", "faults", order).await["id"].is_u64());
    }

    pub async fn get(&self, url: &str) -> Answer {
        self.send("GET", url, &[], "").await
    }

    pub async fn get_as(&self, url: &str, token: &str) -> Answer {
        self.send("GET", url, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", url, &[("content-type", "application/x-www-form-urlencoded")], &pairs(fields)).await
    }

    pub async fn post_json(&self, url: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", url, &all, &body.to_string()).await
    }

    /// Allows the app on a consent page, as `account`.
    pub async fn approve(&self, page: &str, account: &str) -> Answer {
        self.form(page, &[("account", account), ("decision", "approve")]).await
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer =
            self.send(method, &format!("_control/{path}"), &[("content-type", "application/json")], &body).await;
        assert!(answer.status < 300, "{} {}", answer.status, answer.body);
        answer.json()
    }

    pub async fn truth(&self, platform: &str, handle: &str) -> Value {
        self.control("GET", &format!("accounts/{platform}/{handle}"), Value::Null).await
    }

    pub async fn advance(&self, seconds: i64) {
        self.control("POST", "clock", serde_json::json!({"advanceSeconds": seconds})).await;
    }

    /// The reasons of all requests that no well-made client sends.
    pub async fn unexpected(&self) -> Vec<String> {
        let list = self.control("GET", "unexpected", Value::Null).await;
        list.as_array().unwrap().iter().map(|e| e["reason"].as_str().unwrap().to_owned()).collect()
    }
}
