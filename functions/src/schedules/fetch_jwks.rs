//! Fetches the issuer's signing keys into the table, so that no request has to.

use cloud::http::ApiError;

use crate::App;

/// Fetches the keys; keys that cannot be fetched leave the ones that are there.
///
/// # Errors
/// 503 when the issuer or the table cannot answer.
pub async fn handle(app: &App) -> Result<(), ApiError> {
    app.gate.authenticator().keys().refresh().await.map_err(|error| ApiError::unavailable(error.to_string()))
}
