//! The one budget of a platform's quota: who asks is counted before the call (`platforms::quota`, `cloud::table::budgets`).

use cloud::table::budgets::{self, Budget, Spender};
use cloud::table::{StoreError, keys};
use domain::Connection;
use jiff::Timestamp;
use platforms::quota::{Quota, Scope};

use crate::App;

/// Takes `units` of every quota that the platform has; answers until when there are none left for this spender.
///
/// # Errors
/// [`StoreError`] when the table cannot answer; the caller does not ask the platform then.
pub async fn take(
    app: &App,
    connection: &Connection,
    spender: Spender,
    units: u64,
) -> Result<Option<Timestamp>, StoreError> {
    let insights = app.platforms.get(connection.platform).and_then(|adapter| adapter.insights.as_deref());
    let Some(insights) = insights else { return Ok(None) };
    for quota in insights.facts().quotas {
        let most = match spender {
            Spender::Publish => None,
            Spender::Ingest if !quota.counts_syncs => continue,
            Spender::Ingest => Some(quota.ingest_until),
            Spender::Sweep => Some(quota.sweep_until),
        };
        let budget = budget(quota, connection, app.now());
        if !budgets::take(&app.table, &budget, spender, units, most).await? {
            return Ok(Some(budget.ends));
        }
    }
    Ok(None)
}

/// The row of a quota's present window.
#[must_use]
pub fn budget(quota: &Quota, connection: &Connection, now: Timestamp) -> Budget {
    let (window, ends) = quota.window.of(now);
    let pk = match quota.scope {
        Scope::App => keys::app_budget_pk(connection.platform),
        Scope::Account => keys::connection_pk(&connection.workspace, &connection.id),
    };
    Budget { pk, sk: keys::budget_sk(&window), ends }
}
