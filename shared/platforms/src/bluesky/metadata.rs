//! How Herald presents itself to an authorization server: the metadata document that its client id is the address of,
//! the development form that needs no document, and the proof that a confidential client sends.

use domain::{Failure, Secret};
use serde_json::{Value, json};
use url::Url;

use super::dpop::Key;
use super::facts::FACTS;
use crate::kit::Context;
use crate::wire::random_text;

/// How long an assertion is good for, in seconds; it is sent at once.
const ASSERTION_LIFE: i64 = 60;

/// The metadata document to serve at `client_id`. With `app_secret` (P-256, PKCS#8 in base64) it describes a
/// confidential client, whose sessions live longer, and holds the public half of the key.
///
/// # Errors
/// [`domain::Kind::AppRejected`] when `app_secret` is no such key.
pub fn client_metadata(client_id: &Url, redirect_uri: &Url, app_secret: Option<&Secret>) -> Result<Value, Failure> {
    let mut document = json!({
        "client_id": client_id.as_str(),
        "client_name": "Herald",
        "client_uri": client_id.origin().ascii_serialization(),
        "application_type": "web",
        "redirect_uris": [redirect_uri.as_str()],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": FACTS.scope_list(),
        "dpop_bound_access_tokens": true,
        "token_endpoint_auth_method": "none",
    });
    if let Some(secret) = app_secret {
        let key = Key::read(secret)?;
        let mut jwk = key.jwk();
        jwk["kid"] = json!(key.thumbprint());
        jwk["alg"] = json!("ES256");
        jwk["use"] = json!("sig");
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["token_endpoint_auth_signing_alg"] = json!("ES256");
        document["jwks"] = json!({ "keys": [jwk] });
    }
    Ok(document)
}

/// The client id of a development client: no document is fetched for it, and no key proves it. Its redirect URI must be
/// on `127.0.0.1` or `[::1]`.
#[must_use]
pub fn loopback_client_id(redirect_uri: &Url) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("scope", &FACTS.scope_list())
        .finish();
    // A literal plus is written %2B, so every plus is a blank; not every server reads it as one.
    format!("http://localhost?{}", query.replace('+', "%20"))
}

/// What names the client in a form to the authorization server `issuer`: its id, and its proof if it is confidential.
pub(super) fn client_fields(cx: &Context<'_>, issuer: &str) -> Result<Vec<(&'static str, Secret)>, Failure> {
    let client_id = &cx.app.client_id;
    let mut fields = vec![("client_id", Secret::new(client_id.as_str()))];
    if let Some(secret) = &cx.app.client_secret {
        let key = Key::read(secret)?;
        let now = cx.clock.now().as_second();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": issuer,
            "jti": random_text()?.expose(), "iat": now, "exp": now + ASSERTION_LIFE,
        });
        let assertion = key.sign(&json!({ "typ": "JWT", "alg": "ES256", "kid": key.thumbprint() }), &claims)?;
        fields.push(("client_assertion_type", Secret::new("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")));
        fields.push(("client_assertion", assertion));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_development_id_is_the_documented_one() {
        assert_eq!(
            loopback_client_id(&url("http://127.0.0.1:9999/cb")),
            "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2Fcb&scope=atproto%20transition%3Ageneric"
        );
    }

    #[test]
    fn a_public_client_has_no_key() {
        let document =
            client_metadata(&url("https://herald.example/client.json"), &url("https://herald.example/cb"), None)
                .unwrap();
        assert_eq!(document["client_id"], "https://herald.example/client.json");
        assert_eq!(document["client_uri"], "https://herald.example");
        assert_eq!(document["redirect_uris"], json!(["https://herald.example/cb"]));
        assert_eq!(document["scope"], "atproto transition:generic");
        assert_eq!(document["token_endpoint_auth_method"], "none");
        assert!(document.get("jwks").is_none());
    }

    #[test]
    fn a_confidential_client_shows_the_public_half_only() {
        let (key, secret) = Key::generate().unwrap();
        let document = client_metadata(
            &url("https://herald.example/client.json"),
            &url("https://herald.example/cb"),
            Some(&secret),
        )
        .unwrap();
        let jwk = &document["jwks"]["keys"][0];
        assert_eq!(jwk["kid"], key.thumbprint());
        assert_eq!(document["token_endpoint_auth_signing_alg"], "ES256");
        assert!(jwk.get("d").is_none());
        assert!(!document.to_string().contains(secret.expose()));
    }
}
