//! Posting and deleting statuses.

use serde_json::{Value, json};

use super::media::{self, writer};
use super::read::{entity, made_entity};
use super::{breach, error, not_found, status_id};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::graphemes;
use crate::judge::{Outcome, Publication, What};
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Rule, Shape};

/// How long a server remembers an Idempotency-Key.
const KEY_MS: i64 = 3_600_000;

/// Whether the instance is Mastodon itself; others do not know the key.
pub(super) fn is_mastodon(host: &str) -> bool {
    !host.starts_with("snac.")
}

/// Characters as a server counts them: an address is 23, the host of a mention is free.
pub(super) fn length(text: &str) -> usize {
    let mut total = 0;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !c.is_whitespace()) {
        total += graphemes::count(&rest[..at]);
        let end = rest[at..].find(char::is_whitespace).map_or(rest.len(), |e| at + e);
        let word = &rest[at..end];
        total += match word.find("https://").or_else(|| word.find("http://")) {
            Some(start) => graphemes::count(&word[..start]) + 23,
            None => match word.strip_prefix('@').and_then(|m| m.split_once('@')) {
                Some((user, host)) if !user.is_empty() && host.contains('.') => graphemes::count(user) + 1,
                _ => graphemes::count(word),
            },
        };
        rest = &rest[end..];
    }
    total + graphemes::count(rest)
}

struct Wanted {
    text: String,
    spoiler: String,
    visibility: String,
    reply: Option<String>,
    sensitive: bool,
    language: Option<String>,
    media: Vec<Item>,
}

pub(super) fn create(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &[
        "status",
        "media_ids*",
        "media_ids[]*",
        "poll",
        "poll[options][]*",
        "poll[expires_in]",
        "poll[multiple]",
        "poll[hide_totals]",
        "in_reply_to_id",
        "sensitive",
        "spoiler_text",
        "visibility",
        "language",
        "quoted_status_id",
        "quote_approval_policy",
    ];
    const RULE: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::FormOrJson(FIELDS),
        headers: &["authorization!", "idempotency-key"],
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, "write:statuses")?;
    let who = &account.who;
    let now = world.now();
    let key = call.header("idempotency-key").filter(|_| is_mastodon(&call.host));
    let known = key.and_then(|k| world.judge.by_key(who, k)).filter(|p| now - p.created_ms < KEY_MS);
    if let Some(known) = known {
        world.repeated(call, &known, Outcome::Repeated, None);
        return match known.deleted_ms {
            // The key leads to a status that is no longer there.
            Some(_) => Err(not_found()),
            None => Ok(Reply::json(200, &made_entity(&account, &entity(world, &account), &known))),
        };
    }
    let wanted = check(world, call, &account, &input.form, &input.json)
        .map_err(|(why, reply)| world.refused(call, who, key, &why, reply))?;
    let (id, url, _) = super::new_place(world, &account, now);
    let what = if wanted.reply.is_some() { What::Comment } else { What::Post };
    let mut made = Publication::new(who, what, id, &wanted.text, now);
    made.url = url;
    made.key = key.map(str::to_owned);
    made.reply_to = wanted.reply;
    made.visible_ms = world.visible_ms(Platform::Mastodon, call);
    made.hidden = matches!(wanted.visibility.as_str(), "private" | "direct");
    made.media = wanted.media.iter().map(|i| i.medium.clone()).collect();
    let attachments: Vec<Value> = wanted.media.iter().map(|i| media::entity(&call.host, i, true)).collect();
    made.details = json!({"visibility": wanted.visibility, "spoilerText": wanted.spoiler, "sensitive": wanted.sensitive,
        "language": wanted.language, "attachments": attachments, "idempotencyKey": call.header("idempotency-key")});
    let made = world.publish(call, made);
    for item in &wanted.media {
        world.stock.change(Platform::Mastodon, &item.id, |i| i.used = Some(made.n));
    }
    Ok(Reply::json(200, &made_entity(&account, &entity(world, &account), &made)))
}

type Refusal = (String, Reply);

fn check(
    world: &World,
    call: &Call,
    account: &Account,
    form: &crate::call::Pairs,
    json: &Value,
) -> Result<Wanted, Refusal> {
    let refuse = |text: &str| (text.to_owned(), error(422, text));
    let limit = |name: &str| world.settings.number_at(Platform::Mastodon, &call.host, name);
    let ids: Vec<&str> = form.all("media_ids").chain(form.all("media_ids[]")).collect();
    let poll = form.get("poll").is_some() || form.get("poll[options][]").is_some();
    let (text, spoiler) = (form.text("status"), form.text("spoiler_text"));
    if text.trim().is_empty() && ids.is_empty() {
        return Err(refuse("Validation failed: Text can't be blank"));
    }
    let most = limit("maxCharacters");
    if (length(text) + graphemes::count(spoiler)) as u64 > most {
        return Err(refuse(&format!("Validation failed: Text character limit of {most} exceeded")));
    }
    let visibility = form.get("visibility").unwrap_or("public");
    if !matches!(visibility, "public" | "unlisted" | "private" | "direct") {
        let reply = error(422, "Validation failed: Visibility is not included in the list");
        return Err(("visibility".to_owned(), world.unexpected(call, "visibility", reply)));
    }
    if let Some(language) = form.get("language").filter(|l| !(2..=3).contains(&l.split('-').next().unwrap_or("").len()))
    {
        let reply = error(422, "Validation failed: Language is invalid");
        return Err(("language".to_owned(), world.unexpected(call, &format!("language {language}"), reply)));
    }
    if poll && !ids.is_empty() {
        return Err(refuse("Validation failed: Media attachments cannot be attached to a status with a poll"));
    }
    if ids.len() as u64 > limit("maxMediaAttachments") {
        return Err(refuse(&format!(
            "Validation failed: Cannot attach more than {} files",
            limit("maxMediaAttachments")
        )));
    }
    let media = attachments(world, account, &ids).map_err(|text| refuse(&text))?;
    let reply = form.get("in_reply_to_id").map(str::to_owned);
    if let Some(parent) = &reply
        && super::read::find_status(world, call, parent).is_none()
    {
        let text = "The post you are trying to reply to does not appear to exist.";
        return Err((text.to_owned(), world.unexpected(call, "in_reply_to_id", error(404, text))));
    }
    let sensitive = form.get("sensitive") == Some("true") || json["sensitive"] == true;
    let language = form.get("language").map(str::to_owned);
    Ok(Wanted {
        text: text.to_owned(),
        spoiler: spoiler.to_owned(),
        visibility: visibility.to_owned(),
        reply,
        sensitive,
        language,
        media,
    })
}

fn attachments(world: &World, account: &Account, ids: &[&str]) -> Result<Vec<Item>, String> {
    let now = world.now();
    let mut media = Vec::new();
    for id in ids {
        let found = world.stock.own(&account.who, id).filter(|i| i.used.is_none() && now - i.created_ms < 86_400_000);
        let item = found.ok_or_else(|| format!("Media {id} not found or already attached to another post"))?;
        match item.processing(now) {
            Processing::Done => media.push(item),
            Processing::Running | Processing::Failed => {
                return Err("Cannot attach files that have not finished processing. Try again in a moment!".to_owned());
            }
        }
    }
    let moving = media.iter().filter(|i| i.seen.kind != "image").count();
    if moving > 0 && media.len() > 1 {
        return Err("Cannot attach a video to a post that already contains images".to_owned());
    }
    Ok(media)
}

pub(super) fn delete(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule =
        Rule { method: "DELETE", query: &["delete_media"], body: Shape::Empty, headers: &["authorization!"] };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, "write:statuses")?;
    let now = world.now();
    let known = world.judge.by_id(Platform::Mastodon, id).filter(|p| p.who == account.who && p.deleted_ms.is_none());
    let known = known.ok_or_else(not_found)?;
    if world.settings.is(Platform::Mastodon, "rates")
        && world.rates.take(&account.id(), "delete", 30, 1_800_000, now).is_err()
    {
        return Err(super::rate_limited(world, 1_800));
    }
    let mut body = made_entity(&account, &entity(world, &account), &known);
    body["text"] = json!(known.text);
    world.judge.change(known.n, |p| p.deleted_ms = Some(now));
    Ok(Reply::json(200, &body))
}

/// An id for a new status: the millisecond, or the next one that is free.
pub(super) fn new_id(world: &World, account: &Account, at_ms: i64) -> String {
    (at_ms..)
        .map(|ms| status_id(account, ms))
        .find(|id| world.judge.by_id(Platform::Mastodon, id).is_none())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn addresses_are_23_and_hosts_of_mentions_are_free() {
        assert_eq!(length("hello"), 5);
        assert_eq!(length("see https://example.org/a/very/long/path?with=query"), 27);
        assert_eq!(length("@ann@social.example hi"), 7);
        assert_eq!(length("👨‍👩‍👧‍👦 ok "), 5);
        assert_eq!(length("(https://a.example)"), 24);
    }
}
