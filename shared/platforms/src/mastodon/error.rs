//! Mastodon's errors: `{"error"}`, in the server's language or as HTML, so the status decides wherever it can.

use std::time::Duration;

use domain::{Failure, Kind};
use jiff::Timestamp;
use outbound::Answer;

use super::api::ErrorBody;
use crate::wire::{by_status, until};

/// What a failed read means; `scope` is the right it needed, with a token.
pub(super) fn read(answer: &Answer, now: Timestamp, scope: Option<&str>) -> Failure {
    let general = general(answer, now);
    let text = text(answer);
    match (answer.status, scope) {
        // Servers in limited-federation mode show nothing to strangers.
        (401, None) => kind(general, Kind::OauthRequired),
        // Tokens do not expire: a refused one was revoked, and nothing renews it.
        (401, Some(_)) => kind(general, Kind::ReconnectNeeded),
        // snac says 422 with an empty body for a bad token (observed).
        (422, Some(_)) if answer.body.is_empty() => kind(general, Kind::ReconnectNeeded),
        // The moderators have closed the account.
        (403, Some(_)) if text.contains("login is currently disabled") => kind(general, Kind::Suspended),
        // "outside the authorized scopes", or the same in another language. The known other reasons name no scope.
        (403, Some(_)) if ["not allowed", "pending", "confirm"].iter().any(|known| text.contains(known)) => general,
        (403, Some(scope)) => general.scope(scope),
        _ => general,
    }
}

/// What a refused post or file means; `scope` is the right it needed.
pub(super) fn publish(answer: &Answer, now: Timestamp, scope: &str) -> Failure {
    let text = text(answer);
    let failure = read(answer, now, Some(scope)).said(words(&text), None);
    match answer.status {
        // The file was ready when it was looked at; a short while more is all it takes.
        422 if text.contains("not finished processing") => {
            kind(failure, Kind::ProviderDown).retry_after(Some(Duration::from_secs(10)))
        }
        // Validation: too long, empty, a file of a kind that it does not take. In any language.
        422 if failure.kind == Kind::InvalidRequest => kind(failure, Kind::ContentRefused),
        413 | 415 => kind(failure, Kind::ContentRefused),
        _ => failure,
    }
}

/// What a refused code or app means.
pub(super) fn oauth(answer: &Answer, now: Timestamp) -> Failure {
    let general = general(answer, now);
    match text(answer).as_str() {
        // Servers before 4.3 forget apps that nobody uses: Herald has to register again.
        "invalid_client" | "unauthorized_client" | "invalid_scope" => kind(general, Kind::AppRejected),
        "invalid_grant" | "access_denied" => kind(general, Kind::ReconnectNeeded),
        _ => match answer.status {
            401 => kind(general, Kind::AppRejected),
            // snac and others refuse a code without a word that says so.
            400 | 403 | 422 => kind(general, Kind::ReconnectNeeded),
            _ => general,
        },
    }
}

/// Whether a server says that it does not know the app. A refusal by anything in front of it is not its word.
pub(super) fn disowns(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 401 | 403)
        && matches!(text(answer).as_str(), "unauthorized_client" | "invalid_client")
}

/// What a refused registration means.
pub(super) fn registration(answer: &Answer, now: Timestamp) -> Failure {
    let general = general(answer, now);
    match answer.status {
        400 | 401 | 403 | 422 => kind(general, Kind::AppRejected),
        // There is no such thing at this host, so it is no server of this kind.
        300..400 | 405 => kind(general, Kind::NotFound),
        _ => general,
    }
}

/// Whether a 404 is about the record; otherwise the server does not know the call.
pub(super) fn is_about_the_record(answer: &Answer) -> bool {
    !text(answer).is_empty()
}

fn general(answer: &Answer, now: Timestamp) -> Failure {
    let failure = by_status(answer);
    if failure.retry_after.is_some() || answer.status != 429 {
        return failure;
    }
    let reset = answer.header("x-ratelimit-reset").and_then(|text| text.trim().parse().ok());
    failure.retry_after(reset.and_then(|reset| until(reset, now)))
}

fn text(answer: &Answer) -> String {
    serde_json::from_slice::<ErrorBody>(&answer.body).ok().and_then(|body| body.error).unwrap_or_default()
}

/// The server's sentence for a person.
fn words(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().chars().take(300).collect())
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

    fn said(status: u16, error: &str) -> Answer {
        answer(status, &[], &serde_json::json!({ "error": error }).to_string())
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const SCOPE: Option<&str> = Some("read:statuses");

    #[test]
    fn a_dead_token_needs_a_new_consent() {
        for text in ["The access token is invalid", "The access token was revoked", "Das Token ist ungültig"] {
            assert_eq!(read(&said(401, text), NOW, SCOPE).kind, Kind::ReconnectNeeded);
        }
        assert_eq!(read(&answer(422, &[], ""), NOW, SCOPE).kind, Kind::ReconnectNeeded);
        assert_eq!(read(&said(422, "Validation failed"), NOW, SCOPE).kind, Kind::InvalidRequest);
    }

    #[test]
    fn a_closed_server_wants_consent() {
        assert_eq!(read(&said(401, "This method requires an authenticated user"), NOW, None).kind, Kind::OauthRequired);
    }

    #[test]
    fn a_forbidden_read_lacks_a_scope_or_the_account_is_closed() {
        let failure = read(&said(403, "This action is outside the authorized scopes"), NOW, SCOPE);
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("read:statuses")));
        assert_eq!(read(&said(403, "Your login is currently disabled"), NOW, SCOPE).kind, Kind::Suspended);
        for text in ["This action is not allowed", "Your login is currently pending approval", "Confirm your email"] {
            let failure = read(&said(403, &text.to_lowercase()), NOW, SCOPE);
            assert_eq!((failure.kind, failure.scope), (Kind::PermissionMissing, None), "{text}");
        }
    }

    #[test]
    fn what_is_gone_is_not_found_and_what_is_down_may_pass() {
        for (status, kind) in
            [(404, Kind::NotFound), (410, Kind::NotFound), (500, Kind::ProviderDown), (503, Kind::ProviderDown)]
        {
            assert_eq!(read(&answer(status, &[], "<html>"), NOW, SCOPE).kind, kind);
        }
        assert!(is_about_the_record(&said(404, "Record not found")));
        assert!(!is_about_the_record(&answer(404, &[], "<html>")));
    }

    #[test]
    fn the_reset_time_is_a_timestamp() {
        let mut limited = said(429, "Too many requests");
        limited.headers.insert("x-ratelimit-reset", HeaderValue::from_static("1970-01-01T00:05:00.000Z"));
        let failure = read(&limited, NOW, None);
        assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, Some(Duration::from_secs(300))));
    }

    #[test]
    fn a_refused_post_has_the_servers_reason() {
        for (answer, wanted) in [
            (said(422, "Validation failed: Text character limit of 500 exceeded"), Kind::ContentRefused),
            (said(422, "Gültigkeitsprüfung ist fehlgeschlagen"), Kind::ContentRefused),
            (answer(413, &[], "<html>"), Kind::ContentRefused),
            (answer(422, &[], ""), Kind::ReconnectNeeded),
            (answer(401, &[], ""), Kind::ReconnectNeeded),
            (said(404, "Record not found"), Kind::NotFound),
            (said(403, "Your login is currently disabled"), Kind::Suspended),
        ] {
            let failure = publish(&answer, NOW, "write:statuses");
            assert_eq!((failure.kind, failure.effect), (wanted, Effect::NotApplied), "{answer:?}");
        }
        let failure = publish(&said(422, "Validation failed: x"), NOW, "write:statuses");
        assert_eq!(failure.said.as_deref(), Some("Validation failed: x"));
        let failure = publish(&said(403, "This action is outside the authorized scopes"), NOW, "write:media");
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("write:media")));
    }

    #[test]
    fn a_file_that_is_not_ready_yet_is_waited_for() {
        let text = "Cannot attach files that have not finished processing. Try again in a moment!";
        let failure = publish(&said(422, text), NOW, "write:statuses");
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
        assert_eq!(failure.retry_after, Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_server_that_broke_may_have_posted() {
        for status in [500, 502, 503] {
            let failure = publish(&answer(status, &[], "<html>"), NOW, "write:statuses");
            assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{status}");
        }
    }

    #[test]
    fn a_refused_code_is_told_from_a_refused_app() {
        for (status, code, wanted) in [
            (400, "invalid_grant", Kind::ReconnectNeeded),
            (401, "invalid_client", Kind::AppRejected),
            (403, "unauthorized_client", Kind::AppRejected),
            (400, "invalid_scope", Kind::AppRejected),
            (401, "", Kind::AppRejected),
            (422, "", Kind::ReconnectNeeded),
            (500, "", Kind::ProviderDown),
            (429, "", Kind::RateLimited),
        ] {
            assert_eq!(oauth(&said(status, code), NOW).kind, wanted, "{status} {code}");
        }
    }

    #[test]
    fn only_the_servers_own_word_disowns_an_app() {
        assert!(disowns(&said(403, "unauthorized_client")) && disowns(&said(401, "invalid_client")));
        for answer in
            [said(200, ""), answer(200, &[], "{}"), answer(403, &[], "<html>"), answer(404, &[], ""), said(429, "x")]
        {
            assert!(!disowns(&answer), "{answer:?}");
        }
    }

    #[test]
    fn a_host_that_is_no_server_is_not_found() {
        for (status, wanted) in [
            (404, Kind::NotFound),
            (405, Kind::NotFound),
            (301, Kind::NotFound),
            (422, Kind::AppRejected),
            (502, Kind::ProviderDown),
        ] {
            assert_eq!(registration(&answer(status, &[], "<html>"), NOW).kind, wanted, "{status}");
        }
    }
}
