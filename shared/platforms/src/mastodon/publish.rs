//! Publishing a status.
//!
//! Mastodon remembers an `Idempotency-Key` for an hour: the same key again is the same status. Other servers that speak
//! its API ignore the key, so what is uncertain is always looked for in the account's own list; the key stands behind it
//! where it counts.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, MediaKind, Problem};
use domain::{Failure, Kind, Platform, TokenSet};
use http::{HeaderName, Method};
use jiff::SignedDuration;
use outbound::Call;
use serde_json::{Map, Value, json};

use super::api::Status;
use super::facts::{PUBLISH, STATUSES, WRITE_STATUSES};
use super::ingest::{self, segment};
use super::length::{compose_text, length};
use super::readback::{self, Own, Shown, Wanted};
use super::upload::{self, unseen};
use super::{error, instance, server};
use crate::compose::{common_problems, graphemes};
use crate::kit::{Account, Context};
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Proof, Publish, PublishFacts, Stop, Submitted};
use crate::wire::url;

/// How long Mastodon surely remembers a key; an hour, less what clocks and queues may take.
const KEY_LIFE: SignedDuration = SignedDuration::from_mins(50);
/// How long the call that has the effect may take.
const SUBMIT: Duration = Duration::from_secs(30);

/// Publishes statuses.
pub(super) struct Mastodon;

#[async_trait]
impl Publish for Mastodon {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISH
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        let count = |text: &str| self.length(text, limits);
        // What follows is held to the server's own limit, too.
        let facts = PublishFacts { follow_up: Some(limits.text), ..PUBLISH };
        let mut problems = common_problems(Platform::Mastodon, &facts, draft, limits, &count);
        if draft.media.iter().all(|file| file.kind != MediaKind::Video) {
            // Only a video has to stand alone: pictures and animations share the server's own number.
            let fits = draft.media.len() <= limits.max_files as usize;
            problems.retain(|p| p.code != "mixed_media" && !(fits && p.code == "too_many_files"));
        }
        problems.extend(warned_too_long(draft, limits, &count));
        problems.extend(language_problem(draft));
        problems
    }

    fn length(&self, text: &str, limits: &Limits) -> u32 {
        length(text, limits.link_length)
    }

    async fn limits(&self, cx: &Context<'_>, account: &Account<'_>) -> Result<Limits, Failure> {
        let host = ingest::host(cx, account, None).await?;
        Ok(instance::read(cx, &host).await?.limits())
    }

    /// Without the right to read the account's posts there is nothing to look at.
    fn proof(&self, _account: &Account<'_>, tokens: &TokenSet) -> Proof {
        let reads = |scope: &String| scope == "read" || scope == STATUSES;
        if tokens.scopes.is_empty() || tokens.scopes.iter().any(reads) { PUBLISH.proof } else { Proof::None }
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        match upload::next(job, cx.clock.now()) {
            Some(n) => upload::step(cx, job, n).await,
            None => Ok(Prepared::Ready(job.progress.clone())),
        }
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let mut body = shared(&job.draft.options);
        let ids = upload::ids(job)?;
        if !ids.is_empty() {
            body.insert("media_ids".to_owned(), json!(ids));
        }
        // A text alone can be sensitive, too: its link shows a picture.
        if let Some(Value::Bool(sensitive)) = job.draft.options.get("sensitive") {
            body.insert("sensitive".to_owned(), json!(sensitive));
        }
        body.insert("status".to_owned(), json!(compose_text(&job.draft.text)));
        Ok(Submitted::Published(post(cx, job, job.key, &body).await?))
    }

    /// A status is live when it is accepted; there is nothing to wait for.
    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        match self.find(cx, job).await? {
            Found::Published(post) => Ok(Looked::Published(post)),
            _ => Err(Failure::new(Kind::NotFound, "the status is not there")),
        }
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        find(cx, job, sent_text(job.draft), job.draft.media.len(), None).await
    }

    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        _post: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        let mut body = shared(&job.draft.options);
        body.insert("status".to_owned(), json!(compose_text(follow_up_text(job, n)?)));
        body.insert("in_reply_to_id".to_owned(), json!(parent.id));
        post(cx, job, &format!("{}#{n}", job.key), &body).await
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        _post: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        find(cx, job, follow_up_text(job, n)?, 0, Some(&parent.id)).await
    }

    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let host = ingest::host(cx, &job.account, Some(job.tokens)).await.map_err(unseen)?;
        let address = url(&format!("{}/api/v1/statuses/{}", server::base(cx, &host), segment(&post.id)))?;
        let call = Call::new(Platform::Mastodon, Method::DELETE, address).bearer(&job.tokens.access);
        let answer = server::send(cx, call).await?;
        match answer.status {
            200..=299 | 410 => Ok(()),
            404 if error::is_about_the_record(&answer) => Ok(()),
            // Some servers (snac) have no such call.
            404 | 405 => {
                let said = "This server lets no other program delete posts.".to_owned();
                Err(Failure::new(Kind::InvalidRequest, "no call that deletes").said(Some(said), None))
            }
            _ => Err(error::publish(&answer, cx.clock.now(), WRITE_STATUSES)),
        }
    }
}

/// Sends a status. Everything before the call itself has no effect.
async fn post(cx: &Context<'_>, job: &Job<'_>, key: &str, body: &Map<String, Value>) -> Result<PostRef, Failure> {
    let host = ingest::host(cx, &job.account, Some(job.tokens)).await.map_err(unseen)?;
    let address = url(&format!("{}/api/v1/statuses", server::base(cx, &host)))?;
    let call = Call::post_json(Platform::Mastodon, address, body)
        .within(SUBMIT)
        .bearer(&job.tokens.access)
        .header(HeaderName::from_static("idempotency-key"), key);
    let answer = server::send(cx, call).await?;
    if !answer.is_success() {
        return Err(error::publish(&answer, cx.clock.now(), WRITE_STATUSES));
    }
    Ok(answer.json::<Status>()?.into_ref())
}

async fn find(
    cx: &Context<'_>,
    job: &Job<'_>,
    text: &str,
    files: usize,
    parent: Option<&str>,
) -> Result<Found, Failure> {
    let wanted = Wanted { text, files, parent, intent: job.intent(), since: job.since(), not_ours: job.not_ours };
    let absent = || Ok(Found::Absent(job.progress.clone()));
    let read = async {
        let own = readback::own(cx, job).await?;
        let shown = readback::look(cx, job.tokens, &own, &wanted).await?;
        Ok::<_, Failure>((own, shown))
    };
    let (shown, host) = match read.await {
        Ok((own, Shown::NotThere)) if is_listed(job, &own) => return absent(),
        Ok((_, Shown::There(post))) => return Ok(Found::Published(post)),
        Ok((own, shown)) => (shown, own.host),
        // The account may not be read; then only the key can tell.
        Err(failure) if failure.kind == Kind::PermissionMissing => {
            (Shown::Unreadable, ingest::host(cx, &job.account, Some(job.tokens)).await?)
        }
        Err(failure) => return Err(failure),
    };
    let is_mastodon = instance::read(cx, &host).await?.is_mastodon();
    let first = job.first_intent_at.unwrap_or(job.started_at);
    match shown {
        // Mastodon lists to an author everything that is theirs; others may leave out what few may see (snac, observed).
        Shown::NotThere if is_mastodon => absent(),
        // The same key again is the same status, so sending is safe, whether it is there or not.
        // A post that has changed places with another delivery's has a new key, which may not have been sent yet.
        _ if is_mastodon && job.not_ours.is_empty() && cx.clock.now().duration_since(first) < KEY_LIFE => {
            Ok(Found::SameKey)
        }
        Shown::Unreadable => Ok(Found::NoMeans),
        _ => Ok(Found::Unclear),
    }
}

/// Whether a status of this visibility stands in the account's list on every server.
fn is_listed(job: &Job<'_>, own: &Own) -> bool {
    let visibility = job.draft.options.get("visibility").and_then(Value::as_str).or(own.privacy.as_deref());
    matches!(visibility, None | Some("public" | "unlisted"))
}

/// What the server makes the status of: a content warning without a text becomes the text.
fn sent_text(draft: &Draft) -> &str {
    match draft.options.get("spoilerText") {
        Some(Value::String(warning)) if draft.text.trim().is_empty() => warning,
        _ => &draft.text,
    }
}

fn follow_up_text<'a>(job: &Job<'a>, n: usize) -> Result<&'a str, Failure> {
    let text = job.draft.follow_ups.get(n).map(String::as_str);
    text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no such follow-up"))
}

/// The options that hold for the post and for what follows it, in the server's words.
fn shared(options: &Map<String, Value>) -> Map<String, Value> {
    [("visibility", "visibility"), ("spoilerText", "spoiler_text"), ("language", "language")]
        .into_iter()
        .filter_map(|(ours, theirs)| Some((theirs.to_owned(), json!(options.get(ours)?.as_str()?))))
        .collect()
}

/// The content warning counts with each text that stands under it.
fn warned_too_long(draft: &Draft, limits: &Limits, count: &dyn Fn(&str) -> u32) -> Vec<Problem> {
    let Some(Value::String(warning)) = draft.options.get("spoilerText") else { return Vec::new() };
    let (warning, most) = (graphemes(warning), limits.text.max);
    let texts = std::iter::once(&draft.text).chain(&draft.follow_ups);
    texts
        .map(|text| count(text))
        // What is too long by itself was told before.
        .filter(|long| *long <= most && long.saturating_add(warning) > most)
        .map(|long| {
            Problem::error(
                "too_long",
                "options.MASTODON.spoilerText",
                format!(
                    "The content warning ({warning}) and the text ({long}) have more than {most} characters together."
                ),
            )
        })
        .take(1)
        .collect()
}

fn language_problem(draft: &Draft) -> Option<Problem> {
    let language = draft.options.get("language")?.as_str()?;
    let mut parts = language.split('-');
    let first = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    let rest = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let valid = parts.next().is_some_and(first) && parts.all(rest);
    let message = || format!("“{language}” is no language code; use a form such as en or pt-BR.");
    (!valid).then(|| Problem::error("option_invalid", "options.MASTODON.language", message()))
}
