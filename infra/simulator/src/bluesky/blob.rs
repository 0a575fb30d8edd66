//! Blobs of a repository.

use serde_json::{Value, json};

use super::{breach, cid, session, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Upload};
use crate::media::sniff::{Seen, sniff};
use crate::state::{Platform, World};
use crate::stock::Item;
use crate::strict::{Rule, Shape};

const MOST: u64 = 52_428_800;
const DAY_MS: i64 = 86_400_000;

/// What a blob is called in the stock: repositories do not share blobs.
pub(super) fn name(account: &Account, cid: &str) -> String {
    format!("{} {cid}", account.id())
}

/// The JSON form of a blob.
pub(super) fn entity(medium: &Medium) -> Value {
    json!({"$type": "blob", "ref": {"$link": medium.id}, "mimeType": medium.content_type, "size": medium.bytes})
}

/// Stores the body of a request as a blob of the account.
pub(super) fn store(world: &World, call: &Call, account: &Account, content_type: &str, seen: Seen) -> Medium {
    let digest = &call.payload.digest;
    let cid = cid::of_blob(&digest.raw());
    let medium = Medium {
        id: cid.clone(),
        content_type: content_type.to_owned(),
        bytes: digest.bytes,
        sha256: Some(digest.hex()),
        ..Medium::default()
    };
    let now = world.now();
    world.judge.uploaded(Upload {
        who: account.who.clone(),
        id: cid.clone(),
        kind: seen.kind,
        content_type: content_type.to_owned(),
        bytes: digest.bytes,
        declared: None,
        sha256: medium.sha256.clone(),
        complete: true,
        requests: 1,
        source_url: None,
        at_ms: now,
    });
    world.stock.put(Item::new(&account.who, &name(account, &cid), medium.clone(), seen, now));
    medium
}

pub(super) fn upload(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Bytes, headers: &["authorization!", "dpop"] };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = session::caller(world, call)?;
    let declared = call.header("content-type").unwrap_or("").split(';').next().unwrap_or("").trim().to_owned();
    if declared.is_empty() {
        let text = "Request encoding (Content-Type) required but not provided";
        return Err(world.unexpected(call, text, xrpc_error(400, "InvalidRequest", text)));
    }
    let may = |s: &String| s == "com.atproto.appPass" || s == "transition:generic" || s.starts_with("blob:");
    if !scopes.iter().any(may) {
        return Err(xrpc_error(403, "ScopeMissingError", &format!("Missing required scope \"blob:{declared}\"")));
    }
    if call.payload.digest.bytes > MOST {
        return Err(xrpc_error(413, "PayloadTooLarge", "request entity too large"));
    }
    if call.payload.digest.bytes == 0 {
        let text = "A request body was expected but none was provided";
        return Err(world.unexpected(call, text, xrpc_error(400, "InvalidRequest", text)));
    }
    if world.settings.is(Platform::Bluesky, "rates")
        && world.rates.take(&account.id(), "blob", 1_000, DAY_MS, world.now()).is_err()
    {
        return Err(super::rate_limited(world, 3_600));
    }
    let seen = sniff(&call.body);
    // A picture that cannot be read is an error of the server, as it was observed.
    if declared.starts_with("image/") && !matches!(seen.kind, "image" | "gif") {
        return Err(xrpc_error(500, "InternalServerError", "Internal Server Error"));
    }
    let content_type = if seen.kind == "unknown" { declared.as_str() } else { seen.content_type };
    let medium = store(world, call, &account, content_type, seen);
    Ok(Reply::json(200, &json!({"blob": entity(&medium)})))
}
