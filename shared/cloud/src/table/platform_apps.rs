//! Herald's own registrations at the servers of a federated platform: made once per server and kept.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
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

/// Keeps a registration in place of none, or of the one of the client `replaces`. Of two made at the same time the first
/// stays, and both callers get it.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    table: &Table,
    platform: Platform,
    server: &str,
    app: PlatformApp,
    replaces: Option<&str>,
) -> Result<PlatformApp, StoreError> {
    let mut item: Item = serde_dynamo::to_item(&app)?;
    let pk = keys::platform_app_pk(platform, server);
    item.insert("pk".to_owned(), s(&pk));
    item.insert("sk".to_owned(), s(keys::ONLY_SK));
    item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
    // A registration serves the installation, not one tenant.
    item.insert("workspace".to_owned(), s("-"));
    let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
    let put = match replaces {
        None => put.condition_expression("attribute_not_exists(pk)"),
        Some(client_id) => put
            .condition_expression("attribute_not_exists(pk) OR client_id = :replaced")
            .expression_attribute_values(":replaced", s(client_id)),
    };
    match put.send().await {
        Ok(_) => Ok(app),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Ok(get(table, platform, server).await?.unwrap_or(app))
            }
            _ => Err(error.into()),
        },
    }
}

/// Forgets the registration of the client `client_id`; another one that stands there meanwhile stays.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(table: &Table, platform: Platform, server: &str, client_id: &str) -> Result<(), StoreError> {
    let sent = table
        .client
        .delete_item()
        .table_name(&table.name)
        .key("pk", s(keys::platform_app_pk(platform, server)))
        .key("sk", s(keys::ONLY_SK))
        .condition_expression("client_id = :refused")
        .expression_attribute_values(":refused", s(client_id));
    match sent.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(error.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    fn app(client_id: &str) -> PlatformApp {
        let sealed = serde_json::json!({"v": 1, "key_version": "k", "wrapped_key": "", "nonce": "", "data": ""});
        PlatformApp {
            client_id: client_id.to_owned(),
            sealed: serde_json::from_value(sealed).unwrap(),
            redirect_uri: "https://h.example/back".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_registration_that_came_in_between_is_neither_forgotten_nor_replaced() {
        let (table, platform, server) = (table().await, Platform::Mastodon, "social.example");
        let standing = async || get(&table, platform, server).await.unwrap().map(|app| app.client_id);
        let kept = async |new: &str, replaces: Option<&str>| {
            keep(&table, platform, server, app(new), replaces).await.unwrap().client_id
        };
        assert_eq!(kept("one", None).await, "one");
        assert_eq!(kept("two", None).await, "one");
        assert_eq!(kept("two", Some("one")).await, "two");
        assert_eq!(kept("three", Some("one")).await, "two");
        forget(&table, platform, server, "one").await.unwrap();
        assert_eq!(standing().await.as_deref(), Some("two"));
        forget(&table, platform, server, "two").await.unwrap();
        forget(&table, platform, server, "two").await.unwrap();
        assert_eq!(standing().await, None);
        assert_eq!(kept("three", Some("two")).await, "three");
    }
}
