//! `DELETE /api/admin/socials/{connectionId}`: removes an account and everything that came from it.

use cloud::http::{ApiError, Request, Response};
use cloud::table::connections;
use cloud::table::tokens;

use super::{TRIES, commit, contended, find, ring_now};
use crate::App;
use crate::view::MessageView;

/// Removes an account: the connection at once; revocation at the platform, tokens and publications by a worker.
///
/// # Errors
/// 404.
#[utoipa::path(
    delete, path = "/api/admin/socials/{connectionId}", operation_id = "connections.remove", tag = "Connections",
    params(("connectionId" = String, Path, description = "The connection")),
    responses((status = 200, body = MessageView), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let id = request.connection_id()?;
    let response = Response::ok(&MessageView { message: "Social connection removed" })?;
    for _ in 0..TRIES {
        let row = find(app, &request, &id).await?;
        let connection = &row.connection;
        let held = tokens::get(&app.table, &connection.workspace, &id).await?;
        let transaction = connections::remove(app.table.transaction(), &app.table, &row).await?;
        let (transaction, ring) = connections::leave_to_erase(
            transaction,
            &app.table,
            connection,
            held.as_ref(),
            true,
            request.now,
            &request.request_id,
        )?;
        if commit(&request, transaction, connection, "connection.remove", &response).await? {
            ring_now(app, ring).await;
            return Ok(response);
        }
    }
    Err(contended())
}
