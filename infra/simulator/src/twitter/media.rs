//! Media upload v2: initialize, append, finalize, status; pictures also in one request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{breach, invalid, problem, writer};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Upload};
use crate::law;
use crate::media::sniff::sniff;
use crate::payload::{Digest, sha256_hex};
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Breach, Rule, Shape, check_members, is_type};

const MB: u64 = 1_048_576;
const LIFE_S: i64 = 86_400;
const WRITE: [&str; 1] = ["media.write"];

fn refuse(why: &str) -> Reply {
    problem(400, "Invalid Request", "invalid-request", why)
}

/// The largest file of a category.
fn most(category: &str) -> Option<u64> {
    match category {
        "tweet_image" | "dm_image" => Some(5 * MB),
        "tweet_gif" | "dm_gif" => Some(15 * MB),
        "tweet_video" | "amplify_video" | "dm_video" => Some(512 * MB),
        "subtitles" => Some(MB),
        _ => None,
    }
}

fn key(category: &str, id: &str) -> String {
    let number = match category {
        "tweet_image" | "dm_image" => 3,
        "tweet_gif" | "dm_gif" => 16,
        _ => 7,
    };
    format!("{number}_{id}")
}

fn new_item(world: &World, account: &Account, category: &str, content_type: &str, total: u64) -> Item {
    let id = law::snowflake(world.now(), world.judge.next()).to_string();
    let medium = Medium { id: id.clone(), content_type: content_type.to_owned(), ..Medium::default() };
    let mut item = Item::new(&account.who, &id, medium, sniff(&[]), world.now());
    item.complete = false;
    item.meta = json!({"media_key": key(category, &id), "category": category, "total": total, "segments": {}});
    item
}

pub(super) fn initialize(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["media_type!", "total_bytes!", "media_category", "additional_owners", "shared"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let content_type = input.form.text("media_type");
    let known = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime", "text/srt"];
    if !known.contains(&content_type) {
        return Err(refuse("media type unrecognized"));
    }
    let otherwise = match content_type {
        "image/gif" => "tweet_gif",
        t if t.starts_with("video/") => "tweet_video",
        _ => "tweet_image",
    };
    let category = input.form.get("media_category").unwrap_or(otherwise);
    let Some(most) = most(category) else {
        return Err(breach(world, call, &Breach::Unknown(format!("media_category {category}"))));
    };
    let total = input.json["total_bytes"].as_u64().filter(|n| *n > 0);
    let Some(total) = total else { return Err(breach(world, call, &Breach::Unknown("total_bytes".to_owned()))) };
    if total > most {
        return Err(refuse("File size exceeds the limit of the media category"));
    }
    let mut item = new_item(world, &account, category, content_type, total);
    item.failure = call.fails_late("InternalError");
    let body = json!({"data": {"id": item.id, "media_key": item.meta["media_key"], "expires_after_secs": LIFE_S}});
    world.stock.put(item);
    Ok(Reply::json(200, &body))
}

fn own(world: &World, account: &Account, id: &str) -> Result<Item, Reply> {
    let fresh = |i: &Item| world.now() - i.created_ms < LIFE_S * 1000;
    world.stock.own(&account.who, id).filter(fresh).ok_or_else(|| refuse("Media not found or expired"))
}

pub(super) fn append(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::Multipart(&["media!", "segment_index!"]),
        headers: &["authorization!"],
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let known = own(world, &account, id)?;
    let bad = |why: &str| breach(world, call, &Breach::Unknown(why.to_owned()));
    let part = call.payload.parts.iter().find(|p| p.name == "media");
    let part = part.filter(|p| p.whole()).ok_or_else(|| bad("media: a segment of that size"))?;
    let index: usize = match input.form.text("segment_index").parse() {
        Ok(n @ 0..=999) => n,
        _ => return Err(bad("segment_index")),
    };
    if known.complete {
        return Err(refuse("The media is finalized"));
    }
    let item = world.stock.change(Platform::Twitter, id, |item| {
        item.meta["segments"][index.to_string()] = json!({"bytes": part.digest.bytes, "sha256": part.digest.hex()});
        // The digest of the whole goes on only while segments come in order; a repeat starts from where it stood.
        if let Some(before) = item.chain.get(index).cloned() {
            let mut digest: Digest = before;
            digest.update(&part.head);
            match item.chain.get_mut(index + 1) {
                Some(after) => *after = digest,
                None => item.chain.push(digest),
            }
        }
        if index == 0 {
            item.head = part.head.slice(..part.head.len().min(64 * 1024));
        }
    });
    let item = item.ok_or_else(|| refuse("Media not found or expired"))?;
    record(world, &item, 1);
    Ok(Reply::json(200, &json!({"data": {"expires_at": item.created_ms / 1000 + LIFE_S}})))
}

/// How many segments there are and what they add up to, if none is missing.
fn segments(item: &Item) -> Option<(usize, u64)> {
    let all = item.meta["segments"].as_object()?;
    let bytes = |n: usize| all.get(&n.to_string()).and_then(|s| s["bytes"].as_u64());
    let total = (0..all.len()).map(bytes).sum::<Option<u64>>()?;
    Some((all.len(), total))
}

fn record(world: &World, item: &Item, requests: u64) {
    let arrived: u64 =
        item.meta["segments"].as_object().into_iter().flatten().filter_map(|(_, s)| s["bytes"].as_u64()).sum();
    world.judge.uploaded(Upload {
        who: item.who.clone(),
        id: item.id.clone(),
        kind: sniff(&item.head).kind,
        content_type: item.medium.content_type.clone(),
        bytes: arrived,
        declared: item.meta["total"].as_u64(),
        sha256: item.medium.sha256.clone(),
        complete: item.complete,
        requests,
        source_url: None,
        at_ms: item.created_ms,
    });
}

pub(super) fn finalize(world: &World, call: &Call, id: &str) -> Answer {
    const WITHOUT: Rule = Rule { method: "POST", query: &[], body: Shape::Empty, headers: &["authorization!"] };
    const WITH: Rule = Rule { method: "POST", query: &[], body: Shape::Json(&[]), headers: &["authorization!"] };
    let rule = if call.body.is_empty() { WITHOUT } else { WITH };
    rule.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let known = own(world, &account, id)?;
    let total = known.meta["total"].as_u64().unwrap_or(0);
    let Some((count, _)) = segments(&known).filter(|(_, bytes)| *bytes == total) else {
        return Err(refuse("Segments do not add up to provided total file size."));
    };
    let item = if known.complete { known } else { complete(world, call, id, count, total)? };
    let mut body = json!({"data": {"id": item.id, "media_key": item.meta["media_key"], "size": total, "expires_after_secs": LIFE_S}});
    if item.processing(world.now()) != Processing::Done {
        body["data"]["processing_info"] = json!({"state": "pending", "check_after_secs": 1});
    }
    Ok(Reply::json(200, &body))
}

fn complete(world: &World, call: &Call, id: &str, count: usize, total: u64) -> Result<Item, Reply> {
    let (ready, looks) = world.processing(Platform::Twitter, true);
    let (ready_image, looks_image) = world.processing(Platform::Twitter, false);
    let item = world.stock.change(Platform::Twitter, id, |item| {
        item.seen = sniff(&item.head);
        item.complete = true;
        item.medium.bytes = total;
        item.medium.content_type = item.seen.content_type.to_owned();
        item.medium.sha256 = (item.chain.len() == count + 1).then(|| item.chain.last().map(Digest::hex)).flatten();
        let moving = matches!(item.seen.kind, "video" | "gif");
        (item.ready_ms, item.looks) = if moving { (ready, looks) } else { (ready_image, looks_image) };
        let unfit = match item.meta["category"].as_str() {
            Some("tweet_video" | "amplify_video") => item.seen.kind != "video",
            Some("tweet_gif") => item.seen.kind != "gif",
            _ => item.seen.kind != "image",
        };
        let late = call.fails_late("InternalError").or_else(|| item.failure.take());
        item.failure = if unfit { Some("InvalidMedia".to_owned()) } else { late };
    });
    let item = item.ok_or_else(|| refuse("Media not found or expired"))?;
    record(world, &item, 0);
    Ok(item)
}

pub(super) fn status(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["command!", "media_id!"], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    if call.query.text("command") != "STATUS" {
        return Err(breach(world, call, &Breach::Unknown("command".to_owned())));
    }
    let account = writer(world, call, &WRITE)?;
    let id = call.query.text("media_id");
    own(world, &account, id)?;
    let found = world.stock.look(Platform::Twitter, id, world.now());
    let (item, state) = found.ok_or_else(|| refuse("Media not found or expired"))?;
    let info = match state {
        Processing::Running => json!({"state": "in_progress", "check_after_secs": 1, "progress_percent": 40}),
        Processing::Done => json!({"state": "succeeded", "progress_percent": 100}),
        Processing::Failed => json!({"state": "failed", "progress_percent": 40,
            "error": {"code": 1, "name": item.failure, "message": "The media could not be processed"}}),
    };
    let data = json!({"id": item.id, "media_key": item.meta["media_key"], "size": item.medium.bytes, "expires_after_secs": LIFE_S, "processing_info": info});
    Ok(Reply::json(200, &json!({"data": data})))
}

/// A picture in one request: multipart, or base64 in JSON.
pub(super) fn one_shot(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["media!", "media_category!", "media_type", "additional_owners", "shared"];
    const PARTS: Rule =
        Rule { method: "POST", query: &[], body: Shape::Multipart(FIELDS), headers: &["authorization!"] };
    const JSON: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: &["authorization!"] };
    let rule = if is_type(call, "application/json") { JSON } else { PARTS };
    let input = rule.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let (head, bytes, sha256) = match call.payload.parts.iter().find(|p| p.name == "media") {
        Some(part) => (part.head.clone(), part.digest.bytes, part.digest.hex()),
        None => {
            let data = STANDARD.decode(input.form.text("media")).map_err(|_| refuse("media is not base64"))?;
            let sha256 = sha256_hex(&data);
            (bytes::Bytes::from(data.clone()), data.len() as u64, sha256)
        }
    };
    let category = input.form.text("media_category");
    let seen = sniff(&head);
    if bytes > 5 * MB || most(category).is_none() {
        return Err(refuse("File size exceeds the limit or the category is unknown"));
    }
    if seen.kind != "image" && !(seen.kind == "gif" && category == "tweet_gif") {
        return Err(refuse("media type unrecognized"));
    }
    let mut item = new_item(world, &account, category, seen.content_type, bytes);
    item.complete = true;
    item.seen = seen;
    item.head = head.slice(..head.len().min(64 * 1024));
    item.medium.bytes = bytes;
    item.medium.sha256 = Some(sha256);
    item.meta["segments"] = json!({"0": {"bytes": bytes}});
    record(world, &item, 1);
    let data = json!({"id": item.id, "media_key": item.meta["media_key"], "size": bytes, "expires_after_secs": LIFE_S});
    world.stock.put(item);
    Ok(Reply::json(200, &json!({"data": data})))
}

pub(super) fn metadata(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule { method: "POST", query: &[], body: Shape::Json(&["id!", "metadata!"]), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let metadata = &input.json["metadata"];
    check_members(metadata, "metadata", &["alt_text!"])
        .and_then(|()| check_members(&metadata["alt_text"], "metadata.alt_text", &["text!"]))
        .map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let alt: &Value = &metadata["alt_text"]["text"];
    if alt.as_str().is_none_or(|t| t.chars().count() > 1_000) {
        return Err(invalid("alt_text is at most 1000 characters", &json!({"alt_text": [alt]})));
    }
    let id = input.form.text("id");
    own(world, &account, id)?;
    world.stock.change(Platform::Twitter, id, |item| item.medium.alt = alt.as_str().map(str::to_owned));
    Ok(Reply::json(200, &json!({"data": {"id": id, "associated_metadata": metadata}})))
}
