//! Linking an account to a talent: by handle, by handed-over tokens, or by consent.

use cloud::audit::Audit;
use cloud::http::{ApiError, Request, Response};
use cloud::table::connections::{self, Change, Guards, Row};
use cloud::table::{Outcome, Transaction, tokens};
use cloud::telemetry::{Unit, metric};
use cloud::vault::{EncryptionContext, Sealed};
use domain::connection::{Averages, ConnectionType};
use domain::due::stable_hash;
use domain::{Caller, Connection, ConnectionId, Failure, Kind, Platform, SyncStatus, TalentId, TokenSet};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use platforms::Facts;

use crate::App;
use crate::view::ConnectedView;

/// An account to link.
pub struct Link<'a> {
    /// Whose it becomes.
    pub talent: TalentId,
    /// What is known of the platform.
    pub facts: &'static Facts,
    /// The handle, normalised.
    pub handle: String,
    /// The platform's own id of the account, where it stated it.
    pub account_id: Option<String>,
    /// The tokens, for a link with the account's consent.
    pub tokens: Option<&'a TokenSet>,
    /// Who links it.
    pub caller: &'a Caller,
    /// The word in the audit log.
    pub action: &'static str,
    /// The request, for the audit log and the idempotency key.
    pub request: &'a Request,
}

/// The adapter of a platform, or the reason why it cannot be used.
///
/// # Errors
/// 400 `platform_not_supported`.
pub fn adapter(app: &App, platform: Platform) -> Result<&platforms::Adapter, ApiError> {
    app.platforms.get(platform).ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "platform_not_supported", format!("{platform} cannot be connected yet."))
    })
}

/// The talent that a request is about: its own for a talent, the named one for staff.
///
/// # Errors
/// 400 when staff name none; 404 when a talent names another.
pub fn talent_of(caller: &Caller, named: Option<TalentId>) -> Result<TalentId, ApiError> {
    match (caller.talent.as_ref().filter(|_| caller.role == domain::Role::Talent), named) {
        (Some(own), Some(named)) if *own != named => Err(ApiError::not_found("talent")),
        (Some(own), _) => Ok(own.clone()),
        (None, Some(named)) => Ok(named),
        (None, None) => Err(ApiError::invalid("The field talentId is missing.")),
    }
}

/// A platform's refusal as an answer to the person who waits for it.
#[must_use]
pub fn refused(failure: &Failure) -> ApiError {
    tracing::info!(failure = %failure, "platform refused");
    let unprocessable = |code, message: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
    match failure.kind {
        Kind::InvalidHandle => ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_handle",
            "Invalid handle. The platform knows no such account.",
        ),
        Kind::NotFound => unprocessable("profile_not_found", "Profile not found on platform".to_owned()),
        Kind::ReconnectNeeded | Kind::TokenRejected => {
            unprocessable("token_refused", "The platform refuses this login. Check it and try again.".to_owned())
        }
        Kind::PermissionMissing
        | Kind::InvalidRequest
        | Kind::OauthRequired
        | Kind::ContentRefused
        | Kind::Duplicate => {
            let missing =
                failure.scope.as_ref().map(|scope| format!(" Missing permission: {scope}.")).unwrap_or_default();
            unprocessable("permission_missing", format!("Cannot access profile data.{missing}"))
        }
        Kind::Suspended => unprocessable("account_suspended", "Account suspended on platform".to_owned()),
        Kind::AppRejected => unprocessable(
            "app_rejected",
            "The platform refuses this installation's app credentials. Ask your administrator.".to_owned(),
        ),
        Kind::RateLimited | Kind::ProviderDown => {
            let mut error = ApiError::unavailable(failure.to_string());
            "The platform does not answer just now. Try again.".clone_into(&mut error.message);
            error.code = "platform_unavailable";
            error.retry_after = Some(failure.retry_after.map_or(5, |wait| wait.as_secs().clamp(1, 3600)));
            error
        }
    }
}

/// Another id for a link whose own is taken, by a step that is the handle's own: of many accounts linked at once, all
/// going one millisecond further would meet again each time. Into the past, since work of the future waits.
fn another_moment(now: Timestamp, handle: &str, attempt: u32) -> Timestamp {
    let step = i64::try_from(stable_hash(&format!("{attempt} {handle}")) % 500).unwrap_or_default() + 1;
    now.saturating_sub(SignedDuration::from_millis(step)).unwrap_or(now)
}

impl Link<'_> {
    /// Links the account, rings the worker and answers 201. Linking the same account again answers the same connection.
    ///
    /// # Errors
    /// 404 for an unknown talent, 503 when the table or the vault cannot answer.
    pub async fn answer(self, app: &App) -> Result<Response, ApiError> {
        let with_consent = self.tokens.is_some();
        let connection = self.run(app).await?;
        Response::json(StatusCode::CREATED, &ConnectedView::of(&connection, with_consent))
    }

    /// Links the account and rings the worker.
    ///
    /// # Errors
    /// As [`Link::answer`].
    pub async fn run(self, app: &App) -> Result<Connection, ApiError> {
        let connection = self.commit(app).await?;
        if connection.sync_status != SyncStatus::Ready {
            super::ring_sync(app, &connection, app.first_attempt(self.request.now)).await;
        }
        if connection.created_at == connection.updated_at {
            metric(app.now(), "ConnectionsCreated", Unit::Count, 1.0, None);
        }
        tracing::info!(
            event = "social_connect",
            connection = connection.id.as_str(),
            talent = connection.talent.as_str(),
            platform = connection.platform.as_str(),
            connection_type = if self.tokens.is_some() { "OAUTH" } else { "MANUAL" },
            status = connection.sync_status.as_str(),
        );
        Ok(connection)
    }

    async fn commit(&self, app: &App) -> Result<Connection, ApiError> {
        let mut at = self.request.now;
        // A consent usually meets a connection that is there; a link by handle usually does not.
        let mut known = match (self.tokens, &self.account_id) {
            (Some(_), Some(_)) => self.holder(app).await?,
            _ => None,
        };
        let mut guards = Guards::default();
        for attempt in 0..6 {
            if let Some(row) = &known {
                self.same_account(&row.connection)?;
                // Nobody knows yet whose the tokens are, and the handle was linked in this very moment.
                if self.tokens.is_some() && self.account_id.is_none() {
                    return Err(ApiError::unavailable("the handle was linked meanwhile"));
                }
            }
            let relinked = known.is_some();
            let (outcome, connection) = match known.take() {
                Some(row) => self.relink(app, row, &guards).await?,
                None => self.create(app, at).await?,
            };
            if outcome.is_done() {
                return Ok(connection);
            }
            if outcome.refusal("idempotency").is_some() {
                return Err(ApiError::idempotency_race());
            }
            if outcome.refusal("talent").is_some() {
                return Err(ApiError::not_found("talent"));
            }
            // A handle that went to this account is taken from the connection that held it for another.
            if relinked {
                guards.learn(&app.table, &connection, &outcome).await?;
            }
            known = self.holder(app).await?;
            if known.is_none() {
                // Two links within one millisecond: the id is taken.
                at = another_moment(self.request.now, &self.handle, attempt);
            }
        }
        Err(ApiError::unavailable("the account is being changed by others"))
    }

    /// A handle that went from one account to another must not turn a connection into somebody else.
    fn same_account(&self, held: &Connection) -> Result<(), ApiError> {
        let other = self.account_id.as_ref().zip(held.platform_account_id.as_ref()).is_some_and(|(a, b)| a != b);
        if !other {
            return Ok(());
        }
        Err(ApiError::conflict(
            "handle_of_another_account",
            format!(
                "{} holds this handle for another account of the talent. Sync or delete that connection first.",
                held.id
            ),
        ))
    }

    async fn holder(&self, app: &App) -> Result<Option<Row>, ApiError> {
        let platform = self.facts.platform;
        Ok(connections::holder(
            &app.table,
            &self.caller.workspace,
            &self.talent,
            platform,
            self.account_id.as_deref().or(self.named_by_id()),
            &self.handle,
        )
        .await?)
    }

    /// The handle, where it is the platform's own id of the account: `UC…`, `did:…`.
    fn named_by_id(&self) -> Option<&str> {
        (self.facts.is_account_id)(&self.handle).then_some(&self.handle)
    }

    async fn create(&self, app: &App, at: Timestamp) -> Result<(Outcome, Connection), ApiError> {
        let platform = self.facts.platform;
        let connection = self.with_grant(Connection {
            id: ConnectionId::new(&self.talent, platform, at),
            workspace: self.caller.workspace.clone(),
            talent: self.talent.clone(),
            platform,
            handle: self.handle.clone(),
            profile_url: (self.facts.profile_url)(&self.handle),
            connection_type: ConnectionType::Manual,
            connected: true,
            paused: false,
            sync_status: SyncStatus::Pending,
            sync_error: None,
            next_retry_at: None,
            attempts: 0,
            last_synced_at: None,
            created_at: at,
            updated_at: at,
            token_expires_at: None,
            scopes: Vec::new(),
            missing_scopes: Vec::new(),
            // Of handed-over tokens only the platform says whose they are.
            platform_account_id: match self.tokens {
                None => self.account_id.as_deref().or(self.named_by_id()).map(str::to_owned),
                Some(_) => self.account_id.clone(),
            },
            profile: None,
            averages: Averages::default(),
        });
        let transaction = connections::insert(app.table.transaction(), &app.table, &connection, app.first_attempt(at))?;
        let outcome = self.finish(app, transaction, &connection).await?;
        Ok((outcome, connection))
    }

    async fn relink(&self, app: &App, row: Row, guards: &Guards) -> Result<(Outcome, Connection), ApiError> {
        let before = &row.connection;
        // A link by handle adds nothing to a connection that is live.
        if self.tokens.is_none() && before.connected {
            let outcome = match self.request.idempotency() {
                None => Outcome::Done,
                Some(_) => self.finish(app, app.table.transaction(), before).await?,
            };
            return Ok((outcome, row.connection));
        }
        let mut after = connections::changed(before.clone(), Change::Reconnect, self.request.now);
        after.connection_type = ConnectionType::Manual;
        if self.named_by_id().is_none() {
            after.handle.clone_from(&self.handle);
            after.profile_url = (self.facts.profile_url)(&self.handle);
        }
        after.platform_account_id = self.account_id.clone().or(after.platform_account_id);
        let after = self.with_grant(after);
        let due = Some(app.first_attempt(self.request.now));
        let transaction = connections::update_with(app.table.transaction(), &app.table, &row, &after, due, guards)?;
        let outcome = self.finish(app, transaction, &after).await?;
        Ok((outcome, after))
    }

    fn with_grant(&self, mut connection: Connection) -> Connection {
        if let Some(tokens) = self.tokens {
            connection.connection_type = ConnectionType::Oauth;
            connection.token_expires_at = tokens.expires_at;
            connection.scopes.clone_from(&tokens.scopes);
            // Handed-over tokens do not say what they may do; the sync finds out.
            connection.missing_scopes =
                if tokens.scopes.is_empty() { Vec::new() } else { self.facts.missing_scopes(&tokens.scopes) };
        }
        connection
    }

    async fn finish(
        &self,
        app: &App,
        transaction: Transaction<'_>,
        connection: &Connection,
    ) -> Result<Outcome, ApiError> {
        let mut transaction = transaction;
        if let Some(set) = self.tokens {
            let context = EncryptionContext::for_connection(&connection.workspace, &connection.id);
            let sealed: Sealed = app.vault.seal_tokens(&context, set).await?;
            let renew_at = crate::accounts::tokens::renew_at(self.facts, set, self.request.now);
            transaction = tokens::store(transaction, &app.table, connection, &sealed, set.expires_at, renew_at)?;
        }
        let audit = Audit::new(
            self.caller,
            Some(&self.talent),
            self.action,
            connection.id.as_str(),
            self.request.now,
            &self.request.request_id,
        );
        transaction = audit.add(transaction)?;
        if let Some(key) = self.request.idempotency() {
            let response = Response::json(StatusCode::CREATED, &ConnectedView::of(connection, self.tokens.is_some()))?;
            transaction = key.add(transaction, response.status.as_u16(), &response.body)?;
        }
        Ok(transaction.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn many_links_of_one_moment_find_ids_of_their_own() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let mut waiting: Vec<String> = (0..50).map(|n| format!("account{n}.bsky.social")).collect();
        let mut taken = BTreeSet::from([now]);
        for attempt in 0..5 {
            // Of those that meet, one gets the id.
            waiting.retain(|handle| !taken.insert(another_moment(now, handle, attempt)));
        }
        assert_eq!(waiting, Vec::<String>::new());
        assert!(taken.iter().all(|at| *at <= now && now.duration_since(*at) <= SignedDuration::from_millis(500)));
    }
}
