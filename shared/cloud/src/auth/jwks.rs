//! An issuer's signing keys: which of them may verify what.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::proven::Proofs;

/// The largest set that is read, in bytes; it has to fit into a row.
pub(super) const MOST_BYTES: usize = 150_000;

const LEAST_RSA_BITS: usize = 2048;
const MOST_RSA_BITS: usize = 8192;

/// The keys of a set that may verify tokens. Every other key of the set is left out: another type, another use, a
/// curve or a size that is not accepted.
pub(super) struct KeySet {
    keys: Vec<IssuerKey>,
    /// What these keys have verified.
    pub(super) proofs: Proofs,
}

struct IssuerKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    // One by one, so that a key of a kind nobody knows yet does not take the others with it.
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK set. A set without a usable key is refused: it would lock everybody out.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("the key set is too large");
        }
        let document: Document = serde_json::from_str(text).map_err(|_| "not a JWK set")?;
        let keys: Vec<IssuerKey> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err("no key of the set can verify RS256, ES256 or EdDSA");
        }
        Ok(Self { keys, proofs: Proofs::default() })
    }

    /// The key with exactly this id that fits the algorithm; without an id, the only key that fits.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut fit = self.keys.iter().filter(|key| key.algorithm == algorithm);
        let found = match id {
            Some(id) => fit.find(|key| key.id.as_deref() == Some(id)),
            None => fit.next().filter(|_| fit.next().is_none()),
        };
        found.map(|found| found.key.clone())
    }
}

/// A key's type alone decides its algorithm, so no token can choose another for it.
fn usable(value: Value) -> Option<IssuerKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let common = jwk.common;
    let for_signatures = common.public_key_use.is_none_or(|purpose| purpose == PublicKeyUse::Signature)
        && common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let (algorithm, key) = match jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            // Some issuers write the sign byte of the DER form; as a number it says nothing.
            let (n, e) = (without_zeros(bytes(&rsa.n)?), without_zeros(bytes(&rsa.e)?));
            let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
            if !(LEAST_RSA_BITS..=MOST_RSA_BITS).contains(&bits) {
                return None;
            }
            (Algorithm::RS256, DecodingKey::from_rsa_raw_components(&n, &e))
        }
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            let (x, y) = (bytes(&point.x)?, bytes(&point.y)?);
            if (x.len(), y.len()) != (32, 32) {
                return None;
            }
            (Algorithm::ES256, DecodingKey::from_ec_der(&[&[4], x.as_slice(), y.as_slice()].concat()))
        }
        AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
            let x = bytes(&point.x).filter(|x| x.len() == 32)?;
            (Algorithm::EdDSA, DecodingKey::from_ed_der(&x))
        }
        _ => return None,
    };
    let for_algorithm = common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
    (for_signatures && for_algorithm).then_some(IssuerKey { id: common.key_id, algorithm, key })
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
