//! Data keys by a key ring in a file: the vault of one machine, behind the same interface as KMS.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::NONCE_LEN;
use secrecy::zeroize::{Zeroize, Zeroizing};
use serde::{Deserialize, Serialize};

use super::{DataKey, EncryptionContext, KeyService, PlainKey, VaultError, envelope};

/// The form of the file and of the wrapped keys.
const FORM: u8 = 1;
const RING_ID_BYTES: usize = 8;
const HEADER_BYTES: usize = 1 + RING_ID_BYTES + 4;

/// A key ring that cannot be used. It is never made anew in place of one that is there: that would lose every secret
/// sealed with it.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file or its folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} is not a key ring: {why}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for a new key")]
    Random,
}

/// AES-256-GCM keys in a file that only its owner reads. The newest wraps; every older one still unwraps.
pub struct LocalKeys {
    ring_id: [u8; RING_ID_BYTES],
    keys: BTreeMap<u32, PlainKey>,
    newest: u32,
    key_version: String,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    v: u8,
    id: String,
    keys: BTreeMap<u32, String>,
}

impl Drop for RingFile {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(Zeroize::zeroize);
    }
}

impl LocalKeys {
    /// Reads the key ring at `path`, or makes one with a first key where there is none.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn open_or_create(path: &Path) -> Result<Self, KeyRingError> {
        let _lock = lock(path)?;
        if let Some(file) = read(path)? {
            return Self::from_file(&file, path);
        }
        let mut id = [0; RING_ID_BYTES];
        envelope::fill_random(&mut id).map_err(|_| KeyRingError::Random)?;
        let file = RingFile { v: FORM, id: STANDARD.encode(id), keys: BTreeMap::from([(1, new_key()?)]) };
        write(path, &file)?;
        Self::from_file(&file, path)
    }

    /// Adds a key to the ring at `path` and answers the ring with it. A process that is running goes on wrapping with
    /// the key it knows until it is started again.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn rotate(path: &Path) -> Result<Self, KeyRingError> {
        let _lock = lock(path)?;
        let missing = || KeyRingError::File { path: path.to_owned(), source: ErrorKind::NotFound.into() };
        let mut file = read(path)?.ok_or_else(missing)?;
        let newest = Self::from_file(&file, path)?.newest;
        file.keys.insert(newest.saturating_add(1), new_key()?);
        write(path, &file)?;
        Self::from_file(&file, path)
    }

    fn from_file(file: &RingFile, path: &Path) -> Result<Self, KeyRingError> {
        let malformed = |why| KeyRingError::Malformed { path: path.to_owned(), why };
        if file.v != FORM {
            return Err(malformed("written by another version"));
        }
        let ring_id = STANDARD.decode(&file.id).ok().and_then(|id| id.try_into().ok());
        let ring_id = ring_id.ok_or_else(|| malformed("its id is damaged"))?;
        let mut keys = BTreeMap::new();
        for (version, text) in &file.keys {
            let bytes = STANDARD.decode(text).map(Zeroizing::new);
            let key = bytes.ok().and_then(|bytes| PlainKey::from_slice(&bytes));
            keys.insert(*version, key.ok_or_else(|| malformed("a key is damaged"))?);
        }
        let newest = *keys.keys().next_back().ok_or_else(|| malformed("it holds no key"))?;
        Ok(Self { ring_id, keys, newest, key_version: format!("local:{}:{newest}", file.id) })
    }

    fn associated_data(header: &[u8], context: &EncryptionContext) -> Vec<u8> {
        [b"herald-data-key".as_slice(), header, &envelope::associated_data(context)].concat()
    }
}

#[async_trait]
impl KeyService for LocalKeys {
    async fn generate(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        let mut bytes = Zeroizing::new([0; PlainKey::BYTES]);
        envelope::fill_random(bytes.as_mut_slice())?;
        let plain = PlainKey::new(*bytes);
        let mut wrapped = vec![FORM];
        wrapped.extend_from_slice(&self.ring_id);
        wrapped.extend_from_slice(&self.newest.to_be_bytes());
        let key =
            self.keys.get(&self.newest).ok_or_else(|| VaultError::Unavailable("the key ring is empty".to_owned()))?;
        let (nonce, data) = envelope::encrypt(key, &Self::associated_data(&wrapped, context), plain.expose())?;
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&data);
        Ok(DataKey { plain, wrapped })
    }

    async fn unwrap(&self, context: &EncryptionContext, wrapped: &[u8]) -> Result<PlainKey, VaultError> {
        let parts = || {
            let (header, rest) = wrapped.split_at_checked(HEADER_BYTES)?;
            let (form, rest_of_header) = header.split_first()?;
            let (ring_id, version) = rest_of_header.split_at_checked(RING_ID_BYTES)?;
            let (nonce, data) = rest.split_first_chunk::<NONCE_LEN>()?;
            let version = u32::from_be_bytes(version.try_into().ok()?);
            (*form == FORM).then_some((header, ring_id, version, *nonce, data))
        };
        let (header, ring_id, version, nonce, data) =
            parts().ok_or(VaultError::Corrupt("the data key was not wrapped by a key ring"))?;
        if ring_id != self.ring_id {
            return Err(VaultError::Corrupt("the data key was wrapped by another key ring"));
        }
        if version > self.newest {
            // Another process rotated the ring; this one can read it after its next start.
            return Err(VaultError::Unavailable("the key ring was rotated since this process started".to_owned()));
        }
        let key = self.keys.get(&version).ok_or(VaultError::Corrupt("the key was taken out of the key ring"))?;
        envelope::decrypt(key, &Self::associated_data(header, context), nonce, data)
            .map(Zeroizing::new)
            .and_then(|bytes| PlainKey::from_slice(&bytes))
            .ok_or(VaultError::Corrupt("the data key was changed, or wrapped for another owner"))
    }

    fn key_version(&self) -> &str {
        &self.key_version
    }
}

impl std::fmt::Debug for LocalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKeys").field("key_version", &self.key_version).finish_non_exhaustive()
    }
}

fn new_key() -> Result<String, KeyRingError> {
    let mut bytes = Zeroizing::new([0; PlainKey::BYTES]);
    envelope::fill_random(bytes.as_mut_slice()).map_err(|_| KeyRingError::Random)?;
    Ok(STANDARD.encode(bytes.as_slice()))
}

/// Two processes that start together must not each make a ring: the one that wrote first would lose its keys.
fn lock(path: &Path) -> Result<Option<File>, KeyRingError> {
    let at = path.with_added_extension("lock");
    let failed = |source| KeyRingError::File { path: at.clone(), source };
    if let Some(folder) = folder_of(path) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&at).map_err(failed)?;
    match file.lock() {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn read(path: &Path) -> Result<Option<RingFile>, KeyRingError> {
    let failed = |source| KeyRingError::File { path: path.to_owned(), source };
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let permissions = fs::metadata(path).map_err(failed)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the key ring was readable by others; it is closed to them now");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    // The parser's message could quote a key, so it is dropped.
    let malformed = |_| KeyRingError::Malformed { path: path.to_owned(), why: "it cannot be read" };
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}

/// Complete or not at all, even if the power fails: a file beside it is written, flushed and renamed.
fn write(path: &Path, file: &RingFile) -> Result<(), KeyRingError> {
    let beside = path.with_added_extension("new");
    let failed = |source| KeyRingError::File { path: path.to_owned(), source };
    let bytes = serde_json::to_vec(file).map(Zeroizing::new).map_err(|error| failed(error.into()))?;
    // What an earlier, interrupted writing left behind never became the ring.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
    out.write_all(&bytes).and_then(|()| out.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    // The rename itself is only durable once the folder is.
    File::open(folder_of(path).unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}
