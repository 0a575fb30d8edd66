//! DPoP proofs (RFC 9449) and the nonces of the two servers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use super::xrpc_error;
use crate::call::{Call, Reply};
use crate::clock::SimClock;
use crate::oauth::sha256_url;
use crate::state::World;

/// How long a nonce is handed out; the one before it is still taken.
const WINDOW_MS: i64 = 120_000;
const IAT_SLACK_S: i64 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Authorization,
    Resource,
}

/// Why a proof proves nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProofFault {
    UseNonce,
    Invalid(String),
}

impl ProofFault {
    /// In the words of the authorization server.
    pub(super) fn at_authorization(&self, world: &World, call: &Call) -> Reply {
        let body = |error: &str, text: &str| Reply::json(400, &json!({"error": error, "error_description": text}));
        match self {
            Self::UseNonce => body("use_dpop_nonce", "Authorization server requires nonce in DPoP proof"),
            Self::Invalid(why) => world.unexpected(call, &format!("DPoP: {why}"), body("invalid_dpop_proof", why)),
        }
    }

    /// In the words of the resource server.
    pub(super) fn at_resource(&self, world: &World, call: &Call) -> Reply {
        let body = |error: &str, text: &str| {
            xrpc_error(401, error, text).with(
                "www-authenticate",
                format!("DPoP algs=\"ES256\", error=\"{error}\", error_description=\"{text}\""),
            )
        };
        match self {
            Self::UseNonce => body("use_dpop_nonce", "Resource server requires nonce in DPoP proof"),
            Self::Invalid(why) => world.unexpected(call, &format!("DPoP: {why}"), body("invalid_dpop_proof", why)),
        }
    }
}

fn nonce_at(world: &World, server: Server, window: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &world.bluesky.nonce_key);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, format!("{server:?} {window}").as_bytes()))
}

/// The nonce that the server hands out now.
pub(super) fn nonce(world: &World, server: Server) -> String {
    nonce_at(world, server, SimClock::real_ms() / WINDOW_MS)
}

fn invalid<T>(why: &str) -> Result<T, ProofFault> {
    Err(ProofFault::Invalid(why.to_owned()))
}

/// The two JSON parts of a JWT, its signing input and its signature.
pub(super) fn jwt_parts(jwt: &str) -> Option<(Value, Value, &str, Vec<u8>)> {
    let (input, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = input.split_once('.')?;
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    Some((json(header)?, json(claims)?, input, URL_SAFE_NO_PAD.decode(signature).ok()?))
}

/// Verifies the signature by the key in the header; answers the key's thumbprint.
fn thumbprint(header: &Value, input: &str, signature: &[u8]) -> Result<String, ProofFault> {
    let jwk = &header["jwk"];
    let text = |name: &str| jwk[name].as_str().unwrap_or("");
    if jwk.get("d").is_some() {
        return invalid("the proof carries a private key");
    }
    if text("kty") != "EC" || text("crv") != "P-256" {
        return invalid("jwk is not a P-256 key");
    }
    let mut point = vec![4_u8];
    for name in ["x", "y"] {
        match URL_SAFE_NO_PAD.decode(text(name)) {
            Ok(bytes) if bytes.len() == 32 => point.extend(bytes),
            _ => return invalid("jwk coordinate"),
        }
    }
    if UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input.as_bytes(), signature).is_err() {
        return invalid("signature");
    }
    // RFC 7638: the members in order, nothing else.
    Ok(sha256_url(format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y")).as_bytes()))
}

/// Whether `iat` is about now, by the machine's clock or by the simulated one.
pub(super) fn fresh(world: &World, iat: i64) -> bool {
    [SimClock::real_ms(), world.now()].iter().any(|now| (now / 1000 - iat).abs() <= IAT_SLACK_S)
}

/// Checks the request's proof; answers the thumbprint of the key that made it.
pub(super) fn prove(world: &World, call: &Call, server: Server, access: Option<&str>) -> Result<String, ProofFault> {
    if call.headers.get_all("dpop").iter().count() > 1 {
        return invalid("more than one proof");
    }
    let Some(proof) = call.header("dpop") else { return invalid("no DPoP proof") };
    let Some((header, claims, input, signature)) = jwt_parts(proof) else { return invalid("malformed proof") };
    if header["typ"] != "dpop+jwt" || header["alg"] != "ES256" {
        return invalid("typ or alg");
    }
    let jkt = thumbprint(&header, input, &signature)?;
    if claims["htm"] != call.method.as_str() {
        return invalid("htm");
    }
    if claims["htu"] != format!("https://{}{}", call.host, call.path) {
        return invalid("htu");
    }
    if !claims["iat"].as_i64().is_some_and(|iat| fresh(world, iat)) {
        return invalid("iat");
    }
    match access {
        Some(token) if claims["ath"] != sha256_url(token.as_bytes()) => return invalid("ath"),
        None if claims.get("ath").is_some() => return invalid("ath without an access token"),
        _ => {}
    }
    match claims["jti"].as_str().filter(|jti| !jti.is_empty()) {
        Some(jti) if world.bluesky.first_use(format!("{jkt} {jti}")) => {}
        Some(_) => return invalid("jti used before"),
        None => return invalid("no jti"),
    }
    let window = SimClock::real_ms() / WINDOW_MS;
    let known = |n: &str| n == nonce_at(world, server, window) || n == nonce_at(world, server, window - 1);
    match claims["nonce"].as_str() {
        Some(n) if known(n) => Ok(jkt),
        _ => Err(ProofFault::UseNonce),
    }
}
