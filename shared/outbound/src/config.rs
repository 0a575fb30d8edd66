//! Where the outside world is.

use std::collections::BTreeMap;

use domain::Platform;
use url::Url;

/// The switch for the outside world; empty in production.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// `HERALD_UPSTREAM`: an origin that stands in for every host.
    pub all: Option<Url>,
    /// `HERALD_UPSTREAM_<PLATFORM>`: the same for the calls of one platform; wins over the general one. Set and empty
    /// (`None`), the platform is the real one.
    pub by_platform: BTreeMap<Platform, Option<Url>>,
    /// `HERALD_LOOPBACK_ALLOW`: `host:port` pairs, comma separated, that are called as they are, over http, on this machine.
    pub loopback_allow: Vec<String>,
}

/// A variable that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} must be {rule}")]
pub struct InvalidConfig {
    /// The variable's name.
    pub variable: String,
    /// What it must hold.
    pub rule: &'static str,
}

impl UpstreamConfig {
    /// Reads the variables through `get`.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the variable that is not an origin.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidConfig> {
        let origin = |variable: &str| match get(variable).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match Url::parse(&text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
                _ => Err(InvalidConfig { variable: variable.to_owned(), rule: "an http or https origin" }),
            },
        };
        let mut by_platform = BTreeMap::new();
        for platform in Platform::ALL {
            let own = format!("HERALD_UPSTREAM_{platform}");
            if get(&own).is_some() {
                by_platform.insert(platform, origin(&own)?);
            }
        }
        let loopback_allow = get("HERALD_LOOPBACK_ALLOW")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(Self { all: origin("HERALD_UPSTREAM")?, by_platform, loopback_allow })
    }

    /// Whether `url` is at exactly one of the allowed local origins.
    #[must_use]
    pub fn is_local(&self, url: &Url) -> bool {
        authority(url).is_some_and(|authority| self.loopback_allow.contains(&authority))
    }

    /// The address that stands in for `url`: `{upstream}/{host}{path}`. Local origins and a world without a stand-in
    /// leave it as it is.
    #[must_use]
    pub fn rewrite(&self, platform: Option<Platform>, url: &Url) -> Url {
        let own = platform.and_then(|p| self.by_platform.get(&p));
        let upstream = own.map_or(self.all.as_ref(), Option::as_ref);
        let (Some(upstream), Some(host), false) = (upstream, authority_as_written(url), self.is_local(url)) else {
            return url.clone();
        };
        let mut target = upstream.clone();
        target.set_path(&format!("{}/{host}{}", upstream.path().trim_end_matches('/'), url.path()));
        target.set_query(url.query());
        target
    }
}

/// `host:port` with the port always present.
fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// `host`, or `host:port` where the URL names a port of its own.
fn authority_as_written(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> UpstreamConfig {
        UpstreamConfig::from_env(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn without_a_stand_in_nothing_is_rewritten() {
        assert_eq!(
            config(&[]).rewrite(Some(Platform::Youtube), &url("https://a.example/b?c=d")),
            url("https://a.example/b?c=d")
        );
    }

    #[test]
    fn the_host_becomes_the_first_part_of_the_path() {
        let config = config(&[("HERALD_UPSTREAM", "http://127.0.0.1:4100")]);
        assert_eq!(
            config.rewrite(None, &url("https://a.example/b%20c?d=e%2Ff")).as_str(),
            "http://127.0.0.1:4100/a.example/b%20c?d=e%2Ff"
        );
    }

    #[test]
    fn a_platforms_own_stand_in_wins() {
        let config =
            config(&[("HERALD_UPSTREAM", "http://127.0.0.1:1"), ("HERALD_UPSTREAM_MASTODON", "http://127.0.0.1:2")]);
        assert!(
            config
                .rewrite(Some(Platform::Mastodon), &url("https://a.example/"))
                .as_str()
                .starts_with("http://127.0.0.1:2/a.example/")
        );
        assert!(
            config
                .rewrite(Some(Platform::Bluesky), &url("https://a.example/"))
                .as_str()
                .starts_with("http://127.0.0.1:1/")
        );
    }

    #[test]
    fn a_platform_whose_own_stand_in_is_empty_is_the_real_one() {
        let config = config(&[("HERALD_UPSTREAM", "http://127.0.0.1:1"), ("HERALD_UPSTREAM_MASTODON", "")]);
        let address = url("https://a.example/b");
        assert_eq!(config.rewrite(Some(Platform::Mastodon), &address), address);
        assert_eq!(config.rewrite(Some(Platform::Bluesky), &address).port(), Some(1));
        assert_eq!(config.rewrite(None, &address).port(), Some(1));
    }

    #[test]
    fn real_servers_on_this_machine_are_not_rewritten() {
        let config = config(&[
            ("HERALD_UPSTREAM", "http://127.0.0.1:1"),
            ("HERALD_LOOPBACK_ALLOW", "localhost:8101, localhost:2583"),
        ]);
        assert_eq!(config.rewrite(None, &url("http://localhost:8101/api")), url("http://localhost:8101/api"));
        assert_eq!(config.rewrite(None, &url("http://localhost:8102/api")).port(), Some(1));
    }

    #[test]
    fn a_malformed_stand_in_is_named() {
        let error =
            UpstreamConfig::from_env(|name| (name == "HERALD_UPSTREAM").then(|| "nonsense".to_owned())).unwrap_err();
        assert_eq!(error.variable, "HERALD_UPSTREAM");
    }
}
