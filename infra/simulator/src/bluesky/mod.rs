//! Bluesky: the PLC directory, handles, the public AppView, and one PDS that is also the
//! authorization server of its accounts.

mod blob;
mod cid;
mod dpop;
mod feed;
mod identity;
mod login;
mod record;
mod repo;
mod session;
mod video;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};

use serde_json::json;

use crate::accounts::Account;
use crate::call::{Call, Reply};
use crate::clock::SimClock;
use crate::memory::Memory;
use crate::state::{Platform, Who, World, lock, random};
use crate::strict::Breach;

pub(crate) use session::hand_over;

const PDS: &str = "pds.bsky.example";
const APP_VIEWS: [&str; 2] = ["public.api.bsky.app", "api.bsky.app"];

/// Whether the host belongs to Bluesky: a service, or a handle of the two common domains.
pub(crate) fn owns(host: &str) -> bool {
    APP_VIEWS.contains(&host)
        || matches!(host, "plc.directory" | "bsky.social" | "cdn.bsky.app" | PDS | video::HOST)
        || host.ends_with(".bsky.social")
        || host.ends_with(".bsky.example")
}

/// What the authorization server remembers besides codes and tokens.
#[derive(Debug)]
pub(crate) struct Desk {
    nonce_key: [u8; 32],
    jtis: Mutex<HashMap<String, i64>>,
    pushed: Mutex<HashMap<String, login::Pushed>>,
    confidential: Mutex<HashSet<u64>>,
    services: Mutex<HashMap<String, Service>>,
    memory: OnceLock<Memory>,
}

/// Whose service token, for which service and method, and until when.
type Service = (Who, String, String, i64);

impl Default for Desk {
    fn default() -> Self {
        Self {
            nonce_key: random(),
            jtis: Mutex::default(),
            pushed: Mutex::default(),
            confidential: Mutex::default(),
            services: Mutex::default(),
            memory: OnceLock::new(),
        }
    }
}

impl Desk {
    pub(crate) fn reset(&self) {
        lock(&self.jtis).clear();
        lock(&self.pushed).clear();
        lock(&self.confidential).clear();
        lock(&self.services).clear();
    }

    /// Writes down from now on which grants are a confidential app's.
    pub(crate) fn remember_in(&self, memory: &Memory) {
        let _ = self.memory.set(memory.clone());
    }

    /// Knows again that a grant is a confidential app's.
    pub(crate) fn recall_confidential(&self, grant: u64) {
        lock(&self.confidential).insert(grant);
    }

    fn is_confidential(&self, grant: u64) {
        if let Some(memory) = self.memory.get() {
            memory.note("confidential", &grant.to_string(), &grant);
        }
        self.recall_confidential(grant);
    }

    fn remember_service(&self, token: &str, who: &Who, aud: &str, lxm: &str, exp_ms: i64) {
        lock(&self.services).insert(token.to_owned(), (who.clone(), aud.to_owned(), lxm.to_owned(), exp_ms));
    }

    fn service(&self, token: &str) -> Option<Service> {
        lock(&self.services).get(token).cloned()
    }

    /// False when the id has been used before.
    fn first_use(&self, jti: String) -> bool {
        let mut seen = lock(&self.jtis);
        let now = SimClock::real_ms();
        if seen.len() > 20_000 {
            seen.retain(|_, at| now - *at < 600_000);
        }
        seen.insert(jti, now).is_none()
    }
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    if call.path == "/.well-known/atproto-did" {
        return identity::well_known(world, call).unwrap_or_else(|e| e);
    }
    let host = call.host.as_str();
    if host == "plc.directory" {
        return identity::plc(world, call).unwrap_or_else(|e| e);
    }
    let service = host == PDS || host == "bsky.social" || host == video::HOST || APP_VIEWS.contains(&host);
    let reply = match call.path.strip_prefix("/xrpc/") {
        Some(method) if service => xrpc(world, call, method),
        None if host == PDS => login::route(world, call),
        // Bluesky's own entryway: whoever names no account is sent to the server that its accounts live on.
        None if host == "bsky.social" && call.path == "/.well-known/oauth-protected-resource" => {
            login::route(world, call)
        }
        _ => Err(world.unexpected(call, "unknown path", Reply::plain(404, "Not Found"))),
    };
    decorate(world, call, reply.unwrap_or_else(|e| e))
}

fn xrpc(world: &World, call: &Call, method: &str) -> Result<Reply, Reply> {
    let app_view = APP_VIEWS.contains(&call.host.as_str());
    if call.host == video::HOST {
        return match method {
            "app.bsky.video.uploadVideo" => video::upload(world, call),
            "app.bsky.video.getJobStatus" => video::status(world, call),
            "app.bsky.video.getUploadLimits" => video::limits(world, call),
            _ => Err(world.unexpected(call, "unknown method", xrpc_error(404, "XRPCNotSupported", "XRPCNotSupported"))),
        };
    }
    match method {
        "com.atproto.identity.resolveHandle" => identity::resolve_handle(world, call),
        "app.bsky.actor.getProfile" => feed::profile(world, call),
        "app.bsky.actor.getProfiles" => feed::profiles(world, call),
        "app.bsky.feed.getAuthorFeed" => feed::author_feed(world, call),
        "app.bsky.feed.getPosts" => feed::posts(world, call),
        "com.atproto.server.createSession" if !app_view => session::create(world, call),
        "com.atproto.server.refreshSession" if !app_view => session::refresh(world, call),
        "com.atproto.server.deleteSession" if !app_view => session::delete(world, call),
        "com.atproto.server.getSession" if !app_view => session::get(world, call),
        "com.atproto.repo.listRecords" if call.host == PDS => feed::list_records(world, call),
        "com.atproto.repo.getRecord" if call.host == PDS => feed::get_record(world, call),
        "com.atproto.repo.uploadBlob" if call.host == PDS => blob::upload(world, call),
        "com.atproto.repo.putRecord" if call.host == PDS => repo::put(world, call),
        "com.atproto.repo.createRecord" if call.host == PDS => repo::create(world, call),
        "com.atproto.repo.deleteRecord" if call.host == PDS => repo::delete(world, call),
        "com.atproto.server.getServiceAuth" if call.host == PDS => repo::service_auth(world, call),
        _ => Err(world.unexpected(call, "unknown method", xrpc_error(404, "XRPCNotSupported", "XRPCNotSupported"))),
    }
}

fn xrpc_error(status: u16, error: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "message": message}))
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    let reply = match breach {
        Breach::MissingHeader(name) if name == "authorization" => {
            return xrpc_error(401, "AuthMissing", "Authentication Required");
        }
        Breach::Method => xrpc_error(405, "InvalidRequest", "Incorrect HTTP method"),
        Breach::Missing(name) => {
            xrpc_error(400, "InvalidRequest", &format!("Error: Params must have the property \"{name}\""))
        }
        other => xrpc_error(400, "InvalidRequest", &other.text()),
    };
    world.unexpected(call, &breach.text(), reply)
}

/// Rate-limit headers and the nonce of whichever server answered.
fn decorate(world: &World, call: &Call, mut reply: Reply) -> Reply {
    let xrpc = call.path.starts_with("/xrpc/");
    if xrpc && !reply.headers.iter().any(|(name, _)| name == "ratelimit-reset") {
        let reset = (world.now() / 300_000 + 1) * 300;
        reply = reply
            .with("ratelimit-limit", "3000")
            .with("ratelimit-remaining", "2999")
            .with("ratelimit-reset", reset.to_string())
            .with("ratelimit-policy", "3000;w=300");
    }
    match (xrpc, call.host == PDS) {
        (true, _) if call.credential("dpop").is_some() => {
            reply.with("dpop-nonce", dpop::nonce(world, dpop::Server::Resource))
        }
        (false, true) if call.path.starts_with("/oauth/") => {
            reply.with("dpop-nonce", dpop::nonce(world, dpop::Server::Authorization))
        }
        _ => reply,
    }
}

pub(crate) fn rate_limited(world: &World, seconds: i64) -> Reply {
    xrpc_error(429, "RateLimitExceeded", "Rate Limit Exceeded")
        .with("ratelimit-limit", "3000")
        .with("ratelimit-remaining", "0")
        .with("ratelimit-reset", (world.now() / 1000 + seconds).to_string())
        .with("ratelimit-policy", "3000;w=300")
        .with("retry-after", seconds.to_string())
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        502 => xrpc_error(502, "UpstreamFailure", "pipethrough network error"),
        504 => xrpc_error(504, "UpstreamTimeout", "upstream timeout"),
        500.. => xrpc_error(status, "InternalServerError", "Internal Server Error"),
        _ => xrpc_error(status, "InvalidRequest", "Invalid request"),
    }
}

/// The account behind a DID or a handle, deleted ones left out.
fn actor(world: &World, name: &str) -> Option<Account> {
    if name.starts_with("did:") {
        return world.accounts.by_id(Platform::Bluesky, name).filter(|a| !a.deleted);
    }
    world.accounts.find(Platform::Bluesky, name)
}

/// Where a post that the owner makes elsewhere stands: id, address and key.
pub(crate) fn new_place(world: &World, account: &Account, at_ms: i64) -> (String, String, Option<String>) {
    let rkey = crate::law::tid(at_ms, world.judge.next());
    let url = format!("https://bsky.app/profile/{}/post/{rkey}", account.handle);
    (repo::uri(account, &rkey), url, Some(rkey))
}
