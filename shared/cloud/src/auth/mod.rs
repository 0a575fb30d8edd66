//! Who asks: one step that every request passes before its handler.
//!
//! A credential is an OpenID Connect token of the configured issuer or an API key; both give the same
//! [`Caller`]. What a caller may do is read from what was proven, never from the text of an id.

pub mod api_key;
mod config;
mod crypto;
mod error;
mod jwks;
mod jwt;
mod keys;
mod limit;
mod proven;
mod signer;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::{Caller, Clock};
use outbound::Outbound;

pub use api_key::{ApiKeyRow, NewApiKey, hash as api_key_hash};
pub use config::{AuthConfig, AuthConfigError};
pub use crypto::install;
pub use error::AuthError;
pub use keys::{IssuerKeys, RefreshError};
pub use limit::{Limiter, RateLimit};
pub use signer::{Signer, SignerError};

use crate::table::Table;

/// The longest credential that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// Proves who asks.
pub struct Authenticator {
    config: AuthConfig,
    keys: IssuerKeys,
    limiter: Limiter,
    table: Table,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// An authenticator for the configured issuer and for the API keys in the table.
    #[must_use]
    pub fn new(config: AuthConfig, table: Table, outbound: Arc<Outbound>, clock: Arc<dyn Clock>) -> Self {
        crypto::install();
        Self {
            keys: IssuerKeys::new(&config, table.clone(), outbound, Arc::clone(&clock)),
            limiter: Limiter::new(config.rate_limit, Arc::clone(&clock)),
            config,
            table,
            clock,
        }
    }

    /// The issuer's keys, for the schedule that fetches them.
    #[must_use]
    pub fn keys(&self) -> &IssuerKeys {
        &self.keys
    }

    /// The caller whom an `Authorization` header proves.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, AuthError> {
        let credential = bearer(authorization)?;
        let now = self.clock.now();
        let (caller, counted_as) = if credential.starts_with(api_key::PREFIX) {
            let hash = api_key::hash_of_well_formed(credential).ok_or(AuthError::invalid("malformed API key"))?;
            let counted_as = format!("key#{hash}");
            // Past its limit, a key does not even cost the read that would prove it.
            self.limiter.peek(&counted_as).map_err(|retry_after| AuthError::TooManyRequests { retry_after })?;
            (api_key::verify(&hash, &self.table, now).await?, counted_as)
        } else {
            let caller = jwt::verify(credential, &self.keys, &self.config, now).await?;
            // A new token of the same subject is the same caller; a workspace holds no `#`.
            let counted_as = format!("jwt#{}#{}", caller.workspace, caller.subject);
            (caller, counted_as)
        };
        self.limiter.take(&counted_as).map_err(|retry_after| AuthError::TooManyRequests { retry_after })?;
        Ok(caller)
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}

/// The credential of a `Bearer` header.
fn bearer(authorization: Option<&str>) -> Result<&str, AuthError> {
    let header = authorization.ok_or(AuthError::missing("no Authorization header"))?;
    let (scheme, credential) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::missing("not a bearer credential"));
    }
    match credential.trim() {
        "" => Err(AuthError::missing("an empty credential")),
        credential if credential.len() > LONGEST => Err(AuthError::invalid("a credential of more than 8 KB")),
        credential => Ok(credential),
    }
}
