//! Record keys that are the same in every attempt.

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

/// The base32 of the network, whose order is the order of the values.
const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The key of the record called `name`, as of `at` (<https://atproto.com/specs/tid>).
///
/// The milliseconds are the time's; the microseconds below them and the clock's number come from the name, about 20 bits
/// of it. So one name has one key whoever computes it and however finely the time was stored, and two posts of an
/// account that begin in the same millisecond do not meet.
pub(super) fn of(at: Timestamp, name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let part = |n: usize| u64::from(hash.as_ref().get(n).copied().unwrap_or_default());
    let below = (part(0) << 8 | part(1)) % 1_000;
    let clock = (part(2) << 8 | part(3)) & 0x3ff;
    let micros = u64::try_from(at.as_millisecond()).unwrap_or_default() * 1_000 + below;
    written(micros << 10 | clock)
}

/// 13 digits of 5 bits; the first bit of the 64 is always 0.
fn written(value: u64) -> String {
    let digit = |n: u32| DIGITS[usize::from((value >> (5 * n)) as u8 & 0x1f)];
    (0..13).rev().map(|n| char::from(digit(n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_is_written_in_the_networks_digits() {
        assert_eq!(written(0), "2222222222222");
        assert_eq!(written(1 << 10), "2222222222322");
        assert_eq!(written(31), "222222222222z");
        // The key of the specification's own example, read digit by digit with another tool.
        assert_eq!(written(1_728_652_679_052_295_174), "3jzfcijpj2z2a");
    }

    #[test]
    fn one_name_has_one_key_however_finely_the_time_is_stored() {
        let key = of(at("2026-11-23T20:00:00.123Z"), "dlv_1");
        // Computed with another tool.
        assert_eq!(key, "3n2yw6yygsmb2");
        assert_eq!(of(at("2026-11-23T20:00:00.123999Z"), "dlv_1"), key);
        assert_ne!(of(at("2026-11-23T20:00:00.123Z"), "dlv_2"), key);
        assert_ne!(of(at("2026-11-23T20:00:00.124Z"), "dlv_1"), key);
    }

    #[test]
    fn a_later_key_is_sorted_later() {
        let keys = ["20:00:00.000Z", "20:00:00.001Z", "20:00:01Z", "21:00:00Z"]
            .map(|time| of(at(&format!("2026-11-23T{time}")), time));
        assert!(keys.is_sorted(), "{keys:?}");
    }

    proptest! {
        #[test]
        fn every_key_has_the_form_that_servers_demand(ms in 0i64..4_000_000_000_000, name in "\\PC{0,20}") {
            let key = of(Timestamp::from_millisecond(ms).unwrap(), &name);
            prop_assert_eq!(key.len(), 13);
            prop_assert!(key.bytes().all(|b| DIGITS.contains(&b)));
            prop_assert!((b'2'..=b'7').contains(&key.as_bytes()[0]) || (b'a'..=b'j').contains(&key.as_bytes()[0]));
        }
    }
}
