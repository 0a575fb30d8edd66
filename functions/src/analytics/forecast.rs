//! `GET /api/exclusive/analytics/forecast`: followers and views in 30 and 90 days.

use cloud::http::{ApiError, Request, Response};
use domain::analytics::Figure;
use domain::analytics::forecast::{self, COVERAGE, Forecast, HORIZONS, needed};
use domain::analytics::span::{Interval, Range};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::course::{self, Step};
use super::subject;
use crate::App;

/// How far back the course goes that is learned from.
const HISTORY: SignedDuration = SignedDuration::from_hours(300 * 24);
/// Views are of this many days: single days are too restless to be told ahead.
const VIEWS_OF: usize = 28;

/// Forecasts of each account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Forecasts {
    /// How often the true figure is meant to lie in the interval, in percent.
    coverage: f64,
    /// Each account.
    accounts: Vec<AccountView>,
}

/// Forecasts of one account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForecastAccountView)]
pub struct AccountView {
    /// The connection.
    connection_id: String,
    /// The platform, upper case.
    platform: &'static str,
    /// The handle.
    handle: String,
    /// Followers.
    followers: FigureView,
    /// Views of the 28 days that end on the day.
    views: FigureView,
}

/// Forecasts of a figure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FigureView {
    /// The figure now.
    now: Option<f64>,
    /// How many days of history there are.
    days_of_history: usize,
    /// In 30 and in 90 days; one for which the history is too short is left out.
    forecasts: Vec<ForecastView>,
    /// Why there is none: `too_little_history`, `pending`, `not_offered` or `not_measured`.
    reason: Option<&'static str>,
    /// How many days of history the first forecast needs.
    days_needed: usize,
}

/// A figure on a day to come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastView {
    /// Days ahead.
    days: usize,
    /// The day.
    at: Timestamp,
    /// The forecast.
    value: f64,
    /// The lower end of the interval.
    low: f64,
    /// The upper end.
    high: f64,
    /// `ets` (exponential smoothing), or `naive` ("nothing changes") where the model was no better than that on this past.
    method: &'static str,
    /// Whether the model beat "nothing changes".
    beats_naive: bool,
    /// The mean error of the model in the back-test.
    model_error: f64,
    /// The mean error of "nothing changes".
    naive_error: f64,
    /// How many times both were tried.
    tried: usize,
}

/// Shows where followers and views go.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/forecast", operation_id = "analytics.forecast", tag = "Analytics",
    params(
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Forecasts), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    let from = request.now.saturating_sub(HISTORY).unwrap_or(request.now);
    let course = course::of(app, &subject, Range { from, to: request.now }, Interval::Day).await?;
    let accounts = subject.accounts.iter().zip(&course.accounts).map(|(account, steps)| AccountView {
        connection_id: account.id.to_string(),
        platform: account.platform.as_str(),
        handle: account.handle.clone(),
        followers: figure(steps, Figure::Followers, request.now, |levels| levels),
        views: figure(steps, Figure::Views, request.now, |gains| {
            gains.windows(VIEWS_OF).map(|days| days.iter().sum()).collect()
        }),
    });
    Response::ok(&Forecasts { coverage: COVERAGE * 100.0, accounts: accounts.collect() })
}

fn figure(steps: &[Step], figure: Figure, now: Timestamp, of: impl Fn(Vec<f64>) -> Vec<f64>) -> FigureView {
    // Today is not over; a level is, as of its last look.
    let over = if figure.is_level() { steps } else { &steps[..steps.len().saturating_sub(1)] };
    let series = of(whole_days(over, figure));
    let found = forecast::forecast(&series);
    let nothing = || match course::whole(steps).value(figure).unavailable() {
        Some("not_offered") => "not_offered",
        Some("pending") if series.is_empty() => "pending",
        _ if series.is_empty() => "not_measured",
        _ => "too_little_history",
    };
    FigureView {
        now: series.last().copied(),
        days_of_history: series.len(),
        reason: found.is_empty().then(nothing),
        forecasts: found.iter().map(|forecast| ForecastView::of(forecast, now)).collect(),
        days_needed: needed(HORIZONS[0]),
    }
}

/// The daily values since the first that is known. A day on which nobody looked has the level of the day before, and no gain:
/// what came on it was seen on the next.
fn whole_days(steps: &[Step], figure: Figure) -> Vec<f64> {
    let mut days: Vec<f64> = Vec::new();
    for step in steps {
        match (step.value(figure).number(), days.last().copied()) {
            (Some(value), _) => days.push(value),
            (None, Some(last)) => days.push(if figure.is_level() { last } else { 0.0 }),
            (None, None) => {}
        }
    }
    days
}

impl ForecastView {
    fn of(forecast: &Forecast, now: Timestamp) -> Self {
        let ahead = SignedDuration::from_hours(24 * i64::try_from(forecast.days).unwrap_or(0));
        Self {
            days: forecast.days,
            at: now.saturating_add(ahead).unwrap_or(now),
            value: forecast.value,
            low: forecast.low,
            high: forecast.high,
            method: if forecast.beats_naive { "ets" } else { "naive" },
            beats_naive: forecast.beats_naive,
            model_error: forecast.model_error,
            naive_error: forecast.naive_error,
            tried: forecast.origins,
        }
    }
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/forecast", operation_id = "analytics.forecast.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Forecasts), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
