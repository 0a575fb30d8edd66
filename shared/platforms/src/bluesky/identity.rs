//! From a handle to the account's identity, its server, and the server that consents for it.

use domain::{Failure, Kind, Platform};
use outbound::{Answer, Call};
use url::Url;

use super::api::{DidDocument, ProtectedResource, ResolvedHandle, ServerMetadata};
use super::client::query;
use super::error;
use super::facts::{APPVIEW, PLC, is_did};
use crate::kit::Context;
use crate::wire::{by_status, url};

/// An account and where it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) did: String,
    /// The origin of its server.
    pub(super) pds: String,
}

/// The identity of a handle, proven in both directions, or of a DID.
pub(super) async fn resolve(cx: &Context<'_>, name: &str) -> Result<Identity, Failure> {
    if is_did(name) {
        return locate(&document(cx, name).await?);
    }
    if name.starts_with("did:") || !domain::handle::is_public_name(name) {
        return Err(Failure::new(Kind::InvalidHandle, "neither a domain name nor an identity"));
    }
    let document = document(cx, &did_of(cx, name).await?).await?;
    // Anyone can point a domain at somebody's identity; only the identity can say that it is its handle.
    if document.handle().as_deref() != Some(name) && !document.also_known_as.iter().any(|known| claims(known, name)) {
        return Err(Failure::new(Kind::NotFound, "the identity does not claim the handle"));
    }
    locate(&document)
}

fn claims(known: &str, handle: &str) -> bool {
    known.strip_prefix("at://").is_some_and(|known| known.eq_ignore_ascii_case(handle))
}

/// Asks the public AppView, which also knows handles that are proven by DNS, and then the handle's own host.
pub(super) async fn did_of(cx: &Context<'_>, handle: &str) -> Result<String, Failure> {
    let first = match ask_appview(cx, handle).await {
        Ok(did) => return Ok(did),
        Err(failure) => failure,
    };
    match ask_host(cx, handle).await {
        Ok(did) => Ok(did),
        // Nobody could say that the handle does not exist.
        Err(_) if first.may_pass() => Err(first),
        Err(second) if second.may_pass() && first.kind != Kind::NotFound => Err(second),
        Err(_) => Err(Failure::new(Kind::NotFound, "the handle leads to no identity")),
    }
}

async fn ask_appview(cx: &Context<'_>, handle: &str) -> Result<String, Failure> {
    let answer = cx.out.send(query(APPVIEW, "com.atproto.identity.resolveHandle", &[("handle", handle)])?).await?;
    if !answer.is_success() {
        return Err(error::xrpc(&answer, cx.clock.now()));
    }
    checked_did(&answer.json::<ResolvedHandle>()?.did)
}

async fn ask_host(cx: &Context<'_>, handle: &str) -> Result<String, Failure> {
    let answer = get(cx, url(&format!("https://{handle}/.well-known/atproto-did"))?, 3).await?;
    if !answer.is_success() {
        return Err(by_status(&answer));
    }
    checked_did(String::from_utf8_lossy(&answer.body).trim())
}

fn checked_did(did: &str) -> Result<String, Failure> {
    is_did(did)
        .then(|| did.to_owned())
        .ok_or_else(|| Failure::new(Kind::NotFound, "the handle leads to no valid identity"))
}

/// What the network says of an identity.
pub(super) async fn document(cx: &Context<'_>, did: &str) -> Result<DidDocument, Failure> {
    let address = match did.strip_prefix("did:web:") {
        Some(host) => format!("https://{host}/.well-known/did.json"),
        None => format!("{PLC}/{did}"),
    };
    let answer = get(cx, url(&address)?, 0).await?;
    if !answer.is_success() {
        return Err(by_status(&answer));
    }
    let document: DidDocument = answer.json()?;
    if document.id != did {
        return Err(Failure::new(Kind::NotFound, "the identity document is another's"));
    }
    Ok(document)
}

fn locate(document: &DidDocument) -> Result<Identity, Failure> {
    let pds =
        document.pds().and_then(origin).ok_or_else(|| Failure::new(Kind::NotFound, "the identity names no server"))?;
    Ok(Identity { did: document.id.clone(), pds })
}

/// The server that consents for the accounts of `pds`, as its issuer name.
pub(super) async fn issuer_of(cx: &Context<'_>, pds: &str) -> Result<String, Failure> {
    let answer = get(cx, url(&format!("{pds}/.well-known/oauth-protected-resource"))?, 0).await?;
    if answer.status == 404 {
        // A server that is its own authorization server may not say so.
        return Ok(pds.to_owned());
    }
    if !answer.is_success() {
        return Err(by_status(&answer));
    }
    let servers = answer.json::<ProtectedResource>()?.authorization_servers;
    let issuer = servers.first().and_then(|issuer| origin(issuer));
    issuer.ok_or_else(|| Failure::new(Kind::NotFound, "the account's server names no authorization server"))
}

/// What the authorization server `issuer` offers, checked to be about itself.
pub(super) async fn server(cx: &Context<'_>, issuer: &str) -> Result<ServerMetadata, Failure> {
    let answer = get(cx, url(&format!("{issuer}/.well-known/oauth-authorization-server"))?, 0).await?;
    if !answer.is_success() {
        return Err(by_status(&answer));
    }
    let metadata: ServerMetadata = answer.json()?;
    let endpoints = [
        Some(&metadata.authorization_endpoint),
        Some(&metadata.token_endpoint),
        Some(&metadata.pushed_authorization_request_endpoint),
        metadata.revocation_endpoint.as_ref(),
    ];
    // Codes and tokens go only to the server that the account's identity leads to. Every known server keeps its
    // endpoints on its own origin (2026-11-20).
    let own = endpoints.into_iter().flatten().all(|endpoint| origin(endpoint).as_deref() == Some(issuer));
    if metadata.issuer != issuer || !own {
        return Err(Failure::new(Kind::NotFound, "the authorization server's metadata is another's"));
    }
    Ok(metadata)
}

async fn get(cx: &Context<'_>, url: Url, redirects: u8) -> Result<Answer, Failure> {
    let mut call = Call::get(Platform::Bluesky, url).follow(redirects);
    call.max_bytes = 256 * 1024;
    Ok(cx.out.send(call).await?)
}

/// The origin of an address, without a trailing slash; which schemes and hosts may be called, the outbound client decides.
pub(super) fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())?;
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://pds.example.com/").as_deref(), Some("https://pds.example.com"));
        assert_eq!(origin("http://localhost:2583/x?y").as_deref(), Some("http://localhost:2583"));
        for text in ["pds.example.com", "did:web:pds.example.com", "javascript:alert(1)", ""] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn a_handle_is_claimed_in_any_case() {
        assert!(claims("at://Alice.Example.com", "alice.example.com"));
        assert!(!claims("https://alice.example.com", "alice.example.com"));
        assert!(!claims("at://alice.example.com.evil.example", "alice.example.com"));
    }
}
