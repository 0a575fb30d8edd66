//! A browser that keeps cookies and follows no redirect by itself, and a person's way through the real servers' pages.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::process::Result;

/// A browser with a cookie jar for one site.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    jar: BTreeMap<String, String>,
}

/// What a browser was answered.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<Url>,
    /// The body.
    pub text: String,
}

impl Page {
    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Where the redirect leads, or a sentence with the whole page.
    ///
    /// # Errors
    /// When it is no redirect.
    pub fn redirect(self) -> Result<Url> {
        let why = format!("no redirect: {} {}", self.status, self.text);
        self.location.ok_or_else(|| why.into())
    }
}

impl Browser {
    /// A browser without cookies. Connections are used once: a small server may close them without a word.
    ///
    /// # Errors
    /// When the machine cannot make an HTTP client.
    pub fn new() -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()?;
        Ok(Self { http, jar: BTreeMap::new() })
    }

    /// A cookie's value; empty when there is none.
    #[must_use]
    pub fn cookie(&self, name: &str) -> &str {
        self.jar.get(name).map_or("", String::as_str)
    }

    /// GET.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&mut self, url: &Url, headers: &[(&str, &str)]) -> Result<Page> {
        let request = self.http.request(Method::GET, url.clone());
        self.send(url, request, headers).await
    }

    /// POST of a form.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn form(&mut self, url: &Url, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Result<Page> {
        let request = self.http.request(Method::POST, url.clone()).form(fields);
        self.send(url, request, headers).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn json(&mut self, url: &Url, body: &Value, headers: &[(&str, &str)]) -> Result<Page> {
        let request = self.http.request(Method::POST, url.clone()).json(body);
        self.send(url, request, headers).await
    }

    async fn send(&mut self, url: &Url, request: RequestBuilder, headers: &[(&str, &str)]) -> Result<Page> {
        let mut request = request.header("connection", "close");
        if !self.jar.is_empty() {
            let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        self.jar.retain(|_, value| !value.is_empty());
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let location = location.map(|to| url.join(to)).transpose()?;
        Ok(Page { status: response.status().as_u16(), location, text: response.text().await? })
    }
}

/// Signs in at the real Bluesky server and allows the app, and answers the callback's address.
///
/// # Errors
/// When a step is refused.
pub async fn allow_at_pds(page: &Url, account: &Value) -> Result<Url> {
    const NAVIGATE: [(&str, &str); 2] = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let text = |name: &str| account[name].as_str().unwrap_or_default().to_owned();
    let (referer, origin) = (page.to_string(), page.origin().ascii_serialization());
    let mut browser = Browser::new()?;
    let shown = browser.get(page, &[NAVIGATE[0], NAVIGATE[1], ("sec-fetch-site", "none")]).await?;
    if shown.status != 200 {
        return Err(format!("the consent page: {} {}", shown.status, shown.text).into());
    }
    let scope = "atproto transition:generic";
    let sign_in = json!({"locale": "en", "username": text("handle"), "password": text("password"), "remember": true});
    let mut last = Page { status: 0, location: None, text: String::new() };
    for (name, body) in [("sign-in", sign_in), ("consent", json!({"sub": text("did"), "scope": scope}))] {
        let token = browser.cookie("csrf-token").to_owned();
        let headers = [
            ("x-csrf-token", token.as_str()),
            ("origin", &origin),
            ("referer", &referer),
            ("sec-fetch-mode", "same-origin"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "empty"),
        ];
        last = browser.json(&page.join(&format!("/@atproto/oauth-provider/~api/{name}"))?, &body, &headers).await?;
        if last.status != 200 {
            return Err(format!("{name}: {} {}", last.status, last.text).into());
        }
    }
    let on = Url::parse(last.json()["url"].as_str().unwrap_or_default())?;
    let headers = [NAVIGATE[0], NAVIGATE[1], ("sec-fetch-site", "same-origin"), ("referer", &referer)];
    browser.get(&on, &headers).await?.redirect()
}

/// Signs in at the real Mastodon-API server and allows the app, and answers the callback's address.
///
/// # Errors
/// When a step is refused.
pub async fn allow_at_snac(page: &Url, account: &Value) -> Result<Url> {
    let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
    let of = |name: &str| asked.get(name).map_or("", String::as_str);
    let mut browser = Browser::new()?;
    let form = browser.get(page, &[]).await?;
    if !form.text.contains("/oauth/x-snac-login") {
        return Err(format!("the consent page: {} {}", form.status, form.text).into());
    }
    let text = |name: &str| account[name].as_str().unwrap_or_default();
    let fields = [
        ("login", text("user")),
        ("passwd", text("password")),
        ("redir", of("redirect_uri")),
        ("cid", of("client_id")),
        ("state", of("state")),
    ];
    browser.form(&page.join("/oauth/x-snac-login")?, &fields, &[]).await?.redirect()
}

/// Signs in at the real OpenID provider under any name and allows the app, and answers the callback's address.
///
/// # Errors
/// When it never comes back to `callback`.
pub async fn allow_at_oidc(page: &Url, login: &str, callback: &str) -> Result<Url> {
    let between = |text: &str, before: &str| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once('"').map(|(found, _)| found.to_owned())
    };
    let mut browser = Browser::new()?;
    let mut step = browser.get(page, &[]).await?;
    for _ in 0..10 {
        if let Some(to) = step.location.clone() {
            if to.as_str().starts_with(callback) {
                return Ok(to);
            }
            step = browser.get(&to, &[]).await?;
            continue;
        }
        let action = between(&step.text, "action=\"").zip(between(&step.text, "name=\"prompt\" value=\""));
        let (action, prompt) = action.ok_or_else(|| format!("no form: {} {}", step.status, step.text))?;
        let fields = [("prompt", prompt.as_str()), ("login", login), ("password", "any")];
        step = browser.form(&page.join(&action)?, &fields, &[]).await?;
    }
    Err("the sign-in never came back".into())
}
