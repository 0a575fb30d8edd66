//! The accounts that a talent compares with: one file per route.

pub mod add;
pub mod list;
pub mod remove;

use cloud::table::competitors::{Competitor, Seen};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// An account that a talent compares with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompetitorView {
    /// Its id.
    pub id: String,
    /// The platform, upper case.
    pub platform: &'static str,
    /// The handle, normalised.
    pub handle: String,
    /// The public page.
    pub profile_url: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last looked at; `null` before the first look.
    pub as_of: Option<Timestamp>,
    /// Why the last look found nothing, for a person.
    pub error: Option<String>,
}

impl CompetitorView {
    /// What is shown of one.
    #[must_use]
    pub fn of(competitor: Competitor, seen: Option<&Seen>, error: Option<String>) -> Self {
        Self {
            id: competitor.id,
            platform: competitor.platform.as_str(),
            handle: competitor.handle,
            profile_url: competitor.profile_url,
            created_at: competitor.created_at,
            as_of: seen.map(|seen| seen.at),
            error,
        }
    }
}
