//! Mastodon 4.5: every host that belongs to nobody else is an instance.

mod login;
mod media;
mod publish;
mod read;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::accounts::Account;
use crate::call::{Call, Reply};
use crate::clock::iso_ms;
use crate::law;
use crate::memory::Memory;
use crate::state::{World, lock};
use crate::strict::Breach;

pub(crate) use login::hand_over;

/// An app that registered itself on one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct App {
    host: String,
    name: String,
    secret: String,
    scopes: Vec<String>,
    redirect_uris: Vec<String>,
}

/// All registered apps, by client id.
#[derive(Debug, Default)]
pub(crate) struct Apps(Mutex<HashMap<String, App>>, OnceLock<Memory>);

impl Apps {
    fn get(&self, host: &str, client_id: &str) -> Option<App> {
        lock(&self.0).get(client_id).filter(|app| app.host == host).cloned()
    }

    fn add(&self, client_id: &str, app: App) {
        if let Some(memory) = self.1.get() {
            memory.note("app", client_id, &app);
        }
        lock(&self.0).insert(client_id.to_owned(), app);
    }

    /// Writes down from now on which apps register.
    pub(crate) fn remember_in(&self, memory: &Memory) {
        let _ = self.1.set(memory.clone());
    }

    /// Knows an app of an earlier start again.
    pub(crate) fn recall(&self, client_id: &str, app: App) {
        lock(&self.0).insert(client_id.to_owned(), app);
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        lock(&self.0).values().map(|app| app.secret.clone()).collect()
    }

    pub(crate) fn reset(&self) {
        lock(&self.0).clear();
    }
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let host = call.host.as_str();
    // Nobody lives at a host that begins with `missing`; one that begins with `alias.` only points on.
    if host.starts_with("missing") {
        return Reply::html(404, "<html><head><title>404 Not Found</title></head></html>".to_owned());
    }
    let segments = call.segments();
    if host.starts_with("alias.") && segments != [".well-known", "webfinger"] {
        return Reply::html(404, "<html><head><title>404 Not Found</title></head></html>".to_owned());
    }
    let reply = match segments.as_slice() {
        ["api", "v1", "apps"] => login::register(world, call),
        [".well-known", "oauth-authorization-server"] => login::discovery(world, call),
        ["oauth", "authorize"] => login::authorize(world, call),
        ["oauth", "token"] => login::token(world, call),
        ["oauth", "revoke"] => login::revoke(world, call),
        [".well-known", "webfinger"] => read::webfinger(world, call),
        ["api", version @ ("v1" | "v2"), "instance"] => read::instance(world, call, version),
        ["api", "v1", "accounts", "verify_credentials"] => read::verify_credentials(world, call),
        ["api", "v1", "accounts", "lookup"] => read::lookup(world, call),
        ["api", "v1", "accounts", id] => read::account(world, call, id),
        ["api", "v1", "accounts", id, "statuses"] => read::statuses(world, call, id),
        ["api", "v1", "statuses"] if call.method == http::Method::POST => publish::create(world, call),
        ["api", "v1", "statuses"] => read::statuses_by_id(world, call),
        ["api", "v1", "statuses", id] if call.method == http::Method::DELETE => publish::delete(world, call, id),
        ["api", "v1", "statuses", id] => read::status(world, call, id),
        ["api", "v1", "statuses", id, "context"] => read::context(world, call, id),
        ["api", "v2", "media"] => media::upload(world, call),
        ["api", "v1", "media", id] => media::one(world, call, id),
        _ => Err(world.unexpected(call, "unknown path", not_found())),
    };
    limits(world, call, reply.unwrap_or_else(|e| e))
}

fn error(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}

fn not_found() -> Reply {
    error(404, "Record not found")
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    let reply = match breach {
        Breach::Method => not_found(),
        other => error(422, &format!("Validation failed: {}", other.text())),
    };
    world.unexpected(call, &breach.text(), reply)
}

/// Five minutes hold 300 requests; the headers say when the window ends.
fn limits(world: &World, call: &Call, reply: Reply) -> Reply {
    if !call.path.starts_with("/api/") || reply.headers.iter().any(|(name, _)| name == "x-ratelimit-reset") {
        return reply;
    }
    let window = 300_000;
    let reset = (world.now() / window + 1) * window;
    reply.with("x-ratelimit-limit", "300").with("x-ratelimit-remaining", "299").with("x-ratelimit-reset", iso_ms(reset))
}

pub(crate) fn rate_limited(world: &World, seconds: i64) -> Reply {
    error(429, "Too many requests")
        .with("x-ratelimit-limit", "300")
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", iso_ms(world.now() + seconds * 1000))
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        503 => error(503, "There was a temporary problem serving your request, please try again"),
        500.. => Reply::html(
            status,
            "<html><body><h1>We're sorry, but something went wrong on our end.</h1></body></html>".to_owned(),
        ),
        _ => error(status, "This action is not allowed"),
    }
}

/// Milliseconds in the high bits, a little of the account in the low sixteen: ids sort by time.
pub(crate) fn status_id(account: &Account, ms: i64) -> String {
    let low = law::hash(account.platform(), account.seed(), "status", 0) & 0xffff;
    (ms.unsigned_abs() << 16 | low).to_string()
}

/// The time inside a status id.
fn id_ms(id: &str) -> Option<i64> {
    i64::try_from(id.parse::<u64>().ok()? >> 16).ok()
}

/// Where a new status stands: id, address, no key.
pub(crate) fn new_place(world: &World, account: &Account, at_ms: i64) -> (String, String, Option<String>) {
    let id = publish::new_id(world, account, at_ms);
    let url = format!("https://{}/@{}/{id}", account.instance(), account.local());
    (id, url, None)
}
