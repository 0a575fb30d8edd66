//! Finding a page's submission whose outcome is not known. Members' posts cannot be listed.

use std::time::Duration;

use domain::{Failure, Kind, TokenSet};

use super::api::{self, ORGANIZATION};
use super::facts::READ_PAGE;
use super::rest::{self, encoded};
use super::{little, publish_api, upload};
use crate::compose;
use crate::kit::{Account, Context};
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
/// The intent at which LinkedIn has named a post as the same that cannot be read. It says nothing about any later one.
const GHOST: &str = "ghost";

/// The account, where it is a page whose posts may be listed. Tokens that were handed over do not say what was granted;
/// the look itself tells.
pub(super) fn page<'a>(account: &Account<'a>, tokens: &TokenSet) -> Option<&'a str> {
    let readable = tokens.scopes.is_empty() || tokens.scopes.iter().any(|scope| scope == READ_PAGE);
    account.platform_account_id.filter(|id| readable && id.starts_with(ORGANIZATION))
}

/// Whether LinkedIn says of this very submission that it is there, and shows it nowhere.
fn is_haunted(job: &Job<'_>) -> bool {
    job.progress.get(GHOST).is_some_and(|intent| intent == job.intent().to_string())
}

/// Looks for the post among the page's newest.
pub(super) async fn post(cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
    let Some(author) = page(&job.account, job.tokens) else { return Ok(Found::NoMeans) };
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
        stands && post.at().is_some_and(|at| at >= since) && same && job.may_be(&post.id)
    };
    let (mut ours, mut complete) = (Vec::new(), false);
    for page in 0..PAGES {
        let start = page * COUNT;
        let path = format!("posts?author={}&q=author&count={COUNT}&start={start}&sortBy=CREATED", encoded(author));
        let answer = match rest::find(cx, job.tokens, &path, READ_PAGE).await {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::NoMeans),
            answered => answered?,
        };
        let posts = api::posts(&answer)?;
        complete = posts.is_last(COUNT) || posts.elements.iter().any(|post| post.at().is_some_and(|at| at < since));
        ours.extend(posts.elements.into_iter().filter(is_it));
        if complete {
            break;
        }
    }
    Ok(match nearest(ours, api::Post::at, job.intent()) {
        Some(found) if found.lifecycle_state == "PUBLISHED" => Found::Published(reference(&found)),
        Some(found) => Found::Processing { progress: job.progress.clone().with(POST, found.id.as_str()), wait: LOOK },
        None if is_haunted(job) => Found::Unclear,
        // What lies beyond has not been looked at.
        None if !complete => Found::Unclear,
        None => Found::Absent(job.progress.clone()),
    })
}

/// Whether the account's posts may be listed at all.
pub(super) fn can_read(job: &Job<'_>) -> bool {
    page(&job.account, job.tokens).is_some()
}

/// Whether the post that LinkedIn names as the same is there and ours: the rule goes on for a day or two after a post
/// was deleted, and then names one that is gone.
///
/// # Errors
/// A [`Failure`] that may pass: nothing is known of the post.
pub(super) async fn is_ours(cx: &Context<'_>, job: &Job<'_>, urn: &str) -> Result<bool, Failure> {
    if !job.may_be(urn) {
        return Ok(false);
    }
    let answer = match rest::get(cx, job.tokens, &format!("posts/{}", encoded(urn)), READ_PAGE).await {
        Err(failure) if failure.may_pass() || failure.kind == Kind::TokenRejected => return Err(failure),
        Err(_) => return Ok(false),
        Ok(answer) => answer,
    };
    Ok(answer.json::<api::Post>().is_ok_and(|post| {
        post.lifecycle_state == "PUBLISHED"
            && post.at().is_some_and(|at| at >= job.since())
            && post.is_by(job.account.platform_account_id)
    }))
}

/// A refusal as the same when something of this content was sent before and the post that is named cannot be read:
/// nobody can tell which of the two is true, so it is left open.
pub(super) async fn left_open(job: &Job<'_>, failure: Failure) -> Stop {
    if let Err(lost) = job.lease.keep(&job.progress.clone().with(GHOST, job.intent().to_string()), Duration::ZERO).await
    {
        return lost.into();
    }
    unread(failure, "LinkedIn says that the same post is there already, and it cannot be read.").into()
}

/// A refusal as the same, while the post that is named cannot be asked for: a later look tells.
pub(super) fn unread(failure: Failure, words: &str) -> Failure {
    Failure { kind: Kind::ProviderDown, existing: None, ..failure }
        .said(Some(words.to_owned()), Some("DUPLICATE_POST".to_owned()))
        .maybe_applied()
}

/// Looks for the page's own comment under a post.
pub(super) async fn comment(cx: &Context<'_>, job: &Job<'_>, post: &PostRef, text: &str) -> Result<Found, Failure> {
    let Some(actor) = page(&job.account, job.tokens) else { return Ok(Found::NoMeans) };
    let (since, text) = (job.since(), canonical(text));
    let (mut ours, mut complete) = (Vec::new(), false);
    for page in 0..PAGES {
        let path = format!("socialActions/{}/comments?start={}&count={COUNT}", encoded(&post.id), page * COUNT);
        let answer = match rest::get(cx, job.tokens, &path, READ_PAGE).await {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Found::NoMeans),
            answered => answered?,
        };
        // Nobody states their order, so all are read.
        let (comments, is_last) = publish_api::comments(&answer, COUNT)?;
        complete = is_last;
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
        None if !complete => Found::Unclear,
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
