//! How late posts go out that are due in the same second, and what accepting and delivering one costs.

use std::time::Duration;

use herald_tests::author::Stage;
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::load::{Cpu, cpu, each, idle};

/// How many posts are due in the same second.
pub const AT_ONCE: [usize; 3] = [1, 1_000, 10_000];
/// Accounts that the posts go to, evenly: no platform takes thousands of posts of one account.
const ACCOUNTS: usize = 100;
/// Posts that are delivered before anything is measured.
const WARM_UP: usize = 200;
/// How long accepting the posts of a wave may take, beyond the time for each.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);
/// The time for each.
const EACH: SignedDuration = SignedDuration::from_millis(6);
/// The time for each where nothing is measured: in a rehearsal, which has any build and no wave of ten thousand.
const REHEARSED: SignedDuration = SignedDuration::from_millis(30);

/// Posts that were due in the same second.
pub struct Wave {
    /// How many.
    pub posts: usize,
    /// For each, the platform's own time of the post minus its scheduled time, in milliseconds; ascending.
    pub delays_ms: Vec<i64>,
    /// CPU of accepting all of them.
    pub accept: Cpu,
    /// CPU of delivering all of them.
    pub deliver: Cpu,
}

impl Wave {
    /// The delay that so many of a hundred do not exceed.
    pub fn delay_ms(&self, percent: usize) -> i64 {
        crate::stats::percentile(self.delays_ms.clone(), percent)
    }

    /// The least delay: below zero it went out early.
    pub fn least_ms(&self) -> i64 {
        self.delays_ms.first().copied().unwrap_or_default()
    }
}

/// Publishes waves of posts.
///
/// # Errors
/// When the stack does not do what it should: a post that is missing or there twice is no measurement.
pub async fn measure(stack: &Stack, rehearsal: bool) -> Result<Vec<Wave>> {
    let staff = stack.admin("publish").await?;
    let stage = Stage::of("MASTODON");
    for n in 0..ACCOUNTS {
        staff.talent(&talent_of(n)).await?;
        let account = format!("bench{n}@mastodon.example");
        let id = consent::link(&staff, &talent_of(n), stage.platform, &account).await?;
        staff.done(&talent_of(n), &id).await?;
    }
    let (waves_of, each) = if rehearsal { (&AT_ONCE[..2], REHEARSED) } else { (&AT_ONCE[..], EACH) };
    wave(stack, &staff, (WARM_UP, each), "warm").await?;
    let mut waves = Vec::new();
    for posts in waves_of {
        waves.push(wave(stack, &staff, (*posts, each), &format!("of {posts}")).await?);
    }
    Ok(waves)
}

async fn wave(stack: &Stack, staff: &Client, (posts, time): (usize, SignedDuration), name: &str) -> Result<Wave> {
    let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let ahead = AHEAD + time * i32::try_from(posts)?;
    let at = Timestamp::from_second(now.checked_add(ahead)?.as_second())?;
    let before = cpu(stack).await?;
    each(posts, |n| {
        let (staff, name) = (staff.clone(), name.to_owned());
        async move {
            let post = json!({
                "talentId": talent_of(n % ACCOUNTS), "content": format!("wave {name}, post {n}"),
                "platforms": ["MASTODON"], "scheduledAt": at.to_string(),
            });
            let reply = staff.post("/api/social/posts", &post).await?;
            if reply.status == 201 { Ok(()) } else { Err(format!("{} {}", reply.status, reply.text).into()) }
        }
    })
    .await?;
    let accepted = cpu(stack).await?;
    let now: Timestamp = stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let left = Duration::try_from(now.duration_until(at)).unwrap_or_default();
    if left < Duration::from_secs(6) {
        return Err(format!("{posts} posts were not accepted in time for {at}").into());
    }
    // Asking all the while would take CPU from what is measured.
    tokio::time::sleep(left).await;
    idle(stack, "publish").await?;
    let deliver = cpu(stack).await?.since(accepted);
    let made = stack.world.look("/publications?platform=MASTODON").await?;
    let mut delays_ms = Vec::new();
    for publication in made.as_array().into_iter().flatten() {
        if publication["text"].as_str().is_some_and(|text| text.starts_with(&format!("wave {name}, "))) {
            let created: Timestamp = publication["createdAt"].as_str().unwrap_or_default().parse()?;
            delays_ms.push(created.as_millisecond() - at.as_millisecond());
        }
    }
    if delays_ms.len() != posts {
        return Err(format!("{posts} posts were due and {} were made", delays_ms.len()).into());
    }
    delays_ms.sort_unstable();
    Ok(Wave { posts, delays_ms, accept: accepted.since(before), deliver })
}

fn talent_of(account: usize) -> String {
    format!("writer{account}")
}
