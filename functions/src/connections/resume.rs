//! `POST /api/admin/socials/{connectionId}/resume`: go on.

use cloud::http::{ApiError, Request, Response};
use cloud::table::connections::Change;

use crate::App;
use crate::view::ConnectionView;

/// The connection, resumed. One that is so already stays so.
///
/// # Errors
/// 404; 409 `connection_disconnected`.
#[utoipa::path(
    post, path = "/api/admin/socials/{connectionId}/resume", operation_id = "connections.resume", tag = "Connections",
    params(("connectionId" = String, Path, description = "The connection")),
    responses((status = 200, body = ConnectionView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    super::hold(app, request, Change::Resume).await
}
