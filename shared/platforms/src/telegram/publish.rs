//! Publishing on Telegram: one call, which carries the files. Whether a message was sent nothing can tell afterwards.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Media, MediaKind, Problem};
use domain::{Failure, Kind, Platform};
use outbound::{Answer, Call};
use serde_json::{Map, Value, json};

use super::api::{self, MESSAGES, Message};
use super::facts::PUBLISH;
use super::form::Form;
use super::markup::{self, Mode};
use super::{bot, error, ingest};
use crate::compose;
use crate::kit::Context;
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Publish, PublishFacts, Stop, Submitted};

const DEADLINE: Duration = Duration::from_secs(30);
/// A message with files takes as long as they take to be sent: a minute, and a second for each of these bytes. An album of
/// ten files of the largest size has nine minutes and a half, which a worker has.
const WITH_FILES: Duration = Duration::from_secs(60);
const BYTES_A_SECOND: u64 = 1024 * 1024;

/// In [`PostRef::extra`]: the chat that the message is in, where it is not the account's own number.
const CHAT: &str = "chat";

/// Publishes on Telegram.
pub(super) struct Telegram;

#[async_trait]
impl Publish for Telegram {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISH
    }

    /// With a `parseMode` the limit is for what is left of the text when its markup is read.
    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        let mode = mode(draft);
        let length = |text: &str| self.length(&markup::visible(text, mode).unwrap_or_else(|_| text.to_owned()), limits);
        let mut problems = compose::common_problems(Platform::Telegram, &PUBLISH, draft, limits, &length);
        problems.extend(own_problems(draft, mode));
        problems
    }

    fn length(&self, text: &str, _: &Limits) -> u32 {
        compose::utf16(text)
    }

    fn draft_length(&self, draft: &Draft, limits: &Limits) -> u32 {
        let visible = markup::visible(&draft.text, mode(draft));
        self.length(visible.as_deref().unwrap_or(&draft.text), limits)
    }

    /// Nothing can be sent ahead of a message.
    async fn prepare(&self, _: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        Ok(Prepared::Ready(job.progress.clone()))
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let mut answer = send(cx, job, &chat(job)).await?;
        let moved = error::moved_to(&answer);
        if let Some(chat) = &moved {
            // Nothing was sent: the group has another number since it became a large one.
            answer = send(cx, job, chat).await?;
        }
        if !answer.is_success() {
            return Err(error::of_submit(&answer).into());
        }
        let mut post = sent(&answer, job.draft.media.len())?;
        post.extra.extend(moved.map(|chat| (CHAT.to_owned(), chat)));
        Ok(Submitted::Published(post))
    }

    /// A message is there when it is sent.
    async fn look(&self, _: &Context<'_>, _: &Job<'_>) -> Result<Looked, Failure> {
        Err(Failure::new(Kind::InvalidRequest, "nothing is processed after a submission here"))
    }

    /// A bot sees none of its own messages again, and a chat's history not at all.
    async fn find(&self, _: &Context<'_>, _: &Job<'_>) -> Result<Found, Failure> {
        Ok(Found::NoMeans)
    }

    async fn follow_up(
        &self,
        _: &Context<'_>,
        _: &Job<'_>,
        _: &PostRef,
        _: &PostRef,
        _: usize,
    ) -> Result<PostRef, Failure> {
        Err(Failure::new(Kind::InvalidRequest, "there are no follow-ups on this platform"))
    }

    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let album = post.extra.get(MESSAGES).map_or(post.id.as_str(), String::as_str);
        for number in album.split(',') {
            let number: i64 =
                number.parse().map_err(|_| Failure::new(Kind::InvalidRequest, "the post's number is none"))?;
            let chat = post.extra.get(CHAT).cloned().unwrap_or_else(|| chat(job));
            let body = json!({ "chat_id": chat, "message_id": number });
            let call = bot::call(&job.tokens.access, "deleteMessage")?.body("application/json", body.to_string());
            let answer = cx.out.send(call.within(DEADLINE)).await?;
            if answer.is_success() {
                continue;
            }
            // Deleted already is what was wanted. Whatever else is not found says nothing about the message.
            if !error::is_message_gone(&answer) {
                return Err(error::of_submit(&answer));
            }
        }
        Ok(())
    }
}

fn mode(draft: &Draft) -> Mode {
    Mode::of(draft.options.get("parseMode").and_then(Value::as_str))
}

/// The chat by its number, which stays when it is renamed.
fn chat(job: &Job<'_>) -> String {
    job.account.platform_account_id.map_or_else(|| ingest::chat_id(job.account.handle), str::to_owned)
}

/// Sends the message to `chat`, with all its files; the answer, whatever its status.
async fn send(cx: &Context<'_>, job: &Job<'_>, chat: &str) -> Result<Answer, Stop> {
    let call = match job.draft.media.as_slice() {
        [] => message(job, chat)?,
        files => {
            let (call, time) = with_files(job, files, chat).await?;
            // Files are sent with the message itself, which takes longer than the lease that a submission has.
            job.lease.keep(job.progress, time).await?;
            call
        }
    };
    Ok(cx.out.send(call).await.map_err(Failure::from)?)
}

/// How long a message of so many bytes may take.
fn time_for(bytes: u64) -> Duration {
    WITH_FILES + Duration::from_secs(bytes / BYTES_A_SECOND)
}

/// What every kind of message says: where, how loud.
fn common(job: &Job<'_>, chat: &str) -> Map<String, Value> {
    let mut common = Map::from_iter([("chat_id".to_owned(), json!(chat))]);
    if job.draft.options.get("disableNotification").and_then(Value::as_bool) == Some(true) {
        common.insert("disable_notification".to_owned(), json!(true));
    }
    common
}

/// Adds the words under `name`, with how they are to be read.
fn add_words(to: &mut Map<String, Value>, job: &Job<'_>, name: &str) {
    if job.draft.text.trim().is_empty() {
        return;
    }
    to.insert(name.to_owned(), json!(job.draft.text));
    if let Some(mode) = job.draft.options.get("parseMode").and_then(Value::as_str) {
        to.insert("parse_mode".to_owned(), json!(mode));
    }
}

/// A message of words alone.
fn message(job: &Job<'_>, chat: &str) -> Result<Call, Failure> {
    let mut body = common(job, chat);
    add_words(&mut body, job, "text");
    let call = bot::call(&job.tokens.access, "sendMessage")?;
    Ok(call.body("application/json", Value::Object(body).to_string()).within(DEADLINE))
}

/// The method for one file, and the name of the file in it; the type of an album's item.
const fn method(kind: MediaKind) -> (&'static str, &'static str) {
    match kind {
        MediaKind::Image => ("sendPhoto", "photo"),
        MediaKind::Gif => ("sendAnimation", "animation"),
        MediaKind::Video => ("sendVideo", "video"),
        MediaKind::Document => ("sendDocument", "document"),
    }
}

/// A message with a file, or an album, and how long it may take.
async fn with_files(job: &Job<'_>, files: &[Media], chat: &str) -> Result<(Call, Duration), Failure> {
    let mut form = Form::new()?;
    let mut parameters = common(job, chat);
    let name = match files {
        [only] => {
            let (name, field) = method(only.kind);
            add_words(&mut parameters, job, "caption");
            if only.kind == MediaKind::Video {
                parameters.insert("supports_streaming".to_owned(), json!(true));
            }
            add_size(&mut parameters, only);
            form.file(field, only, job.files).await?;
            name
        }
        several => {
            let mut album = Vec::new();
            for (index, media) in several.iter().enumerate() {
                let part = format!("file{index}");
                let mut item = Map::from_iter([
                    ("type".to_owned(), json!(method(media.kind).1)),
                    ("media".to_owned(), json!(format!("attach://{part}"))),
                ]);
                // Words under the first are the words of the album; under the last, where all are documents.
                let captioned = if media.kind == MediaKind::Document { several.len() - 1 } else { 0 };
                if index == captioned {
                    add_words(&mut item, job, "caption");
                }
                add_size(&mut item, media);
                album.push(Value::Object(item));
                form.file(&part, media, job.files).await?;
            }
            parameters.insert("media".to_owned(), Value::Array(album));
            "sendMediaGroup"
        }
    };
    for (name, value) in &parameters {
        match value {
            Value::String(text) => form.text(name, text),
            other => form.text(name, &other.to_string()),
        }
    }
    let time = time_for(form.length());
    Ok((form.send(bot::call(&job.tokens.access, name)?.within(time))?, time))
}

/// Without its size a video is shown as a square until it is played.
fn add_size(to: &mut Map<String, Value>, media: &Media) {
    if let (MediaKind::Video, Some(width), Some(height)) = (media.kind, media.width, media.height) {
        to.insert("width".to_owned(), json!(width));
        to.insert("height".to_owned(), json!(height));
    }
}

fn sent(answer: &Answer, files: usize) -> Result<PostRef, Failure> {
    let messages: Vec<Message> = if files > 1 { api::result(answer)? } else { vec![api::result(answer)?] };
    let unnamed = || Failure::new(Kind::ProviderDown, "an answer without a message").maybe_applied();
    api::post(&messages).ok_or_else(unnamed)
}

/// What is wrong by Telegram's own rules.
fn own_problems(draft: &Draft, mode: Mode) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut error = |code: &str, field: String, message: String| problems.push(Problem::error(code, field, message));
    match markup::visible(&draft.text, mode) {
        Err(why) => error("invalid_markup", "content".to_owned(), why),
        Ok(shown) if shown.trim().is_empty() && !draft.text.trim().is_empty() && draft.media.is_empty() => {
            let message = "Nothing is left of the text when its markup is read: Telegram needs at least 1 character.";
            error("text_required", "content".to_owned(), message.to_owned());
        }
        Ok(_) => {}
    }
    let count = |kind| draft.media.iter().filter(|media| media.kind == kind).count();
    let (all, documents, animations) = (draft.media.len(), count(MediaKind::Document), count(MediaKind::Gif));
    if documents > 0 && documents < all {
        let message =
            format!("An album on Telegram has documents or pictures and videos; {documents} of {all} are documents.");
        error("mixed_media", "mediaUrls".to_owned(), message);
    }
    if animations > 0 && all > 1 {
        error("mixed_media", "mediaUrls".to_owned(), format!("A GIF stands alone on Telegram; there are {all} files."));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, options: Value) -> Draft {
        Draft { text: text.to_owned(), options: options.as_object().unwrap().clone(), ..Draft::default() }
    }

    fn codes(draft: &Draft) -> Vec<String> {
        Telegram.problems(draft, &Limits::from(&PUBLISH)).into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn markup_does_not_count() {
        let long = format!("<b>{}</b>", "a".repeat(4096));
        assert!(codes(&draft(&long, json!({"parseMode": "HTML"}))).is_empty());
        assert_eq!(codes(&draft(&long, json!({}))), ["too_long"]);
        assert!(codes(&draft(&"👍".repeat(2048), json!({}))).is_empty());
        assert_eq!(codes(&draft(&"👍".repeat(2049), json!({}))), ["too_long"]);
        assert_eq!(codes(&draft("<b>open", json!({"parseMode": "HTML"}))), ["invalid_markup"]);
        assert_eq!(codes(&draft("<b></b>", json!({"parseMode": "HTML"}))), ["text_required"]);
    }

    #[test]
    fn a_large_album_has_the_time_that_its_files_take() {
        assert_eq!(time_for(0), Duration::from_secs(60));
        assert_eq!(time_for(13_000_000), Duration::from_secs(72));
        let largest: u64 = PUBLISH.files.iter().map(|rule| rule.max_bytes * u64::from(rule.max_count)).max().unwrap();
        assert_eq!(time_for(largest), Duration::from_secs(560));
    }

    #[test]
    fn albums_and_pictures_have_rules_of_their_own() {
        let media = |kind, mime: &str, width, height| Media {
            url: "https://a.example/x".to_owned(),
            kind,
            mime: mime.to_owned(),
            bytes: Some(1000),
            width: Some(width),
            height: Some(height),
            duration_ms: None,
        };
        let mut album = draft("Hello", json!({}));
        album.media =
            vec![media(MediaKind::Image, "image/jpeg", 4000, 3000), media(MediaKind::Video, "video/mp4", 1920, 1080)];
        assert!(codes(&album).is_empty());
        album.media.push(media(MediaKind::Document, "application/pdf", 0, 0));
        assert_eq!(codes(&album), ["mixed_media"]);
        album.media = vec![media(MediaKind::Image, "image/jpeg", 8000, 3000)];
        assert_eq!(codes(&album), ["dimensions_refused"]);
        album.media = vec![media(MediaKind::Image, "image/jpeg", 100, 2101)];
        assert_eq!(codes(&album), ["aspect_ratio"]);
        let gif = || media(MediaKind::Gif, "image/gif", 320, 240);
        album.media = vec![gif()];
        assert!(codes(&album).is_empty());
        album.media = vec![gif(), media(MediaKind::Image, "image/jpeg", 400, 300)];
        assert_eq!(codes(&album), ["mixed_media"]);
    }
}
