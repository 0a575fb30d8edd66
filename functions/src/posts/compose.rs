//! From what a person sent to a post with its deliveries: read once, checked whole, nothing stored before.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::http::{ApiError, Request};
use cloud::table::deliveries::Delivery;
use cloud::table::slots;
use domain::post::{DeliveryState, Override};
use domain::schedule::{self, InvalidTime};
use domain::{Caller, Connection, DeliveryId, DeliveryStatus, Post, PostId, PostStatus, TalentId};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SecureRandom;

use super::body::PostBody;
use super::check::{self, Aims, Lengths};
use super::files::{self, Files};
use super::found::{self, Found};
use super::targets::{self, Targets};
use super::warnings;
use crate::App;
use crate::accounts::budget::Budget;
use crate::accounts::link;

/// The largest post, as it is stored, in bytes.
const MOST_POST: usize = 200_000;
/// How long warnings are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most problems that are told at once; nobody reads more.
const MOST_FOUND: usize = 100;

/// When a composed post goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At its `scheduledAt`; without one it is a draft.
    AsWritten,
    /// Now.
    Now,
}

/// Who writes a post, when, and on which occasion: a request, or a row of a bulk job.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// The occasion, for the audit log.
    pub request_id: &'a str,
    /// The id that the post gets; `None`: a new one.
    pub post: Option<&'a PostId>,
}

impl<'a> Author<'a> {
    /// The author of a request.
    ///
    /// # Errors
    /// 401 on a public route.
    pub fn of(request: &'a Request) -> Result<Self, ApiError> {
        Ok(Self { caller: request.caller()?, now: request.now, request_id: &request.request_id, post: None })
    }
}

/// A post as it would be stored, with everything that is wrong with it.
#[derive(Debug)]
pub struct Composed {
    /// The post, without deliveries for a draft.
    pub post: Post,
    /// The rows of its deliveries.
    pub deliveries: Vec<Delivery>,
    /// What is wrong, and what a person may want to know.
    pub found: Vec<Found>,
    /// What the text counts and may count, per platform.
    pub lengths: Lengths,
    /// Whether it is a draft, which may be unfinished.
    pub is_draft: bool,
}

impl Composed {
    /// Whether anything forbids it to go out.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(Found::is_error)
    }

    /// The refusal of a post that has errors: all of them at once. Nothing may be stored then.
    ///
    /// # Errors
    /// As [`found::refuse`].
    pub fn refuse(&self) -> Result<(), ApiError> {
        found::refuse(&self.found, self.is_draft)
    }

    /// Adds what may be a mistake of a post that goes out: the same text again, a clash of times. A warning that cannot be
    /// read is no reason to refuse the post.
    pub async fn warn(&mut self, app: &App) {
        let Some(at) = self.post.scheduled_at else { return };
        match tokio::time::timeout(PATIENCE, warnings::of(app, &self.post, at, None)).await {
            Ok(Ok(warnings)) => self.found.extend(warnings),
            Ok(Err(error)) => tracing::warn!(error = error.message.as_str(), "no warnings: they cannot be read"),
            Err(_) => tracing::warn!("no warnings: the table is slow"),
        }
    }
}

/// Composes what an author wrote. What is wrong with it is in [`Composed::found`], all of it.
///
/// # Errors
/// 503 when the table cannot answer, or files and servers take longer than a request may.
pub async fn compose(app: &App, author: &Author<'_>, mut body: PostBody, when: When) -> Result<Composed, ApiError> {
    let Author { caller, now, .. } = *author;
    let (talent, mut found) = match link::talent_of(caller, body.talent_id.clone()) {
        Ok(talent) => (Some(talent), Vec::new()),
        Err(error) => (None, vec![Found::refusal(&error, "talentId")]),
    };
    found.extend(body.problems());
    body.dedup();
    if when == When::Now && body.scheduled_at.is_some() {
        let message = "scheduledAt has no place in publish. Schedule it, or leave the time out.";
        found.push(Found::request("invalid_request", "scheduledAt", message));
    }
    let at = time(&body, when, now).unwrap_or_else(|wrong| {
        found.extend(wrong);
        None
    });
    let targets = match &talent {
        Some(talent) => targets::of(app, caller, talent, &body.platforms, &body.connection_ids).await?,
        None => Targets { without_account: body.platforms.clone(), ..Targets::default() },
    };
    let id = author.post.map_or_else(|| new_id(now), |id| Ok(id.clone()))?;
    let post = Post {
        id,
        workspace: caller.workspace.clone(),
        // A post of nobody is never stored: that its talent is missing was found.
        talent: talent.map_or_else(nobody, Ok)?,
        content: String::new(),
        media: Vec::new(),
        overrides: BTreeMap::new(),
        options: BTreeMap::new(),
        hashtags: Vec::new(),
        campaign: None,
        targets: Vec::new(),
        scheduled_at: None,
        timezone: None,
        late_after_minutes: body.late(),
        deliveries: Vec::new(),
        status: PostStatus::Draft,
        posted_at: None,
        error: None,
        created_at: now,
        created_by: caller.subject.to_string(),
        updated_at: now,
        version: 1,
    };
    let written = Written { body, when, at, now };
    write_into(app, post, written, targets, found).await
}

/// When the body says that it goes out.
///
/// # Errors
/// Everything that is wrong with its time and its zone.
pub fn time(body: &PostBody, when: When, now: Timestamp) -> Result<Option<Timestamp>, Vec<Found>> {
    let wrong = |field: &str, error: InvalidTime| Found::request("invalid_time", field, error.0);
    let zone = body.timezone.as_deref().map(schedule::zone).transpose().map_err(|error| wrong("timezone", error));
    let at = match body.scheduled_at.as_deref().filter(|_| when == When::AsWritten) {
        None => Ok((when == When::Now).then_some(now)),
        // A wall-clock time in a zone that is none cannot be read; one with an offset can.
        Some(text) if zone.is_err() && !schedule::has_offset(text) => Ok(None),
        Some(text) => schedule::instant(text, body.timezone.as_deref().filter(|_| zone.is_ok()))
            .and_then(|at| schedule::check(at, now).map(|()| Some(at)))
            .map_err(|error| wrong("scheduledAt", error)),
    };
    match (zone, at) {
        (Ok(_), Ok(at)) => Ok(at),
        (zone, at) => Err(zone.err().into_iter().chain(at.err()).collect()),
    }
}

/// What a person wrote of a post.
pub struct Written {
    /// The body.
    pub body: PostBody,
    /// When it goes out.
    pub when: When,
    /// The same as an instant, where it has one.
    pub at: Option<Timestamp>,
    /// When it is written.
    pub now: Timestamp,
}

/// Writes what a body says into a post (a new one, or one that is edited) and makes its deliveries. What is wrong comes
/// behind what was `found` before.
///
/// # Errors
/// 503 `platform_unavailable` when files and servers together take longer than a request may.
pub async fn write_into(
    app: &App,
    mut post: Post,
    written: Written,
    targets: Targets,
    mut found: Vec<Found>,
) -> Result<Composed, ApiError> {
    let Written { body, when, at, now } = written;
    let is_draft = when == When::AsWritten && body.scheduled_at.is_none();
    let is_oversized = body.is_oversized();
    let budget = Budget::of_request();
    let too_slow = |_| {
        let mut error = ApiError::unavailable("the files or servers of a post answer too slowly");
        error.code = "platform_unavailable";
        "The files or servers of this post answer too slowly. Try again.".clone_into(&mut error.message);
        error
    };
    found.extend(targets.found);
    if !is_draft && body.platforms.is_empty() && body.connection_ids.is_empty() {
        let message = "Name platforms or connectionIds: where shall it go?";
        found.push(Found::request("invalid_request", "platforms", message));
    }
    let files = match found.iter().any(|found| found.problem.field == "talentId") {
        // Nothing is fetched for a post of nobody.
        true => Files::default(),
        false => match budget.within(too_slow, async { Ok(files::probe(app, &body).await) }).await {
            // What is known to be wrong already stays wrong however often it is tried again.
            Err(_) if found.iter().any(Found::is_error) => Files::default(),
            looked => looked?,
        },
    };
    found.extend(files.found(&body));
    post.media = files.pick(&body.media_urls);
    post.overrides = body
        .overrides
        .iter()
        .map(|(platform, own)| {
            let media = own.media_urls.as_deref().map(|urls| files.pick(urls));
            (*platform, Override { content: own.content.clone(), media })
        })
        .collect();
    post.content = body.content;
    post.options = body.options;
    post.hashtags = body.hashtags.iter().map(|tag| tag.trim().trim_start_matches('#').to_owned()).collect();
    post.campaign = body.campaign;
    post.timezone = body.timezone;
    post.scheduled_at = at;
    post.updated_at = now;
    post.error = None;
    let connections = targets.connections.as_slice();
    post.targets = connections.iter().map(|c| (c.id.clone(), c.platform)).collect();
    let aims = Aims { connections, without_account: &targets.without_account };
    let (by_rules, lengths) = if is_oversized {
        Default::default()
    } else {
        let checked = async { Ok::<_, ApiError>(check::all(app, &post, aims, &files.refused).await) };
        match budget.within(too_slow, checked).await {
            Err(_) if found.iter().any(Found::is_error) => Default::default(),
            checked => checked?,
        }
    };
    found.extend(by_rules);
    found.truncate(MOST_FOUND);
    let deliveries = match at {
        Some(at) => deliver(&mut post, connections, at),
        // Taken back to a draft, which goes nowhere.
        None => {
            post.deliveries.clear();
            Vec::new()
        }
    };
    post.status = post.derived();
    // A row of the table holds 400 KB, and what becomes of the post is written into it, too.
    if serde_json::to_string(&post).map_or(0, |text| text.len()) > MOST_POST {
        let message =
            format!("The post is too large: texts, addresses and options together may have {MOST_POST} bytes.");
        found.push(Found::request("invalid_request", "content", message));
    }
    Ok(Composed { post, deliveries, found, lengths, is_draft })
}

/// Gives each connection its delivery. A connection that has one already keeps its number, and so its id.
fn deliver(post: &mut Post, connections: &[Connection], at: Timestamp) -> Vec<Delivery> {
    let late = SignedDuration::from_mins(i64::from(post.late_after_minutes));
    let window_ends = at.saturating_add(late).unwrap_or(at);
    let before = std::mem::take(&mut post.deliveries);
    let mut free = (0..=u8::MAX).filter(|number| before.iter().all(|had| had.id.number() != *number));
    let mut rows = Vec::new();
    for connection in connections {
        let text = slots::text_of(&post.draft(connection.platform).text);
        let kept = before.iter().find(|had| had.connection == connection.id).map(|had| had.id.clone());
        let Some(id) = kept.or_else(|| free.next().map(|number| DeliveryId::new(&post.id, number))) else { break };
        post.deliveries.push(DeliveryState {
            id: id.clone(),
            connection: connection.id.clone(),
            platform: connection.platform,
            status: DeliveryStatus::Scheduled,
            begun: false,
        });
        rows.push(Delivery {
            id,
            workspace: post.workspace.clone(),
            talent: post.talent.clone(),
            connection: connection.id.clone(),
            platform: connection.platform,
            status: DeliveryStatus::Scheduled,
            scheduled_at: at,
            text,
            window_ends,
            attempts: 0,
            submissions: 0,
            looks: 0,
            started_at: None,
            intent_at: None,
            first_intent_at: None,
            doubted_at: None,
            refused: false,
            handed_on_at: None,
            gone: false,
            key: None,
            not_ours: Vec::new(),
            resent: false,
            duplicate: false,
            progress: BTreeMap::new(),
            live: None,
            follow_ups: Vec::new(),
            error: None,
            next_attempt_at: Some(at),
            remove: false,
            removed: false,
            log: Vec::new(),
            tried: 0,
        });
    }
    rows
}

/// In place of a talent that was not named.
fn nobody() -> Result<TalentId, ApiError> {
    TalentId::parse("-").map_err(|error| ApiError::internal(error.to_string()))
}

/// A new id that nobody can guess.
///
/// # Errors
/// 503 when the machine has no randomness.
pub fn new_id(now: Timestamp) -> Result<PostId, ApiError> {
    let mut bytes = [0u8; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| ApiError::unavailable("no randomness"))?;
    Ok(PostId::new(now, u64::from_be_bytes(bytes)))
}

/// The talent of a post that is edited stays.
///
/// # Errors
/// 400 when the body names another.
pub fn same_talent(post: &Post, named: Option<&TalentId>) -> Result<(), ApiError> {
    match named {
        Some(named) if *named != post.talent => Err(ApiError::invalid("talentId of a post cannot be changed.")),
        _ => Ok(()),
    }
}
