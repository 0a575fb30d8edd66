//! Bluesky's errors. XRPC answers `{"error","message"}`, the OAuth endpoints `{"error","error_description"}`.

use std::time::Duration;

use domain::{Failure, Kind};
use jiff::Timestamp;
use outbound::Answer;

use super::api::ErrorBody;
use super::facts::GENERIC;
use crate::wire::{by_status, until};

/// How long a server surely keeps a file that no record names ("a time window, eg minutes", says the schema). An older
/// one is sent again.
pub(super) const BLOB_LIFE: Duration = Duration::from_secs(10 * 60);

/// What a failed XRPC call means.
pub(super) fn xrpc(answer: &Answer, now: Timestamp) -> Failure {
    let (code, message) = parts(answer);
    let general = general(answer, &code, now);
    match code.as_str() {
        // A session's access token answers 400, not 401, when its time is over; which of the two names is used depends
        // on how old the token is.
        "ExpiredToken" | "InvalidToken" => kind(general, Kind::TokenRejected),
        // The moderators took the account or its repository down.
        "AccountTakedown" | "AccountSuspended" | "RepoTakendown" | "RepoSuspended" => kind(general, Kind::Suspended),
        // The person switched the account off, or it is gone; records and names that do not exist answer 400 as well.
        "AccountDeactivated" | "RepoDeactivated" | "RepoNotFound" | "RecordNotFound" | "HandleNotFound"
        | "AccountNotFound" => kind(general, Kind::NotFound),
        // UNSURE which of the two names a server uses; both are about the scope.
        "ScopeMissingError" | "Forbidden" => kind(general, Kind::PermissionMissing).scope(GENERIC),
        "RateLimitExceeded" => kind(general, Kind::RateLimited),
        "UpstreamFailure" | "UpstreamTimeout" => kind(general, Kind::ProviderDown),
        // The general name for everything; only the text tells an unknown account from a malformed request.
        "InvalidRequest" if is_unknown_account(&message) => kind(general, Kind::NotFound),
        "InvalidRequest" if message.contains("must be a valid did or a handle") => kind(general, Kind::InvalidHandle),
        _ if general.kind == Kind::PermissionMissing => general.scope(GENERIC),
        _ => general,
    }
}

/// What a refused write, or a refused file, means.
pub(super) fn publish(answer: &Answer, now: Timestamp) -> Failure {
    let (code, message) = parts(answer);
    let failure = xrpc(answer, now).said(words(&message), Some(code.clone()).filter(|code| !code.is_empty()));
    match code.as_str() {
        // Something else stands under the key. It can only be our own, written with another content.
        "InvalidSwap" => kind(failure, Kind::Duplicate).maybe_applied(),
        // The server has dropped the file; the next attempt is late enough to send it anew. Older servers give no code.
        "BlobNotFound" => kind(failure, Kind::ProviderDown).retry_after(Some(BLOB_LIFE)),
        "InvalidRequest" if message.starts_with("Could not find blob") => {
            kind(failure, Kind::ProviderDown).retry_after(Some(BLOB_LIFE))
        }
        // The schema of the record: too long, too large, a language that is none.
        "InvalidRequest" if message.starts_with("Invalid app.bsky.") => kind(failure, Kind::ContentRefused),
        "BlobTooLarge" | "InvalidMimeType" => kind(failure, Kind::ContentRefused),
        _ if is_too_large(answer) => kind(failure, Kind::ContentRefused),
        _ => failure,
    }
}

/// Whether the server takes no file of this size.
pub(super) fn is_too_large(answer: &Answer) -> bool {
    answer.status == 413 || parts(answer).0 == "PayloadTooLarge"
}

/// Whether the repository is there and the record is not.
pub(super) fn no_record(answer: &Answer) -> bool {
    let (code, message) = parts(answer);
    match code.as_str() {
        "RecordNotFound" => true,
        // Servers without the name of its own.
        "InvalidRequest" => message.starts_with("Could not locate record"),
        _ => false,
    }
}

/// What a refusal of the video service means. It sees a token of its own, so a refused one says nothing about ours.
pub(super) fn video(answer: &Answer, now: Timestamp) -> Failure {
    let (code, message) = parts(answer);
    let general = general(answer, &code, now).said(words(&message), Some(code.clone()).filter(|code| !code.is_empty()));
    match code.as_str() {
        "UnsupportedContentType" | "VideoTooLarge" | "VideoTooLong" | "BadAspectRatio" => {
            kind(general, Kind::ContentRefused)
        }
        "DailyLimitExceeded" | "TooManyOpenUploads" => kind(general, Kind::RateLimited),
        "ServiceOverloaded" => kind(general, Kind::ProviderDown),
        // The account may not upload videos, as long as its address is not confirmed.
        _ if matches!(general.kind, Kind::TokenRejected | Kind::PermissionMissing) => {
            kind(general, Kind::PermissionMissing)
        }
        _ if is_too_large(answer) => kind(general, Kind::ContentRefused),
        _ => general,
    }
}

/// What a failed call to an authorization server means.
pub(super) fn oauth(answer: &Answer, now: Timestamp) -> Failure {
    let (code, _) = parts(answer);
    let general = general(answer, &code, now);
    match code.as_str() {
        // The code or the refresh token is spent, replayed or revoked.
        "invalid_grant" | "access_denied" => kind(general, Kind::ReconnectNeeded),
        // The metadata document, its key, its redirect URI or its scopes are refused.
        "invalid_client"
        | "invalid_client_metadata"
        | "unauthorized_client"
        | "invalid_scope"
        | "invalid_redirect_uri"
        | "invalid_dpop_proof" => kind(general, Kind::AppRejected),
        // It was sent with the newest nonce already; the next one may be in time.
        "use_dpop_nonce" | "temporarily_unavailable" | "slow_down" => kind(general, Kind::ProviderDown),
        // These endpoints see no access token, so 401 and 403 are about the app.
        _ if matches!(general.kind, Kind::TokenRejected | Kind::PermissionMissing) => kind(general, Kind::AppRejected),
        _ => general,
    }
}

/// What a refused code means.
pub(super) fn code(answer: &Answer, now: Timestamp) -> Failure {
    let failure = oauth(answer, now);
    match parts(answer).0.as_str() {
        // The key has proven itself when the request was pushed, so one that does not fit now is another flow's: the
        // code was brought to the wrong login. Servers also say `invalid_grant` to that.
        "invalid_dpop_proof" | "invalid_token" => kind(failure, Kind::ReconnectNeeded),
        _ => failure,
    }
}

/// What a failed sign-in or renewal of an app password's session means: nothing renews it but a new password.
pub(super) fn session(answer: &Answer, now: Timestamp) -> Failure {
    let failure = xrpc(answer, now);
    match failure.kind {
        // `AuthenticationRequired` (wrong password), `AuthFactorTokenRequired` (not an app password), a dead refresh token.
        Kind::TokenRejected => kind(failure, Kind::ReconnectNeeded),
        _ => failure,
    }
}

/// Whether the server asks for the same call with its nonce: in the body at an authorization server, in
/// `WWW-Authenticate` at a resource server.
pub(super) fn wants_nonce(answer: &Answer) -> bool {
    match answer.status {
        400 => parts(answer).0 == "use_dpop_nonce",
        401 => {
            answer.header("www-authenticate").is_some_and(|text| text.contains("use_dpop_nonce"))
                || parts(answer).0 == "use_dpop_nonce"
        }
        _ => false,
    }
}

/// Whether an account's server says that it has no AppView to ask, or that its AppView is away. It has accepted the
/// token before it says so.
pub(super) fn no_appview(answer: &Answer) -> bool {
    let (code, message) = parts(answer);
    match code.as_str() {
        "UpstreamFailure" => answer.status == 502,
        "XRPCNotSupported" | "MethodNotImplemented" => true,
        // A server that is configured without one (from its source).
        "InvalidRequest" => message.starts_with("No service configured"),
        _ => answer.status == 501,
    }
}

fn is_unknown_account(message: &str) -> bool {
    [
        "Profile not found",
        "Unable to resolve handle",
        "Could not find repo",
        "Could not find root",
        "Could not locate record",
    ]
    .iter()
    .any(|text| message.contains(text))
}

fn general(answer: &Answer, code: &str, now: Timestamp) -> Failure {
    let mut failure = by_status(answer);
    if !code.is_empty() {
        failure.detail = format!("status {} {code}", answer.status);
    }
    if failure.retry_after.is_none() && answer.status == 429 {
        return failure.retry_after(reset(answer, now));
    }
    failure
}

/// `RateLimit-Reset`, in seconds of the epoch.
fn reset(answer: &Answer, now: Timestamp) -> Option<std::time::Duration> {
    let seconds = answer.header("ratelimit-reset")?.trim().parse().ok()?;
    until(Timestamp::from_second(seconds).ok()?, now)
}

/// The code, if it looks like one, and the text, which stays in here.
fn parts(answer: &Answer) -> (String, String) {
    let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    (body.error.filter(is_code).unwrap_or_default(), body.message.unwrap_or_default())
}

#[expect(clippy::ptr_arg, reason = "for `Option::filter`")]
pub(super) fn is_code(text: &String) -> bool {
    text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The server's sentence for a person, unless it quotes what looks like a token.
pub(super) fn words(message: &str) -> Option<String> {
    let clean = !message.trim().is_empty() && !message.contains("eyJ");
    clean.then(|| message.trim().chars().take(300).collect())
}

fn kind(failure: Failure, kind: Kind) -> Failure {
    Failure { kind, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;
    use domain::Effect;
    use http::HeaderValue;
    use std::time::Duration;

    fn coded(status: u16, code: &str) -> Answer {
        answer(status, &[], &format!(r#"{{"error":"{code}","message":"…"}}"#))
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn xrpc_errors_by_their_name() {
        for (status, code, wanted) in [
            (400, "ExpiredToken", Kind::TokenRejected),
            (400, "InvalidToken", Kind::TokenRejected),
            (401, "AuthMissing", Kind::TokenRejected),
            (401, "AuthenticationRequired", Kind::TokenRejected),
            (400, "AccountTakedown", Kind::Suspended),
            (401, "AccountTakedown", Kind::Suspended),
            (400, "RepoTakendown", Kind::Suspended),
            (401, "AccountDeactivated", Kind::NotFound),
            (400, "RecordNotFound", Kind::NotFound),
            (400, "HandleNotFound", Kind::NotFound),
            (403, "ScopeMissingError", Kind::PermissionMissing),
            (429, "RateLimitExceeded", Kind::RateLimited),
            (502, "UpstreamFailure", Kind::ProviderDown),
            (504, "UpstreamTimeout", Kind::ProviderDown),
            (400, "InvalidRequest", Kind::InvalidRequest),
            (413, "PayloadTooLarge", Kind::InvalidRequest),
            (500, "InternalServerError", Kind::ProviderDown),
        ] {
            assert_eq!(xrpc(&coded(status, code), NOW).kind, wanted, "{status} {code}");
        }
    }

    #[test]
    fn an_unknown_account_is_told_from_a_malformed_request_by_its_text() {
        for text in [
            include_str!("fixtures/profile_not_found.json"),
            include_str!("fixtures/handle_unresolved.json"),
            include_str!("fixtures/repo_not_found.json"),
        ] {
            assert_eq!(xrpc(&answer(400, &[], text), NOW).kind, Kind::NotFound, "{text}");
        }
        assert_eq!(
            xrpc(&answer(400, &[], include_str!("fixtures/text_too_long.json")), NOW).kind,
            Kind::InvalidRequest
        );
        assert_eq!(
            xrpc(&answer(400, &[], include_str!("fixtures/actor_malformed.json")), NOW).kind,
            Kind::InvalidHandle
        );
    }

    #[test]
    fn a_missing_scope_is_named() {
        for code in ["ScopeMissingError", "Forbidden", "Whatever"] {
            assert_eq!(xrpc(&coded(403, code), NOW).scope.as_deref(), Some("transition:generic"));
        }
    }

    #[test]
    fn a_refused_record_has_the_servers_reason() {
        for (text, wanted, code) in [
            (include_str!("fixtures/text_too_long.json"), Kind::ContentRefused, "InvalidRequest"),
            (include_str!("fixtures/blob_too_big.json"), Kind::ContentRefused, "InvalidRequest"),
            (include_str!("fixtures/blob_not_found.json"), Kind::ProviderDown, "BlobNotFound"),
            (
                r#"{"error":"InvalidRequest","message":"Could not find blob: bafk"}"#,
                Kind::ProviderDown,
                "InvalidRequest",
            ),
            (r#"{"error":"InvalidRequest","message":"Input/rkey is wrong"}"#, Kind::InvalidRequest, "InvalidRequest"),
        ] {
            let failure = publish(&answer(400, &[], text), NOW);
            assert_eq!(
                (failure.kind, failure.effect, failure.code.as_deref()),
                (wanted, Effect::NotApplied, Some(code))
            );
            assert!(failure.said.is_some(), "{text}");
            let waits = (wanted == Kind::ProviderDown).then_some(BLOB_LIFE);
            assert_eq!(failure.retry_after, waits, "late enough that the file is sent again");
        }
        assert_eq!(publish(&coded(413, "PayloadTooLarge"), NOW).kind, Kind::ContentRefused);
        assert_eq!(publish(&answer(413, &[], "<html>"), NOW).kind, Kind::ContentRefused);
    }

    #[test]
    fn what_stands_under_the_key_already_has_to_be_looked_at() {
        let failure = publish(&answer(400, &[], include_str!("fixtures/swap.json")), NOW);
        assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::Unknown));
        let failure = publish(&coded(500, "InternalServerError"), NOW);
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown));
    }

    #[test]
    fn only_a_missing_record_of_a_repository_that_is_there_is_absent() {
        assert!(no_record(&answer(400, &[], include_str!("fixtures/record_not_found.json"))));
        assert!(no_record(&answer(400, &[], r#"{"error":"InvalidRequest","message":"Could not locate record"}"#)));
        for body in [include_str!("fixtures/repo_not_found.json"), r#"{"error":"RepoDeactivated"}"#, "<html>", ""] {
            assert!(!no_record(&answer(400, &[], body)), "{body}");
        }
        assert!(!no_record(&coded(502, "UpstreamFailure")));
    }

    #[test]
    fn the_video_service_refuses_its_own_token_and_not_ours() {
        for (status, code, wanted) in [
            (400, "VideoTooLong", Kind::ContentRefused),
            (400, "UnsupportedContentType", Kind::ContentRefused),
            (413, "", Kind::ContentRefused),
            (400, "DailyLimitExceeded", Kind::RateLimited),
            (401, "BadJwt", Kind::PermissionMissing),
            (403, "UploadForbidden", Kind::PermissionMissing),
            (503, "ServiceOverloaded", Kind::ProviderDown),
            (500, "", Kind::ProviderDown),
        ] {
            assert_eq!(video(&coded(status, code), NOW).kind, wanted, "{status} {code}");
        }
    }

    #[test]
    fn a_sentence_that_quotes_a_token_is_not_repeated() {
        assert_eq!(words("Could not verify eyJhbGciOiJFUzI1NiJ9.e30.sig"), None);
        assert_eq!(words("  "), None);
        assert_eq!(words(&"x".repeat(400)).map(|text| text.len()), Some(300));
    }

    #[test]
    fn an_authorization_server_speaks_of_the_grant_or_of_the_app() {
        for (status, code, wanted) in [
            (400, "invalid_grant", Kind::ReconnectNeeded),
            (400, "access_denied", Kind::ReconnectNeeded),
            (400, "invalid_client_metadata", Kind::AppRejected),
            (401, "invalid_client", Kind::AppRejected),
            (400, "invalid_scope", Kind::AppRejected),
            (400, "invalid_dpop_proof", Kind::AppRejected),
            (400, "use_dpop_nonce", Kind::ProviderDown),
            (400, "invalid_request", Kind::InvalidRequest),
            (401, "", Kind::AppRejected),
            (500, "server_error", Kind::ProviderDown),
            (429, "slow_down", Kind::ProviderDown),
        ] {
            assert_eq!(oauth(&coded(status, code), NOW).kind, wanted, "{status} {code}");
        }
        assert_eq!(
            oauth(&answer(400, &[], include_str!("fixtures/refresh_replayed.json")), NOW).kind,
            Kind::ReconnectNeeded
        );
    }

    #[test]
    fn a_code_of_another_flow_is_a_used_up_consent_and_no_matter_of_the_app() {
        for (status, said, wanted) in [
            (400, "invalid_grant", Kind::ReconnectNeeded),
            (400, "invalid_dpop_proof", Kind::ReconnectNeeded),
            (401, "invalid_token", Kind::ReconnectNeeded),
            (401, "invalid_client", Kind::AppRejected),
            (400, "use_dpop_nonce", Kind::ProviderDown),
            (503, "", Kind::ProviderDown),
        ] {
            assert_eq!(code(&coded(status, said), NOW).kind, wanted, "{status} {said}");
        }
    }

    #[test]
    fn a_dead_session_needs_a_new_password_but_a_server_that_is_away_does_not() {
        for (status, code) in [
            (401, "AuthenticationRequired"),
            (401, "AuthFactorTokenRequired"),
            (400, "ExpiredToken"),
            (400, "InvalidToken"),
        ] {
            assert_eq!(session(&coded(status, code), NOW).kind, Kind::ReconnectNeeded, "{code}");
        }
        assert_eq!(session(&coded(502, "UpstreamFailure"), NOW).kind, Kind::ProviderDown);
        assert_eq!(session(&coded(429, "RateLimitExceeded"), NOW).kind, Kind::RateLimited);
    }

    #[test]
    fn the_reset_time_is_the_wait() {
        let mut limited = coded(429, "RateLimitExceeded");
        limited.headers.insert("ratelimit-reset", HeaderValue::from_static("90"));
        assert_eq!(xrpc(&limited, NOW).retry_after, Some(Duration::from_secs(90)));
        limited.headers.insert("retry-after", HeaderValue::from_static("7"));
        assert_eq!(xrpc(&limited, NOW).retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_nonce_is_wanted_in_the_body_or_in_the_challenge() {
        assert!(wants_nonce(&coded(400, "use_dpop_nonce")));
        let mut challenge = answer(401, &[], "");
        assert!(!wants_nonce(&challenge));
        challenge.headers.insert("www-authenticate", HeaderValue::from_static(r#"DPoP error="use_dpop_nonce""#));
        assert!(wants_nonce(&challenge));
        assert!(!wants_nonce(&coded(400, "invalid_grant")));
    }

    #[test]
    fn a_server_without_an_appview_says_so() {
        assert!(no_appview(&coded(502, "UpstreamFailure")));
        assert!(no_appview(&answer(501, &[], "")));
        assert!(no_appview(&coded(404, "XRPCNotSupported")));
        assert!(no_appview(&answer(400, &[], include_str!("fixtures/no_service_configured.json"))));
        // A gateway in front of the server has not seen the token.
        assert!(!no_appview(&answer(502, &[], "<html>")));
        assert!(!no_appview(&coded(504, "UpstreamTimeout")));
        assert!(!no_appview(&coded(400, "ExpiredToken")));
    }

    #[test]
    fn nothing_of_the_text_gets_into_the_log() {
        let body = r#"{"error":"a sentence with secret-token","message":"secret-token"}"#;
        let failure = xrpc(&answer(500, &[], body), NOW);
        assert_eq!((failure.detail.as_str(), failure.effect), ("status 500", Effect::Unknown));
    }
}
