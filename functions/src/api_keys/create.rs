//! `POST /api/admin/api-keys`: a new API key, which is shown once.

use cloud::audit::Audit;
use cloud::auth::{NewApiKey, api_key_hash};
use cloud::http::{ApiError, Request, Response, json};
use cloud::table::{api_keys, talents};
use domain::{Role, TalentId};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::ApiKeyView;
use crate::App;

/// The body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// What people call it: 1 to 100 characters.
    name: String,
    /// What its bearer may do.
    #[schema(value_type = String)]
    role: Role,
    /// The talent that its bearer is; demanded for the role `talent`, and for no other.
    #[schema(value_type = Option<String>)]
    talent_id: Option<TalentId>,
    /// When it dies by itself; never, where it is left out.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// The new key.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedApiKey {
    /// The key, to be sent as `Authorization: Bearer hk_…`. It is kept nowhere: a repeat of the request with the same
    /// `Idempotency-Key` answers `null`.
    key: Option<String>,
    #[serde(flatten)]
    shown: ApiKeyView,
}

/// Makes an API key.
///
/// # Errors
/// 400 for a name, a talent or a time that cannot be one; 404 for a talent that is not there; 409 `too_many_api_keys`.
#[utoipa::path(
    post, path = "/api/admin/api-keys", operation_id = "api_keys.create", tag = "Keys and trail",
    request_body = CreateApiKey,
    responses((status = 201, body = CreatedApiKey), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let body: CreateApiKey = json(&request)?;
    let name = body.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name must be 1 to 100 printable characters."));
    }
    match (body.role, &body.talent_id) {
        (Role::Talent, None) => return Err(ApiError::invalid("talentId is needed for the role talent.")),
        (Role::Admin, Some(_)) => return Err(ApiError::invalid("talentId goes with the role talent only.")),
        _ => {}
    }
    if body.expires_at.is_some_and(|at| at <= request.now) {
        return Err(ApiError::invalid("expiresAt must be in the future."));
    }
    if let Some(talent) = &body.talent_id
        && talents::get(&app.table, &caller.workspace, talent).await?.is_none()
    {
        return Err(ApiError::not_found("talent"));
    }
    if api_keys::list(&app.table, &caller.workspace, request.now).await?.len() >= api_keys::MOST {
        let words = format!("The workspace has {} API keys. Revoke one first.", api_keys::MOST);
        return Err(ApiError::conflict("too_many_api_keys", words));
    }
    let new = NewApiKey {
        workspace: caller.workspace.clone(),
        role: body.role,
        talent: body.talent_id,
        name: name.to_owned(),
        expires_at: body.expires_at,
        created_by: caller.subject.clone(),
    };
    let (key, row) = new.issue(request.now)?;
    let audit =
        Audit::new(caller, row.talent.as_ref(), "api_key.create", row.id.as_str(), request.now, &request.request_id);
    let answer = |key: Option<&str>| {
        let shown = CreatedApiKey { key: key.map(str::to_owned), shown: ApiKeyView::from(&row) };
        Response::json(StatusCode::CREATED, &shown)
    };
    // What is stored for a repeat of the request must not hold the key.
    let (response, stored) = (answer(Some(key.expose()))?, answer(None)?);
    let idempotency = request.idempotency().map(|key| (key, stored.status.as_u16(), stored.body.as_str()));
    let outcome = api_keys::put(&app.table, &row, &api_key_hash(key.expose()), &audit, idempotency).await?;
    if outcome.is_done() { Ok(response) } else { Err(ApiError::idempotency_race()) }
}
