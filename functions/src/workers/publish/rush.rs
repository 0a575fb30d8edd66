//! Submissions go first: outcomes of posts that were due in the same second are written when the submissions of this
//! process are out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// How long an outcome waits at most: it is the only record of what has happened.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many submissions of this process are under way.
#[derive(Debug, Default)]
pub struct Rush {
    under_way: AtomicUsize,
    over: Notify,
}

/// A submission that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Rush);

impl Rush {
    /// Counts a submission whose time has come.
    pub(super) fn join(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Waits until no submission is under way, or for [`PATIENCE`].
    pub(super) async fn over(&self) {
        let over = async {
            loop {
                let over = self.over.notified();
                if self.under_way.load(Ordering::Relaxed) == 0 {
                    return;
                }
                over.await;
            }
        };
        // Which of the two it was makes no difference: the outcome is written now.
        let _ = tokio::time::timeout(PATIENCE, over).await;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.over.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_outcome_waits_for_the_last_submission() {
        let rush = Rush::default();
        rush.over().await;
        let (first, last) = (rush.join(), rush.join());
        let waits = rush.over();
        tokio::pin!(waits);
        drop(first);
        assert!(futures_util::poll!(waits.as_mut()).is_pending(), "one is still under way");
        drop(last);
        assert!(futures_util::poll!(waits).is_ready());
    }

    #[tokio::test]
    async fn an_outcome_does_not_wait_for_long() {
        let rush = Rush::default();
        let _endless = rush.join();
        let begun = std::time::Instant::now();
        rush.over().await;
        assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < PATIENCE * 10);
    }
}
