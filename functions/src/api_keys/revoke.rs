//! `DELETE /api/admin/api-keys/{id}`: an API key that opens nothing from now on.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response};
use cloud::table::api_keys;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedApiKey {
    /// Always true.
    success: bool,
}

/// Revokes an API key. It is dead at once: each request reads the key's row.
///
/// # Errors
/// 404 for a key that the workspace does not have.
#[utoipa::path(
    delete, path = "/api/admin/api-keys/{id}", operation_id = "api_keys.revoke", tag = "Keys and trail",
    params(("id" = String, Path, description = "The key's id, `key_…`")),
    responses((status = 200, body = RevokedApiKey), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let unknown = || ApiError::not_found("API key");
    let id =
        request.path_parameters.get("id").filter(|id| id.starts_with("key_") && id.len() <= 64).ok_or_else(unknown)?;
    let audit = Audit::new(caller, None, "api_key.revoke", id.as_str(), request.now, &request.request_id);
    let response = Response::ok(&RevokedApiKey { success: true })?;
    let key = request.idempotency().map(|key| (key, response.status.as_u16(), response.body.as_str()));
    let outcome = api_keys::revoke(&app.table, &caller.workspace, id, &audit, key).await?.ok_or_else(unknown)?;
    if outcome.is_done() { Ok(response) } else { Err(ApiError::idempotency_race()) }
}
