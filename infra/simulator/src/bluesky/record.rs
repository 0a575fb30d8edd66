//! What a post record must be: the lexicon's rules, and those that only show on a reader's screen.

use serde_json::Value;

use crate::accounts::Account;
use crate::clock::parse_iso;
use crate::graphemes;
use crate::judge::Medium;
use crate::state::{Platform, World};

/// Unreferenced blobs are collected after some hours.
const BLOB_LIFE_MS: i64 = 6 * 3_600_000;

/// Why a record is refused.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) text: String,
    /// A server that is not this strict would have taken it.
    pub(super) ours: bool,
}

fn invalid(text: &str, at: &str) -> Fault {
    Fault { text: format!("Invalid app.bsky.feed.post record: {text} at $.record{at}"), ours: false }
}

fn ours(text: impl Into<String>) -> Fault {
    Fault { text: text.into(), ours: true }
}

/// The files of a good post record.
pub(super) fn check(world: &World, account: &Account, record: &Value) -> Result<Vec<Medium>, Fault> {
    const MEMBERS: [&str; 9] = ["$type", "text", "createdAt", "langs", "facets", "reply", "embed", "labels", "tags"];
    let members = record.as_object().ok_or_else(|| invalid("Record must be an object", ""))?;
    if let Some(odd) = members.keys().find(|k| !MEMBERS.contains(&k.as_str())) {
        return Err(ours(format!("unknown member {odd} of the record")));
    }
    if record["$type"] != "app.bsky.feed.post" {
        return Err(invalid("Expected \"app.bsky.feed.post\"", ".$type"));
    }
    let text = record["text"].as_str().ok_or_else(|| invalid("Missing required key \"text\"", ""))?;
    if text.len() > 3000 {
        return Err(invalid(&format!("string too big (maximum 3000, got {})", text.len()), ".text"));
    }
    let graphemes = graphemes::count(text);
    if graphemes > 300 {
        return Err(invalid(&format!("grapheme too big (maximum 300, got {graphemes})"), ".text"));
    }
    record["createdAt"].as_str().and_then(parse_iso).ok_or_else(|| invalid("Invalid datetime", ".createdAt"))?;
    if text.is_empty() && record["embed"].is_null() {
        return Err(ours("an empty post without an embed"));
    }
    list(record, "langs", 3)?;
    list(record, "tags", 8)?;
    facets(record, text)?;
    reply(world, record)?;
    embed(world, account, &record["embed"], ".embed")
}

fn list(record: &Value, name: &str, most: usize) -> Result<(), Fault> {
    match &record[name] {
        Value::Null => Ok(()),
        Value::Array(items) if items.len() > most => {
            Err(invalid(&format!("array too big (maximum {most}, got {})", items.len()), &format!(".{name}")))
        }
        Value::Array(items) if items.iter().all(Value::is_string) => Ok(()),
        _ => Err(invalid("Expected array of strings", &format!(".{name}"))),
    }
}

fn facets(record: &Value, text: &str) -> Result<(), Fault> {
    let facets = match &record["facets"] {
        Value::Null => return Ok(()),
        Value::Array(list) => list,
        _ => return Err(invalid("Expected array", ".facets")),
    };
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (i, facet) in facets.iter().enumerate() {
        let at = |rest: &str| format!(".facets[{i}]{rest}");
        let number = |name: &str| facet["index"][name].as_u64().and_then(|n| usize::try_from(n).ok());
        let (Some(start), Some(end)) = (number("byteStart"), number("byteEnd")) else {
            return Err(invalid("Expected integer", &at(".index")));
        };
        // A server takes any numbers; a reader then sees broken text.
        if start >= end || text.get(start..end).is_none() {
            return Err(ours(format!("facet {i}: bytes {start}..{end} are no part of the text")));
        }
        if spans.iter().any(|(s, e)| start < *e && *s < end) {
            return Err(ours(format!("facet {i} overlaps another")));
        }
        spans.push((start, end));
        let features = facet["features"].as_array().filter(|f| !f.is_empty());
        for feature in features.ok_or_else(|| invalid("Expected features", &at(".features")))? {
            let string = |name: &str| feature[name].as_str().unwrap_or("");
            let good = match string("$type") {
                "app.bsky.richtext.facet#link" => url::Url::parse(string("uri")).is_ok(),
                "app.bsky.richtext.facet#mention" => string("did").starts_with("did:"),
                "app.bsky.richtext.facet#tag" => {
                    let tag = string("tag");
                    !tag.is_empty() && !tag.starts_with('#') && graphemes::count(tag) <= 64
                }
                _ => false,
            };
            if !good {
                return Err(invalid("Invalid feature", &at(".features")));
            }
        }
    }
    Ok(())
}

/// A strong reference to a record of this world names its present content.
fn strong(world: &World, value: &Value, at: &str) -> Result<(), Fault> {
    let (Some(uri), Some(cid)) = (value["uri"].as_str(), value["cid"].as_str()) else {
        return Err(invalid("Expected uri and cid", at));
    };
    if !uri.starts_with("at://") || !cid.starts_with("bafyrei") {
        return Err(invalid("Invalid strongRef", at));
    }
    match super::feed::cid_of(world, uri) {
        Some(known) if known == cid => Ok(()),
        Some(_) => Err(ours(format!("{at}: the record has another cid"))),
        None => Err(ours(format!("{at}: no such record"))),
    }
}

fn reply(world: &World, record: &Value) -> Result<(), Fault> {
    if record["reply"].is_null() {
        return Ok(());
    }
    strong(world, &record["reply"]["root"], ".reply.root")?;
    strong(world, &record["reply"]["parent"], ".reply.parent")
}

fn embed(world: &World, account: &Account, embed: &Value, at: &str) -> Result<Vec<Medium>, Fault> {
    let blob = |value: &Value, at: &str, accepted: &str, most: u64| blob(world, account, value, at, accepted, most);
    match embed["$type"].as_str() {
        None if embed.is_null() => Ok(Vec::new()),
        Some("app.bsky.embed.images") => {
            let images =
                embed["images"].as_array().ok_or_else(|| invalid("Expected array", &format!("{at}.images")))?;
            if images.is_empty() || images.len() > 4 {
                let text = format!("array too big (maximum 4, got {})", images.len());
                return Err(invalid(&text, &format!("{at}.images")));
            }
            let one = |(i, image): (usize, &Value)| {
                let at = format!("{at}.images[{i}]");
                let alt = image["alt"].as_str().ok_or_else(|| invalid("Missing required key \"alt\"", &at))?;
                ratio(&image["aspectRatio"], &at)?;
                let mut medium = blob(&image["image"], &format!("{at}.image"), "image/", 2_000_000)?;
                medium.alt = Some(alt.to_owned());
                Ok(medium)
            };
            images.iter().enumerate().map(one).collect()
        }
        Some("app.bsky.embed.video") => {
            ratio(&embed["aspectRatio"], at)?;
            let mut medium = blob(&embed["video"], &format!("{at}.video"), "video/mp4", 300_000_000)?;
            medium.alt = embed["alt"].as_str().map(str::to_owned);
            Ok(vec![medium])
        }
        Some("app.bsky.embed.external") => {
            let external = &embed["external"];
            if ["uri", "title", "description"].iter().any(|n| !external[*n].is_string()) {
                return Err(invalid("Missing required key", &format!("{at}.external")));
            }
            if !external["thumb"].is_null() {
                blob(&external["thumb"], &format!("{at}.external.thumb"), "image/", 1_000_000)?;
            }
            Ok(Vec::new())
        }
        Some("app.bsky.embed.record") => strong(world, &embed["record"], &format!("{at}.record")).map(|()| Vec::new()),
        Some("app.bsky.embed.recordWithMedia") => {
            strong(world, &embed["record"]["record"], &format!("{at}.record.record"))?;
            self::embed(world, account, &embed["media"], &format!("{at}.media"))
        }
        _ => Err(invalid("Unknown embed", at)),
    }
}

fn ratio(value: &Value, at: &str) -> Result<(), Fault> {
    let positive = |name: &str| value[name].as_u64().is_some_and(|n| n > 0);
    if value.is_null() || (positive("width") && positive("height")) {
        return Ok(());
    }
    Err(invalid("Expected positive width and height", &format!("{at}.aspectRatio")))
}

fn blob(world: &World, account: &Account, value: &Value, at: &str, accepted: &str, most: u64) -> Result<Medium, Fault> {
    let (Some("blob"), Some(cid), Some(mime), Some(size)) =
        (value["$type"].as_str(), value["ref"]["$link"].as_str(), value["mimeType"].as_str(), value["size"].as_u64())
    else {
        return Err(invalid("Expected blob", at));
    };
    if !mime.starts_with(accepted) {
        return Err(invalid(&format!("Expected {accepted}* type, got {mime}"), at));
    }
    if size > most {
        return Err(invalid(&format!("blob too big (maximum {most}, got {size})"), at));
    }
    let now = world.now();
    let item = world.stock.own(&account.who, &super::blob::name(account, cid));
    let alive = item.filter(|i| i.used.is_some() || now - i.created_ms < BLOB_LIFE_MS);
    let item = alive.ok_or_else(|| Fault { text: format!("Could not find blob: {cid}"), ours: false })?;
    if item.medium.bytes != size || item.medium.content_type != mime {
        return Err(Fault {
            text: format!("Referenced Mimetype or size does not match stored blob: {cid}"),
            ours: true,
        });
    }
    world.stock.change(Platform::Bluesky, &item.id, |i| i.used = Some(0));
    Ok(item.medium)
}
