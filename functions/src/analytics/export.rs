//! `GET /api/exclusive/analytics/export`: the report as a file.

use bytes::Bytes;
use cloud::http::{ApiError, Request, Response};
use domain::analytics::span::Range;
use futures_util::future::try_join_all;
use jiff::SignedDuration;

use super::posts::PublicationView;
use super::subject::Subject;
use super::{range, shown, subject};
use crate::App;

mod paper;
mod sheet;

/// The longest range of a report.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Answers the report of a range: the posts with their figures as a table, or pages that a client can be sent.
///
/// # Errors
/// 400 for another format, and for a range that cannot be or is longer than a year.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/export", operation_id = "analytics.export", tag = "Analytics",
    params(
        ("format" = String, Query, description = "`csv`: the posts; `pdf`: a page for each platform"),
        ("from" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("to" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"),
        (Vec<u8> = "application/pdf")
    )), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let format = Format::named(request.query("format"))?;
    let subject = subject::of(app, &request).await?;
    let range = range::of(&request, ("from", "to"), &subject.zone)?;
    if range.from.duration_until(range.to) > LONGEST {
        return Err(ApiError::invalid("A report may be a year long."));
    }
    let posts = posts(app, &subject, range).await?;
    let day = range.from.to_zoned(subject.zone.clone()).date();
    let response = match format {
        Format::Csv => {
            let text = sheet::write(&posts).map_err(|error| ApiError::internal(error.to_string()))?;
            // As text: as base64 a third less would fit into an answer.
            Response { body: text, binary: None, ..Response::file("text/csv; charset=utf-8", Bytes::new()) }
        }
        Format::Pdf => Response::file("application/pdf", paper::write(app, &subject, range, posts).await?.into()),
    };
    let name = format!("{}-{day}.{}", subject.talent, format.extension());
    Ok(response.header("content-disposition", format!("attachment; filename=\"{name}\"")))
}

/// What kind of file.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv,
    Pdf,
}

impl Format {
    fn named(name: Option<&str>) -> Result<Self, ApiError> {
        match name {
            Some("csv") => Ok(Self::Csv),
            Some("pdf") => Ok(Self::Pdf),
            _ => Err(ApiError::invalid("format must be csv or pdf.")),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Pdf => "pdf",
        }
    }
}

/// The posts of a range, newest first.
async fn posts(app: &App, subject: &Subject, range: Range) -> Result<Vec<PublicationView>, ApiError> {
    let reads = subject.accounts.iter().map(|account| shown::between(app, account, range.from, range.to));
    let found = try_join_all(reads).await?;
    let mut posts: Vec<PublicationView> = Vec::new();
    for (account, found) in subject.accounts.iter().zip(found) {
        posts.extend(found.into_iter().map(|known| PublicationView::of(account, known)));
    }
    posts.retain(|post| post.posted_at < range.to);
    posts.sort_by_key(|post| std::cmp::Reverse(post.posted_at));
    Ok(posts)
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/export", operation_id = "analytics.export.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("format" = String, Query, description = "`csv`: the posts; `pdf`: a page for each platform"),
        ("from" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("to" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"),
        (Vec<u8> = "application/pdf")
    )), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
