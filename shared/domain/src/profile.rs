//! What an account says of itself, the same on every platform.

use serde::{Deserialize, Serialize};

use crate::metric::Metric;

/// The kind of account, where a platform tells kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum AccountType {
    Business,
    Creator,
    Personal,
}

/// One look at an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The platform's own id of the account: the identity that survives a rename.
    pub external_id: String,
    /// The handle as the platform states it now, normalised.
    pub handle: String,
    /// The public page of the account.
    pub profile_url: String,
    /// The name a person reads; may hold any Unicode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The self-description as plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// The portrait; platforms sign these, so they may expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_image_url: Option<String>,
    /// People who follow the account.
    pub follower_count: Metric,
    /// Accounts that it follows.
    pub following_count: Metric,
    /// Posts that the platform counts, which may be more than it lists.
    pub post_count: Metric,
    /// Whether the platform vouches for it; `None` where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_verified: Option<bool>,
    /// The kind of account; `None` where the platform has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_type: Option<AccountType>,
}
