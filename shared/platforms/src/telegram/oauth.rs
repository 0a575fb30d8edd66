//! A bot's token, handed over with its channel. There is no consent page and nothing to renew or to revoke.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Failure, Kind, Secret, TokenSet};
use serde_json::{Value, json};

use super::facts::{ADMINISTRATOR, POST};
use super::{api, bot, ingest};
use crate::kit::{AppPassword, Context, Finish, Grant, OAuth, Start, Started};

/// Takes a bot's token over.
pub(super) struct Telegram;

#[async_trait]
impl AppPassword for Telegram {
    fn looks_like_one(&self, text: &Secret) -> bool {
        bot::is_token(text.expose())
    }

    /// Proves the token, and that its bot may publish in the chat that `handle` names.
    async fn log_in(&self, cx: &Context<'_>, handle: &str, password: &Secret) -> Result<Grant, Failure> {
        // Of a chat that the bot is not in Telegram would say only that there is none; a dead token is told here.
        bot::ask::<Value>(cx, password, "getMe", &json!({})).await?;
        let chat: api::Chat = bot::ask(cx, password, "getChat", &json!({ "chat_id": ingest::chat_id(handle) })).await?;
        if !chat.is_public_place() {
            return Err(Failure::new(Kind::InvalidHandle, "a conversation with a person is no channel"));
        }
        let scopes = ingest::rights(cx, password, &chat).await?;
        if !scopes.iter().any(|right| right == POST) {
            let failure = Failure::new(Kind::PermissionMissing, "the bot may not publish in the chat");
            return Err(failure.scope(if chat.is_channel() { POST } else { ADMINISTRATOR }));
        }
        let tokens = TokenSet {
            access: password.clone(),
            refresh: None,
            expires_at: None,
            issued_at: cx.clock.now(),
            scopes,
            extra: BTreeMap::new(),
        };
        Ok(Grant { tokens, platform_account_id: Some(chat.id()) })
    }
}

#[async_trait]
impl OAuth for Telegram {
    async fn start(&self, _: &Context<'_>, _: &Start<'_>) -> Result<Started, Failure> {
        Err(no_consent())
    }

    async fn finish(&self, _: &Context<'_>, _: &Finish<'_>) -> Result<Grant, Failure> {
        Err(no_consent())
    }

    /// A token lives until its owner takes it back; one that was refused is gone.
    async fn refresh(&self, _: &Context<'_>, _: &TokenSet) -> Result<TokenSet, Failure> {
        Err(Failure::new(Kind::ReconnectNeeded, "tokens of this platform cannot be renewed"))
    }

    /// Only the bot's owner can.
    async fn revoke(&self, _: &Context<'_>, _: &TokenSet) -> Result<(), Failure> {
        Ok(())
    }
}

fn no_consent() -> Failure {
    Failure::new(Kind::InvalidRequest, "there is no consent page here: a bot's token is handed over")
}
