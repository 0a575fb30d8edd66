//! Uploading to LinkedIn: begin, send the parts, finish (videos), wait until the file can be used. All of it before the
//! post; a file that is never used runs out by itself.

use std::time::Duration;

use domain::content::{Media, MediaKind};
use domain::{Failure, Kind, Platform, Secret};
use http::Method;
use outbound::{Answer, Call};
use serde_json::{Value, json};

use super::publish_api::{self, Part};
use super::rest::{self, encoded};
use super::{error, publish};
use crate::kit::Context;
use crate::publish::{Job, Prepared, Progress, Stop};
use crate::wire;

/// How many parts one step sends at most.
const PARTS_AT_A_TIME: usize = 16;
/// How long one part may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// The largest part that is held in memory.
const IN_MEMORY: u64 = 8 * 1024 * 1024;
/// How long to wait before a look at a file.
const LOOK: Duration = Duration::from_secs(3);
/// How many looks may find that nothing of a file has arrived.
const MOST_WAITS: u64 = 3;
/// How long a file gets whose state may not be looked at.
const UNSEEN: Duration = Duration::from_secs(8);

/// Names in [`Progress::kept`], and in [`Progress::secret`] the addresses and the token of the upload.
const URN: &str = "upload.urn";
const NEXT: &str = "upload.next";
const TAGS: &str = "upload.tags";
const STATE: &str = "upload.state";
const WAITS: &str = "upload.waits";
const AGAIN: &str = "upload.again";
const PARTS: &str = "upload.parts";
const TOKEN: &str = "upload.token";

fn media_name(index: usize) -> String {
    format!("media.{index}")
}

/// The URNs of the files, in order.
pub(super) fn urns(progress: &Progress, count: usize) -> Result<Vec<&str>, Failure> {
    let missing = || Failure::new(Kind::InvalidRequest, "a file was not uploaded before the post");
    (0..count).map(|index| progress.get(&media_name(index)).ok_or_else(missing)).collect()
}

/// The next piece of work; `None` when every file can be used.
pub(super) async fn step(cx: &Context<'_>, job: &Job<'_>) -> Result<Option<Prepared>, Stop> {
    let mut progress = job.progress.clone();
    let waiting = job.draft.media.iter().enumerate().find(|(index, _)| progress.get(&media_name(*index)).is_none());
    let Some((index, media)) = waiting else { return Ok(None) };
    let upload = Upload { cx, job, index, media };
    let wait = match upload.advance(&mut progress).await {
        Ok(wait) => wait,
        Err(Stop::Failed(failure)) if upload.may_begin_again(&progress, &failure) => {
            upload.begin_again(&mut progress);
            None
        }
        Err(stop) => return Err(stop),
    };
    Ok(Some(Prepared::More { progress, wait }))
}

fn forget(progress: &mut Progress) {
    for name in [URN, NEXT, TAGS, STATE, WAITS] {
        progress.kept.remove(name);
    }
    for name in [PARTS, TOKEN] {
        progress.secret.remove(name);
    }
}

fn set(progress: &mut Progress, name: &str, value: impl Into<String>) {
    progress.kept.insert(name.to_owned(), value.into());
}

/// One file on its way.
struct Upload<'a> {
    cx: &'a Context<'a>,
    job: &'a Job<'a>,
    index: usize,
    media: &'a Media,
}

impl Upload<'_> {
    /// The addresses of an upload run out. Each file is begun twice at most.
    fn may_begin_again(&self, progress: &Progress, failure: &Failure) -> bool {
        let gone = matches!(failure.kind, Kind::NotFound | Kind::InvalidRequest | Kind::PermissionMissing);
        let sending = progress.get(URN).is_some() && progress.get(STATE).is_none_or(|state| state == "finish");
        gone && sending && !self.was_begun_again(progress)
    }

    fn was_begun_again(&self, progress: &Progress) -> bool {
        progress.get(AGAIN) == Some(self.index.to_string().as_str())
    }

    fn begin_again(&self, progress: &mut Progress) {
        forget(progress);
        set(progress, AGAIN, self.index.to_string());
    }

    /// The collection that the file belongs to.
    fn collection(&self) -> &'static str {
        match self.media.kind {
            MediaKind::Video => "videos",
            MediaKind::Document => "documents",
            MediaKind::Image | MediaKind::Gif => "images",
        }
    }

    async fn advance(&self, progress: &mut Progress) -> Result<Option<Duration>, Stop> {
        let urn = progress.get(URN).map(str::to_owned);
        match (urn, progress.get(STATE)) {
            (None, _) => self.begin(progress).await.map(|()| None),
            (Some(_), None) => self.send_parts(progress).await,
            (Some(urn), Some("finish")) => {
                self.finish(progress, &urn).await?;
                Ok(Some(LOOK))
            }
            (Some(urn), Some("unseen")) => {
                self.done(progress, &urn);
                Ok(None)
            }
            (Some(urn), Some(_)) => self.look(progress, &urn).await,
        }
    }

    async fn begin(&self, progress: &mut Progress) -> Result<(), Stop> {
        let total = self.job.files.size(self.media).await?;
        let mut request = json!({ "owner": publish::author(self.job)? });
        if self.media.kind == MediaKind::Video
            && let Some(request) = request.as_object_mut()
        {
            request.insert("fileSizeBytes".to_owned(), json!(total));
            request.insert("uploadCaptions".to_owned(), json!(false));
            request.insert("uploadThumbnail".to_owned(), json!(false));
        }
        let body = json!({ "initializeUploadRequest": request });
        let answer = self.post("initializeUpload", &body).await.map_err(|failure| match failure.kind {
            // What LinkedIn says of a file at its beginning is said of the file.
            Kind::InvalidRequest => Failure { kind: Kind::ContentRefused, ..failure },
            _ => failure,
        })?;
        let given = publish_api::initialized(&answer)?;
        let parts = given.parts(total);
        let (Some(urn), false) = (given.urn(), parts.is_empty()) else {
            return Err(Failure::new(Kind::ProviderDown, "an upload without a name or an address").into());
        };
        set(progress, URN, urn);
        set(progress, NEXT, "0");
        let parts = serde_json::to_string(&parts).map_err(|_| unreadable())?;
        progress.secret.insert(PARTS.to_owned(), Secret::new(parts));
        let token = given.upload_token.unwrap_or_else(|| Secret::new(""));
        progress.secret.insert(TOKEN.to_owned(), token);
        Ok(())
    }

    async fn send_parts(&self, progress: &mut Progress) -> Result<Option<Duration>, Stop> {
        let parts = progress.secret.get(PARTS).ok_or_else(unreadable)?;
        let parts: Vec<Part> = serde_json::from_str(parts.expose()).map_err(|_| unreadable())?;
        for _ in 0..PARTS_AT_A_TIME {
            let next = usize::try_from(progress.number(NEXT)).unwrap_or(usize::MAX);
            let Some(part) = parts.get(next) else { break };
            self.job.lease.keep(progress, DEADLINE).await?;
            let tag = self.send_part(part).await?;
            if self.media.kind == MediaKind::Video {
                let tag = tag.ok_or_else(|| Failure::new(Kind::ProviderDown, "a part was taken without its tag"))?;
                let tags = progress.get(TAGS).map_or_else(|| tag.clone(), |tags| format!("{tags} {tag}"));
                set(progress, TAGS, tags);
            }
            set(progress, NEXT, (next + 1).to_string());
        }
        if progress.number(NEXT) < parts.len() as u64 {
            return Ok(None);
        }
        let video = self.media.kind == MediaKind::Video;
        set(progress, STATE, if video { "finish" } else { "processing" });
        Ok((!video).then_some(LOOK / 3))
    }

    /// Sends a part, whose address is one of LinkedIn's own; the answer's tag names it at the end.
    async fn send_part(&self, part: &Part) -> Result<Option<String>, Stop> {
        let Part(first, last, address) = part;
        let url = wire::url(address)?;
        let own = url.host_str().is_some_and(|host| host == "linkedin.com" || host.ends_with(".linkedin.com"));
        let mut call = Call::new(Platform::Linkedin, Method::PUT, url).within(DEADLINE);
        if own {
            call = call.bearer(&self.job.tokens.access);
        }
        let length = last.saturating_sub(*first) + 1;
        let call = if length > IN_MEMORY {
            call.streamed("application/octet-stream", self.job.files.stream(self.media).await?)
        } else {
            let wanted = usize::try_from(length).unwrap_or(usize::MAX);
            let bytes = self.job.files.read(self.media, *first, wanted).await?;
            if bytes.len() as u64 != length {
                return Err(Failure::new(Kind::ContentRefused, "the file is shorter than its server said").into());
            }
            call.body("application/octet-stream", bytes)
        };
        let answer = rest::checked(self.cx, call, self.scope()).await?;
        Ok(answer.header("etag").map(|tag| tag.trim().trim_matches('"').to_owned()).filter(|tag| !tag.is_empty()))
    }

    async fn finish(&self, progress: &mut Progress, urn: &str) -> Result<(), Stop> {
        let token = progress.secret.get(TOKEN).map_or("", Secret::expose);
        let tags: Vec<&str> = progress.get(TAGS).unwrap_or_default().split(' ').collect();
        let request = json!({ "video": urn, "uploadToken": token, "uploadedPartIds": tags });
        self.post("finalizeUpload", &json!({ "finalizeUploadRequest": request })).await?;
        set(progress, STATE, "processing");
        Ok(())
    }

    async fn look(&self, progress: &mut Progress, urn: &str) -> Result<Option<Duration>, Stop> {
        let path = format!("{}/{}", self.collection(), encoded(urn));
        let answer = match rest::get(self.cx, self.job.tokens, &path, self.scope()).await {
            // The right to publish as a member is not the right to look at images and documents.
            Err(failure) if failure.kind == Kind::PermissionMissing => {
                set(progress, STATE, "unseen");
                return Ok(Some(UNSEEN));
            }
            answered => answered?,
        };
        match publish_api::file_status(&answer)?.as_str() {
            "AVAILABLE" => {
                self.done(progress, urn);
                Ok(None)
            }
            status @ ("PROCESSING_FAILED" | "FAILED") => Err(error::of_processing(status).into()),
            "WAITING_UPLOAD" => self.nothing_arrived(progress),
            _ => Ok(Some(LOOK)),
        }
    }

    /// The bytes were sent and answered for, and LinkedIn still waits for them: whoever answered was not LinkedIn.
    fn nothing_arrived(&self, progress: &mut Progress) -> Result<Option<Duration>, Stop> {
        let waits = progress.number(WAITS) + 1;
        set(progress, WAITS, waits.to_string());
        if waits < MOST_WAITS {
            return Ok(Some(LOOK));
        }
        if self.was_begun_again(progress) {
            return Err(Failure::new(Kind::ProviderDown, "nothing of the file has arrived").into());
        }
        self.begin_again(progress);
        Ok(None)
    }

    fn done(&self, progress: &mut Progress, urn: &str) {
        forget(progress);
        set(progress, &media_name(self.index), urn);
    }

    fn scope(&self) -> &'static str {
        publish::write_scope(self.job)
    }

    async fn post(&self, action: &str, body: &Value) -> Result<Answer, Failure> {
        let path = format!("{}?action={action}", self.collection());
        let call = rest::call(self.job.tokens, Method::POST, &path)?.body("application/json", body.to_string());
        rest::checked(self.cx, call, self.scope()).await
    }
}

fn unreadable() -> Failure {
    Failure::new(Kind::InvalidRequest, "what is kept of the upload cannot be read")
}
