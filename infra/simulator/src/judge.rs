//! The judge: everything that was published, and every request that asked for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::iso_ms;
use crate::memory::Memory;
use crate::state::{Platform, Who, lock};

/// What a publication is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Post,
    Comment,
    Story,
    /// Waits in the owner's inbox.
    Draft,
}

impl What {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Story => "story",
            Self::Draft => "draft",
        }
    }
}

/// One file of a publication.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Medium {
    pub(crate) id: String,
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<String>,
    pub(crate) source_url: Option<String>,
    pub(crate) alt: Option<String>,
}

/// Something that an account has published, or is about to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Publication {
    pub(crate) n: u64,
    pub(crate) who: Who,
    pub(crate) what: What,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) text: String,
    pub(crate) media: Vec<Medium>,
    pub(crate) created_ms: i64,
    /// From when lists and reads show it.
    pub(crate) visible_ms: i64,
    /// When processing is over.
    pub(crate) ready_ms: i64,
    /// Looks that still find it in processing.
    pub(crate) looks: u64,
    /// How processing ends, if it ends badly.
    pub(crate) failure: Option<String>,
    pub(crate) deleted_ms: Option<i64>,
    /// Only its owner sees it.
    pub(crate) hidden: bool,
    pub(crate) key: Option<String>,
    pub(crate) submissions: u64,
    pub(crate) reply_to: Option<String>,
    pub(crate) elsewhere: bool,
    pub(crate) details: Value,
}

impl Publication {
    pub(crate) fn new(who: &Who, what: What, id: String, text: &str, now: i64) -> Self {
        Self {
            n: 0,
            who: who.clone(),
            what,
            id,
            url: String::new(),
            text: text.to_owned(),
            media: Vec::new(),
            created_ms: now,
            visible_ms: now,
            ready_ms: now,
            looks: 0,
            failure: None,
            deleted_ms: None,
            hidden: false,
            key: None,
            submissions: 0,
            reply_to: None,
            elsewhere: false,
            details: Value::Null,
        }
    }

    /// What no other publication has.
    fn place(&self) -> String {
        format!("{} {}", self.who.platform.name(), self.id)
    }

    pub(crate) fn state(&self, now: i64) -> &'static str {
        match () {
            () if self.deleted_ms.is_some() => "deleted",
            () if self.ready_ms > now || self.looks > 0 => "processing",
            () if self.failure.is_some() => "failed",
            () => "live",
        }
    }

    /// Whether lists and reads show it; looks do not count, because nobody has to look.
    pub(crate) fn shown(&self, now: i64) -> bool {
        self.deleted_ms.is_none() && self.failure.is_none() && self.ready_ms <= now && self.visible_ms <= now
    }

    pub(crate) fn json(&self, account: &str, now: i64) -> Value {
        let media: Vec<Value> = self
            .media
            .iter()
            .map(|m| {
                json!({"id": m.id, "contentType": m.content_type, "bytes": m.bytes, "sha256": m.sha256,
                    "sourceUrl": m.source_url, "altText": m.alt})
            })
            .collect();
        json!({
            "n": self.n, "platform": self.who.platform.name(), "account": account, "kind": self.what.name(),
            "state": self.state(now), "id": self.id, "url": self.url, "text": self.text, "mediaCount": media.len(), "media": media,
            "createdAt": iso_ms(self.created_ms), "visibleAt": iso_ms(self.visible_ms.max(self.ready_ms)),
            "deletedAt": self.deleted_ms.map(iso_ms), "key": self.key, "submissions": self.submissions, "replyTo": self.reply_to,
            "elsewhere": self.elsewhere, "failure": self.failure, "details": self.details,
        })
    }
}

/// What came of a request for a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Repeated,
    Refused,
}

/// A request for a publication, and what came of it.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) at_ms: i64,
    pub(crate) who: Who,
    pub(crate) operation: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) publication: Option<u64>,
}

/// Bytes that arrived, or that a platform pulled.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) who: Who,
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
    pub(crate) declared: Option<u64>,
    pub(crate) sha256: Option<String>,
    pub(crate) complete: bool,
    pub(crate) requests: u64,
    pub(crate) source_url: Option<String>,
    pub(crate) at_ms: i64,
}

#[derive(Debug, Default)]
struct Inner {
    all: Vec<Publication>,
    by_id: HashMap<(Platform, String), usize>,
    by_key: HashMap<(Who, String), usize>,
    by_text: HashMap<(Who, String), Vec<usize>>,
    by_who: HashMap<Who, Vec<usize>>,
    submissions: Vec<Submission>,
    uploads: Vec<Upload>,
    upload_at: HashMap<(Who, String), usize>,
    sequence: u64,
    /// Where publications are written down, for the next start.
    memory: Memory,
}

impl Inner {
    fn note(&self, at: usize) {
        if let Some(publication) = self.all.get(at) {
            self.memory.note("publication", &publication.place(), publication);
        }
    }

    fn keep(&mut self, made: Publication) {
        let at = self.all.len();
        self.by_id.insert((made.who.platform, made.id.clone()), at);
        if let Some(key) = made.key.clone() {
            self.by_key.insert((made.who.clone(), key), at);
        }
        self.by_text.entry((made.who.clone(), made.text.clone())).or_default().push(at);
        self.by_who.entry(made.who.clone()).or_default().push(at);
        self.all.push(made);
    }
}

/// All publications, submissions and uploads.
#[derive(Debug, Default)]
pub(crate) struct Judge(Mutex<Inner>);

impl Judge {
    pub(crate) fn reset(&self) {
        let mut inner = lock(&self.0);
        let memory = std::mem::take(&mut inner.memory);
        for publication in &inner.all {
            memory.note("publication", &publication.place(), &Value::Null);
        }
        *inner = Inner { memory, ..Inner::default() };
    }

    /// Writes down from now on what is published.
    pub(crate) fn remember_in(&self, memory: &Memory) {
        lock(&self.0).memory = memory.clone();
    }

    /// Knows a publication of an earlier start again.
    pub(crate) fn recall(&self, made: Publication) {
        let mut inner = lock(&self.0);
        // Numbers count places.
        let n = inner.all.len() as u64 + 1;
        inner.keep(Publication { n, ..made });
    }

    /// Goes on behind the numbers that an earlier start may have used: not all of them are written down.
    pub(crate) fn go_on_from(&self, sequence: u64) {
        lock(&self.0).sequence = sequence.saturating_add(1_000_000);
    }

    /// A number that this world has not used yet; ids are made of it.
    pub(crate) fn next(&self) -> u64 {
        let mut inner = lock(&self.0);
        inner.sequence += 1;
        inner.sequence
    }

    /// Puts a publication on record and answers its number. One made under a key counts the submission that made it.
    pub(crate) fn create(&self, mut made: Publication) -> Arc<Publication> {
        let mut inner = lock(&self.0);
        let at = inner.all.len();
        made.n = at as u64 + 1;
        let shared = Arc::new(made.clone());
        inner.keep(made);
        inner.note(at);
        inner.memory.note("sequence", "-", &inner.sequence);
        shared
    }

    pub(crate) fn get(&self, n: u64) -> Option<Publication> {
        lock(&self.0).all.get(usize::try_from(n.checked_sub(1)?).ok()?).cloned()
    }

    pub(crate) fn by_id(&self, platform: Platform, id: &str) -> Option<Publication> {
        let inner = lock(&self.0);
        inner.by_id.get(&(platform, id.to_owned())).and_then(|at| inner.all.get(*at)).cloned()
    }

    pub(crate) fn by_key(&self, who: &Who, key: &str) -> Option<Publication> {
        let inner = lock(&self.0);
        inner.by_key.get(&(who.clone(), key.to_owned())).and_then(|at| inner.all.get(*at)).cloned()
    }

    /// The newest publication of this account with this very text that `wanted` accepts.
    pub(crate) fn by_text(&self, who: &Who, text: &str, wanted: impl Fn(&Publication) -> bool) -> Option<Publication> {
        let inner = lock(&self.0);
        let list = inner.by_text.get(&(who.clone(), text.to_owned()))?;
        list.iter().rev().filter_map(|at| inner.all.get(*at)).find(|p| wanted(p)).cloned()
    }

    /// How many publications of the account `wanted` accepts, newest first and only while `recent` holds.
    pub(crate) fn count(
        &self,
        who: &Who,
        recent: impl Fn(&Publication) -> bool,
        wanted: impl Fn(&Publication) -> bool,
    ) -> u64 {
        let inner = lock(&self.0);
        let list = inner.by_who.get(who).into_iter().flatten().rev();
        list.filter_map(|at| inner.all.get(*at)).take_while(|p| recent(p)).filter(|p| wanted(p)).count() as u64
    }

    /// What lists show of an account, newest first.
    pub(crate) fn shown(&self, who: &Who, now: i64, wanted: impl Fn(&Publication) -> bool) -> Vec<Publication> {
        let inner = lock(&self.0);
        let Some(list) = inner.by_who.get(who) else { return Vec::new() };
        let mut found: Vec<Publication> = list
            .iter()
            .rev()
            .filter_map(|at| inner.all.get(*at))
            .filter(|p| p.shown(now) && wanted(p))
            .cloned()
            .collect();
        // A post that the owner made elsewhere may be older than the ones before it.
        if found.iter().any(|p| p.elsewhere) {
            found.sort_by_key(|p| std::cmp::Reverse(p.created_ms));
        }
        found
    }

    /// Changes a publication; answers it as it is then.
    pub(crate) fn change(&self, n: u64, edit: impl FnOnce(&mut Publication)) -> Option<Publication> {
        let mut inner = lock(&self.0);
        let at = usize::try_from(n.checked_sub(1)?).ok()?;
        let publication = inner.all.get_mut(at)?;
        edit(publication);
        let changed = publication.clone();
        inner.note(at);
        Some(changed)
    }

    /// Puts a request for a publication on record.
    pub(crate) fn submitted(&self, submission: Submission) {
        let mut inner = lock(&self.0);
        let at = submission.publication.and_then(|n| usize::try_from(n.checked_sub(1)?).ok());
        if let Some(p) = at.and_then(|at| inner.all.get_mut(at)) {
            p.submissions += 1;
        }
        if let Some(at) = at {
            inner.note(at);
        }
        inner.submissions.push(submission);
    }

    /// Records an upload, or what has changed about it.
    pub(crate) fn uploaded(&self, upload: Upload) {
        let mut inner = lock(&self.0);
        let name = (upload.who.clone(), upload.id.clone());
        match inner.upload_at.get(&name).copied().and_then(|at| inner.uploads.get_mut(at)) {
            Some(known) => {
                let requests = known.requests;
                *known = Upload { requests: requests + upload.requests, at_ms: known.at_ms, ..upload };
            }
            None => {
                let at = inner.uploads.len();
                inner.upload_at.insert(name, at);
                inner.uploads.push(upload);
            }
        }
    }

    pub(crate) fn publications(&self, wanted: impl Fn(&Publication) -> bool) -> Vec<Publication> {
        lock(&self.0).all.iter().filter(|p| wanted(p)).cloned().collect()
    }

    pub(crate) fn submissions(&self, wanted: impl Fn(&Who) -> bool, name: impl Fn(&Who) -> String) -> Vec<Value> {
        let inner = lock(&self.0);
        let rows = inner.submissions.iter().enumerate().filter(|(_, s)| wanted(&s.who));
        rows.map(|(at, s)| {
            json!({"n": at + 1, "at": iso_ms(s.at_ms), "platform": s.who.platform.name(), "account": name(&s.who),
                "operation": s.operation, "key": s.key, "outcome": s.outcome.name(), "reason": s.reason, "publication": s.publication})
        })
        .collect()
    }

    pub(crate) fn uploads(&self, wanted: impl Fn(&Who) -> bool, name: impl Fn(&Who) -> String) -> Vec<Value> {
        let inner = lock(&self.0);
        let rows = inner.uploads.iter().enumerate().filter(|(_, u)| wanted(&u.who));
        rows.map(|(at, u)| {
            json!({"n": at + 1, "at": iso_ms(u.at_ms), "platform": u.who.platform.name(), "account": name(&u.who), "id": u.id,
                "kind": u.kind, "contentType": u.content_type, "bytes": u.bytes, "declaredBytes": u.declared,
                "sha256": u.sha256, "complete": u.complete, "requests": u.requests, "sourceUrl": u.source_url})
        })
        .collect()
    }

    /// Submissions of each outcome: all, repeated, refused.
    pub(crate) fn tally(&self, wanted: impl Fn(&Who) -> bool) -> (usize, usize, usize) {
        let inner = lock(&self.0);
        inner.submissions.iter().filter(|s| wanted(&s.who)).fold((0, 0, 0), |(all, again, no), s| {
            (
                all + 1,
                again + usize::from(s.outcome == Outcome::Repeated),
                no + usize::from(s.outcome == Outcome::Refused),
            )
        })
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_is_processing_then_live_or_failed() {
        let who = Who { platform: Platform::Bluesky, seed: Arc::from("demo.bsky.social") };
        let mut p = Publication::new(&who, What::Post, "a".to_owned(), "hi", 1_000);
        assert_eq!((p.state(1_000), p.shown(1_000)), ("live", true));
        p.ready_ms = 2_000;
        assert_eq!((p.state(1_999), p.shown(1_999)), ("processing", false));
        p.looks = 1;
        assert_eq!((p.state(2_000), p.shown(2_000)), ("processing", true));
        p.looks = 0;
        p.failure = Some("no".to_owned());
        assert_eq!((p.state(2_000), p.shown(2_000)), ("failed", false));
        p.deleted_ms = Some(3_000);
        assert_eq!(p.state(3_000), "deleted");
    }
}
