//! Containers: what is prepared at Instagram before anything is published. Nobody sees them, and one that is never
//! published is gone after a day.

use std::time::Duration;

use domain::{Effect, Failure, Kind};
use jiff::Timestamp;

use super::publish::{get, post};
use super::publish_api::{self, Quota, State};
use super::rules::Shape;
use super::{FACTS, error};
use crate::kit::Context;
use crate::publish::{Job, Prepared, Progress, Stop};
use crate::wire;

/// The container of the whole post.
pub(super) const CONTAINER: &str = "container";

/// How many times in a row a container was seen in progress.
const LOOKS: &str = "looks";

/// How many containers have failed for a reason that may pass.
const REMADE: &str = "remade";

/// So many of them, and the reason does not pass.
const MOST_REMADE: u64 = 2;

/// After this time a container that is still in progress is given up. Five minutes is what Instagram tells to wait for.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A page of posts is as much of the window as one call shows; 100 posts are the most of a day.
const PAGES: usize = 3;

/// One piece of the way to a container that can be published: one is created, or one is looked at.
pub(super) async fn step(cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
    let files = job.draft.media.len();
    if Shape::of(job.draft) == Shape::Carousel && job.progress.get(CONTAINER).is_none() {
        // All are created before the first is waited for, so that Instagram works on them together.
        for n in 0..files {
            if job.progress.get(&child(n)).is_none() {
                return create(cx, job, &child(n), &publish_api::child_form(job.draft, n)).await;
            }
        }
        for n in 0..files {
            if job.progress.get(&done(n)).is_none() {
                let done = |progress: Progress| Prepared::More { progress: progress.with(&done(n), "1"), wait: None };
                return wait_for(cx, job, &child(n)).await.map(|step| step.unwrap_or_else(done));
            }
        }
    }
    if job.progress.get(CONTAINER).is_none() {
        let children: Vec<String> = (0..files).map(child).collect();
        let children: Vec<&str> = children.iter().filter_map(|name| job.progress.get(name)).collect();
        return create(cx, job, CONTAINER, &publish_api::container_form(job.draft, &children)).await;
    }
    match wait_for(cx, job, CONTAINER).await? {
        Waited::Step(step) => Ok(step),
        Waited::Ready(progress) => {
            quota(cx, job).await?;
            Ok(Prepared::Ready(progress))
        }
    }
}

fn child(n: usize) -> String {
    format!("child.{n}")
}

fn done(n: usize) -> String {
    format!("child.{n}.done")
}

fn created_at(name: &str) -> String {
    format!("{name}.at")
}

async fn create(
    cx: &Context<'_>,
    job: &Job<'_>,
    name: &str,
    form: &[(&'static str, String)],
) -> Result<Prepared, Stop> {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = post(cx, job, "media", &form).await.map_err(harmless)?;
    let id = publish_api::created(&answer).map_err(harmless)?;
    let progress = job.progress.clone().with(name, id).with(&created_at(name), cx.clock.now().as_second().to_string());
    Ok(Prepared::More { progress: without(progress, &[LOOKS]), wait: None })
}

/// What a look at a container led to.
enum Waited {
    /// It can be published, or has been.
    Ready(Progress),
    /// Something else comes first.
    Step(Prepared),
}

impl Waited {
    fn unwrap_or_else(self, ready: impl FnOnce(Progress) -> Prepared) -> Prepared {
        match self {
            Self::Ready(progress) => ready(progress),
            Self::Step(step) => step,
        }
    }
}

/// Looks at the container that stands under `name`.
async fn wait_for(cx: &Context<'_>, job: &Job<'_>, name: &str) -> Result<Waited, Stop> {
    let id = job.progress.get(name).unwrap_or_default();
    let failure = match look(cx, job, id).await {
        Ok(State::Finished | State::Published) => {
            return Ok(Waited::Ready(without(job.progress.clone(), &[LOOKS])));
        }
        Ok(State::InProgress) => return in_progress(cx, job, name),
        Ok(State::Expired) => Failure::new(Kind::ProviderDown, "container expired")
            .said(Some("The prepared post has expired at Instagram.".to_owned()), None),
        Ok(State::Error(status)) => error::of_container(&status),
        // It is gone, and another one is made.
        Err(failure) if failure.kind == Kind::NotFound => Failure { kind: Kind::ProviderDown, ..harmless(failure) },
        Err(failure) => return Err(harmless(failure).into()),
    };
    let fresh = forgotten(job.progress, name);
    let remade = job.progress.number(REMADE);
    if failure.kind == Kind::ProviderDown && remade < MOST_REMADE {
        let progress = fresh.with(REMADE, (remade + 1).to_string());
        return Ok(Waited::Step(Prepared::More { progress, wait: Some(Duration::from_secs(10)) }));
    }
    // Whoever tries again begins with a new container: the person may have put another file in the place of this one.
    job.lease.keep(&without(fresh, &[REMADE]), Duration::ZERO).await?;
    Err(failure.into())
}

fn in_progress(cx: &Context<'_>, job: &Job<'_>, name: &str) -> Result<Waited, Stop> {
    let created = Timestamp::from_second(job.progress.number(&created_at(name)).try_into().unwrap_or(0));
    let age = created.ok().and_then(|at| Duration::try_from(at.duration_until(cx.clock.now())).ok());
    if age.is_some_and(|age| age > LONGEST) {
        let words = "Instagram has not finished processing the media within an hour.";
        let failure = Failure::new(Kind::ProviderDown, "container in progress for too long");
        return Err(failure.said(Some(words.to_owned()), None).into());
    }
    let looks = job.progress.number(LOOKS);
    let progress = job.progress.clone().with(LOOKS, (looks + 1).to_string());
    Ok(Waited::Step(Prepared::More { progress, wait: Some(pause(looks)) }))
}

/// An image takes no time, a short video some seconds; once a minute is the advised pace for what takes longer.
fn pause(looks: u64) -> Duration {
    Duration::from_secs(match looks {
        0 => 2,
        1 | 2 => 5,
        3 | 4 => 10,
        5..=8 => 30,
        _ => 60,
    })
}

/// The state of a container.
pub(super) async fn look(cx: &Context<'_>, job: &Job<'_>, id: &str) -> Result<State, Failure> {
    let answer = get(cx, job, id, &[("fields", publish_api::CONTAINER_FIELDS)]).await?;
    publish_api::state(&answer)
}

/// Progress without the container under `name`; of an album that failed as a whole, without its parts as well, since
/// nothing says whether they can be used again.
pub(super) fn forgotten(progress: &Progress, name: &str) -> Progress {
    let mut progress = without(progress.clone(), &[name, &created_at(name), &format!("{name}.done"), LOOKS]);
    if name == CONTAINER {
        progress.kept.retain(|key, _| !key.starts_with("child."));
    }
    progress
}

fn without(mut progress: Progress, names: &[&str]) -> Progress {
    for name in names {
        progress.kept.remove(*name);
    }
    progress
}

/// What fails before anything is published has changed nothing that anyone sees.
pub(super) fn harmless(failure: Failure) -> Failure {
    Failure { effect: Effect::NotApplied, ..failure }
}

/// Whether the account may publish one more post now.
async fn quota(cx: &Context<'_>, job: &Job<'_>) -> Result<(), Failure> {
    let path = format!("{}/content_publishing_limit", super::publish::me(job));
    let answer = get(cx, job, &path, &[("fields", publish_api::QUOTA_FIELDS)]).await.map_err(harmless)?;
    match publish_api::quota(&answer).map_err(harmless)? {
        Some(quota) if quota.used >= quota.total => {
            let words = format!(
                "The account has used all of the posts that Instagram lets apps publish: {} in {} hours.",
                quota.total,
                quota.seconds / 3_600
            );
            let wait = free_again(cx, job, quota).await.unwrap_or(Duration::from_secs(3_600));
            Err(Failure::new(Kind::RateLimited, "publishing quota used")
                .said(Some(words), None)
                .retry_after(Some(wait)))
        }
        _ => Ok(()),
    }
}

/// When the window has moved past its oldest post. Instagram does not tell; the account's own list does, except for
/// stories.
async fn free_again(cx: &Context<'_>, job: &Job<'_>, quota: Quota) -> Option<Duration> {
    let now = cx.clock.now();
    let window = i64::try_from(quota.seconds).ok()?;
    let begin = wire::dies_at(now, -window)?;
    let mut oldest = None;
    let mut after: Option<String> = None;
    let path = format!("{}/media", super::publish::me(job));
    let size = FACTS.page_size.to_string();
    for _ in 0..PAGES {
        let mut query = vec![("fields", publish_api::RECENT_FIELDS), ("limit", size.as_str())];
        query.extend(after.as_deref().map(|after| ("after", after)));
        // A limit without a known end is better than no answer: whoever asks again in an hour is told.
        let answer = get(cx, job, &path, &query).await.ok()?;
        let page = publish_api::recent(&answer).ok()?;
        let inside = page.iter().map(|post| post.timestamp).filter(|at| *at > begin);
        oldest = inside.chain(oldest).min();
        after = publish_api::next_page(&answer);
        if after.is_none() || page.last().is_some_and(|post| post.timestamp <= begin) {
            break;
        }
    }
    // Times are told in whole seconds.
    wire::until(wire::dies_at(oldest?, window + 5)?, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_down_to_one_a_minute() {
        let total: u64 = (0..10).map(|looks| pause(looks).as_secs()).sum();
        assert_eq!((pause(0).as_secs(), pause(50).as_secs(), total), (2, 60, 212));
    }

    #[test]
    fn a_failed_part_is_made_again_alone_and_a_failed_album_from_its_beginning() {
        let progress = Progress::default()
            .with("child.0", "1")
            .with("child.0.at", "1")
            .with("child.0.done", "1")
            .with("child.1", "2")
            .with("container", "3")
            .with("looks", "4")
            .with("remade", "1");
        let left = |name| forgotten(&progress, name).kept.into_keys().collect::<Vec<_>>();
        assert_eq!(left("child.0"), ["child.1", "container", "remade"]);
        assert_eq!(left(CONTAINER), ["remade"]);
    }
}
