//! Talents and the workspaces they make.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, field, n, s};
use super::keys;
use super::months::{month_number, month_page, previous_month};
use super::transact::Outcome;
use crate::audit::Audit;
use crate::table::idempotency::IdempotencyKey;

/// A talent as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talent {
    /// Its id.
    pub id: TalentId,
    /// Its name, as staff wrote it.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Where a list of a workspace's rows goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The month (first day), as seconds.
    month: i64,
    /// The last row that was shown, if the month was begun.
    last: Option<[String; 3]>,
}

impl Position {
    /// Whether [`list`] can have made it by `now`. A cursor is plain text, so anyone can write one: of a month that has
    /// not come, from which the way back would take a query for each month, or of keys that no row has.
    #[must_use]
    pub fn is_possible(&self, workspace: &WorkspaceId, now: Timestamp) -> bool {
        let row = |[pk, sk, sort]: &[String; 3]| {
            let talent = sort.splitn(3, '#').nth(2).and_then(|id| TalentId::parse(id).ok());
            sort.starts_with("talent#")
                && *sk == keys::TALENT_SK
                && talent.is_some_and(|talent| *pk == keys::talent_pk(workspace, &talent))
        };
        (0..=now.as_second()).contains(&self.month) && self.last.as_ref().is_none_or(row)
    }
}

/// Writes a talent (created or renamed) and makes sure that its workspace is known.
///
/// # Errors
/// [`StoreError`].
pub async fn save(
    table: &Table,
    workspace: &WorkspaceId,
    talent: &Talent,
    audit: &Audit,
    idempotency: Option<(&IdempotencyKey, u16, &str)>,
) -> Result<Outcome, StoreError> {
    let shown = HashMap::from([
        ("id".to_owned(), s(talent.id.as_str())),
        ("name".to_owned(), s(&talent.name)),
        ("created_at".to_owned(), s(talent.created_at.to_string())),
    ]);
    let item: Item = HashMap::from([
        ("pk".to_owned(), s(keys::talent_pk(workspace, &talent.id))),
        ("sk".to_owned(), s(keys::TALENT_SK)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("workspace".to_owned(), s(workspace.as_str())),
        ("month".to_owned(), s(keys::month_key(workspace, talent.created_at))),
        ("month_sort".to_owned(), s(format!("talent#{}#{}", talent.created_at.as_millisecond(), talent.id))),
        ("shown".to_owned(), AttributeValue::M(shown)),
    ]);
    let mut transaction = table.transaction().put("talent", item)?.update(
        "workspace",
        (&keys::workspace_pk(workspace), keys::WORKSPACE_SK),
        "SET first_month = if_not_exists(first_month, :now), #month = :list, month_sort = :sort, v = :v",
        None,
        HashMap::from([("#month".to_owned(), "month".to_owned())]),
        HashMap::from([
            (":now".to_owned(), n(talent.created_at.as_second())),
            (":list".to_owned(), s(keys::WORKSPACES_KEY)),
            (":sort".to_owned(), s(format!("{}{workspace}", keys::WORKSPACE_SORT_PREFIX))),
            (":v".to_owned(), n(keys::SCHEMA_VERSION)),
        ]),
    )?;
    transaction = audit.add(transaction)?;
    if let Some((key, status, response)) = idempotency {
        transaction = key.add(transaction, status, response)?;
    }
    transaction.commit().await
}

/// One talent.
///
/// # Errors
/// [`StoreError`].
pub async fn get(table: &Table, workspace: &WorkspaceId, talent: &TalentId) -> Result<Option<Talent>, StoreError> {
    let row = table.get(&keys::talent_pk(workspace, talent), keys::TALENT_SK).await?;
    row.map(|item| field(&item, "shown")).transpose()
}

/// The first month of a workspace; `None` while it has nobody.
///
/// # Errors
/// [`StoreError`].
pub async fn first_month(table: &Table, workspace: &WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
    let row = table.get(&keys::workspace_pk(workspace), keys::WORKSPACE_SK).await?;
    let seconds: Option<i64> = row.map(|item| field(&item, "first_month")).transpose()?;
    Ok(seconds.and_then(|at| Timestamp::from_second(at).ok()))
}

/// The zone that a workspace has set.
///
/// # Errors
/// [`StoreError`].
pub async fn timezone(table: &Table, workspace: &WorkspaceId) -> Result<Option<String>, StoreError> {
    let row = table.get(&keys::workspace_pk(workspace), keys::WORKSPACE_SK).await?.unwrap_or_default();
    Ok(super::client::text(&row, "timezone")?.map(str::to_owned))
}

/// Sets the zone of a workspace. It must have a talent, which makes it known (label `workspace`).
///
/// # Errors
/// [`StoreError`].
pub async fn set_timezone(
    table: &Table,
    workspace: &WorkspaceId,
    zone: &str,
    audit: &Audit,
    idempotency: Option<(&IdempotencyKey, u16, &str)>,
) -> Result<Outcome, StoreError> {
    let mut transaction = table.transaction().update(
        "workspace",
        (&keys::workspace_pk(workspace), keys::WORKSPACE_SK),
        "SET #zone = :zone",
        Some("attribute_exists(pk)"),
        HashMap::from([("#zone".to_owned(), "timezone".to_owned())]),
        HashMap::from([(":zone".to_owned(), s(zone))]),
    )?;
    transaction = audit.add(transaction)?;
    if let Some((key, status, response)) = idempotency {
        transaction = key.add(transaction, status, response)?;
    }
    transaction.commit().await
}

/// One page of a workspace's talents, newest first, and where the next one begins.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    table: &Table,
    workspace: &WorkspaceId,
    now: Timestamp,
    limit: u32,
    from: Option<Position>,
) -> Result<(Vec<Talent>, Option<Position>), StoreError> {
    let Some(first) = first_month(table, workspace).await? else { return Ok((Vec::new(), None)) };
    let mut talents = Vec::new();
    let mut at = from.unwrap_or(Position { month: now.as_second(), last: None });
    loop {
        let month = Timestamp::from_second(at.month).map_err(|error| StoreError::Malformed(error.to_string()))?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX) - talents.len();
        let start = at.last.take().map(|[pk, sk, sort]| {
            HashMap::from([
                ("pk".to_owned(), s(pk)),
                ("sk".to_owned(), s(sk)),
                ("month".to_owned(), s(keys::month_key(workspace, month))),
                ("month_sort".to_owned(), s(sort)),
            ])
        });
        let (rows, next) = month_page(
            table,
            &keys::month_key(workspace, month),
            "talent#",
            i32::try_from(wanted).unwrap_or(200),
            start,
        )
        .await?;
        for row in &rows {
            talents.push(field(row, "shown")?);
        }
        if let Some(last) = next {
            return Ok((
                talents,
                Some(Position {
                    month: at.month,
                    last: Some([field(&last, "pk")?, field(&last, "sk")?, field(&last, "month_sort")?]),
                }),
            ));
        }
        match previous_month(month).filter(|previous| month_number(*previous) >= month_number(first)) {
            None => return Ok((talents, None)),
            Some(previous) => at = Position { month: previous.as_second(), last: None },
        }
        if talents.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Ok((talents, Some(at)));
        }
    }
}
