//! The control API: what a test may know about the world and change in it.

use serde_json::{Value, json};

use crate::accounts::{Account, could_exist, normal};
use crate::call::{Answer, Call, Reply};
use crate::posts::{Shelf, made_count};
use crate::state::{Platform, World};
use crate::{clock, law, verdict};

pub(crate) fn refuse(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}

pub(crate) fn ok(body: &Value) -> Answer {
    Ok(Reply::json(200, body))
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    route(world, call).unwrap_or_else(|e| e)
}

pub(crate) fn body(call: &Call) -> Result<Value, Reply> {
    if call.body.is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(&call.body).map_err(|e| refuse(400, &e.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(refuse(400, "the body is a JSON object")) }
}

fn route(world: &World, call: &Call) -> Answer {
    let segments = call.segments();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["reset"]) => {
            world.reset();
            ok(&json!({}))
        }
        ("POST", ["clock"]) => {
            let seconds =
                body(call)?["advanceSeconds"].as_i64().ok_or_else(|| refuse(400, "advanceSeconds is a number"))?;
            world.clock.advance_s(seconds);
            ok(&json!({"now": clock::iso_ms(world.now())}))
        }
        ("GET", ["clock"]) => ok(&json!({"now": clock::iso_ms(world.now())})),
        ("POST", ["faults"]) => {
            let id = world.faults.add(&body(call)?).map_err(|e| refuse(400, &e))?;
            Ok(Reply::json(201, &json!({"id": id})))
        }
        ("GET", ["faults"]) => ok(&json!(world.faults.list())),
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            ok(&json!({}))
        }
        ("GET", ["requests"]) => requests(world, call),
        ("DELETE", ["requests"]) => {
            world.journal.forget_requests();
            ok(&json!({}))
        }
        ("GET", ["unexpected"]) => ok(&json!(world.journal.unexpected_list())),
        ("GET", ["tokens"]) => ok(&json!(all_tokens(world))),
        ("GET", ["stats"]) => ok(&stats(world)),
        ("GET", ["publications"]) => verdict::publications(world, call),
        ("DELETE", ["publications"]) => {
            world.forget_publications();
            ok(&json!({}))
        }
        ("GET", ["publications", n]) => verdict::publication(world, n),
        ("DELETE", ["publications", n]) => verdict::remove(world, n),
        ("GET", ["counts"]) => verdict::counts(world, call),
        ("GET", ["submissions"]) => verdict::submissions(world, call),
        ("GET", ["uploads"]) => verdict::uploads(world, call),
        ("GET" | "PATCH", ["settings", platform]) => verdict::settings(world, call, platform, ""),
        ("GET" | "PATCH", ["settings", platform, host]) => verdict::settings(world, call, platform, host),
        (method, ["accounts", platform, handle, rest @ ..]) => {
            let platform = Platform::parse(platform).ok_or_else(|| refuse(404, "unknown platform"))?;
            let account = world.accounts.find_any(platform, handle).ok_or_else(|| refuse(404, "no such account"))?;
            account_route(world, call, method, &account, rest)
        }
        _ => Err(refuse(404, "no such control route")),
    }
}

fn account_route(world: &World, call: &Call, method: &str, account: &Account, rest: &[&str]) -> Answer {
    match (method, rest) {
        ("GET", []) => ok(&truth(world, account)),
        ("GET", ["law"]) => ok(&growth(account)),
        ("POST", ["posts"]) => verdict::elsewhere(world, call, account),
        ("PATCH", []) => patch(world, account, &body(call)?),
        ("POST", ["expire-tokens"]) => {
            let count = world.oauth.expire_access(&account.who, world.now());
            ok(&json!({"expired": count}))
        }
        ("POST", ["revoke-tokens"]) => ok(&json!({"revokedGrants": world.oauth.revoke_all(&account.who)})),
        ("GET", ["tokens"]) => ok(&json!(world.oauth.issued(Some(&account.who)))),
        ("POST", ["issue-token"]) => issue(world, account, &body(call)?),
        _ => Err(refuse(404, "no such control route")),
    }
}

/// What is true about an account, whatever its platform shows of it.
fn truth(world: &World, account: &Account) -> Value {
    let shelf = Shelf::of(world, account, |_| true);
    let posts: Vec<Value> = (0..shelf.len())
        .map(|i| {
            let p = shelf.post(i);
            json!({
                "id": p.id, "url": p.url, "text": p.text, "publishedAt": clock::iso_s(p.at_ms),
                "likes": p.likes, "comments": p.comments, "shares": p.shares, "views": p.views,
                "saves": p.saves, "reach": p.reach, "quotes": p.quotes,
            })
        })
        .collect();
    let platform = account.platform();
    json!({
        "platform": platform.name(),
        "handle": account.handle,
        "id": account.id(),
        "appScopedId": (platform == Platform::Instagram).then(|| account.app_scoped_id()),
        "displayName": account.name(),
        "bio": account.bio(),
        "followerCount": account.followers,
        "followingCount": (platform != Platform::YouTube).then(|| account.following()),
        "postCount": u64::from(account.posts) + made_count(world, account),
        "isVerified": account.verified(),
        "profileUrl": account.profile_url(),
        "avatarUrl": account.avatar(),
        "private": account.private(),
        "suspended": account.suspended,
        "deleted": account.deleted,
        "appPassword": (platform == Platform::Bluesky).then(|| law::app_password(account.seed())),
        "posts": posts,
    })
}

/// The closed form of a growing account: what each figure of the law's posts comes to, and how many people follow a day.
/// At an age of `a` seconds a figure is `total · a / (a + 86400)`, rounded down; the followers are those at the first second
/// and `a day · seconds since / 86400`.
fn growth(account: &Account) -> Value {
    let posts: Vec<Value> = (0..account.posts.min(500))
        .map(|i| {
            let p = crate::posts::totals_of(account, i);
            json!({"id": p.id, "publishedAt": clock::iso_s(p.at_ms), "likes": p.likes, "comments": p.comments,
                "shares": p.shares, "views": p.views, "saves": p.saves, "reach": p.reach, "quotes": p.quotes})
        })
        .collect();
    let a_day = law::followers_a_day(account.platform(), account.seed());
    json!({
        "grows": account.grows(),
        "followersADay": a_day,
        "followersAtFirst": account.followers - law::followers_gained(a_day, account.now_ms).min(account.followers),
        "since": clock::iso_s(law::EPOCH_S * 1000),
        "posts": posts,
    })
}

fn patch(world: &World, account: &Account, wanted: &Value) -> Answer {
    const KNOWN: [&str; 6] = ["suspended", "deleted", "rename", "followerCount", "posts", "grantedScopes"];
    let members = wanted.as_object().cloned().unwrap_or_default();
    if let Some(odd) = members.keys().find(|k| !KNOWN.contains(&k.as_str())) {
        return Err(refuse(400, &format!("unknown member {odd}")));
    }
    let rename = match wanted["rename"].as_str() {
        None => None,
        Some(new) => Some(new_handle(account, new)?),
    };
    let posts = match wanted["posts"].as_u64().map(u32::try_from) {
        None => None,
        Some(Ok(n)) if n <= 100_000 => Some(n),
        Some(_) => return Err(refuse(400, "posts is at most 100000")),
    };
    world.accounts.change(&account.who, |change| {
        change.suspended = wanted["suspended"].as_bool().or(change.suspended);
        change.deleted = wanted["deleted"].as_bool().unwrap_or(change.deleted);
        change.followers = wanted["followerCount"].as_u64().or(change.followers);
        change.posts = posts.or(change.posts);
        change.handle = rename.or(change.handle.take());
        if let Some(scopes) = members.get("grantedScopes") {
            change.granted =
                scopes.as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
    });
    ok(&truth(world, &world.accounts.get(&account.who)))
}

fn new_handle(account: &Account, new: &str) -> Result<String, Reply> {
    let mut new = normal(new);
    if account.platform() == Platform::Mastodon && !new.contains('@') {
        new = format!("{new}@{}", account.instance());
    }
    // Also one that another account has left: handles are recycled.
    if could_exist(account.platform(), &new) {
        Ok(new)
    } else {
        Err(refuse(400, "not a handle that could exist there"))
    }
}

/// Tokens as if the account had consented to the same app elsewhere.
fn issue(world: &World, account: &Account, wanted: &Value) -> Answer {
    let scopes: Option<Vec<String>> =
        wanted["scopes"].as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let issued = match account.platform() {
        Platform::Instagram => crate::instagram::hand_over(world, account, scopes),
        Platform::TikTok => crate::tiktok::hand_over(world, account, scopes),
        Platform::YouTube => crate::youtube::hand_over(world, account, scopes),
        Platform::Mastodon => crate::mastodon::hand_over(world, account, scopes),
        Platform::Bluesky => crate::bluesky::hand_over(world, account, scopes),
        Platform::Twitter => crate::twitter::hand_over(world, account, scopes),
        Platform::LinkedIn => crate::linkedin::hand_over(world, account, scopes),
        Platform::Telegram => crate::telegram::hand_over(world, account),
    };
    Ok(Reply::json(
        201,
        &json!({"accessToken": issued.access, "refreshToken": issued.refresh, "expiresIn": issued.expires_in_s, "scopes": issued.scopes}),
    ))
}

/// What `issue-token` hands out.
#[derive(Debug)]
pub(crate) struct HandOver {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expires_in_s: Option<i64>,
    pub(crate) scopes: Vec<String>,
}

fn requests(world: &World, call: &Call) -> Answer {
    let platform = match call.query.get("platform") {
        None => None,
        Some(name) => Some(Platform::parse(name).ok_or_else(|| refuse(400, "unknown platform"))?),
    };
    let host = call.query.get("host");
    let wanted = |p: Option<Platform>, h: &str| platform.is_none_or(|w| p == Some(w)) && host.is_none_or(|w| w == h);
    ok(&json!(world.journal.requests(wanted)))
}

fn all_tokens(world: &World) -> Vec<Value> {
    let secret = |kind: &str, platform: Platform, value: &str| json!({"kind": kind, "platform": platform.name(), "account": null, "value": value});
    let c = &world.config;
    let mut list = vec![
        secret("clientSecret", Platform::Instagram, &c.instagram.secret),
        secret("clientSecret", Platform::TikTok, &c.tiktok.secret),
        secret("clientSecret", Platform::YouTube, &c.youtube.secret),
        secret("apiKey", Platform::YouTube, &c.youtube_api_key),
        secret("clientSecret", Platform::Twitter, &c.twitter.secret),
        secret("clientSecret", Platform::Twitter, &c.twitter_api.secret),
        secret("clientSecret", Platform::LinkedIn, &c.linkedin.secret),
        secret("botToken", Platform::Telegram, &c.telegram_bot_token),
    ];
    list.extend(world.mastodon.secrets().iter().map(|s| secret("clientSecret", Platform::Mastodon, s)));
    list.extend(world.oauth.issued(None));
    list
}

fn stats(world: &World) -> Value {
    let per = Platform::ALL.map(|p| {
        let (requests, unexpected) = world.journal.counts(p);
        let mut row =
            json!({"requests": requests, "unexpected": unexpected, "secretsIssued": world.oauth.issued_count(p)});
        if p == Platform::YouTube {
            let (units, uploads) = crate::youtube::quota::today(world);
            row["quota"] = json!({"units": units, "uploads": uploads});
        }
        (p.name().to_owned(), row)
    });
    Value::Object(per.into_iter().collect())
}
