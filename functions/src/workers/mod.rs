//! One file per queue. A worker is told of a row, claims it, does its work and writes the outcome.

pub mod bulk;
pub mod erase;
pub mod ingest;
pub mod notify;
pub mod publish;
pub mod refresh;
pub mod sweep;

use std::time::Duration;

use cloud::doorbell::{self, Ring};
use cloud::table::StoreError;
use cloud::telemetry::{Unit, metric};
use cloud::work::{self, Claim, Claimed, Extra, Finish, Next, Token};
use jiff::{SignedDuration, Timestamp};

use crate::App;

/// Tells of a row that five claims left without an outcome (an alarm watches `WorkAbandoned`), and answers the outcome that
/// looks at it again in an hour. The row itself is not read: that may be what the claims died of.
pub fn abandoned(app: &App, token: &Token, work: &'static str) -> (Timestamp, Finish) {
    let (pk, sk) = (token.pk.as_str(), token.sk.as_str());
    tracing::error!(pk, sk, work, "abandoned after five claims without an outcome");
    metric(app.now(), "WorkAbandoned", Unit::Count, 1.0, None);
    let at = app.now().saturating_add(SignedDuration::from_hours(1)).unwrap_or(app.now());
    (at, Finish::outcome(Next::At(at)))
}

/// Takes the row that a ring names, if there is work to do: waits for the rest of a second, rings again for what is
/// due inside the horizon, and drops everything else.
///
/// # Errors
/// [`StoreError`] when the table cannot answer.
pub async fn take(app: &App, ring: &Ring, extra: impl Fn() -> Extra) -> Result<Option<Claimed>, StoreError> {
    // A clock that stands or goes back must not keep a worker here: after a few waits, ring_due takes over.
    for _ in 0..3 {
        match work::claim(&app.table, ring, app.now(), extra()).await? {
            Claim::Taken(claimed) => return Ok(Some(claimed)),
            Claim::Wait(wait) => tokio::time::sleep(wait.max(Duration::from_millis(1))).await,
            Claim::RingAgain(delay) => {
                // The whole seconds go to the queue, what is left of them to the wait above.
                doorbell::ring(app.doorbell.as_ref(), ring.clone(), Duration::from_secs(delay.as_secs())).await;
                return Ok(None);
            }
            Claim::Nothing => return Ok(None),
        }
    }
    Ok(None)
}
