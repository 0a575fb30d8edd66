//! From sockets to answers: takes the host from the path, applies faults, keeps the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue};
use tokio::net::TcpListener;

use crate::call::{Call, Reply};
use crate::faults::Fault;
use crate::hosts::{dispatch, failure, quota_exhausted, rate_limited};
use crate::payload::{self, Payload};
use crate::state::World;
use crate::wire::{Cut, Doorway};
use crate::{control, media, uploads};

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(handle).with_state(world)
}

pub(crate) async fn serve(router: Router, listener: TcpListener) -> io::Result<()> {
    axum::serve(Doorway(listener), router.into_make_service_with_connect_info::<Cut>()).await
}

async fn handle(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let cut = parts.extensions.get::<ConnectInfo<Cut>>().map(|info| info.0.clone()).unwrap_or_default();
    let path = percent_decode(parts.uri.path());
    let rest = path.trim_start_matches('/');
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let query = parts.uri.query().unwrap_or("");
    let mut call = Call::new(parts.method, host.to_lowercase(), path.to_owned(), query, parts.headers);
    if host.is_empty() {
        return response(Reply::plain(
            200,
            "The outside world, simulated. Ask for /{host}/{path} or /_control/stats.\n",
        ));
    }
    if host == "_control" {
        call.carry(payload::read(body, &call.headers, None, None).await);
        return response(control::answer(&world, &call));
    }
    if let Some(Fault::Cut { after_bytes }) = world.faults.hit(&call, true, &|| world.bearer_handle(&call)) {
        let running = uploads::running(&world, &call);
        call.carry(payload::read(body, &call.headers, running, Some(after_bytes)).await);
        uploads::keep_broken(&world, &call);
        world.journal.request(world.now(), &call, None, Some("cut"));
        return sever(&cut);
    }
    let running = uploads::running(&world, &call);
    let payload = payload::read(body, &call.headers, running, None).await;
    if let Some(answer) = unfit(&world, &mut call, payload) {
        return answer;
    }
    under_faults(&world, call, &cut).await
}

/// What is said to a body that is too long or did not arrive whole.
fn unfit(world: &World, call: &mut Call, payload: Payload) -> Option<Response> {
    let (broken, too_long) = (payload.broken, payload.too_long);
    call.carry(payload);
    if broken {
        uploads::keep_broken(world, call);
        world.journal.request(world.now(), call, None, None);
    }
    (broken || too_long).then(|| response(Reply::plain(413, "body too large")))
}

async fn under_faults(world: &World, mut call: Call, cut: &Cut) -> Response {
    let now = world.now();
    let fault = world.faults.hit(&call, false, &|| world.bearer_handle(&call));
    let name = fault.as_ref().map(Fault::name);
    let log = |call: &Call, status: Option<u16>| world.journal.request(now, call, status, name);
    let reply = match fault {
        None | Some(Fault::Cut { .. }) => dispatch(world, &call),
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            dispatch(world, &call)
        }
        Some(Fault::DelayAfter { ms }) => {
            let reply = dispatch(world, &call);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            reply
        }
        Some(Fault::Drop) => {
            log(&call, None);
            return sever(cut);
        }
        Some(Fault::DropAfter) => {
            dispatch(world, &call);
            log(&call, None);
            return sever(cut);
        }
        Some(Fault::Hang) => {
            log(&call, None);
            return std::future::pending().await;
        }
        Some(Fault::HangAfter) => {
            dispatch(world, &call);
            log(&call, None);
            return std::future::pending().await;
        }
        Some(Fault::Truncate) => {
            let reply = dispatch(world, &call);
            log(&call, Some(reply.status.as_u16()));
            return broken_off(reply);
        }
        Some(Fault::Garbage) => Reply::html(200, "<html><body>\u{fffd} upstream connect error, {\"reset\":".to_owned()),
        Some(Fault::RateLimit { retry_after_seconds }) => rate_limited(world, &call, retry_after_seconds),
        Some(Fault::QuotaExhausted) => quota_exhausted(world, &call),
        Some(Fault::Reject { status, body, headers }) => another_answer(&call, status, body, headers),
        Some(Fault::RejectAfter { status, body, headers }) => {
            dispatch(world, &call);
            another_answer(&call, status, body, headers)
        }
        Some(Fault::ExpireToken) => {
            world.expire_bearer(&call);
            dispatch(world, &call)
        }
        Some(Fault::RevokeToken) => {
            world.revoke_bearer(&call);
            dispatch(world, &call)
        }
        Some(twist @ (Fault::FailProcessing { .. } | Fault::MediaRefused | Fault::IndexLag { .. })) => {
            call.twist = Some(twist);
            dispatch(world, &call)
        }
    };
    log(&call, Some(reply.status.as_u16()));
    response(reply)
}

fn another_answer(
    call: &Call,
    status: u16,
    body: Option<serde_json::Value>,
    headers: std::collections::HashMap<String, String>,
) -> Reply {
    let reply = match body {
        None => failure(call, status),
        Some(serde_json::Value::String(text)) => Reply::html(status, text),
        Some(json) => Reply::json(status, &json),
    };
    headers.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
}

fn response(reply: Reply) -> Response {
    let body = match reply.stream {
        Some(stream) => media::body(*stream),
        None => Body::from(reply.body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_ref()), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// The answer is only there to be lost.
fn sever(cut: &Cut) -> Response {
    cut.sever();
    broken_off(Reply::plain(200, "never sent"))
}

/// Announces the whole body, sends half of it and then lets the connection fail.
fn broken_off(mut reply: Reply) -> Response {
    let length = reply.body.len().max(1);
    let half = reply.body.split_to(length / 2);
    reply.body = Bytes::new();
    reply.stream = None;
    let mut response = response(reply);
    response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    let failing = stream::once(async {
        // Lets the first half leave before the failure tears the connection down.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    *response.body_mut() = Body::from_stream(stream::once(async move { Ok(half) }).chain(failing));
    response
}

fn percent_decode(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.as_bytes().iter();
    while let Some(&b) = bytes.next() {
        let escaped = (b == b'%').then(|| std::str::from_utf8(bytes.as_slice().get(..2)?).ok()).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                bytes.nth(1);
            }
            None => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_in_a_path_are_decoded() {
        assert_eq!(percent_decode("/plc.directory/did%3Aplc%3Aa+b%"), "/plc.directory/did:plc:a+b%");
    }
}
