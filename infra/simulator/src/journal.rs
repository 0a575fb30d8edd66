//! What has been asked of the world.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock;
use crate::state::{Platform, lock};

const KEEP: usize = 100_000;

/// What has been asked of the world.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    next: AtomicU64,
    requests: Mutex<VecDeque<Request>>,
    unexpected: Mutex<Vec<Value>>,
    counts: [AtomicU64; 8],
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
    operation: &'static str,
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
            path: call.logged_path(),
            keys: call.query.keys().map(str::to_owned).collect(),
            operation: call.operation(),
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

    pub(crate) fn unexpected(&self, entry: Value) {
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

    pub(crate) fn reset(&self) {
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
            "operation": self.operation,
            "status": self.status,
            "fault": self.fault,
            "account": self.account,
        })
    }
}
