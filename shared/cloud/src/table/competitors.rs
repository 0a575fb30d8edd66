//! The accounts that a talent compares with: by their public names, looked at each day.

use std::collections::HashMap;

use domain::connection::Averages;
use domain::due::WorkKind;
use domain::{Metric, Platform, TalentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Item, StoreError, Table, demand, from_json, json, n, s, text};
use super::keys;
use super::transact::Transaction;

/// How many accounts a talent may compare with.
pub const MOST: usize = 20;

/// An account that a talent compares with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Competitor {
    /// `comp~{talentId}~{PLATFORM}~{handle}`.
    pub id: String,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The talent that compares.
    pub talent: TalentId,
    /// The platform.
    pub platform: Platform,
    /// The handle, normalised.
    pub handle: String,
    /// The public page.
    pub profile_url: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// Followers.
    pub followers: Metric,
    /// Posts that the platform counts.
    pub posts: Metric,
    /// How many posts of the last 30 days were found.
    pub recent_posts: u32,
    /// Means over them.
    pub averages: Averages,
}

impl Competitor {
    /// The id of an account that `talent` compares with.
    #[must_use]
    pub fn id_of(talent: &TalentId, platform: Platform, handle: &str) -> String {
        format!("comp~{talent}~{platform}~{handle}")
    }

    /// Its row.
    #[must_use]
    pub fn key(&self) -> (String, String) {
        (keys::talent_pk(&self.workspace, &self.talent), keys::competitor_sk(self.platform, &self.handle))
    }
}

/// Reads a row: the account, the last look, and why a look failed.
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn read(item: &Item) -> Result<(Competitor, Option<Seen>, Option<String>), StoreError> {
    let error = text(item, "trouble")?.map(str::to_owned);
    Ok((demand(from_json(item, "card")?, "card")?, from_json(item, "seen")?, error))
}

/// Adds a new one, due now, to a transaction; labels `talent` (unknown) and `competitor` (there already).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn insert<'a>(
    transaction: Transaction<'a>,
    table: &Table,
    competitor: &Competitor,
) -> Result<Transaction<'a>, StoreError> {
    let (pk, sk) = competitor.key();
    let mut item: Item = HashMap::from([
        ("pk".to_owned(), s(&pk)),
        ("sk".to_owned(), s(sk)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
        ("card".to_owned(), json(competitor)?),
    ]);
    item.extend(crate::work::due_attributes(table, WorkKind::Sweep, &competitor.id, competitor.created_at));
    transaction.check("talent", (&pk, keys::TALENT_SK), "attribute_exists(pk)", HashMap::new())?.put_new(
        "competitor",
        item,
        None,
    )
}

/// Adds a removal to a transaction; label `competitor` (not there).
///
/// # Errors
/// [`StoreError::Malformed`].
pub fn remove<'a>(
    transaction: Transaction<'a>,
    workspace: &WorkspaceId,
    talent: &TalentId,
    platform: Platform,
    handle: &str,
) -> Result<Transaction<'a>, StoreError> {
    let (pk, sk) = (keys::talent_pk(workspace, talent), keys::competitor_sk(platform, handle));
    transaction.delete("competitor", (&pk, &sk), Some(("attribute_exists(pk)", HashMap::new())))
}

/// Everything that a talent compares with. One query.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    table: &Table,
    workspace: &WorkspaceId,
    talent: &TalentId,
) -> Result<Vec<(Competitor, Option<Seen>, Option<String>)>, StoreError> {
    let pk = keys::talent_pk(workspace, talent);
    let rows = table.query_prefix(&pk, keys::COMPETITOR_PREFIX, "v, card, seen, trouble").await?;
    rows.iter().map(read).collect()
}
