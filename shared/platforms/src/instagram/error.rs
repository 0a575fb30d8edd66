//! Instagram's errors in our words.

use std::time::Duration;

use domain::{Effect, Failure, Kind};
use outbound::Answer;
use serde::Deserialize;

use super::facts::{BASIC, COMMENTS, PUBLISH};
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
    /// Meant for the person, in the person's language.
    error_user_msg: Option<String>,
}

/// What a subcode of publishing means, and how to say it to a person. The same codes stand in the status of a container.
pub(super) fn publishing(subcode: i64) -> Option<(Kind, &'static str)> {
    use Kind::{ContentRefused, NotFound, ProviderDown, RateLimited, Suspended};
    Some(match subcode {
        // A new attempt, some of them with a new container, may go well.
        2_207_001 => (ProviderDown, "Instagram had an error of its own."),
        2_207_003 => (ProviderDown, "Instagram could not download the file in time."),
        2_207_008 => (ProviderDown, "Instagram could not publish for the moment."),
        2_207_020 => (ProviderDown, "The prepared post has expired at Instagram."),
        2_207_027 => (ProviderDown, "Instagram has not finished processing the media yet."),
        2_207_032 => (ProviderDown, "Instagram could not prepare the post."),
        2_207_053 | 2_207_082 => (ProviderDown, "Instagram met an unknown error while it took the video."),
        2_207_006 => (NotFound, "Instagram does not know the prepared post any more."),
        // Limits of the account.
        2_207_042 => (RateLimited, "The account has reached Instagram's daily limit of posts published by apps."),
        2_207_051 => (RateLimited, "Instagram suspects spam and has restricted publishing for this account."),
        2_207_050 => {
            (Suspended, "The account is restricted. Open Instagram and complete what it asks for before publishing.")
        }
        // The content itself.
        2_207_004 => (ContentRefused, "An image is larger than 8 MiB."),
        2_207_005 => (ContentRefused, "Instagram takes images as JPEG only."),
        2_207_009 => (ContentRefused, "An image is too tall or too wide: Instagram shows 4:5 to 1.91:1."),
        2_207_010 => {
            (ContentRefused, "The caption is too long: 2,200 characters, 30 hashtags and 20 mentions are the most.")
        }
        2_207_023 => (ContentRefused, "Instagram does not know this type of media."),
        2_207_026 => (ContentRefused, "Instagram does not support the format of the video; it takes MOV and MP4."),
        2_207_028 => (ContentRefused, "An album has 2 to 10 images and videos."),
        2_207_035..=2_207_037 | 2_207_040 => (ContentRefused, "Instagram refuses a tag in the post."),
        2_207_052 => {
            (ContentRefused, "Instagram could not fetch the file from its address; it must be reachable for anyone.")
        }
        2_207_057 => (ContentRefused, "The chosen cover lies outside the video."),
        2_207_077 => (ContentRefused, "Instagram could not process the video. Use another file."),
        2_207_081 => (ContentRefused, "This account cannot publish trial reels."),
        _ => return None,
    })
}

/// A refusal of a read. The status is mostly 400 whatever happened, so the code decides.
pub(super) fn of(answer: &Answer) -> Failure {
    of_call(answer, BASIC)
}

/// A refusal of a call that needs `scope`.
pub(super) fn of_call(answer: &Answer, scope: &str) -> Failure {
    let general = wire::by_status(answer);
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else { return general };
    let known = error.error_subcode.and_then(publishing);
    let code = match error.error_subcode {
        Some(subcode) => format!("{}/{subcode}", error.code),
        None => error.code.to_string(),
    };
    let detail = format!("status {}, code {code}", answer.status);
    let kind = known.map_or_else(|| by_code(&error, general.kind), |(kind, _)| kind);
    let failure = Failure { effect: general.effect, ..Failure::new(kind, detail) };
    let words = known.map(|(_, words)| words.to_owned());
    let failure = failure.said(words.or_else(|| spoken(kind, error.error_user_msg)), Some(code));
    match kind {
        Kind::RateLimited => {
            failure.retry_after(regain(answer).or(general.retry_after).or(of_limit(error.code, error.error_subcode)))
        }
        Kind::ProviderDown => failure.maybe_applied().retry_after(general.retry_after),
        Kind::PermissionMissing => failure.scope(scope),
        _ => failure,
    }
}

/// What a code means without a subcode of publishing.
fn by_code(error: &Graph, general: Kind) -> Kind {
    match (error.code, error.error_subcode) {
        // Call limits: of the app, the user, the page, the feature, the account.
        (4 | 17 | 32 | 341 | 613 | 80002, _) => Kind::RateLimited,
        // Blocked for moving too fast.
        (368, _) => Kind::RateLimited,
        // The account has to pass a check on Instagram before anyone may use it again; connecting again does not help.
        (190, Some(459 | 464)) => Kind::Suspended,
        // A dead token cannot be renewed here: renewing exchanges a token that is alive.
        (190 | 102, _) => Kind::ReconnectNeeded,
        (3 | 10 | 200..=299, _) => Kind::PermissionMissing,
        (100, Some(33)) | (803, _) => Kind::NotFound,
        // The app's secret proof is demanded or wrong.
        (104, _) => Kind::AppRejected,
        // Unknown error, service down, or whatever else says that it will pass.
        (1 | 2 | -1 | -2, _) => Kind::ProviderDown,
        _ if error.is_transient => Kind::ProviderDown,
        _ => general,
    }
}

/// Instagram's sentence for the person. What it says about tokens and limits, Herald says better.
fn spoken(kind: Kind, message: Option<String>) -> Option<String> {
    let wanted =
        matches!(kind, Kind::ContentRefused | Kind::InvalidRequest | Kind::Suspended | Kind::PermissionMissing);
    let words: String = message.filter(|_| wanted)?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(words.chars().take(300).collect())
}

/// Limits that do not say when they end. Calls are counted over a rolling hour, posts over a rolling day, which has
/// moved on a little in an hour; a suspicion of spam, and a block for moving too fast, have not passed before the next day.
fn of_limit(code: i64, subcode: Option<i64>) -> Option<Duration> {
    match (code, subcode) {
        (368, _) | (_, Some(2_207_051)) => Some(DAY),
        (4 | 17 | 32 | 341 | 613 | 80002, _) | (_, Some(2_207_042)) => Some(HOUR),
        _ => None,
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A refusal of `media_publish`. Instagram has no error for a post that is there already: a container that is used up
/// answers as one that is missing, and posts were live although the answer spoke of spam (4/2207051). So only what is
/// refused before anything is done counts as not applied; of everything else the container's state tells.
pub(super) fn of_publish(answer: &Answer) -> Failure {
    let failure = of_call(answer, PUBLISH);
    let subcode = |code: &str| failure.code.as_deref().is_some_and(|whole| whole.ends_with(code));
    let before = match failure.kind {
        Kind::RateLimited => !subcode("/2207051"),
        Kind::TokenRejected | Kind::ReconnectNeeded | Kind::PermissionMissing => true,
        Kind::AppRejected | Kind::Suspended | Kind::ContentRefused => true,
        Kind::ProviderDown => subcode("/2207027"),
        _ => false,
    };
    if before { Failure { effect: Effect::NotApplied, ..failure } } else { failure.maybe_applied() }
}

/// A refusal of a comment. A comment was there although the answer was a 400, so only refusals of the caller count.
pub(super) fn of_comment(answer: &Answer) -> Failure {
    let failure = of_call(answer, COMMENTS);
    match failure.kind {
        Kind::RateLimited | Kind::ReconnectNeeded | Kind::PermissionMissing | Kind::AppRejected => failure,
        _ => failure.maybe_applied(),
    }
}

/// Why a container failed: its status holds the subcode in a sentence ("… failed with error code 2207026").
pub(super) fn of_container(status: &str) -> Failure {
    let digits = status.split(|c: char| !c.is_ascii_digit());
    let subcode = digits.filter(|digits| digits.len() == 7).find_map(|digits| digits.parse::<i64>().ok());
    let known = subcode.and_then(publishing);
    let (kind, words) = known.unwrap_or((Kind::ProviderDown, "Instagram could not process the media."));
    let code = subcode.map(|subcode| subcode.to_string());
    let detail = format!("container failed, code {}", code.as_deref().unwrap_or("unknown"));
    Failure::new(kind, detail).said(Some(words.to_owned()), code)
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
    (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)))
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

    #[test]
    fn every_reason_of_publishing_has_its_kind_and_its_words() {
        let failure = of(&answer(400, &[], include_str!("fixtures/error.image_too_large.json")));
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("36000/2207004")));
        assert_eq!(failure.said.as_deref(), Some("An image is larger than 8 MiB."));
        let kinds = [
            (2_207_003, Kind::ProviderDown),
            (2_207_006, Kind::NotFound),
            (2_207_026, Kind::ContentRefused),
            (2_207_042, Kind::RateLimited),
            (2_207_050, Kind::Suspended),
            (2_207_052, Kind::ContentRefused),
        ];
        for (subcode, kind) in kinds {
            assert_eq!(publishing(subcode).unwrap().0, kind, "{subcode}");
        }
        assert_eq!(publishing(33), None);
    }

    fn published(body: &str) -> Failure {
        of_publish(&answer(400, &[], body))
    }

    #[test]
    fn only_a_refusal_before_the_effect_is_not_applied() {
        for body in [
            include_str!("fixtures/error.token_expired.json"),
            include_str!("fixtures/error.call_limit.json"),
            include_str!("fixtures/error.permission.json"),
            include_str!("fixtures/error.restricted.json"),
            include_str!("fixtures/error.daily_limit.json"),
            include_str!("fixtures/error.not_ready.json"),
        ] {
            assert_eq!(published(body).effect, Effect::NotApplied, "{body}");
        }
    }

    #[test]
    fn a_publish_that_may_have_gone_through_is_not_done_again_unseen() {
        for body in [
            include_str!("fixtures/error.spam_suspected.json"),
            include_str!("fixtures/error.container_missing.json"),
            include_str!("fixtures/error.missing_object.json"),
            include_str!("fixtures/error.transient.json"),
            r#"{"error":{"code":100}}"#,
            "<html>",
        ] {
            assert_eq!(published(body).effect, Effect::Unknown, "{body}");
        }
        assert_eq!(of_publish(&answer(500, &[], "")).effect, Effect::Unknown);
    }

    #[test]
    fn a_daily_limit_waits_and_a_suspicion_of_spam_waits_longer() {
        let waits = |body| published(body).retry_after.unwrap().as_secs();
        assert_eq!(waits(include_str!("fixtures/error.daily_limit.json")), 3_600);
        assert_eq!(waits(include_str!("fixtures/error.spam_suspected.json")), 86_400);
    }

    #[test]
    fn a_limit_of_calls_that_does_not_say_its_end_waits_an_hour_and_a_block_a_day() {
        let wait = |code: i64| {
            let body = serde_json::json!({"error": {"code": code}}).to_string();
            let failure = of(&answer(400, &[], &body));
            assert_eq!(failure.kind, Kind::RateLimited, "{code}");
            failure.retry_after.unwrap()
        };
        for code in [4, 17, 32, 341, 613, 80_002] {
            assert_eq!(wait(code), HOUR, "{code}");
        }
        assert_eq!(wait(368), DAY);
        let stated = answer(429, &[("retry-after", "60")], r#"{"error":{"code":4}}"#);
        assert_eq!(of(&stated).retry_after, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_refused_comment_may_stand_all_the_same() {
        let commented = |body| of_comment(&answer(400, &[], body));
        assert_eq!(commented(r#"{"error":{"code":100}}"#).effect, Effect::Unknown);
        let refused = commented(include_str!("fixtures/error.permission.json"));
        assert_eq!(refused.effect, Effect::NotApplied);
        assert_eq!(refused.scope.as_deref(), Some("instagram_business_manage_comments"));
        assert_eq!(commented(include_str!("fixtures/error.call_limit.json")).effect, Effect::NotApplied);
    }

    #[test]
    fn a_failed_container_tells_why() {
        let failure = of_container("Error: Media upload has failed with error code 2207026");
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("2207026")));
        assert_eq!(of_container("Error: 2207053").kind, Kind::ProviderDown);
        let unknown = of_container("Error");
        assert_eq!((unknown.kind, unknown.code), (Kind::ProviderDown, None));
        assert_eq!(unknown.said.as_deref(), Some("Instagram could not process the media."));
    }
}
