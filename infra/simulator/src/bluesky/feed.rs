//! Profiles, feeds and records, as the AppView and the repository show them.

use serde_json::{Value, json};

use super::{APP_VIEWS, actor, breach, session, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::{iso_ms, parse_iso};
use crate::judge::{Publication, What};
use crate::law::{self, Entry, entry_at, entry_ms, timeline};
use crate::posts::{Kind, Post, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::Rule;

const HEADERS: &[&str] = &["authorization", "dpop", "atproto-proxy"];
const PROXY: &str = "did:web:api.bsky.app#bsky_appview";
const COLLECTION: &str = "app.bsky.feed.post";

/// The AppView answers anybody; through the PDS only those who are signed in and may.
fn admit(world: &World, call: &Call) -> Result<(), Reply> {
    if call.header("atproto-proxy").is_some_and(|to| to != PROXY) {
        return Err(world.unexpected(
            call,
            "atproto-proxy",
            xrpc_error(400, "InvalidRequest", "could not resolve proxy did"),
        ));
    }
    if APP_VIEWS.contains(&call.host.as_str()) {
        return match call.header("authorization").or_else(|| call.header("atproto-proxy")) {
            Some(_) => Err(world.unexpected(
                call,
                "credential sent to the AppView",
                xrpc_error(400, "InvalidToken", "Token could not be verified"),
            )),
            None => Ok(()),
        };
    }
    let (_, scopes) = session::caller(world, call)?;
    let may = |s: &String| s == "com.atproto.appPass" || s == "transition:generic" || s.starts_with("rpc:");
    if scopes.iter().any(may) {
        return Ok(());
    }
    let name = call.path.trim_start_matches("/xrpc/");
    Err(xrpc_error(
        403,
        "ScopeMissingError",
        &format!("Missing required scope \"rpc:{name}?aud=did:web:api.bsky.app%23bsky_appview\""),
    ))
}

fn seen(world: &World, name: &str) -> Result<Account, Reply> {
    let account = actor(world, name).ok_or_else(|| xrpc_error(400, "InvalidRequest", "Profile not found"))?;
    if account.suspended {
        return Err(xrpc_error(400, "AccountTakedown", "Account has been suspended"));
    }
    Ok(account)
}

fn basic(a: &Account) -> Value {
    let verified = if a.verified() == Some(true) { "valid" } else { "none" };
    json!({"did": a.id(), "handle": a.handle, "displayName": a.name(), "avatar": a.avatar(), "associated": {"activitySubscription": {"allowSubscriptions": "followers"}},
        "labels": [], "createdAt": iso_ms(a.created_ms()), "verification": {"verifications": [], "verifiedStatus": verified, "trustedVerifierStatus": "none"}})
}

fn detailed(world: &World, a: &Account) -> Value {
    let mut body = basic(a);
    body["description"] = json!(a.bio());
    body["followersCount"] = json!(a.followers);
    body["followsCount"] = json!(a.following());
    body["postsCount"] = json!(u64::from(a.posts) + made_count(world, a));
    body["indexedAt"] = json!(iso_ms(a.created_ms()));
    body
}

pub(super) fn profile(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["actor!"], HEADERS);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    admit(world, call)?;
    let a = seen(world, call.query.text("actor"))?;
    call.about(&a.handle);
    Ok(Reply::json(200, &detailed(world, &a)))
}

pub(super) fn profiles(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["actors!*"], HEADERS);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    admit(world, call)?;
    let actors: Vec<&str> = call.query.all("actors").collect();
    if actors.len() > 25 {
        return Err(world.unexpected(
            call,
            "more than 25 actors",
            xrpc_error(400, "InvalidRequest", "actors must not have more than 25 elements"),
        ));
    }
    let list: Vec<Value> =
        actors.iter().filter_map(|name| seen(world, name).ok()).map(|a| detailed(world, &a)).collect();
    Ok(Reply::json(200, &json!({"profiles": list})))
}

fn uri(a: &Account, rkey: &str) -> String {
    format!("at://{}/{COLLECTION}/{rkey}", a.id())
}

fn cid(a: &Account, p: &Post) -> String {
    if let Some(known) = p.made.as_ref().and_then(|m| m.details["cid"].as_str()) {
        return known.to_owned();
    }
    law_cid(a, &p.id)
}

fn law_cid(a: &Account, rkey: &str) -> String {
    format!("bafyrei{}", law::base32(Platform::Bluesky, a.seed(), rkey, 52))
}

fn record(a: &Account, p: &Post) -> Value {
    if let Some(known) = p.made.as_ref().map(|m| &m.details["record"]).filter(|r| r.is_object()) {
        return known.clone();
    }
    let mut body = json!({"$type": COLLECTION, "text": p.text, "createdAt": iso_ms(p.at_ms), "langs": ["en"]});
    if p.kind == Kind::Image {
        let blob = json!({"$type": "blob", "ref": {"$link": format!("bafkrei{}", law::base32(Platform::Bluesky, a.seed(), &p.id, 52))}, "mimeType": "image/png", "size": 70});
        body["embed"] = json!({"$type": "app.bsky.embed.images", "images": [{"alt": "a pixel", "image": blob, "aspectRatio": {"width": 1, "height": 1}}]});
    }
    body
}

fn view(a: &Account, author: &Value, p: &Post) -> Value {
    let mut body = json!({
        "uri": uri(a, &p.id), "cid": cid(a, p), "author": author, "record": record(a, p), "replyCount": p.comments, "repostCount": p.shares,
        "likeCount": p.likes, "quoteCount": p.quotes, "bookmarkCount": p.saves, "indexedAt": iso_ms(p.at_ms + 700), "labels": [],
    });
    if p.kind == Kind::Image {
        let picture = |size: &str| format!("https://cdn.bsky.app/img/{size}/plain/{}/{}@jpeg", a.id(), p.id);
        body["embed"] = json!({"$type": "app.bsky.embed.images#view", "images": [{"thumb": picture("feed_thumbnail"), "fullsize": picture("feed_fullsize"),
            "alt": "a pixel", "aspectRatio": {"width": 1, "height": 1}}]});
    }
    body
}

/// An entry of an author's feed.
enum Item {
    Made(What, Box<Post>),
    Law(Entry),
}

impl Item {
    fn ms(&self) -> i64 {
        match self {
            Self::Made(_, p) => p.at_ms,
            Self::Law(entry) => entry_ms(*entry),
        }
    }
}

fn feed_item(a: &Account, author: &Value, item: &Item) -> Value {
    match item {
        Item::Made(_, p) => json!({"post": view(a, author, p)}),
        Item::Law(Entry::Own(i)) => json!({"post": view(a, author, &post(a, *i))}),
        Item::Law(entry @ Entry::Boost(_)) => {
            let ms = entry_ms(*entry);
            let bob = json!({"did": "did:plc:bobbobbobbobbobbobbobbob", "handle": "bob.bsky.social", "displayName": "Bob", "labels": []});
            let original = json!({
                "uri": format!("at://did:plc:bobbobbobbobbobbobbobbob/{COLLECTION}/{}", law::tid(ms - 60_000, 1)), "cid": law_cid(a, "boost"), "author": bob,
                "record": {"$type": COLLECTION, "text": "Somebody else's words", "createdAt": iso_ms(ms - 60_000)}, "replyCount": 900,
                "repostCount": 900, "likeCount": 900, "quoteCount": 900, "indexedAt": iso_ms(ms - 60_000), "labels": [],
            });
            json!({"post": original, "reason": {"$type": "app.bsky.feed.defs#reasonRepost", "by": author, "indexedAt": iso_ms(ms)}})
        }
    }
}

/// `limit` of a query: 1 to 100, 50 when absent.
fn limit(world: &World, call: &Call) -> Result<usize, Reply> {
    match call.query.get("limit").map(str::parse) {
        None => Ok(50),
        Some(Ok(n @ 1..=100)) => Ok(n),
        Some(_) => Err(world.unexpected(
            call,
            "bad limit",
            xrpc_error(400, "InvalidRequest", "limit must be between 1 and 100"),
        )),
    }
}

pub(super) fn author_feed(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["actor!", "limit", "cursor", "filter", "includePins"], HEADERS);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    admit(world, call)?;
    let q = &call.query;
    let limit = limit(world, call)?;
    let bad = |what: &str| world.unexpected(call, what, xrpc_error(400, "InvalidRequest", what));
    let wanted = |e: &Item| match (q.get("filter").unwrap_or("posts_with_replies"), e) {
        ("posts_with_video", Item::Made(_, p)) => p.kind == Kind::Video,
        ("posts_with_media", Item::Made(_, p)) => p.kind != Kind::Text,
        ("posts_no_replies" | "posts_and_author_threads", Item::Made(what, _)) => *what == What::Post,
        ("posts_with_video", _) | ("posts_with_media", Item::Law(Entry::Boost(_))) => false,
        ("posts_with_media", Item::Law(Entry::Own(i))) => i % 3 == 1,
        _ => true,
    };
    if !matches!(
        q.get("filter"),
        None | Some(
            "posts_with_replies"
                | "posts_no_replies"
                | "posts_with_media"
                | "posts_and_author_threads"
                | "posts_with_video"
        )
    ) {
        return Err(bad("filter"));
    }
    let before = match q.get("cursor") {
        None => i64::MAX,
        Some(text) => parse_iso(text).ok_or_else(|| bad("cursor"))?,
    };
    let a = seen(world, q.text("actor"))?;
    call.about(&a.handle);
    let made = world.judge.shown(&a.who, world.now(), |_| true);
    let made = made.iter().map(|m| Item::Made(m.what, Box::new(published(&a, m))));
    let mut rest = made.chain(timeline(a.posts).map(Item::Law)).filter(|e| e.ms() < before).filter(wanted);
    let page: Vec<Item> = rest.by_ref().take(limit).collect();
    let author = basic(&a);
    let items: Vec<Value> = page.iter().map(|e| feed_item(&a, &author, e)).collect();
    let mut body = json!({"feed": items});
    if let (Some(last), true) = (page.last(), rest.next().is_some()) {
        body["cursor"] = json!(iso_ms(last.ms()));
    }
    Ok(Reply::json(200, &body))
}

/// The own post behind `at://did/app.bsky.feed.post/rkey`: what the repository holds, or what the AppView has seen.
fn own_post(world: &World, a: &Account, rkey: &str, indexed: bool) -> Option<Post> {
    let now = world.now();
    let there = |m: &Publication| if indexed { m.shown(now) } else { m.deleted_ms.is_none() };
    if let Some(made) = world.judge.by_key(&a.who, rkey) {
        return there(&made).then(|| published(a, &made));
    }
    let (ms, _) = law::tid_parts(rkey)?;
    let Entry::Own(index) = entry_at(ms, a.posts)? else { return None };
    Some(post(a, index)).filter(|p| p.id == rkey)
}

/// The present cid of a record of this world.
pub(super) fn cid_of(world: &World, uri: &str) -> Option<String> {
    let (did, rkey) = uri.strip_prefix("at://")?.split_once(&format!("/{COLLECTION}/"))?;
    let a = actor(world, did)?;
    Some(cid(&a, &own_post(world, &a, rkey, false)?))
}

pub(super) fn posts(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["uris!*"], HEADERS);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    admit(world, call)?;
    let uris: Vec<&str> = call.query.all("uris").collect();
    if uris.len() > 25 {
        return Err(world.unexpected(
            call,
            "more than 25 uris",
            xrpc_error(400, "InvalidRequest", "uris must not have more than 25 elements"),
        ));
    }
    let found = uris.iter().filter_map(|uri| {
        let (did, rkey) = uri.strip_prefix("at://")?.split_once(&format!("/{COLLECTION}/"))?;
        let a = seen(world, did).ok()?;
        Some(view(&a, &basic(&a), &own_post(world, &a, rkey, true)?))
    });
    let list: Vec<Value> = found.collect();
    Ok(Reply::json(200, &json!({"posts": list})))
}

/// The repository that a record call names.
fn repo(world: &World, call: &Call) -> Result<Account, Reply> {
    let name = call.query.text("repo");
    let a =
        actor(world, name).ok_or_else(|| xrpc_error(400, "RepoNotFound", &format!("Could not find repo: {name}")))?;
    call.about(&a.handle);
    if a.suspended {
        return Err(xrpc_error(400, "RepoTakendown", &format!("Repo has been takendown: {}", a.id())));
    }
    Ok(a)
}

fn entry_of_repo(a: &Account, p: &Post) -> Value {
    json!({"uri": uri(a, &p.id), "cid": cid(a, p), "value": record(a, p)})
}

pub(super) fn list_records(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["repo!", "collection!", "limit", "cursor", "reverse"], &["authorization", "dpop"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let a = repo(world, call)?;
    let q = &call.query;
    let limit = limit(world, call)?;
    let ours = q.text("collection") == COLLECTION;
    let total = if ours { a.posts } else { 0 };
    let reverse = q.get("reverse") == Some("true");
    let cursor = q.get("cursor");
    // The repository shows a record at once, whatever the AppView has seen.
    let mut made: Vec<Post> = match ours {
        true => world.judge.shown(&a.who, i64::MAX, |_| true).iter().map(|m| published(&a, m)).collect(),
        false => Vec::new(),
    };
    made.sort_by(|x, y| y.id.cmp(&x.id));
    let law = (0..total).map(|i| post(&a, i));
    let all: Box<dyn Iterator<Item = Post>> = if reverse {
        made.reverse();
        Box::new(law.rev().chain(made))
    } else {
        Box::new(made.into_iter().chain(law))
    };
    let mut rest = all.filter(|p| cursor.is_none_or(|c| if reverse { p.id.as_str() > c } else { p.id.as_str() < c }));
    let page: Vec<Post> = rest.by_ref().take(limit).collect();
    let records: Vec<Value> = page.iter().map(|p| entry_of_repo(&a, p)).collect();
    let mut body = json!({"records": records});
    if let (Some(last), true) = (page.last(), rest.next().is_some()) {
        body["cursor"] = json!(last.id);
    }
    Ok(Reply::json(200, &body))
}

pub(super) fn get_record(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["repo!", "collection!", "rkey!", "cid"], &["authorization", "dpop"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let a = repo(world, call)?;
    let rkey = call.query.text("rkey");
    let found =
        Some(call.query.text("collection")).filter(|c| *c == COLLECTION).and_then(|_| own_post(world, &a, rkey, false));
    let p = found
        .ok_or_else(|| xrpc_error(400, "RecordNotFound", &format!("Could not locate record: {}", uri(&a, rkey))))?;
    Ok(Reply::json(200, &entry_of_repo(&a, &p)))
}
