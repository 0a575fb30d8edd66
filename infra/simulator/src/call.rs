//! One request as the outside world sees it, and the answer to it.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

use crate::faults::Fault;
use crate::media::Stream;
use crate::operations::operation;
use crate::payload::Payload;
use crate::state::Platform;

/// Decoded name/value pairs of a query string or a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Pairs {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        Self(form_urlencoded::parse(raw).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The value, or nothing: for parameters that the endpoint's rule already demanded.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(k, _)| k.as_str())
    }
}

/// A request to `https://{host}{path}`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) platform: Option<Platform>,
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Pairs,
    pub(crate) headers: HeaderMap,
    /// The body, or its head when it is not JSON or a form and longer than what is kept.
    pub(crate) body: Bytes,
    pub(crate) payload: Payload,
    /// A fault that the platform's own handler plays.
    pub(crate) twist: Option<Fault>,
    account: OnceLock<String>,
    operation: OnceLock<&'static str>,
}

impl Call {
    pub(crate) fn new(method: Method, host: String, path: String, query: &str, headers: HeaderMap) -> Self {
        Self {
            platform: crate::hosts::platform_of(&host, &path),
            method,
            host,
            path,
            query: Pairs::parse(query.as_bytes()),
            headers,
            body: Bytes::new(),
            payload: Payload::default(),
            twist: None,
            account: OnceLock::new(),
            operation: OnceLock::new(),
        }
    }

    pub(crate) fn carry(&mut self, payload: Payload) {
        self.body = payload.head.clone();
        self.payload = payload;
        // Some operations can only be told by the body.
        self.operation = OnceLock::new();
    }

    /// The path as logs may show it: a bot's token is part of its path.
    pub(crate) fn logged_path(&self) -> String {
        match self.path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) {
            Some((_, method)) if self.platform == Some(Platform::Telegram) => format!("/bot*/{method}"),
            _ => self.path.clone(),
        }
    }

    /// What kind of work this is, in the words of the fault orders.
    pub(crate) fn operation(&self) -> &'static str {
        self.operation.get_or_init(|| operation(self))
    }

    /// A member of a JSON body, as far as it can be read.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// How processing is to end badly, if it is.
    pub(crate) fn fails_late(&self, otherwise: &str) -> Option<String> {
        match &self.twist {
            Some(Fault::FailProcessing { reason }) => Some(reason.clone().unwrap_or_else(|| otherwise.to_owned())),
            _ => None,
        }
    }

    pub(crate) fn quota_exhausted(&self) -> bool {
        matches!(self.twist, Some(Fault::QuotaExhausted))
    }

    pub(crate) fn media_refused(&self) -> bool {
        matches!(self.twist, Some(Fault::MediaRefused))
    }

    /// The access token, wherever the request carries it.
    pub(crate) fn access_token(&self) -> Option<String> {
        let header = ["bearer", "dpop", "oauth"].iter().find_map(|scheme| self.credential(scheme));
        let query = || self.query.get("access_token").map(str::to_owned);
        let form = || {
            let form = self.header("content-type")?.starts_with("application/x-www-form-urlencoded");
            form.then(|| Pairs::parse(&self.body).get("access_token").map(str::to_owned)).flatten()
        };
        let path = || self.path.strip_prefix("/bot")?.split('/').next().map(str::to_owned);
        header.map(str::to_owned).or_else(query).or_else(form).or_else(path)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The credential after `scheme` in the Authorization header.
    pub(crate) fn credential(&self, scheme: &str) -> Option<&str> {
        let value = self.header("authorization")?;
        let (found, rest) = value.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }

    /// Notes whose account this request is about, for the request log.
    pub(crate) fn about(&self, handle: &str) {
        let _ = self.account.set(handle.to_owned());
    }

    pub(crate) fn account(&self) -> Option<&str> {
        self.account.get().map(String::as_str)
    }

    /// The path without its leading slash, cut at slashes.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }
}

/// An answer, small enough to travel in a `Result`.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Bytes,
    /// A body that is made while it is sent.
    pub(crate) stream: Option<Box<Stream>>,
}

/// What a handler gives back; the error side is an answer too.
pub(crate) type Answer = Result<Reply, Reply>;

impl Reply {
    fn new(status: u16, content_type: &str, body: Bytes) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: vec![(Cow::Borrowed("content-type"), content_type.to_owned())],
            body,
            stream: None,
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", Bytes::from(body.to_string()))
    }

    pub(crate) fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", Bytes::from(body))
    }

    pub(crate) fn plain(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", Bytes::from(body.to_owned()))
    }

    pub(crate) fn bytes(content_type: &str, body: &'static [u8]) -> Self {
        Self::new(200, content_type, Bytes::from_static(body))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            headers: Vec::new(),
            body: Bytes::new(),
            stream: None,
        }
    }

    /// 302 to `uri` with `params` added to its query; `uri` itself stays as it is.
    pub(crate) fn redirect(uri: &str, params: &[(&str, &str)], fragment: &str) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let joint = if uri.contains('?') { '&' } else { '?' };
        Self::empty(302).with("location", format!("{uri}{joint}{query}{fragment}"))
    }

    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A page that tells a person why the platform refuses to go on.
pub(crate) fn error_page(status: u16, title: &str, detail: &str) -> Reply {
    Reply::html(
        status,
        format!(
            "<!doctype html><meta charset=utf-8><title>{0}</title><h1>{0}</h1><p>{1}</p>",
            escape(title),
            escape(detail)
        ),
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
