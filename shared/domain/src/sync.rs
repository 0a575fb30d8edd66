//! The state of a connection's sync: it tells the truth at every moment.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};

/// Where the sync of a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SyncStatus {
    /// Linked; no worker has looked yet.
    Pending,
    /// A worker is at it, or the next attempt has its time.
    Syncing,
    /// The last sync succeeded.
    Ready,
    /// The last sync failed for good, or for now; the error says which.
    Error,
}

impl SyncStatus {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Syncing, Self::Ready, Self::Error];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Syncing => "SYNCING",
            Self::Ready => "READY",
            Self::Error => "ERROR",
        }
    }
}

/// What can happen to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncEvent {
    /// A worker took the row.
    Claimed,
    /// A person asked for fresh data, or connected the account again.
    Requested,
    /// The worker stored what it found.
    Succeeded,
    /// The attempt failed and the next one has its time.
    RetryScheduled,
    /// The attempt failed and no further one follows by itself soon.
    Failed,
    /// The account was disconnected.
    Disconnected,
    /// A person holds the connection; nothing is done until it goes on.
    Held,
}

impl SyncEvent {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Claimed,
        Self::Requested,
        Self::Succeeded,
        Self::RetryScheduled,
        Self::Failed,
        Self::Disconnected,
        Self::Held,
    ];
}

/// An event that makes no sense in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen while {from:?}")]
pub struct IllegalTransition {
    /// The state it met.
    pub from: SyncStatus,
    /// What happened.
    pub event: SyncEvent,
}

impl SyncStatus {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`] when a worker reports an outcome of a sync that is not running.
    pub fn next(self, event: SyncEvent) -> Result<Self, IllegalTransition> {
        use SyncEvent as E;
        use SyncStatus as S;
        match (self, event) {
            (_, E::Claimed) => Ok(S::Syncing),
            (S::Pending, E::Requested) => Ok(S::Pending),
            (_, E::Requested) => Ok(S::Syncing),
            (S::Syncing, E::Succeeded) => Ok(S::Ready),
            (S::Syncing, E::RetryScheduled) => Ok(S::Syncing),
            (S::Syncing, E::Failed) => Ok(S::Error),
            (S::Ready, E::Disconnected) => Ok(S::Ready),
            (_, E::Disconnected) => Ok(S::Error),
            // Nothing is being done for a held connection, so it must not say so.
            (S::Syncing, E::Held) => Ok(S::Pending),
            (state, E::Held) => Ok(state),
            (from, event) => Err(IllegalTransition { from, event }),
        }
    }
}

/// The stable code behind each sentence of the sync-error catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncErrorCode {
    /// The platform knows no such form of handle.
    InvalidUsername,
    /// No such account.
    ProfileNotFound,
    /// The platform asks to wait.
    RateLimited,
    /// No usable answer from the platform.
    ConnectionTimeout,
    /// The token is dead.
    TokenExpired,
    /// A right is missing.
    PermissionMissing,
    /// Only OAuth gives access.
    OauthRequired,
    /// The platform suspended the account.
    AccountSuspended,
    /// The app's own credentials are refused by the platform; the operator has to act.
    AppRejected,
    /// The same account is linked already, under another handle.
    DuplicateAccount,
    /// The worker died six times on this row.
    SyncInterrupted,
    /// The account was disconnected before the sync was done.
    Disconnected,
}

/// A sync error as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncError {
    /// The stable code.
    pub code: SyncErrorCode,
    /// The sentence that a person reads.
    pub message: String,
}

impl SyncError {
    /// The catalogue's sentence for a code that needs nothing added.
    #[must_use]
    pub fn of(code: SyncErrorCode) -> Self {
        use SyncErrorCode as C;
        let message = match code {
            C::InvalidUsername => "Invalid username format",
            C::ProfileNotFound => "Profile not found on platform",
            C::RateLimited => "API rate limit. Retrying...",
            C::ConnectionTimeout => "Connection timeout. Try again.",
            C::TokenExpired => "Token expired. Reconnect via OAuth.",
            C::PermissionMissing => "Cannot access profile data.",
            C::OauthRequired => "Cannot access profile data. Connect via OAuth to sync this account.",
            C::AccountSuspended => "Account suspended on platform",
            C::AppRejected => {
                "Cannot access profile data. The platform refuses this installation's app credentials; ask your administrator."
            }
            C::DuplicateAccount => "This account is already connected.",
            C::SyncInterrupted => "Sync stopped unexpectedly. Try again.",
            C::Disconnected => "Disconnected. Reconnect to sync this account.",
        };
        Self { code, message: message.to_owned() }
    }

    /// What a person reads about a failed call. `final_try`: no further attempt of this round follows.
    #[must_use]
    pub fn from_failure(failure: &Failure, final_try: bool) -> Self {
        use SyncErrorCode as C;
        match failure.kind {
            Kind::InvalidHandle => Self::of(C::InvalidUsername),
            Kind::NotFound => Self::of(C::ProfileNotFound),
            Kind::RateLimited if final_try => {
                Self { code: C::RateLimited, message: "API rate limit. Try again later.".to_owned() }
            }
            Kind::RateLimited => Self::of(C::RateLimited),
            Kind::ProviderDown => Self::of(C::ConnectionTimeout),
            Kind::ReconnectNeeded | Kind::TokenRejected => Self::of(C::TokenExpired),
            Kind::PermissionMissing | Kind::InvalidRequest | Kind::ContentRefused | Kind::Duplicate => {
                let mut error = Self::of(C::PermissionMissing);
                if let Some(scope) = &failure.scope {
                    error.message = format!("Cannot access profile data. Missing permission: {scope}.");
                }
                error
            }
            Kind::OauthRequired => Self::of(C::OauthRequired),
            Kind::Suspended => Self::of(C::AccountSuspended),
            Kind::AppRejected => Self::of(C::AppRejected),
        }
    }
}

/// How long to wait before each attempt of a round: the first entry before the first attempt, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy(Vec<Duration>);

impl RetryPolicy {
    /// At once, after 2 s, after 4 s.
    #[must_use]
    pub fn sync_default() -> Self {
        Self([0, 2, 4].map(Duration::from_secs).to_vec())
    }

    /// A policy of whole seconds; `None` when the list is empty.
    #[must_use]
    pub fn from_seconds(seconds: &[u64]) -> Option<Self> {
        (!seconds.is_empty()).then(|| Self(seconds.iter().copied().map(Duration::from_secs).collect()))
    }

    /// The wait before the first attempt of a round that a person starts: a link, a sync now, a resume.
    #[must_use]
    pub fn first_wait(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// The wait after the failed attempt number `attempt` (1 is the first); `None` when the round is over.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Option<Duration> {
        self.0.get(usize::try_from(attempt).ok()?).copied()
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterFailure {
    /// Stay SYNCING and try again at `at`.
    Retry {
        /// When.
        at: Timestamp,
        /// What to show meanwhile.
        error: SyncError,
    },
    /// ERROR; `next_sweep` says whether periodic work looks again.
    GiveUp {
        /// What to show.
        error: SyncError,
        /// Whether the next periodic sweep tries again by itself.
        next_sweep: bool,
    },
}

/// The longest wait that a platform may impose in one go; a reset time beyond it is looked at again after it.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Decides what follows the failed attempt number `attempt` (1 is the first of the round).
#[must_use]
pub fn after_failure(failure: &Failure, attempt: u32, now: Timestamp, policy: &RetryPolicy) -> AfterFailure {
    let wait = failure.may_pass().then(|| policy.wait_after(attempt)).flatten();
    match wait {
        Some(backoff) => {
            let wait = failure.retry_after.unwrap_or(backoff).min(LONGEST_WAIT);
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_hours(24));
            AfterFailure::Retry {
                at: now.saturating_add(wait).unwrap_or(now),
                error: SyncError::from_failure(failure, false),
            }
        }
        None => AfterFailure::GiveUp {
            error: SyncError::from_failure(failure, true),
            next_sweep: failure.may_pass() || matches!(failure.kind, Kind::Suspended | Kind::AppRejected),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_event_pair_is_decided() {
        use SyncEvent as E;
        use SyncStatus as S;
        // Written by hand: rows are states, columns the events in the order of `SyncEvent::ALL`.
        let table: [(S, [Option<S>; 7]); 4] = [
            (S::Pending, [Some(S::Syncing), Some(S::Pending), None, None, None, Some(S::Error), Some(S::Pending)]),
            (
                S::Syncing,
                [
                    Some(S::Syncing),
                    Some(S::Syncing),
                    Some(S::Ready),
                    Some(S::Syncing),
                    Some(S::Error),
                    Some(S::Error),
                    Some(S::Pending),
                ],
            ),
            (S::Ready, [Some(S::Syncing), Some(S::Syncing), None, None, None, Some(S::Ready), Some(S::Ready)]),
            (S::Error, [Some(S::Syncing), Some(S::Syncing), None, None, None, Some(S::Error), Some(S::Error)]),
        ];
        assert_eq!(table.map(|(state, _)| state), S::ALL);
        for (from, expected) in table {
            for (event, expected) in E::ALL.into_iter().zip(expected) {
                assert_eq!(from.next(event).ok(), expected, "{from:?} × {event:?}");
            }
        }
    }

    fn down() -> Failure {
        Failure::new(Kind::ProviderDown, "503")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn three_attempts_at_once_after_two_and_after_four_seconds() {
        let policy = RetryPolicy::sync_default();
        let next = |attempt| match after_failure(&down(), attempt, at(1000), &policy) {
            AfterFailure::Retry { at, .. } => Some(at.as_second() - 1000),
            AfterFailure::GiveUp { .. } => None,
        };
        assert_eq!([next(1), next(2), next(3), next(4)], [Some(2), Some(4), None, None]);
        assert_eq!(policy.first_wait(), Duration::ZERO);
        assert_eq!(RetryPolicy::from_seconds(&[7, 2]).map(|policy| policy.first_wait()), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_platforms_own_waiting_time_replaces_the_backoff() {
        let failure = Failure::new(Kind::RateLimited, "429").retry_after(Some(Duration::from_secs(90)));
        let AfterFailure::Retry { at: when, error } = after_failure(&failure, 1, at(0), &RetryPolicy::sync_default())
        else {
            panic!("a rate limit is retried")
        };
        assert_eq!(when, at(90));
        assert_eq!(error.message, "API rate limit. Retrying...");
    }

    #[test]
    fn an_absurd_waiting_time_is_bounded() {
        let failure = Failure::new(Kind::RateLimited, "429").retry_after(Some(Duration::MAX));
        let AfterFailure::Retry { at: when, .. } = after_failure(&failure, 1, at(0), &RetryPolicy::sync_default())
        else {
            panic!("a rate limit is retried")
        };
        assert_eq!(when, at(86_400));
    }

    #[test]
    fn what_cannot_pass_is_not_retried() {
        for (kind, message) in [
            (Kind::InvalidHandle, "Invalid username format"),
            (Kind::NotFound, "Profile not found on platform"),
            (Kind::ReconnectNeeded, "Token expired. Reconnect via OAuth."),
            (Kind::PermissionMissing, "Cannot access profile data."),
        ] {
            let after = after_failure(&Failure::new(kind, ""), 1, at(0), &RetryPolicy::sync_default());
            let AfterFailure::GiveUp { error, next_sweep } = after else { panic!("{kind:?} was retried") };
            assert_eq!((error.message.as_str(), next_sweep), (message, false));
        }
    }

    #[test]
    fn a_missing_scope_is_named() {
        let failure = Failure::new(Kind::PermissionMissing, "403").scope("video.list");
        assert_eq!(
            SyncError::from_failure(&failure, true).message,
            "Cannot access profile data. Missing permission: video.list."
        );
    }
}
