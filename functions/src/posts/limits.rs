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

/// The limits that hold for an account: its server's, or its platform's. Where its server does not say them just now they are
/// its platform's usual ones.
pub async fn of(app: &App, publish: &dyn Publish, connection: &Connection) -> publish::Limits {
    stated(app, publish, connection).await.unwrap_or_else(|| publish::Limits::from(publish.facts()))
}

/// The limits that hold for an account; `None` where its server does not say them just now.
pub async fn stated(app: &App, publish: &dyn Publish, connection: &Connection) -> Option<publish::Limits> {
    // Only a federated handle names a server with limits of its own.
    let Some((_, server)) = connection.handle.rsplit_once('@').filter(|(user, _)| !user.is_empty()) else {
        return Some(publish::Limits::from(publish.facts()));
    };
    let key = (connection.platform, server.to_owned());
    let now = app.now();
    let known = app.limits.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
    if let Some((at, limits)) = known.filter(|(at, _)| now.duration_since(*at) < LIFE) {
        let _ = at;
        return Some(limits);
    }
    let nobody = AppCredentials::default();
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &nobody };
    let account =
        Account { handle: &connection.handle, platform_account_id: connection.platform_account_id.as_deref() };
    let limits = match tokio::time::timeout(PATIENCE, publish.limits(&cx, &account)).await {
        Ok(Ok(limits)) => limits,
        Ok(Err(failure)) => {
            tracing::info!(%failure, server, "a server did not say its limits");
            return known.map(|(_, limits)| limits);
        }
        Err(_) => {
            tracing::info!(server, "a server was too slow to say its limits");
            return known.map(|(_, limits)| limits);
        }
    };
    let mut known = app.limits.known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(key, (now, limits));
    Some(limits)
}
