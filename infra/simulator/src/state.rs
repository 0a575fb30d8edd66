//! The world: everything that a request may read or change.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use crate::Config;
use crate::accounts::Accounts;
use crate::call::{Call, Reply};
use crate::clock::{self, SimClock};
use crate::faults::Faults;
use crate::oauth::OAuth;

/// The platforms that the simulator plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Platform {
    Instagram,
    TikTok,
    YouTube,
    Mastodon,
    Bluesky,
}

impl Platform {
    pub(crate) const ALL: [Self; 5] = [Self::Instagram, Self::TikTok, Self::YouTube, Self::Mastodon, Self::Bluesky];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instagram => "INSTAGRAM",
            Self::TikTok => "TIKTOK",
            Self::YouTube => "YOUTUBE",
            Self::Mastodon => "MASTODON",
            Self::Bluesky => "BLUESKY",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }
}

/// An account by what never changes about it: the handle that it was born with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    pub(crate) platform: Platform,
    pub(crate) seed: Arc<str>,
}

/// Locks, also after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `bytes` of randomness.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The system's random source does not fail on the machines a simulator runs on.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

/// Letters and digits that cannot be guessed, `length` of them.
pub(crate) fn secret(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::with_capacity(length);
    while out.len() < length {
        out.extend(random::<32>().iter().take(length - out.len()).map(|b| char::from(LETTERS[usize::from(*b) % 62])));
    }
    out
}

/// The whole simulated outside world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: SimClock,
    pub(crate) accounts: Accounts,
    pub(crate) oauth: OAuth,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) mastodon: crate::mastodon::Apps,
    pub(crate) bluesky: crate::bluesky::Desk,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            clock: SimClock::default(),
            accounts: Accounts::default(),
            oauth: OAuth::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            mastodon: crate::mastodon::Apps::default(),
            bluesky: crate::bluesky::Desk::default(),
        }
    }

    /// Back to the first second.
    pub(crate) fn reset(&self) {
        self.clock.reset();
        self.accounts.reset();
        self.oauth.reset();
        self.faults.clear();
        self.journal.reset();
        self.mastodon.reset();
        self.bluesky.reset();
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Puts a request that no well-made client sends on record, and answers it.
    pub(crate) fn unexpected(&self, call: &Call, reason: &str, reply: Reply) -> Reply {
        tracing::warn!(host = call.host, path = call.path, reason, "unexpected request");
        let entry = json!({
            "at": clock::iso_ms(self.now()),
            "platform": call.platform.map(Platform::name),
            "host": call.host,
            "method": call.method.as_str(),
            "path": call.path,
            "reason": reason,
        });
        self.journal.unexpected(entry);
        reply
    }
}

const KEEP: usize = 100_000;

/// What has been asked of the world.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    next: AtomicU64,
    requests: Mutex<VecDeque<Request>>,
    unexpected: Mutex<Vec<Value>>,
    counts: [AtomicU64; 5],
}

#[derive(Debug)]
struct Request {
    n: u64,
    at_ms: i64,
    platform: Option<Platform>,
    host: String,
    method: String,
    path: String,
    keys: Vec<String>,
    status: Option<u16>,
    fault: Option<&'static str>,
    account: Option<String>,
}

impl Journal {
    pub(crate) fn request(&self, now: i64, call: &Call, status: Option<u16>, fault: Option<&'static str>) {
        let entry = Request {
            n: self.next.fetch_add(1, Ordering::Relaxed) + 1,
            at_ms: now,
            platform: call.platform,
            host: call.host.clone(),
            method: call.method.to_string(),
            path: call.path.clone(),
            keys: call.query.keys().map(str::to_owned).collect(),
            status,
            fault,
            account: call.account().map(str::to_owned),
        };
        if let Some(at) = call.platform.and_then(|p| Platform::ALL.iter().position(|q| *q == p)) {
            self.counts[at].fetch_add(1, Ordering::Relaxed);
        }
        let mut requests = lock(&self.requests);
        if requests.len() == KEEP {
            requests.pop_front();
        }
        requests.push_back(entry);
    }

    fn unexpected(&self, entry: Value) {
        let mut list = lock(&self.unexpected);
        if list.len() < KEEP {
            list.push(entry);
        }
    }

    pub(crate) fn requests(&self, wanted: impl Fn(Option<Platform>, &str) -> bool) -> Vec<Value> {
        lock(&self.requests).iter().filter(|r| wanted(r.platform, &r.host)).map(Request::json).collect()
    }

    pub(crate) fn forget_requests(&self) {
        lock(&self.requests).clear();
    }

    pub(crate) fn unexpected_list(&self) -> Vec<Value> {
        lock(&self.unexpected).clone()
    }

    /// Requests and unexpected requests of a platform since the last reset.
    pub(crate) fn counts(&self, platform: Platform) -> (u64, usize) {
        let at = Platform::ALL.iter().position(|p| *p == platform).unwrap_or(0);
        let odd = lock(&self.unexpected).iter().filter(|e| e["platform"] == platform.name()).count();
        (self.counts[at].load(Ordering::Relaxed), odd)
    }

    fn reset(&self) {
        self.next.store(0, Ordering::Relaxed);
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
        lock(&self.requests).clear();
        lock(&self.unexpected).clear();
    }
}

impl Request {
    fn json(&self) -> Value {
        json!({
            "n": self.n,
            "at": clock::iso_ms(self.at_ms),
            "platform": self.platform.map(Platform::name),
            "host": self.host,
            "method": self.method,
            "path": self.path,
            "queryKeys": self.keys,
            "status": self.status,
            "fault": self.fault,
            "account": self.account,
        })
    }
}
