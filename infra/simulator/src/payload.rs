//! A request's body as it arrives: small ones are kept, big ones are measured and hashed while they pass.

use std::fmt::Write as _;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::HeaderMap;
use ring::digest::{Context, SHA256};

use crate::multipart::{Part, Splitter};

/// Bodies in JSON or form encoding are read whole, and may not be longer.
const WHOLE: u64 = 32 * 1024 * 1024;
/// Of other bodies this much is kept: all of an upload part, the head of a video.
const KEEP: usize = 8 * 1024 * 1024;
/// Google keeps what arrived of a broken upload in blocks of this size.
pub(crate) const BLOCK: u64 = 256 * 1024;

/// SHA-256 over everything that has passed.
#[derive(Clone)]
pub(crate) struct Digest {
    context: Context,
    /// How many bytes it covers.
    pub(crate) bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { context: Context::new(&SHA256), bytes: 0 }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digest").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Digest {
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.context.update(data);
        self.bytes += data.len() as u64;
    }

    pub(crate) fn raw(&self) -> Vec<u8> {
        self.context.clone().finish().as_ref().to_vec()
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.raw())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

pub(crate) fn sha256_hex(data: &[u8]) -> String {
    hex(ring::digest::digest(&SHA256, data).as_ref())
}

/// What arrived.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    /// The whole body, or its first [`KEEP`] bytes.
    pub(crate) head: Bytes,
    /// Of this body alone.
    pub(crate) digest: Digest,
    /// Of the upload that this body continues, and at the last full [`BLOCK`] of it.
    pub(crate) running: Option<(Digest, Digest)>,
    pub(crate) parts: Vec<Part>,
    /// The body ended before it was complete.
    pub(crate) broken: bool,
    pub(crate) too_long: bool,
}

/// Reads a body to its end, or to `cut` bytes. `running` goes on over it.
pub(crate) async fn read(body: Body, headers: &HeaderMap, running: Option<Digest>, cut: Option<u64>) -> Payload {
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("");
    let lower = kind.to_ascii_lowercase();
    let whole = lower.starts_with("application/json") || lower.starts_with("application/x-www-form-urlencoded");
    let mut splitter = Splitter::of(kind);
    let mut payload = Payload { running: running.map(|d| (d.clone(), d)), ..Payload::default() };
    let mut head = BytesMut::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let Ok(mut chunk) = chunk else {
            payload.broken = true;
            break;
        };
        if let Some(left) = cut.map(|limit| limit.saturating_sub(payload.digest.bytes)) {
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        payload.digest.update(&chunk);
        if let Some((now, block)) = payload.running.as_mut() {
            go_on(now, block, &chunk);
        }
        match splitter.as_mut() {
            Some(splitter) => splitter.feed(&chunk),
            None if whole || head.len() < KEEP => {
                let room = if whole { chunk.len() } else { chunk.len().min(KEEP - head.len()) };
                head.extend_from_slice(&chunk[..room]);
            }
            None => {}
        }
        if whole && payload.digest.bytes > WHOLE {
            payload.too_long = true;
            break;
        }
        if cut.is_some_and(|limit| payload.digest.bytes >= limit) {
            payload.broken = true;
            break;
        }
    }
    payload.head = head.freeze();
    if let Some(splitter) = splitter {
        payload.parts = splitter.finish();
    }
    payload
}

/// Continues a digest over `chunk`, remembering where its last full block ended.
fn go_on(now: &mut Digest, block: &mut Digest, mut chunk: &[u8]) {
    while !chunk.is_empty() {
        let left = usize::try_from(BLOCK - now.bytes % BLOCK).unwrap_or(usize::MAX).min(chunk.len());
        let (piece, rest) = chunk.split_at(left);
        now.update(piece);
        if now.bytes.is_multiple_of(BLOCK) {
            *block = now.clone();
        }
        chunk = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_goes_on_and_remembers_its_last_block() {
        let data = vec![7_u8; 600_000];
        let (mut now, mut block) = (Digest::default(), Digest::default());
        go_on(&mut now, &mut block, &data[..100_000]);
        go_on(&mut now, &mut block, &data[100_000..]);
        assert_eq!((now.bytes, block.bytes), (600_000, 524_288));
        assert_eq!(now.hex(), sha256_hex(&data));
        assert_eq!(block.hex(), sha256_hex(&data[..524_288]));
    }

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        assert_eq!(Digest::default().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[tokio::test]
    async fn a_body_is_cut_where_it_is_asked_to_be() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("video/mp4"));
        let payload = read(Body::from(vec![1_u8; 1000]), &headers, None, Some(300)).await;
        assert_eq!((payload.digest.bytes, payload.broken, payload.head.len()), (300, true, 300));
    }
}
