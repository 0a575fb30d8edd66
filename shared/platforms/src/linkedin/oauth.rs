//! LinkedIn's consent. Only apps of partners get a refresh token; it stays the same, and so does its end.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, TokenSet};
use outbound::{Answer, Call};

use super::{FACTS, api, error};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// LinkedIn's code flow.
pub(super) struct Linkedin;

#[async_trait]
impl OAuth for Linkedin {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let scope = FACTS.scope_list();
        let query = [
            ("response_type", "code"),
            ("client_id", cx.app.client_id.as_str()),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("state", start.state.expose()),
            ("scope", scope.as_str()),
        ];
        let url = wire::url_with("https://www.linkedin.com/oauth/v2/authorization", &query)?;
        Ok(Started { url, keep: BTreeMap::new() })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
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

    /// Ends the whole consent of the member for the app.
    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        let answer = call(cx, "revoke", &[("token", tokens.access.expose())]).await?;
        if answer.is_success() {
            return Ok(());
        }
        match error::of_token(&answer) {
            // Dead already.
            failure if failure.kind == Kind::ReconnectNeeded => Ok(()),
            failure => Err(failure),
        }
    }
}

async fn ask(cx: &Context<'_>, what: &[(&str, &str)]) -> Result<TokenSet, Failure> {
    let answer = call(cx, "accessToken", what).await?;
    if !answer.is_success() {
        return Err(error::of_token(&answer));
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

async fn call(cx: &Context<'_>, path: &str, what: &[(&str, &str)]) -> Result<Answer, Failure> {
    let secret = cx.app.client_secret.as_ref();
    let secret = secret.ok_or_else(|| Failure::new(Kind::AppRejected, "no client secret is configured"))?;
    let app = [("client_id", cx.app.client_id.as_str()), ("client_secret", secret.expose())];
    let form: Vec<_> = app.iter().chain(what).copied().collect();
    let url = wire::url(&format!("https://www.linkedin.com/oauth/v2/{path}"))?;
    Ok(cx.out.send(Call::post_form(Platform::Linkedin, url, &form)).await?)
}
