//! The event bus of one machine: the last events, for whoever asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cloud::Bus;
use cloud::bus::{BusError, detail};
use cloud::table::events::Event;
use outbound::{Crossing, Phase, Probe};
use serde_json::{Value, json};

/// How many events are remembered.
const MOST: usize = 20_000;

/// Remembers what it was told, repetitions included.
pub struct LocalBus {
    probe: Arc<dyn Probe>,
    told: Mutex<VecDeque<Value>>,
}

impl LocalBus {
    /// An empty bus, whose calls `probe` sees.
    #[must_use]
    pub fn new(probe: Arc<dyn Probe>) -> Self {
        Self { probe, told: Mutex::default() }
    }

    /// What was told, oldest first, as a rule of EventBridge would get it.
    #[must_use]
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn put(&self, event: &Event) -> Result<(), BusError> {
        let crossing = Crossing { service: "bus", operation: "PutEvents" };
        self.probe.crossing(crossing, Phase::Before);
        let told = json!({
            "source": cloud::bus::SOURCE,
            "detail-type": event.name,
            "time": event.at,
            "detail": detail(event),
        });
        {
            let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MOST {
                all.pop_front();
            }
            all.push_back(told);
        }
        self.probe.crossing(crossing, Phase::After);
        Ok(())
    }
}
