//! The effect: the intent is written first, then the one call that makes the post.

use cloud::telemetry::{Unit, metric};
use domain::delivery::{AfterFailure, DeliveryError, DeliveryEvent, LEAD, SUBMIT_DEADLINE, after_failure, look_wait};
use domain::due::EARLY;
use domain::{Effect, Failure, Kind};
use jiff::SignedDuration;
use outbound::Moment;
use platforms::media::Sources;
use platforms::publish::{PostRef, Proof, Stop, Submitted};

use super::begin::seen;
use super::hold::Hold;
use super::work::{Live, Outcome, Ready, Step, Work, is_about_the_account};

/// The longest that a platform's own wait puts off a look.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_hours(1);

impl<'a> Work<'a> {
    /// Submits at its second, for the first time or after a proven absence.
    pub(super) async fn submit(&mut self, ready: &Ready<'a>, files: &Sources) -> Step {
        self.send(ready, files, DeliveryEvent::Intended).await
    }

    /// Sends it again under the key that makes no second one. What became of the call before stays open until this one has
    /// an answer that tells.
    pub(super) async fn repeat(&mut self, ready: &Ready<'a>, files: &Sources) -> Step {
        self.send(ready, files, DeliveryEvent::Repeated).await
    }

    /// Writes the intent under a live token, with a whole lease ahead, waits for the second, and submits.
    async fn send(&mut self, ready: &Ready<'a>, files: &Sources, event: DeliveryEvent) -> Step {
        let is_repeat = event == DeliveryEvent::Repeated;
        // An intent that nothing can prove or disprove is written at the last moment; any other is written ahead, so that
        // on the second only the call itself is left.
        let late_intent = ready.proof() == Proof::None;
        if late_intent && !self.its_time().await {
            return self.not_yet(DeliveryEvent::Released).await;
        }
        self.step(event)?;
        let intent = self.app.now();
        self.delivery.intent_at = Some(intent);
        self.delivery.first_intent_at.get_or_insert(intent);
        self.delivery.submissions += 1;
        self.delivery.looks = 0;
        self.delivery.next_attempt_at = None;
        // Counted from before the intent is written: the call ends before anyone counts an absence as proof.
        let lit = Moment::now(self.app.clock.as_ref());
        self.keep().await?;
        let progress = self.progress().await?;
        if !is_repeat && !self.its_time().await {
            self.delivery.submissions -= 1;
            return self.not_yet(DeliveryEvent::NotApplied).await;
        }
        let under_way = self.app.rush.join();
        let delay = self.delivery.scheduled_at.duration_until(self.app.now());
        if self.delivery.first_intent_at == Some(intent) {
            metric(self.app.now(), "PublishDelay", Unit::Milliseconds, delay.as_secs_f64().max(0.0) * 1000.0, None);
        }
        let hold = Hold { shift_ends: Some(self.shift_ends), ..self.hold(SUBMIT_DEADLINE) };
        let out = self.app.outbound.fused(hold.fuse.clone());
        hold.fuse.renew(lit, std::time::Duration::try_from(SUBMIT_DEADLINE).unwrap_or_default());
        let job = ready.job(&self.delivery, &progress, files, &hold, self.now);
        let submitted = ready.publish.submit(&ready.context(self.app, &out), &job).await;
        let gave_way = self.take_over(hold);
        drop(under_way);
        // What nothing can prove is written down at once.
        if !late_intent && submitted.is_ok() {
            self.app.rush.over().await;
        }
        match submitted {
            Ok(Submitted::Published(live)) => {
                self.delivery.note("submit", "ok", intent, format!("Published on {}.", self.platform_name()));
                self.publish(live).await
            }
            Ok(Submitted::Processing { progress, wait }) => {
                self.delivery.note("submit", "ok", intent, format!("{} is processing it.", self.platform_name()));
                self.accept(seen(progress, files), wait).await
            }
            // Where the last byte makes the post, the upload is the submission, and nothing exists before that byte.
            Err(Stop::Lost) if gave_way && !is_repeat => {
                self.step(DeliveryEvent::NotApplied)?;
                self.delivery.submissions -= 1;
                self.delivery.intent_at = None;
                self.hand_on().await
            }
            Err(Stop::Lost) => Err(Outcome::Lost),
            Err(Stop::Failed(failure)) => self.not_submitted(ready, failure, is_repeat).await,
        }
    }

    /// Waits for the second it is scheduled for; false when that is farther away than a worker waits: the clock was set
    /// back meanwhile.
    async fn its_time(&self) -> bool {
        // Once is enough, unless the clock is slewed a little meanwhile.
        for _ in 0..3 {
            let left = self.app.now().duration_until(self.delivery.scheduled_at);
            if !left.is_positive() {
                return true;
            }
            if left > LEAD + EARLY {
                return false;
            }
            tokio::time::sleep(std::time::Duration::try_from(left).unwrap_or_default()).await;
        }
        self.app.now() >= self.delivery.scheduled_at
    }

    /// Nothing was sent: it is taken up again before its second.
    async fn not_yet(&mut self, event: DeliveryEvent) -> Step {
        self.step(event)?;
        self.delivery.intent_at = None;
        self.delivery.next_attempt_at = Some(self.delivery.scheduled_at);
        self.finish().await
    }

    async fn not_submitted(&mut self, ready: &Ready<'a>, failure: Failure, is_repeat: bool) -> Step {
        self.platform_error("submit", &failure);
        if failure.kind == Kind::Duplicate && (self.delivery.resent || failure.effect == Effect::Unknown) {
            // What was sent before without a known outcome is there after all: the platform says so itself.
            return self.is_duplicate(failure).await;
        }
        match failure.effect {
            Effect::Unknown => {
                let detail = format!(
                    "No clear answer from {}: it is looked for before anything is sent again.",
                    self.platform_name()
                );
                self.delivery.note("submit", "unknown", self.now, detail);
                self.step(DeliveryEvent::Doubted)?;
                self.delivery.doubted_at = Some(self.app.now());
                self.delivery.next_attempt_at = Some(self.later(look_wait(1)));
                self.report("looking", true);
                self.finish().await
            }
            Effect::NotApplied if is_about_the_account(&failure) && !is_repeat => {
                self.delivery.intent_at = None;
                self.account_refused(ready, "submit", failure).await
            }
            Effect::NotApplied => {
                let content_was_read = !matches!(
                    failure.kind,
                    Kind::RateLimited
                        | Kind::ProviderDown
                        | Kind::PermissionMissing
                        | Kind::Suspended
                        | Kind::AppRejected
                );
                let can_look = ready.proof() != Proof::None;
                if !content_was_read && !can_look && !is_repeat {
                    // Turned away at the door: where nothing can be looked for, nothing has to be.
                    self.delivery.intent_at = None;
                }
                let policy = &self.app.settings.publish_retry;
                let for_good = after_failure(&failure, self.delivery.attempts + 1, policy) == AfterFailure::GiveUp;
                if is_repeat && (!for_good || !content_was_read || is_about_the_account(&failure)) {
                    return self.not_repeated(&failure).await;
                }
                if content_was_read && can_look && for_good {
                    return self.look_before_failing(&failure).await;
                }
                self.try_again("submit", failure).await
            }
        }
    }

    /// Platforms have refused what they had taken, and nothing is worse than "failed" of a post that is live: one look, as
    /// soon as the platform's lists are up to date.
    async fn look_before_failing(&mut self, failure: &Failure) -> Step {
        let error = DeliveryError::from_failure(self.platform_name(), failure);
        self.delivery.note("submit", "failed", self.now, error.message.clone());
        self.delivery.attempts += 1;
        self.step(DeliveryEvent::Doubted)?;
        self.delivery.error = Some(error);
        self.delivery.refused = true;
        self.delivery.doubted_at = Some(self.app.now());
        let at = self.absence_at();
        self.delivery.next_attempt_at = Some(at);
        if at > self.app.now() {
            return self.finish().await;
        }
        self.keep().await?;
        // A repeat that is refused comes from a look; the next look, of what was refused, repeats nothing.
        Box::pin(self.find()).await
    }

    /// The call before is as open as it was: another look, and perhaps another repeat, when the platform takes calls again.
    async fn not_repeated(&mut self, failure: &Failure) -> Step {
        let error = DeliveryError::from_failure(self.platform_name(), failure);
        self.delivery.note("submit", "failed", self.now, error.message);
        self.step(DeliveryEvent::Doubted)?;
        self.delivery.doubted_at = Some(self.app.now());
        let wait = failure.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        self.delivery.next_attempt_at = Some(self.later(wait.unwrap_or_else(|| look_wait(1)).min(LONGEST_LOOK)));
        self.report("looking", true);
        self.finish().await
    }

    async fn is_duplicate(&mut self, failure: Failure) -> Step {
        self.delivery.note(
            "submit",
            "ok",
            self.now,
            format!("{} says that it is there already.", self.platform_name()),
        );
        match failure.existing {
            Some(ref id) => {
                let live = PostRef { id: id.clone(), url: None, posted_at: None, extra: Default::default() };
                if self.confirm(live).await? {
                    return Ok(());
                }
                // The one that is there is another delivery's, and the platform takes no second one.
                let error = DeliveryError::from_failure(self.platform_name(), &failure);
                self.fail(error).await
            }
            None => {
                self.step(DeliveryEvent::Doubted)?;
                self.delivery.duplicate = true;
                self.delivery.next_attempt_at = Some(self.later(look_wait(1)));
                self.finish().await
            }
        }
    }

    /// It is live: the platform says so of this very submission. Where another delivery with the same words has found that
    /// post before and has it for its own, the two have changed places: this one is looked for, and made anew.
    pub(super) async fn publish(&mut self, live: PostRef) -> Step {
        let id = live.id.clone();
        if self.confirm(live).await? {
            return Ok(());
        }
        self.delivery.progress.clear();
        self.sealed = None;
        self.delivery.key = Some(format!("{}+{}", self.delivery.id, self.delivery.not_ours.len() + 1));
        self.not_ours(id).await
    }

    /// A post that looks the same is live. It can be another delivery's.
    pub(super) async fn publish_found(&mut self, live: PostRef) -> Step {
        let id = live.id.clone();
        if self.confirm(live).await? { Ok(()) } else { self.not_ours(id).await }
    }

    async fn not_ours(&mut self, id: String) -> Step {
        let detail = "That post is another delivery's; this one is looked for again.";
        self.delivery.note("find", "unknown", self.now, detail);
        self.step(DeliveryEvent::Doubted)?;
        self.delivery.not_ours.push(id);
        self.delivery.doubted_at = Some(self.app.now());
        self.delivery.next_attempt_at = Some(self.later(look_wait(1)));
        self.report("looking", true);
        self.finish().await
    }

    /// Whether this platform has any means of proof, whatever the account's rights.
    fn platform_proves(&self) -> bool {
        let publish = self.app.platforms.get(self.delivery.platform).and_then(|adapter| adapter.publish.as_deref());
        publish.is_some_and(|publish| publish.facts().proof != Proof::None)
    }

    /// Writes that it is live; false when the post on the platform is another delivery's, and nothing is written.
    async fn confirm(&mut self, live: PostRef) -> Result<bool, Outcome> {
        let before = (self.delivery.clone(), self.sealed.clone());
        self.step(DeliveryEvent::Confirmed)?;
        let PostRef { id, url, posted_at, extra } = live;
        let posted_at = posted_at.or(self.delivery.intent_at).unwrap_or(self.now);
        self.delivery.live = Some(Live { id, url, posted_at, extra });
        self.delivery.error = None;
        self.delivery.refused = false;
        self.delivery.attempts = 0;
        self.sealed = None;
        let more = !self.post.draft(self.delivery.platform).follow_ups.is_empty();
        self.delivery.next_attempt_at = more.then(|| self.app.now());
        // Where nothing can be looked for, nobody can have found it; and a number within a chat is no one's alone.
        self.takes = self.platform_proves();
        match self.finish().await {
            Err(Outcome::Taken) => {
                (self.delivery, self.sealed) = before;
                Ok(false)
            }
            written => {
                written?;
                self.report("published", false);
                Ok(true)
            }
        }
    }

    /// The platform has it and processes it.
    pub(super) async fn accept(&mut self, progress: platforms::publish::Progress, wait: std::time::Duration) -> Step {
        self.step(DeliveryEvent::Accepted)?;
        if std::mem::take(&mut self.delivery.refused) {
            self.delivery.error = None;
        }
        self.absorb(&progress).await?;
        self.delivery.looks = 0;
        self.delivery.gone = false;
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(1));
        self.delivery.next_attempt_at = Some(self.later(wait));
        self.finish().await
    }
}
