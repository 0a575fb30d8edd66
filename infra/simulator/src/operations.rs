//! What kind of work a request is, so that a fault can name it on every platform alike.

use serde_json::Value;

use crate::call::{Call, Pairs};
use crate::state::Platform;

/// Every operation that a fault order may name.
pub(crate) const ALL: [&str; 13] = [
    "submit", "comment", "init", "upload", "finish", "status", "limits", "delete", "read", "profile", "token", "media",
    "other",
];

pub(crate) fn operation(call: &Call) -> &'static str {
    if crate::media::owns(&call.host) {
        return "media";
    }
    let segments = call.segments();
    match call.platform {
        Some(Platform::Instagram) => instagram(call, &segments),
        Some(Platform::TikTok) => tiktok(call),
        Some(Platform::YouTube) => youtube(call),
        Some(Platform::Mastodon) => mastodon(call, &segments),
        Some(Platform::Bluesky) => bluesky(call),
        Some(Platform::Twitter) => twitter(call, &segments),
        Some(Platform::LinkedIn) => linkedin(call, &segments),
        Some(Platform::Telegram) => telegram(call, &segments),
        None => "other",
    }
}

fn instagram(call: &Call, segments: &[&str]) -> &'static str {
    let segments = match segments {
        [version, rest @ ..] if version.starts_with('v') && version.ends_with(".0") => rest,
        all => all,
    };
    match (call.method.as_str(), segments) {
        (_, ["access_token" | "refresh_access_token"] | ["oauth", "access_token"]) => "token",
        ("POST", [_, "media"]) => "init",
        ("POST", [_, "media_publish"]) => "submit",
        ("POST", [_, "comments"]) => "comment",
        (_, [_, "content_publishing_limit"]) => "limits",
        ("DELETE", [_]) => "delete",
        ("GET", [node]) if node.starts_with("179") => "status",
        ("GET", [node]) if node.starts_with("18") => "read",
        ("GET", [_]) => "profile",
        ("GET", [_, _]) => "read",
        _ => "other",
    }
}

fn tiktok(call: &Call) -> &'static str {
    if call.host == "open-upload.tiktokapis.com" {
        return last_chunk(call);
    }
    match call.path.as_str() {
        "/v2/oauth/token/" | "/v2/oauth/revoke/" => "token",
        "/v2/post/publish/creator_info/query/" => "limits",
        "/v2/post/publish/status/fetch/" => "status",
        path if path.starts_with("/v2/post/publish/") => {
            if call.json()["source_info"]["source"] == "PULL_FROM_URL" {
                "submit"
            } else {
                "init"
            }
        }
        "/v2/user/info/" => "profile",
        "/v2/video/list/" | "/v2/video/query/" => "read",
        _ => "other",
    }
}

/// `bytes 0-9/10`: whether the last byte is in it.
fn last_chunk(call: &Call) -> &'static str {
    let Some(range) = call.header("content-range").and_then(|r| r.strip_prefix("bytes ")) else { return "submit" };
    match range.split_once('/') {
        Some(("*", _)) => "status",
        Some((span, total)) => {
            let last = span.split_once('-').and_then(|(_, last)| last.parse::<u64>().ok());
            if last.zip(total.parse::<u64>().ok()).is_some_and(|(last, total)| last + 1 == total) {
                "submit"
            } else {
                "upload"
            }
        }
        None => "upload",
    }
}

fn youtube(call: &Call) -> &'static str {
    match (call.method.as_str(), call.path.as_str()) {
        (_, "/token" | "/revoke") => "token",
        ("POST", "/upload/youtube/v3/videos") => "init",
        ("PUT", "/upload/youtube/v3/videos") => last_chunk(call),
        ("POST", "/upload/youtube/v3/thumbnails/set") => "upload",
        ("DELETE", "/youtube/v3/videos") => "delete",
        ("GET", "/youtube/v3/videos") if call.query.text("part").contains("processingDetails") => "status",
        ("GET", "/youtube/v3/channels") => "profile",
        ("POST", "/youtube/v3/commentThreads") => "comment",
        ("GET", _) => "read",
        _ => "other",
    }
}

fn mastodon(call: &Call, segments: &[&str]) -> &'static str {
    match (call.method.as_str(), segments) {
        (_, ["oauth", "token" | "revoke"]) => "token",
        ("POST", ["api", _, "media"]) => "upload",
        ("GET", ["api", _, "media", _]) => "status",
        ("POST", ["api", _, "statuses"]) => {
            let json = call.json();
            let reply = json["in_reply_to_id"].is_string() || Pairs::parse(&call.body).get("in_reply_to_id").is_some();
            if reply { "comment" } else { "submit" }
        }
        ("DELETE", ["api", _, "statuses", _]) => "delete",
        ("GET", ["api", _, "instance"]) => "limits",
        ("GET", ["api", _, "accounts", _, "statuses"] | ["api", _, "statuses", ..]) => "read",
        ("GET", ["api", _, "accounts", ..]) => "profile",
        _ => "other",
    }
}

fn bluesky(call: &Call) -> &'static str {
    let Some(method) = call.path.strip_prefix("/xrpc/") else {
        return if call.path.starts_with("/oauth/") && call.path != "/oauth/authorize" { "token" } else { "other" };
    };
    match method {
        "com.atproto.repo.uploadBlob" | "app.bsky.video.uploadVideo" => "upload",
        "app.bsky.video.getJobStatus" => "status",
        "app.bsky.video.getUploadLimits" => "limits",
        "com.atproto.repo.putRecord" | "com.atproto.repo.createRecord" => {
            if call.json()["record"]["reply"].is_object() { "comment" } else { "submit" }
        }
        "com.atproto.repo.deleteRecord" => "delete",
        "com.atproto.repo.getRecord"
        | "com.atproto.repo.listRecords"
        | "app.bsky.feed.getPosts"
        | "app.bsky.feed.getAuthorFeed" => "read",
        "app.bsky.actor.getProfile" | "app.bsky.actor.getProfiles" => "profile",
        name if name.starts_with("com.atproto.server.") => "token",
        _ => "other",
    }
}

fn twitter(call: &Call, segments: &[&str]) -> &'static str {
    match (call.method.as_str(), segments) {
        (_, ["2", "oauth2", ..] | ["oauth2", ..]) => "token",
        ("POST", ["2", "tweets"]) => {
            if call.json()["reply"].is_object() {
                "comment"
            } else {
                "submit"
            }
        }
        ("DELETE", ["2", "tweets", _]) => "delete",
        ("POST", ["2", "media", "upload", "initialize"]) => "init",
        ("POST", ["2", "media", "upload"] | ["2", "media", "upload", _, "append"]) => "upload",
        ("POST", ["2", "media", "upload", _, "finalize"]) => "finish",
        ("GET", ["2", "media", "upload"]) => "status",
        ("GET", ["2", "users", _, "tweets"] | ["2", "tweets", ..]) => "read",
        ("GET", ["2", "users", ..]) => "profile",
        _ => "other",
    }
}

fn linkedin(call: &Call, segments: &[&str]) -> &'static str {
    match (call.method.as_str(), segments) {
        (_, ["oauth", "v2", ..]) => "token",
        ("POST", ["rest", "posts"]) => "submit",
        ("POST", ["rest", "socialActions", _, "comments"]) => "comment",
        ("POST", ["rest", "images" | "videos" | "documents"]) => {
            if call.query.text("action") == "finalizeUpload" {
                "finish"
            } else {
                "init"
            }
        }
        ("PUT", ["dms-uploads", ..]) => "upload",
        ("GET", ["rest", "images" | "videos" | "documents", _]) => "status",
        ("DELETE", ["rest", "posts", _]) => "delete",
        ("GET", ["rest", "posts", ..] | ["rest", "socialActions", ..]) => "read",
        ("GET", ["v2" | "rest", ..]) => "profile",
        _ => "other",
    }
}

fn telegram(call: &Call, segments: &[&str]) -> &'static str {
    let [_, method] = segments else { return "other" };
    let replies = || {
        let json = call.json();
        json["reply_parameters"].is_object()
            || matches!(&json["reply_parameters"], Value::String(_))
            || call.payload.parts.iter().any(|p| p.name == "reply_parameters")
            || call.query.get("reply_parameters").is_some()
            || Pairs::parse(&call.body).get("reply_parameters").is_some()
    };
    match method.to_ascii_lowercase().as_str() {
        "deletemessage" => "delete",
        "getme" | "getchat" | "getchatmember" | "getchatmembercount" => "profile",
        name if name.starts_with("send") => {
            if replies() {
                "comment"
            } else {
                "submit"
            }
        }
        _ => "other",
    }
}
