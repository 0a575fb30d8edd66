//! `GET /api/admin/audit-log`: who changed what, newest first.

use cloud::http::{ApiError, Request, Response};
use cloud::table::audit_log::{self, Entry, Position, Wanted};
use domain::cursor;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLog {
    /// The entries. With `actor` or `action` there can be fewer than `limit`, or none, and still a next page.
    entries: Vec<EntryView>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// Whose credential it was: the subject of a token, or an API key's id.
    actor: String,
    /// What was done, such as `connection.create`.
    action: String,
    /// To what: an id.
    subject: String,
    /// Whom it is about.
    talent_id: Option<String>,
    /// When.
    at: Timestamp,
    /// The request, as its answer and its log lines name it.
    request_id: String,
    /// Why it came to nothing, where it did: the error's code.
    reason: Option<String>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { actor, action, subject, talent, at, request_id, reason } = entry;
        Self { actor, action, subject, talent_id: talent, at, request_id, reason }
    }
}

/// Shows the audit log of the workspace.
///
/// # Errors
/// 400 for a time, a limit or a cursor that cannot be one, and for `from` after `to`.
#[utoipa::path(
    get, path = "/api/admin/audit-log", operation_id = "audit.list", tag = "Keys and trail",
    params(
        ("actor" = Option<String>, Query, description = "The subject of a token, or an API key's id"),
        ("action" = Option<String>, Query, description = "Such as `connection.create`"),
        ("from" = Option<String>, Query, description = "RFC 3339; the earliest"),
        ("to" = Option<String>, Query, description = "RFC 3339; the latest"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")
    ),
    responses((status = 200, body = AuditLog), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let workspace = &request.caller()?.workspace;
    let time = |name: &str| {
        let wrong = |_| ApiError::invalid(format!("{name} must be a time such as 2026-11-27T10:00:00Z."));
        request.query(name).map(str::parse::<Timestamp>).transpose().map_err(wrong)
    };
    let text = |name: &str| request.query(name).map(str::to_owned);
    let (from, to) = (time("from")?.unwrap_or(Timestamp::UNIX_EPOCH), time("to")?.unwrap_or(request.now));
    let wanted = Wanted { actor: text("actor"), action: text("action"), from, to: to.min(request.now) };
    if from > to {
        return Err(ApiError::invalid("from must not be after to."));
    }
    let list = format!("audit log of {workspace}");
    let position = request.query("cursor").map(|text| {
        let position: Result<Position, _> = cursor::decode(&list, text);
        position.and_then(|at| {
            let is_possible = at.is_possible(workspace) && at.at <= request.now.as_millisecond();
            is_possible.then_some(at).ok_or(cursor::InvalidCursor)
        })
    });
    let position = position.transpose().map_err(|error| ApiError::invalid(error.to_string()))?;
    let limit = usize::try_from(request.limit()?).unwrap_or(200);
    let (entries, next) = audit_log::page(&app.table, workspace, &wanted, limit, position).await?;
    Response::ok(&AuditLog {
        entries: entries.into_iter().map(EntryView::from).collect(),
        next_cursor: next.map(|position| cursor::encode(&list, &position)),
    })
}
