//! `GET /api/exclusive/analytics/posts`: publications with their newest figures, newest first.

use cloud::http::{ApiError, Request, Response};
use cloud::table::{looks, publications};
use domain::{Connection, MediaType, cursor};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::shown::{FiguresView, Known, joined};
use super::subject;
use crate::App;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Publications {
    /// The publications.
    publications: Vec<PublicationView>,
    /// Where the next page begins; `null` at the end.
    next_cursor: Option<String>,
}

/// What stands on a platform, whoever published it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicationView {
    /// The account and the platform's id.
    pub id: String,
    /// The platform, upper case.
    pub platform: &'static str,
    /// The account.
    pub connection_id: String,
    /// The platform's own id.
    pub external_id: String,
    /// The public page.
    pub url: Option<String>,
    /// The text.
    pub caption: Option<String>,
    /// `IMAGE`, `VIDEO`, `CAROUSEL` or `TEXT`.
    #[schema(value_type = String)]
    pub media_type: MediaType,
    /// The platform's own word for its kind.
    pub post_type: Option<String>,
    /// The media; platforms sign these, so they may expire.
    pub media_url: Option<String>,
    /// A still.
    pub thumbnail_url: Option<String>,
    /// When it went out.
    pub posted_at: Timestamp,
    /// The figures.
    #[serde(flatten)]
    pub figures: FiguresView,
    /// When they were seen.
    pub last_synced_at: Timestamp,
}

impl PublicationView {
    /// What is shown of a post of an account.
    #[must_use]
    pub fn of(account: &Connection, known: Known) -> Self {
        let Known { publication, metrics, at } = known;
        Self {
            id: format!("{}:{}", account.id, publication.external_id),
            platform: account.platform.as_str(),
            connection_id: account.id.to_string(),
            external_id: publication.external_id,
            url: publication.url,
            caption: publication.caption,
            media_type: publication.media_type,
            post_type: publication.post_type,
            media_url: publication.media_url,
            thumbnail_url: publication.thumbnail_url,
            posted_at: publication.posted_at,
            figures: FiguresView::of(&metrics),
            last_synced_at: at,
        }
    }
}

/// Lists publications.
///
/// # Errors
/// 400 for a platform, a limit or a cursor that cannot be one.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/posts", operation_id = "analytics.posts", tag = "Analytics",
    params(
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")
    ),
    responses((status = 200, body = Publications), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let limit = request.limit()?;
    let subject = subject::of(app, &request).await?;
    let platform = subject::platform(&request)?;
    let list = format!(
        "publications of {} {} {platform:?} {:?}",
        subject.workspace,
        subject.talent,
        request.query("connectionId")
    );
    let position: Option<(Timestamp, String)> = request
        .query("cursor")
        .map(|text| cursor::decode(&list, text))
        .transpose()
        .map_err(|error: cursor::InvalidCursor| ApiError::invalid(error.to_string()))?;
    let before = position.as_ref().map(|(at, id)| (*at, id.as_str()));
    let pages = try_join_all(subject.accounts.iter().map(|account| page(app, account, before, limit))).await?;
    let mut all: Vec<(&Connection, Known)> = Vec::new();
    for (account, page) in subject.accounts.iter().zip(pages) {
        all.extend(page.into_iter().map(|known| (account, known)));
    }
    let place = |known: &Known| (known.publication.posted_at, known.publication.external_id.clone());
    all.sort_by_key(|(_, known)| std::cmp::Reverse(place(known)));
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = all.len() > size;
    all.truncate(size);
    let next = all.last().filter(|_| more).map(|(_, known)| cursor::encode(&list, &place(known)));
    let publications = all.into_iter().map(|(account, known)| PublicationView::of(account, known)).collect();
    Response::ok(&Publications { publications, next_cursor: next })
}

/// The newest posts of an account, and one more than asked for where there are more. Two queries.
async fn page(
    app: &App,
    account: &Connection,
    before: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<Known>, ApiError> {
    let (workspace, id) = (&account.workspace, &account.id);
    let found = publications::newest(&app.table, workspace, id, before, limit.saturating_add(1)).await?;
    let (Some(newest), Some(oldest)) = (found.first(), found.last()) else { return Ok(Vec::new()) };
    let span = (oldest.0.posted_at, newest.0.posted_at);
    let seen = looks::between(&app.table, workspace, id, span.0, span.1).await?;
    Ok(joined(found, seen))
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/posts", operation_id = "analytics.posts.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")
    ),
    responses((status = 200, body = Publications), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
