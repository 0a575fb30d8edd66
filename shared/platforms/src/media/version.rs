//! What a file's server says of a file, by which it is known again.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED};
use serde::{Deserialize, Serialize};

/// The marks of one state of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

impl Version {
    /// All that a look before has told.
    pub(super) fn of_length(length: Option<u64>) -> Self {
        Self { length, ..Self::default() }
    }

    /// The marks in an answer; `length` is that of the whole file.
    pub(super) fn of(headers: &HeaderMap, length: Option<u64>) -> Self {
        Self { length, etag: text(headers, &ETAG), modified: text(headers, &LAST_MODIFIED) }
    }

    /// Whether nothing that both know differs.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        same(self.length.as_ref(), other.length.as_ref())
            && same(self.etag.as_ref(), other.etag.as_ref())
            && same(self.modified.as_ref(), other.modified.as_ref())
    }

    /// What either knows.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            length: self.length.or(other.length),
            etag: self.etag.or(other.etag),
            modified: self.modified.or(other.modified),
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The length that an answer with the whole file gives.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &CONTENT_LENGTH)?.trim().parse().ok()
}

/// Which part of which whole an answer is: the first byte (`None` where it has no part to give) and the length of the
/// whole (`None`: the server does not know it).
pub(super) fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let value = text(headers, &CONTENT_RANGE)?;
    let (part, whole) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let start = part.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    Some((start, whole.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(value: &'static str) -> Option<(Option<u64>, Option<u64>)> {
        content_range(&HeaderMap::from_iter([(CONTENT_RANGE, http::HeaderValue::from_static(value))]))
    }

    #[test]
    fn ranges_are_read_as_servers_write_them() {
        assert_eq!(range("bytes 0-65535/1000000"), Some((Some(0), Some(1_000_000))));
        assert_eq!(range("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(range("bytes */1234"), Some((None, Some(1234))));
        assert_eq!(range("items 0-1/2"), None);
        assert_eq!(range("bytes"), None);
    }

    #[test]
    fn only_what_both_know_can_differ() {
        let old = Version { length: Some(5), etag: Some("a".into()), modified: None };
        assert!(old.agrees(&Version::default()));
        assert!(old.agrees(&Version { modified: Some("x".into()), ..old.clone() }));
        assert!(!old.agrees(&Version { etag: Some("b".into()), ..old.clone() }));
        assert!(!old.agrees(&Version { length: Some(6), ..Version::default() }));
    }
}
