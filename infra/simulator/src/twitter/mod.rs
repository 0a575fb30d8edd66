//! X, API v2.

mod login;
mod media;
mod publish;
mod read;
mod text;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::call::{Call, Reply, error_page};
use crate::law;
use crate::oauth::{Kind, TokenFault};
use crate::state::{Platform, World};
use crate::strict::Breach;

pub(crate) use login::hand_over;

const QUARTER_MS: i64 = 900_000;

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    if matches!(call.host.as_str(), "x.com" | "twitter.com") {
        let page = match call.path.as_str() {
            "/i/oauth2/authorize" => login::authorize(world, call),
            _ => Err(world.unexpected(call, "unknown path", error_page(404, "Page not found", "Sorry."))),
        };
        return page.unwrap_or_else(|e| e);
    }
    let segments = call.segments();
    let reply = match (call.method.as_str(), segments.as_slice()) {
        (_, ["2", "oauth2", "token"]) => login::token(world, call),
        (_, ["2", "oauth2", "revoke"]) => login::revoke(world, call),
        (_, ["oauth2", "token"]) => login::app_token(world, call),
        (_, ["2", "users", "me"]) => read::me(world, call),
        (_, ["2", "users", "by", "username", name]) => read::by_username(world, call, name),
        (_, ["2", "users", id]) => read::user(world, call, id),
        (_, ["2", "users", id, "tweets"]) => read::timeline(world, call, id),
        ("POST", ["2", "tweets"]) => publish::create(world, call),
        (_, ["2", "tweets"]) => read::posts(world, call),
        ("DELETE", ["2", "tweets", id]) => publish::delete(world, call, id),
        (_, ["2", "tweets", id]) => read::one(world, call, id),
        (_, ["2", "media", "upload", "initialize"]) => media::initialize(world, call),
        (_, ["2", "media", "upload", id, "append"]) => media::append(world, call, id),
        (_, ["2", "media", "upload", id, "finalize"]) => media::finalize(world, call, id),
        ("GET", ["2", "media", "upload"]) => media::status(world, call),
        (_, ["2", "media", "upload"]) => media::one_shot(world, call),
        (_, ["2", "media", "metadata"]) => media::metadata(world, call),
        _ => Err(world.unexpected(
            call,
            "unknown path",
            problem(404, "Not Found Error", "resource-not-found", "Not Found"),
        )),
    };
    limits(world, call, reply.unwrap_or_else(|e| e))
}

/// Problem JSON.
fn problem(status: u16, title: &str, kind: &str, detail: &str) -> Reply {
    let kind = match kind {
        "" => "about:blank".to_owned(),
        name => format!("https://api.twitter.com/2/problems/{name}"),
    };
    let mut reply = Reply::json(status, &json!({"title": title, "detail": detail, "type": kind, "status": status}));
    reply.headers[0].1 = "application/problem+json".to_owned();
    reply
}

fn forbidden(detail: &str) -> Reply {
    problem(403, "Forbidden", "", detail)
}

fn unauthorized() -> Reply {
    problem(401, "Unauthorized", "", "Unauthorized")
}

/// A request that the API does not understand.
fn invalid(message: &str, parameters: &Value) -> Reply {
    let body = json!({"errors": [{"message": message, "parameters": parameters}], "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request"});
    Reply::json(400, &body)
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    world.unexpected(call, &breach.text(), invalid(&breach.text(), &json!({breach.name(): []})))
}

pub(crate) fn rate_limited(world: &World, seconds: i64) -> Reply {
    problem(429, "Too Many Requests", "", "Too Many Requests")
        .with("x-rate-limit-limit", "100")
        .with("x-rate-limit-remaining", "0")
        .with("x-rate-limit-reset", (world.now() / 1000 + seconds).to_string())
}

pub(crate) fn no_credits() -> Reply {
    let text = "Your enrolled account [1700000000000000001] does not have any credits to fulfill this request.";
    let body = json!({"account_id": 1_700_000_000_000_000_001_u64, "title": "CreditsDepleted", "detail": text,
        "type": "https://api.twitter.com/2/problems/credits"});
    Reply::json(402, &body)
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        503 => problem(503, "Service Unavailable", "", "Service Unavailable"),
        500.. => {
            problem(status, "Internal Server Error", "", "Something is broken. This is usually a temporary error.")
        }
        403 => forbidden("You are not permitted to perform this action."),
        _ => {
            problem(status, "Invalid Request", "invalid-request", "One or more parameters to your request was invalid.")
        }
    }
}

/// Every answer of the API says what is left of the window.
fn limits(world: &World, call: &Call, reply: Reply) -> Reply {
    let known = reply.headers.iter().any(|(name, _)| name == "x-rate-limit-reset");
    if known || call.operation() == "token" {
        return reply;
    }
    let limit = if call.operation() == "submit" { 100 } else { 900 };
    let reset = (world.now() / QUARTER_MS + 1) * QUARTER_MS / 1000;
    reply
        .with("x-rate-limit-limit", limit.to_string())
        .with("x-rate-limit-remaining", (limit - 1).to_string())
        .with("x-rate-limit-reset", reset.to_string())
}

/// Who asks.
enum Caller {
    User(Account, Vec<String>),
    /// The app itself: it reads what is public.
    App,
}

impl Caller {
    fn owns(&self, account: &Account) -> bool {
        matches!(self, Self::User(me, _) if me.who == account.who)
    }
}

fn caller(world: &World, call: &Call) -> Result<Caller, Reply> {
    let Some(token) = call.credential("bearer") else {
        return Err(world.unexpected(call, "no bearer token", unauthorized()));
    };
    if token == login::app_bearer(world) {
        return Ok(Caller::App);
    }
    let found = world.oauth.check(token, &[Kind::Access], Platform::Twitter, world.now());
    let bearer = found.map_err(|fault| match fault {
        TokenFault::Unknown | TokenFault::Expired | TokenFault::Revoked | TokenFault::Rotated { .. } => unauthorized(),
    })?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.deleted {
        return Err(unauthorized());
    }
    if account.suspended {
        return Err(problem(
            403,
            "Forbidden",
            "user-suspended",
            "Your account is suspended and is not permitted to access this feature.",
        ));
    }
    let scopes = account.effective(&bearer.grant.scopes);
    Ok(Caller::User(account, scopes))
}

/// The signed-in account, if it may do all of this and there is credit left.
fn writer(world: &World, call: &Call, scopes: &[&str]) -> Result<Account, Reply> {
    match caller(world, call)? {
        Caller::App => {
            let text = "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.";
            let reply = problem(403, "Unsupported Authentication", "unsupported-authentication", text);
            Err(world.unexpected(call, "app-only token where a person is needed", reply))
        }
        Caller::User(_, held) if !scopes.iter().all(|s| held.iter().any(|h| h == s)) => {
            Err(forbidden("You are not permitted to perform this action."))
        }
        Caller::User(..) if world.settings.text(Platform::Twitter, "credits") == "none" => Err(no_credits()),
        Caller::User(account, _) => Ok(account),
    }
}

/// Whoever reads, if there is credit for reading.
fn reader(world: &World, call: &Call) -> Result<Caller, Reply> {
    let caller = caller(world, call)?;
    if let Caller::User(account, held) = &caller {
        if !["tweet.read", "users.read"].iter().all(|s| held.iter().any(|h| h == s)) {
            return Err(forbidden("You are not permitted to perform this action."));
        }
        // Some accounts never have credit for reading.
        if account.seed().starts_with("noreads") {
            return Err(no_credits());
        }
    }
    match world.settings.text(Platform::Twitter, "credits").as_str() {
        "all" => Ok(caller),
        _ => Err(no_credits()),
    }
}

/// Where a new post stands: id, address, no key.
pub(crate) fn new_place(world: &World, account: &Account, at_ms: i64) -> (String, String, Option<String>) {
    let id = law::snowflake(at_ms, world.judge.next()).to_string();
    let url = format!("https://x.com/{}/status/{id}", account.handle);
    (id, url, None)
}
