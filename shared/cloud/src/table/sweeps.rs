//! The sweep of an account: the row that comes due for the next look at its posts and figures.
//!
//! It stands beside the tokens, is made by the first sync that finds the account, and says only when: what is to be looked
//! at stands on the looks themselves.

use std::collections::HashMap;

use domain::due::{self, WorkKind};
use domain::{Connection, ConnectionId, WorkspaceId};
use jiff::Timestamp;

use super::client::{Item, StoreError, Table, demand, field, held, millis, n, number, s};
use super::keys;
use crate::doorbell::Ring;

/// What a sweep knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The account.
    pub connection: ConnectionId,
    /// Since when its posts are watched: what they had before is no gain.
    pub since: Timestamp,
    /// When the account's own figures were last noted.
    pub account_at: Option<Timestamp>,
    /// When its audience was last read.
    pub audience_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
}

/// Reads a sweep's row.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<Sweep, StoreError> {
    let instant = |name: &str| -> Result<Option<Timestamp>, StoreError> {
        let at = number(item, name)?.map(Timestamp::from_millisecond).transpose();
        at.map_err(|error| StoreError::Malformed(format!("{name}: {error}")))
    };
    Ok(Sweep {
        workspace: field(item, "workspace")?,
        connection: field(item, "connection")?,
        since: demand(instant("since")?, "since")?,
        account_at: instant("account_at")?,
        audience_at: instant("audience_at")?,
        failures: number(item, "failures")?.unwrap_or(0),
    })
}

/// What rings for a sweep.
#[must_use]
pub fn ring(workspace: &WorkspaceId, id: &ConnectionId) -> Ring {
    Ring { kind: WorkKind::Sweep, pk: keys::connection_pk(workspace, id), sk: keys::SWEEP_SK.to_owned() }
}

/// Makes the sweep of an account due at `at`, unless it is due before that or at work; makes the row where there is none.
///
/// # Errors
/// [`StoreError`].
pub async fn wake(table: &Table, connection: &Connection, now: Timestamp, at: Timestamp) -> Result<(), StoreError> {
    let sent = table
        .client
        .update_item()
        .table_name(&table.name)
        .key("pk", s(keys::connection_pk(&connection.workspace, &connection.id)))
        .key("sk", s(keys::SWEEP_SK))
        .update_expression(
            "SET v = :v, workspace = :workspace, #c = :connection, since = if_not_exists(since, :now), due = :due, \
             due_at = :at, claims = if_not_exists(claims, :zero), fence = if_not_exists(fence, :zero)",
        )
        .condition_expression("attribute_not_exists(due_at) OR (due_at > :at AND claims = :zero)")
        .expression_attribute_names("#c", "connection")
        .set_expression_attribute_values(Some(HashMap::from([
            (":v".to_owned(), n(keys::SCHEMA_VERSION)),
            (":workspace".to_owned(), s(connection.workspace.as_str())),
            (":connection".to_owned(), s(connection.id.as_str())),
            (":now".to_owned(), millis(now)),
            (":at".to_owned(), millis(at)),
            (":due".to_owned(), s(due::shard(WorkKind::Sweep, connection.id.as_str(), table.due_shards()))),
            (":zero".to_owned(), n(0)),
        ])))
        .send()
        .await;
    // Where the condition does not hold, it is due before that anyway.
    held(sent).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{connection, table};
    use crate::work::{self, Claim, Extra, Finish, Next};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_sweep_is_due_at_the_earliest_that_anyone_asked_for_and_is_left_alone_at_work() {
        let (table, connection) = (table().await, connection());
        let (noon, one, two) = (at("2026-11-01T12:00:00Z"), at("2026-11-01T13:00:00Z"), at("2026-11-01T14:00:00Z"));
        let ring = ring(&connection.workspace, &connection.id);
        let due = async || {
            let row = table.get(&ring.pk, &ring.sk).await.unwrap().unwrap();
            number::<i64>(&row, "due_at").unwrap().map(|ms| Timestamp::from_millisecond(ms).unwrap())
        };
        wake(&table, &connection, noon, two).await.unwrap();
        assert_eq!(due().await, Some(two));
        wake(&table, &connection, one, one).await.unwrap();
        assert_eq!(due().await, Some(one), "earlier wins");
        wake(&table, &connection, one, two).await.unwrap();
        assert_eq!(due().await, Some(one), "later does not");
        let Claim::Taken(claimed) = work::claim(&table, &ring, one, Extra::default()).await.unwrap() else {
            panic!("not taken")
        };
        assert_eq!(read(&claimed.item).unwrap().since, noon, "watched since the first time");
        wake(&table, &connection, one, noon).await.unwrap();
        assert!(due().await > Some(one), "a worker is at it");
        assert!(Finish::outcome(Next::Never).write(&table, &claimed.token).await.unwrap());
        assert_eq!(due().await, None);
        wake(&table, &connection, two, two).await.unwrap();
        assert_eq!(due().await, Some(two), "and may be woken again");
    }
}
