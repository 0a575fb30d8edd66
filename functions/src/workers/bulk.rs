//! Makes posts of the rows of a file. A job's own row spreads its chunks; a chunk is worked through row by row.

mod chunk;
mod row;

use cloud::doorbell::Ring;
use cloud::table::{StoreError, bulk, keys};
use cloud::work::{Claimed, Extra, Finish, Next};
use domain::due::WorkKind;
use futures_util::future::try_join_all;

use crate::App;

/// How many chunks are made due at a time.
const AT_ONCE: u32 = 10;

/// Spreads a job, or works on one of its chunks.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    if ring.sk == keys::BULK_JOB_SK { spread(app, &claimed).await } else { chunk::work(app, &ring, claimed).await }
}

/// Makes each chunk due. A crash in between does it again; a chunk that was started or finished is left alone.
async fn spread(app: &App, claimed: &Claimed) -> Result<(), StoreError> {
    let job = bulk::standing(&claimed.item)?.job;
    let mut from = 0;
    while from < job.chunks {
        let chunks = from..job.chunks.min(from + AT_ONCE);
        from = chunks.end;
        try_join_all(chunks.clone().map(|chunk| bulk::spread(&app.table, &job, chunk, app.now()))).await?;
        let rings: Vec<_> = chunks.map(|chunk| (job.chunk_ring(chunk), std::time::Duration::ZERO)).collect();
        if let Err(error) = app.doorbell.ring_all(WorkKind::Bulk, &rings).await {
            tracing::warn!(%error, count = rings.len(), "rings lost; ring_due will ring again");
        }
    }
    Finish::outcome(Next::Never).write(&app.table, &claimed.token).await?;
    Ok(())
}
