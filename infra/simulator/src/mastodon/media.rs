//! Media attachments: uploaded, processed, then attached to a status.

use serde_json::{Value, json};

use super::read::bearer;
use super::{breach, error, not_found};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Upload};
use crate::law;
use crate::media::sniff::sniff;
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Rule, Shape};

const DAY_MS: i64 = 86_400_000;

fn kind(item: &Item) -> &'static str {
    match item.seen.kind {
        "gif" => "gifv",
        "video" => "video",
        "image" => "image",
        _ => "unknown",
    }
}

/// The attachment as it is shown; the address is missing while it is processed.
pub(super) fn entity(host: &str, item: &Item, ready: bool) -> Value {
    let picture = |size: &str| format!("https://files.{host}/media_attachments/{size}/{}", item.id);
    let meta = match item.seen.size {
        Some((w, h)) if ready => {
            json!({"original": {"width": w, "height": h, "size": format!("{w}x{h}"), "aspect": f64::from(w) / f64::from(h)}})
        }
        _ => json!({}),
    };
    json!({"id": item.id, "type": kind(item), "url": ready.then(|| picture("original")), "preview_url": picture("small"), "remote_url": null,
        "text_url": null, "meta": meta, "description": item.medium.alt, "blurhash": null})
}

/// The signed-in account, which may write what `scope` says.
pub(super) fn writer(world: &World, call: &Call, scope: &str) -> Result<Account, Reply> {
    bearer(world, call, &[scope])?.ok_or_else(|| error(401, "This method requires an authenticated user"))
}

pub(super) fn upload(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["file!", "thumbnail", "description", "focus"];
    const RULE: Rule =
        Rule { method: "POST", query: &[], body: Shape::Multipart(FIELDS), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, "write:media")?;
    let Some(file) = call.payload.parts.iter().find(|p| p.name == "file") else { return Err(not_found()) };
    let limit = |name: &str| world.settings.number_at(Platform::Mastodon, &call.host, name);
    let seen = sniff(&file.head);
    let most = if seen.kind == "video" { limit("videoSizeLimit") } else { limit("imageSizeLimit") };
    if file.digest.bytes > most {
        // A proxy in front refuses what is far too long, in HTML.
        if file.digest.bytes > most * 2 {
            return Err(Reply::html(
                413,
                "<html><head><title>413 Request Entity Too Large</title></head></html>".to_owned(),
            ));
        }
        let text = format!("Validation failed: File file size must be less than {} MB", most / 1_048_576);
        return Err(error(422, &text));
    }
    if !matches!(
        seen.content_type,
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "video/mp4" | "video/quicktime" | "video/webm"
    ) {
        return Err(error(422, "Validation failed: File content type is invalid, File is invalid"));
    }
    let description = input.form.get("description").map(str::to_owned);
    if description.as_ref().is_some_and(|d| d.chars().count() as u64 > limit("descriptionLimit")) {
        return Err(error(422, "Validation failed: Description is too long"));
    }
    if world.settings.is(Platform::Mastodon, "rates")
        && world.rates.take(&account.id(), "media", 30, 1_800_000, world.now()).is_err()
    {
        return Err(super::rate_limited(world, 1_800));
    }
    let now = world.now();
    let id =
        format!("2{:08}", law::hash(Platform::Mastodon, account.seed(), "media", world.judge.next()) % 100_000_000);
    let medium = Medium {
        id: id.clone(),
        content_type: seen.content_type.to_owned(),
        bytes: file.digest.bytes,
        sha256: Some(file.digest.hex()),
        alt: description,
        ..Medium::default()
    };
    world.judge.uploaded(Upload {
        who: account.who.clone(),
        id: id.clone(),
        kind: seen.kind,
        content_type: seen.content_type.to_owned(),
        bytes: medium.bytes,
        declared: None,
        sha256: medium.sha256.clone(),
        complete: true,
        requests: 1,
        source_url: None,
        at_ms: now,
    });
    let mut item = Item::new(&account.who, &id, medium, seen, now);
    (item.ready_ms, item.looks) = world.processing(Platform::Mastodon, seen.kind == "video");
    item.failure = call.fails_late("Validation failed: File could not be processed");
    // A picture is processed before the answer, unless something slows it down.
    let ready = item.processing(now) == Processing::Done;
    let body = entity(&call.host, &item, ready);
    world.stock.put(item);
    Ok(Reply::json(if ready { 200 } else { 202 }, &body))
}

/// One look at an attachment of one's own; `PUT` edits its description.
pub(super) fn one(world: &World, call: &Call, id: &str) -> Answer {
    if call.method == http::Method::PUT {
        return describe(world, call, id);
    }
    const RULE: Rule = Rule::get(&[], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, "write:media")?;
    let now = world.now();
    let fresh = |i: &Item| i.used.is_none() && now - i.created_ms < DAY_MS;
    world.stock.own(&account.who, id).filter(fresh).ok_or_else(not_found)?;
    let (item, state) = world.stock.look(Platform::Mastodon, id, now).ok_or_else(not_found)?;
    match state {
        Processing::Running => Ok(Reply::json(206, &entity(&call.host, &item, false))),
        Processing::Done => Ok(Reply::json(200, &entity(&call.host, &item, true))),
        Processing::Failed => Err(error(422, item.failure.as_deref().unwrap_or("Error processing media"))),
    }
}

fn describe(world: &World, call: &Call, id: &str) -> Answer {
    const FIELDS: &[&str] = &["description", "focus"];
    const RULE: Rule =
        Rule { method: "PUT", query: &[], body: Shape::FormOrJson(FIELDS), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, "write:media")?;
    world.stock.own(&account.who, id).filter(|i| i.used.is_none()).ok_or_else(not_found)?;
    let edit = |item: &mut Item| item.medium.alt = input.form.get("description").map(str::to_owned);
    let item = world.stock.change(Platform::Mastodon, id, edit).ok_or_else(not_found)?;
    Ok(Reply::json(200, &entity(&call.host, &item, item.processing(world.now()) == Processing::Done)))
}
