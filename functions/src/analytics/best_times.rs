//! `GET /api/exclusive/analytics/best-times`: when the talent's own posts did best.

use cloud::http::{ApiError, Request, Response};
use domain::analytics::best_times::{self, Cell, LEAST_IN_CELL, LEAST_POSTS};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::shown::{self, Known};
use super::subject::{self, Subject};
use super::zone;
use crate::App;

/// How far back own posts count.
pub const HISTORY: SignedDuration = SignedDuration::from_hours(365 * 24);
/// A younger post has not come to what it will come to.
pub const SETTLED: SignedDuration = SignedDuration::from_hours(48);

/// When to post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BestTimes {
    /// The zone of weekdays and hours.
    timezone: String,
    /// What is compared: `engagementRate`, or `engagement` where too few posts have a rate.
    metric: &'static str,
    /// How many posts of the last year are behind it.
    posts: usize,
    /// How many posts there must be before a time is recommended.
    minimum_posts: usize,
    /// How many posts a time must have to be recommended.
    minimum_posts_per_time: u32,
    /// Whether there are enough.
    sufficient: bool,
    /// The mean of all posts.
    average: f64,
    /// The best times, best first; empty with too few posts.
    best: Vec<CellView>,
    /// Every hour of the week that has a post.
    cells: Vec<CellView>,
}

/// An hour of a week.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellView {
    /// 1 is Monday, 7 Sunday.
    weekday: i8,
    /// 0 to 23.
    hour: i8,
    /// How many posts are behind it.
    posts: u32,
    /// Their mean.
    mean: f64,
    /// The mean with five average posts mixed in, by which times are compared: two lucky posts do not make a good hour.
    score: f64,
}

impl From<&Cell> for CellView {
    fn from(cell: &Cell) -> Self {
        Self { weekday: cell.weekday, hour: cell.hour, posts: cell.posts, mean: cell.mean, score: cell.score }
    }
}

/// Shows when own posts did best.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/best-times", operation_id = "analytics.best_times", tag = "Analytics",
    params(
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = BestTimes), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    let posts = settled(app, &subject, request.now).await?;
    let (metric, figures) = compared(&posts);
    let timed: Vec<(Timestamp, f64)> =
        figures.into_iter().map(|(known, figure)| (known.publication.posted_at, figure)).collect();
    let found = best_times::best_times(&timed, &subject.zone);
    Response::ok(&BestTimes {
        timezone: zone::name(&subject.zone),
        metric,
        posts: found.posts,
        minimum_posts: LEAST_POSTS,
        minimum_posts_per_time: LEAST_IN_CELL,
        sufficient: found.posts >= LEAST_POSTS,
        average: found.mean,
        best: found.best.iter().map(CellView::from).collect(),
        cells: found.cells.iter().map(CellView::from).collect(),
    })
}

/// The posts of the last year that are two days old at least. Two queries for each account.
pub(super) async fn settled(app: &App, subject: &Subject, now: Timestamp) -> Result<Vec<Known>, ApiError> {
    let (from, to) = (now.saturating_sub(HISTORY), now.saturating_sub(SETTLED));
    let (from, to) = (from.unwrap_or(now), to.unwrap_or(now));
    let reads = subject.accounts.iter().map(|account| shown::between(app, account, from, to));
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// What posts are compared by: their rate, which does not grow with the account; their engagement where most have no rate.
pub(super) fn compared(posts: &[Known]) -> (&'static str, Vec<(&Known, f64)>) {
    let by = |figure: &dyn Fn(&Known) -> Option<f64>| -> Vec<(&Known, f64)> {
        posts.iter().filter_map(|known| Some((known, figure(known)?))).collect()
    };
    let rates = by(&|known| known.metrics.engagement_rate().count());
    if rates.len() * 2 >= posts.len() && !rates.is_empty() {
        return ("engagementRate", rates);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    let engagement = |known: &Known| known.metrics.engagement().count().map(|count| count as f64);
    ("engagement", by(&engagement))
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/best-times", operation_id = "analytics.best_times.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = BestTimes), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
