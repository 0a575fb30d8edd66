//! What comes after a post is live: its follow-ups, and its deletion. Neither ever touches the publishing again.

use domain::delivery::{AfterFailure, DeliveryError, SUBMIT_DEADLINE, absence_counts_from, after_failure, look_wait};
use domain::{Effect, Failure, Kind};
use jiff::{SignedDuration, Timestamp};
use outbound::Moment;
use platforms::media::Sources;
use platforms::publish::{Found, Job, PostRef, Proof};

use super::work::{CALLS, FollowUp, Live, NotReady, Outcome, Ready, Step, Work};

/// How often an uncertain follow-up is looked for.
const MOST_LOOKS: u32 = 6;

/// A follow-up that may have been added.
struct Sought {
    /// Its number, from 0.
    n: usize,
    intent_at: Timestamp,
    /// Looks so far.
    looks: u32,
    /// Why the platform refused it, where it did.
    refused: Option<DeliveryError>,
}

fn reference(live: &Live) -> PostRef {
    PostRef { id: live.id.clone(), url: live.url.clone(), posted_at: Some(live.posted_at), extra: live.extra.clone() }
}

impl<'a> Work<'a> {
    /// The next follow-up, or the rest.
    pub(super) async fn follow(&mut self) -> Step {
        let wanted = self.post.draft(self.delivery.platform).follow_ups.len();
        let done = self.delivery.follow_ups.iter().take_while(|f| matches!(f, FollowUp::Done(_))).count();
        let over = matches!(self.delivery.follow_ups.last(), Some(FollowUp::Failed { .. }));
        let live = self.delivery.live.clone().filter(|live| !live.id.is_empty());
        let Some(live) = live.filter(|_| done < wanted && !over) else { return self.rest().await };
        let ready = match self.ready().await {
            Ok(ready) => ready,
            Err(NotReady::Store(error)) => return Err(Outcome::Store(error)),
            Err(NotReady::Never(error)) => return self.no_follow_up(error).await,
            Err(NotReady::Failed(failure)) if !failure.may_pass() => {
                let error = DeliveryError::from_failure(self.platform_name(), &failure);
                return self.no_follow_up(error).await;
            }
            Err(_) => {
                // A day is long enough to wait for an account.
                if live.posted_at.duration_until(self.app.now()) > SignedDuration::from_hours(24) {
                    return self
                        .no_follow_up(DeliveryError::new("account_held", "The account was held for a day."))
                        .await;
                }
                self.delivery.next_attempt_at = Some(self.later(SignedDuration::from_mins(5)));
                return self.finish().await;
            }
        };
        let post = reference(&live);
        let parent = match self.delivery.follow_ups.iter().rev().find_map(|f| match f {
            FollowUp::Done(live) => Some(reference(live)),
            _ => None,
        }) {
            Some(last) => last,
            None => post.clone(),
        };
        if let Some(FollowUp::Submitting { intent_at, looks, refused }) = self.delivery.follow_ups.last().cloned() {
            let sought = Sought { n: done, intent_at, looks, refused };
            return self.find_follow_up(&ready, &post, &parent, sought).await;
        }
        let intent_at = self.app.now();
        self.delivery.follow_ups.push(FollowUp::Submitting { intent_at, looks: 0, refused: None });
        // Counted from before the intent is written, as for the post itself.
        let lit = Moment::now(self.app.clock.as_ref());
        self.keep().await?;
        let progress = self.progress().await?;
        let files = Sources::new(&self.app.outbound);
        let hold = self.hold(SUBMIT_DEADLINE);
        hold.fuse.renew(lit, std::time::Duration::try_from(SUBMIT_DEADLINE).unwrap_or_default());
        let out = self.app.outbound.fused(hold.fuse.clone());
        let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
        let job = Job { intent_at: Some(intent_at), ..job };
        let sent = ready.publish.follow_up(&ready.context(self.app, &out), &job, &post, &parent, done).await;
        self.take_over(hold);
        match sent {
            Ok(made) => self.followed(made).await,
            Err(failure) => {
                self.platform_error("follow_up", &failure);
                self.not_followed(&ready, intent_at, failure).await
            }
        }
    }

    async fn followed(&mut self, made: PostRef) -> Step {
        let PostRef { id, url, posted_at, extra } = made;
        let now = self.app.now();
        self.delivery.follow_ups.pop();
        let live = Live { id, url, posted_at: posted_at.unwrap_or(now), extra };
        self.delivery.follow_ups.push(FollowUp::Done(live));
        self.delivery.attempts = 0;
        self.delivery.note("follow_up", "ok", self.now, "Added.");
        let wanted = self.post.draft(self.delivery.platform).follow_ups.len();
        self.delivery.next_attempt_at = (self.delivery.follow_ups.len() < wanted).then_some(now);
        self.finish().await
    }

    async fn not_followed(&mut self, ready: &Ready<'a>, intent_at: Timestamp, failure: Failure) -> Step {
        let error = DeliveryError::from_failure(self.platform_name(), &failure);
        if failure.effect == Effect::Unknown {
            self.delivery.note("follow_up", "unknown", self.now, error.message);
            self.delivery.next_attempt_at = Some(self.later(look_wait(1)));
            return self.finish().await;
        }
        let too_new = self.was_too_new(ready, intent_at);
        let content_was_read = matches!(failure.kind, Kind::ContentRefused | Kind::InvalidRequest | Kind::Duplicate);
        let unseen = too_new && matches!(failure.kind, Kind::NotFound | Kind::PermissionMissing);
        self.delivery.follow_ups.pop();
        if (content_was_read || unseen) && ready.proof() != Proof::None {
            // Platforms have refused what they had taken: it is looked for before it is called failed, or sent again.
            self.delivery.note("follow_up", "failed", self.now, error.message.clone());
            self.delivery.follow_ups.push(FollowUp::Submitting { intent_at, looks: 0, refused: Some(error) });
            self.delivery.next_attempt_at = Some(self.later(look_wait(1)));
            return self.finish().await;
        }
        self.delivery.attempts += 1;
        let failure = if unseen { Failure { kind: Kind::ProviderDown, ..failure } } else { failure };
        match after_failure(&failure, self.delivery.attempts, &self.app.settings.publish_retry) {
            AfterFailure::TryAgain(wait) => {
                self.delivery.note("follow_up", "failed", self.now, error.message);
                self.delivery.next_attempt_at = Some(self.later(wait));
                self.finish().await
            }
            AfterFailure::GiveUp | AfterFailure::Look => self.no_follow_up(error).await,
        }
    }

    /// Whether the post was so new then that it may not have been seen yet where comments are taken. X calls that a
    /// missing right, others a post that is not there.
    fn was_too_new(&self, ready: &Ready<'a>, then: Timestamp) -> bool {
        let visible_after = ready.publish.facts().index_lag + SignedDuration::from_secs(30);
        self.delivery.live.as_ref().is_some_and(|live| live.posted_at.duration_until(then) <= visible_after)
    }

    async fn find_follow_up(&mut self, ready: &Ready<'a>, post: &PostRef, parent: &PostRef, sought: Sought) -> Step {
        let Sought { n, intent_at, looks, refused } = sought;
        let unknown = || DeliveryError::new("unconfirmed", "It may or may not have been added. Look at the post.");
        if ready.proof() == Proof::None || looks >= MOST_LOOKS {
            self.delivery.follow_ups.pop();
            return self.no_follow_up(unknown()).await;
        }
        let asked_at = self.app.now();
        let progress = self.progress().await?;
        let files = Sources::new(&self.app.outbound);
        let hold = self.hold(CALLS);
        let out = self.app.outbound.fused(hold.fuse.clone());
        let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
        let job = Job { intent_at: Some(intent_at), ..job };
        let found = ready.publish.find_follow_up(&ready.context(self.app, &out), &job, post, parent, n).await;
        self.take_over(hold);
        let proof_at = absence_counts_from(intent_at, ready.publish.facts().index_lag);
        match (found, refused) {
            (Ok(Found::Published(made)), _) => self.followed(made).await,
            (Ok(Found::NoMeans), Some(error)) => {
                // Nothing shows it, and the platform's word is all there is: of a post that it did not see yet, it is tried again.
                let unseen = matches!(error.code.as_str(), "permission_missing" | "not_found");
                self.delivery.follow_ups.pop();
                self.delivery.attempts += 1;
                let wait = self.app.settings.publish_retry.wait_after(self.delivery.attempts);
                match wait.filter(|_| unseen && self.was_too_new(ready, intent_at)) {
                    Some(wait) => {
                        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(8));
                        self.delivery.next_attempt_at = Some(self.later(wait));
                        self.finish().await
                    }
                    None => self.no_follow_up(error).await,
                }
            }
            // Refused, and not there. A post that is seen by now may take it now.
            (Ok(Found::Absent(_)), Some(error)) if asked_at >= proof_at && !self.was_too_new(ready, intent_at) => {
                self.no_follow_up(error).await
            }
            // Absent, or sent again under a key that makes no second one.
            (Ok(Found::Absent(_) | Found::SameKey), refused) if asked_at >= proof_at => {
                self.delivery.follow_ups.pop();
                self.delivery.attempts += 1;
                if self.delivery.attempts >= domain::delivery::MOST_SUBMISSIONS {
                    return self.no_follow_up(refused.unwrap_or_else(unknown)).await;
                }
                self.delivery.next_attempt_at = Some(self.app.now());
                self.finish().await
            }
            (Ok(Found::NoMeans), None) => {
                self.delivery.follow_ups.pop();
                self.no_follow_up(unknown()).await
            }
            (Ok(Found::Unclear), _) if asked_at >= proof_at => {
                self.delivery.follow_ups.pop();
                self.no_follow_up(unknown()).await
            }
            (Ok(Found::Absent(_) | Found::SameKey | Found::Unclear | Found::Processing { .. }) | Err(_), refused) => {
                self.delivery.follow_ups.pop();
                self.delivery.follow_ups.push(FollowUp::Submitting { intent_at, looks: looks + 1, refused });
                let next = self.later(look_wait(looks + 2));
                self.delivery.next_attempt_at = Some(next.max(proof_at.min(self.later(SignedDuration::from_mins(5)))));
                self.finish().await
            }
        }
    }

    async fn no_follow_up(&mut self, error: DeliveryError) -> Step {
        self.delivery.note("follow_up", "failed", self.now, error.message.clone());
        if matches!(self.delivery.follow_ups.last(), Some(FollowUp::Submitting { .. })) {
            self.delivery.follow_ups.pop();
        }
        self.delivery.follow_ups.push(FollowUp::Failed { error });
        self.delivery.next_attempt_at = None;
        self.finish().await
    }

    /// Deletes what a person wants gone. A deletion that was done before is a success.
    pub(super) async fn delete(&mut self) -> Step {
        let Some(live) = self.delivery.live.clone() else { return self.rest().await };
        let ready = match self.ready().await {
            Ok(ready) => ready,
            Err(NotReady::Store(error)) => return Err(Outcome::Store(error)),
            Err(NotReady::Busy) => {
                self.delivery.next_attempt_at = Some(self.later(SignedDuration::from_secs(2)));
                return self.finish().await;
            }
            Err(NotReady::Held(words)) => return self.not_deleted(DeliveryError::new("account_held", words)).await,
            Err(NotReady::Never(error)) => return self.not_deleted(error).await,
            Err(NotReady::Failed(failure)) => return self.delete_failed(failure).await,
        };
        let progress = self.progress().await?;
        let files = Sources::new(&self.app.outbound);
        let hold = self.hold(CALLS);
        let out = self.app.outbound.fused(hold.fuse.clone());
        let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
        let deleted = ready.publish.delete(&ready.context(self.app, &out), &job, &reference(&live)).await;
        self.take_over(hold);
        match deleted {
            Ok(()) => {
                self.delivery.note("delete", "ok", self.now, format!("Deleted on {}.", self.platform_name()));
                self.delivery.remove = false;
                self.delivery.removed = true;
                self.delivery.next_attempt_at = None;
                self.finish().await
            }
            Err(failure) => {
                self.platform_error("delete", &failure);
                self.delete_failed(failure).await
            }
        }
    }

    async fn delete_failed(&mut self, failure: Failure) -> Step {
        let error = DeliveryError::from_failure(self.platform_name(), &failure);
        self.delivery.attempts += 1;
        // Deleting twice is deleting once, so an unknown outcome is simply tried again.
        let known = Failure { effect: Effect::NotApplied, ..failure };
        match after_failure(&known, self.delivery.attempts, &self.app.settings.publish_retry) {
            AfterFailure::TryAgain(wait) => {
                self.delivery.note("delete", "failed", self.now, error.message);
                self.delivery.next_attempt_at = Some(self.later(wait));
                self.finish().await
            }
            AfterFailure::GiveUp | AfterFailure::Look => self.not_deleted(error).await,
        }
    }

    async fn not_deleted(&mut self, error: DeliveryError) -> Step {
        self.delivery.note("delete", "failed", self.now, error.message.clone());
        self.delivery.error = Some(error);
        self.delivery.remove = false;
        self.delivery.attempts = 0;
        self.delivery.next_attempt_at = None;
        self.finish().await
    }
}
