//! The files of a draft, read from where the person put them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use domain::content::Media;
use domain::{Failure, Kind};
use futures_util::stream;
use outbound::{Outbound, Streamed};
use ring::digest;
use tokio::time::Instant;
use url::Url;

use super::reader::{Reader, refused, slow};
use super::version::Version;
use crate::publish::Files;

/// How long one read may take: to be counted into the lease beside the call that sends the piece on.
pub const READ_DEADLINE: Duration = Duration::from_secs(30);
/// The most that one read gives, in bytes. Pieces are up to 8 MiB; only a last piece that a platform wants joined to
/// the one before it is larger.
pub const LARGEST_READ: usize = 16 * 1024 * 1024;
/// How far a file is read only to learn its length, where its server does not tell.
const COUNTED: u64 = 64 * 1024 * 1024;
/// How long a stream waits for its next piece, taking a broken answer up included.
const NEXT_PIECE: Duration = Duration::from_secs(25);

/// Reads files through the guarded client. One answer stays open between reads, so that pieces that follow each other
/// come from one request; memory holds one piece at a time.
pub struct Sources {
    out: Outbound,
    reader: tokio::sync::Mutex<Option<Reader>>,
    versions: Mutex<BTreeMap<String, Version>>,
}

impl Sources {
    /// Files that nothing is known of but what their [`Media`] says.
    #[must_use]
    pub fn new(out: &Outbound) -> Self {
        Self { out: out.clone(), reader: tokio::sync::Mutex::default(), versions: Mutex::default() }
    }

    /// Files of which a part may have been read before, by whoever's [`Sources::seen`] this is: none of them may have
    /// changed since. What cannot be read holds nothing, and then a change is seen only from here on.
    #[must_use]
    pub fn expecting(out: &Outbound, seen: &str) -> Self {
        let versions = serde_json::from_str(seen).unwrap_or_default();
        Self { versions: Mutex::new(versions), ..Self::new(out) }
    }

    /// How the files read so far are known again, to be stored with the delivery's progress; it holds no address.
    #[must_use]
    pub fn seen(&self) -> String {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_string(&*versions).unwrap_or_default()
    }

    /// A reader that stands at `offset`.
    fn at(&self, held: Option<Reader>, media: &Media, offset: u64) -> Result<Reader, Failure> {
        let url =
            Url::parse(&media.url).map_err(|_| refused("The address of the file is not a URL.", "file: no url"))?;
        let mut reader = match held.filter(|reader| reader.url == url) {
            Some(reader) => reader,
            None => {
                let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
                let seen = versions.get(&name(&media.url)).cloned().unwrap_or_default();
                let looked_at = Version::of_length(media.bytes);
                drop(versions);
                Reader::new(self.out.clone(), url, seen.or(looked_at))
            }
        };
        reader.seek(offset);
        Ok(reader)
    }

    fn remember(&self, media: &Media, version: &Version) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert(name(&media.url), version.clone());
    }

    /// The length of the file, and a reader at its start.
    async fn measured(&self, held: Option<Reader>, media: &Media) -> Result<(u64, Reader), Failure> {
        let deadline = Instant::now() + READ_DEADLINE;
        let mut reader = self.at(held, media, 0)?;
        reader.begin(deadline).await?;
        if reader.version.length.is_none() {
            while reader.next(deadline).await?.is_some() {
                if reader.position() > COUNTED {
                    return Err(refused("The server of the file does not tell its size.", "file: no length"));
                }
            }
            reader.seek(0);
        }
        self.remember(media, &reader.version);
        let length = reader.version.length.ok_or_else(slow)?;
        Ok((length, reader))
    }
}

#[async_trait]
impl Files for Sources {
    async fn read(&self, media: &Media, offset: u64, len: usize) -> Result<Bytes, Failure> {
        if len > LARGEST_READ {
            return Err(Failure::new(Kind::InvalidRequest, format!("a read of {len} bytes is larger than one piece")));
        }
        let deadline = Instant::now() + READ_DEADLINE;
        let mut held = self.reader.lock().await;
        let last = held.take();
        let reader = held.insert(self.at(last, media, offset)?);
        let piece = fill(reader, len, deadline).await;
        self.remember(media, &reader.version);
        if piece.as_ref().is_err_and(|failure| !failure.may_pass()) {
            *held = None;
        }
        piece
    }

    async fn stream(&self, media: &Media) -> Result<Streamed, Failure> {
        let held = self.reader.lock().await.take();
        let (length, reader) = self.measured(held, media).await?;
        let pieces = stream::unfold(Some(reader), |reader| async {
            let mut reader = reader?;
            match reader.next(Instant::now() + NEXT_PIECE).await.transpose()? {
                Ok(piece) => Some((Ok(piece), Some(reader))),
                Err(failure) => Some((Err(failure), None)),
            }
        });
        Ok(Streamed::new(length, pieces))
    }

    async fn size(&self, media: &Media) -> Result<u64, Failure> {
        let mut held = self.reader.lock().await;
        let (length, reader) = self.measured(held.take(), media).await?;
        // The first read goes on with the answer that is open.
        *held = Some(reader);
        Ok(length)
    }
}

/// Reads `len` bytes, fewer only at the end of the file.
async fn fill(reader: &mut Reader, len: usize, deadline: Instant) -> Result<Bytes, Failure> {
    let mut piece = BytesMut::with_capacity(len);
    while piece.len() < len {
        let Some(mut next) = reader.next(deadline).await? else { break };
        let wanted = next.split_to(next.len().min(len - piece.len()));
        piece.extend_from_slice(&wanted);
        if !next.is_empty() {
            reader.give_back(next);
        }
    }
    reader.prove_end(deadline).await?;
    Ok(piece.freeze())
}

/// A short name for an address, which may hold a key.
fn name(url: &str) -> String {
    let hash = digest::digest(&digest::SHA256, url.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default())
}
