//! A queue in memory that does what SQS does: delays, hides what is received, counts, and gives up in the end.
//! It may be lost with the process, since a message is only a doorbell.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloud::doorbell::Depth;
use domain::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::LocalClock;
use crate::ids;
use crate::template;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was received for the first time.
    pub first_received_at: Option<Timestamp>,
    /// How often it was received.
    pub receives: u32,
}

/// A message that was received, and with which receipt it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Acknowledges this receipt, not another one of the same message.
    pub receipt: u64,
    /// The message.
    pub message: Message,
}

impl Received {
    /// The message as it stands in an `SqsEvent`.
    #[must_use]
    pub fn record(&self, queue: &str) -> Value {
        let message = &self.message;
        let millis = |at: Timestamp| at.as_millisecond().to_string();
        json!({
            "messageId": message.id,
            "receiptHandle": self.receipt.to_string(),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": millis(message.sent_at),
                "SenderId": "local",
                "ApproximateFirstReceiveTimestamp": millis(message.first_received_at.unwrap_or(message.sent_at)),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
            "awsRegion": "us-east-1",
        })
    }
}

#[derive(Debug, Default)]
struct State {
    serial: u64,
    ready: VecDeque<Message>,
    delayed: BTreeMap<(Timestamp, u64), Message>,
    in_flight: HashMap<u64, (Message, Timestamp)>,
    hidden_until: BTreeMap<(Timestamp, u64), ()>,
    dead: VecDeque<Message>,
}

impl State {
    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Makes ready what has waited out its delay or its receipt.
    fn promote(&mut self, now: Timestamp) {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
        while let Some(entry) = self.hidden_until.first_entry().filter(|entry| entry.key().0 <= now) {
            let (_, receipt) = entry.remove_entry().0;
            self.ready.extend(self.in_flight.remove(&receipt).map(|(message, _)| message));
        }
    }

    fn next_change(&self) -> Option<Timestamp> {
        let delayed = self.delayed.first_key_value().map(|((at, _), _)| *at);
        let hidden = self.hidden_until.first_key_value().map(|((at, _), ())| *at);
        delayed.into_iter().chain(hidden).min()
    }
}

/// A queue.
pub struct LocalQueue {
    /// The logical id in the template.
    pub name: String,
    visibility: SignedDuration,
    max_receives: u32,
    clock: Arc<LocalClock>,
    state: Mutex<State>,
    changed: Notify,
}

impl LocalQueue {
    /// An empty queue by the rules of the template.
    #[must_use]
    pub fn new(model: &template::Queue, clock: Arc<LocalClock>) -> Self {
        Self {
            name: model.id.clone(),
            visibility: SignedDuration::from_secs(model.visibility_s),
            max_receives: model.max_receives,
            clock,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.promote(self.clock.now());
        state
    }

    /// Puts a message in.
    pub fn send(&self, body: String, delay: SignedDuration) {
        let now = self.clock.now();
        let message = Message { id: ids::uuid(), body, sent_at: now, first_received_at: None, receives: 0 };
        let mut state = self.state();
        if delay <= SignedDuration::ZERO {
            state.ready.push_back(message);
        } else {
            let at = now.saturating_add(delay).unwrap_or(now);
            let serial = state.next_serial();
            state.delayed.insert((at, serial), message);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Up to `most` messages that are ready now, and when the next one will be.
    pub fn take(&self, most: usize) -> (Vec<Received>, Option<Timestamp>) {
        let now = self.clock.now();
        let until = now.saturating_add(self.visibility).unwrap_or(now);
        let mut state = self.state();
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(mut message) = state.ready.pop_front() else { break };
            if message.receives >= self.max_receives {
                tracing::error!(queue = self.name, message_id = message.id, "message goes to the dead-letter queue");
                state.dead.push_back(message);
                continue;
            }
            message.receives += 1;
            message.first_received_at.get_or_insert(now);
            let receipt = state.next_serial();
            state.in_flight.insert(receipt, (message.clone(), until));
            state.hidden_until.insert((until, receipt), ());
            taken.push(Received { receipt, message });
        }
        (taken, state.next_change())
    }

    /// Waits for messages. Only one task at a time may wait. Dropping the future loses nothing.
    pub async fn receive(&self, most: usize) -> Vec<Received> {
        loop {
            let changed = self.changed.notified();
            let (taken, next) = self.take(most);
            if !taken.is_empty() {
                return taken;
            }
            match next {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = self.clock.sleep_until(at) => {}
                },
            }
        }
    }

    /// Acknowledges: the message is gone. A receipt that has run out acknowledges nothing.
    pub fn delete(&self, receipt: u64) {
        let mut state = self.state();
        if let Some((_, until)) = state.in_flight.remove(&receipt) {
            state.hidden_until.remove(&(until, receipt));
        }
    }

    /// What the queue holds.
    #[must_use]
    pub fn depth(&self) -> Depth {
        let state = self.state();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Depth {
            waiting: count(state.ready.len()),
            in_flight: count(state.in_flight.len()),
            delayed: count(state.delayed.len()),
            dead: count(state.dead.len()),
        }
    }

    /// Puts the dead letters back as new messages; answers how many.
    pub fn redrive(&self) -> u64 {
        let mut state = self.state();
        let dead = std::mem::take(&mut state.dead);
        let count = u64::try_from(dead.len()).unwrap_or(u64::MAX);
        state.ready.extend(dead.into_iter().map(|message| Message { receives: 0, first_received_at: None, ..message }));
        drop(state);
        self.changed.notify_one();
        count
    }

    /// Empties the queue, dead letters included.
    pub fn purge(&self) {
        let mut state = self.state();
        let serial = state.serial;
        *state = State { serial, ..State::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (LocalQueue, Arc<LocalClock>) {
        let clock = Arc::new(LocalClock::ahead_by(SignedDuration::ZERO));
        let model =
            template::Queue { id: "Q".to_owned(), visibility_s: 390, dead_letters: "D".to_owned(), max_receives: 2 };
        (LocalQueue::new(&model, Arc::clone(&clock)), clock)
    }

    fn bodies(received: &[Received]) -> Vec<&str> {
        received.iter().map(|received| received.message.body.as_str()).collect()
    }

    #[test]
    fn a_delayed_message_is_not_seen_before_its_time() {
        let (queue, clock) = queue();
        queue.send("late".to_owned(), SignedDuration::from_secs(60));
        queue.send("now".to_owned(), SignedDuration::ZERO);
        let (taken, next) = queue.take(10);
        assert_eq!(bodies(&taken), ["now"]);
        assert!(next.is_some());
        assert_eq!(queue.depth(), Depth { waiting: 0, in_flight: 1, delayed: 1, dead: 0 });
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(bodies(&queue.take(10).0), ["late"]);
    }

    #[test]
    fn a_message_that_was_not_acknowledged_comes_back_and_its_old_receipt_is_worth_nothing() {
        let (queue, clock) = queue();
        queue.send("m".to_owned(), SignedDuration::ZERO);
        let old = queue.take(1).0.remove(0);
        assert!(queue.take(1).0.is_empty(), "hidden while it is in flight");
        clock.advance(SignedDuration::from_secs(391));
        let again = queue.take(1).0.remove(0);
        assert_eq!((again.message.receives, again.message.id == old.message.id), (2, true));
        queue.delete(old.receipt);
        assert_eq!(queue.depth().in_flight, 1);
        queue.delete(again.receipt);
        assert_eq!(queue.depth(), Depth::default());
    }

    #[test]
    fn a_message_that_nobody_acknowledges_dies_and_can_be_redriven() {
        let (queue, clock) = queue();
        queue.send("m".to_owned(), SignedDuration::ZERO);
        for _ in 0..2 {
            assert_eq!(queue.take(1).0.len(), 1);
            clock.advance(SignedDuration::from_secs(391));
        }
        assert!(queue.take(1).0.is_empty());
        assert_eq!(queue.depth(), Depth { dead: 1, ..Depth::default() });
        assert_eq!(queue.redrive(), 1);
        let taken = queue.take(1).0;
        assert_eq!(taken[0].message.receives, 1, "it is new again");
    }

    #[tokio::test]
    async fn who_waits_gets_a_message_as_soon_as_it_is_sent_or_due() {
        let (queue, _) = queue();
        let queue = Arc::new(queue);
        let waiting = Arc::clone(&queue);
        let waiter = tokio::spawn(async move { [waiting.receive(10).await, waiting.receive(10).await].concat() });
        tokio::task::yield_now().await;
        queue.send("late".to_owned(), SignedDuration::from_millis(80));
        queue.send("first".to_owned(), SignedDuration::ZERO);
        let received = tokio::time::timeout(std::time::Duration::from_secs(5), waiter).await.unwrap().unwrap();
        assert_eq!(bodies(&received), ["first", "late"]);
        let late = &received[1].message;
        let waited = late.sent_at.duration_until(late.first_received_at.unwrap());
        assert!((80..400).contains(&waited.as_millis()), "{waited:?}");
    }

    #[test]
    fn a_record_has_what_sqs_tells_a_function() {
        let (queue, _) = queue();
        queue.send(r#"{"kind":"ingest"}"#.to_owned(), SignedDuration::ZERO);
        let record = queue.take(1).0[0].record("IngestQueue");
        assert_eq!(record["body"], r#"{"kind":"ingest"}"#);
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
        assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:IngestQueue");
    }
}
