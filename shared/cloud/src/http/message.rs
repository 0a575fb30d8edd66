//! A request as a handler sees it, and what it answers.

use std::collections::HashMap;

use bytes::Bytes;
use domain::cursor::{DEFAULT_LIMIT, MAX_LIMIT};
use domain::{Caller, ConnectionId, TalentId};
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use super::error::ApiError;
use crate::table::idempotency::IdempotencyKey;

/// A request that passed the gate.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as it was sent; a stage or the base path of a domain may stand in front.
    pub path: String,
    /// The route's own path with its `{names}`, which alone says whose route it is.
    pub route: String,
    /// The parts of the path that the route names, decoded.
    pub path_parameters: HashMap<String, String>,
    /// The query, decoded; of a repeated name the last.
    pub query: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The cookies, as `name=value`.
    pub cookies: Vec<String>,
    /// The body, decoded.
    pub body: Bytes,
    /// API Gateway's id of the request.
    pub request_id: String,
    /// When the gate let it in.
    pub now: Timestamp,
    pub(super) caller: Option<Caller>,
    pub(super) idempotency: Option<IdempotencyKey>,
}

impl Request {
    /// A request before the gate.
    #[must_use]
    pub fn new(method: Method, path: String, request_id: String, now: Timestamp) -> Self {
        Self {
            method,
            route: path.clone(),
            path,
            path_parameters: HashMap::new(),
            query: HashMap::new(),
            headers: HeaderMap::new(),
            cookies: Vec::new(),
            body: Bytes::new(),
            request_id,
            now,
            caller: None,
            idempotency: None,
        }
    }

    /// Who asks. Public routes have nobody.
    ///
    /// # Errors
    /// 401 on a public route, which is a mistake of the route.
    pub fn caller(&self) -> Result<&Caller, ApiError> {
        self.caller.as_ref().ok_or_else(|| ApiError::unauthenticated(None))
    }

    /// The talent that the caller is.
    ///
    /// # Errors
    /// 403 for staff.
    pub fn own_talent(&self) -> Result<&TalentId, ApiError> {
        self.caller()?.talent.as_ref().ok_or_else(|| ApiError::forbidden("This route is for talents."))
    }

    /// The key that a write stores with its effect, where the client sent one.
    #[must_use]
    pub fn idempotency(&self) -> Option<&IdempotencyKey> {
        self.idempotency.as_ref()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A cookie's value.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// A query parameter; empty is absent.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The connection that the path names.
    ///
    /// # Errors
    /// 404: an id of no possible connection names none.
    pub fn connection_id(&self) -> Result<ConnectionId, ApiError> {
        let text = self.path_parameters.get("connectionId").map(String::as_str).unwrap_or_default();
        ConnectionId::parse(text).map_err(|_| ApiError::not_found("connection"))
    }

    /// The talent that the path names.
    ///
    /// # Errors
    /// 400 for text that cannot be an id.
    pub fn talent_id(&self) -> Result<TalentId, ApiError> {
        let text = self.path_parameters.get("talentId").map(String::as_str).unwrap_or_default();
        TalentId::parse(text).map_err(|error| ApiError::invalid(error.to_string()))
    }

    /// `limit`, 1 to 200, 50 when absent.
    ///
    /// # Errors
    /// 400.
    pub fn limit(&self) -> Result<u32, ApiError> {
        let Some(text) = self.query("limit") else { return Ok(DEFAULT_LIMIT) };
        text.parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| ApiError::invalid(format!("limit must be a number from 1 to {MAX_LIMIT}.")))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Headers beside the body's own.
    pub headers: Vec<(&'static str, String)>,
    /// Cookies to set.
    pub cookies: Vec<String>,
    /// JSON text; empty for none.
    pub body: String,
    /// A body that is no text, in place of `body`.
    pub binary: Option<Bytes>,
    /// The body's type.
    pub content_type: &'static str,
}

impl Response {
    /// JSON with a status.
    ///
    /// # Errors
    /// 500 for a value that is no JSON, which is a mistake of the route.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(value).map_err(|error| ApiError::internal(error.to_string()))?;
        let (headers, cookies) = (Vec::new(), Vec::new());
        Ok(Self { status, headers, cookies, body, binary: None, content_type: "application/json" })
    }

    /// 200 with JSON.
    ///
    /// # Errors
    /// As [`Response::json`].
    pub fn ok(value: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(StatusCode::OK, value)
    }

    /// 302.
    #[must_use]
    pub fn redirect(location: String) -> Self {
        Self {
            status: StatusCode::FOUND,
            headers: vec![("location", location)],
            cookies: Vec::new(),
            body: String::new(),
            binary: None,
            content_type: "application/json",
        }
    }

    /// 200 with bytes.
    #[must_use]
    pub fn file(content_type: &'static str, bytes: Bytes) -> Self {
        let (headers, cookies) = (Vec::new(), Vec::new());
        Self { status: StatusCode::OK, headers, cookies, body: String::new(), binary: Some(bytes), content_type }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer with a cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }
}
