//! Files of a message: uploaded, named by a URL, or known from before.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{bad, error};
use crate::accounts::Account;
use crate::call::{Call, Reply};
use crate::judge::{Medium, Upload};
use crate::law;
use crate::media::fetch::{Unfetched, fetch};
use crate::media::sniff::{Seen, sniff};
use crate::state::{Platform, World};
use crate::stock::Item;

const MB: u64 = 1_048_576;

/// A file, and how it is shown in a message.
#[derive(Debug)]
pub(super) struct File {
    pub(super) medium: Medium,
    pub(super) shown: Value,
}

/// The file that `value` names: `attach://part`, a URL, a file id; or the part of the field's own name.
pub(super) fn take(
    world: &World,
    call: &Call,
    account: &Account,
    kind: &str,
    value: Option<&str>,
) -> Result<File, Reply> {
    let part = match value.map(|v| v.strip_prefix("attach://")) {
        None => Some(kind),
        Some(attached) => attached,
    };
    let (seen, bytes, sha256, source) = match part {
        Some(name) => {
            let part = call.payload.parts.iter().find(|p| p.name == name);
            let part = part.ok_or_else(|| {
                world.unexpected(call, &format!("no part {name}"), bad(&format!("there is no {kind} in the request")))
            })?;
            let most = if kind == "photo" { 10 * MB } else { 50 * MB };
            if part.digest.bytes > most {
                return Err(error(413, "Request Entity Too Large"));
            }
            (sniff(&part.head), part.digest.bytes, Some(part.digest.hex()), None)
        }
        None => {
            let value = value.unwrap_or("");
            if let Some(item) = world.stock.get(Platform::Telegram, value) {
                return Ok(File { shown: shown(kind, value, item.seen, item.medium.bytes), medium: item.medium });
            }
            if !value.starts_with("http://") && !value.starts_with("https://") {
                return Err(bad("wrong file identifier/HTTP URL specified"));
            }
            let most = if kind == "photo" { 5 * MB } else { 20 * MB };
            let got = fetch(world, call, Platform::Telegram, value, true, most).map_err(|e| match e {
                Unfetched::Address => bad("wrong file identifier/HTTP URL specified"),
                _ => bad("failed to get HTTP URL content"),
            })?;
            if got.bytes > most {
                return Err(bad("failed to get HTTP URL content"));
            }
            if got.seen.content_type == "text/html" {
                return Err(bad("wrong type of the web page content"));
            }
            (got.seen, got.bytes, got.sha256, Some(value.to_owned()))
        }
    };
    fit(kind, seen)?;
    let n = world.judge.next();
    let id = format!("AgAC{}", law::base32(Platform::Telegram, account.seed(), &format!("file{n}"), 60));
    let medium = Medium {
        id: id.clone(),
        content_type: seen.content_type.to_owned(),
        bytes,
        sha256: sha256.clone(),
        source_url: source.clone(),
        alt: None,
    };
    world.judge.uploaded(Upload {
        who: account.who.clone(),
        id: id.clone(),
        kind: seen.kind,
        content_type: seen.content_type.to_owned(),
        bytes,
        declared: None,
        complete: sha256.is_some(),
        sha256,
        requests: 1,
        source_url: source,
        at_ms: world.now(),
    });
    let mut item = Item::new(&account.who, &id, medium.clone(), seen, world.now());
    item.head = Bytes::new();
    world.stock.put(item);
    Ok(File { shown: shown(kind, &id, seen, bytes), medium })
}

fn fit(kind: &str, seen: Seen) -> Result<(), Reply> {
    match kind {
        "photo" => {
            if seen.kind != "image" {
                return Err(bad("IMAGE_PROCESS_FAILED"));
            }
            match seen.size {
                Some((w, h)) if w + h > 10_000 || w > h * 20 || h > w * 20 => Err(bad("PHOTO_INVALID_DIMENSIONS")),
                _ => Ok(()),
            }
        }
        "video" if seen.content_type != "video/mp4" => Err(bad("VIDEO_CONTENT_TYPE_INVALID")),
        "animation" if !matches!(seen.kind, "gif" | "video") => Err(bad("VIDEO_CONTENT_TYPE_INVALID")),
        _ => Ok(()),
    }
}

fn shown(kind: &str, id: &str, seen: Seen, bytes: u64) -> Value {
    let (w, h) = seen.size.unwrap_or((320, 320));
    let unique = id.chars().skip(4).take(16).collect::<String>();
    let file = json!({"file_id": id, "file_unique_id": unique, "file_size": bytes, "width": w, "height": h});
    match kind {
        "photo" => json!([file]),
        "document" => {
            json!({"file_id": id, "file_unique_id": unique, "file_size": bytes, "mime_type": seen.content_type})
        }
        _ => {
            let mut file = file;
            file["duration"] = json!(10);
            file["mime_type"] = json!(seen.content_type);
            file
        }
    }
}
