//! What a test may ask of the local stack, under `/local`: tokens, the clock, crashes, faults, counts. The deployed
//! stack has none of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use cloud::doorbell::Depth;
use domain::Clock;
use http::{StatusCode, header};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bus::LocalBus;
use crate::clock::LocalClock;
use crate::cpu;
use crate::crossings::{Crash, Crossings};
use crate::faults::{FaultKind, Faults, Strikes};
use crate::login::{self, Grants};
use crate::queue::LocalQueue;
use crate::schedule::Schedule;
use crate::token::{Issuer, Wanted};

/// What can be asked about and changed.
pub struct Control {
    /// Hands out tokens.
    pub issuer: Issuer,
    /// Who is logging in.
    pub grants: Grants,
    /// The origin that people see.
    pub public_origin: String,
    /// The stack's clock.
    pub clock: Arc<LocalClock>,
    /// Counts calls and crashes.
    pub crossings: Arc<Crossings>,
    /// The faults.
    pub faults: Arc<Faults>,
    /// What the outside was told.
    pub bus: Arc<LocalBus>,
    /// The schedules by handler.
    pub schedules: BTreeMap<&'static str, Arc<Schedule>>,
    /// The queues by kind of work.
    pub queues: BTreeMap<&'static str, Arc<LocalQueue>>,
    /// Where the simulator is, if it runs in this process.
    pub simulator: Option<String>,
    /// Where the database listens, so that a test can look at rows.
    pub database: String,
}

type Shared = State<Arc<Control>>;

/// The routes under `/local`.
pub fn router(control: Arc<Control>) -> Router {
    Router::new()
        .merge(login::router())
        .route("/local/.well-known/openid-configuration", get(configuration))
        .route("/local/jwks", get(jwks))
        .route("/local/token", get(token).post(login::exchange))
        .route("/local/clock", get(async |State(c): Shared| Json(now(&c))).post(advance))
        .route(
            "/local/crash",
            post(crash).delete(disarm).get(async |State(c): Shared| {
                Json(json!({"armed": c.crossings.armed(), "stalled": c.crossings.stalled()}))
            }),
        )
        .route("/local/crossings", get(crossings).delete(reset))
        .route("/local/calls", get(async |State(c): Shared| Json(json!(c.crossings.calls()))))
        .route("/local/faults", get(async |State(c): Shared| Json(json!(c.faults.list()))).post(fault).delete(clear))
        .route("/local/events", get(async |State(c): Shared| Json(json!({"events": c.bus.told()}))))
        .route("/local/schedules/{handler}", post(run_schedule))
        .route("/local/queues", get(async |State(c): Shared| Json(queues(&c))).delete(purge))
        .route("/local/queues/{kind}", post(send))
        .route("/local/threads-cpu", get(async || Json(json!(cpu::by_group()))))
        .route("/local/simulator", get(async |State(c): Shared| Json(json!({"url": c.simulator}))))
        .route("/local/database", get(async |State(c): Shared| Json(json!({"url": c.database}))))
        .route("/local/{*rest}", delete(unknown).get(unknown).post(unknown).put(unknown).patch(unknown))
        .with_state(control)
}

fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"error": text, "code": "local_control"}))).into_response()
}

async fn unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "There is no such control route.")
}

/// A body as JSON; an empty one is an empty object.
fn read<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, Box<Response>> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|error| Box::new(refuse(StatusCode::BAD_REQUEST, &error.to_string())))
}

/// Any page may read where to log in.
async fn configuration(State(control): Shared) -> Response {
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(control.issuer.configuration())).into_response()
}

async fn jwks(State(control): Shared) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], control.issuer.jwks().to_owned()).into_response()
}

async fn token(State(control): Shared, Query(wanted): Query<Wanted>) -> Response {
    match control.issuer.token(&wanted, control.clock.now()) {
        Ok(token) => Json(json!({"token": token})).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn now(control: &Control) -> Value {
    json!({"now": control.clock.now()})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn advance(State(control): Shared, body: Bytes) -> Response {
    match read::<Advance>(&body) {
        Ok(advance) => {
            control.clock.advance(SignedDuration::from_secs(advance.advance_seconds));
            Json(now(&control)).into_response()
        }
        Err(refused) => *refused,
    }
}

async fn crash(State(control): Shared, body: Bytes) -> Response {
    match read::<Crash>(&body) {
        Ok(crash) if crash.nth == 0 => refuse(StatusCode::BAD_REQUEST, "nth counts from 1"),
        Ok(crash) => {
            control.crossings.arm(Some(crash));
            Json(json!({"armed": true})).into_response()
        }
        Err(refused) => *refused,
    }
}

async fn disarm(State(control): Shared) -> Json<Value> {
    control.crossings.arm(None);
    Json(json!({"armed": false}))
}

async fn crossings(State(control): Shared) -> Json<Value> {
    Json(json!({"crossings": control.crossings.recorded()}))
}

async fn reset(State(control): Shared) -> Json<Value> {
    control.crossings.reset();
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: FaultKind,
    #[serde(default = "yes")]
    on: bool,
    times: Option<u64>,
    every: Option<u64>,
    operation: Option<String>,
    handler: Option<String>,
}

impl Fault {
    fn strikes(self) -> Option<Strikes> {
        let Self { on, times, every, operation, handler, .. } = self;
        on.then(|| Strikes { times, every: every.unwrap_or(1), operation, handler, ..Strikes::default() })
    }
}

const fn yes() -> bool {
    true
}

async fn fault(State(control): Shared, body: Bytes) -> Response {
    match read::<Fault>(&body) {
        Ok(fault) => {
            control.faults.set(fault.kind, fault.strikes());
            Json(json!(control.faults.list())).into_response()
        }
        Err(refused) => *refused,
    }
}

async fn clear(State(control): Shared) -> Json<Value> {
    control.faults.clear();
    Json(json!({}))
}

async fn run_schedule(State(control): Shared, Path(handler): Path<String>) -> Response {
    let Some(schedule) = control.schedules.get(handler.as_str()).map(Arc::clone) else {
        return refuse(StatusCode::NOT_FOUND, "There is no such schedule.");
    };
    // In a task of its own: a caller that hangs up does not cut the run short.
    match tokio::spawn(async move { schedule.run_once().await }).await {
        Ok(Ok(())) => Json(json!({"ran": handler})).into_response(),
        Ok(Err(error)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn queues(control: &Control) -> Value {
    let depths: BTreeMap<&str, Depth> = control.queues.iter().map(|(kind, queue)| (*kind, queue.depth())).collect();
    json!(depths)
}

/// Puts any text into a queue, as anyone could who has the right to send to it.
async fn send(State(control): Shared, Path(kind): Path<String>, body: String) -> Response {
    match control.queues.get(kind.as_str()) {
        Some(queue) => {
            queue.send(body, SignedDuration::ZERO);
            StatusCode::ACCEPTED.into_response()
        }
        None => refuse(StatusCode::NOT_FOUND, "There is no such queue."),
    }
}

async fn purge(State(control): Shared) -> Json<Value> {
    control.queues.values().for_each(|queue| queue.purge());
    Json(queues(&control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_with_how_often_it_strikes() {
        let fault: Fault = serde_json::from_str(r#"{"kind":"throttle","times":2,"operation":"PutItem"}"#).unwrap();
        let strikes = Strikes { times: Some(2), operation: Some("PutItem".to_owned()), ..Strikes::default() };
        assert_eq!((fault.kind, fault.strikes()), (FaultKind::Throttle, Some(strikes)));
        let off: Fault = serde_json::from_str(r#"{"kind":"workers_stopped","on":false}"#).unwrap();
        assert_eq!(off.strikes(), None);
    }

    #[test]
    fn a_fault_that_is_misspelt_is_refused() {
        for text in [r#"{"kind":"flood"}"#, r#"{"kind":"throttle","time":2}"#, "{}"] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }
}
