//! `POST /api/social/posts/validate`: every problem per platform, without storing anything.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response, json};
use domain::PostId;

use super::body::PostBody;
use super::compose::{self, Author, When};
use super::found;
use super::view::{PlatformValidationView, ProblemView, ValidationView};
use super::warnings;
use crate::App;

/// Checks a post as `POST /api/social/posts` would, and warns of what is allowed and may be a mistake.
///
/// # Errors
/// 400 for a body that is no post at all: not JSON, an unknown field, a value of another type; 404 for a talent that the caller
/// does not see. Everything else is an answer.
#[utoipa::path(
    post, path = "/api/social/posts/validate", operation_id = "posts.validate", tag = "Posts",
    params(("postId" = Option<String>, Query, description = "The post that is being edited: it is not warned of")),
    request_body = PostBody,
    responses((status = 200, body = ValidationView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: PostBody = json(&request)?;
    let edited = request.query("postId").map(PostId::parse).transpose().map_err(|_| ApiError::not_found("post"))?;
    let composed = compose::compose(app, &Author::of(&request)?, body, When::AsWritten).await?;
    if composed.found.iter().any(|found| found.problem.code == "talent_not_found") {
        return Err(ApiError::not_found("talent"));
    }
    let at = composed.post.scheduled_at.unwrap_or(request.now);
    let warnings = warnings::of(app, &composed.post, at, edited.as_ref()).await?;
    let mut platforms: BTreeMap<String, PlatformValidationView> = BTreeMap::new();
    for (platform, (length, max_length)) in &composed.lengths {
        let view = PlatformValidationView { length: *length, max_length: *max_length, problems: Vec::new() };
        platforms.insert(platform.to_string(), view);
    }
    for (platform, found) in composed.found.iter().filter_map(|found| Some((found.platform?, found))) {
        platforms.entry(platform.to_string()).or_default().problems.push(ProblemView::from(found));
    }
    Response::ok(&ValidationView {
        valid: !composed.has_errors(),
        platforms,
        problems: found::views(&[composed.found.as_slice(), warnings.as_slice()].concat()),
        warnings: found::views(&warnings),
    })
}
