//! The envelope: AES-256-GCM under a data key, bound to its owner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cache::KeyName;
use super::{EncryptionContext, PlainKey, VaultError};

/// The form of envelopes that this version writes, and the only one it reads.
const VERSION: u32 = 1;

/// A sealed secret, as it stands in a row.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The form of the envelope.
    pub v: u32,
    /// Which key wrapped the data key; for finding rows that a rotation has not reached.
    pub key_version: String,
    /// The data key, as only the key service can read it.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub wrapped_key: Vec<u8>,
    /// 96 random bits, new for every sealing.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub nonce: Vec<u8>,
    /// The encrypted secret with its tag.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub data: Vec<u8>,
}

impl Sealed {
    pub(super) fn check_form(&self) -> Result<(), VaultError> {
        if self.v == VERSION { Ok(()) } else { Err(VaultError::Corrupt("unknown envelope version")) }
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("v", &self.v).field("key_version", &self.key_version).finish_non_exhaustive()
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

/// Encrypts `plaintext` under a data key, with a new nonce.
pub(super) fn seal(
    context: &EncryptionContext,
    key_version: &str,
    wrapped_key: Vec<u8>,
    key: &PlainKey,
    plaintext: &[u8],
) -> Result<Sealed, VaultError> {
    // A data key belongs to one owner and is used for a handful of writes a day, so random nonces cannot repeat.
    let (nonce, data) = encrypt(key, &associated_data(context), plaintext)?;
    Ok(Sealed { v: VERSION, key_version: key_version.to_owned(), wrapped_key, nonce: nonce.to_vec(), data })
}

/// Decrypts an envelope with its data key.
pub(super) fn open(context: &EncryptionContext, sealed: &Sealed, key: &PlainKey) -> Result<Vec<u8>, VaultError> {
    sealed.check_form()?;
    let nonce = sealed.nonce.as_slice().try_into().map_err(|_| VaultError::Corrupt("malformed nonce"))?;
    decrypt(key, &associated_data(context), nonce, &sealed.data)
        .ok_or(VaultError::Corrupt("changed, or sealed for another owner"))
}

/// The name under which a data key is remembered.
pub(super) fn key_name(context: &EncryptionContext, wrapped: &[u8]) -> KeyName {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&associated_data(context));
    hash.update(wrapped);
    let mut name = [0; 32];
    name.copy_from_slice(hash.finish().as_ref());
    name
}

/// The version and the context, each part preceded by its length: no two contexts have the same encoding.
pub(super) fn associated_data(context: &EncryptionContext) -> Vec<u8> {
    let mut bytes = b"herald-envelope".to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    for (name, value) in context.pairs() {
        for part in [name, value] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    bytes
}

/// AES-256-GCM with a random nonce; the tag is at the end of the data.
pub(super) fn encrypt(key: &PlainKey, aad: &[u8], plaintext: &[u8]) -> Result<([u8; NONCE_LEN], Vec<u8>), VaultError> {
    let mut nonce = [0; NONCE_LEN];
    fill_random(&mut nonce)?;
    // The room for the tag is taken at once: growing would leave a copy of the plaintext behind.
    let mut data = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
    data.extend_from_slice(plaintext);
    cipher(key)
        .and_then(|cipher| {
            cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut data).ok()
        })
        .ok_or_else(|| VaultError::Unavailable("the cipher refused".to_owned()))?;
    Ok((nonce, data))
}

/// The plaintext, if key, associated data, nonce and every bit of the data are those of the sealing.
pub(super) fn decrypt(key: &PlainKey, aad: &[u8], nonce: [u8; NONCE_LEN], data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = data.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher(key)?.open_in_place(nonce, Aad::from(aad), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// Fills `bytes` from the system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new().fill(bytes).map_err(|_| VaultError::Unavailable("no random numbers".to_owned()))
}

fn cipher(key: &PlainKey) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.expose()).ok().map(LessSafeKey::new)
}
