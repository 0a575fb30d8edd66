//! The use cases that several routes and workers share: linking an account, an app's credentials, live tokens, the time
//! that a request has.

pub mod budget;
pub mod credentials;
pub mod link;
pub mod quota;
pub mod reconnect;
pub mod tokens;

use cloud::{doorbell, work};
use domain::Connection;
use domain::due::NEAR;
use jiff::Timestamp;

use crate::App;

/// Rings for a sync that starts at `at`; one beyond the horizon is rung by `ring_due` when its time comes.
pub async fn ring_sync(app: &App, connection: &Connection, at: Timestamp) {
    let now = app.now();
    if now.duration_until(at) < NEAR {
        doorbell::ring(app.doorbell.as_ref(), work::ingest_ring(connection), work::ring_delay(at, now)).await;
    }
}
