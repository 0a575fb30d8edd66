//! `GET /api/social/analytics`: the figures of a post over all its places (`postId`), or of an account over a range.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response};
use cloud::table::{deliveries::Delivery, looks, posts, publications};
use domain::analytics::Totals;
use domain::analytics::span::Interval;
use domain::publication::Metrics;
use domain::{Metric, PostId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::shown::{FiguresView, merged};
use super::{access, course, range, subject, zone};
use crate::App;

/// A post over all its places.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfPost {
    /// The post.
    post_id: String,
    /// Each place where it is live.
    analytics: Vec<PlaceView>,
    /// Impressions, or reach where a place has none, of all places.
    total_reach: Option<u64>,
    /// likes + comments + shares of all places.
    total_engagement: Option<u64>,
    /// The mean of the unrounded rates.
    average_engagement_rate: Option<f64>,
    /// Why a total is `null`: `pending` or `not_offered`.
    unavailable: BTreeMap<&'static str, &'static str>,
}

/// A post at one place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// The platform, upper case.
    platform: &'static str,
    /// The account.
    connection_id: String,
    /// The platform's own id of the post.
    platform_post_id: String,
    /// The figures.
    #[serde(flatten)]
    figures: FiguresView,
    /// When they were seen; `null` before the first look.
    fetched_at: Option<Timestamp>,
}

/// An account, or several, over a range.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfRange {
    /// True.
    success: bool,
    /// The figures.
    data: RangeView,
}

/// Figures over a range.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RangeView {
    /// The platform that was asked for.
    platform: Option<&'static str>,
    /// The first instant.
    start_date: Timestamp,
    /// The end, excluded.
    end_date: Timestamp,
    /// Where days begin.
    timezone: String,
    /// The accounts.
    accounts: Vec<String>,
    /// Day by day: levels as of the day's last look, gains as the day's looks saw them.
    series: Vec<course::StepView>,
    /// The last level of the range, and the sum of its gains.
    totals: course::StepView,
}

/// Shows figures of a post or of a range.
///
/// # Errors
/// 400 for a range that cannot be; 404 for a post or a talent that the caller does not see.
#[utoipa::path(
    get, path = "/api/social/analytics", operation_id = "analytics.get", tag = "Analytics",
    params(
        ("postId" = Option<String>, Query, description = "A post; then the answer is that post's"),
        ("talentId" = Option<String>, Query, description = "Whose figures: for staff, without `postId`"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account"),
        ("startDate" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("endDate" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent")
    ),
    responses((status = 200, body = OfPost), (status = 200, body = OfRange), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    if let Some(id) = request.query("postId") {
        let id = PostId::parse(id).map_err(|_| ApiError::not_found("post"))?;
        return of_post(app, &request, &id).await;
    }
    let subject = subject::of(app, &request).await?;
    let range = range::of(&request, ("startDate", "endDate"), &subject.zone)?;
    let course = course::of(app, &subject, range, Interval::Day).await?;
    Response::ok(&OfRange {
        success: true,
        data: RangeView {
            platform: subject::platform(&request)?.map(domain::Platform::as_str),
            start_date: range.from,
            end_date: range.to,
            timezone: zone::name(&subject.zone),
            accounts: subject.accounts.iter().map(|account| account.id.to_string()).collect(),
            series: course.total.iter().map(course::StepView::of).collect(),
            totals: course::StepView::of(&course.whole),
        },
    })
}

/// The same for staff, with the talent in the path.
#[expect(dead_code, reason = "it describes the second event of the same function")]
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics", operation_id = "analytics.get.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("postId" = Option<String>, Query, description = "A post; then the answer is that post's"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account"),
        ("startDate" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("endDate" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent")
    ),
    responses((status = 200, body = OfPost), (status = 200, body = OfRange), crate::openapi::Refusals)
)]
pub(crate) fn staff() {}

async fn of_post(app: &App, request: &Request, id: &PostId) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let found = posts::get_whole(&app.table, &caller.workspace, id).await?;
    let asked = request.path_parameters.contains_key("talentId").then(|| request.talent_id()).transpose()?;
    let (post, rows) = found
        .filter(|(post, _)| {
            caller.may_act_for(&post.talent) && asked.as_ref().is_none_or(|asked| *asked == post.talent)
        })
        .ok_or_else(|| ApiError::not_found("post"))?;
    access::note(app, request, &post.talent).await?;
    let (mut places, mut parts) = (Vec::new(), Vec::new());
    for row in rows {
        let Some((metrics, at)) = figures(app, &row.delivery).await? else { continue };
        places.push(PlaceView {
            platform: row.delivery.platform.as_str(),
            connection_id: row.delivery.connection.to_string(),
            platform_post_id: row.delivery.live.map(|live| live.id).unwrap_or_default(),
            figures: FiguresView::of(&metrics),
            fetched_at: at,
        });
        parts.push(metrics);
    }
    let totals = Totals::of(&parts);
    let why = [
        ("totalReach", totals.reach.unavailable()),
        ("totalEngagement", totals.engagement.unavailable()),
        ("averageEngagementRate", totals.average_rate.unavailable()),
    ];
    Response::ok(&OfPost {
        post_id: id.to_string(),
        analytics: places,
        total_reach: totals.reach.count(),
        total_engagement: totals.engagement.count(),
        average_engagement_rate: totals.average_rate.count(),
        unavailable: why.into_iter().filter_map(|(name, why)| Some((name, why?))).collect(),
    })
}

/// The figures of a delivery that is live, and when they were seen; before the first look everything is pending that the
/// platform has.
async fn figures(app: &App, delivery: &Delivery) -> Result<Option<(Metrics, Option<Timestamp>)>, ApiError> {
    let Some(live) = &delivery.live else { return Ok(None) };
    // The platform's own time of the post may differ a little from ours.
    let hour = SignedDuration::from_hours(1);
    let (from, to) = (live.posted_at.saturating_sub(hour), live.posted_at.saturating_add(hour));
    let (from, to) = (from.unwrap_or(live.posted_at), to.unwrap_or(live.posted_at));
    let (workspace, id) = (&delivery.workspace, &delivery.connection);
    let (seen, found) = futures_util::try_join!(
        looks::between(&app.table, workspace, id, from, to),
        publications::between(&app.table, workspace, id, from, to)
    )?;
    let look =
        seen.into_iter().find(|looks| looks.external_id == live.id).and_then(|looks| looks.history.last().copied());
    let sync = found.into_iter().find(|(publication, _)| publication.external_id == live.id);
    Ok(Some(match (look, sync) {
        (Some(look), Some((sync, at))) if at > look.at => (merged(&sync.metrics, &look.metrics), Some(at)),
        (Some(look), Some((sync, _))) => (merged(&look.metrics, &sync.metrics), Some(look.at)),
        (Some(look), None) => (look.metrics, Some(look.at)),
        (None, Some((sync, at))) => (sync.metrics, Some(at)),
        (None, None) => (awaited(app, delivery), None),
    }))
}

/// Figures that nobody has looked at: pending on a platform that shows any.
fn awaited(app: &App, delivery: &Delivery) -> Metrics {
    let shows = app.platforms.get(delivery.platform).is_some_and(|adapter| adapter.insights.is_some());
    let state = if shows { Metric::Pending } else { Metric::NotOffered };
    Metrics {
        likes: state,
        comments: state,
        shares: state,
        saves: state,
        views: state,
        reach: state,
        impressions: state,
    }
}
