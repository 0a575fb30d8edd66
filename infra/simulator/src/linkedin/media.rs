//! Registered uploads of images, videos and documents.

use serde_json::{Value, json};

use super::publish::nothing;
use super::{REST, breach, caller, denied, error, not_found};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Upload};
use crate::law;
use crate::media::sniff::sniff;
use crate::payload::Digest;
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Breach, Rule, Shape, check_members};

/// Videos come in parts of this size.
const PART: u64 = 4_194_304;
const MB: u64 = 1_048_576;
const DAY_MS: i64 = 86_400_000;

pub(super) fn action(world: &World, call: &Call, kind: &str) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &["action!"],
        body: Shape::Json(&["initializeUploadRequest", "finalizeUploadRequest"]),
        headers: REST,
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    match (call.query.text("action"), kind) {
        ("initializeUpload", _) => initialize(world, call, kind, &input.json["initializeUploadRequest"]),
        ("finalizeUpload", "videos") => finalize(world, call, &input.json["finalizeUploadRequest"]),
        _ => Err(breach(world, call, &Breach::Unknown("action".to_owned()))),
    }
}

fn initialize(world: &World, call: &Call, kind: &str, wanted: &Value) -> Answer {
    const VIDEO: &[&str] = &["owner!", "fileSizeBytes!", "uploadCaptions", "uploadThumbnail"];
    let known = if kind == "videos" { VIDEO } else { &["owner!"] };
    if wanted.is_null() {
        return Err(breach(world, call, &Breach::Missing("initializeUploadRequest".to_owned())));
    }
    check_members(wanted, "initializeUploadRequest", known).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let owner = me.author(world, wanted["owner"].as_str().unwrap_or(""), "w_member_social", "w_organization_social")?;
    let n = world.judge.next();
    let name = kind.trim_end_matches('s');
    let token = law::base32(Platform::LinkedIn, owner.seed(), &format!("{name}{n}"), 22);
    let urn = format!("urn:li:{name}:C5{token}");
    let total = wanted["fileSizeBytes"].as_u64();
    if kind == "videos" && !total.is_some_and(|t| (75_000..=500 * MB).contains(&t)) {
        return Err(error(400, 100, "INVALID_PARAM", "fileSizeBytes is out of range"));
    }
    let medium = Medium { id: urn.clone(), ..Medium::default() };
    let mut item = Item::new(&owner.who, &urn, medium, nothing(), world.now());
    item.complete = false;
    item.failure = call.fails_late("PROCESSING_FAILED");
    item.meta = json!({"kind": name, "total": total, "token": format!("up-{token}"), "parts": {}});
    world.stock.put(item);
    let url = |part: usize| format!("https://www.linkedin.com/dms-uploads/{urn}/part/{part}");
    let expires = world.now() + DAY_MS;
    let value = match total {
        Some(total) => {
            let parts = usize::try_from(total.div_ceil(PART)).unwrap_or(0);
            let one = |i: usize| {
                let first = i as u64 * PART;
                json!({"uploadUrl": url(i), "firstByte": first, "lastByte": (first + PART).min(total) - 1})
            };
            json!({"video": urn, "uploadToken": format!("up-{token}"), "uploadInstructions": (0..parts).map(one).collect::<Vec<Value>>(),
                "uploadUrlsExpireAt": expires})
        }
        None => json!({"uploadUrlExpiresAt": expires, "uploadUrl": url(0), name: urn}),
    };
    Ok(Reply::json(200, &json!({"value": value})))
}

/// Bytes to an address that an initialization gave out.
pub(super) fn put(world: &World, call: &Call, urn: &str, part: &str) -> Answer {
    const RULE: Rule = Rule { method: "PUT", query: &[], body: Shape::Bytes, headers: &["authorization"] };
    let bad = |status: u16, why: &str| world.unexpected(call, why, Reply::plain(status, why));
    RULE.read(call).map_err(|b| bad(400, &b.text()))?;
    let item = world.stock.get(Platform::LinkedIn, urn).ok_or_else(|| Reply::plain(404, "Not Found"))?;
    if world.now() - item.created_ms >= DAY_MS {
        return Err(Reply::plain(403, "upload url expired"));
    }
    // The parts of a video are addressed to themselves; pictures and documents come with the token.
    if call.headers.contains_key("authorization") {
        caller(world, call)?;
    } else if item.meta["kind"] != "video" {
        return Err(bad(401, "no bearer token"));
    }
    call.about(&world.accounts.get(&item.who).handle);
    let index: usize = part.parse().map_err(|_| Reply::plain(404, "Not Found"))?;
    let digest = &call.payload.digest;
    if digest.bytes == 0 {
        return Err(bad(400, "an empty body"));
    }
    match item.meta["total"].as_u64() {
        Some(total) => {
            let first = index as u64 * PART;
            if first >= total || digest.bytes != PART.min(total - first) {
                return Err(bad(400, "not the bytes that the instruction names"));
            }
            Ok(video_part(world, call, &item, index))
        }
        None => whole(world, call, &item),
    }
}

fn video_part(world: &World, call: &Call, item: &Item, index: usize) -> Reply {
    let digest = &call.payload.digest;
    let etag = format!("/ambry-video/signedId/{}", &digest.hex()[..32]);
    let changed = world.stock.change(Platform::LinkedIn, &item.id, |item| {
        item.meta["parts"][index.to_string()] = json!({"etag": etag, "bytes": digest.bytes});
        if let Some(before) = item.chain.get(index).cloned() {
            let mut so_far: Digest = before;
            so_far.update(&call.body);
            match item.chain.get_mut(index + 1) {
                Some(after) => *after = so_far,
                None => item.chain.push(so_far),
            }
        }
        if index == 0 {
            item.head = call.body.slice(..call.body.len().min(64 * 1024));
        }
    });
    if let Some(item) = changed {
        record(world, &item, 1);
    }
    Reply::empty(200).with("etag", etag)
}

fn whole(world: &World, call: &Call, item: &Item) -> Answer {
    let digest = &call.payload.digest;
    let seen = sniff(&call.body);
    let (ready, looks) = world.processing(Platform::LinkedIn, false);
    let document = item.meta["kind"] == "document";
    let most = if document { 100 * MB } else { 20 * MB };
    let fits =
        digest.bytes <= most && if document { seen.kind == "document" } else { matches!(seen.kind, "image" | "gif") };
    let changed = world.stock.change(Platform::LinkedIn, &item.id, |item| {
        item.seen = seen;
        item.complete = true;
        item.medium.bytes = digest.bytes;
        item.medium.content_type = seen.content_type.to_owned();
        item.medium.sha256 = Some(digest.hex());
        (item.ready_ms, item.looks) = (ready, looks);
        let late = call.fails_late("PROCESSING_FAILED").or_else(|| item.failure.take());
        item.failure = if fits { late } else { Some("PROCESSING_FAILED".to_owned()) };
        item.meta["parts"]["0"] = json!({"bytes": digest.bytes});
    });
    if let Some(item) = changed {
        record(world, &item, 1);
    }
    Ok(Reply::empty(201))
}

fn record(world: &World, item: &Item, requests: u64) {
    let parts = item.meta["parts"].as_object();
    let arrived: u64 = parts.into_iter().flatten().filter_map(|(_, p)| p["bytes"].as_u64()).sum();
    let seen = if item.head.is_empty() { item.seen } else { sniff(&item.head) };
    world.judge.uploaded(Upload {
        who: item.who.clone(),
        id: item.id.clone(),
        kind: seen.kind,
        content_type: seen.content_type.to_owned(),
        bytes: arrived,
        declared: item.meta["total"].as_u64(),
        sha256: item.medium.sha256.clone(),
        complete: item.complete,
        requests,
        source_url: None,
        at_ms: item.created_ms,
    });
}

fn finalize(world: &World, call: &Call, wanted: &Value) -> Answer {
    if wanted.is_null() {
        return Err(breach(world, call, &Breach::Missing("finalizeUploadRequest".to_owned())));
    }
    check_members(wanted, "finalizeUploadRequest", &["video!", "uploadToken", "uploadedPartIds!"])
        .map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let urn = wanted["video"].as_str().unwrap_or("");
    let item = world.stock.get(Platform::LinkedIn, urn).ok_or_else(|| not_found(urn))?;
    let owner: Account = world.accounts.get(&item.who);
    me.author(world, &owner.id(), "w_member_social", "w_organization_social")?;
    let bad = |why: &str| breach(world, call, &Breach::Unknown(why.to_owned()));
    if wanted["uploadToken"].as_str().unwrap_or("") != item.meta["token"].as_str().unwrap_or("") {
        return Err(bad("uploadToken"));
    }
    let total = item.meta["total"].as_u64().unwrap_or(0);
    let count = usize::try_from(total.div_ceil(PART)).unwrap_or(0);
    let etags: Vec<&Value> = (0..count).map(|i| &item.meta["parts"][i.to_string()]["etag"]).collect();
    let given: Vec<&Value> = wanted["uploadedPartIds"].as_array().into_iter().flatten().collect();
    // Some clients keep the quotes of an ETag; the parts are named without them, and in order.
    if etags.iter().any(|e| e.is_null()) || given != etags {
        return Err(bad("uploadedPartIds"));
    }
    let (ready, looks) = world.processing(Platform::LinkedIn, true);
    let changed = world.stock.change(Platform::LinkedIn, urn, |item| {
        if item.complete {
            return;
        }
        item.complete = true;
        item.seen = sniff(&item.head);
        item.medium.bytes = total;
        item.medium.content_type = item.seen.content_type.to_owned();
        item.medium.sha256 = (item.chain.len() == count + 1).then(|| item.chain.last().map(Digest::hex)).flatten();
        (item.ready_ms, item.looks) = (ready, looks);
        let late = call.fails_late("PROCESSING_FAILED").or_else(|| item.failure.take());
        item.failure = if item.seen.kind == "video" { late } else { Some("PROCESSING_FAILED".to_owned()) };
    });
    if let Some(item) = changed {
        record(world, &item, 0);
    }
    Ok(Reply::empty(200))
}

pub(super) fn status(world: &World, call: &Call, kind: &str, urn: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let item = world.stock.get(Platform::LinkedIn, urn).ok_or_else(|| not_found(urn))?;
    let owner = world.accounts.get(&item.who);
    me.author(world, &owner.id(), "w_member_social", "w_organization_social")?;
    // With the right to post as a member alone, the state of pictures and documents is not told.
    let pages = ["rw_organization_admin", "r_organization_social", "w_organization_social"].iter().any(|s| me.may(s));
    if kind != "videos" && !pages {
        return Err(denied(&format!("{kind}.GET")));
    }
    let word = match world.stock.look(Platform::LinkedIn, urn, world.now()) {
        Some((item, _)) if !item.complete => "WAITING_UPLOAD",
        Some((_, Processing::Running)) => "PROCESSING",
        Some((_, Processing::Failed)) => "PROCESSING_FAILED",
        Some((_, Processing::Done)) | None => "AVAILABLE",
    };
    let mut body = json!({"id": urn, "owner": owner.id(), "status": word});
    if word == "AVAILABLE" {
        body["downloadUrl"] = json!(format!("https://media.licdn.com/dms/{}", item.id));
    }
    Ok(Reply::json(200, &body))
}
