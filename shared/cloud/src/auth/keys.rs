//! Where the issuer's keys come from: memory, the table, and at times the issuer itself.
//!
//! A schedule fetches them into the table, so a request normally costs nothing (keys in memory) or one read every five
//! minutes. Only when there is no row yet, or a token names a key that nobody knows, does a request fetch them, and
//! that at most once a minute for the whole stack.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Clock, Platform};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey};
use outbound::{Call, Outbound, OutboundError};
use serde::Deserialize;
use url::Url;

use super::AuthConfig;
use super::error::AuthError;
use super::jwks::{KeySet, MOST_BYTES};
use crate::table::{Item, StoreError, Table, field, keys, millis, n, s};

/// How long keys stay in memory; a key that the issuer withdrew and the table no longer has dies within it.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// How long an instance does not look again after a key was found nowhere, so that tokens with invented key ids cost
/// nothing.
const MISS: SignedDuration = SignedDuration::from_secs(5);

/// How long the whole stack waits between two fetches by requests.
const SELF_FETCH: SignedDuration = SignedDuration::from_mins(1);

/// Why keys could not be fetched. Whatever the reason, the keys in the table stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// No answer.
    #[error("the issuer cannot be asked: {0}")]
    Outbound(#[from] OutboundError),
    /// An answer that is no key set, or a discovery document of somebody else.
    #[error("the issuer's answer is refused: {0}")]
    Refused(&'static str),
    /// The keys are good and could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The issuer's keys.
pub struct IssuerKeys {
    issuer: String,
    jwks_url: Option<Url>,
    table: Table,
    outbound: Arc<Outbound>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// Requests that all miss the same key look for it once.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Memory {
    set: Option<(Arc<KeySet>, Timestamp)>,
    missed_at: Option<Timestamp>,
}

/// The part of a discovery document that matters here.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl IssuerKeys {
    /// The keys of the configured issuer.
    #[must_use]
    pub fn new(config: &AuthConfig, table: Table, outbound: Arc<Outbound>, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer: config.issuer.clone(),
            jwks_url: config.jwks_url.clone(),
            table,
            outbound,
            clock,
            memory: Mutex::default(),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    /// Fetches the keys and stores them; what the schedule does.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn refresh(&self) -> Result<(), RefreshError> {
        let text = self.fetch().await?;
        self.store(&text).await
    }

    /// Stores a JWK set that did not have to be fetched: an issuer on the same machine hands its own over.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn store(&self, jwks: &str) -> Result<(), RefreshError> {
        let set = KeySet::parse(jwks).map_err(RefreshError::Refused)?;
        let (pk, now) = (keys::jwks_pk(&self.issuer), self.clock.now());
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", s(pk))
            .key("sk", s(keys::ONLY_SK))
            .update_expression("SET #keys = :keys, #fetched_at = :now, #workspace = :none, #v = :v")
            .expression_attribute_names("#keys", "keys")
            .expression_attribute_names("#fetched_at", "fetched_at")
            .expression_attribute_names("#workspace", "workspace")
            .expression_attribute_names("#v", "v")
            .expression_attribute_values(":keys", s(jwks))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":none", s("-"))
            .expression_attribute_values(":v", n(keys::SCHEMA_VERSION))
            .send()
            .await
            .map_err(StoreError::from)?;
        self.remember(Some(Arc::new(set)), now);
        Ok(())
    }

    /// The key that may verify a token which names `id` and `algorithm`, and the set it is of.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<(Arc<KeySet>, DecodingKey), AuthError> {
        let known = |set: Arc<KeySet>| set.find(id, algorithm).map(|key| (set, key));
        if let Some(found) = self.remembered().and_then(known) {
            return Ok(found);
        }
        let _alone = self.looking.lock().await;
        // Whoever looked before may have found it.
        if let Some(set) = self.remembered() {
            if let Some(found) = known(set) {
                return Ok(found);
            }
            if self.missed_just_now() {
                return Err(UNKNOWN_KEY);
            }
        }
        let mut set = self.read().await?;
        if set.clone().and_then(known).is_none() && self.may_fetch().await? {
            match self.refresh().await {
                Ok(()) => set = self.remembered(),
                Err(error) => tracing::warn!(%error, issuer = self.issuer, "the issuer's keys cannot be fetched"),
            }
        }
        match set {
            None => Err(AuthError::Unavailable("the issuer's keys are not known yet".to_owned())),
            Some(set) => known(set).ok_or_else(|| {
                self.memory().missed_at = Some(self.clock.now());
                UNKNOWN_KEY
            }),
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys in memory, as long as they live.
    pub(super) fn remembered(&self) -> Option<Arc<KeySet>> {
        let now = self.clock.now();
        self.memory().set.as_ref().filter(|(_, since)| within(*since, now, LIFE)).map(|(set, _)| Arc::clone(set))
    }

    fn missed_just_now(&self) -> bool {
        let now = self.clock.now();
        self.memory().missed_at.is_some_and(|at| within(at, now, MISS))
    }

    fn remember(&self, set: Option<Arc<KeySet>>, now: Timestamp) {
        self.memory().set = set.map(|set| (set, now));
    }

    /// The keys in the table. A row that cannot be read counts as none, so that the next fetch mends it.
    async fn read(&self) -> Result<Option<Arc<KeySet>>, StoreError> {
        let now = self.clock.now();
        let row = self.table.get(&keys::jwks_pk(&self.issuer), keys::ONLY_SK).await?;
        let set = row.as_ref().filter(|row| row.contains_key("keys")).and_then(|row| match parse(row) {
            Ok(set) => Some(Arc::new(set)),
            Err(error) => {
                tracing::error!(%error, issuer = self.issuer, "the stored keys of the issuer cannot be read");
                None
            }
        });
        self.remember(set.clone(), now);
        Ok(set)
    }

    /// Takes the stack's one fetch of this minute, if nobody has.
    async fn may_fetch(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let at = |offset| now.saturating_add(offset).unwrap_or(now);
        let taken = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", s(keys::jwks_pk(&self.issuer)))
            .key("sk", s(keys::ONLY_SK))
            .update_expression("SET #at = :now, #workspace = :none, #v = :v")
            // An instant far ahead was written under a wrong clock and must not forbid fetching until it comes.
            .condition_expression("attribute_not_exists(#at) OR #at <= :before OR #at > :ahead")
            .expression_attribute_names("#at", "self_fetch_at")
            .expression_attribute_names("#workspace", "workspace")
            .expression_attribute_names("#v", "v")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":before", millis(at(-SELF_FETCH)))
            .expression_attribute_values(":ahead", millis(at(SELF_FETCH)))
            .expression_attribute_values(":none", s("-"))
            .expression_attribute_values(":v", n(keys::SCHEMA_VERSION))
            .send()
            .await;
        match taken {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn fetch(&self) -> Result<String, RefreshError> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let body = self.get(url).await?;
        String::from_utf8(body).map_err(|_| RefreshError::Refused("the key set is not text"))
    }

    async fn discover(&self) -> Result<Url, RefreshError> {
        let at = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let at = Url::parse(&at).map_err(|_| RefreshError::Refused("the issuer is no web address"))?;
        let document: Discovery = serde_json::from_slice(&self.get(at).await?)
            .map_err(|_| RefreshError::Refused("the discovery document names no keys"))?;
        // OpenID Connect Discovery §4.3: a document of another issuer must not be believed.
        if document.issuer != self.issuer {
            return Err(RefreshError::Refused("the discovery document is another issuer's"));
        }
        Url::parse(&document.jwks_uri).map_err(|_| RefreshError::Refused("the discovery document names no keys"))
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, RefreshError> {
        let call = Call { deadline: Duration::from_secs(5), max_bytes: MOST_BYTES, ..Call::get(None::<Platform>, url) };
        let answer = self.outbound.send(call).await?;
        if answer.status != 200 {
            return Err(RefreshError::Refused("the status is not 200"));
        }
        Ok(answer.body.to_vec())
    }
}

const UNKNOWN_KEY: AuthError = AuthError::invalid("no key of the issuer fits the token");

fn parse(row: &Item) -> Result<KeySet, StoreError> {
    KeySet::parse(&field::<String>(row, "keys")?).map_err(|why| StoreError::Malformed(why.to_owned()))
}

/// Whether less than `life` has passed; a clock that was set back counts as long ago.
fn within(since: Timestamp, now: Timestamp, life: SignedDuration) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && age < life
}
