//! A client that speaks the contract and nothing else.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::process::Result;

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; `Null` when it is empty or no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A text field of the body; empty when it is missing.
    #[must_use]
    pub fn text_of(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_default()
    }

    /// Panics with the whole answer unless the status is as expected.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

/// A caller of the API.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A caller without a credential.
    ///
    /// # Errors
    /// When the machine cannot make an HTTP client.
    pub fn new(base: &str) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same caller with a bearer credential.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The address it calls.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The bare HTTP client, for what is not the API (consent pages, the outside world's control).
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends any request.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Reply> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Reply { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text, bytes })
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Reply> {
        self.send(method, path, &[("content-type", "application/json")], Some(body.to_string().into_bytes())).await
    }

    /// GET.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.send(Method::GET, path, &[], None).await
    }

    /// POST with JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.json(Method::POST, path, body).await
    }

    /// POST without a body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_empty(&self, path: &str) -> Result<Reply> {
        self.send(Method::POST, path, &[], None).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn delete(&self, path: &str) -> Result<Reply> {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Creates a talent.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn talent(&self, talent: &str) -> Result<()> {
        let body = serde_json::json!({"name": format!("Talent {talent}")});
        let _ = self.json(Method::PUT, &format!("/api/admin/talents/{talent}"), &body).await?.expect(200);
        Ok(())
    }

    /// The connections of a talent, as staff see them.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn connections(&self, talent: &str) -> Result<Vec<Value>> {
        let reply = self.get(&format!("/api/admin/talent/{talent}/social-connections")).await?.expect(200);
        Ok(reply.body["connections"].as_array().cloned().unwrap_or_default())
    }

    /// One connection of a talent, as staff see it.
    ///
    /// # Errors
    /// When there is no answer, or no such connection.
    pub async fn connection(&self, talent: &str, id: &str) -> Result<Value> {
        let all = self.connections(talent).await?;
        all.into_iter().find(|c| c["id"] == id).ok_or_else(|| format!("{id} is not listed").into())
    }

    /// Waits until a connection is as `settled` wants it, and answers it.
    ///
    /// # Errors
    /// When it is not in time; the sentence holds the last look.
    pub async fn settled(
        &self,
        talent: &str,
        id: &str,
        within: Duration,
        settled: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            let seen = self.connection(talent, id).await?;
            if settled(&seen) {
                return Ok(seen);
            }
            if Instant::now() > deadline {
                return Err(format!("not settled within {within:?}: {seen}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a connection is READY or ERROR.
    ///
    /// # Errors
    /// As [`Client::settled`].
    pub async fn done(&self, talent: &str, id: &str) -> Result<Value> {
        self.settled(talent, id, Duration::from_secs(30), |c| {
            matches!(c["syncStatus"].as_str(), Some("READY" | "ERROR"))
        })
        .await
    }

    /// Links an account by handle and answers the connection's id.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn connect(&self, talent: &str, platform: &str, handle: &str) -> Result<String> {
        let body = serde_json::json!({"talentId": talent, "platform": platform, "handle": handle});
        let reply = self.post("/api/admin/socials/connect-manual", &body).await?.expect(201);
        Ok(reply.text_of("connectionId").to_owned())
    }
}
