//! The capability to publish, and the words it speaks in.
//!
//! A delivery moves by separate steps, and the worker records each of them: `prepare` (any number of times, without
//! an effect that anyone sees) → the worker writes its *intent* → `submit` (the effect) → `look` while the platform
//! processes → published. Whatever is uncertain after an intent is answered by `find`, never by a second `submit`.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Media, MediaKind, Problem};
use domain::{Failure, Secret, TokenSet};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::covers;
use crate::kit::{Account, Context};

pub use crate::measure::{Measure, Quantity};
pub use crate::option::{OptionFact, OptionForm};

/// How a text is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedIn {
    /// Unicode scalar values.
    Characters,
    /// Extended grapheme clusters: an emoji family is one.
    Graphemes,
    /// UTF-16 code units.
    Utf16,
    /// UTF-8 bytes.
    Bytes,
    /// X's weighted characters (twitter-text configuration 3).
    Weighted,
    /// Mastodon's characters: every link counts as a fixed number, a remote mention without its host.
    Mastodon,
}

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextLimit {
    /// The unit.
    pub counted_in: CountedIn,
    /// The most.
    pub max: u32,
    /// The most in UTF-8 bytes as well, where the platform sets both.
    pub max_bytes: Option<u32>,
}

/// What one kind of file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRule {
    /// The kind.
    pub kind: MediaKind,
    /// The accepted types by content.
    pub mimes: &'static [&'static str],
    /// The largest file in bytes.
    pub max_bytes: u64,
    /// How many may stand in one post.
    pub max_count: u32,
}

/// How a platform gets a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// It is sent the bytes.
    Bytes,
    /// It fetches the address itself.
    Url,
}

/// How it is known whether a submission took effect (design: "at most one automatic submission").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The same call again is the same post.
    ClientKey,
    /// A handle was obtained before the effect and can be asked about.
    Handle,
    /// The account's recent posts can be read and compared.
    ReadBack,
    /// Nothing shows it; a person decides.
    None,
}

/// Everything about publishing on a platform that is a fact: the one table that validation, the check before
/// delivery and `GET /api/capabilities` read.
#[derive(Debug, Clone, Copy)]
pub struct PublishFacts {
    /// The text of a post.
    pub text: TextLimit,
    /// The text of a post with media, where that is another limit (Telegram's caption).
    pub caption: Option<TextLimit>,
    /// The text of a post of photos, where that is another limit again (TikTok).
    pub photo_text: Option<TextLimit>,
    /// The text of a follow-up; `None`: there are none here.
    pub follow_up: Option<TextLimit>,
    /// How many follow-ups there may be: 1 is a first comment, more is a thread.
    pub follow_ups: u32,
    /// Whether a post needs a text.
    pub text_required: bool,
    /// Whether a post needs media.
    pub media_required: bool,
    /// What files there may be.
    pub files: &'static [FileRule],
    /// How long, large and wide they may be.
    pub measures: &'static [Measure],
    /// How many files in all.
    pub max_files: u32,
    /// Whether images and videos may stand in one post.
    pub mixed: bool,
    /// How it gets them.
    pub takes: Takes,
    /// Its options, beside `firstComment` and `thread`, which follow from `follow_ups`.
    pub options: &'static [OptionFact],
    /// The scopes without which it cannot be published.
    pub scopes: &'static [&'static str],
    /// The scopes without which it cannot be published with files, beside `scopes`.
    pub media_scopes: &'static [&'static str],
    /// How an uncertain submission is settled. A connection may have less than its platform ([`Publish::proof`]).
    pub proof: Proof,
    /// After this time the platform's own lists surely show what exists, with the day it was checked.
    pub index_lag: SignedDuration,
    /// Whether a post can be deleted by the API.
    pub deletes: bool,
}

/// The limits that an account's own server sets in place of the facts'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The text of a post.
    pub text: TextLimit,
    /// How many files in all.
    pub max_files: u32,
    /// The largest image in bytes; `None`: the facts' own.
    pub max_image_bytes: Option<u64>,
    /// The largest video in bytes; `None`: the facts' own.
    pub max_video_bytes: Option<u64>,
    /// The most pixels of an image; `None`: the facts' own.
    #[serde(default)]
    pub max_image_pixels: Option<u64>,
    /// The most pixels of a picture of a video; `None`: the facts' own.
    #[serde(default)]
    pub max_video_pixels: Option<u64>,
    /// What a link counts as, where every link counts the same.
    pub link_length: Option<u32>,
}

impl From<&PublishFacts> for Limits {
    fn from(facts: &PublishFacts) -> Self {
        Self {
            text: facts.text,
            max_files: facts.max_files,
            max_image_bytes: None,
            max_video_bytes: None,
            max_image_pixels: None,
            max_video_pixels: None,
            link_length: None,
        }
    }
}

/// What a delivery has obtained so far: ids, keys, offsets. Stored after every step, handed to the next.
///
/// Addresses that let anyone upload (a session, a signed URL) are secrets.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What may be stored in the clear: container, publish id, record key, offset, media ids.
    pub kept: BTreeMap<String, String>,
    /// What is stored sealed.
    pub secret: BTreeMap<String, Secret>,
}

impl Progress {
    /// The same with a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.kept.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a secret.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: Secret) -> Self {
        self.secret.insert(name.to_owned(), value);
        self
    }

    /// A value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.kept.get(name).map(String::as_str)
    }

    /// A value as a number; absent or unreadable is zero.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// One delivery, as the platform's code sees it.
pub struct Job<'a> {
    /// The account that publishes.
    pub account: Account<'a>,
    /// Its tokens.
    pub tokens: &'a TokenSet,
    /// What goes out.
    pub draft: &'a Draft,
    /// The account's own limits, read before or the facts'.
    pub limits: &'a Limits,
    /// The source of every key that must be the same in each attempt: the delivery's id, as a rule.
    pub key: &'a str,
    /// When the first attempt began: the fixed time of a record that carries one.
    pub started_at: Timestamp,
    /// When the intent of the submission in question was written; `None` while nothing was sent whose outcome is open.
    pub intent_at: Option<Timestamp>,
    /// When the first intent of this content was written, however often it was sent again since: nothing of it on the
    /// platform can be older.
    pub first_intent_at: Option<Timestamp>,
    /// It was sent before, and a person or the platform has said since that it is not there.
    pub resent: bool,
    /// The platform's ids of posts that look the same and are known to be other deliveries'.
    pub not_ours: &'a [String],
    /// What the steps before have obtained.
    pub progress: &'a Progress,
    /// Reads the draft's files.
    pub files: &'a dyn Files,
    /// Holds the lease while a step takes long.
    pub lease: &'a dyn Lease,
}

/// Reads files from where the person put them, in pieces.
#[async_trait]
pub trait Files: Send + Sync {
    /// The bytes from `offset`, at most `len` of them; fewer only at the end. It takes at most
    /// [`crate::media::READ_DEADLINE`], which is to be counted into the lease, and `len` is at most
    /// [`crate::media::LARGEST_READ`].
    ///
    /// # Errors
    /// A [`Failure`] with effect [`domain::Effect::NotApplied`] when the file cannot be read, is longer than it said, or has become another.
    async fn read(&self, media: &Media, offset: u64, len: usize) -> Result<bytes::Bytes, Failure>;

    /// The whole file as a body to send, streamed, with its exact length.
    ///
    /// # Errors
    /// As [`Files::read`].
    async fn stream(&self, media: &Media) -> Result<outbound::Streamed, Failure>;

    /// The exact size in bytes, asked of the file's server.
    ///
    /// # Errors
    /// As [`Files::read`].
    async fn size(&self, media: &Media) -> Result<u64, Failure>;
}

/// The worker's hold on the row.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Stores `progress` and renews the lease, so that a next call of up to `ahead` fits into it.
    ///
    /// # Errors
    /// [`Lost`]: another worker has the row, or the table cannot be reached; stop at once and send nothing more.
    async fn keep(&self, progress: &Progress, ahead: Duration) -> Result<(), Lost>;
}

/// The row is another worker's now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// Why a step did not end.
#[derive(Debug)]
pub enum Stop {
    /// The platform failed or refused, or a file could not be read.
    Failed(Failure),
    /// The lease is gone.
    Lost,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

/// What one call of `prepare` achieved.
#[derive(Debug)]
pub enum Prepared {
    /// A part; store it and call again after `wait`.
    More {
        /// What has been obtained so far.
        progress: Progress,
        /// How long to wait first (the platform processes); `None`: go on at once.
        wait: Option<Duration>,
    },
    /// All that `submit` needs.
    Ready(Progress),
}

/// What a submission achieved.
#[derive(Debug)]
pub enum Submitted {
    /// It is live.
    Published(PostRef),
    /// It is accepted and being processed; `look` tells the rest.
    Processing {
        /// With the handle that `look` needs.
        progress: Progress,
        /// When to look.
        wait: Duration,
    },
}

/// What one look at something accepted shows. Looking never changes anything.
#[derive(Debug)]
pub enum Looked {
    /// Still being processed.
    Processing {
        /// When to look again.
        wait: Duration,
    },
    /// Live.
    Published(PostRef),
    /// A post that looks the same is live. It was found in a list, so it can be another delivery's.
    Seen(PostRef),
    /// The platform's processing refused it for good: nothing is live and nothing will be.
    Refused(Failure),
    /// The platform took it and shows it no more. Lists have been empty for a moment, so the worker counts this as a
    /// refusal only when the next look shows the same.
    Gone(Failure),
}

/// What a search for an uncertain submission shows.
#[derive(Debug)]
pub enum Found {
    /// It exists.
    Published(PostRef),
    /// It was accepted and is being processed.
    Processing {
        /// With the handle that `look` needs.
        progress: Progress,
        /// When to look.
        wait: Duration,
    },
    /// It does not exist, as of this look. The worker counts this as proof only after [`PublishFacts::index_lag`].
    /// `progress` is what the next submission starts from (a fresh handle may be needed).
    Absent(Progress),
    /// Nothing shows whether it exists, but the same call again under its key makes no second one. That is a reason to
    /// send, and no proof of absence.
    SameKey,
    /// The account can be read, and this look leaves it open: something there could be it, or not all was read. A later
    /// look may tell.
    Unclear,
    /// The account cannot be read for it: the platform has no means, or a right is missing.
    NoMeans,
}

/// A post on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRef {
    /// The platform's own id.
    pub id: String,
    /// The public page, where there is one.
    pub url: Option<String>,
    /// When the platform says it went out; `None` where it does not say.
    pub posted_at: Option<Timestamp>,
    /// What a follow-up or a deletion needs beside the id (Bluesky: `cid`).
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
}

/// Publishes.
#[async_trait]
pub trait Publish: Send + Sync {
    /// The facts.
    fn facts(&self) -> &'static PublishFacts;

    /// Everything wrong with `draft` that the platform's rules tell before anything is sent. The same function serves
    /// validation, the check before delivery and the composer's counts. What every platform shares (counts, files,
    /// option forms) is in [`crate::compose::common_problems`], which an implementation calls first.
    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem>;

    /// How long the text counts on this platform; the figure that the limit is compared with.
    fn length(&self, text: &str, limits: &Limits) -> u32;

    /// How long the text of `draft` counts as it goes out: without the markup that the platform takes away, with what is
    /// added to it. It is compared with [`crate::compose::text_limit`].
    fn draft_length(&self, draft: &Draft, limits: &Limits) -> u32 {
        self.length(&draft.text, limits)
    }

    /// The scopes among `granted` that are missing for `draft` to go out from `account`. An account that does not say
    /// what was granted is not held to it.
    fn missing_scopes(&self, _account: &Account<'_>, draft: &Draft, granted: &[String]) -> Vec<&'static str> {
        let facts = self.facts();
        let media = if draft.media.is_empty() { &[][..] } else { facts.media_scopes };
        let wanted = facts.scopes.iter().chain(media).copied();
        wanted.filter(|wanted| !granted.is_empty() && !granted.iter().any(|g| covers(g, wanted))).collect()
    }

    /// The limits of the account's own server.
    ///
    /// # Errors
    /// A [`Failure`] when the server cannot be asked; the facts' defaults hold then.
    async fn limits(&self, _cx: &Context<'_>, _account: &Account<'_>) -> Result<Limits, Failure> {
        Ok(Limits::from(self.facts()))
    }

    /// What this account and its rights allow of the platform's means of proof.
    fn proof(&self, _account: &Account<'_>, _tokens: &TokenSet) -> Proof {
        self.facts().proof
    }

    /// One bounded piece of what comes before the effect. A repeat after a crash costs at most an orphan that the
    /// platform drops by itself. Starts from `job.progress`.
    ///
    /// # Errors
    /// [`Stop`].
    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop>;

    /// The effect. Called once per intent, with at least the call's deadline + 5 s of lease left.
    ///
    /// # Errors
    /// [`Stop`]; [`domain::Effect`] must be honest: everything but a documented refusal is unknown.
    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop>;

    /// One look at what was accepted.
    ///
    /// # Errors
    /// A [`Failure`] of the look, which says nothing about the post.
    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure>;

    /// Looks for a submission whose outcome is not known, by the platform's own means.
    ///
    /// # Errors
    /// A [`Failure`] of the search, which says nothing about the post.
    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure>;

    /// Adds follow-up number `n` (from 0) under `post`, behind `parent` (the post itself, or the follow-up before).
    ///
    /// # Errors
    /// [`Failure`]; its effect is honest. An uncertain follow-up is looked for by [`Publish::find_follow_up`].
    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure>;

    /// Looks for an uncertain follow-up.
    ///
    /// # Errors
    /// A [`Failure`] of the search.
    async fn find_follow_up(
        &self,
        _cx: &Context<'_>,
        _job: &Job<'_>,
        _post: &PostRef,
        _parent: &PostRef,
        _n: usize,
    ) -> Result<Found, Failure> {
        Ok(Found::NoMeans)
    }

    /// Deletes a post. One that is gone already is a success.
    ///
    /// # Errors
    /// [`Failure`]; `deletes: false` platforms are never asked.
    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure>;
}
