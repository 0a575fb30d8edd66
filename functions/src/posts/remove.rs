//! `DELETE /api/social/posts/{postId}`: removes what is not out; with `?remote=true` also from the platforms.

use cloud::http::{ApiError, Request, Response};
use cloud::table::deliveries::{self, Delivery};
use cloud::table::posts;
use domain::{DeliveryStatus, Post, PostStatus};
use http::StatusCode;

use super::change::{self, Step};
use super::view::{self, DeliveryView, NotDeletedView, PostView};
use crate::App;

/// Removes a draft, scheduled or failed post. What is out is deleted on the platforms that can, with `?remote=true`, and
/// then archived; `notDeleted` in the answer names what stays on its platform, and why.
///
/// # Errors
/// 409 with the state for a post that is at work, or out without `remote=true`.
#[utoipa::path(
    delete, path = "/api/social/posts/{postId}", operation_id = "posts.remove", tag = "Posts",
    params(
        ("postId" = String, Path, description = "The post"),
        ("remote" = Option<bool>, Query, description = "Delete what is out on the platforms that can, too")
    ),
    responses((status = 204), (status = 202, body = super::view::PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let remote = match request.query("remote") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::invalid("remote must be true or false.")),
    };
    for _ in 0..change::TRIES {
        let (post, rows) = super::find(app, &request).await?;
        let begun = rows.iter().any(|row| row.claims > 0);
        let done = match post.status {
            PostStatus::Scheduled if begun => {
                return Err(super::at_work(&Post { status: PostStatus::Queued, ..post }));
            }
            PostStatus::Draft | PostStatus::Scheduled | PostStatus::Failed => gone(app, &request, &post, &rows).await?,
            PostStatus::Queued => return Err(super::at_work(&post)),
            PostStatus::Published | PostStatus::Partial | PostStatus::Archived if remote => {
                delete_remotely(app, &request, post, &rows).await?
            }
            PostStatus::Published | PostStatus::Partial | PostStatus::Archived => {
                return Err(ApiError::conflict(
                    "post_is_out",
                    format!("The post is {}. Delete it on the platforms too with ?remote=true.", post.status.as_str()),
                ));
            }
        };
        if let Some(response) = done {
            return Ok(response);
        }
    }
    Err(change::contended())
}

async fn gone(
    app: &App,
    request: &Request,
    post: &Post,
    rows: &[deliveries::Row],
) -> Result<Option<Response>, ApiError> {
    let response = Response {
        status: StatusCode::NO_CONTENT,
        headers: Vec::new(),
        cookies: Vec::new(),
        body: String::new(),
        binary: None,
        content_type: "application/json",
    };
    let mut transaction = posts::remove(app.table.transaction(), post)?;
    for row in rows {
        transaction = deliveries::remove(transaction, row)?;
    }
    let outcome = change::commit(request, transaction, post, "post.remove", &response).await?;
    Ok(outcome.is_done().then_some(response))
}

/// Why a delivery that is out cannot be deleted from here.
fn undeletable(app: &App, delivery: &Delivery) -> Option<NotDeletedView> {
    let adapter = app.platforms.get(delivery.platform);
    let name = adapter.map_or(delivery.platform.as_str(), |adapter| adapter.facts.name);
    let deletes = adapter.and_then(|adapter| adapter.publish.as_ref()).is_some_and(|p| p.facts().deletes);
    let named = delivery.live.as_ref().is_some_and(|live| !live.id.is_empty());
    let (code, message) = match (deletes, named) {
        (true, true) => return None,
        (false, _) => (
            "platform_cannot_delete",
            format!("{name} lets no other program delete posts. It stays there: delete it on {name} itself."),
        ),
        (true, false) => (
            "post_id_unknown",
            format!("The post's id on {name} is not known. It stays there: delete it on {name} itself."),
        ),
    };
    let (delivery_id, platform) = (delivery.id.to_string(), delivery.platform.to_string());
    Some(NotDeletedView { delivery_id, platform, code, message })
}

async fn delete_remotely(
    app: &App,
    request: &Request,
    mut post: Post,
    rows: &[deliveries::Row],
) -> Result<Option<Response>, ApiError> {
    let now = request.now;
    let (mut steps, mut due, mut stays) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let delivery = &row.delivery;
        if delivery.status != DeliveryStatus::Published || delivery.removed || delivery.remove {
            continue;
        }
        if let Some(reason) = undeletable(app, delivery) {
            stays.push(reason);
            continue;
        }
        let mut changed = delivery.clone();
        changed.remove = true;
        changed.attempts = 0;
        changed.next_attempt_at = Some(now);
        due.push(changed.clone());
        steps.push(Step::Becomes(row, changed));
    }
    post.status = PostStatus::Archived;
    post.updated_at = now;
    let views = || {
        let shown = |row: &deliveries::Row| {
            due.iter().find(|d| d.id == row.delivery.id).map_or_else(|| DeliveryView::of(row), DeliveryView::from)
        };
        rows.iter().map(shown).collect()
    };
    let answer = |post: &Post| {
        let view = PostView { not_deleted: Some(stays.clone()), ..PostView::of(post, views()) };
        Ok(Response::json(StatusCode::ACCEPTED, &view)?.header("etag", view::etag(post)))
    };
    let written = change::update(app, request, &mut post, &steps, None, "post.remove_remote", answer).await?;
    if written.is_some() {
        super::ring(app, &due, now).await;
    }
    Ok(written)
}
