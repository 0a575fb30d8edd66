//! Telegram's words on the wire.

use domain::{Failure, Metric, Profile};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use super::FACTS;
use super::facts::{ADMINISTRATOR, DELETE, POST};
use crate::publish::PostRef;
use crate::wire;

#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

/// What was asked for.
pub(super) fn result<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    Ok(answer.json::<Envelope<T>>()?.result)
}

/// A chat.
#[derive(Deserialize)]
pub(super) struct Chat {
    id: i64,
    #[serde(rename = "type", default)]
    kind: String,
    title: Option<String>,
    username: Option<String>,
    description: Option<String>,
}

impl Chat {
    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }

    /// Whether one can publish there at all: not in a conversation with a person.
    pub(super) fn is_public_place(&self) -> bool {
        self.kind != "private"
    }

    pub(super) fn is_channel(&self) -> bool {
        self.kind == "channel"
    }

    /// The name, or the number where it has none.
    fn handle(&self) -> String {
        let named = self.username.as_deref().map(|name| (FACTS.handle.normalise)(name));
        named.filter(|name| (FACTS.handle.is_valid)(name)).unwrap_or_else(|| self.id())
    }

    /// The chat as a profile, with its number of members.
    pub(super) fn profile(self, members: u64) -> Profile {
        let handle = self.handle();
        Profile {
            external_id: self.id(),
            profile_url: (FACTS.profile_url)(&handle),
            handle,
            display_name: wire::filled(self.title),
            bio: wire::filled(self.description),
            // The address of a chat's picture holds the bot's token.
            profile_image_url: None,
            follower_count: Metric::Count(members),
            following_count: Metric::NotOffered,
            post_count: Metric::NotOffered,
            is_verified: None,
            account_type: None,
        }
    }
}

/// How a bot stands in a chat.
#[derive(Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    status: String,
    can_post_messages: Option<bool>,
    can_delete_messages: Option<bool>,
}

impl Member {
    /// Its rights, in the words of [`FACTS`]. In a group every member writes.
    pub(super) fn rights(&self, chat: &Chat) -> Vec<String> {
        let leads = matches!(self.status.as_str(), "administrator" | "creator");
        let writes = match (chat.is_channel(), self.status.as_str()) {
            (_, "creator") => true,
            (true, _) => leads && self.can_post_messages == Some(true),
            (false, status) => leads || status == "member",
        };
        let deletes = self.status == "creator" || (leads && self.can_delete_messages == Some(true));
        [(ADMINISTRATOR, leads), (POST, writes), (DELETE, deletes)]
            .into_iter()
            .filter(|(_, granted)| *granted)
            .map(|(right, _)| right.to_owned())
            .collect()
    }
}

/// A message that was sent.
#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) message_id: i64,
    date: Option<i64>,
    chat: Chat,
}

/// What separates the numbers of an album's messages in [`PostRef::extra`].
pub(super) const MESSAGES: &str = "messages";

/// A message, or an album of several, as a post: the first of them stands for all.
pub(super) fn post(messages: &[Message]) -> Option<PostRef> {
    let first = messages.first()?;
    let (chat, number) = (&first.chat, first.message_id);
    let id = chat.id();
    let url = match (&chat.username, id.strip_prefix("-100")) {
        (Some(name), _) => Some(format!("https://t.me/{name}/{number}")),
        (None, Some(bare)) => Some(format!("https://t.me/c/{bare}/{number}")),
        // A small group has no addresses.
        (None, None) => None,
    };
    let all: Vec<String> = messages.iter().map(|message| message.message_id.to_string()).collect();
    let extra = (all.len() > 1).then(|| (MESSAGES.to_owned(), all.join(",")));
    Some(PostRef {
        id: number.to_string(),
        url,
        posted_at: first.date.and_then(|date| Timestamp::from_second(date).ok()),
        extra: extra.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;

    #[test]
    fn a_message_becomes_a_post_with_its_address() {
        let message: Message = result(&ok(include_str!("fixtures/message.json"))).unwrap();
        let post = post(&[message]).unwrap();
        assert_eq!((post.id.as_str(), post.url.as_deref()), ("42", Some("https://t.me/acmenews/42")));
        assert_eq!(post.posted_at.unwrap().to_string(), "2026-08-01T08:00:00Z");
        assert!(post.extra.is_empty());
    }

    #[test]
    fn an_album_is_the_first_of_its_messages() {
        let messages: Vec<Message> = result(&ok(include_str!("fixtures/album.json"))).unwrap();
        let post = post(&messages).unwrap();
        assert_eq!((post.id.as_str(), post.url.as_deref()), ("43", Some("https://t.me/c/1234567890/43")));
        assert_eq!(post.extra[MESSAGES], "43,44");
    }

    #[test]
    fn rights_are_those_that_telegram_names() {
        let chat = |kind: &str| serde_json::from_value(serde_json::json!({"id": -1001, "type": kind})).unwrap();
        let rights = |kind: &str, member: &str| {
            let member: Member = serde_json::from_str(member).unwrap();
            member.rights(&chat(kind))
        };
        let admin = r#"{"status":"administrator","can_post_messages":true,"can_delete_messages":false}"#;
        assert_eq!(rights("channel", admin), ["administrator", "can_post_messages"]);
        assert_eq!(rights("channel", r#"{"status":"administrator"}"#), ["administrator"]);
        assert_eq!(rights("channel", r#"{"status":"member"}"#), Vec::<String>::new());
        assert_eq!(rights("supergroup", r#"{"status":"member"}"#), ["can_post_messages"]);
        assert_eq!(rights("channel", r#"{"status":"creator"}"#).len(), 3);
        assert_eq!(rights("channel", r#"{"status":"left"}"#), Vec::<String>::new());
    }
}
