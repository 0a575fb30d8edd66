//! Calls of a bot. Its token is a part of the address, so the form is checked before an address is made of it.

use domain::{Failure, Kind, Platform, Secret};
use outbound::{Answer, Call};
use serde_json::Value;

use super::{api, error};
use crate::kit::Context;
use crate::wire;

/// Whether `text` has the form of a token: the bot's number, a colon, about 35 characters.
pub(super) fn is_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(id, key)| {
        (1..=20).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_digit())
            && (30..=64).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    })
}

/// The number of the bot, which its token begins with.
pub(super) fn id(token: &Secret) -> Result<&str, Failure> {
    let (id, _) = token.expose().split_once(':').filter(|_| is_token(token.expose())).ok_or_else(malformed)?;
    Ok(id)
}

/// A call of `method`.
pub(super) fn call(token: &Secret, method: &str) -> Result<Call, Failure> {
    if !is_token(token.expose()) {
        return Err(malformed());
    }
    let url = wire::url(&format!("https://api.telegram.org/bot{}/{method}", token.expose()))?;
    Ok(Call::new(Platform::Telegram, http::Method::POST, url))
}

/// A call that changes nothing, and what it answers.
pub(super) async fn ask<T: serde::de::DeserializeOwned>(
    cx: &Context<'_>,
    token: &Secret,
    method: &str,
    parameters: &Value,
) -> Result<T, Failure> {
    let call = call(token, method)?.body("application/json", parameters.to_string());
    let answer = cx.out.send(call).await?;
    read(&answer)
}

/// The result of an answer, whatever its status.
pub(super) fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    if answer.is_success() { api::result(answer) } else { Err(error::of(answer)) }
}

fn malformed() -> Failure {
    Failure::new(Kind::ReconnectNeeded, "what is kept is no bot's token")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456789:AAabcdefghijklmnopqrstuvwxyz_-01234";

    #[test]
    fn only_a_token_becomes_part_of_an_address() {
        assert!(is_token(TOKEN));
        assert_eq!(id(&Secret::new(TOKEN)).unwrap(), "123456789");
        let long = "a".repeat(65);
        for text in ["", "123456789", "123:short", "abc:AAabcdefghijklmnopqrstuvwxyz_-01234", &format!("1:{long}")] {
            assert!(!is_token(text), "{text}");
        }
        for text in ["1:../../../../aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?b"] {
            assert_eq!(call(&Secret::new(text), "getMe").unwrap_err().kind, Kind::ReconnectNeeded);
        }
    }

    #[tokio::test]
    async fn a_token_is_in_no_failure() {
        use outbound::{Outbound, UpstreamConfig};
        let app = crate::AppCredentials::default();
        let clock = domain::clock::ManualClock::at(jiff::Timestamp::UNIX_EPOCH);
        // Nobody listens on port 1.
        for upstream in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
            let config = UpstreamConfig::from_env(|name| (name == "HERALD_UPSTREAM").then(|| upstream.to_owned()));
            let out = Outbound::new(config.unwrap());
            let cx = Context { out: &out, clock: &clock, app: &app };
            let failure = ask::<Value>(&cx, &Secret::new(TOKEN), "getMe", &Value::Null).await.unwrap_err();
            let printed = format!("{failure} {failure:?}");
            assert!(!printed.contains("AAabcdef") && !printed.contains("api.telegram.org"), "{printed}");
        }
    }
}
