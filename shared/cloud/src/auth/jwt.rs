//! OpenID Connect tokens: whose they are, and what they say.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Caller, Role, SubjectId, TalentId, WorkspaceId};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::AuthConfig;
use super::error::AuthError;
use super::keys::IssuerKeys;
use super::proven::{Fingerprint, Proof};

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY_S: f64 = 30.0;

/// What of the header counts. `jwk`, `jku`, `x5u` and their like are not read: a token does not bring its own key.
#[derive(Deserialize)]
struct Head {
    alg: Algorithm,
    #[serde(default, deserialize_with = "some_text")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Verifies a token and reads its bearer from it. A token that the keys in memory have verified is not verified again;
/// whether it is still, or already, valid is asked each time.
pub(super) async fn verify(
    token: &str,
    keys: &IssuerKeys,
    config: &AuthConfig,
    now: Timestamp,
) -> Result<Caller, AuthError> {
    let fingerprint = Fingerprint::of(token);
    if let Some(known) = keys.remembered().and_then(|set| set.proofs.caller(&fingerprint, now)) {
        return known;
    }
    let head = read_head(token)?;
    // A critical extension is one that must be understood, and Herald understands none.
    if head.crit {
        return Err(AuthError::invalid("the header has critical extensions"));
    }
    if !matches!(head.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
        return Err(AuthError::invalid("the algorithm is not accepted"));
    }
    let (set, key) = keys.find(head.kid.as_deref(), head.alg).await?;
    let token = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &signature_only(head.alg))
        .map_err(|_| AuthError::invalid("the signature does not verify"))?;
    let lifetime = check(&token.claims, config, now)?;
    let caller = bearer(&token.claims, config)?;
    set.proofs.keep(fingerprint, Proof { caller: caller.clone(), lifetime }, now);
    Ok(caller)
}

fn read_head(token: &str) -> Result<Head, AuthError> {
    let mut parts = token.split('.');
    let (Some(head), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(AuthError::invalid("not a token of three parts"));
    };
    let bytes = URL_SAFE_NO_PAD.decode(head).map_err(|_| AuthError::invalid("the header is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| AuthError::invalid("the header cannot be read"))
}

/// The crate takes the time from the system and lets a claim of the wrong type pass as absent, so it checks the
/// signature alone; [`check`] does the rest.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Issuer, audience and time.
fn check(claims: &Map<String, Value>, config: &AuthConfig, now: Timestamp) -> Result<Lifetime, AuthError> {
    if claims.get("iss").and_then(Value::as_str) != Some(&config.issuer) {
        return Err(AuthError::invalid("another issuer"));
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == config.audience,
        Some(Value::Array(audiences)) => {
            audiences.iter().all(Value::is_string) && audiences.iter().any(|audience| *audience == config.audience)
        }
        _ => false,
    };
    if !for_us {
        return Err(AuthError::invalid("another audience"));
    }
    let lifetime = Lifetime::read(claims)?;
    lifetime.check(now)?;
    Ok(lifetime)
}

/// When a token is valid, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Lifetime {
    begins: Option<f64>,
    expires: f64,
}

impl Lifetime {
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, AuthError> {
        let expires = claims.get("exp").and_then(Value::as_f64).ok_or(AuthError::invalid("no readable expiry"))?;
        let begins = match claims.get("nbf") {
            None => None,
            Some(begins) => Some(begins.as_f64().ok_or(AuthError::invalid("no readable begin"))?),
        };
        Ok(Self { begins, expires })
    }

    pub(super) fn check(self, now: Timestamp) -> Result<(), AuthError> {
        let now = now.as_millisecond() as f64 / 1000.0;
        if now >= self.expires + LEEWAY_S {
            return Err(AuthError::invalid("expired"));
        }
        if self.begins.is_some_and(|begins| now + LEEWAY_S < begins) {
            return Err(AuthError::invalid("not valid yet"));
        }
        Ok(())
    }
}

/// Who the token says its bearer is.
fn bearer(claims: &Map<String, Value>, config: &AuthConfig) -> Result<Caller, AuthError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = text("sub").and_then(|sub| SubjectId::parse(sub).ok()).ok_or(AuthError::invalid("no subject"))?;
    let workspace = text(&config.claim_workspace)
        .and_then(|workspace| WorkspaceId::parse(workspace).ok())
        .ok_or(AuthError::Forbidden("the workspace claim is missing or malformed"))?;
    let role = match text(&config.claim_role) {
        Some("admin") => Role::Admin,
        Some("talent") => Role::Talent,
        _ => return Err(AuthError::Forbidden("the role claim is missing or names no role")),
    };
    let talent = text(&config.claim_talent).and_then(|talent| TalentId::parse(talent).ok());
    if role == Role::Talent && talent.is_none() {
        return Err(AuthError::Forbidden("the talent claim is missing or malformed"));
    }
    Ok(Caller { workspace, subject, role, talent })
}

/// A text; even `null` is refused.
fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Whether the field is there at all, whatever it holds.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
