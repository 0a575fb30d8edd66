//! Publishes on TikTok. A video is announced, which gives a publish id and a place for its bytes, and is published with
//! its last byte. Photos are fetched by TikTok, so announcing them publishes them. The publish id tells the rest.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Problem};
use domain::{Effect, Failure, Kind, Platform};
use http::{Method, header};
use jiff::Timestamp;
use outbound::Call;
use serde::Serialize;

use super::facts::{FACTS, PUBLIC, PUBLISH, PUBLISHING, UPLOAD, VIDEOS};
use super::publish_api::{self, AskStatus, PhotoInit, Status, Terms, VideoInit};
use super::rules::{self, is_photos, to_inbox};
use super::upload::{self, CHUNK, CLOSED, OFFSET, Plan, SIZE, UPLOAD_URL, is_whole, may_be_whole};
use super::{api, error};
use crate::kit::Context;
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Progress, Publish, PublishFacts, Stop, Submitted};
use crate::readback::nearest;
use crate::wire;

/// What TikTok calls the post before it has a public id.
const PUBLISH_ID: &str = "publish_id";
/// When the upload was announced, in Unix seconds.
const ANNOUNCED: &str = "announced";
/// When the account was asked what it allows, in Unix seconds.
const ASKED: &str = "asked";
/// The audience.
const PRIVACY: &str = "privacy";
/// The account's name, for the address of the post.
const USERNAME: &str = "username";
/// The longest video that the account may post, in seconds.
const LONGEST: &str = "longest";
/// What the account has switched off.
const NO_COMMENT: &str = "no_comment";
const NO_DUET: &str = "no_duet";
const NO_STITCH: &str = "no_stitch";

/// A place for bytes is good for an hour; there must be time left to use it. Checked on 2026-11-20.
const USABLE: Duration = Duration::from_secs(55 * 60);

/// What an account allows is asked before each post; the steps of one post share an answer of this age. Checked on
/// 2026-11-20.
const CURRENT: Duration = Duration::from_secs(3 * 60);

/// The submission of photos is one call.
const INIT_WITHIN: Duration = Duration::from_secs(28);

/// A published post gets its public id when moderation has ended, mostly within a minute, sometimes after hours. So
/// long it is waited for; later the post counts as published without an address.
const MODERATED: Duration = Duration::from_secs(3_600);

/// TikTok fetches photos for up to an hour and moderates them then. Before that, a post that does not show proves
/// nothing. Checked on 2026-11-20.
const LISTED: Duration = Duration::from_secs(70 * 60);

/// How many pages of the account's posts are looked through.
const PAGES: usize = 5;

/// Publishes on TikTok.
pub(super) struct Tiktok;

#[async_trait]
impl Publish for Tiktok {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISHING
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        rules::problems(draft, limits)
    }

    fn length(&self, text: &str, _: &Limits) -> u32 {
        rules::length(text)
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        let progress = job.progress.clone();
        if let Some(id) = job.progress.get(PUBLISH_ID) {
            // Everything was handed over before: only a refusal in processing makes room for another attempt.
            if is_photos(job.draft) || is_whole(job.progress) {
                return match status(cx, job, id).await.map_err(without_effect)? {
                    Some(Status::Failed(_)) => Ok(again(progress)),
                    _ => Ok(Prepared::Ready(progress)),
                };
            }
            let closed = job.progress.get(CLOSED).is_some() || age(cx, job, ANNOUNCED) > USABLE;
            return Ok(if closed { again(progress) } else { Prepared::Ready(progress) });
        }
        if !to_inbox(job.draft) && !is_current(cx, job) {
            let progress = creator(cx, job).await.map_err(without_effect)?;
            return Ok(if is_photos(job.draft) {
                Prepared::Ready(progress)
            } else {
                Prepared::More { progress, wait: None }
            });
        }
        if is_photos(job.draft) {
            return Ok(Prepared::Ready(progress));
        }
        Ok(Prepared::Ready(announce(cx, job).await.map_err(without_effect)?))
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let wait = Duration::from_secs(3);
        if !is_photos(job.draft) {
            return Ok(Submitted::Processing { progress: upload::send(cx, job).await?, wait });
        }
        if job.progress.get(PUBLISH_ID).is_some() {
            return Ok(Submitted::Processing { progress: job.progress.clone(), wait });
        }
        let terms = terms(job);
        let body = PhotoInit::new(job.draft, terms.as_ref());
        let call = posting(job, "post/publish/content/init/", &body)?.within(INIT_WITHIN);
        let answer = cx.out.send(call).await.map_err(Failure::from)?;
        let (id, _) = publish_api::started(&error::check_effect(answer, scope(job.draft))?)?;
        Ok(Submitted::Processing { progress: job.progress.clone().with(PUBLISH_ID, id), wait })
    }

    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        let id = job.progress.get(PUBLISH_ID);
        let id = id.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no publish id to look at"))?;
        let status = status(cx, job, id).await?;
        Ok(match status {
            Some(Status::Failed(reason)) => Looked::Refused(error::of_failed(&reason, job.progress.number(LONGEST))),
            Some(Status::InInbox) => {
                let mut post = publish_api::reference(id.to_owned(), None);
                post.extra.insert("draft".to_owned(), "inbox".to_owned());
                Looked::Published(post)
            }
            Some(Status::Complete { id: Some(post) }) => {
                let url = format!("https://www.tiktok.com/@{}/video/{post}", username(job));
                Looked::Published(publish_api::reference(post, Some(url)))
            }
            // Only a public post gets an id.
            Some(Status::Complete { id: None }) if !is_public(job) || since_intent(cx, job) > MODERATED => {
                Looked::Published(publish_api::reference(id.to_owned(), None))
            }
            _ => Looked::Processing { wait: pause(since_intent(cx, job)) },
        })
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        let progress = job.progress.clone();
        let Some(id) = job.progress.get(PUBLISH_ID) else {
            // Nothing is published without bytes; photos are, and the answer with their publish id was lost.
            let may_exist = is_photos(job.draft) || !job.not_ours.is_empty();
            return if may_exist { lost(cx, job).await } else { Ok(Found::Absent(progress)) };
        };
        let uploaded = match status(cx, job, id).await {
            Ok(Some(Status::Uploading { uploaded })) if !is_photos(job.draft) => uploaded,
            // It was accepted; the look tells the rest, a refusal in processing with its reason too.
            Ok(_) => return Ok(Found::Processing { progress, wait: Duration::ZERO }),
            // The place for the bytes is gone before the last of them was sent.
            Err(failure) if failure.kind == Kind::NotFound && !may_be_whole(job.progress) => {
                return Ok(Found::Absent(fresh(progress)));
            }
            Err(failure) if failure.kind == Kind::NotFound => return lost(cx, job).await,
            Err(failure) => return Err(failure),
        };
        let whole = match uploaded {
            Some(uploaded) => uploaded >= job.progress.number(SIZE),
            None => may_be_whole(job.progress),
        };
        Ok(if whole {
            let size = job.progress.number(SIZE).to_string();
            Found::Processing { progress: progress.with(OFFSET, size), wait: Duration::from_secs(3) }
        } else {
            // Bytes are missing, so nothing is published; the upload goes on where it stopped.
            Found::Absent(progress)
        })
    }

    async fn follow_up(
        &self,
        _: &Context<'_>,
        _: &Job<'_>,
        _: &PostRef,
        _: &PostRef,
        _: usize,
    ) -> Result<PostRef, Failure> {
        let words = "TikTok lets apps write no comments.";
        Err(Failure::new(Kind::InvalidRequest, "no call comments").said(Some(words.to_owned()), None))
    }

    async fn delete(&self, _: &Context<'_>, _: &Job<'_>, _: &PostRef) -> Result<(), Failure> {
        let words = "TikTok lets apps delete nothing. Delete the post in TikTok.";
        Err(Failure::new(Kind::InvalidRequest, "no call deletes").said(Some(words.to_owned()), None))
    }
}

/// Asks what the account allows, and settles the terms of the post by it.
async fn creator(cx: &Context<'_>, job: &Job<'_>) -> Result<Progress, Failure> {
    let url = wire::url("https://open.tiktokapis.com/v2/post/publish/creator_info/query/")?;
    let call = Call::new(Platform::Tiktok, Method::POST, url)
        .body("application/json; charset=UTF-8", "")
        .header(header::CONTENT_LENGTH, "0")
        .bearer(&job.tokens.access);
    let answer = error::check(cx.out.send(call).await?, PUBLISH)?;
    let creator = publish_api::creator(&answer)?;
    let offered = &creator.privacy_level_options;
    let privacy = match rules::privacy(job.draft) {
        Some(chosen) if offered.iter().any(|offer| offer == chosen) => chosen,
        Some(chosen) => return Err(not_offered(chosen, offered)),
        // The widest comes first.
        None => offered.first().map(String::as_str).ok_or_else(|| not_offered("any", offered))?,
    };
    let mut progress = job.progress.clone();
    for name in [NO_COMMENT, NO_DUET, NO_STITCH, LONGEST, USERNAME] {
        progress.kept.remove(name);
    }
    progress = progress.with(PRIVACY, privacy).with(ASKED, cx.clock.now().as_second().to_string());
    for (name, off) in
        [(NO_COMMENT, creator.comment_disabled), (NO_DUET, creator.duet_disabled), (NO_STITCH, creator.stitch_disabled)]
    {
        if off {
            progress = progress.with(name, "1");
        }
    }
    if let Some(seconds) = creator.max_video_post_duration_sec {
        progress = progress.with(LONGEST, seconds.to_string());
    }
    Ok(match creator.creator_username.filter(|name| !name.is_empty()) {
        Some(name) => progress.with(USERNAME, name),
        None => progress,
    })
}

fn not_offered(chosen: &str, offered: &[String]) -> Failure {
    let words = format!("The account does not offer the privacy level {chosen}; it offers {}.", offered.join(", "));
    Failure::new(Kind::InvalidRequest, "privacy level not offered")
        .said(Some(words), Some("privacy_level_option_mismatch".to_owned()))
}

/// Announces a video. A lost answer costs a place for bytes that is gone in an hour.
async fn announce(cx: &Context<'_>, job: &Job<'_>) -> Result<Progress, Failure> {
    let media = job.draft.media.first().ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no video"))?;
    let plan = Plan::of(job.files.size(media).await?);
    let terms = terms(job);
    let path = if to_inbox(job.draft) { "post/publish/inbox/video/init/" } else { "post/publish/video/init/" };
    let answer = cx.out.send(posting(job, path, &VideoInit::new(job.draft, terms.as_ref(), plan))?).await?;
    let (id, url) = publish_api::started(&error::check(answer, scope(job.draft))?)?;
    let url = url.ok_or_else(|| Failure::new(Kind::ProviderDown, "no address to upload to"))?;
    Ok(job
        .progress
        .clone()
        .with(PUBLISH_ID, id)
        .with(SIZE, plan.size.to_string())
        .with(CHUNK, plan.chunk.to_string())
        .with(OFFSET, "0")
        .with(ANNOUNCED, cx.clock.now().as_second().to_string())
        .with_secret(UPLOAD_URL, url))
}

/// The terms of a post that goes out by itself; a draft's are set in the app.
fn terms(job: &Job<'_>) -> Option<Terms> {
    let off = |stored: &str, name: &str| job.progress.get(stored).is_some() || rules::flag(job.draft, name);
    (!to_inbox(job.draft)).then(|| Terms {
        privacy: job.progress.get(PRIVACY).unwrap_or_default().to_owned(),
        no_comment: off(NO_COMMENT, "disableComment"),
        no_duet: off(NO_DUET, "disableDuet"),
        no_stitch: off(NO_STITCH, "disableStitch"),
    })
}

/// A post without a publish id that TikTok would still know: only the account's list of public posts shows it.
async fn lost(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    let granted = job.tokens.scopes.is_empty() || job.tokens.scopes.iter().any(|scope| scope == VIDEOS);
    if !is_public(job) || !granted {
        return Ok(Found::NoMeans);
    }
    let url = wire::url_with("https://open.tiktokapis.com/v2/video/list/", &[("fields", publish_api::RECENT_FIELDS)])?;
    let (mut ours, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES {
        let body = api::ListVideos { cursor, max_count: FACTS.page_size };
        let call = Call::post_json(Platform::Tiktok, url.clone(), &body).bearer(&job.tokens.access);
        let answer = match error::check(cx.out.send(call).await?, VIDEOS) {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::NoMeans),
            answered => answered?,
        };
        let page = publish_api::recent(&answer)?;
        let reached = page.posts.last().is_some_and(|post| post.posted_at().is_some_and(|at| at < job.since()));
        let is_it = |post: &publish_api::Recent| {
            let recent = post.posted_at().is_some_and(|at| at >= job.since());
            recent && job.may_be(&post.id) && post.says(job.draft)
        };
        ours.extend(page.posts.into_iter().filter(is_it));
        cursor = page.next.filter(|_| !reached);
        if cursor.is_none() {
            break;
        }
    }
    match nearest(ours, publish_api::Recent::posted_at, job.intent()) {
        // Posts without a text look all alike, so this one may be another.
        Some(_) if rules::compose_text(job.draft).trim().is_empty() => Ok(Found::Unclear),
        Some(post) => Ok(Found::Published(post.into())),
        None => match LISTED.checked_sub(since_intent(cx, job)).filter(|left| !left.is_zero()) {
            Some(left) => {
                let words = "TikTok may still be fetching or moderating the files; the post is looked for again.";
                Err(Failure::new(Kind::ProviderDown, "not listed, which proves nothing yet")
                    .said(Some(words.to_owned()), None)
                    .retry_after(Some(left.min(Duration::from_secs(300)))))
            }
            // Moderation sometimes takes hours, and nobody states that the list holds photos at all (UNSURE).
            None => Ok(Found::Unclear),
        },
    }
}

async fn status(cx: &Context<'_>, job: &Job<'_>, id: &str) -> Result<Option<Status>, Failure> {
    let call = posting(job, "post/publish/status/fetch/", &AskStatus { publish_id: id })?;
    publish_api::status(&error::check(cx.out.send(call).await?, scope(job.draft))?)
}

fn posting(job: &Job<'_>, path: &str, body: &impl Serialize) -> Result<Call, Failure> {
    let url = wire::url(&format!("https://open.tiktokapis.com/v2/{path}"))?;
    Ok(Call::post_json(Platform::Tiktok, url, body).bearer(&job.tokens.access))
}

/// The scope that a draft needs.
fn scope(draft: &Draft) -> &'static str {
    if to_inbox(draft) { UPLOAD } else { PUBLISH }
}

/// From the beginning, but for what the account allows.
fn fresh(mut progress: Progress) -> Progress {
    for name in [PUBLISH_ID, SIZE, CHUNK, OFFSET, ANNOUNCED, CLOSED] {
        progress.kept.remove(name);
    }
    progress.secret.remove(UPLOAD_URL);
    progress
}

fn again(progress: Progress) -> Prepared {
    Prepared::More { progress: fresh(progress), wait: None }
}

fn is_public(job: &Job<'_>) -> bool {
    !to_inbox(job.draft) && job.progress.get(PRIVACY) == Some(PUBLIC)
}

fn username<'a>(job: &'a Job<'_>) -> &'a str {
    job.progress.get(USERNAME).unwrap_or(job.account.handle)
}

fn since_intent(cx: &Context<'_>, job: &Job<'_>) -> Duration {
    Duration::try_from(job.intent().duration_until(cx.clock.now())).unwrap_or_default()
}

/// Whether what the account allows was asked just now.
fn is_current(cx: &Context<'_>, job: &Job<'_>) -> bool {
    job.progress.get(PRIVACY).is_some() && age(cx, job, ASKED) <= CURRENT
}

/// How long ago the time under `name` was.
fn age(cx: &Context<'_>, job: &Job<'_>, name: &str) -> Duration {
    let then = Timestamp::from_second(job.progress.number(name).try_into().unwrap_or(0)).ok();
    then.and_then(|at| Duration::try_from(at.duration_until(cx.clock.now())).ok()).unwrap_or_default()
}

/// Half a minute is what half a gigabyte takes; the status may be asked 30 times a minute.
fn pause(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        ..60 => 5,
        60..600 => 15,
        600..3_600 => 60,
        _ => 300,
    })
}

/// What fails before anything is published has changed nothing that anyone sees.
fn without_effect(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}
