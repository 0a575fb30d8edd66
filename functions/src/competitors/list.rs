//! `GET /api/social/competitors`: the accounts that a talent compares with.

use cloud::http::{ApiError, Request, Response};
use cloud::table::{competitors, talents};
use serde::Serialize;
use utoipa::ToSchema;

use super::CompetitorView;
use crate::App;
use crate::analytics::{access, subject};

/// All of them, by platform and handle.
#[derive(Debug, Serialize, ToSchema)]
pub struct Competitors {
    /// The accounts.
    competitors: Vec<CompetitorView>,
}

/// Lists the accounts that a talent compares with.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/social/competitors", operation_id = "competitors.list", tag = "Analytics",
    params(("talentId" = Option<String>, Query, description = "Whose: for staff")),
    responses((status = 200, body = Competitors), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let talent = subject::talent(&request)?;
    let workspace = &request.caller()?.workspace;
    talents::get(&app.table, workspace, &talent).await?.ok_or_else(|| ApiError::not_found("talent"))?;
    access::note(app, &request, &talent).await?;
    let found = competitors::list(&app.table, workspace, &talent).await?;
    let view = |(competitor, seen, error): (_, Option<competitors::Seen>, _)| {
        CompetitorView::of(competitor, seen.as_ref(), error)
    };
    Response::ok(&Competitors { competitors: found.into_iter().map(view).collect() })
}
