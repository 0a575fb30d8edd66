//! X's words on the wire, of publishing.

use domain::{Failure, Kind};
use outbound::Answer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Envelope;
use super::error;
use crate::wire::text_or_number;

/// A post to make.
#[derive(Serialize)]
pub(super) struct NewPost<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media: Option<NewMedia<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) poll: Option<NewPoll>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<NewReply<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_settings: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct NewMedia<'a> {
    pub(super) media_ids: Vec<&'a str>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct NewPoll {
    pub(super) options: Vec<String>,
    pub(super) duration_minutes: u32,
}

#[derive(Serialize)]
pub(super) struct NewReply<'a> {
    pub(super) in_reply_to_tweet_id: &'a str,
}

/// An upload to begin.
#[derive(Serialize)]
pub(super) struct Initialize<'a> {
    pub(super) media_type: &'a str,
    pub(super) total_bytes: u64,
    pub(super) media_category: &'a str,
}

/// A picture's description.
pub(super) fn described(id: &str, text: &str) -> Value {
    serde_json::json!({"id": id, "metadata": {"alt_text": {"text": text}}})
}

/// What was made: a post or an upload.
#[derive(Deserialize)]
struct Made {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    processing_info: Option<Processing>,
}

#[derive(Deserialize)]
struct Processing {
    #[serde(default)]
    state: String,
    check_after_secs: Option<u64>,
    error: Option<ProcessingError>,
}

#[derive(Deserialize)]
struct ProcessingError {
    name: Option<String>,
    message: Option<String>,
}

/// The id of what was made. An answer that does not name it leaves open what happened.
pub(super) fn made(answer: &Answer) -> Result<String, Failure> {
    let envelope: Envelope<Made> = answer.json()?;
    let unnamed = || Failure::new(Kind::ProviderDown, "an answer without the id of what was made");
    envelope.data.map(|made| made.id).ok_or_else(|| unnamed().maybe_applied())
}

/// Where an upload stands.
pub(super) enum Upload {
    Ready,
    /// Look again after so many seconds.
    Pending(u64),
    Failed(Failure),
}

/// Reads the answer about an upload. Without `processing_info` there was nothing to process.
pub(super) fn upload(answer: &Answer) -> Result<Upload, Failure> {
    let made: Option<Made> = answer.json::<Envelope<Made>>()?.data;
    Ok(match made.and_then(|made| made.processing_info) {
        None => Upload::Ready,
        Some(info) => match info.state.as_str() {
            "succeeded" => Upload::Ready,
            "failed" => {
                let (name, message) = info.error.map_or((None, None), |error| (error.name, error.message));
                Upload::Failed(error::of_processing(name, message))
            }
            _ => Upload::Pending(info.check_after_secs.unwrap_or(2).clamp(1, 60)),
        },
    })
}
