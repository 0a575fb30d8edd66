//! When what goes to an account: deliveries by their time, in an index beside the posts of talents.
//!
//! The attributes stand on the delivery's own row and are written with it, so they can neither be lost nor stay behind.

use domain::{ConnectionId, DeliveryId, PostId, WorkspaceId};
use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, from_json, json, s};
use super::deliveries::Delivery;
use super::keys;

/// The most that is read of one month: more than any platform lets an account publish in two days.
const MOST: i32 = 500;

/// A delivery's place in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The delivery.
    pub delivery: DeliveryId,
    /// When it goes out.
    pub at: Timestamp,
    /// Its text, as [`text_of`] makes it.
    #[serde(default)]
    pub text: Option<String>,
}

impl Slot {
    /// The post.
    #[must_use]
    pub fn post(&self) -> &PostId {
        self.delivery.post()
    }
}

/// What a text is compared by; `None` for an empty one, which is like no other.
#[must_use]
pub fn text_of(text: &str) -> Option<String> {
    let text = text.trim();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let short = hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    (!text.is_empty()).then_some(short)
}

/// The attributes by which the index finds a delivery: `talent_month`, `month_sort`, `shown`.
///
/// # Errors
/// [`StoreError::Malformed`].
pub(super) fn attributes(delivery: &Delivery) -> Result<Item, StoreError> {
    let at = delivery.scheduled_at;
    let slot = Slot { delivery: delivery.id.clone(), at, text: delivery.text.clone() };
    let month = keys::account_month_key(&delivery.workspace, &delivery.connection, at);
    Ok(Item::from([
        ("talent_month".to_owned(), s(month)),
        ("month_sort".to_owned(), s(keys::slot_sort(at, &delivery.id))),
        ("shown".to_owned(), json(&slot)?),
    ]))
}

/// The deliveries to an account from `from` to `to`, by their time. The index may lag behind by a moment.
///
/// # Errors
/// [`StoreError`].
pub async fn between(
    table: &Table,
    workspace: &WorkspaceId,
    connection: &ConnectionId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Slot>, StoreError> {
    let month = |at| keys::account_month_key(workspace, connection, at);
    let mut months = vec![month(from), month(to)];
    months.dedup();
    let mut slots = Vec::new();
    for month in months {
        let answer = table
            .client
            .query()
            .table_name(&table.name)
            .index_name("by_talent")
            .key_condition_expression("talent_month = :month AND month_sort BETWEEN :from AND :to")
            .expression_attribute_values(":month", s(month))
            .expression_attribute_values(":from", s(keys::slot_sort_from(from)))
            // What begins with the last millisecond is in it.
            .expression_attribute_values(":to", s(format!("{}~", keys::slot_sort_from(to))))
            .limit(MOST)
            .send()
            .await?;
        for row in answer.items.unwrap_or_default() {
            slots.push(demand(from_json(&row, "shown")?, "shown")?);
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_without_the_blanks_around_them() {
        assert_eq!(text_of(" Tea \n"), text_of("Tea"));
        assert_ne!(text_of("Tea"), text_of("tea"));
        assert_eq!((text_of(" \n"), text_of("Tea").map(|text| text.len())), (None, Some(24)));
    }
}
