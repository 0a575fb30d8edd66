//! From sockets to answers: takes the host from the path, applies faults, keeps the log.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::call::{Call, Reply};
use crate::faults::Fault;
use crate::state::{Platform, World};
use crate::{bluesky, control, instagram, mastodon, tiktok, youtube};

const MAX_BODY: usize = 512 * 1024 * 1024;
/// A 1×1 PNG: what every picture and thumbnail shows.
const PIXEL: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\x0bIDATx\xdac\xf8\x0f\x04\x00\x09\xfb\x03\xfdh\xfa\x1c\xcc\x00\x00\x00\x00IEND\xaeB`\x82";

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(handle).with_state(world)
}

pub(crate) async fn serve(router: Router, listener: TcpListener) -> io::Result<()> {
    axum::serve(Doorway(listener), router.into_make_service_with_connect_info::<Cut>()).await
}

/// Whose host this is. A host that nobody owns is a Mastodon instance.
pub(crate) fn platform_of(host: &str, path: &str) -> Option<Platform> {
    if path == "/.well-known/atproto-did" || bluesky::owns(host) {
        return Some(Platform::Bluesky);
    }
    match host {
        "www.instagram.com" | "api.instagram.com" | "graph.instagram.com" | "scontent.cdninstagram.com" => {
            Some(Platform::Instagram)
        }
        "www.tiktok.com" | "open.tiktokapis.com" | "p16-sign.tiktokcdn.com" => Some(Platform::TikTok),
        "accounts.google.com"
        | "oauth2.googleapis.com"
        | "www.googleapis.com"
        | "youtube.googleapis.com"
        | "openidconnect.googleapis.com"
        | "yt3.ggpht.com"
        | "i.ytimg.com" => Some(Platform::YouTube),
        _ => host.contains('.').then_some(Platform::Mastodon),
    }
}

fn is_picture(host: &str) -> bool {
    matches!(
        host,
        "scontent.cdninstagram.com" | "p16-sign.tiktokcdn.com" | "yt3.ggpht.com" | "i.ytimg.com" | "cdn.bsky.app"
    ) || host.starts_with("files.")
}

async fn handle(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let cut = parts.extensions.get::<ConnectInfo<Cut>>().map(|info| info.0.clone()).unwrap_or_default();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return response(Reply::plain(413, "body too large"));
    };
    let path = percent_decode(parts.uri.path());
    let rest = path.trim_start_matches('/');
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let query = parts.uri.query().unwrap_or("");
    let call = Call::new(parts.method, host.to_lowercase(), path.to_owned(), query, parts.headers, body);
    if host == "_control" {
        return response(control::answer(&world, &call));
    }
    if host.is_empty() {
        return response(Reply::plain(
            200,
            "The outside world, simulated. Ask for /{host}/{path} or /_control/stats.\n",
        ));
    }
    under_faults(&world, &call, &cut).await
}

async fn under_faults(world: &World, call: &Call, cut: &Cut) -> Response {
    let now = world.now();
    let fault = world.faults.hit(call);
    let name = fault.as_ref().map(Fault::name);
    let log = |status: Option<u16>| world.journal.request(now, call, status, name);
    match fault {
        None => {}
        Some(Fault::Delay { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some(Fault::Drop) => {
            log(None);
            return cut.sever();
        }
        Some(Fault::DropAfter) => {
            dispatch(world, call);
            log(None);
            return cut.sever();
        }
        Some(Fault::Hang) => {
            log(None);
            return std::future::pending().await;
        }
        Some(Fault::Truncate) => {
            let reply = dispatch(world, call);
            log(Some(reply.status.as_u16()));
            return broken_off(reply);
        }
        Some(Fault::Garbage) => {
            log(Some(200));
            return response(Reply::html(200, "<html><body>\u{fffd} upstream connect error, {\"reset\":".to_owned()));
        }
        Some(Fault::RateLimit { retry_after_seconds }) => {
            let reply = rate_limited(world, call, retry_after_seconds);
            log(Some(reply.status.as_u16()));
            return response(reply);
        }
        Some(Fault::Reject { status, body, headers }) => {
            let mut reply = match body {
                None => failure(call, status),
                Some(serde_json::Value::String(text)) => Reply::html(status, text),
                Some(json) => Reply::json(status, &json),
            };
            for (name, value) in headers {
                reply = reply.with(name, value);
            }
            log(Some(status));
            return response(reply);
        }
    }
    let reply = dispatch(world, call);
    log(Some(reply.status.as_u16()));
    response(reply)
}

/// Hands a request to the platform that owns its host.
fn dispatch(world: &World, call: &Call) -> Reply {
    if is_picture(&call.host) {
        return Reply::bytes("image/png", PIXEL);
    }
    match call.platform {
        Some(Platform::Instagram) => instagram::answer(world, call),
        Some(Platform::TikTok) => tiktok::answer(world, call),
        Some(Platform::YouTube) => youtube::answer(world, call),
        Some(Platform::Mastodon) => mastodon::answer(world, call),
        Some(Platform::Bluesky) => bluesky::answer(world, call),
        None => world.unexpected(call, "no such host", Reply::plain(404, "no such host")),
    }
}

fn rate_limited(world: &World, call: &Call, seconds: i64) -> Reply {
    match call.platform {
        Some(Platform::Instagram) => instagram::rate_limited(call, seconds),
        Some(Platform::TikTok) => tiktok::rate_limited(),
        Some(Platform::YouTube) => youtube::rate_limited(seconds),
        Some(Platform::Mastodon) => mastodon::rate_limited(world, seconds),
        Some(Platform::Bluesky) => bluesky::rate_limited(world, seconds),
        None => Reply::plain(429, "too many requests"),
    }
}

/// The platform's own words for a failure of its servers.
fn failure(call: &Call, status: u16) -> Reply {
    match call.platform {
        Some(Platform::Instagram) => instagram::failure(status),
        Some(Platform::TikTok) => tiktok::failure(status),
        Some(Platform::YouTube) => youtube::failure(status),
        Some(Platform::Mastodon) => mastodon::failure(status),
        Some(Platform::Bluesky) => bluesky::failure(status),
        None => Reply::plain(status, "failure"),
    }
}

fn response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_ref()), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Announces the whole body, sends half of it and then lets the connection fail.
fn broken_off(mut reply: Reply) -> Response {
    let length = reply.body.len().max(1);
    let half = reply.body.split_to(length / 2);
    reply.body = Bytes::new();
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

/// The switch that makes one connection fail at its next write.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Nothing that is written from now on reaches the client; the answer is only there to be lost.
    fn sever(&self) -> Response {
        self.0.store(true, Ordering::Release);
        broken_off(Reply::plain(200, "never sent"))
    }
}

impl Connected<IncomingStream<'_, Doorway>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        stream.io().cut.clone()
    }
}

struct Doorway(TcpListener);

impl Listener for Doorway {
    type Io = Wire;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (Wire { stream, cut: Cut::default() }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that can be cut from inside a handler.
struct Wire {
    stream: TcpStream,
    cut: Cut,
}

impl Wire {
    fn alive(&self) -> io::Result<()> {
        if self.cut.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_their_platforms() {
        assert_eq!(platform_of("graph.instagram.com", "/me"), Some(Platform::Instagram));
        assert_eq!(platform_of("demo.bsky.social", "/"), Some(Platform::Bluesky));
        assert_eq!(platform_of("alice.example", "/.well-known/atproto-did"), Some(Platform::Bluesky));
        assert_eq!(platform_of("alice.example", "/api/v2/instance"), Some(Platform::Mastodon));
        assert_eq!(platform_of("favicon", "/"), None);
    }

    #[test]
    fn escapes_in_a_path_are_decoded() {
        assert_eq!(percent_decode("/plc.directory/did%3Aplc%3Aa+b%"), "/plc.directory/did:plc:a+b%");
    }
}
