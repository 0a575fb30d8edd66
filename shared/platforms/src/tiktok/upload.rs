//! The bytes of a video. With its last chunk a video is published, so sending chunks is the submission.

use std::time::Duration;

use domain::content::Media;
use domain::{Effect, Failure, Kind, Platform, Secret};
use http::{Method, header};
use outbound::{Call, Streamed};

use crate::kit::Context;
use crate::publish::{Job, Progress, Stop};
use crate::wire;

/// The exact size of the file.
pub(super) const SIZE: &str = "size";
/// The size of a chunk.
pub(super) const CHUNK: &str = "chunk";
/// How many bytes have arrived for sure; everything before is never sent again.
pub(super) const OFFSET: &str = "offset";
/// Set when TikTok has closed the session before its end.
pub(super) const CLOSED: &str = "closed";
/// Where the bytes go. Whoever has it can upload.
pub(super) const UPLOAD_URL: &str = "upload_url";

/// How long a chunk may take.
const CHUNK_WITHIN: Duration = Duration::from_secs(55);

/// The least that a chunk may have, in either reading of "5 MB". Checked on 2026-11-20.
const LEAST: u64 = 5 * 1024 * 1024;

/// What a chunk may have at most here: TikTok takes 64 MB, memory should hold no more than this.
const MOST: u64 = 8 * 1024 * 1024;

/// The most chunks of a video. Checked on 2026-11-20.
const CHUNKS: u64 = 1_000;

/// How a file is cut.
///
/// TikTok counts `floor(size / chunk)` chunks and puts the rest into the last one, which may so be nearly two chunks
/// long. Equal chunks keep the rest below the number of chunks in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The file.
    pub(super) size: u64,
    /// Each chunk but the last.
    pub(super) chunk: u64,
    /// How many.
    pub(super) count: u64,
}

impl Plan {
    /// The cut of a file of `size` bytes.
    pub(super) fn of(size: u64) -> Self {
        let most = MOST - CHUNKS;
        let count = size.div_ceil(most).max(1);
        // Two halves of a file of less than 10 MiB would be too small for chunks.
        let count = if size / count < LEAST { 1 } else { count };
        Self { size, chunk: size / count, count }
    }

    /// The cut that was announced before.
    fn announced(progress: &Progress) -> Self {
        let (size, chunk) = (progress.number(SIZE), progress.number(CHUNK).max(1));
        Self { size, chunk, count: (size / chunk).max(1) }
    }

    /// Where the last chunk begins.
    pub(super) const fn last(&self) -> u64 {
        (self.count - 1) * self.chunk
    }

    /// The end of the chunk that begins at `offset`.
    const fn end(&self, offset: u64) -> u64 {
        if offset >= self.last() { self.size } else { offset + self.chunk }
    }
}

/// Whether the last chunk may be at TikTok.
pub(super) fn may_be_whole(progress: &Progress) -> bool {
    progress.number(OFFSET) >= Plan::announced(progress).last()
}

/// Whether every byte is known to have arrived.
pub(super) fn is_whole(progress: &Progress) -> bool {
    progress.number(SIZE) > 0 && progress.number(OFFSET) >= progress.number(SIZE)
}

/// Sends what is missing; answers the progress with everything sent.
pub(super) async fn send(cx: &Context<'_>, job: &Job<'_>) -> Result<Progress, Stop> {
    let plan = Plan::announced(job.progress);
    let missing = || Failure::new(Kind::InvalidRequest, "nothing is prepared");
    let media = job.draft.media.first().ok_or_else(missing)?;
    let url = job.progress.secret.get(UPLOAD_URL).ok_or_else(missing)?;
    let mut progress = job.progress.clone();
    let mut offset = progress.number(OFFSET);
    let mut again = false;
    while offset < plan.size {
        // The offset is stored, and the lease lasts, before the chunk goes out.
        job.lease.keep(&progress, CHUNK_WITHIN).await?;
        let end = plan.end(offset);
        let sent = chunk(cx, job, media, url, &plan, offset..end).await;
        match sent {
            Ok(()) => {
                offset = end;
                progress = progress.with(OFFSET, offset.to_string());
                again = false;
            }
            // Nothing is published before the last chunk, and a chunk may be sent again in its place.
            Err(Sent::Failed(failure)) if end < plan.size && failure.kind == Kind::ProviderDown && !again => {
                again = true;
            }
            Err(Sent::Failed(failure)) => return Err(failure.into()),
            Err(Sent::Closed(failure)) => {
                // The next attempt needs another session. After the last chunk the status is asked first.
                job.lease.keep(&progress.with(CLOSED, "1"), Duration::ZERO).await?;
                return Err(failure.into());
            }
        }
    }
    Ok(progress)
}

/// Why a chunk was not taken.
enum Sent {
    /// The session goes on.
    Failed(Failure),
    /// The session is gone.
    Closed(Failure),
}

async fn chunk(
    cx: &Context<'_>,
    job: &Job<'_>,
    media: &Media,
    url: &Secret,
    plan: &Plan,
    range: std::ops::Range<u64>,
) -> Result<(), Sent> {
    let is_last = range.end == plan.size;
    let call = call(job, media, url, plan, &range).await.map_err(Sent::Failed)?;
    let answer = match cx.out.send(call).await {
        Ok(answer) => answer,
        Err(error) => {
            let failure = Failure::from(error);
            return Err(Sent::Failed(if is_last { failure } else { without_effect(failure) }));
        }
    };
    let detail = format!("chunk, status {}", answer.status);
    match (answer.status, is_last) {
        // Any other success is not TikTok's word for a chunk that it has.
        (201, true) | (206, false) => Ok(()),
        (200..300, _) => {
            let failure = Failure::new(Kind::ProviderDown, detail);
            Err(Sent::Failed(if is_last { failure.maybe_applied() } else { failure }))
        }
        // Expired or unknown, or its chunks are in disorder: not one byte of this session is worth anything, unless
        // the last chunk arrived before and only its answer was lost.
        (403 | 404 | 410 | 416, _) => {
            let failure = Failure::new(Kind::ProviderDown, detail)
                .said(Some("TikTok has closed the upload before its end.".to_owned()), None);
            Err(Sent::Closed(if is_last { failure.maybe_applied() } else { failure }))
        }
        (429, _) => Err(Sent::Failed(wire::by_status(&answer).retry_after(Some(Duration::from_secs(60))))),
        (_, true) => Err(Sent::Failed(Failure { detail, ..wire::by_status(&answer) }.maybe_applied())),
        (_, false) => Err(Sent::Failed(without_effect(Failure { detail, ..wire::by_status(&answer) }))),
    }
}

async fn call(
    job: &Job<'_>,
    media: &Media,
    url: &Secret,
    plan: &Plan,
    range: &std::ops::Range<u64>,
) -> Result<Call, Failure> {
    let length = range.end - range.start;
    // A file that is not cut may be a little longer than a chunk, and is streamed.
    let body = if plan.count == 1 {
        let body = job.files.stream(media).await?;
        if body.length() != plan.size {
            return Err(changed());
        }
        body
    } else {
        let len = usize::try_from(length).map_err(|_| changed())?;
        let bytes = job.files.read(media, range.start, len).await?;
        if bytes.len() != len {
            return Err(changed());
        }
        Streamed::from(bytes)
    };
    let range = format!("bytes {}-{}/{}", range.start, range.end - 1, plan.size);
    // No token: the address itself is the right to upload.
    Ok(Call::new(Platform::Tiktok, Method::PUT, wire::url(url.expose())?)
        .streamed(&media.mime, body)
        .header(header::CONTENT_RANGE, &range)
        .within(CHUNK_WITHIN))
}

fn changed() -> Failure {
    let words = "The file has another size than before; it must not change while it is being published.";
    Failure::new(Kind::ContentRefused, "the file has changed").said(Some(words.to_owned()), None)
}

fn without_effect(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_is_cut_as_the_documentation_says() {
        let cut = |size| {
            let plan = Plan::of(size);
            (plan.chunk, plan.count, plan.size - plan.last())
        };
        assert_eq!(cut(1), (1, 1, 1));
        assert_eq!(cut(4_999_999), (4_999_999, 1, 4_999_999));
        assert_eq!(cut(8_388_608), (8_388_608, 1, 8_388_608));
        assert_eq!(cut(10_485_759), (10_485_759, 1, 10_485_759));
        assert_eq!(cut(10_485_760), (5_242_880, 2, 5_242_880));
        assert_eq!(cut(10_485_761), (5_242_880, 2, 5_242_881));
        assert_eq!(cut(50_000_123), (8_333_353, 6, 8_333_358));
        assert_eq!(cut(4_000_000_000), (8_385_744, 477, 8_385_856));
    }

    #[test]
    fn the_last_chunk_is_known_from_what_was_stored() {
        let at = |offset: &str| Progress::default().with(SIZE, "20").with(CHUNK, "6").with(OFFSET, offset);
        assert_eq!(Plan::announced(&at("0")), Plan { size: 20, chunk: 6, count: 3 });
        assert!(!may_be_whole(&at("6")));
        assert!(may_be_whole(&at("12")), "the last chunk may have gone out");
        assert!(!is_whole(&at("12")));
        assert!(is_whole(&at("20")));
        assert!(!is_whole(&Progress::default()));
    }

    proptest! {
        #[test]
        fn every_file_is_cut_within_the_limits(size in 1_u64..=4_294_967_296) {
            let plan = Plan::of(size);
            prop_assert_eq!(size / plan.chunk, plan.count);
            prop_assert!(plan.count <= CHUNKS);
            let last = size - plan.last();
            prop_assert!(plan.count == 1 || (plan.chunk >= LEAST && last <= MOST), "{:?}", plan);
            prop_assert!(last < 2 * LEAST, "{:?}", plan);
            let mut offset = 0;
            let mut chunks = 0;
            while offset < size && chunks <= plan.count {
                offset = plan.end(offset);
                chunks += 1;
            }
            prop_assert_eq!((offset, chunks), (size, plan.count));
        }
    }
}
