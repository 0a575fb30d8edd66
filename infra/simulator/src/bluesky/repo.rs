//! Writing records: the same key is the same post.

use serde_json::{Value, json};

use super::{PDS, breach, cid, record, session, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::SimClock;
use crate::judge::{Outcome, Publication, What};
use crate::law;
use crate::state::{Platform, World};
use crate::strict::{Breach, Rule, Shape};

const COLLECTION: &str = "app.bsky.feed.post";
const HEADERS: &[&str] = &["authorization!", "dpop"];

pub(super) fn uri(account: &Account, rkey: &str) -> String {
    format!("at://{}/{COLLECTION}/{rkey}", account.id())
}

/// The account that writes, to its own repository, what it may.
fn writer(world: &World, call: &Call, repo: &str, collection: &str) -> Result<Account, Reply> {
    let (account, scopes) = session::caller(world, call)?;
    let may = |s: &String| {
        s == "com.atproto.appPass" || s == "transition:generic" || s.starts_with(&format!("repo:{COLLECTION}"))
    };
    if !scopes.iter().any(may) {
        let text = format!("Missing required scope \"repo:{collection}?action=create\"");
        return Err(xrpc_error(403, "ScopeMissingError", &text));
    }
    if repo != account.id() && repo != account.handle {
        let text = "repo is not the signed-in account's";
        return Err(world.unexpected(call, text, xrpc_error(403, "Forbidden", text)));
    }
    if collection != COLLECTION {
        let text = format!("collection {collection}");
        return Err(world.unexpected(call, &text, xrpc_error(400, "InvalidRequest", &text)));
    }
    Ok(account)
}

/// Thirteen letters, the first of them in the lower half.
fn is_tid(rkey: &str) -> bool {
    rkey.len() == 13
        && rkey.bytes().all(|b| b"234567abcdefghijklmnopqrstuvwxyz".contains(&b))
        && rkey.starts_with(|c: char| ('2'..='7').contains(&c) || ('a'..='j').contains(&c))
}

fn commit() -> Value {
    let rev = law::tid(SimClock::real_ms(), 7);
    json!({"cid": cid::of_record(&json!({"rev": rev})), "rev": rev})
}

pub(super) fn put(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["repo!", "collection!", "rkey!", "record!", "validate", "swapRecord", "swapCommit"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: HEADERS };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    write(world, call, &input.json, true)
}

pub(super) fn create(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["repo!", "collection!", "rkey", "record!", "validate", "swapCommit"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: HEADERS };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    write(world, call, &input.json, false)
}

fn write(world: &World, call: &Call, body: &Value, put: bool) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap_or("");
    let account = writer(world, call, text("repo"), text("collection"))?;
    let rkey = match body["rkey"].as_str() {
        Some(rkey) => rkey.to_owned(),
        None => law::tid(world.now(), world.judge.next()),
    };
    let who = &account.who;
    if !is_tid(&rkey) {
        let reply = xrpc_error(400, "InvalidRequest", "Invalid record key: not a TID");
        return Err(world.unexpected(call, "rkey is no TID", world.refused(call, who, Some(&rkey), "rkey", reply)));
    }
    let value = &body["record"];
    let media = record::check(world, &account, value).map_err(|fault| {
        let reply = xrpc_error(400, "InvalidRequest", &fault.text);
        let reply = if fault.ours { world.unexpected(call, &fault.text, reply) } else { reply };
        world.refused(call, who, Some(&rkey), &fault.text, reply)
    })?;
    let Some(cid) = cid::of_record(value) else {
        return Err(breach(world, call, &Breach::Unknown("record: a number with a fraction".to_owned())));
    };
    let uri = uri(&account, &rkey);
    let done = |with_commit: bool| {
        let mut answer = json!({"uri": uri, "cid": cid, "validationStatus": "valid"});
        if with_commit {
            answer["commit"] = commit();
        }
        Ok(Reply::json(200, &answer))
    };
    let known = world.judge.by_key(who, &rkey).filter(|p| p.deleted_ms.is_none());
    if let Some(known) = known {
        if !put {
            world.repeated(call, &known, Outcome::Refused, Some("the record exists"));
            return Err(xrpc_error(500, "InternalServerError", "Internal Server Error"));
        }
        let same = known.details["cid"] == cid.as_str();
        if !same && body.get("swapRecord").is_some_and(Value::is_null) {
            world.repeated(call, &known, Outcome::Refused, Some("swapRecord"));
            return Err(xrpc_error(400, "InvalidSwap", "Record was at another cid"));
        }
        world.repeated(call, &known, Outcome::Repeated, (!same).then_some("changed"));
        if !same {
            world.judge.change(known.n, |p| {
                value["text"].as_str().unwrap_or("").clone_into(&mut p.text);
                p.details = json!({"record": value, "cid": cid});
                p.media = media;
            });
        }
        return done(!same);
    }
    if world.settings.is(Platform::Bluesky, "rates") {
        // Five thousand points an hour, three for a new record.
        let taken = world.rates.take(&account.id(), "create", 1_666, 3_600_000, world.now());
        if let Err(wait) = taken {
            return Err(super::rate_limited(world, wait / 1000 + 1));
        }
    }
    let reply = value["reply"]["parent"]["uri"].as_str();
    let what = if reply.is_some() { What::Comment } else { What::Post };
    let mut made = Publication::new(who, what, uri.clone(), value["text"].as_str().unwrap_or(""), world.now());
    made.url = format!("https://bsky.app/profile/{}/post/{rkey}", account.handle);
    made.media = media;
    made.key = Some(rkey);
    made.reply_to = reply.map(str::to_owned);
    made.visible_ms = world.visible_ms(Platform::Bluesky, call);
    made.details = json!({"record": value, "cid": cid});
    world.publish(call, made);
    done(true)
}

pub(super) fn delete(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["repo!", "collection!", "rkey!", "swapRecord", "swapCommit"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: HEADERS };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let f = &input.form;
    let account = writer(world, call, f.text("repo"), f.text("collection"))?;
    let known = world.judge.by_key(&account.who, f.text("rkey")).filter(|p| p.deleted_ms.is_none());
    let Some(known) = known else { return Ok(Reply::json(200, &json!({}))) };
    let now = world.now();
    world.judge.change(known.n, |p| p.deleted_ms = Some(now));
    Ok(Reply::json(200, &json!({"commit": commit()})))
}

/// A token for another service, good for one of its methods.
pub(super) fn service_auth(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["aud!", "exp", "lxm"], HEADERS);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, _) = session::caller(world, call)?;
    let q = &call.query;
    let now = world.now();
    let real = SimClock::real_ms();
    let life_ms = match q.get("exp").map(str::parse::<i64>) {
        None => 60_000,
        Some(Ok(exp)) => exp * 1000 - if (exp * 1000 - now).abs() < 4_000_000 { now } else { real },
        Some(Err(_)) => return Err(breach(world, call, &Breach::Unknown("exp: a number".to_owned()))),
    };
    if !(0..=3_600_000).contains(&life_ms) {
        let text = "cannot request a token with an expiration more than an hour in the future";
        return Err(world.unexpected(call, text, xrpc_error(400, "BadExpiration", text)));
    }
    let (aud, lxm) = (q.text("aud"), q.text("lxm"));
    let token = crate::oauth::jwt_like(
        &json!({"typ": "JWT", "alg": "ES256K"}),
        &json!({"iss": account.id(), "aud": aud, "lxm": lxm, "exp": (now + life_ms) / 1000, "jti": crate::state::secret(16)}),
    );
    world.oauth.note_secret(Some(&account.who), "serviceToken", &token);
    world.bluesky.remember_service(&token, &account.who, aud, lxm, now + life_ms);
    Ok(Reply::json(200, &json!({"token": token})))
}

/// The repository host as a service.
pub(super) fn pds_did() -> String {
    format!("did:web:{PDS}")
}

#[cfg(test)]
mod tests {
    use super::is_tid;

    #[test]
    fn a_tid_has_its_form() {
        assert!(is_tid("3n2qhjxtkz22l"));
        assert!(!is_tid("3n2qhjxtkz22"));
        assert!(!is_tid("zn2qhjxtkz22l"));
        assert!(!is_tid("3n2qhjxtkz21l"));
    }
}
