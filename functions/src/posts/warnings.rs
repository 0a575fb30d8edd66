//! What is allowed and may be a mistake: the same text to the same account within a day, two posts to it within five
//! minutes.

use std::collections::BTreeMap;

use cloud::http::ApiError;
use cloud::table::{posts, slots};
use domain::content::Problem;
use domain::{ConnectionId, Platform, Post, PostId, PostStatus};
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::found::Found;
use crate::App;

/// Two posts to one account nearer than this clash.
const CLASH: SignedDuration = SignedDuration::from_mins(5);
/// The same text to the same account within this time is worth a warning.
const SAME_TEXT: SignedDuration = SignedDuration::from_hours(24);
/// How many accounts are read of at once.
const AT_ONCE: usize = 8;
/// How many posts are warned of at most: a person reads no more.
const MOST: usize = 20;

/// The warnings for `post`, if it goes out at `at`; itself and `but` are left out.
///
/// The deliveries of an account are indexed by their time, so the day around `at` is one query of the index (two where
/// a month ends in it), however many posts there are.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn of(app: &App, post: &Post, at: Timestamp, but: Option<&PostId>) -> Result<Vec<Found>, ApiError> {
    let from = at.saturating_sub(SAME_TEXT).unwrap_or(at);
    let to = at.saturating_add(SAME_TEXT).unwrap_or(at);
    let read = |(connection, platform): (ConnectionId, Platform)| async move {
        let near = slots::between(&app.table, &post.workspace, &connection, from, to).await?;
        Ok::<_, ApiError>((connection, platform, near))
    };
    let reads: Vec<_> = post.targets.iter().cloned().map(read).collect();
    let mut accounts = stream::iter(reads).buffered(AT_ONCE);
    let (mut found, mut alive) = (Vec::new(), BTreeMap::new());
    while let Some(account) = accounts.next().await {
        let (connection, platform, near) = account?;
        let text = slots::text_of(&post.draft(platform).text);
        for slot in near.iter().filter(|slot| *slot.post() != post.id && Some(slot.post()) != but) {
            let same = text.is_some() && slot.text == text;
            let clash = post.scheduled_at.is_some() && at.duration_until(slot.at).abs() <= CLASH;
            if !same && !clash || found.len() >= MOST || !is_alive(app, post, slot.post(), &mut alive).await? {
                continue;
            }
            let (other, when) = (slot.post(), slot.at);
            let warning = |code: &str, field: &str, what: &str| {
                let message = format!("{what} (post {other}, {when}).");
                Found::rule(platform, Some(connection.clone()), Problem::warning(code, field, message))
            };
            if same {
                let what = format!("The same text goes to this {platform} account within 24 hours");
                found.push(warning("same_text", "content", &what));
            }
            if clash {
                let what = format!("Another post goes to this {platform} account within 5 minutes");
                found.push(warning("clash", "scheduledAt", &what));
            }
        }
    }
    Ok(found)
}

/// Whether a post goes out or is out. It is read once.
async fn is_alive(
    app: &App,
    post: &Post,
    other: &PostId,
    known: &mut BTreeMap<PostId, bool>,
) -> Result<bool, ApiError> {
    if let Some(alive) = known.get(other) {
        return Ok(*alive);
    }
    let gone = |other: &Post| matches!(other.status, PostStatus::Draft | PostStatus::Failed | PostStatus::Archived);
    let alive = posts::get(&app.table, &post.workspace, other).await?.is_some_and(|other| !gone(&other));
    known.insert(other.clone(), alive);
    Ok(alive)
}
