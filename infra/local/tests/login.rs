//! Log-in at the issuer of this machine: the rules that any issuer keeps for a public client.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::template::TEMPLATE;
use local::{Options, Stack};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use ring::digest;
use serde_json::Value;
use url::Url;

const VERIFIER: &str = "a-proof-key-of-at-least-forty-three-characters";

struct Herald {
    stack: Stack,
    client: Client,
}

impl Herald {
    async fn start(folder: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options {
            port: 0,
            data: folder.to_owned(),
            clock_advance_s: 0,
            template: TEMPLATE.to_owned(),
            env: BTreeMap::new(),
        };
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { stack: Stack::start(options).await.unwrap(), client }
    }

    fn asked(&self, redirect_uri: &str) -> Vec<(&'static str, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        [
            ("client_id", "herald-console".to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
            ("response_type", "code".to_owned()),
            ("state", "s&1".to_owned()),
            ("nonce", "n1".to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ]
        .into()
    }

    fn back(&self) -> String {
        format!("{}/console/login", self.stack.origin)
    }

    fn at(&self, path: &str) -> String {
        format!("{}/local/{path}", self.stack.origin)
    }

    async fn page(&self, asked: &[(&'static str, String)]) -> reqwest::Response {
        let url = Url::parse_with_params(&self.at("authorize"), asked).unwrap();
        self.client.get(url).send().await.unwrap()
    }

    /// The code that somebody who chose `role` is sent back with.
    async fn code(&self, role: &str) -> String {
        let mut form = self.asked(&self.back());
        form.extend([("role", role.to_owned()), ("talent", "ann".to_owned())]);
        let answer = self.client.post(self.at("authorize")).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let query: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
        assert_eq!((query["state"].as_str(), query["iss"].as_str()), ("s&1", self.at("").trim_end_matches('/')));
        query["code"].clone()
    }

    async fn exchange(&self, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let answer = self.client.post(self.at("token")).form(fields).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn fetch(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let back = self.back();
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "herald-console"),
            ("redirect_uri", back.as_str()),
            ("code", code),
            ("code_verifier", verifier),
        ];
        self.exchange(&fields).await
    }
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_and_its_proof_are_a_token_that_the_api_takes_once() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    let code = herald.code("admin").await;
    let (status, tokens) = herald.fetch(&code, VERIFIER).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let id = claims(&tokens["id_token"]);
    assert_eq!((id["aud"].as_str(), id["nonce"].as_str()), (Some("herald-console"), Some("n1")));
    let listed = herald
        .client
        .get(format!("{}/api/admin/talents", herald.stack.origin))
        .bearer_auth(tokens["access_token"].as_str().unwrap());
    assert_eq!(listed.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(herald.fetch(&code, VERIFIER).await.0, StatusCode::BAD_REQUEST, "a code is good for one try");

    let renewal = tokens["refresh_token"].as_str().unwrap();
    let renew = [("grant_type", "refresh_token"), ("client_id", "herald-console"), ("refresh_token", renewal)];
    assert_eq!(herald.exchange(&renew).await.0, StatusCode::OK);
    assert_eq!(herald.exchange(&renew).await.0, StatusCode::BAD_REQUEST, "a renewal is good for one try");
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_as_a_talent_is_that_talent() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    let (_, tokens) = herald.fetch(&herald.code("talent").await, VERIFIER).await;
    let access = claims(&tokens["access_token"]);
    assert_eq!((access["herald_role"].as_str(), access["herald_talent"].as_str()), (Some("talent"), Some("ann")));
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_proof_or_to_a_foreign_address_nothing_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    let code = herald.code("admin").await;
    assert_eq!(herald.fetch(&code, "another proof").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(herald.fetch(&code, VERIFIER).await.0, StatusCode::BAD_REQUEST, "a wrong proof spends the code");
    for foreign in ["https://evil.example/console/login", "http://127.0.0.1.evil.example/", "javascript:alert(1)"] {
        let page = herald.page(&herald.asked(foreign)).await;
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{foreign}");
        let mut form = herald.asked(foreign);
        form.push(("role", "admin".to_owned()));
        let posted = herald.client.post(herald.at("authorize")).form(&form).send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::BAD_REQUEST, "{foreign}");
    }
    let mut plain = herald.asked(&herald.back());
    plain.retain(|(name, _)| !name.starts_with("code_challenge"));
    let page = herald.page(&plain).await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST, "a proof key is demanded");
    herald.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_application_sends_is_no_markup_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let herald = Herald::start(folder.path()).await;
    let mut asked = herald.asked(&herald.back());
    asked.retain(|(name, _)| *name != "state");
    asked.push(("state", "\"><script>alert(1)</script>".to_owned()));
    let page = herald.page(&asked).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let text = page.text().await.unwrap();
    assert!(text.contains("&quot;&gt;&lt;script&gt;") && !text.contains("<script>"), "{text}");
    herald.stack.stop().await;
}
