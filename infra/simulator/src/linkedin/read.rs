//! Members, pages, posts and comments.

use serde_json::{Value, json};

use super::{Caller, REST, breach, caller, denied, error, invalid, not_found, page_of};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::{Publication, What};
use crate::posts::{Kind, Post, Shelf, made_count, post, published};
use crate::state::{Platform, World};
use crate::strict::{Breach, Rule};

pub(super) fn userinfo(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    if !me.may("openid") {
        return Err(denied("userinfo.GET"));
    }
    let a = &me.member;
    let mut body = json!({"sub": a.bare_id()});
    if me.may("profile") {
        let name = a.name();
        let (given, family) = name.split_once(' ').unwrap_or((name.as_str(), ""));
        body["name"] = json!(name);
        body["given_name"] = json!(given);
        body["family_name"] = json!(family);
        body["picture"] = json!(a.avatar());
        body["locale"] = json!({"country": "US", "language": "en"});
    }
    if me.may("email") {
        body["email"] = json!(format!("{}@mail.example", a.seed()));
        body["email_verified"] = json!(true);
    }
    Ok(Reply::json(200, &body))
}

/// Whether the token may see the pages of its member.
fn admin(me: &Caller) -> Result<(), Reply> {
    let may = ["rw_organization_admin", "r_organization_admin", "w_organization_social", "r_organization_social"];
    if may.iter().any(|s| me.may(s)) { Ok(()) } else { Err(denied("organizationAcls.FINDER-roleAssignee")) }
}

pub(super) fn acls(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["q!", "role", "state", "start", "count"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    if call.query.text("q") != "roleAssignee" {
        return Err(breach(world, call, &Breach::Unknown("q".to_owned())));
    }
    let me = caller(world, call)?;
    admin(&me)?;
    let row = |page: &Account| json!({"roleAssignee": me.member.id(), "role": "ADMINISTRATOR", "state": "APPROVED", "organization": page.id()});
    let wanted = call.query.get("role").is_none_or(|r| r == "ADMINISTRATOR");
    let elements: Vec<Value> = me.page(world).iter().filter(|_| wanted).map(row).collect();
    Ok(Reply::json(200, &page_of(&elements, 0, 100, Some(elements.len()))))
}

pub(super) fn organization(world: &World, call: &Call, id: &str) -> Answer {
    const RULE: Rule = Rule::get(&["fields", "projection"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    admin(&me)?;
    let page = world.accounts.by_id(Platform::LinkedIn, id).filter(|a| a.is_page() && !a.deleted);
    let page = page.ok_or_else(|| not_found(id))?;
    let own = me.page(world).is_some_and(|p| p.who == page.who) || me.member.who == page.who;
    if !own {
        return Err(error(403, 100, "ACCESS_DENIED", "Resource is forbidden"));
    }
    let number: u64 = page.bare_id().parse().unwrap_or(0);
    Ok(Reply::json(
        200,
        &json!({"id": number, "localizedName": page.name(), "vanityName": page.handle, "localizedDescription": page.bio(),
            "localizedWebsite": format!("https://{}.example/", page.handle), "organizationType": "PRIVATELY_HELD", "primaryOrganizationType": "NONE",
            "versionTag": "1", "staffCountRange": "SIZE_11_TO_50", "logoV2": {"original": "urn:li:digitalmediaAsset:C4E0BAQ"}}),
    ))
}

pub(super) fn network_size(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule::get(&["edgeType!"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    admin(&me)?;
    let page = world.accounts.by_id(Platform::LinkedIn, urn).filter(Account::is_page).ok_or_else(|| not_found(urn))?;
    Ok(Reply::json(200, &json!({"firstDegreeSize": page.followers})))
}

/// The figures of some of a page's posts; a post that is not the page's is left out, as one without figures is.
pub(super) fn share_statistics(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["q!", "organizationalEntity!", "shares", "ugcPosts"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    if call.query.text("q") != "organizationalEntity" {
        return Err(breach(world, call, &Breach::Unknown("q".to_owned())));
    }
    let me = caller(world, call)?;
    admin(&me)?;
    let page =
        me.author(world, call.query.text("organizationalEntity"), "rw_organization_admin", "rw_organization_admin")?;
    let mut elements = Vec::new();
    for (list, kind, member) in [("shares", "urn:li:share:", "share"), ("ugcPosts", "urn:li:ugcPost:", "ugcPost")] {
        let Some(given) = call.query.get(list) else { continue };
        let inner = given.strip_prefix("List(").and_then(|rest| rest.strip_suffix(')'));
        let urns = inner.filter(|inner| !inner.is_empty()).ok_or_else(|| invalid(&format!("{list} is a List(…)")))?;
        for urn in urns.split(',') {
            if !urn.starts_with(kind) {
                return Err(breach(world, call, &Breach::Unknown(format!("{list}: {urn}"))));
            }
            let Some((_, p)) = find(world, urn).filter(|(author, _)| author.who == page.who) else { continue };
            elements.push(json!({"organizationalEntity": page.id(), member: urn, "totalShareStatistics": {
                "impressionCount": p.views, "uniqueImpressionsCount": p.reach, "likeCount": p.likes, "commentCount": p.comments,
                "shareCount": p.shares, "clickCount": 0, "engagement": 0.0, "shareMentionsCount": 0, "commentMentionsCount": 0}}));
        }
    }
    Ok(Reply::json(200, &page_of(&elements, 0, 10, None)))
}

fn post_json(a: &Account, p: &Post) -> Value {
    let mut body = json!({
        "id": p.id, "author": a.id(), "commentary": p.text, "visibility": "PUBLIC", "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": {"isEditedByAuthor": false}, "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "isReshareDisabledByAuthor": false, "createdAt": p.at_ms, "publishedAt": p.at_ms, "lastModifiedAt": p.at_ms,
    });
    match &p.made {
        Some(made) if made.details["body"].is_object() => {
            for name in
                ["commentary", "visibility", "distribution", "content", "isReshareDisabledByAuthor", "reshareContext"]
            {
                if let Some(value) = made.details["body"].get(name) {
                    body[name] = value.clone();
                }
            }
        }
        None if p.kind == Kind::Image => {
            body["content"] = json!({"media": {"id": "urn:li:image:C5610AQ", "altText": "a pixel"}})
        }
        _ => {}
    }
    body
}

/// Whether the token may read what this author has written: a page's, yes; a member's, no.
fn may_read(world: &World, me: &Caller, author: &str) -> Result<Account, Reply> {
    if author.starts_with("urn:li:person:") {
        return Err(denied("posts.FINDER-author r_member_social"));
    }
    me.author(world, author, "r_member_social", "r_organization_social")
}

pub(super) fn posts(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["author!", "q!", "count", "start", "sortBy", "viewContext"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let q = &call.query;
    if q.text("q") != "author" || call.header("x-restli-method").is_none_or(|m| !m.eq_ignore_ascii_case("FINDER")) {
        return Err(breach(world, call, &Breach::Unknown("q=author with X-RestLi-Method: FINDER".to_owned())));
    }
    if !matches!(q.get("sortBy"), None | Some("LAST_MODIFIED" | "CREATED")) {
        return Err(breach(world, call, &Breach::Unknown("sortBy".to_owned())));
    }
    let me = caller(world, call)?;
    let author = may_read(world, &me, q.text("author"))?;
    let number = |name: &str, otherwise: u32| match q.get(name).map(str::parse::<u32>) {
        None => Ok(otherwise),
        Some(Ok(n)) => Ok(n),
        Some(Err(_)) => Err(invalid(&format!("{name} is a number"))),
    };
    let (start, count) = (number("start", 0)?, number("count", 10)?);
    if !(1..=100).contains(&count) {
        return Err(breach(world, call, &Breach::Unknown("count: 1 to 100".to_owned())));
    }
    let shelf = Shelf::of(world, &author, |_| true);
    let end = shelf.len().min(start.saturating_add(count));
    let elements: Vec<Value> = (start.min(end)..end).map(|i| post_json(&author, &shelf.post(i))).collect();
    Ok(Reply::json(200, &page_of(&elements, start as usize, count as usize, Some(shelf.len() as usize))))
}

/// A post of this world, with its author.
pub(super) fn find(world: &World, urn: &str) -> Option<(Account, Post)> {
    if let Some(made) = world.judge.by_id(Platform::LinkedIn, urn) {
        let a = world.accounts.get(&made.who);
        return made.shown(world.now()).then(|| published(&a, &made)).map(|p| (a, p));
    }
    let number: u64 = urn.rsplit(':').next()?.parse().ok()?;
    let ms = i64::try_from(number >> 22).ok()?;
    let crate::law::Entry::Own(index) = crate::law::entry_at(ms, u32::MAX)? else { return None };
    let known = world.accounts.of(Platform::LinkedIn);
    let a = known.into_iter().find(|a| index < a.posts && post(a, index).id == urn)?;
    let p = post(&a, index);
    Some((a, p))
}

pub(super) fn post_by_urn(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule::get(&["viewContext"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let (author, p) = find(world, urn).ok_or_else(|| not_found(urn))?;
    may_read(world, &me, &author.id())?;
    Ok(Reply::json(200, &post_json(&author, &p)))
}

pub(super) fn comments(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule::get(&["start", "count"], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let (author, _) = find(world, urn).ok_or_else(|| not_found(urn))?;
    may_read(world, &me, &author.id())?;
    let now = world.now();
    let on_it = |p: &Publication| p.what == What::Comment && p.reply_to.as_deref() == Some(urn) && p.shown(now);
    let list = world.judge.publications(|p| p.who.platform == Platform::LinkedIn && on_it(p));
    let number = |name: &str, usual: usize| call.query.get(name).map_or(Some(usual), |n| n.parse().ok());
    let (start, count) = match (number("start", 0), number("count", 10)) {
        (Some(start), Some(count)) if (1..=100).contains(&count) => (start, count),
        _ => return Err(breach(world, call, &Breach::Unknown("start and count: 1 to 100".to_owned()))),
    };
    let page = list.iter().rev().skip(start).take(count);
    let elements: Vec<Value> = page.map(|p| comment_json(world, p)).collect();
    Ok(Reply::json(200, &page_of(&elements, start, count, Some(list.len()))))
}

pub(super) fn comment_json(world: &World, p: &Publication) -> Value {
    let actor = world.accounts.get(&p.who).id();
    let number = p.id.rsplit(['(', ',', ':']).next().unwrap_or("").trim_end_matches(')');
    json!({"id": number, "commentUrn": p.id, "$URN": p.id, "actor": actor, "object": p.reply_to, "message": {"text": p.text, "attributes": []},
        "created": {"actor": actor, "time": p.created_ms}, "lastModified": {"actor": actor, "time": p.created_ms},
        "likesSummary": {"totalLikes": 0}, "commentsSummary": {"totalFirstLevelComments": 0}})
}

pub(super) fn social_metadata(world: &World, call: &Call, urn: &str) -> Answer {
    const RULE: Rule = Rule::get(&[], REST);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let me = caller(world, call)?;
    let (author, p) = find(world, urn).ok_or_else(|| not_found(urn))?;
    may_read(world, &me, &author.id())?;
    Ok(Reply::json(
        200,
        &json!({"entity": urn, "reactionSummaries": {"LIKE": {"reactionType": "LIKE", "count": p.likes}},
            "commentSummary": {"count": p.comments, "topLevelCount": p.comments}, "commentsState": "OPEN",
            "postCount": u64::from(author.posts) + made_count(world, &author)}),
    ))
}
