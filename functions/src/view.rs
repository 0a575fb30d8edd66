//! What the API shows: the contract's field names, made from domain values in one place.

use std::collections::BTreeMap;

use domain::connection::{Averages, ConnectionType};
use domain::{AccountType, Connection, Profile, SyncErrorCode, SyncStatus};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The error shape of every refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView {
    /// A sentence for a person.
    pub error: String,
    /// A stable code for a program.
    pub code: String,
    /// The request, for support.
    pub request_id: String,
}

/// A linked account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// `conn_{talentId}_{PLATFORM}_{milliseconds}`.
    pub id: String,
    /// The talent it belongs to.
    pub talent_id: String,
    /// The platform, upper case.
    pub platform: &'static str,
    /// The handle as the platform states it.
    pub handle: String,
    /// The public page.
    pub profile_url: String,
    /// False after a disconnect.
    pub connected: bool,
    /// Whether a person holds its posts and syncs.
    pub paused: bool,
    /// `MANUAL` or `OAUTH`.
    #[schema(value_type = String)]
    pub connection_type: ConnectionType,
    /// `PENDING`, `SYNCING`, `READY` or `ERROR`.
    #[schema(value_type = String)]
    pub sync_status: SyncStatus,
    /// What went wrong, for a person.
    pub sync_error: Option<String>,
    /// The same, for a program.
    #[schema(value_type = Option<String>)]
    pub sync_error_code: Option<SyncErrorCode>,
    /// When the next attempt starts.
    pub next_retry_at: Option<Timestamp>,
    /// When data was last complete.
    pub last_synced_at: Option<Timestamp>,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the access token dies.
    pub token_expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What is needed and was not granted.
    pub missing_scopes: Vec<String>,
    /// The platform's own id of the account.
    pub platform_account_id: Option<String>,
    /// `BUSINESS`, `CREATOR` or `PERSONAL`, where the platform tells.
    #[schema(value_type = Option<String>)]
    pub account_type: Option<AccountType>,
    /// What the last good look found.
    pub profile: Option<ProfileView>,
}

/// An account's profile. A figure that is not there is `null`, and `unavailable` says why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    /// The name a person reads.
    pub display_name: Option<String>,
    /// The self-description.
    pub bio: Option<String>,
    /// The portrait.
    pub profile_image_url: Option<String>,
    /// Followers.
    pub follower_count: Option<u64>,
    /// Accounts followed.
    pub following_count: Option<u64>,
    /// Posts.
    pub post_count: Option<u64>,
    /// Mean views per recent post.
    pub average_views: Option<u64>,
    /// Mean likes + comments + shares per recent post.
    pub average_engagement: Option<u64>,
    /// Mean of the recent posts' engagement rates, in percent, two decimals.
    pub engagement_rate: Option<f64>,
    /// Whether the platform vouches for the account.
    pub is_verified: Option<bool>,
    /// The platform's own id.
    pub external_id: String,
    /// Why a figure is `null`: `pending` or `not_offered`.
    pub unavailable: BTreeMap<&'static str, &'static str>,
}

impl ProfileView {
    /// What a connection shows of its profile; nothing before the first good look.
    pub(crate) fn of(profile: Profile, averages: Averages) -> Self {
        let unavailable = [
            ("followerCount", profile.follower_count.unavailable()),
            ("followingCount", profile.following_count.unavailable()),
            ("postCount", profile.post_count.unavailable()),
            ("averageViews", averages.views.unavailable()),
            ("averageEngagement", averages.engagement.unavailable()),
            ("engagementRate", averages.engagement_rate.unavailable()),
        ];
        Self {
            display_name: profile.display_name,
            bio: profile.bio,
            profile_image_url: profile.profile_image_url,
            follower_count: profile.follower_count.count(),
            following_count: profile.following_count.count(),
            post_count: profile.post_count.count(),
            average_views: averages.views.count(),
            average_engagement: averages.engagement.count(),
            engagement_rate: averages.engagement_rate.count(),
            is_verified: profile.is_verified,
            external_id: profile.external_id,
            unavailable: unavailable.into_iter().filter_map(|(name, why)| Some((name, why?))).collect(),
        }
    }
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        let averages = connection.averages;
        let (sync_error, sync_error_code) = connection.sync_error.map(|error| (error.message, error.code)).unzip();
        Self {
            id: connection.id.into(),
            talent_id: connection.talent.into(),
            platform: connection.platform.as_str(),
            handle: connection.handle,
            profile_url: connection.profile_url,
            connected: connection.connected,
            paused: connection.paused,
            connection_type: connection.connection_type,
            sync_status: connection.sync_status,
            sync_error,
            sync_error_code,
            next_retry_at: connection.next_retry_at,
            last_synced_at: connection.last_synced_at,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            token_expires_at: connection.token_expires_at,
            scopes: connection.scopes,
            missing_scopes: connection.missing_scopes,
            platform_account_id: connection.platform_account_id,
            account_type: connection.profile.as_ref().and_then(|profile| profile.account_type),
            profile: connection.profile.map(|profile| ProfileView::of(profile, averages)),
        }
    }
}

impl From<&Connection> for ConnectionView {
    fn from(connection: &Connection) -> Self {
        Self::from(connection.clone())
    }
}

/// The answer to a link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedView {
    /// The connection.
    pub connection_id: String,
    /// The handle, normalised.
    pub handle: String,
    /// The platform, upper case.
    pub platform: String,
    /// The public page.
    pub profile_url: String,
    /// `MANUAL` or `OAUTH`.
    #[schema(value_type = String)]
    pub connection_type: ConnectionType,
    /// Whether it is linked.
    pub connected: bool,
    /// Where its sync stands.
    #[schema(value_type = String)]
    pub sync_status: SyncStatus,
    /// What happens next, for a person.
    pub message: &'static str,
}

impl ConnectedView {
    /// The answer to a link, by handle or with the account's consent.
    #[must_use]
    pub fn of(connection: &Connection, with_consent: bool) -> Self {
        Self {
            connection_id: connection.id.to_string(),
            handle: connection.handle.clone(),
            platform: connection.platform.to_string(),
            profile_url: connection.profile_url.clone(),
            connection_type: connection.connection_type,
            connected: connection.connected,
            sync_status: connection.sync_status,
            message: if with_consent {
                "Successfully connected via OAuth. Data sync will begin immediately."
            } else {
                "Profile connected. Data sync will begin shortly."
            },
        }
    }
}

/// A sentence.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    /// The sentence.
    pub message: &'static str,
}

#[cfg(test)]
mod tests {
    use domain::Metric;

    use super::*;

    #[test]
    fn a_figure_that_is_not_there_says_why() {
        let profile = Profile {
            external_id: "1".to_owned(),
            handle: "ann".to_owned(),
            profile_url: "https://p.example/ann".to_owned(),
            display_name: None,
            bio: None,
            profile_image_url: None,
            follower_count: Metric::Count(7),
            following_count: Metric::NotOffered,
            post_count: Metric::Pending,
            is_verified: None,
            account_type: None,
        };
        let averages =
            Averages { views: Metric::Pending, engagement: Metric::NotOffered, engagement_rate: Metric::Count(0.0) };
        let view = ProfileView::of(profile, averages);
        let why: Vec<(&str, &str)> = view.unavailable.into_iter().collect();
        let expected = [
            ("averageEngagement", "not_offered"),
            ("averageViews", "pending"),
            ("followingCount", "not_offered"),
            ("postCount", "pending"),
        ];
        assert_eq!(why, expected);
        assert_eq!((view.follower_count, view.average_views, view.engagement_rate), (Some(7), None, Some(0.0)));
    }
}
