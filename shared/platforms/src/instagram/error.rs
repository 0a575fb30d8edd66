//! Instagram's errors in our words.

use std::time::Duration;

use domain::{Failure, Kind};
use outbound::Answer;
use serde::Deserialize;

use super::facts::BASIC;
use crate::wire;

#[derive(Deserialize)]
struct Envelope {
    error: Graph,
}

#[derive(Deserialize)]
struct Graph {
    code: i64,
    error_subcode: Option<i64>,
    #[serde(default)]
    is_transient: bool,
}

/// A refusal of the Graph API. The status is mostly 400 whatever happened, so the code decides.
pub(super) fn of(answer: &Answer) -> Failure {
    let general = wire::by_status(answer);
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else { return general };
    let detail = match error.error_subcode {
        Some(subcode) => format!("status {}, code {}/{subcode}", answer.status, error.code),
        None => format!("status {}, code {}", answer.status, error.code),
    };
    let kind = match (error.code, error.error_subcode) {
        // Call limits: of the app, the user, the page, the feature, the account.
        (4 | 17 | 32 | 341 | 613 | 80002, _) => Kind::RateLimited,
        // Blocked for moving too fast.
        (368, _) => Kind::RateLimited,
        // The account has to pass a check on Instagram before anyone may use it again; connecting again does not help.
        (190, Some(459 | 464)) => Kind::Suspended,
        // A dead token cannot be renewed here: renewing exchanges a token that is alive.
        (190 | 102, _) => Kind::ReconnectNeeded,
        // The account is restricted or has to pass a check.
        (25, Some(2_207_050)) => Kind::Suspended,
        (3 | 10 | 200..=299, _) => Kind::PermissionMissing,
        (100, Some(33)) | (803, _) => Kind::NotFound,
        // The app's secret proof is demanded or wrong.
        (104, _) => Kind::AppRejected,
        // Unknown error, service down, or whatever else says that it will pass.
        (1 | 2 | -1 | -2, _) => Kind::ProviderDown,
        _ if error.is_transient => Kind::ProviderDown,
        _ => general.kind,
    };
    let failure = Failure { effect: general.effect, ..Failure::new(kind, detail) };
    match kind {
        Kind::RateLimited => failure.retry_after(regain(answer).or(general.retry_after)),
        Kind::ProviderDown => failure.maybe_applied().retry_after(general.retry_after),
        Kind::PermissionMissing => failure.scope(BASIC),
        _ => failure,
    }
}

#[derive(Deserialize)]
struct CodeError {
    error_message: String,
}

fn message(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<CodeError>(&answer.body).ok().map(|error| error.error_message)
}

/// A refusal of a code. `api.instagram.com` has its own form of errors and one code, 400, for all of them, so a 400
/// means that the code is spent, old or not ours.
pub(super) fn of_code(answer: &Answer) -> Failure {
    match answer.status {
        // The client id or the secret: only the text tells.
        400 if message(answer).is_some_and(|text| text.contains("Invalid platform app")) => {
            Failure::new(Kind::AppRejected, "status 400, app refused")
        }
        400 => Failure::new(Kind::ReconnectNeeded, "status 400, code refused"),
        401 | 403 => Failure::new(Kind::AppRejected, format!("status {}, app refused", answer.status)),
        _ => wire::by_status(answer),
    }
}

/// `X-Business-Use-Case-Usage` names the minutes until calls are served again, per account and use case.
fn regain(answer: &Answer) -> Option<Duration> {
    let usage: serde_json::Value = serde_json::from_str(answer.header("x-business-use-case-usage")?).ok()?;
    let entries = usage.as_object()?.values().filter_map(|list| list.as_array()).flatten();
    let minutes = entries.filter_map(|entry| entry.get("estimated_time_to_regain_access")?.as_u64()).max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;

    fn kind(status: u16, body: &str) -> Kind {
        of(&answer(status, &[], body)).kind
    }

    #[test]
    fn an_expired_token_asks_for_reconnect() {
        assert_eq!(kind(400, include_str!("fixtures/error.token_expired.json")), Kind::ReconnectNeeded);
    }

    #[test]
    fn a_call_limit_with_status_400_is_a_rate_limit() {
        assert_eq!(kind(400, include_str!("fixtures/error.call_limit.json")), Kind::RateLimited);
    }

    #[test]
    fn the_longest_regain_time_is_the_wait() {
        let usage = r#"{"17841400000000001":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":0},
                        {"type":"messenger","estimated_time_to_regain_access":12}]}"#
            .replace('\n', "");
        let limited =
            answer(400, &[("x-business-use-case-usage", &usage)], include_str!("fixtures/error.call_limit.json"));
        assert_eq!(of(&limited).retry_after, Some(Duration::from_secs(720)));
        let general = answer(429, &[("retry-after", "7")], include_str!("fixtures/error.call_limit.json"));
        assert_eq!(of(&general).retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_missing_permission_names_the_scope() {
        let failure = of(&answer(400, &[], include_str!("fixtures/error.permission.json")));
        assert_eq!(
            (failure.kind, failure.scope.as_deref()),
            (Kind::PermissionMissing, Some("instagram_business_basic"))
        );
    }

    #[test]
    fn a_restricted_account_is_suspended() {
        assert_eq!(kind(400, include_str!("fixtures/error.restricted.json")), Kind::Suspended);
        assert_eq!(kind(400, include_str!("fixtures/error.checkpoint.json")), Kind::Suspended);
    }

    #[test]
    fn a_missing_object_is_not_a_wrong_parameter() {
        assert_eq!(kind(400, include_str!("fixtures/error.missing_object.json")), Kind::NotFound);
        assert_eq!(kind(400, r#"{"error":{"code":100}}"#), Kind::InvalidRequest);
    }

    #[test]
    fn what_passes_is_provider_down() {
        assert_eq!(kind(400, include_str!("fixtures/error.transient.json")), Kind::ProviderDown);
        assert_eq!(kind(503, "<html>"), Kind::ProviderDown);
    }

    #[test]
    fn a_refused_code_asks_for_reconnect() {
        let failure = of_code(&answer(400, &[], include_str!("fixtures/error.code_refused.json")));
        assert_eq!(failure.kind, Kind::ReconnectNeeded);
        assert_eq!(of_code(&answer(400, &[], include_str!("fixtures/error.app_refused.json"))).kind, Kind::AppRejected);
        assert_eq!(of_code(&answer(502, &[], "")).kind, Kind::ProviderDown);
    }

    #[test]
    fn no_text_of_the_platform_gets_into_the_detail() {
        let failure = of(&answer(400, &[], include_str!("fixtures/error.permission.json")));
        assert_eq!(failure.detail, "status 400, code 10");
    }
}
