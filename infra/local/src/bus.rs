//! The event bus of one machine: the last events, for whoever asks. What was told stands in a file, so that it is known
//! after a crash too.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
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
    told: Mutex<Told>,
}

struct Told {
    events: VecDeque<Value>,
    file: File,
}

impl LocalBus {
    /// The bus whose events stand in the file at `path`, a line of JSON each, and whose calls `probe` sees.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path, probe: Arc<dyn Probe>) -> io::Result<Self> {
        let file = File::options().create(true).read(true).append(true).open(path)?;
        let mut events = VecDeque::new();
        let mut whole = true;
        for line in BufReader::new(&file).split(b'\n') {
            // A line that a crash cut off is no event: it was not told, and is told again.
            let event = serde_json::from_slice::<Value>(&line?);
            whole = event.is_ok();
            events.extend(event);
            if events.len() > MOST {
                events.pop_front();
            }
        }
        if !whole {
            (&file).write_all(b"\n")?;
        }
        Ok(Self { probe, told: Mutex::new(Told { events, file }) })
    }

    /// What was told, oldest first, as a rule of EventBridge would get it.
    #[must_use]
    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).events.iter().cloned().collect()
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
            let line = format!("{told}\n");
            all.file.write_all(line.as_bytes()).map_err(|error| BusError(error.to_string()))?;
            if all.events.len() >= MOST {
                all.events.pop_front();
            }
            all.events.push_back(told);
        }
        self.probe.crossing(crossing, Phase::After);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::WorkspaceId;
    use jiff::Timestamp;
    use outbound::NoProbe;

    use super::*;

    #[tokio::test]
    async fn what_was_told_is_known_after_a_crash_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let event = Event {
            id: "evt_1".to_owned(),
            name: "post.published".to_owned(),
            workspace: WorkspaceId::parse("agency").unwrap(),
            at: Timestamp::UNIX_EPOCH,
            detail: json!({"postId": "post_1"}),
        };
        let bus = LocalBus::open(&path, Arc::new(NoProbe)).unwrap();
        bus.put(&event).await.unwrap();
        drop(bus);
        File::options().append(true).open(&path).unwrap().write_all(b"{\"source\":").unwrap();
        let bus = LocalBus::open(&path, Arc::new(NoProbe)).unwrap();
        bus.put(&Event { id: "evt_2".to_owned(), ..event }).await.unwrap();
        let told = LocalBus::open(&path, Arc::new(NoProbe)).unwrap().told();
        let ids: Vec<&Value> = told.iter().map(|event| &event["detail"]["id"]).collect();
        assert_eq!(ids, ["evt_1", "evt_2"], "{told:?}");
    }
}
