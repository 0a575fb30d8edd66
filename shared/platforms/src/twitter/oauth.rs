//! X's consent. Refresh tokens are good once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use http::header::AUTHORIZATION;
use oauth2::PkceCodeChallenge;
use outbound::{Answer, Call};

use super::{FACTS, api, error};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// The name of the proof key's verifier in [`Started::keep`].
const VERIFIER: &str = "code_verifier";

/// X's code flow.
pub(super) struct Twitter;

#[async_trait]
impl OAuth for Twitter {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scope = FACTS.scope_list();
        let query = [
            ("response_type", "code"),
            ("client_id", cx.app.client_id.as_str()),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("scope", scope.as_str()),
            ("state", start.state.expose()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let url = wire::url_with("https://x.com/i/oauth2/authorize", &query)?;
        Ok(Started { url, keep: BTreeMap::from([(VERIFIER.to_owned(), Secret::new(verifier.into_secret()))]) })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let verifier =
            finish.keep.get(VERIFIER).ok_or_else(|| Failure::new(Kind::ReconnectNeeded, "no verifier was kept"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
            ("code_verifier", verifier.expose()),
        ];
        let mut tokens = ask(cx, &form).await?;
        if tokens.scopes.is_empty() {
            // An answer without scopes grants what was asked for (RFC 6749, section 5.1).
            tokens.scopes = FACTS.oauth.scopes.iter().map(|scope| scope.name.to_owned()).collect();
        }
        Ok(Grant { tokens, platform_account_id: None })
    }

    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Failure::new(Kind::ReconnectNeeded, "there is no refresh token"));
        };
        ask(cx, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
    }

    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        // That one of them takes the other along is written nowhere, so each is revoked.
        let refresh = tokens.refresh.as_ref().map(|token| ("refresh_token", token));
        for (kind, token) in refresh.into_iter().chain([("access_token", &tokens.access)]) {
            let form = [("token", token.expose()), ("token_type_hint", kind)];
            let answer = call(cx, "revoke", &form).await?;
            if !answer.is_success() {
                match error::of_token(&answer, cx.clock.now()) {
                    // Dead already.
                    failure if failure.kind == Kind::ReconnectNeeded => {}
                    failure => return Err(failure),
                }
            }
        }
        Ok(())
    }
}

async fn ask(cx: &Context<'_>, form: &[(&str, &str)]) -> Result<TokenSet, Failure> {
    let answer = call(cx, "token", form).await?;
    if !answer.is_success() {
        return Err(error::of_token(&answer, cx.clock.now()));
    }
    let token: api::Token = answer.json()?;
    let now = cx.clock.now();
    Ok(TokenSet {
        access: token.access_token,
        refresh: token.refresh_token.filter(|refresh| !refresh.is_empty()),
        expires_at: wire::dies_at(now, token.expires_in),
        issued_at: now,
        scopes: token.scope.as_deref().map(wire::scopes).unwrap_or_default(),
        extra: BTreeMap::new(),
    })
}

/// A call of a confidential client: its credentials are a header, and its id does not stand in the form.
async fn call(cx: &Context<'_>, path: &str, form: &[(&str, &str)]) -> Result<Answer, Failure> {
    let secret = cx.app.client_secret.as_ref();
    let secret = secret.ok_or_else(|| Failure::new(Kind::AppRejected, "no client secret is configured"))?;
    let pair = Secret::new(STANDARD.encode(format!("{}:{}", cx.app.client_id, secret.expose())));
    let url = wire::url(&format!("https://api.x.com/2/oauth2/{path}"))?;
    let call = Call::post_form(Platform::Twitter, url, form).secret_header(AUTHORIZATION, "Basic ", &pair);
    Ok(cx.out.send(call).await?)
}
