//! What the worker needs while it streams a large video from where it lies to a platform.

use std::path::Path;
use std::time::Duration;

use herald_tests::author;
use herald_tests::process::Result;
use herald_tests::runtime_api::Runtime;
use serde_json::{Value, json};

use crate::cold;
use crate::scenes::Scenes;

/// The size of the video.
pub const BYTES: u64 = 1_000_000_000;
/// A smaller one, for a rehearsal.
const REHEARSED: u64 = 50_000_000;
/// The timeout of the function.
const TIMEOUT: Duration = Duration::from_secs(900);
/// More events than any upload takes.
const MOST_EVENTS: u32 = 100;

/// What it took.
pub struct Stream {
    /// The video's size.
    pub bytes: u64,
    /// Peak memory of the function until the video is published.
    pub peak_rss_kib: u64,
    /// From the first event to the answer after which the platform has every byte, without waits between events.
    pub wall: Duration,
    /// CPU time of the function for that.
    pub cpu: Duration,
    /// How many events it took until the video was published.
    pub events: u32,
}

/// Publishes the video by the release binary, as many events as it takes.
///
/// # Errors
/// When it is not published, or not whole.
pub async fn measure(bootstrap: &Path, root: &Path, scenes: &mut Scenes<'_>, rehearsal: bool) -> Result<Stream> {
    let bytes = if rehearsal { REHEARSED } else { BYTES };
    let handler = "workers.publish";
    let root = root.to_str().ok_or("the folder's name is not UTF-8")?;
    let given = cold::environment(scenes, root, handler)?;
    let post = json!({
        "talentId": "cold", "content": "A long video", "connectionIds": [scenes.channel()?],
        "mediaUrls": [format!("https://media.example/clip.mp4?bytes={bytes}")],
        "options": {"YOUTUBE": {"title": "A long video", "privacyStatus": "public"}},
    });
    let id = author::publish(scenes.admin(), &post).await?;
    let mut event = scenes.publish_ring(&id);
    let mut runtime = Runtime::start(bootstrap, handler, &cold::borrowed(&given)).await?;
    let (mut wall, mut cpu, mut has_all) = (Duration::ZERO, Duration::ZERO, false);
    for events in 1..=MOST_EVENTS {
        let before = runtime.usage().cpu;
        let answer = runtime.invoke_within(&event, TIMEOUT).await?;
        if let Some(error) = answer.error {
            return Err(format!("{handler}: {error}\n{}", runtime.lines().join("\n")).into());
        }
        let post = author::post(scenes.admin(), &id).await?.body;
        let status = author::delivery(&post);
        if !has_all {
            wall += answer.duration;
            cpu += answer.usage.cpu.saturating_sub(before);
            has_all = matches!(status, "processing" | "published");
        }
        match status {
            "published" => {
                runtime.stop().await?;
                arrived(scenes, bytes).await?;
                return Ok(Stream { bytes, peak_rss_kib: answer.usage.peak_rss_kib, wall, cpu, events });
            }
            // The next step is rung for before the answer.
            "scheduled" | "claimed" | "submitting" | "processing" => event = scenes.rung_again(&id).await?,
            _ => return Err(format!("the video is not out: {post:#}").into()),
        }
    }
    Err(format!("the video is not out after {MOST_EVENTS} events").into())
}

/// Whether the platform has a whole upload of that size.
async fn arrived(scenes: &Scenes<'_>, bytes: u64) -> Result<()> {
    let uploads = scenes.world().look("/uploads?platform=YOUTUBE").await?;
    let is_whole = |upload: &Value| upload["bytes"] == bytes && upload["complete"] == true;
    let arrived = uploads.as_array().is_some_and(|uploads| uploads.iter().any(is_whole));
    if arrived { Ok(()) } else { Err(format!("{bytes} bytes did not arrive: {uploads}").into()) }
}
