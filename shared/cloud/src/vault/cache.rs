//! Plaintext data keys, for a few minutes.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::PlainKey;

/// How long a data key stays: long enough for a sync, short enough that a withdrawn right ends soon.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// How many data keys stay; more would only matter to a process that serves thousands of connections a minute.
const MOST: usize = 1_000;

/// The name of a data key: a digest of its wrapped form and the context it was made for. The context is part of it, so
/// the memory never opens what the key service would refuse.
pub(super) type KeyName = [u8; 32];

#[derive(Default)]
pub(super) struct DataKeys(HashMap<KeyName, (Arc<PlainKey>, Timestamp)>);

impl DataKeys {
    pub(super) fn get(&mut self, name: &KeyName, now: Timestamp) -> Option<Arc<PlainKey>> {
        let (key, since) = self.0.get(name)?;
        if fresh(*since, now) {
            return Some(Arc::clone(key));
        }
        self.0.remove(name);
        None
    }

    pub(super) fn put(&mut self, name: KeyName, key: Arc<PlainKey>, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, since)| fresh(*since, now));
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (_, since))| *since).map(|(name, _)| *name)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(name, (key, now));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A clock that was set back must not lengthen a key's life, so a key from the future is not fresh either.
fn fresh(since: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && age < LIFE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn name(number: usize) -> KeyName {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&number.to_be_bytes());
        name
    }

    #[test]
    fn a_key_lives_five_minutes_and_not_in_the_past() {
        let mut keys = DataKeys::default();
        keys.put(name(1), Arc::new(PlainKey::new([7; 32])), at(0));
        assert!(keys.get(&name(1), at(299)).is_some());
        assert!(keys.get(&name(1), at(300)).is_none());
        assert_eq!(keys.len(), 0);
        keys.put(name(1), Arc::new(PlainKey::new([7; 32])), at(0));
        assert!(keys.get(&name(1), at(-1)).is_none());
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_key_leaves_first() {
        let mut keys = DataKeys::default();
        for number in 0..=MOST {
            keys.put(name(number), Arc::new(PlainKey::new([7; 32])), at(i64::from(number != 0)));
        }
        assert_eq!(keys.len(), MOST);
        assert!(keys.get(&name(0), at(2)).is_none());
        assert!(keys.get(&name(MOST), at(2)).is_some());
    }
}
