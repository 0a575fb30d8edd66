//! Users, timelines, posts.

use serde_json::{Map, Value, json};

use super::{Caller, breach, invalid, reader, text};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::{iso_ms, parse_iso};
use crate::judge::{Publication, What};
use crate::law;
use crate::posts::{Kind, Post, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::Rule;

const USER_FIELDS: [&str; 18] = [
    "created_at",
    "description",
    "entities",
    "id",
    "location",
    "name",
    "profile_image_url",
    "profile_banner_url",
    "protected",
    "public_metrics",
    "url",
    "username",
    "verified",
    "verified_type",
    "subscription_type",
    "pinned_tweet_id",
    "confirmed_email",
    "most_recent_tweet_id",
];
const POST_FIELDS: [&str; 24] = [
    "id",
    "text",
    "attachments",
    "author_id",
    "conversation_id",
    "created_at",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "in_reply_to_user_id",
    "lang",
    "note_tweet",
    "possibly_sensitive",
    "public_metrics",
    "non_public_metrics",
    "organic_metrics",
    "referenced_tweets",
    "reply_settings",
    "source",
    "withheld",
    "community_id",
    "context_annotations",
    "article",
];
const MONTH_MS: i64 = 30 * 86_400_000;

/// The asked fields, each known.
fn fields<'a>(world: &World, call: &'a Call, name: &str, known: &[&str]) -> Result<Vec<&'a str>, Reply> {
    let list: Vec<&str> = call.query.get(name).map(|f| f.split(',').collect()).unwrap_or_default();
    match list.iter().find(|f| !known.contains(f)) {
        Some(odd) => {
            let text = format!("The `{name}` query parameter value [{odd}] is not one of [{}]", known.join(","));
            Err(world.unexpected(call, &format!("unknown field {odd}"), invalid(&text, &json!({name: [odd]}))))
        }
        None => Ok(list),
    }
}

fn user_json(world: &World, a: &Account, fields: &[&str]) -> Value {
    let mut body = json!({"id": a.id(), "name": a.name(), "username": a.handle});
    for field in fields {
        body[*field] = match *field {
            "created_at" => json!(iso_ms(a.created_ms())),
            "description" => json!(a.bio()),
            "profile_image_url" => json!(a.avatar()),
            "protected" => json!(a.private()),
            "verified" => json!(a.verified()),
            "verified_type" => json!(if a.verified() == Some(true) { "blue" } else { "none" }),
            "subscription_type" => json!(if a.seed().starts_with("premium") { "Premium" } else { "None" }),
            "url" => json!(""),
            "public_metrics" => {
                let posts = u64::from(a.posts) + made_count(world, a);
                json!({"followers_count": a.followers, "following_count": a.following(), "tweet_count": posts, "listed_count": 3,
                    "like_count": 12, "media_count": posts / 3})
            }
            _ => continue,
        };
    }
    body
}

/// What a request for one thing that is not there gets: 200 and an error inside.
fn not_found(resource: &str, parameter: &str, value: &str) -> Reply {
    Reply::json(200, &json!({"errors": [missing(resource, parameter, value)]}))
}

fn missing(resource: &str, parameter: &str, value: &str) -> Value {
    json!({"value": value, "detail": format!("Could not find {resource} with {parameter}: [{value}]."), "title": "Not Found Error",
        "resource_type": resource, "parameter": parameter, "resource_id": value, "type": "https://api.twitter.com/2/problems/resource-not-found"})
}

pub(super) fn me(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["user.fields", "expansions", "tweet.fields"], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    match reader(world, call)? {
        Caller::User(account, _) => {
            let fields = fields(world, call, "user.fields", &USER_FIELDS)?;
            Ok(Reply::json(200, &json!({"data": user_json(world, &account, &fields)})))
        }
        Caller::App => Err(super::problem(
            403,
            "Unsupported Authentication",
            "unsupported-authentication",
            "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.",
        )),
    }
}

fn shown(world: &World, call: &Call, found: Option<Account>, parameter: &str, value: &str) -> Answer {
    let fields = fields(world, call, "user.fields", &USER_FIELDS)?;
    let Some(account) = found.filter(|a| !a.deleted) else { return Err(not_found("user", parameter, value)) };
    call.about(&account.handle);
    if account.suspended {
        let body = json!({"errors": [{"value": value, "detail": format!("User has been suspended: [{value}]."), "title": "Forbidden",
            "resource_type": "user", "parameter": parameter, "resource_id": value, "type": "https://api.twitter.com/2/problems/resource-not-found"}]});
        return Err(Reply::json(200, &body));
    }
    Ok(Reply::json(200, &json!({"data": user_json(world, &account, &fields)})))
}

pub(super) fn by_username(world: &World, call: &Call, name: &str) -> Answer {
    const RULE: Rule = Rule::get(&["user.fields"], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    reader(world, call)?;
    shown(world, call, world.accounts.find(Platform::Twitter, name), "username", name)
}

pub(super) fn user(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&["user.fields"], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    reader(world, call)?;
    shown(world, call, world.accounts.by_id(Platform::Twitter, id), "id", id)
}

/// The text with its addresses shortened, and what they stand for. Positions count characters.
pub(super) fn shortened(p: &Post) -> (String, Vec<Value>) {
    let (mut out, mut at, mut list) = (String::new(), 0, Vec::new());
    for (n, (start, end)) in text::urls(&p.text).into_iter().enumerate() {
        out.push_str(&p.text[at..start]);
        let code = law::base32(Platform::Twitter, &p.id, &format!("url{n}"), 10);
        let first = out.chars().count();
        out.push_str(&format!("https://t.co/{code}"));
        let whole = &p.text[start..end];
        let expanded = if whole.contains("://") { whole.to_owned() } else { format!("http://{whole}") };
        let display: String = expanded.split_once("://").map_or("", |(_, d)| d).chars().take(26).collect();
        list.push(json!({"start": first, "end": out.chars().count(), "url": format!("https://t.co/{code}"), "expanded_url": expanded,
            "display_url": display}));
        at = end;
    }
    out.push_str(&p.text[at..]);
    (out, list)
}

fn post_json(a: &Account, p: &Post, fields: &[&str], owner: bool, now: i64, errors: &mut Vec<Value>) -> Value {
    let (text, urls) = shortened(p);
    let made = p.made.as_ref();
    let reply = made.and_then(|m| m.reply_to.clone());
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(p.id));
    body.insert("text".to_owned(), json!(text));
    body.insert("edit_history_tweet_ids".to_owned(), json!([p.id]));
    for field in fields {
        let value = match *field {
            "author_id" => json!(a.id()),
            "conversation_id" => json!(made.and_then(|m| m.details["conversation"].as_str()).unwrap_or(&p.id)),
            "created_at" => json!(iso_ms(p.at_ms)),
            "lang" => json!("en"),
            "possibly_sensitive" => json!(false),
            "reply_settings" => json!(made.and_then(|m| m.details["replySettings"].as_str()).unwrap_or("everyone")),
            "in_reply_to_user_id" if reply.is_some() => json!(a.id()),
            "referenced_tweets" => match &reply {
                Some(id) => json!([{"type": "replied_to", "id": id}]),
                None => continue,
            },
            "entities" if !urls.is_empty() => json!({"urls": urls}),
            "attachments" => {
                match made.map(|m| &m.details["mediaKeys"]).filter(|k| k.as_array().is_some_and(|k| !k.is_empty())) {
                    Some(keys) => json!({"media_keys": keys}),
                    None if p.kind == Kind::Image && made.is_none() => json!({"media_keys": [format!("3_{}", p.id)]}),
                    None => continue,
                }
            }
            "public_metrics" => {
                json!({"retweet_count": p.shares, "reply_count": p.comments, "like_count": p.likes, "quote_count": p.quotes,
                "bookmark_count": p.saves, "impression_count": p.views})
            }
            "non_public_metrics" | "organic_metrics" if !owner || now - p.at_ms > MONTH_MS => {
                let text =
                    format!("Sorry, you are not authorized to access '{field}' on the Tweet with id: [{}].", p.id);
                errors.push(json!({"resource_id": p.id, "field": field, "title": "Field Authorization Error", "section": "data", "detail": text,
                    "resource_type": "tweet", "type": "https://api.twitter.com/2/problems/not-authorized-for-field"}));
                continue;
            }
            "non_public_metrics" => {
                json!({"impression_count": p.views, "user_profile_clicks": p.views.map(|v| v / 90), "engagements": p.views.map(|v| v / 25)})
            }
            "organic_metrics" => {
                json!({"impression_count": p.views, "like_count": p.likes, "reply_count": p.comments, "retweet_count": p.shares,
                "user_profile_clicks": p.views.map(|v| v / 90)})
            }
            _ => continue,
        };
        body.insert((*field).to_owned(), value);
    }
    Value::Object(body)
}

fn envelope(data: Value, errors: Vec<Value>) -> Value {
    let mut body = json!({"data": data});
    if !errors.is_empty() {
        body["errors"] = json!(errors);
    }
    body
}

const POST_QUERY: [&str; 5] = ["tweet.fields", "expansions", "media.fields", "user.fields", "place.fields"];

pub(super) fn timeline(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(
        &[
            "max_results",
            "pagination_token",
            "since_id",
            "until_id",
            "start_time",
            "end_time",
            "exclude",
            "tweet.fields",
            "expansions",
            "media.fields",
            "user.fields",
            "place.fields",
        ],
        &["authorization!"],
    );
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = reader(world, call)?;
    let fields = fields(world, call, "tweet.fields", &POST_FIELDS)?;
    let q = &call.query;
    let bad = |name: &str| {
        let text = format!("The `{name}` query parameter value [{}] is not valid", q.text(name));
        world.unexpected(call, &format!("bad {name}"), invalid(&text, &json!({name: [q.text(name)]})))
    };
    let found = world.accounts.by_id(Platform::Twitter, id).filter(|a| !a.deleted && !a.suspended);
    let Some(a) = found else { return Err(not_found("user", "id", id)) };
    call.about(&a.handle);
    let owner = me.owns(&a);
    if a.private() && !owner {
        let body = json!({"errors": [{"resource_id": id, "parameter": "id", "resource_type": "user", "section": "data", "title": "Authorization Error",
            "value": id, "detail": format!("Sorry, you are not authorized to see the user with id: [{id}]."), "type": "https://api.twitter.com/2/problems/not-authorized-for-resource"}]});
        return Err(Reply::json(200, &body));
    }
    let most = match q.get("max_results").map(str::parse::<usize>) {
        None => 10,
        Some(Ok(n @ 5..=100)) => n,
        Some(_) => return Err(bad("max_results")),
    };
    let time = |name: &str| q.get(name).map(|t| parse_iso(t).ok_or_else(|| bad(name))).transpose();
    let number = |name: &str| q.get(name).map(|t| t.parse::<u64>().map_err(|_| bad(name))).transpose();
    let (start, end) = (time("start_time")?, time("end_time")?);
    let (since, until) = (number("since_id")?, number("until_id")?);
    let before = q
        .get("pagination_token")
        .map(|t| t.strip_prefix("7140d").and_then(|n| n.parse::<u64>().ok()).ok_or_else(|| bad("pagination_token")))
        .transpose()?;
    let replies = !q.text("exclude").split(',').any(|e| e == "replies");
    let made = world.judge.shown(&a.who, world.now(), |p| replies || p.what == What::Post);
    let depth = if replies { 3_200 } else { 800 };
    let all = made.iter().map(|m| published(&a, m)).chain((0..a.posts).map(|i| post(&a, i))).take(depth);
    let wanted = |p: &Post| {
        let id = p.id.parse::<u64>().unwrap_or(0);
        start.is_none_or(|t| p.at_ms >= t)
            && end.is_none_or(|t| p.at_ms < t)
            && since.is_none_or(|s| id > s)
            && until.is_none_or(|u| id < u)
            && before.is_none_or(|b| id < b)
    };
    let mut rest = all.filter(wanted);
    let page: Vec<Post> = rest.by_ref().take(most).collect();
    let more = rest.next().is_some();
    let mut errors = Vec::new();
    let data: Vec<Value> = page.iter().map(|p| post_json(&a, p, &fields, owner, world.now(), &mut errors)).collect();
    let mut meta = json!({"result_count": data.len()});
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        meta["newest_id"] = json!(first.id);
        meta["oldest_id"] = json!(last.id);
        if more {
            meta["next_token"] = json!(format!("7140d{}", last.id));
        }
    }
    let mut body = if data.is_empty() { json!({}) } else { envelope(json!(data), errors) };
    body["meta"] = meta;
    Ok(Reply::json(200, &body))
}

/// A post of this world, with its author.
pub(super) fn find(world: &World, id: &str) -> Option<(Account, Post)> {
    if let Some(made) = world.judge.by_id(Platform::Twitter, id) {
        let a = world.accounts.get(&made.who);
        let there = |p: &Publication| p.shown(world.now()) && !a.deleted && !a.suspended;
        return there(&made).then(|| published(&a, &made)).map(|p| (a, p));
    }
    // An id holds its time, and with the time the index of the law; the author is tried.
    let ms = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()? + 1_288_834_974_657;
    let law::Entry::Own(index) = law::entry_at(ms, u32::MAX)? else { return None };
    let known = world.accounts.of(Platform::Twitter);
    let a = known.into_iter().find(|a| index < a.posts && post(a, index).id == id)?;
    (!a.deleted && !a.suspended).then(|| post(&a, index)).map(|p| (a, p))
}

pub(super) fn posts(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(
        &["ids!", "tweet.fields", "expansions", "media.fields", "user.fields", "place.fields"],
        &["authorization!"],
    );
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = reader(world, call)?;
    let fields = fields(world, call, "tweet.fields", &POST_FIELDS)?;
    let ids: Vec<&str> = call.query.text("ids").split(',').collect();
    if ids.len() > 100 {
        return Err(world.unexpected(
            call,
            "more than 100 ids",
            invalid("size must be between 1 and 100", &json!({"ids": ids})),
        ));
    }
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        match find(world, id).filter(|(a, _)| !a.private() || me.owns(a)) {
            Some((a, p)) => data.push(post_json(&a, &p, &fields, me.owns(&a), world.now(), &mut errors)),
            None => errors.push(missing("tweet", "ids", id)),
        }
    }
    let body = if data.is_empty() { json!({"errors": errors}) } else { envelope(json!(data), errors) };
    Ok(Reply::json(200, &body))
}

pub(super) fn one(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&POST_QUERY, &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = reader(world, call)?;
    let fields = fields(world, call, "tweet.fields", &POST_FIELDS)?;
    let found = find(world, id).filter(|(a, _)| !a.private() || me.owns(a));
    let Some((a, p)) = found else { return Err(not_found("tweet", "id", id)) };
    call.about(&a.handle);
    let mut errors = Vec::new();
    let data = post_json(&a, &p, &fields, me.owns(&a), world.now(), &mut errors);
    Ok(Reply::json(200, &envelope(data, errors)))
}
