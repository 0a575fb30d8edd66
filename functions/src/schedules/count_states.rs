//! Every five minutes: counts per state and the age of overdue data, so that no request has to count, and a sweep that
//! has stopped is noticed.

use std::collections::BTreeMap;

use cloud::http::ApiError;
use cloud::table::{StoreError, connections, stats};
use cloud::telemetry::{Unit, metric};
use cloud::work::{self, Due};
use domain::due::WorkKind;
use futures_util::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::App;

/// How many workspaces are counted at the same time.
const SIDE_BY_SIDE: usize = 16;

/// Counts the connections and deliveries of every workspace, and looks at the one whose sync is most overdue.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn handle(app: &App) -> Result<(), ApiError> {
    let now = app.now();
    let mut oldest = BTreeMap::new();
    let mut age = SignedDuration::ZERO;
    for kind in WorkKind::ALL {
        let due = work::oldest_due(&app.table, kind, now).await?;
        if kind == WorkKind::Ingest {
            age = data_age(app, due.as_ref(), now).await?;
        }
        oldest.extend(due.map(|due| (kind.as_str().to_owned(), due.at)));
    }
    let counts = stats::workspaces(&app.table).await?.into_iter().map(|workspace| {
        let (table, oldest) = (&app.table, &oldest);
        async move {
            // A workspace that cannot be counted keeps its last counts, and the others are counted all the same.
            match stats::count(table, &workspace, now, oldest).await {
                Ok(counted) => counted.failed(),
                Err(error) => {
                    tracing::error!(%error, workspace = workspace.as_str(), "not counted");
                    0
                }
            }
        }
        .boxed()
    });
    let failed: u64 =
        stream::iter(counts).buffer_unordered(SIDE_BY_SIDE).fold(0, |sum, failed| async move { sum + failed }).await;
    let failed = u32::try_from(failed).unwrap_or(u32::MAX);
    metric(now, "FailedSyncsWaiting", Unit::Count, f64::from(failed), None);
    // Last, so that its silence also tells of a run that was cut off.
    metric(now, "DataAgeHours", Unit::Count, age.as_secs_f64() / 3600.0, None);
    Ok(())
}

/// How old the data is that waits longest for its sync. While nothing is overdue, no data is older than its interval
/// because of us, which counts as nothing; what fails at the platform is told when its sync ends.
async fn data_age(app: &App, overdue: Option<&Due>, now: Timestamp) -> Result<SignedDuration, StoreError> {
    let Some(due) = overdue else { return Ok(SignedDuration::ZERO) };
    let late = due.at.duration_until(now);
    // An account that has no data yet has waited for it as long as its sync is late.
    let Some(item) = app.table.get(&due.ring.pk, &due.ring.sk).await? else { return Ok(late) };
    // A row that cannot be read is its worker's trouble; the others are counted all the same.
    let synced = connections::read(&item).ok().and_then(|row| row.connection.last_synced_at);
    Ok(synced.map_or(late, |at| at.duration_until(now).max(late)))
}
