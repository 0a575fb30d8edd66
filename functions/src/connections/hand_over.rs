//! `POST /api/socials/oauth/callback`: hands over tokens that the talent's own client obtained.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response, json};
use cloud::table::connections;
use domain::{Caller, Kind, Platform, Secret, TalentId, TokenSet};
use jiff::Timestamp;
use platforms::{Access, Account, Adapter, AppPassword, Context, Renewal};
use serde::Deserialize;
use utoipa::ToSchema;

use super::connect_manual::{closed, read_handle};
use crate::App;
use crate::accounts::budget::Budget;
use crate::accounts::credentials;
use crate::accounts::link::{self, Link};
use crate::view::ConnectedView;

/// The longest token that is taken, in bytes; DynamoDB's item has to hold it sealed.
const LONGEST_TOKEN: usize = 16_384;

/// The body. Tokens are proven by an identity call during the sync, or at once where a connection holds the handle.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandOver {
    /// The platform, in any case.
    #[schema(value_type = String)]
    platform: Platform,
    /// The access token; for Bluesky an app password.
    #[schema(value_type = String)]
    access_token: Secret,
    /// The refresh token, where the platform has one.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<Secret>,
    /// When the access token dies.
    expires_at: Option<Timestamp>,
    /// The handle; the identity that the platform states wins over it.
    handle: Option<String>,
    /// The address of the profile, in place of the handle.
    profile_url: Option<String>,
    /// The talent; staff name it, a talent hands over for itself.
    #[schema(value_type = Option<String>)]
    talent_id: Option<TalentId>,
}

/// What was handed over, and what is known of whose it is.
struct Handed {
    /// The handle: as it was given, or as the platform states it.
    handle: String,
    /// The platform's own id of the account, once the platform has stated it.
    account_id: Option<String>,
    tokens: TokenSet,
}

/// Takes over tokens.
///
/// # Errors
/// 400 for a malformed body, 404 for an unknown talent, 422 for an app password that the platform refuses. Under a handle
/// that a connection holds also 422 for tokens that it refuses, and 503 when it cannot say whose they are.
#[utoipa::path(
    post, path = "/api/socials/oauth/callback", operation_id = "connections.hand_over", tag = "Connections",
    request_body = HandOver,
    responses((status = 201, body = ConnectedView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: HandOver = json(&request)?;
    let caller = request.caller()?;
    let talent = link::talent_of(caller, body.talent_id.clone())?;
    let adapter = link::adapter(app, body.platform)?;
    if !app.settings.modes(body.platform).oauth {
        return Err(closed(body.platform, "by OAuth"));
    }
    let handle = read_handle(app, adapter.facts, body.handle.as_deref(), body.profile_url.as_deref())?;
    check(&body, request.now)?;
    let (budget, late) = (Budget::of_request(), |failure: domain::Failure| link::refused(&failure));
    let mut handed = match &adapter.app_password {
        Some(passwords) => {
            let session = log_in(app, passwords.as_ref(), adapter, handle, &body.access_token);
            budget.within(late, session).await?
        }
        None => Handed { handle, account_id: None, tokens: token_set(&body, request.now) },
    };
    if handed.account_id.is_none() && is_held(app, adapter, caller, &talent, &handed.handle).await? {
        handed = budget.within(late, whose(app, adapter, handed)).await?;
    }
    Link {
        talent,
        facts: adapter.facts,
        handle: handed.handle,
        account_id: handed.account_id,
        tokens: Some(&handed.tokens),
        caller,
        action: "connection.hand_over",
        request: &request,
    }
    .answer(app)
    .await
}

fn check(body: &HandOver, now: Timestamp) -> Result<(), ApiError> {
    let sized = |token: &Secret| {
        (1..=LONGEST_TOKEN).contains(&token.expose().len()) && token.expose().bytes().all(|b| b.is_ascii_graphic())
    };
    if !sized(&body.access_token) {
        return Err(ApiError::invalid("accessToken must be 1 to 16384 visible ASCII characters."));
    }
    if body.refresh_token.as_ref().is_some_and(|token| !token.is_empty() && !sized(token)) {
        return Err(ApiError::invalid("refreshToken must be at most 16384 visible ASCII characters."));
    }
    if body.expires_at.is_some_and(|at| at <= now) && body.refresh_token.as_ref().is_none_or(Secret::is_empty) {
        return Err(ApiError::invalid(
            "expiresAt is in the past, and there is no refreshToken to renew the token with.",
        ));
    }
    Ok(())
}

fn token_set(body: &HandOver, now: Timestamp) -> TokenSet {
    TokenSet {
        access: body.access_token.clone(),
        refresh: body.refresh_token.clone().filter(|token| !token.is_empty()),
        expires_at: body.expires_at,
        issued_at: now,
        scopes: Vec::new(),
        extra: BTreeMap::new(),
    }
}

/// An app password is turned into tokens at once: it is shown to the platform and never stored.
async fn log_in(
    app: &App,
    passwords: &dyn AppPassword,
    adapter: &Adapter,
    handle: String,
    password: &Secret,
) -> Result<Handed, ApiError> {
    if !passwords.looks_like_one(password) {
        return Err(ApiError::invalid(format!(
            "accessToken must be an app password for {}; its OAuth tokens are bound to the client that obtained them.",
            adapter.facts.name
        )));
    }
    let credentials = credentials::for_public(app, adapter.facts.platform);
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let grant = passwords.log_in(&cx, &handle, password).await.map_err(|failure| link::refused(&failure))?;
    Ok(Handed { handle, account_id: grant.platform_account_id, tokens: grant.tokens })
}

/// Whether a connection of the talent holds the handle already.
async fn is_held(
    app: &App,
    adapter: &Adapter,
    caller: &Caller,
    talent: &TalentId,
    handle: &str,
) -> Result<bool, ApiError> {
    let id = (adapter.facts.is_account_id)(handle).then_some(handle);
    let platform = adapter.facts.platform;
    Ok(connections::holder(&app.table, &caller.workspace, talent, platform, id, handle).await?.is_some())
}

/// Asks the platform whose the tokens are: those of another account must not take the place of a connection's own
/// (docs/decisions/0019-handed-over-tokens-never-harm-a-connection.md).
async fn whose(app: &App, adapter: &Adapter, handed: Handed) -> Result<Handed, ApiError> {
    let Handed { handle, mut tokens, .. } = handed;
    let credentials = credentials::for_public(app, adapter.facts.platform);
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let account = Account { handle: &handle, platform_account_id: None };
    let mut look = adapter.ingest.profile(&cx, &account, Access::Token(&tokens)).await;
    // Only where the old refresh token stays good: a rotated one would be lost with this process.
    let renewable = adapter.facts.oauth.renewal == Renewal::RefreshToken && tokens.refresh.is_some();
    if renewable && look.as_ref().is_err_and(|failure| failure.kind == Kind::TokenRejected) {
        let answer = adapter.oauth.refresh(&cx, &tokens).await.map_err(|failure| link::refused(&failure))?;
        tokens = tokens.renewed_by(answer);
        look = adapter.ingest.profile(&cx, &account, Access::Token(&tokens)).await;
    }
    let profile = look.map_err(|failure| link::refused(&failure))?;
    Ok(Handed { handle: profile.handle, account_id: Some(profile.external_id), tokens })
}
