//! One file, read from front to back over as many answers as it takes.

use std::time::Duration;

use bytes::Bytes;
use domain::{Failure, Kind};
use http::HeaderName;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, RANGE, RETRY_AFTER};
use outbound::{Call, Incoming, Outbound, OutboundError};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::version::{Version, content_length, content_range};

/// How many redirects lead to a file at most.
pub(super) const REDIRECTS: u8 = 3;
/// How long a server may take to begin its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How often a broken answer is taken up again where it broke, in one read.
const TAKEN_UP: u8 = 3;
/// A gap of so many bytes is read past; for a larger one the server is asked anew.
const SKIPPED: u64 = 256 * 1024;

/// A call for a file as it is: nothing compressed on the way, nothing chosen by preference.
pub(super) fn ask(url: &Url) -> Call {
    let call = Call::get(None, url.clone()).at_most(usize::MAX);
    call.header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity")
}

/// The open answer and where it stands.
struct Open {
    answer: Incoming,
    /// The offset of its next byte.
    at: u64,
    /// False once the server was asked for a part and answered with the whole.
    gives_parts: bool,
}

/// Reads one file. Holds at most one piece as it came from the network.
pub(super) struct Reader {
    out: Outbound,
    pub(super) url: Url,
    /// What is known of the file; every answer has to agree with it.
    pub(super) version: Version,
    open: Option<Open>,
    /// Read, but not wanted yet; what follows it begins at `open.at`.
    rest: Bytes,
    /// The offset of the next byte that is handed out.
    at: u64,
    /// How often a broken answer may still be taken up.
    may_take_up: u8,
    /// Where the last one broke.
    broke_at: u64,
}

impl Reader {
    pub(super) fn new(out: Outbound, url: Url, version: Version) -> Self {
        Self { out, url, version, open: None, rest: Bytes::new(), at: 0, may_take_up: TAKEN_UP, broke_at: 0 }
    }

    /// The offset of the next byte.
    pub(super) const fn position(&self) -> u64 {
        self.at
    }

    /// Goes to `offset`: on in the open answer where that is near or the only way, else the server is asked anew.
    pub(super) fn seek(&mut self, offset: u64) {
        self.may_take_up = TAKEN_UP;
        let kept = self.rest.len() as u64;
        if let Some(ahead) = offset.checked_sub(self.at)
            && ahead < kept
        {
            self.rest = self.rest.slice(usize::try_from(ahead).unwrap_or(self.rest.len())..);
        } else {
            self.rest = Bytes::new();
            let forward =
                |open: &Open| offset.checked_sub(open.at).is_some_and(|gap| gap <= SKIPPED || !open.gives_parts);
            self.open = self.open.take().filter(forward);
        }
        self.at = offset;
    }

    /// Gives back what was read ahead of its need.
    pub(super) fn give_back(&mut self, rest: Bytes) {
        self.at -= rest.len() as u64;
        self.rest = rest;
    }

    /// The answer's headers, if none is open; the version then holds what they say.
    pub(super) async fn begin(&mut self, deadline: Instant) -> Result<(), Failure> {
        if self.open.is_none() {
            let opening = self.ask(self.at);
            self.open = timeout_at(deadline, opening).await.map_err(|_| slow())??;
        }
        Ok(())
    }

    /// The next piece; `None` at the end of the file. An answer that breaks is taken up where it broke.
    pub(super) async fn next(&mut self, deadline: Instant) -> Result<Option<Bytes>, Failure> {
        if !self.rest.is_empty() {
            let piece = std::mem::take(&mut self.rest);
            self.at += piece.len() as u64;
            return Ok(Some(piece));
        }
        loop {
            if self.version.length.is_some_and(|length| self.at >= length) && self.open.is_none() {
                return Ok(None);
            }
            self.begin(deadline).await?;
            // Asked before every piece, since pieces that are there already never let a timer fire.
            if Instant::now() >= deadline {
                return Err(slow());
            }
            // `None` after a beginning: the file ends where we stand.
            let Some(open) = &mut self.open else { return Ok(None) };
            // The deadline leaves the answer as it stands, so that a later read goes on from there.
            let piece = timeout_at(deadline, open.answer.chunk()).await.map_err(|_| slow())?;
            match piece {
                Ok(Some(piece)) => {
                    let start = open.at;
                    open.at += piece.len() as u64;
                    if self.version.length.is_some_and(|length| open.at > length) {
                        return Err(another("is longer than its server said"));
                    }
                    // What lies before the wanted offset is read past.
                    let before = usize::try_from(self.at.saturating_sub(start)).unwrap_or(usize::MAX);
                    if before < piece.len() {
                        let wanted = piece.slice(before..);
                        self.at += wanted.len() as u64;
                        return Ok(Some(wanted));
                    }
                }
                Ok(None) => {
                    let end = open.at;
                    self.open = None;
                    match self.version.length {
                        Some(length) if end < length => self.take_up("ended early")?,
                        Some(_) => return Ok(None),
                        None if end < self.at => return Err(another("is shorter than it was")),
                        None => {
                            self.version.length = Some(end);
                            return Ok(None);
                        }
                    }
                }
                Err(error @ (OutboundError::Broken(_) | OutboundError::Timeout)) => {
                    self.open = None;
                    self.take_up(&error.to_string())?;
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// At the end that the server named, sees to it that its answer ends there too.
    pub(super) async fn prove_end(&mut self, deadline: Instant) -> Result<(), Failure> {
        if self.version.length == Some(self.at) && self.rest.is_empty() {
            self.next(deadline).await?;
        }
        Ok(())
    }

    fn take_up(&mut self, why: &str) -> Result<(), Failure> {
        // Some servers give long files in parts of their own choice; only a break without progress is counted.
        if self.at.saturating_sub(self.broke_at) >= SKIPPED {
            self.may_take_up = TAKEN_UP;
        }
        self.broke_at = self.at;
        self.may_take_up = self.may_take_up.checked_sub(1).ok_or_else(|| {
            failure(Kind::ProviderDown, "The server of the file broke off its answer.", format!("file: {why}"))
        })?;
        Ok(())
    }

    /// An answer from `offset` on, `None` when the file ends there. A server without parts answers from the start.
    async fn ask(&mut self, offset: u64) -> Result<Option<Open>, Failure> {
        let mut call = ask(&self.url).follow(REDIRECTS).within(ANSWER);
        if offset > 0 {
            call = call.header(RANGE, &format!("bytes={offset}-"));
        }
        let answer = self.out.open(call).await.map_err(unreadable)?;
        let range = content_range(&answer.headers);
        let (start, length) = match (answer.status, range) {
            (200, _) => (Some(0), content_length(&answer.headers)),
            (206, Some((start, length))) => (start, length),
            (416, Some((None, length))) if length == Some(offset) => (None, length),
            (416, _) => return Err(another("is shorter than it was")),
            (status, _) => return Err(answered(status, answer.header(RETRY_AFTER.as_str()))),
        };
        let now = Version::of(&answer.headers, length);
        if !self.version.agrees(&now) {
            return Err(another("has become another"));
        }
        if encoded(&answer) {
            return Err(refused("The server of the file only sends it compressed.", "file: content-encoding"));
        }
        self.version = std::mem::take(&mut self.version).or(now);
        match start {
            None => Ok(None),
            Some(at) if at == offset || at == 0 => Ok(Some(Open { gives_parts: at == offset, answer, at })),
            Some(_) => {
                Err(refused("The server of the file sent another part than was asked for.", "file: other range"))
            }
        }
    }
}

fn encoded(answer: &Incoming) -> bool {
    let encoding: &HeaderName = &CONTENT_ENCODING;
    answer.header(encoding.as_str()).is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"))
}

/// A failure to read a file. It never took effect anywhere.
pub(super) fn failure(kind: Kind, said: &str, detail: impl Into<String>) -> Failure {
    Failure::new(kind, detail).said(Some(said.to_owned()), None)
}

pub(super) fn refused(said: &str, detail: &str) -> Failure {
    failure(Kind::ContentRefused, said, detail)
}

/// The file is not the one that was looked at, or of which a part was sent.
fn another(how: &str) -> Failure {
    failure(
        Kind::ContentRefused,
        &format!("The file has become another since it was first read: it {how}."),
        format!("file: {how}"),
    )
}

pub(super) fn slow() -> Failure {
    failure(Kind::ProviderDown, "The server of the file is too slow.", "file: deadline")
}

fn answered(status: u16, retry_after: Option<&str>) -> Failure {
    let kind = if matches!(status, 408 | 425 | 429 | 500..) { Kind::ProviderDown } else { Kind::ContentRefused };
    let wait = retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    failure(kind, &format!("The server of the file answered {status}."), format!("file: status {status}"))
        .retry_after(wait)
}

fn unreadable(error: OutboundError) -> Failure {
    match error {
        OutboundError::Refused(reason) => failure(
            Kind::ContentRefused,
            &format!("The address of the file is not called: {reason}."),
            format!("file: {reason}"),
        ),
        error => failure(Kind::ProviderDown, "The server of the file could not be reached.", format!("file: {error}")),
    }
}
