//! The secrets that Herald keeps, in and out of their sealed form.

use std::collections::BTreeMap;

use domain::{Secret, TokenSet};
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{EncryptionContext, Plain, Sealed, Vault, VaultError};

/// Tokens as they are written inside an envelope. [`Secret`] itself cannot be serialised, so that no row, log line or
/// answer ever holds one by accident; this borrowed form exists only on the way into the cipher.
#[derive(Serialize)]
struct TokensOut<'a> {
    access: &'a str,
    refresh: Option<&'a str>,
    expires_at: Option<Timestamp>,
    issued_at: Timestamp,
    scopes: &'a [String],
    extra: BTreeMap<&'a str, &'a str>,
}

/// Tokens as they are read out of an envelope.
#[derive(Deserialize)]
struct TokensIn {
    access: Secret,
    refresh: Option<Secret>,
    expires_at: Option<Timestamp>,
    issued_at: Timestamp,
    scopes: Vec<String>,
    extra: BTreeMap<String, Secret>,
}

impl Vault {
    /// Seals the tokens of a connection with a new data key.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    pub async fn seal_tokens(&self, context: &EncryptionContext, tokens: &TokenSet) -> Result<Sealed, VaultError> {
        self.seal(context, &tokens_out(tokens)?).await
    }

    /// Seals renewed tokens with the data key of the old ones.
    ///
    /// # Errors
    /// [`VaultError`]; `old` has to open.
    pub async fn reseal_tokens(
        &self,
        context: &EncryptionContext,
        old: &Sealed,
        tokens: &TokenSet,
    ) -> Result<Sealed, VaultError> {
        self.reseal(context, old, &tokens_out(tokens)?).await
    }

    /// Opens the tokens of a connection.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open_tokens(&self, context: &EncryptionContext, sealed: &Sealed) -> Result<TokenSet, VaultError> {
        let tokens: TokensIn = read(&self.open(context, sealed).await?)?;
        let TokensIn { access, refresh, expires_at, issued_at, scopes, extra } = tokens;
        Ok(TokenSet { access, refresh, expires_at, issued_at, scopes, extra })
    }

    /// Seals named secrets with a new data key.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    pub async fn seal_map(
        &self,
        context: &EncryptionContext,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Sealed, VaultError> {
        self.seal(context, &write(&exposed(secrets))?).await
    }

    /// Seals named secrets with the data key of another envelope of the same owner.
    ///
    /// # Errors
    /// [`VaultError`]; `near` has to open.
    pub async fn reseal_map(
        &self,
        context: &EncryptionContext,
        near: &Sealed,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Sealed, VaultError> {
        self.reseal(context, near, &write(&exposed(secrets))?).await
    }

    /// Opens named secrets.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open_map(
        &self,
        context: &EncryptionContext,
        sealed: &Sealed,
    ) -> Result<BTreeMap<String, Secret>, VaultError> {
        read(&self.open(context, sealed).await?)
    }
}

fn tokens_out(tokens: &TokenSet) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    write(&TokensOut {
        access: tokens.access.expose(),
        refresh: tokens.refresh.as_ref().map(Secret::expose),
        expires_at: tokens.expires_at,
        issued_at: tokens.issued_at,
        scopes: &tokens.scopes,
        extra: exposed(&tokens.extra),
    })
}

fn exposed(secrets: &BTreeMap<String, Secret>) -> BTreeMap<&str, &str> {
    secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect()
}

fn write(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Texts, times and maps of texts always have a JSON form.
    serde_json::to_vec(value).map(Zeroizing::new).map_err(|_| VaultError::Corrupt("cannot be written as JSON"))
}

fn read<T: DeserializeOwned>(plain: &Plain) -> Result<T, VaultError> {
    // The parser's message could quote the secret, so it is dropped.
    serde_json::from_slice(plain.expose()).map_err(|_| VaultError::Corrupt("another kind of secret"))
}
