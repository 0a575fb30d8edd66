//! Profile, media and media insights.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::insights::insights;
use super::login::{account_error, token_error};
use super::{CONTAINER, breach, container, graph_error, media_prefix, publish, with_usage};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::graph_time;
use crate::judge::What;
use crate::law;
use crate::oauth::Kind as TokenKind;
use crate::posts::{Kind, Post, Shelf, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::Rule;

pub(super) const BASIC: &str = "instagram_business_basic";

/// `/v26.0/…` or the same without a version.
pub(super) fn route(world: &World, call: &Call) -> Answer {
    let mut segments = call.segments();
    if segments.first().is_some_and(|s| version(s)) {
        segments.remove(0);
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("DELETE", [_]) => {
            let reply = graph_error(400, 100, Some(33), "Unsupported delete request.");
            Err(world.unexpected(call, "Instagram Login deletes nothing", reply))
        }
        ("GET", [node]) if node.starts_with(CONTAINER) => container::look(world, call, node),
        ("POST", [node, "media"]) => container::create(world, call, node),
        ("POST", [node, "media_publish"]) => publish::publish(world, call, node),
        (_, [node, "content_publishing_limit"]) => publish::limit(world, call, node),
        (_, [node, "comments"]) => publish::comments(world, call, node),
        (_, [node, "stories"]) => publish::stories(world, call, node),
        (_, [node]) => {
            const RULE: Rule = Rule::get(&["fields", "access_token"], &["authorization"]);
            RULE.read(call).map_err(|b| breach(world, call, &b))?;
            let account = bearer(world, call, BASIC)?;
            match media_of(world, &account, node) {
                Some(p) => Ok(with_usage(
                    Reply::json(200, &media(&account, &p, &fields(world, call, MEDIA_FIELDS, "Media")?)),
                    &account,
                )),
                None => profile(world, call, &account, node),
            }
        }
        (_, [node, "media"]) => list(world, call, node),
        (_, [node, "insights"]) => insights(world, call, node),
        _ => {
            let reply = graph_error(400, 2500, None, &format!("Unknown path components: {}", call.path));
            Err(world.unexpected(call, "unknown path", reply))
        }
    }
}

fn version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .and_then(|v| v.strip_suffix(".0"))
        .and_then(|v| v.parse().ok())
        .is_some_and(|v: u8| (20..=26).contains(&v))
}

/// The account behind the request's token, if it may do what `scope` is for.
/// Seconds until an account's calls count anew, when those of this hour are used up. Refused calls count too.
fn hour_used_up(world: &World, account: &Account, most: i64) -> Option<i64> {
    let (hour, into) = ((now_s(world)).div_euclid(3600), now_s(world).rem_euclid(3600));
    let key = i64::from(u32::try_from(law::digits(Platform::Instagram, account.seed(), "calls", 6)).unwrap_or(0));
    let used = world.ledger.add(Platform::Instagram, "calls", hour * 1_000_000 + key, 1);
    (i64::try_from(used).unwrap_or(i64::MAX) > most).then_some(3600 - into)
}

fn now_s(world: &World) -> i64 {
    world.now().div_euclid(1000)
}

pub(super) fn bearer(world: &World, call: &Call, scope: &str) -> Result<Account, Reply> {
    let Some(token) = call.access_token().filter(|t| !t.is_empty()) else {
        let reply = graph_error(
            400,
            2500,
            None,
            "An active access token must be used to query information about the current user.",
        );
        return Err(world.unexpected(call, "no access token", reply));
    };
    let now = world.now();
    let bearer = world
        .oauth
        .check(&token, &[TokenKind::Access, TokenKind::Short], Platform::Instagram, now)
        .map_err(|f| token_error(&f, now))?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if let Some(most) = world.settings.number(Platform::Instagram, "callsPerHour") {
        let window = i64::try_from(most).unwrap_or(i64::MAX);
        if let Some(wait) = hour_used_up(world, &account, window) {
            return Err(super::rate_limited(call, wait));
        }
    }
    if account.suspended || account.deleted {
        return Err(account_error(account.deleted));
    }
    if !account.effective(&bearer.grant.scopes).iter().any(|s| s == scope) {
        return Err(graph_error(403, 10, None, "(#10) Application does not have permission for this action"));
    }
    Ok(account)
}

pub(super) fn missing(node: &str) -> Reply {
    let text = format!(
        "Unsupported get request. Object with ID '{node}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    );
    graph_error(400, 100, Some(33), &text)
}

pub(super) fn own_node(account: &Account, node: &str) -> bool {
    node == "me" || node == account.id() || node == account.app_scoped_id()
}

pub(super) fn media_of(world: &World, account: &Account, id: &str) -> Option<Post> {
    if let Some(made) = world.judge.by_id(Platform::Instagram, id) {
        let seen = made.who == account.who && made.shown(world.now()) && made.what != What::Comment;
        return seen.then(|| published(account, &made));
    }
    let index: u32 = id.strip_prefix(&media_prefix(account)).filter(|rest| rest.len() == 5)?.parse().ok()?;
    (index < account.posts).then(|| post(account, index))
}

/// The asked fields, outermost level; a field may carry its own list in braces.
pub(super) fn fields(world: &World, call: &Call, known: &[&str], node: &str) -> Result<Vec<(String, String)>, Reply> {
    let mut list: Vec<(String, String)> = Vec::new();
    for (name, inner) in split(call.query.get("fields").unwrap_or("id")) {
        if !known.contains(&name.as_str()) {
            let reply = graph_error(
                400,
                100,
                None,
                &format!("(#100) Tried accessing nonexisting field ({name}) on node type (IG{node})"),
            );
            return Err(world.unexpected(call, &format!("unknown field {name}"), reply));
        }
        if list.iter().any(|(n, _)| *n == name) {
            let reply = graph_error(
                400,
                2500,
                None,
                &format!(
                    "Syntax error \"Field {name} specified more than once. This is only possible before version 2.1\""
                ),
            );
            return Err(world.unexpected(call, &format!("repeated field {name}"), reply));
        }
        list.push((name, inner));
    }
    if !list.iter().any(|(n, _)| n == "id") {
        list.push(("id".to_owned(), String::new()));
    }
    Ok(list)
}

/// `a,b{c,d}` -> (a, ""), (b, "c,d")
pub(super) fn split(text: &str) -> Vec<(String, String)> {
    let (mut depth, mut name, mut inner, mut out) = (0_u32, String::new(), String::new(), Vec::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => out.push((std::mem::take(&mut name), std::mem::take(&mut inner))),
            _ if depth > 0 => inner.push(c),
            _ => name.push(c),
        }
    }
    out.push((name, inner));
    out
}

fn profile(world: &World, call: &Call, account: &Account, node: &str) -> Answer {
    const KNOWN: &[&str] = &[
        "id",
        "user_id",
        "username",
        "name",
        "account_type",
        "profile_picture_url",
        "followers_count",
        "follows_count",
        "media_count",
        "biography",
        "website",
    ];
    if !own_node(account, node) {
        return Err(missing(node));
    }
    let mut body = Map::new();
    for (name, _) in fields(world, call, KNOWN, "User")? {
        let value = match name.as_str() {
            "id" => json!(account.app_scoped_id()),
            "user_id" => json!(account.id()),
            "username" => json!(account.handle),
            "name" => json!(account.name()),
            "account_type" => json!(if account.following().is_multiple_of(2) { "Business" } else { "Media_Creator" }),
            "profile_picture_url" => json!(account.avatar()),
            "followers_count" => json!(account.followers),
            "follows_count" => json!(account.following()),
            "media_count" => json!(u64::from(account.posts) + made_count(world, account)),
            "biography" => json!(account.bio()),
            _ => json!(format!("https://{}.example/", account.handle)),
        };
        body.insert(name, value);
    }
    Ok(with_usage(Reply::json(200, &Value::Object(body)), account))
}

pub(super) const MEDIA_FIELDS: &[&str] = &[
    "id",
    "ig_id",
    "caption",
    "alt_text",
    "media_type",
    "media_product_type",
    "media_url",
    "thumbnail_url",
    "permalink",
    "shortcode",
    "timestamp",
    "username",
    "owner",
    "like_count",
    "comments_count",
    "is_comment_enabled",
    "is_shared_to_feed",
    "is_ai_generated",
    "children",
    "collaborators",
];

pub(super) fn media(account: &Account, p: &Post, fields: &[(String, String)]) -> Value {
    let picture =
        |ext: &str| format!("https://scontent.cdninstagram.com/v/{}.{ext}?_nc_ht=scontent.cdninstagram.com", p.id);
    let video = p.kind == Kind::Video;
    let mut body = Map::new();
    for (name, inner) in fields {
        let value = match name.as_str() {
            "id" => json!(p.id),
            "ig_id" => json!(format!("3{}", p.id)),
            "caption" => json!(p.text),
            "media_type" => json!(match p.kind {
                Kind::Video => "VIDEO",
                Kind::Carousel => "CAROUSEL_ALBUM",
                Kind::Image | Kind::Text => "IMAGE",
            }),
            "media_product_type" if p.made.as_ref().is_some_and(|m| m.what == What::Story) => json!("STORY"),
            "media_product_type" => json!(if video { "REELS" } else { "FEED" }),
            // Missing when the media is flagged for copyright.
            "media_url" if p.index % 17 != 16 => json!(picture(if video { "mp4" } else { "jpg" })),
            "thumbnail_url" if video => json!(picture("jpg")),
            "permalink" => json!(p.url),
            "shortcode" => json!(p.url.trim_end_matches('/').rsplit('/').next()),
            "timestamp" => json!(graph_time(p.at_ms)),
            "username" => json!(account.handle),
            "owner" => json!({"id": account.id()}),
            "like_count" => match p.likes {
                Some(n) => json!(n),
                None => continue,
            },
            "comments_count" => json!(p.comments),
            "is_comment_enabled" => json!(true),
            "is_shared_to_feed" if video => json!(true),
            "is_ai_generated" => json!(false),
            "alt_text" if p.made.is_some() => match &p.made.as_ref().and_then(|m| m.media.first()?.alt.clone()) {
                Some(alt) => json!(alt),
                None => continue,
            },
            "children" if p.kind == Kind::Carousel => children(p, inner),
            _ => continue,
        };
        body.insert(name.clone(), value);
    }
    Value::Object(body)
}

fn children(p: &Post, inner: &str) -> Value {
    let one = |n: u32| {
        let id = format!("19{}{n}", &p.id[2..]);
        let mut child = json!({"id": id});
        for (name, _) in split(inner) {
            match name.as_str() {
                "media_type" => child["media_type"] = json!("IMAGE"),
                "media_url" => child["media_url"] = json!(format!("https://scontent.cdninstagram.com/v/{id}.jpg")),
                _ => {}
            }
        }
        child
    };
    let count = p.made.as_ref().map_or(2, |m| u32::try_from(m.media.len()).unwrap_or(10));
    json!({"data": (1..=count).map(one).collect::<Vec<Value>>()})
}

pub(super) fn cursor(mark: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("QVFI:{mark}"))
}

pub(super) fn mark_of(cursor: &str) -> Option<String> {
    Some(String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?.strip_prefix("QVFI:")?.to_owned())
}

fn list(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule =
        Rule::get(&["fields", "limit", "after", "before", "since", "until", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, BASIC)?;
    if !own_node(&account, node) {
        return Err(missing(node));
    }
    let fields = fields(world, call, MEDIA_FIELDS, "Media")?;
    let q = &call.query;
    let bad = |name: &str| {
        world.unexpected(
            call,
            &format!("bad {name}"),
            graph_error(400, 100, None, &format!("(#100) Invalid parameter: {name}")),
        )
    };
    let number = |name: &str| match q.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<i64>().map(Some).map_err(|_| bad(name)),
    };
    let limit =
        usize::try_from(number("limit")?.unwrap_or(25)).ok().filter(|n| *n > 0).ok_or_else(|| bad("limit"))?.min(100);
    let (since, until) = (number("since")?, number("until")?);
    let shelf = Shelf::of(world, &account, |_| true);
    let position = |name: &str| match q.get(name) {
        None => Ok(None),
        Some(text) => mark_of(text).and_then(|m| shelf.position(&m)).map(Some).ok_or_else(|| bad(name)),
    };
    let inside = |i: &u32| {
        let s = shelf.at_ms(*i) / 1000;
        since.is_none_or(|t| s >= t) && until.is_none_or(|t| s <= t)
    };
    let all = shelf.len().min(10_000);
    let page: Vec<u32> = match position("before")? {
        Some(before) => {
            let mut back: Vec<u32> = (0..before.min(all)).rev().filter(inside).take(limit).collect();
            back.reverse();
            back
        }
        None => (position("after")?.map_or(0, |i| i + 1)..all).filter(inside).take(limit).collect(),
    };
    let data: Vec<Value> = page.iter().map(|i| media(&account, &shelf.post(*i), &fields)).collect();
    let mut body = json!({"data": data});
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        body["paging"] =
            json!({"cursors": {"before": cursor(&shelf.mark(*first)), "after": cursor(&shelf.mark(*last))}});
        if (last + 1..all).any(|i| inside(&i)) {
            body["paging"]["next"] = json!(next_url(call, "after", &cursor(&shelf.mark(*last))));
        }
        if (0..*first).any(|i| inside(&i)) {
            body["paging"]["previous"] = json!(next_url(call, "before", &cursor(&shelf.mark(*first))));
        }
    }
    Ok(with_usage(Reply::json(200, &body), &account))
}

/// The same request at another cursor; the token is part of it, as on the real host.
pub(super) fn next_url(call: &Call, name: &str, cursor: &str) -> String {
    let kept = call.query.0.iter().filter(|(k, _)| k != "after" && k != "before");
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    query.append_pair(name, cursor);
    format!("https://{}{}?{}", call.host, call.path, query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_lists_split_at_their_own_level() {
        let list = split("id,children{id,media_type},caption");
        assert_eq!(list.len(), 3);
        assert_eq!(list[1], ("children".to_owned(), "id,media_type".to_owned()));
    }

    #[test]
    fn only_living_versions_count() {
        assert!(version("v26.0"));
        assert!(!version("v27.0"));
        assert!(!version("26.0"));
    }
}
