//! The stack's clock: the machine's, moved ahead on request.

use std::time::Duration;

use domain::Clock;
use functions::app::SystemClock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The machine's time plus an offset. Whoever waits for an instant is woken when the offset changes.
#[derive(Debug)]
pub struct LocalClock(watch::Sender<SignedDuration>);

impl LocalClock {
    /// A clock that is ahead of the machine's.
    #[must_use]
    pub fn ahead_by(offset: SignedDuration) -> Self {
        Self(watch::Sender::new(offset))
    }

    /// Moves the clock; a negative duration moves it back.
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Waits until the clock has reached `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut offset = self.0.subscribe();
        loop {
            offset.borrow_and_update();
            let Ok(wait) = Duration::try_from(self.now().duration_until(at)) else { return };
            if wait.is_zero() {
                return;
            }
            // The sender is in `self`, so a closed channel cannot be met here.
            let _ = tokio::time::timeout(wait, offset.changed()).await;
        }
    }
}

impl Clock for LocalClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.saturating_add(*self.0.borrow()).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_an_hour_is_woken_by_an_advance() {
        let clock = Arc::new(LocalClock::ahead_by(SignedDuration::ZERO));
        let (waiting, at) = (Arc::clone(&clock), clock.now() + SignedDuration::from_hours(1));
        let waiter = tokio::spawn(async move { waiting.sleep_until(at).await });
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_hours(2));
        tokio::time::timeout(Duration::from_secs(5), waiter).await.unwrap().unwrap();
    }
}
