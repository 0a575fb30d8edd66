//! A connection whose consent is gone: it says so, and its owner is told.

use std::collections::HashMap;

use cloud::doorbell;
use cloud::table::events::{self, Event};
use cloud::table::tokens::TokensRow;
use cloud::table::{StoreError, Transaction, keys, n, s};
use domain::sync::SyncError;
use domain::{Connection, ConnectionId, Platform, SyncErrorCode, SyncStatus, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde_json::json;

use crate::App;

/// Whose consent is gone.
#[derive(Debug, Clone, Copy)]
pub struct Gone<'a> {
    /// The workspace.
    pub workspace: &'a WorkspaceId,
    /// The talent.
    pub talent: &'a TalentId,
    /// The connection.
    pub connection: &'a ConnectionId,
    /// Its platform.
    pub platform: Platform,
}

impl<'a> From<&'a Connection> for Gone<'a> {
    fn from(connection: &'a Connection) -> Self {
        Self {
            workspace: &connection.workspace,
            talent: &connection.talent,
            connection: &connection.id,
            platform: connection.platform,
        }
    }
}

/// Adds to a transaction what a dead consent means: the connection in ERROR (label `connection`), nothing due there, and
/// the event `connection.needs_reconnect` (label `event`).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn add<'t>(
    transaction: Transaction<'t>,
    app: &App,
    gone: Gone<'_>,
    now: Timestamp,
) -> Result<(Transaction<'t>, Event), StoreError> {
    let error = cloud::table::json(&SyncError::of(SyncErrorCode::TokenExpired))?;
    let status = s(SyncStatus::Error.as_str());
    let (pk, sk) = (keys::talent_pk(gone.workspace, gone.talent), keys::connection_sk(gone.connection));
    let transaction = transaction.update(
        "connection",
        (&pk, &sk),
        "SET sync_status = :error, sync_error = :why, next_retry_at = :none, attempts = :zero, claims = :zero, \
         fence = fence + :one, updated_at = :now REMOVE due, due_at",
        Some("attribute_exists(pk)"),
        HashMap::new(),
        HashMap::from([
            (":error".to_owned(), status),
            (":why".to_owned(), error),
            (":none".to_owned(), aws_sdk_dynamodb::types::AttributeValue::Null(true)),
            (":zero".to_owned(), n(0)),
            (":one".to_owned(), n(1)),
            (":now".to_owned(), s(now.to_string())),
        ]),
    )?;
    let event = Event {
        id: format!("evt_{}_{}_reconnect", gone.connection, now.as_millisecond()),
        name: "connection.needs_reconnect".to_owned(),
        workspace: gone.workspace.clone(),
        at: now,
        detail: json!({
            "connectionId": gone.connection.as_str(),
            "talentId": gone.talent.as_str(),
            "platform": gone.platform.as_str(),
        }),
    };
    Ok((events::add(transaction, &app.table, &pk, &event)?, event))
}

/// Rings for the event, once the transaction stands.
pub async fn tell(app: &App, gone: Gone<'_>, event: &Event) {
    let pk = keys::talent_pk(gone.workspace, gone.talent);
    doorbell::ring(app.doorbell.as_ref(), events::ring(&pk, event), std::time::Duration::ZERO).await;
}

/// Sets a connection to ERROR because `refused`, its tokens, are dead; unless it says so already. False when they have been
/// replaced meanwhile: then nothing is wrong with it.
///
/// # Errors
/// [`StoreError`].
pub async fn mark(app: &App, connection: &Connection, refused: &TokensRow) -> Result<bool, StoreError> {
    let known = connection.sync_error.as_ref().is_some_and(|error| error.code == SyncErrorCode::TokenExpired);
    if known {
        return Ok(true);
    }
    let gone = Gone::from(connection);
    let tokens = keys::connection_pk(gone.workspace, gone.connection);
    let same = HashMap::from([(":fence".to_owned(), n(refused.fence))]);
    let checked = app.table.transaction().check("tokens", (&tokens, keys::TOKENS_SK), "fence = :fence", same)?;
    let (transaction, event) = add(checked, app, gone, app.now())?;
    let outcome = transaction.commit().await?;
    if outcome.is_done() {
        tell(app, gone, &event).await;
    }
    Ok(outcome.refusal("tokens").is_none())
}
