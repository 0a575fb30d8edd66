//! `POST /api/social/posts/schedule`: the short form that existing front ends call.

use cloud::http::{ApiError, Request, Response, json};
use domain::{Platform, TalentId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::PostBody;
use super::compose::{self, Author, When};
use super::view::{DeliveryView, PostView};
use crate::App;

/// The body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// The text.
    content: String,
    /// The platforms.
    #[schema(value_type = Vec<String>)]
    platforms: Vec<Platform>,
    /// When.
    scheduled_at: String,
    /// An IANA zone.
    timezone: Option<String>,
    /// Addresses of pictures and videos.
    #[serde(default)]
    media: Vec<String>,
    /// The talent whose post it is; a talent's own needs not be named.
    #[schema(value_type = Option<String>)]
    talent_id: Option<TalentId>,
}

/// What was scheduled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scheduled {
    success: bool,
    /// The ids of the deliveries.
    job_ids: Vec<String>,
    /// The posts.
    scheduled_posts: Vec<PostView>,
}

/// Schedules a post.
///
/// # Errors
/// As `POST /api/social/posts`.
#[utoipa::path(
    post, path = "/api/social/posts/schedule", operation_id = "posts.schedule", tag = "Posts",
    request_body = Schedule,
    responses((status = 200, body = Scheduled), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: Schedule = json(&request)?;
    let body = PostBody {
        content: body.content,
        platforms: body.platforms,
        scheduled_at: Some(body.scheduled_at),
        timezone: body.timezone,
        media_urls: body.media,
        talent_id: body.talent_id,
        ..PostBody::default()
    };
    let mut composed = compose::compose(app, &Author::of(&request)?, body, When::AsWritten).await?;
    composed.refuse()?;
    composed.warn(app).await;
    let views = composed.deliveries.iter().map(DeliveryView::from).collect();
    let response = Response::ok(&Scheduled {
        success: true,
        job_ids: composed.deliveries.iter().map(|delivery| delivery.id.to_string()).collect(),
        scheduled_posts: vec![PostView::of(&composed.post, views).warned(&composed.found)],
    })?;
    super::change::create(app, &request, &composed.post, &composed.deliveries, "post.schedule", &response).await?;
    super::ring(app, &composed.deliveries, request.now).await;
    Ok(response)
}
