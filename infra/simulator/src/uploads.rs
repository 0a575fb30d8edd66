//! Upload sessions whose bytes come in several requests.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use serde_json::Value;

use crate::call::Call;
use crate::judge::Upload;
use crate::media::sniff::{Seen, sniff};
use crate::payload::Digest;
use crate::state::{Platform, Who, World, lock};

/// One session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) who: Who,
    pub(crate) id: String,
    pub(crate) total: Option<u64>,
    pub(crate) digest: Digest,
    /// The first bytes, to see what the file is.
    pub(crate) head: Bytes,
    pub(crate) started_ms: i64,
    /// What the request that opened it said.
    pub(crate) meta: Value,
    /// Spans that arrived, as the requests named them.
    pub(crate) spans: Vec<(u64, u64)>,
    /// How processing will fail, if a fault said so when it was opened.
    pub(crate) fails: Option<String>,
    /// How much later a fault said that the post shows.
    pub(crate) lag_ms: i64,
    /// The publication that it became.
    pub(crate) made: Option<u64>,
}

impl Session {
    pub(crate) fn new(who: &Who, id: &str, total: Option<u64>, meta: Value, now: i64) -> Self {
        Self {
            who: who.clone(),
            id: id.to_owned(),
            total,
            digest: Digest::default(),
            head: Bytes::new(),
            started_ms: now,
            meta,
            spans: Vec::new(),
            fails: None,
            lag_ms: 0,
            made: None,
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        sniff(&self.head)
    }

    /// Takes in what a request brought, if it begins where the session stands. `digest` covers all so far.
    fn take(&mut self, call: &Call, digest: Digest) -> bool {
        let base = call.payload.running.as_ref().map(|(now, _)| now.bytes - call.payload.digest.bytes);
        if base != Some(self.digest.bytes) || digest.bytes < self.digest.bytes {
            return false;
        }
        if self.head.is_empty() {
            self.head = call.body.slice(..call.body.len().min(64 * 1024));
        }
        self.digest = digest;
        true
    }

    fn record(&self, requests: u64) -> Upload {
        let complete = self.total.is_some_and(|t| t == self.digest.bytes);
        let seen = self.seen();
        Upload {
            who: self.who.clone(),
            id: self.id.clone(),
            kind: seen.kind,
            content_type: seen.content_type.to_owned(),
            bytes: self.digest.bytes,
            declared: self.total,
            sha256: complete.then(|| self.digest.hex()),
            complete,
            requests,
            source_url: None,
            at_ms: self.started_ms,
        }
    }
}

/// All sessions by the id in their address.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    pub(crate) fn reset(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn open(&self, name: &str, session: Session) {
        lock(&self.0).insert(name.to_owned(), session);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Session> {
        lock(&self.0).get(name).cloned()
    }

    pub(crate) fn change(&self, name: &str, edit: impl FnOnce(&mut Session)) -> Option<Session> {
        let mut all = lock(&self.0);
        let session = all.get_mut(name)?;
        edit(session);
        Some(session.clone())
    }
}

fn name(call: &Call) -> Option<&str> {
    let uploads = match call.platform {
        Some(Platform::YouTube) => call.path == "/upload/youtube/v3/videos",
        Some(Platform::TikTok) => call.host == "open-upload.tiktokapis.com",
        _ => false,
    };
    (uploads && call.method == http::Method::PUT).then(|| call.query.get("upload_id")).flatten()
}

/// Who opened the session that a request belongs to.
pub(crate) fn owner(world: &World, call: &Call) -> Option<Who> {
    world.sessions.get(name(call)?).map(|s| s.who)
}

/// Where the bytes of `bytes a-b/n` begin; a body without a range begins at 0.
fn start(call: &Call) -> Option<u64> {
    match call.header("content-range") {
        None => Some(0),
        Some(range) => range.strip_prefix("bytes ")?.split('-').next()?.parse().ok(),
    }
}

/// The digest that this request's body continues, if it begins where its session stands.
pub(crate) fn running(world: &World, call: &Call) -> Option<Digest> {
    let session = world.sessions.get(name(call)?)?;
    (start(call) == Some(session.digest.bytes)).then_some(session.digest)
}

/// Takes in the whole body of a request; answers the session as it is then.
pub(crate) fn take(world: &World, call: &Call, name: &str, span: (u64, u64)) -> Option<Session> {
    let (now, _) = call.payload.running.clone()?;
    let mut taken = false;
    let session = world.sessions.change(name, |s| {
        taken = s.take(call, now);
        if taken {
            s.spans.push(span);
        }
    })?;
    if taken {
        world.judge.uploaded(session.record(1));
    }
    taken.then_some(session)
}

/// Keeps what Google keeps of a body that broke off: its full blocks.
pub(crate) fn keep_broken(world: &World, call: &Call) {
    let (Some(name), Some(Platform::YouTube)) = (name(call), call.platform) else { return };
    let Some((_, block)) = call.payload.running.clone() else { return };
    let mut taken = false;
    let session = world.sessions.change(name, |s| taken = s.take(call, block));
    if let Some(session) = session.filter(|_| taken) {
        world.judge.uploaded(session.record(1));
    }
}
