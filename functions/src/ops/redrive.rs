//! `POST /api/admin/queues/{queue}/redrive`: puts the dead-letter messages back.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response};
use domain::due::WorkKind;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redriven {
    /// The queue.
    queue: &'static str,
    /// How many messages were dead; `null` where the queue does not tell.
    messages: Option<u64>,
}

/// Puts the dead-letter messages of a queue back. A message only says which row to look at, so repeating it is harmless.
///
/// # Errors
/// 404 for an unknown queue, 503 when it cannot be reached.
#[utoipa::path(
    post, path = "/api/admin/queues/{queue}/redrive", operation_id = "ops.redrive", tag = "Operations",
    params(("queue" = String, Path, description = "`ingest`, `refresh`, `erase`, `publish`, `notify` or `bulk`")),
    responses((status = 202, body = Redriven), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let name = request.path_parameters.get("queue").map(String::as_str).unwrap_or_default();
    let kind = WorkKind::parse(name).ok_or_else(|| ApiError::not_found("queue"))?;
    let messages = app.doorbell.redrive(kind).await?;
    let response = Response::json(StatusCode::ACCEPTED, &Redriven { queue: kind.as_str(), messages })?;
    // The queue is not part of the table's transaction; the trail follows the effect, and repeating it is harmless.
    let audit = Audit::new(request.caller()?, None, "queue.redrive", kind.as_str(), request.now, &request.request_id);
    let mut transaction = audit.add(app.table.transaction())?;
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    if transaction.commit().await?.is_done() { Ok(response) } else { Err(ApiError::idempotency_race()) }
}
