//! Who changed what: one entry in the transaction of every change, and one for every consent that came to nothing.

use std::collections::HashMap;

use domain::{Caller, TalentId, WorkspaceId};
use jiff::Timestamp;

use ring::digest;

use crate::table::{Item, StoreError, Table, Transaction, keys, n, s};

/// An entry of the audit log.
#[derive(Debug, Clone)]
pub struct Audit {
    workspace: WorkspaceId,
    actor: String,
    talent: Option<TalentId>,
    action: &'static str,
    subject: String,
    at: Timestamp,
    request_id: String,
    reason: Option<&'static str>,
}

impl Audit {
    /// `caller` did `action` to `subject` (an id), which belongs to `talent`, or to nobody but the workspace.
    #[must_use]
    pub fn new(
        caller: &Caller,
        talent: Option<&TalentId>,
        action: &'static str,
        subject: impl Into<String>,
        at: Timestamp,
        request_id: &str,
    ) -> Self {
        Self {
            workspace: caller.workspace.clone(),
            actor: caller.subject.to_string(),
            talent: talent.cloned(),
            action,
            subject: subject.into(),
            at,
            request_id: request_id.to_owned(),
            reason: None,
        }
    }

    /// Why it came to nothing: the code of the error.
    #[must_use]
    pub const fn failed(mut self, code: &'static str) -> Self {
        self.reason = Some(code);
        self
    }

    /// Adds the entry to the transaction of the change.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn add<'a>(&self, transaction: Transaction<'a>) -> Result<Transaction<'a>, StoreError> {
        let mut shown = HashMap::from([
            ("actor".to_owned(), s(&self.actor)),
            ("action".to_owned(), s(self.action)),
            ("subject".to_owned(), s(&self.subject)),
            ("at".to_owned(), s(self.at.to_string())),
            ("requestId".to_owned(), s(&self.request_id)),
        ]);
        let pk = match &self.talent {
            Some(talent) => keys::talent_pk(&self.workspace, talent),
            None => keys::workspace_pk(&self.workspace),
        };
        shown.extend(self.reason.map(|reason| ("reason".to_owned(), s(reason))));
        shown.extend(self.talent.as_ref().map(|talent| ("talent".to_owned(), s(talent.as_str()))));
        let sk = keys::audit_sk(self.at, &self.request_id);
        let item: Item = HashMap::from([
            ("pk".to_owned(), s(pk)),
            ("sk".to_owned(), s(format!("{sk}#{}", self.action))),
            ("v".to_owned(), n(keys::SCHEMA_VERSION)),
            ("workspace".to_owned(), s(self.workspace.as_str())),
            ("month".to_owned(), s(keys::month_key(&self.workspace, self.at))),
            ("month_sort".to_owned(), s(&sk)),
            ("shown".to_owned(), aws_sdk_dynamodb::types::AttributeValue::M(shown)),
        ]);
        transaction.put("audit", item)
    }
}

/// Notes that `caller` looked at what `route` shows of a talent: one entry for each hour, whose beginning is `hour`.
///
/// # Errors
/// [`StoreError`].
pub async fn access(
    table: &Table,
    caller: &Caller,
    talent: &TalentId,
    route: &str,
    hour: Timestamp,
    at: Timestamp,
    request_id: &str,
) -> Result<(), StoreError> {
    let who = digest::digest(&digest::SHA256, format!("{}\n{route}", caller.subject).as_bytes());
    let sk = keys::access_sk(hour, &crate::table::idempotency::hex(who.as_ref()));
    let shown = HashMap::from([
        ("actor".to_owned(), s(caller.subject.to_string())),
        ("action".to_owned(), s("analytics.read")),
        ("subject".to_owned(), s(route)),
        ("at".to_owned(), s(at.to_string())),
        ("requestId".to_owned(), s(request_id)),
        ("talent".to_owned(), s(talent.as_str())),
    ]);
    let item: Item = HashMap::from([
        ("pk".to_owned(), s(keys::talent_pk(&caller.workspace, talent))),
        ("sk".to_owned(), s(&sk)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(caller.workspace.as_str())),
        ("month".to_owned(), s(keys::month_key(&caller.workspace, hour))),
        ("month_sort".to_owned(), s(&sk)),
        ("shown".to_owned(), aws_sdk_dynamodb::types::AttributeValue::M(shown)),
    ]);
    // Refused: another process has noted it.
    table.put_new(item).await.map(|_| ())
}
