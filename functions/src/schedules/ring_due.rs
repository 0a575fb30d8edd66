//! Every minute, and once at start: rings for every row that is due soon, and for overdue ones as far as the queue is
//! not already full. A lost ring, a dead worker and a future sync are all found here.
//!
//! A row of the future is rung for once: each run goes on where the one before it ended
//! (docs/decisions/0027-a-row-of-the-future-is-rung-for-once.md).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloud::doorbell::Ring;
use cloud::http::ApiError;
use cloud::work::{self, Due, Span};
use domain::due::{BACKLOG_LIMIT, HORIZON, WorkKind};
use futures_util::future::join_all;
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
    // Side by side: one kind that has to wait for room, or cannot be rung, must not hold up the others.
    // Looks at figures are never urgent, and have a schedule of their own.
    let kinds = WorkKind::ALL.into_iter().filter(|kind| *kind != WorkKind::Sweep);
    let runs = join_all(kinds.map(|kind| async move { (kind, ring_kind(app, kind, started).await) })).await;
    let mut failed = None;
    for (kind, run) in runs {
        if let Err(error) = run {
            let reason = error.internal.as_deref().unwrap_or_default();
            tracing::error!(kind = kind.as_str(), reason, "ring_due failed for a kind");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// First what is to start on its second, then what is late already and may have to wait for room. One query of a shard
/// answers for both, unless there is more than a page.
///
/// # Errors
/// 503 when the table or the queue cannot answer.
pub async fn ring_kind(app: &App, kind: WorkKind, started: std::time::Instant) -> Result<(), ApiError> {
    let now = app.now();
    let until = now.saturating_add(HORIZON).unwrap_or(now);
    let ahead = app.rung.take(kind, now, until);
    let mut late = Vec::new();
    for shard in 0..app.table.due_shards() {
        let all = Span { after: None, until };
        let (mut rows, next) = work::due_page(&app.table, kind, shard, all, None, PAGE).await?;
        if next.is_none() {
            let soon = rows.split_off(rows.partition_point(|row| row.at <= ahead.after));
            ring_rows(app, kind, &soon, &mut None).await?;
            rows.truncate(rows.partition_point(|row| row.at <= now));
            late.push(Late::Read(rows));
        } else {
            ring_span(app, kind, shard, Span { after: Some(ahead.after), until }, &mut None).await?;
            late.push(Late::Unread(shard));
        }
    }
    ahead.finish();
    let mut room = Some(Room { app, kind, left: 0, started });
    for late in late {
        let went_on = match late {
            Late::Read(rows) => ring_rows(app, kind, &rows, &mut room).await?,
            Late::Unread(shard) => ring_span(app, kind, shard, Span { after: None, until: now }, &mut room).await?,
        };
        if !went_on {
            break;
        }
    }
    Ok(())
}

/// Up to which due time the rows of each kind have been rung for. It lives as long as the process: a new one rings again
/// for all that is near, as it must where the queue lived in the old one.
#[derive(Debug, Default)]
pub struct Rung(Mutex<HashMap<WorkKind, Timestamp>>);

/// The rows of the future that are one run's: of two runs at the same time each has its own. Dropped before it is done,
/// it is left to the next run.
struct Ahead<'a> {
    rung: &'a Rung,
    kind: WorkKind,
    /// What is due until then has its ring, or is overdue.
    after: Timestamp,
    done: bool,
}

impl Rung {
    /// Takes what is due until `until`, from where the last run ended. After a step back of the clock nothing is certain
    /// any more.
    fn take(&self, kind: WorkKind, now: Timestamp, until: Timestamp) -> Ahead<'_> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, until);
        let after = known.filter(|known| *known <= until).map_or(now, |known| known.max(now));
        Ahead { rung: self, kind, after, done: false }
    }
}

impl Ahead<'_> {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.rung.0.lock().unwrap_or_else(PoisonError::into_inner).insert(self.kind, self.after);
        }
    }
}

/// What is overdue in a shard.
enum Late {
    /// All of it, the most overdue first.
    Read(Vec<Due>),
    /// More than a page.
    Unread(u32),
}

/// Rings for a span of a shard, page by page; false when this run has no time left.
async fn ring_span(
    app: &App,
    kind: WorkKind,
    shard: u32,
    span: Span,
    room: &mut Option<Room<'_>>,
) -> Result<bool, ApiError> {
    let mut from = None;
    loop {
        let (rows, next) = work::due_page(&app.table, kind, shard, span, from, PAGE).await?;
        if !ring_rows(app, kind, &rows, room).await? {
            return Ok(false);
        }
        from = next;
        if from.is_none() {
            return Ok(true);
        }
    }
}

/// Rings for rows, as far as there is room where room is asked for; false when this run has no time left and the next
/// one has to go on.
async fn ring_rows(app: &App, kind: WorkKind, rows: &[Due], room: &mut Option<Room<'_>>) -> Result<bool, ApiError> {
    for chunk in rows.chunks(10) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let places = match room {
                None => rest.len(),
                Some(room) => room.take(rest.len()).await?,
            };
            if places == 0 {
                return Ok(false);
            }
            let (rung, later) = rest.split_at(places.min(rest.len()));
            ring_all(app, kind, rung).await?;
            rest = later;
        }
    }
    Ok(true)
}

async fn ring_all(app: &App, kind: WorkKind, rows: &[Due]) -> Result<(), ApiError> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = app.now();
    let delay = if kind == WorkKind::Publish { work::lead_delay } else { work::ring_delay };
    let rings: Vec<(Ring, Duration)> = rows.iter().map(|row| (row.ring.clone(), delay(row.at, now))).collect();
    Ok(app.doorbell.ring_all(kind, &rings).await?)
}

/// How many overdue rows may still be rung: the queue holds fewer than [`BACKLOG_LIMIT`] messages when one is.
struct Room<'a> {
    app: &'a App,
    kind: WorkKind,
    left: usize,
    started: std::time::Instant,
}

impl Room<'_> {
    /// Takes up to `wanted` places; waits for workers to make room while this run has time, and answers none after it.
    async fn take(&mut self, wanted: usize) -> Result<usize, ApiError> {
        while self.left == 0 {
            let depth = self.app.doorbell.depth(self.kind).await?;
            // Overdue rows are rung without a delay, so what waits for its time is not the backlog they make.
            let room = BACKLOG_LIMIT.saturating_sub(depth.waiting);
            self.left = usize::try_from(room).unwrap_or(usize::MAX);
            if self.left == 0 {
                if self.started.elapsed() > RUN {
                    return Ok(0);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        let taken = wanted.min(self.left);
        self.left -= taken;
        Ok(taken)
    }
}
