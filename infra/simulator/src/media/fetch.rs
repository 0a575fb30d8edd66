//! A platform fetches media itself: at the media host it gets what stands there, elsewhere what the settings say.

use bytes::{Bytes, BytesMut};

use super::sniff::{Seen, sniff};
use super::{find, owns};
use crate::call::{Call, Pairs};
use crate::faults::Fault;
use crate::payload::Digest;
use crate::state::{Platform, World};

/// Longer files are fetched but not hashed: nobody waits that long for a judge.
const HASHED: u64 = 4 * 1024 * 1024 * 1024;
const HEAD: u64 = 256 * 1024;

/// What a platform got.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) seen: Seen,
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<String>,
    /// Nobody looked: the host is not one of this world.
    pub(crate) unseen: bool,
}

/// Why it got nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfetched {
    /// Not an address that anybody could fetch.
    Address,
    Redirect,
    Refused,
    TooLong,
}

impl Fetched {
    fn unseen(url: &str) -> Self {
        let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
        let kind = |ends: &[&str]| ends.iter().any(|e| path.ends_with(e));
        let seen = match () {
            () if kind(&[".png"]) => Seen { content_type: "image/png", kind: "image", size: None },
            () if kind(&[".gif"]) => Seen { content_type: "image/gif", kind: "gif", size: None },
            () if kind(&[".mp4", ".mov", ".webm"]) => Seen { content_type: "video/mp4", kind: "video", size: None },
            () => Seen { content_type: "image/jpeg", kind: "image", size: None },
        };
        Self { seen, content_type: seen.content_type.to_owned(), bytes: 0, sha256: None, unseen: true }
    }
}

/// Fetches `url` for a platform. `redirects` whether it follows them; more than `limit` bytes is too long.
pub(crate) fn fetch(
    world: &World,
    call: &Call,
    platform: Platform,
    url: &str,
    redirects: bool,
    limit: u64,
) -> Result<Fetched, Unfetched> {
    if call.media_refused() {
        return Err(Unfetched::Refused);
    }
    let mut address = url.to_owned();
    for _ in 0..5 {
        let parsed = url::Url::parse(&address).map_err(|_| Unfetched::Address)?;
        if !matches!(parsed.scheme(), "https" | "http") || !address.is_ascii() {
            return Err(Unfetched::Address);
        }
        let host = parsed.host_str().unwrap_or("").to_owned();
        if !owns(&host) {
            let refused = world.settings.text(platform, "foreignMedia") == "refuse";
            return if refused { Err(Unfetched::Refused) } else { Ok(Fetched::unseen(&address)) };
        }
        match visit(world, &host, &parsed, limit)? {
            Step::Got(fetched) => return Ok(fetched),
            Step::Elsewhere(to) if redirects => address = to,
            Step::Elsewhere(_) => return Err(Unfetched::Redirect),
        }
    }
    Err(Unfetched::Redirect)
}

enum Step {
    Got(Fetched),
    Elsewhere(String),
}

/// One request to the media host, faults and log included.
fn visit(world: &World, host: &str, url: &url::Url, limit: u64) -> Result<Step, Unfetched> {
    let query = url.query().unwrap_or("");
    let visit = Call::new(http::Method::GET, host.to_owned(), url.path().to_owned(), query, http::HeaderMap::new());
    let fault = world.faults.hit(&visit, false, &|| None);
    let log = |status: Option<u16>| world.journal.request(world.now(), &visit, status, fault.as_ref().map(Fault::name));
    if fault.as_ref().is_some_and(|f| !matches!(f, Fault::Delay { .. } | Fault::DelayAfter { .. })) {
        log(None);
        return Err(Unfetched::Refused);
    }
    let found = find(url.path(), &Pairs::parse(query.as_bytes())).map_err(|_| Unfetched::Refused)?;
    if let Some(to) = found.redirect {
        log(Some(302));
        return Ok(Step::Elsewhere(to));
    }
    log(Some(found.status));
    if found.status >= 400 || found.length.is_some_and(|l| l != found.file.length) {
        return Err(Unfetched::Refused);
    }
    if found.endless {
        return Err(Unfetched::TooLong);
    }
    let mut head = BytesMut::new();
    let mut at = 0;
    while at < found.file.length.min(HEAD) {
        let piece = found.file.read(at, HEAD.min(found.file.length) - at);
        at += piece.len() as u64;
        head.extend_from_slice(&piece);
    }
    let head: Bytes = head.freeze();
    let length = found.file.length;
    let sha256 = (length <= limit.min(HASHED)).then(|| {
        let (mut digest, mut at) = (Digest::default(), 0);
        while at < length {
            let piece = found.file.read(at, length - at);
            at += piece.len() as u64;
            digest.update(&piece);
        }
        digest.hex()
    });
    let seen = sniff(&head);
    Ok(Step::Got(Fetched { seen, content_type: found.content_type, bytes: length, sha256, unseen: false }))
}
