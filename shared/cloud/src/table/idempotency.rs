//! The same key with the same body answers the stored response for 24 hours.

use std::collections::HashMap;

use domain::{SubjectId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use ring::{digest, hmac};

use super::client::{Item, StoreError, Table, field, millis, n, s};
use super::keys;
use super::transact::Transaction;

/// How long a key is remembered.
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// The largest response that is stored; DynamoDB's item limit is 400 KB.
const LARGEST_RESPONSE: usize = 100_000;

/// A request's key, ready to be written in the transaction of its effect.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    pk: String,
    workspace: String,
    body: String,
    now: Timestamp,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: do the work.
    Never,
    /// The response that the first request got.
    Answered {
        /// Its status.
        status: u16,
        /// Its body.
        body: String,
    },
    /// The key came with another body.
    WithAnotherBody,
}

impl IdempotencyKey {
    /// The key of a request. Subject and route are part of it, so one caller cannot meet another's.
    #[must_use]
    pub fn new(
        workspace: &WorkspaceId,
        subject: &SubjectId,
        route: &str,
        key: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Self {
        let scope = digest::digest(&digest::SHA256, format!("{subject}\n{route}\n{key}").as_bytes());
        let body = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), body);
        Self {
            pk: keys::idempotency_pk(workspace, &hex(scope.as_ref())),
            workspace: workspace.to_string(),
            body: hex(body.as_ref()),
            now,
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look(&self, table: &Table) -> Result<Seen, StoreError> {
        let Some(row) = table.get(&self.pk, keys::ONLY_SK).await? else { return Ok(Seen::Never) };
        if field::<i64>(&row, "ends_at")? <= self.now.as_millisecond() {
            return Ok(Seen::Never);
        }
        if field::<String>(&row, "body")? != self.body {
            return Ok(Seen::WithAnotherBody);
        }
        Ok(Seen::Answered { status: field(&row, "status")?, body: field(&row, "response")? })
    }

    /// Adds the key to the transaction of its effect, under the label `idempotency`.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for a response that is too large to store.
    pub fn add<'a>(
        &self,
        transaction: Transaction<'a>,
        status: u16,
        response: &str,
    ) -> Result<Transaction<'a>, StoreError> {
        if response.len() > LARGEST_RESPONSE {
            return Err(StoreError::Malformed("the response is too large for an idempotency key".to_owned()));
        }
        let ends_at = self.now.saturating_add(LIFE).unwrap_or(self.now);
        let item: Item = HashMap::from([
            ("pk".to_owned(), s(&self.pk)),
            ("sk".to_owned(), s(keys::ONLY_SK)),
            ("v".to_owned(), n(keys::SCHEMA_VERSION)),
            ("workspace".to_owned(), s(&self.workspace)),
            ("body".to_owned(), s(&self.body)),
            ("status".to_owned(), n(status)),
            ("response".to_owned(), s(response)),
            ("ends_at".to_owned(), millis(ends_at)),
            ("ttl".to_owned(), n(ends_at.as_second())),
        ]);
        // A row whose time is over may still stand: TTL removes rows late.
        let over = HashMap::from([(":now".to_owned(), millis(self.now))]);
        transaction.put_new("idempotency", item, Some(("ends_at <= :now", over)))
    }
}

/// Bytes as lower-case hexadecimal text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
