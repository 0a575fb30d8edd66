//! The row of a connection: what only readers need, and what the engine and a person's change write.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::{Averages, ConnectionType};
use domain::{AccountType, Connection, ConnectionId, Metric, Platform, Profile, SyncStatus, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::client::{Item, StoreError, demand, from_json, json, n, number, parsed, s, text};

/// A connection with what only the engine reads.
#[derive(Debug, Clone)]
pub struct Row {
    /// The connection.
    pub connection: Connection,
    /// The number of the last claim.
    pub fence: u64,
    /// A digest of everything that the last good look found; empty before it.
    pub found: String,
}

/// What only readers need: all that changes by a person's hand, or when a sync finds something new. It is one attribute
/// of JSON text, so that a list of accounts is cheap to read (docs/decisions/0018-what-only-readers-need.md).
#[derive(Serialize, Deserialize)]
struct Card {
    id: ConnectionId,
    workspace: WorkspaceId,
    talent: TalentId,
    platform: Platform,
    handle: String,
    profile_url: String,
    connection_type: ConnectionType,
    connected: bool,
    paused: bool,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Seen>,
    averages: Averages,
}

/// Of a profile, what its connection does not state itself: handle, page and the platform's id are the connection's own.
#[derive(Serialize, Deserialize)]
struct Seen {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_image_url: Option<String>,
    follower_count: Metric,
    following_count: Metric,
    post_count: Metric,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_type: Option<AccountType>,
}

impl From<Profile> for Seen {
    fn from(profile: Profile) -> Self {
        Self {
            display_name: profile.display_name,
            bio: profile.bio,
            profile_image_url: profile.profile_image_url,
            follower_count: profile.follower_count,
            following_count: profile.following_count,
            post_count: profile.post_count,
            is_verified: profile.is_verified,
            account_type: profile.account_type,
        }
    }
}

/// The card of a connection: every write of one is of the whole.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn card(connection: &Connection) -> Result<AttributeValue, StoreError> {
    let c = connection.clone();
    json(&Card {
        id: c.id,
        workspace: c.workspace,
        talent: c.talent,
        platform: c.platform,
        handle: c.handle,
        profile_url: c.profile_url,
        connection_type: c.connection_type,
        connected: c.connected,
        paused: c.paused,
        created_at: c.created_at,
        scopes: c.scopes,
        missing_scopes: c.missing_scopes,
        platform_account_id: c.platform_account_id,
        profile: c.profile.map(Seen::from),
        averages: c.averages,
    })
}

/// What a list reads of each row; of the talent's own row only `v` is there.
pub(super) const LISTED: &str =
    "v, card, sync_status, sync_error, next_retry_at, last_synced_at, updated_at, token_expires_at";

/// The attributes of a row that a person's change writes; one without a value is absent.
pub(super) fn attributes(connection: &Connection) -> Result<[(&'static str, Option<AttributeValue>); 7], StoreError> {
    let instant = |at: Timestamp| s(at.to_string());
    Ok([
        ("card", Some(card(connection)?)),
        ("sync_status", Some(s(connection.sync_status.as_str()))),
        ("sync_error", connection.sync_error.as_ref().map(json).transpose()?),
        ("next_retry_at", connection.next_retry_at.map(instant)),
        ("attempts", Some(n(connection.attempts))),
        ("updated_at", Some(instant(connection.updated_at))),
        ("token_expires_at", connection.token_expires_at.map(instant)),
    ])
}

/// Reads a row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Row, StoreError> {
    Ok(Row {
        connection: connection(item)?,
        fence: demand(number(item, "fence")?, "fence")?,
        found: text(item, "found")?.unwrap_or_default().to_owned(),
    })
}

pub(super) fn connection(item: &Item) -> Result<Connection, StoreError> {
    let card: Card = demand(from_json(item, "card")?, "card")?;
    let status = demand(text(item, "sync_status")?, "sync_status")?;
    let status = SyncStatus::ALL.into_iter().find(|known| known.as_str() == status);
    let profile = card.profile.map(|seen| Profile {
        external_id: card.platform_account_id.clone().unwrap_or_default(),
        handle: card.handle.clone(),
        profile_url: card.profile_url.clone(),
        display_name: seen.display_name,
        bio: seen.bio,
        profile_image_url: seen.profile_image_url,
        follower_count: seen.follower_count,
        following_count: seen.following_count,
        post_count: seen.post_count,
        is_verified: seen.is_verified,
        account_type: seen.account_type,
    });
    Ok(Connection {
        id: card.id,
        workspace: card.workspace,
        talent: card.talent,
        platform: card.platform,
        handle: card.handle,
        profile_url: card.profile_url,
        connection_type: card.connection_type,
        connected: card.connected,
        paused: card.paused,
        sync_status: status.ok_or_else(|| StoreError::Malformed("sync_status is no state".to_owned()))?,
        sync_error: from_json(item, "sync_error")?,
        next_retry_at: parsed(item, "next_retry_at")?,
        attempts: number(item, "attempts")?.unwrap_or(0),
        last_synced_at: parsed(item, "last_synced_at")?,
        created_at: card.created_at,
        updated_at: demand(parsed(item, "updated_at")?, "updated_at")?,
        token_expires_at: parsed(item, "token_expires_at")?,
        scopes: card.scopes,
        missing_scopes: card.missing_scopes,
        platform_account_id: card.platform_account_id,
        profile,
        averages: card.averages,
    })
}
