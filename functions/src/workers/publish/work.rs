//! A claimed delivery with everything that its step needs.

use std::time::Instant;

use cloud::doorbell::Ring;
use cloud::table::deliveries::{Delivery, Row};
use cloud::table::tokens::{self as token_rows, TokensRow};
use cloud::table::{StoreError, connections, deliveries, keys, posts};
use cloud::vault::{EncryptionContext, Sealed};
use cloud::work::{Claimed, Token};
use domain::content::Draft;
use domain::delivery::{DeliveryError, DeliveryEvent};
use domain::{Connection, DeliveryStatus, Failure, Kind, Post, TokenSet};
use jiff::Timestamp;
use outbound::Outbound;
use platforms::publish::{self, Job, Progress, Publish};
use platforms::{Account, Adapter, AppCredentials, Context};

use crate::App;
use crate::accounts::credentials;
use crate::accounts::tokens::{self, NoTokens};

/// Why a step ended without an outcome of its own.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The row is another worker's, or a person's, now.
    Lost,
    /// The post on the platform is another delivery's.
    Taken,
    /// The table cannot answer.
    Store(StoreError),
}

impl From<StoreError> for Outcome {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How long the calls of one look, or of one piece of preparing, may take before the lease is renewed.
pub(super) const CALLS: jiff::SignedDuration = jiff::SignedDuration::from_secs(55);

/// What a step comes to.
pub(super) type Step = Result<(), Outcome>;

/// A claimed delivery.
pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) ring: Ring,
    pub(super) token: Token,
    pub(super) claims: u32,
    pub(super) delivery: Delivery,
    pub(super) sealed: Option<Sealed>,
    pub(super) post: Post,
    pub(super) connection: Option<Connection>,
    pub(super) tokens: Option<TokensRow>,
    /// When this step began.
    pub(super) now: Timestamp,
    /// When an upload is handed on to another worker.
    pub(super) shift_ends: Instant,
    /// Whether the next write makes the post on the platform this delivery's.
    pub(super) takes: bool,
}

/// What the platform's code is called with.
pub(super) struct Ready<'a> {
    pub(super) publish: &'a dyn Publish,
    pub(super) adapter: &'a Adapter,
    pub(super) credentials: AppCredentials,
    pub(super) tokens: TokenSet,
    pub(super) held: TokensRow,
    pub(super) connection: Connection,
    pub(super) draft: Draft,
    pub(super) limits: publish::Limits,
    /// Whether the account's own server stated them; else they are the platform's usual ones.
    pub(super) limits_stated: bool,
}

/// Why the platform cannot be called.
#[derive(Debug)]
pub(super) enum NotReady {
    /// The account is held: paused, disconnected, or asking to be connected again. In plain words.
    Held(&'static str),
    /// The tokens are being renewed by another worker.
    Busy,
    /// It will never be: in plain words.
    Never(DeliveryError),
    /// The platform, or its authorisation server, refuses or does not answer.
    Failed(Failure),
    /// Our own side cannot answer.
    Store(StoreError),
}

impl From<NoTokens> for NotReady {
    fn from(error: NoTokens) -> Self {
        match error {
            NoTokens::Busy => Self::Busy,
            NoTokens::Platform(failure) => Self::Failed(failure),
            NoTokens::Store(error) => Self::Store(error),
        }
    }
}

impl<'a> Work<'a> {
    /// Reads the rest: post, connection and tokens, in one call. `None` when the post is gone.
    pub(super) async fn load(
        app: &'a App,
        ring: Ring,
        claimed: &Claimed,
        row: Row,
    ) -> Result<Option<Self>, StoreError> {
        let Row { delivery, sealed, .. } = row;
        let wanted = [
            (keys::post_pk(&delivery.workspace, delivery.id.post()), keys::POST_SK.to_owned()),
            (keys::talent_pk(&delivery.workspace, &delivery.talent), keys::connection_sk(&delivery.connection)),
            (keys::connection_pk(&delivery.workspace, &delivery.connection), keys::TOKENS_SK.to_owned()),
        ];
        let (mut post, mut connection, mut tokens) = (None, None, None);
        for item in app.table.get_many(&wanted).await? {
            match item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str) {
                Some(keys::POST_SK) => post = Some(posts::read(&item)?),
                Some(keys::TOKENS_SK) => tokens = Some(token_rows::read(&item)?),
                _ => connection = Some(connections::read(&item)?.connection),
            }
        }
        let Some(post) = post else {
            tracing::error!(delivery = delivery.id.as_str(), "a delivery without its post");
            return Ok(None);
        };
        let (token, claims) = (claimed.token.clone(), claimed.claims);
        let now = app.now();
        let shift_ends = Instant::now() + app.settings.publish_shift;
        Ok(Some(Self {
            app,
            ring,
            token,
            claims,
            delivery,
            sealed,
            post,
            connection,
            tokens,
            now,
            shift_ends,
            takes: false,
        }))
    }

    /// The platform's name as people write it.
    pub(super) fn platform_name(&self) -> &'static str {
        let adapter = self.app.platforms.get(self.delivery.platform);
        adapter.map_or(self.delivery.platform.as_str(), |adapter| adapter.facts.name)
    }

    /// Everything that a call of the platform needs; the tokens live for the next minute and a half.
    pub(super) async fn ready(&self) -> Result<Ready<'a>, NotReady> {
        let app = self.app;
        let platform = self.delivery.platform;
        let never = |code: &str, message: String| NotReady::Never(DeliveryError::new(code, message));
        let adapter = app.platforms.get(platform);
        let Some((adapter, publish)) = adapter.and_then(|a| Some((a, a.publish.as_deref()?))) else {
            return Err(never("platform_not_supported", format!("Publishing on {platform} is not supported.")));
        };
        let Some(connection) = &self.connection else {
            return Err(never("connection_removed", "The account was removed.".to_owned()));
        };
        if connection.paused {
            return Err(NotReady::Held("The account is paused."));
        }
        if !connection.connected {
            return Err(NotReady::Held("The account is disconnected."));
        }
        let dead = connection.sync_error.as_ref().is_some_and(|e| e.code == domain::SyncErrorCode::TokenExpired);
        if dead {
            return Err(NotReady::Held("The account has to be connected again."));
        }
        let Some(held) = &self.tokens else {
            return Err(NotReady::Held("The account has to be connected again."));
        };
        let credentials = credentials::for_oauth(app, adapter, &connection.handle).await.map_err(NoTokens::from)?;
        let (held, tokens) = tokens::fresh(app, held).await?;
        let stated = crate::posts::limits::stated(app, publish, connection).await;
        let (limits_stated, limits) =
            (stated.is_some(), stated.unwrap_or_else(|| publish::Limits::from(publish.facts())));
        let draft = self.post.draft(platform);
        let connection = connection.clone();
        Ok(Ready { publish, adapter, credentials, tokens, held, connection, draft, limits, limits_stated })
    }

    /// What earlier steps have obtained, opened.
    pub(super) async fn progress(&self) -> Result<Progress, Outcome> {
        let kept = self.delivery.progress.clone();
        let secret = match &self.sealed {
            None => std::collections::BTreeMap::new(),
            Some(sealed) => match self.app.vault.open_map(&self.context(), sealed).await {
                Ok(secret) => secret,
                Err(error) if error.may_pass() => {
                    return Err(Outcome::Store(StoreError::Unavailable(error.to_string())));
                }
                Err(error) => {
                    // What it held can be obtained anew; the platform's code starts from what it has.
                    tracing::warn!(%error, delivery = self.delivery.id.as_str(), "progress does not open");
                    std::collections::BTreeMap::new()
                }
            },
        };
        Ok(Progress { kept, secret })
    }

    /// Takes progress over into the row's parts.
    pub(super) async fn absorb(&mut self, progress: &Progress) -> Result<(), Outcome> {
        self.delivery.progress.clone_from(&progress.kept);
        self.sealed = self.seal(progress).await?;
        Ok(())
    }

    /// The secret part of progress, sealed with the data key that the account's tokens have.
    pub(super) async fn seal(&self, progress: &Progress) -> Result<Option<Sealed>, Outcome> {
        if progress.secret.is_empty() {
            return Ok(None);
        }
        let near = self.sealed.as_ref().or(self.tokens.as_ref().map(|tokens| &tokens.sealed));
        let sealed = match near {
            Some(near) => self.app.vault.reseal_map(&self.context(), near, &progress.secret).await,
            None => self.app.vault.seal_map(&self.context(), &progress.secret).await,
        };
        sealed.map(Some).map_err(|error| Outcome::Store(StoreError::Unavailable(error.to_string())))
    }

    fn context(&self) -> EncryptionContext {
        EncryptionContext::for_connection(&self.delivery.workspace, &self.delivery.connection)
    }

    /// Moves the state.
    pub(super) fn step(&mut self, event: DeliveryEvent) -> Result<(), Outcome> {
        self.delivery.status = self
            .delivery
            .status
            .next(event)
            .map_err(|error| Outcome::Store(StoreError::Malformed(error.to_string())))?;
        Ok(())
    }

    /// Nothing more is due.
    pub(super) async fn rest(&mut self) -> Step {
        self.delivery.next_attempt_at = None;
        self.finish().await
    }

    /// The sixth claim does no work: without an intent it has failed, with one a person decides.
    pub(super) async fn abandon(&mut self) -> Step {
        let detail = "The work was interrupted five times.";
        match self.delivery.status {
            DeliveryStatus::Scheduled | DeliveryStatus::Claimed => {
                self.delivery.note("prepare", "failed", self.now, detail);
                self.fail(DeliveryError::new("interrupted", "Publishing was interrupted too often. Try again.")).await
            }
            DeliveryStatus::Submitting | DeliveryStatus::Processing | DeliveryStatus::Unconfirmed => {
                self.delivery.note("find", "unknown", self.now, detail);
                self.ask_a_person("interrupted").await
            }
            _ => self.rest().await,
        }
    }

    /// It is not out, and nothing more is tried by itself.
    pub(super) async fn fail(&mut self, error: DeliveryError) -> Step {
        self.step(DeliveryEvent::Rejected)?;
        self.delivery.error = Some(error);
        self.delivery.next_attempt_at = None;
        self.report("failed", false);
        self.finish().await
    }

    /// Nobody can tell whether it is out; only a person can.
    pub(super) async fn ask_a_person(&mut self, code: &str) -> Step {
        self.step(DeliveryEvent::Doubted)?;
        let refused = std::mem::take(&mut self.delivery.refused).then(|| self.delivery.error.take()).flatten();
        let general = format!(
            "It may or may not be on {}, and nothing shows which. Look at the account and decide.",
            self.platform_name()
        );
        let message = refused.map_or(general.clone(), |refused| format!("{} {general}", refused.message));
        self.delivery.error = Some(DeliveryError::new(code, message));
        self.delivery.next_attempt_at = None;
        self.report("unconfirmed", false);
        self.finish().await
    }

    /// Waits for the account: until it is free again, or until the window is over.
    pub(super) async fn wait_for_account(&mut self, reason: &str) -> Step {
        self.delivery.note("hold", "waiting", self.now, reason);
        let again = self.later(jiff::SignedDuration::from_secs(30));
        let ends = self.delivery.window_ends.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(again);
        self.delivery.next_attempt_at = Some(again.min(ends.max(self.now)));
        self.finish().await
    }

    /// This much from now.
    pub(super) fn later(&self, wait: jiff::SignedDuration) -> Timestamp {
        let now = self.app.now();
        now.saturating_add(wait).unwrap_or(now)
    }
}

impl Ready<'_> {
    pub(super) fn context<'b>(&'b self, app: &'b App, out: &'b Outbound) -> Context<'b> {
        Context { out, clock: app.clock.as_ref(), app: &self.credentials }
    }

    /// How an uncertain submission of this account is settled.
    pub(super) fn proof(&self) -> publish::Proof {
        self.publish.proof(&self.account(), &self.tokens)
    }

    pub(super) fn account(&self) -> Account<'_> {
        Account { handle: &self.connection.handle, platform_account_id: self.connection.platform_account_id.as_deref() }
    }

    pub(super) fn job<'b>(
        &'b self,
        delivery: &'b Delivery,
        progress: &'b Progress,
        files: &'b dyn publish::Files,
        lease: &'b dyn publish::Lease,
        now: Timestamp,
    ) -> Job<'b> {
        Job {
            account: self.account(),
            tokens: &self.tokens,
            draft: &self.draft,
            limits: &self.limits,
            key: delivery.key.as_deref().unwrap_or(delivery.id.as_str()),
            started_at: delivery.started_at.unwrap_or(now),
            intent_at: delivery.intent_at,
            first_intent_at: delivery.first_intent_at.or(delivery.intent_at),
            resent: delivery.resent,
            not_ours: &delivery.not_ours,
            progress,
            files,
            lease,
        }
    }
}

/// Whether the account itself is refused, and not what it was asked to do.
pub(super) fn is_about_the_account(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::ReconnectNeeded | Kind::TokenRejected)
}

/// Re-exported for the steps.
pub(super) use deliveries::{FollowUp, Live};
