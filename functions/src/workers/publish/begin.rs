//! Everything before the effect: whether it may go out, and what the platform must be given first.

use std::time::Instant;

use cloud::telemetry::{Unit, metric};
use domain::content::Severity;
use domain::delivery::{AfterFailure, DeliveryError, DeliveryEvent, after_failure};
use domain::{Effect, Failure, Kind};
use jiff::SignedDuration;
use platforms::media::Sources;
use platforms::publish::{Prepared, Stop};

use super::hold::Hold;
use super::work::{CALLS, NotReady, Outcome, Ready, Step, Work, is_about_the_account};
use crate::accounts::tokens;

/// How long after it was handed on an upload counts as going on: a shift, and the leases of workers that died in it. After
/// that it is late like any other post.
const GOES_ON_FOR: SignedDuration = SignedDuration::from_mins(30);

/// Where a delivery's progress keeps how its files are known again.
pub(super) const FILES: &str = "files";

impl<'a> Work<'a> {
    /// Begins, or goes on with preparing.
    pub(super) async fn begin(&mut self) -> Step {
        // It had to begin within its window, and a long upload has.
        let handed_on_at = self.delivery.handed_on_at;
        let has_begun = handed_on_at.is_some_and(|at| at.duration_until(self.now) < GOES_ON_FOR);
        if self.now > self.delivery.window_ends && !has_begun {
            return self.miss().await;
        }
        let ready = match self.ready().await {
            Ok(ready) => ready,
            Err(reason) => {
                // Its token is renewed in seconds; an account that is held is another matter.
                self.delivery.handed_on_at = handed_on_at.filter(|_| matches!(reason, NotReady::Busy));
                return self.not_ready(reason).await;
            }
        };
        let problems = ready.publish.problems(&ready.draft, &ready.limits);
        if let Some(problem) = problems.into_iter().find(|problem| problem.severity == Severity::Error) {
            if !ready.limits_stated {
                // The post was accepted by the server's own limits, which it does not state just now.
                let failure = Failure::new(Kind::ProviderDown, "the server does not say its limits");
                return self.try_again("prepare", failure).await;
            }
            self.delivery.note("prepare", "failed", self.now, problem.message.clone());
            return self.fail(DeliveryError::new("invalid_post", problem.message)).await;
        }
        // A record that carries a time carries the one it is scheduled for, not the one it was taken up at.
        self.delivery.started_at.get_or_insert(self.now.max(self.delivery.scheduled_at));
        let mut progress = self.progress().await?;
        let files = Sources::expecting(&self.app.outbound, progress.get(FILES).unwrap_or_default());
        loop {
            let hold = Hold { shift_ends: Some(self.shift_ends), ..self.hold(CALLS) };
            let out = self.app.outbound.fused(hold.fuse.clone());
            let job = ready.job(&self.delivery, &progress, &files, &hold, self.now);
            let prepared = ready.publish.prepare(&ready.context(self.app, &out), &job).await;
            let gave_way = self.take_over(hold);
            let (mut next, wait) = match prepared {
                Ok(Prepared::Ready(next)) => {
                    self.absorb(&seen(next, &files)).await?;
                    return self.submit(&ready, &files).await;
                }
                Ok(Prepared::More { progress, wait }) => (progress, wait),
                Err(Stop::Lost) if gave_way => {
                    self.step(DeliveryEvent::Prepared)?;
                    return self.hand_on().await;
                }
                Err(Stop::Lost) => return Err(Outcome::Lost),
                Err(Stop::Failed(failure)) => return self.not_prepared(&ready, failure).await,
            };
            next = seen(next, &files);
            self.absorb(&next).await?;
            self.step(DeliveryEvent::Prepared)?;
            progress = next;
            match wait {
                None if Instant::now() >= self.shift_ends => return self.hand_on().await,
                None => self.keep().await?,
                Some(wait) => {
                    self.delivery.note("prepare", "waiting", self.now, "The platform is processing the files.");
                    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(1));
                    self.delivery.next_attempt_at = Some(self.later(wait));
                    return self.finish().await;
                }
            }
            if self.app.now() > self.delivery.window_ends && !has_begun {
                return self.miss().await;
            }
        }
    }

    /// A long upload goes on in another worker, before this one's time runs out in the middle of a piece.
    pub(super) async fn hand_on(&mut self) -> Step {
        self.delivery.note("prepare", "waiting", self.now, "The upload goes on.");
        self.delivery.handed_on_at = Some(self.app.now());
        self.delivery.next_attempt_at = Some(self.app.now());
        self.finish().await
    }

    /// Its window passed before it could go out: it tells its owner instead of going out late.
    async fn miss(&mut self) -> Step {
        self.step(DeliveryEvent::WindowPassed)?;
        let minutes = self.post.late_after_minutes;
        self.delivery.error = Some(DeliveryError::new(
            "missed",
            match self.delivery.log.last().filter(|last| last.outcome != "ok") {
                Some(last) => format!("It could not go out within {minutes} minutes of its time: {}", last.detail),
                None => format!("It could not go out within {minutes} minutes of its time."),
            },
        ));
        self.delivery.next_attempt_at = None;
        self.report("missed", false);
        self.finish().await
    }

    /// The platform cannot be called just now, or never.
    pub(super) async fn not_ready(&mut self, reason: NotReady) -> Step {
        match reason {
            NotReady::Held(words) => self.wait_for_account(words).await,
            NotReady::Busy => {
                self.delivery.next_attempt_at = Some(self.later(SignedDuration::from_secs(2)));
                self.finish().await
            }
            NotReady::Never(error) => {
                self.delivery.note("prepare", "failed", self.now, error.message.clone());
                self.fail(error).await
            }
            NotReady::Failed(failure) if is_about_the_account(&failure) => {
                // The renewal has set the connection to ERROR; this delivery waits for the person with the others.
                self.wait_for_account("The account has to be connected again.").await
            }
            NotReady::Failed(failure) => self.try_again("prepare", failure).await,
            NotReady::Store(error) => Err(Outcome::Store(error)),
        }
    }

    async fn not_prepared(&mut self, ready: &Ready<'a>, failure: Failure) -> Step {
        self.platform_error("prepare", &failure);
        if failure.kind == Kind::TokenRejected || failure.kind == Kind::ReconnectNeeded {
            return self.account_refused(ready, "prepare", failure).await;
        }
        // Nothing that anyone sees comes of preparing, whatever became of the call.
        self.try_again("prepare", Failure { effect: Effect::NotApplied, ..failure }).await
    }

    /// The platform refuses the token: renewed once; refused for good, the connection says so and the delivery fails.
    pub(super) async fn account_refused(&mut self, ready: &Ready<'a>, step: &'static str, failure: Failure) -> Step {
        let app = self.app;
        let mut told = false;
        if failure.kind == Kind::TokenRejected {
            let renewable = tokens::is_renewable(ready.adapter.facts, &ready.tokens);
            if renewable {
                match tokens::renew_now(app, &ready.held).await {
                    Ok(_) => return self.try_again(step, Failure::new(Kind::ProviderDown, failure.detail)).await,
                    Err(tokens::NoTokens::Busy) => {
                        return self.try_again(step, Failure::new(Kind::ProviderDown, failure.detail)).await;
                    }
                    Err(tokens::NoTokens::Store(error)) => return Err(Outcome::Store(error)),
                    Err(tokens::NoTokens::Platform(refused)) if !is_about_the_account(&refused) => {
                        return self.try_again(step, refused).await;
                    }
                    // Whoever was refused the renewal has set the connection to ERROR.
                    Err(tokens::NoTokens::Platform(_)) => told = true,
                }
            }
        }
        if !told && !crate::accounts::reconnect::mark(app, &ready.connection, &ready.held).await? {
            // The person has connected it again while this call was under way.
            return self.try_again(step, Failure::new(Kind::ProviderDown, failure.detail)).await;
        }
        let failure = Failure { kind: Kind::ReconnectNeeded, ..failure };
        let error = DeliveryError::from_failure(self.platform_name(), &failure);
        self.delivery.note(step, "failed", self.now, error.message.clone());
        self.fail(error).await
    }

    /// Nothing took effect: the next attempt after its wait, or the end.
    pub(super) async fn try_again(&mut self, step: &'static str, failure: Failure) -> Step {
        let error = DeliveryError::from_failure(self.platform_name(), &failure);
        self.delivery.note(step, "failed", self.now, error.message.clone());
        self.delivery.attempts += 1;
        // A platform that is away for seconds interrupts an upload; one that asks to wait for long ends it.
        self.delivery.handed_on_at = self.delivery.handed_on_at.filter(|_| failure.kind == Kind::ProviderDown);
        match after_failure(&failure, self.delivery.attempts, &self.app.settings.publish_retry) {
            AfterFailure::TryAgain(wait) => {
                // What is known not to have taken effect leaves nothing to look for.
                self.delivery.intent_at = None;
                let event = match self.delivery.status {
                    domain::DeliveryStatus::Scheduled | domain::DeliveryStatus::Claimed => DeliveryEvent::Released,
                    _ => DeliveryEvent::NotApplied,
                };
                self.step(event)?;
                self.delivery.error = Some(error);
                // Asked to wait beyond its window, it is missed, and says so when the window ends.
                let window_is_over = self.delivery.window_ends.saturating_add(SignedDuration::from_secs(1));
                let next = self.later(wait).min(window_is_over.unwrap_or(self.delivery.window_ends));
                self.delivery.next_attempt_at = Some(next.max(self.app.now()));
                self.report("retrying", true);
                metric(self.app.now(), "PublishRetries", Unit::Count, 1.0, None);
                self.finish().await
            }
            AfterFailure::GiveUp | AfterFailure::Look => {
                // Platforms have refused what they had taken: the intent stays, so that a person's retry looks first.
                self.fail(error).await
            }
        }
    }
}

/// Progress with how the files that were read are known again.
pub(super) fn seen(progress: platforms::publish::Progress, files: &Sources) -> platforms::publish::Progress {
    let seen = files.seen();
    if seen.len() > 2 { progress.with(FILES, seen) } else { progress }
}
