//! The issuer of this machine: hands out tokens to whoever asks, since only this machine can ask.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use cloud::auth::{Signer, SignerError};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The key of this machine's issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The file.
    #[error("the issuer's key file: {0}")]
    File(#[from] std::io::Error),
    /// What is in it.
    #[error(transparent)]
    Key(#[from] SignerError),
}

/// What a token is to say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The workspace; `demo`.
    #[serde(default = "demo")]
    pub workspace: String,
    /// `admin` or `talent`.
    #[serde(default = "admin")]
    pub role: String,
    /// The talent; for the role `talent` `talent_demo`.
    #[serde(default)]
    pub talent: Option<String>,
    /// Seconds; a negative number gives a token that has expired.
    #[serde(default = "hour")]
    pub ttl: i64,
    /// Who; made from role and talent.
    #[serde(default)]
    pub subject: Option<String>,
}

fn demo() -> String {
    "demo".to_owned()
}

fn admin() -> String {
    "admin".to_owned()
}

const fn hour() -> i64 {
    3_600
}

impl Default for Wanted {
    fn default() -> Self {
        Self { workspace: demo(), role: admin(), talent: None, ttl: hour(), subject: None }
    }
}

/// Signs tokens.
pub struct Issuer {
    signer: Signer,
    url: String,
    audience: String,
    claims: [String; 3],
}

impl Issuer {
    /// The issuer at `url`, whose key is in `file`; a first key is made where there is none. `claims` are the names of
    /// the claims for workspace, role and talent.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn open_or_create(
        file: &Path,
        url: String,
        audience: String,
        claims: [String; 3],
    ) -> Result<Self, IssuerError> {
        let pkcs8 = match fs::read(file) {
            Ok(pkcs8) => pkcs8,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let pkcs8 = Signer::generate_pkcs8()?;
                // Beside it first, so that a process killed in between leaves no half a key.
                let beside = file.with_added_extension("new");
                let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
                out.write_all(&pkcs8)?;
                out.sync_all()?;
                fs::rename(&beside, file)?;
                pkcs8.to_vec()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { signer: Signer::from_pkcs8(&pkcs8)?, url, audience, claims })
    }

    /// The discovery document.
    #[must_use]
    pub fn configuration(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks", self.url),
            "authorization_endpoint": format!("{}/authorize", self.url),
            "token_endpoint": format!("{}/token", self.url),
            "end_session_endpoint": format!("{}/logout", self.url),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// Its address, the `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The public key.
    #[must_use]
    pub fn jwks(&self) -> &str {
        self.signer.jwks()
    }

    /// A token that is valid from `now` on.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn token(&self, wanted: &Wanted, now: Timestamp) -> Result<String, SignerError> {
        self.signed(wanted, &self.audience, "", now)
    }

    /// The same for the application that logged somebody in.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn id_token(&self, wanted: &Wanted, client: &str, nonce: &str, now: Timestamp) -> Result<String, SignerError> {
        self.signed(wanted, client, nonce, now)
    }

    fn signed(&self, wanted: &Wanted, audience: &str, nonce: &str, now: Timestamp) -> Result<String, SignerError> {
        let talent = wanted.talent.as_deref().or((wanted.role == "talent").then_some("talent_demo"));
        let subject = match (&wanted.subject, talent) {
            (Some(subject), _) => subject.clone(),
            (None, Some(talent)) => format!("local|{}|{talent}", wanted.role),
            (None, None) => format!("local|{}", wanted.role),
        };
        let [workspace, role, talent_claim] = &self.claims;
        let issued = now.as_second();
        let mut claims = json!({
            "iss": self.url,
            "aud": audience,
            "sub": subject,
            "iat": issued,
            "nbf": issued.min(issued.saturating_add(wanted.ttl)),
            "exp": issued.saturating_add(wanted.ttl),
            workspace.as_str(): wanted.workspace,
            role.as_str(): wanted.role,
        });
        if let (Some(talent), Some(claims)) = (talent, claims.as_object_mut()) {
            claims.insert(talent_claim.clone(), json!(talent));
        }
        if let Some(claims) = claims.as_object_mut().filter(|_| !nonce.is_empty()) {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        self.signer.sign(&claims)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn issuer(folder: &Path) -> Issuer {
        let claims = ["herald_workspace", "herald_role", "herald_talent"].map(str::to_owned);
        Issuer::open_or_create(&folder.join("issuer.key"), "http://i/local".to_owned(), "herald".to_owned(), claims)
            .unwrap()
    }

    #[test]
    fn the_key_is_kept_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let jwks = issuer(folder.path()).jwks().to_owned();
        assert_eq!(issuer(folder.path()).jwks(), jwks);
        let mode = fs::metadata(folder.path().join("issuer.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_token_says_who_its_bearer_is_and_until_when() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted { role: "talent".to_owned(), ttl: 60, ..Wanted::default() };
        let token = issuer(folder.path()).token(&wanted, Timestamp::from_second(1_000).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            (&claims["herald_workspace"], &claims["herald_role"], &claims["herald_talent"]),
            (&json!("demo"), &json!("talent"), &json!("talent_demo"))
        );
        assert_eq!((&claims["iss"], &claims["exp"]), (&json!("http://i/local"), &json!(1_060)));
    }
}
