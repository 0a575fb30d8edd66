//! `GET /api/social/oauth/callback`: the platform's redirect. Public: the state is the credential.

use std::convert::identity;

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response};
use cloud::table::oauth_states::{self, OAuthState};
use cloud::vault::EncryptionContext;
use domain::{Caller, Connection, Failure, Kind, Platform, Role, Secret, TalentId, return_to};
use http::StatusCode;
use platforms::{Access, Account, Context, Finish};
use url::Url;

use super::COOKIE;
use crate::App;
use crate::accounts::budget::Budget;
use crate::accounts::credentials::{self, NoCredentials};
use crate::accounts::link::{self, Link};

/// Ends a consent: 302 to `returnTo` with `connectionId` or `error`. The state is used up by whatever happens.
///
/// # Errors
/// 400 `invalid_state` for a state that is unknown, used or older than ten minutes: then nobody knows where to return to.
#[utoipa::path(
    get, path = "/api/social/oauth/callback", operation_id = "oauth.callback", tag = "Connections", security(()),
    params(
        ("state" = String, Query, description = "As sent to the platform"),
        ("code" = Option<String>, Query, description = "The platform's code"),
        ("error" = Option<String>, Query, description = "The platform's refusal"),
        ("iss" = Option<String>, Query, description = "The platform's issuer, where it says so"),
    ),
    responses((status = 302, description = "To `returnTo` with `connectionId` or `error`"), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let state = request.query("state").filter(|text| text.len() <= 512).map(Secret::new).ok_or_else(invalid_state)?;
    let fixed = oauth_states::consume(&app.table, &state, request.now).await?.ok_or_else(invalid_state)?;
    let back = fixed.return_to.clone();
    // Who comes back is known by the state alone: whoever started it.
    let caller = Caller {
        talent: (fixed.role == Role::Talent).then(|| fixed.talent.clone()),
        workspace: fixed.workspace.clone(),
        subject: fixed.starter.clone(),
        role: fixed.role,
    };
    let occasion = (fixed.talent.clone(), fixed.platform);
    let answer = match complete(app, &request, &state, &caller, fixed).await {
        Ok(connection) => return_to::with_query(&back, "connectionId", connection.id.as_str()),
        Err(error) => {
            tracing::info!(
                code = error.code,
                internal = error.internal.as_deref().unwrap_or_default(),
                "consent not completed"
            );
            record(app, &request, &caller, &occasion, error.code).await;
            return_to::with_query(&back, "error", error.code)
        }
    };
    Ok(Response::redirect(answer).header("cache-control", "no-store").header("referrer-policy", "no-referrer"))
}

fn invalid_state() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "invalid_state",
        "This login is unknown, was used already or took more than ten minutes. Start again.",
    )
}

/// The audit entry of a consent that came to nothing; the state is used up, so the person is sent back all the same.
async fn record(
    app: &App,
    request: &Request,
    caller: &Caller,
    (talent, platform): &(TalentId, Platform),
    code: &'static str,
) {
    let (at, id) = (request.now, &request.request_id);
    let audit = Audit::new(caller, Some(talent), "connection.oauth_failed", platform.as_str(), at, id).failed(code);
    let written = match audit.add(app.table.transaction()) {
        Ok(transaction) => transaction.commit().await.map(|_| ()),
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::error!(%error, "a failed consent is not in the audit log");
    }
}

async fn complete(
    app: &App,
    request: &Request,
    state: &Secret,
    caller: &Caller,
    fixed: OAuthState,
) -> Result<Connection, ApiError> {
    if let Some(expected) = &fixed.cookie {
        let brought = request.cookie(COOKIE).map(Secret::new).map(|cookie| oauth_states::hash(&cookie));
        if brought.as_ref() != Some(expected) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "other_browser",
                "This login was started in another browser.",
            ));
        }
    }
    if let Some(error) = request.query("error") {
        let denied = matches!(error, "access_denied" | "user_cancelled_login" | "user_cancelled_authorize");
        let code = if denied { "access_denied" } else { "platform_refused" };
        return Err(ApiError::new(StatusCode::BAD_REQUEST, code, "The platform did not grant access."));
    }
    let code = request.query("code").filter(|text| text.len() <= 4096).map(Secret::new);
    let code =
        code.ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "code_missing", "The platform sent no code."))?;
    let adapter = link::adapter(app, fixed.platform)?;
    let context = EncryptionContext::for_subject(fixed.workspace.as_str(), &oauth_states::hash(state));
    let keep = app.vault.open_map(&context, &fixed.sealed).await?;
    let named = fixed.handle.clone().unwrap_or_default();
    let budget = Budget::of_request();
    let credentials = credentials::for_oauth(app, adapter, &named);
    let credentials = budget.within(NoCredentials::Platform, credentials).await?;
    let redirect_uri = Url::parse(&fixed.redirect_uri).map_err(|error| ApiError::internal(error.to_string()))?;
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let finish = Finish { redirect_uri: &redirect_uri, code: &code, issuer: request.query("iss"), keep: &keep };
    let grant = match budget.within(identity, adapter.oauth.finish(&cx, &finish)).await {
        Ok(grant) => grant,
        Err(failure) => {
            if failure.kind == Kind::AppRejected {
                credentials::forget(app, adapter, &named, &credentials.client_id).await;
            }
            return Err(link::refused(&of_consent(failure)));
        }
    };
    // Who it is, the platform says. Without that answer nothing is stored: a half-finished connection never looks connected.
    let account = Account { handle: &named, platform_account_id: grant.platform_account_id.as_deref() };
    let look = adapter.ingest.profile(&cx, &account, Access::Token(&grant.tokens));
    let profile = match budget.within(identity, look).await {
        Ok(profile) => profile,
        Err(failure) => return Err(give_back(budget, adapter, &cx, &grant.tokens, &failure).await),
    };
    Link {
        talent: fixed.talent,
        facts: adapter.facts,
        handle: profile.handle.clone(),
        account_id: Some(profile.external_id.clone()),
        tokens: Some(&grant.tokens),
        caller,
        action: "connection.oauth",
        request,
    }
    .run(app)
    .await
}

/// A code or an issuer that does not fit this login is a consent that cannot be used; no right is missing.
fn of_consent(failure: Failure) -> Failure {
    match failure.kind {
        Kind::InvalidRequest => Failure { kind: Kind::ReconnectNeeded, ..failure },
        _ => failure,
    }
}

/// Tokens of a consent that cannot be completed are revoked, best effort: nobody would ever renew or use them.
async fn give_back(
    budget: Budget,
    adapter: &platforms::Adapter,
    cx: &Context<'_>,
    tokens: &domain::TokenSet,
    failure: &Failure,
) -> ApiError {
    if let Err(error) = budget.giving_back(adapter.oauth.revoke(cx, tokens)).await {
        tracing::warn!(%error, "tokens of an incomplete consent were not revoked");
    }
    link::refused(failure)
}
