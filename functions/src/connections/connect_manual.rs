//! `POST /api/admin/socials/connect-manual`: links an account by handle or URL, without OAuth.

use cloud::http::{ApiError, Request, Response, json};
use domain::{Platform, TalentId, handle};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::accounts::link::{self, Link};
use crate::view::ConnectedView;

/// The body. `handle` or `profileUrl` suffices.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectManual {
    /// The talent.
    #[schema(value_type = String)]
    talent_id: TalentId,
    /// The platform, in any case.
    #[schema(value_type = String)]
    platform: Platform,
    /// The handle, with or without `@`.
    handle: Option<String>,
    /// The address of the profile.
    profile_url: Option<String>,
}

/// Links an account by handle or URL. The same account again answers the same connection.
///
/// # Errors
/// 400 `invalid_handle` or `platform_not_supported`, 404 for an unknown talent.
#[utoipa::path(
    post, path = "/api/admin/socials/connect-manual", operation_id = "connections.connect_manual", tag = "Connections",
    request_body = ConnectManual,
    responses((status = 201, body = ConnectedView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: ConnectManual = json(&request)?;
    let adapter = link::adapter(app, body.platform)?;
    if !app.settings.modes(body.platform).manual {
        return Err(closed(body.platform, "by handle"));
    }
    Link {
        handle: read_handle(app, adapter.facts, body.handle.as_deref(), body.profile_url.as_deref())?,
        talent: body.talent_id,
        facts: adapter.facts,
        account_id: None,
        tokens: None,
        caller: request.caller()?,
        action: "connection.connect_manual",
        request: &request,
    }
    .answer(app)
    .await
}

/// The normalised handle that a body names.
///
/// # Errors
/// 400 `invalid_handle`, whose sentence begins with `Invalid handle` or `Invalid profileUrl`.
pub fn read_handle(
    app: &App,
    facts: &platforms::Facts,
    handle: Option<&str>,
    url: Option<&str>,
) -> Result<String, ApiError> {
    let local = &app.outbound.config().loopback_allow;
    handle::read(facts.platform, &facts.handle, handle, url, local)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid_handle", error.to_string()))
}

/// The refusal of a way of connecting that the operator has closed.
#[must_use]
pub fn closed(platform: Platform, way: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "mode_closed",
        format!("This installation does not connect {platform} accounts {way}."),
    )
}
