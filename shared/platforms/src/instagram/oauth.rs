//! Instagram's consent: a code, a token for an hour, a token for 60 days that renews itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use jiff::SignedDuration;
use outbound::{Answer, Call};

use super::{FACTS, api, error};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// A token younger than this is not renewed by the platform. Checked on 2026-11-20.
const YOUNGEST_TO_RENEW: SignedDuration = SignedDuration::from_hours(24);

/// Instagram's code flow.
pub(super) struct Instagram;

#[async_trait]
impl OAuth for Instagram {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let scope = FACTS.scope_list();
        let query = [
            ("client_id", cx.app.client_id.as_str()),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", scope.as_str()),
            ("state", start.state.expose()),
        ];
        Ok(Started { url: wire::url_with("https://www.instagram.com/oauth/authorize", &query)?, keep: BTreeMap::new() })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        // `#_` is an empty fragment that Instagram puts after the code; it reaches us only inside a whole pasted URL.
        let code = finish.code.expose();
        let form = [
            ("client_id", cx.app.client_id.as_str()),
            ("client_secret", secret(cx)?.expose()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", finish.redirect_uri.as_str()),
            ("code", code.strip_suffix("#_").unwrap_or(code)),
        ];
        let url = wire::url("https://api.instagram.com/oauth/access_token")?;
        let answer = cx.out.send(Call::post_form(Platform::Instagram, url, &form)).await?;
        if !answer.is_success() {
            return Err(error::of_code(&answer));
        }
        let (short, scopes) = api::short_lived(&answer)?;
        let tokens = match exchange(cx, &short).await {
            // The code is spent: giving up would cost the person another consent, and asking twice changes nothing.
            Err(failure) if failure.kind == Kind::ProviderDown => exchange(cx, &short).await?,
            answered => answered?,
        };
        // The account id of the code's answer is this app's own; the lasting one comes with the profile.
        Ok(Grant { tokens: TokenSet { scopes, ..tokens }, platform_account_id: None })
    }

    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        // Too young to be renewed and good for weeks: nothing to do. A token that the platform has refused never gets
        // here, because a refusal asks for a reconnect at once (`error.rs`).
        if cx.clock.now().duration_since(tokens.issued_at) < YOUNGEST_TO_RENEW {
            return Ok(tokens.clone());
        }
        let query = [("grant_type", "ig_refresh_token"), ("access_token", tokens.access.expose())];
        long_lived(cx, "https://graph.instagram.com/refresh_access_token", &query).await
    }

    /// No call is documented that revokes such a token: people remove the app in Instagram's settings.
    async fn revoke(&self, _: &Context<'_>, _: &TokenSet) -> Result<(), Failure> {
        Ok(())
    }
}

async fn exchange(cx: &Context<'_>, short: &Secret) -> Result<TokenSet, Failure> {
    let query = [
        ("grant_type", "ig_exchange_token"),
        ("client_secret", secret(cx)?.expose()),
        ("access_token", short.expose()),
    ];
    long_lived(cx, "https://graph.instagram.com/access_token", &query).await
}

async fn long_lived(cx: &Context<'_>, url: &str, query: &[(&str, &str)]) -> Result<TokenSet, Failure> {
    let answer: Answer = cx.out.send(Call::get(Platform::Instagram, wire::url_with(url, query)?)).await?;
    if !answer.is_success() {
        return Err(error::of(&answer));
    }
    let (access, seconds, scopes) = api::long_lived(&answer)?;
    let now = cx.clock.now();
    Ok(TokenSet {
        access,
        refresh: None,
        expires_at: wire::dies_at(now, seconds),
        issued_at: now,
        scopes,
        extra: BTreeMap::new(),
    })
}

fn secret<'a>(cx: &Context<'a>) -> Result<&'a Secret, Failure> {
    cx.app.client_secret.as_ref().ok_or_else(|| Failure::new(Kind::AppRejected, "no client secret is configured"))
}
