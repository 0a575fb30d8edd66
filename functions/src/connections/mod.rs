//! Linked accounts: one file per route.

pub mod connect_manual;
pub mod disconnect;
pub mod hand_over;
pub mod list;
pub mod pause;
pub mod remove;
pub mod resume;
pub mod sync;

use cloud::audit::Audit;
use cloud::doorbell::{self, Ring};
use cloud::http::{ApiError, Request, Response};
use cloud::table::connections::{self, Change, Row};
use cloud::table::{Outcome, Transaction};
use domain::{Connection, ConnectionId};

use crate::App;
use crate::view::ConnectionView;

/// The connection of a request, if the caller may act for its talent.
///
/// # Errors
/// 404, also for one of another workspace or talent: whether it exists there is nobody's business here.
pub async fn find(app: &App, request: &Request, id: &ConnectionId) -> Result<Row, ApiError> {
    let caller = request.caller()?;
    let found = connections::get(&app.table, &caller.workspace, id).await?;
    // Rights are read from the row, never from the text of the id.
    found
        .filter(|row| row.connection.workspace == caller.workspace && caller.may_act_for(&row.connection.talent))
        .ok_or_else(|| ApiError::not_found("connection"))
}

/// Adds what every change carries, and commits it. `Ok(false)`: somebody changed the row in between; read it again.
async fn commit(
    request: &Request,
    transaction: Transaction<'_>,
    connection: &Connection,
    action: &'static str,
    response: &Response,
) -> Result<bool, ApiError> {
    let audit = Audit::new(
        request.caller()?,
        Some(&connection.talent),
        action,
        connection.id.as_str(),
        request.now,
        &request.request_id,
    );
    let mut transaction = audit.add(transaction)?;
    if let Some(key) = request.idempotency() {
        transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
    }
    let outcome: Outcome = transaction.commit().await?;
    if outcome.refusal("idempotency").is_some() {
        return Err(ApiError::idempotency_race());
    }
    Ok(outcome.is_done())
}

/// Answers a change that there was nothing to change for. The key is kept all the same: with another body it is refused.
async fn unchanged(app: &App, request: &Request, response: Response) -> Result<Response, ApiError> {
    let Some(key) = request.idempotency() else { return Ok(response) };
    let transaction = key.add(app.table.transaction(), response.status.as_u16(), &response.body)?;
    if transaction.commit().await?.is_done() { Ok(response) } else { Err(ApiError::idempotency_race()) }
}

/// Rings a worker for a row that was just committed.
async fn ring_now(app: &App, ring: Ring) {
    doorbell::ring(app.doorbell.as_ref(), ring, std::time::Duration::ZERO).await;
}

/// What a route answers when a row is changed by others each time it tries.
fn contended() -> ApiError {
    ApiError::unavailable("the connection is being changed by others")
}

/// How often a change is tried on a row that others change.
const TRIES: usize = 6;

/// Pauses or resumes: the two routes differ in nothing else.
async fn hold(app: &App, request: Request, change: Change) -> Result<Response, ApiError> {
    let id = request.connection_id()?;
    let pause = change == Change::Pause;
    for _ in 0..TRIES {
        let row = find(app, &request, &id).await?;
        if !row.connection.connected {
            return Err(ApiError::conflict(
                "connection_disconnected",
                "The account is disconnected. Connect it again first.",
            ));
        }
        if row.connection.paused == pause {
            return unchanged(app, &request, Response::ok(&ConnectionView::from(&row.connection))?).await;
        }
        let after = connections::changed(row.connection.clone(), change, request.now);
        let response = Response::ok(&ConnectionView::from(&after))?;
        let due = (!pause).then(|| app.first_attempt(request.now));
        let transaction = connections::update(app.table.transaction(), &app.table, &row, &after, due)?;
        let action = if pause { "connection.pause" } else { "connection.resume" };
        if commit(&request, transaction, &after, action, &response).await? {
            if let Some(at) = due {
                crate::accounts::ring_sync(app, &after, at).await;
            }
            return Ok(response);
        }
    }
    Err(contended())
}
