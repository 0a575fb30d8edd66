//! Fetches an account's profile and recent posts. The row is the connection.

use std::time::Duration;

use cloud::doorbell::{self, Ring};
use cloud::table::budgets::Spender;
use cloud::table::connections::{self, Guards, Lesson, Row};
use cloud::table::publications::{self, Shown};
use cloud::table::{StoreError, json, n, s, sweeps};
use cloud::work::{self, Claimed, Extra, Finish, Next};
use domain::analytics::ladder::{self, Motion};
use domain::connection::{Averages, ConnectionType};
use domain::due::NEAR;
use domain::sync::{AfterFailure, SyncError, after_failure};
use domain::{Connection, Failure, Kind, Profile, Publication, SyncErrorCode, SyncEvent, SyncStatus};
use jiff::{SignedDuration, Timestamp};
use platforms::{Access, Account, Adapter, AppCredentials, Context};
use ring::digest;

use crate::App;
use crate::accounts::tokens::{self, NoTokens};
use crate::accounts::{credentials, quota};

pub(super) mod report;

/// How long the reading of an account may take. The function has a minute, and what was found is still to be written.
const READING: Duration = Duration::from_secs(45);
/// What a sync takes of a quota that counts it: at YouTube the channel, a page of uploads and their figures.
const SYNC_UNITS: u64 = 3;
/// Until when a renewal may start whose answer is still to be stored: a call takes 20 s at most.
const RENEWING: Duration = Duration::from_secs(35);

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
    if claimed.is_poison() {
        return interrupted(app, &claimed).await;
    }
    let row = connections::read(&claimed.item)?;
    let sync = Sync { app, ring: &ring, claimed: &claimed, row: &row, started };
    match sync.look().await {
        Ok(found) => sync.succeed(found).await,
        Err(Nothing::Failed(failure)) => sync.fail(&failure).await,
        Err(Nothing::Busy) => sync.again_in(SignedDuration::from_secs(2)).await,
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

/// What five claims before this one left undone is an error until it is looked at again.
async fn interrupted(app: &App, claimed: &Claimed) -> Result<(), StoreError> {
    let (at, finish) = super::abandoned(app, &claimed.token, "sync");
    let finish = finish
        .set("sync_status", s(SyncStatus::Error.as_str()))
        .set("sync_error", json(&SyncError::of(SyncErrorCode::SyncInterrupted))?)
        .set("attempts", n(0))
        .set("next_retry_at", s(at.to_string()))
        .set("updated_at", s(app.now().to_string()));
    if finish.write(&app.table, &claimed.token).await? {
        report::interrupted(app);
    }
    Ok(())
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
        if let Some(until) = quota::take(app, connection, Spender::Ingest, SYNC_UNITS).await? {
            // What is left is kept for posts.
            let wait = Duration::try_from(app.now().duration_until(until)).unwrap_or_default();
            return Err(Failure::new(Kind::RateLimited, "the rest of the quota is publishing's")
                .retry_after(Some(wait))
                .into());
        }
        if connection.connection_type == ConnectionType::Manual {
            let credentials = credentials::for_public(app, connection.platform);
            return self.read(adapter, &credentials, Access::Public).await;
        }
        let credentials = credentials::for_oauth(app, adapter, &connection.handle).await.map_err(NoTokens::from)?;
        let (held, set) = tokens::live(app, &connection.workspace, &connection.id).await?;
        match self.read(adapter, &credentials, Access::Token(&set)).await {
            Err(Nothing::Failed(failure)) if failure.kind == Kind::TokenRejected => {
                if !tokens::is_renewable(adapter.facts, &set) {
                    return Err(Failure::new(Kind::ReconnectNeeded, failure.detail).into());
                }
                if self.started.elapsed() > RENEWING {
                    return Err(no_time_left().into());
                }
                let (_, renewed) = tokens::renew_now(app, &held).await?;
                self.read(adapter, &credentials, Access::Token(&renewed)).await
            }
            read => read,
        }
    }

    /// Reads the account in what is left of the time, so that the state says why nothing was found.
    async fn read(
        &self,
        adapter: &Adapter,
        credentials: &AppCredentials,
        access: Access<'_>,
    ) -> Result<Found, Nothing> {
        let left = READING.saturating_sub(self.started.elapsed());
        let read = tokio::time::timeout(left, self.read_all(adapter, credentials, access)).await;
        read.unwrap_or_else(|_| Err(no_time_left())).map_err(Nothing::Failed)
    }

    async fn read_all(
        &self,
        adapter: &Adapter,
        credentials: &AppCredentials,
        access: Access<'_>,
    ) -> Result<Found, Failure> {
        let (app, connection) = (self.app, self.connection());
        let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: credentials };
        let account =
            Account { handle: &connection.handle, platform_account_id: connection.platform_account_id.as_deref() };
        let profile = adapter.ingest.profile(&cx, &account, access).await?;
        if connection.platform_account_id.as_ref().is_some_and(|known| *known != profile.external_id) {
            // The handle went to somebody else: it is not the account that was linked.
            return Err(Failure::new(Kind::NotFound, "the handle names another account now"));
        }
        let wanted = usize::try_from(adapter.facts.recent_posts).unwrap_or(usize::MAX);
        let mut publications: Vec<Publication> = Vec::new();
        let mut page: Option<String> = None;
        loop {
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

    async fn succeed(&self, found: Found) -> Result<(), StoreError> {
        let (app, now) = (self.app, self.app.now());
        let before = self.connection();
        let Found { profile, publications } = found;
        let count = publications.len();
        let shown = publications.iter().map(Shown::of).collect::<Result<Vec<_>, _>>()?;
        let digest = digest_of(&profile, &shown)?;
        let interval = app.platforms.get(before.platform).map_or(SignedDuration::from_hours(6), |a| a.facts.resync);
        let next = Next::At(domain::due::next_periodic(before.id.as_str(), now, interval));
        let mut finish = self.outcome(next, SyncEvent::Succeeded)?.set("last_synced_at", s(now.to_string()));
        finish = cleared(finish, before);
        self.wake_sweep(&publications, digest != self.row.found, now).await?;
        if digest == self.row.found {
            if self.finish(finish).await? {
                self.report(SyncStatus::Ready, None, count, false);
            }
            return Ok(());
        }
        if !self.write_changed(shown, now).await? {
            return Ok(());
        }
        let mut after = before.clone();
        after.handle.clone_from(&profile.handle);
        after.profile_url.clone_from(&profile.profile_url);
        after.platform_account_id = Some(profile.external_id.clone());
        after.averages = Averages::of(&publications);
        after.profile = Some(profile);
        let finish = finish
            .set("found", s(digest))
            .set("card", connections::card(&after)?)
            .set("updated_at", s(now.to_string()));
        if !Guards::differ(before, &after) {
            if self.finish(finish).await? {
                self.report(SyncStatus::Ready, None, count, false);
            }
            return Ok(());
        }
        self.finish_with_guards(finish, &after, count).await
    }

    /// Ends a sync that learned the account's id or a new handle: the guards follow in the same transaction.
    async fn finish_with_guards(&self, finish: Finish, after: &Connection, posts: usize) -> Result<(), StoreError> {
        let (table, before) = (&self.app.table, self.connection());
        let (expression, condition, names, values) = finish.parts(&self.claimed.token);
        let key = (self.claimed.token.pk.as_str(), self.claimed.token.sk.as_str());
        let mut guards = Guards::default();
        for _ in 0..4 {
            let (names, values) = (names.clone(), values.clone());
            let transaction =
                table.transaction().update("connection", key, &expression, Some(condition), names, values)?;
            let outcome = guards.add(transaction, before, after)?.commit().await?;
            if outcome.is_done() {
                self.report(SyncStatus::Ready, None, posts, false);
                return Ok(());
            }
            if outcome.refusal("connection").is_some() {
                return Ok(());
            }
            if guards.learn(table, after, &outcome).await? == Lesson::Duplicate {
                // Another connection of this talent holds the account, under the handle it had before.
                return self.give_up(SyncError::of(SyncErrorCode::DuplicateAccount), false).await;
            }
        }
        Err(StoreError::Unavailable("the guards of the account are being changed by others".to_owned()))
    }

    /// Has an account that is new, or back after an error, looked at soon; and a new post an hour after it went out. A sweep
    /// that is due before that stays.
    async fn wake_sweep(&self, found: &[Publication], changed: bool, now: Timestamp) -> Result<(), StoreError> {
        let before = self.connection();
        let first = before.last_synced_at.is_none() || before.sync_error.is_some();
        let young = || {
            let day = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now);
            let posts = found.iter().filter(|publication| publication.posted_at > day);
            posts.filter_map(|post| ladder::next_look(post.posted_at, now, Motion::Usual)).min()
        };
        match Some(now).filter(|_| first).or_else(|| if changed { young() } else { None }) {
            Some(at) => sweeps::wake(&self.app.table, before, now, at).await,
            None => Ok(()),
        }
    }

    /// Writes the publications that differ from what is stored; false when the token is lost.
    async fn write_changed(&self, mut found: Vec<Shown>, now: Timestamp) -> Result<bool, StoreError> {
        let (table, connection) = (&self.app.table, self.connection());
        if !self.row.found.is_empty() || connection.last_synced_at.is_some() {
            found = publications::changed(table, &connection.workspace, &connection.id, found).await?;
        }
        publications::write(table, connection, found, &self.claimed.token, now).await
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
                    .set("sync_error", json(&error)?)
                    .set("next_retry_at", s(at.to_string()))
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
            .set("sync_error", json(&error)?)
            .set_or_remove("next_retry_at", sweep.map(|at| s(at.to_string())))
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
        Ok(Finish::outcome(next).set("sync_status", s(status.as_str())))
    }

    async fn finish(&self, finish: Finish) -> Result<bool, StoreError> {
        finish.write(&self.app.table, &self.claimed.token).await
    }

    async fn ring_at(&self, at: Timestamp) {
        let now = self.app.now();
        if now.duration_until(at) < NEAR {
            doorbell::ring(self.app.doorbell.as_ref(), self.ring.clone(), work::ring_delay(at, now)).await;
        }
    }

    fn report(&self, status: SyncStatus, error: Option<&SyncError>, posts: usize, will_retry: bool) {
        report::sync(self.app, self.connection(), status, error, posts, will_retry, self.started.elapsed());
    }
}

/// A look that would outlive the function ends as one that the platform did not answer.
fn no_time_left() -> Failure {
    Failure::new(Kind::ProviderDown, "no time left")
}

/// What a good look takes away from an earlier bad one.
fn cleared(finish: Finish, before: &Connection) -> Finish {
    let finish = finish.set("attempts", n(0));
    if before.sync_error.is_none() && before.next_retry_at.is_none() {
        return finish;
    }
    finish.remove("sync_error").remove("next_retry_at")
}

/// A digest of everything that a look found; equal digests mean that nothing has to be written.
fn digest_of(profile: &Profile, publications: &[Shown]) -> Result<String, StoreError> {
    let profile = serde_json::to_vec(profile).map_err(|error| StoreError::Malformed(error.to_string()))?;
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&profile);
    for publication in publications {
        // JSON text holds no line break, so no two looks read the same.
        context.update(b"\n");
        context.update(publication.json().as_bytes());
    }
    Ok(cloud::table::idempotency::hex(context.finish().as_ref()))
}
