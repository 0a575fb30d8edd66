//! Who follows the account, each week.

use cloud::table::audiences;
use cloud::table::budgets::Spender;
use domain::Kind;
use domain::connection::ConnectionType;
use jiff::{SignedDuration, Timestamp};

use super::{Ends, Run, record};
use crate::accounts::quota;

/// How often. An hour less than a week, so that the daily run of the seventh day finds it due.
const EVERY: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

impl Run<'_> {
    /// Reads the audience when it is time, where the platform tells it; answers when it did.
    pub(super) async fn audience(&self) -> Result<Option<Timestamp>, Ends> {
        let now = self.app.now();
        let insights = self.app.platforms.get(self.connection.platform).and_then(|adapter| adapter.insights.as_deref());
        let Some(insights) = insights.filter(|insights| insights.facts().audience_calls > 0) else { return Ok(None) };
        let early = self.sweep.audience_at.is_some_and(|at| at.duration_until(now) < EVERY);
        if early || self.connection.connection_type == ConnectionType::Manual {
            return Ok(None);
        }
        let calls = insights.facts().audience_calls;
        if quota::take(self.app, self.connection, Spender::Sweep, calls).await?.is_some() {
            // Of all looks this one can wait best: it is tried again tomorrow.
            return Ok(None);
        }
        let rights = self.rights().await?;
        let audience = match insights.audience(&self.context(&rights), &self.account(), rights.access()).await {
            Ok(audience) => audience,
            // A consent that does not cover it is no failure of the sweep.
            Err(failure) if failure.kind == Kind::PermissionMissing => domain::analytics::Audience::default(),
            Err(failure) => return Err(Ends::Failed(failure)),
        };
        let (workspace, id) = (&self.connection.workspace, &self.connection.id);
        let written = audiences::put(record::fenced(self)?, workspace, id, &audience, now)?;
        if written.commit().await?.is_done() { Ok(Some(now)) } else { Err(Ends::Lost) }
    }
}
