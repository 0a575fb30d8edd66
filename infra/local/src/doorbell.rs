//! The doorbell over queues in memory, with its faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud::doorbell::{Depth, Doorbell, DoorbellError, Ring};
use domain::due::WorkKind;
use jiff::SignedDuration;
use outbound::{Crossing, Phase, Probe};

use crate::faults::{FaultKind, Faults};
use crate::queue::LocalQueue;
use crate::scope;

/// Rings by the queues of this process.
pub struct LocalDoorbell {
    queues: BTreeMap<WorkKind, Arc<LocalQueue>>,
    faults: Arc<Faults>,
    probe: Arc<dyn Probe>,
}

impl LocalDoorbell {
    /// A doorbell with one queue for each kind of work.
    #[must_use]
    pub fn new(queues: BTreeMap<WorkKind, Arc<LocalQueue>>, faults: Arc<Faults>, probe: Arc<dyn Probe>) -> Self {
        Self { queues, faults, probe }
    }

    fn queue(&self, kind: WorkKind) -> Result<&Arc<LocalQueue>, DoorbellError> {
        self.queues.get(&kind).ok_or_else(|| DoorbellError(format!("there is no queue for {}", kind.as_str())))
    }

    fn send(&self, kind: WorkKind, rings: &[(Ring, Duration)]) -> Result<(), DoorbellError> {
        let queue = self.queue(kind)?;
        if self.faults.strikes(FaultKind::DoorbellBroken, kind.as_str()) {
            return Err(DoorbellError("broken on request".to_owned()));
        }
        for (ring, delay) in rings {
            // A schedule's rings are how the stack heals; losing them as well would only test that nothing happens.
            if !scope::handler().starts_with("schedules.")
                && self.faults.strikes(FaultKind::DoorbellSilent, kind.as_str())
            {
                continue;
            }
            let body = serde_json::to_string(ring).map_err(|error| DoorbellError(error.to_string()))?;
            let delay = SignedDuration::try_from(*delay).unwrap_or(SignedDuration::MAX);
            let copies = if self.faults.strikes(FaultKind::DoorbellTriple, kind.as_str()) { 3 } else { 1 };
            for _ in 0..copies {
                queue.send(body.clone(), delay);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Doorbell for LocalDoorbell {
    async fn ring_all(&self, kind: WorkKind, rings: &[(Ring, Duration)]) -> Result<(), DoorbellError> {
        let crossing = Crossing { service: "queue", operation: "SendMessage" };
        self.probe.crossing(crossing, Phase::Before);
        let sent = self.send(kind, rings);
        self.probe.crossing(crossing, Phase::After);
        sent
    }

    async fn depth(&self, kind: WorkKind) -> Result<Depth, DoorbellError> {
        Ok(self.queue(kind)?.depth())
    }

    async fn redrive(&self, kind: WorkKind) -> Result<Option<u64>, DoorbellError> {
        Ok(Some(self.queue(kind)?.redrive()))
    }
}

#[cfg(test)]
mod tests {
    use outbound::NoProbe;

    use super::*;
    use crate::clock::LocalClock;
    use crate::faults::Strikes;
    use crate::template;

    fn doorbell() -> (LocalDoorbell, Arc<Faults>) {
        let clock = Arc::new(LocalClock::ahead_by(SignedDuration::ZERO));
        let model =
            template::Queue { id: "Q".to_owned(), visibility_s: 390, dead_letters: "D".to_owned(), max_receives: 5 };
        let queue = Arc::new(LocalQueue::new(&model, clock));
        let faults = Arc::new(Faults::default());
        let queues = BTreeMap::from([(WorkKind::Ingest, queue)]);
        (LocalDoorbell::new(queues, Arc::clone(&faults), Arc::new(NoProbe)), faults)
    }

    async fn ring(doorbell: &LocalDoorbell) -> Result<u64, DoorbellError> {
        let ring = Ring { kind: WorkKind::Ingest, pk: "p".to_owned(), sk: "s".to_owned() };
        doorbell.ring_all(WorkKind::Ingest, &[(ring, Duration::ZERO)]).await?;
        Ok(doorbell.depth(WorkKind::Ingest).await?.waiting)
    }

    #[tokio::test]
    async fn a_silent_doorbell_takes_the_ring_and_only_schedules_are_heard() {
        let (doorbell, faults) = doorbell();
        faults.set(FaultKind::DoorbellSilent, Some(Strikes::default()));
        assert_eq!(ring(&doorbell).await, Ok(0));
        assert_eq!(scope::within("schedules.ring_due", ring(&doorbell)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_triple_doorbell_rings_three_times() {
        let (doorbell, faults) = doorbell();
        faults.set(FaultKind::DoorbellTriple, Some(Strikes::default()));
        assert_eq!(ring(&doorbell).await, Ok(3));
    }

    #[tokio::test]
    async fn a_broken_doorbell_says_so() {
        let (doorbell, faults) = doorbell();
        faults.set(FaultKind::DoorbellBroken, Some(Strikes::default()));
        assert!(ring(&doorbell).await.is_err());
        faults.clear();
        assert_eq!(ring(&doorbell).await, Ok(1));
    }
}
