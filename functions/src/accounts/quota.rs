//! The one budget of a platform's quota: who asks is counted before the call (`platforms::quota`, `cloud::table::budgets`).

use cloud::table::budgets::{self, Budget, Spender};
use cloud::table::{StoreError, keys};
use domain::{Connection, ConnectionId, Platform, WorkspaceId};
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
            Spender::Publish => continue,
            Spender::Ingest if !quota.counts_syncs => continue,
            Spender::Ingest => Some(quota.ingest_until),
            Spender::Sweep => Some(quota.sweep_until),
        };
        let budget = budget(quota, connection.platform, &connection.workspace, &connection.id, app.now());
        if !budgets::take(&app.table, &budget, spender, units, most).await? {
            return Ok(Some(budget.ends));
        }
    }
    Ok(None)
}

/// Takes `units` of the quotas that all accounts of a platform share, for a look at an account that is not linked.
///
/// # Errors
/// As [`take`].
pub async fn take_of_app(
    app: &App,
    platform: Platform,
    spender: Spender,
    units: u64,
) -> Result<Option<Timestamp>, StoreError> {
    let insights = app.platforms.get(platform).and_then(|adapter| adapter.insights.as_deref());
    let quotas = insights.map_or(&[][..], |insights| insights.facts().quotas);
    for quota in quotas.iter().filter(|quota| quota.scope == Scope::App) {
        let (window, ends) = quota.window.of(app.now());
        let budget = Budget { pk: keys::app_budget_pk(platform), sk: keys::budget_sk(&window), ends };
        if !budgets::take(&app.table, &budget, spender, units, Some(quota.sweep_until)).await? {
            return Ok(Some(budget.ends));
        }
    }
    Ok(None)
}

/// Counts a step of a delivery in the quotas that it spends of; nothing is refused, and nothing waits for it.
pub async fn published(app: &App, platform: Platform, workspace: &WorkspaceId, id: &ConnectionId) {
    let insights = app.platforms.get(platform).and_then(|adapter| adapter.insights.as_deref());
    let quotas = insights.map_or(&[][..], |insights| insights.facts().quotas);
    for quota in quotas.iter().filter(|quota| quota.publish_units > 0) {
        let budget = budget(quota, platform, workspace, id, app.now());
        if let Err(error) = budgets::take(&app.table, &budget, Spender::Publish, quota.publish_units, None).await {
            tracing::warn!(%error, connection = id.as_str(), "a delivery's calls are not counted");
        }
    }
}

/// The row of a quota's present window.
fn budget(quota: &Quota, platform: Platform, workspace: &WorkspaceId, id: &ConnectionId, now: Timestamp) -> Budget {
    let (window, ends) = quota.window.of(now);
    let pk = match quota.scope {
        Scope::App => keys::app_budget_pk(platform),
        Scope::Account => keys::connection_pk(workspace, id),
    };
    Budget { pk, sk: keys::budget_sk(&window), ends }
}
