//! YouTube's and Google's errors in our words.

use std::time::Duration;

use domain::{Failure, Kind};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use outbound::Answer;
use serde::Deserialize;

use super::facts::READ;
use crate::wire;

#[derive(Deserialize)]
struct Envelope {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    errors: Vec<Reason>,
    #[serde(default)]
    message: String,
    status: Option<String>,
    #[serde(default)]
    details: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

/// A refusal of the Data API. `errors[0].reason` decides; where it is missing, the reason in `details` or the status word.
pub(super) fn of(answer: &Answer, now: Timestamp) -> Failure {
    let general = wire::by_status(answer);
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else { return general };
    let reasons: Vec<String> = error
        .errors
        .into_iter()
        .chain(error.details)
        .filter_map(|entry| entry.reason)
        // The reason of a wrong key is the general `badRequest`; where `details` are left out, only the text tells.
        .chain(error.message.starts_with("API key not valid").then(|| "API_KEY_INVALID".to_owned()))
        .chain(error.status)
        .filter(|reason| is_word(reason))
        .collect();
    let Some((reason, kind)) = reasons.iter().find_map(|reason| Some((reason, meaning(reason)?))) else {
        let detail =
            reasons.first().map_or(general.detail.clone(), |reason| format!("{}, reason {reason}", general.detail));
        return Failure { detail, ..general };
    };
    let detail = format!("{}, reason {reason}", general.detail);
    let failure = Failure { kind, detail, ..general };
    match reason.as_str() {
        "quotaExceeded" | "dailyLimitExceeded" => failure.retry_after(until_midnight_pacific(now)),
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => failure.scope(READ),
        _ => failure,
    }
}

/// What a reason means where it means more than its status; the first known one of an answer counts.
fn meaning(reason: &str) -> Option<Kind> {
    Some(match reason {
        // Units of the day, and calls of the moment.
        "quotaExceeded" | "dailyLimitExceeded" => Kind::RateLimited,
        "rateLimitExceeded" | "userRateLimitExceeded" | "RESOURCE_EXHAUSTED" => Kind::RateLimited,
        // The Google account has no channel; sent with 401, although the token is fine.
        "youtubeSignupRequired" => Kind::NotFound,
        "authError" | "required" | "UNAUTHENTICATED" => Kind::TokenRejected,
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => Kind::PermissionMissing,
        // The project has not switched the API on, or the key of the installation is wrong.
        "accessNotConfigured" | "SERVICE_DISABLED" | "keyInvalid" | "API_KEY_INVALID" => Kind::AppRejected,
        "channelNotFound" | "playlistNotFound" | "videoNotFound" => Kind::NotFound,
        // UNSURE: not in the current lists of errors, but in older ones. A suspended channel is mostly just missing.
        "channelSuspended" | "authenticatedUserAccountSuspended" => Kind::Suspended,
        "backendError" | "internalError" | "UNAVAILABLE" => Kind::ProviderDown,
        _ => return None,
    })
}

/// The same refusal when no token was sent but the installation's key: what is refused is the key.
pub(super) fn of_key(failure: Failure) -> Failure {
    match failure.kind {
        Kind::TokenRejected => Failure { kind: Kind::AppRejected, ..failure },
        _ => failure,
    }
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
}

/// A refusal of Google's token endpoint. What lets no call through at all (limits, outages) may answer there in the form
/// of the APIs.
pub(super) fn of_token(answer: &Answer, now: Timestamp) -> Failure {
    let general = of(answer, now);
    let code = oauth_code(answer).unwrap_or_default();
    let kind = match code.as_str() {
        // A code used twice, or a consent that was withdrawn, ran out or was never used for half a year.
        "invalid_grant" => Kind::ReconnectNeeded,
        "invalid_client" | "unauthorized_client" | "redirect_uri_mismatch" | "org_internal" => Kind::AppRejected,
        // A 401 or a 403 here is about the app: the token endpoint knows neither access tokens nor their rights.
        _ if matches!(general.kind, Kind::TokenRejected | Kind::PermissionMissing) => Kind::AppRejected,
        _ => general.kind,
    };
    Failure { kind, detail: format!("{}, code {code}", general.detail), ..general }
}

/// Whether a refusal to revoke says that there is nothing left to revoke.
pub(super) fn is_dead_already(answer: &Answer) -> bool {
    answer.status == 400 && oauth_code(answer).is_some_and(|code| code == "invalid_token")
}

fn oauth_code(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<OAuthError>(&answer.body).ok().map(|body| body.error).filter(|code| is_word(code))
}

/// Reasons are words of Google's own lists; anything else in their place is not repeated.
fn is_word(text: &str) -> bool {
    text.len() <= 64 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// Quotas are counted anew at midnight in California.
fn until_midnight_pacific(now: Timestamp) -> Option<Duration> {
    let zone = TimeZone::get("America/Los_Angeles").ok()?;
    let midnight = now.to_zoned(zone).checked_add(1.day()).ok()?.start_of_day().ok()?;
    wire::until(midnight.timestamp(), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn refused(status: u16, body: &str) -> Failure {
        of(&answer(status, &[], body), at("2026-11-20T12:00:00Z"))
    }

    #[test]
    fn a_spent_quota_waits_until_midnight_in_california() {
        let body = include_str!("fixtures/error.quota.json");
        let failure = refused(403, body);
        // 04:00 in California in winter.
        assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, Some(Duration::from_secs(20 * 3600))));
        // The day on which the clocks go forward has 23 hours.
        let spring = of(&answer(403, &[], body), at("2026-03-08T08:00:00Z"));
        assert_eq!(spring.retry_after, Some(Duration::from_secs(23 * 3600)));
    }

    #[test]
    fn a_short_term_rate_limit_does_not_wait_a_day() {
        let failure = refused(403, include_str!("fixtures/error.rate.json"));
        assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, None));
    }

    #[test]
    fn an_invalid_token_may_be_refreshed() {
        assert_eq!(refused(401, include_str!("fixtures/error.token.json")).kind, Kind::TokenRejected);
    }

    #[test]
    fn a_missing_scope_is_named() {
        let failure = refused(403, include_str!("fixtures/error.scope.json"));
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(READ)));
    }

    #[test]
    fn an_account_without_a_channel_is_not_found_although_the_status_is_401() {
        assert_eq!(refused(401, include_str!("fixtures/error.no_channel.json")).kind, Kind::NotFound);
    }

    #[test]
    fn a_project_or_key_that_is_refused_is_the_operators_business() {
        assert_eq!(refused(403, include_str!("fixtures/error.disabled.json")).kind, Kind::AppRejected);
        assert_eq!(refused(400, include_str!("fixtures/error.bad_key.json")).kind, Kind::AppRejected);
        assert_eq!(refused(400, include_str!("fixtures/error.bad_key.short.json")).kind, Kind::AppRejected);
        assert_eq!(of_key(refused(401, include_str!("fixtures/error.token.json"))).kind, Kind::AppRejected);
    }

    #[test]
    fn other_refusals_keep_their_kind() {
        assert_eq!(refused(404, include_str!("fixtures/error.playlist.json")).kind, Kind::NotFound);
        assert_eq!(refused(403, include_str!("fixtures/error.forbidden.json")).kind, Kind::PermissionMissing);
        assert_eq!(refused(403, include_str!("fixtures/error.suspended.json")).kind, Kind::Suspended);
        assert_eq!(refused(503, include_str!("fixtures/error.backend.json")).kind, Kind::ProviderDown);
    }

    #[test]
    fn a_withdrawn_consent_asks_for_reconnect() {
        assert_eq!(
            of_token(&answer(400, &[], include_str!("fixtures/error.invalid_grant.json")), NOW).kind,
            Kind::ReconnectNeeded
        );
        assert_eq!(
            of_token(&answer(401, &[], include_str!("fixtures/error.invalid_client.json")), NOW).kind,
            Kind::AppRejected
        );
    }

    #[test]
    fn an_outage_of_the_token_endpoint_is_no_revocation() {
        for status in [429, 500, 502, 503] {
            assert!(of_token(&answer(status, &[], "<html>"), NOW).may_pass(), "{status}");
        }
        let limited = of_token(&answer(403, &[], include_str!("fixtures/error.rate.json")), NOW);
        assert_eq!(limited.kind, Kind::RateLimited);
        assert_eq!(of_token(&answer(403, &[], "<html>"), NOW).kind, Kind::AppRejected);
    }

    #[test]
    fn a_token_that_is_dead_already_needs_no_revocation() {
        assert!(is_dead_already(&answer(400, &[], include_str!("fixtures/error.invalid_token.json"))));
        assert!(!is_dead_already(&answer(503, &[], "")));
    }
}
