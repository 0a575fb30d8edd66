//! `PATCH /api/social/posts/{postId}`: edit or reschedule what is not at work.

use cloud::http::{ApiError, Request, Response, json};
use cloud::table::deliveries::Row;
use domain::{ConnectionId, Platform, Post, PostStatus, TalentId};
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::body::{OverrideBody, PostBody};
use super::change::{self, Step};
use super::compose::{self, When, Written};
use super::targets;
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// What changes; a field that is not there stays. `scheduledAt: null` makes it a draft again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostPatch {
    /// Must be the post's own.
    #[schema(value_type = Option<String>)]
    talent_id: Option<TalentId>,
    /// The shared text.
    content: Option<String>,
    /// Platforms; with `connectionIds` they replace the accounts.
    #[schema(value_type = Option<Vec<String>>)]
    platforms: Option<Vec<Platform>>,
    /// Accounts; with `platforms` they replace the accounts.
    #[schema(value_type = Option<Vec<String>>)]
    connection_ids: Option<Vec<ConnectionId>>,
    /// The shared files.
    media_urls: Option<Vec<String>>,
    /// When; `null` for a draft.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    scheduled_at: Option<Option<String>>,
    /// The zone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    timezone: Option<Option<String>>,
    /// The campaign.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    campaign: Option<Option<String>>,
    /// Hashtags.
    hashtags: Option<Vec<String>>,
    /// What differs per platform, all of it.
    #[schema(value_type = Option<BTreeMap<String, OverrideBody>>)]
    overrides: Option<BTreeMap<Platform, OverrideBody>>,
    /// Options, all of them.
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    options: Option<BTreeMap<Platform, Map<String, Value>>>,
    /// How late it may go out.
    late_after_minutes: Option<u32>,
}

/// `null` is something else than absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Edits or reschedules a post.
///
/// # Errors
/// 428 without `If-Match`, 412 when it is not the post's version, 409 when the post is at work or out, and everything
/// that `POST /api/social/posts` may refuse with. Nothing is changed then.
#[utoipa::path(
    patch, path = "/api/social/posts/{postId}", operation_id = "posts.update", tag = "Posts",
    params(("postId" = String, Path, description = "The post"), ("If-Match" = String, Header, description = "The ETag of the post as it was read")),
    request_body = PostPatch,
    responses((status = 200, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let patch: PostPatch = json(&request)?;
    let Some(expected) = request.header("if-match") else {
        return Err(ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if_match_required",
            "Send If-Match with the post's ETag, so that nobody's change is lost.",
        ));
    };
    let (post, rows) = super::find(app, &request).await?;
    if !matches!(post.status, PostStatus::Draft | PostStatus::Scheduled) {
        return Err(super::at_work(&post));
    }
    if expected.trim() != "*"
        && !expected.split(',').any(|tag| tag.trim().trim_start_matches("W/") == view::etag(&post))
    {
        return Err(ApiError::stale());
    }
    compose::same_talent(&post, patch.talent_id.as_ref())?;
    let body = patched(&post, patch);
    let id = post.id.clone();
    let edit = Edit { post, rows, body, when: When::AsWritten, action: "post.update", status: StatusCode::OK };
    if let Some(response) = write(app, &request, edit).await? {
        return Ok(response);
    }
    // Someone was faster: a worker, whose state the person is told, or another person, whose change must be read.
    let (post, rows) = super::find_by(app, &request, &id).await?;
    let begun = rows.iter().any(|row| row.claims > 0);
    if begun || !matches!(post.status, PostStatus::Draft | PostStatus::Scheduled) {
        let mut seen = post;
        if begun && seen.status == PostStatus::Scheduled {
            seen.status = PostStatus::Queued;
        }
        return Err(super::at_work(&seen));
    }
    Err(ApiError::stale())
}

/// A stored post as the body that would make it.
#[must_use]
pub fn body_of(post: &Post) -> PostBody {
    PostBody {
        talent_id: Some(post.talent.clone()),
        content: post.content.clone(),
        platforms: Vec::new(),
        connection_ids: post.targets.iter().map(|(connection, _)| connection.clone()).collect(),
        media_urls: post.media.iter().map(|media| media.url.clone()).collect(),
        scheduled_at: post.scheduled_at.map(|at| at.to_string()),
        timezone: post.timezone.clone(),
        campaign: post.campaign.clone(),
        hashtags: post.hashtags.clone(),
        overrides: post
            .overrides
            .iter()
            .map(|(platform, own)| {
                let media_urls = own.media.as_ref().map(|media| media.iter().map(|media| media.url.clone()).collect());
                (*platform, OverrideBody { content: own.content.clone(), media_urls })
            })
            .collect(),
        options: post.options.clone(),
        late_after_minutes: Some(post.late_after_minutes),
    }
}

fn patched(post: &Post, patch: PostPatch) -> PostBody {
    let mut body = body_of(post);
    if patch.platforms.is_some() || patch.connection_ids.is_some() {
        body.platforms = patch.platforms.unwrap_or_default();
        body.connection_ids = patch.connection_ids.unwrap_or_default();
    }
    body.content = patch.content.unwrap_or(body.content);
    body.media_urls = patch.media_urls.unwrap_or(body.media_urls);
    body.scheduled_at = patch.scheduled_at.unwrap_or(body.scheduled_at);
    body.timezone = patch.timezone.unwrap_or(body.timezone);
    body.campaign = patch.campaign.unwrap_or(body.campaign);
    body.hashtags = patch.hashtags.unwrap_or(body.hashtags);
    body.overrides = patch.overrides.unwrap_or(body.overrides);
    body.options = patch.options.unwrap_or(body.options);
    body.late_after_minutes = patch.late_after_minutes.or(body.late_after_minutes);
    body
}

/// A change of a stored post that is not at work.
pub struct Edit {
    /// The post as it was read.
    pub post: Post,
    /// Its deliveries as they were read.
    pub rows: Vec<Row>,
    /// What it becomes.
    pub body: PostBody,
    /// When it goes out.
    pub when: When,
    /// The word in the audit log.
    pub action: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
}

/// Writes the change; `None` when a worker or another person was faster, and then nothing was written.
///
/// # Errors
/// As [`handle`].
pub async fn write(app: &App, request: &Request, edit: Edit) -> Result<Option<Response>, ApiError> {
    let Edit { mut post, rows, mut body, when, action, status } = edit;
    let now = request.now;
    let mut found = body.problems();
    body.dedup();
    let unchanged = post.scheduled_at.filter(|at| body.scheduled_at == Some(at.to_string()) && when == When::AsWritten);
    // A time that stays needs no second check: it may be near, or just past.
    let time = match unchanged {
        Some(at) => compose::time(&PostBody { scheduled_at: None, ..body.clone() }, when, now).map(|_| Some(at)),
        None => compose::time(&body, when, now),
    };
    let at = time.unwrap_or_else(|wrong| {
        found.extend(wrong);
        None
    });
    let caller = request.caller()?;
    let targets = targets::of(app, caller, &post.talent, &body.platforms, &body.connection_ids).await?;
    post.late_after_minutes = body.late();
    let mut composed = compose::write_into(app, post, Written { body, when, at, now }, targets, found).await?;
    composed.refuse()?;
    composed.warn(app).await;
    let mut post = composed.post;
    let mut steps: Vec<Step<'_>> = Vec::new();
    for delivery in &composed.deliveries {
        steps.push(match rows.iter().find(|row| row.delivery.id == delivery.id) {
            Some(row) => Step::Becomes(row, delivery.clone()),
            None => Step::New(delivery.clone()),
        });
    }
    let gone = rows.iter().filter(|row| composed.deliveries.iter().all(|kept| kept.id != row.delivery.id));
    steps.extend(gone.map(Step::Goes));
    if steps.len() > 90 {
        return Err(ApiError::invalid("Too many accounts change at once. Change fewer at a time."));
    }
    let views = || composed.deliveries.iter().map(DeliveryView::from).collect();
    let written = change::update(app, request, &mut post, &steps, None, action, |post| {
        view::written(status, post, views(), &composed.found)
    })
    .await?;
    if written.is_some() {
        super::ring(app, &composed.deliveries, request.now).await;
    }
    Ok(written)
}
