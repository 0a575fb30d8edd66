//! Every five minutes: counts per state, so that no request has to count.

use std::collections::BTreeMap;

use cloud::http::ApiError;
use cloud::table::stats;
use cloud::telemetry::{Unit, metric};
use cloud::work;
use domain::SyncStatus;
use domain::due::WorkKind;

use crate::App;

/// Counts the connections of every workspace.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn handle(app: &App) -> Result<(), ApiError> {
    let now = app.now();
    let mut oldest = BTreeMap::new();
    for kind in WorkKind::ALL {
        oldest.extend(work::oldest_due(&app.table, kind, now).await?.map(|due| (kind.as_str().to_owned(), due)));
    }
    let mut failed = 0;
    for workspace in stats::workspaces(&app.table).await? {
        let counts = stats::count(&app.table, &workspace, now, &oldest).await?;
        failed += counts.connections.get(SyncStatus::Error.as_str()).copied().unwrap_or(0);
    }
    let failed = u32::try_from(failed).unwrap_or(u32::MAX);
    metric(now, "FailedSyncsWaiting", Unit::Count, f64::from(failed), None);
    Ok(())
}
