//! The one error shape: `{"error","code","requestId"}`.

use http::StatusCode;
use serde::Serialize;

use super::message::Response;
use crate::doorbell::DoorbellError;
use crate::table::StoreError;
use crate::vault::VaultError;

/// A refusal or a failure, with a sentence for a person and a stable code for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: StatusCode,
    /// Stable, snake case.
    pub code: &'static str,
    /// A sentence for a person; nothing internal, nothing secret, nothing echoed that could be.
    pub message: String,
    /// Seconds after which it makes sense to come back.
    pub retry_after: Option<u64>,
    /// `WWW-Authenticate`.
    pub challenge: Option<&'static str>,
    /// What is wrong in detail, for programs: added to the error shape as `problems`.
    pub problems: Option<serde_json::Value>,
    /// For the log only.
    pub internal: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    error: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<&'a serde_json::Value>,
}

impl ApiError {
    /// Any error.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            challenge: None,
            problems: None,
            internal: None,
        }
    }

    /// 400 `invalid_request`.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// 401, with the challenge that RFC 6750 asks for.
    #[must_use]
    pub fn unauthenticated(reason: Option<&'static str>) -> Self {
        let mut error = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Sign in: a valid bearer token or API key is needed.",
        );
        error.challenge = Some(reason.unwrap_or("Bearer"));
        error
    }

    /// 403 `forbidden`.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404 for something unknown, or of another workspace or talent.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        let code = match what {
            "talent" => "talent_not_found",
            "connection" => "connection_not_found",
            "queue" => "queue_not_found",
            "post" => "post_not_found",
            "delivery" => "delivery_not_found",
            "job" => "job_not_found",
            "API key" => "api_key_not_found",
            "competitor" => "competitor_not_found",
            _ => "not_found",
        };
        Self::new(StatusCode::NOT_FOUND, code, format!("There is no such {what}."))
    }

    /// 409 with the state in the sentence.
    #[must_use]
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 412 `version_mismatch`.
    #[must_use]
    pub fn stale() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "version_mismatch",
            "It has changed since it was read. Read it again.",
        )
    }

    /// 429.
    #[must_use]
    pub fn too_many_requests(retry_after: u64) -> Self {
        let mut error =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests. Wait and try again.");
        error.retry_after = Some(retry_after.max(1));
        error
    }

    /// 503: something that Herald needs cannot answer just now.
    #[must_use]
    pub fn unavailable(internal: impl Into<String>) -> Self {
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer just now. Try again.");
        error.retry_after = Some(2);
        error.internal = Some(internal.into());
        error
    }

    /// 500: a mistake of ours.
    #[must_use]
    pub fn internal(internal: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.");
        error.internal = Some(internal.into());
        error
    }

    /// The answer.
    #[must_use]
    pub fn response(&self, request_id: &str) -> Response {
        let body = Body { error: &self.message, code: self.code, request_id, problems: self.problems.as_ref() };
        let mut response = Response {
            status: self.status,
            headers: Vec::new(),
            cookies: Vec::new(),
            body: serde_json::to_string(&body).unwrap_or_default(),
            binary: None,
            content_type: "application/json",
        };
        if let Some(seconds) = self.retry_after {
            response = response.header("retry-after", seconds.to_string());
        }
        if let Some(challenge) = self.challenge {
            response = response.header("www-authenticate", challenge);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(internal) => Self::unavailable(internal),
            StoreError::Malformed(internal) => Self::internal(internal),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        if error.may_pass() { Self::unavailable(error.to_string()) } else { Self::internal(error.to_string()) }
    }
}

impl From<DoorbellError> for ApiError {
    fn from(error: DoorbellError) -> Self {
        Self::unavailable(error.to_string())
    }
}
