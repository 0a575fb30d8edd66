//! The judge's part of the control API.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::control::{body, ok, refuse};
use crate::judge::{Publication, What};
use crate::state::{Platform, Who, World};

/// The accounts that the query names.
struct Wanted {
    platform: Option<Platform>,
    who: Option<Who>,
}

impl Wanted {
    fn read(world: &World, call: &Call) -> Result<Self, Reply> {
        let platform = match call.query.get("platform") {
            None => None,
            Some(name) => Some(Platform::parse(name).ok_or_else(|| refuse(400, "unknown platform"))?),
        };
        let who = match (call.query.get("account"), platform) {
            (None, _) => None,
            (Some(_), None) => return Err(refuse(400, "account needs platform")),
            (Some(handle), Some(platform)) => {
                let found = world.accounts.find_any(platform, handle);
                Some(found.ok_or_else(|| refuse(404, "no such account"))?.who)
            }
        };
        Ok(Self { platform, who })
    }

    fn takes(&self, who: &Who) -> bool {
        self.platform.is_none_or(|p| p == who.platform) && self.who.as_ref().is_none_or(|w| w == who)
    }
}

pub(crate) fn publications(world: &World, call: &Call) -> Answer {
    let wanted = Wanted::read(world, call)?;
    let now = world.now();
    let is = |name: &str, actual: &str| call.query.get(name).is_none_or(|w| w == actual);
    let list =
        world.judge.publications(|p| wanted.takes(&p.who) && is("kind", p.what.name()) && is("state", p.state(now)));
    ok(&Value::Array(list.iter().map(|p| shown(world, p)).collect()))
}

fn shown(world: &World, p: &Publication) -> Value {
    p.json(&world.accounts.get(&p.who).handle, world.now())
}

fn numbered(world: &World, n: &str) -> Result<Publication, Reply> {
    n.parse().ok().and_then(|n| world.judge.get(n)).ok_or_else(|| refuse(404, "no such publication"))
}

pub(crate) fn publication(world: &World, n: &str) -> Answer {
    ok(&shown(world, &numbered(world, n)?))
}

/// As if the owner had deleted it in the platform's app.
pub(crate) fn remove(world: &World, n: &str) -> Answer {
    let known = numbered(world, n)?;
    let now = world.now();
    let changed = world.judge.change(known.n, |p| p.deleted_ms = p.deleted_ms.or(Some(now)));
    ok(&shown(world, &changed.unwrap_or(known)))
}

/// A post that the owner made elsewhere.
pub(crate) fn elsewhere(world: &World, call: &Call, account: &Account) -> Answer {
    let wanted = body(call)?;
    let text = wanted["text"].as_str().ok_or_else(|| refuse(400, "text is a string"))?;
    let age = wanted["ageSeconds"].as_i64().unwrap_or(0);
    let at = world.now() - age * 1000;
    let (id, url, key) = match account.platform() {
        Platform::Instagram => crate::instagram::new_place(world, account),
        Platform::TikTok => crate::tiktok::new_place(world, account),
        Platform::YouTube => crate::youtube::new_place(world, account),
        Platform::Mastodon => crate::mastodon::new_place(world, account, at),
        Platform::Bluesky => crate::bluesky::new_place(world, account, at),
        Platform::Twitter => crate::twitter::new_place(world, account, at),
        Platform::LinkedIn => crate::linkedin::new_place(world, account, at),
        Platform::Telegram => crate::telegram::new_place(world, account),
    };
    let mut made = Publication::new(&account.who, What::Post, id, text, at);
    made.url = url;
    made.key = key;
    made.elsewhere = true;
    let made = world.judge.create(made);
    Ok(Reply::json(201, &shown(world, &made)))
}

fn tally(world: &World, all: &[Publication], takes: impl Fn(&Who) -> bool) -> Map<String, Value> {
    let now = world.now();
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for p in all.iter().filter(|p| takes(&p.who) && !p.elsewhere) {
        let state = p.state(now);
        match p.what {
            What::Post | What::Story => {
                *counts.entry(state).or_default() += 1;
                *counts.entry("created").or_default() += u64::from(state != "failed");
                *counts.entry("stories").or_default() += u64::from(p.what == What::Story);
            }
            What::Comment => *counts.entry("comments").or_default() += u64::from(state != "failed"),
            What::Draft => *counts.entry("drafts").or_default() += u64::from(state != "failed"),
        }
    }
    let (submissions, repeats, refused) = world.judge.tally(takes);
    let names = ["created", "live", "processing", "failed", "deleted", "comments", "stories", "drafts"];
    let mut out: Map<String, Value> =
        names.iter().map(|n| ((*n).to_owned(), json!(counts.get(n).copied().unwrap_or(0)))).collect();
    out.insert("submissions".to_owned(), json!(submissions));
    out.insert("repeats".to_owned(), json!(repeats));
    out.insert("refused".to_owned(), json!(refused));
    out
}

pub(crate) fn counts(world: &World, call: &Call) -> Answer {
    let wanted = Wanted::read(world, call)?;
    let all = world.judge.publications(|p| wanted.takes(&p.who));
    let mut out = tally(world, &all, |who| wanted.takes(who));
    let each = Platform::ALL.into_iter().filter(|p| wanted.platform.is_none_or(|w| w == *p)).map(|p| {
        let counts = tally(world, &all, |who| who.platform == p && wanted.takes(who));
        (p.name().to_owned(), Value::Object(counts))
    });
    out.insert("platforms".to_owned(), Value::Object(each.collect()));
    ok(&Value::Object(out))
}

pub(crate) fn submissions(world: &World, call: &Call) -> Answer {
    let wanted = Wanted::read(world, call)?;
    ok(&Value::Array(world.judge.submissions(|w| wanted.takes(w), |w| world.accounts.get(w).handle)))
}

pub(crate) fn uploads(world: &World, call: &Call) -> Answer {
    let wanted = Wanted::read(world, call)?;
    ok(&Value::Array(world.judge.uploads(|w| wanted.takes(w), |w| world.accounts.get(w).handle)))
}

pub(crate) fn settings(world: &World, call: &Call, platform: &str, host: &str) -> Answer {
    let platform = Platform::parse(platform).ok_or_else(|| refuse(404, "unknown platform"))?;
    if !host.is_empty() && platform != Platform::Mastodon {
        return Err(refuse(404, "only Mastodon has settings by host"));
    }
    if call.method == http::Method::PATCH {
        let wanted = body(call)?;
        let members = wanted.as_object().cloned().unwrap_or_default();
        world.settings.set(platform, host, &members).map_err(|e| refuse(400, &e))?;
    }
    ok(&world.settings.all(platform, host))
}
