//! P-256 keys and what they sign: DPoP proofs (RFC 9449) and client assertions (RFC 7523), as compact JWS (ES256).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Failure, Kind, Secret};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use url::Url;

use crate::wire::{base64url, random_text};

/// A key pair. Its secret form is PKCS#8 in base64.
pub(super) struct Key {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Key {
    /// A new key, with its secret form.
    pub(super) fn generate() -> Result<(Self, Secret), Failure> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| Failure::new(Kind::ProviderDown, "no randomness on this machine"))?;
        let secret = Secret::new(STANDARD.encode(document.as_ref()));
        Ok((Self::read(&secret)?, secret))
    }

    /// Reads the secret form; the armour lines of a PEM file may stand around it.
    pub(super) fn read(secret: &Secret) -> Result<Self, Failure> {
        // The caller knows whether it is the app's key or a connection's; both have to be made anew.
        let unusable = || Failure::new(Kind::AppRejected, "a stored P-256 key is unreadable");
        let armour = |line: &&str| !line.trim_start().starts_with("-----");
        let body: String = secret
            .expose()
            .lines()
            .filter(armour)
            .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
            .collect();
        let document = STANDARD.decode(body).map_err(|_| unusable())?;
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random).map_err(|_| unusable())?;
        Ok(Self { pair, random })
    }

    /// The public half.
    pub(super) fn jwk(&self) -> Value {
        let (x, y) = self.coordinates();
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    /// The name of the key, the same wherever it is computed (RFC 7638).
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        // The members in this order and without a blank are what the RFC hashes.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        base64url(digest(&SHA256, canonical.as_bytes()).as_ref())
    }

    /// Affine coordinates; the key comes as `04 || x || y`.
    fn coordinates(&self) -> (String, String) {
        let point = self.pair.public_key().as_ref();
        let part = |from: usize| base64url(point.get(from..from + 32).unwrap_or_default());
        (part(1), part(33))
    }

    /// `claims` under `header`, signed.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> Result<Secret, Failure> {
        let input =
            format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
        let signature = self
            .pair
            .sign(&self.random, input.as_bytes())
            .map_err(|_| Failure::new(Kind::ProviderDown, "no randomness on this machine"))?;
        Ok(Secret::new(format!("{input}.{}", base64url(signature.as_ref()))))
    }

    /// A proof that whoever sends `method url` holds this key; with `token`, that it was issued to it.
    pub(super) fn proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        token: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Secret, Failure> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims =
            json!({ "jti": random_text()?.expose(), "htm": method, "htu": target.as_str(), "iat": now.as_second() });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(token) = token {
            claims["ath"] = json!(base64url(digest(&SHA256, token.expose().as_bytes()).as_ref()));
        }
        self.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }), &claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    fn parts(jwt: &Secret) -> (Value, Value) {
        let part = |n: usize| {
            let text = jwt.expose().split('.').nth(n).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        (part(0), part(1))
    }

    #[test]
    fn a_proof_verifies_with_the_key_it_carries() {
        let (key, _) = Key::generate().unwrap();
        let url = Url::parse("https://pds.example/xrpc/a.b.c?actor=x#y").unwrap();
        let proof = key.proof("GET", &url, Some("n1"), Some(&Secret::new("token")), Timestamp::UNIX_EPOCH).unwrap();
        let (header, claims) = parts(&proof);
        let decode = |value: &Value| URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
        let point = [vec![4], decode(&header["jwk"]["x"]), decode(&header["jwk"]["y"])].concat();
        let (input, signature) = proof.expose().rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(claims["htu"], "https://pds.example/xrpc/a.b.c");
        assert_eq!((&claims["htm"], &claims["nonce"], &claims["iat"]), (&json!("GET"), &json!("n1"), &json!(0)));
        // SHA-256 of "token", computed with another tool.
        assert_eq!(claims["ath"], "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A");
    }

    #[test]
    fn a_proof_is_never_the_same_twice() {
        let (key, _) = Key::generate().unwrap();
        let url = Url::parse("https://pds.example/").unwrap();
        let jti = || parts(&key.proof("GET", &url, None, None, Timestamp::UNIX_EPOCH).unwrap()).1["jti"].clone();
        assert_ne!(jti(), jti());
    }

    #[test]
    fn a_key_reads_back_with_and_without_armour() {
        let (key, secret) = Key::generate().unwrap();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", secret.expose());
        for text in [secret, Secret::new(pem)] {
            assert_eq!(Key::read(&text).unwrap().thumbprint(), key.thumbprint());
        }
        assert_eq!(Key::read(&Secret::new("nonsense")).err().unwrap().kind, Kind::AppRejected);
    }

    #[test]
    fn the_private_half_is_not_in_the_public_one() {
        let (key, _) = Key::generate().unwrap();
        assert_eq!(key.jwk().as_object().unwrap().keys().collect::<Vec<_>>(), ["crv", "kty", "x", "y"]);
    }
}
