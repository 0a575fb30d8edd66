//! The HTTP API on this machine: routes, limits, CORS and errors as API Gateway has them.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::Clock;
use functions::{App, runtime};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use crate::clock::LocalClock;
use crate::event;
use crate::routes::Routes;
use crate::scope;
use crate::template::Cors;

/// The largest body that API Gateway takes.
const MOST_BODY: usize = 10 * 1024 * 1024;
/// The most bytes of the request line and all headers together.
const MOST_HEADERS: usize = 10_240;

/// What the gateway answers with.
pub struct Gateway {
    /// What handlers work with.
    pub app: Arc<App>,
    /// The routes of the template.
    pub routes: Routes,
    /// What it answers to browsers of other origins.
    pub cors: Cors,
    /// The stack's clock.
    pub clock: Arc<LocalClock>,
}

/// Answers a request.
pub async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    if parts.method == Method::OPTIONS {
        return preflight(&gateway.cors, origin.as_ref());
    }
    let mut response = if size_of_headers(&parts) > MOST_HEADERS {
        event::message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
    } else {
        match to_bytes(body, MOST_BODY).await {
            Ok(body) => gateway.invoke(&parts, &body).await,
            Err(_) => event::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        }
    };
    allow(&gateway.cors, origin.as_ref(), response.headers_mut());
    response
}

impl Gateway {
    async fn invoke(&self, parts: &Parts, body: &bytes::Bytes) -> Response {
        let Some(matched) = self.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return event::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = event::request(parts, body, &matched, self.clock.now());
        let id = event.pointer("/requestContext/requestId").and_then(Value::as_str).unwrap_or_default();
        let text = event.to_string();
        let run = scope::within(matched.route.handler.name, runtime::invoke(&self.app, matched.route.handler, &text));
        match tokio::time::timeout(matched.route.timeout, run).await {
            Ok(Ok(runtime::Answer::Http(answer))) => event::response(*answer, id),
            Ok(Ok(_)) => event::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Ok(Err(error)) => {
                tracing::error!(route = matched.route.key, %error, "the function failed");
                event::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Err(_) => event::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

fn size_of_headers(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + line
}

/// API Gateway answers preflights by itself, for any path.
fn preflight(cors: &Cors, origin: Option<&HeaderValue>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if allow(cors, origin, headers) {
        for (name, values) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, cors.allow_methods.join(",")),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, cors.allow_headers.join(",")),
            (header::ACCESS_CONTROL_MAX_AGE, cors.max_age_s.unwrap_or_default().to_string()),
        ] {
            if let Ok(value) = HeaderValue::try_from(values) {
                headers.insert(name, value);
            }
        }
    }
    response
}

/// Adds the headers that let a listed origin read the answer; says whether it is listed.
fn allow(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) -> bool {
    let Some(origin) = origin else { return false };
    let listed = cors.allow_origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes());
    if listed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Ok(expose) = HeaderValue::try_from(cors.expose_headers.join(",")) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        let one = |text: &str| vec![text.to_owned()];
        Cors {
            allow_origins: one("https://app.example"),
            allow_methods: one("GET"),
            allow_headers: one("authorization"),
            expose_headers: one("etag"),
            max_age_s: Some(600),
        }
    }

    #[test]
    fn only_a_listed_origin_may_read_answers() {
        for (origin, allowed) in [("https://app.example", true), ("https://app.example.evil", false), ("null", false)] {
            let response = preflight(&cors(), Some(&HeaderValue::from_static(origin)));
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
            assert_eq!(response.headers().contains_key("access-control-allow-methods"), allowed, "{origin}");
        }
        assert!(preflight(&cors(), None).headers().is_empty());
    }
}
