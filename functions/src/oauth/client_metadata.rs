//! `GET /api/social/oauth/bluesky/client-metadata.json`: how Herald describes itself to the AT Protocol's servers.

use cloud::http::{ApiError, Request, Response};
use domain::Platform;
use platforms::bluesky;

use crate::App;
use crate::accounts::credentials::CLIENT_METADATA_PATH;

/// The client metadata document; its address is the client id.
///
/// # Errors
/// 500 when the configured signing key cannot be read.
#[utoipa::path(
    get, path = "/api/social/oauth/bluesky/client-metadata.json", operation_id = "oauth.client_metadata", tag = "Connections", security(()),
    responses((status = 200, description = "Client metadata (atproto OAuth profile)", body = Object), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, _request: Request) -> Result<Response, ApiError> {
    let client_id = app.settings.at(CLIENT_METADATA_PATH);
    let secret = app.settings.app(Platform::Bluesky).client_secret;
    let document = bluesky::client_metadata(&client_id, &app.settings.redirect_uri(), secret.as_ref())
        .map_err(|failure| ApiError::internal(failure.to_string()))?;
    Ok(Response::ok(&document)?.header("cache-control", "public, max-age=300"))
}
