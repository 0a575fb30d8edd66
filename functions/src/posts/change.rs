//! How a person's change of a post is written: post, deliveries, audit entry and idempotency key in one transaction.

use cloud::audit::Audit;
use cloud::doorbell;
use cloud::http::{ApiError, Request, Response};
use cloud::table::deliveries::{self, Delivery, Row};
use cloud::table::events;
use cloud::table::{Outcome, Transaction, posts};
use cloud::work::Next;
use domain::{Platform, Post};

use super::compose::Author;
use super::tell;
use crate::App;

/// How often a change is tried again when the post changed in between.
pub const TRIES: u32 = 8;

/// Adds audit entry and idempotency key, and writes all of it.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn commit(
    request: &Request,
    transaction: Transaction<'_>,
    post: &Post,
    action: &'static str,
    response: &Response,
) -> Result<Outcome, ApiError> {
    keyed(request, audited(transaction, &Author::of(request)?, post, action)?, response).await
}

fn audited<'a>(
    transaction: Transaction<'a>,
    author: &Author<'_>,
    post: &Post,
    action: &'static str,
) -> Result<Transaction<'a>, ApiError> {
    let Author { caller, now, request_id, .. } = *author;
    Ok(Audit::new(caller, Some(&post.talent), action, post.id.as_str(), now, request_id).add(transaction)?)
}

async fn keyed(request: &Request, mut transaction: Transaction<'_>, response: &Response) -> Result<Outcome, ApiError> {
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    let outcome = transaction.commit().await?;
    if outcome.refusal("idempotency").is_some() { Err(ApiError::idempotency_race()) } else { Ok(outcome) }
}

/// A new post with its deliveries and its audit entry, in a transaction (labels `post`, `delivery`, `audit`).
///
/// # Errors
/// 500 for what cannot be written down.
pub fn creation<'a>(
    app: &'a App,
    author: &Author<'_>,
    post: &Post,
    rows: &[Delivery],
    action: &'static str,
) -> Result<Transaction<'a>, ApiError> {
    let mut transaction = posts::put(app.table.transaction(), post)?;
    for delivery in rows {
        transaction = deliveries::put(transaction, &app.table, delivery)?;
    }
    audited(transaction, author, post, action)
}

/// Writes a new post with its deliveries.
///
/// # Errors
/// As [`commit`].
pub async fn create(
    app: &App,
    request: &Request,
    post: &Post,
    rows: &[Delivery],
    action: &'static str,
    response: &Response,
) -> Result<(), ApiError> {
    let transaction = creation(app, &Author::of(request)?, post, rows, action)?;
    // The id is random, so nobody else can hold it.
    if keyed(request, transaction, response).await?.is_done() { Ok(()) } else { Err(contended()) }
}

/// What a change does to one delivery.
#[derive(Debug)]
pub enum Step<'a> {
    /// It becomes this, due at its time, or not at all.
    Becomes(&'a Row, Delivery),
    /// It goes.
    Goes(&'a Row),
    /// It is new.
    New(Delivery),
}

/// Writes a changed post, what becomes of its deliveries, and the event that it is, if it is one; `None` when a worker or another person was faster.
///
/// # Errors
/// As [`commit`].
pub async fn update(
    app: &App,
    request: &Request,
    post: &mut Post,
    steps: &[Step<'_>],
    told: Option<(&str, &Delivery)>,
    action: &'static str,
    response: impl Fn(&Post) -> Result<Response, ApiError>,
) -> Result<Option<Response>, ApiError> {
    let mut transaction = posts::update(app.table.transaction(), post)?;
    for step in steps {
        transaction = match step {
            Step::Becomes(row, delivery) => {
                let next = delivery.due_at().map_or(Next::Never, Next::At);
                let decided = deliveries::decide(transaction, &app.table, row, delivery, next)?;
                // A person who names a post says whose it is.
                match delivery.live.as_ref().filter(|live| row.delivery.live.is_none() && !live.id.is_empty()) {
                    Some(live) if row.delivery.platform != Platform::Telegram => {
                        deliveries::own(decided, delivery, live, request.now)?
                    }
                    _ => decided,
                }
            }
            Step::Goes(row) => deliveries::remove(transaction, row)?,
            Step::New(delivery) => deliveries::put(transaction, &app.table, delivery)?,
        };
    }
    let pk = cloud::table::keys::post_pk(&post.workspace, &post.id);
    // Numbered by the version that the post has now.
    let event = told.map(|(name, delivery)| tell::event(name, post, delivery, request.now));
    if let Some(event) = &event {
        transaction = events::add(transaction, &app.table, &pk, event)?;
    }
    let response = response(post)?;
    let outcome = commit(request, transaction, post, action, &response).await?;
    if outcome.refusal("live").is_some() {
        let words = "That post is another delivery's already. Look whether there is a second one.";
        return Err(ApiError::conflict("post_of_another_delivery", words));
    }
    if !outcome.is_done() {
        return Ok(None);
    }
    if let Some(event) = &event {
        doorbell::ring(app.doorbell.as_ref(), events::ring(&pk, event), std::time::Duration::ZERO).await;
    }
    Ok(Some(response))
}

/// After [`TRIES`]: somebody changes the post all the time.
#[must_use]
pub fn contended() -> ApiError {
    let mut error = ApiError::unavailable("the post changed at every try");
    "The post is being changed by somebody else. Try again.".clone_into(&mut error.message);
    error
}
