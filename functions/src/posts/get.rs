//! `GET /api/social/posts/{postId}`: one post, with its deliveries and what was tried.

use cloud::http::{ApiError, Request, Response};
use http::StatusCode;

use super::view::{self, DeliveryView, PostView};
use crate::App;

/// A post, with its deliveries and their attempts.
///
/// # Errors
/// 404.
#[utoipa::path(
    get, path = "/api/social/posts/{postId}", operation_id = "posts.get", tag = "Posts",
    params(("postId" = String, Path, description = "The post")),
    responses((status = 200, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let (mut post, rows) = super::find(app, &request).await?;
    // What a worker has taken is at work, even before its first write to the post.
    if post.status == domain::PostStatus::Scheduled && rows.iter().any(|row| row.claims > 0) {
        post.status = domain::PostStatus::Queued;
    }
    view::answer(StatusCode::OK, &post, rows.iter().map(DeliveryView::of).collect())
}
