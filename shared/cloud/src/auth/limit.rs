//! How often one credential may ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Clock;
use jiff::Timestamp;

/// How many credentials are remembered. Only ones that proved valid are counted, so a flood of made-up ones fills
/// nothing.
const MOST: usize = 10_000;

/// A steady rate with room for a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

impl RateLimit {
    /// Reads `rps:burst`; both at least 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (per_second, burst) = text.split_once(':')?;
        let limit = Self { per_second: per_second.trim().parse().ok()?, burst: burst.trim().parse().ok()? };
        (limit.per_second > 0 && limit.burst > 0).then_some(limit)
    }
}

/// A token bucket per credential.
///
/// It counts in the memory of the running instance, so it costs no call; a credential that many Lambda instances serve
/// gets the limit once from each. It keeps one caller from starving others on an instance and stops run-away loops;
/// the bound on the whole account is the gateway's throttle and the functions' concurrency.
pub struct Limiter {
    limit: RateLimit,
    clock: Arc<dyn Clock>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    fn filled(self, limit: RateLimit, now: Timestamp) -> Self {
        // A clock that was set back fills nothing.
        let elapsed = now.duration_since(self.at).as_secs_f64().max(0.0);
        Self { tokens: (self.tokens + elapsed * f64::from(limit.per_second)).min(f64::from(limit.burst)), at: now }
    }

    /// Whole seconds until there is a token; `None` when there is one.
    fn wait(self, limit: RateLimit) -> Option<u64> {
        let missing = 1.0 - self.tokens;
        // Less than a millionth is the rounding of the arithmetic.
        (missing > 1e-6).then(|| ((missing / f64::from(limit.per_second)).ceil() as u64).max(1))
    }
}

impl Limiter {
    /// A limiter in which every credential has its burst.
    #[must_use]
    pub fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        Self { limit, clock, buckets: Mutex::new(HashMap::new()) }
    }

    /// Counts a request of a credential that was proven.
    ///
    /// # Errors
    /// The whole seconds to wait, at least 1.
    pub fn take(&self, credential: &str) -> Result<(), u64> {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(credential) {
            self.make_room(&mut buckets, now);
        }
        let full = Bucket { tokens: f64::from(self.limit.burst), at: now };
        let bucket = buckets.entry(credential.to_owned()).or_insert(full);
        *bucket = bucket.filled(self.limit, now);
        if let Some(wait) = bucket.wait(self.limit) {
            return Err(wait);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// Refuses a known credential that is past its limit, before anything is spent on proving it again.
    ///
    /// # Errors
    /// The whole seconds to wait, at least 1.
    pub fn peek(&self, credential: &str) -> Result<(), u64> {
        let now = self.clock.now();
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.get(credential).and_then(|bucket| bucket.filled(self.limit, now).wait(self.limit));
        known.map_or(Ok(()), Err)
    }

    /// A full bucket says no more than a missing one, so those go first; then the fullest of the others.
    fn make_room(&self, buckets: &mut HashMap<String, Bucket>, now: Timestamp) {
        if buckets.len() < MOST {
            return;
        }
        let left = |bucket: &Bucket| bucket.filled(self.limit, now).tokens;
        buckets.retain(|_, bucket| left(bucket) < f64::from(self.limit.burst));
        if buckets.len() >= MOST {
            let fullest =
                buckets.iter().max_by(|(_, a), (_, b)| left(a).total_cmp(&left(b))).map(|(name, _)| name.clone());
            fullest.and_then(|name| buckets.remove(&name));
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::ManualClock;
    use jiff::SignedDuration;

    use super::*;

    fn limiter(per_second: u32, burst: u32) -> (Limiter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_700_000_000).unwrap()));
        (Limiter::new(RateLimit { per_second, burst }, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_steady_rate() {
        let (limiter, clock) = limiter(10, 3);
        for _ in 0..3 {
            assert_eq!(limiter.take("a"), Ok(()));
        }
        assert_eq!(limiter.take("a"), Err(1));
        assert_eq!(limiter.peek("a"), Err(1));
        assert_eq!(limiter.take("b"), Ok(()));
        clock.advance(SignedDuration::from_millis(100));
        assert_eq!(limiter.peek("a"), Ok(()));
        assert_eq!(limiter.take("a"), Ok(()));
        assert_eq!(limiter.take("a"), Err(1));
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!((0..10).filter(|_| limiter.take("a").is_ok()).count(), 3);
    }

    #[test]
    fn a_clock_set_back_gives_nothing_away() {
        let (limiter, clock) = limiter(1, 1);
        assert_eq!(limiter.take("a"), Ok(()));
        clock.advance(SignedDuration::from_hours(-1));
        assert_eq!(limiter.take("a"), Err(1));
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(limiter.take("a"), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_who_is_past_the_limit() {
        let (limiter, _clock) = limiter(1, 2);
        while limiter.take("greedy").is_ok() {}
        for number in 0..MOST + 10 {
            assert_eq!(limiter.take(&number.to_string()), Ok(()));
        }
        assert_eq!(limiter.buckets.lock().unwrap().len(), MOST);
        assert!(limiter.peek("greedy").is_err());
    }
}
