//! What a person wrote, in the form in which it goes to one platform, and what is wrong with it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a file is, by its own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MediaKind {
    Image,
    /// An animation.
    Gif,
    Video,
    Document,
}

/// A file that goes with a post, as its first bytes and its server's answer described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is fetched from.
    pub url: String,
    /// What it is.
    pub kind: MediaKind,
    /// Its type by content: `image/jpeg`, `video/mp4`, …
    pub mime: String,
    /// Its size in bytes, where its server tells.
    pub bytes: Option<u64>,
    /// Its width in pixels, where the first bytes tell.
    #[serde(default)]
    pub width: Option<u32>,
    /// Its height in pixels, where the first bytes tell.
    #[serde(default)]
    pub height: Option<u32>,
    /// How long it lasts, in milliseconds, where its bytes tell.
    #[serde(default)]
    pub duration_ms: Option<u64>,
}

/// A post as it goes to one platform: the shared text or its override, hashtags appended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    /// The whole text.
    pub text: String,
    /// The files, in order.
    pub media: Vec<Media>,
    /// The platform's options, in the platform's own terms, with those that `follow_ups` were read from.
    pub options: Map<String, Value>,
    /// What follows the post, each a step of its own: a first comment, or the continuation of a thread.
    pub follow_ups: Vec<String>,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be published like this.
    Error,
    /// It can, and a person may want to know.
    Warning,
}

/// Something wrong with a draft on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable word for programs: `too_long`, `media_required`, …
    pub code: String,
    /// The field of the request that it is about: `content`, `mediaUrls[0]`, `options.YOUTUBE.title`, …
    pub field: String,
    /// A sentence for a person, with the limit and the figure that misses it.
    pub message: String,
}

impl Problem {
    /// An error.
    pub fn error(code: &str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code: code.to_owned(), field: field.into(), message: message.into() }
    }

    /// A warning.
    pub fn warning(code: &str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, field, message) }
    }
}
