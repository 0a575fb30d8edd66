//! `GET /api/social/posts/bulk/{jobId}`: what became of each row of a file.

use cloud::http::{ApiError, Request, Response};
use cloud::table::bulk::{self, Standing};
use domain::{BulkId, Role, cursor};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::lines::RowView;
use crate::App;

/// How many parts of a report one read takes; each has up to 100 lines.
const PARTS: i32 = 3;

/// The report of a bulk job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkReportView {
    /// The job.
    job_id: String,
    /// `running` or `done`.
    state: &'static str,
    /// Whether it only checks.
    dry_run: bool,
    /// When it was asked for.
    created_at: Timestamp,
    /// Who asked for it.
    created_by: String,
    /// How many rows it has.
    total: u32,
    /// How many posts were made.
    created: u32,
    /// How many rows were only checked and are good.
    valid: u32,
    /// How many rows have errors.
    failed: u32,
    /// One line for each row, in the file's order. While the job is running, rows that are not done are left out.
    rows: Vec<RowView>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

/// Where a report goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    /// From this part on.
    part: u32,
    /// After this row.
    row: u32,
}

/// The report, row by row. Ask again until `state` is `done`, and read the pages then: while the job is running, rows
/// become done in any order.
///
/// # Errors
/// 404 for a job of another workspace, and for a talent one of somebody else.
#[utoipa::path(
    get, path = "/api/social/posts/bulk/{jobId}", operation_id = "posts.bulk_report", tag = "Posts",
    params(
        ("jobId" = String, Path, description = "The job"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")
    ),
    responses((status = 200, body = BulkReportView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let Standing { job, counts, left } = find(app, &request).await?;
    let list = format!("bulk {} {}", job.workspace, job.id);
    let position = request.query("cursor").map(|text| cursor::decode::<Position>(&list, text)).transpose();
    let position = position.map_err(|error| ApiError::invalid(error.to_string()))?;
    let limit = usize::try_from(request.limit()?).unwrap_or(usize::MAX);
    let (rows, next) = page(app, &job, position.unwrap_or(Position { part: 0, row: 0 }), limit).await?;
    Response::ok(&BulkReportView {
        job_id: job.id.to_string(),
        state: if left == 0 { "done" } else { "running" },
        dry_run: job.dry_run,
        created_at: job.at,
        created_by: job.subject.to_string(),
        total: job.total,
        created: counts.created,
        valid: counts.valid,
        failed: counts.failed,
        rows,
        next_cursor: next.map(|position| cursor::encode(&list, &position)),
    })
}

async fn find(app: &App, request: &Request) -> Result<Standing, ApiError> {
    let caller = request.caller()?;
    let text = request.path_parameters.get("jobId").map(String::as_str).unwrap_or_default();
    let id = BulkId::parse(text).map_err(|_| ApiError::not_found("job"))?;
    let found = bulk::get(&app.table, &caller.workspace, &id).await?;
    let may_see = |standing: &Standing| match caller.role {
        Role::Admin => true,
        Role::Talent => standing.job.subject == caller.subject && standing.job.talent == caller.talent,
    };
    found.filter(may_see).ok_or_else(|| ApiError::not_found("job"))
}

async fn page(
    app: &App,
    job: &bulk::Job,
    from: Position,
    limit: usize,
) -> Result<(Vec<RowView>, Option<Position>), ApiError> {
    let mut rows: Vec<RowView> = Vec::new();
    let mut part = from.part;
    loop {
        let (parts, more) = bulk::report(&app.table, &job.workspace, &job.id, part, PARTS).await?;
        let last = parts.last().map(|(number, _)| *number);
        for (number, lines) in parts {
            let lines: Vec<RowView> = serde_json::from_str(&lines)
                .map_err(|error| ApiError::internal(format!("part {number} of {}: {error}", job.id)))?;
            for line in lines.into_iter().filter(|line| line.row > from.row) {
                if rows.len() == limit {
                    let row = rows.last().map_or(from.row, |line| line.row);
                    return Ok((rows, Some(Position { part: number, row })));
                }
                rows.push(line);
            }
        }
        match last.filter(|_| more) {
            Some(last) => part = last + 1,
            None => return Ok((rows, None)),
        }
    }
}
