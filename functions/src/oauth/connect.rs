//! `GET` and `POST /api/social/oauth/connect`, `POST /api/exclusive/socials/connect`: start OAuth.

use cloud::http::{ApiError, Request, Response, optional_json};
use cloud::table::oauth_states::{self, OAuthState};
use cloud::table::talents;
use cloud::vault::EncryptionContext;
use domain::{Platform, Secret, TalentId, return_to};
use http::{Method, StatusCode};
use platforms::{Context, Start};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::COOKIE;
use crate::App;
use crate::accounts::budget::Budget;
use crate::accounts::{credentials, link};
use crate::connections::connect_manual::{closed, read_handle};

/// The body; a GET sends the same names in its query.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connect {
    /// The platform, in any case.
    platform: Option<String>,
    /// The talent; staff name it.
    user_id: Option<String>,
    /// Where the person is sent at the end: a path, or a URL of an allowed origin. Default `/`.
    return_to: Option<String>,
    /// The account to connect, where the platform needs to know its server first: `user@host` for Mastodon (or the
    /// host alone), the handle for Bluesky accounts that live elsewhere.
    handle: Option<String>,
}

/// Where to send the person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Started {
    /// The platform's consent page.
    url: String,
}

/// Starts a consent.
///
/// # Errors
/// 400 for a platform, talent, handle or `returnTo` that cannot be used, 404 for an unknown talent.
#[utoipa::path(
    post, path = "/api/social/oauth/connect", operation_id = "oauth.connect", tag = "Connections",
    request_body = Connect,
    responses((status = 200, body = Started), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let asked = read(&request)?;
    let platform: Platform = asked
        .platform
        .as_deref()
        .ok_or_else(|| ApiError::invalid("The field platform is missing."))?
        .parse()
        .map_err(|error: domain::platform::UnknownPlatform| ApiError::invalid(error.to_string()))?;
    let named = asked.user_id.map(TalentId::parse).transpose().map_err(|error| ApiError::invalid(error.to_string()))?;
    let caller = request.caller()?;
    let talent = link::talent_of(caller, named).map_err(|error| match error.code {
        "invalid_request" => ApiError::invalid("The field userId is missing."),
        _ => error,
    })?;
    let adapter = link::adapter(app, platform)?;
    if !app.settings.modes(platform).oauth {
        return Err(closed(platform, "by OAuth"));
    }
    let return_to = return_to::check(asked.return_to.as_deref().unwrap_or("/"), &app.settings.allowed_origins)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid_return_to", error.to_string()))?;
    let handle = named_account(app, adapter, asked.handle.as_deref())?;
    if talents::get(&app.table, &caller.workspace, &talent).await?.is_none() {
        return Err(ApiError::not_found("talent"));
    }

    let (state, redirect_uri) = (random()?, app.settings.redirect_uri());
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: handle.as_deref() };
    let (budget, late) = (Budget::of_request(), |failure: domain::Failure| link::refused(&failure));
    let mut started = budget.within(late, begin(app, adapter, &start)).await?;
    if !started.known {
        credentials::forget(app, adapter, handle.as_deref().unwrap_or_default(), &started.client_id).await;
        started = budget.within(late, begin(app, adapter, &start)).await?;
    }
    let started = started.consent;

    let cookie = own_origin(&request).then(|| browser(&request)).transpose()?;
    let context = EncryptionContext::for_subject(caller.workspace.as_str(), &oauth_states::hash(&state));
    let row = OAuthState {
        workspace: caller.workspace.clone(),
        talent,
        starter: caller.subject.clone(),
        role: caller.role,
        platform,
        redirect_uri: redirect_uri.to_string(),
        return_to,
        handle,
        sealed: app.vault.seal_map(&context, &started.keep).await?,
        cookie: cookie.as_ref().map(oauth_states::hash),
        started_at: request.now,
    };
    oauth_states::save(&app.table, &state, &row).await?;
    let url = app.outbound.browser_url(platform, &started.url).to_string();
    let response = Response::ok(&Started { url })?.header("cache-control", "no-store");
    Ok(match cookie {
        None => response,
        Some(value) => {
            response.cookie(format!("{COOKIE}={}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax", value.expose()))
        }
    })
}

struct Begun {
    consent: platforms::Started,
    /// The client that it was begun with.
    client_id: String,
    /// Whether the server knows its registration.
    known: bool,
}

async fn begin(app: &App, adapter: &platforms::Adapter, start: &Start<'_>) -> Result<Begun, ApiError> {
    let credentials = credentials::for_oauth(app, adapter, start.handle.unwrap_or_default()).await?;
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let consent = adapter.oauth.start(&cx, start).await.map_err(|failure| link::refused(&failure))?;
    let known = match &adapter.register {
        Some(register) => register.is_known(&cx, &consent.url).await,
        None => true,
    };
    Ok(Begun { consent, client_id: credentials.client_id.clone(), known })
}

fn read(request: &Request) -> Result<Connect, ApiError> {
    if request.method != Method::GET {
        return optional_json(request);
    }
    if let Some(unknown) =
        request.query.keys().find(|name| !["platform", "userId", "returnTo", "handle"].contains(&name.as_str()))
    {
        tracing::debug!(unknown, "unknown query parameter");
        return Err(ApiError::invalid("The query takes platform, userId, returnTo and handle."));
    }
    let field = |name: &str| request.query(name).map(str::to_owned);
    Ok(Connect {
        platform: field("platform"),
        user_id: field("userId"),
        return_to: field("returnTo"),
        handle: field("handle"),
    })
}

/// The account that the person named, normalised. Where every server registers apps for itself, a bare host will do.
fn named_account(app: &App, adapter: &platforms::Adapter, named: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(named) = named.map(str::trim).filter(|text| !text.is_empty()) else {
        return match adapter.register {
            None => Ok(None),
            Some(_) => {
                Err(ApiError::invalid("The field handle is missing: name the account (user@host) or its server."))
            }
        };
    };
    if adapter.register.is_some() {
        let host = named.trim_start_matches('@').to_lowercase();
        if !host.contains('@') {
            // `someone` stands for anybody there; only the server is read from it.
            read_handle(app, adapter.facts, Some(&format!("someone@{host}")), None)?;
            return Ok(Some(host));
        }
    }
    read_handle(app, adapter.facts, Some(named), None).map(Some)
}

/// Whether a page of our own origin asked, so that a cookie set here comes back with the callback. A page of another
/// subdomain (`same-site`) asks across origins, where the cookie of the answer is dropped.
fn own_origin(request: &Request) -> bool {
    request.header("sec-fetch-site") == Some("same-origin")
}

/// The browser's mark: the one it has, so that two consents side by side both come through, or a new one.
fn browser(request: &Request) -> Result<Secret, ApiError> {
    let known =
        request.cookie(COOKIE).filter(|value| value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit()));
    known.map_or_else(random, |value| Ok(Secret::new(value)))
}

/// 256 random bits.
fn random() -> Result<Secret, ApiError> {
    let mut bytes = [0u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ApiError::unavailable("no randomness on this machine"))?;
    Ok(Secret::new(cloud::table::idempotency::hex(&bytes)))
}

/// Starts a consent from a link.
#[utoipa::path(
    get, path = "/api/social/oauth/connect", operation_id = "oauth.connect.link", tag = "Connections",
    params(
        ("platform" = String, Query, description = "The platform"),
        ("userId" = Option<String>, Query, description = "The talent; staff name it"),
        ("returnTo" = Option<String>, Query, description = "A path, or a URL of an allowed origin"),
        ("handle" = Option<String>, Query, description = "The account, where its server must be known first"),
    ),
    responses((status = 200, body = Started), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn link() {}

/// Starts a consent for one of the talent's own accounts.
#[utoipa::path(
    post, path = "/api/exclusive/socials/connect", operation_id = "oauth.connect.own", tag = "Connections",
    request_body = Connect,
    responses((status = 200, body = Started), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the third route of the same function, for the contract document")]
pub(crate) fn own() {}
