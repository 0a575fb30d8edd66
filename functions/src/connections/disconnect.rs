//! `POST /api/social/disconnect` and the talent's form of it: revoke and forget the tokens, keep the history.

use cloud::http::{ApiError, Request, Response, json};
use cloud::table::connections::{self, Change};
use cloud::table::tokens;
use domain::ConnectionId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{TRIES, commit, contended, find, ring_now, unchanged};
use crate::App;
use crate::view::ConnectionView;

/// The body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disconnect {
    /// The connection.
    connection_id: String,
}

/// Disconnects an account. One that is disconnected already stays so.
///
/// # Errors
/// 404.
#[utoipa::path(
    post, path = "/api/social/disconnect", operation_id = "connections.disconnect", tag = "Connections",
    request_body = Disconnect,
    responses((status = 200, body = ConnectionView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let body: Disconnect = json(&request)?;
    let id = ConnectionId::parse(body.connection_id).map_err(|_| ApiError::not_found("connection"))?;
    for _ in 0..TRIES {
        let row = find(app, &request, &id).await?;
        if !row.connection.connected {
            return unchanged(app, &request, Response::ok(&ConnectionView::from(&row.connection))?).await;
        }
        let held = tokens::get(&app.table, &row.connection.workspace, &id).await?;
        let after = connections::changed(row.connection.clone(), Change::Disconnect, request.now);
        let response = Response::ok(&ConnectionView::from(&after))?;
        let transaction = connections::update(app.table.transaction(), &app.table, &row, &after, None)?;
        let (transaction, ring) = match &held {
            None => (transaction, None),
            Some(_) => {
                let (transaction, ring) = connections::leave_to_erase(
                    transaction,
                    &app.table,
                    &row.connection,
                    held.as_ref(),
                    false,
                    request.now,
                    &request.request_id,
                )?;
                (transaction, Some(ring))
            }
        };
        if commit(&request, transaction, &after, "connection.disconnect", &response).await? {
            if let Some(ring) = ring {
                ring_now(app, ring).await;
            }
            return Ok(response);
        }
    }
    Err(contended())
}

/// Disconnects one of the talent's own accounts.
#[utoipa::path(
    post, path = "/api/exclusive/socials/disconnect", operation_id = "connections.disconnect.own", tag = "Connections",
    request_body = Disconnect,
    responses((status = 200, body = ConnectionView), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn own() {}
