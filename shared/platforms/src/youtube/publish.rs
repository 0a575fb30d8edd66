//! Publishes on YouTube: a session is opened, the bytes are sent, YouTube processes the video.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Problem};
use domain::{Failure, Kind, Platform};
use http::Method;
use jiff::Timestamp;
use outbound::{Answer, Call};

use super::facts::{FACTS, MANAGE, PUBLISHING, READ};
use super::publish_api::{self, Comment, Standing};
use super::upload::{
    self, FOUND, GONE, OFFSET, OPENED, SESSION, SIZE, Stands, VIDEO, fresh, may_be_whole, sent_by, unfinished,
    without_effect,
};
use super::{api, error, refusal, rules};
use crate::kit::Context;
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Publish, PublishFacts, Stop, Submitted};
use crate::readback::nearest;
use crate::wire;

/// Sessions live for about a week (UNSURE), and an upload of the largest file takes its time too.
const USABLE: Duration = Duration::from_secs(5 * 24 * 3_600);

/// A video that the uploads do not show this long after its last byte is not there. UNSURE: no page says how late they are; seconds
/// have been seen.
const LISTED: Duration = Duration::from_secs(600);

/// A video is processed for minutes, a long one for hours. One that is not done this long after
/// its last byte stands on the channel
/// all the same, and must not be uploaded again.
const PROCESSED: Duration = Duration::from_secs(24 * 3_600);

/// How many pages of uploads or comments are looked through.
const PAGES: usize = 5;

/// A comment is one call.
const COMMENT_WITHIN: Duration = Duration::from_secs(28);

/// Publishes on YouTube.
pub(super) struct Youtube;

#[async_trait]
impl Publish for Youtube {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISHING
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        rules::problems(draft, limits)
    }

    fn length(&self, text: &str, _: &Limits) -> u32 {
        rules::length(text)
    }

    fn draft_length(&self, draft: &Draft, _limits: &Limits) -> u32 {
        rules::draft_length(draft)
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        if job.progress.secret.contains_key(SESSION) {
            let opened = Timestamp::from_second(job.progress.number(OPENED).try_into().unwrap_or(0));
            let usable = opened.is_ok_and(|opened| since(opened, cx.clock.now()) < USABLE);
            if usable && job.progress.get(GONE).is_none() {
                return Ok(Prepared::Ready(job.progress.clone()));
            }
            return Ok(Prepared::More { progress: fresh(job.progress.clone()), wait: None });
        }
        let progress = upload::open(cx, job).await.map_err(without_effect)?;
        Ok(Prepared::Ready(progress.with(OPENED, cx.clock.now().as_second().to_string())))
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let progress = match job.progress.get(VIDEO) {
            Some(_) => job.progress.clone(),
            None => upload::send(cx, job).await?,
        };
        Ok(Submitted::Processing { progress, wait: Duration::from_secs(3) })
    }

    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        let id = job.progress.get(VIDEO);
        let id = id.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no video to look at"))?;
        let query = [("part", "snippet,status,processingDetails"), ("id", id)];
        let answer = get(cx, job, "videos", &query, READ).await?;
        let age = since(whole_at(job), cx.clock.now());
        let out = |post| if job.progress.get(FOUND).is_some() { Looked::Seen(post) } else { Looked::Published(post) };
        Ok(match publish_api::standing(&answer)? {
            Some(Standing::Out(post)) => out(post),
            Some(Standing::Refused(failure)) => Looked::Refused(failure),
            Some(Standing::Processing) if age > PROCESSED => out(publish_api::reference(id.to_owned(), None)),
            // YouTube took the video and has it no more: its owner has deleted it.
            None if age > LISTED => Looked::Gone(refusal::of_video("deleted")),
            Some(Standing::Processing) | None => Looked::Processing { wait: pause(age) },
        })
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        let progress = job.progress.clone();
        let wait = Duration::ZERO;
        match job.progress.get(VIDEO) {
            Some(video) if job.may_be(video) => return Ok(Found::Processing { progress, wait }),
            // It was taken for ours, and is another delivery's.
            Some(_) => return search(cx, job).await,
            None => {}
        }
        if !job.progress.secret.contains_key(SESSION) {
            // Without a session no byte was sent, unless one was sent before and is not known any more, or what was sent
            // has changed places with another delivery's.
            let may_exist = may_be_whole(job.progress) || !job.not_ours.is_empty();
            return if may_exist { search(cx, job).await } else { Ok(Found::Absent(progress)) };
        }
        match upload::probe(cx, job).await? {
            Stands::Done(id) => Ok(Found::Processing { progress: progress.with(VIDEO, id), wait }),
            // It has every byte, and no video of them yet.
            Stands::Stored(stored) if stored >= job.progress.number(SIZE) => Err(unfinished()),
            // Bytes are missing, so there is no video; the upload goes on where YouTube stands.
            Stands::Stored(stored) => Ok(Found::Absent(progress.with(OFFSET, stored.to_string()))),
            Stands::Gone if !may_be_whole(job.progress) => Ok(Found::Absent(fresh(progress))),
            Stands::Gone => search(cx, job).await,
        }
    }

    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        _: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        let url = wire::url_with("https://youtube.googleapis.com/youtube/v3/commentThreads", &[("part", "snippet")])?;
        let call = Call::post_json(Platform::Youtube, url, &Comment::new(&post.id, text(job, n)?));
        let answer = cx.out.send(call.bearer(&job.tokens.access).within(COMMENT_WITHIN)).await?;
        if !answer.is_success() {
            return Err(error::of_effect(&answer, cx.clock.now(), MANAGE));
        }
        Ok(PostRef { url: None, ..publish_api::reference(publish_api::created(&answer)?, None) })
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        _: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        let (text, mut ours) = (text(job, n)?, Vec::new());
        let mut page = None::<String>;
        for _ in 0..PAGES {
            let mut query =
                vec![("part", "snippet"), ("videoId", post.id.as_str()), ("order", "time"), ("maxResults", "100")];
            query.extend(page.as_deref().map(|page| ("pageToken", page)));
            let answer = match get(cx, job, "commentThreads", &query, MANAGE).await {
                // The right to see comments is missing, so nothing can be said about them.
                Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::NoMeans),
                answered => answered?,
            };
            let shown = publish_api::own_comments(&answer, job.account.platform_account_id, text, job.since())?;
            ours.extend(shown.ours);
            page = shown.next.filter(|_| shown.oldest.is_none_or(|at| at >= job.since()));
            if page.is_none() {
                break;
            }
        }
        Ok(match nearest(ours, |comment| comment.posted_at, job.intent()) {
            Some(comment) => Found::Published(comment),
            // What lies beyond has not been looked at.
            None if page.is_some() => Found::Unclear,
            None => Found::Absent(job.progress.clone()),
        })
    }

    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let url = wire::url_with("https://youtube.googleapis.com/youtube/v3/videos", &[("id", post.id.as_str())])?;
        let call = Call::new(Platform::Youtube, Method::DELETE, url).bearer(&job.tokens.access);
        let answer = cx.out.send(call).await?;
        if answer.is_success() {
            return Ok(());
        }
        let failure = error::of_call(&answer, cx.clock.now(), MANAGE);
        // Gone already is what was wanted.
        if failure.kind == Kind::NotFound { Ok(()) } else { Err(failure) }
    }
}

/// Looks for the video among the newest uploads of the channel.
async fn search(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    let Some(channel) = job.account.platform_account_id.filter(|id| id.starts_with("UC")) else {
        return Ok(Found::NoMeans);
    };
    let uploads = channel.replacen("UC", "UU", 1);
    let size = FACTS.page_size.to_string();
    let (mut ours, mut page) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut query =
            vec![("part", "contentDetails"), ("playlistId", uploads.as_str()), ("maxResults", size.as_str())];
        query.extend(page.as_deref().map(|page| ("pageToken", page)));
        let (ids, next) = match get(cx, job, "playlistItems", &query, READ).await {
            // A channel without any upload has no such playlist.
            Err(failure) if failure.kind == Kind::NotFound => (Vec::new(), None),
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::NoMeans),
            answered => api::uploads(&answered?)?,
        };
        page = None;
        if !ids.is_empty() {
            let ids = ids.join(",");
            let answer = get(cx, job, "videos", &[("part", "snippet,status"), ("id", &ids)], READ).await?;
            let shown = publish_api::own_videos(&answer, job)?;
            ours.extend(shown.ours);
            page = next.filter(|_| shown.oldest.is_none_or(|at| at >= job.since()));
        }
        if page.is_none() {
            break;
        }
    }
    let progress = job.progress.clone();
    if let Some(video) = nearest(ours, |video| video.posted_at, job.intent()) {
        return Ok(Found::Processing {
            progress: progress.with(VIDEO, video.id).with(FOUND, "1"),
            wait: Duration::ZERO,
        });
    }
    if page.is_some() {
        // What lies beyond has not been looked at.
        return Ok(Found::Unclear);
    }
    match LISTED.checked_sub(since(whole_at(job), cx.clock.now())).filter(|left| !left.is_zero()) {
        Some(left) => Err(Failure::new(Kind::ProviderDown, "not among the uploads, which proves nothing yet")
            .said(Some("The upload's end is unknown; the channel is searched again.".to_owned()), None)
            .retry_after(Some(left.min(Duration::from_secs(60))))),
        None => Ok(Found::Absent(fresh(progress))),
    }
}

async fn get(
    cx: &Context<'_>,
    job: &Job<'_>,
    path: &str,
    query: &[(&str, &str)],
    scope: &str,
) -> Result<Answer, Failure> {
    let url = wire::url_with(&format!("https://youtube.googleapis.com/youtube/v3/{path}"), query)?;
    let answer = cx.out.send(Call::get(Platform::Youtube, url).bearer(&job.tokens.access)).await?;
    if answer.is_success() { Ok(answer) } else { Err(error::of_call(&answer, cx.clock.now(), scope)) }
}

fn text<'a>(job: &Job<'a>, n: usize) -> Result<&'a str, Failure> {
    let text = job.draft.follow_ups.get(n).map(String::as_str);
    text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "no such follow-up"))
}

/// From when YouTube can have had the video.
fn whole_at(job: &Job<'_>) -> Timestamp {
    sent_by(job.progress).unwrap_or_else(|| job.intent())
}

fn since(begin: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(begin.duration_until(now)).unwrap_or_default()
}

/// Every look costs a unit of the day's quota.
fn pause(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        ..60 => 5,
        60..600 => 20,
        600..3_600 => 60,
        _ => 300,
    })
}
