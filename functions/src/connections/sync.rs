//! `POST /api/admin/socials/{connectionId}/sync` and the talent's form of it: sync now; also the retry after an error.

use cloud::http::{ApiError, Request, Response};
use cloud::table::connections::{self, Change};
use domain::{Connection, SyncStatus};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{TRIES, commit, contended, find};
use crate::App;
use crate::accounts::ring_sync;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Triggered {
    /// The connection.
    connection_id: String,
    /// `SYNCING`.
    #[schema(value_type = String)]
    sync_status: SyncStatus,
    /// A sentence for the person.
    message: &'static str,
}

/// Syncs an account now. A sync that is under way is not started twice.
///
/// # Errors
/// 404; 409 `connection_paused` or `connection_disconnected`.
#[utoipa::path(
    post, path = "/api/admin/socials/{connectionId}/sync", operation_id = "connections.sync", tag = "Connections",
    params(("connectionId" = String, Path, description = "The connection")),
    responses((status = 202, body = Triggered), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let id = request.connection_id()?;
    let due = app.first_attempt(request.now);
    for _ in 0..TRIES {
        let row = find(app, &request, &id).await?;
        refuse(&row.connection)?;
        let response = Response::json(
            StatusCode::ACCEPTED,
            &Triggered {
                connection_id: id.to_string(),
                sync_status: SyncStatus::Syncing,
                message: "Sync triggered. Refreshing data...",
            },
        )?;
        let waiting = row.connection.sync_error.is_some();
        let at_work = matches!(row.connection.sync_status, SyncStatus::Pending | SyncStatus::Syncing) && !waiting;
        let (transaction, after) = if at_work {
            (app.table.transaction(), row.connection.clone())
        } else {
            let after = connections::changed(row.connection.clone(), Change::Sync, request.now);
            (connections::update(app.table.transaction(), &app.table, &row, &after, Some(due))?, after)
        };
        if commit(&request, transaction, &after, "connection.sync", &response).await? {
            ring_sync(app, &after, due).await;
            return Ok(response);
        }
    }
    Err(contended())
}

fn refuse(connection: &Connection) -> Result<(), ApiError> {
    if !connection.connected {
        return Err(ApiError::conflict(
            "connection_disconnected",
            "The account is disconnected. Connect it again first.",
        ));
    }
    if connection.paused {
        return Err(ApiError::conflict("connection_paused", "The connection is paused. Resume it first."));
    }
    Ok(())
}

/// Syncs one of the talent's own accounts now.
#[utoipa::path(
    post, path = "/api/exclusive/socials/{connectionId}/sync", operation_id = "connections.sync.own", tag = "Connections",
    params(("connectionId" = String, Path, description = "The connection")),
    responses((status = 202, body = Triggered), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn own() {}
