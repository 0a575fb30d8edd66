//! A simulated outside world for one test, and a person who consents in it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::collections::BTreeMap;

use domain::clock::ManualClock;
use domain::{Clock, Failure, Platform, Profile, Publication, Secret, TokenSet};
use jiff::{SignedDuration, Timestamp};
use outbound::{Answer, Call, Outbound, UpstreamConfig};
use platforms::{Access, Account, Adapter, AppCredentials, Context, Finish, Grant, Platforms, Start};
use serde_json::{Value, json};
use simulator::Simulator;
use url::Url;

pub const REDIRECT: &str = "https://herald.example/oauth/callback";

/// The world of one test. Its clock and ours start together and move together.
pub struct World {
    pub out: Outbound,
    pub clock: ManualClock,
    pub app: AppCredentials,
    platform: Platform,
    platforms: Platforms,
    control: String,
}

impl World {
    pub async fn new(platform: Platform, app: AppCredentials) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Simulator::default().serve(listener));
        let variables = BTreeMap::from([
            ("HERALD_UPSTREAM", format!("http://{address}")),
            // The control API is no platform's and is called as it stands.
            ("HERALD_LOOPBACK_ALLOW", address.to_string()),
        ]);
        let out = Outbound::new(UpstreamConfig::from_env(|name| variables.get(name).cloned()).unwrap());
        let mut world = Self {
            out,
            clock: ManualClock::at(Timestamp::UNIX_EPOCH),
            app,
            platform,
            platforms: Platforms::default(),
            control: format!("http://{address}/_control"),
        };
        let now: Timestamp = world.get("clock").await["now"].as_str().unwrap().parse().unwrap();
        world.clock = ManualClock::at(now);
        world
    }

    pub fn adapter(&self) -> &Adapter {
        self.platforms.get(self.platform).unwrap()
    }

    pub fn cx(&self) -> Context<'_> {
        Context { out: &self.out, clock: &self.clock, app: &self.app }
    }

    /// Time passes, in the world and here.
    pub async fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
        self.post("clock", json!({"advanceSeconds": time.as_secs()})).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        self.control(Call::get(None, self.control_url(path))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.control(Call::post_json(None, self.control_url(path), &body)).await
    }

    /// Changes something about an account.
    pub async fn patch(&self, handle: &str, body: Value) -> Value {
        let call = Call::new(None, http::Method::PATCH, self.control_url(&self.account_path(handle)));
        self.control(call.body("application/json", body.to_string())).await
    }

    /// What is true about an account.
    pub async fn truth(&self, handle: &str) -> Value {
        self.get(&self.account_path(handle)).await
    }

    pub fn account_path(&self, handle: &str) -> String {
        format!("accounts/{}/{handle}", self.platform)
    }

    /// `METHOD path` of every request so far.
    pub async fn requests(&self) -> Vec<String> {
        let list = self.get(&format!("requests?platform={}", self.platform)).await;
        let line = |r: &Value| format!("{} {}", r["method"].as_str().unwrap(), r["path"].as_str().unwrap());
        list.as_array().unwrap().iter().map(line).collect()
    }

    /// Fails when a request was sent that no well-made client sends.
    pub async fn nothing_odd(&self) {
        assert_eq!(self.get("unexpected").await, json!([]));
    }

    /// The next request whose path contains `path` goes wrong.
    pub async fn fault(&self, path: &str, fault: Value) {
        self.post("faults", json!({"pathContains": path, "fault": fault})).await;
    }

    /// A person allows what is asked, or only `scopes`; the consent is finished. Where there is no consent page, the
    /// person hands over what stands for it.
    pub async fn consent(&self, handle: &str, scopes: &[&str]) -> Result<Grant, Failure> {
        if self.platform == Platform::Telegram {
            return self.hand_over(handle).await;
        }
        let redirect_uri = Url::parse(REDIRECT).unwrap();
        let state = Secret::new("state-of-the-test");
        let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(handle) };
        let started = self.adapter().oauth.start(&self.cx(), &start).await?;
        let back = self.allow(&started.url, handle, scopes).await;
        assert_eq!(back["state"], "state-of-the-test");
        let code = Secret::new(back["code"].clone());
        let issuer = back.get("iss").map(String::as_str);
        let finish = Finish { redirect_uri: &redirect_uri, code: &code, issuer, keep: &started.keep };
        self.adapter().oauth.finish(&self.cx(), &finish).await
    }

    /// Hands over the secret that was made for the account at the platform.
    pub async fn hand_over(&self, handle: &str) -> Result<Grant, Failure> {
        let issued = self.post(&format!("{}/issue-token", self.account_path(handle)), json!({})).await;
        let secret = Secret::new(issued["accessToken"].as_str().unwrap());
        let passwords = self.adapter().app_password.as_ref().unwrap();
        assert!(passwords.looks_like_one(&secret));
        passwords.log_in(&self.cx(), handle, &secret).await
    }

    /// Presses "Allow"; what the redirect carries.
    pub async fn allow(&self, url: &Url, handle: &str, scopes: &[&str]) -> BTreeMap<String, String> {
        let mut form = vec![("account", handle), ("decision", "approve")];
        form.extend(scopes.iter().map(|scope| ("scope", *scope)));
        let answer = self.out.send(Call::post_form(self.platform, url.clone(), &form)).await.unwrap();
        let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {}", text(&answer)));
        Url::parse(location).unwrap().query_pairs().into_owned().collect()
    }

    pub async fn profile(&self, handle: &str, access: Access<'_>) -> Result<Profile, Failure> {
        let account = Account { handle, platform_account_id: None };
        self.adapter().ingest.profile(&self.cx(), &account, access).await
    }

    /// Pages until there are `wanted` publications or no more.
    pub async fn publications(
        &self,
        profile: &Profile,
        access: Access<'_>,
        wanted: usize,
    ) -> Result<Vec<Publication>, Failure> {
        let mut all = Vec::new();
        let mut page = None;
        loop {
            let next = self.adapter().ingest.publications(&self.cx(), profile, access, page.as_deref()).await?;
            all.extend(next.publications);
            page = next.next;
            if page.is_none() || all.len() >= wanted {
                return Ok(all);
            }
        }
    }

    pub async fn refresh(&self, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        self.adapter().oauth.refresh(&self.cx(), tokens).await
    }

    pub async fn revoke(&self, tokens: &TokenSet) -> Result<(), Failure> {
        self.adapter().oauth.revoke(&self.cx(), tokens).await
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn control_url(&self, path: &str) -> Url {
        Url::parse(&format!("{}/{path}", self.control)).unwrap()
    }

    async fn control(&self, call: Call) -> Value {
        let answer = self.out.send(call).await.unwrap();
        assert!(answer.is_success(), "control API: {} {}", answer.status, text(&answer));
        answer.json().unwrap()
    }
}

/// Ids of what was read, for comparing with [`World::truth`].
pub fn ids(publications: &[Publication]) -> Vec<&str> {
    publications.iter().map(|publication| publication.external_id.as_str()).collect()
}

/// Ids of an account's posts, newest first.
pub fn true_ids(truth: &Value) -> Vec<&str> {
    truth["posts"].as_array().unwrap().iter().map(|post| post["id"].as_str().unwrap()).collect()
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}
