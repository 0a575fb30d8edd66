//! Consent at the account's own server.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use oauth2::PkceCodeChallenge;
use outbound::Call;

use super::api::TokenAnswer;
use super::{error, server};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire::{self, url};

/// In [`Started::keep`] and in [`TokenSet::extra`]: the host that the account's server runs on.
pub(super) const SERVER: &str = "server";
/// In both, too: the domain of its handles.
pub(super) const DOMAIN: &str = "domain";
/// In [`Started::keep`] only.
const TOKEN_URL: &str = "token_url";
const SCOPES: &str = "scopes";
const VERIFIER: &str = "verifier";

/// Obtains consent.
pub(super) struct Mastodon;

#[async_trait]
impl OAuth for Mastodon {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let (user, domain) = start
            .handle
            .and_then(server::parts)
            .ok_or_else(|| Failure::new(Kind::InvalidHandle, "the handle names no server"))?;
        let host = server::web_host(cx, user.as_deref(), &domain).await?.unwrap_or_else(|| domain.clone());
        let consent = server::consent(cx, &host).await?;
        let mut address = url(&consent.authorize)?;
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &cx.app.client_id)
            .append_pair("redirect_uri", start.redirect_uri.as_str())
            .append_pair("scope", &consent.scopes)
            .append_pair("state", start.state.expose());
        let mut keep: BTreeMap<String, Secret> =
            [(SERVER, host), (DOMAIN, domain), (TOKEN_URL, consent.token), (SCOPES, consent.scopes)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .collect();
        if consent.pkce {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            address
                .query_pairs_mut()
                .append_pair("code_challenge", challenge.as_str())
                .append_pair("code_challenge_method", "S256");
            keep.insert(VERIFIER.to_owned(), Secret::new(verifier.into_secret()));
        }
        Ok(Started { url: address, keep })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let kept = |name: &str| {
            finish.keep.get(name).ok_or_else(|| Failure::new(Kind::InvalidRequest, format!("nothing kept as {name}")))
        };
        let (host, domain, token_url, asked) = (kept(SERVER)?, kept(DOMAIN)?, kept(TOKEN_URL)?, kept(SCOPES)?);
        let secret = client_secret(cx)?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("client_id", cx.app.client_id.as_str()),
            ("client_secret", secret.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
        ];
        if let Some(verifier) = finish.keep.get(VERIFIER) {
            form.push(("code_verifier", verifier.expose()));
        }
        let answer = server::send(cx, Call::post_form(Platform::Mastodon, url(token_url.expose())?, &form)).await?;
        if !answer.is_success() {
            return Err(error::oauth(&answer, cx.clock.now()));
        }
        let token: TokenAnswer = answer.json()?;
        // A server that does not say what it granted has granted what it was asked for (RFC 6749, 5.1).
        let scopes = wire::scopes(if token.scope.is_empty() { asked.expose() } else { &token.scope });
        let extra = [(SERVER, host), (DOMAIN, domain)].map(|(name, value)| (name.to_owned(), value.clone()));
        let tokens = TokenSet {
            access: token.access_token,
            refresh: None,
            expires_at: None,
            issued_at: cx.clock.now(),
            scopes,
            extra: extra.into_iter().collect(),
        };
        Ok(Grant { tokens, platform_account_id: None })
    }

    /// Tokens live until they are revoked, so one that was refused is gone.
    async fn refresh(&self, _cx: &Context<'_>, _tokens: &TokenSet) -> Result<TokenSet, Failure> {
        Err(Failure::new(Kind::ReconnectNeeded, "tokens of this platform cannot be renewed"))
    }

    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        // A token that was handed over belongs to another app, which alone may revoke it.
        let (Some(host), Ok(secret)) = (tokens.extra(SERVER), client_secret(cx)) else { return Ok(()) };
        let form = [
            ("client_id", cx.app.client_id.as_str()),
            ("client_secret", secret.expose()),
            ("token", tokens.access.expose()),
        ];
        // The same path on every server; a dead token is answered like a living one.
        let address = url(&format!("{}/oauth/revoke", server::base(cx, host.expose())))?;
        let answer = server::send(cx, Call::post_form(Platform::Mastodon, address, &form)).await?;
        if answer.is_success() {
            return Ok(());
        }
        match error::oauth(&answer, cx.clock.now()) {
            // Dead already, in the words of servers that do tell.
            failure if failure.kind == Kind::ReconnectNeeded => Ok(()),
            failure => Err(failure),
        }
    }
}

fn client_secret<'a>(cx: &Context<'a>) -> Result<&'a Secret, Failure> {
    cx.app
        .client_secret
        .as_ref()
        .ok_or_else(|| Failure::new(Kind::AppRejected, "Herald is not registered at this server"))
}
