//! An issuer of our own: for the local stack, which hands out its own tokens, and for tests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use serde_json::json;

use super::crypto;

/// A key that cannot be made, read or used for signing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing key {0}")]
pub struct SignerError(&'static str);

/// Signs tokens with ES256.
pub struct Signer {
    key: EncodingKey,
    key_id: String,
    jwks: String,
}

impl Signer {
    /// A new private key, as PKCS #8, for keeping in a file that only its owner reads.
    ///
    /// # Errors
    /// [`SignerError`] when the system gives no random numbers.
    pub fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, SignerError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Ok(Zeroizing::new(document.map_err(|_| SignerError("cannot be made"))?.as_ref().to_vec()))
    }

    /// A signer with a private key. The key's id is derived from it, so a new key never answers to an old one's id.
    ///
    /// # Errors
    /// [`SignerError`] when it is no P-256 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignerError> {
        crypto::install();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
            .map_err(|_| SignerError("cannot be read"))?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // An uncompressed point: the byte 4, x, y.
        let point = pair.public_key().as_ref();
        let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(SignerError("has no public half"))?;
        let key_id = encode(digest::digest(&digest::SHA256, point).as_ref());
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key_id, "x": encode(x), "y": encode(y),
        });
        Ok(Self { key: EncodingKey::from_ec_der(pkcs8), key_id, jwks: json!({ "keys": [jwk] }).to_string() })
    }

    /// The public half as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A token with `claims`, which must be a JSON object.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignerError> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_| SignerError("cannot sign"))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
