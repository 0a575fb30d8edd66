//! Takes messages from a queue and runs the worker on them, as Lambda's event source does.

use std::sync::Arc;
use std::time::Duration;

use functions::handlers::Handler;
use functions::{App, runtime};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use crate::faults::Faults;
use crate::queue::{LocalQueue, Received};
use crate::scope;

/// One event source of the template.
pub struct Poller {
    /// What handlers work with.
    pub app: Arc<App>,
    /// The worker.
    pub handler: &'static Handler,
    /// Its queue.
    pub queue: Arc<LocalQueue>,
    /// The most messages of one call.
    pub batch_size: usize,
    /// The most calls at a time.
    pub concurrency: usize,
    /// When Lambda would end the call.
    pub timeout: Duration,
    /// May stop the workers.
    pub faults: Arc<Faults>,
}

/// A worker's answer to a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Poller {
    /// Works until `stop` turns true, then waits for the calls that are under way.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let poller = Arc::new(self);
        let slots = Arc::new(Semaphore::new(poller.concurrency));
        loop {
            let work = async {
                poller.faults.workers_may_work().await;
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                tokio::select! {
                    () = poller.faults.workers_must_stop() => Some((slot, Vec::new())),
                    batch = poller.queue.receive(poller.batch_size) => Some((slot, batch)),
                }
            };
            let next = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => None,
                next = work => next,
            };
            let Some((slot, batch)) = next else { break };
            if !batch.is_empty() {
                let poller = Arc::clone(&poller);
                tokio::spawn(async move {
                    poller.invoke(batch).await;
                    drop(slot);
                });
            }
        }
        let all = u32::try_from(poller.concurrency).unwrap_or(u32::MAX);
        // The semaphore is never closed, so all slots come back when the last call is over.
        let _ = slots.acquire_many(all).await;
    }

    async fn invoke(&self, batch: Vec<Received>) {
        let records: Vec<_> = batch.iter().map(|received| received.record(&self.queue.name)).collect();
        let event = json!({ "Records": records }).to_string();
        let run = scope::within(self.handler.name, runtime::run(&self.app, self.handler, &event));
        let answer = match tokio::time::timeout(self.timeout, run).await {
            Ok(Ok(answer)) => serde_json::from_str::<Answer>(&answer).unwrap_or_default(),
            // Nothing is acknowledged: the messages come back when their receipts run out.
            Ok(Err(error)) => return tracing::error!(handler = self.handler.name, %error, "the call failed"),
            Err(_) => return tracing::error!(handler = self.handler.name, "the call was ended by its timeout"),
        };
        let failed = |id: &str| answer.batch_item_failures.iter().any(|failure| failure.item_identifier == id);
        for received in batch.iter().filter(|received| !failed(&received.message.id)) {
            self.queue.delete(received.receipt);
        }
    }
}
