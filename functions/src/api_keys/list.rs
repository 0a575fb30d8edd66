//! `GET /api/admin/api-keys`: the API keys of the workspace, newest first.

use cloud::auth::ApiKeyRow;
use cloud::http::{ApiError, Request, Response};
use cloud::table::api_keys;
use domain::Role;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// An API key as people see it. The key itself is kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyView {
    /// Names it in the audit log, and opens nothing.
    id: String,
    /// What people call it.
    name: String,
    /// What its bearer may do.
    #[schema(value_type = String)]
    role: Role,
    /// The talent that its bearer is.
    talent_id: Option<String>,
    /// When it was made.
    created_at: Timestamp,
    /// Who made it.
    created_by: String,
    /// When it dies by itself.
    expires_at: Option<Timestamp>,
    /// When it was last used, to the hour; `null`: never.
    last_used_at: Option<Timestamp>,
}

impl From<&ApiKeyRow> for ApiKeyView {
    fn from(row: &ApiKeyRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            role: row.role,
            talent_id: row.talent.as_ref().map(ToString::to_string),
            created_at: row.created_at,
            created_by: row.created_by.to_string(),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The API keys of a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeys {
    /// At most 100.
    api_keys: Vec<ApiKeyView>,
}

/// Lists the API keys of the workspace. One that has expired is no longer among them.
///
/// # Errors
/// None of its own.
#[utoipa::path(
    get, path = "/api/admin/api-keys", operation_id = "api_keys.list", tag = "Keys and trail",
    responses((status = 200, body = ApiKeys), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let mut rows = api_keys::list(&app.table, &request.caller()?.workspace, request.now).await?;
    rows.sort_by(|a, b| (b.created_at, b.id.as_str()).cmp(&(a.created_at, a.id.as_str())));
    Response::ok(&ApiKeys { api_keys: rows.iter().map(ApiKeyView::from).collect() })
}
