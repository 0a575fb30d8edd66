//! A chunk of a bulk job: its rows one by one, what became of them kept on the way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cloud::doorbell::{self, Ring};
use cloud::table::bulk::{self, Chunk, Counts};
use cloud::table::deliveries::Delivery;
use cloud::table::{StoreError, keys, n};
use cloud::telemetry::{Unit, metric};
use cloud::work::{Claimed, Finish, Next, Token};
use domain::due::{LEASE, SKEW};
use domain::{Caller, PostId};

use super::row::{self, Done, Work};
use crate::App;
use crate::posts;
use crate::posts::bulk::columns::{self, Column};
use crate::posts::bulk::lines::{RowStatus, RowView};
use crate::posts::bulk::sheet::{Row, Sheet};

/// After so many rows it is kept what became of them.
const KEEP_AFTER: usize = 25;
/// And after so long, so that a lease always has time for the slowest row.
const KEEP_EVERY: Duration = Duration::from_secs(10);
/// A call works so long and puts the rest back. Lambda ends it at 60 s, and the last row may be slow.
const SLICE: Duration = Duration::from_secs(35);

/// A chunk in work.
struct Run<'a> {
    app: &'a App,
    ring: &'a Ring,
    token: Token,
    chunk: Chunk,
    caller: Caller,
    columns: Vec<Column>,
    lines: Vec<RowView>,
    /// How many of the lines are kept.
    kept: usize,
    kept_at: Instant,
    /// What was made since then, to be rung for.
    made: Vec<Delivery>,
}

/// Whether to go on.
enum On {
    Yes,
    /// Another worker has the chunk.
    Lost,
}

/// Works through the rows of a claimed chunk.
///
/// # Errors
/// [`StoreError`].
pub async fn work(app: &App, ring: &Ring, claimed: Claimed) -> Result<(), StoreError> {
    let started = Instant::now();
    let Some(chunk) = bulk::chunk(&app.table, &claimed.item).await? else {
        tracing::warn!(pk = ring.pk, sk = ring.sk, "the job of this chunk is gone");
        return bulk::forget(&app.table, &claimed.token).await;
    };
    let unreadable = |error: serde_json::Error| StoreError::Malformed(format!("{} {}: {error}", ring.pk, ring.sk));
    let sheet: Sheet = serde_json::from_str(&chunk.text).map_err(unreadable)?;
    let lines: Vec<RowView> =
        chunk.lines.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?.unwrap_or_default();
    // The header was read when the file came; an option that has gone since would be the one thing that differs.
    let columns = columns::columns(&app.platforms, &sheet.header)
        .map_err(|error| StoreError::Malformed(format!("{}: {}", ring.pk, error.message)))?;
    // A worker before this one may have made posts and not told.
    let recovering = claimed.claims > 1;
    let mut poison = claimed.is_poison();
    let rest: Vec<Row> = sheet.rows.into_iter().skip(lines.len()).collect();
    let there = if recovering { made_before(app, &chunk, &rest).await? } else { BTreeSet::new() };
    let (kept, caller) = (lines.len(), chunk.job.caller());
    let mut run = Run {
        app,
        ring,
        token: claimed.token,
        chunk,
        caller,
        columns,
        lines,
        kept,
        kept_at: started,
        made: Vec::new(),
    };
    for (number, cells) in rest {
        if started.elapsed() > SLICE {
            return run.put_back().await;
        }
        // After a crash each row is kept, so that one that ends the worker each time is found.
        let unkept = run.lines.len() - run.kept;
        let due = unkept >= KEEP_AFTER || (recovering && unkept > 0) || run.kept_at.elapsed() > KEEP_EVERY;
        if due && matches!(run.keep_on().await?, On::Lost) {
            return Ok(());
        }
        let id = row::post_id(&run.chunk.job, number);
        let line = if there.contains(&id) {
            RowView::new(number, RowStatus::Created, Some(&id), Vec::new())
        } else if std::mem::take(&mut poison) {
            run.abandoned(number);
            row::interrupted(number)
        } else {
            let work = Work { app, job: &run.chunk.job, caller: &run.caller, token: &run.token, columns: &run.columns };
            match work.row(number, &id, &cells).await? {
                Done::Line(line) => line,
                Done::Made(line, deliveries) => {
                    run.made.extend(deliveries);
                    line
                }
                Done::Lost => return Ok(()),
            }
        };
        run.lines.push(line);
    }
    run.end().await
}

/// Which of the rows' posts there are.
async fn made_before(app: &App, chunk: &Chunk, rows: &[Row]) -> Result<BTreeSet<PostId>, StoreError> {
    if chunk.job.dry_run || rows.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: Vec<PostId> = rows.iter().map(|(number, _)| row::post_id(&chunk.job, *number)).collect();
    let key = |id: &PostId| (keys::post_pk(&chunk.job.workspace, id), keys::POST_SK.to_owned());
    let found = app.table.get_many(&ids.iter().map(key).collect::<Vec<_>>()).await?;
    let found: BTreeSet<String> =
        found.iter().filter_map(|item| item.get("pk").and_then(|pk| pk.as_s().ok()).cloned()).collect();
    Ok(ids.into_iter().filter(|id| found.contains(&key(id).0)).collect())
}

impl Run<'_> {
    fn json(&self) -> Result<String, StoreError> {
        serde_json::to_string(&self.lines).map_err(|error| StoreError::Malformed(error.to_string()))
    }

    /// Keeps the lines and holds the chunk for another lease.
    async fn keep_on(&mut self) -> Result<On, StoreError> {
        let now = self.app.now();
        let lease_end = now.saturating_add(LEASE + SKEW).unwrap_or(now);
        // The claim that goes on is the first since this outcome.
        let finish = Finish::outcome(Next::At(lease_end)).set("claims", n(1));
        self.keep(finish).await
    }

    async fn keep(&mut self, finish: Finish) -> Result<On, StoreError> {
        let held = bulk::keep(&self.app.table, &self.token, &self.chunk, self.json()?, finish).await?;
        self.tell().await;
        (self.kept, self.kept_at) = (self.lines.len(), Instant::now());
        Ok(if held { On::Yes } else { On::Lost })
    }

    /// Leaves the rest to the next call.
    async fn put_back(&mut self) -> Result<(), StoreError> {
        let finish = Finish::outcome(Next::At(self.app.now()));
        if matches!(self.keep(finish).await?, On::Yes) {
            doorbell::ring(self.app.doorbell.as_ref(), self.ring.clone(), Duration::ZERO).await;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<(), StoreError> {
        let count = |status| u32::try_from(self.lines.iter().filter(|line| line.status == status).count()).unwrap_or(0);
        let counts = Counts {
            created: count(RowStatus::Created),
            valid: count(RowStatus::Valid),
            failed: count(RowStatus::Failed),
        };
        let ended = bulk::end(&self.app.table, &self.token, &self.chunk, self.json()?, counts).await?;
        self.tell().await;
        if ended {
            tracing::info!(
                event = "post_bulk_chunk",
                job = self.chunk.job.id.as_str(),
                chunk = self.chunk.number,
                created = counts.created,
                valid = counts.valid,
                failed = counts.failed,
            );
        }
        Ok(())
    }

    /// Rings for the deliveries that were made, best effort.
    async fn tell(&mut self) {
        let made = std::mem::take(&mut self.made);
        posts::ring(self.app, &made, self.app.now()).await;
    }

    fn abandoned(&self, row: u32) {
        let job = self.chunk.job.id.as_str();
        tracing::error!(job, row, work = "bulk", "abandoned after five claims without an outcome");
        metric(self.app.now(), "WorkAbandoned", Unit::Count, 1.0, None);
    }
}
