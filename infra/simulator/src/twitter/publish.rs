//! Posting and deleting.

use serde_json::{Value, json};

use super::{breach, forbidden, invalid, problem, rate_limited, read, text, writer};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Outcome, Publication, What};
use crate::state::{Platform, World};
use crate::stock::Processing;
use crate::strict::{Breach, Rule, Shape, check_members};

const WRITE: [&str; 3] = ["tweet.read", "tweet.write", "users.read"];
const DAY_MS: i64 = 86_400_000;

pub(super) fn create(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &[
        "text",
        "media",
        "poll",
        "reply",
        "quote_tweet_id",
        "reply_settings",
        "geo",
        "for_super_followers_only",
        "nullcast",
        "direct_message_deep_link",
        "community_id",
        "share_with_followers",
        "made_with_ai",
        "paid_partnership",
        "card_uri",
    ];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: &["authorization!"] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let body = &input.json;
    check_members(&body["media"], "media", &["media_ids!", "tagged_user_ids"])
        .and_then(|()| check_members(&body["poll"], "poll", &["options!", "duration_minutes!", "reply_settings"]))
        .and_then(|()| {
            let known = ["in_reply_to_tweet_id!", "exclude_reply_user_ids", "auto_populate_reply_metadata"];
            check_members(&body["reply"], "reply", &known)
        })
        .map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    let who = &account.who;
    if world.settings.is(Platform::Twitter, "rates")
        && let Err(ms) = world.rates.take(&account.id(), "posts", 100, super::QUARTER_MS, world.now())
    {
        return Err(rate_limited(world, ms / 1000 + 1));
    }
    let text = body["text"].as_str().unwrap_or("");
    let media =
        check(world, call, &account, body).map_err(|(why, reply)| world.refused(call, who, None, &why, reply))?;
    let parent = body["reply"]["in_reply_to_tweet_id"].as_str();
    // Addresses get a fresh short form every time, so the rule does not see that they are the same.
    let since = world.now() - world.settings.ms(Platform::Twitter, "duplicateSeconds");
    let again = |p: &Publication| p.deleted_ms.is_none() && p.created_ms > since;
    if !text.is_empty()
        && text::urls(text).is_empty()
        && let Some(known) = world.judge.by_text(who, text, again)
    {
        world.repeated(call, &known, Outcome::Refused, Some("duplicate"));
        return Err(forbidden("You are not allowed to create a Tweet with duplicate content."));
    }
    let (id, url, _) = super::new_place(world, &account, world.now());
    let what = if parent.is_some() { What::Comment } else { What::Post };
    let mut made = Publication::new(who, what, id.clone(), text, world.now());
    made.url = url;
    made.reply_to = parent.map(str::to_owned);
    made.visible_ms = world.visible_ms(Platform::Twitter, call);
    let keys: Vec<Value> = media.iter().map(|(_, key)| json!(key)).collect();
    made.media = media.into_iter().map(|(medium, _)| medium).collect();
    let conversation = parent
        .and_then(|p| world.judge.by_id(Platform::Twitter, p))
        .map_or(id, |p| p.details["conversation"].as_str().unwrap_or(&p.id).to_owned());
    made.details = json!({"conversation": conversation, "mediaKeys": keys, "replySettings": body["reply_settings"], "poll": body["poll"]});
    let made = world.publish(call, made);
    let (shown, _) = read::shortened(&crate::posts::published(&account, &made));
    let data = json!({"id": made.id, "text": shown, "edit_history_tweet_ids": [made.id]});
    Ok(Reply::json(201, &json!({"data": data})))
}

type Refusal = (String, Reply);

fn check(world: &World, call: &Call, account: &Account, body: &Value) -> Result<Vec<(Medium, String)>, Refusal> {
    let text = body["text"].as_str().unwrap_or("");
    let no = |why: &str| (why.to_owned(), invalid(why, &json!({})));
    let ours = |why: &str| (why.to_owned(), breach(world, call, &Breach::Unknown(why.to_owned())));
    if text.is_empty() && body["media"].is_null() && body["poll"].is_null() {
        return Err(ours("text, media or poll is needed"));
    }
    let most = if account.seed().starts_with("premium") { 25_000 } else { 280 };
    if text::length(text) > most {
        return Err(no("Your Tweet text is too long."));
    }
    if text::cashtags(text) > 1 {
        return Err(("cashtags".to_owned(), forbidden("Your post may contain a maximum of one cashtag.")));
    }
    let exclusive = ["media", "poll", "quote_tweet_id", "card_uri"].iter().filter(|n| !body[**n].is_null()).count();
    if exclusive > 1 {
        return Err(ours("media, poll, quote_tweet_id and card_uri exclude each other"));
    }
    match body["reply_settings"].as_str() {
        None if body["reply_settings"].is_null() => {}
        Some("following" | "mentionedUsers" | "subscribers" | "verified") => {}
        _ => return Err(ours("reply_settings")),
    }
    poll(&body["poll"]).map_err(ours)?;
    if let Some(parent) = body["reply"]["in_reply_to_tweet_id"].as_str() {
        match read::find(world, parent) {
            Some((author, _)) if author.who == account.who => {}
            // Somebody else's post may only be answered when it names the account.
            Some((_, p)) if p.text.contains(&format!("@{}", account.handle)) => {}
            Some(_) => {
                return Err(("reply rule".to_owned(), forbidden("You are not permitted to perform this action.")));
            }
            None => {
                let text = "You attempted to reply to a Tweet that is deleted or not visible to you.";
                return Err(("parent".to_owned(), forbidden(text)));
            }
        }
    }
    media(world, account, &body["media"]).map_err(|why| no(&why))
}

fn poll(poll: &Value) -> Result<(), &'static str> {
    if poll.is_null() {
        return Ok(());
    }
    let options = poll["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = |o: &Value| o.as_str().is_some_and(|o| (1..=25).contains(&o.chars().count()));
    if !(2..=4).contains(&options.len()) || !options.iter().all(fits) {
        return Err("poll.options");
    }
    match poll["duration_minutes"].as_u64() {
        Some(5..=10_080) => Ok(()),
        _ => Err("poll.duration_minutes"),
    }
}

fn media(world: &World, account: &Account, media: &Value) -> Result<Vec<(Medium, String)>, String> {
    let ids: Vec<&str> = media["media_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !media.is_null() && !(1..=4).contains(&ids.len()) {
        return Err("media.media_ids: 1 to 4 ids as strings".to_owned());
    }
    let now = world.now();
    let mut found = Vec::new();
    for id in &ids {
        let known = world.stock.own(&account.who, id).filter(|i| i.complete && now - i.created_ms < DAY_MS);
        let item = known.ok_or_else(|| "Your media IDs are invalid.".to_owned())?;
        if item.processing(now) != Processing::Done {
            return Err("Your media IDs are invalid.".to_owned());
        }
        found.push(item);
    }
    if found.len() > 1 && found.iter().any(|i| i.seen.kind != "image") {
        return Err("A post has up to 4 images, or one GIF, or one video.".to_owned());
    }
    Ok(found.into_iter().map(|i| (i.medium.clone(), i.meta["media_key"].as_str().unwrap_or("").to_owned())).collect())
}

pub(super) fn delete(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule { method: "DELETE", query: &[], body: Shape::Empty, headers: &["authorization!"] };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &WRITE)?;
    if id.parse::<u64>().is_err() {
        return Err(world.unexpected(
            call,
            "id",
            problem(400, "Invalid Request", "invalid-request", "The id is not valid"),
        ));
    }
    let known = world.judge.by_id(Platform::Twitter, id);
    if known.as_ref().is_some_and(|p| p.who != account.who) {
        return Err(forbidden("You are not permitted to perform this action."));
    }
    if let Some(known) = known.filter(|p| p.deleted_ms.is_none()) {
        let now = world.now();
        world.judge.change(known.n, |p| p.deleted_ms = Some(now));
    }
    Ok(Reply::json(200, &json!({"data": {"deleted": true}})))
}
