//! Revokes and removes what a disconnected or deleted account left behind.

use std::collections::HashMap;

use cloud::doorbell::{self, Ring};
use cloud::table::connections::EraseRow;
use cloud::table::{StoreError, keys, n, publications};
use cloud::telemetry::{Unit, metric_and_total};
use cloud::vault::EncryptionContext;
use cloud::work::{self, Claimed, Extra, FENCED, Finish, Next};
use domain::Failure;
use jiff::SignedDuration;
use platforms::Context;

use crate::App;
use crate::accounts::credentials::{self, NoCredentials};

/// After this many failed tries the tokens are destroyed without the platform's word; they die there by themselves.
const TRIES: u32 = 10;
/// How many publications one step removes.
const STEP: i32 = 100;

/// Revokes, then removes, then forgets the row itself.
///
/// # Errors
/// [`StoreError`]: the message goes back, and the row comes due again by its lease.
pub async fn handle(app: &App, ring: Ring) -> Result<(), StoreError> {
    let Some(claimed) = super::take(app, &ring, Extra::default).await? else { return Ok(()) };
    if claimed.is_poison() {
        super::abandoned(app, &claimed.token, "erasing").1.write(&app.table, &claimed.token).await?;
        return Ok(());
    }
    let mut row: EraseRow = serde_dynamo::from_item(claimed.item.clone())?;
    if row.sealed.is_some() {
        match revoke(app, &row).await {
            Ok(()) => {}
            Err(failure) if row.attempts + 1 < TRIES && failure.may_pass() => {
                tracing::warn!(connection = row.connection.as_str(), %failure, "revocation failed; trying again");
                return put_off(app, &ring, &claimed, &row, SignedDuration::from_secs(10 << row.attempts.min(9))).await;
            }
            Err(failure) => {
                tracing::error!(connection = row.connection.as_str(), %failure, "tokens destroyed without revocation");
                metric_and_total(app.now(), "RevocationsFailed", Unit::Count, 1.0, ("platform", row.platform.as_str()));
            }
        }
        row.sealed = None;
        // Revoked once is revoked: a later step that fails does not ask the platform again.
        let leased = Finish::outcome(Next::At(lease_end(app))).set_value("sealed", &row.sealed)?.set("claims", n(1));
        if !leased.write(&app.table, &claimed.token).await? {
            return Ok(());
        }
    }
    if row.publications {
        let pk = keys::connection_pk(&row.workspace, &row.connection);
        for prefix in keys::ERASED_PREFIXES {
            while publications::erase(&app.table, &pk, prefix, STEP).await? {
                let leased = Finish::outcome(Next::At(lease_end(app))).set("claims", n(1));
                if !leased.write(&app.table, &claimed.token).await? {
                    return Ok(());
                }
            }
        }
    }
    let held = HashMap::from([(":token".to_owned(), n(claimed.token.fence))]);
    let gone = app.table.transaction().delete("erase", (&ring.pk, &ring.sk), Some((FENCED, held)))?;
    gone.commit().await?;
    tracing::info!(
        event = "social_erase",
        connection = row.connection.as_str(),
        platform = row.platform.as_str(),
        status = "ok"
    );
    Ok(())
}

fn lease_end(app: &App) -> jiff::Timestamp {
    let now = app.now();
    now.saturating_add(domain::due::LEASE + domain::due::SKEW).unwrap_or(now)
}

async fn put_off(
    app: &App,
    ring: &Ring,
    claimed: &Claimed,
    row: &EraseRow,
    wait: SignedDuration,
) -> Result<(), StoreError> {
    let at = app.now().saturating_add(wait).unwrap_or(app.now());
    let written =
        Finish::outcome(Next::At(at)).set("attempts", n(row.attempts + 1)).write(&app.table, &claimed.token).await?;
    if written && wait < domain::due::NEAR {
        doorbell::ring(app.doorbell.as_ref(), ring.clone(), work::ring_delay(at, app.now())).await;
    }
    Ok(())
}

async fn revoke(app: &App, row: &EraseRow) -> Result<(), Failure> {
    let (Some(sealed), Some(adapter)) = (&row.sealed, app.platforms.get(row.platform)) else { return Ok(()) };
    let context = EncryptionContext::for_connection(&row.workspace, &row.connection);
    let passing = |text: String| Failure::new(domain::Kind::ProviderDown, text);
    let tokens = match app.vault.open_tokens(&context, sealed).await {
        Ok(tokens) => tokens,
        Err(error) if error.may_pass() => return Err(passing(error.to_string())),
        // What cannot be opened cannot be used by anyone either.
        Err(error) => return Err(Failure::new(domain::Kind::InvalidRequest, error.to_string())),
    };
    let credentials = match credentials::kept(app, adapter, &row.handle).await {
        Ok(Some(credentials)) => credentials,
        // A registration that is gone took its tokens with it; a new one could not speak for them.
        Ok(None) => return Ok(()),
        Err(NoCredentials::Platform(failure)) => return Err(failure),
        Err(NoCredentials::NotConfigured(platform)) => {
            return Err(Failure::new(domain::Kind::AppRejected, format!("no app credentials for {platform}")));
        }
        Err(NoCredentials::Ours(error)) => return Err(passing(error.internal.unwrap_or(error.message))),
    };
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    adapter.oauth.revoke(&cx, &tokens).await
}
