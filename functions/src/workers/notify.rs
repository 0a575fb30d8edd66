//! Tells the outside of something that happened. The row is the event; it is forgotten once the bus has it.

use cloud::doorbell::Ring;
use cloud::table::{StoreError, events};
use cloud::telemetry::{Unit, metric};
use cloud::work::{Extra, Finish, Next};
use jiff::SignedDuration;

use crate::App;

/// The longest wait between two tries.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_hours(1);

/// Hands one event to the bus. A crash between that and forgetting the row tells it again, with the same id.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    let event = events::read(&claimed.item)?;
    match app.bus.put(&event).await {
        Ok(()) => {
            events::forget(&app.table, &claimed.token).await?;
            tracing::info!(event = "event_told", name = event.name.as_str(), id = event.id.as_str());
        }
        Err(error) => {
            tracing::warn!(%error, name = event.name.as_str(), id = event.id.as_str(), "event not told; it is tried again");
            metric(app.now(), "EventsNotTold", Unit::Count, 1.0, None);
            // The claims go on counting, and the wait with them; an event is never given up.
            let wait = SignedDuration::from_secs(5 << claimed.claims.min(10)).min(LONGEST_BACKOFF);
            let at = app.now().saturating_add(wait).unwrap_or(app.now());
            let finish = Finish::outcome(Next::At(at)).set("claims", cloud::table::n(claimed.claims));
            finish.write(&app.table, &claimed.token).await?;
        }
    }
    Ok(())
}
