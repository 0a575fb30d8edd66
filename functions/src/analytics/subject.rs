//! Whose figures a request is about.

use cloud::http::{ApiError, Request};
use cloud::table::connections;
use domain::{Connection, ConnectionId, Platform, Role, TalentId, WorkspaceId};
use jiff::tz::TimeZone;

use super::{access, zone};
use crate::App;

/// A talent, and those of its accounts that were asked for.
pub struct Subject {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The talent.
    pub talent: TalentId,
    /// Its accounts, oldest first; also those that are disconnected, whose history stays.
    pub accounts: Vec<Connection>,
    /// Where days begin.
    pub zone: TimeZone,
}

impl Subject {
    /// The same talent with the accounts of one platform, for each platform that it has, by name.
    #[must_use]
    pub fn by_platform(&self) -> Vec<(Platform, Self)> {
        let mut platforms: Vec<Platform> = self.accounts.iter().map(|account| account.platform).collect();
        platforms.sort_by_key(|platform| platform.as_str());
        platforms.dedup();
        let part = |platform: Platform| {
            let accounts = self.accounts.iter().filter(|account| account.platform == platform).cloned().collect();
            let part = Self {
                workspace: self.workspace.clone(),
                talent: self.talent.clone(),
                accounts,
                zone: self.zone.clone(),
            };
            (platform, part)
        };
        platforms.into_iter().map(part).collect()
    }
}

/// The subject of a request: the talent of its path; or the caller itself; or, where staff call a route for both, the
/// talent that `talentId` names. `platform` and `connectionId` narrow it. The access is noted.
///
/// # Errors
/// 400 for what cannot be a talent, a platform or a connection; 404 for a talent that the caller does not see, or that has no such connection.
pub async fn of(app: &App, request: &Request) -> Result<Subject, ApiError> {
    let talent = talent(request)?;
    let caller = request.caller()?;
    let wanted = platform(request)?;
    let one = request.query("connectionId").map(ConnectionId::parse).transpose();
    let one = one.map_err(|_| ApiError::not_found("connection"))?;
    let found = connections::list(&app.table, &caller.workspace, &talent).await?;
    let mut accounts = found.ok_or_else(|| ApiError::not_found("talent"))?;
    access::note(app, request, &talent).await?;
    accounts.retain(|account| wanted.is_none_or(|platform| account.platform == platform));
    if let Some(one) = one {
        accounts.retain(|account| account.id == one);
        if accounts.is_empty() {
            return Err(ApiError::not_found("connection"));
        }
    }
    let zone = zone::of(app, &caller.workspace).await?;
    Ok(Subject { workspace: caller.workspace.clone(), talent, accounts, zone })
}

/// The talent that a request is about.
///
/// # Errors
/// 400, 403 and 404.
pub fn talent(request: &Request) -> Result<TalentId, ApiError> {
    if request.path_parameters.contains_key("talentId") {
        return request.talent_id();
    }
    let caller = request.caller()?;
    let named = request.query("talentId").map(TalentId::parse).transpose();
    let named = named.map_err(|error| ApiError::invalid(error.to_string()))?;
    match (caller.role, named) {
        (Role::Talent, Some(named)) if caller.talent.as_ref() != Some(&named) => Err(ApiError::not_found("talent")),
        (Role::Talent, _) => request.own_talent().cloned(),
        (Role::Admin, Some(named)) => Ok(named),
        (Role::Admin, None) => Err(ApiError::invalid("talentId is missing: staff say whose figures they want.")),
    }
}

/// The platform that the path or the query names.
///
/// # Errors
/// 400 for one that is unknown.
pub fn platform(request: &Request) -> Result<Option<Platform>, ApiError> {
    let named = request.path_parameters.get("platform").map(String::as_str).or(request.query("platform"));
    let read = named.map(str::parse::<Platform>).transpose();
    read.map_err(|error| ApiError::invalid(error.to_string()))
}
