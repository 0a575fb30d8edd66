//! The media host: pictures, videos and documents of any size, and everything a media server can do wrong.

pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod sniff;

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use crate::call::{Call, Pairs, Reply};
use crate::state::World;
use files::File;

const HOST: &str = "media.example";
const PARAMS: [&str; 17] = [
    "w", "h", "seconds", "bytes", "seed", "as", "type", "length", "endless", "pace", "delay", "status", "redirect",
    "range", "cut", "head", "chunked",
];

/// `media.example` and everything under it.
pub(crate) fn owns(host: &str) -> bool {
    host == HOST || host.strip_suffix(HOST).is_some_and(|rest| rest.ends_with('.'))
}

/// A body that is made while it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    file: File,
    at: u64,
    end: u64,
    /// Bytes a second.
    pace: Option<u64>,
    /// Where the connection fails.
    cut: Option<u64>,
    /// Before the first byte.
    delay_ms: u64,
}

/// The bytes of a stream, at its pace.
pub(crate) fn body(stream: Stream) -> Body {
    Body::from_stream(stream::unfold(Some(stream), |state| async move {
        let mut s = state?;
        if s.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(std::mem::take(&mut s.delay_ms))).await;
        }
        if s.cut.is_some_and(|cut| s.at >= cut) {
            return Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None));
        }
        if s.at >= s.end {
            return None;
        }
        let mut most = s.end.min(s.cut.unwrap_or(s.end)) - s.at;
        if let Some(pace) = s.pace {
            most = most.min((pace / 20).max(1));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let piece = s.file.read(s.at, most);
        s.at += piece.len() as u64;
        Some((Ok::<Bytes, io::Error>(piece), Some(s)))
    }))
}

/// What stands at an address of the media host.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) status: u16,
    pub(crate) redirect: Option<String>,
    pub(crate) content_type: String,
    pub(crate) file: File,
    pub(crate) endless: bool,
    /// As announced, if another length than the real one.
    pub(crate) length: Option<u64>,
}

/// Reads an address; the error says what is wrong with it.
pub(crate) fn find(path: &str, q: &Pairs) -> Result<Found, String> {
    if let Some(odd) = q.keys().find(|k| !PARAMS.contains(k)) {
        return Err(format!("unknown parameter {odd}"));
    }
    let number = |name: &str| match q.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("{name} is a number")),
    };
    let side = |name: &str, otherwise: u64| number(name).map(|n| n.unwrap_or(otherwise).clamp(1, 20_000) as u16);
    let name = path.rsplit('/').next().unwrap_or("");
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    let kind = q.get("as").unwrap_or(&extension);
    let (bytes, seed) = (number("bytes")?, q.text("seed"));
    // What tells two files of one form apart: their names and seeds.
    let note = format!("{path} {seed}");
    let (own_type, prefix) = match kind {
        "jpg" | "jpeg" => ("image/jpeg", files::jpeg(side("w", 1080)?, side("h", 1080)?, &note)),
        "png" => ("image/png", files::png(side("w", 640)?.into(), side("h", 480)?.into(), &note)),
        "gif" => ("image/gif", files::gif(side("w", 120)?, side("h", 90)?, &note)),
        "mp4" | "mov" => {
            let (w, h) = (side("w", 720)?, side("h", 1280)?);
            let seconds = u32::try_from(number("seconds")?.unwrap_or(10)).unwrap_or(u32::MAX);
            let (content_type, brand) =
                if kind == "mov" { ("video/quicktime", b"qt  ") } else { ("video/mp4", b"isom") };
            (content_type, files::mp4(w, h, seconds, bytes.unwrap_or(100_000), brand, &note))
        }
        "pdf" => ("application/pdf", files::pdf(&note)),
        "html" => ("text/html; charset=utf-8", format!("<!doctype html><title>{}</title>", name.len()).into_bytes()),
        "bin" => ("application/octet-stream", Vec::new()),
        _ => return Ok(Found::nothing(404)),
    };
    let default = matches!(kind, "mp4" | "mov").then_some(100_000);
    // The name's own type, however the content was swapped.
    let named_type = match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "pdf" => "application/pdf",
        _ => own_type,
    };
    Ok(Found {
        status: number("status")?.and_then(|n| u16::try_from(n).ok()).unwrap_or(200),
        redirect: q.get("redirect").map(str::to_owned),
        content_type: q.get("type").unwrap_or(named_type).to_owned(),
        file: File::new(prefix, &note, bytes.or(default)),
        endless: q.get("endless").is_some(),
        length: number("length")?,
    })
}

impl Found {
    fn nothing(status: u16) -> Self {
        Self {
            status,
            redirect: None,
            content_type: "text/plain".to_owned(),
            file: File::new(Vec::new(), "", None),
            endless: false,
            length: None,
        }
    }
}

/// Answers a GET or HEAD.
pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let refuse = |status: u16, why: &str| world.unexpected(call, why, Reply::plain(status, why));
    let head = call.method == http::Method::HEAD;
    if !head && call.method != http::Method::GET {
        return refuse(405, "method not allowed here");
    }
    if call.headers.contains_key("authorization") || call.headers.contains_key("cookie") {
        return refuse(400, "credential sent to the media host");
    }
    let found = match find(&call.path, &call.query) {
        Ok(found) => found,
        Err(why) => return refuse(400, &why),
    };
    if let Some(to) = &found.redirect {
        return Reply::empty(302).with("location", to.clone());
    }
    if found.status >= 400 || (head && call.query.get("head") == Some("no")) {
        return Reply::plain(if found.status >= 400 { found.status } else { 405 }, "not here");
    }
    serve(call, &found, head)
}

fn serve(call: &Call, found: &Found, head: bool) -> Reply {
    let q = &call.query;
    let number = |name: &str| q.get(name).and_then(|n| n.parse::<u64>().ok());
    let total = found.file.length;
    let etag = format!("\"{total:x}-{:x}\"", q.0.iter().flat_map(|(k, v)| [k, v]).map(String::len).sum::<usize>());
    let fresh = call.header("if-range").is_none_or(|known| known == etag);
    let wanted = (q.get("range") != Some("no") && fresh).then(|| range(call.header("range")?, total)).flatten();
    let (status, from, to) = match wanted {
        Some(Ok((from, to))) => (206, from, to),
        Some(Err(())) => return Reply::plain(416, "").with("content-range", format!("bytes */{total}")),
        None => (found.status, 0, if found.endless { u64::MAX } else { total }),
    };
    let mut reply = Reply::empty(status).with("content-type", found.content_type.clone()).with("etag", etag);
    if q.get("range") != Some("no") {
        reply = reply.with("accept-ranges", "bytes");
    }
    if status == 206 {
        reply = reply.with("content-range", format!("bytes {from}-{}/{total}", to - 1));
    }
    if !found.endless && q.get("chunked").is_none() {
        reply = reply.with("content-length", found.length.unwrap_or(to - from).to_string());
    } else if let Some(length) = found.length {
        reply = reply.with("content-length", length.to_string());
    }
    let delay_ms = number("delay").unwrap_or(0);
    // A length that promises more than there is: the connection ends where the bytes do.
    let cut = number("cut").or_else(|| found.length.filter(|l| *l > to - from).map(|_| to));
    if !head {
        let stream = Stream { file: found.file.clone(), at: from, end: to, pace: number("pace"), cut, delay_ms };
        reply.stream = Some(Box::new(stream));
    }
    reply
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`; the end exclusive. Nothing for what is not a single range.
fn range(header: &str, total: u64) -> Option<Result<(u64, u64), ()>> {
    let (from, to) = header.strip_prefix("bytes=")?.split_once('-')?;
    let span = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.saturating_add(1).min(total)),
        (Ok(from), Err(_)) if to.is_empty() => (from, total),
        (Err(_), Ok(last)) if from.is_empty() => (total.saturating_sub(last), total),
        _ => return None,
    };
    Some(if span.0 < span.1 { Ok(span) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_means_them() {
        assert_eq!(range("bytes=0-9", 100), Some(Ok((0, 10))));
        assert_eq!(range("bytes=90-", 100), Some(Ok((90, 100))));
        assert_eq!(range("bytes=-5", 100), Some(Ok((95, 100))));
        assert_eq!(range("bytes=100-", 100), Some(Err(())));
        assert_eq!(range("bytes=0-1,4-5", 100), None);
    }

    #[test]
    fn the_media_host_is_one_host_and_what_is_under_it() {
        assert!(owns("media.example") && owns("cdn.media.example"));
        assert!(!owns("social-media.example"));
    }
}
