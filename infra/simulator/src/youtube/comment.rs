//! Deleting videos, and comments on them.

use serde_json::{Value, json};

use super::read::{offset_of, page_token, writer};
use super::{api_error, breach, quota, video_of};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::clock::iso_s;
use crate::judge::{Publication, What};
use crate::state::{Platform, World};
use crate::strict::{Breach, Rule, Shape, check_members};

pub(super) fn delete(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule { method: "DELETE", query: &["id!", "key"], body: Shape::Empty, headers: &["authorization!"] };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &["youtube", "youtube.force-ssl"])?;
    quota::units(world, 50)?;
    let id = call.query.text("id");
    let text = "The video that you are trying to delete cannot be found. Check the value of the request's <code>id</code> parameter to ensure that it is correct.";
    let missing = || api_error(404, "videoNotFound", "youtube.video", text, "id");
    let known = world.judge.by_id(Platform::YouTube, id).filter(|p| p.deleted_ms.is_none()).ok_or_else(missing)?;
    if known.who != account.who {
        return Err(api_error(403, "forbidden", "youtube.video", "Forbidden", ""));
    }
    let now = world.now();
    world.judge.change(known.n, |p| p.deleted_ms = Some(now));
    Ok(Reply::empty(204))
}

fn thread(account: &Account, p: &Publication) -> Value {
    let video = p.reply_to.as_deref().unwrap_or("");
    let snippet = json!({
        "channelId": account.id(), "videoId": video, "textDisplay": p.text, "textOriginal": p.text, "authorDisplayName": format!("@{}", account.handle),
        "authorChannelId": {"value": account.id()}, "authorChannelUrl": account.profile_url(), "authorProfileImageUrl": account.avatar(),
        "canRate": true, "viewerRating": "none", "likeCount": 0, "publishedAt": iso_s(p.created_ms), "updatedAt": iso_s(p.created_ms),
    });
    json!({"kind": "youtube#commentThread", "etag": "c1", "id": p.id, "snippet": {
        "channelId": account.id(), "videoId": video, "canReply": true, "totalReplyCount": 0, "isPublic": true,
        "topLevelComment": {"kind": "youtube#comment", "etag": "c2", "id": p.id, "snippet": snippet}}})
}

pub(super) fn threads(world: &World, call: &Call) -> Answer {
    if call.method == http::Method::POST {
        return insert(world, call);
    }
    const RULE: Rule = Rule::get(&["part!", "videoId!", "maxResults", "order", "pageToken", "key"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    quota::units(world, 1)?;
    let id = call.query.text("videoId");
    let now = world.now();
    let on_it = |p: &Publication| p.what == What::Comment && p.reply_to.as_deref() == Some(id) && p.shown(now);
    let list = world.judge.publications(|p| p.who.platform == Platform::YouTube && on_it(p));
    let unfit = |what: &str| breach(world, call, &Breach::Unknown(format!("{what}: out of range")));
    let size = match call.query.get("maxResults").map(str::parse) {
        None => 20,
        Some(Ok(n)) if (1..=100).contains(&n) => n,
        Some(_) => return Err(unfit("maxResults")),
    };
    let start = match call.query.get("pageToken") {
        None => 0,
        Some(token) => offset_of(token).ok_or_else(|| unfit("pageToken"))? as usize,
    };
    let page = list.iter().rev().skip(start).take(size);
    let items: Vec<Value> = page.map(|p| thread(&world.accounts.get(&p.who), p)).collect();
    let end = start + items.len();
    let mut body = json!({"kind": "youtube#commentThreadListResponse", "etag": "c0",
        "pageInfo": {"totalResults": items.len(), "resultsPerPage": size}, "items": items});
    if end < list.len() {
        body["nextPageToken"] = json!(page_token(u32::try_from(end).unwrap_or(u32::MAX)));
    }
    Ok(Reply::json(200, &body))
}

fn insert(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &["part!", "key"],
        body: Shape::Json(&["snippet!"]),
        headers: &["authorization!"],
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let snippet = &input.json["snippet"];
    check_members(snippet, "snippet", &["videoId!", "channelId", "topLevelComment!"])
        .and_then(|()| check_members(&snippet["topLevelComment"], "topLevelComment", &["snippet!"]))
        .and_then(|()| {
            check_members(&snippet["topLevelComment"]["snippet"], "topLevelComment.snippet", &["textOriginal!"])
        })
        .map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &["youtube.force-ssl"])?;
    quota::units(world, 50)?;
    let who = &account.who;
    let refuse = |status: u16, reason: &str, text: &str| {
        world.refused(call, who, None, reason, api_error(status, reason, "youtube.commentThread", text, ""))
    };
    let id = snippet["videoId"].as_str().unwrap_or("");
    let now = world.now();
    let law = || video_of(id).and_then(|(channel, _)| world.accounts.by_id(Platform::YouTube, &channel)).is_some();
    match world.judge.by_id(Platform::YouTube, id) {
        Some(p) if p.deleted_ms.is_none() && p.failure.is_none() && p.ready_ms <= now => {}
        None if law() => {}
        _ => {
            return Err(refuse(
                404,
                "videoNotFound",
                "The video identified by the videoId parameter could not be found.",
            ));
        }
    }
    let text = snippet["topLevelComment"]["snippet"]["textOriginal"].as_str().unwrap_or("");
    if text.is_empty() {
        return Err(refuse(
            400,
            "commentTextRequired",
            "The comment resource that is being inserted must specify a value for the snippet.textOriginal property.",
        ));
    }
    if text.chars().count() > 10_000 {
        return Err(refuse(
            400,
            "commentTextTooLong",
            "The comment resource that is being inserted contains too many characters.",
        ));
    }
    let mut made = Publication::new(who, What::Comment, format!("Ugz{}", crate::state::secret(23)), text, now);
    made.reply_to = Some(id.to_owned());
    made.visible_ms = world.visible_ms(Platform::YouTube, call);
    let made = world.publish(call, made);
    Ok(Reply::json(200, &thread(&account, &made)))
}
