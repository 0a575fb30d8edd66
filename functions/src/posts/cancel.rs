//! `POST /api/social/posts/{postId}/cancel`: a scheduled post becomes a draft again.

use cloud::http::{ApiError, Request, Response};
use domain::PostStatus;
use domain::delivery::DeliveryEvent;
use http::StatusCode;

use super::change::{self, Step};
use super::view::{self, PostView};
use crate::App;

/// Takes a scheduled post back. A draft stays one.
///
/// # Errors
/// 409 with the state once it is at work.
#[utoipa::path(
    post, path = "/api/social/posts/{postId}/cancel", operation_id = "posts.cancel", tag = "Posts",
    params(("postId" = String, Path, description = "The post")),
    responses((status = 200, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    for _ in 0..change::TRIES {
        let (mut post, rows) = super::find(app, &request).await?;
        if post.status == PostStatus::Draft {
            return view::answer(StatusCode::OK, &post, Vec::new());
        }
        if post.status != PostStatus::Scheduled || rows.iter().any(|row| row.claims > 0) {
            if post.status == PostStatus::Scheduled {
                post.status = PostStatus::Queued;
            }
            return Err(super::at_work(&post));
        }
        for row in &rows {
            // The state machine says whether it may be taken back; the row goes, so that a new time makes a new one.
            row.delivery.status.next(DeliveryEvent::Cancelled).map_err(|_| super::at_work(&post))?;
        }
        post.deliveries.clear();
        post.scheduled_at = None;
        post.status = post.derived();
        post.updated_at = request.now;
        let steps: Vec<Step<'_>> = rows.iter().map(Step::Goes).collect();
        let answer = |post: &domain::Post| view::answer(StatusCode::OK, post, Vec::new());
        if let Some(response) = change::update(app, &request, &mut post, &steps, None, "post.cancel", answer).await? {
            return Ok(response);
        }
    }
    Err(change::contended())
}
