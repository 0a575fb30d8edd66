//! Every five minutes: rings for the accounts whose figures are due. It reads the `due` index as `ring_due` does, and never
//! the accounts themselves; a flood of looks fills its own queue and its own run, and holds up no post.

use cloud::http::ApiError;
use domain::due::WorkKind;

use super::ring_due::ring_kind;
use crate::App;

/// Rings for every sweep that is due, as far as its queue has room.
///
/// # Errors
/// 503 when the table or the queue cannot answer; the next run looks again.
pub async fn handle(app: &App) -> Result<(), ApiError> {
    ring_kind(app, WorkKind::Sweep, std::time::Instant::now()).await
}
