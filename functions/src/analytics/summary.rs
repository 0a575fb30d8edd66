//! `GET /api/exclusive/analytics/summary` and `GET /api/social/metrics/{platform}`: each platform at a glance.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response};
use domain::analytics::Figure;
use domain::analytics::span::{Interval, Range};
use domain::connection::Averages;
use domain::{Connection, MediaType, Metric, Publication};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::course;
use super::course::Value;
use super::posts::PublicationView;
use super::shown::{self, Known};
use super::subject::{self, Subject};
use crate::App;

/// How far back averages and the best posts go.
const RECENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A platform at a glance, over the last 30 days. A figure that is not there is `null`, and `unavailable` says why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Followers of the talent's accounts there.
    followers: Option<u64>,
    /// Mean of the unrounded rates of the posts, two decimals.
    avg_engagement_rate: Option<f64>,
    /// What the posts reached in these days: impressions, or reach where the platform has none.
    reach_last30_days: Option<f64>,
    /// Mean views of the posts.
    avg_views: Option<u64>,
    /// The post with the largest engagement.
    top_post: Option<PublicationView>,
    /// The video with the most views (with the largest engagement, where there are no views).
    top_video: Option<PublicationView>,
    /// How many posts there were.
    posts: usize,
    /// When the newest of the figures was seen.
    as_of: Option<Timestamp>,
    /// Why a figure is `null`: `pending`, `not_offered`, `not_measured` or `no_posts`.
    unavailable: BTreeMap<&'static str, &'static str>,
}

/// Shows each platform at a glance.
///
/// # Errors
/// 404 for an unknown talent, and for a platform on which it has no account.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/summary", operation_id = "analytics.summary", tag = "Analytics",
    params(("platform" = Option<String>, Query, description = "This platform only")),
    responses((status = 200, body = BTreeMap<String, Summary>), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    let mut summaries = BTreeMap::new();
    for (platform, part) in subject.by_platform() {
        summaries.insert(platform.as_str().to_lowercase(), summary(app, &part, request.now).await?);
    }
    if request.path_parameters.contains_key("platform") {
        let only = summaries.into_values().next().ok_or_else(|| ApiError::not_found("connection"))?;
        return Response::ok(&only);
    }
    Response::ok(&summaries)
}

async fn summary(app: &App, subject: &Subject, now: Timestamp) -> Result<Summary, ApiError> {
    let from = now.saturating_sub(RECENT).unwrap_or(now);
    let course = course::of(app, subject, Range { from, to: now }, Interval::Day).await?.whole;
    let reads = subject.accounts.iter().map(|account| shown::between(app, account, from, now));
    let mut posts: Vec<(&Connection, Known)> = Vec::new();
    for (account, found) in subject.accounts.iter().zip(try_join_all(reads).await?) {
        posts.extend(found.into_iter().map(|known| (account, known)));
    }
    let seen: Vec<Publication> =
        posts.iter().map(|(_, known)| Publication { metrics: known.metrics, ..known.publication.clone() }).collect();
    let averages = Averages::of(&seen);
    let followers = subject
        .accounts
        .iter()
        .map(|account| account.profile.as_ref().map_or(Metric::Pending, |profile| profile.follower_count));
    let followers: Vec<Metric> = followers.collect();
    let missing = [Metric::NotOffered, Metric::Pending].into_iter().find(|why| followers.contains(why));
    let reached = match course.value(Figure::Impressions) {
        Value::NotOffered => course.value(Figure::Reach),
        other => other,
    };
    let no_posts = posts.is_empty().then_some("no_posts");
    let why = [
        ("followers", missing.and_then(Metric::unavailable)),
        ("avgEngagementRate", no_posts.or(averages.engagement_rate.unavailable())),
        ("reachLast30Days", reached.unavailable()),
        ("avgViews", no_posts.or(averages.views.unavailable())),
    ];
    let as_of =
        posts.iter().map(|(_, known)| known.at).chain(subject.accounts.iter().filter_map(|a| a.last_synced_at)).max();
    let engagement = |known: &Known| known.metrics.engagement().count().or(known.metrics.likes.count());
    let views = |known: &Known| known.metrics.views.count().or(engagement(known));
    let best = |wanted: &dyn Fn(&Known) -> bool, by: &dyn Fn(&Known) -> Option<u64>| {
        let fit = posts.iter().filter(|(_, known)| wanted(known) && by(known).is_some());
        let best = fit.max_by_key(|(_, known)| (by(known), known.publication.posted_at));
        best.map(|(account, known)| PublicationView::of(account, known.clone()))
    };
    Ok(Summary {
        followers: if missing.is_some() { None } else { followers.iter().map(|metric| metric.count()).sum() },
        avg_engagement_rate: averages.engagement_rate.count(),
        reach_last30_days: reached.number(),
        avg_views: averages.views.count(),
        top_post: best(&|_| true, &engagement),
        top_video: best(&|known| known.publication.media_type == MediaType::Video, &views),
        posts: posts.len(),
        as_of,
        unavailable: why.into_iter().filter_map(|(name, why)| Some((name, why?))).collect(),
    })
}

/// One platform, for both.
#[utoipa::path(
    get, path = "/api/social/metrics/{platform}", operation_id = "analytics.summary.platform", tag = "Analytics",
    params(
        ("platform" = String, Path, description = "The platform"),
        ("talentId" = Option<String>, Query, description = "Whose figures: for staff")
    ),
    responses((status = 200, body = Summary), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn platform() {}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/summary", operation_id = "analytics.summary.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "This platform only")
    ),
    responses((status = 200, body = BTreeMap<String, Summary>), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the third route of the same function, for the contract document")]
pub(crate) fn staff() {}
