//! Content Posting API: creator info, inits, status.

use serde_json::{Value, json};

use super::read::{bearer, demand};
use super::{api_error, breach, envelope};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Publication, Upload, What};
use crate::media::fetch::{Fetched, Unfetched, fetch};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, Shape, check_members};
use crate::uploads::Session;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
const MOST: u64 = 4 * 1024 * 1024 * 1024;
/// Chunks are 5 to 64 MB; the platform's text does not say which megabyte, so both pass.
const CHUNK: std::ops::RangeInclusive<u64> = 5_000_000..=67_108_864;

fn invalid(world: &World, call: &Call, why: &str) -> Reply {
    world.unexpected(call, why, api_error(400, "invalid_params", why))
}

/// The privacy levels that the account may choose.
fn levels(account: &Account) -> [&'static str; 3] {
    let first = if account.private() { "FOLLOWER_OF_CREATOR" } else { "PUBLIC_TO_EVERYONE" };
    [first, "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
}

fn within(world: &World, account: &Account, what: &'static str, limit: usize) -> Result<(), Reply> {
    if world.settings.is(Platform::TikTok, "rates") {
        let taken = world.rates.take(&account.id(), what, limit, MINUTE_MS, world.now());
        taken.map_err(|_| super::rate_limited())?;
    }
    Ok(())
}

pub(super) fn creator_info(world: &World, call: &Call) -> Answer {
    const WITH_BODY: Rule = Rule { method: "POST", query: &[], body: Shape::Json(&[]), headers: &["authorization!"] };
    const WITHOUT: Rule = Rule { method: "POST", query: &[], body: Shape::Empty, headers: &["authorization!"] };
    let rule = if call.body.is_empty() { WITHOUT } else { WITH_BODY };
    rule.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = bearer(world, call)?;
    demand(&scopes, "video.publish")?;
    within(world, &account, "creator_info", 20)?;
    Ok(envelope(&json!({
        "creator_avatar_url": account.avatar(), "creator_username": account.handle, "creator_nickname": account.name(),
        "privacy_level_options": levels(&account), "comment_disabled": false, "duet_disabled": account.private(),
        "stitch_disabled": account.private(), "max_video_post_duration_sec": 600,
    })))
}

/// What all three inits ask of the account.
fn admit(world: &World, call: &Call, scope: &str) -> Result<Account, Reply> {
    let (account, scopes) = bearer(world, call)?;
    demand(&scopes, scope)?;
    within(world, &account, "init", 6)?;
    let refuse = |code: &str| {
        let reply = api_error(403, code, "The request is refused by the platform's rules.");
        world.refused(call, &account.who, None, code, reply)
    };
    let now = world.now();
    let recent = |p: &Publication| now - p.created_ms < DAY_MS;
    if scope == "video.publish" {
        let most = world.settings.number(Platform::TikTok, "dailyPosts");
        let used = || world.judge.count(&account.who, recent, |p| p.what == What::Post && !p.elsewhere);
        if call.quota_exhausted() || most.is_some_and(|most| used() >= most) {
            return Err(refuse("spam_risk_too_many_posts"));
        }
    } else if world.judge.count(&account.who, recent, |p| p.what == What::Draft) >= 5 {
        return Err(refuse("spam_risk_too_many_pending_share"));
    }
    Ok(account)
}

fn check_privacy(world: &World, call: &Call, account: &Account, info: &Value) -> Result<(), Reply> {
    let level = info["privacy_level"].as_str().unwrap_or("");
    let refuse = |code: &str, text: &str| world.refused(call, &account.who, None, code, api_error(403, code, text));
    if !levels(account).contains(&level) {
        let text = "Privacy level is not among the options of the creator.";
        return Err(refuse("privacy_level_option_mismatch", text));
    }
    if level != "SELF_ONLY" && !world.settings.is(Platform::TikTok, "audited") {
        let text = "Please review our integration guidelines.";
        return Err(refuse("unaudited_client_can_only_post_to_private_accounts", text));
    }
    Ok(())
}

fn utf16(value: &Value) -> usize {
    value.as_str().map_or(0, |t| t.encode_utf16().count())
}

pub(super) fn video_init(world: &World, call: &Call, inbox: bool) -> Answer {
    const DIRECT: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::Json(&["post_info!", "source_info!"]),
        headers: &["authorization!"],
    };
    const INBOX: Rule =
        Rule { method: "POST", query: &[], body: Shape::Json(&["source_info!"]), headers: &["authorization!"] };
    const INFO: &[&str] = &[
        "title",
        "privacy_level!",
        "disable_duet",
        "disable_stitch",
        "disable_comment",
        "video_cover_timestamp_ms",
        "brand_content_toggle",
        "brand_organic_toggle",
        "is_aigc",
    ];
    let input = if inbox { INBOX.read(call) } else { DIRECT.read(call) }.map_err(|b| breach(world, call, &b))?;
    let (info, source) = (&input.json["post_info"], &input.json["source_info"]);
    check_members(info, "post_info", INFO).map_err(|b| breach(world, call, &b))?;
    let account = admit(world, call, if inbox { "video.upload" } else { "video.publish" })?;
    if !inbox {
        check_privacy(world, call, &account, info)?;
        if utf16(&info["title"]) > 2_200 {
            return Err(world.refused(
                call,
                &account.who,
                None,
                "title",
                api_error(400, "invalid_params", "The title is too long."),
            ));
        }
    }
    let kind = if inbox { "inbox" } else { "pub" };
    match source["source"].as_str() {
        Some("FILE_UPLOAD") => file_upload(world, call, &account, &input.json, kind),
        Some("PULL_FROM_URL") => {
            check_members(source, "source_info", &["source!", "video_url!"]).map_err(|b| breach(world, call, &b))?;
            let url = source["video_url"].as_str().unwrap_or("").to_owned();
            let id = format!("v_{kind}_url~v2-1.{}", number(world));
            pull(world, call, &account, &input.json, &id, &[url])
        }
        _ => Err(invalid(world, call, "source_info.source")),
    }
}

fn number(world: &World) -> u64 {
    7_000_000_000_000_000_000 + world.judge.next()
}

fn file_upload(world: &World, call: &Call, account: &Account, meta: &Value, kind: &str) -> Answer {
    let source = &meta["source_info"];
    check_members(source, "source_info", &["source!", "video_size!", "chunk_size!", "total_chunk_count!"])
        .map_err(|b| breach(world, call, &b))?;
    let n = |name: &str| source[name].as_u64().unwrap_or(0);
    let (size, chunk, count) = (n("video_size"), n("chunk_size"), n("total_chunk_count"));
    if size == 0 || size > MOST {
        return Err(api_error(400, "invalid_params", "The video_size is out of range."));
    }
    let single = count == 1 && chunk == size && size <= *CHUNK.end();
    let fits = CHUNK.contains(&chunk) && chunk <= size && count == size / chunk && count <= 1_000;
    if !single && !fits {
        return Err(invalid(world, call, "The total chunk count is invalid"));
    }
    let id = format!("v_{kind}_file~v2-1.{}", number(world));
    let (name, token) = (secret(20), secret(40));
    let mut session = Session::new(&account.who, &id, Some(size), meta.clone(), world.now());
    session.meta["upload_token"] = json!(token);
    session.fails = call.fails_late("internal");
    session.lag_ms = world.visible_ms(Platform::TikTok, call) - world.now();
    world.sessions.open(&name, session.clone());
    // Status is asked for by the publish id.
    world.sessions.open(&id, Session { meta: json!({"upload_id": name}), ..session });
    let url = format!("https://open-upload.tiktokapis.com/video/?upload_id={name}&upload_token={token}");
    Ok(envelope(&json!({"publish_id": id, "upload_url": url})))
}

pub(super) fn photo_init(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::Json(&["media_type!", "post_mode!", "post_info!", "source_info!"]),
        headers: &["authorization!"],
    };
    const INFO: &[&str] = &[
        "title",
        "description",
        "privacy_level",
        "disable_comment",
        "auto_add_music",
        "brand_content_toggle",
        "brand_organic_toggle",
    ];
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (info, source) = (&input.json["post_info"], &input.json["source_info"]);
    check_members(info, "post_info", INFO)
        .and_then(|()| check_members(source, "source_info", &["source!", "photo_images!", "photo_cover_index!"]))
        .map_err(|b| breach(world, call, &b))?;
    let inbox = match input.json["post_mode"].as_str() {
        Some("DIRECT_POST") => false,
        Some("MEDIA_UPLOAD") => true,
        _ => return Err(invalid(world, call, "post_mode")),
    };
    if input.json["media_type"] != "PHOTO" || source["source"] != "PULL_FROM_URL" {
        return Err(invalid(world, call, "photos are only pulled"));
    }
    let account = admit(world, call, if inbox { "video.upload" } else { "video.publish" })?;
    if !inbox {
        check_privacy(world, call, &account, info)?;
    }
    let urls: Vec<String> =
        source["photo_images"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let cover = source["photo_cover_index"].as_u64().and_then(|n| usize::try_from(n).ok());
    if utf16(&info["title"]) > 90 || utf16(&info["description"]) > 4_000 {
        let reply = api_error(400, "invalid_params", "The title or description is too long.");
        return Err(world.refused(call, &account.who, None, "title or description", reply));
    }
    if !(1..=35).contains(&urls.len()) || cover.is_none_or(|c| c >= urls.len()) {
        return Err(invalid(world, call, "photo_images or photo_cover_index"));
    }
    let id = format!("p_pub_url~v2.{}", number(world));
    pull(world, call, &account, &input.json, &id, &urls)
}

/// Accepts an init whose media the platform fetches itself.
fn pull(world: &World, call: &Call, account: &Account, meta: &Value, id: &str, urls: &[String]) -> Answer {
    let who = &account.who;
    if let Some(verified) = world.settings.list(Platform::TikTok, "verifiedDomains") {
        let host = |u: &String| url::Url::parse(u).ok().and_then(|u| u.host_str().map(str::to_owned));
        if urls.iter().any(|u| host(u).is_none_or(|h| !verified.contains(&h))) {
            let text = "Please review our URL ownership verification rules.";
            let reply = api_error(403, "url_ownership_unverified", text);
            return Err(world.refused(call, who, None, "url_ownership_unverified", reply));
        }
    }
    let photos = meta["media_type"] == "PHOTO";
    let mut media = Vec::new();
    let mut failure = None;
    for url in urls {
        match fetch(world, call, Platform::TikTok, url, false, MOST) {
            Ok(got) => {
                failure = failure.or(unfit(&got, photos));
                media.push(medium(world, account, id, url, &got));
            }
            Err(Unfetched::Address) => return Err(invalid(world, call, "the URL is not https or not ASCII")),
            Err(_) => failure = Some(if photos { "photo_pull_failed" } else { "video_pull_failed" }.to_owned()),
        }
    }
    let mut made = begin(world, call, account, meta, id);
    made.media = media;
    made.failure = failure.or_else(|| call.fails_late("internal"));
    world.publish(call, made);
    Ok(envelope(&json!({"publish_id": id})))
}

fn unfit(got: &Fetched, photos: bool) -> Option<String> {
    let good = match photos {
        true => matches!(got.seen.content_type, "image/jpeg" | "image/webp") && got.bytes <= 20_971_520,
        false => got.seen.kind == "video",
    };
    (!good && !got.unseen)
        .then(|| if photos { "picture_size_check_failed" } else { "file_format_check_failed" }.to_owned())
}

fn medium(world: &World, account: &Account, id: &str, url: &str, got: &Fetched) -> Medium {
    world.judge.uploaded(Upload {
        who: account.who.clone(),
        id: format!("{id} {url}"),
        kind: got.seen.kind,
        content_type: got.content_type.clone(),
        bytes: got.bytes,
        declared: None,
        sha256: got.sha256.clone(),
        complete: !got.unseen,
        requests: 1,
        source_url: Some(url.to_owned()),
        at_ms: world.now(),
    });
    Medium {
        id: id.to_owned(),
        content_type: got.seen.content_type.to_owned(),
        bytes: got.bytes,
        sha256: got.sha256.clone(),
        source_url: Some(url.to_owned()),
        alt: None,
    }
}

/// A publication that now goes through processing.
pub(super) fn begin(world: &World, call: &Call, account: &Account, meta: &Value, id: &str) -> Publication {
    let info = &meta["post_info"];
    let draft = id.contains("inbox") || meta["post_mode"] == "MEDIA_UPLOAD";
    let text = match info["description"].as_str().filter(|d| !d.is_empty()) {
        Some(description) => description,
        None => info["title"].as_str().unwrap_or(""),
    };
    let (post_id, url, _) = super::new_place(world, account);
    let what = if draft { What::Draft } else { What::Post };
    let mut made = Publication::new(&account.who, what, post_id, text, world.now());
    made.url = url;
    made.key = Some(id.to_owned());
    (made.ready_ms, made.looks) = world.processing(Platform::TikTok, meta["media_type"] != "PHOTO");
    made.visible_ms = world.visible_ms(Platform::TikTok, call);
    made.hidden = info["privacy_level"] != "PUBLIC_TO_EVERYONE";
    made.details = json!({"publishId": id, "postInfo": info, "source": meta["source_info"]["source"]});
    made
}

pub(super) fn status(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule { method: "POST", query: &[], body: Shape::Json(&["publish_id!"]), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = bearer(world, call)?;
    demand(&scopes, "video.publish").or_else(|_| demand(&scopes, "video.upload"))?;
    within(world, &account, "status", 30)?;
    let id = input.form.text("publish_id");
    let unknown = || api_error(404, "invalid_publish_id", "The publish_id is invalid.");
    if let Some(made) = world.judge.by_key(&account.who, id) {
        return Ok(envelope(&progress(world, &made)));
    }
    let session = world.sessions.get(id).ok_or_else(unknown)?;
    if session.who != account.who {
        let text = "The publish_id is not one of the token's.";
        return Err(api_error(400, "token_not_authorized_for_specified_publish_id", text));
    }
    let upload = session.meta["upload_id"].as_str().and_then(|name| world.sessions.get(name)).ok_or_else(unknown)?;
    Ok(envelope(&json!({"status": "PROCESSING_UPLOAD", "uploaded_bytes": upload.digest.bytes})))
}

/// One look at a publication.
fn progress(world: &World, made: &Publication) -> Value {
    let now = world.now();
    let pulled = made.details["source"] == "PULL_FROM_URL";
    let bytes = if pulled { "downloaded_bytes" } else { "uploaded_bytes" };
    let total: u64 = made.media.iter().map(|m| m.bytes).sum();
    let state = made.state(now);
    let mut data = json!({"status": if pulled { "PROCESSING_DOWNLOAD" } else { "PROCESSING_UPLOAD" }, bytes: total});
    match state {
        "processing" => {
            world.judge.change(made.n, |p| p.looks = p.looks.saturating_sub(1));
        }
        "failed" => {
            data["status"] = json!("FAILED");
            data["fail_reason"] = json!(made.failure);
        }
        _ if made.what == What::Draft => data["status"] = json!("SEND_TO_USER_INBOX"),
        _ => {
            data["status"] = json!("PUBLISH_COMPLETE");
            let moderated = now >= made.ready_ms + world.settings.ms(Platform::TikTok, "moderationSeconds");
            // Never for what is not public.
            let ids: Vec<u64> = made.id.parse().ok().filter(|_| moderated && !made.hidden).into_iter().collect();
            data["publicaly_available_post_id"] = json!(ids);
        }
    }
    data
}
