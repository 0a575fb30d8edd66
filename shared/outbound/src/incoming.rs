//! An answer whose body is read piece by piece.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use crate::call::{Answer, OutboundError};
use crate::client::classify;
use crate::streamed::Fault;

/// An answer whose body has not been read yet. Dropping it closes the connection.
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    pub(crate) response: reqwest::Response,
    /// How long a piece may take.
    pub(crate) idle: Duration,
    /// How many bytes may still come.
    pub(crate) left: usize,
    /// What became of the body that we sent.
    pub(crate) fault: Option<Fault>,
}

impl Incoming {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body, as it came; `None` at its end. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`OutboundError::Timeout`] when it does not come within the call's idle time, [`OutboundError::TooLarge`] when
    /// it exceeds what was to be read, [`OutboundError::Broken`] when the body ends before its own length.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        match tokio::time::timeout(self.idle, self.next()).await {
            Ok(piece) => piece,
            Err(_) => Err(OutboundError::Timeout),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let piece = self.response.chunk().await.map_err(|error| classify(&error, self.fault.as_ref()))?;
        if let Some(piece) = &piece {
            self.left = self.left.checked_sub(piece.len()).ok_or(OutboundError::TooLarge)?;
        }
        Ok(piece)
    }

    /// The whole answer, with no deadline but the caller's.
    pub(crate) async fn read(mut self) -> Result<Answer, OutboundError> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: self.status, headers: self.headers, body: body.freeze() })
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The response itself would print its URL, which may hold a secret.
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}
