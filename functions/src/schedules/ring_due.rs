//! Every minute, and once at start: rings for every row that is due soon, and for overdue ones as far as the queue is
//! not already full. A lost ring, a dead worker and a future sync are all found here.

use std::time::Duration;

use cloud::doorbell::Ring;
use cloud::http::ApiError;
use cloud::work::{self, Due};
use domain::due::{BACKLOG_LIMIT, HORIZON, WorkKind};
use jiff::Timestamp;

use crate::App;

/// How long one run may take: the horizon counts on 60 s, and the next run starts then anyway.
const RUN: Duration = Duration::from_secs(45);
/// How long to wait for workers to make room, before counting again.
const PAUSE: Duration = Duration::from_millis(250);
/// How many rows one query reads.
const PAGE: i32 = 200;

/// Rings for everything that is due.
///
/// # Errors
/// 503 when the table or a queue cannot answer; the next run looks again.
pub async fn handle(app: &App) -> Result<(), ApiError> {
    let started = std::time::Instant::now();
    let mut failed = None;
    for kind in WorkKind::ALL {
        // One kind that cannot be rung must not silence the others.
        if let Err(error) = ring_kind(app, kind, started).await {
            tracing::error!(
                kind = kind.as_str(),
                error = error.internal.as_deref().unwrap_or_default(),
                "ring_due failed for a kind"
            );
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn ring_kind(app: &App, kind: WorkKind, started: std::time::Instant) -> Result<(), ApiError> {
    let now = app.now();
    let until = now.saturating_add(HORIZON).unwrap_or(now);
    let mut room = Room { app, kind, left: 0, known: false, started };
    for shard in 0..app.table.due_shards() {
        let mut from = None;
        loop {
            let (rows, next) = work::due_page(&app.table, kind, shard, until, from, PAGE).await?;
            ring_rows(&mut room, rows, now).await?;
            from = next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}

async fn ring_rows(room: &mut Room<'_>, rows: Vec<Due>, now: Timestamp) -> Result<(), ApiError> {
    let mut batch: Vec<(Ring, Duration)> = Vec::with_capacity(10);
    for row in rows {
        if row.at <= now && !room.take().await? {
            continue;
        }
        batch.push((row.ring, work::ring_delay(row.at, now)));
        if batch.len() == 10 {
            room.app.doorbell.ring_all(room.kind, &batch).await?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        room.app.doorbell.ring_all(room.kind, &batch).await?;
    }
    Ok(())
}

/// How many overdue rows may still be rung: the queue holds fewer than [`BACKLOG_LIMIT`] messages when one is.
struct Room<'a> {
    app: &'a App,
    kind: WorkKind,
    left: u64,
    known: bool,
    started: std::time::Instant,
}

impl Room<'_> {
    /// Takes one place; waits for workers to make room while this run has time, and says false when it has none left.
    async fn take(&mut self) -> Result<bool, ApiError> {
        while self.left == 0 {
            if self.known && self.started.elapsed() > RUN {
                return Ok(false);
            }
            let depth = self.app.doorbell.depth(self.kind).await?;
            self.left = BACKLOG_LIMIT.saturating_sub(depth.waiting + depth.delayed);
            if self.left == 0 {
                if self.started.elapsed() > RUN {
                    return Ok(false);
                }
                tokio::time::sleep(PAUSE).await;
            }
            self.known = true;
        }
        self.left -= 1;
        Ok(true)
    }
}
