//! Guards: rows that say which connection holds an account, by handle and by the platform's own id.

use std::collections::HashMap;

use domain::{Connection, ConnectionId};

use super::find::get;
use crate::table::client::{Item, StoreError, Table, field, n, s};
use crate::table::keys;
use crate::table::transact::{Outcome, Transaction};

/// The connection that a guard names.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn holder_of(guard: &Item) -> Result<ConnectionId, StoreError> {
    field(guard, "holder")
}

fn guard(connection: &Connection, sk: String) -> Item {
    HashMap::from([
        ("pk".to_owned(), s(keys::talent_pk(&connection.workspace, &connection.talent))),
        ("sk".to_owned(), s(sk)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("holder".to_owned(), s(connection.id.as_str())),
    ])
}

pub(super) fn guards(connection: &Connection) -> Vec<(&'static str, Item)> {
    let by_handle = guard(connection, keys::handle_guard_sk(connection.platform, &connection.handle));
    let by_id = connection
        .platform_account_id
        .as_deref()
        .map(|id| guard(connection, keys::account_guard_sk(connection.platform, id)));
    std::iter::once(("handle", by_handle)).chain(by_id.map(|item| ("account", item))).collect()
}

fn sort_key(guard: &Item) -> Option<&str> {
    guard.get("sk")?.as_s().ok().map(String::as_str)
}

/// What a refused transaction taught about guards that others hold. Without such a lesson a guard is written if nobody
/// else holds it, and an old one removed if it is the connection's own.
#[derive(Debug, Default)]
pub struct Guards {
    /// Guards that may be taken, and from whom: its holder is gone, or not known to be this account.
    taken: HashMap<String, ConnectionId>,
    /// Old guards that another connection has taken, and that stay.
    left: Vec<String>,
}

/// What follows a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson {
    /// The same transaction, added with what was learned, can succeed.
    Again,
    /// Another connection of the talent holds the account.
    Duplicate,
    /// No guard refused.
    Nothing,
}

impl Guards {
    /// Reads the refusals of guards in the outcome of a transaction that made `after`. A handle follows its account: where
    /// the connection that holds its guard is gone or not known to be this account, the guard may be taken from it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn learn(&mut self, table: &Table, after: &Connection, outcome: &Outcome) -> Result<Lesson, StoreError> {
        let Outcome::Refused(refusals) = outcome else { return Ok(Lesson::Nothing) };
        let mut lesson = Lesson::Nothing;
        for refusal in refusals {
            // A guard that is gone by now, or that the connection has got itself, refuses no second time.
            let held = refusal.item.as_ref().and_then(|item| Some((sort_key(item)?.to_owned(), item)));
            match (refusal.label, held) {
                ("handle" | "account" | "old guard", None) => lesson = Lesson::Again,
                ("old guard", Some((sk, _))) => {
                    self.left.push(sk);
                    lesson = Lesson::Again;
                }
                ("handle" | "account", Some((sk, item))) => {
                    let other = holder_of(item)?;
                    let row = get(table, &after.workspace, &other).await?;
                    // Who is the account by its id has its handle: one that nobody has looked at yet holds it by name alone.
                    let another = row.is_none_or(|row| {
                        let (ours, theirs) = (&after.platform_account_id, &row.connection.platform_account_id);
                        refusal.label == "handle" && ours.is_some() && ours != theirs
                    });
                    if !another {
                        return Ok(Lesson::Duplicate);
                    }
                    self.taken.insert(sk, other);
                    lesson = Lesson::Again;
                }
                _ => {}
            }
        }
        Ok(lesson)
    }

    /// Adds what a change of handle or account id means for the guards (labels `handle`, `account`, `old guard`).
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn add<'a>(
        &self,
        mut transaction: Transaction<'a>,
        before: &Connection,
        after: &Connection,
    ) -> Result<Transaction<'a>, StoreError> {
        let pk = keys::talent_pk(&after.workspace, &after.talent);
        let own = || HashMap::from([(":own".to_owned(), s(after.id.as_str()))]);
        let (old, new) = (guards(before), guards(after));
        // Where one changes all are written: another connection may have taken one that did not change.
        for (label, item) in new.iter().filter(|_| old != new) {
            let (mut condition, mut values) = ("holder = :own", own());
            if let Some(other) = sort_key(item).and_then(|sk| self.taken.get(sk)) {
                condition = "holder = :own OR holder = :other";
                values.insert(":other".to_owned(), s(other.as_str()));
            }
            transaction = transaction.put_new(label, item.clone(), Some((condition, values)))?;
        }
        for (_, item) in old.iter().filter(|pair| !new.contains(pair)) {
            let sk: String = field(item, "sk")?;
            if !self.left.contains(&sk) {
                let condition = Some(("attribute_not_exists(pk) OR holder = :own", own()));
                transaction = transaction.delete("old guard", (&pk, &sk), condition)?;
            }
        }
        Ok(transaction)
    }

    /// Whether a change of a connection changes its guards.
    #[must_use]
    pub fn differ(before: &Connection, after: &Connection) -> bool {
        guards(before) != guards(after)
    }
}
