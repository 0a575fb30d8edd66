//! Accounts, statuses, the instance itself.

use serde_json::{Value, json};

use super::login::covers;
use super::{breach, error, id_ms, not_found, status_id};
use crate::accounts::Account;
use crate::call::{Answer, Call, Pairs, Reply, escape};
use crate::clock::{date, iso_ms};
use crate::judge::{Publication, What};
use crate::law::{Entry, entry_at, entry_ms, timeline};
use crate::oauth::{Kind as TokenKind, TokenFault};
use crate::posts::{Kind, made_count, post};
use crate::state::{Platform, World};
use crate::strict::Rule;

/// The signed-in account, if the request carries a token.
pub(super) fn bearer(world: &World, call: &Call, scopes: &[&str]) -> Result<Option<Account>, Reply> {
    let Some(token) = call.credential("bearer") else { return Ok(None) };
    let found = world.oauth.check(token, &[TokenKind::Access], Platform::Mastodon, world.now());
    let bearer = found.map_err(|fault| {
        error(
            401,
            match fault {
                TokenFault::Revoked => "The access token was revoked",
                TokenFault::Expired => "The access token expired",
                TokenFault::Unknown | TokenFault::Rotated { .. } => "The access token is invalid",
            },
        )
    })?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.instance() != call.host || account.deleted {
        return Err(error(401, "The access token is invalid"));
    }
    if account.suspended {
        return Err(error(403, "Your login is currently disabled"));
    }
    let held = account.effective(&bearer.grant.scopes);
    if !scopes.iter().any(|s| covers(&held, s)) {
        return Err(error(403, "This action is outside the authorized scopes"));
    }
    Ok(Some(account))
}

/// Instances whose name begins with `closed.` show nothing to strangers.
fn may_read(world: &World, call: &Call, scope: &str) -> Result<(), Reply> {
    let me = bearer(world, call, &[scope])?;
    if me.is_none() && call.host.starts_with("closed.") {
        return Err(error(401, "This method requires an authenticated user"));
    }
    Ok(())
}

fn here(world: &World, call: &Call, user: &str) -> Option<Account> {
    world.accounts.find(Platform::Mastodon, &format!("{user}@{}", call.host))
}

fn by_id(world: &World, call: &Call, id: &str) -> Result<Account, Reply> {
    let found = world.accounts.by_id(Platform::Mastodon, id).filter(|a| a.instance() == call.host);
    let account = found.ok_or_else(not_found)?;
    if account.deleted {
        return Err(Reply::json(410, &json!({"error": "Gone"})));
    }
    Ok(account)
}

pub(super) fn entity(world: &World, a: &Account) -> Value {
    // A suspended account is an empty shell.
    let text = |s: String| if a.suspended { String::new() } else { s };
    let count = |n: u64| if a.suspended { 0 } else { n };
    let last = (a.posts > 0 && !a.suspended).then(|| date(crate::law::published_ms(0)));
    let mut body = json!({
        "id": a.id(), "username": a.local(), "acct": a.local(), "display_name": text(a.name()), "locked": a.private(), "bot": false,
        "discoverable": true, "indexable": false, "group": false, "created_at": iso_ms(a.created_ms() / 86_400_000 * 86_400_000),
        "note": text(format!("<p>{}</p>", escape(&a.bio()))), "url": a.profile_url(),
        "uri": a.actor(), "avatar": a.avatar(), "avatar_static": a.avatar(),
        "header": format!("https://{}/headers/original/missing.png", a.instance()),
        "header_static": format!("https://{}/headers/original/missing.png", a.instance()),
        "followers_count": count(a.followers), "following_count": count(a.following()), "statuses_count": count(u64::from(a.posts) + made_count(world, a)),
        "last_status_at": last, "hide_collections": null, "noindex": false, "emojis": [], "roles": [], "fields": [],
    });
    if a.suspended {
        body["suspended"] = json!(true);
    }
    body
}

pub(super) fn verify_credentials(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let a =
        bearer(world, call, &["profile", "read:accounts"])?.ok_or_else(|| error(401, "The access token is invalid"))?;
    let mut body = entity(world, &a);
    body["source"] = json!({"privacy": "public", "sensitive": false, "language": "en", "note": a.bio(), "fields": [],
        "follow_requests_count": 0, "quote_policy": "public"});
    body["role"] = json!({"id": "-99", "name": "", "permissions": "0", "color": "", "highlighted": false});
    Ok(Reply::json(200, &body))
}

pub(super) fn lookup(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["acct!"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:accounts")?;
    let acct = call.query.text("acct").trim_start_matches('@');
    let (user, host) = acct.split_once('@').unwrap_or((acct, &call.host));
    // An account of another server is one that this instance has never seen.
    let found = if host.eq_ignore_ascii_case(&call.host) { here(world, call, user) } else { None };
    let a = found.ok_or_else(not_found)?;
    call.about(&a.handle);
    Ok(Reply::json(200, &entity(world, &a)))
}

pub(super) fn account(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:accounts")?;
    let a = by_id(world, call, id)?;
    call.about(&a.handle);
    Ok(Reply::json(200, &entity(world, &a)))
}

/// A status that was posted here.
pub(super) fn made_entity(a: &Account, me: &Value, p: &Publication) -> Value {
    let d = &p.details;
    let text = |name: &str| d[name].as_str().unwrap_or("");
    let visibility = if d["visibility"].is_string() { text("visibility") } else { "public" };
    json!({
        "id": p.id, "created_at": iso_ms(p.created_ms), "in_reply_to_id": p.reply_to, "in_reply_to_account_id": null,
        "sensitive": d["sensitive"] == true, "spoiler_text": text("spoilerText"), "visibility": visibility, "language": d["language"],
        "uri": format!("{}/statuses/{}", a.actor(), p.id), "url": p.url, "replies_count": 0, "reblogs_count": 0, "favourites_count": 0,
        "quotes_count": 0, "edited_at": null, "content": content(&p.text), "reblog": null, "application": {"name": "Herald", "website": null},
        "account": me, "media_attachments": if d["attachments"].is_array() { d["attachments"].clone() } else { json!([]) },
        "mentions": [], "tags": [], "emojis": [], "card": null, "poll": null, "quote": null,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "unknown"},
    })
}

/// Text as HTML: paragraphs, line breaks, links around addresses.
fn content(text: &str) -> String {
    let word = |w: &str| match w.starts_with("https://") || w.starts_with("http://") {
        true => {
            let short = w.split_once("//").map_or(w, |(_, rest)| rest);
            let (href, short) = (escape(w), escape(short));
            format!(
                "<a href=\"{href}\" target=\"_blank\" rel=\"nofollow noopener\" translate=\"no\"><span class=\"invisible\">https://</span><span class=\"\">{short}</span></a>"
            )
        }
        false => escape(w),
    };
    let line = |l: &str| l.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let paragraph = |p: &str| format!("<p>{}</p>", p.split('\n').map(line).collect::<Vec<_>>().join("<br />"));
    text.split("\n\n").map(paragraph).collect()
}

fn status_entity(a: &Account, me: &Value, entry: Entry) -> Value {
    let ms = entry_ms(entry);
    let id = status_id(a, ms);
    let Entry::Own(index) = entry else {
        let original = json!({
            "id": (id.parse::<u64>().unwrap_or(0) - 1).to_string(), "created_at": iso_ms(ms - 60_000), "uri": "https://elsewhere.example/users/bob/statuses/1",
            "url": "https://elsewhere.example/@bob/1", "visibility": "public", "content": "<p>Somebody else's words</p>", "reblog": null,
            "replies_count": 900, "reblogs_count": 900, "favourites_count": 900, "media_attachments": [], "mentions": [], "tags": [], "emojis": [],
            "account": {"id": "1", "username": "bob", "acct": "bob@elsewhere.example", "url": "https://elsewhere.example/@bob"},
        });
        return json!({
            "id": id, "created_at": iso_ms(ms), "in_reply_to_id": null, "in_reply_to_account_id": null, "sensitive": false, "spoiler_text": "",
            "visibility": "public", "language": null, "uri": format!("{}/statuses/{id}/activity", a.actor()),
            "url": null, "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "quotes_count": 0, "edited_at": null, "content": "",
            "reblog": original, "account": me, "media_attachments": [], "mentions": [], "tags": [], "emojis": [], "card": null, "poll": null,
        });
    };
    let p = post(a, index);
    let picture = |size: &str| format!("https://files.{}/media_attachments/{size}/{id}.png", a.instance());
    let media = match p.kind {
        Kind::Image => {
            json!([{"id": format!("9{id}"), "type": "image", "url": picture("original"), "preview_url": picture("small"),
            "remote_url": null, "meta": {"original": {"width": 1, "height": 1, "size": "1x1", "aspect": 1.0}}, "description": "a pixel", "blurhash": null}])
        }
        Kind::Video | Kind::Carousel | Kind::Text => json!([]),
    };
    json!({
        "id": id, "created_at": iso_ms(ms), "in_reply_to_id": null, "in_reply_to_account_id": null, "sensitive": false, "spoiler_text": "",
        "visibility": "public", "language": "en", "uri": format!("{}/statuses/{id}", a.actor()), "url": p.url,
        "replies_count": p.comments, "reblogs_count": p.shares, "favourites_count": p.likes, "quotes_count": p.quotes, "edited_at": null,
        "content": format!("<p>{}</p>", escape(&p.text).replace('\n', "<br />")), "reblog": null, "application": {"name": "Web", "website": null},
        "account": me, "media_attachments": media, "mentions": [], "tags": [], "emojis": [], "card": null, "poll": null,
        "quote": null, "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "unknown"},
    })
}

/// A line of an account's timeline.
enum Line {
    Made(Box<Publication>),
    Law(Entry),
}

pub(super) fn statuses(world: &World, call: &Call, id: &str) -> Answer {
    const QUERY: &[&str] = &[
        "limit",
        "max_id",
        "since_id",
        "min_id",
        "only_media",
        "exclude_replies",
        "exclude_reblogs",
        "pinned",
        "tagged",
    ];
    const RULE: Rule = Rule::get(QUERY, &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:statuses")?;
    let a = by_id(world, call, id)?;
    call.about(&a.handle);
    let q = &call.query;
    let on = |name: &str| matches!(q.get(name), Some("true" | "1"));
    let limit: usize = match q.get("limit").map(str::parse) {
        None => 20,
        Some(Ok(n)) if n >= 1 => usize::min(n, 40),
        Some(_) => return Err(world.unexpected(call, "bad limit", error(400, "Bad request"))),
    };
    let ids = |name: &str| q.get(name).map(|v| v.parse::<u64>().unwrap_or(0));
    let (max, since, min) = (ids("max_id"), ids("since_id"), ids("min_id"));
    let empty = a.suspended || a.private() || on("pinned") || q.get("tagged").is_some();
    let number = |e: &Line| match e {
        Line::Made(p) => p.id.parse::<u64>().unwrap_or(0),
        Line::Law(e) => status_id(&a, entry_ms(*e)).parse::<u64>().unwrap_or(0),
    };
    let wanted = |e: &Line| match e {
        Line::Law(Entry::Boost(_)) => !on("exclude_reblogs") && !on("only_media"),
        Line::Law(Entry::Own(i)) => !on("only_media") || post(&a, *i).kind == Kind::Image,
        Line::Made(p) => (!on("only_media") || !p.media.is_empty()) && (!on("exclude_replies") || p.what == What::Post),
    };
    // Only the author sees what is not public.
    let owner = bearer(world, call, &["read:statuses"])?.is_some_and(|me| me.who == a.who);
    let made = world.judge.shown(&a.who, world.now(), |p| owner || !p.hidden);
    let made = made
        .into_iter()
        .filter(|_| !empty || (owner && !a.suspended && !on("pinned")))
        .map(|p| Line::Made(Box::new(p)));
    let mut hits: Vec<Line> = made
        .chain(timeline(if empty { 0 } else { a.posts }).map(Line::Law))
        .filter(|e| max.is_none_or(|m| number(e) < m) && since.or(min).is_none_or(|s| number(e) > s))
        .filter(wanted)
        .collect();
    if min.is_some() {
        hits.drain(..hits.len().saturating_sub(limit));
    } else {
        hits.truncate(limit);
    }
    let me = entity(world, &a);
    let shown = |e: &Line| match e {
        Line::Made(p) => made_entity(&a, &me, p),
        Line::Law(e) => status_entity(&a, &me, *e),
    };
    let list: Vec<Value> = hits.iter().map(shown).collect();
    let mut reply = Reply::json(200, &json!(list));
    if let (Some(first), Some(last)) = (hits.first(), hits.last()) {
        let full = hits.len() == limit;
        let next = full.then(|| format!("<{}>; rel=\"next\"", page_url(call, q, "max_id", number(last))));
        let prev = Some(format!("<{}>; rel=\"prev\"", page_url(call, q, "min_id", number(first))));
        reply = reply.with("link", next.into_iter().chain(prev).collect::<Vec<_>>().join(", "));
    }
    Ok(reply)
}

fn page_url(call: &Call, q: &Pairs, name: &str, id: u64) -> String {
    let kept = q.0.iter().filter(|(k, _)| !matches!(k.as_str(), "max_id" | "min_id" | "since_id"));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair(name, &id.to_string());
    format!("https://{}{}?{}", call.host, call.path, query.finish())
}

/// A status id alone does not name its account, so the accounts of this instance are tried.
pub(super) fn find_status(world: &World, call: &Call, id: &str) -> Option<Value> {
    if let Some(made) = world.judge.by_id(Platform::Mastodon, id) {
        let a = world.accounts.get(&made.who);
        let owner = || {
            bearer(world, call, &["read:statuses", "write:statuses"]).ok().flatten().is_some_and(|me| me.who == a.who)
        };
        let there = made.shown(world.now()) && a.instance() == call.host && !a.deleted && !a.suspended;
        return (there && (!made.hidden || owner())).then(|| made_entity(&a, &entity(world, &a), &made));
    }
    let ms = id_ms(id)?;
    let a = world.accounts.on_instance(&call.host).into_iter().find(|a| status_id(a, ms) == id)?;
    if a.deleted || a.suspended || a.private() {
        return None;
    }
    call.about(&a.handle);
    Some(status_entity(&a, &entity(world, &a), entry_at(ms, a.posts)?))
}

pub(super) fn status(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:statuses")?;
    Ok(Reply::json(200, &find_status(world, call, id).ok_or_else(not_found)?))
}

/// What stands around a status: here, the replies of its own author.
pub(super) fn context(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:statuses")?;
    find_status(world, call, id).ok_or_else(not_found)?;
    let replies =
        world.judge.publications(|p| p.who.platform == Platform::Mastodon && p.reply_to.as_deref() == Some(id));
    let list: Vec<Value> = replies.iter().filter_map(|p| find_status(world, call, &p.id)).collect();
    Ok(Reply::json(200, &json!({"ancestors": [], "descendants": list})))
}

pub(super) fn statuses_by_id(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["id[]!*"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    may_read(world, call, "read:statuses")?;
    let ids: Vec<&str> = call.query.all("id[]").collect();
    if ids.len() > 20 {
        return Err(world.unexpected(call, "more than 20 ids", error(422, "Validation failed: too many ids")));
    }
    let list: Vec<Value> = ids.iter().filter_map(|id| find_status(world, call, id)).collect();
    Ok(Reply::json(200, &json!(list)))
}

pub(super) fn instance(world: &World, call: &Call, version: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let number = match super::publish::is_mastodon(&call.host) {
        false => "4.0.0 (not true; compatible; snac 2.75)",
        true if call.host.starts_with("old.") => "4.2.10",
        true => "4.5.2",
    };
    let source = match super::publish::is_mastodon(&call.host) {
        true => "https://github.com/mastodon/mastodon",
        false => "https://codeberg.org/grunfink/snac2",
    };
    let limit = |name: &str| world.settings.number_at(Platform::Mastodon, &call.host, name);
    let statuses = json!({"max_characters": limit("maxCharacters"), "max_media_attachments": limit("maxMediaAttachments"),
        "characters_reserved_per_url": 23});
    let limits = json!({"supported_mime_types": ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4"], "description_limit": limit("descriptionLimit"),
        "image_size_limit": limit("imageSizeLimit"), "image_matrix_limit": 33_177_600, "video_size_limit": limit("videoSizeLimit"), "video_frame_rate_limit": 120, "video_matrix_limit": 8_294_400});
    let polls =
        json!({"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746});
    let configuration = json!({"urls": {"streaming": format!("wss://{}", call.host)}, "accounts": {"max_featured_tags": 10},
        "statuses": statuses, "media_attachments": limits, "polls": polls});
    let body = if version == "v2" {
        json!({"domain": call.host, "title": call.host, "version": number, "source_url": source,
            "description": "A simulated instance.", "languages": ["en"], "configuration": configuration,
            "registrations": {"enabled": false}, "api_versions": {"mastodon": 7}, "rules": []})
    } else {
        json!({"uri": call.host, "title": call.host, "short_description": "A simulated instance.", "version": number,
            "languages": ["en"], "registrations": false, "configuration": configuration, "rules": []})
    };
    Ok(Reply::json(200, &body))
}

/// `alias.example.org` is only a name in handles: its accounts live on `example.org`.
pub(super) fn webfinger(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["resource!", "rel*"], &[]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let acct = call.query.text("resource").strip_prefix("acct:").unwrap_or("");
    let missing = || Reply::plain(404, "");
    let (user, host) = acct.trim_start_matches('@').split_once('@').ok_or_else(missing)?;
    if !host.eq_ignore_ascii_case(&call.host) {
        return Err(missing());
    }
    let home = call.host.strip_prefix("alias.").unwrap_or(&call.host);
    let a = world.accounts.find(Platform::Mastodon, &format!("{user}@{home}")).ok_or_else(missing)?;
    call.about(&a.handle);
    if a.suspended {
        return Err(Reply::plain(410, ""));
    }
    let (actor, page) = (format!("https://{home}/users/{}", a.local()), a.profile_url());
    let body = json!({"subject": format!("acct:{}@{}", a.local(), call.host), "aliases": [page, actor], "links": [
        {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": page},
        {"rel": "self", "type": "application/activity+json", "href": actor},
        {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": format!("https://{home}/authorize_interaction?uri={{uri}}")}]});
    let mut reply = Reply::json(200, &body);
    reply.headers[0].1 = "application/jrd+json; charset=utf-8".to_owned();
    Ok(reply)
}
