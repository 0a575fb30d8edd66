//! Publishing a container, and what stands around the post: quota, stories, comments.

use serde_json::{Value, json};

use super::container::{PUBLISH, params, status};
use super::read::{BASIC, MEDIA_FIELDS, bearer, cursor, fields, mark_of, media, media_of, missing, next_url, own_node};
use super::{breach, graph_error, with_usage};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::graph_time;
use crate::judge::{Medium, Outcome, Publication, What};
use crate::posts::published;
use crate::state::{Platform, World};
use crate::stock::Item;
use crate::strict::Rule;

const COMMENTS: &str = "instagram_business_manage_comments";
const DAY_MS: i64 = 86_400_000;

/// Posts of the last 24 hours; a carousel counts once.
fn used(world: &World, account: &Account) -> u64 {
    let since = world.now() - DAY_MS;
    let post = |p: &Publication| p.what != What::Comment && !p.elsewhere;
    world.judge.count(&account.who, |p| p.created_ms > since || p.elsewhere, post)
}

fn quota(world: &World) -> u64 {
    world.settings.number(Platform::Instagram, "quotaTotal").unwrap_or(100)
}

pub(super) fn publish(world: &World, call: &Call, node: &str) -> Answer {
    const KNOWN: &[&str] = &["creation_id", "access_token"];
    let p = params(world, call, KNOWN)?;
    let account = bearer(world, call, PUBLISH)?;
    if !own_node(&account, node) {
        return Err(missing(node));
    }
    let id = p.text("creation_id");
    if id.is_empty() {
        let reply = graph_error(400, 100, None, "(#100) The parameter creation_id is required");
        return Err(world.unexpected(call, "missing parameter creation_id", reply));
    }
    let who = &account.who;
    let refuse = |why: &str, code: i64, subcode: i64, text: &str| {
        world.refused(call, who, Some(id), why, graph_error(400, code, Some(subcode), text))
    };
    let now = world.now();
    let Some(item) = world.stock.own(who, id) else {
        return Err(refuse("no such container", 24, 2_207_006, "The requested resource does not exist"));
    };
    let gone = "The media with this creation id cannot be found or has expired.";
    if let Some(n) = item.used {
        // A container is good for one post; a repeat says so in its own way.
        if let Some(known) = world.judge.get(n) {
            world.repeated(call, &known, Outcome::Repeated, Some("container published before"));
        }
        return Err(graph_error(400, 24, Some(2_207_008), gone));
    }
    match status(&item, now, item.processing(now)).0 {
        "FINISHED" => {}
        "EXPIRED" => return Err(refuse("container expired", 24, 2_207_008, gone)),
        "ERROR" => return Err(refuse("container failed", -1, 2_207_053, "An unknown upload error occurred.")),
        _ => {
            let text = "The media is not ready for publishing, please wait for a moment";
            return Err(refuse("container not ready", 9_007, 2_207_027, text));
        }
    }
    if item.meta["item"] == true {
        let reply = refuse("carousel item", 100, 2_207_023, "A carousel item cannot be published by itself.");
        return Err(world.unexpected(call, "carousel item published by itself", reply));
    }
    if call.quota_exhausted() || used(world, &account) >= quota(world) {
        return Err(world.refused(call, who, Some(id), "quota", super::quota_exhausted()));
    }
    let made = world.publish(call, publication(world, call, &account, &item));
    world.stock.change(Platform::Instagram, id, |i| i.used = Some(made.n));
    Ok(with_usage(Reply::json(200, &json!({"id": made.id})), &account))
}

fn publication(world: &World, call: &Call, account: &Account, item: &Item) -> Publication {
    let story = item.meta["form"] == "STORIES";
    let (media_id, mut url, _) = super::new_place(world, account);
    let what = if story { What::Story } else { What::Post };
    let text = item.meta["caption"].as_str().unwrap_or("");
    let mut made = Publication::new(&account.who, what, media_id, text, world.now());
    if story {
        url = format!("https://www.instagram.com/stories/{}/{}/", account.handle, made.id);
    } else if item.meta["form"] == "REELS" {
        url = url.replace("/p/", "/reel/");
    }
    made.url = url;
    made.key = Some(item.id.clone());
    made.visible_ms = world.visible_ms(Platform::Instagram, call);
    made.media = match item.meta["children"].as_array() {
        Some(children) => {
            let child = |id: &Value| world.stock.own(&account.who, id.as_str()?).map(|c| c.medium);
            children.iter().filter_map(child).collect::<Vec<Medium>>()
        }
        None => vec![item.medium.clone()],
    };
    made.details = json!({"form": item.meta["form"], "container": item.id});
    made
}

pub(super) fn limit(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule = Rule::get(&["fields", "since", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, PUBLISH)?;
    if !own_node(&account, node) {
        return Err(missing(node));
    }
    let mut row = json!({});
    for name in call.query.get("fields").unwrap_or("quota_usage").split(',') {
        row[name] = match name {
            "quota_usage" => json!(used(world, &account)),
            "config" => json!({"quota_total": quota(world), "quota_duration": 86_400}),
            odd => {
                let text = format!("(#100) Tried accessing nonexisting field ({odd})");
                return Err(world.unexpected(
                    call,
                    &format!("unknown field {odd}"),
                    graph_error(400, 100, None, &text),
                ));
            }
        };
    }
    Ok(with_usage(Reply::json(200, &json!({"data": [row]})), &account))
}

/// Stories of the last 24 hours.
pub(super) fn stories(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule = Rule::get(&["fields", "limit", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, BASIC)?;
    if !own_node(&account, node) {
        return Err(missing(node));
    }
    let fields = fields(world, call, MEDIA_FIELDS, "Media")?;
    let now = world.now();
    let fresh = |p: &Publication| p.what == What::Story && now - p.created_ms < DAY_MS;
    let list = world.judge.shown(&account.who, now, fresh);
    let data: Vec<Value> = list.iter().map(|m| media(&account, &published(&account, m), &fields)).collect();
    Ok(with_usage(Reply::json(200, &json!({"data": data})), &account))
}

pub(super) fn comments(world: &World, call: &Call, node: &str) -> Answer {
    if call.method == http::Method::POST {
        return comment(world, call, node);
    }
    const RULE: Rule = Rule::get(&["fields", "limit", "after", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, COMMENTS)?;
    media_of(world, &account, node).ok_or_else(|| missing(node))?;
    let known = ["id", "text", "timestamp", "username", "from", "like_count", "hidden", "parent_id", "replies"];
    let wanted = fields(world, call, &known, "Comment")?;
    let now = world.now();
    let list = world.judge.shown(&account.who, now, |p| p.what == What::Comment && p.reply_to.as_deref() == Some(node));
    let row = |p: &Publication| {
        let mut body = json!({});
        for (name, _) in &wanted {
            body[name.as_str()] = match name.as_str() {
                "id" => json!(p.id),
                "text" => json!(p.text),
                "timestamp" => json!(graph_time(p.created_ms)),
                "username" => json!(account.handle),
                "from" => json!({"id": account.app_scoped_id(), "username": account.handle}),
                "like_count" => json!(0),
                "hidden" => json!(false),
                _ => continue,
            };
        }
        body
    };
    let limit = call.query.get("limit").map_or(Some(25), |n| n.parse::<usize>().ok()).filter(|n| (1..=50).contains(n));
    let unfit = |name: &str| graph_error(400, 100, None, &format!("(#100) Param {name} is not valid"));
    let limit = limit.ok_or_else(|| world.unexpected(call, "limit", unfit("limit")))?;
    let start = match call.query.get("after") {
        None => 0,
        Some(after) => {
            let mark = mark_of(after).and_then(|id| list.iter().position(|p| p.id == id));
            mark.ok_or_else(|| world.unexpected(call, "after", unfit("after")))? + 1
        }
    };
    let page: Vec<&Publication> = list.iter().skip(start).take(limit).collect();
    let mut body = json!({"data": page.iter().map(|p| row(p)).collect::<Vec<Value>>()});
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        body["paging"] = json!({"cursors": {"before": cursor(&first.id), "after": cursor(&last.id)}});
        if start + page.len() < list.len() {
            body["paging"]["next"] = json!(next_url(call, "after", &cursor(&last.id)));
        }
    }
    Ok(with_usage(Reply::json(200, &body), &account))
}

fn comment(world: &World, call: &Call, node: &str) -> Answer {
    const KNOWN: &[&str] = &["message", "access_token"];
    let p = params(world, call, KNOWN)?;
    let account = bearer(world, call, COMMENTS)?;
    let who = &account.who;
    let Some(_) = media_of(world, &account, node) else {
        return Err(world.refused(call, who, None, "no such media", missing(node)));
    };
    let message = p.text("message");
    if message.is_empty() || message.chars().count() > 2_200 {
        let reply = graph_error(400, 100, None, "(#100) The parameter message is required");
        let reply = world.refused(call, who, None, "message", reply);
        return Err(world.unexpected(call, "message empty or too long", reply));
    }
    let id = format!("178{:014}", world.judge.next());
    let mut made = Publication::new(who, What::Comment, id, message, world.now());
    made.reply_to = Some(node.to_owned());
    made.visible_ms = world.visible_ms(Platform::Instagram, call);
    let made = world.publish(call, made);
    Ok(with_usage(Reply::json(200, &json!({"id": made.id})), &account))
}
