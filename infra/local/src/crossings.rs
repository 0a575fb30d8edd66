//! Every call that leaves the process is counted here, and the process dies at one of them on request.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cloud::vault::{DataKey, EncryptionContext, KeyService, PlainKey, VaultError};
use outbound::{Crossing, Phase, Probe};
use serde::{Deserialize, Serialize};

use crate::scope;

/// The most crossings that one recording keeps.
const MOST_RECORDED: usize = 100_000;

/// A crossing that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its number since the recording began, from 1.
    pub n: usize,
    /// `dynamodb`, `queue`, `vault` or `platform`.
    pub service: &'static str,
    /// The operation, or the platform's host.
    pub operation: String,
    /// The handler whose work it was.
    pub handler: &'static str,
}

/// Where the process is to die.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Before the call is sent, or after its answer and before anyone acted on it.
    pub phase: CrashPhase,
    /// At the how manyth crossing from now on, from 1.
    #[serde(default = "first")]
    pub nth: u64,
    /// Count only crossings to this service.
    #[serde(default)]
    pub service: Option<String>,
    /// Count only crossings of this operation.
    #[serde(default)]
    pub operation: Option<String>,
    /// Count only crossings in the work of this handler.
    #[serde(default)]
    pub scope: Option<String>,
    /// Do not die: stand still there until the crash is disarmed, as a machine that swaps or a frozen function does.
    #[serde(default)]
    pub stall: bool,
}

/// On which side of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPhase {
    /// The call has not been sent.
    Before,
    /// Its effect is there; nobody knows of it.
    After,
}

const fn first() -> u64 {
    1
}

impl Crash {
    fn counts(&self, crossing: Crossing<'_>, phase: Phase, handler: &str) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let phase_is = match self.phase {
            CrashPhase::Before => phase == Phase::Before,
            CrashPhase::After => phase == Phase::After,
        };
        phase_is
            && is(&self.service, crossing.service)
            && is(&self.operation, crossing.operation)
            && is(&self.scope, handler)
    }
}

/// Calls per handler and operation.
pub type Calls = BTreeMap<String, BTreeMap<String, u64>>;

/// By handler, service and operation.
type Counts = HashMap<&'static str, HashMap<&'static str, HashMap<String, u64>>>;

/// Counts crossings, records them, and ends the process at one of them.
pub struct Crossings {
    counts: Mutex<Counts>,
    recording: AtomicBool,
    recorded: Mutex<Vec<Seen>>,
    armed: AtomicBool,
    crash: Mutex<Option<Crash>>,
    /// How many stand still; woken by the next arming or disarming.
    stalled: Mutex<u32>,
    wake: Condvar,
    kill: Box<dyn Fn() + Send + Sync>,
}

impl Default for Crossings {
    fn default() -> Self {
        Self::with_kill(Box::new(die))
    }
}

impl Crossings {
    fn with_kill(kill: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            counts: Mutex::default(),
            recording: AtomicBool::new(false),
            recorded: Mutex::default(),
            armed: AtomicBool::new(false),
            crash: Mutex::default(),
            stalled: Mutex::default(),
            wake: Condvar::new(),
            kill,
        }
    }

    /// Forgets what was recorded and counted, and records from now on.
    pub fn reset(&self) {
        lock(&self.recorded).clear();
        lock(&self.counts).clear();
        self.recording.store(true, Ordering::Release);
    }

    /// What was recorded since the last reset.
    #[must_use]
    pub fn recorded(&self) -> Vec<Seen> {
        lock(&self.recorded).clone()
    }

    /// How many calls there were, by handler and `service.operation`. Platform calls count under `platform`.
    #[must_use]
    pub fn calls(&self) -> Calls {
        let mut calls = Calls::new();
        for (handler, services) in &*lock(&self.counts) {
            let of_handler = calls.entry((*handler).to_owned()).or_default();
            for (service, operations) in services {
                of_handler.extend(operations.iter().map(|(operation, n)| (format!("{service}.{operation}"), *n)));
            }
        }
        calls
    }

    /// Arms a crash, or disarms it.
    pub fn arm(&self, crash: Option<Crash>) {
        self.armed.store(crash.is_some(), Ordering::Release);
        *lock(&self.crash) = crash;
        *lock(&self.stalled) = 0;
        self.wake.notify_all();
    }

    /// How many threads stand still at the crossing that was named.
    #[must_use]
    pub fn stalled(&self) -> u32 {
        *lock(&self.stalled)
    }

    fn stand_still(&self) {
        let mut stalled = lock(&self.stalled);
        *stalled += 1;
        while *stalled > 0 {
            stalled = self.wake.wait(stalled).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The crash that waits for its crossing.
    #[must_use]
    pub fn armed(&self) -> bool {
        self.armed.load(Ordering::Acquire)
    }

    fn count(&self, crossing: Crossing<'_>, handler: &'static str) {
        let mut counts = lock(&self.counts);
        let operations = counts.entry(handler).or_default().entry(crossing.service).or_default();
        match operations.get_mut(crossing.operation) {
            Some(count) => *count += 1,
            None => {
                operations.insert(crossing.operation.to_owned(), 1);
            }
        }
    }
}

impl Probe for Crossings {
    fn crossing(&self, crossing: Crossing<'_>, phase: Phase) {
        let handler = scope::handler();
        if phase == Phase::Before {
            self.count(crossing, handler);
            if self.recording.load(Ordering::Acquire) {
                let mut recorded = lock(&self.recorded);
                let n = recorded.len() + 1;
                if n <= MOST_RECORDED {
                    let operation = crossing.operation.to_owned();
                    recorded.push(Seen { n, service: crossing.service, operation, handler });
                }
            }
        }
        if !self.armed() {
            return;
        }
        let mut crash = lock(&self.crash);
        let Some(armed) = crash.as_mut().filter(|armed| armed.counts(crossing, phase, handler)) else { return };
        armed.nth = armed.nth.saturating_sub(1);
        if armed.nth == 0 && armed.stall {
            *crash = None;
            self.armed.store(false, Ordering::Release);
            drop(crash);
            // The other tasks of this thread go on elsewhere.
            tokio::task::block_in_place(|| self.stand_still());
        } else if armed.nth == 0 {
            // The lock is held on: no other thread may pass a crossing any more.
            (self.kill)();
        }
    }
}

/// Ends the process as a power cut would: no destructor runs, nothing is flushed.
fn die() {
    let sent = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    if sent.is_err() {
        std::process::abort();
    }
    loop {
        std::thread::park();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A key service whose calls are crossings.
pub struct ObservedKeys<K> {
    keys: K,
    probe: Arc<dyn Probe>,
}

impl<K> ObservedKeys<K> {
    /// Tells `probe` of every call to `keys`.
    pub fn new(keys: K, probe: Arc<dyn Probe>) -> Self {
        Self { keys, probe }
    }

    fn crossing(&self, operation: &str, phase: Phase) {
        self.probe.crossing(Crossing { service: "vault", operation }, phase);
    }
}

#[async_trait]
impl<K: KeyService> KeyService for ObservedKeys<K> {
    async fn generate(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        self.crossing("GenerateDataKey", Phase::Before);
        let answer = self.keys.generate(context).await;
        self.crossing("GenerateDataKey", Phase::After);
        answer
    }

    async fn unwrap(&self, context: &EncryptionContext, wrapped: &[u8]) -> Result<PlainKey, VaultError> {
        self.crossing("Decrypt", Phase::Before);
        let answer = self.keys.unwrap(context, wrapped).await;
        self.crossing("Decrypt", Phase::After);
        answer
    }

    fn key_version(&self) -> &str {
        self.keys.key_version()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    const WRITE: Crossing<'_> = Crossing { service: "dynamodb", operation: "PutItem" };
    const CALL: Crossing<'_> = Crossing { service: "platform", operation: "a.example" };

    fn crossings() -> (Crossings, Arc<AtomicU32>) {
        let deaths = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&deaths);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        (Crossings::with_kill(Box::new(count)), deaths)
    }

    fn pass(crossings: &Crossings, crossing: Crossing<'_>) {
        crossings.crossing(crossing, Phase::Before);
        crossings.crossing(crossing, Phase::After);
    }

    #[tokio::test]
    async fn the_process_dies_at_the_crossing_that_was_named_and_only_there() {
        let (crossings, deaths) = crossings();
        let crash = r#"{"phase":"after","nth":2,"service":"dynamodb","scope":"workers.ingest"}"#;
        crossings.arm(Some(serde_json::from_str(crash).unwrap()));
        pass(&crossings, WRITE);
        scope::within("workers.ingest", async {
            pass(&crossings, CALL);
            pass(&crossings, WRITE);
            crossings.crossing(WRITE, Phase::Before);
            assert_eq!(deaths.load(Ordering::Relaxed), 0);
            crossings.crossing(WRITE, Phase::After);
        })
        .await;
        assert_eq!(deaths.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn calls_are_counted_by_the_handler_that_made_them() {
        let (crossings, _) = crossings();
        pass(&crossings, CALL);
        crossings.reset();
        scope::within("talents.list", async { pass(&crossings, WRITE) }).await;
        assert_eq!(crossings.calls()["talents.list"]["dynamodb.PutItem"], 1);
        let seen = Seen { n: 1, service: "dynamodb", operation: "PutItem".to_owned(), handler: "talents.list" };
        assert_eq!(crossings.recorded(), [seen]);
    }
}
