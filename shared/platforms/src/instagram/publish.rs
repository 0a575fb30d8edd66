//! Publishes on Instagram: a container is prepared, waited for, and published by one call. The container tells later
//! whether that call took effect.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Problem};
use domain::{Failure, Kind, Platform};
use outbound::{Answer, Call};

use super::container::{self, CONTAINER, forgotten};
use super::facts::{FACTS, PUBLISH, PUBLISHING, VERSION};
use super::publish_api::{self, State};
use super::rules::{self, Shape};
use super::{comments, error};
use crate::kit::Context;
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Publish, PublishFacts, Stop, Submitted};
use crate::readback::nearest;
use crate::wire;

/// The id of the published post, once Instagram has told it.
const MEDIA: &str = "media";

/// The call that publishes and the read of the permalink after it share the 30 s of a submission.
const PUBLISH_WITHIN: Duration = Duration::from_secs(24);
const READ_WITHIN: Duration = Duration::from_secs(5);

/// A post that is published and does not show in the account's lists after this time is not waited for any longer.
const LISTED_WITHIN: Duration = Duration::from_secs(600);

/// How many pages of posts or comments are looked through.
pub(super) const PAGES: usize = 5;

/// Publishes on Instagram.
pub(super) struct Instagram;

#[async_trait]
impl Publish for Instagram {
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
        container::step(cx, job).await
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let container = job.progress.get(CONTAINER);
        let container = container.ok_or_else(|| Failure::new(Kind::InvalidRequest, "nothing is prepared"))?;
        let call = posting(job, "media_publish", &[("creation_id", container)])?.within(PUBLISH_WITHIN);
        let answer = cx.out.send(call).await.map_err(Failure::from)?;
        if !answer.is_success() {
            return Err(error::of_publish(&answer).into());
        }
        let id = publish_api::created(&answer)?;
        // It is out. Its address is only read; if that fails, it is read by the looks that follow.
        Ok(match published(cx, job, &id).await {
            Ok(post) => Submitted::Published(post),
            Err(_) => {
                Submitted::Processing { progress: job.progress.clone().with(MEDIA, id), wait: Duration::from_secs(2) }
            }
        })
    }

    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        let own = job.progress.get(MEDIA).is_some();
        let found = match job.progress.get(MEDIA) {
            Some(id) => match published(cx, job, id).await {
                // Not to be read yet, or deleted by the person in the meantime.
                Err(failure) if failure.kind == Kind::NotFound => None,
                answered => Some(answered?),
            },
            None => recent(cx, job).await?.0,
        };
        Ok(match found {
            Some(post) if own => Looked::Published(post),
            Some(post) => Looked::Seen(post),
            // The one that is listed may be counted as another delivery's: only a person can tell the two apart.
            None if !own && !job.not_ours.is_empty() => Looked::Processing { wait: Duration::from_secs(60) },
            None if since_intent(cx, job) < LISTED_WITHIN => Looked::Processing { wait: Duration::from_secs(10) },
            None => {
                // The container says that it was published: without the post's own id its address stays unknown.
                let id = job.progress.get(MEDIA).or_else(|| job.progress.get(CONTAINER)).unwrap_or_default();
                Looked::Published(publish_api::reference(id.to_owned(), None, None))
            }
        })
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        let progress = job.progress.clone();
        if job.progress.get(MEDIA).is_some() {
            return Ok(Found::Processing { progress, wait: Duration::ZERO });
        }
        let Some(id) = job.progress.get(CONTAINER) else {
            // Only a container can be published, and there was none; unless it has changed places with another delivery's.
            return if job.not_ours.is_empty() {
                Ok(Found::Absent(progress))
            } else {
                absent_unless_listed(cx, job).await
            };
        };
        match container::look(cx, job, id).await {
            Ok(State::Published) => Ok(match recent(cx, job).await?.0 {
                Some(post) => Found::Published(post),
                None => Found::Processing { progress, wait: Duration::from_secs(5) },
            }),
            // Not published, and good for another attempt.
            Ok(State::Finished | State::InProgress) => Ok(Found::Absent(progress)),
            Ok(State::Error(_) | State::Expired) => absent_unless_listed(cx, job).await,
            Err(failure) if failure.kind == Kind::NotFound => absent_unless_listed(cx, job).await,
            Err(failure) => Err(failure),
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
        comments::write(cx, job, post, n).await
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        _: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        comments::find(cx, job, post, n).await
    }

    async fn delete(&self, _: &Context<'_>, _: &Job<'_>, _: &PostRef) -> Result<(), Failure> {
        let words = "Instagram lets apps with this kind of consent delete nothing. Delete the post in Instagram.";
        Err(Failure::new(Kind::InvalidRequest, "no call deletes").said(Some(words.to_owned()), None))
    }
}

/// A container that can no longer be published has not been, unless the account's own list shows the post. A new
/// container is made then.
async fn absent_unless_listed(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    Ok(match recent(cx, job).await? {
        // Posts without a caption look all alike, so this one may be another.
        (Some(_), _) if rules::compose_text(job.draft).is_none() => Found::Unclear,
        (Some(post), _) => Found::Published(post),
        // What lies beyond has not been looked at.
        (None, false) => Found::Unclear,
        (None, true) => Found::Absent(forgotten(job.progress, CONTAINER)),
    })
}

/// The post of the account that is the draft, no older than its first intent, and whether all posts since then were
/// looked at.
async fn recent(cx: &Context<'_>, job: &Job<'_>) -> Result<(Option<PostRef>, bool), Failure> {
    let list = if Shape::of(job.draft) == Shape::Story { "stories" } else { "media" };
    let size = FACTS.page_size.to_string();
    let since = job.since();
    let (mut ours, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut query = vec![("fields", publish_api::RECENT_FIELDS)];
        // All stories of a day come at once.
        query.extend((list == "media").then_some(("limit", size.as_str())));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let answer = get(cx, job, &format!("{}/{list}", me(job)), &query).await?;
        let page = publish_api::recent(&answer)?;
        let reached = page.last().is_none_or(|post| post.timestamp < since);
        ours.extend(page.into_iter().filter(|post| job.may_be(&post.id) && post.is(job, since)));
        after = publish_api::next_page(&answer).filter(|_| !reached);
        if after.is_none() {
            break;
        }
    }
    Ok((nearest(ours, |post| Some(post.timestamp), job.intent()).map(PostRef::from), after.is_none()))
}

async fn published(cx: &Context<'_>, job: &Job<'_>, id: &str) -> Result<PostRef, Failure> {
    let call = getting(job, id, &[("fields", publish_api::POST_FIELDS)])?.within(READ_WITHIN);
    publish_api::post(&checked(cx.out.send(call).await?)?)
}

fn since_intent(cx: &Context<'_>, job: &Job<'_>) -> Duration {
    Duration::try_from(job.intent().duration_until(cx.clock.now())).unwrap_or_default()
}

/// The account in a path.
pub(super) fn me<'a>(job: &Job<'a>) -> &'a str {
    job.account.platform_account_id.unwrap_or("me")
}

fn getting(job: &Job<'_>, path: &str, query: &[(&str, &str)]) -> Result<Call, Failure> {
    let url = wire::url_with(&format!("https://graph.instagram.com/{VERSION}/{path}"), query)?;
    Ok(Call::get(Platform::Instagram, url).bearer(&job.tokens.access))
}

/// A POST to an edge of the account.
fn posting(job: &Job<'_>, edge: &str, form: &[(&str, &str)]) -> Result<Call, Failure> {
    let path = format!("{}/{edge}", me(job));
    let url = wire::url(&format!("https://graph.instagram.com/{VERSION}/{path}"))?;
    Ok(Call::post_form(Platform::Instagram, url, form).bearer(&job.tokens.access))
}

fn checked(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() { Ok(answer) } else { Err(error::of_call(&answer, PUBLISH)) }
}

/// Reads something that publishing needs.
pub(super) async fn get(
    cx: &Context<'_>,
    job: &Job<'_>,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Answer, Failure> {
    checked(cx.out.send(getting(job, path, query)?).await?)
}

/// Writes something to an edge of the account that nobody sees.
pub(super) async fn post(
    cx: &Context<'_>,
    job: &Job<'_>,
    edge: &str,
    form: &[(&str, &str)],
) -> Result<Answer, Failure> {
    // Instagram fetches an image before it answers.
    checked(cx.out.send(posting(job, edge, form)?.within(Duration::from_secs(28))).await?)
}

/// The answer to a GET, whatever its status.
pub(super) async fn request(
    cx: &Context<'_>,
    job: &Job<'_>,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Answer, Failure> {
    Ok(cx.out.send(getting(job, path, query)?).await?)
}

/// The answer to a POST, whatever its status.
pub(super) async fn send(
    cx: &Context<'_>,
    job: &Job<'_>,
    path: &str,
    form: &[(&str, &str)],
) -> Result<Answer, Failure> {
    let url = wire::url(&format!("https://graph.instagram.com/{VERSION}/{path}"))?;
    let call = Call::post_form(Platform::Instagram, url, form).bearer(&job.tokens.access);
    Ok(cx.out.send(call).await?)
}
