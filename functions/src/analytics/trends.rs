//! `GET /api/exclusive/analytics/trends`: one figure over time.

use cloud::http::{ApiError, Request, Response};
use domain::analytics::Figure;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::course::{self, Step};
use super::{range, subject, zone};
use crate::App;

/// A figure over time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trends {
    /// The figure.
    metric: &'static str,
    /// `hour`, `day`, `week` or `month`.
    interval: &'static str,
    /// Where days begin.
    timezone: String,
    /// The first instant.
    from: Timestamp,
    /// The end, excluded.
    to: Timestamp,
    /// Whether it is a level at the end of each step, or what was added in it.
    kind: &'static str,
    /// All accounts together.
    points: Vec<PointView>,
    /// Each account.
    accounts: Vec<AccountView>,
}

/// One account's course.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TrendView)]
pub struct AccountView {
    /// The connection.
    connection_id: String,
    /// The platform, upper case.
    platform: &'static str,
    /// The handle.
    handle: String,
    /// Its course.
    points: Vec<PointView>,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PointView {
    /// Where it begins.
    at: Timestamp,
    /// The number; `null` where there is none.
    value: Option<f64>,
    /// `number`, `pending` (the platform is late, or the step is not over), `not_offered`, or `not_measured`: nobody looked.
    state: &'static str,
}

/// Shows a figure over time.
///
/// # Errors
/// 400 for an unknown figure, and for a range or an interval that cannot be.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/trends", operation_id = "analytics.trends", tag = "Analytics",
    params(
        ("metric" = String, Query, description = "followers, following, posts, impressions, reach, views, likes, comments, shares, saves, engagement or engagementRate"),
        ("from" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("to" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent"),
        ("interval" = Option<String>, Query, description = "hour (31 days at most), day, week or month; day when absent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Trends), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let names = || Figure::ALL.map(Figure::as_str).join(", ");
    let metric = request.query("metric").and_then(Figure::parse);
    let metric = metric.ok_or_else(|| ApiError::invalid(format!("metric must be one of {}.", names())))?;
    let subject = subject::of(app, &request).await?;
    let range = range::of(&request, ("from", "to"), &subject.zone)?;
    let interval = range::interval(&request, range)?;
    let course = course::of(app, &subject, range, interval).await?;
    let points = |steps: &[Step]| steps.iter().map(|step| PointView::of(step, metric)).collect();
    Response::ok(&Trends {
        metric: metric.as_str(),
        interval: interval.as_str(),
        timezone: zone::name(&subject.zone),
        from: range.from,
        to: range.to,
        kind: if metric.is_level() { "level" } else { "gain" },
        points: points(&course.total),
        accounts: subject
            .accounts
            .iter()
            .zip(&course.accounts)
            .map(|(account, steps)| AccountView {
                connection_id: account.id.to_string(),
                platform: account.platform.as_str(),
                handle: account.handle.clone(),
                points: points(steps),
            })
            .collect(),
    })
}

impl PointView {
    fn of(step: &Step, metric: Figure) -> Self {
        let value = step.value(metric);
        Self { at: step.start, value: value.number(), state: value.unavailable().unwrap_or("number") }
    }
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/trends", operation_id = "analytics.trends.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("metric" = String, Query, description = "followers, following, posts, impressions, reach, views, likes, comments, shares, saves, engagement or engagementRate"),
        ("from" = Option<String>, Query, description = "A date or a time; 30 days before the end when absent"),
        ("to" = Option<String>, Query, description = "A date, which is meant whole, or a time; now when absent"),
        ("interval" = Option<String>, Query, description = "hour (31 days at most), day, week or month; day when absent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Trends), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
