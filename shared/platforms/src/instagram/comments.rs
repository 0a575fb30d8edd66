//! The first comment under a post.

use domain::{Failure, Kind};

use super::error;
use super::facts::COMMENTS;
use super::publish::{PAGES, request, send};
use super::publish_api;
use crate::kit::Context;
use crate::publish::{Found, Job, PostRef};
use crate::readback::nearest;

/// Writes the comment, once.
pub(super) async fn write(cx: &Context<'_>, job: &Job<'_>, post: &PostRef, n: usize) -> Result<PostRef, Failure> {
    let text = text(job, n)?;
    let answer = send(cx, job, &format!("{}/comments", post.id), &[("message", text)]).await?;
    if !answer.is_success() {
        return Err(error::of_comment(&answer));
    }
    let id = publish_api::created(&answer)?;
    Ok(publish_api::reference(id, None, None))
}

/// Looks for the comment among those under the post: it may stand although the answer was a refusal.
pub(super) async fn find(cx: &Context<'_>, job: &Job<'_>, post: &PostRef, n: usize) -> Result<Found, Failure> {
    let text = text(job, n)?;
    let (mut ours, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        // Newest first.
        let mut query = vec![("fields", publish_api::COMMENT_FIELDS), ("limit", "50")];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let answer = request(cx, job, &format!("{}/comments", post.id), &query).await?;
        if !answer.is_success() {
            let failure = error::of_call(&answer, COMMENTS);
            return match failure.kind {
                // The right to see comments is missing, so nothing can be said about them.
                Kind::PermissionMissing => Ok(Found::NoMeans),
                _ => Err(failure),
            };
        }
        let (page, last) = publish_api::own_comments(&answer, job, text, job.since())?;
        ours.extend(page);
        after = publish_api::next_page(&answer).filter(|_| last.is_none_or(|at| at >= job.since()));
        if after.is_none() {
            break;
        }
    }
    Ok(match nearest(ours, |comment| comment.posted_at, job.intent()) {
        Some(comment) => Found::Published(comment),
        // What lies beyond has not been looked at.
        None if after.is_some() => Found::Unclear,
        None => Found::Absent(job.progress.clone()),
    })
}

fn text<'a>(job: &Job<'a>, n: usize) -> Result<&'a str, Failure> {
    let text = job.draft.follow_ups.get(n).map(String::as_str);
    text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "no such follow-up"))
}
