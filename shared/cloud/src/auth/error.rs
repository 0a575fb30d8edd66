//! Why a request is not let in.

use http::StatusCode;

use crate::http::ApiError;
use crate::table::StoreError;

/// Why a request is not let in. The texts are for the log: a caller who is not who it says learns nothing from them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No credential came with the request, or none that proves anything: 401.
    #[error("unauthenticated: {why}")]
    Unauthenticated {
        /// The code for `WWW-Authenticate`; none when there was no credential at all (RFC 6750 §3.1).
        code: Option<&'static str>,
        /// For the log.
        why: &'static str,
    },
    /// The credential is good, and does not say what its bearer is in Herald: 403.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The credential is past its limit: 429.
    #[error("too many requests; {retry_after} s")]
    TooManyRequests {
        /// Whole seconds to wait, at least 1.
        retry_after: u64,
    },
    /// It cannot be said whether the credential is good: 503.
    #[error("authentication cannot be checked: {0}")]
    Unavailable(String),
    /// A row that authentication relies on makes no sense: 500.
    #[error("authentication cannot be checked: {0}")]
    Malformed(String),
}

impl AuthError {
    pub(super) const fn missing(why: &'static str) -> Self {
        Self::Unauthenticated { code: None, why }
    }

    pub(super) const fn invalid(why: &'static str) -> Self {
        Self::Unauthenticated { code: Some("invalid_token"), why }
    }

    /// The value of `WWW-Authenticate`, where the answer has one.
    #[must_use]
    pub const fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Unauthenticated { code: None, .. } => Some(r#"Bearer realm="herald""#),
            Self::Unauthenticated { code: Some(_), .. } => Some(r#"Bearer realm="herald", error="invalid_token""#),
            _ => None,
        }
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Malformed(why) => Self::Malformed(why),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let internal = Some(error.to_string());
        match error {
            AuthError::Unauthenticated { .. } => Self { internal, ..Self::unauthenticated(error.challenge()) },
            AuthError::Forbidden(_) => {
                let message = "This credential does not say what its bearer may do here.";
                Self { internal, ..Self::new(StatusCode::FORBIDDEN, "forbidden", message) }
            }
            AuthError::TooManyRequests { retry_after } => Self { internal, ..Self::too_many_requests(retry_after) },
            AuthError::Unavailable(why) => Self::unavailable(why),
            AuthError::Malformed(why) => Self::internal(why),
        }
    }
}
