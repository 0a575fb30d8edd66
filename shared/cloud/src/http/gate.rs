//! What every request passes before and after its handler.

use std::future::Future;
use std::sync::Arc;

use domain::Clock;
use http::{Method, StatusCode};
use ring::digest;

use super::access::{self, Access};
use super::error::ApiError;
use super::message::{Request, Response};
use crate::auth::Authenticator;
use crate::table::Table;
use crate::table::idempotency::{IdempotencyKey, Seen, hex};

/// The largest body of a route that is not registered with more.
pub const MAX_BODY: usize = 1_000_000;

/// Authentication, roles, sizes, idempotency, validators and the error shape, in one place.
pub struct Gate {
    authenticator: Authenticator,
    table: Table,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// A gate over an authenticator and the table that keeps idempotency keys.
    #[must_use]
    pub fn new(authenticator: Authenticator, table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { authenticator, table, clock }
    }

    /// The authenticator, for the schedule that fetches the issuer's keys.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Lets a request through to `handler` and makes an answer of whatever comes back. `most_body` is the largest body
    /// of the route, in bytes.
    pub async fn pass<F, Fut>(
        &self,
        demanded: Access,
        route: &str,
        most_body: usize,
        mut request: Request,
        handler: F,
    ) -> Response
    where
        F: FnOnce(Request) -> Fut,
        Fut: Future<Output = Result<Response, ApiError>>,
    {
        let request_id = request.request_id.clone();
        let (method, path) = (request.method.clone(), request.path.clone());
        let if_none_match = request.header("if-none-match").map(str::to_owned);
        request.now = self.clock.now_ms();
        let answer = match self.admit(demanded, route, most_body, &mut request).await {
            Ok(None) => self.run(request, handler).await,
            Ok(Some(stored)) => Ok(stored),
            Err(error) => Err(error),
        };
        match answer {
            Ok(response) if method == Method::GET && response.status == StatusCode::OK => {
                validated(response, if_none_match.as_deref())
            }
            Ok(response) => response,
            Err(error) => {
                log(&error, route, &method, &path, &request_id);
                error.response(&request_id)
            }
        }
    }

    async fn admit(
        &self,
        demanded: Access,
        route: &str,
        most_body: usize,
        request: &mut Request,
    ) -> Result<Option<Response>, ApiError> {
        if demanded == Access::Caller {
            let caller = self.authenticator.authenticate(request.header("authorization")).await?;
            access::admit(&caller, &request.route)?;
            request.caller = Some(caller);
        }
        if request.body.len() > most_body {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                format!("The body is larger than {} MB.", most_body / 1_000_000),
            ));
        }
        let writes = !matches!(request.method, Method::GET | Method::HEAD);
        let Some((key, caller)) = request.header("idempotency-key").filter(|_| writes).zip(request.caller.as_ref())
        else {
            return Ok(None);
        };
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid_idempotency_key",
                "Idempotency-Key must be 1 to 255 visible ASCII characters.",
            ));
        }
        // Path and query are part of the key: the same body sent for another row, or only to be checked, is another
        // request.
        let mut scope = format!("{route} {}", request.path);
        for (name, value) in std::collections::BTreeMap::from_iter(&request.query) {
            scope = format!("{scope}\n{name}={value}");
        }
        let key = IdempotencyKey::new(&caller.workspace, &caller.subject, &scope, key, &request.body, request.now);
        let stored = replay(&key, &self.table).await?;
        request.idempotency = Some(key);
        Ok(stored)
    }

    async fn run<F, Fut>(&self, request: Request, handler: F) -> Result<Response, ApiError>
    where
        F: FnOnce(Request) -> Fut,
        Fut: Future<Output = Result<Response, ApiError>>,
    {
        let key = request.idempotency.clone();
        match (handler(request).await, key) {
            // Two requests with one key ran side by side: the transaction let one through, this is the other.
            (Err(error), Some(key)) if error == ApiError::idempotency_race() => replay(&key, &self.table)
                .await?
                .ok_or_else(|| ApiError::unavailable("the other request left no response")),
            (answer, _) => answer,
        }
    }
}

impl ApiError {
    /// What a handler answers when its transaction was refused because of the idempotency key: the same request ran
    /// at the same time and won. The gate answers with that one's response.
    #[must_use]
    pub fn idempotency_race() -> Self {
        Self::unavailable("idempotency race")
    }
}

async fn replay(key: &IdempotencyKey, table: &Table) -> Result<Option<Response>, ApiError> {
    match key.look(table).await? {
        Seen::Never => Ok(None),
        Seen::WithAnotherBody => Err(ApiError::conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used with another body within 24 hours.",
        )),
        Seen::Answered { status, body } => Ok(Some(Response {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            headers: vec![("idempotency-replayed", "true".to_owned())],
            cookies: Vec::new(),
            body,
            binary: None,
            content_type: "application/json",
        })),
    }
}

/// Adds the ETag of the body, or answers 304 when the client has it.
fn validated(response: Response, if_none_match: Option<&str>) -> Response {
    // A row with a version has it as its ETag; everything else a hash of the body.
    let own = response.headers.iter().find(|(name, _)| *name == "etag").map(|(_, etag)| etag.clone());
    let etag = own.clone().unwrap_or_else(|| {
        let body = response.binary.as_deref().unwrap_or(response.body.as_bytes());
        let hash = digest::digest(&digest::SHA256, body);
        format!("\"{}\"", hex(hash.as_ref().get(..16).unwrap_or_default()))
    });
    let matches = |tags: &str| {
        tags.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
    };
    let mut response = if if_none_match.is_some_and(matches) {
        Response { status: StatusCode::NOT_MODIFIED, body: String::new(), binary: None, ..response }
    } else {
        response
    };
    if !response.headers.iter().any(|(name, _)| *name == "cache-control") {
        response = response.header("cache-control", "private, no-cache");
    }
    if own.is_some() { response } else { response.header("etag", etag) }
}

fn log(error: &ApiError, route: &str, method: &Method, path: &str, request_id: &str) {
    let status = error.status.as_u16();
    let internal = error.internal.as_deref().unwrap_or_default();
    if error.status.is_server_error() {
        tracing::error!(route, %method, path, request_id, status, code = error.code, internal, "request failed");
    } else {
        tracing::info!(route, %method, path, request_id, status, code = error.code, "request refused");
    }
}
