//! TikTok's consent. Refresh tokens are replaced each time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use outbound::Call;

use super::{FACTS, api, error};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// TikTok's code flow.
pub(super) struct Tiktok;

#[async_trait]
impl OAuth for Tiktok {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        // TikTok refuses such an address on its own page, where only the person would see why.
        if start.redirect_uri.query().is_some() || start.redirect_uri.fragment().is_some() {
            return Err(Failure::new(Kind::AppRejected, "a redirect address has no query and no fragment here"));
        }
        let scope = FACTS.scope_list();
        let query = [
            ("client_key", cx.app.client_id.as_str()),
            ("response_type", "code"),
            ("scope", scope.as_str()),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("state", start.state.expose()),
        ];
        Ok(Started { url: wire::url_with("https://www.tiktok.com/v2/auth/authorize/", &query)?, keep: BTreeMap::new() })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
        ];
        let (tokens, open_id) = ask(cx, &form).await?;
        Ok(Grant { tokens, platform_account_id: open_id })
    }

    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Failure::new(Kind::ReconnectNeeded, "there is no refresh token"));
        };
        let (tokens, _) = ask(cx, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await?;
        Ok(tokens)
    }

    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        // Only an access token revokes the consent, and it lives for a day: a dead one is renewed first, so that the
        // consent does not outlive the connection by the rest of the refresh token's year.
        let expired = tokens.expires_at.is_some_and(|end| end <= cx.clock.now());
        let renewed = match (expired, &tokens.refresh) {
            (true, Some(_)) => match self.refresh(cx, tokens).await {
                Err(failure) if failure.kind == Kind::ReconnectNeeded => return Ok(()),
                answered => Some(answered?),
            },
            _ => None,
        };
        let token = renewed.as_ref().map_or(&tokens.access, |renewed| &renewed.access);
        let url = wire::url("https://open.tiktokapis.com/v2/oauth/revoke/")?;
        let form = [
            ("client_key", cx.app.client_id.as_str()),
            ("client_secret", secret(cx)?.expose()),
            ("token", token.expose()),
        ];
        error::check_revoke(cx.out.send(Call::post_form(Platform::Tiktok, url, &form)).await?)
    }
}

/// Asks the token endpoint: tokens and the open id.
async fn ask(cx: &Context<'_>, what: &[(&str, &str)]) -> Result<(TokenSet, Option<String>), Failure> {
    let app = [("client_key", cx.app.client_id.as_str()), ("client_secret", secret(cx)?.expose())];
    let form: Vec<_> = app.iter().chain(what).copied().collect();
    let url = wire::url("https://open.tiktokapis.com/v2/oauth/token/")?;
    let answer = error::check_token(cx.out.send(Call::post_form(Platform::Tiktok, url, &form)).await?)?;
    let token: api::Token = answer.json()?;
    let now = cx.clock.now();
    let tokens = TokenSet {
        access: token.access_token,
        refresh: token.refresh_token.filter(|refresh| !refresh.is_empty()),
        expires_at: wire::dies_at(now, token.expires_in),
        issued_at: now,
        scopes: token.scope.as_deref().map(wire::scopes).unwrap_or_default(),
        extra: BTreeMap::new(),
    };
    Ok((tokens, token.open_id))
}

fn secret<'a>(cx: &Context<'a>) -> Result<&'a Secret, Failure> {
    cx.app.client_secret.as_ref().ok_or_else(|| Failure::new(Kind::AppRejected, "no client secret is configured"))
}
