//! Files, before a record can name them. Nobody sees them until then, and the server drops what no record names.
//!
//! Pictures, and videos up to [`DIRECT`], go to the account's own server like any other blob, which works on every server
//! (<https://docs.bsky.app/docs/tutorials/video>, "simple method"). A longer video, or one that the server finds too
//! large, goes to the network's video service ("recommended method"), which hands it to the server itself.

use std::time::Duration;

use bytes::Bytes;
use domain::content::{Media, MediaKind};
use domain::{Effect, Failure, Kind, Platform, Secret};
use http::{Method, header};
use jiff::Timestamp;
use outbound::{Answer, Call, Payload};
use serde_json::Value;
use url::Url;

use super::client::{Bluesky, Home, query};
use super::error::{self, BLOB_LIFE};
use super::facts::VIDEO_SERVICE;
use super::record::{ServiceToken, Stored, VideoJob};
use crate::kit::Context;
use crate::publish::{Job, Prepared, Progress, Stop};
use crate::wire::{self, url_with};

/// What servers of Bluesky's own hosts take as one blob; the default of a server elsewhere may be less, and it says so.
pub(super) const DIRECT: u64 = 52_428_800;
/// What is held in memory at once.
const IN_MEMORY: u64 = 8 * 1024 * 1024;
/// How long one call that carries bytes may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long the video service accepts the account's token.
const TOKEN_LIFE: i64 = 30 * 60;
/// Between two looks at the video service.
const LOOK: Duration = Duration::from_secs(3);

/// In [`Progress::kept`]: the job at the video service, and that it is to be used.
const JOB: &str = "video.job";
const BY_SERVICE: &str = "video.service";

/// Whether a file goes out as a video.
pub(super) fn is_video(media: &Media) -> bool {
    media.kind == MediaKind::Video
}

/// The blobs of all files; submitting needs them.
pub(super) fn blobs(job: &Job<'_>) -> Result<Vec<Value>, Failure> {
    let missing = || Failure::new(Kind::InvalidRequest, "a file was not uploaded");
    (0..job.draft.media.len()).map(|n| blob(job.progress, n).ok_or_else(missing)).collect()
}

/// The first file that has no blob which the server surely still has.
pub(super) fn next(job: &Job<'_>, now: Timestamp) -> Option<usize> {
    let fresh = |n: usize| {
        let age = now.as_second().saturating_sub_unsigned(job.progress.number(&when(n)));
        blob(job.progress, n).is_some() && u64::try_from(age).unwrap_or_default() < BLOB_LIFE.as_secs()
    };
    (0..job.draft.media.len()).find(|n| !fresh(*n))
}

fn blob(progress: &Progress, n: usize) -> Option<Value> {
    serde_json::from_str(progress.get(&what(n))?).ok()
}

fn with_blob(mut progress: Progress, n: usize, blob: &Value, now: Timestamp) -> Prepared {
    // A job is spent with its blob: the same file sent again is a job of its own.
    progress.kept.remove(JOB);
    let progress = progress.with(&what(n), blob.to_string()).with(&when(n), now.as_second().to_string());
    Prepared::More { progress, wait: None }
}

fn what(n: usize) -> String {
    format!("blob.{n}")
}

fn when(n: usize) -> String {
    format!("blob.{n}.at")
}

impl Bluesky {
    /// One step towards the blob of file `n`.
    pub(super) async fn upload(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        home: &Home,
        n: usize,
    ) -> Result<Prepared, Stop> {
        let progress = job.progress.clone();
        let Some(media) = job.draft.media.get(n) else { return Ok(Prepared::Ready(progress)) };
        if let Some(id) = progress.get(JOB).filter(|_| is_video(media)) {
            return look_at_video(cx, job, n, id).await;
        }
        let size = job.files.size(media).await.map_err(unseen)?;
        let rule = super::facts::PUBLISH.files.iter().find(|rule| rule.kind == media.kind);
        if let Some(rule) = rule.filter(|rule| size > rule.max_bytes) {
            let detail = format!("the file has {size} bytes, at most {} are taken", rule.max_bytes);
            return Err(Failure::new(Kind::ContentRefused, detail.clone()).said(Some(detail), None).into());
        }
        if is_video(media) && (size > DIRECT || progress.get(BY_SERVICE).is_some()) {
            return self.send_video(cx, job, home, n, media).await;
        }
        job.lease.keep(&progress, DEADLINE).await?;
        let answer = self.send_blob(cx, job, home, media, size).await.map_err(unseen)?;
        if is_video(media) && error::is_too_large(&answer) {
            return Ok(Prepared::More { progress: progress.with(BY_SERVICE, "yes"), wait: None });
        }
        if !answer.is_success() {
            return Err(unseen(error::publish(&answer, cx.clock.now())).into());
        }
        let stored: Stored = answer.json().map_err(unseen)?;
        Ok(with_blob(progress, n, &stored.blob, cx.clock.now()))
    }

    /// Sends a file to the account's own server.
    async fn send_blob(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        home: &Home,
        media: &Media,
        size: u64,
    ) -> Result<Answer, Failure> {
        let address = wire::url(&format!("{}/xrpc/com.atproto.repo.uploadBlob", home.pds))?;
        let call = Call::new(Platform::Bluesky, Method::POST, address).within(DEADLINE);
        if size <= IN_MEMORY {
            let bytes = whole(job, media, size).await?;
            let mut call = call.header(header::CONTENT_TYPE, &media.mime);
            call.body = Payload::Bytes(bytes);
            return self.send_as(cx, job.tokens, call).await;
        }
        let body = || async { Ok::<_, Failure>(call.clone().streamed(&media.mime, job.files.stream(media).await?)) };
        let answer = self.send_once_as(cx, job.tokens, &home.pds, body().await?).await?;
        if !error::wants_nonce(&answer) {
            return Ok(answer);
        }
        self.send_once_as(cx, job.tokens, &home.pds, body().await?).await
    }

    /// Sends a video to the video service, which processes it and stores it at the account's server.
    async fn send_video(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        home: &Home,
        n: usize,
        media: &Media,
    ) -> Result<Prepared, Stop> {
        let token = self.service_token(cx, job, home).await.map_err(unseen)?;
        let name = format!("{}.mp4", job.key);
        let address = url_with(
            &format!("{VIDEO_SERVICE}/xrpc/app.bsky.video.uploadVideo"),
            &[("did", &home.did), ("name", &name)],
        )?;
        job.lease.keep(job.progress, DEADLINE).await?;
        let body = job.files.stream(media).await.map_err(unseen)?;
        let call = Call::new(Platform::Bluesky, Method::POST, address)
            .within(DEADLINE)
            .bearer(&token)
            .streamed(&media.mime, body);
        let answer = cx.out.send(call).await.map_err(|error| unseen(error.into()))?;
        // 409: the service has had this very file before.
        if !answer.is_success() && answer.status != 409 {
            return Err(unseen(error::video(&answer, cx.clock.now())).into());
        }
        let video = answer.json::<VideoJob>().map_err(unseen)?.flat();
        match (video.blob, video.job_id) {
            (Some(blob), _) => Ok(with_blob(job.progress.clone(), n, &blob, cx.clock.now())),
            (None, Some(id)) => Ok(Prepared::More { progress: job.progress.clone().with(JOB, id), wait: Some(LOOK) }),
            (None, None) => Err(unseen(error::video(&answer, cx.clock.now())).into()),
        }
    }

    /// A token with which the video service may store a blob for the account.
    async fn service_token(&self, cx: &Context<'_>, job: &Job<'_>, home: &Home) -> Result<Secret, Failure> {
        let expires = (cx.clock.now().as_second() + TOKEN_LIFE).to_string();
        let audience = service_of(&home.pds)?;
        let parameters = [("aud", audience.as_str()), ("lxm", "com.atproto.repo.uploadBlob"), ("exp", &expires)];
        let call = query(&home.pds, "com.atproto.server.getServiceAuth", &parameters)?;
        let answer = self.send_as(cx, job.tokens, call).await?;
        if !answer.is_success() {
            return Err(error::publish(&answer, cx.clock.now()));
        }
        Ok(answer.json::<ServiceToken>()?.token)
    }
}

/// One look at a job of the video service; anyone may look.
async fn look_at_video(cx: &Context<'_>, job: &Job<'_>, n: usize, id: &str) -> Result<Prepared, Stop> {
    let call = query(VIDEO_SERVICE, "app.bsky.video.getJobStatus", &[("jobId", id)])?;
    let answer = cx.out.send(call).await.map_err(|error| unseen(error.into()))?;
    let failure = if answer.is_success() {
        let video = answer.json::<VideoJob>().map_err(unseen)?.flat();
        match (video.state.as_deref(), &video.blob) {
            (Some("JOB_STATE_COMPLETED"), Some(blob)) => {
                return Ok(with_blob(job.progress.clone(), n, blob, cx.clock.now()));
            }
            (Some("JOB_STATE_FAILED"), _) => failed(video),
            // Whatever it is called: in progress.
            _ => return Ok(Prepared::More { progress: job.progress.clone(), wait: Some(LOOK) }),
        }
    } else {
        let failure = unseen(error::video(&answer, cx.clock.now()));
        if failure.may_pass() {
            return Err(failure.into());
        }
        // The service does not know the job any more.
        Failure { kind: Kind::ProviderDown, ..failure }
    };
    // The next attempt must not look at a dead job again.
    let mut without = job.progress.clone();
    without.kept.remove(JOB);
    job.lease.keep(&without, LOOK).await?;
    Err(failure.into())
}

/// What a video that ended badly in processing means.
fn failed(video: VideoJob) -> Failure {
    let kind = match video.failure_code.as_deref() {
        // On the service's side.
        Some("pds_upload_failure" | "generic_failure") => Kind::ProviderDown,
        _ => Kind::ContentRefused,
    };
    let said = video.message.or(video.error).and_then(|text| error::words(&text));
    Failure::new(kind, "the video failed in processing").said(said, video.failure_code.filter(error::is_code))
}

/// A small file as a whole.
async fn whole(job: &Job<'_>, media: &Media, size: u64) -> Result<Bytes, Failure> {
    let bytes = job.files.read(media, 0, usize::try_from(size).unwrap_or_default()).await?;
    if bytes.len() as u64 != size {
        return Err(Failure::new(Kind::ContentRefused, "the file is not as long as its server says"));
    }
    Ok(bytes)
}

/// The identity of a server as a service.
fn service_of(pds: &str) -> Result<String, Failure> {
    let url: Url = wire::url(pds)?;
    let host = url.host_str().unwrap_or_default();
    Ok(url.port().map_or_else(|| format!("did:web:{host}"), |port| format!("did:web:{host}%3A{port}")))
}

/// A failure before anything that is seen: whatever the server did, no post is there.
pub(super) fn unseen(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_service_under_its_host() {
        assert_eq!(service_of("https://pds.example.com").unwrap(), "did:web:pds.example.com");
        assert_eq!(service_of("http://localhost:2583").unwrap(), "did:web:localhost%3A2583");
    }

    #[test]
    fn a_video_fails_by_itself_or_by_the_service() {
        let failure =
            |code: &str| failed(serde_json::from_str(&format!(r#"{{"failureCode":"{code}","error":"x"}}"#)).unwrap());
        assert_eq!(failure("encoding_failure").kind, Kind::ContentRefused);
        assert_eq!(failure("pds_upload_unsupported_blob_size").kind, Kind::ContentRefused);
        let passing = failure("pds_upload_failure");
        assert_eq!((passing.kind, passing.effect), (Kind::ProviderDown, Effect::NotApplied));
        assert_eq!((passing.said.as_deref(), passing.code.as_deref()), (Some("x"), Some("pds_upload_failure")));
    }

    #[test]
    fn what_fails_before_the_post_leaves_no_post() {
        let failure = unseen(Failure::new(Kind::ProviderDown, "status 500").maybe_applied());
        assert_eq!((failure.effect, failure.kind), (Effect::NotApplied, Kind::ProviderDown));
    }
}
