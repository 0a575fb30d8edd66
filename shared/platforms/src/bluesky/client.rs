//! Calls to an account's servers, with whatever proof the tokens need.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use http::HeaderName;
use outbound::{Answer, Call};
use url::Url;

use super::dpop::Key;
use super::facts::is_did;
use super::{api, error, identity};
use crate::kit::{Account, Context};

/// What is in [`TokenSet::extra`].
pub(super) const KIND: &str = "kind";
pub(super) const KIND_OAUTH: &str = "oauth";
pub(super) const KIND_APP_PASSWORD: &str = "app_password";
pub(super) const DPOP_KEY: &str = "dpop_key";
pub(super) const ISSUER: &str = "issuer";
pub(super) const PDS: &str = "pds";
pub(super) const DID: &str = "did";

/// More servers than one process meets; past it, nonces are asked for again.
const MOST_NONCES: usize = 1_000;

/// The client. Clones share the nonces.
#[derive(Debug, Clone, Default)]
pub(super) struct Bluesky {
    /// The last nonce of each server, by origin. Servers change theirs every few minutes.
    nonces: Arc<Mutex<HashMap<String, String>>>,
}

/// An account and the server it lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) did: String,
    /// An origin.
    pub(super) pds: String,
}

impl Bluesky {
    /// Sends `call` with a proof of `key`. A server that wants a nonce of its own is asked again with it, once: it has
    /// refused the first call before looking at it.
    pub(super) async fn send_proven(
        &self,
        cx: &Context<'_>,
        call: Call,
        key: &Key,
        token: Option<&Secret>,
    ) -> Result<Answer, Failure> {
        let origin = call.url.origin().ascii_serialization();
        let known = self.nonce(&origin);
        let answer = self.send_once(cx, &call, key, token, known.as_deref()).await?;
        let told = self.nonce(&origin);
        if error::wants_nonce(&answer) && told.is_some() && told != known {
            return self.send_once(cx, &call, key, token, told.as_deref()).await;
        }
        Ok(answer)
    }

    async fn send_once(
        &self,
        cx: &Context<'_>,
        call: &Call,
        key: &Key,
        token: Option<&Secret>,
        nonce: Option<&str>,
    ) -> Result<Answer, Failure> {
        let proof = key.proof(call.method.as_str(), &call.url, nonce, token, cx.clock.now())?;
        let mut proven = call.clone().secret_header(HeaderName::from_static("dpop"), "", &proof);
        if let Some(token) = token {
            proven = proven.secret_header(http::header::AUTHORIZATION, "DPoP ", token);
        }
        let answer = cx.out.send(proven).await?;
        if let Some(nonce) = answer.header("dpop-nonce") {
            self.remember(&call.url, nonce);
        }
        Ok(answer)
    }

    /// Sends a call to the account's own server with its rights.
    pub(super) async fn send_as(&self, cx: &Context<'_>, tokens: &TokenSet, call: Call) -> Result<Answer, Failure> {
        match tokens.extra(DPOP_KEY) {
            Some(secret) => {
                let key = Key::read(secret)
                    .map_err(|_| Failure::new(Kind::ReconnectNeeded, "the session's key is unreadable"))?;
                self.send_proven(cx, call, &key, Some(&tokens.access)).await
            }
            None => Ok(cx.out.send(call.bearer(&tokens.access)).await?),
        }
    }

    /// The same for a body that can be sent only once: no second try. Whoever sends one asks again with a fresh body when
    /// [`error::wants_nonce`]. The server's nonce is learnt first, so that it seldom comes to that.
    pub(super) async fn send_once_as(
        &self,
        cx: &Context<'_>,
        tokens: &TokenSet,
        pds: &str,
        call: Call,
    ) -> Result<Answer, Failure> {
        let Some(secret) = tokens.extra(DPOP_KEY) else { return Ok(cx.out.send(call.bearer(&tokens.access)).await?) };
        if self.nonce(pds).is_none() {
            // The smallest call that every server of accounts knows. What it answers does not matter.
            self.send_as(cx, tokens, query(pds, "com.atproto.server.getSession", &[])?).await?;
        }
        let key =
            Key::read(secret).map_err(|_| Failure::new(Kind::ReconnectNeeded, "the session's key is unreadable"))?;
        self.send_once(cx, &call, &key, Some(&tokens.access), self.nonce(pds).as_deref()).await
    }

    /// Whose tokens these are, and where they are honoured. A token that was handed over without either says it in its
    /// own claims; they are only a hint where to ask, since the server that is asked verifies the token.
    pub(super) async fn home(
        &self,
        cx: &Context<'_>,
        account: Option<&Account<'_>>,
        tokens: &TokenSet,
    ) -> Result<Home, Failure> {
        let claimed = || claims(&tokens.access).map(|claims| claims.sub).filter(|sub| is_did(sub));
        let stated = tokens.extra(DID).map(|did| did.expose().to_owned()).or_else(claimed);
        let named = || account.map(|a| a.platform_account_id.unwrap_or(a.handle).to_owned());
        let Some(name) = stated.or_else(named) else {
            return Err(Failure::new(Kind::ReconnectNeeded, "the tokens do not say whose they are"));
        };
        if let Some(pds) = tokens.extra(PDS).filter(|_| name.starts_with("did:")) {
            return Ok(Home { did: name, pds: pds.expose().to_owned() });
        }
        let found = identity::resolve(cx, &name).await?;
        Ok(Home { did: found.did, pds: found.pds })
    }

    fn nonce(&self, origin: &str) -> Option<String> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned()
    }

    fn remember(&self, url: &Url, nonce: &str) {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.len() >= MOST_NONCES {
            nonces.clear();
        }
        nonces.insert(url.origin().ascii_serialization(), nonce.to_owned());
    }
}

/// A query of the XRPC method `nsid` at `server`.
pub(super) fn query(server: &str, nsid: &str, parameters: &[(&str, &str)]) -> Result<Call, Failure> {
    let url = crate::wire::url_with(&format!("{server}/xrpc/{nsid}"), parameters)?;
    Ok(Call::get(Platform::Bluesky, url))
}

/// What a session token says of itself, unverified.
pub(super) fn claims(token: &Secret) -> Option<api::Claims> {
    let payload = token.expose().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// `extra` from its parts.
pub(super) fn extra<const N: usize>(parts: [(&str, &str); N]) -> BTreeMap<String, Secret> {
    parts.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is() {
        let token =
            Secret::new("e30.eyJzdWIiOiJkaWQ6cGxjOmNhdmdwM2xhejRsYm9xazN0YTJwb2hsaSIsImV4cCI6MTc5NTAwMDAwMH0.sig");
        let claims = claims(&token).unwrap();
        assert_eq!((claims.sub.as_str(), claims.exp), ("did:plc:cavgp3laz4lboqk3ta2pohli", Some(1_795_000_000)));
        assert!(super::claims(&Secret::new("opaque")).is_none());
    }

    #[test]
    fn a_server_keeps_only_its_last_nonce() {
        let client = Bluesky::default();
        let url = Url::parse("https://pds.example/xrpc/a.b.c").unwrap();
        client.remember(&url, "one");
        client.clone().remember(&url, "two");
        assert_eq!(client.nonce("https://pds.example").as_deref(), Some("two"));
        assert_eq!(client.nonce("https://other.example"), None);
    }
}
