//! Who is let in, and everybody who must not be.

mod api_keys;
mod keys;
mod tokens;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::clock::ManualClock;
use domain::{Caller, Clock};
use outbound::{Crossing, Outbound, Phase, Probe, UpstreamConfig};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use super::*;
use crate::table::Table;
use crate::testing::{Stage, table_seen_by};

/// 2026-03-01T12:00:00Z.
const NOW: i64 = 1_772_366_400;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// One key of each kind.
struct Pairs {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Pairs {
    fn new() -> Self {
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            // A key made for these tests, used nowhere else.
            rsa: RsaKeyPair::from_pkcs8(include_bytes!("rsa.pk8.der")).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap(),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
        }
    }

    fn rsa_jwk(&self, kid: &str) -> Value {
        let (n, e): (Vec<u8>, Vec<u8>) = {
            let public = self.rsa.public();
            let parts: ring::rsa::PublicKeyComponents<Vec<u8>> = public.into();
            (parts.n, parts.e)
        };
        json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(n), "e": b64(e)})
    }

    fn ec_jwk(&self, kid: &str) -> Value {
        let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(x), "y": b64(y)})
    }

    fn ed_jwk(&self, kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "x": b64(self.ed.public_key())})
    }

    fn jwks(&self) -> String {
        json!({"keys": [self.rsa_jwk("rsa"), self.ec_jwk("ec"), self.ed_jwk("ed")]}).to_string()
    }

    fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match alg {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            "ES256" => self.ec.sign(&random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(message).as_ref().to_vec(),
            _ => Vec::new(),
        }
    }

    /// A token with any header and claims, signed as its `alg` says.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), message.as_bytes());
        format!("{message}.{}", b64(signature))
    }

    fn es256(&self, claims: &Value) -> String {
        self.token(&json!({"alg": "ES256", "kid": "ec"}), claims)
    }
}

/// Counts the calls to the table.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Probe for Calls {
    fn crossing(&self, _: Crossing<'_>, phase: Phase) {
        if matches!(phase, Phase::Before) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the issuer on the stage answers.
#[derive(Default)]
struct Issuer {
    discovery: Value,
    jwks: String,
    status: u16,
}

/// A table, an issuer and a clock.
struct House {
    pairs: Pairs,
    table: Table,
    calls: Arc<Calls>,
    stage: Stage,
    issuer: Arc<Mutex<Issuer>>,
    clock: Arc<ManualClock>,
}

impl House {
    /// The issuer is there; its keys are not in the table yet.
    async fn empty() -> Self {
        let pairs = Pairs::new();
        let issuer = Arc::new(Mutex::new(Issuer { jwks: pairs.jwks(), status: 200, ..Issuer::default() }));
        let shown = Arc::clone(&issuer);
        let stage = Stage::new(move |request| {
            let issuer = shown.lock().unwrap();
            match request.path.as_str() {
                "/.well-known/openid-configuration" => (issuer.status, issuer.discovery.to_string()),
                "/keys" => (issuer.status, issuer.jwks.clone()),
                _ => (404, String::new()),
            }
        })
        .await;
        let keys = format!("{}/keys", stage.origin);
        issuer.lock().unwrap().discovery = json!({"issuer": stage.origin, "jwks_uri": keys});
        let calls = Arc::new(Calls::default());
        let table = table_seen_by(Arc::clone(&calls) as Arc<dyn Probe>).await;
        let clock = Arc::new(ManualClock::at(jiff::Timestamp::from_second(NOW).unwrap()));
        Self { pairs, table, calls, stage, issuer, clock }
    }

    /// The issuer's keys are in the table.
    async fn new() -> Self {
        let house = Self::empty().await;
        house.instance().keys().store(&house.pairs.jwks()).await.unwrap();
        house
    }

    /// A process that has just started.
    fn instance(&self) -> Authenticator {
        self.limited("1000:1000")
    }

    fn limited(&self, rate: &str) -> Authenticator {
        let config = AuthConfig {
            issuer: self.stage.origin.clone(),
            audience: "herald".to_owned(),
            claim_workspace: "herald_workspace".to_owned(),
            claim_role: "herald_role".to_owned(),
            claim_talent: "herald_talent".to_owned(),
            jwks_url: None,
            rate_limit: RateLimit::parse(rate).unwrap(),
        };
        let loopback_allow = vec![self.stage.origin.trim_start_matches("http://").to_owned()];
        let outbound = Outbound::new(UpstreamConfig { loopback_allow, ..UpstreamConfig::default() });
        Authenticator::new(config, self.table.clone(), Arc::new(outbound), Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Claims that let an admin in.
    fn admin(&self) -> Value {
        json!({
            "iss": self.stage.origin, "aud": "herald", "sub": "staff-1", "exp": NOW + 3600,
            "herald_workspace": "acme", "herald_role": "admin",
        })
    }

    /// The admin's claims with some of them changed; `null` takes a claim away.
    fn with(&self, changes: &Value) -> Value {
        let mut claims = self.admin();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// How often the issuer was asked for its keys.
    fn fetches(&self) -> usize {
        self.stage.sent().iter().filter(|request| request.path == "/keys").count()
    }

    fn table_calls(&self) -> usize {
        self.calls.0.load(Ordering::Relaxed)
    }
}

async fn ask(instance: &Authenticator, credential: &str) -> Result<Caller, AuthError> {
    instance.authenticate(Some(&format!("Bearer {credential}"))).await
}

fn is_invalid(answer: &Result<Caller, AuthError>) -> bool {
    matches!(answer, Err(AuthError::Unauthenticated { code: Some("invalid_token"), .. }))
}
