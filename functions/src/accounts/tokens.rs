//! Live tokens: renewed before they expire, by one worker at a time, and stored before they are used.

use std::collections::HashMap;
use std::time::Duration;

use cloud::doorbell::Ring;
use cloud::table::tokens::{self, TokensRow, refresh_ring};
use cloud::table::{StoreError, Table, keys, n, s};
use cloud::telemetry::{Unit, metric_and_total};
use cloud::vault::{EncryptionContext, VaultError};
use cloud::work::{self, Claim, Claimed, Extra, Finish, Next};
use domain::{Failure, Kind, TokenSet};
use jiff::{SignedDuration, Timestamp};
use platforms::{Context, Facts, Renewal};

use super::credentials::{self, NoCredentials};
use super::reconnect::{self, Gone};
use crate::App;

/// A token that lives at least this long is used as it is.
const FRESH: SignedDuration = SignedDuration::from_secs(90);
/// The longest wait between two tries of a renewal.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_hours(1);

/// Why there is no live token.
#[derive(Debug)]
pub enum NoTokens {
    /// Another worker renews them just now.
    Busy,
    /// There are none, or the platform refuses them.
    Platform(Failure),
    /// Our own side cannot answer; the message goes back to the queue.
    Store(StoreError),
}

impl From<StoreError> for NoTokens {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for NoTokens {
    fn from(failure: Failure) -> Self {
        Self::Platform(failure)
    }
}

impl From<VaultError> for NoTokens {
    fn from(error: VaultError) -> Self {
        if error.may_pass() {
            Self::Store(StoreError::Unavailable(error.to_string()))
        } else {
            // A sealed row that does not open is lost for good: the person has to connect again.
            Self::Platform(Failure::new(Kind::ReconnectNeeded, error.to_string()))
        }
    }
}

impl From<NoCredentials> for NoTokens {
    fn from(error: NoCredentials) -> Self {
        match error {
            NoCredentials::Platform(failure) => Self::Platform(failure),
            NoCredentials::NotConfigured(platform) => {
                Self::Platform(Failure::new(Kind::AppRejected, format!("no app credentials for {platform}")))
            }
            NoCredentials::Ours(error) => Self::Store(StoreError::Unavailable(error.internal.unwrap_or(error.message))),
        }
    }
}

/// Whether there is something to renew tokens with; also where nobody knows when they end.
#[must_use]
pub const fn is_renewable(facts: &Facts, tokens: &TokenSet) -> bool {
    match facts.oauth.renewal {
        Renewal::None => false,
        Renewal::Exchange => true,
        Renewal::RefreshToken | Renewal::RotatingRefreshToken => tokens.refresh.is_some(),
    }
}

/// When a token is renewed: ahead of its end; a token that is near its end already, halfway to it.
#[must_use]
pub fn renew_at(facts: &Facts, tokens: &TokenSet, now: Timestamp) -> Option<Timestamp> {
    let ends = tokens.expires_at.filter(|_| is_renewable(facts, tokens))?;
    let left = now.duration_until(ends);
    let ahead = ends.saturating_sub(facts.oauth.renew_ahead).unwrap_or(ends);
    let halfway = now.saturating_add((left / 2).clamp(SignedDuration::ZERO, LONGEST_BACKOFF)).unwrap_or(now);
    Some(ahead.max(halfway))
}

/// The tokens of a connection, alive for the next minute at least.
///
/// # Errors
/// [`NoTokens`].
pub async fn live(
    app: &App,
    workspace: &domain::WorkspaceId,
    id: &domain::ConnectionId,
) -> Result<(TokensRow, TokenSet), NoTokens> {
    let row = tokens::get(&app.table, workspace, id).await?;
    let row = row.ok_or_else(|| NoTokens::Platform(Failure::new(Kind::ReconnectNeeded, "no tokens are stored")))?;
    fresh(app, &row).await
}

/// The tokens of a row that was read just now, alive for the next minute at least.
///
/// # Errors
/// [`NoTokens`].
pub async fn fresh(app: &App, row: &TokensRow) -> Result<(TokensRow, TokenSet), NoTokens> {
    let set = open(app, row).await?;
    let dying = set.expires_at.is_some_and(|ends| app.now().duration_until(ends) < FRESH);
    let renewable = app.platforms.get(row.platform).is_some_and(|adapter| is_renewable(adapter.facts, &set));
    if dying && renewable { renew_now(app, row).await } else { Ok((row.clone(), set)) }
}

/// Renews tokens that the platform refused although they should have lived.
///
/// # Errors
/// [`NoTokens`].
pub async fn renew_now(app: &App, row: &TokensRow) -> Result<(TokensRow, TokenSet), NoTokens> {
    let ring = refresh_ring(&row.workspace, &row.connection);
    if !make_due(&app.table, &ring, row.fence, app.now()).await? {
        // Somebody renewed them in between, or is at it.
        let row = tokens::get(&app.table, &row.workspace, &row.connection).await?.filter(|now| now.fence != row.fence);
        let Some(row) = row else { return Err(NoTokens::Busy) };
        let set = open(app, &row).await?;
        let dead = set.expires_at.is_some_and(|ends| ends <= app.now());
        return if dead { Err(NoTokens::Busy) } else { Ok((row, set)) };
    }
    match work::claim(&app.table, &ring, app.now(), Extra::default()).await? {
        Claim::Taken(claimed) => renew(app, claimed).await,
        _ => Err(NoTokens::Busy),
    }
}

async fn open(app: &App, row: &TokensRow) -> Result<TokenSet, NoTokens> {
    let context = EncryptionContext::for_connection(&row.workspace, &row.connection);
    Ok(app.vault.open_tokens(&context, &row.sealed).await?)
}

/// Makes a tokens row due now, if nobody has claimed it since it was read.
async fn make_due(table: &Table, ring: &Ring, fence: u64, now: Timestamp) -> Result<bool, StoreError> {
    let shard = domain::due::shard(ring.kind, &ring.pk, table.due_shards());
    let change = table.transaction().update(
        "tokens",
        (&ring.pk, &ring.sk),
        "SET due = if_not_exists(due, :due), due_at = :now",
        Some("fence = :fence AND claims = :zero"),
        HashMap::new(),
        HashMap::from([
            (":due".to_owned(), s(shard)),
            (":now".to_owned(), cloud::table::millis(now)),
            (":fence".to_owned(), n(fence)),
            (":zero".to_owned(), n(0)),
        ]),
    )?;
    Ok(change.commit().await?.is_done())
}

/// Renews the tokens of a claimed row: asks the platform, stores the answer, and only then hands it out.
///
/// # Errors
/// [`NoTokens`]; a failure that may pass has set the row's next try, a revocation has set the connection to ERROR.
pub async fn renew(app: &App, claimed: Claimed) -> Result<(TokensRow, TokenSet), NoTokens> {
    if claimed.is_poison() {
        crate::workers::abandoned(app, &claimed.token, "renewal").1.write(&app.table, &claimed.token).await?;
        return Err(NoTokens::Platform(Failure::new(Kind::ProviderDown, "renewal interrupted")));
    }
    let row = tokens::read(&claimed.item)?;
    match ask(app, &claimed, &row).await {
        Ok(renewed) => Ok(renewed),
        Err(NoTokens::Platform(failure)) => {
            metric_and_total(app.now(), "RefreshFailures", Unit::Count, 1.0, ("platform", row.platform.as_str()));
            let connection = row.connection.as_str();
            tracing::warn!(event = "token_refresh", connection, platform = row.platform.as_str(), %failure, status = "failed");
            match failure.kind {
                Kind::ReconnectNeeded | Kind::TokenRejected => dead(app, &claimed, &row).await?,
                _ => {
                    let backoff = SignedDuration::from_secs(15 << row.attempts.min(8)).min(LONGEST_BACKOFF);
                    let asked = failure.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
                    later(app, &claimed, &row, asked.unwrap_or(backoff)).await?;
                }
            }
            Err(NoTokens::Platform(failure))
        }
        Err(other) => Err(other),
    }
}

/// Asks the platform for new tokens and stores the answer.
async fn ask(app: &App, claimed: &Claimed, row: &TokensRow) -> Result<(TokensRow, TokenSet), NoTokens> {
    let set = open(app, row).await?;
    let adapter = app.platforms.get(row.platform);
    let adapter = adapter.ok_or_else(|| Failure::new(Kind::AppRejected, "platform without an adapter"))?;
    let handle = handle_of(app, row).await?;
    let credentials = credentials::for_oauth(app, adapter, &handle).await?;
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &credentials };
    let answer = adapter.oauth.refresh(&cx, &set).await?;
    let renewed = set.renewed_by(answer);
    let context = EncryptionContext::for_connection(&row.workspace, &row.connection);
    let sealed = app.vault.reseal_tokens(&context, &row.sealed, &renewed).await?;
    let next = renew_at(adapter.facts, &renewed, app.now());
    let finish = tokens::renewed(&sealed, renewed.expires_at, next)?;
    if !store(app, claimed, row, finish, &renewed).await? {
        // The account was disconnected or linked anew while the platform answered. The new tokens belong to
        // nobody, so they are given back.
        if tokens::get(&app.table, &row.workspace, &row.connection).await?.is_none()
            && let Err(failure) = adapter.oauth.revoke(&cx, &renewed).await
        {
            tracing::warn!(connection = row.connection.as_str(), %failure, "orphaned tokens not revoked");
        }
        return Err(NoTokens::Busy);
    }
    let connection = row.connection.as_str();
    tracing::info!(event = "token_refresh", connection, platform = row.platform.as_str(), status = "ok");
    Ok((TokensRow { sealed, expires_at: renewed.expires_at, fence: claimed.token.fence, ..row.clone() }, renewed))
}

/// The handle names the server of a federated platform.
async fn handle_of(app: &App, row: &TokensRow) -> Result<String, NoTokens> {
    let found = cloud::table::connections::get(&app.table, &row.workspace, &row.connection).await?;
    found.map(|found| found.connection.handle).ok_or(NoTokens::Busy)
}

/// Stores renewed tokens and shows their new end on the connection, in one transaction.
async fn store(
    app: &App,
    claimed: &Claimed,
    row: &TokensRow,
    finish: Finish,
    renewed: &TokenSet,
) -> Result<bool, NoTokens> {
    let (expression, condition, names, values) = finish.parts(&claimed.token);
    let pk = keys::talent_pk(&row.workspace, &row.talent);
    let sk = keys::connection_sk(&row.connection);
    let ends = serde_dynamo::to_attribute_value(renewed.expires_at).map_err(StoreError::from)?;
    let transaction = app
        .table
        .transaction()
        .update("tokens", (&claimed.token.pk, &claimed.token.sk), &expression, Some(condition), names, values)?
        .update(
            "connection",
            (&pk, &sk),
            "SET token_expires_at = :ends",
            Some("attribute_exists(pk)"),
            HashMap::new(),
            HashMap::from([(":ends".to_owned(), ends)]),
        )?;
    Ok(transaction.commit().await?.is_done())
}

/// A renewal that may pass is tried again later. A network error is not a revocation.
async fn later(app: &App, claimed: &Claimed, row: &TokensRow, wait: SignedDuration) -> Result<(), NoTokens> {
    let at = app.now().saturating_add(wait).unwrap_or(app.now());
    Finish::outcome(Next::At(at)).set("attempts", n(row.attempts + 1)).write(&app.table, &claimed.token).await?;
    let ring = refresh_ring(&row.workspace, &row.connection);
    let delay = work::ring_delay(at, app.now());
    if delay < Duration::try_from(domain::due::NEAR).unwrap_or_default() {
        cloud::doorbell::ring(app.doorbell.as_ref(), ring, delay).await;
    }
    Ok(())
}

/// A real revocation: no further renewal, and the connection says what to do.
async fn dead(app: &App, claimed: &Claimed, row: &TokensRow) -> Result<(), NoTokens> {
    let (expression, condition, names, values) = Finish::outcome(Next::Never).parts(&claimed.token);
    let gone =
        Gone { workspace: &row.workspace, talent: &row.talent, connection: &row.connection, platform: row.platform };
    let transaction = app.table.transaction().update(
        "tokens",
        (&claimed.token.pk, &claimed.token.sk),
        &expression,
        Some(condition),
        names,
        values,
    )?;
    let (transaction, event) = reconnect::add(transaction, app, gone, app.now())?;
    if transaction.commit().await?.is_done() {
        reconnect::tell(app, gone, &event).await;
    }
    Ok(())
}
