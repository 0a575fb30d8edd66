//! Publishing on X: files first, then one call that makes the post. Threads are replies to one's own posts.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Problem};
use domain::{Effect, Failure, Kind, Platform, TokenSet};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use outbound::Call;
use serde_json::Value;

use super::facts::{LONGEST_ALT_TEXT, PUBLISH, WRITE};
use super::readback::{self, Shown, Wanted};
use super::{api, error, publish_api, text, upload};
use crate::compose;
use crate::kit::{Account, Context};
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Proof, Publish, PublishFacts, Stop, Submitted};
use crate::wire;

const DEADLINE: Duration = Duration::from_secs(30);

/// Publishes on X.
pub(super) struct Twitter;

#[async_trait]
impl Publish for Twitter {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISH
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        let length = |text: &str| self.length(text, limits);
        let mut problems = compose::common_problems(Platform::Twitter, &PUBLISH, draft, limits, &length);
        problems.extend(own_problems(draft));
        problems
    }

    fn length(&self, text: &str, _: &Limits) -> u32 {
        text::weight(text)
    }

    fn proof(&self, _account: &Account<'_>, tokens: &TokenSet) -> Proof {
        if readback::may_read(&tokens.scopes) { Proof::ReadBack } else { Proof::None }
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        let step = upload::step(cx, job).await.map_err(|stop| match stop {
            // Nobody sees a file that is in no post.
            Stop::Failed(failure) => Stop::Failed(Failure { effect: Effect::NotApplied, ..failure }),
            Stop::Lost => Stop::Lost,
        })?;
        Ok(step.unwrap_or_else(|| Prepared::Ready(job.progress.clone())))
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let text = text::compose_text(&job.draft.text);
        let media = upload::ids(job.progress, job.draft.media.len())?;
        let post = publish_api::NewPost {
            text: &text,
            media: (!media.is_empty()).then_some(publish_api::NewMedia { media_ids: media }),
            poll: poll(job.draft).ok().flatten(),
            reply: None,
            reply_settings: job.draft.options.get("replySettings").and_then(Value::as_str),
        };
        Ok(Submitted::Published(create(cx, job, &post).await?))
    }

    /// A post is live when it is made.
    async fn look(&self, _: &Context<'_>, _: &Job<'_>) -> Result<Looked, Failure> {
        Err(Failure::new(Kind::InvalidRequest, "nothing is processed after a submission here"))
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        let wanted = Wanted { text: &job.draft.text, media: job.draft.media.len(), parent: None };
        found(readback::search(cx, job, &wanted).await?, job)
    }

    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        _: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        let text = text::compose_text(follow_up_text(job, n)?);
        let reply = Some(publish_api::NewReply { in_reply_to_tweet_id: &parent.id });
        create(cx, job, &publish_api::NewPost { text: &text, media: None, poll: None, reply, reply_settings: None })
            .await
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        _: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        let wanted = Wanted { text: follow_up_text(job, n)?, media: 0, parent: Some(&parent.id) };
        found(readback::search(cx, job, &wanted).await?, job)
    }

    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let url = wire::url(&format!("https://api.x.com/2/tweets/{}", post.id))?;
        let call = Call::new(Platform::Twitter, Method::DELETE, url).bearer(&job.tokens.access).within(DEADLINE);
        let answer = cx.out.send(call).await?;
        if answer.is_success() {
            return Ok(());
        }
        match error::of_submit(&answer, cx.clock.now(), WRITE) {
            failure if failure.kind == Kind::NotFound => Ok(()),
            failure => Err(failure),
        }
    }
}

async fn create(cx: &Context<'_>, job: &Job<'_>, post: &publish_api::NewPost<'_>) -> Result<PostRef, Failure> {
    let url = wire::url("https://api.x.com/2/tweets")?;
    let call = Call::post_json(Platform::Twitter, url, post).bearer(&job.tokens.access).within(DEADLINE);
    let answer = cx.out.send(call).await?;
    if !answer.is_success() {
        return Err(error::of_submit(&answer, cx.clock.now(), WRITE));
    }
    let id = publish_api::made(&answer)?;
    let url = Some(api::address(job.account.handle, &id));
    Ok(PostRef { posted_at: made_at(&id, cx.clock.now()), id, url, extra: Default::default() })
}

fn found(shown: Shown, job: &Job<'_>) -> Result<Found, Failure> {
    Ok(match shown {
        Shown::Found(post) => Found::Published(post),
        Shown::Absent => Found::Absent(job.progress.clone()),
        Shown::Beyond => Found::Unclear,
        Shown::Hidden => Found::NoMeans,
    })
}

fn follow_up_text<'a>(job: &Job<'a>, n: usize) -> Result<&'a str, Failure> {
    let text = job.draft.follow_ups.get(n).map(String::as_str);
    text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no such continuation"))
}

/// The time in an id: milliseconds since X's own epoch above the lowest 22 bits. An id that is not of this kind has none.
fn made_at(id: &str, now: Timestamp) -> Option<Timestamp> {
    let millis = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?.checked_add(1_288_834_974_657)?;
    let at = Timestamp::from_millisecond(millis).ok()?;
    (now.duration_since(at).abs() < SignedDuration::from_hours(1)).then_some(at)
}

/// What is wrong by X's own rules.
fn own_problems(draft: &Draft) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut error = |code: &str, field: &str, message: String| problems.push(Problem::error(code, field, message));
    let field_of = |n| compose::follow_up_field(Platform::Twitter, &PUBLISH, draft, Some(n));
    for (text, field) in std::iter::once((&draft.text, "content".to_owned()))
        .chain(draft.follow_ups.iter().enumerate().map(|(n, text)| (text, field_of(n))))
    {
        if text::has_invalid(text) {
            error("invalid_character", &field, "X takes no text with U+FFFE, U+FEFF or U+FFFF in it.".to_owned());
        }
    }
    match poll(draft) {
        Err(problem) => error("option_invalid", "options.TWITTER.poll", problem),
        Ok(Some(_)) if !draft.media.is_empty() => {
            error("poll_with_media", "options.TWITTER.poll", "A post on X has a poll or files, not both.".to_owned());
        }
        Ok(_) => {}
    }
    let descriptions = draft.options.get("altText").and_then(Value::as_array);
    for (n, text) in descriptions.into_iter().flatten().enumerate() {
        let length = text.as_str().unwrap_or_default().chars().count();
        if length > LONGEST_ALT_TEXT {
            let message =
                format!("A description on X has at most {LONGEST_ALT_TEXT} characters; this one has {length}.");
            error("too_long", &format!("options.TWITTER.altText[{n}]"), message);
        }
    }
    let cashtags = cashtags(&draft.text);
    if cashtags > 1 {
        let message = format!("X refuses more than 1 cashtag in a post of most apps; this one has {cashtags}.");
        problems.push(Problem::warning("too_many_cashtags", "content", message));
    }
    problems
}

fn cashtags(text: &str) -> usize {
    let is_one = |word: &&str| {
        let name = word.strip_prefix('$').map(|rest| rest.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()));
        name.is_some_and(|name| (1..=6).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    text.split_whitespace().filter(is_one).count()
}

/// The poll that the options describe: `{"options": ["Yes", "No"], "durationMinutes": 60}`.
fn poll(draft: &Draft) -> Result<Option<publish_api::NewPoll>, String> {
    let Some(poll) = draft.options.get("poll").filter(|value| !value.is_null()) else { return Ok(None) };
    let known =
        |object: &serde_json::Map<String, Value>| object.keys().all(|k| k == "options" || k == "durationMinutes");
    if !poll.as_object().is_some_and(known) {
        return Err("A poll has options and durationMinutes, and nothing else.".to_owned());
    }
    let options: Option<Vec<String>> = poll["options"]
        .as_array()
        .and_then(|list| list.iter().map(|option| option.as_str().map(str::to_owned)).collect());
    let options = options.ok_or("The options of a poll are a list of texts.")?;
    if !(2..=4).contains(&options.len()) {
        return Err(format!("A poll on X has 2 to 4 options; this one has {}.", options.len()));
    }
    for option in &options {
        let length = option.trim().chars().count();
        if !(1..=25).contains(&length) {
            return Err(format!("An option of a poll on X has 1 to 25 characters; this one has {length}."));
        }
    }
    let minutes = poll["durationMinutes"].as_u64();
    let duration_minutes = minutes.and_then(|n| u32::try_from(n).ok()).filter(|n| (5..=10_080).contains(n));
    let duration_minutes = duration_minutes.ok_or("A poll on X runs 5 to 10080 minutes (durationMinutes).")?;
    Ok(Some(publish_api::NewPoll { options, duration_minutes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn draft(options: Value) -> Draft {
        Draft { text: "Hello".to_owned(), options: options.as_object().unwrap().clone(), ..Draft::default() }
    }

    #[test]
    fn a_poll_is_checked_whole() {
        let good = json!({"poll": {"options": ["Yes", "No"], "durationMinutes": 60}});
        let wanted = publish_api::NewPoll { options: vec!["Yes".to_owned(), "No".to_owned()], duration_minutes: 60 };
        assert_eq!(poll(&draft(good)), Ok(Some(wanted)));
        assert_eq!(poll(&draft(json!({}))), Ok(None));
        for (wrong, word) in [
            (json!("yes"), "nothing else"),
            (json!({"options": ["Yes"], "durationMinutes": 60}), "has 1"),
            (json!({"options": ["Yes", "A".repeat(26)], "durationMinutes": 60}), "has 26"),
            (json!({"options": ["Yes", 2], "durationMinutes": 60}), "texts"),
            (json!({"options": ["Yes", "No"], "durationMinutes": 4}), "5 to 10080"),
            (json!({"options": ["Yes", "No"]}), "5 to 10080"),
            (json!({"options": ["Yes", "No"], "durationMinutes": 60, "other": 1}), "nothing else"),
        ] {
            let problem = poll(&draft(json!({ "poll": wrong }))).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn own_rules_name_the_field_and_the_figure() {
        let mut wrong = draft(json!({"altText": ["a".repeat(1001)]}));
        wrong.text = "a\u{ffff} $TEA $COFFEE".to_owned();
        let problems = own_problems(&wrong);
        let codes: Vec<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, ["invalid_character", "too_long", "too_many_cashtags"]);
        assert!(problems[1].message.contains("1000") && problems[1].message.contains("1001"));
        assert_eq!(cashtags("pay $5 or $TEA, not $TEATREE1"), 1);
    }

    #[test]
    fn an_id_holds_its_time() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let id = (now_millis(now) - 1_288_834_974_657) << 22;
        assert_eq!(made_at(&id.to_string(), now), Some(now));
        assert_eq!(made_at("20", now), None, "an id of the early kind holds none");
        assert_eq!(made_at("abc", now), None);
    }

    fn now_millis(at: Timestamp) -> i64 {
        at.as_millisecond()
    }
}
