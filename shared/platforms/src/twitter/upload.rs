//! Uploading to X in pieces: begin, append, finish, wait, describe. All of it before the post; a file that is never
//! used is dropped by X after a day.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use domain::content::{Media, MediaKind};
use domain::{Failure, Kind, Platform};
use http::header::{CONTENT_TYPE, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use outbound::{Answer, Call};
use serde_json::Value;

use super::facts::MEDIA;
use super::{error, publish_api};
use crate::kit::Context;
use crate::publish::{Job, Prepared, Progress, Stop};
use crate::wire;

/// What is sent at a time; X takes 5 MB and recommends less.
const CHUNK: usize = 4 * 1024 * 1024;
/// How many pieces one step sends at most.
const CHUNKS_AT_A_TIME: u32 = 16;
/// How long one piece may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// An upload is good for 24 hours. One that is older than this is made anew before it is used.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(23);

/// Names in [`Progress::kept`]; those of a file that is done carry its number.
const ID: &str = "upload.id";
const TOTAL: &str = "upload.total";
const SENT: &str = "upload.sent";
const STATE: &str = "upload.state";
const AGAIN: &str = "upload.again";

fn media_name(index: usize) -> String {
    format!("media.{index}")
}

fn time_name(index: usize) -> String {
    format!("media.{index}.at")
}

/// The ids of the files, in order.
pub(super) fn ids(progress: &Progress, count: usize) -> Result<Vec<&str>, Failure> {
    let missing = || Failure::new(Kind::InvalidRequest, "a file was not uploaded before the post");
    (0..count).map(|index| progress.get(&media_name(index)).ok_or_else(missing)).collect()
}

/// The next piece of work; `None` when every file is there.
pub(super) async fn step(cx: &Context<'_>, job: &Job<'_>) -> Result<Option<Prepared>, Stop> {
    let mut progress = job.progress.clone();
    let now = cx.clock.now();
    for (index, media) in job.draft.media.iter().enumerate() {
        if progress.get(&media_name(index)).is_some() {
            if !is_old(&progress, index, now) {
                continue;
            }
            progress.kept.remove(&media_name(index));
        }
        let upload = Upload { cx, job, index, media };
        let wait = match upload.advance(&mut progress).await {
            Ok(wait) => wait,
            // X knows nothing of this upload any more, or what it has of it is not what it wants.
            Err(Stop::Failed(failure)) if upload.may_begin_again(&progress, &failure) => {
                forget(&mut progress);
                progress = progress.with(AGAIN, index.to_string());
                None
            }
            Err(stop) => return Err(stop),
        };
        return Ok(Some(Prepared::More { progress, wait }));
    }
    Ok(None)
}

fn is_old(progress: &Progress, index: usize, now: Timestamp) -> bool {
    let at = i64::try_from(progress.number(&time_name(index))).ok().and_then(|at| Timestamp::from_second(at).ok());
    at.is_none_or(|at| now.duration_since(at) >= GOOD_FOR)
}

fn forget(progress: &mut Progress) {
    for name in [ID, TOTAL, SENT, STATE] {
        progress.kept.remove(name);
    }
}

/// One file on its way.
struct Upload<'a> {
    cx: &'a Context<'a>,
    job: &'a Job<'a>,
    index: usize,
    media: &'a Media,
}

impl Upload<'_> {
    /// Each file is begun twice at most.
    fn may_begin_again(&self, progress: &Progress, failure: &Failure) -> bool {
        let gone = matches!(failure.kind, Kind::NotFound | Kind::InvalidRequest)
            || failure.code.as_deref() == Some("InternalError");
        let begun = progress.get(ID).is_some();
        begun && gone && progress.get(AGAIN) != Some(self.index.to_string().as_str())
    }

    async fn advance(&self, progress: &mut Progress) -> Result<Option<Duration>, Stop> {
        match (progress.get(ID).map(str::to_owned), progress.get(STATE)) {
            (None, _) => self.begin(progress).await.map(|()| None),
            (Some(id), None) => self.append(progress, &id).await.map(|()| None),
            (Some(id), Some("finish")) => {
                let path = format!("media/upload/{id}/finalize");
                let answer = self.send(self.call(http::Method::POST, &path, &[])?).await?;
                self.judge(progress, &id, &answer).await
            }
            (Some(id), Some(_)) => {
                let query = [("command", "STATUS"), ("media_id", id.as_str())];
                let answer = self.send(self.call(http::Method::GET, "media/upload", &query)?).await?;
                self.judge(progress, &id, &answer).await
            }
        }
    }

    async fn begin(&self, progress: &mut Progress) -> Result<(), Stop> {
        let total = self.job.files.size(self.media).await?;
        let body = publish_api::Initialize {
            media_type: &self.media.mime,
            total_bytes: total,
            media_category: match self.media.kind {
                MediaKind::Video => "tweet_video",
                MediaKind::Gif => "tweet_gif",
                MediaKind::Image | MediaKind::Document => "tweet_image",
            },
        };
        let answer = self.send(self.post_json("media/upload/initialize", &serde_json::json!(body))?).await?;
        let id = publish_api::made(&answer)?;
        *progress = std::mem::take(progress).with(ID, id).with(TOTAL, total.to_string()).with(SENT, "0");
        Ok(())
    }

    /// Sends pieces from where it stopped. A piece that X has already is replaced by the same one.
    async fn append(&self, progress: &mut Progress, id: &str) -> Result<(), Stop> {
        let total = progress.number(TOTAL);
        for _ in 0..CHUNKS_AT_A_TIME {
            let sent = progress.number(SENT);
            if sent >= total {
                break;
            }
            self.job.lease.keep(progress, DEADLINE).await?;
            let bytes = self.job.files.read(self.media, sent, CHUNK).await?;
            if bytes.is_empty() {
                return Err(Failure::new(Kind::ContentRefused, "the file is shorter than its server said").into());
            }
            let segment = sent / CHUNK as u64;
            let call = self.call(http::Method::POST, &format!("media/upload/{id}/append"), &[])?;
            self.send(with_piece(call, segment, &bytes).within(DEADLINE)).await?;
            *progress = std::mem::take(progress).with(SENT, (sent + bytes.len() as u64).to_string());
        }
        if progress.number(SENT) >= total {
            *progress = std::mem::take(progress).with(STATE, "finish");
        }
        Ok(())
    }

    /// What the end of an upload, or a look at it, says.
    async fn judge(&self, progress: &mut Progress, id: &str, answer: &Answer) -> Result<Option<Duration>, Stop> {
        match publish_api::upload(answer)? {
            publish_api::Upload::Pending(seconds) => {
                *progress = std::mem::take(progress).with(STATE, "processing");
                Ok(Some(Duration::from_secs(seconds)))
            }
            publish_api::Upload::Failed(failure) => Err(failure.into()),
            publish_api::Upload::Ready => {
                if let Some(text) = self.alt_text() {
                    self.send(self.post_json("media/metadata", &publish_api::described(id, text))?).await?;
                }
                forget(progress);
                let now = self.cx.clock.now().as_second().to_string();
                *progress =
                    std::mem::take(progress).with(&media_name(self.index), id).with(&time_name(self.index), now);
                Ok(None)
            }
        }
    }

    fn alt_text(&self) -> Option<&str> {
        let text = self.job.draft.options.get("altText")?.get(self.index)?.as_str()?;
        // Videos have none.
        (!text.trim().is_empty() && self.media.kind != MediaKind::Video).then_some(text)
    }

    fn call(&self, method: http::Method, path: &str, query: &[(&str, &str)]) -> Result<Call, Failure> {
        let url = wire::url_with(&format!("https://api.x.com/2/{path}"), query)?;
        Ok(Call::new(Platform::Twitter, method, url).bearer(&self.job.tokens.access))
    }

    fn post_json(&self, path: &str, body: &Value) -> Result<Call, Failure> {
        Ok(self.call(http::Method::POST, path, &[])?.body("application/json", body.to_string()))
    }

    async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let answer = self.cx.out.send(call).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        let failure = error::of(&answer, self.cx.clock.now(), MEDIA);
        // What X says of a file at its beginning is said of the file.
        let at_the_beginning = self.job.progress.get(ID).is_none() && answer.status == 400;
        Err(if at_the_beginning { Failure { kind: Kind::ContentRefused, ..failure } } else { failure })
    }
}

/// A piece as a form. Its boundary is no part of any file but by a chance of 2^-128.
fn with_piece(call: Call, segment: u64, bytes: &Bytes) -> Call {
    let boundary = wire::random_text().map_or_else(|_| "herald-piece".to_owned(), |text| text.expose().to_owned());
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n{segment}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"media\"; filename=\"piece\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = BytesMut::with_capacity(head.len() + bytes.len() + tail.len());
    body.put(head.as_bytes());
    body.put(bytes.as_ref());
    body.put(tail.as_bytes());
    let mut call = call.body("multipart/form-data", body);
    if let Ok(kind) = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")) {
        call.headers.insert(CONTENT_TYPE, kind);
    }
    call
}
