//! `GET /api/exclusive/analytics/benchmarks`: own accounts beside those that the talent compares with.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response};
use cloud::table::competitors::{self, Competitor, Seen};
use domain::connection::Averages;
use domain::{Connection, Metric, Publication};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::shown::{self, Known};
use super::subject;
use crate::App;

/// The days that posts are of.
pub const RECENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Accounts side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct Benchmarks {
    /// The talent's own.
    own: Vec<RowView>,
    /// Those that it compares with.
    competitors: Vec<RowView>,
}

/// An account. A figure that is not there is `null`, and `unavailable` says why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BenchmarkView)]
pub struct RowView {
    /// The connection or the competitor.
    id: String,
    /// The platform, upper case.
    platform: &'static str,
    /// The handle.
    handle: String,
    /// Followers.
    followers: Option<u64>,
    /// Posts that the platform counts.
    posts: Option<u64>,
    /// Posts of the last 30 days that were found.
    posts_last30_days: Option<u32>,
    /// Mean likes + comments + shares of them.
    avg_engagement: Option<u64>,
    /// Mean views of them.
    avg_views: Option<u64>,
    /// Mean of their unrounded engagement rates.
    avg_engagement_rate: Option<f64>,
    /// When it was seen.
    as_of: Option<Timestamp>,
    /// Why the last look found nothing.
    error: Option<String>,
    /// Why a figure is `null`: `pending` or `not_offered`.
    unavailable: BTreeMap<&'static str, &'static str>,
}

/// Shows accounts side by side.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/benchmarks", operation_id = "analytics.benchmarks", tag = "Analytics",
    params(("platform" = Option<String>, Query, description = "Accounts of this platform")),
    responses((status = 200, body = Benchmarks), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    let wanted = subject::platform(&request)?;
    let from = request.now.saturating_sub(RECENT).unwrap_or(request.now);
    let reads = subject.accounts.iter().map(|account| shown::between(app, account, from, request.now));
    let found = try_join_all(reads).await?;
    let own = subject.accounts.iter().zip(found).map(|(account, posts)| own(account, &posts)).collect();
    let rivals = competitors::list(&app.table, &subject.workspace, &subject.talent).await?;
    let rivals = rivals.into_iter().filter(|(rival, ..)| wanted.is_none_or(|platform| rival.platform == platform));
    Response::ok(&Benchmarks {
        own,
        competitors: rivals.map(|(rival, seen, error)| theirs(rival, seen, error)).collect(),
    })
}

fn own(account: &Connection, posts: &[Known]) -> RowView {
    let publications: Vec<Publication> =
        posts.iter().map(|known| Publication { metrics: known.metrics, ..known.publication.clone() }).collect();
    let profile = account.profile.as_ref();
    let seen = Seen {
        at: account.last_synced_at.unwrap_or(account.created_at),
        followers: profile.map_or(Metric::Pending, |profile| profile.follower_count),
        posts: profile.map_or(Metric::Pending, |profile| profile.post_count),
        recent_posts: u32::try_from(posts.len()).unwrap_or(u32::MAX),
        averages: Averages::of(&publications),
    };
    let seen = account.last_synced_at.is_some().then_some(seen);
    row(account.id.to_string(), account.platform.as_str(), account.handle.clone(), seen, None)
}

fn theirs(rival: Competitor, seen: Option<Seen>, error: Option<String>) -> RowView {
    row(rival.id, rival.platform.as_str(), rival.handle, seen, error)
}

fn row(id: String, platform: &'static str, handle: String, seen: Option<Seen>, error: Option<String>) -> RowView {
    let pending = Averages { views: Metric::Pending, engagement: Metric::Pending, engagement_rate: Metric::Pending };
    let averages = seen.as_ref().map_or(pending, |seen| seen.averages);
    let (followers, posts) =
        seen.as_ref().map_or((Metric::Pending, Metric::Pending), |seen| (seen.followers, seen.posts));
    // Without posts there is nothing to be a mean of, whatever the platform offers.
    let no_posts = seen.as_ref().is_some_and(|seen| seen.recent_posts == 0).then_some("no_posts");
    let why = [
        ("followers", followers.unavailable()),
        ("posts", posts.unavailable()),
        ("avgEngagement", no_posts.or(averages.engagement.unavailable())),
        ("avgViews", no_posts.or(averages.views.unavailable())),
        ("avgEngagementRate", no_posts.or(averages.engagement_rate.unavailable())),
    ];
    RowView {
        id,
        platform,
        handle,
        followers: followers.count(),
        posts: posts.count(),
        posts_last30_days: seen.as_ref().map(|seen| seen.recent_posts),
        avg_engagement: averages.engagement.count(),
        avg_views: averages.views.count(),
        avg_engagement_rate: averages.engagement_rate.count(),
        as_of: seen.as_ref().map(|seen| seen.at),
        error,
        unavailable: why.into_iter().filter_map(|(name, why)| Some((name, why?))).collect(),
    }
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/benchmarks", operation_id = "analytics.benchmarks.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform")
    ),
    responses((status = 200, body = Benchmarks), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
