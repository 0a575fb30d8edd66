//! From what a person sent to a post with its deliveries: read once, checked whole, nothing stored before.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request};
use cloud::table::deliveries::Delivery;
use domain::content::{Media, Problem, Severity};
use domain::post::{DeliveryState, Override};
use domain::{Caller, Connection, DeliveryId, DeliveryStatus, Platform, Post, PostId, PostStatus, TalentId, schedule};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use platforms::media;
use ring::rand::SecureRandom;

use super::body::PostBody;
use super::{limits, targets};
use crate::App;
use crate::accounts::budget::Budget;
use crate::accounts::link;

/// The largest post, as it is stored, in bytes.
const MOST_POST: usize = 200_000;

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

/// A post that passed every check, or the problems that it has.
#[derive(Debug)]
pub struct Composed {
    /// The post, without deliveries for a draft.
    pub post: Post,
    /// The rows of its deliveries.
    pub deliveries: Vec<Delivery>,
    /// What is wrong, per platform.
    pub problems: BTreeMap<Platform, Vec<Problem>>,
    /// What the text counts and may count, per platform.
    pub lengths: BTreeMap<Platform, (u32, u32)>,
}

impl Composed {
    /// Whether anything forbids it to go out.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.values().flatten().any(|problem| problem.severity == Severity::Error)
    }

    /// The refusal of a post that has errors: all of them at once.
    ///
    /// # Errors
    /// 422 `invalid_post` with `problems`.
    pub fn refuse(&self) -> Result<(), ApiError> {
        if !self.has_errors() {
            return Ok(());
        }
        let first = self
            .problems
            .iter()
            .flat_map(|(platform, all)| all.iter().map(move |problem| (platform, problem)))
            .find(|(_, problem)| problem.severity == Severity::Error);
        let message = first.map(|(platform, problem)| format!("{platform}: {}", problem.message)).unwrap_or_default();
        let mut error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_post", message);
        error.problems = serde_json::to_value(&self.problems).ok();
        Err(error)
    }
}

/// Composes what an author wrote.
///
/// # Errors
/// 400 and 404 for what cannot be read or does not exist; platform problems are in [`Composed::problems`].
pub async fn compose(app: &App, author: &Author<'_>, body: PostBody, when: When) -> Result<Composed, ApiError> {
    let Author { caller, now, .. } = *author;
    let talent = link::talent_of(caller, body.talent_id.clone())?;
    body.check()?;
    let at = time(&body, when, now)?;
    let connections = targets::of(app, caller, &talent, &body.platforms, &body.connection_ids).await?;
    if at.is_some() && connections.is_empty() {
        return Err(ApiError::invalid("Name platforms or connectionIds: where shall it go?"));
    }
    let id = author.post.map_or_else(|| new_id(now), |id| Ok(id.clone()))?;
    let post = Post {
        id,
        workspace: caller.workspace.clone(),
        talent,
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
    write_into(app, post, body, at, &connections, now).await
}

/// When the body says that it goes out.
///
/// # Errors
/// 400.
pub fn time(body: &PostBody, when: When, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let invalid =
        |error: schedule::InvalidTime| ApiError::new(StatusCode::BAD_REQUEST, "invalid_time", error.to_string());
    if let Some(name) = &body.timezone {
        schedule::zone(name).map_err(invalid)?;
    }
    if when == When::Now {
        return Ok(Some(now));
    }
    let Some(text) = &body.scheduled_at else { return Ok(None) };
    let at = schedule::instant(text, body.timezone.as_deref()).map_err(invalid)?;
    schedule::check(at, now).map_err(invalid)?;
    Ok(Some(at))
}

/// Writes what a body says into a post (a new one, or one that is edited) and makes its deliveries.
///
/// # Errors
/// 422 `media_refused` for a file that cannot be read, which no post may have, not even a draft; 503
/// `platform_unavailable` when files and servers together take longer than a request may.
pub async fn write_into(
    app: &App,
    mut post: Post,
    body: PostBody,
    at: Option<Timestamp>,
    connections: &[Connection],
    now: Timestamp,
) -> Result<Composed, ApiError> {
    let budget = Budget::of_request();
    let too_slow = |_| {
        let mut error = ApiError::unavailable("the files or servers of a post answer too slowly");
        error.code = "platform_unavailable";
        "The files or servers of this post answer too slowly. Try again.".clone_into(&mut error.message);
        error
    };
    let media = budget.within(too_slow, probe(app, &body)).await?;
    let pick = |urls: &[String]| -> Vec<Media> { urls.iter().filter_map(|url| media.get(url).cloned()).collect() };
    let shared = body.media_urls.as_slice();
    post.media = pick(shared);
    post.overrides = body
        .overrides
        .iter()
        .map(|(platform, own)| {
            let own = Override { content: own.content.clone(), media: own.media_urls.as_deref().map(pick) };
            (*platform, own)
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
    post.targets = connections.iter().map(|c| (c.id.clone(), c.platform)).collect();
    let checked = async { Ok::<_, ApiError>(check(app, &post, connections).await) };
    let (problems, lengths) = budget.within(too_slow, checked).await?;
    let deliveries = at.map_or_else(Vec::new, |at| deliver(&mut post, connections, at));
    post.status = post.derived();
    // A row of the table holds 400 KB, and what becomes of the post is written into it, too.
    if serde_json::to_string(&post).map_or(0, |text| text.len()) > MOST_POST {
        return Err(ApiError::invalid(format!(
            "The post is too large: texts, addresses and options together may have {MOST_POST} bytes."
        )));
    }
    Ok(Composed { post, deliveries, problems, lengths })
}

/// Gives each connection its delivery. A connection that has one already keeps its number, and so its id.
fn deliver(post: &mut Post, connections: &[Connection], at: Timestamp) -> Vec<Delivery> {
    let late = SignedDuration::from_mins(i64::from(post.late_after_minutes));
    let window_ends = at.saturating_add(late).unwrap_or(at);
    let before = std::mem::take(&mut post.deliveries);
    let mut free = (0..=u8::MAX).filter(|number| before.iter().all(|had| had.id.number() != *number));
    let mut rows = Vec::new();
    for connection in connections {
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
            window_ends,
            attempts: 0,
            submissions: 0,
            looks: 0,
            started_at: None,
            intent_at: None,
            first_intent_at: None,
            doubted_at: None,
            refused: false,
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

type Checked = (BTreeMap<Platform, Vec<Problem>>, BTreeMap<Platform, (u32, u32)>);

/// What every platform that it goes to says of it. Accounts on servers with limits of their own are each asked about.
async fn check(app: &App, post: &Post, connections: &[Connection]) -> Checked {
    let (mut problems, mut lengths): Checked = Default::default();
    for connection in connections {
        let Some(publish) = app.platforms.get(connection.platform).and_then(|adapter| adapter.publish.as_ref()) else {
            continue;
        };
        let limits = limits::of(app, publish.as_ref(), connection).await;
        let draft = post.draft(connection.platform);
        let found = problems.entry(connection.platform).or_insert_with(Vec::new);
        for problem in publish.problems(&draft, &limits) {
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
        let counted = (publish.length(&draft.text, &limits), limits.text.max);
        // Of several accounts on one platform, the one with the least room is shown.
        let shown = lengths.entry(connection.platform).or_insert(counted);
        if counted.1.saturating_sub(counted.0) < shown.1.saturating_sub(shown.0) {
            *shown = counted;
        }
    }
    problems.retain(|_, found| !found.is_empty());
    (problems, lengths)
}

/// What each address of a body holds.
async fn probe(app: &App, body: &PostBody) -> Result<BTreeMap<String, Media>, ApiError> {
    let mut urls: Vec<String> = body.media_urls.clone();
    urls.extend(body.overrides.values().filter_map(|own| own.media_urls.clone()).flatten());
    urls.sort();
    urls.dedup();
    if urls.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut problems = Vec::new();
    let mut found = BTreeMap::new();
    for (url, probed) in urls.iter().zip(media::probe_all(&app.outbound, &urls).await) {
        match probed {
            Ok(media) => {
                found.insert(url.clone(), media);
            }
            Err(problem) => {
                let place = body.media_urls.iter().position(|had| had == url);
                let field = place.map_or(problem.field.clone(), |n| format!("mediaUrls[{n}]"));
                problems.push(Problem { field, ..problem });
            }
        }
    }
    let Some(first) = problems.first() else { return Ok(found) };
    let mut error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "media_refused", first.message.clone());
    error.problems = serde_json::to_value(BTreeMap::from([("media", &problems)])).ok();
    Err(error)
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
