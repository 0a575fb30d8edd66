//! The configuration of handlers, read once from the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use cloud::config;
use domain::delivery::PublishPolicy;
use domain::sync::RetryPolicy;
use domain::{Platform, Secret};
use platforms::AppCredentials;
use serde::Deserialize;
use url::Url;

use crate::app::InvalidConfiguration;
use crate::console::settings::ConsoleSettings;

/// The longest wait before an attempt, in seconds.
const LONGEST_WAIT_S: u64 = 86_400;

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `HERALD_PUBLIC_URL`: the address of this installation; redirect URIs begin with it.
    pub public_url: Url,
    /// `HERALD_ALLOWED_ORIGINS`: origins that browsers may call from and `returnTo` may lead to.
    pub allowed_origins: Vec<String>,
    /// `HERALD_RETRY_SECONDS`: seconds before each attempt of a sync, the first included, comma separated; default
    /// `0,2,4`.
    pub retry: RetryPolicy,
    /// `HERALD_PUBLISH_RETRY_SECONDS`: seconds after each failed attempt of a delivery that had no effect; default `2,4,8`.
    pub publish_retry: PublishPolicy,
    /// `HERALD_PUBLISH_SHIFT_SECONDS`: after how many seconds a long upload goes on in another invocation; default 600, below
    /// the worker's timeout by more than one piece takes.
    pub publish_shift: Duration,
    /// `HERALD_DUE_SHARDS`: shards of the `due` index per kind; default 8, only ever increased.
    pub due_shards: u32,
    /// `HERALD_FONTS`: the directory of the report's fonts; default `/opt/fonts`, where their layer is.
    pub fonts: PathBuf,
    /// How the console logs people in.
    pub console: ConsoleSettings,
    modes: BTreeMap<Platform, Modes>,
    apps: BTreeMap<Platform, AppCredentials>,
}

/// `HERALD_<PLATFORM>_MODES`: which ways of connecting are open; default both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    /// By handle.
    pub manual: bool,
    /// By consent.
    pub oauth: bool,
}

/// One platform's part of `HERALD_APPS`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppSecret {
    client_id: Option<String>,
    client_secret: Option<Secret>,
    api_key: Option<Secret>,
}

impl Settings {
    /// Reads the variables. App credentials come from `HERALD_<PLATFORM>_CLIENT_ID`, `…_CLIENT_SECRET` and
    /// `…_API_KEY`, or all together from `HERALD_APPS` (JSON by platform; in AWS the one secret).
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the variable.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidConfiguration> {
        let required =
            |name: &str| config::required(get, name).map_err(|error| InvalidConfiguration(error.to_string()));
        let wrong = |name: &str, rule: &str| InvalidConfiguration(format!("{name} must be {rule}"));
        let public_url =
            Url::parse(&required("HERALD_PUBLIC_URL")?).map_err(|_| wrong("HERALD_PUBLIC_URL", "a URL"))?;
        let seconds = |name: &str| {
            let read: Result<Vec<u64>, _> = config::list(get, name).iter().map(|text| text.parse()).collect();
            read.ok()
                .filter(|seconds| seconds.iter().all(|wait| *wait <= LONGEST_WAIT_S))
                .ok_or_else(|| wrong(name, "whole seconds up to 86400 (a day), comma separated"))
        };
        let (sync, publish) = (seconds("HERALD_RETRY_SECONDS")?, seconds("HERALD_PUBLISH_RETRY_SECONDS")?);
        let due_shards = match get("HERALD_DUE_SHARDS").filter(|text| !text.is_empty()) {
            None => 8,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=1024).contains(n))
                .ok_or_else(|| wrong("HERALD_DUE_SHARDS", "1 to 1024"))?,
        };
        let publish_shift = match get("HERALD_PUBLISH_SHIFT_SECONDS").filter(|text| !text.is_empty()) {
            None => 600,
            Some(text) => text
                .parse()
                .ok()
                .filter(|seconds| *seconds <= 780)
                .ok_or_else(|| wrong("HERALD_PUBLISH_SHIFT_SECONDS", "whole seconds up to 780"))?,
        };
        let mut apps = BTreeMap::new();
        let mut modes = BTreeMap::new();
        let secrets: BTreeMap<Platform, AppSecret> = match get("HERALD_APPS").filter(|text| !text.trim().is_empty()) {
            None => BTreeMap::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| wrong("HERALD_APPS", "JSON: {\"YOUTUBE\":{\"client_id\":\"…\",…}}"))?,
        };
        for (platform, secret) in secrets {
            let app = AppCredentials {
                client_id: secret.client_id.unwrap_or_default(),
                client_secret: secret.client_secret.filter(|s| !s.is_empty()),
                api_key: secret.api_key.filter(|s| !s.is_empty()),
            };
            apps.insert(platform, app);
        }
        for platform in Platform::ALL {
            let app: &mut AppCredentials = apps.entry(platform).or_default();
            let own = |name: &str| get(&format!("HERALD_{platform}_{name}")).filter(|text| !text.is_empty());
            if let Some(id) = own("CLIENT_ID") {
                app.client_id = id;
            }
            app.client_secret = own("CLIENT_SECRET").map(Secret::new).or(app.client_secret.take());
            // Telegram's key for public reads is the installation's own bot.
            let key = if platform == Platform::Telegram { "BOT_TOKEN" } else { "API_KEY" };
            app.api_key = own(key).map(Secret::new).or(app.api_key.take());
            let listed = config::list(get, &format!("HERALD_{platform}_MODES"));
            if let Some(other) = listed.iter().find(|mode| !matches!(mode.as_str(), "manual" | "oauth")) {
                return Err(wrong(&format!("HERALD_{platform}_MODES"), &format!("manual, oauth or both, not {other}")));
            }
            let open = |mode: &str| listed.is_empty() || listed.iter().any(|m| m == mode);
            modes.insert(platform, Modes { manual: open("manual"), oauth: open("oauth") });
        }
        Ok(Self {
            public_url,
            allowed_origins: config::list(get, "HERALD_ALLOWED_ORIGINS"),
            retry: RetryPolicy::from_seconds(&sync).unwrap_or_else(RetryPolicy::sync_default),
            publish_retry: PublishPolicy::from_seconds(&publish).unwrap_or_else(PublishPolicy::standard),
            publish_shift: Duration::from_secs(publish_shift),
            due_shards,
            fonts: get("HERALD_FONTS")
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "/opt/fonts".to_owned())
                .into(),
            console: ConsoleSettings::from_env(get)?,
            modes,
            apps,
        })
    }

    /// Which ways of connecting are open at a platform.
    #[must_use]
    pub fn modes(&self, platform: Platform) -> Modes {
        self.modes.get(&platform).copied().unwrap_or(Modes { manual: true, oauth: true })
    }

    /// The installation's own credentials at a platform; empty where it has none.
    #[must_use]
    pub fn app(&self, platform: Platform) -> AppCredentials {
        self.apps.get(&platform).cloned().unwrap_or_default()
    }

    /// The redirect URI of every consent.
    #[must_use]
    pub fn redirect_uri(&self) -> Url {
        self.at("/api/social/oauth/callback")
    }

    /// A path of this installation as a URL.
    #[must_use]
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(&format!("{}{path}", self.public_url.path().trim_end_matches('/')));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, InvalidConfiguration> {
        let get = |name: &str| {
            let pairs = pairs.iter().chain([&("HERALD_PUBLIC_URL", "https://h.example")]);
            pairs.into_iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        Settings::from_env(&get)
    }

    #[test]
    fn a_platforms_own_variable_wins_over_the_secret() {
        let settings = settings(&[
            ("HERALD_APPS", r#"{"YOUTUBE":{"client_id":"all","client_secret":"s","api_key":"k"}}"#),
            ("HERALD_YOUTUBE_CLIENT_ID", "own"),
        ])
        .unwrap();
        let app = settings.app(Platform::Youtube);
        assert_eq!((app.client_id.as_str(), app.api_key.unwrap().expose()), ("own", "k"));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value) in [
            ("HERALD_RETRY_SECONDS", "soon"),
            ("HERALD_RETRY_SECONDS", "0,86401"),
            ("HERALD_APPS", "{"),
            ("HERALD_TIKTOK_MODES", "scrape"),
            ("HERALD_DUE_SHARDS", "0"),
        ] {
            assert!(settings(&[(name, value)]).unwrap_err().0.starts_with(name), "{name}");
        }
    }

    #[test]
    fn modes_close_what_they_do_not_name() {
        let settings = settings(&[("HERALD_INSTAGRAM_MODES", "oauth")]).unwrap();
        assert_eq!(settings.modes(Platform::Instagram), Modes { manual: false, oauth: true });
        assert_eq!(settings.modes(Platform::Tiktok), Modes { manual: true, oauth: true });
    }
}
