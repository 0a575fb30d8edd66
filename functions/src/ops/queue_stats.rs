//! `GET /api/admin/queue-stats`: queues and states at a glance.

use std::collections::BTreeMap;

use cloud::doorbell::Depth;
use cloud::http::{ApiError, Request, Response};
use cloud::table::stats;
use domain::due::WorkKind;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Queues as they are now, states as they were counted last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueStats {
    /// Each queue.
    queues: Vec<QueueView>,
    /// Connections per sync state; `null` until the first count.
    connections: Option<BTreeMap<String, u64>>,
    /// Deliveries per state; `null` until the first count.
    deliveries: Option<BTreeMap<String, u64>>,
    /// When the states were counted, every five minutes.
    as_of: Option<Timestamp>,
}

/// A queue. SQS's numbers are approximate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Its name.
    name: &'static str,
    /// Messages ready to be received.
    waiting: u64,
    /// Messages received and not yet acknowledged.
    in_flight: u64,
    /// Messages whose delay is not over.
    delayed: u64,
    /// Messages in the dead-letter queue.
    dead: u64,
    /// Seconds since the most overdue row of this kind was due, as of the last count; `null` before it.
    oldest_age_seconds: Option<i64>,
}

/// Shows queues and states.
///
/// # Errors
/// 503 when a queue cannot be asked.
#[utoipa::path(
    get, path = "/api/admin/queue-stats", operation_id = "ops.queue_stats", tag = "Operations",
    responses((status = 200, body = QueueStats), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let counted = stats::get(&app.table, &request.caller()?.workspace).await?;
    let depths: Vec<Depth> = try_join_all(WorkKind::ALL.map(|kind| app.doorbell.depth(kind))).await?;
    let queues = WorkKind::ALL.into_iter().zip(depths).map(|(kind, depth)| QueueView {
        name: kind.as_str(),
        waiting: depth.waiting,
        in_flight: depth.in_flight,
        delayed: depth.delayed,
        dead: depth.dead,
        oldest_age_seconds: counted.as_ref().map(|stats| {
            let due = stats.oldest_due.get(kind.as_str()).copied();
            due.map_or(0, |due| request.now.duration_since(due).as_secs().max(0))
        }),
    });
    Response::ok(&QueueStats {
        queues: queues.collect(),
        as_of: counted.as_ref().map(|stats| stats.as_of),
        deliveries: counted.as_ref().and_then(stats::Stats::deliveries),
        connections: counted.map(|stats| stats.connections),
    })
}
