//! What is sent and what comes back.

use std::time::Duration;

use bytes::Bytes;
use domain::{Effect, Failure, Kind, Platform, Secret};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use crate::streamed::Streamed;

/// What a call carries.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Bytes that are at hand.
    Bytes(Bytes),
    /// Bytes that are read while they are sent.
    Streamed(Streamed),
}

/// A call to the outside world. Times and sizes are bounded; redirects are not followed unless asked for.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whose call it is; chooses the stand-in.
    pub platform: Option<Platform>,
    /// The method.
    pub method: Method,
    /// The address in its real form.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
    /// How many redirects a GET may follow, each checked again.
    pub redirects: u8,
    /// How long the whole call may take; of a call whose answer is read in pieces: until its headers are there.
    pub deadline: Duration,
    /// How long each piece of an answer that is read in pieces may take.
    pub idle: Duration,
    /// The largest answer that is read, in bytes.
    pub max_bytes: usize,
}

impl Call {
    /// A call with a method.
    #[must_use]
    pub fn new(platform: impl Into<Option<Platform>>, method: Method, url: Url) -> Self {
        Self {
            platform: platform.into(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Payload::Bytes(Bytes::new()),
            redirects: 0,
            deadline: Duration::from_secs(20),
            idle: Duration::from_secs(15),
            max_bytes: 4 * 1024 * 1024,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(platform: impl Into<Option<Platform>>, url: Url) -> Self {
        Self::new(platform, Method::GET, url)
    }

    /// A POST with a form body.
    #[must_use]
    pub fn post_form(platform: impl Into<Option<Platform>>, url: Url, form: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        Self::new(platform, Method::POST, url).body("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// A POST with a JSON body.
    #[must_use]
    pub fn post_json(platform: impl Into<Option<Platform>>, url: Url, json: &impl Serialize) -> Self {
        let body = serde_json::to_vec(json).unwrap_or_default();
        Self::new(platform, Method::POST, url).body("application/json; charset=UTF-8", body)
    }

    /// The same call with a body.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = Payload::Bytes(body.into());
        self
    }

    /// The same call with a body that is read while it is sent. Its length goes out as `Content-Length`.
    #[must_use]
    pub fn streamed(mut self, content_type: &str, body: Streamed) -> Self {
        self.body = Payload::Streamed(body);
        self.header(header::CONTENT_TYPE, content_type)
    }

    /// The same call with a header that may be logged.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same call with a header that must not be logged.
    #[must_use]
    pub fn secret_header(mut self, name: HeaderName, scheme: &str, value: &Secret) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(&format!("{scheme}{}", value.expose())) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// The same call with `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        self.secret_header(header::AUTHORIZATION, "Bearer ", token)
    }

    /// The same call, following up to `hops` redirects of a GET.
    #[must_use]
    pub fn follow(mut self, hops: u8) -> Self {
        self.redirects = hops;
        self
    }

    /// The same call with another deadline.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same call, reading an answer of at most so many bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
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

    /// The body as JSON of the expected form.
    ///
    /// # Errors
    /// [`Kind::ProviderDown`]: an answer that is not in the platform's language is no answer.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error's own text quotes the value it met, which may be a token.
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            let detail = format!("status {}, body unreadable: {kind:?} at {line}:{column}", self.status);
            Failure::new(Kind::ProviderDown, detail).maybe_applied()
        })
    }
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address may not be called.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// No connection was made.
    #[error("no connection: {0}")]
    Connect(String),
    /// The time in which its holder may call was over before the call began (see [`crate::Fuse`]).
    #[error("not begun: its time is over")]
    TooLate,
    /// The deadline passed.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke before the answer was complete.
    #[error("connection broken: {0}")]
    Broken(String),
    /// The body was larger than allowed.
    #[error("answer too large")]
    TooLarge,
    /// What we were sending could not be read to its end, so the request was cut off. The platform is not to blame.
    #[error("the body could not be read: {0}")]
    Source(Box<Failure>),
}

impl OutboundError {
    /// Whether the call may have taken effect.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            // A request with less than its Content-Length is incomplete, and whoever receives it must not act on it
            // (RFC 9112 §6.3, §8).
            Self::Refused(_) | Self::Connect(_) | Self::TooLate | Self::Source(_) => Effect::NotApplied,
            Self::Timeout | Self::Broken(_) | Self::TooLarge => Effect::Unknown,
        }
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        let kind = match error {
            OutboundError::Source(failure) => return Self { effect: Effect::NotApplied, ..*failure },
            OutboundError::Refused(_) => Kind::NotFound,
            _ => Kind::ProviderDown,
        };
        Self { effect: error.effect(), ..Self::new(kind, error.to_string()) }
    }
}
