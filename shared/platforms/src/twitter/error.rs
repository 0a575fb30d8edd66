//! X's errors in our words: problem documents, the older list of codes, and OAuth's.

use std::time::Duration;

use domain::{Failure, Kind};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use crate::wire;

/// A refusal. `errors` holds parameters of a problem document, partial failures of a 200, or codes of the older kind.
#[derive(Debug, Default, Deserialize)]
struct Body {
    title: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    code: Option<u32>,
    message: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// X's own words for it are a name and an account's number.
const NO_CREDITS: &str = "The prepaid credits of this installation's app at X are used up, or its spending limit is \
    reached. Nothing is posted until the operator adds credits in X's developer console; then try again.";

/// What a refusal means; `scope` is the right that the call needs.
pub(super) fn of(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let general = general(answer, now);
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = problem(body.kind.as_deref())
        .or_else(|| problem(body.errors.iter().find_map(|entry| entry.kind.as_deref())))
        .unwrap_or_default();
    let number = body.errors.iter().find_map(|entry| entry.code);
    let said = if answer.status == 402 { Some(NO_CREDITS.to_owned()) } else { said(&body) };
    let text = said.as_deref().unwrap_or_default().to_lowercase();
    let meaning = match (answer.status, number, kind.as_str()) {
        // The credits are used up or the spending limit is reached; nobody but the operator can help.
        (402, ..) => Kind::AppRejected,
        (_, Some(187), _) => Kind::Duplicate,
        (403, ..) if text.contains("duplicate content") => Kind::Duplicate,
        (_, Some(186), _) => Kind::ContentRefused,
        // Self-serve apps may name one stock in a post.
        (403, ..) if text.contains("cashtag") => Kind::ContentRefused,
        // Suspended, and locked until the person has shown who they are.
        (_, Some(64 | 326), _) | (_, _, "user-suspended") => Kind::Suspended,
        // The app is in no project or its plan does not have the call.
        (_, _, "client-forbidden") => Kind::AppRejected,
        // A token of the app where one of a person belongs.
        (_, _, "unsupported-authentication") => Kind::ReconnectNeeded,
        (_, _, "resource-not-found") => Kind::NotFound,
        (_, _, "not-authorized-for-resource") => Kind::PermissionMissing,
        (_, Some(88), _) | (_, _, "usage-capped" | "rate-limit-exceeded") => Kind::RateLimited,
        // A 200 without the data that was asked for, and without a reason that is known.
        (200..=299, ..) => Kind::ProviderDown,
        _ => general.kind,
    };
    let code = number.map(|number| number.to_string()).or(Some(kind).filter(|kind| !kind.is_empty()));
    let detail = match &code {
        Some(code) => format!("{}, code {code}", general.detail),
        None => general.detail.clone(),
    };
    let failure = Failure { kind: meaning, detail, ..general }.said(said, code);
    match failure.kind {
        Kind::PermissionMissing => failure.scope(scope),
        _ => failure,
    }
}

/// What a refusal to publish means. Only what X documents as a refusal has surely had no effect.
pub(super) fn of_submit(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let failure = of(answer, now, scope);
    match answer.status {
        // Too long, an option that does not fit, a file that has run out.
        400 => Failure { kind: Kind::ContentRefused, ..failure },
        401 | 402 | 403 | 404 | 429 => failure,
        _ => failure.maybe_applied(),
    }
}

/// What the end of a file's processing means: `InternalError` is X's own trouble, everything else the file's.
pub(super) fn of_processing(name: Option<String>, message: Option<String>) -> Failure {
    let kind = match name.as_deref() {
        Some("InternalError") => Kind::ProviderDown,
        _ => Kind::ContentRefused,
    };
    let name = name.filter(|name| is_word(name));
    let detail = format!("processing failed, {}", name.as_deref().unwrap_or("no reason"));
    Failure::new(kind, detail).said(message.map(short), name)
}

#[derive(Default, Deserialize)]
struct OAuthError {
    error: Option<String>,
    error_description: Option<String>,
}

/// A refusal of the token and revocation endpoints.
pub(super) fn of_token(answer: &Answer, now: Timestamp) -> Failure {
    let general = general(answer, now);
    let body: OAuthError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.error.filter(|code| is_word(code)).unwrap_or_default();
    let text = body.error_description.unwrap_or_default().to_lowercase();
    let kind = match code.as_str() {
        "invalid_grant" => Kind::ReconnectNeeded,
        // The word for a code or a refresh token that is spent, ended or revoked; the address alone is the app's fault.
        "invalid_request" if text.contains("redirect") => Kind::AppRejected,
        "invalid_request" if text.contains("was invalid") => Kind::ReconnectNeeded,
        "invalid_client" | "unauthorized_client" => Kind::AppRejected,
        // A 401 or 403 here is about the app: no token of a person is looked at.
        _ if matches!(general.kind, Kind::TokenRejected | Kind::PermissionMissing) => Kind::AppRejected,
        _ => general.kind,
    };
    Failure { kind, detail: format!("{}, code {code}", general.detail), ..general }
}

fn general(answer: &Answer, now: Timestamp) -> Failure {
    let failure = wire::by_status(answer);
    match failure.kind {
        Kind::RateLimited => failure.retry_after(reset(answer, now)),
        _ => failure,
    }
}

/// Until when to wait: the window of the limits that are used up, the furthest of them.
fn reset(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let number = |name: String| answer.header(&name).and_then(|text| text.trim().parse::<i64>().ok());
    let windows = ["x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour"];
    let spent = windows.into_iter().filter(|name| number(format!("{name}-remaining")).is_none_or(|left| left <= 0));
    let resets = spent.filter_map(|name| Timestamp::from_second(number(format!("{name}-reset"))?).ok());
    resets.max().and_then(|reset| wire::until(reset, now))
}

/// The last part of a problem's address: `https://api.x.com/2/problems/usage-capped`.
fn problem(address: Option<&str>) -> Option<String> {
    let (_, name) = address?.rsplit_once("/problems/")?;
    is_word(name).then(|| name.to_owned())
}

/// X's own words. Those of a parameter say more than the general ones.
fn said(body: &Body) -> Option<String> {
    let entry = |entry: &Entry| entry.message.clone().or(entry.detail.clone()).or(entry.title.clone());
    let own = body.errors.iter().find_map(entry);
    own.or(body.detail.clone()).or(body.title.clone()).map(short)
}

/// No reason is longer; what is, is not one.
fn short(text: String) -> String {
    text.chars().take(300).collect()
}

/// Codes are words; anything else in their place is not repeated.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;
    use domain::Effect;

    const SCOPE: &str = "tweet.write";

    fn refused(status: u16, body: &str) -> Failure {
        of(&answer(status, &[], body), Timestamp::UNIX_EPOCH, SCOPE)
    }

    #[test]
    fn the_same_text_again_is_a_duplicate() {
        let failure = refused(403, include_str!("fixtures/error.duplicate.json"));
        assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
        assert_eq!(failure.said.as_deref(), Some("You are not allowed to create a Tweet with duplicate content."));
        let old = refused(403, include_str!("fixtures/error.legacy.duplicate.json"));
        assert_eq!((old.kind, old.code.as_deref()), (Kind::Duplicate, Some("187")));
    }

    #[test]
    fn used_up_credits_are_the_operators_business() {
        let failure = refused(402, include_str!("fixtures/error.credits.json"));
        assert_eq!((failure.kind, failure.effect), (Kind::AppRejected, Effect::NotApplied));
        assert_eq!(failure.code.as_deref(), Some("credits"));
    }

    #[test]
    fn a_missing_right_is_named() {
        let failure = refused(403, include_str!("fixtures/error.forbidden.json"));
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(SCOPE)));
    }

    #[test]
    fn what_only_the_person_or_the_operator_can_mend() {
        assert_eq!(refused(403, include_str!("fixtures/error.suspended.json")).kind, Kind::Suspended);
        assert_eq!(refused(403, include_str!("fixtures/error.client.json")).kind, Kind::AppRejected);
        assert_eq!(refused(401, include_str!("fixtures/error.unauthorized.json")).kind, Kind::TokenRejected);
        assert_eq!(refused(403, include_str!("fixtures/error.cashtags.json")).kind, Kind::ContentRefused);
    }

    #[test]
    fn a_parameter_says_what_is_wrong_with_it() {
        let body = include_str!("fixtures/error.invalid.json");
        let failure = of_submit(&answer(400, &[], body), Timestamp::UNIX_EPOCH, SCOPE);
        assert_eq!((failure.kind, failure.effect), (Kind::ContentRefused, Effect::NotApplied));
        assert!(failure.said.unwrap().contains("too long"));
        assert_eq!(refused(400, body).kind, Kind::InvalidRequest);
    }

    #[test]
    fn a_submission_that_met_trouble_may_have_been_carried_out() {
        for status in [408, 409, 422, 500, 502, 503, 504] {
            let failure = of_submit(&answer(status, &[], "<html>"), Timestamp::UNIX_EPOCH, SCOPE);
            assert_eq!(failure.effect, Effect::Unknown, "{status}");
        }
        for status in [400, 401, 402, 403, 404, 429] {
            let failure = of_submit(&answer(status, &[], "{}"), Timestamp::UNIX_EPOCH, SCOPE);
            assert_eq!(failure.effect, Effect::NotApplied, "{status}");
        }
    }

    #[test]
    fn the_window_that_is_used_up_says_how_long_to_wait() {
        let body = include_str!("fixtures/error.rate.json");
        let now = Timestamp::from_second(1_000).unwrap();
        let wait = |headers: &[(&'static str, &str)]| of(&answer(429, headers, body), now, SCOPE).retry_after;
        let short = [("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1900")];
        assert_eq!(wait(&short), Some(Duration::from_secs(900)));
        let day = [
            ("x-rate-limit-remaining", "12"),
            ("x-rate-limit-reset", "1900"),
            ("x-user-limit-24hour-remaining", "0"),
            ("x-user-limit-24hour-reset", "80000"),
        ];
        assert_eq!(wait(&day), Some(Duration::from_secs(79_000)));
        assert_eq!(wait(&[("x-rate-limit-reset", "1010")]), Some(Duration::from_secs(10)));
        assert_eq!((wait(&[]), wait(&[("x-rate-limit-reset", "900")])), (None, None));
    }

    #[test]
    fn a_spent_refresh_token_asks_for_reconnect_and_an_outage_does_not() {
        let token = |status, body: &str| of_token(&answer(status, &[], body), Timestamp::UNIX_EPOCH).kind;
        assert_eq!(token(400, include_str!("fixtures/error.token.json")), Kind::ReconnectNeeded);
        assert_eq!(token(400, r#"{"error":"invalid_grant"}"#), Kind::ReconnectNeeded);
        assert_eq!(token(401, include_str!("fixtures/error.app.json")), Kind::AppRejected);
        assert_eq!(token(400, include_str!("fixtures/error.redirect.json")), Kind::AppRejected);
        assert_eq!(token(400, r#"{"error":"invalid_request"}"#), Kind::InvalidRequest);
        assert_eq!((token(503, "<html>"), token(429, "")), (Kind::ProviderDown, Kind::RateLimited));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_from_trouble_at_the_platform() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of_processing(text("InternalError"), None).kind, Kind::ProviderDown);
        let failure = of_processing(text("InvalidMedia"), text("Unsupported codec"));
        assert_eq!((failure.kind, failure.said.as_deref()), (Kind::ContentRefused, Some("Unsupported codec")));
    }
}
