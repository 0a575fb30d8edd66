//! What the wire code of several platforms shares.

use std::time::Duration;

use domain::{Failure, Kind, Secret};
use http::HeaderMap;
use jiff::Timestamp;
use outbound::Answer;
use ring::rand::{SecureRandom, SystemRandom};
use url::Url;

/// A URL that is written in this crate or assembled from checked parts.
///
/// # Errors
/// [`Kind::InvalidRequest`] when a part made it unparsable.
pub(crate) fn url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|_| Failure::new(Kind::InvalidRequest, "an address could not be built"))
}

/// The same with query parameters, encoded.
pub(crate) fn url_with(text: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
    let mut url = url(text)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// The general meaning of a status, before the platform's own code is read.
pub(crate) fn by_status(answer: &Answer) -> Failure {
    let detail = format!("status {}", answer.status);
    let failure = match answer.status {
        401 => Failure::new(Kind::TokenRejected, detail),
        403 => Failure::new(Kind::PermissionMissing, detail),
        404 | 410 => Failure::new(Kind::NotFound, detail),
        408 | 500.. => Failure::new(Kind::ProviderDown, detail).maybe_applied(),
        429 => Failure::new(Kind::RateLimited, detail),
        300..=399 => Failure::new(Kind::ProviderDown, detail),
        _ => Failure::new(Kind::InvalidRequest, detail),
    };
    failure.retry_after(retry_after_seconds(&answer.headers))
}

/// `Retry-After` in its form of whole seconds. The form with a date is read as absent: no platform here sends it.
pub(crate) fn retry_after_seconds(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The time from `now` until `reset`; nothing when it has passed.
pub(crate) fn until(reset: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_until(reset)).ok().filter(|wait| !wait.is_zero())
}

/// 256 random bits as URL-safe text.
///
/// # Errors
/// [`Kind::ProviderDown`] when the machine has no randomness, which may pass.
pub(crate) fn random_text() -> Result<Secret, Failure> {
    let mut bytes = [0u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::new(Kind::ProviderDown, "no randomness on this machine"))?;
    Ok(Secret::new(base64url(&bytes)))
}

/// Base64 without padding, URL alphabet.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads an id or a counter that a platform writes as text in one place and as a number in another.
pub(crate) mod text_or_number {
    use serde::{Deserialize, Deserializer, de::Error};
    use serde_json::Value;

    pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) if !text.is_empty() => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(D::Error::custom("expected an id")),
        }
    }

    /// Absent, null, negative or unreadable is `None`: a figure that cannot be read is not a zero.
    pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            _ => None,
        })
    }
}

/// When something that lives `seconds` from `now` dies.
pub(crate) fn dies_at(now: Timestamp, seconds: i64) -> Option<Timestamp> {
    now.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()
}

/// Granted scopes as platforms write them: with commas or with spaces between.
pub(crate) fn scopes(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// How much of a text is kept, in characters: several times what any platform lets a person write. A server could send
/// more than a row can hold.
const LONGEST_TEXT: usize = 10_000;
/// The longest address that is kept, in bytes.
const LONGEST_ADDRESS: usize = 4_096;

/// Text of a person, cut at [`LONGEST_TEXT`]; empty counts as absent.
pub(crate) fn filled(text: Option<String>) -> Option<String> {
    let mut text = text.filter(|text| !text.trim().is_empty())?;
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
    }
    Some(text)
}

/// The address of a picture or a page; one that is longer than any real one counts as absent.
pub(crate) fn address(text: Option<String>) -> Option<String> {
    text.filter(|text| text.len() <= LONGEST_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_an_endless_address_is_none() {
        assert_eq!(filled(Some(" \n".to_owned())), None);
        assert_eq!(filled(Some("é".repeat(LONGEST_TEXT))), Some("é".repeat(LONGEST_TEXT)));
        assert_eq!(filled(Some("é".repeat(500_000))), Some("é".repeat(LONGEST_TEXT)));
        let long = format!("https://a.example/{}", "x".repeat(LONGEST_ADDRESS));
        assert_eq!(address(Some(long[..LONGEST_ADDRESS].to_owned())).map(|text| text.len()), Some(LONGEST_ADDRESS));
        assert_eq!(address(Some(long)), None);
    }
}

/// Answers for tests of what is read from them.
#[cfg(test)]
pub(crate) mod testing {
    use outbound::Answer;

    pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        Answer { status, headers: headers.collect(), body: bytes::Bytes::copy_from_slice(body.as_bytes()) }
    }

    pub(crate) fn ok(body: &str) -> Answer {
        answer(200, &[], body)
    }
}
