//! What a sync tells the log and the metrics.

use std::time::Duration;

use cloud::telemetry::{Unit, metric};
use domain::sync::SyncError;
use domain::{Connection, Failure, SyncStatus};

use crate::App;

/// The standard event `social_ingest`, and the figures that the alarms watch.
pub fn sync(
    app: &App,
    connection: &Connection,
    status: SyncStatus,
    error: Option<&SyncError>,
    posts: usize,
    will_retry: bool,
    took: Duration,
) {
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        event = "social_ingest",
        connection = connection.id.as_str(),
        talent = connection.talent.as_str(),
        platform = connection.platform.as_str(),
        connection_type = connection.connection_type.as_str(),
        attempt = connection.attempts + 1,
        will_retry,
        posts_count = posts,
        duration_ms,
        status = status.as_str(),
        error = error.map(|error| error.message.as_str()).unwrap_or_default(),
    );
    let name = match status {
        SyncStatus::Ready => "SyncSucceeded",
        SyncStatus::Error => "SyncFailed",
        SyncStatus::Pending | SyncStatus::Syncing => return,
    };
    metric(app.now(), name, Unit::Count, 1.0, None);
    // How old the data was that people saw until now; an account without data has none that could be old. What fails at the
    // platform is told by its state, and a sweep that has stopped by `count_states`.
    if let Some(last) = connection.last_synced_at.filter(|_| status == SyncStatus::Ready) {
        let hours = app.now().duration_since(last).as_secs_f64() / 3600.0;
        metric(app.now(), "DataAgeHours", Unit::Count, hours.max(0.0), None);
    }
    metric(app.now(), "SyncDuration", Unit::Milliseconds, took.as_secs_f64() * 1000.0, None);
}

/// A sync that was given up without being looked at.
pub fn interrupted(app: &App) {
    metric(app.now(), "SyncFailed", Unit::Count, 1.0, None);
}

/// A failed call, once, where it is handled.
pub fn platform_error(app: &App, connection: &Connection, failure: &Failure) {
    tracing::warn!(
        connection = connection.id.as_str(),
        platform = connection.platform.as_str(),
        kind = ?failure.kind,
        detail = failure.detail.as_str(),
        "platform call failed"
    );
    metric(app.now(), "PlatformErrors", Unit::Count, 1.0, Some(("platform", connection.platform.as_str())));
}
