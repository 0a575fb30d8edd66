//! Whether a status that was sent is there, read from the account's own list.

use domain::{Failure, Kind, TokenSet};
use jiff::{SignedDuration, Timestamp};

use super::api::{self, Status};
use super::facts::{FACTS, STATUSES};
use super::ingest::{self, get, segment};
use super::length::{comparable, skeleton};
use super::oauth::SERVER;
use super::register::NAME;
use crate::kit::Context;
use crate::publish::{Job, PostRef};
use crate::readback::nearest;

/// More pages than an account fills between an intent and a look.
const PAGES: usize = 5;
/// How much older than its intent a status can be said to be, by a server whose clock is wrong.
const WRONG_CLOCK: SignedDuration = SignedDuration::from_hours(12);
/// More sources than are asked for; so many other statuses of the same form are none of ours.
const SOURCES: usize = 5;

/// What to look for.
pub(super) struct Wanted<'a> {
    pub(super) text: &'a str,
    pub(super) files: usize,
    /// The status that it replies to.
    pub(super) parent: Option<&'a str>,
    /// When the intent was written.
    pub(super) intent: Timestamp,
    /// The earliest time that it can have.
    pub(super) since: Timestamp,
    /// Statuses that are other deliveries'.
    pub(super) not_ours: &'a [String],
}

/// What the list shows.
pub(super) enum Shown {
    There(PostRef),
    /// Not there: every status of the time was read and is another.
    NotThere,
    /// Some status could be it, or not all could be read.
    Unclear,
    /// The account may not be read.
    Unreadable,
}

/// The account as its server knows it.
pub(super) struct Own {
    pub(super) host: String,
    pub(super) id: String,
    /// The visibility of its posts where nothing else is said.
    pub(super) privacy: Option<String>,
}

/// Asks the server whose token it is.
pub(super) async fn own(cx: &Context<'_>, job: &Job<'_>) -> Result<Own, Failure> {
    let host = ingest::host(cx, &job.account, Some(job.tokens)).await?;
    let answer = get(cx, &host, "accounts/verify_credentials", &[], Some(job.tokens), super::facts::ACCOUNTS).await?;
    let account: api::Account = answer.json()?;
    let privacy = account.privacy().map(str::to_owned);
    Ok(Own { host, id: account.id, privacy })
}

/// Looks through the account's newest statuses.
pub(super) async fn look(
    cx: &Context<'_>,
    tokens: &TokenSet,
    own: &Own,
    wanted: &Wanted<'_>,
) -> Result<Shown, Failure> {
    let (mut statuses, complete) = since_then(cx, tokens, own, wanted.since).await?;
    statuses.retain(|status| !wanted.not_ours.contains(&status.id));
    let older: Vec<Status> = statuses.extract_if(.., |status| status.created_at < wanted.since).collect();
    // A token that was handed over belongs to another app, under whose name its statuses stand.
    let app = tokens.extra(SERVER).map(|_| NAME);
    let mut candidates: Vec<Status> =
        statuses.into_iter().filter(|status| status.could_be(app, wanted.files, wanted.parent)).collect();
    let text = comparable(wanted.text);
    let same = candidates.extract_if(.., |status| comparable(&status.shown()) == text);
    if let Some(status) = nearest(same, |status| Some(status.created_at), wanted.intent) {
        return Ok(Shown::There(status.into_ref()));
    }
    // The nearest to the intent first.
    candidates.sort_by_key(|status| status.created_at.duration_since(wanted.intent).abs());
    // Servers other than Mastodon may show a text changed: as markup, with tags that they took for their own. What its
    // author wrote, they tell one by one.
    let mut clear = complete && candidates.len() <= SOURCES;
    for status in candidates.into_iter().take(SOURCES) {
        match source(cx, tokens, own, &status.id).await? {
            Some(source) if comparable(&source) == text => return Ok(Shown::There(status.into_ref())),
            Some(_) => {}
            None => clear &= skeleton(&status.shown()) != skeleton(wanted.text),
        }
    }
    // The same words shortly before are an older post, or this one by the clock of a server that is behind.
    let from = wanted.since.saturating_sub(WRONG_CLOCK).unwrap_or(wanted.since);
    let behind = older.iter().any(|status| {
        status.created_at >= from
            && status.could_be(app, wanted.files, wanted.parent)
            && comparable(&status.shown()) == text
    });
    Ok(if clear && !behind { Shown::NotThere } else { Shown::Unclear })
}

/// The statuses since a time, and whether these are all; with what is older on the pages that were read.
async fn since_then(
    cx: &Context<'_>,
    tokens: &TokenSet,
    own: &Own,
    since: Timestamp,
) -> Result<(Vec<Status>, bool), Failure> {
    let limit = FACTS.page_size.to_string();
    let path = format!("accounts/{}/statuses", segment(&own.id));
    let (mut statuses, mut before) = (Vec::<Status>::new(), None::<String>);
    for _ in 0..PAGES {
        let mut query = vec![("limit", limit.as_str()), ("exclude_reblogs", "true")];
        query.extend(before.as_deref().map(|before| ("max_id", before)));
        let answer = get(cx, &own.host, &path, &query, Some(tokens), STATUSES).await?;
        let page: Vec<Status> = answer.json()?;
        // A server that does not page (snac) answers the same whole list again.
        let repeated = page.iter().any(|status| statuses.iter().any(|known| known.id == status.id));
        let next = ingest::next(&answer.headers, page.len(), page.last().map(|last| last.id.as_str()));
        let reached = page.last().is_none_or(|last| last.created_at < since);
        if !repeated {
            statuses.extend(page);
        }
        if repeated || reached || next.is_none() {
            return Ok((statuses, true));
        }
        before = next;
    }
    Ok((statuses, false))
}

/// What the author wrote; nothing where the server does not tell.
async fn source(cx: &Context<'_>, tokens: &TokenSet, own: &Own, id: &str) -> Result<Option<String>, Failure> {
    match get(cx, &own.host, &format!("statuses/{}/source", segment(id)), &[], Some(tokens), STATUSES).await {
        Ok(answer) => Ok(answer.json::<api::Written>().ok().and_then(|written| written.text)),
        Err(failure) if failure.may_pass() || failure.kind == Kind::ReconnectNeeded => Err(failure),
        Err(_) => Ok(None),
    }
}
