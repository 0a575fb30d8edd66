//! Herald's own registrations at the servers of a federated platform: made once per server and kept.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::Platform;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, n, s};
use super::keys;
use crate::vault::Sealed;

/// A registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlatformApp {
    /// The client id.
    pub client_id: String,
    /// The client secret and anything else that came with it.
    pub sealed: Sealed,
    /// The redirect URI it was registered with; another one needs another registration.
    pub redirect_uri: String,
}

/// The registration at a server.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, platform: Platform, server: &str) -> Result<Option<PlatformApp>, StoreError> {
    let row = table.get(&keys::platform_app_pk(platform, server), keys::ONLY_SK).await?;
    Ok(row.map(serde_dynamo::from_item).transpose()?)
}

/// Keeps a registration. Of two made at the same time the first stays, and both callers get it.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    table: &Table,
    platform: Platform,
    server: &str,
    app: PlatformApp,
    replace: bool,
) -> Result<PlatformApp, StoreError> {
    let mut item: Item = serde_dynamo::to_item(&app)?;
    let pk = keys::platform_app_pk(platform, server);
    item.insert("pk".to_owned(), s(&pk));
    item.insert("sk".to_owned(), s(keys::ONLY_SK));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    // A registration serves the installation, not one tenant.
    item.insert("workspace".to_owned(), s("-"));
    if replace {
        table.put(item).await?;
        return Ok(app);
    }
    let sent = table
        .client
        .put_item()
        .table_name(&table.name)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk)");
    match sent.set_expression_attribute_values(None::<HashMap<_, _>>).send().await {
        Ok(_) => Ok(app),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Ok(get(table, platform, server).await?.unwrap_or(app))
            }
            _ => Err(error.into()),
        },
    }
}
