//! How a step's outcome is written: delivery, post and events in one transaction.

use cloud::doorbell;
use cloud::table::deliveries;
use cloud::table::events::{self, Event};
use cloud::table::posts;
use cloud::telemetry::{Unit, metric};
use cloud::work::{self, Next};
use domain::due::{HORIZON, LEASE, SKEW};
use domain::{DeliveryStatus, Post, PostStatus};
use jiff::{SignedDuration, Timestamp};
use outbound::Fuse;
use serde_json::json;

use super::hold::Hold;
use super::work::{Outcome, Step, Work};

/// How often a write is tried again when other deliveries of the post change at the same time.
const TRIES: u32 = 12;

impl<'a> Work<'a> {
    /// Writes the outcome of the step and rings for the next one, if its time is near.
    pub(super) async fn finish(&mut self) -> Step {
        let next = self.delivery.next_attempt_at.map_or(Next::Never, Next::At);
        self.write(Some(next)).await?;
        if let Next::At(at) = next {
            let now = self.app.now();
            if now.duration_until(at) < HORIZON {
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
            app: self.app,
            token: self.token.clone(),
            claims: self.claims,
            delivery: self.delivery.clone(),
            near: self.sealed.clone().or_else(|| self.tokens.as_ref().map(|tokens| tokens.sealed.clone())),
        }
    }

    /// Takes over what the platform's code stored while it had the hold.
    pub(super) fn take_over(&mut self, hold: Hold<'a>) {
        let stored = hold.stored.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((progress, sealed)) = stored {
            self.delivery.progress = progress;
            self.sealed = sealed;
        }
    }

    async fn write(&mut self, next: Option<Next>) -> Step {
        let app = self.app;
        for attempt in 0..TRIES {
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
            let mut told = Vec::new();
            if changes {
                transaction = posts::update(transaction, &mut self.post)?;
                told = self.events(&before, now);
                for event in &told {
                    transaction = events::add(transaction, &app.table, &self.token.pk, event)?;
                }
            }
            let outcome = transaction.commit().await?;
            if outcome.is_done() {
                for event in told {
                    let ring = events::ring(&self.token.pk, &event);
                    doorbell::ring(app.doorbell.as_ref(), ring, std::time::Duration::ZERO).await;
                }
                return Ok(());
            }
            if outcome.refusal("delivery").is_some() {
                return Err(Outcome::Lost);
            }
            // Another delivery of the post, or a person, was faster: once more on what the post is now.
            let found = posts::get(&app.table, &before.workspace, &before.id).await?;
            self.post = found.ok_or(Outcome::Lost)?;
            let wait =
                5 + domain::due::stable_hash(&format!("{} {attempt}", self.delivery.id)) % (10 << attempt.min(5));
            tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
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
        } else if delivery.status == DeliveryStatus::Published && self.post.deliveries.len() == 1 {
            self.post.error = None;
        }
        self.post.status = self.post.derived();
        if self.post == before {
            return false;
        }
        self.post.updated_at = now;
        true
    }

    /// What the outside is told of this change.
    fn events(&self, before: &Post, now: Timestamp) -> Vec<Event> {
        let after = &self.post;
        let mut names = Vec::new();
        let was = before.deliveries.iter().find(|state| state.id == self.delivery.id).map(|state| state.status);
        let is = self.delivery.status;
        if is == DeliveryStatus::Missed && was != Some(is) {
            names.push("post.missed");
        }
        // Only when nobody looks any more: before that it usually finds itself.
        if is == DeliveryStatus::Unconfirmed && self.delivery.next_attempt_at.is_none() {
            names.push("post.unconfirmed");
        }
        if before.status != after.status {
            match after.status {
                PostStatus::Published => names.push("post.published"),
                PostStatus::Partial => names.push("post.partial"),
                PostStatus::Failed => names.push("post.failed"),
                _ => {}
            }
        }
        let digits = after.id.as_str().trim_start_matches("post_");
        let event = |name: &str| Event {
            id: format!("evt_{digits}_{}_{}", after.version, name.trim_start_matches("post.")),
            name: name.to_owned(),
            workspace: after.workspace.clone(),
            at: now,
            detail: json!({
                "postId": after.id.as_str(),
                "talentId": after.talent.as_str(),
                "status": after.status.as_str(),
                "deliveryId": self.delivery.id.as_str(),
                "connectionId": self.delivery.connection.as_str(),
                "platform": self.delivery.platform.as_str(),
                "url": self.delivery.live.as_ref().and_then(|live| live.url.clone()),
                "errorCode": self.delivery.error.as_ref().map(|error| error.code.clone()),
                "error": self.delivery.error.as_ref().map(|error| error.message.clone()),
            }),
        };
        names.into_iter().map(event).collect()
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
