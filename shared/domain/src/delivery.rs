//! One post going to one account: its states, and what follows a failure.
//!
//! The promise (docs/reliability.md): a post is submitted a second time only when the platform has shown that the
//! first one does not exist. So the state remembers the intent of a submission before it is sent, and whatever is
//! uncertain afterwards is looked for, not sent again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::failure::{Effect, Failure, Kind};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its time, for its account, or for its next attempt. Nothing has been submitted that could exist.
    Scheduled,
    /// A worker prepares it: files, containers, upload sessions. Nothing is visible yet.
    Claimed,
    /// The intent is written; the submission may or may not have been sent.
    Submitting,
    /// The platform accepted it and processes it.
    Processing,
    /// A submission has no known outcome: it is looked for, or a person decides.
    Unconfirmed,
    /// It is live.
    Published,
    /// It is not live, and nothing more is tried by itself.
    Failed,
    /// Its window passed before it could go out.
    Missed,
    /// A person took it back before it was at work.
    Cancelled,
}

impl DeliveryStatus {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Claimed,
        Self::Submitting,
        Self::Processing,
        Self::Unconfirmed,
        Self::Published,
        Self::Failed,
        Self::Missed,
        Self::Cancelled,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Claimed => "claimed",
            Self::Submitting => "submitting",
            Self::Processing => "processing",
            Self::Unconfirmed => "unconfirmed",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Failed | Self::Missed | Self::Cancelled)
    }
}

/// What can happen to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryEvent {
    /// A worker has begun to prepare.
    Prepared,
    /// The lease was over, or the step failed, before any intent.
    Released,
    /// The intent of a submission is written.
    Intended,
    /// The platform accepted it and processes it.
    Accepted,
    /// It is live.
    Confirmed,
    /// A submission's outcome is not known.
    Doubted,
    /// The submission is known not to have taken effect; another attempt has its time.
    NotApplied,
    /// The platform has shown that it does not exist; another submission has its time.
    ProvenAbsent,
    /// Nothing shows whether it exists, and it is sent again under the key that makes no second one.
    Repeated,
    /// It is refused, or no attempt is left, and it does not exist.
    Rejected,
    /// Its window passed before anything was submitted.
    WindowPassed,
    /// A person took it back.
    Cancelled,
    /// A person wants it tried again.
    Retried,
    /// A person says that it is live.
    ResolvedPublished,
    /// A person says that it is not live and shall stay so.
    ResolvedFailed,
    /// A person says that it is not live and shall be sent again.
    ResolvedResend,
}

impl DeliveryEvent {
    /// Every event.
    pub const ALL: [Self; 16] = [
        Self::Prepared,
        Self::Released,
        Self::Intended,
        Self::Accepted,
        Self::Confirmed,
        Self::Doubted,
        Self::NotApplied,
        Self::ProvenAbsent,
        Self::Repeated,
        Self::Rejected,
        Self::WindowPassed,
        Self::Cancelled,
        Self::Retried,
        Self::ResolvedPublished,
        Self::ResolvedFailed,
        Self::ResolvedResend,
    ];
}

/// An event that makes no sense in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen while {from:?}")]
pub struct IllegalTransition {
    /// The state it met.
    pub from: DeliveryStatus,
    /// What happened.
    pub event: DeliveryEvent,
}

impl DeliveryStatus {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub const fn next(self, event: DeliveryEvent) -> Result<Self, IllegalTransition> {
        use DeliveryEvent as E;
        use DeliveryStatus as S;
        Ok(match (self, event) {
            (S::Scheduled | S::Claimed, E::Prepared) => S::Claimed,
            (S::Scheduled | S::Claimed, E::Released) => S::Scheduled,
            (S::Scheduled | S::Claimed, E::Intended) => S::Submitting,
            (S::Submitting | S::Processing | S::Unconfirmed, E::Accepted) => S::Processing,
            (S::Submitting | S::Processing | S::Unconfirmed, E::Confirmed) => S::Published,
            (S::Submitting | S::Processing | S::Unconfirmed, E::Doubted) => S::Unconfirmed,
            (S::Submitting | S::Processing, E::NotApplied) => S::Scheduled,
            (S::Unconfirmed, E::ProvenAbsent) => S::Scheduled,
            (S::Unconfirmed, E::Repeated) => S::Submitting,
            (S::Scheduled | S::Claimed | S::Submitting | S::Processing | S::Unconfirmed, E::Rejected) => S::Failed,
            (S::Scheduled | S::Claimed, E::WindowPassed) => S::Missed,
            (S::Scheduled, E::Cancelled) => S::Cancelled,
            (S::Failed | S::Missed, E::Retried) => S::Scheduled,
            (S::Unconfirmed, E::ResolvedPublished) => S::Published,
            (S::Unconfirmed, E::ResolvedFailed) => S::Failed,
            (S::Unconfirmed, E::ResolvedResend) => S::Scheduled,
            (from, event) => return Err(IllegalTransition { from, event }),
        })
    }
}

/// How many submissions are made without a person's word.
pub const MOST_SUBMISSIONS: u32 = 3;
/// How long the call of a submission may take.
pub const SUBMIT_DEADLINE: SignedDuration = SignedDuration::from_secs(30);
/// How long before its time a delivery is taken up, so that on the second only the submission is left to do. A person's
/// change comes too late from then on.
pub const LEAD: SignedDuration = SignedDuration::from_secs(5);
/// What stays of a lease when a submission starts, beyond its deadline.
pub const SUBMIT_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// The longest wait between two looks for an uncertain submission.
const LONGEST_LOOK: u64 = 900;
/// How long an uncertain submission is looked for before only a person can decide.
pub const LOOK_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The waits after failed attempts that had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishPolicy(Vec<Duration>);

impl PublishPolicy {
    /// 2 s, 4 s, 8 s.
    #[must_use]
    pub fn standard() -> Self {
        Self([2, 4, 8].map(Duration::from_secs).to_vec())
    }

    /// A policy of whole seconds; `None` when the list is empty.
    #[must_use]
    pub fn from_seconds(seconds: &[u64]) -> Option<Self> {
        (!seconds.is_empty()).then(|| Self(seconds.iter().copied().map(Duration::from_secs).collect()))
    }

    /// The wait after failed attempt number `attempt` (1 is the first); `None` when none is left.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Option<Duration> {
        self.0.get(usize::try_from(attempt).ok()?.checked_sub(1)?).copied()
    }
}

/// What follows a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Nothing took effect: try again after this wait.
    TryAgain(SignedDuration),
    /// Nobody knows whether it took effect: look first.
    Look,
    /// Nothing took effect, and nothing will: failed.
    GiveUp,
}

/// The longest wait that a platform may impose in one go.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Decides what follows a failure in attempt number `attempt` (1 is the first).
#[must_use]
pub fn after_failure(failure: &Failure, attempt: u32, policy: &PublishPolicy) -> AfterFailure {
    match (failure.effect, failure.kind) {
        (Effect::Unknown, _) => AfterFailure::Look,
        (_, Kind::RateLimited | Kind::ProviderDown) => match policy.wait_after(attempt) {
            None => AfterFailure::GiveUp,
            Some(wait) => {
                let wait = failure.retry_after.unwrap_or(wait);
                AfterFailure::TryAgain(SignedDuration::try_from(wait).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT))
            }
        },
        _ => AfterFailure::GiveUp,
    }
}

/// The wait before look number `look` (1 is the first) for an uncertain submission.
#[must_use]
pub fn look_wait(look: u32) -> SignedDuration {
    let seconds = 2u64.checked_shl(look.saturating_sub(1)).unwrap_or(LONGEST_LOOK).min(LONGEST_LOOK);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(900))
}

/// From when an absence counts as proof: the call's own deadline, a margin, and the platform's index lag must have
/// passed since the intent.
#[must_use]
pub fn absence_counts_from(intent: Timestamp, index_lag: SignedDuration) -> Timestamp {
    intent.saturating_add(SUBMIT_DEADLINE + SUBMIT_MARGIN + index_lag).unwrap_or(Timestamp::MAX)
}

/// Why a delivery is not out, for a person and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryError {
    /// Stable: `rate_limited`, `content_refused`, `token_expired`, …
    pub code: String,
    /// A sentence, with the platform's own reason where it gave one.
    pub message: String,
    /// The platform's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_code: Option<String>,
}

impl DeliveryError {
    /// An error of our own.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), platform_code: None }
    }

    /// What a person reads about a failed step on `platform` (its name as people write it).
    #[must_use]
    pub fn from_failure(platform: &str, failure: &Failure) -> Self {
        let (code, general) = match failure.kind {
            Kind::RateLimited => ("rate_limited", format!("{platform} asks to wait: too many posts or calls.")),
            Kind::ProviderDown => ("platform_unavailable", format!("{platform} did not answer.")),
            Kind::ReconnectNeeded | Kind::TokenRejected => {
                ("token_expired", "Token expired. Reconnect via OAuth.".to_owned())
            }
            Kind::PermissionMissing => (
                "permission_missing",
                match &failure.scope {
                    Some(scope) => format!("{platform} does not allow it. Missing permission: {scope}."),
                    None => format!("{platform} does not allow this account to publish this."),
                },
            ),
            Kind::OauthRequired => {
                ("oauth_required", format!("Publishing on {platform} needs an account connected via OAuth."))
            }
            Kind::Suspended => ("account_suspended", "Account suspended on platform".to_owned()),
            Kind::AppRejected => {
                ("app_rejected", format!("{platform} refuses this installation's app; ask your administrator."))
            }
            Kind::Duplicate => ("duplicate", format!("{platform} says that the same post is there already.")),
            Kind::NotFound => ("not_found", format!("{platform} no longer knows the account or the file.")),
            Kind::InvalidHandle | Kind::InvalidRequest | Kind::ContentRefused => {
                ("content_refused", format!("{platform} refuses this post."))
            }
        };
        let message = match &failure.said {
            Some(said) => format!("{general} It says: {said}"),
            None => general,
        };
        Self { code: code.to_owned(), message, platform_code: failure.code.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_event_pair_is_decided() {
        use DeliveryStatus as S;
        // Written by hand; columns in the order of `DeliveryEvent::ALL`. `-` is refused.
        let table = [
            //             prep rel int acc conf doubt notap absent rep rej win canc retr rpub rfail resend
            (S::Scheduled, "C S U - - - - - - F M X - - - -"),
            (S::Claimed, "C S U - - - - - - F M - - - - -"),
            (S::Submitting, "- - - P L D S - - F - - - - - -"),
            (S::Processing, "- - - P L D S - - F - - - - - -"),
            (S::Unconfirmed, "- - - P L D - S U F - - - L F S"),
            (S::Published, "- - - - - - - - - - - - - - - -"),
            (S::Failed, "- - - - - - - - - - - - S - - -"),
            (S::Missed, "- - - - - - - - - - - - S - - -"),
            (S::Cancelled, "- - - - - - - - - - - - - - - -"),
        ];
        assert_eq!(table.map(|(state, _)| state), S::ALL);
        for (from, row) in table {
            let row: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(row.len(), DeliveryEvent::ALL.len());
            for (event, expected) in DeliveryEvent::ALL.into_iter().zip(row) {
                let expected = match expected {
                    "C" => Some(S::Claimed),
                    "S" => Some(S::Scheduled),
                    "U" => Some(S::Submitting),
                    "P" => Some(S::Processing),
                    "L" => Some(S::Published),
                    "D" => Some(S::Unconfirmed),
                    "F" => Some(S::Failed),
                    "M" => Some(S::Missed),
                    "X" => Some(S::Cancelled),
                    _ => None,
                };
                assert_eq!(from.next(event).ok(), expected, "{from:?} × {event:?}");
            }
        }
    }

    #[test]
    fn nothing_uncertain_is_ever_scheduled_without_proof_or_a_persons_word() {
        for event in DeliveryEvent::ALL {
            if DeliveryStatus::Unconfirmed.next(event) == Ok(DeliveryStatus::Scheduled) {
                assert!(matches!(event, DeliveryEvent::ProvenAbsent | DeliveryEvent::ResolvedResend), "{event:?}");
            }
        }
    }

    #[test]
    fn what_had_no_effect_waits_2_4_8_and_then_fails() {
        let down = Failure::new(Kind::ProviderDown, "connect");
        let next = |attempt| after_failure(&down, attempt, &PublishPolicy::standard());
        let wait = |s| AfterFailure::TryAgain(SignedDuration::from_secs(s));
        assert_eq!([next(1), next(2), next(3), next(4)], [wait(2), wait(4), wait(8), AfterFailure::GiveUp]);
    }

    #[test]
    fn an_unknown_effect_is_looked_for_whatever_went_wrong() {
        for kind in [Kind::ProviderDown, Kind::InvalidRequest, Kind::RateLimited, Kind::ReconnectNeeded] {
            let failure = Failure::new(kind, "").maybe_applied();
            assert_eq!(after_failure(&failure, 1, &PublishPolicy::standard()), AfterFailure::Look, "{kind:?}");
        }
    }

    #[test]
    fn a_platforms_own_time_replaces_the_backoff_and_is_bounded() {
        let limited = |s| Failure::new(Kind::RateLimited, "429").retry_after(Some(Duration::from_secs(s)));
        let policy = PublishPolicy::standard();
        assert_eq!(after_failure(&limited(90), 1, &policy), AfterFailure::TryAgain(SignedDuration::from_secs(90)));
        assert_eq!(after_failure(&limited(u64::MAX), 1, &policy), AfterFailure::TryAgain(LONGEST_WAIT));
    }

    #[test]
    fn looks_come_after_2_4_8_seconds_and_never_later_than_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (1..=12).map(|n| look_wait(n).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(look_wait(u32::MAX), SignedDuration::from_secs(900));
    }

    #[test]
    fn the_platforms_own_words_reach_the_person() {
        let failure = Failure::new(Kind::ContentRefused, "400")
            .said(Some("The video is longer than 15 minutes.".to_owned()), Some("2207026".to_owned()));
        let error = DeliveryError::from_failure("Instagram", &failure);
        assert_eq!(error.message, "Instagram refuses this post. It says: The video is longer than 15 minutes.");
        assert_eq!((error.code.as_str(), error.platform_code.as_deref()), ("content_refused", Some("2207026")));
    }
}
