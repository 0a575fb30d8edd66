//! What a workspace has, by the month in which it was made: a workspace is never one partition.

use jiff::Timestamp;

use super::client::{Item, StoreError, Table, s};

/// One page of what a workspace made in a month and whose sort key begins with `prefix`, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn month_page(
    table: &Table,
    month: &str,
    prefix: &str,
    limit: i32,
    start: Option<Item>,
) -> Result<(Vec<Item>, Option<Item>), StoreError> {
    // Sort keys are made of letters, digits and a few signs, all of which stand before this one.
    month_span(table, month, (prefix, &format!("{prefix}~")), limit, start).await
}

/// One page of what a workspace made in a month and whose sort key lies in `span`, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn month_span(
    table: &Table,
    month: &str,
    (first, last): (&str, &str),
    limit: i32,
    start: Option<Item>,
) -> Result<(Vec<Item>, Option<Item>), StoreError> {
    let answer = table
        .client
        .query()
        .table_name(&table.name)
        .index_name("by_workspace")
        .key_condition_expression("#month = :month AND month_sort BETWEEN :first AND :last")
        .expression_attribute_names("#month", "month")
        .expression_attribute_values(":month", s(month))
        .expression_attribute_values(":first", s(first))
        .expression_attribute_values(":last", s(last))
        .scan_index_forward(false)
        .limit(limit)
        .set_exclusive_start_key(start)
        .send()
        .await?;
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
}

/// The first instant of the month, UTC.
#[must_use]
pub fn month_start(at: Timestamp) -> Timestamp {
    let zoned = at.to_zoned(jiff::tz::TimeZone::UTC);
    zoned.first_of_month().and_then(|first| first.start_of_day()).map_or(at, |first| first.timestamp())
}

/// The last instant of the month before, UTC.
#[must_use]
pub fn previous_month(at: Timestamp) -> Option<Timestamp> {
    month_start(at).checked_sub(jiff::SignedDuration::from_secs(1)).ok()
}

/// Months since the year 0, for comparing.
#[must_use]
pub fn month_number(at: Timestamp) -> i32 {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    i32::from(date.year()) * 12 + i32::from(date.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_before_january_is_december() {
        let at: Timestamp = "2027-01-15T10:00:00Z".parse().unwrap();
        assert_eq!(previous_month(at).unwrap().to_string(), "2026-12-31T23:59:59Z");
        assert_eq!(month_number(at) - month_number(previous_month(at).unwrap()), 1);
    }
}
