//! Looks at an account that a talent compares with: as anyone may, each day.

use std::time::Duration;

use cloud::table::budgets::Spender;
use cloud::table::competitors::{self, Competitor, Seen};
use cloud::table::{StoreError, json, s};
use cloud::work::{Claimed, Finish, Next};
use domain::connection::Averages;
use domain::sync::SyncError;
use domain::{Failure, Kind, Publication};
use jiff::{SignedDuration, Timestamp};
use platforms::{Access, Account, Context};

use super::{DAY, LONGEST_WAIT, later};
use crate::App;
use crate::accounts::{credentials, quota};
use crate::analytics::benchmarks::RECENT;

/// How long the reading may take.
const READING: Duration = Duration::from_secs(40);
/// Calls of a look: profile and a page of posts, which are two at YouTube.
const CALLS: u64 = 3;

/// One look.
pub(super) async fn look(app: &App, claimed: &Claimed) -> Result<(), StoreError> {
    let (rival, ..) = competitors::read(&claimed.item)?;
    let now = app.now();
    if let Some(until) = quota::take_of_app(app, rival.platform, Spender::Sweep, CALLS).await? {
        let seconds = i64::try_from(domain::due::stable_hash(&rival.id) % 600).unwrap_or(0);
        let at = later(until, SignedDuration::from_secs(seconds));
        Finish::outcome(Next::At(at)).write(&app.table, &claimed.token).await?;
        return Ok(());
    }
    let read = tokio::time::timeout(READING, read(app, &rival, now)).await;
    let read = read.unwrap_or_else(|_| Err(Failure::new(Kind::ProviderDown, "no time left")));
    let daily = domain::due::next_periodic(&rival.id, now, DAY);
    let finish = match read {
        Ok(seen) => Finish::outcome(Next::At(daily)).set("seen", json(&seen)?).remove("trouble"),
        Err(failure) => {
            tracing::warn!(competitor = rival.id.as_str(), platform = rival.platform.as_str(), kind = ?failure.kind, "platform call failed");
            let next = if failure.may_pass() { later(now, LONGEST_WAIT).min(daily) } else { daily };
            Finish::outcome(Next::At(next)).set("trouble", s(SyncError::from_failure(&failure, true).message))
        }
    };
    finish.write(&app.table, &claimed.token).await?;
    Ok(())
}

async fn read(app: &App, rival: &Competitor, now: Timestamp) -> Result<Seen, Failure> {
    let adapter = app.platforms.get(rival.platform);
    let adapter = adapter.ok_or_else(|| Failure::new(Kind::AppRejected, "platform without an adapter"))?;
    let credentials = credentials::for_public(app, rival.platform);
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let account = Account { handle: &rival.handle, platform_account_id: None };
    let profile = adapter.ingest.profile(&cx, &account, Access::Public).await?;
    let page = adapter.ingest.publications(&cx, &profile, Access::Public, None).await?;
    let from = now.saturating_sub(RECENT).unwrap_or(now);
    let recent: Vec<Publication> = page.publications.into_iter().filter(|post| post.posted_at >= from).collect();
    Ok(Seen {
        at: now,
        followers: profile.follower_count,
        posts: profile.post_count,
        recent_posts: u32::try_from(recent.len()).unwrap_or(u32::MAX),
        averages: Averages::of(&recent),
    })
}
