//! `POST /api/social/posts/{postId}/retry`: the failed and missed deliveries again.

use cloud::http::{ApiError, Request, Response};
use domain::delivery::DeliveryEvent;
use domain::{DeliveryStatus, Post, PostStatus};
use http::StatusCode;
use jiff::SignedDuration;

use super::change::{self, Step};
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// Tries the failed and missed deliveries again, now. Where a submission was ever sent without a known outcome, the
/// platform is looked at first; only what is not there is sent.
///
/// # Errors
/// 409 with the state when nothing has failed.
#[utoipa::path(
    post, path = "/api/social/posts/{postId}/retry", operation_id = "posts.retry", tag = "Posts",
    params(("postId" = String, Path, description = "The post")),
    responses((status = 202, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    for _ in 0..change::TRIES {
        let (mut post, rows) = super::find(app, &request).await?;
        if !matches!(post.status, PostStatus::Failed | PostStatus::Partial) {
            return Err(ApiError::conflict(
                "nothing_to_retry",
                format!("The post is {}: nothing of it has failed.", post.status.as_str()),
            ));
        }
        let now = request.now;
        let late = SignedDuration::from_mins(i64::from(post.late_after_minutes));
        let (mut steps, mut again) = (Vec::new(), Vec::new());
        for row in &rows {
            if !matches!(row.delivery.status, DeliveryStatus::Failed | DeliveryStatus::Missed) {
                continue;
            }
            let mut delivery = row.delivery.clone();
            delivery.status = transition(delivery.status)?;
            delivery.scheduled_at = now;
            delivery.window_ends = now.saturating_add(late).unwrap_or(now);
            (delivery.attempts, delivery.submissions, delivery.looks) = (0, 0, 0);
            delivery.first_intent_at = delivery.first_intent_at.or(delivery.intent_at);
            delivery.doubted_at = None;
            (delivery.duplicate, delivery.refused) = (false, false);
            delivery.error = None;
            delivery.next_attempt_at = Some(now);
            let state = post.deliveries.iter_mut().find(|state| state.id == delivery.id);
            if let Some(state) = state {
                (state.status, state.begun) = (delivery.status, true);
            }
            again.push(delivery.clone());
            steps.push(Step::Becomes(row, delivery));
        }
        post.status = post.derived();
        post.error = None;
        post.updated_at = now;
        let views = || {
            let shown = |row: &cloud::table::deliveries::Row| {
                again.iter().find(|d| d.id == row.delivery.id).map_or_else(|| DeliveryView::of(row), DeliveryView::from)
            };
            rows.iter().map(shown).collect()
        };
        let answer = |post: &Post| view::answer(StatusCode::ACCEPTED, post, views());
        if let Some(response) = change::update(app, &request, &mut post, &steps, None, "post.retry", answer).await? {
            super::ring(app, &again, now).await;
            return Ok(response);
        }
    }
    Err(change::contended())
}

fn transition(status: DeliveryStatus) -> Result<DeliveryStatus, ApiError> {
    status.next(DeliveryEvent::Retried).map_err(|error| ApiError::internal(error.to_string()))
}
