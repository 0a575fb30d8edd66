//! Faults on request: what an embedded database and a queue in memory never do by themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloud::sdk::Interference;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::permissions::{Permissions, Right};

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Rings of handlers and workers are taken and lost. Those of schedules arrive.
    DoorbellSilent,
    /// Every ring arrives three times.
    DoorbellTriple,
    /// The queue refuses every ring.
    DoorbellBroken,
    /// A write is refused because of another transaction, before it has any effect.
    TransactionConflict,
    /// A call is refused because there are too many, before it has any effect.
    Throttle,
    /// A query of an index gets the answer before the present one.
    IndexLag,
    /// Nobody takes messages from the queues.
    WorkersStopped,
}

/// How often a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Strikes {
    /// How many times; without it, until it is switched off.
    pub times: Option<u64>,
    /// Only each n-th occasion; 1 is each.
    pub every: u64,
    /// Only calls of this operation (`UpdateItem`); for the doorbell, only rings of this kind (`ingest`).
    pub operation: Option<String>,
    /// Only work of this handler (`workers.ingest`).
    pub handler: Option<String>,
    /// How many occasions there were.
    pub occasions: u64,
}

impl Default for Strikes {
    fn default() -> Self {
        Self { times: None, every: 1, operation: None, handler: None, occasions: 0 }
    }
}

/// The faults that are switched on.
#[derive(Debug)]
pub struct Faults {
    on: Mutex<BTreeMap<FaultKind, Strikes>>,
    /// How many are on, so that the usual call costs one atomic read.
    count: AtomicUsize,
    stopped: watch::Sender<bool>,
    /// The last answer of each index partition.
    answers: Mutex<HashMap<String, Bytes>>,
    /// What each function may do with the table: what it may not is refused as AWS would.
    permissions: Permissions,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            on: Mutex::default(),
            count: AtomicUsize::new(0),
            stopped: watch::Sender::new(false),
            answers: Mutex::default(),
            permissions: Permissions::default(),
        }
    }
}

impl Faults {
    /// No fault on, and functions with these permissions.
    #[must_use]
    pub fn with(permissions: Permissions) -> Self {
        Self { permissions, ..Self::default() }
    }

    /// Switches a fault on (`strikes`) or off (`None`).
    pub fn set(&self, kind: FaultKind, strikes: Option<Strikes>) {
        let mut on = lock(&self.on);
        match strikes {
            Some(strikes) => on.insert(kind, strikes),
            None => on.remove(&kind),
        };
        self.changed(&on);
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        let mut on = lock(&self.on);
        on.clear();
        self.changed(&on);
        lock(&self.answers).clear();
    }

    /// What is on.
    #[must_use]
    pub fn list(&self) -> BTreeMap<FaultKind, Strikes> {
        lock(&self.on).clone()
    }

    fn changed(&self, on: &BTreeMap<FaultKind, Strikes>) {
        self.count.store(on.len(), Ordering::Release);
        self.stopped.send_replace(on.contains_key(&FaultKind::WorkersStopped));
    }

    /// Whether a fault strikes now; a strike is counted.
    pub fn strikes(&self, kind: FaultKind, operation: &str) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut on = lock(&self.on);
        let Some(strikes) = on.get_mut(&kind) else { return false };
        let other = |wanted: &Option<String>, is: &str| wanted.as_deref().is_some_and(|wanted| wanted != is);
        if other(&strikes.operation, operation) || other(&strikes.handler, crate::scope::handler()) {
            return false;
        }
        strikes.occasions += 1;
        if strikes.occasions % strikes.every.max(1) != 0 {
            return false;
        }
        match &mut strikes.times {
            None => {}
            Some(0 | 1) => {
                on.remove(&kind);
                self.changed(&on);
            }
            Some(left) => *left -= 1,
        }
        true
    }

    /// Returns when workers may take messages.
    pub async fn workers_may_work(&self) {
        let mut stopped = self.stopped.subscribe();
        // The sender is in `self`, so a closed channel cannot be met here.
        let _ = stopped.wait_for(|stopped| !stopped).await;
    }

    /// Returns when workers may not take messages any more.
    pub async fn workers_must_stop(&self) {
        let mut stopped = self.stopped.subscribe();
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Interference for Faults {
    fn instead(&self, service: &str, operation: &str, request: &[u8]) -> Option<(u16, String)> {
        if service != "dynamodb" {
            return None;
        }
        let handler = crate::scope::handler();
        if let Some(Right { action, index }) = self.permissions.missing(handler, operation, request) {
            let on = index.map_or_else(String::new, |index| format!(" on the index {index}"));
            let message = format!(
                "{handler} is not authorized to perform dynamodb:{action}{on}: template.yaml does not grant it."
            );
            tracing::error!("{message}");
            return Some(refusal("AccessDeniedException", &message, None));
        }
        if self.strikes(FaultKind::Throttle, operation) {
            let message = "The level of configured provisioned throughput for the table was exceeded.";
            return Some(refusal("ProvisionedThroughputExceededException", message, None));
        }
        let writes = matches!(operation, "TransactWriteItems" | "PutItem" | "UpdateItem" | "DeleteItem");
        if writes && self.strikes(FaultKind::TransactionConflict, operation) {
            return Some(conflict(operation, request));
        }
        None
    }

    fn watches(&self, service: &str, operation: &str) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && (service, operation) == ("dynamodb", "Query")
            && lock(&self.on).contains_key(&FaultKind::IndexLag)
    }

    fn rewrite(&self, operation: &str, request: &[u8], answer: Bytes) -> Bytes {
        let Some(partition) = index_partition(request) else { return answer };
        let before = lock(&self.answers).insert(partition, answer.clone());
        if !self.strikes(FaultKind::IndexLag, operation) {
            return answer;
        }
        before.unwrap_or_else(|| Bytes::from_static(br#"{"Count":0,"Items":[],"ScannedCount":0}"#))
    }
}

/// Index, form of the question, partition value and start of the page: what two queries share that ask for the same.
fn index_partition(request: &[u8]) -> Option<String> {
    let request: Value = serde_json::from_slice(request).ok()?;
    let index = request["IndexName"].as_str()?;
    let question = request["KeyConditionExpression"].as_str()?;
    let (_, placeholder) = question.split_once('=')?;
    let placeholder = placeholder.trim().split(' ').next()?;
    let value = &request["ExpressionAttributeValues"][placeholder];
    Some(format!("{index} {question} {value} {}", request["ExclusiveStartKey"]))
}

fn conflict(operation: &str, request: &[u8]) -> (u16, String) {
    let message = "Transaction is ongoing for the item";
    if operation != "TransactWriteItems" {
        return refusal("TransactionConflictException", message, None);
    }
    let parts = serde_json::from_slice::<Value>(request).ok().and_then(|r| r["TransactItems"].as_array().map(Vec::len));
    let reasons: Vec<Value> = (0..parts.unwrap_or(1))
        .map(|part| match part {
            0 => json!({"Code": "TransactionConflict", "Message": message}),
            _ => json!({"Code": "None"}),
        })
        .collect();
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]";
    refusal("TransactionCanceledException", message, Some(reasons))
}

fn refusal(kind: &str, message: &str, reasons: Option<Vec<Value>>) -> (u16, String) {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message});
    if let (Some(reasons), Some(object)) = (reasons, body.as_object_mut()) {
        object.insert("Message".to_owned(), json!(message));
        object.insert("CancellationReasons".to_owned(), json!(reasons));
    }
    (400, body.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(times: u64) -> Option<Strikes> {
        Some(Strikes { times: Some(times), ..Strikes::default() })
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told() {
        let faults = Faults::default();
        faults.set(FaultKind::Throttle, times(2));
        let answers: Vec<bool> = (0..4).map(|_| faults.strikes(FaultKind::Throttle, "GetItem")).collect();
        assert_eq!(answers, [true, true, false, false]);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_fault_strikes_only_what_it_names() {
        let faults = Faults::default();
        let strikes = Strikes { operation: Some("PutItem".to_owned()), every: 2, ..Strikes::default() };
        faults.set(FaultKind::Throttle, Some(strikes));
        assert!(!faults.strikes(FaultKind::Throttle, "GetItem"));
        assert!(!faults.strikes(FaultKind::Throttle, "PutItem"));
        assert!(faults.strikes(FaultKind::Throttle, "PutItem"));
    }

    #[test]
    fn a_conflict_gives_each_part_of_the_transaction_a_reason() {
        let faults = Faults::default();
        faults.set(FaultKind::TransactionConflict, times(1));
        let (status, body) =
            faults.instead("dynamodb", "TransactWriteItems", br#"{"TransactItems":[{},{},{}]}"#).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        let codes: Vec<&str> =
            body["CancellationReasons"].as_array().unwrap().iter().filter_map(|r| r["Code"].as_str()).collect();
        assert_eq!((status, codes), (400, vec!["TransactionConflict", "None", "None"]));
        assert_eq!(faults.instead("dynamodb", "TransactWriteItems", b"{}"), None);
    }

    #[test]
    fn a_lagging_index_answers_what_was_true_before() {
        let faults = Faults::default();
        faults.set(FaultKind::IndexLag, Some(Strikes::default()));
        let query = |due: &str, until: u32| {
            json!({"IndexName": "due", "KeyConditionExpression": "due = :due AND due_at <= :until",
                "ExpressionAttributeValues": {":due": {"S": due}, ":until": {"N": until.to_string()}}})
            .to_string()
        };
        let ask = |due: &str, until: u32, answer: &'static str| {
            faults.rewrite("Query", query(due, until).as_bytes(), Bytes::from_static(answer.as_bytes()))
        };
        assert!(ask("ingest#1", 1, "first").starts_with(b"{\"Count\":0"));
        assert_eq!(ask("ingest#1", 2, "second"), "first");
        assert!(ask("ingest#2", 2, "other").starts_with(b"{\"Count\":0"), "each partition lags by itself");
        assert!(faults.watches("dynamodb", "Query") && !faults.watches("dynamodb", "PutItem"));
    }
}
