//! `POST /api/social/posts/{postId}/archive`: put away what is over.

use cloud::http::{ApiError, Request, Response};
use domain::PostStatus;
use http::StatusCode;

use super::change;
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// Archives a post. An archived one stays so.
///
/// # Errors
/// 409 with the state for a post that is not over.
#[utoipa::path(
    post, path = "/api/social/posts/{postId}/archive", operation_id = "posts.archive", tag = "Posts",
    params(("postId" = String, Path, description = "The post")),
    responses((status = 200, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    for _ in 0..change::TRIES {
        let (mut post, rows) = super::find(app, &request).await?;
        let views = || rows.iter().map(DeliveryView::of).collect();
        match post.status {
            PostStatus::Archived => return view::answer(StatusCode::OK, &post, views()),
            PostStatus::Published | PostStatus::Partial | PostStatus::Failed => {}
            PostStatus::Draft | PostStatus::Scheduled | PostStatus::Queued => {
                return Err(ApiError::conflict(
                    "post_not_over",
                    format!("The post is {} and cannot be archived.", post.status.as_str()),
                ));
            }
        }
        post.status = PostStatus::Archived;
        post.updated_at = request.now;
        let answer = |post: &domain::Post| view::answer(StatusCode::OK, post, views());
        if let Some(response) = change::update(app, &request, &mut post, &[], None, "post.archive", answer).await? {
            return Ok(response);
        }
    }
    Err(change::contended())
}
