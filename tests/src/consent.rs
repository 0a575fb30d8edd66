//! A person in front of a platform's consent page.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::process::Result;

/// What a person does on the page.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The handle of the account that is signed in.
    pub account: &'a str,
    /// Whether access is allowed.
    pub allows: bool,
    /// The ticked scopes; none stands for all.
    pub scopes: &'a [&'a str],
}

/// Where the browser ends up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The whole address, as in `Location`.
    pub location: String,
    /// Its query.
    pub query: BTreeMap<String, String>,
}

impl Landing {
    /// The connection that a consent made.
    ///
    /// # Errors
    /// When it made none.
    pub fn connection(&self) -> Result<&str> {
        let found = self.query.get("connectionId").map(String::as_str);
        found.ok_or_else(|| format!("no connection: {}", self.location).into())
    }

    /// The word for what went wrong; empty when nothing did.
    #[must_use]
    pub fn error(&self) -> &str {
        self.query.get("error").map(String::as_str).unwrap_or_default()
    }
}

impl<'a> Person<'a> {
    /// Someone who allows everything.
    #[must_use]
    pub const fn allowing(account: &'a str) -> Self {
        Self { account, allows: true, scopes: &[] }
    }

    /// Someone who denies.
    #[must_use]
    pub const fn denying(account: &'a str) -> Self {
        Self { account, allows: false, scopes: &[] }
    }

    /// Looks at the page, answers it, and says to which path and query of ours the platform sends the browser.
    ///
    /// # Errors
    /// When the platform shows no page or sends nobody back.
    pub async fn answers(&self, http: &reqwest::Client, url: &str) -> Result<String> {
        let page = http.get(url).send().await?;
        if page.status() != 200 {
            return Err(format!("no consent page: {} {}", page.status(), page.text().await?).into());
        }
        let mut form = vec![("account", self.account), ("decision", if self.allows { "approve" } else { "deny" })];
        form.extend(self.scopes.iter().map(|scope| ("scope", *scope)));
        let answer = http.post(url).form(&form).send().await?;
        let status = answer.status();
        let Some(location) = answer.headers().get("location") else {
            return Err(format!("nobody is sent back: {status} {}", answer.text().await?).into());
        };
        let target = Url::parse(location.to_str()?)?;
        Ok(format!("{}?{}", target.path(), target.query().unwrap_or_default()))
    }
}

/// The address that a start answers with.
///
/// # Errors
/// When there is no answer, or a refusal.
pub async fn start(client: &Client, body: &Value) -> Result<String> {
    let reply = client.post("/api/social/oauth/connect", body).await?;
    match reply.status {
        200 => Ok(reply.text_of("url").to_owned()),
        status => Err(format!("not started: {status} {}", reply.text).into()),
    }
}

/// Reads a redirect.
///
/// # Errors
/// When it is none.
pub fn landing(reply: &Reply) -> Result<Landing> {
    let location = reply.header("location").filter(|_| reply.status == 302);
    let location = location.ok_or_else(|| format!("no redirect: {} {}", reply.status, reply.text))?.to_owned();
    let query = Url::parse("http://ours.invalid")?.join(&location)?.query_pairs().into_owned().collect();
    Ok(Landing { location, query })
}

/// A whole consent: start, page, callback.
///
/// # Errors
/// When any step has no answer.
pub async fn consent(client: &Client, body: &Value, person: &Person<'_>) -> Result<Landing> {
    let url = start(client, body).await?;
    let callback = person.answers(client.http(), &url).await?;
    landing(&client.get(&callback).await?)
}

/// Links an account with the person's consent and answers the connection's id.
///
/// # Errors
/// When it is not linked.
pub async fn link(client: &Client, talent: &str, platform: &str, account: &str) -> Result<String> {
    let mut body = json!({"userId": talent, "platform": platform});
    if platform == "MASTODON" {
        body["handle"] = json!(account);
    }
    Ok(consent(client, &body, &Person::allowing(account)).await?.connection()?.to_owned())
}
