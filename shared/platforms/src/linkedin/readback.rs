//! Finding a page's submission whose outcome is not known. Members' posts cannot be listed.

use std::time::Duration;

use domain::{Failure, Kind};

use super::api::{self, ORGANIZATION};
use super::facts::READ_PAGE;
use super::rest::{self, encoded};
use super::{little, publish_api, upload};
use crate::compose;
use crate::kit::Context;
use crate::publish::{Found, Job, PostRef, Stop};
use crate::readback::nearest;

/// How many posts or comments a page has.
const COUNT: usize = 100;
/// How many pages are looked through.
const PAGES: usize = 5;
/// When to look at a post that is still being made.
const LOOK: Duration = Duration::from_secs(5);
/// The name in the progress of a post that was found while it was being made.
pub(super) const POST: &str = "post";
/// Set when LinkedIn has named a post as the same that cannot be read.
const GHOST: &str = "ghost";

/// The account, where it is a page whose posts may be listed.
fn page<'a>(job: &Job<'a>) -> Option<&'a str> {
    let readable = job.tokens.scopes.is_empty() || job.tokens.scopes.iter().any(|scope| scope == READ_PAGE);
    job.account.platform_account_id.filter(|id| readable && id.starts_with(ORGANIZATION))
}

/// Looks for the post among the page's newest.
pub(super) async fn post(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    let Some(author) = page(job) else { return Ok(Found::CannotTell) };
    let (since, files) = (job.since(), upload::urns(job.progress, job.draft.media.len()).unwrap_or_default());
    let text = canonical(&little::plain(&little::compose_text(&job.draft.text)));
    let is_it = |post: &api::Post| {
        let stands = matches!(post.lifecycle_state.as_str(), "PUBLISHED" | "PUBLISH_REQUESTED");
        // A file is in no other post than its own.
        let same = if files.is_empty() {
            job.draft.media.is_empty() && post.media().is_empty() && canonical(&post.text()) == text
        } else {
            post.media() == files
        };
        stands && post.at().is_some_and(|at| at >= since) && same
    };
    let (mut ours, mut complete) = (Vec::new(), false);
    for page in 0..PAGES {
        let start = page * COUNT;
        let path = format!("posts?author={}&q=author&count={COUNT}&start={start}&sortBy=CREATED", encoded(author));
        let answer = match rest::find(cx, job.tokens, &path, READ_PAGE).await {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::CannotTell),
            answered => answered?,
        };
        let posts = api::posts(&answer)?;
        complete = posts.len() < COUNT || posts.iter().any(|post| post.at().is_some_and(|at| at < since));
        ours.extend(posts.into_iter().filter(is_it));
        if complete {
            break;
        }
    }
    Ok(match nearest(ours, api::Post::at, job.intent()) {
        Some(found) if found.lifecycle_state == "PUBLISHED" => Found::Published(reference(&found)),
        Some(found) => Found::Processing { progress: job.progress.clone().with(POST, found.id.as_str()), wait: LOOK },
        // LinkedIn says that it is there, and shows it nowhere.
        None if job.progress.get(GHOST).is_some() => Found::CannotTell,
        // What lies beyond has not been looked at.
        None if !complete => Found::CannotTell,
        None => Found::Absent(job.progress.clone()),
    })
}

/// Whether the account's posts may be listed at all.
pub(super) fn can_read(job: &Job<'_>) -> bool {
    page(job).is_some()
}

/// Whether the post that LinkedIn names as the same is there and ours: the rule goes on for a day or two after a post
/// was deleted, and then names one that is gone.
pub(super) async fn is_ours(cx: &Context<'_>, job: &Job<'_>, urn: &str) -> bool {
    let Ok(answer) = rest::get(cx, job.tokens, &format!("posts/{}", encoded(urn)), READ_PAGE).await else {
        return false;
    };
    answer.json::<api::Post>().is_ok_and(|post| {
        post.lifecycle_state == "PUBLISHED"
            && post.at().is_some_and(|at| at >= job.since())
            && post.is_by(job.account.platform_account_id)
    })
}

/// A refusal as the same when something of this content was sent before and the post that is named cannot be read:
/// nobody can tell which of the two is true, so it is left open.
pub(super) async fn left_open(job: &Job<'_>, failure: Failure) -> Stop {
    if let Err(lost) = job.lease.keep(&job.progress.clone().with(GHOST, "1"), Duration::ZERO).await {
        return lost.into();
    }
    let words = "LinkedIn says that the same post is there already, and it cannot be read.";
    Failure { kind: Kind::ProviderDown, existing: None, ..failure }
        .said(Some(words.to_owned()), Some("DUPLICATE_POST".to_owned()))
        .maybe_applied()
        .into()
}

/// Looks for the page's own comment under a post.
pub(super) async fn comment(cx: &Context<'_>, job: &Job<'_>, post: &PostRef, text: &str) -> Result<Found, Failure> {
    let Some(actor) = page(job) else { return Ok(Found::CannotTell) };
    let (since, text) = (job.since(), canonical(text));
    let (mut ours, mut complete) = (Vec::new(), false);
    for page in 0..PAGES {
        let path = format!("socialActions/{}/comments?start={}&count={COUNT}", encoded(&post.id), page * COUNT);
        let answer = match rest::get(cx, job.tokens, &path, READ_PAGE).await {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::CannotTell),
            answered => answered?,
        };
        let comments = publish_api::comments(&answer)?;
        // Nobody states their order, so all are read.
        complete = comments.len() < COUNT;
        ours.extend(comments.into_iter().filter(|comment| {
            comment.actor == actor && comment.at.is_some_and(|at| at >= since) && canonical(&comment.text) == text
        }));
        if complete {
            break;
        }
    }
    Ok(match nearest(ours, |comment| comment.at, job.intent()) {
        Some(comment) => {
            Found::Published(PostRef { id: comment.id, url: None, posted_at: comment.at, extra: Default::default() })
        }
        None if !complete => Found::CannotTell,
        None => Found::Absent(job.progress.clone()),
    })
}

/// A post as the worker knows it.
pub(super) fn reference(post: &api::Post) -> PostRef {
    PostRef { id: post.id.clone(), url: Some(api::address(&post.id)), posted_at: post.at(), extra: Default::default() }
}

/// Words in the form in which what was sent and what is shown are one.
fn canonical(text: &str) -> String {
    compose::nfc(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
