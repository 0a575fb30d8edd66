//! The bot itself, its chats and what it may do there.

use serde_json::{Value, json};

use super::{Bot, bad, bot_id, error, ok, params};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::state::{Platform, World};

pub(super) fn get_me(world: &World, call: &Call, bot: &Bot) -> Answer {
    params(world, call, &[])?;
    let name = bot.home.as_ref().map_or("sim".to_owned(), |who| who.seed.replace('.', "_"));
    ok(&json!({"id": bot.id, "is_bot": true, "first_name": format!("Bot of {name}"), "username": format!("{name}_bot"),
        "can_join_groups": true, "can_read_all_group_messages": false, "supports_inline_queries": false,
        "can_connect_to_business": false, "has_main_web_app": false}))
}

/// The chat that a request names. A chat without a public name is known by its number only.
pub(super) fn chat(world: &World, call: &Call, name: &str) -> Result<Account, Reply> {
    let found = match name.strip_prefix('@') {
        Some(username) => world.accounts.find(Platform::Telegram, username).filter(|a| !a.private()),
        None => world.accounts.by_id(Platform::Telegram, name).filter(|a| !a.deleted),
    };
    let account = found.filter(|a| !a.suspended).ok_or_else(|| bad("chat not found"))?;
    call.about(&account.handle);
    Ok(account)
}

/// How the bot stands in a chat.
pub(super) fn standing(world: &World, bot: &Bot, account: &Account) -> &'static str {
    if bot.home.as_ref().is_some_and(|home| *home != account.who) {
        return "left";
    }
    let _ = world;
    match account.seed() {
        seed if seed.starts_with("nobot") => "left",
        seed if seed.starts_with("kicked") => "kicked",
        seed if seed.starts_with("readonly") => "member",
        _ => "administrator",
    }
}

/// Whether the bot may post, in the platform's words.
pub(super) fn may_post(world: &World, bot: &Bot, account: &Account) -> Result<(), Reply> {
    match standing(world, bot, account) {
        "administrator" => Ok(()),
        "kicked" => Err(error(403, "Forbidden: bot was kicked from the channel chat")),
        "member" => Err(bad("need administrator rights in the channel chat")),
        _ => Err(error(403, "Forbidden: bot is not a member of the channel chat")),
    }
}

/// A chat as messages carry it.
pub(super) fn brief(account: &Account) -> Value {
    let id: i64 = account.id().parse().unwrap_or(0);
    let mut body = json!({"id": id, "title": account.name(), "type": "channel"});
    if !account.private() {
        body["username"] = json!(account.handle);
    }
    body
}

pub(super) fn get_chat(world: &World, call: &Call, bot: &Bot) -> Answer {
    let p = params(world, call, &["chat_id"])?;
    let account = chat(world, call, p.text("chat_id"))?;
    // A private channel is not there for who is not in it.
    if account.private() && standing(world, bot, &account) != "administrator" {
        return Err(bad("chat not found"));
    }
    let mut body = brief(&account);
    body["description"] = json!(account.bio());
    body["accent_color_id"] = json!(1);
    body["max_reaction_count"] = json!(11);
    if !account.private() {
        body["active_usernames"] = json!([account.handle]);
    }
    ok(&body)
}

pub(super) fn get_count(world: &World, call: &Call, bot: &Bot) -> Answer {
    let p = params(world, call, &["chat_id"])?;
    let account = chat(world, call, p.text("chat_id"))?;
    if standing(world, bot, &account) == "kicked" {
        return Err(error(403, "Forbidden: bot was kicked from the channel chat"));
    }
    ok(&json!(account.followers))
}

pub(super) fn get_member(world: &World, call: &Call, bot: &Bot) -> Answer {
    let p = params(world, call, &["chat_id", "user_id"])?;
    let account = chat(world, call, p.text("chat_id"))?;
    let user: i64 = p.text("user_id").parse().map_err(|_| bad("invalid user_id specified"))?;
    let standing = match standing(world, bot, &account) {
        _ if user != bot.id && u64::try_from(user).ok() != Some(bot_id(&account)) => "left",
        standing => standing,
    };
    if standing == "left" && account.seed().starts_with("nobot") && user == bot.id {
        return Err(error(403, "Forbidden: bot is not a member of the channel chat"));
    }
    let mut body = json!({"status": standing, "user": {"id": user, "is_bot": user == bot.id, "first_name": "Bot"}});
    if standing == "administrator" {
        for right in
            ["can_post_messages", "can_edit_messages", "can_delete_messages", "can_manage_chat", "can_post_stories"]
        {
            body[right] = json!(true);
        }
        for right in [
            "can_be_edited",
            "is_anonymous",
            "can_change_info",
            "can_invite_users",
            "can_restrict_members",
            "can_promote_members",
        ] {
            body[right] = json!(false);
        }
    }
    ok(&body)
}
