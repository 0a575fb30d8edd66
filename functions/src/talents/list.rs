//! `GET /api/admin/talents`: the talents of the workspace, newest first.

use cloud::http::{ApiError, Request, Response};
use cloud::table::talents::{self, Position};
use domain::cursor;
use serde::Serialize;
use utoipa::ToSchema;

use super::save::TalentView;
use crate::App;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Talents {
    /// The talents.
    talents: Vec<TalentView>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

/// Lists the talents of the workspace.
///
/// # Errors
/// 400 for a limit or a cursor that cannot be one.
#[utoipa::path(
    get, path = "/api/admin/talents", operation_id = "talents.list", tag = "Talents",
    params(("limit" = Option<u32>, Query, description = "1 to 200, default 50"), ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")),
    responses((status = 200, body = Talents), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let workspace = &request.caller()?.workspace;
    let list = format!("talents of {workspace}");
    let from: Option<Position> = request
        .query("cursor")
        .map(|text| {
            let position: Result<Position, _> = cursor::decode(&list, text);
            position.and_then(|at| at.is_possible(workspace, request.now).then_some(at).ok_or(cursor::InvalidCursor))
        })
        .transpose()
        .map_err(|error| ApiError::invalid(error.to_string()))?;
    let (page, next) = talents::list(&app.table, workspace, request.now, request.limit()?, from).await?;
    Response::ok(&Talents {
        talents: page.into_iter().map(TalentView::from).collect(),
        next_cursor: next.map(|position| cursor::encode(&list, &position)),
    })
}
