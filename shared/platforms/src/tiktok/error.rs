//! TikTok's errors in our words.

use std::time::Duration;

use domain::{Failure, Kind};
use outbound::Answer;
use serde::Deserialize;

use crate::wire;

/// Limits are windows of a minute, and no header says when one is over.
const WINDOW: Duration = Duration::from_secs(60);

/// `error` is an object in the API's envelope, which every answer has, and text at the token endpoint.
#[derive(Deserialize)]
struct Envelope {
    error: Option<Error>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Error {
    Api { code: String },
    OAuth(String),
}

/// The code of a refusal, whatever its status: TikTok sends errors with status 200 too.
fn code(answer: &Answer) -> Option<String> {
    match serde_json::from_slice::<Envelope>(&answer.body).ok()?.error? {
        Error::Api { code } | Error::OAuth(code) => Some(code).filter(|code| code != "ok" && !code.is_empty()),
    }
}

/// The answer of an API call that needs `scope`, if it is no refusal.
pub(super) fn check(answer: Answer, scope: &str) -> Result<Answer, Failure> {
    let Some(code) = code(&answer) else {
        return if answer.is_success() { Ok(answer) } else { Err(limited(wire::by_status(&answer))) };
    };
    let general = wire::by_status(&answer);
    let failure = |kind| Failure { kind, detail: detail(&answer, &code), ..general.clone() };
    Err(match code.as_str() {
        "access_token_invalid" => failure(Kind::TokenRejected),
        // Sent with 401, although the token is fine: the person did not tick the box.
        "scope_not_authorized" | "scope_permission_missed" => failure(Kind::PermissionMissing).scope(scope),
        "rate_limit_exceeded" => limited(failure(Kind::RateLimited)),
        "internal_error" => failure(Kind::ProviderDown).maybe_applied(),
        "invalid_params" => failure(Kind::InvalidRequest),
        _ => limited(failure(general.kind)),
    })
}

/// The answer of the token endpoint, if it is no refusal.
pub(super) fn check_token(answer: Answer) -> Result<Answer, Failure> {
    let code = code(&answer);
    if answer.is_success() && code.is_none() {
        return Ok(answer);
    }
    let general = wire::by_status(&answer);
    let code = code.unwrap_or_default();
    let kind = match code.as_str() {
        // Used, expired or revoked: a code as well as a refresh token.
        "invalid_grant" => Kind::ReconnectNeeded,
        "invalid_client" | "unauthorized_client" | "invalid_scope" | "unsupported_grant_type" => Kind::AppRejected,
        "rate_limit_exceeded" => Kind::RateLimited,
        "internal_error" | "server_error" | "temporarily_unavailable" => Kind::ProviderDown,
        // A 401 here is about the app: the token endpoint knows no access token.
        _ if general.kind == Kind::TokenRejected => Kind::AppRejected,
        _ => general.kind,
    };
    Err(limited(Failure { kind, detail: detail(&answer, &code), ..general }))
}

/// The answer of the revocation endpoint. A token that is dead already needs no revocation. UNSURE: no page names the
/// code for that; `invalid_request` can mean nothing else, since what we send is complete.
pub(super) fn check_revoke(answer: Answer) -> Result<(), Failure> {
    match code(&answer).as_deref() {
        Some("invalid_grant" | "access_token_invalid" | "invalid_request") => Ok(()),
        _ => check_token(answer).map(drop),
    }
}

/// A rate limit waits for the window to pass at least.
fn limited(failure: Failure) -> Failure {
    match failure.kind {
        Kind::RateLimited => {
            let wait = failure.retry_after.unwrap_or_default().max(WINDOW);
            failure.retry_after(Some(wait))
        }
        _ => failure,
    }
}

/// Codes are words of TikTok's own list; anything else in their place is not repeated.
fn detail(answer: &Answer, code: &str) -> String {
    let word = code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    format!("status {}, code {}", answer.status, if word { code } else { "of no known form" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{answer, ok};

    fn refused(status: u16, body: &str) -> Failure {
        check(answer(status, &[], body), "video.list").unwrap_err()
    }

    #[test]
    fn an_invalid_token_may_be_refreshed() {
        assert_eq!(refused(401, include_str!("fixtures/error.token_invalid.json")).kind, Kind::TokenRejected);
    }

    #[test]
    fn a_scope_that_was_not_ticked_is_no_dead_token_although_the_status_is_401() {
        for (status, body) in
            [(401, include_str!("fixtures/error.scope.json")), (400, include_str!("fixtures/error.scope_missed.json"))]
        {
            let failure = refused(status, body);
            assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("video.list")));
        }
    }

    #[test]
    fn a_rate_limit_waits_a_minute_at_least() {
        let body = include_str!("fixtures/error.rate.json");
        assert_eq!(refused(429, body).retry_after, Some(Duration::from_secs(60)));
        assert_eq!(refused(429, "").retry_after, Some(Duration::from_secs(60)));
        let longer = check(answer(429, &[("retry-after", "90")], body), "video.list").unwrap_err();
        assert_eq!(longer.retry_after, Some(Duration::from_secs(90)));
    }

    #[test]
    fn a_server_fault_may_pass() {
        assert_eq!(refused(500, include_str!("fixtures/error.internal.json")).kind, Kind::ProviderDown);
        assert_eq!(refused(503, "<html>").kind, Kind::ProviderDown);
    }

    #[test]
    fn an_envelope_that_says_ok_is_no_refusal() {
        assert!(check(ok(include_str!("fixtures/user.json")), "user.info.basic").is_ok());
    }

    #[test]
    fn a_refusal_with_status_200_is_a_refusal() {
        assert_eq!(
            check_token(ok(include_str!("fixtures/error.invalid_grant.json"))).unwrap_err().kind,
            Kind::ReconnectNeeded
        );
        assert_eq!(
            check_token(ok(include_str!("fixtures/error.invalid_client.json"))).unwrap_err().kind,
            Kind::AppRejected
        );
        assert!(check_token(ok(include_str!("fixtures/token.json"))).is_ok());
    }

    #[test]
    fn a_token_that_is_dead_already_needs_no_revocation() {
        assert!(check_revoke(ok("{}")).is_ok());
        assert!(check_revoke(ok("")).is_ok());
        assert!(check_revoke(ok(include_str!("fixtures/error.revoked_already.json"))).is_ok());
        assert_eq!(
            check_revoke(ok(include_str!("fixtures/error.invalid_client.json"))).unwrap_err().kind,
            Kind::AppRejected
        );
        assert!(check_revoke(answer(503, &[], "")).unwrap_err().may_pass());
    }

    #[test]
    fn an_outage_of_the_token_endpoint_is_no_revocation() {
        for status in [429, 500, 502, 503] {
            assert!(check_token(answer(status, &[], "")).unwrap_err().may_pass(), "{status}");
        }
    }

    #[test]
    fn no_text_of_the_platform_gets_into_the_detail() {
        let body = r#"{"error":{"code":"act.secret token","message":"m"}}"#;
        assert_eq!(refused(400, body).detail, "status 400, code of no known form");
    }
}
