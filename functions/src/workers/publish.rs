//! Takes a delivery its next step. The row is the delivery.
//!
//! The steps and their order are docs/reliability.md; which state follows which event is `domain::delivery`. Here a step
//! is chosen by the state that the row was left in, so that going on after a crash is the same as going on.

mod begin;
mod doubt;
mod follow;
mod hold;
mod record;
pub mod rush;
mod submit;
mod work;

use cloud::doorbell::Ring;
use cloud::table::{StoreError, deliveries};
use cloud::work::Extra;
use domain::DeliveryStatus;

use crate::App;
use work::{Outcome, Work};

/// Takes one delivery its next step.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    let row = deliveries::read(&claimed.item)?;
    let poison = claimed.is_poison();
    let Some(mut work) = Work::load(app, ring, &claimed, row).await? else { return Ok(()) };
    if poison {
        tracing::error!(delivery = work.delivery.id.as_str(), "abandoned after five claims without an outcome");
        cloud::telemetry::metric(app.now(), "WorkAbandoned", cloud::telemetry::Unit::Count, 1.0, None);
        return settled(work.abandon().await);
    }
    let (platform, to) = (work.delivery.platform, (work.delivery.workspace.clone(), work.delivery.connection.clone()));
    use DeliveryStatus as S;
    let outcome = match work.delivery.status {
        S::Published if work.delivery.remove => work.delete().await,
        S::Published => work.follow().await,
        // An intent without an outcome: whoever had it died. Nobody submits now; it is looked for.
        S::Submitting => work.doubt_later().await,
        S::Unconfirmed => work.find().await,
        S::Processing => work.look().await,
        // A person tries again what was once sent without a known outcome: look before sending.
        S::Scheduled | S::Claimed if work.delivery.intent_at.is_some() => work.doubt_now().await,
        S::Scheduled | S::Claimed => work.begin().await,
        S::Failed | S::Missed | S::Cancelled => work.rest().await,
    };
    crate::accounts::quota::published(app, platform, &to.0, &to.1).await;
    settled(outcome)
}

/// A lost row is somebody else's; only a table that cannot answer puts the message back.
fn settled(outcome: Result<(), Outcome>) -> Result<(), StoreError> {
    match outcome {
        Ok(()) | Err(Outcome::Lost | Outcome::Taken) => Ok(()),
        Err(Outcome::Store(error)) => Err(error),
    }
}
