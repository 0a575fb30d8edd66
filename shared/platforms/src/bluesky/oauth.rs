//! Consent: pushed requests (PAR), PKCE and DPoP, all of them mandatory in this network.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use oauth2::PkceCodeChallenge;
use outbound::{Answer, Call};

use super::api::{Pushed, ServerMetadata, TokenAnswer};
use super::client::{Bluesky, DID, DPOP_KEY, ISSUER, KIND, KIND_OAUTH, PDS, extra};
use super::dpop::Key;
use super::facts::{ATPROTO, ENTRYWAY, FACTS, is_did};
use super::metadata::client_fields;
use super::{error, identity};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// In [`Started::keep`], with [`DPOP_KEY`] and [`ISSUER`].
const VERIFIER: &str = "verifier";

#[async_trait]
impl OAuth for Bluesky {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let handle = start.handle.map(|handle| (FACTS.handle.normalise)(handle)).filter(|handle| !handle.is_empty());
        let pds = match &handle {
            Some(handle) => identity::resolve(cx, handle).await?.pds,
            // Nobody named an account: its person may have one with Bluesky itself, and says which there.
            None => ENTRYWAY.to_owned(),
        };
        let issuer = identity::issuer_of(cx, &pds).await?;
        let server = identity::server(cx, &issuer).await?;
        let (key, key_secret) = Key::generate()?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = FACTS.scope_list();
        let mut form = vec![
            ("response_type", "code"),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("scope", &scopes),
            ("state", start.state.expose()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if let Some(handle) = &handle {
            form.push(("login_hint", handle));
        }
        let endpoint = &server.pushed_authorization_request_endpoint;
        let answer = self.ask(cx, &issuer, endpoint, &key, &form).await?;
        let pushed: Pushed = answer.json()?;
        let mut url = wire::url(&server.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("client_id", &cx.app.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        let keep = extra([(VERIFIER, verifier.secret()), (DPOP_KEY, key_secret.expose()), (ISSUER, &issuer)]);
        Ok(Started { url, keep })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let kept = |name: &str| {
            finish.keep.get(name).ok_or_else(|| Failure::new(Kind::InvalidRequest, format!("nothing kept as {name}")))
        };
        let (issuer, verifier, key_secret) = (kept(ISSUER)?.expose(), kept(VERIFIER)?, kept(DPOP_KEY)?);
        // A code of another server must not be sent to this one (RFC 9207); this network always states whose it is.
        if finish.issuer != Some(issuer) {
            return Err(Failure::new(Kind::InvalidRequest, "the callback is not of the server that was asked"));
        }
        let server = identity::server(cx, issuer).await?;
        let key = Key::read(key_secret)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
            ("code_verifier", verifier.expose()),
        ];
        let answer = self.post(cx, issuer, &server.token_endpoint, &key, &form).await?;
        if !answer.is_success() {
            return Err(error::code(&answer, cx.clock.now()));
        }
        let token: TokenAnswer = answer.json()?;
        match self.verified_home(cx, issuer, &token).await {
            Ok(pds) => {
                let did = token.sub.clone();
                let extra = extra([
                    (KIND, KIND_OAUTH),
                    (DPOP_KEY, key_secret.expose()),
                    (ISSUER, issuer),
                    (PDS, &pds),
                    (DID, &did),
                ]);
                Ok(Grant { tokens: token_set(cx, token, extra), platform_account_id: Some(did) })
            }
            Err(failure) => {
                // A grant that will not be used is not left behind. The failure that led here is the one to tell.
                let _ = self
                    .revoke_at(cx, issuer, &server, &key, token.refresh_token.as_ref().unwrap_or(&token.access_token))
                    .await;
                Err(failure)
            }
        }
    }

    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        let Some((issuer, key)) = oauth_session(tokens)? else {
            return self.renew_session(cx, tokens).await;
        };
        let Some(refresh) = tokens.refresh.as_ref().filter(|token| !token.is_empty()) else {
            return Err(Failure::new(Kind::ReconnectNeeded, "there is no refresh token"));
        };
        let server = identity::server(cx, issuer).await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let answer = self.ask(cx, issuer, &server.token_endpoint, &key, &form).await?;
        let token: TokenAnswer = answer.json()?;
        if tokens.extra(DID).is_some_and(|did| did.expose() != token.sub) {
            return Err(Failure::new(Kind::ReconnectNeeded, "the tokens were renewed for another account"));
        }
        Ok(token_set(cx, token, tokens.extra.clone()))
    }

    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        let Some((issuer, key)) = oauth_session(tokens)? else {
            return self.end_session(cx, tokens).await;
        };
        let server = identity::server(cx, issuer).await?;
        self.revoke_at(cx, issuer, &server, &key, tokens.refresh.as_ref().unwrap_or(&tokens.access)).await
    }
}

impl Bluesky {
    /// Sends a form to an endpoint of `issuer` as this client, proven by `key`.
    async fn post(
        &self,
        cx: &Context<'_>,
        issuer: &str,
        endpoint: &str,
        key: &Key,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let client = client_fields(cx, issuer)?;
        let client = client.iter().map(|(name, value)| (*name, value.expose()));
        let form: Vec<(&str, &str)> = form.iter().copied().chain(client).collect();
        self.send_proven(cx, Call::post_form(Platform::Bluesky, wire::url(endpoint)?, &form), key, None).await
    }

    /// The same; the answer is a success.
    async fn ask(
        &self,
        cx: &Context<'_>,
        issuer: &str,
        endpoint: &str,
        key: &Key,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let answer = self.post(cx, issuer, endpoint, key, form).await?;
        if answer.is_success() { Ok(answer) } else { Err(error::oauth(&answer, cx.clock.now())) }
    }

    /// The account's server, once the account's own identity has named `issuer` as the one that consents for it. Without
    /// this, any server could claim to speak for any account.
    async fn verified_home(&self, cx: &Context<'_>, issuer: &str, token: &TokenAnswer) -> Result<String, Failure> {
        let refused = |detail| Err(Failure::new(Kind::InvalidRequest, detail));
        if !token.token_type.eq_ignore_ascii_case("dpop") {
            return refused("the token is not bound to its key");
        }
        if !wire::scopes(&token.scope).iter().any(|scope| scope == ATPROTO) {
            return refused("the grant lacks the scope atproto");
        }
        if !is_did(&token.sub) {
            return refused("the grant is for no account");
        }
        let home = identity::resolve(cx, &token.sub).await?;
        if identity::issuer_of(cx, &home.pds).await? != issuer {
            return refused("the server does not speak for the account");
        }
        Ok(home.pds)
    }

    async fn revoke_at(
        &self,
        cx: &Context<'_>,
        issuer: &str,
        server: &ServerMetadata,
        key: &Key,
        token: &Secret,
    ) -> Result<(), Failure> {
        let Some(endpoint) = &server.revocation_endpoint else { return Ok(()) };
        match self.ask(cx, issuer, endpoint, key, &[("token", token.expose())]).await {
            // Dead already.
            Err(failure) if failure.kind == Kind::ReconnectNeeded => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

/// Issuer and key of an OAuth session; nothing for the session of an app password.
fn oauth_session(tokens: &TokenSet) -> Result<Option<(&str, Key)>, Failure> {
    let (Some(issuer), Some(key)) = (tokens.extra(ISSUER), tokens.extra(DPOP_KEY)) else { return Ok(None) };
    let key = Key::read(key).map_err(|_| Failure::new(Kind::ReconnectNeeded, "the session's key is unreadable"))?;
    Ok(Some((issuer.expose(), key)))
}

fn token_set(cx: &Context<'_>, token: TokenAnswer, extra: std::collections::BTreeMap<String, Secret>) -> TokenSet {
    let now = cx.clock.now();
    let life = token.expires_in.or_else(|| FACTS.oauth.access_life.map(|life| life.as_secs()));
    TokenSet {
        access: token.access_token,
        refresh: token.refresh_token,
        expires_at: life.and_then(|seconds| wire::dies_at(now, seconds)),
        issued_at: now,
        scopes: wire::scopes(&token.scope),
        extra,
    }
}
