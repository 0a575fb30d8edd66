//! The SDK client with what every row needs.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row as the SDK carries it.
pub type Item = HashMap<String, AttributeValue>;

/// The table could not answer, or holds a row that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Throttled, in conflict or out of reach, after the retries. May pass.
    #[error("the table cannot answer: {0}")]
    Unavailable(String),
    /// A row that cannot be read is an error, not a default; and one that the table refuses to hold.
    #[error("a row makes no sense: {0}")]
    Malformed(String),
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    fn from(error: SdkError<E, R>) -> Self {
        // A row that is too large, a key that is too long: no repetition helps.
        let refused = error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ValidationException");
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error as &dyn std::error::Error);
        // The causes name the operation's own error; without them the text is only "service error".
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        if refused { Self::Malformed(text) } else { Self::Unavailable(text) }
    }
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<aws_sdk_dynamodb::error::BuildError> for StoreError {
    fn from(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The table by name.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// How many shards of the `due` index each kind of work has (`HERALD_DUE_SHARDS`); only ever increased.
    pub(crate) due_shards: u32,
}

impl Table {
    /// The table `name`.
    #[must_use]
    pub fn new(client: Client, name: String, due_shards: u32) -> Self {
        Self { client, name, due_shards }
    }

    /// How many shards of the `due` index each kind of work has.
    #[must_use]
    pub fn due_shards(&self) -> u32 {
        self.due_shards
    }

    /// One row, read consistently.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(known).transpose()
    }

    /// Every row of a partition whose sort key begins with `prefix`, in order, read consistently. Of each row only the
    /// `attributes` come, and `v` among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_prefix(&self, pk: &str, prefix: &str, attributes: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", s(prefix));
        self.every_page(query, pk, Some(attributes)).await
    }

    /// Every row of a partition whose sort key lies between two others, both included; else as [`Table::query_prefix`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_between(
        &self,
        pk: &str,
        (first, last): (&str, &str),
        attributes: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":first", s(first))
            .expression_attribute_values(":last", s(last));
        self.every_page(query, pk, Some(attributes)).await
    }

    /// The last row of a partition whose sort key begins with `prefix`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_of(&self, pk: &str, prefix: &str) -> Result<Option<Item>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":prefix", s(prefix))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await?;
        page.items.unwrap_or_default().into_iter().next().map(known).transpose()
    }

    /// The same with every attribute, for rows whose attributes are not known by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_whole_between(&self, pk: &str, (first, last): (&str, &str)) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":first", s(first))
            .expression_attribute_values(":last", s(last));
        self.every_page(query, pk, None).await
    }

    async fn every_page(
        &self,
        query: QueryFluentBuilder,
        pk: &str,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut rows = Vec::new();
        let mut from = None;
        loop {
            let page = query
                .clone()
                .table_name(&self.name)
                .expression_attribute_values(":pk", s(pk))
                .set_projection_expression(attributes.map(str::to_owned))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await?;
            for row in page.items.unwrap_or_default() {
                rows.push(known(row)?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Writes a row without a condition.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(&self, item: Item) -> Result<(), StoreError> {
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Writes a row where none is; false where one is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_new(&self, item: Item) -> Result<bool, StoreError> {
        let sent = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Removes a row; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        self.client.delete_item().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk)).send().await?;
        Ok(())
    }
}

/// Whether a conditional change was made: its condition held.
///
/// # Errors
/// [`StoreError`]: nobody knows.
pub fn held<R>(sent: Result<UpdateItemOutput, SdkError<UpdateItemError, R>>) -> Result<bool, StoreError>
where
    StoreError: From<SdkError<UpdateItemError, R>>,
{
    match sent {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// A row that a newer version wrote is not guessed at.
fn known(row: Item) -> Result<Item, StoreError> {
    match number::<u32>(&row, "v")? {
        Some(v) if v > super::keys::SCHEMA_VERSION => {
            Err(StoreError::Malformed("a newer version of Herald wrote this row".to_owned()))
        }
        _ => Ok(row),
    }
}

/// A string attribute.
#[must_use]
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
#[must_use]
pub fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// An instant as milliseconds: the form of `due_at`, whose order the index needs.
#[must_use]
pub fn millis(at: Timestamp) -> AttributeValue {
    n(at.as_millisecond())
}

/// A text attribute that holds `value` as JSON: what only readers need costs them one attribute.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn json(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|error| StoreError::Malformed(error.to_string()))
}

/// A text attribute of a row; `None` where it is absent or null.
///
/// # Errors
/// [`StoreError::Malformed`] when it is of another type.
pub fn text<'a>(item: &'a Item, name: &str) -> Result<Option<&'a str>, StoreError> {
    match item.get(name) {
        None | Some(AttributeValue::Null(_)) => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(StoreError::Malformed(format!("{name} is no text"))),
    }
}

/// A text attribute of a row, read as `T`; `None` where it is absent or null.
///
/// # Errors
/// [`StoreError::Malformed`] when it is of another type or no `T`.
pub fn parsed<T: FromStr>(item: &Item, name: &str) -> Result<Option<T>, StoreError> {
    let Some(text) = text(item, name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| StoreError::Malformed(format!("{name} cannot be read")))
}

/// A number of a row; `None` where it is absent or null.
///
/// # Errors
/// [`StoreError::Malformed`] when it is of another type or out of range.
pub fn number<T: FromStr>(item: &Item, name: &str) -> Result<Option<T>, StoreError> {
    let number = match item.get(name) {
        None | Some(AttributeValue::Null(_)) => return Ok(None),
        Some(AttributeValue::N(number)) => number.parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| StoreError::Malformed(format!("{name} is no such number")))
}

/// A text attribute of a row that holds JSON; `None` where it is absent or null.
///
/// # Errors
/// [`StoreError::Malformed`] when it is of another type or not the JSON of a `T`.
pub fn from_json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<Option<T>, StoreError> {
    let Some(text) = text(item, name)? else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| StoreError::Malformed(format!("{name}: {error}")))
}

/// What a row cannot be without.
///
/// # Errors
/// [`StoreError::Malformed`] when it is not there.
pub fn demand<T>(value: Option<T>, name: &str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Malformed(format!("{name} is missing")))
}

/// A field of a row of any form, read as `T`.
///
/// # Errors
/// [`StoreError::Malformed`] when it is missing or of another type.
pub fn field<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, StoreError> {
    let value = item.get(name).ok_or_else(|| StoreError::Malformed(format!("{name} is missing")))?;
    serde_dynamo::from_attribute_value(value.clone()).map_err(|error| StoreError::Malformed(format!("{name}: {error}")))
}

impl Table {
    /// Some rows by key, read consistently, in no order. At most 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_many(&self, keys: &[(String, String)]) -> Result<Vec<Item>, StoreError> {
        use aws_sdk_dynamodb::types::KeysAndAttributes;
        let mut wanted: Vec<Item> =
            keys.iter().map(|(pk, sk)| HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])).collect();
        let mut rows = Vec::with_capacity(keys.len());
        for _ in 0..6 {
            let ask = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build()?;
            let answer = self.client.batch_get_item().request_items(&self.name, ask).send().await?;
            for row in answer.responses.into_iter().flat_map(|mut by| by.remove(&self.name)).flatten() {
                rows.push(known(row)?);
            }
            // DynamoDB may leave some unread when it is busy.
            wanted = answer
                .unprocessed_keys
                .and_then(|mut by| by.remove(&self.name))
                .map(|left| left.keys)
                .unwrap_or_default();
            if wanted.is_empty() {
                return Ok(rows);
            }
        }
        Err(StoreError::Unavailable("rows were left unread".to_owned()))
    }
}
