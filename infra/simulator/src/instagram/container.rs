//! Media containers: what is to be published, fetched and processed before it is.

use serde_json::{Value, json};

use super::read::{BASIC, bearer, fields, missing, own_node};
use super::{CONTAINER, breach, graph_error, with_usage};
use crate::accounts::Account;
use crate::call::{Answer, Call, Pairs, Reply};
use crate::judge::{Medium, Upload};
use crate::law;
use crate::media::fetch::{Fetched, Unfetched, fetch};
use crate::media::sniff::sniff;
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Breach, Rule, Shape, check_names, is_type};

pub(super) const PUBLISH: &str = "instagram_business_content_publish";
const DAY_MS: i64 = 86_400_000;
const MIB: u64 = 1_048_576;

const FIELDS: [&str; 17] = [
    "image_url",
    "video_url",
    "media_type",
    "is_carousel_item",
    "children",
    "caption",
    "alt_text",
    "user_tags",
    "collaborators",
    "location_id",
    "share_to_feed",
    "cover_url",
    "thumb_offset",
    "audio_name",
    "trial_params",
    "is_ai_generated",
    "access_token",
];

/// Parameters, wherever the Graph API lets them stand: in the query, a form or JSON.
pub(super) fn params(world: &World, call: &Call, known: &'static [&'static str]) -> Result<Pairs, Reply> {
    let refuse = |b: &Breach| breach(world, call, b);
    let rule = match call.body.is_empty() {
        true => Rule { method: "POST", query: known, body: Shape::Empty, headers: &["authorization"] },
        false => Rule { method: "POST", query: known, body: Shape::FormOrJson(known), headers: &["authorization"] },
    };
    let input = rule.read(call).map_err(|b| refuse(&b))?;
    let mut all = call.query.clone();
    all.0.extend(input.form.0);
    check_names(known, all.keys()).map_err(|b| refuse(&b))?;
    // A list in JSON is a list in the text of a parameter.
    if is_type(call, "application/json")
        && let Some(children) = input.json["children"].as_array()
    {
        all.0.retain(|(name, _)| name != "children");
        let joined: Vec<&str> = children.iter().filter_map(Value::as_str).collect();
        all.0.push(("children".to_owned(), joined.join(",")));
    }
    Ok(all)
}

/// What a container is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Image,
    Reel,
    Story,
    Carousel,
    ItemVideo,
}

fn refusal(code: i64, subcode: i64, text: &str) -> Reply {
    graph_error(400, code, Some(subcode), text)
}

pub(super) fn create(world: &World, call: &Call, node: &str) -> Answer {
    const KNOWN: &[&str] = &FIELDS;
    let p = params(world, call, KNOWN)?;
    let account = bearer(world, call, PUBLISH)?;
    if !own_node(&account, node) {
        return Err(missing(node));
    }
    if call.quota_exhausted() {
        return Err(super::quota_exhausted());
    }
    let now = world.now();
    let today = world.stock.count(&account.who, |i| i.id.starts_with(CONTAINER) && now - i.created_ms < DAY_MS);
    if today >= 400 {
        return Err(super::quota_exhausted());
    }
    let form = form(world, call, &p)?;
    texts(world, call, &p, form)?;
    let item = match form {
        Form::Carousel => carousel(world, call, &account, &p)?,
        Form::Image | Form::Reel | Form::Story | Form::ItemVideo => single(world, call, &account, &p, form)?,
    };
    let reply = with_usage(Reply::json(200, &json!({"id": item.id})), &account);
    world.stock.put(item);
    Ok(reply)
}

fn form(world: &World, call: &Call, p: &Pairs) -> Result<Form, Reply> {
    let item = p.get("is_carousel_item") == Some("true");
    let bad = |why: &str| {
        world.unexpected(call, why, graph_error(400, 100, None, &format!("(#100) Invalid parameter: {why}")))
    };
    let (image, video) = (p.get("image_url").is_some(), p.get("video_url").is_some());
    match p.get("media_type") {
        None | Some("IMAGE") if image && !video => Ok(Form::Image),
        Some("VIDEO") if item && video && !image => Ok(Form::ItemVideo),
        Some("REELS") if !item && video && !image => Ok(Form::Reel),
        Some("STORIES") if !item && (image != video) => Ok(Form::Story),
        Some("CAROUSEL") if !item && !image && !video => Ok(Form::Carousel),
        None if !image && !video => Err(bad("image_url is required")),
        Some(known @ ("IMAGE" | "REELS" | "STORIES" | "CAROUSEL")) => {
            Err(bad(&format!("media_type {known} with these")))
        }
        _ => {
            let reply = refusal(100, 2_207_023, "The media type is unknown.");
            Err(world.unexpected(call, "unknown media_type", reply))
        }
    }
}

/// Words and the parameters that only stand on some forms.
fn texts(world: &World, call: &Call, p: &Pairs, form: Form) -> Result<(), Reply> {
    let item = p.get("is_carousel_item") == Some("true");
    let place = |name: &str| {
        let why = format!("{name} does not stand on this form");
        world.unexpected(call, &why, graph_error(400, 100, None, &format!("(#100) Invalid parameter: {why}")))
    };
    let only = |name: &str, good: bool| if p.get(name).is_some() && !good { Err(place(name)) } else { Ok(()) };
    only("caption", !item)?;
    only("location_id", !item)?;
    only("is_ai_generated", !item)?;
    only("alt_text", form == Form::Image)?;
    for name in ["share_to_feed", "cover_url", "thumb_offset", "audio_name", "trial_params"] {
        only(name, form == Form::Reel)?;
    }
    only("collaborators", form != Form::Story && !item)?;
    only("user_tags", form != Form::Reel)?;
    only("children", form == Form::Carousel)?;
    let caption = p.text("caption");
    let tokens =
        |mark: char| caption.split(|c: char| c.is_whitespace()).filter(|w| w.starts_with(mark) && w.len() > 1).count();
    if caption.chars().count() > 2_200 || tokens('#') > 30 || tokens('@') > 20 {
        return Err(refusal(36_004, 2_207_010, "The submitted caption is too long."));
    }
    if p.text("alt_text").chars().count() > 1_000 {
        return Err(graph_error(400, 100, None, "(#100) alt_text is too long"));
    }
    let names: Vec<String> =
        serde_json::from_str(p.get("collaborators").unwrap_or("[]")).map_err(|_| place("collaborators"))?;
    if names.len() > 3 {
        return Err(graph_error(400, 100, None, "(#100) At most 3 collaborators"));
    }
    Ok(())
}

fn id_of(world: &World, account: &Account) -> String {
    let n = world.judge.next();
    format!("{CONTAINER}{:014}", law::hash(Platform::Instagram, account.seed(), "container", n) % 100_000_000_000_000)
}

fn carousel(world: &World, call: &Call, account: &Account, p: &Pairs) -> Result<Item, Reply> {
    let ids: Vec<&str> = p.text("children").split(',').map(str::trim).filter(|c| !c.is_empty()).collect();
    if !(2..=10).contains(&ids.len()) {
        return Err(refusal(
            100,
            2_207_028,
            "Your post won't work as a carousel. Carousels need at least 2 photos/videos and no more than 10 photos/videos.",
        ));
    }
    let now = world.now();
    let mut children = Vec::new();
    for id in &ids {
        let child = world.stock.own(&account.who, id).filter(|c| now - c.created_ms < DAY_MS && c.meta["item"] == true);
        let child = child.ok_or_else(|| refusal(24, 2_207_006, "The requested resource does not exist"))?;
        if child.processing(now) == Processing::Failed {
            return Err(refusal(9_007, 2_207_027, "The media is not ready for publishing, please wait for a moment"));
        }
        children.push(child);
    }
    let mut item = Item::new(&account.who, &id_of(world, account), Medium::default(), sniff(&[]), now);
    // A carousel is ready when its last child is.
    item.ready_ms = children.iter().map(|c| c.ready_ms).max().unwrap_or(now);
    item.looks = children.iter().map(|c| c.looks).max().unwrap_or(0);
    item.failure = call.fails_late("2207082");
    item.meta = json!({"form": "CAROUSEL", "caption": p.text("caption"), "children": ids});
    Ok(item)
}

fn single(world: &World, call: &Call, account: &Account, p: &Pairs, form: Form) -> Result<Item, Reply> {
    let video = p.get("video_url");
    let url = video.or(p.get("image_url")).unwrap_or("");
    let most = match (video.is_some(), form) {
        (false, _) => 8 * MIB,
        (true, Form::Story) => 100 * MIB,
        (true, _) => 300 * MIB,
    };
    let got = fetch(world, call, Platform::Instagram, url, true, most);
    let now = world.now();
    let id = id_of(world, account);
    // A picture is fetched before the answer, a video after it.
    let (fetched, mut failure) = match (got, video.is_some()) {
        (Ok(f), false) => (picture(&f).map(|()| f)?, None),
        (Ok(f), true) => {
            let unfit = moving(&f, most).err();
            (f, unfit)
        }
        (Err(Unfetched::TooLong), false) => {
            return Err(refusal(36_000, 2_207_004, "The image is too large to download."));
        }
        (Err(Unfetched::Address), _) | (Err(_), false) => {
            return Err(refusal(9_004, 2_207_052, "The media could not be fetched from this URI."));
        }
        (Err(_), true) => {
            let nothing =
                Fetched { seen: sniff(&[]), content_type: String::new(), bytes: 0, sha256: None, unseen: true };
            (nothing, Some("2207077".to_owned()))
        }
    };
    failure = call.fails_late("2207082").or(failure);
    let medium = Medium {
        id: id.clone(),
        content_type: fetched.seen.content_type.to_owned(),
        bytes: fetched.bytes,
        sha256: fetched.sha256.clone(),
        source_url: Some(url.to_owned()),
        alt: p.get("alt_text").map(str::to_owned),
    };
    world.judge.uploaded(Upload {
        who: account.who.clone(),
        id: id.clone(),
        kind: fetched.seen.kind,
        content_type: fetched.content_type.clone(),
        bytes: fetched.bytes,
        declared: None,
        sha256: fetched.sha256.clone(),
        complete: !fetched.unseen,
        requests: 1,
        source_url: Some(url.to_owned()),
        at_ms: now,
    });
    let mut item = Item::new(&account.who, &id, medium, fetched.seen, now);
    (item.ready_ms, item.looks) = world.processing(Platform::Instagram, video.is_some());
    item.failure = failure;
    let word = match form {
        Form::Reel => "REELS",
        Form::Story => "STORIES",
        Form::Image | Form::ItemVideo | Form::Carousel => "FEED",
    };
    item.meta = json!({"form": word, "item": p.get("is_carousel_item") == Some("true"), "caption": p.text("caption")});
    Ok(item)
}

fn picture(f: &Fetched) -> Result<(), Reply> {
    if f.unseen {
        return Ok(());
    }
    if f.bytes > 8 * MIB {
        return Err(refusal(36_000, 2_207_004, "The image is too large to download."));
    }
    if f.seen.content_type != "image/jpeg" {
        return Err(refusal(36_001, 2_207_005, "The image format is not supported."));
    }
    match f.seen.size {
        // 4:5 to 1.91:1, with room for rounding.
        Some((w, h)) if u64::from(w) * 500 < u64::from(h) * 399 || u64::from(w) * 100 > u64::from(h) * 192 => {
            Err(refusal(36_003, 2_207_009, "The submitted image has an unsupported aspect ratio."))
        }
        _ => Ok(()),
    }
}

fn moving(f: &Fetched, most: u64) -> Result<(), String> {
    let good = f.unseen || (matches!(f.seen.content_type, "video/mp4" | "video/quicktime") && f.bytes <= most);
    if good { Ok(()) } else { Err("2207026".to_owned()) }
}

/// The word for where a container stands, and the sentence beside it.
pub(super) fn status(item: &Item, now: i64, state: Processing) -> (&'static str, String) {
    if item.used.is_some() {
        return ("PUBLISHED", "Published: Media has been successfully published.".to_owned());
    }
    if now - item.created_ms >= DAY_MS {
        return ("EXPIRED", "Expired: Media container was not published in 24 hours.".to_owned());
    }
    match state {
        Processing::Running => ("IN_PROGRESS", "In Progress: Media is still being processed.".to_owned()),
        Processing::Done => {
            ("FINISHED", "Finished: Media has been uploaded and it is ready to be published.".to_owned())
        }
        Processing::Failed => {
            let code = item.failure.as_deref().unwrap_or("2207082");
            ("ERROR", format!("Error: Media upload has failed with error code {code}"))
        }
    }
}

pub(super) fn look(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule = Rule::get(&["fields", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, BASIC)?;
    let wanted = fields(world, call, &["id", "status_code", "status"], "MediaBuilder")?;
    let now = world.now();
    world.stock.own(&account.who, node).ok_or_else(|| missing(node))?;
    let (item, state) = world.stock.look(Platform::Instagram, node, now).ok_or_else(|| missing(node))?;
    let (code, text) = status(&item, now, state);
    let mut body = json!({});
    for (name, _) in wanted {
        body[name.as_str()] = match name.as_str() {
            "status_code" => json!(code),
            "status" => json!(text),
            _ => json!(item.id),
        };
    }
    Ok(with_usage(Reply::json(200, &body), &account))
}
