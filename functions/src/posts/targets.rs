//! Which accounts a post goes to.

use cloud::http::ApiError;
use cloud::table::connections;
use domain::connection::ConnectionType;
use domain::post::MOST_DELIVERIES;
use domain::{Caller, Connection, ConnectionId, Platform, TalentId};

use super::found::Found;
use crate::App;

/// Where a post goes, and what stands against it.
#[derive(Debug, Default)]
pub struct Targets {
    /// The accounts, in the order of the talent's list, each once.
    pub connections: Vec<Connection>,
    /// Platforms that were named and can publish, without an account that can.
    pub without_account: Vec<Platform>,
    /// What is wrong: `talent_not_found`, `connection_not_found`, `platform_not_connected`, `oauth_required`,
    /// `connection_disconnected`, `platform_not_supported`, naming the platform or the account.
    pub found: Vec<Found>,
}

/// The accounts of `talent` that `platforms` and `ids` name: every OAuth-connected account on a platform, and each named
/// one.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn of(
    app: &App,
    caller: &Caller,
    talent: &TalentId,
    platforms: &[Platform],
    ids: &[ConnectionId],
) -> Result<Targets, ApiError> {
    let mut targets = Targets::default();
    let Some(all) = connections::list(&app.table, &caller.workspace, talent).await? else {
        targets.found.push(Found::refusal(&ApiError::not_found("talent"), "talentId"));
        targets.without_account = platforms.to_vec();
        return Ok(targets);
    };
    for id in ids.iter().filter(|id| !all.iter().any(|connection| connection.id == **id)) {
        targets.found.push(Found::refusal(&ApiError::not_found("connection"), "connectionIds").of_account(id));
    }
    for platform in platforms {
        if !can_publish(app, *platform) {
            targets.found.push(not_supported(*platform, "platforms"));
            continue;
        }
        let there = || all.iter().filter(|c| c.platform == *platform);
        if there().any(is_ready) {
            continue;
        }
        targets.without_account.push(*platform);
        targets.found.push(match there().find(|c| c.connected) {
            Some(manual) => oauth_required(manual, "platforms"),
            None => {
                let message = format!("No {platform} account is connected. Connect one via OAuth.");
                Found::request("platform_not_connected", "platforms", message).about(*platform, None)
            }
        });
    }
    for connection in all {
        let named = ids.contains(&connection.id);
        if let Some(wrong) = named.then(|| unusable(app, &connection)).flatten() {
            if can_publish(app, connection.platform) {
                targets.without_account.push(connection.platform);
            }
            // One that is named twice, by its platform and by its id, is told of once.
            if !targets.found.iter().any(|found| found.connection.as_ref() == Some(&connection.id)) {
                targets.found.push(wrong);
            }
        } else if named || (platforms.contains(&connection.platform) && is_ready(&connection)) {
            targets.connections.push(connection);
        }
    }
    let aimed = |platform: &Platform| targets.connections.iter().any(|connection| connection.platform == *platform);
    targets.without_account.retain(|platform| !aimed(platform));
    targets.without_account.sort();
    targets.without_account.dedup();
    if targets.connections.len() > MOST_DELIVERIES {
        let message = format!("A post goes to at most {MOST_DELIVERIES} accounts.");
        targets.found.push(Found::request("invalid_request", "platforms", message));
        targets.connections.truncate(MOST_DELIVERIES);
    }
    Ok(targets)
}

/// Why a post cannot go to an account that was named.
fn unusable(app: &App, connection: &Connection) -> Option<Found> {
    if !can_publish(app, connection.platform) {
        return Some(not_supported(connection.platform, "connectionIds"));
    }
    if !connection.connected {
        let (handle, platform) = (&connection.handle, connection.platform);
        let message = format!("{handle} on {platform} is disconnected. Reconnect it.");
        let found = Found::request("connection_disconnected", "connectionIds", message);
        return Some(found.about(platform, Some(&connection.id)));
    }
    (connection.connection_type == ConnectionType::Manual).then(|| oauth_required(connection, "connectionIds"))
}

fn is_ready(connection: &Connection) -> bool {
    connection.connected && connection.connection_type == ConnectionType::Oauth
}

fn can_publish(app: &App, platform: Platform) -> bool {
    app.platforms.get(platform).is_some_and(|adapter| adapter.publish.is_some())
}

fn not_supported(platform: Platform, field: &str) -> Found {
    let message = format!("Publishing on {platform} is not supported.");
    Found::request("platform_not_supported", field, message).about(platform, None)
}

fn oauth_required(connection: &Connection, field: &str) -> Found {
    let (handle, platform) = (&connection.handle, connection.platform);
    let message =
        format!("{handle} on {platform} is connected without OAuth and cannot publish. Connect it via OAuth.");
    Found::request("oauth_required", field, message).about(platform, Some(&connection.id))
}
