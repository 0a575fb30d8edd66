//! Which accounts a post goes to.

use cloud::http::ApiError;
use cloud::table::connections;
use domain::connection::ConnectionType;
use domain::post::MOST_DELIVERIES;
use domain::{Caller, Connection, ConnectionId, Platform, TalentId};
use http::StatusCode;

use crate::App;

/// The accounts of `talent` that `platforms` and `ids` name: every OAuth-connected account on a platform, and each named
/// one; in the order of the talent's list, each once.
///
/// # Errors
/// 404 for an unknown talent or connection; 400 `platform_not_connected`, `oauth_required`, `connection_disconnected` or
/// `platform_not_supported`, naming the platform or the account.
pub async fn of(
    app: &App,
    caller: &Caller,
    talent: &TalentId,
    platforms: &[Platform],
    ids: &[ConnectionId],
) -> Result<Vec<Connection>, ApiError> {
    let all = connections::list(&app.table, &caller.workspace, talent).await?;
    let all = all.ok_or_else(|| ApiError::not_found("talent"))?;
    for id in ids {
        if !all.iter().any(|connection| connection.id == *id) {
            return Err(ApiError::not_found("connection"));
        }
    }
    for platform in platforms {
        publishable(app, *platform)?;
        let there: Vec<&Connection> = all.iter().filter(|c| c.platform == *platform).collect();
        if there.iter().any(|c| is_ready(c)) {
            continue;
        }
        return Err(match there.iter().find(|c| c.connected) {
            Some(manual) => oauth_required(manual),
            None => {
                bad("platform_not_connected", format!("No {platform} account is connected. Connect one via OAuth."))
            }
        });
    }
    let mut chosen = Vec::new();
    for connection in all {
        let named = ids.contains(&connection.id);
        if named {
            publishable(app, connection.platform)?;
            if !connection.connected {
                return Err(bad(
                    "connection_disconnected",
                    format!("{} on {} is disconnected. Reconnect it.", connection.handle, connection.platform),
                ));
            }
            if connection.connection_type == ConnectionType::Manual {
                return Err(oauth_required(&connection));
            }
        }
        if named || (platforms.contains(&connection.platform) && is_ready(&connection)) {
            chosen.push(connection);
        }
    }
    if chosen.len() > MOST_DELIVERIES {
        return Err(ApiError::invalid(format!("A post goes to at most {MOST_DELIVERIES} accounts.")));
    }
    Ok(chosen)
}

fn is_ready(connection: &Connection) -> bool {
    connection.connected && connection.connection_type == ConnectionType::Oauth
}

fn publishable(app: &App, platform: Platform) -> Result<(), ApiError> {
    let can = app.platforms.get(platform).is_some_and(|adapter| adapter.publish.is_some());
    if can { Ok(()) } else { Err(bad("platform_not_supported", format!("Publishing on {platform} is not supported."))) }
}

fn oauth_required(connection: &Connection) -> ApiError {
    bad(
        "oauth_required",
        format!(
            "{} on {} is connected without OAuth and cannot publish. Connect it via OAuth.",
            connection.handle, connection.platform
        ),
    )
}

fn bad(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, message)
}
