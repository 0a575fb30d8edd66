//! A time after which no call may begin.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::Clock;
use jiff::{SignedDuration, Timestamp};

/// How long its holder may still call out. A worker that slept past its lease must not send what another has taken
/// over, and no platform can be told so: the door itself stays shut. Clones are the same fuse.
///
/// Two clocks burn it: the monotonic one, which nobody sets, and the wall clock, which goes on where a frozen machine's
/// monotonic one stands. The earlier end counts.
#[derive(Clone)]
pub struct Fuse {
    clock: Arc<dyn Clock>,
    ends: Arc<Mutex<(Instant, Timestamp)>>,
}

impl Fuse {
    /// Burns down in `time` from now.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, time: Duration) -> Self {
        let ends = Arc::new(Mutex::new((Instant::now(), clock.now())));
        let fuse = Self { clock, ends };
        fuse.renew(Moment::now(fuse.clock.as_ref()), time);
        fuse
    }

    /// Burns down in `time` from `from`; a fuse that has burnt down is lit anew only by whoever holds the lease again.
    pub fn renew(&self, from: Moment, time: Duration) {
        let wall = SignedDuration::try_from(time).ok().and_then(|time| from.1.checked_add(time).ok());
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = (from.0 + time, wall.unwrap_or(Timestamp::MAX));
    }

    /// What is left; zero when it has burnt down.
    #[must_use]
    pub fn left(&self) -> Duration {
        let (monotonic, wall) = *self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = Duration::try_from(self.clock.now().duration_until(wall)).unwrap_or_default();
        monotonic.saturating_duration_since(Instant::now()).min(wall)
    }
}

/// An instant on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment(Instant, Timestamp);

impl Moment {
    /// Now; what a later [`Fuse::renew`] counts from.
    #[must_use]
    pub fn now(clock: &dyn Clock) -> Self {
        Self(Instant::now(), clock.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    #[test]
    fn either_clock_burns_it_down_and_only_a_renewal_lights_it_anew() {
        let hands = Arc::new(Hands(AtomicI64::new(1_000)));
        let fuse = Fuse::new(hands.clone(), Duration::from_secs(30));
        assert!(fuse.left() > Duration::from_secs(29));
        hands.0.store(1_031, Ordering::Relaxed);
        assert_eq!(fuse.left(), Duration::ZERO, "the machine slept, the wall clock did not");
        fuse.clone().renew(Moment::now(hands.as_ref()), Duration::from_secs(30));
        assert!(fuse.left() > Duration::from_secs(29));
        // Set back, the wall clock gives nothing: the monotonic one burns on.
        hands.0.store(0, Ordering::Relaxed);
        assert!(fuse.left() <= Duration::from_secs(30));
    }
}
