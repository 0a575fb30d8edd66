//! LinkedIn's words on the wire, of publishing.

use domain::{Failure, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::{Deserialize, Serialize};

use super::api::List;
use crate::wire::text_or_number;

/// A post to make.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPost<'a> {
    pub(super) author: &'a str,
    pub(super) commentary: &'a str,
    pub(super) visibility: &'a str,
    pub(super) distribution: Distribution,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<NewContent<'a>>,
    pub(super) lifecycle_state: &'a str,
    pub(super) is_reshare_disabled_by_author: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Distribution {
    feed_distribution: &'static str,
    target_entities: [(); 0],
    third_party_distribution_channels: [(); 0],
}

impl Distribution {
    pub(super) const MAIN_FEED: Self =
        Self { feed_distribution: "MAIN_FEED", target_entities: [], third_party_distribution_channels: [] };
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NewContent<'a> {
    Media(NewMedia<'a>),
    MultiImage { images: Vec<NewMedia<'a>> },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMedia<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alt_text: Option<&'a str>,
}

/// What an upload was given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Initialized {
    image: Option<String>,
    document: Option<String>,
    video: Option<String>,
    upload_url: Option<Secret>,
    pub(super) upload_token: Option<Secret>,
    #[serde(default)]
    upload_instructions: Vec<Instruction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instruction {
    upload_url: String,
    #[serde(deserialize_with = "number")]
    first_byte: u64,
    #[serde(deserialize_with = "number")]
    last_byte: u64,
}

fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    text_or_number::count(deserializer)?.ok_or_else(|| serde::de::Error::custom("expected a number"))
}

/// A part of a file and where it goes: first byte, last byte, address.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Part(pub(super) u64, pub(super) u64, pub(super) String);

impl Initialized {
    /// The file's URN.
    pub(super) fn urn(&self) -> Option<&str> {
        self.image.as_deref().or(self.document.as_deref()).or(self.video.as_deref())
    }

    /// The parts that it is sent in; one for all but videos.
    pub(super) fn parts(&self, total: u64) -> Vec<Part> {
        let whole = self.upload_url.as_ref().map(|url| Part(0, total.saturating_sub(1), url.expose().to_owned()));
        let parts = self.upload_instructions.iter().map(|i| Part(i.first_byte, i.last_byte, i.upload_url.clone()));
        whole.into_iter().chain(parts).collect()
    }
}

#[derive(Deserialize)]
struct InitializedValue {
    value: Initialized,
}

/// Reads what an upload was given.
pub(super) fn initialized(answer: &Answer) -> Result<Initialized, Failure> {
    Ok(answer.json::<InitializedValue>()?.value)
}

#[derive(Deserialize)]
struct FileStatus {
    status: String,
}

/// Reads where a file stands: `WAITING_UPLOAD`, `PROCESSING`, `AVAILABLE`, `PROCESSING_FAILED`.
pub(super) fn file_status(answer: &Answer) -> Result<String, Failure> {
    Ok(answer.json::<FileStatus>()?.status)
}

#[derive(Deserialize)]
struct Comment {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    actor: Option<String>,
    message: Option<Message>,
    created: Option<Created>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Created {
    time: Option<i64>,
}

/// A comment under a post.
pub(super) struct FoundComment {
    pub(super) id: String,
    pub(super) actor: String,
    pub(super) text: String,
    pub(super) at: Option<Timestamp>,
}

/// Reads a page of at most `count` comments under a post, and whether it is the last.
pub(super) fn comments(answer: &Answer, count: usize) -> Result<(Vec<FoundComment>, bool), Failure> {
    let read = |comment: Comment| FoundComment {
        id: comment.id,
        actor: comment.actor.unwrap_or_default(),
        text: comment.message.map(|message| message.text).unwrap_or_default(),
        at: comment.created.and_then(|created| Timestamp::from_millisecond(created.time?).ok()),
    };
    let list = answer.json::<List<Comment>>()?;
    let is_last = list.is_last(count);
    Ok((list.elements.into_iter().map(read).collect(), is_last))
}
