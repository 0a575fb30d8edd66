//! `PUT /api/admin/talents/{talentId}`: creates or renames a talent.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response, json};
use cloud::table::talents::{self, Talent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// The body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveTalent {
    /// 1 to 200 characters.
    name: String,
}

/// A talent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TalentView {
    /// The id that the customer chose.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<Talent> for TalentView {
    fn from(talent: Talent) -> Self {
        Self { id: talent.id.to_string(), name: talent.name, created_at: talent.created_at }
    }
}

/// Creates or renames a talent.
///
/// # Errors
/// 400 for an id or a name that cannot be one.
#[utoipa::path(
    put, path = "/api/admin/talents/{talentId}", operation_id = "talents.save", tag = "Talents",
    params(("talentId" = String, Path, description = "`[A-Za-z0-9_-]{1,64}`")),
    request_body = SaveTalent,
    responses((status = 200, body = TalentView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let id = request.talent_id()?;
    let body: SaveTalent = json(&request)?;
    let name = body.name.trim();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name must be 1 to 200 printable characters."));
    }
    let known = talents::get(&app.table, &caller.workspace, &id).await?;
    let created_at = known.map_or(request.now, |talent| talent.created_at);
    let talent = Talent { id, name: name.to_owned(), created_at };
    let audit =
        Audit::new(caller, Some(&talent.id), "talent.save", talent.id.as_str(), request.now, &request.request_id);
    let response = Response::ok(&TalentView::from(talent.clone()))?;
    let key = request.idempotency().map(|key| (key, response.status.as_u16(), response.body.as_str()));
    let outcome = talents::save(&app.table, &caller.workspace, &talent, &audit, key).await?;
    if outcome.is_done() { Ok(response) } else { Err(ApiError::idempotency_race()) }
}
