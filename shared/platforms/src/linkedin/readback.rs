//! Finding a page's submission whose outcome is not known. Members' posts cannot be listed.

use domain::{Failure, Kind};
use jiff::{SignedDuration, Timestamp};

use super::api::{self, ORGANIZATION};
use super::facts::READ_PAGE;
use super::rest::{self, encoded};
use super::{publish_api, upload};
use crate::compose;
use crate::kit::Context;
use crate::publish::{Found, Job, PostRef};

/// A post is never older than its intent by more than the clocks differ.
const BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// How many posts are looked through.
const COUNT: usize = 100;
/// When to look at a post that is still being made.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);
/// The name in the progress of a post that was found while it was being made.
pub(super) const POST: &str = "post";

/// The earliest time that a submission of this intent can have.
fn since(job: &Job<'_>) -> Timestamp {
    job.intent_at.unwrap_or(job.started_at).saturating_sub(BEFORE).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The account, where it is a page whose posts may be listed.
fn page<'a>(job: &Job<'a>) -> Option<&'a str> {
    let readable = job.tokens.scopes.is_empty() || job.tokens.scopes.iter().any(|scope| scope == READ_PAGE);
    job.account.platform_account_id.filter(|id| readable && id.starts_with(ORGANIZATION))
}

/// Looks for the post among the page's newest.
pub(super) async fn post(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    let Some(author) = page(job) else { return Ok(Found::CannotTell) };
    let path = format!("posts?author={}&q=author&count={COUNT}&start=0&sortBy=CREATED", encoded(author));
    let answer = match rest::find(cx, job.tokens, &path, READ_PAGE).await {
        Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::CannotTell),
        answered => answered?,
    };
    let posts = api::posts(&answer)?;
    let (since, files) = (since(job), upload::urns(job.progress, job.draft.media.len()).unwrap_or_default());
    let text = canonical(&job.draft.text);
    let is_it = |post: &&api::Post| {
        let stands = matches!(post.lifecycle_state.as_str(), "PUBLISHED" | "PUBLISH_REQUESTED");
        // A file is in no other post than its own.
        let same = if files.is_empty() {
            job.draft.media.is_empty() && post.media().is_empty() && canonical(&post.text()) == text
        } else {
            post.media() == files
        };
        stands && post.at().is_some_and(|at| at >= since) && same
    };
    // Newest first; if there are two, the older one was the first to be made.
    match posts.iter().rfind(is_it) {
        Some(found) if found.lifecycle_state == "PUBLISHED" => Ok(Found::Published(reference(found))),
        Some(found) => {
            Ok(Found::Processing { progress: job.progress.clone().with(POST, found.id.as_str()), wait: LOOK })
        }
        // More than a list of posts since then: what lies beyond has not been looked at.
        None if posts.len() >= COUNT && posts.iter().all(|post| post.at().is_none_or(|at| at >= since)) => {
            Ok(Found::CannotTell)
        }
        None => Ok(Found::Absent(job.progress.clone())),
    }
}

/// Looks for the page's own comment under a post.
pub(super) async fn comment(cx: &Context<'_>, job: &Job<'_>, post: &PostRef, text: &str) -> Result<Found, Failure> {
    let Some(actor) = page(job) else { return Ok(Found::CannotTell) };
    let path = format!("socialActions/{}/comments?start=0&count={COUNT}", encoded(&post.id));
    let answer = match rest::get(cx, job.tokens, &path, READ_PAGE).await {
        Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::CannotTell),
        answered => answered?,
    };
    let (comments, since, text) = (publish_api::comments(&answer)?, since(job), canonical(text));
    let found = comments.iter().find(|comment| {
        comment.actor == actor && comment.at.is_some_and(|at| at >= since) && canonical(&comment.text) == text
    });
    Ok(match found {
        Some(comment) => Found::Published(PostRef {
            id: comment.id.clone(),
            url: None,
            posted_at: comment.at,
            extra: Default::default(),
        }),
        None if comments.len() >= COUNT => Found::CannotTell,
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
