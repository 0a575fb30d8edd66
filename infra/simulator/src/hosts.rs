//! Whose host a request is for, and how each platform speaks in general.

use crate::call::{Call, Reply};
use crate::state::{Platform, World, lock};
use crate::{bluesky, instagram, linkedin, mastodon, media, telegram, tiktok, twitter, youtube};

/// A 1×1 PNG: what every picture and thumbnail shows.
const PIXEL: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\x0bIDATx\xdac\xf8\x0f\x04\x00\x09\xfb\x03\xfdh\xfa\x1c\xcc\x00\x00\x00\x00IEND\xaeB`\x82";

/// Whose host this is. A host that nobody owns is a Mastodon instance.
pub(crate) fn platform_of(host: &str, path: &str) -> Option<Platform> {
    if path == "/.well-known/atproto-did" || bluesky::owns(host) {
        return Some(Platform::Bluesky);
    }
    match host {
        "www.instagram.com" | "api.instagram.com" | "graph.instagram.com" | "scontent.cdninstagram.com" => {
            Some(Platform::Instagram)
        }
        "www.tiktok.com" | "open.tiktokapis.com" | "open-upload.tiktokapis.com" | "p16-sign.tiktokcdn.com" => {
            Some(Platform::TikTok)
        }
        "accounts.google.com"
        | "oauth2.googleapis.com"
        | "www.googleapis.com"
        | "youtube.googleapis.com"
        | "youtubeanalytics.googleapis.com"
        | "openidconnect.googleapis.com"
        | "yt3.ggpht.com"
        | "i.ytimg.com" => Some(Platform::YouTube),
        "x.com" | "twitter.com" | "api.x.com" | "api.twitter.com" | "pbs.twimg.com" => Some(Platform::Twitter),
        "www.linkedin.com" | "api.linkedin.com" | "media.licdn.com" => Some(Platform::LinkedIn),
        "api.telegram.org" => Some(Platform::Telegram),
        _ if media::owns(host) => None,
        _ => host.contains('.').then_some(Platform::Mastodon),
    }
}

fn is_picture(host: &str) -> bool {
    matches!(
        host,
        "scontent.cdninstagram.com"
            | "p16-sign.tiktokcdn.com"
            | "yt3.ggpht.com"
            | "i.ytimg.com"
            | "cdn.bsky.app"
            | "pbs.twimg.com"
            | "media.licdn.com"
    ) || host.starts_with("files.")
}

/// Hands a request to the platform that owns its host.
pub(crate) fn dispatch(world: &World, call: &Call) -> Reply {
    if is_picture(&call.host) {
        return Reply::bytes("image/png", PIXEL);
    }
    if media::owns(&call.host) {
        return media::answer(world, call);
    }
    // Two requests with one key are one after the other, as behind the platforms' own locks.
    let one_by_one = matches!(call.operation(), "submit" | "comment" | "finish" | "delete");
    let _turn = one_by_one.then(|| lock(&world.turn));
    match call.platform {
        Some(Platform::Instagram) => instagram::answer(world, call),
        Some(Platform::TikTok) => tiktok::answer(world, call),
        Some(Platform::YouTube) => youtube::answer(world, call),
        Some(Platform::Mastodon) => mastodon::answer(world, call),
        Some(Platform::Bluesky) => bluesky::answer(world, call),
        Some(Platform::Twitter) => twitter::answer(world, call),
        Some(Platform::LinkedIn) => linkedin::answer(world, call),
        Some(Platform::Telegram) => telegram::answer(world, call),
        None => world.unexpected(call, "no such host", Reply::plain(404, "no such host")),
    }
}

pub(crate) fn rate_limited(world: &World, call: &Call, seconds: i64) -> Reply {
    match call.platform {
        Some(Platform::Instagram) => instagram::rate_limited(call, seconds),
        Some(Platform::TikTok) => tiktok::rate_limited(),
        Some(Platform::YouTube) => youtube::rate_limited(seconds),
        Some(Platform::Mastodon) => mastodon::rate_limited(world, seconds),
        Some(Platform::Bluesky) => bluesky::rate_limited(world, seconds),
        Some(Platform::Twitter) => twitter::rate_limited(world, seconds),
        Some(Platform::LinkedIn) => linkedin::rate_limited(),
        Some(Platform::Telegram) => telegram::rate_limited(seconds),
        None => Reply::plain(429, "too many requests").with("retry-after", seconds.to_string()),
    }
}

/// The platform's words for a used-up posting quota.
pub(crate) fn quota_exhausted(world: &World, call: &Call) -> Reply {
    match call.platform {
        Some(Platform::Instagram) => instagram::quota_exhausted(),
        Some(Platform::TikTok) => tiktok::quota_exhausted(),
        Some(Platform::YouTube) => youtube::rate_limited(86_400),
        Some(Platform::Mastodon) => mastodon::rate_limited(world, 3_600),
        Some(Platform::Bluesky) => bluesky::rate_limited(world, 3_600),
        Some(Platform::Twitter) => twitter::no_credits(),
        Some(Platform::LinkedIn) => linkedin::rate_limited(),
        Some(Platform::Telegram) => telegram::rate_limited(3_600),
        None => Reply::plain(429, "quota exhausted"),
    }
}

/// The platform's own words for a failure of its servers.
pub(crate) fn failure(call: &Call, status: u16) -> Reply {
    match call.platform {
        Some(Platform::Instagram) => instagram::failure(status),
        Some(Platform::TikTok) => tiktok::failure(status),
        Some(Platform::YouTube) => youtube::failure(status),
        Some(Platform::Mastodon) => mastodon::failure(status),
        Some(Platform::Bluesky) => bluesky::failure(status),
        Some(Platform::Twitter) => twitter::failure(status),
        Some(Platform::LinkedIn) => linkedin::failure(status),
        Some(Platform::Telegram) => telegram::failure(status),
        None => Reply::plain(status, "failure"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_their_platforms() {
        assert_eq!(platform_of("graph.instagram.com", "/me"), Some(Platform::Instagram));
        assert_eq!(platform_of("demo.bsky.social", "/"), Some(Platform::Bluesky));
        assert_eq!(platform_of("alice.example", "/.well-known/atproto-did"), Some(Platform::Bluesky));
        assert_eq!(platform_of("alice.example", "/api/v2/instance"), Some(Platform::Mastodon));
        assert_eq!(platform_of("api.twitter.com", "/2/tweets"), Some(Platform::Twitter));
        assert_eq!(platform_of("media.example", "/photo.jpg"), None);
        assert_eq!(platform_of("favicon", "/"), None);
    }
}
