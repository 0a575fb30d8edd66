//! Faults on request: which requests they hit, how often, and what happens then.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::state::{Platform, lock};

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// Another answer instead of the effect. Without a body, the platform's own error of that status.
    Reject {
        status: u16,
        #[serde(default)]
        body: Option<Value>,
        #[serde(default)]
        headers: HashMap<String, String>,
    },
    /// The platform's own answer to too many calls.
    RateLimit {
        #[serde(rename = "retryAfterSeconds")]
        retry_after_seconds: i64,
    },
    /// The right answer, late.
    Delay { ms: u64 },
    /// No effect and no answer.
    Drop,
    /// The effect, and no answer.
    DropAfter,
    /// Never an answer, no effect.
    Hang,
    /// 200 with a body that is not JSON; no effect.
    Garbage,
    /// The effect, and an answer that breaks off in its middle.
    Truncate,
    /// The effect, and then another answer.
    RejectAfter {
        status: u16,
        #[serde(default)]
        body: Option<Value>,
        #[serde(default)]
        headers: HashMap<String, String>,
    },
    /// The effect, and never an answer.
    HangAfter,
    /// The effect at once, the right answer late.
    DelayAfter { ms: u64 },
    /// The connection closes when this much of the body has arrived.
    Cut {
        #[serde(rename = "afterBytes")]
        after_bytes: u64,
    },
    /// The access token of the request has just run out.
    ExpireToken,
    /// The account has just removed the app.
    RevokeToken,
    /// The platform's words for a used-up posting quota.
    QuotaExhausted,
    /// Accepted, and fails late in processing.
    FailProcessing {
        #[serde(default)]
        reason: Option<String>,
    },
    /// What the request names cannot be fetched.
    MediaRefused,
    /// Accepted, and shown only so much later.
    IndexLag { seconds: i64 },
}

impl Fault {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Reject { .. } => "reject",
            Self::RateLimit { .. } => "rate_limit",
            Self::Delay { .. } => "delay",
            Self::Drop => "drop",
            Self::DropAfter => "drop_after",
            Self::Hang => "hang",
            Self::Garbage => "garbage",
            Self::Truncate => "truncate",
            Self::RejectAfter { .. } => "reject_after",
            Self::HangAfter => "hang_after",
            Self::DelayAfter { .. } => "delay_after",
            Self::Cut { .. } => "cut",
            Self::ExpireToken => "expire_token",
            Self::RevokeToken => "revoke_token",
            Self::QuotaExhausted => "quota_exhausted",
            Self::FailProcessing { .. } => "fail_processing",
            Self::MediaRefused => "media_refused",
            Self::IndexLag { .. } => "index_lag",
        }
    }
}

fn once() -> u64 {
    1
}

/// A fault and the requests it waits for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(default, skip_deserializing)]
    id: u64,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    path_contains: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    /// The handle whose access token the request carries.
    #[serde(default)]
    account: Option<String>,
    /// 1 hits the next matching request, 2 the one after it.
    #[serde(default)]
    nth: Option<u64>,
    /// Matching requests to let pass first.
    #[serde(default)]
    skip: u64,
    /// Matching requests to hit; 0 means all from now on.
    #[serde(default = "once")]
    times: u64,
    #[serde(default, skip_deserializing)]
    hits: u64,
    fault: Fault,
}

impl Order {
    fn matches(&self, call: &Call, bearer: &dyn Fn() -> Option<String>) -> bool {
        let is =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|w| w.eq_ignore_ascii_case(actual));
        is(&self.platform, call.platform.map_or("", Platform::name))
            && is(&self.host, &call.host)
            && is(&self.method, call.method.as_str())
            && self.path_contains.as_deref().is_none_or(|part| call.path.contains(part))
            && is(&self.operation, call.operation())
            && self.account.as_deref().is_none_or(|wanted| bearer().is_some_and(|b| b.eq_ignore_ascii_case(wanted)))
    }
}

/// All faults that are waiting.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    orders: Mutex<Vec<Order>>,
    /// How many orders there are, so that a world without faults takes no lock.
    count: AtomicUsize,
    next: AtomicU64,
}

impl Faults {
    /// Adds an order and names it.
    ///
    /// # Errors
    /// A sentence about what the order got wrong.
    pub(crate) fn add(&self, order: &Value) -> Result<u64, String> {
        let mut order: Order = serde_json::from_value(order.clone()).map_err(|e| e.to_string())?;
        if let Some(name) = order.platform.as_deref() {
            let platform = Platform::parse(name).ok_or_else(|| format!("unknown platform {name}"))?;
            order.platform = Some(platform.name().to_owned());
        }
        if let Some(name) = order.operation.as_deref().filter(|n| !crate::operations::ALL.contains(n)) {
            return Err(format!("unknown operation {name}"));
        }
        match order.nth {
            Some(0) => return Err("nth begins at 1".to_owned()),
            Some(nth) => order.skip = nth - 1,
            None => {}
        }
        order.id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let id = order.id;
        let mut orders = lock(&self.orders);
        orders.push(order);
        self.count.store(orders.len(), Ordering::Release);
        Ok(id)
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        lock(&self.orders).iter().filter_map(|o| serde_json::to_value(o).ok()).collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.orders).clear();
        self.count.store(0, Ordering::Release);
    }

    /// The fault that hits this request, if one does. Cuts are asked for before the body is read, all others after.
    pub(crate) fn hit(&self, call: &Call, cuts: bool, bearer: &dyn Fn() -> Option<String>) -> Option<Fault> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut orders = lock(&self.orders);
        let mut hit = None;
        let kind = |o: &Order| matches!(o.fault, Fault::Cut { .. }) == cuts;
        for (at, order) in orders.iter_mut().enumerate().filter(|(_, o)| kind(o) && o.matches(call, bearer)) {
            if order.skip > 0 {
                order.skip -= 1;
                continue;
            }
            order.hits += 1;
            hit = Some((at, order.fault.clone(), order.times != 0 && order.hits >= order.times));
            break;
        }
        let (at, fault, spent) = hit?;
        if spent {
            orders.remove(at);
            self.count.store(orders.len(), Ordering::Release);
        }
        Some(fault)
    }
}
