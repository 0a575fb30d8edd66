//! `POST /api/social/posts/bulk`: a file of posts.

pub mod columns;
pub mod lines;
pub mod sheet;

use cloud::audit::Audit;
use cloud::doorbell;
use cloud::http::{ApiError, Request, Response};
use cloud::table::bulk::{self, Job};
use domain::BulkId;
use http::StatusCode;
use ring::rand::SecureRandom;
use serde::Serialize;
use utoipa::ToSchema;

use self::sheet::Sheet;
use crate::App;

/// The largest file, in bytes.
pub const MOST_BODY: usize = 5_000_000;

/// A job that was taken on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkView {
    /// Its id, for the report.
    job_id: String,
}

/// Takes on a file of posts: CSV in UTF-8, up to 5 MB and 10,000 rows, with a header. Each row is a post as
/// `POST /api/social/posts` takes it; the report says what became of each.
///
/// Columns, in any order, all optional: `talentId`, `content`, `platforms`, `connectionIds`, `mediaUrls`, `scheduledAt`,
/// `timezone`, `campaign`, `hashtags`, `lateAfterMinutes`, `options.<PLATFORM>.<name>`, `overrides.<PLATFORM>.content`.
/// Several values stand in one cell with `|` or blanks between them (in `platforms`, `connectionIds` and `hashtags` also
/// `,` or `;`); texts of an option, which may hold blanks, with `|`. An empty cell is a field that is not given. Rows
/// without any content are left out.
///
/// # Errors
/// 400 `invalid_csv` for a file that cannot be read as a whole, 413, 415. Nothing is stored then.
#[utoipa::path(
    post, path = "/api/social/posts/bulk", operation_id = "posts.bulk", tag = "Posts",
    params(("dryRun" = Option<bool>, Query, description = "`true`: only checks; the report is filled and no post is made")),
    request_body(content = String, content_type = "text/csv", description = "The file"),
    responses((status = 202, body = BulkView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let dry_run = match request.query("dryRun") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::invalid("dryRun must be true or false.")),
    };
    is_csv(&request)?;
    let sheet = Sheet::read(&request.body)?;
    columns::columns(&app.platforms, &sheet.header)?;
    let total = count(sheet.rows.len());
    let texts = sheet.into_chunks()?;
    let job = Job {
        id: new_id(request.now)?,
        workspace: caller.workspace.clone(),
        subject: caller.subject.clone(),
        role: caller.role,
        talent: caller.talent.clone(),
        at: request.now,
        dry_run,
        total,
        chunks: count(texts.len()),
    };
    let response = Response::json(StatusCode::ACCEPTED, &BulkView { job_id: job.id.to_string() })?;
    // What the file holds comes first, and nothing of it is due; the transaction makes it a job.
    bulk::store(&app.table, &job, texts).await?;
    let transaction = bulk::begin(app.table.transaction(), &app.table, &job)?;
    let id = job.id.as_str();
    let audit = Audit::new(caller, caller.talent.as_ref(), "post.bulk", id, request.now, &request.request_id);
    let mut transaction = audit.add(transaction)?;
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    let outcome = transaction.commit().await?;
    if outcome.refusal("idempotency").is_some() {
        return Err(ApiError::idempotency_race());
    }
    if !outcome.is_done() {
        // Only when the SDK sent it twice: the id is random.
        tracing::info!(job = id, "the job stood already");
    }
    doorbell::ring(app.doorbell.as_ref(), job.ring(), std::time::Duration::ZERO).await;
    tracing::info!(event = "post_bulk", job = id, rows = job.total, chunks = job.chunks, dry_run);
    Ok(response)
}

fn is_csv(request: &Request) -> Result<(), ApiError> {
    let mut parts = request.header("content-type").unwrap_or_default().split(';').map(str::trim);
    let is_csv = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("text/csv"));
    // Of the parameters only the charset would change what the bytes mean.
    let is_utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if is_csv && is_utf8 {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the file as text/csv, in UTF-8.",
    ))
}

fn new_id(now: jiff::Timestamp) -> Result<BulkId, ApiError> {
    let mut bytes = [0u8; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| ApiError::unavailable("no randomness"))?;
    Ok(BulkId::new(now, u64::from_be_bytes(bytes)))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
