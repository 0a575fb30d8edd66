//! What is allowed and may be a mistake: the same text to the same account within a day, two posts to it within five
//! minutes.

use std::collections::BTreeSet;

use cloud::http::ApiError;
use cloud::table::{keys, posts, slots};
use domain::content::Problem;
use domain::{ConnectionId, DeliveryStatus, Platform, Post, PostId};
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
const MOST: usize = 5;
/// How many posts that may be gone again are read for that, in one call.
const MOST_READ: usize = 25;

/// A post to the same account that is worth a warning, if it still goes out.
struct Near {
    connection: ConnectionId,
    platform: Platform,
    post: PostId,
    at: Timestamp,
    same: bool,
    clash: bool,
}

/// The warnings for `post`, if it goes out at `at`; itself and `but` are left out.
///
/// The deliveries of an account are indexed by their time, so the day around `at` is one query of the index (two where
/// a month ends in it), however many posts there are. What it finds is read in one call.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn of(app: &App, post: &Post, at: Timestamp, but: Option<&PostId>) -> Result<Vec<Found>, ApiError> {
    let near = near(app, post, at, but).await?;
    let alive = alive(app, post, &near).await?;
    let mut found = Vec::new();
    let goes_out = |near: &Near| alive.contains(&(near.post.clone(), near.connection.clone()));
    for near in near.into_iter().filter(goes_out).take(MOST) {
        let Near { connection, platform, post: other, at: when, same, clash } = near;
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
    Ok(found)
}

async fn near(app: &App, post: &Post, at: Timestamp, but: Option<&PostId>) -> Result<Vec<Near>, ApiError> {
    let from = at.saturating_sub(SAME_TEXT).unwrap_or(at);
    let to = at.saturating_add(SAME_TEXT).unwrap_or(at);
    let read = |(connection, platform): (ConnectionId, Platform)| async move {
        let near = slots::between(&app.table, &post.workspace, &connection, from, to).await?;
        Ok::<_, ApiError>((connection, platform, near))
    };
    let reads: Vec<_> = post.targets.iter().cloned().map(read).collect();
    let mut accounts = stream::iter(reads).buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some(account) = accounts.next().await {
        let (connection, platform, near) = account?;
        let text = slots::text_of(&post.draft(platform).text);
        for slot in near.iter().filter(|slot| *slot.post() != post.id && Some(slot.post()) != but) {
            let same = text.is_some() && slot.text == text;
            let clash = post.scheduled_at.is_some() && at.duration_until(slot.at).abs() <= CLASH;
            if same || clash {
                let (connection, post) = (connection.clone(), slot.post().clone());
                found.push(Near { connection, platform, post, at: slot.at, same, clash });
            }
        }
    }
    // The same text first: that is the mistake that costs an account.
    found.sort_by_key(|near| !near.same);
    found.truncate(MOST_READ);
    Ok(found)
}

/// Those of the posts that go out to an account or are out there.
async fn alive(app: &App, post: &Post, near: &[Near]) -> Result<BTreeSet<(PostId, ConnectionId)>, ApiError> {
    if near.is_empty() {
        return Ok(BTreeSet::new());
    }
    let others: BTreeSet<&PostId> = near.iter().map(|near| &near.post).collect();
    let wanted: Vec<_> =
        others.into_iter().map(|other| (keys::post_pk(&post.workspace, other), keys::POST_SK.to_owned())).collect();
    let mut alive = BTreeSet::new();
    for item in app.table.get_many(&wanted).await? {
        let other = posts::read(&item)?;
        let out = other.deliveries.iter().filter(|delivery| {
            !matches!(delivery.status, DeliveryStatus::Failed | DeliveryStatus::Missed | DeliveryStatus::Cancelled)
        });
        alive.extend(out.map(|delivery| (other.id.clone(), delivery.connection.clone())));
    }
    Ok(alive)
}
