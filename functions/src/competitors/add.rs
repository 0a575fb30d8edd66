//! `POST /api/social/competitors`: compares with one more account.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response, json};
use cloud::table::competitors::{self, Competitor, MOST};
use domain::{Platform, Role, TalentId};
use http::StatusCode;
use platforms::PublicRead;
use serde::Deserialize;
use utoipa::ToSchema;

use super::CompetitorView;
use crate::App;
use crate::accounts::link;
use crate::connections::connect_manual::read_handle;

/// The body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddCompetitor {
    /// The platform, in any case. It must be one that shows accounts to anyone.
    #[schema(value_type = String)]
    platform: Platform,
    /// The handle, with or without `@`.
    handle: String,
    /// Who compares: for staff.
    #[schema(value_type = Option<String>)]
    talent_id: Option<TalentId>,
}

/// Adds an account to compare with. The same account again answers the same one.
///
/// # Errors
/// 400 `invalid_handle`, `no_public_read` for a platform that shows no account without its consent, 404 for an unknown
/// talent, 409 `too_many_competitors`.
#[utoipa::path(
    post, path = "/api/social/competitors", operation_id = "competitors.add", tag = "Analytics",
    request_body = AddCompetitor,
    responses((status = 201, body = CompetitorView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: AddCompetitor = json(&request)?;
    let caller = request.caller()?;
    let talent = match (caller.role, body.talent_id) {
        (Role::Talent, Some(named)) if caller.talent.as_ref() != Some(&named) => {
            return Err(ApiError::not_found("talent"));
        }
        (Role::Talent, _) => request.own_talent()?.clone(),
        (Role::Admin, Some(named)) => named,
        (Role::Admin, None) => return Err(ApiError::invalid("talentId is missing: staff say who compares.")),
    };
    let adapter = link::adapter(app, body.platform)?;
    let readable = match adapter.facts.public_read {
        PublicRead::None => false,
        PublicRead::ApiKey => app.settings.app(body.platform).api_key.is_some(),
        PublicRead::Open => true,
    };
    if !readable {
        let text =
            format!("{} shows no accounts without their consent, so none can be compared with.", adapter.facts.name);
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "no_public_read", text));
    }
    let handle = read_handle(app, adapter.facts, Some(&body.handle), None)?;
    let known = competitors::list(&app.table, &caller.workspace, &talent).await?;
    let id = Competitor::id_of(&talent, body.platform, &handle);
    let there = known.iter().any(|(known, ..)| known.id == id);
    if !there && known.len() >= MOST {
        let text = format!("A talent compares with {MOST} accounts at most. Remove one first.");
        return Err(ApiError::conflict("too_many_competitors", text));
    }
    let competitor = Competitor {
        profile_url: (adapter.facts.profile_url)(&handle),
        id,
        workspace: caller.workspace.clone(),
        talent,
        platform: body.platform,
        handle,
        created_at: request.now,
    };
    let kept = known.into_iter().map(|(known, ..)| known).find(|known| known.id == competitor.id);
    let response = Response::json(
        StatusCode::CREATED,
        &CompetitorView::of(kept.clone().unwrap_or_else(|| competitor.clone()), None, None),
    )?;
    if kept.is_some() {
        return Ok(response);
    }
    let audit = Audit::new(
        caller,
        Some(&competitor.talent),
        "competitor.add",
        &competitor.id,
        request.now,
        &request.request_id,
    );
    let mut transaction = audit.add(competitors::insert(app.table.transaction(), &app.table, &competitor)?)?;
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    let outcome = transaction.commit().await?;
    match (outcome.is_done(), outcome.refusal("talent"), outcome.refusal("competitor")) {
        (true, ..) | (_, None, Some(_)) => Ok(response),
        (_, Some(_), _) => Err(ApiError::not_found("talent")),
        _ => Err(ApiError::idempotency_race()),
    }
}
