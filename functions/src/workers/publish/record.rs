//! How a step's outcome is written: delivery, post and events in one transaction.

use std::time::Duration;

use cloud::doorbell;
use cloud::table::StoreError;
use cloud::table::deliveries;
use cloud::table::events::{self, Event};
use cloud::table::posts;
use cloud::telemetry::{Unit, metric};
use cloud::work::{self, Next};
use domain::due::{LEASE, NEAR, SKEW};
use domain::{DeliveryStatus, Post};
use jiff::{SignedDuration, Timestamp};
use outbound::Fuse;

use super::hold::Hold;
use super::work::{Outcome, Step, Work};
use crate::posts::tell;

/// How long a write is tried again when other deliveries of the post change at the same time, or the table is busy. What
/// the platform has done already must not be lost for want of patience; the lease lasts longer than this.
const PATIENCE: Duration = Duration::from_secs(25);
/// The longest wait between two tries, in milliseconds.
const LONGEST_WAIT_MS: u64 = 1_000;

impl<'a> Work<'a> {
    /// Writes the outcome of the step and rings for the next one, if its time is near.
    pub(super) async fn finish(&mut self) -> Step {
        let next = self.delivery.due_at().map_or(Next::Never, Next::At);
        self.write(Some(next)).await?;
        if let Next::At(at) = next {
            let now = self.app.now();
            if now.duration_until(at) < NEAR {
                let delay = work::ring_delay(at, now);
                doorbell::ring(self.app.doorbell.as_ref(), self.ring.clone(), delay).await;
            }
        }
        Ok(())
    }

    /// Writes what is known so far and keeps the row, with a whole lease ahead.
    pub(super) async fn keep(&mut self) -> Step {
        self.write(None).await
    }

    /// The hold that the platform's code renews; no call begins later than `time` from now without a renewal.
    pub(super) fn hold(&self, time: SignedDuration) -> Hold<'a> {
        Hold {
            fuse: Fuse::new(
                std::sync::Arc::clone(&self.app.clock),
                std::time::Duration::try_from(time).unwrap_or_default(),
            ),
            stored: std::sync::Mutex::new(None),
            shift_ends: None,
            gave_way: std::sync::atomic::AtomicBool::new(false),
            app: self.app,
            token: self.token.clone(),
            claims: self.claims,
            delivery: self.delivery.clone(),
            near: self.sealed.clone().or_else(|| self.tokens.as_ref().map(|tokens| tokens.sealed.clone())),
        }
    }

    /// Takes over what the platform's code stored while it had the hold; whether the hold stopped it for want of time.
    pub(super) fn take_over(&mut self, hold: Hold<'a>) -> bool {
        let gave_way = hold.gave_way.into_inner();
        let stored = hold.stored.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((progress, sealed)) = stored {
            self.delivery.progress = progress;
            self.sealed = sealed;
        }
        gave_way
    }

    async fn write(&mut self, next: Option<Next>) -> Step {
        let app = self.app;
        let begun = std::time::Instant::now();
        for attempt in 0u32.. {
            let now = app.now();
            let before = self.post.clone();
            let changes = self.apply(now);
            let mut transaction = app.table.transaction();
            let (delivery, sealed) = (&self.delivery, self.sealed.as_ref());
            transaction = match next {
                Some(next) => deliveries::finish(transaction, &self.token, delivery, sealed, next)?,
                None => {
                    let until = now.saturating_add(LEASE + SKEW).unwrap_or(now);
                    deliveries::hold(transaction, &self.token, delivery, sealed, until, self.claims)?
                }
            };
            if changes {
                transaction = posts::update(transaction, &mut self.post)?;
            }
            if let Some(live) = self.delivery.live.as_ref().filter(|live| self.takes && !live.id.is_empty()) {
                transaction = deliveries::own(transaction, delivery, live, now)?;
            }
            let told = self.events(&before, now);
            for event in &told {
                transaction = events::add(transaction, &app.table, &self.token.pk, event)?;
            }
            let outcome = match transaction.commit().await {
                Ok(outcome) => Some(outcome),
                // It may be there: the same once more changes nothing, and tells nothing twice.
                Err(error @ StoreError::Unavailable(_)) if begun.elapsed() < PATIENCE => {
                    tracing::info!(%error, delivery = self.delivery.id.as_str(), attempt, "written again");
                    None
                }
                Err(error) => return Err(error.into()),
            };
            if outcome.as_ref().is_some_and(cloud::table::Outcome::is_done) {
                for event in told {
                    let ring = events::ring(&self.token.pk, &event);
                    doorbell::ring(app.doorbell.as_ref(), ring, std::time::Duration::ZERO).await;
                }
                self.takes = false;
                return Ok(());
            }
            if outcome.as_ref().is_some_and(|outcome| outcome.refusal("delivery").is_some()) {
                return Err(Outcome::Lost);
            }
            if outcome.is_some_and(|outcome| outcome.refusal("live").is_some()) {
                (self.post, self.takes) = (before, false);
                return Err(Outcome::Taken);
            }
            if begun.elapsed() >= PATIENCE {
                break;
            }
            // Another delivery of the post, or a person, was faster: once more on what the post is now.
            let spread = domain::due::stable_hash(&format!("{} {attempt}", self.delivery.id));
            let wait = 5 + spread % (20u64 << attempt.min(6)).min(LONGEST_WAIT_MS);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            self.post = match posts::get(&app.table, &before.workspace, &before.id).await {
                Ok(found) => found.ok_or(Outcome::Lost)?,
                Err(StoreError::Unavailable(_)) => before,
                Err(error) => return Err(error.into()),
            };
        }
        Err(Outcome::Store(cloud::StoreError::Unavailable("the post changed at every try".to_owned())))
    }

    /// Takes the delivery's state over into the post; whether anything changed there.
    fn apply(&mut self, now: Timestamp) -> bool {
        let before = self.post.clone();
        let delivery = &self.delivery;
        if let Some(state) = self.post.deliveries.iter_mut().find(|state| state.id == delivery.id) {
            state.status = delivery.status;
            // A delivery that is only held for its account has not begun: its post may still be edited.
            state.begun |= delivery.status != DeliveryStatus::Scheduled || delivery.started_at.is_some();
        }
        if let Some(live) = &delivery.live {
            self.post.posted_at = Some(self.post.posted_at.map_or(live.posted_at, |at| at.min(live.posted_at)));
        }
        if let Some(error) = &delivery.error {
            let shown = self.post.error.get_or_insert_with(String::new);
            if shown.is_empty() {
                *shown = format!("{}: {}", delivery.platform, error.message);
            }
        } else if self.post.deliveries.iter().all(|state| state.status == DeliveryStatus::Published) {
            self.post.error = None;
        }
        self.post.status = self.post.derived();
        if self.post == before {
            return false;
        }
        self.post.updated_at = now;
        true
    }

    /// What the outside is told of this change, now that the post has its new version.
    fn events(&self, before: &Post, now: Timestamp) -> Vec<Event> {
        let (after, delivery) = (&self.post, &self.delivery);
        let about_it = match delivery.status {
            DeliveryStatus::Missed => Some("post.missed"),
            // Only when nobody looks any more: before that it usually finds itself.
            DeliveryStatus::Unconfirmed if delivery.next_attempt_at.is_none() => Some("post.unconfirmed"),
            _ => None,
        };
        let about_it = about_it.map(|name| tell::of_delivery(name, self.token.fence, after, delivery, now));
        let about_the_post =
            tell::of_status(before.status, after.status).map(|name| tell::event(name, after, delivery, now));
        about_it.into_iter().chain(about_the_post).collect()
    }

    /// The standard event `social_publish`, and the figures that the alarms watch.
    pub(super) fn report(&self, status: &'static str, will_retry: bool) {
        let delivery = &self.delivery;
        let took = self.now.duration_until(self.app.now());
        tracing::info!(
            event = "social_publish",
            delivery = delivery.id.as_str(),
            connection = delivery.connection.as_str(),
            talent = delivery.talent.as_str(),
            platform = delivery.platform.as_str(),
            attempt = delivery.attempts + 1,
            submissions = delivery.submissions,
            will_retry,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(0),
            status,
            error = delivery.error.as_ref().map(|error| error.code.as_str()).unwrap_or_default(),
        );
        let name = match status {
            "published" => "PublishSucceeded",
            "failed" | "missed" => "PublishFailed",
            "unconfirmed" => "DeliveriesUnconfirmed",
            _ => return,
        };
        metric(self.app.now(), name, Unit::Count, 1.0, None);
    }

    /// A failed call, once, where it is handled.
    pub(super) fn platform_error(&self, step: &'static str, failure: &domain::Failure) {
        tracing::warn!(
            delivery = self.delivery.id.as_str(),
            platform = self.delivery.platform.as_str(),
            step,
            kind = ?failure.kind,
            effect = ?failure.effect,
            detail = failure.detail.as_str(),
            "platform call failed"
        );
        metric(self.app.now(), "PlatformErrors", Unit::Count, 1.0, Some(("platform", self.delivery.platform.as_str())));
    }
}
