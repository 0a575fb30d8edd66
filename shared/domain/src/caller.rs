//! Who asks.

use serde::{Deserialize, Serialize};

use crate::ids::{SubjectId, TalentId, WorkspaceId};

/// What a credential lets its bearer be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Agency staff: the whole workspace.
    Admin,
    /// A talent: own data only.
    Talent,
}

/// An authenticated caller, whichever credential proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The workspace that every key of this request begins with.
    pub workspace: WorkspaceId,
    /// Who it is, for the audit log.
    pub subject: SubjectId,
    /// What it may do.
    pub role: Role,
    /// The talent it is; always present when the role is [`Role::Talent`].
    pub talent: Option<TalentId>,
}

impl Caller {
    /// Whether this caller may see and change what belongs to `talent`.
    #[must_use]
    pub fn may_act_for(&self, talent: &TalentId) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Talent => self.talent.as_ref() == Some(talent),
        }
    }
}
