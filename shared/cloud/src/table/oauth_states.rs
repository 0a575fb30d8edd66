//! A consent that is under way: stored by the hash of its state, used once, for ten minutes.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{Platform, Role, Secret, SubjectId, TalentId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, millis, n, s};
use super::idempotency::hex;
use super::keys;
use crate::vault::Sealed;

/// How long a person may take to consent.
pub const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What a state fixes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OAuthState {
    /// The workspace it was started in.
    pub workspace: WorkspaceId,
    /// The talent whose account is connected.
    pub talent: TalentId,
    /// Who started it.
    pub starter: SubjectId,
    /// In which role.
    pub role: Role,
    /// The platform.
    pub platform: Platform,
    /// Where the platform sends the person back.
    pub redirect_uri: String,
    /// Where the person is sent at the end; checked against the allow-list.
    pub return_to: String,
    /// The account that the person named, or its server.
    pub handle: Option<String>,
    /// Verifier and keys.
    pub sealed: Sealed,
    /// The hash of the cookie that the callback must bring, where the start came from our own site.
    pub cookie: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
}

/// The hash under which a state or a cookie is stored.
#[must_use]
pub fn hash(secret: &Secret) -> String {
    hex(digest::digest(&digest::SHA256, secret.expose().as_bytes()).as_ref())
}

/// Stores a state.
///
/// # Errors
/// [`StoreError`].
pub async fn save(table: &Table, state: &Secret, row: &OAuthState) -> Result<(), StoreError> {
    let ends_at = row.started_at.saturating_add(LIFE).unwrap_or(row.started_at);
    let mut item: Item = serde_dynamo::to_item(row)?;
    item.insert("pk".to_owned(), s(keys::oauth_state_pk(&hash(state))));
    item.insert("sk".to_owned(), s(keys::ONLY_SK));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    item.insert("ends_at".to_owned(), millis(ends_at));
    item.insert("ttl".to_owned(), n(ends_at.as_second()));
    table.put(item).await
}

/// Consumes a state: of any number of callers, one gets it, and only in time.
///
/// # Errors
/// [`StoreError`].
pub async fn consume(table: &Table, state: &Secret, now: Timestamp) -> Result<Option<OAuthState>, StoreError> {
    let sent = table
        .client
        .delete_item()
        .table_name(&table.name)
        .key("pk", s(keys::oauth_state_pk(&hash(state))))
        .key("sk", s(keys::ONLY_SK))
        .condition_expression("attribute_exists(pk) AND ends_at > :now")
        .set_expression_attribute_values(Some(HashMap::from([(":now".to_owned(), millis(now))])))
        .return_values(ReturnValue::AllOld)
        .send()
        .await;
    match sent {
        Ok(answer) => Ok(answer.attributes.map(serde_dynamo::from_item).transpose()?),
        Err(error) => match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(None),
            _ => Err(error.into()),
        },
    }
}
