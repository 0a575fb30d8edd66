//! Handles and DIDs.

use serde_json::{Value, json};

use super::{PDS, breach, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::law;
use crate::state::{Platform, World};
use crate::strict::Rule;

/// The DID document of an account, at its present handle.
pub(super) fn document(a: &Account) -> Value {
    let did = a.id();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1", "https://w3id.org/security/suites/secp256k1-2019/v1"],
        "id": did,
        "alsoKnownAs": [format!("at://{}", a.handle)],
        "verificationMethod": [{"id": format!("{did}#atproto"), "type": "Multikey", "controller": did,
            "publicKeyMultibase": format!("zQ3sh{}", law::base32(Platform::Bluesky, a.seed(), "key", 44))}],
        "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": format!("https://{PDS}")}],
    })
}

pub(super) fn well_known(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &[]);
    RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), Reply::plain(400, "Bad Request")))?;
    let account =
        world.accounts.find(Platform::Bluesky, &call.host).ok_or_else(|| Reply::plain(404, "User not found"))?;
    call.about(&account.handle);
    Ok(Reply::plain(200, &account.id()))
}

pub(super) fn plc(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &[]);
    RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), Reply::json(400, &json!({"message": b.text()}))))?;
    let did = call.path.trim_start_matches('/');
    if !did.starts_with("did:plc:") || did.contains('/') {
        return Err(world.unexpected(call, "unknown path", Reply::json(404, &json!({"message": "Not Found"}))));
    }
    let found = world.accounts.by_id(Platform::Bluesky, did);
    let account = found.ok_or_else(|| Reply::json(404, &json!({"message": format!("DID not registered: {did}")})))?;
    if account.deleted {
        return Err(Reply::json(410, &json!({"message": format!("DID not available: {did}")})));
    }
    call.about(&account.handle);
    let mut reply = Reply::json(200, &document(&account));
    reply.headers[0].1 = "application/did+ld+json; charset=utf-8".to_owned();
    Ok(reply)
}

pub(super) fn resolve_handle(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["handle!"], &[]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let found = world.accounts.find(Platform::Bluesky, call.query.text("handle"));
    let account = found.ok_or_else(|| xrpc_error(400, "InvalidRequest", "Unable to resolve handle"))?;
    call.about(&account.handle);
    Ok(Reply::json(200, &json!({"did": account.id()})))
}
