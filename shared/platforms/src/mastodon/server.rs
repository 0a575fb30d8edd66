//! Finding an account's server, and what that server can do.

use domain::{Failure, Platform};
use outbound::{Answer, Call};
use url::Url;

use super::api::{Discovery, WebFinger};
use super::error;
use super::facts::{COARSE, FACTS, is_host};
use crate::kit::Context;
use crate::wire::{url, url_with};

/// The origin of a server. Plain http is for servers on this machine that the installation has named.
pub(super) fn base(cx: &Context<'_>, host: &str) -> String {
    let local = cx.out.config().loopback_allow.iter().any(|allowed| allowed == host);
    format!("{}://{host}", if local { "http" } else { "https" })
}

/// `host`, or `host:port` where the URL names a port of its own; nothing for an address that is none of a server.
pub(super) fn authority(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|_| matches!(url.scheme(), "https" | "http"))?;
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    is_host(&authority).then_some(authority)
}

/// `user@host`, or a bare host, in its parts.
pub(super) fn parts(handle: &str) -> Option<(Option<String>, String)> {
    let handle = (FACTS.handle.normalise)(handle);
    let (user, host) = handle.split_once('@').map_or((None, handle.as_str()), |(user, host)| (Some(user), host));
    // A single label is a server only if it is one of this machine.
    (is_host(host) && (host.contains('.') || host.contains(':'))).then(|| (user.map(str::to_owned), host.to_owned()))
}

/// The host that serves the accounts of `domain`, if `domain` says; it may name another one in its handles than it runs on.
/// Without a user, the server's own account is asked for.
pub(super) async fn web_host(cx: &Context<'_>, user: Option<&str>, domain: &str) -> Result<Option<String>, Failure> {
    let resource = format!("acct:{}@{domain}", user.unwrap_or(domain));
    let address = url_with(&format!("{}/.well-known/webfinger", base(cx, domain)), &[("resource", &resource)])?;
    let answer = small(cx, Call::get(Platform::Mastodon, address).follow(3)).await?;
    if answer.is_success() {
        return Ok(answer.json::<WebFinger>().ok().and_then(|found| found.web_host()));
    }
    let failure = error::read(&answer, cx.clock.now(), None);
    // A server that does not do this, or does not know the name, is asked itself; one that is away is not.
    if failure.may_pass() { Err(failure) } else { Ok(None) }
}

/// How a server consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Consent {
    pub(super) authorize: String,
    pub(super) token: String,
    /// Whether it knows S256.
    pub(super) pkce: bool,
    /// What to register for and to ask for.
    pub(super) scopes: String,
}

impl Consent {
    /// The paths that every server has, for one that says nothing about itself (before 4.3, and others).
    fn fixed(base: &str) -> Self {
        Self {
            authorize: format!("{base}/oauth/authorize"),
            token: format!("{base}/oauth/token"),
            pkce: false,
            scopes: COARSE.to_owned(),
        }
    }

    /// Endpoints count only on the server's own host. A server that does not list the granular scopes gets the coarse
    /// ones, at registration and at consent alike, since it refuses what it does not know.
    fn stated(base: &str, host: &str, stated: Discovery) -> Self {
        let fixed = Self::fixed(base);
        let own = |endpoint: Option<String>| {
            endpoint.filter(|text| Url::parse(text).ok().and_then(|url| authority(&url)).as_deref() == Some(host))
        };
        let granular =
            FACTS.oauth.scopes.iter().all(|scope| stated.scopes_supported.iter().any(|known| known == scope.name));
        Self {
            authorize: own(stated.authorization_endpoint).unwrap_or(fixed.authorize),
            token: own(stated.token_endpoint).unwrap_or(fixed.token),
            pkce: stated.code_challenge_methods_supported.iter().any(|method| method == "S256"),
            scopes: if granular { FACTS.scope_list() } else { fixed.scopes },
        }
    }
}

/// How the server on `host` consents; nothing where there is no sign that it is one.
pub(super) async fn consent(cx: &Context<'_>, host: &str) -> Result<Consent, Failure> {
    let base = base(cx, host);
    let answer =
        small(cx, Call::get(Platform::Mastodon, url(&format!("{base}/.well-known/oauth-authorization-server"))?))
            .await?;
    if !answer.is_success() {
        let failure = error::read(&answer, cx.clock.now(), None);
        return if failure.may_pass() { Err(failure) } else { Ok(Consent::fixed(&base)) };
    }
    Ok(answer.json().map_or_else(|_| Consent::fixed(&base), |stated| Consent::stated(&base, host, stated)))
}

async fn small(cx: &Context<'_>, mut call: Call) -> Result<Answer, Failure> {
    call.max_bytes = 256 * 1024;
    send(cx, call).await
}

/// Sends a call. A small server without a proxy in front, as on this machine, may close the connection after each answer
/// without a word (snac, observed), so it is not used a second time.
pub(super) async fn send(cx: &Context<'_>, mut call: Call) -> Result<Answer, Failure> {
    if call.url.scheme() == "http" {
        call = call.header(http::header::CONNECTION, "close");
    }
    Ok(cx.out.send(call).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(text: &str) -> Consent {
        Consent::stated("https://social.example", "social.example", serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_server_is_named_by_a_handle_or_by_itself() {
        assert_eq!(parts("@Ann@Social.Example"), Some((Some("ann".to_owned()), "social.example".to_owned())));
        assert_eq!(parts("@social.example"), Some((None, "social.example".to_owned())));
        assert_eq!(parts("localhost:8101"), Some((None, "localhost:8101".to_owned())));
        for handle in ["", "ann", "@ann", "ann@", "ann@social", "ann@so cial.example", "https://social.example"] {
            assert_eq!(parts(handle), None, "{handle}");
        }
    }

    #[test]
    fn a_server_that_knows_pkce_and_granular_scopes_gets_them() {
        let consent = stated(include_str!("fixtures/discovery.json"));
        assert!(consent.pkce);
        assert_eq!(consent.scopes, "read:accounts read:statuses read:notifications write:statuses write:media");
        assert_eq!(consent.token, "https://social.example/oauth/token");
    }

    #[test]
    fn a_server_that_says_little_gets_the_least() {
        let consent = stated(r#"{"scopes_supported":["read","write","follow","push"]}"#);
        assert_eq!(consent, Consent::fixed("https://social.example"));
        assert_eq!((consent.pkce, consent.scopes.as_str()), (false, "read write"));
    }

    #[test]
    fn a_secret_goes_to_no_other_host() {
        let consent = stated(
            r#"{"authorization_endpoint":"https://evil.example/a","token_endpoint":"https://evil.example/oauth/token"}"#,
        );
        assert_eq!(consent.token, "https://social.example/oauth/token");
        assert_eq!(consent.authorize, "https://social.example/oauth/authorize");
    }
}
