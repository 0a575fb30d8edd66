//! Channels, the uploads playlist and videos.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{api_error, breach, quota, rounded, video_of};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::iso_s;
use crate::judge::Publication;
use crate::oauth::{Kind, sha256_url};
use crate::posts::{Post, Shelf, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::{Breach, Rule};

const HEADERS: &[&str] = &["authorization", "if-none-match"];
const READ: [&str; 4] = ["youtube.readonly", "youtube", "youtube.force-ssl", "youtubepartner"];

/// The signed-in account, if it may do one of these.
pub(super) fn writer(world: &World, call: &Call, scopes: &[&str]) -> Result<Account, Reply> {
    let text = "Login Required.";
    signed_in(world, call, scopes)?.ok_or_else(|| api_error(401, "required", "global", text, "Authorization"))
}

fn signed_in(world: &World, call: &Call, wanted: &[&str]) -> Result<Option<Account>, Reply> {
    let Some(token) = call.credential("bearer") else { return Ok(None) };
    let invalid = || {
        let text = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.";
        api_error(401, "authError", "global", text, "Authorization")
            .with("www-authenticate", "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"")
    };
    let bearer = world.oauth.check(token, &[Kind::Access], Platform::YouTube, world.now()).map_err(|_| invalid())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.deleted {
        return Err(invalid());
    }
    let scopes = account.effective(&bearer.grant.scopes);
    let may = |s: &str| scopes.iter().any(|g| g.strip_prefix("https://www.googleapis.com/auth/") == Some(s));
    if !wanted.iter().any(|s| may(s)) {
        let text = "Request had insufficient authentication scopes.";
        return Err(api_error(403, "insufficientPermissions", "global", text, ""));
    }
    Ok(Some(account))
}

/// The signed-in account, or nobody when the request carries an API key.
fn caller(world: &World, call: &Call) -> Result<Option<Account>, Reply> {
    if let Some(me) = signed_in(world, call, &READ)? {
        return Ok(Some(me));
    }
    match call.query.get("key") {
        Some(key) if key == world.config.youtube_api_key => Ok(None),
        Some(_) => Err(api_error(400, "badRequest", "global", "API key not valid. Please pass a valid API key.", "")),
        None => {
            let text = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.";
            Err(world.unexpected(call, "neither token nor key", api_error(403, "forbidden", "global", text, "")))
        }
    }
}

fn parts<'a>(world: &World, call: &'a Call, known: &[&str]) -> Result<Vec<&'a str>, Reply> {
    let list: Vec<&str> = call.query.text("part").split(',').map(str::trim).collect();
    match list.iter().find(|p| !known.contains(p)) {
        Some(odd) => Err(world.unexpected(
            call,
            &format!("unknown part {odd}"),
            api_error(400, "unknownPart", "youtube.part", &format!("'{odd}'"), "part"),
        )),
        None => Ok(list),
    }
}

/// The list envelope, with its ETag honoured.
fn list(call: &Call, kind: &str, items: &[Value], total: usize, per_page: usize, more: &[(&str, String)]) -> Reply {
    let mut body =
        json!({"kind": kind, "pageInfo": {"totalResults": total, "resultsPerPage": per_page}, "items": items});
    for (name, token) in more {
        body[*name] = json!(token);
    }
    let etag = sha256_url(body.to_string().as_bytes())[..27].to_owned();
    body["etag"] = json!(etag);
    let quoted = format!("\"{etag}\"");
    if call.header("if-none-match").is_some_and(|known| known == quoted || known == etag) {
        return Reply::empty(304).with("etag", quoted);
    }
    Reply::json(200, &body).with("etag", quoted)
}

pub(super) fn thumbnails(base: &str) -> Value {
    let one = |name: &str, w: u32, h: u32| json!({"url": format!("{base}/{name}.jpg"), "width": w, "height": h});
    json!({"default": one("default", 120, 90), "medium": one("mqdefault", 320, 180), "high": one("hqdefault", 480, 360)})
}

fn uploads_of(account: &Account) -> String {
    account.id().replacen("UC", "UU", 1)
}

fn has_channel(account: &Account) -> bool {
    !account.seed().starts_with("nochannel")
}

pub(super) fn channels(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule::get(&["part!", "mine", "id", "forHandle", "maxResults", "pageToken", "fields", "key"], HEADERS);
    const PARTS: [&str; 6] = ["id", "snippet", "statistics", "contentDetails", "status", "brandingSettings"];
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let parts = parts(world, call, &PARTS)?;
    let me = caller(world, call)?;
    quota::units(world, 1)?;
    let q = &call.query;
    let found: Vec<Account> = match (q.get("mine"), q.get("id"), q.get("forHandle")) {
        (Some("true"), None, None) => {
            let me =
                me.clone().ok_or_else(|| api_error(401, "required", "global", "Login Required.", "Authorization"))?;
            if me.suspended {
                let text = "The YouTube account of the authenticated user is suspended.";
                return Err(api_error(403, "authenticatedUserAccountSuspended", "youtube.common", text, ""));
            }
            vec![me]
        }
        (None, Some(ids), None) => ids
            .split(',')
            .take(50)
            .filter_map(|id| world.accounts.by_id(Platform::YouTube, id).filter(|a| a.id() == id))
            .collect(),
        (None, None, Some(handle)) => world.accounts.find(Platform::YouTube, handle).into_iter().collect(),
        _ => {
            let text = "No filter selected. Expected one of: mine, id, forHandle";
            return Err(world.unexpected(
                call,
                text,
                api_error(400, "missingRequiredParameter", "youtube.parameter", text, ""),
            ));
        }
    };
    // A terminated channel is simply not there for others.
    let shown = |a: &&Account| has_channel(a) && !a.deleted && !a.suspended;
    let items: Vec<Value> = found.iter().filter(shown).map(|a| channel(world, a, &parts, me.as_ref())).collect();
    if let (None, [only]) = (&me, found.as_slice()) {
        call.about(&only.handle);
    }
    Ok(list(call, "youtube#channelListResponse", &items, items.len(), 5, &[]))
}

fn channel(world: &World, a: &Account, parts: &[&str], me: Option<&Account>) -> Value {
    let owner = me.is_some_and(|m| m.who == a.who);
    let id = a.id();
    let mut out = json!({"kind": "youtube#channel", "etag": sha256_url(id.as_bytes())[..27], "id": id});
    for part in parts {
        let value = match *part {
            "snippet" => json!({
                "title": a.name(), "description": a.bio(), "customUrl": format!("@{}", a.handle), "publishedAt": iso_s(a.created_ms()),
                "thumbnails": {"default": {"url": a.avatar(), "width": 88, "height": 88}, "medium": {"url": a.avatar(), "width": 240, "height": 240},
                    "high": {"url": a.avatar(), "width": 800, "height": 800}},
                "localized": {"title": a.name(), "description": a.bio()}, "country": "ES",
            }),
            "statistics" => {
                let hidden = a.private();
                let mut s = json!({"viewCount": a.total("views").to_string(), "hiddenSubscriberCount": hidden, "videoCount": (u64::from(a.posts) + made_count(world, a)).to_string()});
                if owner || !hidden {
                    s["subscriberCount"] = json!((if owner { a.followers } else { rounded(a.followers) }).to_string());
                }
                s
            }
            "contentDetails" => json!({"relatedPlaylists": {"likes": "", "uploads": uploads_of(a)}}),
            "status" => {
                json!({"privacyStatus": "public", "isLinked": true, "longUploadsStatus": "allowed", "madeForKids": false})
            }
            "brandingSettings" => json!({"channel": {"title": a.name(), "description": a.bio(), "country": "ES"}}),
            _ => continue,
        };
        out[*part] = value;
    }
    out
}

pub(super) fn page_token(offset: u32) -> String {
    URL_SAFE_NO_PAD.encode(format!("EAAaPT:{offset}"))
}

pub(super) fn offset_of(token: &str) -> Option<u32> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?.strip_prefix("EAAaPT:")?.parse().ok()
}

pub(super) fn playlist_items(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["part!", "playlistId!", "maxResults", "pageToken", "fields", "key"], HEADERS);
    const PARTS: [&str; 4] = ["id", "snippet", "contentDetails", "status"];
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let parts = parts(world, call, &PARTS)?;
    let me = caller(world, call)?;
    quota::units(world, 1)?;
    let q = &call.query;
    let not_found = || {
        let text = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.";
        api_error(404, "playlistNotFound", "youtube.playlistItem", text, "playlistId")
    };
    let channel = q.text("playlistId").strip_prefix("UU").map(|rest| format!("UC{rest}")).ok_or_else(not_found)?;
    let account = world.accounts.by_id(Platform::YouTube, &channel).ok_or_else(not_found)?;
    if account.deleted || account.suspended || !has_channel(&account) || account.id() != channel {
        return Err(not_found());
    }
    call.about(&account.handle);
    let size: u32 = match q.get("maxResults").map(str::parse) {
        None => 5,
        Some(Ok(n)) if n <= 50 => n,
        Some(_) => return Err(breach(world, call, &Breach::Unknown("maxResults: out of range".to_owned()))),
    };
    let start = match q.get("pageToken") {
        None => 0,
        Some(token) => offset_of(token).ok_or_else(|| {
            let text = "The request specifies an invalid page token.";
            world.unexpected(
                call,
                "pageToken",
                api_error(400, "invalidPageToken", "youtube.parameter", text, "pageToken"),
            )
        })?,
    };
    let owner = me.is_some_and(|m| m.who == account.who);
    let shelf = Shelf::of(world, &account, |p| owner || !p.hidden);
    let total = shelf.len();
    let end = total.min(start.saturating_add(size));
    let items: Vec<Value> = (start..end).map(|i| playlist_item(&account, &shelf.post(i), i, &parts)).collect();
    let mut more = Vec::new();
    if end < total {
        more.push(("nextPageToken", page_token(end)));
    }
    if start > 0 {
        more.push(("prevPageToken", page_token(start.saturating_sub(size))));
    }
    Ok(list(call, "youtube#playlistItemListResponse", &items, total as usize, size as usize, &more))
}

fn playlist_item(a: &Account, p: &Post, position: u32, parts: &[&str]) -> Value {
    let id = URL_SAFE_NO_PAD.encode(format!("{}.{}", uploads_of(a), p.id));
    let mut out = json!({"kind": "youtube#playlistItem", "etag": sha256_url(id.as_bytes())[..27], "id": id});
    for part in parts {
        let value = match *part {
            "snippet" => json!({
                "publishedAt": iso_s(p.at_ms), "channelId": a.id(), "title": p.text, "description": described(p),
                "thumbnails": thumbnails(&format!("https://i.ytimg.com/vi/{}", p.id)), "channelTitle": a.name(), "playlistId": uploads_of(a),
                "position": position, "resourceId": {"kind": "youtube#video", "videoId": p.id},
            }),
            "contentDetails" => json!({"videoId": p.id, "videoPublishedAt": iso_s(p.at_ms)}),
            "status" => json!({"privacyStatus": privacy(p)}),
            _ => continue,
        };
        out[*part] = value;
    }
    out
}

pub(super) fn videos(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["part!", "id!", "maxResults", "fields", "key"], HEADERS);
    const PARTS: [&str; 6] = ["id", "snippet", "status", "statistics", "contentDetails", "processingDetails"];
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let parts = parts(world, call, &PARTS)?;
    let me = caller(world, call)?;
    quota::units(world, 1)?;
    let ids: Vec<&str> = call.query.text("id").split(',').collect();
    if ids.len() > 50 {
        return Err(breach(world, call, &Breach::Unknown("id: more than 50 ids".to_owned())));
    }
    let items: Vec<Value> = ids
        .iter()
        .filter_map(|id| {
            if let Some(made) = world.judge.by_id(Platform::YouTube, id) {
                return one_made(world, &made, &parts, me.as_ref());
            }
            let (channel, index) = video_of(id)?;
            let account = world.accounts.by_id(Platform::YouTube, &channel)?;
            (index < account.posts && !account.deleted && !account.suspended && has_channel(&account)).then_some(())?;
            if me.is_none() {
                call.about(&account.handle);
            }
            Some(video(&account, &post(&account, index), &parts, me.as_ref(), world.now()))
        })
        .collect();
    Ok(list(call, "youtube#videoListResponse", &items, items.len(), items.len(), &[]))
}

/// What the owner's upload gets back, and what a look at it shows.
pub(super) fn made_video(world: &World, account: &Account, made: &Publication) -> Value {
    video(account, &published(account, made), &["snippet", "status"], Some(account), world.now())
}

/// A video that was uploaded here. Its owner sees it from the first moment, others when it is ready and not private.
fn one_made(world: &World, made: &Publication, parts: &[&str], me: Option<&Account>) -> Option<Value> {
    let account = world.accounts.get(&made.who);
    let now = world.now();
    let owner = me.is_some_and(|m| m.who == made.who);
    let open = made.shown(now) && made.details["status"]["privacyStatus"] != "private";
    let seen = made.deleted_ms.is_none()
        && !account.deleted
        && !account.suspended
        && (open || (owner && made.visible_ms <= now));
    let body = seen.then(|| video(&account, &published(&account, made), parts, me, now));
    if owner && seen {
        // A look is a look.
        world.judge.change(made.n, |p| p.looks = p.looks.saturating_sub(1));
    }
    body
}

fn described(p: &Post) -> String {
    match &p.made {
        Some(made) => made.details["snippet"]["description"].as_str().unwrap_or("").to_owned(),
        None => p.text.clone(),
    }
}

fn privacy(p: &Post) -> String {
    let set = p.made.as_ref().and_then(|m| m.details["status"]["privacyStatus"].as_str());
    set.unwrap_or("public").to_owned()
}

fn status(p: &Post, now: i64) -> Value {
    let made = p.made.as_ref();
    let state = made.map_or("live", |m| m.state(now));
    let mut s = json!({"uploadStatus": "processed", "privacyStatus": privacy(p), "license": "youtube", "embeddable": true,
        "publicStatsViewable": p.likes.is_some(), "madeForKids": false});
    let failure = made.and_then(|m| m.failure.as_deref()).unwrap_or("");
    match state {
        "processing" => s["uploadStatus"] = json!("uploaded"),
        "failed" if failure == "duplicate" => {
            s["uploadStatus"] = json!("rejected");
            s["rejectionReason"] = json!(failure);
        }
        "failed" => {
            s["uploadStatus"] = json!("failed");
            s["failureReason"] = json!(failure);
        }
        _ => {}
    }
    if let Some(set) = made.and_then(|m| m.details["status"].as_object()) {
        for (name, value) in set {
            s[name.as_str()] = value.clone();
        }
    }
    s
}

fn processing(p: &Post, now: i64) -> &'static str {
    match p.made.as_ref().map_or("live", |m| m.state(now)) {
        "processing" => "processing",
        "failed" => "failed",
        _ => "succeeded",
    }
}

fn video(a: &Account, p: &Post, parts: &[&str], me: Option<&Account>, now: i64) -> Value {
    let seconds = 20 + p.views.unwrap_or(0) % 900;
    let mut out = json!({"kind": "youtube#video", "etag": sha256_url(p.id.as_bytes())[..27], "id": p.id});
    for part in parts {
        let value = match *part {
            "snippet" => json!({
                "publishedAt": iso_s(p.at_ms), "channelId": a.id(), "title": p.text, "description": described(p),
                "thumbnails": thumbnails(&format!("https://i.ytimg.com/vi/{}", p.id)), "channelTitle": a.name(), "categoryId": "22",
                "liveBroadcastContent": "none",
            }),
            "status" => status(p, now),
            "statistics" => {
                let mut s = json!({"favoriteCount": "0"});
                for (name, count) in [("viewCount", p.views), ("likeCount", p.likes), ("commentCount", p.comments)] {
                    if let Some(n) = count {
                        s[name] = json!(n.to_string());
                    }
                }
                s
            }
            "contentDetails" => {
                json!({"duration": duration(seconds), "dimension": "2d", "definition": "hd", "caption": "false", "licensedContent": false})
            }
            // Only the owner sees how a video was processed.
            "processingDetails" if me.is_some_and(|m| m.who == a.who) => {
                json!({"processingStatus": processing(p, now)})
            }
            _ => continue,
        };
        out[*part] = value;
    }
    out
}

fn duration(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("PT{s}S"),
        (m, 0) => format!("PT{m}M"),
        (m, s) => format!("PT{m}M{s}S"),
    }
}
