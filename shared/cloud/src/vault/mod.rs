//! The vault: what is secret stands in the table only inside a sealed envelope.
//!
//! Each owner (a connection, an OAuth state, a platform app) has a data key of its own, wrapped by the key service
//! under the owner's [`EncryptionContext`]; the secret is encrypted with the data key and the same context as
//! associated data. A row copied to another owner therefore opens neither the key nor the secret. Plaintext data keys
//! stay in memory for a few minutes, so a sync asks the key service once.

mod cache;
mod envelope;
mod kms;
mod local;
mod secrets;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::{Clock, ConnectionId, WorkspaceId};
use secrecy::zeroize::{Zeroize, Zeroizing};

use cache::DataKeys;
pub use envelope::Sealed;
pub use kms::{KmsKeys, NoKeys};
pub use local::{KeyRingError, LocalKeys};

/// Why a secret could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key service cannot answer, or does not let us use the key for now. May pass; nothing is known about the
    /// secret.
    #[error("the key service cannot answer: {0}")]
    Unavailable(String),
    /// The envelope does not open here: it was changed, it belongs to another owner, or it is of a form this version
    /// does not know. Never passes; the secret has to be obtained anew.
    #[error("the envelope does not open: {0}")]
    Corrupt(&'static str),
}

impl VaultError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Whose secret it is. The key service and the cipher both demand the same context for opening as for sealing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EncryptionContext {
    workspace: String,
    connection: String,
}

impl EncryptionContext {
    /// The secrets of a connection.
    #[must_use]
    pub fn for_connection(workspace: &WorkspaceId, connection: &ConnectionId) -> Self {
        Self { workspace: workspace.to_string(), connection: connection.to_string() }
    }

    /// The secrets of something that is not a connection: an OAuth state (by its hash), a platform app.
    #[must_use]
    pub fn for_subject(workspace: &str, subject: &str) -> Self {
        // The context has the same two names for every owner, so one key policy covers them all. A connection's id
        // begins with `conn_`, so no subject can be taken for one.
        Self { workspace: workspace.to_owned(), connection: format!("subject#{subject}") }
    }

    /// The names and values as the key service is told them.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 2] {
        [("workspace", &self.workspace), ("connection", &self.connection)]
    }
}

/// A data key in the clear; wiped from memory when it is dropped.
pub struct PlainKey(Zeroizing<[u8; Self::BYTES]>);

impl PlainKey {
    /// The length of a data key.
    pub const BYTES: usize = 32;

    /// Wraps the bytes.
    #[must_use]
    pub fn new(mut bytes: [u8; Self::BYTES]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// Reads a key of exactly the right length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// The bytes, for building a cipher and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl std::fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A new data key: in the clear for use now, wrapped for storing beside what it encrypts.
#[derive(Debug)]
pub struct DataKey {
    /// In the clear.
    pub plain: PlainKey,
    /// As only the key service can read it, and only for the same context.
    pub wrapped: Vec<u8>,
}

/// An opened secret; wiped from memory when it is dropped.
pub struct Plain(Zeroizing<Vec<u8>>);

impl Plain {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for handing to whom they are for and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Makes and unwraps data keys; the only part of the vault that differs between AWS and one machine.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// A new data key that only the same context unwraps.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    async fn generate(&self, context: &EncryptionContext) -> Result<DataKey, VaultError>;

    /// The data key inside `wrapped`.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`] when `wrapped` was changed or made for another context or by another key; such an
    /// answer never changes.
    async fn unwrap(&self, context: &EncryptionContext, wrapped: &[u8]) -> Result<PlainKey, VaultError>;

    /// Names the key that wraps new data keys; stored with each envelope.
    fn key_version(&self) -> &str;
}

/// Seals and opens secrets.
pub struct Vault {
    keys: Arc<dyn KeyService>,
    clock: Arc<dyn Clock>,
    cache: Mutex<DataKeys>,
}

impl Vault {
    /// A vault over a key service.
    #[must_use]
    pub fn new(keys: Arc<dyn KeyService>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock, cache: Mutex::new(DataKeys::default()) }
    }

    /// Seals a secret with a new data key.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    pub async fn seal(&self, context: &EncryptionContext, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let DataKey { plain, wrapped } = self.keys.generate(context).await?;
        let sealed = envelope::seal(context, self.keys.key_version(), wrapped, &plain, plaintext)?;
        self.remember(context, &sealed.wrapped_key, Arc::new(plain));
        Ok(sealed)
    }

    /// Seals a new value of what `old` holds, with the same data key and a new nonce: a renewed token costs no call
    /// when the old one was just opened. After the key service's key was replaced, a new data key is taken instead,
    /// so that rows move to the new key as they are written.
    ///
    /// # Errors
    /// [`VaultError`]; `old` has to open.
    pub async fn reseal(
        &self,
        context: &EncryptionContext,
        old: &Sealed,
        plaintext: &[u8],
    ) -> Result<Sealed, VaultError> {
        if old.key_version != self.keys.key_version() {
            return self.seal(context, plaintext).await;
        }
        let key = self.data_key(context, old).await?;
        // Proves that the key is the one of this envelope, so a row never ends up under a key that was slipped in.
        envelope::open(context, old, &key)?;
        envelope::seal(context, &old.key_version, old.wrapped_key.clone(), &key, plaintext)
    }

    /// Opens an envelope.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, context: &EncryptionContext, sealed: &Sealed) -> Result<Plain, VaultError> {
        let key = self.data_key(context, sealed).await?;
        envelope::open(context, sealed, &key).map(Plain::new)
    }

    async fn data_key(&self, context: &EncryptionContext, sealed: &Sealed) -> Result<Arc<PlainKey>, VaultError> {
        sealed.check_form()?;
        let known = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(&envelope::key_name(context, &sealed.wrapped_key), self.clock.now())
        };
        if let Some(key) = known {
            return Ok(key);
        }
        let key = Arc::new(self.keys.unwrap(context, &sealed.wrapped_key).await?);
        self.remember(context, &sealed.wrapped_key, Arc::clone(&key));
        Ok(key)
    }

    fn remember(&self, context: &EncryptionContext, wrapped: &[u8], key: Arc<PlainKey>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(envelope::key_name(context, wrapped), key, self.clock.now());
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("key", &self.keys.key_version()).finish_non_exhaustive()
    }
}
