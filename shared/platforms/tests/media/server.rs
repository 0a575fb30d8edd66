//! A server of files that behaves, or misbehaves, as told.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::content::Media;
use outbound::{Outbound, UpstreamConfig};
use platforms::media::testing::{made_up, video};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The file, and how it is served.
#[derive(Clone)]
pub struct File {
    /// Its first bytes; what follows is made up.
    pub head: Bytes,
    /// Its last bytes.
    pub tail: Bytes,
    pub length: u64,
    /// Further headers: `etag`, `content-type`, …
    pub headers: String,
    /// Whether `Range` is heeded.
    pub parts: bool,
    /// Whether its length is told.
    pub tells_length: bool,
    /// What its length is said to be, where that is a lie.
    pub claims: Option<u64>,
    /// After so many bytes each answer breaks off.
    pub breaks_after: Option<u64>,
    /// The status of every answer to a call with `Range`, in place of the file.
    pub refuses_parts: Option<u16>,
    /// The status line of every answer, in place of the file.
    pub status: Option<String>,
    /// How long it waits before its answer, and then before its body.
    pub waits: (Duration, Duration),
}

impl Default for File {
    fn default() -> Self {
        Self {
            head: Bytes::new(),
            tail: Bytes::new(),
            length: 100_000,
            headers: String::new(),
            parts: true,
            tells_length: true,
            claims: None,
            breaks_after: None,
            refuses_parts: None,
            status: None,
            waits: (Duration::ZERO, Duration::ZERO),
        }
    }
}

impl File {
    /// So many bytes of it from `offset`.
    pub fn bytes(&self, offset: u64, len: u64) -> Bytes {
        let end = (offset + len).min(self.length);
        let tail = self.length - self.tail.len() as u64;
        if offset >= tail {
            return self.tail.slice((offset - tail) as usize..(end - tail) as usize);
        }
        let end = end.min(tail);
        let head = self.head.len() as u64;
        if offset < head {
            let (start, stop) = (offset as usize, end.min(head) as usize);
            return [&self.head[start..stop], &made_up(head, end.saturating_sub(head) as usize)].concat().into();
        }
        made_up(offset, end.saturating_sub(offset) as usize)
    }
}

pub struct Site {
    pub address: String,
    pub file: Mutex<File>,
    /// The `Range` of each call so far; `-` for none.
    pub ranges: Mutex<Vec<String>>,
    /// How many bytes of bodies went out.
    pub sent: AtomicU64,
    now: AtomicUsize,
    /// How many calls were served at once at most.
    pub most_at_once: AtomicUsize,
}

impl Site {
    pub async fn of(file: File) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Arc::new(Self {
            address: listener.local_addr().unwrap().to_string(),
            file: Mutex::new(file),
            ranges: Mutex::default(),
            sent: AtomicU64::new(0),
            now: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let served = Arc::clone(&site);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let site = Arc::clone(&served);
                tokio::spawn(async move { site.visit(socket).await });
            }
        });
        site
    }

    pub fn url(&self) -> String {
        format!("http://{}/file", self.address)
    }

    /// The file as a look at it described it.
    pub fn media(&self) -> Media {
        video(&self.url(), self.file.lock().unwrap().length)
    }

    /// The same where nobody knows its length.
    pub fn unmeasured(&self) -> Media {
        Media { bytes: None, ..self.media() }
    }

    pub fn client(&self) -> Outbound {
        Outbound::new(UpstreamConfig { loopback_allow: vec![self.address.clone()], ..UpstreamConfig::default() })
    }

    pub fn change(&self, change: impl FnOnce(&mut File)) {
        change(&mut self.file.lock().unwrap());
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.ranges.lock().unwrap())
    }

    async fn visit(&self, mut socket: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if socket.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
        let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")).map(str::to_owned);
        self.ranges.lock().unwrap().push(range.clone().unwrap_or_else(|| "-".to_owned()));
        self.most_at_once.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let file = self.file.lock().unwrap().clone();
        tokio::time::sleep(file.waits.0).await;
        self.answer(&file, range.as_deref(), &mut socket).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        let _ = socket.shutdown().await;
    }

    async fn answer(&self, file: &File, range: Option<&str>, socket: &mut TcpStream) {
        let refusal = range.and(file.refuses_parts).map(|status| status.to_string()).or(file.status.clone());
        if let Some(status) = refusal {
            let body = "HTTP/1.1 ".to_owned() + &status + "\r\ncontent-length: 2\r\n\r\nno";
            let _ = socket.write_all(body.as_bytes()).await;
            return;
        }
        let whole = file.claims.unwrap_or(file.length);
        let part = range.filter(|_| file.parts).and_then(|range| range.split_once('-'));
        let (mut at, end) = match part {
            None => (0, file.length),
            Some((start, end)) => {
                let end = end.parse().map_or(file.length, |last: u64| (last + 1).min(file.length));
                (start.parse().unwrap(), end)
            }
        };
        let first = if part.is_none() {
            "200 OK".to_owned()
        } else if at >= file.length {
            format!("416 Range Not Satisfiable\r\ncontent-range: bytes */{whole}")
        } else {
            format!("206 Partial Content\r\ncontent-range: bytes {at}-{}/{whole}", end - 1)
        };
        let length = match part {
            _ if !file.tells_length => String::new(),
            None => format!("content-length: {whole}\r\n"),
            Some(_) => format!("content-length: {}\r\n", end.saturating_sub(at)),
        };
        let head = format!("HTTP/1.1 {first}\r\nconnection: close\r\n{length}{}\r\n", file.headers);
        if socket.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        tokio::time::sleep(file.waits.1).await;
        let stop = file.breaks_after.map_or(end, |bytes| (at + bytes).min(end));
        while at < stop {
            let piece = file.bytes(at, (stop - at).min(256 * 1024));
            at += piece.len() as u64;
            if socket.write_all(&piece).await.is_err() {
                return;
            }
            self.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
    }
}
