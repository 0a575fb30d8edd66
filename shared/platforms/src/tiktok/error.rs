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
        "invalid_params" => failure(Kind::InvalidRequest).said(None, Some(code)),
        _ => match publishing(&code) {
            Some((kind, words)) => {
                let wait = (kind == Kind::RateLimited).then_some(DAY);
                failure(kind).said(Some(words.to_owned()), Some(code.clone())).retry_after(wait)
            }
            None => limited(failure(general.kind)).said(None, word(&code).map(str::to_owned)),
        },
    })
}

/// A day, for limits that count one and do not say when it ends.
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What a refusal to publish means, and how to say it to a person. All of these come before anything is published.
fn publishing(code: &str) -> Option<(Kind, &'static str)> {
    use Kind::{AppRejected, ContentRefused, InvalidRequest, NotFound, RateLimited, Suspended};
    Some(match code {
        "invalid_file_upload" => (ContentRefused, "TikTok does not accept this file."),
        "app_version_check_failed" => {
            (ContentRefused, "The person's TikTok app is too old to take a draft; update it.")
        }
        "spam_risk_too_many_posts" => (RateLimited, "The account has reached TikTok's daily limit of posts."),
        "spam_risk_too_many_pending_share" => {
            (RateLimited, "Five drafts of the last 24 hours still wait in TikTok's inbox; publish or drop one of them.")
        }
        "reached_active_user_cap" => {
            (RateLimited, "This installation's app has reached the number of people that TikTok lets publish in a day.")
        }
        "spam_risk_user_banned_from_posting" => (Suspended, "TikTok has banned the account from posting."),
        "spam_risk" | "spam_risk_text" => (ContentRefused, "TikTok takes the post for spam."),
        "unaudited_client_can_only_post_to_private_accounts" => (
            AppRejected,
            "TikTok has not audited this installation's app: until then it can publish only to private accounts, for \
             their owner alone.",
        ),
        "url_ownership_unverified" => {
            (AppRejected, "The domain of the files is not verified in this installation's app at TikTok.")
        }
        "privacy_level_option_mismatch" => (InvalidRequest, "The account does not offer this privacy level."),
        "invalid_publish_id" | "token_not_authorized_for_specified_publish_id" => {
            (NotFound, "TikTok does not know the upload any more.")
        }
        _ => return None,
    })
}

/// The answer of a call that publishes, if it is no refusal. A refusal that TikTok does not list says nothing about the
/// effect.
pub(super) fn check_effect(answer: Answer, scope: &str) -> Result<Answer, Failure> {
    let listed = code(&answer).is_some_and(|code| {
        let general =
            ["access_token_invalid", "scope_not_authorized", "scope_permission_missed", "rate_limit_exceeded"];
        publishing(&code).is_some() || general.contains(&code.as_str()) || code == "invalid_params"
    });
    let limited = answer.status == 429;
    let checked = check(answer, scope);
    if listed || limited { checked } else { checked.map_err(Failure::maybe_applied) }
}

/// Why TikTok refused in processing what it had accepted: the `fail_reason` of a status.
pub(super) fn of_failed(reason: &str, longest: u64) -> Failure {
    use Kind::{ContentRefused, ProviderDown, ReconnectNeeded};
    let (kind, words) = match reason {
        "file_format_check_failed" => (ContentRefused, "TikTok does not support the format of the file.".to_owned()),
        "duration_check_failed" if longest > 0 => (
            ContentRefused,
            format!("The video is too short or too long: this account may post up to {longest} seconds."),
        ),
        "duration_check_failed" => (ContentRefused, "The video is too short or too long for TikTok.".to_owned()),
        "frame_rate_check_failed" => {
            (ContentRefused, "The video's frame rate is not one that TikTok takes: 23 to 60 a second.".to_owned())
        }
        "picture_size_check_failed" => {
            (ContentRefused, "The picture is too small or too large for TikTok: 360 to 4096 pixels a side.".to_owned())
        }
        "video_pull_failed" | "photo_pull_failed" => {
            (ProviderDown, "TikTok could not download the files from their addresses.".to_owned())
        }
        "publish_cancelled" => (ContentRefused, "The post was cancelled in TikTok.".to_owned()),
        "auth_removed" => (ReconnectNeeded, "The person has withdrawn the consent at TikTok.".to_owned()),
        "internal" => (ProviderDown, "TikTok had an error of its own.".to_owned()),
        // The refusals of the calls come as reasons too.
        other => match publishing(other) {
            Some((kind, words)) => (kind, words.to_owned()),
            None => (ContentRefused, "TikTok refused the post in processing.".to_owned()),
        },
    };
    let code = word(reason).map(str::to_owned);
    let detail = format!("status FAILED, reason {}", code.as_deref().unwrap_or("of no known form"));
    let wait = (kind == Kind::RateLimited).then_some(DAY);
    Failure::new(kind, detail).said(Some(words), code).retry_after(wait)
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
    format!("status {}, code {}", answer.status, word(code).unwrap_or("of no known form"))
}

fn word(code: &str) -> Option<&str> {
    (code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{answer, ok};
    use domain::Effect;

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

    fn api_error(code: &str) -> String {
        format!(r#"{{"data":{{}},"error":{{"code":"{code}","message":"m","log_id":"x"}}}}"#)
    }

    #[test]
    fn every_refusal_to_publish_has_its_kind_and_its_words() {
        let refusals = [
            (400, "invalid_file_upload", Kind::ContentRefused),
            (400, "app_version_check_failed", Kind::ContentRefused),
            (403, "spam_risk_too_many_posts", Kind::RateLimited),
            (403, "spam_risk_too_many_pending_share", Kind::RateLimited),
            (403, "spam_risk_user_banned_from_posting", Kind::Suspended),
            (403, "spam_risk", Kind::ContentRefused),
            (403, "spam_risk_text", Kind::ContentRefused),
            (403, "reached_active_user_cap", Kind::RateLimited),
            (403, "unaudited_client_can_only_post_to_private_accounts", Kind::AppRejected),
            (403, "url_ownership_unverified", Kind::AppRejected),
            (403, "privacy_level_option_mismatch", Kind::InvalidRequest),
            (404, "invalid_publish_id", Kind::NotFound),
        ];
        for (status, code, kind) in refusals {
            let failure = check_effect(answer(status, &[], &api_error(code)), "video.publish").unwrap_err();
            assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{code}");
            assert_eq!(failure.code.as_deref(), Some(code));
            assert!(failure.said.is_some(), "{code}");
            let waits = (kind == Kind::RateLimited).then_some(Duration::from_secs(86_400));
            assert_eq!(failure.retry_after, waits, "{code}");
        }
    }

    #[test]
    fn a_refusal_that_tiktok_does_not_list_says_nothing_about_the_effect() {
        let effect = |status, body: &str| check_effect(answer(status, &[], body), "video.publish").unwrap_err().effect;
        assert_eq!(effect(403, &api_error("something_new")), Effect::Unknown);
        assert_eq!(effect(500, &api_error("internal_error")), Effect::Unknown);
        assert_eq!(effect(502, "<html>"), Effect::Unknown);
        assert_eq!(effect(401, &api_error("access_token_invalid")), Effect::NotApplied);
        assert_eq!(effect(429, &api_error("rate_limit_exceeded")), Effect::NotApplied);
        assert_eq!(effect(429, ""), Effect::NotApplied);
        assert_eq!(effect(400, &api_error("invalid_params")), Effect::NotApplied);
    }

    #[test]
    fn what_failed_in_processing_tells_why() {
        for (reason, kind) in [
            ("file_format_check_failed", Kind::ContentRefused),
            ("duration_check_failed", Kind::ContentRefused),
            ("frame_rate_check_failed", Kind::ContentRefused),
            ("picture_size_check_failed", Kind::ContentRefused),
            ("video_pull_failed", Kind::ProviderDown),
            ("photo_pull_failed", Kind::ProviderDown),
            ("publish_cancelled", Kind::ContentRefused),
            ("auth_removed", Kind::ReconnectNeeded),
            ("internal", Kind::ProviderDown),
            ("spam_risk_user_banned_from_posting", Kind::Suspended),
            ("spam_risk_too_many_posts", Kind::RateLimited),
            ("something_new", Kind::ContentRefused),
        ] {
            let failure = of_failed(reason, 0);
            assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(reason)));
            assert!(failure.said.is_some());
        }
        let long = of_failed("duration_check_failed", 600);
        assert_eq!(
            long.said.as_deref(),
            Some("The video is too short or too long: this account may post up to 600 seconds.")
        );
    }
}
