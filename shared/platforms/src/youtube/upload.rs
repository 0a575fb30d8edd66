//! The upload session: where the bytes of a video go. The video exists with the last of them, so sending them is the
//! submission, and the session tells afterwards whether that happened.

use std::time::Duration;

use domain::content::Media;
use domain::{Effect, Failure, Kind, Platform, Secret};
use http::{Method, header};
use jiff::Timestamp;
use outbound::{Answer, Call};
use url::Url;

use super::facts::UPLOAD;
use super::publish_api::{self, Insert};
use super::{error, refusal};
use crate::kit::Context;
use crate::publish::{Job, Progress, Stop};
use crate::wire;

/// The address of the session. Whoever has it can upload.
pub(super) const SESSION: &str = "session";
/// The exact size of the file.
pub(super) const SIZE: &str = "size";
/// How many bytes YouTube has stored.
pub(super) const OFFSET: &str = "offset";
/// Set before the first byte goes out.
pub(super) const BEGUN: &str = "begun";
/// When the session was opened, in Unix seconds.
pub(super) const OPENED: &str = "opened";
/// Set when the session is gone.
pub(super) const GONE: &str = "gone";
/// By when the last byte had gone out at the latest, in Unix seconds.
const SENT: &str = "sent";
/// The video, once it exists.
pub(super) const VIDEO: &str = "video";
/// Set when the video was found among the uploads and not named by the session: it can be another delivery's.
pub(super) const FOUND: &str = "found";

/// A multiple of 256 KiB, as every chunk but the last has to be. Checked on 2026-11-20.
const CHUNK: u64 = 8 * 1024 * 1024;

/// How long a chunk may take.
const CHUNK_WITHIN: Duration = Duration::from_secs(55);

/// How long a look at a session may take.
const PROBE_WITHIN: Duration = Duration::from_secs(15);

/// How many chunks of one submission may fail, or store nothing, before it is left to the next attempt.
const RECOVERIES: u32 = 3;

/// Opens a session. Nobody sees one, and it is dropped after about a week.
pub(super) async fn open(cx: &Context<'_>, job: &Job<'_>) -> Result<Progress, Failure> {
    let media = media(job)?;
    let size = job.files.size(media).await?;
    if size == 0 {
        return Err(refusal::of_video("emptyFile"));
    }
    let query = [("uploadType", "resumable"), ("part", "snippet,status")];
    let url = wire::url_with("https://www.googleapis.com/upload/youtube/v3/videos", &query)?;
    let call = Call::post_json(Platform::Youtube, url, &Insert::new(job.draft))
        .header(header::HeaderName::from_static("x-upload-content-length"), &size.to_string())
        .header(header::HeaderName::from_static("x-upload-content-type"), &media.mime)
        .bearer(&job.tokens.access);
    let answer = cx.out.send(call).await?;
    if !answer.is_success() {
        return Err(error::of_call(&answer, cx.clock.now(), UPLOAD));
    }
    let session = answer.header("location").filter(|location| address(location).is_ok());
    let session = session.ok_or_else(|| Failure::new(Kind::ProviderDown, "a session without an address"))?;
    Ok(job.progress.clone().with(SIZE, size.to_string()).with(OFFSET, "0").with_secret(SESSION, Secret::new(session)))
}

/// The token goes along with the bytes, so they go to Google only.
fn address(location: &str) -> Result<Url, Failure> {
    let url = wire::url(location)?;
    match url.host_str() {
        Some(host) if host == "googleapis.com" || host.ends_with(".googleapis.com") => Ok(url),
        _ => Err(Failure::new(Kind::ProviderDown, "a session at another host")),
    }
}

/// Whether the last byte may be at YouTube.
pub(super) fn may_be_whole(progress: &Progress) -> bool {
    progress.get(BEGUN).is_some() && progress.number(OFFSET) + CHUNK >= progress.number(SIZE)
}

/// By when the last byte had gone out, where it may have: only from then on YouTube has a video to show. A slow upload
/// ends long after its intent.
pub(super) fn sent_by(progress: &Progress) -> Option<Timestamp> {
    progress.get(SENT).and_then(|second| Timestamp::from_second(second.parse().ok()?).ok())
}

/// Progress without anything of a session, and of what it made.
pub(super) fn fresh(mut progress: Progress) -> Progress {
    for name in [SIZE, OFFSET, BEGUN, GONE, SENT, OPENED, VIDEO, FOUND] {
        progress.kept.remove(name);
    }
    progress.secret.remove(SESSION);
    progress
}

/// What a session answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stands {
    /// It has so many bytes and waits for more.
    Stored(u64),
    /// It has them all: the video exists.
    Done(String),
    /// There is no such session.
    Gone,
}

/// Sends what is missing; answers the progress with the video.
pub(super) async fn send(cx: &Context<'_>, job: &Job<'_>) -> Result<Progress, Stop> {
    let (media, size) = (media(job)?, job.progress.number(SIZE));
    let mut progress = job.progress.clone();
    let mut offset = progress.number(OFFSET);
    if progress.get(BEGUN).is_some() {
        // Only YouTube knows how much of a broken chunk it has kept.
        match probe(cx, job).await.map_err(without_effect)? {
            Stands::Stored(stored) => offset = stored,
            Stands::Done(id) => return Ok(progress.with(VIDEO, id)),
            Stands::Gone => return Err(gone(job, progress, may_be_whole(job.progress)).await),
        }
    }
    let mut recoveries = 0;
    while offset < size {
        progress = progress.with(BEGUN, "1").with(OFFSET, offset.to_string());
        let end = size.min(offset + CHUNK);
        let is_last = end == size;
        if is_last {
            let latest = cx.clock.now().as_second().saturating_add(CHUNK_WITHIN.as_secs().cast_signed());
            progress = progress.with(SENT, latest.to_string());
        }
        // The offset is stored, and the lease lasts, before the chunk goes out.
        job.lease.keep(&progress, CHUNK_WITHIN).await?;
        let (stands, looked) = match chunk(cx, job, media, size, offset..end).await {
            // Nothing exists before the last chunk; what became of this one, the session tells.
            Err(failure) if !is_last && failure.kind == Kind::ProviderDown && recoveries < RECOVERIES => {
                recoveries += 1;
                job.lease.keep(&progress, PROBE_WITHIN).await?;
                (probe(cx, job).await.map_err(without_effect)?, true)
            }
            Err(failure) => return Err(if is_last { failure } else { without_effect(failure) }.into()),
            Ok(stands) => (stands, false),
        };
        match stands {
            Stands::Done(id) => {
                return Ok(progress.with(SENT, cx.clock.now().as_second().to_string()).with(VIDEO, id));
            }
            Stands::Gone => return Err(gone(job, progress, is_last).await),
            Stands::Stored(stored) if stored < size && (looked || stored > offset) => offset = stored,
            // Nothing was stored of it, or it says that it waits although it has everything.
            Stands::Stored(stored) => {
                recoveries += 1;
                if recoveries > RECOVERIES || stored >= size {
                    let failure = Failure::new(Kind::ProviderDown, "the session does not go on");
                    return Err(if is_last { failure.maybe_applied() } else { failure }.into());
                }
                offset = stored;
            }
        }
    }
    Err(unfinished().maybe_applied().into())
}

/// What a session that has everything and names no video comes to: it is asked again.
pub(super) fn unfinished() -> Failure {
    Failure::new(Kind::ProviderDown, "the session has every byte and no video")
        .said(Some("YouTube has the whole file and does not name its video yet.".to_owned()), None)
}

/// The next attempt needs another session. If the last byte went out before, the uploads are searched first.
async fn gone(job: &Job<'_>, progress: Progress, may_exist: bool) -> Stop {
    if let Err(lost) = job.lease.keep(&progress.with(GONE, "1"), Duration::ZERO).await {
        return lost.into();
    }
    let failure = Failure::new(Kind::ProviderDown, "the session is gone")
        .said(Some("YouTube has closed the upload before its end.".to_owned()), None);
    if may_exist { failure.maybe_applied() } else { failure }.into()
}

/// Asks a session where it stands. Nothing is changed by that.
pub(super) async fn probe(cx: &Context<'_>, job: &Job<'_>) -> Result<Stands, Failure> {
    let range = format!("bytes */{}", job.progress.number(SIZE));
    let call = call(job)?.header(header::CONTENT_LENGTH, "0").header(header::CONTENT_RANGE, &range);
    let answer = cx.out.send(call.within(PROBE_WITHIN)).await?;
    read(cx, &answer)
}

async fn chunk(
    cx: &Context<'_>,
    job: &Job<'_>,
    media: &Media,
    size: u64,
    range: std::ops::Range<u64>,
) -> Result<Stands, Failure> {
    let changed = || {
        let words = "The file has another size than before; it must not change while it is being published.";
        Failure::new(Kind::ContentRefused, "the file has changed").said(Some(words.to_owned()), None)
    };
    let length = usize::try_from(range.end - range.start).map_err(|_| changed())?;
    let bytes = job.files.read(media, range.start, length).await?;
    if bytes.len() != length {
        return Err(changed());
    }
    let range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    let call = call(job)?.body("application/octet-stream", bytes).header(header::CONTENT_TYPE, &media.mime);
    let answer = cx.out.send(call.header(header::CONTENT_RANGE, &range).within(CHUNK_WITHIN)).await?;
    read(cx, &answer)
}

fn call(job: &Job<'_>) -> Result<Call, Failure> {
    let session = job.progress.secret.get(SESSION);
    let session = session.ok_or_else(|| Failure::new(Kind::InvalidRequest, "nothing is prepared"))?;
    Ok(Call::new(Platform::Youtube, Method::PUT, address(session.expose())?).bearer(&job.tokens.access))
}

fn read(cx: &Context<'_>, answer: &Answer) -> Result<Stands, Failure> {
    match answer.status {
        308 => Ok(Stands::Stored(stored(answer.header("range")))),
        200 | 201 => Ok(Stands::Done(publish_api::created(answer)?)),
        404 | 410 => Ok(Stands::Gone),
        _ => Err(error::of_effect(answer, cx.clock.now(), UPLOAD)),
    }
}

/// `bytes=0-8388607` are 8,388,608 bytes; without the header there are none.
fn stored(range: Option<&str>) -> u64 {
    let last = range.and_then(|range| range.strip_prefix("bytes=0-")).and_then(|last| last.parse::<u64>().ok());
    last.map_or(0, |last| last.saturating_add(1))
}

fn media<'a>(job: &Job<'a>) -> Result<&'a Media, Failure> {
    job.draft.media.first().ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no video"))
}

/// What fails before the last byte has changed nothing that anyone sees.
pub(super) fn without_effect(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_has_is_read_from_its_range() {
        assert_eq!(stored(Some("bytes=0-8388607")), 8_388_608);
        assert_eq!(stored(None), 0);
        assert_eq!(stored(Some("bytes=5-9")), 0, "a session that has a hole has nothing that can be gone on with");
    }

    #[test]
    fn the_token_goes_to_google_only() {
        assert!(address("https://www.googleapis.com/upload/youtube/v3/videos?upload_id=x").is_ok());
        assert!(address("https://googleapis.com.example/upload").is_err());
        assert!(address("https://evilgoogleapis.com/upload").is_err());
    }

    #[test]
    fn a_chunk_is_what_google_takes() {
        assert_eq!(CHUNK % (256 * 1024), 0);
    }

    #[test]
    fn the_last_byte_may_be_there_once_the_last_chunk_was_about_to_go() {
        let at = |offset: &str| Progress::default().with(SIZE, "20000000").with(OFFSET, offset).with(BEGUN, "1");
        assert!(!may_be_whole(&at("0")));
        assert!(!may_be_whole(&at("8388608")));
        assert!(may_be_whole(&at("16777216")));
        assert!(!may_be_whole(&Progress::default().with(SIZE, "5").with(OFFSET, "0")), "no byte has gone out");
    }
}
