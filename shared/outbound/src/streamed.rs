//! A body that is read while it is sent.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use domain::{Failure, Kind};
use futures_util::{Stream, StreamExt, stream};
use http_body::{Body, Frame, SizeHint};

/// The pieces of a body, in order.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// A body of a known length that is read while it is sent, and can be sent once.
///
/// It is exact: a source that ends early or goes on past its length is a failure, and the last piece is not handed
/// out before the source has ended, so the request is cut off and the receiver never has a whole one.
#[derive(Clone)]
pub struct Streamed {
    length: u64,
    /// Shared between clones: whichever is sent first takes it.
    source: Arc<Mutex<Option<Pieces>>>,
}

impl Streamed {
    /// A body of `length` bytes.
    #[must_use]
    pub fn new(length: u64, source: impl Stream<Item = Result<Bytes, Failure>> + Send + 'static) -> Self {
        let exact = Exact { source: Box::pin(source), left: length, held: None, ended: false };
        Self::unchecked(length, Box::pin(exact))
    }

    /// The body `inner` between `prefix` and `suffix`, as a multipart form has it.
    #[must_use]
    pub fn around(prefix: Bytes, inner: Self, suffix: Bytes) -> Self {
        let length = prefix.len() as u64 + inner.length + suffix.len() as u64;
        let pieces = inner.take().unwrap_or_else(|| once(Err(sent_before())));
        Self::unchecked(length, Box::pin(once(Ok(prefix)).chain(pieces).chain(once(Ok(suffix)))))
    }

    fn unchecked(length: u64, pieces: Pieces) -> Self {
        Self { length, source: Arc::new(Mutex::new(Some(pieces))) }
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Its pieces; `None` when they were taken before.
    #[must_use]
    pub fn take(&self) -> Option<Pieces> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl From<Bytes> for Streamed {
    fn from(bytes: Bytes) -> Self {
        Self::unchecked(bytes.len() as u64, once(Ok(bytes)))
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streamed({} bytes)", self.length)
    }
}

fn once(piece: Result<Bytes, Failure>) -> Pieces {
    Box::pin(stream::iter([piece]))
}

fn sent_before() -> Failure {
    Failure::new(Kind::InvalidRequest, "a streamed body can be sent once")
}

/// Holds a source to its length.
struct Exact {
    source: Pieces,
    left: u64,
    /// The piece that completes the length, until the source has ended too.
    held: Option<Bytes>,
    ended: bool,
}

impl Stream for Exact {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            let wrong = match ready!(self.source.as_mut().poll_next(cx)) {
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                    Some(0) if self.held.is_none() => {
                        self.left = 0;
                        self.held = Some(piece);
                        continue;
                    }
                    Some(left) if self.held.is_none() => {
                        self.left = left;
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    _ => Failure::new(Kind::ContentRefused, "the file is longer than its server said"),
                },
                Some(Err(failure)) => failure,
                None if self.left == 0 => {
                    self.ended = true;
                    continue;
                }
                None => Failure::new(Kind::ContentRefused, format!("the file ended {} bytes early", self.left)),
            };
            self.ended = true;
            self.held = None;
            return Poll::Ready(Some(Err(wrong)));
        }
        Poll::Ready(self.held.take().map(Ok))
    }
}

/// Where a request body leaves the failure of its source, since the client reports only that sending broke.
pub(crate) type Fault = Arc<Mutex<Option<Failure>>>;

/// The failure of the source, if that is what broke.
pub(crate) fn fault_of(fault: Option<&Fault>) -> Option<Box<Failure>> {
    fault?.lock().unwrap_or_else(PoisonError::into_inner).take().map(Box::new)
}

/// The body as the HTTP client wants it.
pub(crate) struct Outgoing {
    /// In a lock only because a body has to be `Sync`; it is never contended.
    pieces: Mutex<Pieces>,
    left: u64,
    fault: Fault,
}

impl Outgoing {
    pub(crate) fn new(length: u64, pieces: Pieces) -> (Self, Fault) {
        let fault = Fault::default();
        (Self { pieces: Mutex::new(pieces), left: length, fault: Arc::clone(&fault) }, fault)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let pieces = self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        Poll::Ready(match ready!(pieces.as_mut().poll_next(cx)) {
            None => None,
            Some(Ok(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }
            Some(Err(failure)) => {
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
                Some(Err(failure))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
