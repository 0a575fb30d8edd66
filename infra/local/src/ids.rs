//! Ids as AWS makes them.

use ring::rand::{SecureRandom, SystemRandom};

/// A random UUID.
#[must_use]
pub fn uuid() -> String {
    let mut bytes = [0; 16];
    // Without random numbers the ids would repeat; they only tell requests and messages of one process apart.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers");
    }
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (variant, node) = rest.split_at(2);
    let version = hex(&[0x40 | (g & 0x0f), h]);
    let variant = hex(&[0x80 | (variant[0] & 0x3f), variant[1]]);
    format!("{}-{}-{version}-{variant}-{}", hex(&[a, b, c, d]), hex(&[e, f]), hex(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_form_and_is_not_given_twice() {
        let (one, other) = (uuid(), uuid());
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert_ne!(one, other);
    }
}
