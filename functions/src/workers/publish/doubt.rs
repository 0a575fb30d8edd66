//! After an intent: looking at what is processed, and looking for what nobody knows of.

use domain::delivery::{DeliveryError, DeliveryEvent, LOOK_FOR, MOST_SUBMISSIONS, absence_counts_from, look_wait};
use domain::{Failure, Kind};
use jiff::{SignedDuration, Timestamp};
use platforms::media::Sources;
use platforms::publish::{Found, Looked, PostRef, Proof};

use super::begin::FILES;
use super::work::{CALLS, NotReady, Outcome, Ready, Step, Work, is_about_the_account};
use crate::accounts::tokens;

/// A post that the platform says is there; only where is not known.
fn somewhere() -> PostRef {
    PostRef { id: String::new(), url: None, posted_at: None, extra: Default::default() }
}

impl<'a> Work<'a> {
    /// An intent was left without an outcome: its call may still be under way, so the first look waits for its end.
    pub(super) async fn doubt_later(&mut self) -> Step {
        self.step(DeliveryEvent::Doubted)?;
        let detail = "The work was interrupted after it may have been sent. It is looked for.";
        self.delivery.note("submit", "unknown", self.now, detail);
        self.delivery.looks = 0;
        self.delivery.doubted_at = Some(self.now);
        self.delivery.next_attempt_at = Some(self.absence_at().max(self.app.now()));
        self.report("looking", true);
        self.finish().await
    }

    /// A person tries again what may be out: the same as a doubt, at once.
    pub(super) async fn doubt_now(&mut self) -> Step {
        self.step(DeliveryEvent::Intended)?;
        self.step(DeliveryEvent::Doubted)?;
        self.delivery.looks = 0;
        self.keep().await?;
        self.find().await
    }

    /// From when an absence is proof.
    pub(super) fn absence_at(&self) -> Timestamp {
        let lag = self
            .app
            .platforms
            .get(self.delivery.platform)
            .and_then(|adapter| adapter.publish.as_deref())
            .map_or(SignedDuration::from_mins(5), |publish| publish.facts().index_lag);
        let by_intent = absence_counts_from(self.delivery.intent_at.unwrap_or(self.now), lag);
        // A long upload's last call is later than its intent; by the doubt it had ended.
        let by_doubt = self.delivery.doubted_at.and_then(|at| at.checked_add(lag).ok());
        match by_doubt {
            // The call has ended with an answer: nothing of it is still under way.
            Some(at) if self.delivery.refused => at,
            Some(at) => at.max(by_intent),
            None => by_intent,
        }
    }

    /// Looks for a submission whose outcome is not known.
    pub(super) async fn find(&mut self) -> Step {
        let ready = match self.ready().await {
            Ok(ready) => ready,
            Err(reason) => return self.cannot_look(reason).await,
        };
        if ready.proof() == Proof::None {
            return self.no_means().await;
        }
        let progress = self.progress().await?;
        let files = Sources::expecting(&self.app.outbound, progress.get(FILES).unwrap_or_default());
        let asked_at = self.app.now();
        let hold = self.hold(CALLS);
        let out = self.app.outbound.fused(hold.fuse.clone());
        let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
        let found = ready.publish.find(&ready.context(self.app, &out), &job).await;
        self.take_over(hold);
        let name = self.platform_name();
        self.delivery.looks += 1;
        match found {
            Ok(Found::Published(live)) => {
                self.delivery.note("find", "ok", asked_at, format!("Found on {name}."));
                self.publish_found(live).await
            }
            Ok(Found::Processing { progress, wait }) => {
                self.delivery.note("find", "ok", asked_at, format!("{name} is processing it."));
                self.accept(progress, wait).await
            }
            Ok(Found::Absent(progress)) => self.absent(progress, asked_at).await,
            Ok(Found::SameKey) => self.same_key(&ready, &files, asked_at).await,
            Ok(Found::Unclear) => self.unclear(asked_at).await,
            Ok(Found::NoMeans) => self.no_means().await,
            Err(failure) => {
                self.platform_error("find", &failure);
                self.look_failed(&ready, "find", failure).await
            }
        }
    }

    async fn absent(&mut self, progress: platforms::publish::Progress, asked_at: Timestamp) -> Step {
        let name = self.platform_name();
        if asked_at < self.absence_at() {
            // The platform's own lists may be behind: not seen is not proof yet.
            return self.look_again("absent", asked_at).await;
        }
        self.delivery.note("find", "absent", asked_at, format!("It is not on {name}."));
        if let Some(error) = self.refusal() {
            // Nothing is left to look for, should a person try again.
            self.delivery.intent_at = None;
            self.absorb(&progress).await?;
            return self.fail(error).await;
        }
        if self.delivery.duplicate {
            // The platform says that it is there, and its list says that it is not: a person has to look.
            return self.ask_a_person("unconfirmed").await;
        }
        if self.delivery.submissions >= MOST_SUBMISSIONS {
            let error = DeliveryError::new(
                "not_published",
                format!(
                    "{name} took it {} times and shows no post. Try again, or post by hand.",
                    self.delivery.submissions.max(1)
                ),
            );
            return self.fail(error).await;
        }
        self.step(DeliveryEvent::ProvenAbsent)?;
        // What is sent now begins anew, and has to begin in its window.
        self.delivery.handed_on_at = None;
        self.absorb(&progress).await?;
        // Proven: nothing is left to look for, and the next submission is the platform's first.
        self.delivery.intent_at = None;
        self.delivery.resent = true;
        self.delivery.next_attempt_at = Some(self.app.now());
        self.report("retrying", true);
        self.finish().await
    }

    /// Looks again, at the latest when what the platform shows counts as proof.
    async fn look_again(&mut self, outcome: &str, asked_at: Timestamp) -> Step {
        let (name, proof_at) = (self.platform_name(), self.absence_at());
        self.delivery.note("find", outcome, asked_at, format!("Not seen on {name} yet; looking again."));
        let next = self.later(look_wait(self.delivery.looks + 1));
        self.delivery.next_attempt_at = Some(if next < proof_at { next } else { proof_at.max(self.app.now()) });
        self.finish().await
    }

    /// Nothing shows whether it is there, and the key makes sending it again safe. Safe is not proof: whatever ends the
    /// sending, short of an answer that tells, leaves it open.
    async fn same_key(&mut self, ready: &Ready<'a>, files: &Sources, asked_at: Timestamp) -> Step {
        if asked_at < self.absence_at() {
            return self.look_again("unknown", asked_at).await;
        }
        let is_over = self.delivery.refused
            || self.delivery.submissions >= MOST_SUBMISSIONS
            || self.app.now() > self.delivery.window_ends;
        if is_over {
            return self.unclear(asked_at).await;
        }
        let name = self.platform_name();
        let detail = format!("Nothing shows it; {name} makes no second one of the same key, so it is sent again.");
        self.delivery.note("find", "unknown", asked_at, detail);
        self.repeat(ready, files).await
    }

    /// The account can be read, and what it shows leaves it open.
    async fn unclear(&mut self, asked_at: Timestamp) -> Step {
        if asked_at < self.absence_at() {
            return self.look_again("unknown", asked_at).await;
        }
        if self.delivery.duplicate && self.delivery.not_ours.is_empty() {
            return self.publish(somewhere()).await;
        }
        let detail = format!("What {} shows leaves open whether it is out.", self.platform_name());
        self.delivery.note("find", "unknown", asked_at, detail);
        self.ask_a_person("unconfirmed").await
    }

    /// The platform has no means, or the account's rights do not reach.
    async fn no_means(&mut self) -> Step {
        // A duplicate of what is known to be another's says nothing about this one.
        if self.delivery.duplicate && self.delivery.not_ours.is_empty() {
            return self.publish(somewhere()).await;
        }
        self.delivery.note("find", "unknown", self.now, "Nothing shows whether it is out.");
        // The intent stays, so that a person's retry looks first.
        match self.refusal() {
            Some(error) => self.fail(error).await,
            None => self.ask_a_person("unconfirmed").await,
        }
    }

    /// Why the platform refused it, where that is known and the look for it is over.
    fn refusal(&mut self) -> Option<DeliveryError> {
        std::mem::take(&mut self.delivery.refused).then(|| self.delivery.error.take()).flatten()
    }

    /// One look at what is processed.
    pub(super) async fn look(&mut self) -> Step {
        let ready = match self.ready().await {
            Ok(ready) => ready,
            Err(reason) => return self.cannot_look(reason).await,
        };
        let progress = self.progress().await?;
        let files = Sources::new(&self.app.outbound);
        let hold = self.hold(CALLS);
        let out = self.app.outbound.fused(hold.fuse.clone());
        let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
        let looked = ready.publish.look(&ready.context(self.app, &out), &job).await;
        self.take_over(hold);
        let name = self.platform_name();
        match looked {
            Ok(Looked::Published(live)) => {
                self.delivery.note("look", "ok", self.now, format!("Published on {name}."));
                self.publish(live).await
            }
            Ok(Looked::Seen(live)) => {
                self.delivery.note("look", "ok", self.now, format!("Found on {name}."));
                self.publish_found(live).await
            }
            Ok(Looked::Processing { wait }) => {
                if self.looked_for_too_long() {
                    return self.ask_a_person("processing_too_long").await;
                }
                self.delivery.looks += 1;
                self.delivery.gone = false;
                self.delivery.note("look", "waiting", self.now, format!("{name} is processing it."));
                let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(1));
                self.delivery.next_attempt_at = Some(self.later(wait.max(SignedDuration::from_secs(1))));
                self.finish().await
            }
            Ok(Looked::Gone(_)) if !self.delivery.gone => {
                self.delivery.gone = true;
                self.delivery.note("look", "waiting", self.now, format!("{name} does not show it; looking once more."));
                self.delivery.next_attempt_at = Some(self.later(SignedDuration::from_mins(1)));
                self.finish().await
            }
            Ok(Looked::Refused(failure) | Looked::Gone(failure)) => {
                self.platform_error("look", &failure);
                let error = DeliveryError::from_failure(name, &failure);
                self.delivery.note("look", "failed", self.now, error.message.clone());
                // What was refused leaves nothing to go on from: a person's retry starts anew.
                self.delivery.intent_at = None;
                self.delivery.progress.clear();
                self.sealed = None;
                self.fail(error).await
            }
            Err(failure) => {
                self.platform_error("look", &failure);
                self.look_failed(&ready, "look", failure).await
            }
        }
    }

    /// A look that failed says nothing about the post: another one, later and later.
    async fn look_failed(&mut self, ready: &Ready<'a>, step: &'static str, failure: Failure) -> Step {
        if failure.kind == Kind::TokenRejected && tokens::is_renewable(ready.adapter.facts, &ready.tokens) {
            // Renewed, or being renewed, or refused, which the connection shows: the next look tells.
            if let Err(tokens::NoTokens::Store(error)) = tokens::renew_now(self.app, &ready.held).await {
                return Err(Outcome::Store(error));
            }
        } else if is_about_the_account(&failure) {
            // Replaced tokens or not: the next look tells.
            let _ = crate::accounts::reconnect::mark(self.app, &ready.connection, &ready.held).await?;
        }
        if self.looked_for_too_long() {
            return self.ask_a_person("unconfirmed").await;
        }
        let error = DeliveryError::from_failure(self.platform_name(), &failure);
        self.delivery.note(step, "failed", self.now, error.message);
        self.delivery.looks = self.delivery.looks.max(1) + u32::from(step == "look");
        let wait = failure.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        let wait = wait.unwrap_or_else(|| look_wait(self.delivery.looks)).min(SignedDuration::from_hours(1));
        self.delivery.next_attempt_at = Some(self.later(wait));
        self.finish().await
    }

    fn looked_for_too_long(&self) -> bool {
        self.delivery
            .intent_at
            .or(self.delivery.started_at)
            .is_some_and(|at| at.duration_until(self.app.now()) > LOOK_FOR)
    }

    /// The account cannot be asked. What may be out stays uncertain until it can, or until a person decides.
    async fn cannot_look(&mut self, reason: NotReady) -> Step {
        let (words, wait) = match reason {
            NotReady::Store(error) => return Err(Outcome::Store(error)),
            NotReady::Busy => ("The account's token is being renewed.", SignedDuration::from_secs(2)),
            NotReady::Held(words) => (words, SignedDuration::from_mins(5)),
            NotReady::Failed(_) => ("The account cannot be asked just now.", SignedDuration::from_mins(1)),
            NotReady::Never(_) => {
                self.delivery.note("find", "unknown", self.now, "The account is no longer there to be asked.");
                if let Some(error) = self.refusal() {
                    return self.fail(error).await;
                }
                return self.ask_a_person("unconfirmed").await;
            }
        };
        if self.looked_for_too_long() {
            return self.ask_a_person("unconfirmed").await;
        }
        self.delivery.note("find", "waiting", self.now, words);
        self.delivery.next_attempt_at = Some(self.later(wait));
        self.finish().await
    }
}
