//! The limits that servers of federated platforms set for themselves, remembered for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{Connection, Platform};
use jiff::{SignedDuration, Timestamp};
use platforms::publish::{self, Publish};
use platforms::{Account, AppCredentials, Context};

use crate::App;

/// How long an answer is used.
const LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long a person waits for a server that is slow; the platform's usual limits hold then.
const PATIENCE: Duration = Duration::from_secs(3);
/// More servers than one process remembers.
const MOST: usize = 1_000;

type Remembered = HashMap<(Platform, String), (Timestamp, publish::Limits)>;

/// What was answered, by platform and server.
#[derive(Debug, Default)]
pub struct Limits {
    known: Mutex<Remembered>,
}

/// The limits that hold for an account: its server's, or its platform's.
pub async fn of(app: &App, publish: &dyn Publish, connection: &Connection) -> publish::Limits {
    let standard = publish::Limits::from(publish.facts());
    // Only a federated handle names a server with limits of its own.
    let Some((_, server)) = connection.handle.rsplit_once('@').filter(|(user, _)| !user.is_empty()) else {
        return standard;
    };
    let key = (connection.platform, server.to_owned());
    let now = app.now();
    let known = app.limits.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
    if let Some((at, limits)) = known.filter(|(at, _)| now.duration_since(*at) < LIFE) {
        let _ = at;
        return limits;
    }
    let nobody = AppCredentials::default();
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &nobody };
    let account =
        Account { handle: &connection.handle, platform_account_id: connection.platform_account_id.as_deref() };
    let limits = match tokio::time::timeout(PATIENCE, publish.limits(&cx, &account)).await {
        Ok(Ok(limits)) => limits,
        Ok(Err(failure)) => {
            tracing::info!(%failure, server, "a server did not say its limits; the usual ones are used");
            return known.map_or(standard, |(_, limits)| limits);
        }
        Err(_) => {
            tracing::info!(server, "a server was too slow to say its limits; the usual ones are used");
            return known.map_or(standard, |(_, limits)| limits);
        }
    };
    let mut known = app.limits.known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(key, (now, limits));
    limits
}
