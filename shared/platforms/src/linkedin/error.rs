//! LinkedIn's errors in our words. Versioned calls name a code; older ones only a number.

use std::time::Duration;

use domain::{Failure, Kind};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use crate::wire;

/// Short bursts are held back for minutes; nobody says for how many.
const BURST: Duration = Duration::from_secs(300);
/// How long a file may still be at work when a post was refused for it.
const PROCESSING: Duration = Duration::from_secs(10);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    code: Option<String>,
    service_error_code: Option<u32>,
    message: Option<String>,
    #[serde(default)]
    error_details: Details,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default)]
    input_errors: Vec<InputError>,
}

#[derive(Deserialize)]
struct InputError {
    code: Option<String>,
    description: Option<String>,
}

/// What a refusal means; `scope` is the right that the call needs.
pub(super) fn of(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let general = wire::by_status(answer);
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let input = body.error_details.input_errors.iter().find_map(|error| error.code.clone());
    let code = input.or(body.code).filter(|code| is_word(code));
    let message = body.message.unwrap_or_default();
    let kind = match (answer.status, code.as_deref(), body.service_error_code) {
        (_, Some("DUPLICATE_POST"), _) => Kind::Duplicate,
        // The member has removed the app, or the token was never one: nothing renews it.
        (401, Some("REVOKED_ACCESS_TOKEN" | "INVALID_ACCESS_TOKEN" | "EMPTY_ACCESS_TOKEN"), _)
        | (401, _, Some(65_600 | 65_601 | 65_604)) => Kind::ReconnectNeeded,
        // Expired, or a reason that is not named: a renewal may help.
        (401, ..) => Kind::TokenRejected,
        // The version of the API has ended, or the header is missing: Herald itself is too old.
        (426, ..) | (_, Some("NONEXISTENT_VERSION" | "VERSION_MISSING"), _) => Kind::AppRejected,
        (409, ..) => Kind::ProviderDown,
        // A file that is still being processed is refused with the same code as one that is wrong.
        (422, ..) if is_still_processing(&message) => Kind::ProviderDown,
        (422, ..) => Kind::ContentRefused,
        _ => general.kind,
    };
    let wait = match kind {
        Kind::RateLimited => general.retry_after.or_else(|| Some(until_reset(&message, now))),
        Kind::ProviderDown if answer.status == 422 => Some(PROCESSING),
        _ => general.retry_after,
    };
    let description = body.error_details.input_errors.into_iter().find_map(|error| error.description);
    let existing = (kind == Kind::Duplicate).then(|| post_urn(&message)).flatten();
    let detail = match (&code, body.service_error_code) {
        (Some(code), _) => format!("{}, code {code}", general.detail),
        (None, Some(number)) => format!("{}, code {number}", general.detail),
        (None, None) => general.detail.clone(),
    };
    let code = code.or(body.service_error_code.map(|number| number.to_string()));
    let failure = Failure { kind, detail, existing, ..general }
        .retry_after(wait)
        .said(description.or(Some(message)).map(|text| text.chars().take(300).collect()), code);
    match failure.kind {
        Kind::PermissionMissing => failure.scope(scope),
        _ => failure,
    }
}

/// What a refusal to publish means. Only what LinkedIn documents as a refusal has surely had no effect.
pub(super) fn of_submit(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let failure = of(answer, now, scope);
    match answer.status {
        400 => Failure { kind: Kind::ContentRefused, ..failure },
        401 | 403 | 404 | 409 | 412 | 422 | 426 | 429 => failure,
        _ => failure.maybe_applied(),
    }
}

/// What the end of a file's processing means.
pub(super) fn of_processing(status: &str) -> Failure {
    Failure::new(Kind::ContentRefused, "processing failed")
        .said(Some("LinkedIn could not process the file.".to_owned()), Some(status.to_owned()).filter(|s| is_word(s)))
}

#[derive(Default, Deserialize)]
struct OAuthError {
    error: Option<String>,
}

/// A refusal of the token and revocation endpoints.
pub(super) fn of_token(answer: &Answer) -> Failure {
    let general = wire::by_status(answer);
    let body: OAuthError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.error.filter(|code| is_word(code)).unwrap_or_default();
    let kind = match code.as_str() {
        "invalid_grant" => Kind::ReconnectNeeded,
        // The same word for a code or token that is spent, ended or revoked as for one that was never issued; what
        // we send is complete, so nothing else is meant.
        "invalid_request" if answer.status == 400 => Kind::ReconnectNeeded,
        "invalid_client" | "unauthorized_client" | "invalid_redirect_uri" => Kind::AppRejected,
        _ if matches!(general.kind, Kind::TokenRejected | Kind::PermissionMissing) => Kind::AppRejected,
        _ => general.kind,
    };
    Failure { kind, detail: format!("{}, code {code}", general.detail), ..general }
}

/// Quotas of the day end at midnight UTC.
fn until_reset(message: &str, now: Timestamp) -> Duration {
    if !message.contains(" DAY ") {
        return BURST;
    }
    let second = now.as_second();
    Duration::from_secs(u64::try_from(86_400 - second.rem_euclid(86_400)).unwrap_or(86_400))
}

fn is_still_processing(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("expected state") || message.contains("processing")
}

/// The post that a refusal names: `urn:li:share:123`, `urn:li:ugcPost:123`.
fn post_urn(message: &str) -> Option<String> {
    ["urn:li:share:", "urn:li:ugcPost:"].into_iter().find_map(|kind| {
        let (_, behind) = message.split_once(kind)?;
        let number: String = behind.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then(|| format!("{kind}{number}"))
    })
}

/// Codes are words; anything else in their place is not repeated.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;
    use domain::Effect;

    fn refused(status: u16, body: &str) -> Failure {
        of(&answer(status, &[], body), "2026-11-20T21:00:00Z".parse().unwrap(), "w_member_social")
    }

    fn submitted(status: u16, body: &str) -> Failure {
        of_submit(&answer(status, &[], body), Timestamp::UNIX_EPOCH, "w_member_social")
    }

    #[test]
    fn a_duplicate_names_the_post_that_is_there() {
        let failure = submitted(422, include_str!("fixtures/error.duplicate.json"));
        assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
        assert_eq!(failure.existing.as_deref(), Some("urn:li:share:7141138937766391808"));
        assert_eq!(post_urn("a duplicate of urn:li:ugcPost:7."), Some("urn:li:ugcPost:7".to_owned()));
        assert_eq!(post_urn("a duplicate of urn:li:share:"), None);
    }

    #[test]
    fn a_file_that_is_not_ready_is_not_a_wrong_one() {
        let failure = submitted(422, include_str!("fixtures/error.media_state.json"));
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
        assert_eq!(failure.retry_after, Some(PROCESSING));
        assert_eq!(submitted(422, r#"{"message":"Field too long"}"#).kind, Kind::ContentRefused);
    }

    #[test]
    fn a_token_that_ended_is_told_from_one_that_was_taken_back() {
        assert_eq!(refused(401, include_str!("fixtures/error.expired.json")).kind, Kind::TokenRejected);
        assert_eq!(refused(401, include_str!("fixtures/error.revoked.json")).kind, Kind::ReconnectNeeded);
        let old = r#"{"serviceErrorCode":65601,"message":"The token used in the request has been revoked by the user","status":401}"#;
        assert_eq!(refused(401, old).kind, Kind::ReconnectNeeded);
    }

    #[test]
    fn a_missing_right_is_named() {
        let failure = refused(403, include_str!("fixtures/error.denied.json"));
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("w_member_social")));
    }

    #[test]
    fn a_version_that_ended_is_the_operators_business() {
        assert_eq!(refused(426, include_str!("fixtures/error.version.json")).kind, Kind::AppRejected);
    }

    #[test]
    fn a_quota_of_the_day_ends_at_midnight() {
        let failure = refused(429, include_str!("fixtures/error.rate.json"));
        assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, Some(Duration::from_secs(3 * 3600))));
        assert_eq!(refused(429, "{}").retry_after, Some(BURST));
    }

    #[test]
    fn a_submission_that_met_trouble_may_have_been_carried_out() {
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(submitted(status, "").effect, Effect::Unknown, "{status}");
        }
        for status in [400, 401, 403, 409, 422, 426, 429] {
            assert_eq!(submitted(status, "{}").effect, Effect::NotApplied, "{status}");
        }
    }

    #[test]
    fn a_spent_code_asks_for_reconnect_and_an_outage_does_not() {
        let token = |status, body: &str| of_token(&answer(status, &[], body)).kind;
        assert_eq!(token(400, r#"{"error":"invalid_grant","error_description":"…"}"#), Kind::ReconnectNeeded);
        assert_eq!(token(400, include_str!("fixtures/error.code.json")), Kind::ReconnectNeeded);
        assert_eq!(token(401, r#"{"error":"invalid_client"}"#), Kind::AppRejected);
        assert_eq!(token(400, r#"{"error":"invalid_redirect_uri"}"#), Kind::AppRejected);
        assert_eq!((token(503, ""), token(429, "")), (Kind::ProviderDown, Kind::RateLimited));
    }
}
