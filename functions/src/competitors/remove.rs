//! `DELETE /api/social/competitors/{id}`: compares with an account no more.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response};
use cloud::table::competitors;
use domain::{Platform, TalentId};

use crate::App;
use crate::view::MessageView;

/// Removes an account that a talent compares with, and what was seen of it.
///
/// # Errors
/// 404 for one that is not there, or is another talent's.
#[utoipa::path(
    delete, path = "/api/social/competitors/{id}", operation_id = "competitors.remove", tag = "Analytics",
    params(("id" = String, Path, description = "The account's id")),
    responses((status = 200, body = MessageView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("competitor");
    let id = request.path_parameters.get("id").map(String::as_str).unwrap_or_default();
    let parts: Vec<&str> = id.splitn(4, '~').collect();
    let ["comp", talent, platform, handle] = parts[..] else { return Err(unknown()) };
    let talent = TalentId::parse(talent).map_err(|_| unknown())?;
    let platform = Platform::ALL.into_iter().find(|known| known.as_str() == platform).ok_or_else(unknown)?;
    let caller = request.caller()?;
    if !caller.may_act_for(&talent) {
        return Err(unknown());
    }
    let response = Response::ok(&MessageView { message: "Competitor removed" })?;
    let audit = Audit::new(caller, Some(&talent), "competitor.remove", id, request.now, &request.request_id);
    let transaction = competitors::remove(app.table.transaction(), &caller.workspace, &talent, platform, handle)?;
    let mut transaction = audit.add(transaction)?;
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    let outcome = transaction.commit().await?;
    match (outcome.is_done(), outcome.refusal("competitor")) {
        (true, _) => Ok(response),
        (_, Some(_)) => Err(unknown()),
        _ => Err(ApiError::idempotency_race()),
    }
}
