//! Telegram's errors: a number that is the status, and words. Where the number says too little, the words decide.

use std::time::Duration;

use domain::{Failure, Kind};
use outbound::Answer;
use serde::Deserialize;

use super::facts::{DELETE, POST};
use crate::wire;

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// What a refusal means.
pub(super) fn of(answer: &Answer) -> Failure {
    let general = wire::by_status(answer);
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    // A group that has become a large one has another number from then on.
    let moved = body.parameters.migrate_to_chat_id;
    let words = body.description.split_once(": ").map_or(body.description.as_str(), |(_, words)| words);
    let lower = words.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let (kind, scope) = match answer.status {
        // The owner has taken the token back, or it never was one: an address with a wrong token leads nowhere.
        401 | 404 => (Kind::ReconnectNeeded, None),
        // Removed from the chat, or blocked.
        403 => (Kind::PermissionMissing, Some(POST)),
        400 if says(&["message can't be deleted"]) => (Kind::PermissionMissing, Some(DELETE)),
        400 if says(&[
            "not enough rights",
            "need administrator rights",
            "chat_write_forbidden",
            "chat_admin_required",
        ]) =>
        {
            (Kind::PermissionMissing, Some(POST))
        }
        400 if moved.is_some() || says(&["chat not found", "upgraded to a supergroup"]) || says(&MESSAGE_GONE) => {
            (Kind::NotFound, None)
        }
        413 => (Kind::ContentRefused, None),
        _ => (general.kind, None),
    };
    let wait = body.parameters.retry_after.map(Duration::from_secs).or(general.retry_after);
    // Some reasons are codes: PHOTO_INVALID_DIMENSIONS.
    let code = words.split([' ', ':']).next().filter(|word| is_code(word)).map(str::to_owned);
    let detail = match &code {
        Some(code) => format!("{}, code {code}", general.detail),
        None => general.detail.clone(),
    };
    let said = Some(match moved {
        Some(chat) => format!("The group has become a supergroup. Connect it under its new number, {chat}."),
        None => words.chars().take(300).collect(),
    });
    let failure = Failure { kind, detail, ..general }.retry_after(wait).said(said, code);
    match scope {
        Some(scope) => failure.scope(scope),
        None => failure,
    }
}

/// What a message that is not there answers to its deletion and to its change. Nothing else that is not found is about
/// the message.
const MESSAGE_GONE: [&str; 2] = ["message to delete not found", "message to edit not found"];

/// Whether a refusal says that the message is not there.
pub(super) fn is_message_gone(answer: &Answer) -> bool {
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = body.description.to_lowercase();
    answer.status == 400 && MESSAGE_GONE.iter().any(|gone| words.contains(gone))
}

/// The number that the chat has now, where it has become another. Nothing was done then.
pub(super) fn moved_to(answer: &Answer) -> Option<String> {
    let body: Body = serde_json::from_slice(&answer.body).ok()?;
    body.parameters.migrate_to_chat_id.filter(|_| answer.status == 400).map(|chat| chat.to_string())
}

/// What a refusal to publish means. Only what Telegram documents as a refusal has surely had no effect.
pub(super) fn of_submit(answer: &Answer) -> Failure {
    let failure = of(answer);
    match (answer.status, failure.kind) {
        // Too long, unreadable markup, a picture of a wrong form.
        (400, Kind::InvalidRequest) => Failure { kind: Kind::ContentRefused, ..failure },
        (400 | 401 | 403 | 404 | 413 | 429, _) => failure,
        _ => failure.maybe_applied(),
    }
}

fn is_code(word: &str) -> bool {
    word.len() >= 6
        && word.contains('_')
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::answer;
    use domain::Effect;

    fn refused(status: u16, description: &str) -> Failure {
        let body = serde_json::json!({"ok": false, "error_code": status, "description": description});
        of_submit(&answer(status, &[], &body.to_string()))
    }

    #[test]
    fn a_flood_says_how_long_to_wait() {
        let failure = of(&answer(429, &[], include_str!("fixtures/error.flood.json")));
        assert_eq!((failure.kind, failure.retry_after), (Kind::RateLimited, Some(Duration::from_secs(35))));
        assert_eq!(failure.effect, Effect::NotApplied);
    }

    #[test]
    fn a_token_that_was_taken_back_asks_for_reconnect() {
        assert_eq!(refused(401, "Unauthorized").kind, Kind::ReconnectNeeded);
        assert_eq!(refused(404, "Not Found").kind, Kind::ReconnectNeeded);
    }

    #[test]
    fn missing_rights_are_named() {
        for (status, text, scope) in [
            (403, "Forbidden: bot was kicked from the channel chat", POST),
            (400, "Bad Request: not enough rights to send text messages to the chat", POST),
            (400, "Bad Request: need administrator rights in the channel chat", POST),
            (400, "Bad Request: message can't be deleted", DELETE),
        ] {
            let failure = refused(status, text);
            assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(scope)), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_refused() {
        for text in ["Bad Request: chat not found", "Bad Request: message to delete not found"] {
            assert_eq!(refused(400, text).kind, Kind::NotFound, "{text}");
        }
        for text in
            ["Bad Request: message is too long", "Bad Request: can't parse entities: Unsupported start tag \"x\""]
        {
            let failure = refused(400, text);
            assert_eq!((failure.kind, failure.effect), (Kind::ContentRefused, Effect::NotApplied), "{text}");
            assert!(text.ends_with(failure.said.as_deref().unwrap()));
        }
        let picture = refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS");
        assert_eq!((picture.kind, picture.code.as_deref()), (Kind::ContentRefused, Some("PHOTO_INVALID_DIMENSIONS")));
        assert_eq!(refused(413, "Request Entity Too Large").kind, Kind::ContentRefused);
    }

    #[test]
    fn a_submission_that_met_trouble_may_have_been_carried_out() {
        for status in [408, 409, 500, 502, 504] {
            assert_eq!(refused(status, "Internal Server Error").effect, Effect::Unknown, "{status}");
        }
    }
}
