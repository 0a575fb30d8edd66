//! The user and the user's public videos.

use serde_json::{Map, Value, json};

use super::{api_error, breach, envelope, video_prefix};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::oauth::Kind;
use crate::posts::{Post, Shelf, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::{Breach, Rule, Shape};

const USER_FIELDS: [(&str, &[&str]); 3] = [
    ("user.info.basic", &["open_id", "union_id", "avatar_url", "avatar_url_100", "avatar_large_url", "display_name"]),
    ("user.info.profile", &["bio_description", "profile_deep_link", "is_verified", "username"]),
    ("user.info.stats", &["follower_count", "following_count", "likes_count", "video_count"]),
];
const VIDEO_FIELDS: [&str; 15] = [
    "id",
    "create_time",
    "cover_image_url",
    "share_url",
    "video_description",
    "duration",
    "height",
    "width",
    "title",
    "embed_html",
    "embed_link",
    "like_count",
    "comment_count",
    "share_count",
    "view_count",
];

pub(super) fn bearer(world: &World, call: &Call) -> Result<(Account, Vec<String>), Reply> {
    let invalid = || api_error(401, "access_token_invalid", "The access token is invalid or not found in the request.");
    let Some(token) = call.credential("bearer") else {
        return Err(world.unexpected(call, "no bearer token", invalid()));
    };
    let bearer = world.oauth.check(token, &[Kind::Access], Platform::TikTok, world.now()).map_err(|_| invalid())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    // A ban takes the tokens with it.
    if account.suspended || account.deleted {
        return Err(invalid());
    }
    let scopes = account.effective(&bearer.grant.scopes);
    Ok((account, scopes))
}

pub(super) fn demand(scopes: &[String], scope: &str) -> Result<(), Reply> {
    if scopes.iter().any(|s| s == scope) {
        return Ok(());
    }
    Err(api_error(
        401,
        "scope_not_authorized",
        "The user did not authorize the scope required for completing this request.",
    ))
}

/// The asked fields, each known.
fn fields<'a>(world: &World, call: &'a Call, known: &dyn Fn(&str) -> bool) -> Result<Vec<&'a str>, Reply> {
    let list: Vec<&str> = call.query.text("fields").split(',').collect();
    match list.iter().find(|f| !known(f)) {
        Some(odd) => Err(breach(world, call, &Breach::Unknown(format!("fields: {odd}")))),
        None => Ok(list),
    }
}

pub(super) fn user_info(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["fields!"], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = bearer(world, call)?;
    let scope_of = |field: &str| USER_FIELDS.iter().find(|(_, list)| list.contains(&field)).map(|(scope, _)| *scope);
    let mut user = Map::new();
    for field in fields(world, call, &|f| scope_of(f).is_some())? {
        demand(&scopes, scope_of(field).unwrap_or(""))?;
        let value = match field {
            "open_id" => json!(account.id()),
            "union_id" => json!(crate::law::uuid(Platform::TikTok, account.seed(), "union_id")),
            "avatar_url" | "avatar_url_100" | "avatar_large_url" => json!(account.avatar()),
            "display_name" => json!(account.name()),
            "bio_description" => json!(account.bio()),
            "profile_deep_link" => json!(format!(
                "https://vm.tiktok.com/{}/",
                crate::law::base32(Platform::TikTok, account.seed(), "deep", 9)
            )),
            "is_verified" => json!(account.verified()),
            "username" => json!(account.handle),
            "follower_count" => json!(account.followers),
            "following_count" => json!(account.following()),
            "likes_count" => json!(account.total("likes")),
            _ => json!(u64::from(account.posts) + made_count(world, &account)),
        };
        user.insert(field.to_owned(), value);
    }
    Ok(envelope(&json!({"user": user})))
}

fn video(p: &Post, fields: &[&str]) -> Value {
    let seconds = 5 + p.views.unwrap_or(0) % 170;
    let mut out = Map::new();
    for field in fields {
        let value = match *field {
            "id" => json!(p.id),
            "create_time" => json!(p.at_ms / 1000),
            "cover_image_url" => {
                json!(format!("https://p16-sign.tiktokcdn.com/cover/{}.jpeg?x-expires=1793600000", p.id))
            }
            "share_url" => json!(p.url),
            "video_description" | "title" => json!(p.text.chars().take(150).collect::<String>()),
            "duration" => json!(seconds),
            "height" => json!(1024),
            "width" => json!(576),
            "embed_html" => json!(format!("<blockquote cite=\"{}\"></blockquote>", p.url)),
            "embed_link" => json!(format!("https://www.tiktok.com/player/v1/{}", p.id)),
            "like_count" => json!(p.likes),
            "comment_count" => json!(p.comments),
            "share_count" => json!(p.shares),
            _ => json!(p.views),
        };
        out.insert((*field).to_owned(), value);
    }
    Value::Object(out)
}

/// Only public videos show; a private account has none.
fn visible(account: &Account) -> u32 {
    if account.private() { 0 } else { account.posts }
}

fn public<'a>(world: &World, account: &'a Account) -> Shelf<'a> {
    let shelf = Shelf::of(world, account, |p| !p.hidden && !account.private());
    if account.private() { shelf.without_law() } else { shelf }
}

pub(super) fn video_list(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &["fields!"],
        body: Shape::Json(&["cursor", "max_count"]),
        headers: &["authorization!"],
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = bearer(world, call)?;
    demand(&scopes, "video.list")?;
    let fields = fields(world, call, &|f| VIDEO_FIELDS.contains(&f))?;
    let bad = |name: &str| breach(world, call, &Breach::Unknown(format!("{name}: out of range")));
    let number = |name: &str, default: i64| match &input.json[name] {
        Value::Null => Ok(default),
        value => value.as_i64().ok_or_else(|| bad(name)),
    };
    let count = number("max_count", 10)?;
    if !(1..=20).contains(&count) {
        return Err(bad("max_count"));
    }
    // Without a cursor, or at 0, the list begins with the newest.
    let cursor = Some(number("cursor", 0)?).filter(|c| *c != 0).unwrap_or(i64::MAX);
    let shelf = public(world, &account);
    let total = shelf.len();
    let start = (0..total).find(|i| shelf.at_ms(*i) < cursor).unwrap_or(total);
    let end = total.min(start + u32::try_from(count).unwrap_or(20));
    let videos: Vec<Value> = (start..end).map(|i| video(&shelf.post(i), &fields)).collect();
    let last = if end > start { shelf.at_ms(end - 1) } else { 0 };
    Ok(envelope(&json!({"videos": videos, "cursor": last, "has_more": end < total})))
}

pub(super) fn video_query(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule { method: "POST", query: &["fields!"], body: Shape::Json(&["filters"]), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, scopes) = bearer(world, call)?;
    demand(&scopes, "video.list")?;
    let fields = fields(world, call, &|f| VIDEO_FIELDS.contains(&f))?;
    let Some(ids) = input.json["filters"]["video_ids"].as_array().filter(|ids| (1..=20).contains(&ids.len())) else {
        return Err(breach(world, call, &Breach::Unknown("filters.video_ids: 1 to 20 ids".to_owned())));
    };
    let prefix = video_prefix(&account);
    let index = |id: &Value| {
        let index: u32 = id.as_str()?.strip_prefix(&prefix)?.parse().ok()?;
        999_999_u32.checked_sub(index).filter(|i| *i < visible(&account))
    };
    let made = |id: &Value| {
        let made = world.judge.by_id(Platform::TikTok, id.as_str()?)?;
        let there = made.who == account.who && made.shown(world.now()) && !made.hidden;
        there.then(|| published(&account, &made))
    };
    let one = |id: &Value| made(id).or_else(|| index(id).map(|i| post(&account, i)));
    let videos: Vec<Value> = ids.iter().filter_map(one).map(|p| video(&p, &fields)).collect();
    Ok(envelope(&json!({"videos": videos})))
}
