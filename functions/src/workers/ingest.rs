//! Fetches an account's profile and recent posts. The row is the connection.

use std::time::Duration;

use cloud::doorbell::{self, Ring};
use cloud::table::connections::{self, Row};
use cloud::table::{StoreError, n, publications, s};
use cloud::work::{self, Claimed, Extra, Finish, Next};
use domain::connection::{Averages, ConnectionType};
use domain::due::{HORIZON, LEASE, SKEW};
use domain::sync::{AfterFailure, SyncError, after_failure};
use domain::{Connection, Failure, Kind, Profile, Publication, SyncErrorCode, SyncEvent, SyncStatus};
use jiff::{SignedDuration, Timestamp};
use platforms::{Access, Account, Adapter, AppCredentials, Context};
use ring::digest;

use crate::App;
use crate::accounts::credentials;
use crate::accounts::tokens::{self, NoTokens};

mod report;

/// What one look found.
struct Found {
    profile: Profile,
    publications: Vec<Publication>,
}

/// Why a look found nothing.
enum Nothing {
    /// The platform failed or refused.
    Failed(Failure),
    /// The tokens are being renewed by another worker just now.
    Busy,
    /// The token of this claim is lost; another worker has the row.
    Lost,
    /// The table cannot answer.
    Store(StoreError),
}

impl From<Failure> for Nothing {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Nothing {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoTokens> for Nothing {
    fn from(error: NoTokens) -> Self {
        match error {
            NoTokens::Busy => Self::Busy,
            NoTokens::Platform(failure) => Self::Failed(failure),
            NoTokens::Store(error) => Self::Store(error),
        }
    }
}

/// Syncs one connection.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, syncing).await? else { return Ok(()) };
    let started = std::time::Instant::now();
    let row = connections::read(&claimed.item)?;
    let sync = Sync { app, ring: &ring, claimed: &claimed, row: &row, started };
    if claimed.is_poison() {
        super::abandoned(app, &row.connection.id, "sync");
        return sync.give_up(SyncError::of(SyncErrorCode::SyncInterrupted), true).await;
    }
    match sync.look().await {
        Ok(found) => sync.succeed(found).await,
        Err(Nothing::Failed(failure)) => sync.fail(&failure).await,
        Err(Nothing::Busy) => sync.again_in(SignedDuration::from_secs(2)).await,
        Err(Nothing::Lost) => Ok(()),
        Err(Nothing::Store(error)) => Err(error),
    }
}

/// The claim itself shows that a worker is at it.
fn syncing() -> Extra {
    Extra {
        set: ", sync_status = :syncing".to_owned(),
        values: [(":syncing".to_owned(), s(SyncStatus::Syncing.as_str()))].into(),
        ..Extra::default()
    }
}

struct Sync<'a> {
    app: &'a App,
    ring: &'a Ring,
    claimed: &'a Claimed,
    row: &'a Row,
    started: std::time::Instant,
}

impl Sync<'_> {
    fn connection(&self) -> &Connection {
        &self.row.connection
    }

    /// Reads the account, with its tokens where it has any; tokens that turn out dead are renewed once.
    async fn look(&self) -> Result<Found, Nothing> {
        let (app, connection) = (self.app, self.connection());
        let adapter = app.platforms.get(connection.platform);
        let adapter = adapter.ok_or_else(|| Failure::new(Kind::AppRejected, "platform without an adapter"))?;
        if connection.connection_type == ConnectionType::Manual {
            let credentials = credentials::for_public(app, connection.platform);
            return self.read(adapter, &credentials, Access::Public).await;
        }
        let credentials = credentials::for_oauth(app, adapter, &connection.handle).await.map_err(NoTokens::from)?;
        let (held, set) = tokens::live(app, &connection.workspace, &connection.id).await?;
        match self.read(adapter, &credentials, Access::Token(&set)).await {
            Err(Nothing::Failed(failure)) if failure.kind == Kind::TokenRejected => {
                let renewable = tokens::renew_at(adapter.facts, &set, app.now()).is_some();
                if !renewable {
                    return Err(Failure::new(Kind::ReconnectNeeded, failure.detail).into());
                }
                let (_, renewed) = tokens::renew_now(app, &held).await?;
                self.read(adapter, &credentials, Access::Token(&renewed)).await
            }
            read => read,
        }
    }

    async fn read(
        &self,
        adapter: &Adapter,
        credentials: &AppCredentials,
        access: Access<'_>,
    ) -> Result<Found, Nothing> {
        let (app, connection) = (self.app, self.connection());
        let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: credentials };
        let account =
            Account { handle: &connection.handle, platform_account_id: connection.platform_account_id.as_deref() };
        let profile = adapter.ingest.profile(&cx, &account, access).await?;
        if connection.platform_account_id.as_ref().is_some_and(|known| *known != profile.external_id) {
            // The handle went to somebody else: it is not the account that was linked.
            return Err(Failure::new(Kind::NotFound, "the handle names another account now").into());
        }
        let wanted = usize::try_from(adapter.facts.recent_posts).unwrap_or(usize::MAX);
        let mut publications: Vec<Publication> = Vec::new();
        let mut page: Option<String> = None;
        loop {
            self.keep_lease().await?;
            let answer = adapter.ingest.publications(&cx, &profile, access, page.as_deref()).await?;
            let grew =
                answer.publications.iter().any(|p| publications.iter().all(|had| had.external_id != p.external_id));
            for publication in answer.publications {
                // Posts move between pages while they are read; the newer look wins.
                publications.retain(|had| had.external_id != publication.external_id);
                publications.push(publication);
            }
            // A page that brings nothing new, or points at itself, would be asked for for ever.
            page = answer.next.filter(|next| grew && Some(next) != page.as_ref());
            if page.is_none() || publications.len() >= wanted {
                publications.truncate(wanted);
                return Ok(Found { profile, publications });
            }
        }
    }

    /// Renews the lease when what is left of it may not be enough for one more call.
    async fn keep_lease(&self) -> Result<(), Nothing> {
        let left = self.claimed.deadline.saturating_duration_since(std::time::Instant::now());
        let renewed_for = self.started.elapsed().as_secs() / 30;
        if left > Duration::from_secs(30) || renewed_for == 0 {
            return Ok(());
        }
        let now = self.app.now();
        let until = now.saturating_add(LEASE + SKEW).unwrap_or(now);
        let held = Finish::outcome(Next::At(until)).set("claims", n(self.claimed.claims));
        if held.write(&self.app.table, &self.claimed.token).await? { Ok(()) } else { Err(Nothing::Lost) }
    }

    async fn succeed(&self, found: Found) -> Result<(), StoreError> {
        let (app, now) = (self.app, self.app.now());
        let before = self.connection();
        let Found { profile, publications } = found;
        let digest = digest_of(&profile, &publications)?;
        let interval = app.platforms.get(before.platform).map_or(SignedDuration::from_hours(6), |a| a.facts.resync);
        let next = Next::At(domain::due::next_periodic(before.id.as_str(), now, interval));
        let mut finish = self.outcome(next, SyncEvent::Succeeded)?.set("last_synced_at", s(now.to_string()));
        finish = cleared(finish, before);
        if digest == self.row.found {
            if self.finish(finish).await? {
                self.report(SyncStatus::Ready, None, publications.len(), false);
            }
            return Ok(());
        }
        if !self.write_changed(&publications, now).await? {
            return Ok(());
        }
        let mut after = before.clone();
        after.handle.clone_from(&profile.handle);
        after.profile_url.clone_from(&profile.profile_url);
        after.platform_account_id = Some(profile.external_id.clone());
        let finish = finish
            .set("found", s(digest))
            .set("handle", s(&after.handle))
            .set("profile_url", s(&after.profile_url))
            .set_value("platform_account_id", &after.platform_account_id)?
            .set_value("averages", &Averages::of(&publications))?
            .set_value("profile", &Some(profile))?
            .set("updated_at", s(now.to_string()));
        let (added, removed) = connections::guard_changes(before, &after);
        if added.is_empty() && removed.is_empty() {
            if self.finish(finish).await? {
                self.report(SyncStatus::Ready, None, publications.len(), false);
            }
            return Ok(());
        }
        let (expression, condition, names, values) = finish.parts(&self.claimed.token);
        let key = (self.claimed.token.pk.as_str(), self.claimed.token.sk.as_str());
        let mut transaction =
            app.table.transaction().update("connection", key, &expression, Some(condition), names, values)?;
        for (label, item) in added {
            let own = [(":own".to_owned(), s(before.id.as_str()))].into();
            transaction = transaction.put_new(label, item, Some(("holder = :own", own)))?;
        }
        for sk in removed {
            transaction = transaction.delete("old guard", (key.0, &sk), None)?;
        }
        let outcome = transaction.commit().await?;
        if outcome.is_done() {
            self.report(SyncStatus::Ready, None, publications.len(), false);
            return Ok(());
        }
        if outcome.refusal("connection").is_some() {
            return Ok(());
        }
        // Another connection of this talent holds the account, under the handle it had before.
        self.give_up(SyncError::of(SyncErrorCode::DuplicateAccount), false).await
    }

    /// Writes the publications that differ from what is stored; false when the token is lost.
    async fn write_changed(&self, found: &[Publication], now: Timestamp) -> Result<bool, StoreError> {
        let connection = self.connection();
        let stored = if self.row.found.is_empty() && connection.last_synced_at.is_none() {
            Vec::new()
        } else {
            publications::list(&self.app.table, &connection.workspace, &connection.id).await?
        };
        let changed: Vec<&Publication> = found.iter().filter(|publication| !stored.contains(publication)).collect();
        publications::write(&self.app.table, connection, &changed, &self.claimed.token, now).await
    }

    async fn fail(&self, failure: &Failure) -> Result<(), StoreError> {
        let connection = self.connection();
        report::platform_error(self.app, connection, failure);
        let attempt = connection.attempts + 1;
        match after_failure(failure, attempt, self.app.now(), &self.app.settings.retry) {
            AfterFailure::GiveUp { error, next_sweep } => self.give_up(error, next_sweep).await,
            AfterFailure::Retry { at, error } => {
                let finish = self
                    .outcome(Next::At(at), SyncEvent::RetryScheduled)?
                    .set("attempts", n(attempt))
                    .set_value("sync_error", &Some(&error))?
                    .set_value("next_retry_at", &Some(at))?
                    .set("updated_at", s(self.app.now().to_string()));
                if self.finish(finish).await? {
                    self.report(SyncStatus::Syncing, Some(&error), 0, true);
                    self.ring_at(at).await;
                }
                Ok(())
            }
        }
    }

    async fn give_up(&self, error: SyncError, next_sweep: bool) -> Result<(), StoreError> {
        let (app, connection, now) = (self.app, self.connection(), self.app.now());
        let interval = app.platforms.get(connection.platform).map_or(SignedDuration::from_hours(6), |a| a.facts.resync);
        let sweep = next_sweep.then(|| domain::due::next_periodic(connection.id.as_str(), now, interval));
        let finish = self
            .outcome(sweep.map_or(Next::Never, Next::At), SyncEvent::Failed)?
            .set("attempts", n(0))
            .set_value("sync_error", &Some(&error))?
            .set_value("next_retry_at", &sweep)?
            .set("updated_at", s(now.to_string()));
        if self.finish(finish).await? {
            self.report(SyncStatus::Error, Some(&error), 0, next_sweep);
        }
        Ok(())
    }

    /// Puts the work off without counting an attempt.
    async fn again_in(&self, wait: SignedDuration) -> Result<(), StoreError> {
        let now = self.app.now();
        let at = now.saturating_add(wait).unwrap_or(now);
        if self.finish(self.outcome(Next::At(at), SyncEvent::RetryScheduled)?).await? {
            self.ring_at(at).await;
        }
        Ok(())
    }

    fn outcome(&self, next: Next, event: SyncEvent) -> Result<Finish, StoreError> {
        // The claim made it SYNCING, whatever the row said before.
        let status = SyncStatus::Syncing.next(event).map_err(|error| StoreError::Malformed(error.to_string()))?;
        Finish::outcome(next).set_value("sync_status", &status)
    }

    async fn finish(&self, finish: Finish) -> Result<bool, StoreError> {
        finish.write(&self.app.table, &self.claimed.token).await
    }

    async fn ring_at(&self, at: Timestamp) {
        let now = self.app.now();
        if now.duration_until(at) < HORIZON {
            doorbell::ring(self.app.doorbell.as_ref(), self.ring.clone(), work::ring_delay(at, now)).await;
        }
    }

    fn report(&self, status: SyncStatus, error: Option<&SyncError>, posts: usize, will_retry: bool) {
        report::sync(self.app, self.connection(), status, error, posts, will_retry, self.started.elapsed());
    }
}

/// What a good look takes away from an earlier bad one.
fn cleared(finish: Finish, before: &Connection) -> Finish {
    let none = || aws_sdk_dynamodb::types::AttributeValue::Null(true);
    let finish = finish.set("attempts", n(0));
    if before.sync_error.is_none() && before.next_retry_at.is_none() {
        return finish;
    }
    finish.set("sync_error", none()).set("next_retry_at", none())
}

/// A digest of everything that a look found; equal digests mean that nothing has to be written.
fn digest_of(profile: &Profile, publications: &[Publication]) -> Result<String, StoreError> {
    let json =
        serde_json::to_vec(&(profile, publications)).map_err(|error| StoreError::Malformed(error.to_string()))?;
    Ok(cloud::table::idempotency::hex(digest::digest(&digest::SHA256, &json).as_ref()))
}
