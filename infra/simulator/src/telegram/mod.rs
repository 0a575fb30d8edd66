//! The Bot API of Telegram. A bot writes into channels and reads nothing back.

mod chat;
mod entities;
mod files;
mod send;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::call::{Answer, Call, Pairs, Reply};
use crate::control::HandOver;
use crate::law;
use crate::oauth::Kind;
use crate::state::{Platform, Who, World, secret};
use crate::strict::is_type;

/// A bot, and the one channel it was made for; the product's own bot is in all of them.
#[derive(Debug)]
struct Bot {
    id: i64,
    home: Option<Who>,
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    route(world, call).unwrap_or_else(|e| e)
}

fn route(world: &World, call: &Call) -> Answer {
    let segments = call.segments();
    let [bot, method] = segments.as_slice() else {
        return Err(world.unexpected(call, "unknown path", error(404, "Not Found")));
    };
    let token = bot.strip_prefix("bot").unwrap_or("");
    let bot = bot_of(world, call, token)?;
    if !matches!(call.method.as_str(), "GET" | "POST") {
        return Err(world.unexpected(call, "method not allowed here", error(405, "Method Not Allowed")));
    }
    match method.to_ascii_lowercase().as_str() {
        "getme" => chat::get_me(world, call, &bot),
        "getchat" => chat::get_chat(world, call, &bot),
        "getchatmember" => chat::get_member(world, call, &bot),
        "getchatmembercount" => chat::get_count(world, call, &bot),
        "sendmessage" => send::message(world, call, &bot),
        "sendphoto" => send::one(world, call, &bot, "photo"),
        "sendvideo" => send::one(world, call, &bot, "video"),
        "sendanimation" => send::one(world, call, &bot, "animation"),
        "senddocument" => send::one(world, call, &bot, "document"),
        "sendmediagroup" => send::group(world, call, &bot),
        "deletemessage" => send::delete(world, call, &bot),
        _ => Err(world.unexpected(call, "unknown method", error(404, "Not Found: method not found"))),
    }
}

fn bot_of(world: &World, call: &Call, token: &str) -> Result<Bot, Reply> {
    let (id, rest) = token.split_once(':').unwrap_or((token, ""));
    let formed = rest.len() == 35 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let id: Option<i64> = id.parse().ok().filter(|_| formed && (6..=12).contains(&id.len()));
    let Some(id) = id else {
        return Err(world.unexpected(call, "malformed bot token", error(404, "Not Found")));
    };
    if token == world.config.telegram_bot_token {
        return Ok(Bot { id, home: None });
    }
    let found = world.oauth.check(token, &[Kind::Access], Platform::Telegram, world.now());
    let bearer = found.map_err(|_| error(401, "Unauthorized"))?;
    Ok(Bot { id, home: Some(bearer.grant.who) })
}

/// Answers that went well.
fn ok(result: &Value) -> Answer {
    Ok(Reply::json(200, &json!({"ok": true, "result": result})))
}

fn error(status: u16, description: &str) -> Reply {
    Reply::json(status, &json!({"ok": false, "error_code": status, "description": description}))
}

fn bad(description: &str) -> Reply {
    error(400, &format!("Bad Request: {description}"))
}

pub(crate) fn rate_limited(seconds: i64) -> Reply {
    let body = json!({"ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
        "parameters": {"retry_after": seconds}});
    Reply::json(429, &body)
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        502 => error(502, "Bad Gateway"),
        500.. => error(status, "Internal Server Error"),
        _ => error(status, "Bad Request"),
    }
}

/// Parameters, wherever the Bot API lets them stand. Only `known` ones; values that are not text are JSON.
fn params(world: &World, call: &Call, known: &[&str]) -> Result<Pairs, Reply> {
    let unfit = |why: &str| world.unexpected(call, why, bad(why));
    let mut all = call.query.clone();
    if !call.payload.parts.is_empty() {
        let texts = call.payload.parts.iter().filter(|p| p.file_name.is_none());
        all.0.extend(texts.map(|p| (p.name.clone(), p.text())));
    } else if is_type(call, "application/json") {
        let json: Value = serde_json::from_slice(&call.body).map_err(|_| unfit("unreadable JSON"))?;
        for (name, value) in json.as_object().into_iter().flatten() {
            match value {
                Value::Null => {}
                Value::String(text) => all.0.push((name.clone(), text.clone())),
                other => all.0.push((name.clone(), other.to_string())),
            }
        }
    } else if is_type(call, "application/x-www-form-urlencoded") {
        all.0.extend(Pairs::parse(&call.body).0);
    } else if call.payload.digest.bytes > 0 {
        return Err(unfit("unreadable body"));
    }
    if let Some(odd) = all.keys().find(|k| !known.contains(k)) {
        return Err(unfit(&format!("unexpected parameter {odd}")));
    }
    Ok(all)
}

/// The token of a bot that the owner has made an administrator of the channel.
pub(crate) fn hand_over(world: &World, account: &Account) -> HandOver {
    let now = world.now();
    let scopes = vec!["can_post_messages".to_owned(), "can_delete_messages".to_owned()];
    let grant = world.oauth.open_grant(&account.who, "a bot", scopes.clone(), now, None);
    let access = format!("{}:AA{}", bot_id(account), secret(33));
    world.oauth.issue(grant, Kind::Access, &access, now, None);
    HandOver { access, refresh: None, expires_in_s: None, scopes }
}

fn bot_id(account: &Account) -> u64 {
    710_000_000 + law::digits(Platform::Telegram, account.seed(), "bot", 7)
}

/// The next messages of a chat: the number of the last of them.
fn numbers(world: &World, account: &Account, count: u64) -> u64 {
    let chat: i64 = account.id().parse().unwrap_or(0);
    world.ledger.add(Platform::Telegram, "messages", chat, count)
}

fn address(account: &Account, number: u64) -> String {
    if account.private() {
        let bare = account.id().trim_start_matches("-100").to_owned();
        return format!("https://t.me/c/{bare}/{number}");
    }
    format!("https://t.me/{}/{number}", account.handle)
}

/// Where a new message stands: id, address, no key. Message numbers are unique in their chat only.
pub(crate) fn new_place(world: &World, account: &Account) -> (String, String, Option<String>) {
    let number = numbers(world, account, 1);
    (format!("{}/{number}", account.id()), address(account, number), None)
}
