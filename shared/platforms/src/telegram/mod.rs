//! Telegram, by the Bot API.
//!
//! - Bots, chats, messages: <https://core.telegram.org/bots/api>
//! - Limits: <https://core.telegram.org/bots/faq>
//!
//! An account is a channel (or a public group) in which a bot is an administrator. There is no consent page: the bot's
//! token is handed over with the `@channel`, which is proven at once by asking what the bot may do there. A bot reads no
//! history and no figures but the number of members, and cannot look for a message that it may have sent.
//!
//! The token is a part of every address. No address is ever put into a failure or a log.

mod api;
mod bot;
mod error;
mod facts;
mod form;
mod ingest;
mod markup;
mod oauth;
mod publish;

pub use facts::FACTS;

use crate::registry::Adapter;

/// Telegram's capabilities.
#[must_use]
pub fn adapter() -> Adapter {
    Adapter {
        facts: &FACTS,
        ingest: Box::new(ingest::Telegram),
        oauth: Box::new(oauth::Telegram),
        register: None,
        publish: Some(Box::new(publish::Telegram)),
        // A bot is told of no figures of the posts that it made.
        insights: None,
        app_password: Some(Box::new(oauth::Telegram)),
    }
}
