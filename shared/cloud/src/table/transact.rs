//! All or nothing, with the reason when it is nothing.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::client::{Item, StoreError, Table, s};

/// What became of a transaction.
#[derive(Debug)]
pub enum Outcome {
    /// Everything was written.
    Done,
    /// Nothing was; the parts whose condition did not hold, in the order they were added.
    Refused(Vec<Refusal>),
}

impl Outcome {
    /// Whether the part `label` was refused, and the row that stood there.
    #[must_use]
    pub fn refusal(&self, label: &str) -> Option<&Refusal> {
        match self {
            Self::Done => None,
            Self::Refused(refusals) => refusals.iter().find(|r| r.label == label),
        }
    }

    /// Whether everything was written.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// A part whose condition did not hold.
#[derive(Debug)]
pub struct Refusal {
    /// The name given to the part.
    pub label: &'static str,
    /// The row as it stood, if there was one.
    pub item: Option<Item>,
}

/// A transaction in the making. Each part has a label, by which a refusal is told.
#[derive(Debug)]
pub struct Transaction<'a> {
    table: &'a Table,
    labels: Vec<&'static str>,
    parts: Vec<TransactWriteItem>,
}

type Names = HashMap<String, String>;
type Values = HashMap<String, AttributeValue>;

impl Table {
    /// Starts a transaction.
    #[must_use]
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction { table: self, labels: Vec::new(), parts: Vec::new() }
    }
}

impl Transaction<'_> {
    fn push(mut self, label: &'static str, part: TransactWriteItem) -> Self {
        self.labels.push(label);
        self.parts.push(part);
        self
    }

    fn key(pk: &str, sk: &str) -> Item {
        HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
    }

    /// Writes a row, whatever stood there.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn put(self, label: &'static str, item: Item) -> Result<Self, StoreError> {
        let put = Put::builder().table_name(&self.table.name).set_item(Some(item)).build()?;
        Ok(self.push(label, TransactWriteItem::builder().put(put).build()))
    }

    /// Writes a row where none is (or where `or` holds for the one that is).
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn put_new(self, label: &'static str, item: Item, or: Option<(&str, Values)>) -> Result<Self, StoreError> {
        let (condition, values) = match or {
            None => ("attribute_not_exists(pk)".to_owned(), None),
            Some((or, values)) => (format!("attribute_not_exists(pk) OR {or}"), Some(values)),
        };
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(self.push(label, TransactWriteItem::builder().put(put).build()))
    }

    /// Demands that a row is there, or what `condition` says of it.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn check(
        self,
        label: &'static str,
        key: (&str, &str),
        condition: &str,
        values: Values,
    ) -> Result<Self, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table.name)
            .set_key(Some(Self::key(key.0, key.1)))
            .condition_expression(condition)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(self.push(label, TransactWriteItem::builder().condition_check(check).build()))
    }

    /// Changes a row under a condition.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn update(
        self,
        label: &'static str,
        key: (&str, &str),
        expression: &str,
        condition: Option<&str>,
        names: Names,
        values: Values,
    ) -> Result<Self, StoreError> {
        let update = Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(Self::key(key.0, key.1)))
            .update_expression(expression)
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(self.push(label, TransactWriteItem::builder().update(update).build()))
    }

    /// Removes a row, under a condition where one is given.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn delete(
        self,
        label: &'static str,
        key: (&str, &str),
        condition: Option<(&str, Values)>,
    ) -> Result<Self, StoreError> {
        let (condition, values) = condition.map_or((None, None), |(c, v)| (Some(c.to_owned()), Some(v)));
        let delete = Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(Self::key(key.0, key.1)))
            .set_condition_expression(condition)
            .set_expression_attribute_values(values.filter(|v| !v.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(self.push(label, TransactWriteItem::builder().delete(delete).build()))
    }

    /// Writes it all. A conflict with another transaction, or throttling, is tried again a few times.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it still cannot be known whether the transaction went through; the caller's
    /// conditions must make a repeat harmless.
    pub async fn commit(self) -> Result<Outcome, StoreError> {
        let mut wait = Duration::from_millis(20);
        for attempt in 1.. {
            let sent =
                self.table.client.transact_write_items().set_transact_items(Some(self.parts.clone())).send().await;
            let error = match sent {
                Ok(_) => return Ok(Outcome::Done),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            else {
                return Err(error.into());
            };
            let reasons = cancelled.cancellation_reasons();
            let code = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
            let refusals: Vec<Refusal> = reasons
                .iter()
                .zip(&self.labels)
                .filter(|(reason, _)| reason.code() == Some("ConditionalCheckFailed"))
                .map(|(reason, label)| Refusal { label, item: reason.item().cloned() })
                .collect();
            if !refusals.is_empty() {
                return Ok(Outcome::Refused(refusals));
            }
            if code("ValidationError") {
                return Err(StoreError::Malformed(format!("the table refuses a row: {cancelled}")));
            }
            let may_pass =
                code("TransactionConflict") || code("ThrottlingError") || code("ProvisionedThroughputExceeded");
            if !may_pass || attempt >= 6 {
                return Err(error.into());
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(StoreError::Unavailable("no attempts left".to_owned()))
    }
}
