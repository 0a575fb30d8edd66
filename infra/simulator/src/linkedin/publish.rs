//! Posts and comments.

use serde_json::{Value, json};

use super::{Caller, REST, breach, caller, denied, error, not_found, read, text};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Medium, Outcome, Publication, What};
use crate::media::sniff::sniff;
use crate::payload::sha256_hex;
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Breach, Rule, Shape, check_members};

pub(super) fn create(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &[
        "author!",
        "commentary",
        "visibility!",
        "distribution!",
        "lifecycleState!",
        "isReshareDisabledByAuthor",
        "content",
        "reshareContext",
        "contentLandingPage",
        "contentCallToActionLabel",
    ];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Json(FIELDS), headers: REST };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let body = &input.json;
    let me = caller(world, call)?;
    let author = me.author(world, input.form.text("author"), "w_member_social", "w_organization_social")?;
    call.about(&author.handle);
    let who = &author.who;
    let (words, media) =
        check(world, call, &author, body).map_err(|(why, reply)| world.refused(call, who, None, &why, reply))?;
    let print = sha256_hex(format!("{} {}", body["commentary"], body["content"]).as_bytes());
    let since = world.now() - world.settings.ms(Platform::LinkedIn, "duplicateSeconds");
    // The rule remembers posts that have been deleted since.
    let again = |p: &Publication| p.created_ms > since && p.details["print"] == print.as_str();
    if let Some(known) = world.judge.by_text(who, &words, again) {
        world.repeated(call, &known, Outcome::Refused, Some("duplicate"));
        let text = format!(
            "com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of {}",
            known.id
        );
        let body = json!({"errorDetailType": "com.linkedin.common.error.BadRequest", "message": text, "status": 422,
            "errorDetails": {"inputErrors": [{"description": "Duplicate post is detected", "input": {}, "code": "DUPLICATE_POST"}]}});
        return Err(Reply::json(422, &body));
    }
    let (id, url, _) = super::new_place(world, &author, world.now());
    let mut made = Publication::new(who, What::Post, id, &words, world.now());
    made.url = url;
    made.visible_ms = world.visible_ms(Platform::LinkedIn, call);
    made.hidden = body["visibility"] != "PUBLIC";
    made.media = media;
    made.details = json!({"body": body, "print": print});
    let made = world.publish(call, made);
    Ok(Reply::empty(201)
        .with("x-restli-id", made.id.clone())
        .with("x-linkedin-id", made.id.clone())
        .with("content-length", "0"))
}

type Refusal = (String, Reply);

fn check(world: &World, call: &Call, author: &Account, body: &Value) -> Result<(String, Vec<Medium>), Refusal> {
    let ours = |why: &str| (why.to_owned(), breach(world, call, &Breach::Unknown(why.to_owned())));
    let commentary = body["commentary"].as_str().unwrap_or("");
    let words = text::plain(commentary).map_err(|c| ours(&format!("commentary: bare {c}")))?;
    if words.chars().count() > 3_000 {
        let text = "commentary :: length of 'commentary' is more than 3000";
        return Err(("commentary".to_owned(), error(422, 0, "UNPROCESSABLE_ENTITY", text)));
    }
    if body["lifecycleState"] != "PUBLISHED" {
        return Err(ours("lifecycleState"));
    }
    if !matches!(body["visibility"].as_str(), Some("PUBLIC" | "CONNECTIONS" | "LOGGED_IN")) {
        return Err(ours("visibility"));
    }
    let distribution = ["feedDistribution!", "targetEntities", "thirdPartyDistributionChannels"];
    check_members(&body["distribution"], "distribution", &distribution).map_err(|b| ours(&b.text()))?;
    if !matches!(body["distribution"]["feedDistribution"].as_str(), Some("MAIN_FEED" | "NONE")) {
        return Err(ours("distribution.feedDistribution"));
    }
    if commentary.is_empty() && body["content"].is_null() && body["reshareContext"].is_null() {
        return Err(ours("neither commentary nor content"));
    }
    let content = &body["content"];
    let kinds = content.as_object().map(|m| m.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
    let media = match kinds.as_slice() {
        [] => Vec::new(),
        ["media"] => vec![single(world, call, author, &content["media"])?],
        ["multiImage"] => {
            let images = content["multiImage"]["images"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !(2..=20).contains(&images.len()) {
                return Err(ours("multiImage.images: 2 to 20"));
            }
            images.iter().map(|i| medium(world, author, i, &["image"])).collect::<Result<_, _>>()?
        }
        ["article"] => {
            check_members(
                &content["article"],
                "article",
                &["source!", "title!", "description", "thumbnail", "thumbnailAltText"],
            )
            .map_err(|b| ours(&b.text()))?;
            Vec::new()
        }
        ["poll"] => {
            poll(&content["poll"]).map_err(ours)?;
            Vec::new()
        }
        _ => return Err(ours("content")),
    };
    Ok((words, media))
}

fn single(world: &World, call: &Call, author: &Account, media: &Value) -> Result<Medium, Refusal> {
    check_members(media, "content.media", &["id!", "title", "altText"])
        .map_err(|b| (b.text(), breach(world, call, &b)))?;
    medium(world, author, media, &["image", "video", "document"])
}

/// A file that is all there and processed.
fn medium(world: &World, author: &Account, media: &Value, kinds: &[&str]) -> Result<Medium, Refusal> {
    let urn = media["id"].as_str().unwrap_or("");
    let known = kinds.iter().any(|k| urn.starts_with(&format!("urn:li:{k}:")));
    let found: Option<Item> = known.then(|| world.stock.own(&author.who, urn)).flatten();
    let Some(item) = found else {
        let text = format!("The media {urn} does not exist or is not owned by the author");
        return Err((text.clone(), error(400, 100, "INVALID_PARAM", &text)));
    };
    if !item.complete || item.processing(world.now()) != Processing::Done {
        let text = format!("The media {urn} is not in the expected state AVAILABLE");
        return Err(("media not ready".to_owned(), error(422, 0, "UNPROCESSABLE_ENTITY", &text)));
    }
    Ok(Medium { alt: media["altText"].as_str().map(str::to_owned), ..item.medium })
}

fn poll(poll: &Value) -> Result<(), &'static str> {
    let text = |v: &Value, most: usize| v.as_str().is_some_and(|t| (1..=most).contains(&t.chars().count()));
    let options = poll["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !text(&poll["question"], 140)
        || !(2..=4).contains(&options.len())
        || !options.iter().all(|o| text(&o["text"], 30))
    {
        return Err("poll");
    }
    match poll["settings"]["duration"].as_str() {
        Some("ONE_DAY" | "THREE_DAYS" | "SEVEN_DAYS" | "FOURTEEN_DAYS") => Ok(()),
        _ => Err("poll.settings.duration"),
    }
}

fn owner(world: &World, me: &Caller, author: &Account) -> Result<(), Reply> {
    me.author(world, &author.id(), "w_member_social", "w_organization_social").map(|_| ())
}

/// Deleting what is gone is done already.
pub(super) fn delete(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule { method: "DELETE", query: &[], body: Shape::Empty, headers: REST };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    if !urn.starts_with("urn:li:share:") && !urn.starts_with("urn:li:ugcPost:") {
        return Err(breach(world, call, &Breach::Unknown(format!("urn {urn}"))));
    }
    if let Some(known) = world.judge.by_id(Platform::LinkedIn, urn) {
        owner(world, &me, &world.accounts.get(&known.who))?;
        let now = world.now();
        world.judge.change(known.n, |p| p.deleted_ms = p.deleted_ms.or(Some(now)));
    }
    Ok(Reply::empty(204))
}

pub(super) fn comment(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::Json(&["actor!", "object!", "message!", "parentComment", "content"]),
        headers: REST,
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    check_members(&input.json["message"], "message", &["text!", "attributes"]).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let actor = me.author(world, input.form.text("actor"), "w_member_social", "w_organization_social")?;
    call.about(&actor.handle);
    let who = &actor.who;
    // A member may comment where it may not read, so what stands is not asked of the reader.
    let there = world.judge.by_id(Platform::LinkedIn, urn).is_some_and(|p| p.deleted_ms.is_none());
    if !there && read::find(world, urn).is_none() {
        return Err(world.refused(call, who, None, "no such post", not_found(urn)));
    }
    let message = input.json["message"]["text"].as_str().unwrap_or("");
    if message.chars().count() > 1_250 {
        let reply = error(422, 0, "UNPROCESSABLE_ENTITY", "message.text is longer than 1250 characters");
        return Err(world.refused(call, who, None, "message", reply));
    }
    if message.is_empty() {
        return Err(world.refused(call, who, None, "message", denied("an empty comment")));
    }
    let number = crate::law::snowflake_unix(world.now(), world.judge.next());
    let activity = urn.rsplit(':').next().unwrap_or("0");
    let id = format!("urn:li:comment:(urn:li:activity:{activity},{number})");
    let mut made = Publication::new(who, What::Comment, id, message, world.now());
    made.reply_to = Some(urn.to_owned());
    made.visible_ms = world.visible_ms(Platform::LinkedIn, call);
    let made = world.publish(call, made);
    Ok(Reply::json(201, &read::comment_json(world, &made)).with("x-restli-id", number.to_string()))
}

/// A file that nobody has sent yet.
pub(super) fn nothing() -> crate::media::sniff::Seen {
    sniff(&[])
}
