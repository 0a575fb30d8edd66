//! `POST /api/social/deliveries/{deliveryId}/resolve`: a person decides what nobody could prove.

use cloud::http::{ApiError, Request, Response, json};
use cloud::table::deliveries::Live;
use domain::delivery::{DeliveryError, DeliveryEvent};
use domain::{DeliveryStatus, Platform, Post};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::{self, Step};
use super::tell;
use super::view::{self, DeliveryView, PostView};
use crate::App;

/// What the person saw on the platform.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "outcome", deny_unknown_fields)]
pub enum Resolution {
    /// It is there.
    Published {
        /// Where: the address of the post. `permalink` is the same word.
        #[serde(alias = "permalink")]
        url: Option<String>,
        /// The platform's own id of it, without which nothing can follow it and it cannot be deleted from here.
        #[serde(rename = "platformPostId")]
        platform_post_id: Option<String>,
    },
    /// It is not there and shall be sent again. This is the one way that sends without a look.
    Resend,
    /// It is not there and shall stay so.
    Failed,
}

/// Decides an `unconfirmed` delivery.
///
/// # Errors
/// 400 for a `url` or a `platformPostId` that is none; 409 with the state when it is not `unconfirmed`, or just being looked at.
#[utoipa::path(
    post, path = "/api/social/deliveries/{deliveryId}/resolve", operation_id = "posts.resolve", tag = "Posts",
    params(("deliveryId" = String, Path, description = "The delivery")),
    request_body = Resolution,
    responses((status = 200, body = PostView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let id = super::delivery_id(&request)?;
    let resolution: Resolution = json(&request)?;
    let url = match &resolution {
        Resolution::Published { url: Some(url), .. } => Some(page(url)?),
        _ => None,
    };
    for _ in 0..change::TRIES {
        let (mut post, rows) = super::find_by(app, &request, id.post()).await?;
        let row = rows.iter().find(|row| row.delivery.id == id).ok_or_else(|| ApiError::not_found("delivery"))?;
        if row.delivery.status != DeliveryStatus::Unconfirmed {
            return Err(ApiError::conflict(
                "delivery_not_unconfirmed",
                format!("The delivery is {}: there is nothing to decide.", row.delivery.status.as_str()),
            ));
        }
        if row.claims > 0 {
            return Err(ApiError::conflict(
                "delivery_at_work",
                "The delivery is unconfirmed and is being looked for just now. Try again in a minute.",
            ));
        }
        let named = match &resolution {
            Resolution::Published { platform_post_id: Some(id), .. } => Some(own_id(row.delivery.platform, id)?),
            _ => None,
        };
        let now = request.now;
        let mut delivery = row.delivery.clone();
        let event = match &resolution {
            Resolution::Published { .. } => DeliveryEvent::ResolvedPublished,
            Resolution::Resend => DeliveryEvent::ResolvedResend,
            Resolution::Failed => DeliveryEvent::ResolvedFailed,
        };
        delivery.status = delivery.status.next(event).map_err(|error| ApiError::internal(error.to_string()))?;
        delivery.next_attempt_at = None;
        delivery.error = None;
        delivery.refused = false;
        match &resolution {
            Resolution::Published { .. } => {
                delivery.live = Some(Live {
                    id: named.clone().unwrap_or_default(),
                    url: url.clone(),
                    posted_at: delivery.intent_at.unwrap_or(now),
                    extra: std::collections::BTreeMap::new(),
                });
                // With its id known, what was to follow it can.
                let follows = named.is_some() && !post.draft(delivery.platform).follow_ups.is_empty();
                delivery.next_attempt_at = follows.then_some(now);
                delivery.note("resolve", "ok", now, "A person found it on the platform.");
            }
            Resolution::Failed => {
                delivery.error =
                    Some(DeliveryError::new("resolved_failed", "A person decided that it is not on the platform."));
                delivery.intent_at = None;
                delivery.note("resolve", "failed", now, "A person decided that it is not on the platform.");
            }
            Resolution::Resend => {
                let late = SignedDuration::from_mins(i64::from(post.late_after_minutes));
                delivery.scheduled_at = now;
                delivery.window_ends = now.saturating_add(late).unwrap_or(now);
                (delivery.attempts, delivery.submissions, delivery.looks) = (0, 0, 0);
                // The first intent stays: what was sent then may show up late, and is found then.
                (delivery.intent_at, delivery.doubted_at) = (None, None);
                (delivery.resent, delivery.duplicate) = (true, false);
                delivery.next_attempt_at = Some(now);
                delivery.note("resolve", "ok", now, "A person wants it sent again.");
            }
        }
        if let Some(state) = post.deliveries.iter_mut().find(|state| state.id == id) {
            state.status = delivery.status;
        }
        let before = post.status;
        post.status = post.derived();
        // What was not known is known now; what failed elsewhere has its words in its delivery.
        let others_failed = |state: &domain::post::DeliveryState| {
            state.id != id && matches!(state.status, DeliveryStatus::Failed | DeliveryStatus::Missed)
        };
        if !post.deliveries.iter().any(others_failed) {
            post.error = delivery.error.as_ref().map(|error| format!("{}: {}", delivery.platform, error.message));
        }
        if matches!(resolution, Resolution::Published { .. }) {
            post.posted_at = post.posted_at.or(delivery.live.as_ref().map(|live| live.posted_at));
        }
        post.updated_at = now;
        let again = delivery.clone();
        let steps = [Step::Becomes(row, delivery)];
        let views = || {
            let shown = |row: &cloud::table::deliveries::Row| {
                if row.delivery.id == again.id { DeliveryView::from(&again) } else { DeliveryView::of(row) }
            };
            rows.iter().map(shown).collect()
        };
        let answer = |post: &Post| view::answer(StatusCode::OK, post, views());
        let told = tell::of_status(before, post.status).map(|name| (name, &again));
        if let Some(response) =
            change::update(app, &request, &mut post, &steps, told, "delivery.resolve", answer).await?
        {
            super::ring(app, std::slice::from_ref(&again), now).await;
            return Ok(response);
        }
    }
    Err(change::contended())
}

/// The platform's own id that a person names. It becomes part of addresses that are called, so it holds nothing that has a
/// meaning there.
fn own_id(platform: Platform, text: &str) -> Result<String, ApiError> {
    let (text, record) = (text.trim(), text.trim().strip_prefix("at://"));
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':'));
    let is_one = match (platform, record) {
        (Platform::Bluesky, Some(record)) => {
            record.split('/').all(|part| !part.is_empty() && plain(&part.replace('.', "")))
        }
        // A message's number within its chat.
        (Platform::Telegram, _) => text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => plain(text),
    };
    if is_one && (1..=300).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(ApiError::invalid("platformPostId must be the platform's own id of the post."))
}

/// The public page that a person names.
fn page(text: &str) -> Result<String, ApiError> {
    let url = url::Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host() && text.len() <= 2_000);
    url.map(String::from).ok_or_else(|| ApiError::invalid("url must be the https address of the post."))
}
