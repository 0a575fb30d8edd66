//! Files, before a status names them. Nobody sees them until then, and the server drops what no status names.

use std::time::Duration;

use bytes::Bytes;
use domain::content::{Media, MediaKind};
use domain::{Effect, Failure, Kind, Platform};
use http::Method;
use jiff::Timestamp;
use outbound::{Answer, Call, Streamed};

use super::api::Uploaded;
use super::facts::{PUBLISH, WRITE_MEDIA};
use super::ingest::{self, segment};
use super::{error, server};
use crate::kit::Context;
use crate::publish::{Job, Limits, Prepared, Stop};
use crate::wire::{random_text, url};

/// How long a call that carries a file may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at a file that the server works on.
const LOOK: Duration = Duration::from_secs(3);
/// Half of the day after which servers drop a file that nothing names.
const LIFE: i64 = 12 * 60 * 60;

/// In [`crate::publish::Progress::kept`]: the server knows only the older call.
const OLDER: &str = "media.v1";

/// The ids of all files, in order; submitting needs them.
pub(super) fn ids<'a>(job: &'a Job<'_>) -> Result<Vec<&'a str>, Failure> {
    let missing = || Failure::new(Kind::InvalidRequest, "a file was not uploaded");
    (0..job.draft.media.len()).map(|n| job.progress.get(&what(n)).ok_or_else(missing)).collect()
}

/// The first file that the server does not surely have, ready.
pub(super) fn next(job: &Job<'_>, now: Timestamp) -> Option<usize> {
    let ready = |n: usize| {
        let age = now.as_second().saturating_sub_unsigned(job.progress.number(&when(n)));
        job.progress.get(&what(n)).is_some() && job.progress.get(&working(n)).is_none() && age < LIFE
    };
    (0..job.draft.media.len()).find(|n| !ready(*n))
}

/// One step towards the id of file `n`.
pub(super) async fn step(cx: &Context<'_>, job: &Job<'_>, n: usize) -> Result<Prepared, Stop> {
    let Some(media) = job.draft.media.get(n) else { return Ok(Prepared::Ready(job.progress.clone())) };
    let host = ingest::host(cx, &job.account, Some(job.tokens)).await.map_err(unseen)?;
    match job.progress.get(&what(n)).filter(|_| job.progress.get(&working(n)).is_some()) {
        Some(id) => look(cx, job, &host, n, id).await,
        None => send(cx, job, &host, n, media).await,
    }
}

/// The largest file of a kind that the account's server takes.
fn largest(kind: MediaKind, limits: &Limits) -> Option<u64> {
    let stated = match kind {
        MediaKind::Image | MediaKind::Gif => limits.max_image_bytes,
        MediaKind::Video | MediaKind::Document => limits.max_video_bytes,
    };
    stated.or_else(|| PUBLISH.files.iter().find(|rule| rule.kind == kind).map(|rule| rule.max_bytes))
}

async fn send(cx: &Context<'_>, job: &Job<'_>, host: &str, n: usize, media: &Media) -> Result<Prepared, Stop> {
    let size = job.files.size(media).await.map_err(unseen)?;
    if let Some(most) = largest(media.kind, job.limits).filter(|most| size > *most) {
        let detail = format!("the file has {size} bytes, the server takes at most {most}");
        return Err(Failure::new(Kind::ContentRefused, detail.clone()).said(Some(detail), None).into());
    }
    let older = job.progress.get(OLDER).is_some();
    let address = url(&format!("{}/api/{}/media", server::base(cx, host), if older { "v1" } else { "v2" }))?;
    let boundary = random_text()?;
    let (before, behind) = around(boundary.expose(), n, &media.mime);
    job.lease.keep(job.progress, DEADLINE).await?;
    let file = job.files.stream(media).await.map_err(unseen)?;
    let call =
        Call::new(Platform::Mastodon, Method::POST, address).within(DEADLINE).bearer(&job.tokens.access).streamed(
            &format!("multipart/form-data; boundary={}", boundary.expose()),
            Streamed::around(before, file, behind),
        );
    let answer = server::send(cx, call).await.map_err(unseen)?;
    // Servers before 3.1.3, and some others.
    if !older && matches!(answer.status, 404 | 405) && !error::is_about_the_record(&answer) {
        return Ok(Prepared::More { progress: job.progress.clone().with(OLDER, "yes"), wait: None });
    }
    if !answer.is_success() {
        return Err(refused(cx, &answer).into());
    }
    let id = answer.json::<Uploaded>().map_err(unseen)?.id;
    let now = cx.clock.now().as_second().to_string();
    let mut progress = job.progress.clone().with(&what(n), id).with(&when(n), now);
    progress.kept.remove(&working(n));
    // 202: it is still being worked on.
    if answer.status == 202 {
        return Ok(Prepared::More { progress: progress.with(&working(n), "yes"), wait: Some(LOOK) });
    }
    Ok(Prepared::More { progress, wait: None })
}

async fn look(cx: &Context<'_>, job: &Job<'_>, host: &str, n: usize, id: &str) -> Result<Prepared, Stop> {
    let address = url(&format!("{}/api/v1/media/{}", server::base(cx, host), segment(id)))?;
    let call = Call::get(Platform::Mastodon, address).bearer(&job.tokens.access);
    let answer = server::send(cx, call).await.map_err(unseen)?;
    let mut progress = job.progress.clone();
    match answer.status {
        206 => Ok(Prepared::More { progress, wait: Some(LOOK) }),
        200 => {
            progress.kept.remove(&working(n));
            Ok(Prepared::More { progress, wait: None })
        }
        status => {
            let mut failure = refused(cx, &answer);
            if matches!(status, 404 | 422) && failure.kind != Kind::ReconnectNeeded {
                // Its processing failed, and the server has thrown it away. The next attempt sends it anew.
                failure.kind = Kind::ContentRefused;
                progress.kept.retain(|name, _| *name != what(n) && *name != when(n) && *name != working(n));
                job.lease.keep(&progress, LOOK).await?;
            }
            Err(failure.into())
        }
    }
}

fn refused(cx: &Context<'_>, answer: &Answer) -> Failure {
    unseen(error::publish(answer, cx.clock.now(), WRITE_MEDIA))
}

/// A form with one file, before and behind the file's own bytes.
fn around(boundary: &str, n: usize, mime: &str) -> (Bytes, Bytes) {
    let ending = mime.rsplit('/').next().filter(|ending| ending.bytes().all(|b| b.is_ascii_alphanumeric()));
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{n}.{}\"\r\nContent-Type: {mime}\r\n\r\n",
        ending.unwrap_or("bin"),
    );
    (Bytes::from(before), Bytes::from(format!("\r\n--{boundary}--\r\n")))
}

/// A failure before anything that is seen: whatever the server did, no post is there.
pub(super) fn unseen(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}

fn what(n: usize) -> String {
    format!("media.{n}")
}

fn when(n: usize) -> String {
    format!("media.{n}.at")
}

fn working(n: usize) -> String {
    format!("media.{n}.working")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_one_file() {
        let (before, behind) = around("b", 0, "image/jpeg");
        assert_eq!(
            before,
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"0.jpeg\"\r\nContent-Type: image/jpeg\r\n\r\n"
        );
        assert_eq!(behind, "\r\n--b--\r\n");
    }

    #[test]
    fn the_servers_own_limit_counts() {
        let mut limits = Limits::from(&PUBLISH);
        assert_eq!(largest(MediaKind::Image, &limits), Some(16_777_216));
        assert_eq!(largest(MediaKind::Video, &limits), Some(103_809_024));
        limits.max_image_bytes = Some(5);
        assert_eq!((largest(MediaKind::Gif, &limits), largest(MediaKind::Image, &limits)), (Some(5), Some(5)));
    }
}
