//! Resumable uploads: the session is the key, and the video exists only after its last byte.

use serde_json::{Value, json};

use super::{api_error, breach, quota};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Outcome, Publication, What};
use crate::media::sniff::sniff;
use crate::payload::BLOCK;
use crate::state::{Platform, World, secret};
use crate::strict::{Breach, Rule, Shape, check_members};
use crate::uploads::{self, Session};

const WEEK_MS: i64 = 7 * 86_400_000;
const MOST: u64 = 274_877_906_944;

fn invalid(reason: &str, text: &str) -> Reply {
    api_error(400, reason, "youtube.video", text, "")
}

/// Opens a session.
pub(super) fn open(world: &World, call: &Call) -> Answer {
    const HEADERS: &[&str] = &["authorization!", "x-upload-content-length", "x-upload-content-type"];
    const RULE: Rule = Rule {
        method: "POST",
        query: &["uploadType!", "part!", "notifySubscribers", "key", "alt"],
        body: Shape::Json(&["snippet", "status", "recordingDetails", "localizations"]),
        headers: HEADERS,
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let q = &call.query;
    if q.text("uploadType") != "resumable" {
        return Err(breach(world, call, &Breach::Unknown(format!("uploadType: {}", q.text("uploadType")))));
    }
    let account = super::read::writer(world, call, &["youtube.upload", "youtube", "youtube.force-ssl"])?;
    if call.quota_exhausted() {
        return Err(super::rate_limited(86_400));
    }
    if account.seed().starts_with("nochannel") {
        return Err(api_error(401, "youtubeSignupRequired", "youtube.header", "Unauthorized", "Authorization"));
    }
    check_video(world, call, &input.json)?;
    if world.settings.number(Platform::YouTube, "dailyUploads").is_some_and(|most| quota::inserts(world) >= most) {
        return Err(super::rate_limited(86_400));
    }
    quota::insert(world);
    let total = match call.header("x-upload-content-length").map(str::parse::<u64>) {
        None => None,
        Some(Ok(n)) if n <= MOST => Some(n),
        Some(_) => return Err(breach(world, call, &Breach::Header("x-upload-content-length".to_owned()))),
    };
    if let Some(kind) = call.header("x-upload-content-type")
        && !kind.starts_with("video/")
        && kind != "application/octet-stream"
    {
        return Err(invalid("invalidFilename", "Media type is not supported"));
    }
    let name = secret(64);
    let mut session = Session::new(&account.who, &name, total, input.json, world.now());
    session.fails = call.fails_late("conversion");
    session.lag_ms = world.visible_ms(Platform::YouTube, call) - world.now();
    world.sessions.open(&name, session);
    let mut at = url::form_urlencoded::Serializer::new(String::new());
    at.extend_pairs(q.0.iter().filter(|(k, _)| k != "key")).append_pair("upload_id", &name);
    Ok(Reply::empty(200)
        .with("location", format!("https://{}{}?{}", call.host, call.path, at.finish()))
        .with("x-guploader-uploadid", name)
        .with("content-length", "0"))
}

fn check_video(world: &World, call: &Call, video: &Value) -> Result<(), Reply> {
    const SNIPPET: &[&str] = &["title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage"];
    const STATUS: &[&str] = &[
        "privacyStatus",
        "publishAt",
        "selfDeclaredMadeForKids",
        "containsSyntheticMedia",
        "embeddable",
        "license",
        "publicStatsViewable",
    ];
    let parts: Vec<&str> = call.query.text("part").split(',').map(str::trim).collect();
    let members = video.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    if let Some(odd) = members.iter().find(|m| !parts.contains(&m.as_str())) {
        return Err(breach(world, call, &Breach::Unknown(format!("{odd}: not among the parts"))));
    }
    check_members(&video["snippet"], "snippet", SNIPPET).map_err(|b| breach(world, call, &b))?;
    check_members(&video["status"], "status", STATUS).map_err(|b| breach(world, call, &b))?;
    let snippet = &video["snippet"];
    let title = snippet["title"].as_str().unwrap_or("");
    if title.is_empty() || title.chars().count() > 100 || title.contains(['<', '>']) {
        return Err(invalid("invalidTitle", "The request metadata specifies an invalid or empty video title."));
    }
    let description = snippet["description"].as_str().unwrap_or("");
    if description.len() > 5_000 || description.contains(['<', '>']) {
        return Err(invalid("invalidDescription", "The request metadata specifies an invalid video description."));
    }
    let tags: Vec<&str> = snippet["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // A tag with a space is counted with quotes around it, and commas stand between tags.
    let length: usize = tags.iter().map(|t| t.chars().count() + if t.contains(' ') { 2 } else { 0 }).sum();
    if length + tags.len().saturating_sub(1) > 500 || tags.iter().any(|t| t.contains(['<', '>'])) {
        return Err(invalid("invalidTags", "The request metadata specifies invalid video keywords."));
    }
    if snippet.get("categoryId").is_some_and(|c| c.as_str().is_none_or(|c| c.parse::<u32>().is_err())) {
        return Err(invalid("invalidCategoryId", "The snippet.categoryId property specifies an invalid category ID."));
    }
    let status = &video["status"];
    match status["privacyStatus"].as_str() {
        Some("private" | "unlisted" | "public") => {}
        // Without it the video is public, which nobody should find out afterwards.
        None => {
            let reply = invalid("invalidVideoMetadata", "privacyStatus is missing");
            return Err(world.unexpected(call, "no privacyStatus", reply));
        }
        Some(_) => return Err(invalid("invalidVideoMetadata", "The privacyStatus is invalid.")),
    }
    if let Some(at) = status["publishAt"].as_str() {
        let private = status["privacyStatus"] == "private";
        if !private || crate::clock::parse_iso(at).is_none_or(|ms| ms <= world.now()) {
            return Err(invalid(
                "invalidPublishAt",
                "The request metadata specifies an invalid scheduled publishing time.",
            ));
        }
    }
    Ok(())
}

fn session(world: &World, call: &Call) -> Result<(Session, Account), Reply> {
    let gone = || Reply::plain(404, "Not Found");
    let known = world.sessions.get(call.query.text("upload_id")).filter(|s| s.who.platform == Platform::YouTube);
    let known = known.ok_or_else(gone)?;
    if world.now() - known.started_ms >= WEEK_MS {
        return Err(gone());
    }
    let account = world.accounts.get(&known.who);
    call.about(&account.handle);
    // The address is enough; a token that is sent along has to be good.
    if call.headers.contains_key("authorization") {
        let who = super::read::writer(world, call, &["youtube.upload", "youtube", "youtube.force-ssl"])?.who;
        if who != known.who {
            return Err(api_error(403, "forbidden", "global", "Forbidden", ""));
        }
    }
    Ok((known, account))
}

/// 308 with what is stored; no header when nothing is.
fn so_far(stored: u64) -> Reply {
    let reply = Reply::empty(308).with("content-length", "0");
    if stored == 0 { reply } else { reply.with("range", format!("bytes=0-{}", stored - 1)) }
}

/// `bytes a-b/t`, or the whole body: first byte, byte after the last, total.
fn span(call: &Call) -> Option<(u64, u64, u64)> {
    let length = call.payload.digest.bytes;
    let Some(range) = call.header("content-range") else { return Some((0, length, length)) };
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, total) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    (first <= last && last < total && last - first + 1 == length).then_some((first, last + 1, total))
}

pub(super) fn put(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "PUT",
        query: &["uploadType", "part", "notifySubscribers", "alt", "upload_id!"],
        body: Shape::Bytes,
        headers: &["authorization", "content-range"],
    };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (known, account) = session(world, call)?;
    let finished = |n: u64| {
        let made = world.judge.get(n).ok_or_else(|| Reply::plain(404, "Not Found"))?;
        if call.operation() == "submit" {
            world.repeated(call, &made, Outcome::Repeated, Some("the session is complete"));
        }
        Ok(Reply::json(200, &super::read::made_video(world, &account, &made)))
    };
    if let Some(n) = known.made {
        return finished(n);
    }
    if call.header("content-range").is_some_and(|r| r.starts_with("bytes */")) {
        return Ok(so_far(known.digest.bytes));
    }
    let bad = |why: &str| world.unexpected(call, why, Reply::plain(400, why));
    let (first, end, total) = span(call).ok_or_else(|| bad("Content-Range does not fit the body"))?;
    if known.total.is_some_and(|t| t != total) {
        return Err(bad("the total is not the announced one"));
    }
    if total == 0 {
        return Err(invalid("mediaBodyRequired", "The request does not include the video content."));
    }
    if end != total && !(end - first).is_multiple_of(BLOCK) {
        return Err(bad("a chunk that is not the last is a multiple of 256 KiB"));
    }
    if first > known.digest.bytes {
        return Err(bad("a gap in the upload"));
    }
    // Bytes that are stored already, or that somebody else is sending: the answer says where to go on.
    let name = call.query.text("upload_id");
    world.sessions.change(name, |s| s.total = s.total.or(Some(total)));
    let Some(taken) = uploads::take(world, call, name, (first, end)) else {
        let now = world.sessions.get(name).map_or(0, |s| s.digest.bytes);
        return Ok(so_far(now));
    };
    if taken.digest.bytes < total {
        return Ok(so_far(taken.digest.bytes));
    }
    let made = world.publish(call, publication(world, call, &account, &taken));
    world.sessions.change(name, |s| s.made = Some(made.n));
    Ok(Reply::json(200, &super::read::made_video(world, &account, &made)))
}

fn publication(world: &World, call: &Call, account: &Account, session: &Session) -> Publication {
    let now = world.now();
    let seen = session.seen();
    let (id, url, _) = super::new_place(world, account);
    let title = session.meta["snippet"]["title"].as_str().unwrap_or("");
    let mut made = Publication::new(&account.who, What::Post, id.clone(), title, now);
    made.url = url;
    made.key = Some(session.id.clone());
    (made.ready_ms, made.looks) = world.processing(Platform::YouTube, true);
    made.visible_ms = world.visible_ms(Platform::YouTube, call).max(now + session.lag_ms);
    made.hidden = session.meta["status"]["privacyStatus"] != "public";
    let sha256 = session.digest.hex();
    let again = world.settings.is(Platform::YouTube, "rejectsDuplicates")
        && world.judge.count(
            &account.who,
            |_| true,
            |p| p.deleted_ms.is_none() && p.media.iter().any(|m| m.sha256.as_deref() == Some(&sha256)),
        ) > 0;
    made.failure = match () {
        () if seen.kind != "video" => Some("invalidFile".to_owned()),
        () if again => Some("duplicate".to_owned()),
        () => call.fails_late("conversion").or_else(|| session.fails.clone()),
    };
    made.media = vec![Medium {
        id,
        content_type: seen.content_type.to_owned(),
        bytes: session.digest.bytes,
        sha256: Some(sha256),
        ..Medium::default()
    }];
    made.details = session.meta.clone();
    made
}

/// A picture for a video of one's own.
pub(super) fn thumbnail(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &["videoId!", "uploadType", "key"],
        body: Shape::Bytes,
        headers: &["authorization!"],
    };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = super::read::writer(world, call, &["youtube.upload", "youtube", "youtube.force-ssl"])?;
    quota::units(world, 50)?;
    let id = call.query.text("videoId");
    let known = world.judge.by_id(Platform::YouTube, id).filter(|p| p.who == account.who && p.deleted_ms.is_none());
    let Some(known) = known else {
        return Err(api_error(404, "videoNotFound", "youtube.thumbnail", "The video cannot be found.", "videoId"));
    };
    let digest = &call.payload.digest;
    let seen = sniff(&call.body);
    if digest.bytes == 0 {
        return Err(invalid("mediaBodyRequired", "The request does not include the image content."));
    }
    if !matches!(seen.content_type, "image/jpeg" | "image/png") || digest.bytes > 52_428_800 {
        return Err(invalid("invalidImage", "The provided image content is invalid."));
    }
    let thumbnail = json!({"contentType": seen.content_type, "bytes": digest.bytes, "sha256": digest.hex()});
    world.judge.change(known.n, |p| p.details["thumbnail"] = thumbnail);
    let items = [super::read::thumbnails(&format!("https://i.ytimg.com/vi/{id}"))];
    Ok(Reply::json(200, &json!({"kind": "youtube#thumbnailSetResponse", "etag": "t1", "items": items})))
}
