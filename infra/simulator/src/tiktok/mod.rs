//! TikTok for Developers: Login Kit v2 and the Display API v2.

mod login;
mod publish;
mod read;
mod upload;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::call::{Call, Reply, error_page};
use crate::law;
use crate::state::{World, secret};
use crate::strict::Breach;

pub(crate) use login::hand_over;

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let reply = match (call.host.as_str(), call.path.as_str()) {
        ("www.tiktok.com", "/v2/auth/authorize/") => login::authorize(world, call),
        ("www.tiktok.com", _) => {
            Err(world.unexpected(call, "unknown path", error_page(404, "Couldn't find this page", "Sorry.")))
        }
        ("open-upload.tiktokapis.com", _) => upload::put(world, call),
        (_, "/v2/post/publish/creator_info/query/") => publish::creator_info(world, call),
        (_, "/v2/post/publish/video/init/") => publish::video_init(world, call, false),
        (_, "/v2/post/publish/inbox/video/init/") => publish::video_init(world, call, true),
        (_, "/v2/post/publish/content/init/") => publish::photo_init(world, call),
        (_, "/v2/post/publish/status/fetch/") => publish::status(world, call),
        (_, "/v2/oauth/token/") => login::token(world, call),
        (_, "/v2/oauth/revoke/") => login::revoke(world, call),
        (_, "/v2/user/info/") => read::user_info(world, call),
        (_, "/v2/video/list/") => read::video_list(world, call),
        (_, "/v2/video/query/") => read::video_query(world, call),
        _ => Err(world.unexpected(call, "unknown path", api_error(404, "invalid_params", "Unsupported path"))),
    };
    reply.unwrap_or_else(|e| e)
}

fn log_id() -> String {
    format!("20261101{}", secret(26).to_uppercase())
}

/// The envelope of every API answer that went well.
fn envelope(data: &Value) -> Reply {
    Reply::json(200, &json!({"data": data, "error": {"code": "ok", "message": "", "log_id": log_id()}}))
}

/// The envelope of every API answer that did not.
fn api_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"data": {}, "error": {"code": code, "message": message, "log_id": log_id()}}))
}

/// The token endpoint's flat error, with HTTP 200 as it really comes.
fn oauth_error(error: &str, description: &str) -> Reply {
    Reply::json(200, &json!({"error": error, "error_description": description, "log_id": log_id()}))
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    world.unexpected(call, &breach.text(), api_error(400, "invalid_params", &breach.text()))
}

/// No Retry-After and no usage headers here.
pub(crate) fn rate_limited() -> Reply {
    api_error(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")
}

/// The creator's posts of the day are used up.
pub(crate) fn quota_exhausted() -> Reply {
    api_error(403, "spam_risk_too_many_posts", "Daily post cap from the API is reached for the current user.")
}

/// Where a new video stands: id, address, no key. The law's videos end in high numbers, these in low ones.
pub(crate) fn new_place(world: &World, account: &Account) -> (String, String, Option<String>) {
    let id = format!("{}{:06}", video_prefix(account), world.judge.next());
    let url = format!("https://www.tiktok.com/@{}/video/{id}", account.handle);
    (id, url, None)
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        500.. => api_error(status, "internal_error", "Internal error. Please try again later."),
        _ => api_error(status, "invalid_params", "Invalid request"),
    }
}

/// Thirteen digits that begin the ids of all of an account's videos.
pub(crate) fn video_prefix(account: &Account) -> String {
    format!("7{:012}", law::digits(account.platform(), account.seed(), "video", 12))
}
