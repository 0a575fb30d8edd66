//! `POST /api/social/posts`: a draft, or a post with its time.

use cloud::http::{ApiError, Request, Response, json};
use http::StatusCode;

use super::body::PostBody;
use super::compose::{self, Author, When};
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// Creates a post: without `scheduledAt` a draft, which may be unfinished; else it is checked whole and scheduled.
///
/// # Errors
/// 400, 404 for an unknown talent or connection, 422 `media_refused` or `invalid_post`: status and code of the first error,
/// and all `problems` at once. Nothing is stored then.
#[utoipa::path(
    post, path = "/api/social/posts", operation_id = "posts.create", tag = "Posts",
    request_body = PostBody,
    responses((status = 201, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: PostBody = json(&request)?;
    let mut composed = compose::compose(app, &Author::of(&request)?, body, When::AsWritten).await?;
    composed.refuse()?;
    composed.warn(app).await;
    let views = composed.deliveries.iter().map(DeliveryView::from).collect();
    let response = view::written(StatusCode::CREATED, &composed.post, views, &composed.found)?;
    super::change::create(app, &request, &composed.post, &composed.deliveries, "post.create", &response).await?;
    super::ring(app, &composed.deliveries, request.now).await;
    Ok(response)
}
