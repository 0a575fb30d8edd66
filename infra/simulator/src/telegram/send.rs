//! Sending and deleting messages.

use serde_json::{Value, json};

use super::chat::{brief, chat, may_post};
use super::entities::{Parsed, parse};
use super::files::{File, take};
use super::{Bot, address, bad, numbers, ok, params, rate_limited};
use crate::accounts::Account;
use crate::call::{Answer, Call, Pairs, Reply};
use crate::judge::{Publication, What};
use crate::state::{Platform, World, secret};

/// What every sending method takes.
const COMMON: [&str; 12] = [
    "chat_id",
    "parse_mode",
    "disable_notification",
    "protect_content",
    "message_thread_id",
    "reply_parameters",
    "reply_markup",
    "message_effect_id",
    "allow_paid_broadcast",
    "business_connection_id",
    "direct_messages_topic_id",
    "suggested_post_parameters",
];

/// The chat, if the bot may post there and is not too fast.
fn target(world: &World, call: &Call, bot: &Bot, p: &Pairs) -> Result<Account, Reply> {
    if p.text("chat_id").is_empty() {
        return Err(world.unexpected(call, "missing parameter chat_id", bad("chat_id is empty")));
    }
    let account = chat(world, call, p.text("chat_id"))?;
    may_post(world, bot, &account).map_err(|reply| world.refused(call, &account.who, None, "rights", reply))?;
    if world.settings.is(Platform::Telegram, "rates") {
        let taken = world.rates.take(&account.id(), "messages", 20, 60_000, world.now());
        taken.map_err(|ms| rate_limited(ms / 1000 + 1))?;
    }
    Ok(account)
}

fn words(world: &World, call: &Call, account: &Account, text: &str, mode: &str, most: usize) -> Result<Parsed, Reply> {
    let refuse = |why: &str| world.refused(call, &account.who, None, why, bad(why));
    let parsed = parse(text, mode).map_err(|why| refuse(&format!("can't parse entities: {why}")))?;
    if parsed.units() > most {
        return Err(refuse(if most == 4_096 { "message is too long" } else { "message caption is too long" }));
    }
    Ok(parsed)
}

/// The message that is answered, if one is.
fn reply_to(world: &World, call: &Call, account: &Account, p: &Pairs) -> Result<Option<String>, Reply> {
    let Some(text) = p.get("reply_parameters") else { return Ok(None) };
    let value: Value = serde_json::from_str(text).map_err(|_| bad("can't parse reply parameters JSON object"))?;
    let number = value["message_id"].as_u64().ok_or_else(|| bad("message_id is not specified"))?;
    let known = standing(world, account, number);
    if known.is_none() && value["allow_sending_without_reply"] != true {
        let reply = bad("message to be replied not found");
        return Err(world.refused(call, &account.who, None, "message to be replied not found", reply));
    }
    Ok(known.map(|p| p.id))
}

/// The publication that a message belongs to.
fn standing(world: &World, account: &Account, number: u64) -> Option<Publication> {
    let by_id = world.judge.by_id(Platform::Telegram, &format!("{}/{number}", account.id()));
    let mine = |p: &Publication| p.details["messageIds"].as_array().is_some_and(|ids| ids.contains(&json!(number)));
    by_id
        .filter(|p| p.deleted_ms.is_none() && (mine(p) || p.elsewhere))
        .or_else(|| world.judge.publications(|p| p.who == account.who && p.deleted_ms.is_none() && mine(p)).pop())
}

/// Puts messages on record; answers the number of the first.
fn record(world: &World, call: &Call, account: &Account, text: &str, files: &[File], reply: Option<String>) -> u64 {
    let count = files.len().max(1) as u64;
    let last = numbers(world, account, count);
    let first = last + 1 - count;
    let what = if reply.is_some() { What::Comment } else { What::Post };
    let mut made = Publication::new(&account.who, what, format!("{}/{first}", account.id()), text, world.now());
    made.url = address(account, first);
    made.media = files.iter().map(|f| f.medium.clone()).collect();
    made.reply_to = reply;
    made.details = json!({"messageIds": (first..=last).collect::<Vec<u64>>()});
    world.publish(call, made);
    first
}

fn message_json(world: &World, account: &Account, number: u64) -> Value {
    let chat = brief(account);
    json!({"message_id": number, "sender_chat": chat, "chat": chat, "date": world.now() / 1000})
}

pub(super) fn message(world: &World, call: &Call, bot: &Bot) -> Answer {
    let known: Vec<&str> = COMMON.into_iter().chain(["text", "entities", "link_preview_options"]).collect();
    let p = params(world, call, &known)?;
    let account = target(world, call, bot, &p)?;
    if p.text("text").trim().is_empty() {
        let reply = bad("message text is empty");
        return Err(world.refused(call, &account.who, None, "message text is empty", reply));
    }
    let parsed = words(world, call, &account, p.text("text"), p.text("parse_mode"), 4_096)?;
    let reply = reply_to(world, call, &account, &p)?;
    let number = record(world, call, &account, &parsed.text, &[], reply);
    let mut body = message_json(world, &account, number);
    body["text"] = json!(parsed.text);
    if !parsed.entities.is_empty() {
        body["entities"] = json!(parsed.entities);
    }
    ok(&body)
}

pub(super) fn one(world: &World, call: &Call, bot: &Bot, kind: &'static str) -> Answer {
    let known: Vec<&str> = COMMON
        .into_iter()
        .chain([kind, "caption", "caption_entities", "show_caption_above_media", "has_spoiler"])
        .chain(["duration", "width", "height", "thumbnail", "cover", "start_timestamp", "supports_streaming"])
        .chain(["disable_content_type_detection"])
        .collect();
    let p = params(world, call, &known)?;
    let account = target(world, call, bot, &p)?;
    let parsed = words(world, call, &account, p.text("caption"), p.text("parse_mode"), 1_024)?;
    let reply = reply_to(world, call, &account, &p)?;
    let file = take(world, call, &account, kind, p.get(kind))
        .map_err(|reply| world.refused(call, &account.who, None, "file", reply))?;
    let number = record(world, call, &account, &parsed.text, std::slice::from_ref(&file), reply);
    let mut body = message_json(world, &account, number);
    body[kind] = file.shown;
    caption(&mut body, &parsed);
    ok(&body)
}

fn caption(body: &mut Value, parsed: &Parsed) {
    if !parsed.text.is_empty() {
        body["caption"] = json!(parsed.text);
    }
    if !parsed.entities.is_empty() {
        body["caption_entities"] = json!(parsed.entities);
    }
}

pub(super) fn group(world: &World, call: &Call, bot: &Bot) -> Answer {
    const ITEM: [&str; 13] = [
        "type",
        "media",
        "caption",
        "parse_mode",
        "caption_entities",
        "show_caption_above_media",
        "has_spoiler",
        "width",
        "height",
        "duration",
        "supports_streaming",
        "thumbnail",
        "cover",
    ];
    let known: Vec<&str> =
        COMMON.into_iter().filter(|n| !matches!(*n, "parse_mode" | "reply_markup")).chain(["media"]).collect();
    let p = params(world, call, &known)?;
    let account = target(world, call, bot, &p)?;
    let refuse = |why: &str| world.refused(call, &account.who, None, why, bad(why));
    let list: Vec<Value> =
        serde_json::from_str(p.text("media")).map_err(|_| refuse("can't parse media JSON object"))?;
    if !(2..=10).contains(&list.len()) {
        return Err(refuse("group chat must have 2 to 10 media"));
    }
    let mut files = Vec::new();
    let mut captions = Vec::new();
    for item in &list {
        let members = item.as_object().ok_or_else(|| refuse("can't parse InputMedia"))?;
        if let Some(odd) = members.keys().find(|k| !ITEM.contains(&k.as_str())) {
            return Err(world.unexpected(call, &format!("unexpected member {odd}"), refuse("can't parse InputMedia")));
        }
        let text = |name: &str| item[name].as_str().unwrap_or("");
        let kind = match text("type") {
            known @ ("photo" | "video" | "document") => known,
            _ => return Err(refuse("unknown media type")),
        };
        captions.push(words(world, call, &account, text("caption"), text("parse_mode"), 1_024)?);
        files.push(
            take(world, call, &account, kind, Some(text("media")))
                .map_err(|reply| world.refused(call, &account.who, None, "file", reply))?,
        );
    }
    let documents = list.iter().filter(|i| i["type"] == "document").count();
    if documents != 0 && documents != list.len() {
        return Err(refuse("documents can't be mixed with other media types"));
    }
    let reply = reply_to(world, call, &account, &p)?;
    let text: String = captions.iter().map(|c| c.text.as_str()).find(|t| !t.is_empty()).unwrap_or("").to_owned();
    let first = record(world, call, &account, &text, &files, reply);
    let group = secret(17).bytes().map(|b| char::from(b'0' + b % 10)).collect::<String>();
    let rows = files.iter().zip(&captions).zip(&list).zip(first..).map(|(((file, words), item), number)| {
        let mut body = message_json(world, &account, number);
        body["media_group_id"] = json!(group);
        body[item["type"].as_str().unwrap_or("photo")] = file.shown.clone();
        caption(&mut body, words);
        body
    });
    ok(&Value::Array(rows.collect()))
}

pub(super) fn delete(world: &World, call: &Call, bot: &Bot) -> Answer {
    let p = params(world, call, &["chat_id", "message_id"])?;
    let account = chat(world, call, p.text("chat_id"))?;
    may_post(world, bot, &account)?;
    let number: u64 = p.text("message_id").parse().map_err(|_| bad("message identifier is not specified"))?;
    let known = standing(world, &account, number).ok_or_else(|| bad("message to delete not found"))?;
    let now = world.now();
    world.judge.change(known.n, |p| {
        let ids: Vec<Value> = p.details["messageIds"].as_array().cloned().unwrap_or_default();
        let left: Vec<Value> = ids.into_iter().filter(|id| *id != json!(number)).collect();
        // An album is gone with its last message.
        if left.is_empty() {
            p.deleted_ms = Some(now);
        }
        p.details["messageIds"] = json!(left);
    });
    ok(&json!(true))
}
