//! API keys: for programs that have no issuer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Caller, Role, Secret, SubjectId, TalentId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use super::error::AuthError;
use crate::table::{Item, StoreError, Table, field, keys, n, s};

/// What every API key begins with; secret scanners can look for it.
pub const PREFIX: &str = "hk_";

/// A key holds 256 random bits.
const KEY_BYTES: usize = 32;

/// What a new API key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// The workspace that it opens.
    pub workspace: WorkspaceId,
    /// What its bearer may do.
    pub role: Role,
    /// The talent that its bearer is; demanded where the role is [`Role::Talent`].
    pub talent: Option<TalentId>,
    /// What people call it.
    pub name: String,
    /// When it dies; `None`: when it is revoked.
    pub expires_at: Option<Timestamp>,
    /// Who makes it.
    pub created_by: SubjectId,
}

/// The row of an API key. The key itself is nowhere: the row stands under its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// `key_…`: names the key in lists and in the audit log, and opens nothing.
    pub id: SubjectId,
    /// The workspace that it opens.
    pub workspace: WorkspaceId,
    /// What its bearer may do.
    pub role: Role,
    /// The talent that its bearer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talent: Option<TalentId>,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies; `None`: when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: SubjectId,
    /// When it was last used, to the hour; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// How exactly the last use of a key is known: a write an hour and key, and not one a request.
const USED_TO: SignedDuration = SignedDuration::from_hours(1);

impl NewApiKey {
    /// The key, to be shown once, and its row.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] when the system gives no random numbers.
    pub fn issue(self, now: Timestamp) -> Result<(Secret, ApiKeyRow), AuthError> {
        let id = URL_SAFE_NO_PAD.encode(random::<12>()?.as_slice());
        let Self { workspace, role, talent, name, expires_at, created_by } = self;
        let id = SubjectId::parse(format!("key_{id}")).map_err(|error| AuthError::Malformed(error.to_string()))?;
        Ok((
            generate()?,
            ApiKeyRow {
                id,
                workspace,
                role,
                talent,
                name,
                created_at: now,
                expires_at,
                created_by,
                last_used_at: None,
            },
        ))
    }
}

impl ApiKeyRow {
    /// The row as it is written, under the hash of its key.
    ///
    /// # Errors
    /// [`StoreError::Malformed`].
    pub fn item(&self, hash: &str) -> Result<Item, StoreError> {
        let mut item: Item = serde_dynamo::to_item(self)?;
        item.insert("pk".to_owned(), s(keys::api_key_pk(hash)));
        item.insert("sk".to_owned(), s(keys::ONLY_SK));
        item.insert("v".to_owned(), n(keys::SCHEMA_VERSION));
        if let Some(at) = self.expires_at {
            item.insert("ttl".to_owned(), n(at.as_second()));
        }
        Ok(item)
    }
}

/// A new key.
///
/// # Errors
/// [`AuthError::Unavailable`] when the system gives no random numbers.
pub fn generate() -> Result<Secret, AuthError> {
    let key = URL_SAFE_NO_PAD.encode(random::<KEY_BYTES>()?.as_slice());
    Ok(Secret::new(format!("{PREFIX}{key}")))
}

/// The hash under which a key's row stands.
///
/// A plain SHA-256 is enough, since a key is 256 random bits and no password that could be guessed. Nothing compares a
/// secret byte by byte either: the table finds the row by the hash, and what the time of that finding might tell is
/// about the hash of the caller's own guess, from which no key can be made.
#[must_use]
pub fn hash(key: &str) -> String {
    crate::table::idempotency::hex(digest::digest(&digest::SHA256, key.as_bytes()).as_ref())
}

/// The hash of what has the form of a key; anything else costs no read.
pub(super) fn hash_of_well_formed(credential: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(credential.strip_prefix(PREFIX)?).ok().map(Zeroizing::new)?;
    (bytes.len() == KEY_BYTES).then(|| hash(credential))
}

/// The bearer of the key with this hash. The row is read every time, so a revoked key is dead at once.
pub(super) async fn verify(hash: &str, table: &Table, now: Timestamp) -> Result<Caller, AuthError> {
    let item = table.get(&keys::api_key_pk(hash), keys::ONLY_SK).await?;
    let item = item.ok_or(AuthError::invalid("unknown API key"))?;
    if field::<u32>(&item, "v")? != keys::SCHEMA_VERSION {
        return Err(AuthError::Malformed("an API key of another version".to_owned()));
    }
    let row: ApiKeyRow = serde_dynamo::from_item(item).map_err(StoreError::from)?;
    // The table removes dead rows late, so the instant counts and not the row's being there.
    if row.expires_at.is_some_and(|at| at <= now) {
        return Err(AuthError::invalid("expired API key"));
    }
    if row.role == Role::Talent && row.talent.is_none() {
        return Err(AuthError::Forbidden("the API key names no talent"));
    }
    if row.last_used_at.is_none_or(|at| at.duration_until(now) >= USED_TO) {
        touch(table, hash, now).await;
    }
    Ok(Caller { workspace: row.workspace, subject: row.id, role: row.role, talent: row.talent })
}

/// Notes that the key was used. A note that cannot be written refuses nobody.
async fn touch(table: &Table, hash: &str, now: Timestamp) {
    let noted = table
        .client
        .update_item()
        .table_name(&table.name)
        .key("pk", s(keys::api_key_pk(hash)))
        .key("sk", s(keys::ONLY_SK))
        .update_expression("SET last_used_at = :now")
        // One that was revoked meanwhile does not come back.
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":now", s(now.to_string()))
        .send()
        .await;
    if let Err(error) = noted {
        tracing::warn!(error = %StoreError::from(error), "the use of an API key was not noted");
    }
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, AuthError> {
    let mut bytes = Zeroizing::new([0; N]);
    let filled = SystemRandom::new().fill(bytes.as_mut_slice());
    filled.map(|()| bytes).map_err(|_| AuthError::Unavailable("no random numbers".to_owned()))
}
