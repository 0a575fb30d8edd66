//! `POST /api/social/posts/publish`: now.

use cloud::http::{ApiError, Request, Response, json};
use domain::{PostId, PostStatus};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::PostBody;
use super::compose::{self, Author, When};
use super::update;
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// A stored post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stored {
    /// The draft or scheduled post that goes out now.
    #[schema(value_type = String)]
    post_id: PostId,
}

/// Publishes now: a new post, or a stored draft or scheduled one.
///
/// # Errors
/// As `POST /api/social/posts`; 409 for a stored post that is at work or out.
#[utoipa::path(
    post, path = "/api/social/posts/publish", operation_id = "posts.publish", tag = "Posts",
    request_body = PostBody,
    responses((status = 202, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let stored =
        serde_json::from_slice::<serde_json::Value>(&request.body).is_ok_and(|value| value.get("postId").is_some());
    if stored {
        let body: Stored = json(&request)?;
        return publish_stored(app, &request, &body.post_id).await;
    }
    let body: PostBody = json(&request)?;
    let mut composed = compose::compose(app, &Author::of(&request)?, body, When::Now).await?;
    composed.refuse()?;
    composed.warn(app).await;
    let views = composed.deliveries.iter().map(DeliveryView::from).collect();
    let response = view::written(StatusCode::ACCEPTED, &composed.post, views, &composed.found)?;
    super::change::create(app, &request, &composed.post, &composed.deliveries, "post.publish", &response).await?;
    super::ring(app, &composed.deliveries, request.now).await;
    Ok(response)
}

async fn publish_stored(app: &App, request: &Request, id: &PostId) -> Result<Response, ApiError> {
    for _ in 0..super::change::TRIES {
        let (post, rows) = super::find_by(app, request, id).await?;
        if !matches!(post.status, PostStatus::Draft | PostStatus::Scheduled) {
            return Err(super::at_work(&post));
        }
        let body = update::body_of(&post);
        let edit =
            update::Edit { post, rows, body, when: When::Now, action: "post.publish", status: StatusCode::ACCEPTED };
        if let Some(response) = update::write(app, request, edit).await? {
            return Ok(response);
        }
    }
    Err(super::change::contended())
}
