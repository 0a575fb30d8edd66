//! The worker's hold on its row while the platform's code runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cloud::table::deliveries::{self, Delivery};
use cloud::vault::{EncryptionContext, Sealed};
use cloud::work::Token;
use domain::due::{LEASE, SKEW};
use jiff::SignedDuration;
use outbound::{Fuse, Moment};
use platforms::publish::{Lease, Lost, Progress};

use crate::App;

/// Renews the lease and stores progress. The post is not touched: an offset is nobody's state.
pub(super) struct Hold<'a> {
    pub(super) app: &'a App,
    pub(super) token: Token,
    pub(super) claims: u32,
    /// The row as it stood when the platform's code was called.
    pub(super) delivery: Delivery,
    /// An envelope of the same owner, whose data key is used again.
    pub(super) near: Option<Sealed>,
    /// Shuts the door when the lease may be over.
    pub(super) fuse: Fuse,
    /// What was stored last.
    pub(super) stored: Mutex<Option<Stored>>,
    /// When the work is handed on to another worker, between two pieces, before this one's time runs out.
    pub(super) shift_ends: Option<Instant>,
    /// Whether it was.
    pub(super) gave_way: AtomicBool,
}

/// Progress as it stands in the row.
pub(super) type Stored = (BTreeMap<String, String>, Option<Sealed>);

#[async_trait]
impl Lease for Hold<'_> {
    async fn keep(&self, progress: &Progress, ahead: Duration) -> Result<(), Lost> {
        let app = self.app;
        let mut delivery = self.delivery.clone();
        delivery.progress.clone_from(&progress.kept);
        let context = EncryptionContext::for_connection(&delivery.workspace, &delivery.connection);
        let sealed = if progress.secret.is_empty() {
            None
        } else {
            let sealed = match &self.near {
                Some(near) => app.vault.reseal_map(&context, near, &progress.secret).await,
                None => app.vault.seal_map(&context, &progress.secret).await,
            };
            Some(sealed.map_err(|error| {
                tracing::warn!(%error, delivery = delivery.id.as_str(), "progress cannot be sealed; the step stops");
                Lost
            })?)
        };
        let (begun, time) = (Moment::now(self.app.clock.as_ref()), ahead);
        let ahead = SignedDuration::try_from(ahead).unwrap_or(LEASE) + domain::delivery::SUBMIT_MARGIN;
        let now = app.now();
        let until = now.saturating_add(ahead.max(LEASE) + SKEW).unwrap_or(now);
        let held =
            deliveries::hold(app.table.transaction(), &self.token, &delivery, sealed.as_ref(), until, self.claims);
        let written = match held {
            Ok(transaction) => transaction.commit().await,
            Err(error) => Err(error),
        };
        match written {
            Ok(outcome) if outcome.is_done() => {
                // Counted from before the write: the lease may have begun then.
                self.fuse.renew(begun, time);
                let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
                // At least one piece is sent in each shift, and what is stored after the last piece is no reason to stop.
                let over =
                    stored.is_some() && !time.is_zero() && self.shift_ends.is_some_and(|end| Instant::now() >= end);
                *stored = Some((delivery.progress, sealed));
                self.gave_way.store(over, Ordering::Relaxed);
                if over { Err(Lost) } else { Ok(()) }
            }
            Ok(_) => Err(Lost),
            Err(error) => {
                tracing::warn!(%error, delivery = delivery.id.as_str(), "the lease cannot be renewed; the step stops");
                Err(Lost)
            }
        }
    }
}
