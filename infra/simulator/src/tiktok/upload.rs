//! The upload host: chunks in order, each named by its range.

use serde_json::json;

use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Outcome};
use crate::state::{Platform, World};
use crate::strict::{Rule, Shape};
use crate::uploads::{self, Session};

const HOUR_MS: i64 = 3_600_000;

fn error(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}

/// `bytes a-b/t`: first byte, byte after the last, total.
fn span(call: &Call) -> Option<(u64, u64, u64)> {
    let (span, total) = call.header("content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, total) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    let whole = first <= last && last < total && last - first + 1 == call.payload.digest.bytes;
    whole.then_some((first, last + 1, total))
}

/// Whether the span is one of the chunks that the init announced.
fn announced(session: &Session, first: u64, end: u64, total: u64) -> bool {
    let source = &session.meta["source_info"];
    let (size, count) = (source["chunk_size"].as_u64().unwrap_or(0), source["total_chunk_count"].as_u64().unwrap_or(0));
    let Some(index) = first.checked_div(size) else { return false };
    let last = index + 1 == count;
    session.total == Some(total)
        && first == index * size
        && index < count
        && end == if last { total } else { first + size }
}

pub(super) fn put(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "PUT",
        query: &["upload_id!", "upload_token!"],
        body: Shape::Bytes,
        headers: &["content-range!"],
    };
    let bad = |status: u16, why: &str| world.unexpected(call, why, error(status, why));
    RULE.read(call).map_err(|b| bad(400, &b.text()))?;
    let name = call.query.text("upload_id");
    let known = world.sessions.get(name).filter(|s| s.who.platform == Platform::TikTok);
    let known = known.ok_or_else(|| error(404, "upload not found"))?;
    call.about(&world.accounts.get(&known.who).handle);
    if known.meta["upload_token"] != call.query.text("upload_token") {
        return Err(bad(403, "upload_token"));
    }
    if world.now() - known.started_ms >= HOUR_MS {
        return Err(error(403, "upload url expired"));
    }
    if !matches!(call.header("content-type"), Some("video/mp4" | "video/quicktime" | "video/webm")) {
        return Err(bad(400, "Content-Type of a video"));
    }
    let (first, end, total) = span(call).ok_or_else(|| bad(400, "Content-Range does not fit the body"))?;
    let range = format!("bytes {first}-{}/{total}", end - 1);
    if !announced(&known, first, end, total) {
        return Err(bad(416, "not one of the announced chunks"));
    }
    let status = if end == total { 201 } else { 206 };
    let done = || Ok(Reply::empty(status).with("content-range", range.clone()));
    // The same chunk again changes nothing.
    if known.spans.contains(&(first, end)) {
        if let Some(made) = known.made.and_then(|n| world.judge.get(n)).filter(|_| status == 201) {
            world.repeated(call, &made, Outcome::Repeated, Some("the upload is complete"));
        }
        return done();
    }
    if first != known.digest.bytes {
        return Err(bad(416, "chunks come in order"));
    }
    let Some(taken) = uploads::take(world, call, name, (first, end)) else {
        return Err(error(416, "another request sends this chunk"));
    };
    if status == 201 {
        finish(world, call, name, &taken);
    }
    done()
}

fn finish(world: &World, call: &Call, name: &str, session: &Session) {
    let account = world.accounts.get(&session.who);
    let seen = session.seen();
    let now = world.now();
    let mut made = super::publish::begin(world, call, &account, &session.meta, &session.id);
    made.media = vec![Medium {
        id: session.id.clone(),
        content_type: seen.content_type.to_owned(),
        bytes: session.digest.bytes,
        sha256: Some(session.digest.hex()),
        ..Medium::default()
    }];
    made.visible_ms = made.visible_ms.max(now + session.lag_ms);
    let unfit = (seen.kind != "video").then(|| "file_format_check_failed".to_owned());
    made.failure = unfit.or_else(|| call.fails_late("internal")).or_else(|| session.fails.clone());
    let made = world.publish(call, made);
    world.sessions.change(name, |s| s.made = Some(made.n));
}
