//! The workspace's time zone: where the days and months of charts begin.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cloud::table::{StoreError, talents};
use domain::WorkspaceId;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::App;

/// How long a zone is believed. A change holds for new figures only, so a few minutes do not matter.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);
/// More workspaces than one process asks for; past it, zones are asked for again.
const MOST: usize = 1_000;

/// The zones that were asked for lately.
#[derive(Debug, Default)]
pub struct Zones(Mutex<HashMap<WorkspaceId, (TimeZone, Timestamp)>>);

/// The zone of a workspace; UTC until one is set.
///
/// # Errors
/// [`StoreError`].
pub async fn of(app: &App, workspace: &WorkspaceId) -> Result<TimeZone, StoreError> {
    let now = app.now();
    let lock = || app.zones.0.lock().unwrap_or_else(PoisonError::into_inner);
    let known = lock().get(workspace).filter(|(_, at)| at.duration_until(now).abs() < BELIEVED).cloned();
    if let Some((zone, _)) = known {
        return Ok(zone);
    }
    let name = talents::timezone(&app.table, workspace).await?;
    // Only names that were known are stored; a zone that the database has dropped is no reason to answer nothing.
    let zone = name.and_then(|name| domain::schedule::zone(&name).ok()).unwrap_or(TimeZone::UTC);
    let mut zones = lock();
    if zones.len() >= MOST {
        zones.clear();
    }
    zones.insert(workspace.clone(), (zone.clone(), now));
    Ok(zone)
}

/// The name of a zone, as it is shown.
#[must_use]
pub fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}
