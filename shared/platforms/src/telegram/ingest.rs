//! Reads a channel: its name, its description, its number of members. There is no history.

use async_trait::async_trait;
use domain::{Failure, Kind, Profile, Secret};
use serde_json::json;

use super::facts::{ADMINISTRATOR, is_chat_id};
use super::{api, bot};
use crate::kit::{Access, Account, Context, Ingest, Page};

/// Reads Telegram.
pub(super) struct Telegram;

#[async_trait]
impl Ingest for Telegram {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let token = match access {
            Access::Token(tokens) => &tokens.access,
            Access::Public => own_bot(cx)?,
        };
        let id = account.platform_account_id.map_or_else(|| chat_id(account.handle), str::to_owned);
        let chat: api::Chat = bot::ask(cx, token, "getChat", &json!({ "chat_id": id })).await?;
        if matches!(access, Access::Token(_)) && rights(cx, token, &chat).await?.is_empty() {
            return Err(Failure::new(Kind::PermissionMissing, "the bot has no rights in the chat").scope(ADMINISTRATOR));
        }
        let members: u64 = bot::ask(cx, token, "getChatMemberCount", &json!({ "chat_id": id })).await?;
        Ok(chat.profile(members))
    }

    /// A bot sees nothing that was said before it listened.
    async fn publications(
        &self,
        cx: &Context<'_>,
        _: &Profile,
        access: Access<'_>,
        _: Option<&str>,
    ) -> Result<Page, Failure> {
        if matches!(access, Access::Public) {
            own_bot(cx)?;
        }
        Ok(Page { publications: Vec::new(), next: None })
    }
}

/// The installation's own bot.
fn own_bot<'a>(cx: &Context<'a>) -> Result<&'a Secret, Failure> {
    let key = cx.app.api_key.as_ref();
    key.ok_or_else(|| Failure::new(Kind::OauthRequired, "no bot of the installation is configured"))
}

/// How a chat is named in a call.
pub(super) fn chat_id(handle: &str) -> String {
    if is_chat_id(handle) { handle.to_owned() } else { format!("@{handle}") }
}

/// What the bot may do in the chat.
pub(super) async fn rights(cx: &Context<'_>, token: &Secret, chat: &api::Chat) -> Result<Vec<String>, Failure> {
    let who = json!({ "chat_id": chat.id(), "user_id": bot::id(token)? });
    match bot::ask::<api::Member>(cx, token, "getChatMember", &who).await {
        Ok(member) => Ok(member.rights(chat)),
        Err(failure) if failure.kind == Kind::PermissionMissing => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}
