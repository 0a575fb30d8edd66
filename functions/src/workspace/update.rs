//! `PUT /api/admin/workspace`: sets the workspace's time zone.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response, json};
use cloud::table::talents;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The body, and the answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workspace {
    /// The zone in which days and months of charts begin: a name of the IANA database, such as `Europe/Berlin`.
    timezone: String,
}

/// Sets the workspace's time zone. It holds for figures from now on; days that are noted stay as they are.
///
/// # Errors
/// 400 for a zone that the database does not know; 404 `talent_not_found` while the workspace has no talent.
#[utoipa::path(
    put, path = "/api/admin/workspace", operation_id = "workspace.update", tag = "Analytics",
    request_body = Workspace,
    responses((status = 200, body = Workspace), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: Workspace = json(&request)?;
    let caller = request.caller()?;
    let zone = domain::schedule::zone(&body.timezone).map_err(|error| ApiError::invalid(error.to_string()))?;
    let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
    let response = Response::ok(&Workspace { timezone: timezone.clone() })?;
    let subject = caller.workspace.as_str();
    let audit = Audit::new(caller, None, "workspace.update", subject, request.now, &request.request_id);
    let key = request.idempotency().map(|key| (key, response.status.as_u16(), response.body.as_str()));
    let outcome = talents::set_timezone(&app.table, &caller.workspace, &timezone, &audit, key).await?;
    match (outcome.is_done(), outcome.refusal("workspace")) {
        (true, _) => Ok(response),
        (_, Some(_)) => Err(ApiError::not_found("talent")),
        _ => Err(ApiError::idempotency_race()),
    }
}
