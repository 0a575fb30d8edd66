//! YouTube's and Google's errors in our words.

use std::time::Duration;

use domain::{Effect, Failure, Kind};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use outbound::Answer;
use serde::Deserialize;

use super::facts::READ;
use super::refusal;
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
        return Failure { detail, ..general }.said(refusal::plain(&error.message), reasons.first().cloned());
    };
    let detail = format!("{}, reason {reason}", general.detail);
    let words = refusal::of_call(reason).map(|(_, words)| words.to_owned());
    let failure = Failure { kind, detail, ..general }
        .said(words.or_else(|| refusal::plain(&error.message)), Some(reason.clone()));
    match reason.as_str() {
        "quotaExceeded" | "dailyLimitExceeded" => failure.retry_after(until_midnight_pacific(now)),
        "uploadLimitExceeded" => failure.retry_after(Some(refusal::DAY)),
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => failure.scope(READ),
        "processingFailure" => failure.maybe_applied(),
        _ => failure,
    }
}

/// A refusal of a call that needs `scope`.
pub(super) fn of_call(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let failure = of(answer, now);
    if failure.scope.is_some() { failure.scope(scope) } else { failure }
}

/// A refusal of a call that makes something stand. What Google refuses for a listed reason was not done; of any other
/// refusal nobody knows.
pub(super) fn of_effect(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let failure = of_call(answer, now, scope);
    let listed = failure.code.as_deref().is_some_and(|reason| meaning(reason).is_some());
    let refused = matches!(answer.status, 401 | 429) || (listed && failure.kind != Kind::ProviderDown);
    if refused { Failure { effect: Effect::NotApplied, ..failure } } else { failure.maybe_applied() }
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
        other => refusal::of_call(other)?.0,
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
    use crate::youtube::facts::UPLOAD;

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

    fn api_error(status: u16, reason: &str) -> String {
        format!(
            r#"{{"error":{{"code":{status},"message":"m","errors":[{{"message":"m","domain":"youtube.video","reason":"{reason}"}}]}}}}"#
        )
    }

    #[test]
    fn every_refusal_to_publish_has_its_kind_and_its_words() {
        for (status, reason, kind) in [
            (400, "invalidTitle", Kind::ContentRefused),
            (400, "invalidDescription", Kind::ContentRefused),
            (400, "invalidTags", Kind::ContentRefused),
            (400, "invalidCategoryId", Kind::ContentRefused),
            (400, "invalidVideoMetadata", Kind::ContentRefused),
            (400, "uploadLimitExceeded", Kind::RateLimited),
            (403, "forbiddenPrivacySetting", Kind::ContentRefused),
            (403, "commentsDisabled", Kind::ContentRefused),
            (400, "commentTextTooLong", Kind::ContentRefused),
        ] {
            let failure = of_effect(&answer(status, &[], &api_error(status, reason)), NOW, UPLOAD);
            assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{reason}");
            assert_eq!(failure.code.as_deref(), Some(reason));
            assert!(failure.said.is_some_and(|words| words != "m"), "{reason}");
        }
    }

    #[test]
    fn a_channels_limit_of_uploads_waits_a_day() {
        let body = api_error(400, "uploadLimitExceeded");
        assert_eq!(refused(400, &body).retry_after, Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn a_refusal_that_google_does_not_list_says_nothing_about_the_effect() {
        let effect = |status, body: &str| of_effect(&answer(status, &[], body), NOW, UPLOAD).effect;
        assert_eq!(effect(400, &api_error(400, "somethingNew")), Effect::Unknown);
        assert_eq!(effect(404, ""), Effect::Unknown);
        assert_eq!(effect(503, include_str!("fixtures/error.backend.json")), Effect::Unknown);
        assert_eq!(effect(400, &api_error(400, "processingFailure")), Effect::Unknown);
        assert_eq!(effect(401, ""), Effect::NotApplied);
        assert_eq!(effect(403, include_str!("fixtures/error.quota.json")), Effect::NotApplied);
    }

    #[test]
    fn a_missing_scope_is_the_one_that_the_call_needed() {
        let failure = of_effect(&answer(403, &[], include_str!("fixtures/error.scope.json")), NOW, UPLOAD);
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(UPLOAD)));
    }
}
