//! The one entry: an event as AWS sends it in, the answer as AWS wants it out. Lambda and the local stack both call it.

use std::panic::AssertUnwindSafe;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use base64::Engine;
use bytes::Bytes;
use cloud::doorbell::Ring;
use cloud::http::{Access, ApiError, Request, Response};
use domain::due::WorkKind;
use futures_util::FutureExt;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::App;
use crate::handlers::{Handler, HttpFn, QueueFn, Run};

/// An event that is not of the form its source sends, or a schedule that failed; Lambda reports it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The event cannot be read.
    #[error("the event is not of this handler's kind: {0}")]
    Event(serde_json::Error),
    /// The answer cannot be written.
    #[error("the answer cannot be written: {0}")]
    Answer(serde_json::Error),
    /// A schedule did not finish; EventBridge tries it again.
    #[error("the schedule did not finish: {0}")]
    Schedule(String),
}

/// What a handler answers, in the form that AWS wants it. Whoever called makes JSON of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To API Gateway.
    Http(Box<ApiGatewayV2httpResponse>),
    /// To the poller of a queue.
    Queue(SqsBatchResponse),
    /// To the scheduler, which wants none.
    Schedule {},
}

/// Runs a handler on an event, both as JSON text.
///
/// # Errors
/// As [`invoke`].
pub async fn run(app: &App, handler: &Handler, event: &str) -> Result<String, RunError> {
    serde_json::to_string(&invoke(app, handler, event).await?).map_err(RunError::Answer)
}

/// Runs a handler on an event, which is JSON text.
///
/// # Errors
/// [`RunError`]. A request is never answered with one: whatever happens inside a route becomes a status.
pub async fn invoke(app: &App, handler: &Handler, event: &str) -> Result<Answer, RunError> {
    match handler.run {
        Run::Http(access, route) => {
            let event: ApiGatewayV2httpRequest = serde_json::from_str(event).map_err(RunError::Event)?;
            Ok(Answer::Http(Box::new(answer(app, handler, access, route, event).await)))
        }
        Run::Queue(kind, worker) => {
            let event: SqsEvent = serde_json::from_str(event).map_err(RunError::Event)?;
            Ok(Answer::Queue(batch(app, kind, worker, event).await))
        }
        Run::Schedule(schedule) => match AssertUnwindSafe(schedule(app)).catch_unwind().await {
            Ok(Ok(())) => Ok(Answer::Schedule {}),
            Ok(Err(error)) => {
                let reason = error.internal.unwrap_or(error.message);
                tracing::error!(handler = handler.name, reason, "schedule failed");
                Err(RunError::Schedule(reason))
            }
            Err(_) => Err(RunError::Schedule("panic".to_owned())),
        },
    }
}

async fn answer(
    app: &App,
    handler: &Handler,
    access: Access,
    route: HttpFn,
    event: ApiGatewayV2httpRequest,
) -> ApiGatewayV2httpResponse {
    let request = request(app, event);
    let response = app
        .gate
        .pass(access, handler.name, handler.most_body, request, |request| async move {
            let id = request.request_id.clone();
            // A panic is a mistake of ours; the person still gets the error shape, and the environment lives on.
            match AssertUnwindSafe(route(app, request)).catch_unwind().await {
                Ok(answer) => answer,
                Err(_) => Err(ApiError::internal(format!("panic while answering {id}"))),
            }
        })
        .await;
    respond(response)
}

fn request(app: &App, event: ApiGatewayV2httpRequest) -> Request {
    let http = event.request_context.http;
    let id = event.request_context.request_id.unwrap_or_default();
    let path = event.raw_path.or(http.path).unwrap_or_default();
    let mut request = Request::new(http.method, path, id, app.now());
    if let Some(route) = event.route_key.as_deref().and_then(path_of) {
        route.clone_into(&mut request.route);
    }
    request.path_parameters = event.path_parameters;
    // API Gateway joins repeated parameters with commas in its own map, so the raw query is read instead.
    let raw = event.raw_query_string.unwrap_or_default();
    request.query = url::form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    request.headers = event.headers;
    request.cookies = event.cookies.unwrap_or_default();
    let body = event.body.unwrap_or_default();
    request.body = if event.is_base64_encoded {
        // What is not base64 after all is no body that a route could read.
        Bytes::from(base64::engine::general_purpose::STANDARD.decode(&body).unwrap_or_else(|_| body.into_bytes()))
    } else {
        Bytes::from(body)
    };
    request
}

/// The path in `GET /api/things/{id}`. What was sent may have a stage or a domain's base path in front, so it must not
/// decide who is let in.
fn path_of(route_key: &str) -> Option<&str> {
    route_key.split_once(' ').map(|(_, path)| path).filter(|path| path.starts_with('/'))
}

fn respond(response: Response) -> ApiGatewayV2httpResponse {
    let mut headers = HeaderMap::new();
    let fixed = [("content-type", response.content_type.to_owned()), ("x-content-type-options", "nosniff".to_owned())];
    for (name, value) in fixed.into_iter().chain(response.headers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(response.status.as_u16());
    answer.headers = headers;
    // What is no text travels as base64, and the gateway undoes it.
    answer.is_base64_encoded = response.binary.is_some();
    answer.body = Some(response.binary.map_or(Body::Text(response.body), |bytes| Body::Binary(bytes.to_vec())));
    answer.cookies = response.cookies;
    answer
}

/// Runs a worker on every message of a batch; only what could not reach the table goes back to the queue.
async fn batch(app: &App, kind: WorkKind, worker: QueueFn, event: SqsEvent) -> SqsBatchResponse {
    let results = join_all(event.records.into_iter().map(|record| async move {
        let id = record.message_id.unwrap_or_default();
        match read_ring(kind, record.body.as_deref()) {
            // A message that can never be read is acknowledged: no number of tries will make it readable.
            None => {
                tracing::error!(kind = kind.as_str(), message_id = id, "message cannot be read; dropped");
                None
            }
            Some(ring) => match AssertUnwindSafe(worker(app, ring)).catch_unwind().await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => {
                    tracing::warn!(kind = kind.as_str(), message_id = id, %error, "message goes back to the queue");
                    Some(id)
                }
                // The row comes due again by its lease; the message has done its part.
                Err(_) => {
                    tracing::error!(kind = kind.as_str(), message_id = id, "worker panicked");
                    None
                }
            },
        }
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = results
        .into_iter()
        .flatten()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}

fn read_ring(kind: WorkKind, body: Option<&str>) -> Option<Ring> {
    serde_json::from_str::<Ring>(body?).ok().filter(|ring| ring.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_key_names_the_path_whatever_stands_in_front_of_what_was_sent() {
        assert_eq!(path_of("GET /api/admin/talents"), Some("/api/admin/talents"));
        assert_eq!(
            path_of("POST /api/admin/socials/{connectionId}/sync"),
            Some("/api/admin/socials/{connectionId}/sync")
        );
        assert_eq!(path_of("$default"), None);
    }
}
