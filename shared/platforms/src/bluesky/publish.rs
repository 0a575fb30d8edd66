//! Publishing: a record under a key of our own choice.
//!
//! The key is chosen before the record is sent and stays until the record is known not to be there, so each attempt writes
//! the same record to the same place, and whether it is there is answered by the account's own server at once. Follow-ups are records of the same kind, with keys of their own.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Problem};
use domain::{Failure, Kind, Platform};
use jiff::{SignedDuration, Timestamp};
use outbound::{Answer, Call};
use serde_json::{Value, json};

use super::api::shown_handle;
use super::client::{Bluesky, Home, query};
use super::facts::{FACTS, PUBLISH};
use super::record::{CID, POSTS, Post, StrongRef, Written, rkey};
use super::{error, identity, richtext, tid, upload};
use crate::compose::{common_problems, graphemes};
use crate::kit::Context;
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Progress, Publish, PublishFacts, Stop, Submitted};
use crate::wire;

/// In [`crate::publish::Progress::kept`]: the key of the post, and the time that it carries.
const RKEY: &str = "rkey";
const AT: &str = "at";
/// A start that is not older than this is the post's time; after a longer one the post would be dated back.
const RECENT: SignedDuration = SignedDuration::from_secs(60);
/// Twice this is the deadline of a write: a server that wants another nonce refuses the first call and is asked again.
const WRITE: Duration = Duration::from_secs(15);

#[async_trait]
impl Publish for Bluesky {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISH
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        let count = |text: &str| self.length(text, limits);
        let mut problems = common_problems(Platform::Bluesky, &PUBLISH, &listed(draft), limits, &count);
        problems.extend(langs_problem(draft));
        problems.extend(alt_problem(draft));
        problems
    }

    fn length(&self, text: &str, _limits: &Limits) -> u32 {
        graphemes(&compose_text(text))
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        if let Some(handle) = next_mention(job) {
            // A mention that cannot be resolved stays plain text; the post does not wait for it.
            let did = identity::did_of(cx, &handle).await.unwrap_or_default();
            return Ok(Prepared::More { progress: job.progress.clone().with(&mention(&handle), did), wait: None });
        }
        match upload::next(job, cx.clock.now()) {
            Some(n) => {
                let home = self.home(cx, Some(&job.account), job.tokens).await.map_err(upload::unseen)?;
                self.upload(cx, job, &home, n).await
            }
            None => Ok(Prepared::Ready(keyed(job, cx.clock.now()))),
        }
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        // Whatever the answer is, the key stays: only a look under it shows that nothing stands there.
        Ok(Submitted::Published(self.create(cx, job).await?))
    }

    /// A record is live when it is written; there is nothing to wait for.
    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        match self.find(cx, job).await? {
            Found::Published(post) => Ok(Looked::Published(post)),
            _ => Err(Failure::new(Kind::NotFound, "the record is not there")),
        }
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        Ok(match self.find_record(cx, job, &post_key(job), made_at(job)).await? {
            // Once this is proof, nothing stands under the key, and the next submission takes one of its own time.
            Found::Absent(_) => Found::Absent(without_key(job)),
            found => found,
        })
    }

    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        let text = job.draft.follow_ups.get(n).map(|text| compose_text(text));
        let text = text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no such follow-up"))?;
        let home = self.home(cx, Some(&job.account), job.tokens).await.map_err(upload::unseen)?;
        let root = self.strong_ref(cx, &home, post).await.map_err(upload::unseen)?;
        let parent = self.strong_ref(cx, &home, parent).await.map_err(upload::unseen)?;
        let at = follow_up_at(job, n);
        let record = Post::new(&text, at, job.draft, &known(job)).replying(&root, &parent);
        let written = self.put(cx, job, &home, &follow_up_key(job, n), &record).await?;
        Ok(written.into_ref(&page(job, &home), at))
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        _post: &PostRef,
        _parent: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        self.find_record(cx, job, &follow_up_key(job, n), follow_up_at(job, n)).await
    }

    /// A record that is not there is deleted already, says the server.
    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let rkey = rkey(&post.id)?;
        let home = self.home(cx, Some(&job.account), job.tokens).await.map_err(upload::unseen)?;
        let body = json!({ "repo": home.did, "collection": POSTS, "rkey": rkey });
        let answer = self.write(cx, job, &home, "deleteRecord", &body).await?;
        if answer.is_success() { Ok(()) } else { Err(error::publish(&answer, cx.clock.now())) }
    }
}

impl Bluesky {
    async fn create(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<PostRef, Failure> {
        // All of this is before the one call that has an effect.
        let home = self.home(cx, Some(&job.account), job.tokens).await.map_err(upload::unseen)?;
        let blobs = upload::blobs(job)?;
        let (text, at) = (compose_text(&job.draft.text), made_at(job));
        let post = Post::new(&text, at, job.draft, &known(job)).with_media(job.draft, &blobs);
        let written = self.put(cx, job, &home, &post_key(job), &post).await?;
        Ok(written.into_ref(&page(job, &home), at))
    }

    /// Writes a record under `key`, or nothing where it stands there already. Where anything else stands, the server
    /// refuses (`swapRecord: null`), so no post is ever overwritten.
    async fn put(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        home: &Home,
        key: &str,
        record: &Post<'_>,
    ) -> Result<Written, Failure> {
        let body = json!({ "repo": home.did, "collection": POSTS, "rkey": key, "record": record, "swapRecord": null });
        let answer = self.write(cx, job, home, "putRecord", &body).await?;
        if !answer.is_success() {
            return Err(error::publish(&answer, cx.clock.now()));
        }
        answer.json()
    }

    async fn write(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        home: &Home,
        method: &str,
        body: &Value,
    ) -> Result<Answer, Failure> {
        let address = wire::url(&format!("{}/xrpc/com.atproto.repo.{method}", home.pds))?;
        self.send_as(cx, job.tokens, Call::post_json(Platform::Bluesky, address, body).within(WRITE)).await
    }

    async fn find_record(&self, cx: &Context<'_>, job: &Job<'_>, key: &str, at: Timestamp) -> Result<Found, Failure> {
        let home = self.home(cx, Some(&job.account), job.tokens).await?;
        Ok(match read(cx, &home, key).await? {
            Some(written) if written.is_of(at) => Found::Published(written.into_ref(&page(job, &home), at)),
            // What stands under the key is another record.
            Some(_) => Found::Unclear,
            None => Found::Absent(job.progress.clone()),
        })
    }

    /// What a reply names. The hash is not known of a post whose address a person gave.
    async fn strong_ref(&self, cx: &Context<'_>, home: &Home, post: &PostRef) -> Result<StrongRef, Failure> {
        if let Some(cid) = post.extra.get(CID) {
            return Ok(StrongRef { uri: post.id.clone(), cid: cid.clone() });
        }
        let read = read(cx, home, rkey(&post.id)?).await?;
        let cid = read.and_then(|written| written.cid);
        let cid = cid.ok_or_else(|| Failure::new(Kind::NotFound, "the post to reply to is not there"))?;
        Ok(StrongRef { uri: post.id.clone(), cid })
    }
}

/// The post under `key`; nothing where the repository has none. Repositories are public: no token goes along.
async fn read(cx: &Context<'_>, home: &Home, key: &str) -> Result<Option<Written>, Failure> {
    let parameters = [("repo", home.did.as_str()), ("collection", POSTS), ("rkey", key)];
    let answer = cx.out.send(query(&home.pds, "com.atproto.repo.getRecord", &parameters)?).await?;
    if answer.is_success() {
        return answer.json().map(Some);
    }
    if error::no_record(&answer) { Ok(None) } else { Err(error::xrpc(&answer, cx.clock.now())) }
}

/// The text as it is sent and as it is counted: the network counts invisible ends of a text, too.
fn compose_text(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// Progress with the key and the time of the record, as it is handed to a submission. A key that was handed over before
/// stays, since the record may stand under it; a new one has the time of now.
fn keyed(job: &Job<'_>, now: Timestamp) -> Progress {
    let progress = job.progress.clone();
    if progress.get(RKEY).is_some() {
        let at = made_at(job).to_string();
        return progress.with(AT, at);
    }
    let is_recent = job.started_at.duration_until(now) <= RECENT;
    let at = if is_recent { job.started_at } else { now };
    progress.with(RKEY, tid::of(at, job.key)).with(AT, at.to_string())
}

fn without_key(job: &Job<'_>) -> Progress {
    let mut progress = job.progress.clone();
    for name in [RKEY, AT] {
        progress.kept.remove(name);
    }
    progress
}

fn post_key(job: &Job<'_>) -> String {
    job.progress.get(RKEY).map_or_else(|| tid::of(job.started_at, job.key), str::to_owned)
}

/// The time that the record carries.
fn made_at(job: &Job<'_>) -> Timestamp {
    job.progress.get(AT).and_then(|at| at.parse().ok()).unwrap_or(job.started_at)
}

/// Each follow-up is a little later than what it follows, so that lists by time keep the order.
fn follow_up_at(job: &Job<'_>, n: usize) -> Timestamp {
    let later = SignedDuration::from_millis(i64::try_from(n).unwrap_or_default().saturating_add(1));
    let at = made_at(job);
    at.checked_add(later).unwrap_or(at)
}

fn follow_up_key(job: &Job<'_>, n: usize) -> String {
    tid::of(follow_up_at(job, n), &format!("{}#{n}", job.key))
}

fn page(job: &Job<'_>, home: &Home) -> String {
    (FACTS.profile_url)(&shown_handle(job.account.handle, &home.did))
}

fn texts(draft: &Draft) -> impl Iterator<Item = &str> {
    std::iter::once(&draft.text).chain(&draft.follow_ups).map(String::as_str)
}

/// The next mentioned handle that nobody has asked about.
fn next_mention(job: &Job<'_>) -> Option<String> {
    texts(job.draft)
        .flat_map(|text| richtext::handles(&compose_text(text)))
        .find(|handle| job.progress.get(&mention(handle)).is_none())
}

/// The identities that were found; kept, so that each attempt marks the same mentions.
fn known(job: &Job<'_>) -> impl Fn(&str) -> Option<String> {
    |handle: &str| job.progress.get(&mention(handle)).filter(|did| !did.is_empty()).map(str::to_owned)
}

fn mention(handle: &str) -> String {
    format!("did.{handle}")
}

/// The draft with a single description as a list of one.
fn listed(draft: &Draft) -> Cow<'_, Draft> {
    let Some(Value::String(text)) = draft.options.get("altText") else { return Cow::Borrowed(draft) };
    let list = json!([text]);
    let mut draft = draft.clone();
    draft.options.insert("altText".to_owned(), list);
    Cow::Owned(draft)
}

fn langs_problem(draft: &Draft) -> Option<Problem> {
    let langs = draft.options.get("langs")?.as_array()?;
    let wrong = langs.iter().filter_map(Value::as_str).find(|lang| !is_language(lang))?;
    Some(Problem::error(
        "option_invalid",
        "options.BLUESKY.langs",
        format!("“{wrong}” is no language tag; use a form such as en or pt-BR."),
    ))
}

/// The form of a language tag (BCP 47).
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let letters = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let rest = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    parts.next().is_some_and(letters) && parts.all(rest)
}

fn alt_problem(draft: &Draft) -> Option<Problem> {
    let (field, files) = ("options.BLUESKY.altText", draft.media.len());
    match draft.options.get("altText")? {
        Value::Array(list) if list.len() > files => Some(Problem::error(
            "option_invalid",
            field,
            format!("There are {} descriptions for {files} files.", list.len()),
        )),
        Value::String(text) if files > 1 && !text.is_empty() => Some(Problem::warning(
            "alt_text_of_first",
            field,
            format!("One description for {files} files describes the first; use a list for all of them."),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_counted() {
        assert_eq!(compose_text("one\r\ntwo \n\n"), "one\ntwo");
        let length = |text: &str| Bluesky::default().length(text, &Limits::from(&PUBLISH));
        assert_eq!(length("one\r\ntwo \n\n"), 7);
        assert_eq!(length("👨‍👩‍👧‍👦🇩🇪e\u{301}"), 3);
    }

    #[test]
    fn a_language_has_a_form() {
        for tag in ["en", "pt-BR", "zh-Hant-TW", "gsw"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "e", "english", "en_US", "en-", "xx-nonsense-!"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
