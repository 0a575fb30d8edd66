//! `GET /health`: whether the bundle answers.

use cloud::http::{ApiError, Request, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the bundle.
    version: &'static str,
}

/// Says that the bundle answers. It touches nothing: a check that reads the table would cost money for everyone's ping.
///
/// # Errors
/// None of its own.
#[utoipa::path(
    get, path = "/health", operation_id = "ops.health", tag = "Operations", security(()),
    responses((status = 200, body = Health))
)]
pub async fn handle(_app: &App, _request: Request) -> Result<Response, ApiError> {
    Response::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
