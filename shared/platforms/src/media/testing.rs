//! Files for the tests of platforms: in memory, or made up while they are read.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::content::{Media, MediaKind};
use domain::{Failure, Kind};
use futures_util::stream;
use outbound::Streamed;

use crate::publish::Files;

/// One read: the file's address, the offset, how many bytes were asked for.
pub type Read = (String, u64, usize);

#[derive(Debug, Clone)]
enum Content {
    Held(Bytes),
    /// So many bytes of [`made_up`], never stored.
    MadeUp(u64),
}

impl Content {
    const fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::MadeUp(length) => *length,
        }
    }

    fn part(&self, offset: u64, len: u64) -> Bytes {
        let end = offset.saturating_add(len).min(self.len());
        let start = offset.min(end);
        match self {
            Self::Held(bytes) => bytes.slice(narrow(start)..narrow(end)),
            Self::MadeUp(_) => made_up(start, narrow(end - start)),
        }
    }
}

/// The bytes of a made-up file. They repeat, but at a distance (a prime) that no size of a piece is a multiple of, so
/// that a mixed-up piece shows; and they are copied from a table, so that a test of a large file does not wait for
/// them.
#[must_use]
pub fn made_up(offset: u64, len: usize) -> Bytes {
    const PERIOD: usize = 65_521;
    static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..PERIOD).map(|_| next()).collect()
    });
    let mut bytes = BytesMut::with_capacity(len);
    let mut at = narrow(offset % PERIOD as u64);
    while bytes.len() < len {
        let end = PERIOD.min(at + len - bytes.len());
        bytes.extend_from_slice(TABLE.get(at..end).unwrap_or_default());
        at = 0;
    }
    bytes.freeze()
}

/// Files in memory, behaving as the real ones do.
#[derive(Debug, Default)]
pub struct InMemory {
    files: BTreeMap<String, Content>,
    breaks: BTreeMap<String, u64>,
    reads: Mutex<Vec<Read>>,
}

impl InMemory {
    /// The same with a file.
    #[must_use]
    pub fn with(mut self, url: &str, bytes: impl Into<Bytes>) -> Self {
        self.files.insert(url.to_owned(), Content::Held(bytes.into()));
        self
    }

    /// The same with a file of `length` bytes that is made up while it is read ([`made_up`]).
    #[must_use]
    pub fn with_made_up(mut self, url: &str, length: u64) -> Self {
        self.files.insert(url.to_owned(), Content::MadeUp(length));
        self
    }

    /// The same, unable to read this file from `offset` on.
    #[must_use]
    pub fn breaking_at(mut self, url: &str, offset: u64) -> Self {
        self.breaks.insert(url.to_owned(), offset);
        self
    }

    /// Every read so far, in order. A stream is one read of everything.
    #[must_use]
    pub fn reads(&self) -> Vec<Read> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn file(&self, media: &Media) -> Result<Content, Failure> {
        let missing = || Failure::new(Kind::ContentRefused, format!("file: {} is not there", media.url));
        let content = self.files.get(&media.url).ok_or_else(missing)?;
        if media.bytes.is_some_and(|bytes| bytes != content.len()) {
            return Err(Failure::new(Kind::ContentRefused, "file: has become another"));
        }
        Ok(content.clone())
    }

    fn note(&self, media: &Media, offset: u64, len: usize) {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).push((media.url.clone(), offset, len));
    }
}

fn broken() -> Failure {
    Failure::new(Kind::ProviderDown, "file: broken")
}

#[async_trait]
impl Files for InMemory {
    async fn read(&self, media: &Media, offset: u64, len: usize) -> Result<Bytes, Failure> {
        self.note(media, offset, len);
        let content = self.file(media)?;
        let part = content.part(offset, len as u64);
        let end = offset + part.len() as u64;
        if self.breaks.get(&media.url).is_some_and(|at| *at < end) { Err(broken()) } else { Ok(part) }
    }

    async fn stream(&self, media: &Media) -> Result<Streamed, Failure> {
        const PIECE: u64 = 64 * 1024;
        let content = self.file(media)?;
        let length = content.len();
        self.note(media, 0, narrow(length));
        let end = self.breaks.get(&media.url).copied().unwrap_or(u64::MAX);
        let pieces = stream::unfold(0, move |offset| {
            let piece = if offset >= length {
                None
            } else if offset >= end {
                Some((Err(broken()), u64::MAX))
            } else {
                let part = content.part(offset, PIECE.min(end - offset));
                Some((Ok(part.clone()), offset + part.len() as u64))
            };
            std::future::ready(piece)
        });
        Ok(Streamed::new(length, pieces))
    }

    async fn size(&self, media: &Media) -> Result<u64, Failure> {
        Ok(self.file(media)?.len())
    }
}

/// An image as a probe describes it.
#[must_use]
pub fn image(url: &str, mime: &str, bytes: u64, width: u32, height: u32) -> Media {
    let kind = if mime == "image/gif" { MediaKind::Gif } else { MediaKind::Image };
    Media { width: Some(width), height: Some(height), ..described(url, kind, mime, bytes) }
}

/// A video as a probe describes it.
#[must_use]
pub fn video(url: &str, bytes: u64) -> Media {
    described(url, MediaKind::Video, "video/mp4", bytes)
}

/// A PDF as a probe describes it.
#[must_use]
pub fn document(url: &str, bytes: u64) -> Media {
    described(url, MediaKind::Document, "application/pdf", bytes)
}

fn described(url: &str, kind: MediaKind, mime: &str, bytes: u64) -> Media {
    Media {
        url: url.to_owned(),
        kind,
        mime: mime.to_owned(),
        bytes: Some(bytes),
        width: None,
        height: None,
        duration_ms: None,
    }
}

fn narrow(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
