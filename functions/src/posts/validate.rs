//! `POST /api/social/posts/validate`: every problem per platform, without storing anything.

use cloud::http::{ApiError, Request, Response, json};
use cloud::table::posts::{self, Of};
use domain::content::Problem;
use domain::{Post, PostStatus};
use jiff::{SignedDuration, Timestamp};

use super::body::PostBody;
use super::compose::{self, Author, Composed, When};
use super::view::{PlatformValidationView, ProblemView, ValidationView};
use crate::App;

/// Two posts to one account nearer than this clash.
const CLASH: SignedDuration = SignedDuration::from_mins(5);
/// The same text to the same account within this time is worth a warning.
const SAME_TEXT: SignedDuration = SignedDuration::from_hours(24);
/// How many of the talent's newest posts are compared.
const COMPARED: u32 = 100;

/// Checks a post as `POST /api/social/posts` would, and warns of what is allowed and may be a mistake.
///
/// # Errors
/// 400 and 404 for what cannot be read or does not exist; 422 `media_refused`.
#[utoipa::path(
    post, path = "/api/social/posts/validate", operation_id = "posts.validate", tag = "Posts",
    request_body = PostBody,
    responses((status = 200, body = ValidationView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: PostBody = json(&request)?;
    let composed = compose::compose(app, &Author::of(&request)?, body, When::AsWritten).await?;
    let warnings = warnings(app, &composed, request.now).await?;
    let mut platforms: std::collections::BTreeMap<String, PlatformValidationView> = Default::default();
    for (platform, (length, max_length)) in &composed.lengths {
        let view = PlatformValidationView { length: *length, max_length: *max_length, problems: Vec::new() };
        platforms.insert(platform.to_string(), view);
    }
    for (platform, found) in &composed.problems {
        platforms.entry(platform.to_string()).or_default().problems = found.iter().map(ProblemView::from).collect();
    }
    Response::ok(&ValidationView {
        valid: !composed.has_errors(),
        platforms,
        warnings: warnings.iter().map(ProblemView::from).collect(),
    })
}

/// The same text to the same account within a day, and another post to it within five minutes.
async fn warnings(app: &App, composed: &Composed, now: Timestamp) -> Result<Vec<Problem>, ApiError> {
    let post = &composed.post;
    let at = post.scheduled_at.unwrap_or(now);
    let of = Of::Talent(&post.talent);
    let alive = |other: &Post| !matches!(other.status, PostStatus::Draft | PostStatus::Failed | PostStatus::Archived);
    let (others, _) = posts::list(&app.table, &post.workspace, of, (None, now), COMPARED, None, alive).await?;
    let mut found = Vec::new();
    for (connection, platform) in &post.targets {
        let text = post.draft(*platform).text;
        for other in others.iter().filter(|other| other.targets.iter().any(|(id, _)| id == connection)) {
            let Some(when) = other.scheduled_at else { continue };
            let apart = at.duration_until(when).abs();
            let same = other.draft(*platform).text.trim() == text.trim() && !text.trim().is_empty();
            if same && apart <= SAME_TEXT {
                found.push(Problem::warning(
                    "same_text",
                    "content",
                    format!(
                        "The same text goes to this {platform} account within 24 hours (post {}, {when}).",
                        other.id
                    ),
                ));
            }
            if apart <= CLASH && post.scheduled_at.is_some() {
                found.push(Problem::warning(
                    "clash",
                    "scheduledAt",
                    format!(
                        "Another post goes to this {platform} account within 5 minutes (post {}, {when}).",
                        other.id
                    ),
                ));
            }
        }
    }
    Ok(found)
}
