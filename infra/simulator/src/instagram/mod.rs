//! Instagram with Instagram Login: www (consent), api (code exchange), graph (everything else).

mod container;
mod insights;
mod login;
mod publish;
mod read;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::call::{Call, Reply, error_page};
use crate::control::HandOver;
use crate::law;
use crate::oauth::Kind;
use crate::state::{World, secret};
use crate::strict::Breach;

pub(crate) use login::hand_over_scopes;

/// What the ids of containers begin with; those of media begin with 18.
const CONTAINER: &str = "179";
/// Sixty days.
const LONG_S: i64 = 5_184_000;

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let reply = match (call.host.as_str(), call.path.as_str()) {
        ("www.instagram.com", "/oauth/authorize") => login::authorize(world, call),
        ("www.instagram.com", _) => {
            Err(world.unexpected(call, "unknown path", error_page(404, "Page not found", "Sorry.")))
        }
        ("api.instagram.com", "/oauth/access_token") => login::token(world, call),
        ("api.instagram.com", _) => {
            Err(world.unexpected(call, "unknown path", oauth_error(404, "Unsupported request")))
        }
        (_, "/access_token") => login::exchange(world, call),
        (_, "/refresh_access_token") => login::refresh(world, call),
        _ => read::route(world, call),
    };
    reply.unwrap_or_else(|e| e)
}

/// The Graph error shape.
pub(crate) fn graph_error(status: u16, code: i64, subcode: Option<i64>, message: &str) -> Reply {
    let kind = if matches!(code, 1 | 2 | 100 | 2500) { "IGApiException" } else { "OAuthException" };

    let mut error = json!({"message": message, "type": kind, "code": code, "fbtrace_id": format!("A{}", secret(22))});
    if let Some(subcode) = subcode {
        error["error_subcode"] = json!(subcode);
    }
    if matches!(code, 1 | 2) {
        error["is_transient"] = json!(true);
    }
    Reply::json(status, &json!({"error": error}))
}

/// The error shape of api.instagram.com.
fn oauth_error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"error_type": "OAuthException", "code": status, "error_message": message}))
}

/// What the Graph host says to a request that breaks the endpoint's rule.
fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    let reply = match breach {
        Breach::Missing(name) => graph_error(400, 100, None, &format!("(#100) The parameter {name} is required")),
        Breach::Method => {
            graph_error(400, 100, None, &format!("Unsupported {} request.", call.method.as_str().to_lowercase()))
        }
        other => graph_error(400, 100, None, &format!("(#100) Invalid parameter: {}", other.text())),
    };
    world.unexpected(call, &breach.text(), reply)
}

/// Call limits are stated in minutes, in a header, and have no Retry-After.
pub(crate) fn rate_limited(call: &Call, seconds: i64) -> Reply {
    if call.host != "graph.instagram.com" {
        return oauth_error(400, "Too many requests. Please try again later.");
    }
    let usage = json!({"17841400000000000": [{"type": "instagram", "call_count": 100, "total_cputime": 25, "total_time": 25,
        "estimated_time_to_regain_access": (seconds + 59) / 60}]});
    graph_error(
        400,
        80002,
        None,
        "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again.",
    )
    .with("x-business-use-case-usage", usage.to_string())
}

/// The day's posts are used up.
pub(crate) fn quota_exhausted() -> Reply {
    let text = "Application request limit reached: you reached maximum number of posts that is allowed to be published by Content Publishing API.";
    graph_error(400, 9, Some(2_207_042), text)
}

/// Where a new post stands: id, address, no key.
pub(crate) fn new_place(world: &World, account: &Account) -> (String, String, Option<String>) {
    let n = world.judge.next();
    // The law's media have five digits behind the prefix; these have six.
    let id = format!("{}{:06}", media_prefix(account), n);
    let code = law::base32(account.who.platform, account.seed(), &format!("made{n}"), 11);
    (id, format!("https://www.instagram.com/p/{code}/"), None)
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        500.. => graph_error(status, 2, None, "An unexpected error has occurred. Please retry your request later."),
        _ => graph_error(status, 100, None, "Invalid request."),
    }
}

/// Twelve digits that begin the ids of all of an account's media.
pub(crate) fn media_prefix(account: &Account) -> String {
    format!("18{:010}", law::digits(account.platform(), account.seed(), "media", 10))
}

/// Headers of a good Graph answer.
fn with_usage(reply: Reply, account: &Account) -> Reply {
    let usage: Value = json!({account.id(): [{"type": "instagram", "call_count": 1, "total_cputime": 1, "total_time": 1,
        "estimated_time_to_regain_access": 0}]});
    reply
        .with("facebook-api-version", "v26.0")
        .with("x-app-usage", r#"{"call_count":1,"total_time":1,"total_cputime":1}"#)
        .with("x-business-use-case-usage", usage.to_string())
}

/// A long-lived token of an account that consented elsewhere.
pub(crate) fn hand_over(world: &World, account: &Account, scopes: Option<Vec<String>>) -> HandOver {
    let scopes = hand_over_scopes(scopes);
    let now = world.now();
    let grant = world.oauth.open_grant(&account.who, &world.config.instagram.id, scopes.clone(), now, None);
    let access = new_token();
    world.oauth.issue(grant, Kind::Access, &access, now, Some(LONG_S));
    HandOver { access, refresh: None, expires_in_s: Some(LONG_S), scopes }
}

fn new_token() -> String {
    format!("IGAA{}", secret(140))
}
