//! Posts: one file per route, and what several of them need.

pub mod archive;
pub mod body;
pub mod bulk;
pub mod bulk_report;
pub mod cancel;
pub mod change;
pub mod check;
pub mod compose;
pub mod create;
pub mod files;
pub mod found;
pub mod get;
pub mod limits;
pub mod list;
pub mod publish;
pub mod remove;
pub mod resolve;
pub mod retry;
pub mod schedule;
pub mod targets;
pub mod tell;
pub mod update;
pub mod validate;
pub mod view;
pub mod warnings;

use cloud::doorbell;
use cloud::http::{ApiError, Request};
use cloud::table::deliveries::{Delivery, Row};
use cloud::table::posts;
use cloud::work;
use domain::due::NEAR;
use domain::{DeliveryId, Post, PostId};
use jiff::Timestamp;

use crate::App;

/// The post that the path names, with its deliveries, if the caller may see it.
///
/// # Errors
/// 404.
pub async fn find(app: &App, request: &Request) -> Result<(Post, Vec<Row>), ApiError> {
    let text = request.path_parameters.get("postId").map(String::as_str).unwrap_or_default();
    let id = PostId::parse(text).map_err(|_| ApiError::not_found("post"))?;
    find_by(app, request, &id).await
}

/// The post `id`, with its deliveries, if the caller may see it.
///
/// # Errors
/// 404.
pub async fn find_by(app: &App, request: &Request, id: &PostId) -> Result<(Post, Vec<Row>), ApiError> {
    let caller = request.caller()?;
    let found = posts::get_whole(&app.table, &caller.workspace, id).await?;
    found.filter(|(post, _)| caller.may_act_for(&post.talent)).ok_or_else(|| ApiError::not_found("post"))
}

/// The delivery that the path names.
///
/// # Errors
/// 404: an id of no possible delivery names none.
pub fn delivery_id(request: &Request) -> Result<DeliveryId, ApiError> {
    let text = request.path_parameters.get("deliveryId").map(String::as_str).unwrap_or_default();
    DeliveryId::parse(text).map_err(|_| ApiError::not_found("delivery"))
}

/// Rings for deliveries whose time is near, best effort: the rows are committed, so a lost ring costs at most a minute.
pub async fn ring(app: &App, deliveries: &[Delivery], now: Timestamp) {
    let rings: Vec<_> = deliveries
        .iter()
        .filter_map(|delivery| {
            let at = delivery.due_at()?;
            (now.duration_until(at) < NEAR).then(|| (delivery.ring(), work::lead_delay(at, now)))
        })
        .collect();
    match rings.as_slice() {
        [] => {}
        [(ring, delay)] => doorbell::ring(app.doorbell.as_ref(), ring.clone(), *delay).await,
        [(first, _), ..] => {
            if let Err(error) = app.doorbell.ring_all(first.kind, &rings).await {
                tracing::warn!(%error, count = rings.len(), "rings lost; ring_due will ring again");
            }
        }
    }
}

/// What a post that is at work answers to a change: the state is in the sentence.
#[must_use]
pub fn at_work(post: &Post) -> ApiError {
    ApiError::conflict("post_not_editable", format!("The post is {} and cannot be changed.", post.status.as_str()))
}
