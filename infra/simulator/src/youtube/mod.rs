//! YouTube Data API v3 behind Google's OAuth.

mod comment;
mod login;
pub(crate) mod quota;
mod read;
mod reports;
mod upload;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::accounts::Account;
use crate::call::{Call, Reply, error_page};
use crate::law;
use crate::state::World;
use crate::strict::Breach;

pub(crate) use login::hand_over;

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let reply = match (call.host.as_str(), call.path.as_str()) {
        ("accounts.google.com", "/o/oauth2/v2/auth") => login::authorize(world, call),
        ("accounts.google.com", "/.well-known/openid-configuration") => login::discovery(world, call),
        ("accounts.google.com", _) => {
            Err(world.unexpected(call, "unknown path", error_page(404, "Error 404 (Not Found)", "That's an error.")))
        }
        ("oauth2.googleapis.com", "/token") => login::token(world, call),
        ("oauth2.googleapis.com", "/revoke") => login::revoke(world, call),
        ("oauth2.googleapis.com", "/tokeninfo") => login::tokeninfo(world, call),
        ("openidconnect.googleapis.com", "/v1/userinfo") => login::userinfo(world, call),
        ("www.googleapis.com" | "youtube.googleapis.com", "/youtube/v3/channels") => read::channels(world, call),
        ("www.googleapis.com" | "youtube.googleapis.com", "/youtube/v3/playlistItems") => {
            read::playlist_items(world, call)
        }
        ("www.googleapis.com" | "youtube.googleapis.com", "/youtube/v3/videos") => match call.method.as_str() {
            "DELETE" => comment::delete(world, call),
            _ => read::videos(world, call),
        },
        ("www.googleapis.com" | "youtube.googleapis.com", "/youtube/v3/commentThreads") => {
            comment::threads(world, call)
        }
        ("www.googleapis.com" | "youtube.googleapis.com", "/upload/youtube/v3/videos") => match call.method.as_str() {
            "PUT" => upload::put(world, call),
            _ => upload::open(world, call),
        },
        ("youtubeanalytics.googleapis.com", "/v2/reports") => reports::reports(world, call),
        ("www.googleapis.com" | "youtube.googleapis.com", "/upload/youtube/v3/thumbnails/set") => {
            upload::thumbnail(world, call)
        }
        _ => Err(world.unexpected(call, "unknown path", api_error(404, "notFound", "global", "Not Found", ""))),
    };
    reply.unwrap_or_else(|e| e)
}

/// The error shape of Google's APIs.
fn api_error(status: u16, reason: &str, domain: &str, message: &str, location: &str) -> Reply {
    let mut one = json!({"message": message, "domain": domain, "reason": reason});
    if !location.is_empty() {
        one["location"] = json!(location);
        one["locationType"] = json!(if location == "Authorization" { "header" } else { "parameter" });
    }
    let mut error = json!({"code": status, "message": message, "errors": [one]});
    let word = match (status, reason) {
        (400, _) => "INVALID_ARGUMENT",
        (401, _) => "UNAUTHENTICATED",
        (403, _) => "PERMISSION_DENIED",
        (404, _) => "NOT_FOUND",
        (429, _) => "RESOURCE_EXHAUSTED",
        (503, _) => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    error["status"] = json!(word);
    if reason == "insufficientPermissions" {
        error["details"] = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com", "metadata": {"service": "youtube.googleapis.com"}}]);
    }
    Reply::json(status, &json!({"error": error}))
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    let (status, reason) = match breach {
        Breach::Missing(_) => (400, "missingRequiredParameter"),
        Breach::Method => (404, "notFound"),
        _ => (400, "unexpectedParameter"),
    };
    world.unexpected(
        call,
        &breach.text(),
        api_error(status, reason, "youtube.parameter", &breach.text(), breach.name()),
    )
}

/// The daily quota when the wait is an hour or more, else the short-term limit. No header says when.
pub(crate) fn rate_limited(seconds: i64) -> Reply {
    if seconds >= 3600 {
        let text = "The request cannot be completed because you have exceeded your quota.";
        return api_error(403, "quotaExceeded", "youtube.quota", text, "");
    }
    api_error(403, "rateLimitExceeded", "usageLimits", "Rate limit exceeded.", "")
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        500.. => api_error(status, "backendError", "global", "Backend Error", ""),
        _ => api_error(status, "badRequest", "global", "Bad Request", ""),
    }
}

/// Three significant digits, as the public sees a subscriber count.
pub(crate) fn rounded(n: u64) -> u64 {
    let scale = 10_u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(2));
    n / scale * scale
}

fn video_key(account: &Account) -> u64 {
    law::hash(account.platform(), account.seed(), "video", 0) >> 24
}

/// What the ids of an account's videos lead back to.
pub(crate) fn video_prefix(account: &Account) -> String {
    format!("v:{:x}", video_key(account))
}

/// Eleven characters: forty bits of the channel and twenty-four of the index.
pub(crate) fn video_id(account: &Account, index: u32) -> String {
    URL_SAFE_NO_PAD.encode((video_key(account) << 24 | u64::from(index)).to_be_bytes())
}

/// The channel's key and the index of a video id.
fn video_of(id: &str) -> Option<(String, u32)> {
    let bytes: [u8; 8] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let value = u64::from_be_bytes(bytes);
    Some((format!("v:{:x}", value >> 24), u32::try_from(value & 0xff_ffff).ok()?))
}

/// Where a new video stands: id, address, no key. Its index lies behind those of the law.
pub(crate) fn new_place(world: &World, account: &Account) -> (String, String, Option<String>) {
    let index = 0x80_0000 | u32::try_from(world.judge.next() & 0x7f_ffff).unwrap_or(0);
    let id = video_id(account, index);
    let url = format!("https://www.youtube.com/watch?v={id}");
    (id, url, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriber_counts_keep_three_digits() {
        assert_eq!(rounded(123_456), 123_000);
        assert_eq!(rounded(999), 999);
        assert_eq!(rounded(0), 0);
        assert_eq!(rounded(1_009), 1_000);
    }

    #[test]
    fn a_video_id_has_eleven_characters_and_reads_back() {
        let id = URL_SAFE_NO_PAD.encode((0xab_cdef_0123_u64 << 24 | 7).to_be_bytes());
        assert_eq!(id.len(), 11);
        assert_eq!(video_of(&id), Some(("v:abcdef0123".to_owned(), 7)));
        assert_eq!(video_of("nonsense!"), None);
    }
}
