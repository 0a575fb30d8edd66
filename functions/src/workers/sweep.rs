//! Looks at an account: at those of its posts whose time has come, at its own figures each day, at its audience each week.
//! The row is the account's sweep.

use cloud::doorbell::Ring;
use cloud::table::points::Seen;
use cloud::table::sweeps::{self, Sweep};
use cloud::table::{StoreError, connections, keys, millis, n};
use cloud::telemetry::{Unit, metric};
use cloud::work::{Claimed, Extra, Finish, Next};
use domain::analytics::Figure;
use domain::{Connection, Failure, Kind, Metric, SyncStatus};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::analytics::zone;

mod ask;
mod audience;
mod plan;
mod record;
mod rival;

/// How long a sweep that has nothing else to do waits.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The first wait after a failure; it doubles with each one up to [`LONGEST_WAIT`].
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// The longest wait after a failure that may pass.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// Why a run ends before all is done.
enum Ends {
    /// Another worker has the row, or a person changed it.
    Lost,
    /// The budget is used up until then.
    Spent(Timestamp),
    /// The platform failed or refused.
    Failed(Failure),
    /// The tokens are being renewed, or there was no time left: soon again.
    Soon,
    /// The table cannot answer.
    Store(StoreError),
}

impl From<StoreError> for Ends {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Looks at one account.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    if claimed.is_poison() {
        super::abandoned(app, &claimed.token, "sweep").1.write(&app.table, &claimed.token).await?;
        return Ok(());
    }
    if ring.sk.starts_with(keys::COMPETITOR_PREFIX) {
        return rival::look(app, &claimed).await;
    }
    let sweep = sweeps::read(&claimed.item)?;
    let row = connections::get(&app.table, &sweep.workspace, &sweep.connection).await?;
    let finish = |next| Finish::outcome(next).write(&app.table, &claimed.token);
    let Some(connection) = row.map(|row| row.connection).filter(|connection| connection.connected) else {
        // The next sync that finds the account wakes it again.
        finish(Next::Never).await?;
        return Ok(());
    };
    if connection.paused || connection.sync_status == SyncStatus::Error || connection.profile.is_none() {
        finish(Next::At(later(app.now(), LONGEST_WAIT))).await?;
        return Ok(());
    }
    let zone = zone::of(app, &sweep.workspace).await?;
    Run { app, claimed: &claimed, sweep: &sweep, connection: &connection, zone, started: std::time::Instant::now() }
        .go()
        .await
}

struct Run<'a> {
    app: &'a App,
    claimed: &'a Claimed,
    sweep: &'a Sweep,
    connection: &'a Connection,
    zone: TimeZone,
    started: std::time::Instant,
}

impl Run<'_> {
    async fn go(self) -> Result<(), StoreError> {
        let (app, now) = (self.app, self.app.now());
        let mut plan = plan::of(app, self.connection, now).await?;
        let mut failures = 0;
        let looked = match self.look(&mut plan).await {
            Ok(()) => self.audience().await,
            ended => ended.map(|()| None),
        };
        let (audience, again) = match looked {
            Ok(audience) => (audience, None),
            Err(Ends::Lost) => return Ok(()),
            Err(Ends::Store(error)) => return Err(error),
            Err(Ends::Soon) => (None, Some(later(now, SignedDuration::from_secs(20)))),
            Err(Ends::Spent(until)) => {
                metric(now, "LooksPutOff", Unit::Count, 1.0, None);
                (None, Some(spread(self.connection, until)))
            }
            Err(Ends::Failed(failure)) => {
                failures = self.sweep.failures + 1;
                (None, Some(later(now, self.wait_after(&failure, failures))))
            }
        };
        // The day's own figures, unless a look has noted them along with its own.
        let fresh = self.is_fresh(now);
        let account_due = self.sweep.account_at.is_none_or(|at| self.day(at) != self.day(now));
        if account_due && plan.taken == 0 && !record::account(&self, now).await? {
            return Ok(());
        }
        let daily = domain::due::next_periodic(self.connection.id.as_str(), now, DAY);
        let mut next = again.unwrap_or_else(|| plan.next().unwrap_or(daily)).min(daily);
        if account_due && !fresh {
            // The day's sync is late: its figures are noted when it has come.
            next = next.min(later(now, SignedDuration::from_hours(1)));
        }
        let mut finish = Finish::outcome(Next::At(next.max(now))).set("failures", n(failures));
        if fresh && (account_due || plan.taken > 0) {
            finish = finish.set("account_at", millis(now));
        }
        if let Some(at) = audience {
            finish = finish.set("audience_at", millis(at));
        }
        finish.write(&app.table, &self.claimed.token).await?;
        metric(now, "LooksTaken", Unit::Count, f64::from(u32::try_from(plan.taken).unwrap_or(u32::MAX)), None);
        tracing::info!(
            event = "social_analytics",
            connection = self.connection.id.as_str(),
            talent = self.connection.talent.as_str(),
            platform = self.connection.platform.as_str(),
            posts_count = plan.taken,
            calls = plan.calls,
            failures,
            duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        Ok(())
    }

    fn day(&self, at: Timestamp) -> jiff::civil::Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Whether the last sync's figures are of now: it is as regular as it should be.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let adapter = self.app.platforms.get(self.connection.platform);
        let resync = adapter.map_or(LONGEST_WAIT, |adapter| adapter.facts.resync);
        self.connection.last_synced_at.is_some_and(|at| at.duration_until(now) <= resync * 2)
    }

    /// The account's own figures, as the last sync found them; nothing when that is too long ago to be today's.
    fn levels(&self, now: Timestamp) -> Seen {
        let mut seen = Seen::default();
        let Some(profile) = self.connection.profile.as_ref().filter(|_| self.is_fresh(now)) else {
            seen.levels.insert(Figure::Followers, Metric::Pending);
            return seen;
        };
        seen.levels.insert(Figure::Followers, profile.follower_count);
        seen.levels.insert(Figure::Following, profile.following_count);
        seen.levels.insert(Figure::Posts, profile.post_count);
        seen
    }

    /// Logs a failure, once, and says how long to wait after it.
    fn wait_after(&self, failure: &Failure, failures: u32) -> SignedDuration {
        super::ingest::report::platform_error(self.app, self.connection, failure);
        let doubled = FIRST_WAIT.checked_mul(1 << failures.saturating_sub(1).min(6)).unwrap_or(LONGEST_WAIT);
        match failure.kind {
            // A right that is missing, an app that is refused: nothing that an hour changes. Tokens are the sync's business.
            Kind::PermissionMissing | Kind::AppRejected | Kind::OauthRequired | Kind::InvalidRequest => DAY,
            _ => {
                let asked = failure.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
                asked
                    .unwrap_or(doubled)
                    .clamp(SignedDuration::from_secs(60), DAY)
                    .min(LONGEST_WAIT.max(asked.unwrap_or_default()))
            }
        }
    }
}

/// A time after `now`.
fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(now)
}

/// Accounts that wait for the same budget do not all come back in its first second.
fn spread(connection: &Connection, until: Timestamp) -> Timestamp {
    let seconds = i64::try_from(domain::due::stable_hash(connection.id.as_str()) % 600).unwrap_or(0);
    later(until, SignedDuration::from_secs(seconds))
}
