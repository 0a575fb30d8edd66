//! `GET /api/admin/talent/{talentId}/social-intelligence`: a talent's accounts at a glance.

use cloud::http::{ApiError, Request, Response};
use cloud::table::connections;
use domain::{Connection, Metric, Profile, SyncStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::ProfileView;

/// The accounts of a talent at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocialIntelligence {
    /// Whether any account is linked.
    connected: bool,
    /// `SYNCING` while any account is at work, else `READY` when any is, else `ERROR`; `null` without accounts.
    #[schema(value_type = Option<String>)]
    sync_status: Option<SyncStatus>,
    /// Totals over the accounts.
    overview: Overview,
    /// Each account.
    platforms: Vec<PlatformView>,
}

/// Sums over every linked account; `null` as soon as one part is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Followers.
    total_followers: Option<u64>,
    /// Accounts followed.
    total_following: Option<u64>,
    /// Posts.
    total_posts: Option<u64>,
}

/// One account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformView {
    /// The platform, upper case.
    platform: String,
    /// The connection.
    connection_id: String,
    /// Where its sync stands.
    #[schema(value_type = String)]
    sync_status: SyncStatus,
    /// What the last good look found.
    profile: Option<ProfileView>,
}

/// Shows a talent's accounts at a glance.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/social-intelligence", operation_id = "talents.social_intelligence", tag = "Talents",
    params(("talentId" = String, Path, description = "The talent")),
    responses((status = 200, body = SocialIntelligence), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let talent = request.talent_id()?;
    let found = connections::list(&app.table, &request.caller()?.workspace, &talent).await?;
    let connections = found.ok_or_else(|| ApiError::not_found("talent"))?;
    Response::ok(&glance(&connections))
}

fn glance(connections: &[Connection]) -> SocialIntelligence {
    let linked: Vec<&Connection> = connections.iter().filter(|connection| connection.connected).collect();
    let total = |figure: fn(&Profile) -> Metric| -> Option<u64> {
        let parts = linked.iter().map(|connection| figure(connection.profile.as_ref()?).count());
        (!linked.is_empty()).then(|| parts.sum::<Option<u64>>()).flatten()
    };
    SocialIntelligence {
        connected: !linked.is_empty(),
        sync_status: overall(&linked),
        overview: Overview {
            total_followers: total(|profile| profile.follower_count),
            total_following: total(|profile| profile.following_count),
            total_posts: total(|profile| profile.post_count),
        },
        platforms: linked
            .iter()
            .map(|connection| PlatformView {
                platform: connection.platform.to_string(),
                connection_id: connection.id.to_string(),
                sync_status: connection.sync_status,
                profile: connection.profile.clone().map(|profile| ProfileView::of(profile, connection.averages)),
            })
            .collect(),
    }
}

fn overall(linked: &[&Connection]) -> Option<SyncStatus> {
    let any = |status: SyncStatus| linked.iter().any(|connection| connection.sync_status == status);
    match (linked.is_empty(), any(SyncStatus::Pending) || any(SyncStatus::Syncing), any(SyncStatus::Ready)) {
        (true, ..) => None,
        (_, true, _) => Some(SyncStatus::Syncing),
        (_, _, true) => Some(SyncStatus::Ready),
        _ => Some(SyncStatus::Error),
    }
}
