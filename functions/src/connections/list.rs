//! `GET /api/admin/talent/{talentId}/social-connections` and `GET /api/exclusive/socials`: a talent's accounts.

use cloud::http::{ApiError, Request, Response};
use cloud::table::connections;
use domain::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::ConnectionView;

/// The linked accounts of a talent, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Connections {
    /// The accounts.
    connections: Vec<ConnectionView>,
    /// How many there are.
    total: usize,
}

/// Lists a talent's accounts for staff.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/social-connections", operation_id = "connections.list", tag = "Connections",
    params(("talentId" = String, Path, description = "The talent")),
    responses((status = 200, body = Connections), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let talent = match caller.role {
        Role::Admin => request.talent_id()?,
        Role::Talent => request.own_talent()?.clone(),
    };
    let found = connections::list(&app.table, &caller.workspace, &talent).await?;
    let connections = found.ok_or_else(|| ApiError::not_found("talent"))?;
    let connections: Vec<ConnectionView> = connections.into_iter().map(ConnectionView::from).collect();
    Response::ok(&Connections { total: connections.len(), connections })
}

/// Lists the talent's own accounts.
#[utoipa::path(
    get, path = "/api/exclusive/socials", operation_id = "connections.list.own", tag = "Connections",
    responses((status = 200, body = Connections), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn own() {}
