//! Two thousand accounts linked at once, and the lists of them read.

use std::time::{Duration, Instant};

use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::scenes::all_ready;
use crate::stats::percentile;

/// Accounts that are linked.
pub const CONNECTS: usize = 2_000;
/// Callers at a time.
pub const CALLERS: usize = 32;
/// Lists that are read.
pub const LISTS: usize = 2_000;
/// Accounts of each talent, and so rows of each list.
pub const ROWS: usize = 20;
const TALENTS: usize = CONNECTS / ROWS;
/// Linked before anything is measured, so that connections and caches stand.
const WARM_UP: usize = 100;

/// CPU time of the stack's threads, in milliseconds. The simulator's is in another process.
#[derive(Clone, Copy, Default)]
pub struct Cpu {
    /// Gateway, handlers, workers.
    pub herald: f64,
    /// The embedded database.
    pub database: f64,
    /// The whole process, as the kernel counts it, threads that have ended too.
    pub process: f64,
}

/// Calls from outside and what they cost inside.
pub struct Phase {
    /// The time of each call as its caller saw it.
    pub latencies: Vec<Duration>,
    /// Until the work of all calls was done.
    pub took: Duration,
    /// CPU of all of it.
    pub cpu: Cpu,
}

impl Phase {
    /// The latency that so many of a hundred calls do not exceed.
    pub fn latency(&self, percent: usize) -> Duration {
        percentile(self.latencies.clone(), percent)
    }
}

/// What was measured.
pub struct Load {
    /// Linking, until all are READY.
    pub connects: Phase,
    /// Until the last POST was answered.
    pub posted: Duration,
    /// Reading lists.
    pub lists: Phase,
}

/// Links and lists.
///
/// # Errors
/// When the stack does not do what it should.
pub async fn measure(stack: &Stack) -> Result<Load> {
    let admin = stack.admin("load").await?;
    for talent in 0..TALENTS {
        admin.talent(&talent_of(talent)).await?;
    }
    let warm = stack.admin("warm").await?;
    for talent in 0..TALENTS {
        warm.talent(&talent_of(talent)).await?;
    }
    connect_all(&warm, WARM_UP).await?;
    idle(stack, "ingest").await?;

    let before = cpu(stack).await?;
    let begun = Instant::now();
    let latencies = connect_all(&admin, CONNECTS).await?;
    let posted = begun.elapsed();
    idle(stack, "ingest").await?;
    let took = begun.elapsed();
    let connects = Phase { latencies, took, cpu: cpu(stack).await?.since(before) };
    for n in 0..TALENTS {
        // The queue was empty, so a connection that is not READY now failed or was forgotten.
        all_ready(&admin, &talent_of(n), Duration::ZERO).await?;
    }

    let before = cpu(stack).await?;
    let begun = Instant::now();
    let latencies = each(LISTS, |n| {
        let admin = admin.clone();
        async move {
            let rows = admin.connections(&talent_of(n)).await?;
            if rows.len() == ROWS { Ok(()) } else { Err(format!("{} rows instead of {ROWS}", rows.len()).into()) }
        }
    })
    .await?;
    let lists = Phase { latencies, took: begun.elapsed(), cpu: cpu(stack).await?.since(before) };
    Ok(Load { connects, posted, lists })
}

async fn connect_all(admin: &Client, count: usize) -> Result<Vec<Duration>> {
    each(count, |n| {
        let admin = admin.clone();
        async move {
            let body =
                json!({"talentId": talent_of(n), "platform": "BLUESKY", "handle": format!("load{n}.bsky.social")});
            let reply = admin.post("/api/admin/socials/connect-manual", &body).await?;
            if reply.status == 201 { Ok(()) } else { Err(format!("{} {}", reply.status, reply.text).into()) }
        }
    })
    .await
}

fn talent_of(account: usize) -> String {
    format!("t{}", account % TALENTS)
}

/// Runs `call` for the numbers up to `count`, [`CALLERS`] at a time; how long each took.
///
/// # Errors
/// The first one of a call.
pub async fn each<F>(count: usize, call: impl Fn(usize) -> F) -> Result<Vec<Duration>>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        // A future does nothing before its caller gets to it.
        let calls: Vec<F> = (caller..count).step_by(CALLERS).map(&call).collect();
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(calls.len());
            for call in calls {
                let begun = Instant::now();
                call.await?;
                took.push(begun.elapsed());
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

/// Waits until the queue of a kind of work is empty and nobody works on what came from it.
///
/// # Errors
/// When it is not in time.
pub async fn idle(stack: &Stack, kind: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let queues = stack.client.get("/local/queues").await?.body;
        let left: u64 =
            ["waiting", "in_flight", "delayed"].iter().filter_map(|part| queues[kind][*part].as_u64()).sum();
        if left == 0 && queues[kind].is_object() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("the queue does not run empty: {queues}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the stack has used so far.
///
/// # Errors
/// When it does not answer.
pub async fn cpu(stack: &Stack) -> Result<Cpu> {
    let groups: Value = stack.client.get("/local/threads-cpu").await?.body;
    let group = |name: &str| groups[name].as_f64().unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", stack.pid()))?;
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    Ok(Cpu { herald: group("herald"), database: group("database"), process: (ticks(11) + ticks(12)) * 10.0 })
}

impl Cpu {
    /// What was used since then.
    pub fn since(self, before: Self) -> Self {
        Self {
            herald: self.herald - before.herald,
            database: self.database - before.database,
            process: self.process - before.process,
        }
    }

    /// The share of one of `count`.
    pub fn per(self, count: usize) -> Self {
        let count = count as f64;
        Self { herald: self.herald / count, database: self.database / count, process: self.process / count }
    }
}
