//! What went wrong at a platform, and did it take effect.

use std::time::Duration;

/// Whether the call changed anything at the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Certainly not: refused before it was sent, or refused in a documented way.
    NotApplied,
    /// Nobody knows: no answer, a reset, a 5xx. Look before doing it again.
    Unknown,
}

/// The few kinds of failure that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The platform says that no account can have this handle. Permanent.
    InvalidHandle,
    /// No such account, or it is gone. Permanent.
    NotFound,
    /// Too many calls; `retry_after` holds the platform's own time where it gave one.
    RateLimited,
    /// No answer, a 5xx, or an answer that is not in the platform's language. May pass.
    ProviderDown,
    /// The token is dead and cannot be refreshed. A person has to connect again.
    ReconnectNeeded,
    /// The access token is refused but a refresh may help. Never stored: callers refresh once.
    TokenRejected,
    /// A right is missing; `scope` names it where it is known.
    PermissionMissing,
    /// The platform has no public read; only OAuth gives access.
    OauthRequired,
    /// The platform has suspended the account.
    Suspended,
    /// The platform refuses the app's own credentials or configuration; the operator has to act.
    AppRejected,
    /// The request itself is wrong in the platform's eyes; sending it again cannot help.
    InvalidRequest,
    /// The platform refuses what is to be published: its rules, its moderation, a file it cannot use. Permanent.
    ContentRefused,
    /// The platform says that the same is there already; `existing` names it where the platform does.
    Duplicate,
}

/// The longest wait that a platform may impose in one go.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// A failed call to a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct Failure {
    /// What went wrong.
    pub kind: Kind,
    /// Whether it took effect.
    pub effect: Effect,
    /// How long the platform asks to wait.
    pub retry_after: Option<Duration>,
    /// The missing right, where the platform or the platform's table of scopes names it.
    pub scope: Option<String>,
    /// The platform's own reason in words that a person can read, scrubbed of anything secret; `None`: it gave none.
    pub said: Option<String>,
    /// The platform's own code of the reason.
    pub code: Option<String>,
    /// The post that a [`Kind::Duplicate`] is a duplicate of.
    pub existing: Option<String>,
    /// For the log: status, platform code, step. Never a token, a body or a person's name.
    pub detail: String,
}

impl Failure {
    /// A failure that is known not to have taken effect.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            effect: Effect::NotApplied,
            retry_after: None,
            scope: None,
            said: None,
            code: None,
            existing: None,
            detail: detail.into(),
        }
    }

    /// The same failure of a call that may have taken effect.
    #[must_use]
    pub fn maybe_applied(mut self) -> Self {
        self.effect = Effect::Unknown;
        self
    }

    /// The same failure with the platform's own waiting time, at most a day: no platform asks for more, and a number
    /// that says so is a mistake.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait.map(|wait| wait.min(LONGEST_WAIT));
        self
    }

    /// The same failure, naming the missing right.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The same failure with the platform's own words and code.
    #[must_use]
    pub fn said(mut self, words: Option<String>, code: Option<String>) -> Self {
        self.said = words.filter(|words| !words.trim().is_empty());
        self.code = code;
        self
    }

    /// Whether waiting can help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self.kind, Kind::RateLimited | Kind::ProviderDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_platform_makes_herald_wait_for_more_than_a_day() {
        let wait =
            |wait| Failure::new(Kind::RateLimited, "429").retry_after(Some(Duration::from_secs(wait))).retry_after;
        assert_eq!(wait(90), Some(Duration::from_secs(90)));
        assert_eq!(wait(u64::MAX), Some(Duration::from_secs(86_400)));
    }
}
