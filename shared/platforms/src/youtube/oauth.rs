//! Google's consent for one YouTube channel.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use oauth2::PkceCodeChallenge;
use outbound::Call;

use super::{FACTS, api, error};
use crate::kit::{Context, Finish, Grant, OAuth, Start, Started};
use crate::wire;

/// The name of the proof key's verifier in [`Started::keep`].
const VERIFIER: &str = "code_verifier";

/// Google's code flow.
pub(super) struct Youtube;

#[async_trait]
impl OAuth for Youtube {
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scope = FACTS.scope_list();
        let query = [
            ("client_id", cx.app.client_id.as_str()),
            ("redirect_uri", start.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", scope.as_str()),
            ("state", start.state.expose()),
            // Without these two a second consent brings no refresh token.
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let url = wire::url_with("https://accounts.google.com/o/oauth2/v2/auth", &query)?;
        Ok(Started { url, keep: BTreeMap::from([(VERIFIER.to_owned(), Secret::new(verifier.into_secret()))]) })
    }

    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure> {
        let verifier =
            finish.keep.get(VERIFIER).ok_or_else(|| Failure::new(Kind::ReconnectNeeded, "no verifier was kept"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", finish.code.expose()),
            ("code_verifier", verifier.expose()),
            ("redirect_uri", finish.redirect_uri.as_str()),
        ];
        let mut tokens = ask(cx, &form).await?;
        if tokens.scopes.is_empty() {
            // An answer without scopes grants what was asked for (RFC 6749, section 5.1).
            tokens.scopes = FACTS.oauth.scopes.iter().map(|scope| scope.name.to_owned()).collect();
        }
        // Which channel the person chose, only the profile says.
        Ok(Grant { tokens, platform_account_id: None })
    }

    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Failure::new(Kind::ReconnectNeeded, "there is no refresh token"));
        };
        ask(cx, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
    }

    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        // Either token ends the whole consent; the refresh token is the one that is surely alive.
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        let url = wire::url("https://oauth2.googleapis.com/revoke")?;
        let answer = cx.out.send(Call::post_form(Platform::Youtube, url, &[("token", token.expose())])).await?;
        if answer.is_success() || error::is_dead_already(&answer) {
            Ok(())
        } else {
            Err(error::of_token(&answer, cx.clock.now()))
        }
    }
}

async fn ask(cx: &Context<'_>, what: &[(&str, &str)]) -> Result<TokenSet, Failure> {
    let secret = cx.app.client_secret.as_ref();
    let secret = secret.ok_or_else(|| Failure::new(Kind::AppRejected, "no client secret is configured"))?;
    let app = [("client_id", cx.app.client_id.as_str()), ("client_secret", secret.expose())];
    let form: Vec<_> = app.iter().chain(what).copied().collect();
    let url = wire::url("https://oauth2.googleapis.com/token")?;
    let answer = cx.out.send(Call::post_form(Platform::Youtube, url, &form)).await?;
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
