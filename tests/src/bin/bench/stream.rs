//! What the worker needs while it streams a large video from where it lies to a platform.

use std::path::Path;
use std::time::{Duration, Instant};

use herald_tests::author;
use herald_tests::process::Result;
use herald_tests::runtime_api::Runtime;
use serde_json::json;

use crate::cold;
use crate::scenes::Scenes;

/// The size of the video.
pub const BYTES: u64 = 1_000_000_000;
/// A smaller one, for a rehearsal.
const REHEARSED: u64 = 50_000_000;

/// What it took.
pub struct Stream {
    /// The video's size.
    pub bytes: u64,
    /// Peak memory of the function.
    pub peak_rss_kib: u64,
    /// From the first event to the last answer.
    pub wall: Duration,
    /// CPU time of the function.
    pub cpu: Duration,
    /// How many events it took.
    pub events: u32,
}

/// Publishes the video by the release binary, as many events as it takes.
///
/// # Errors
/// When it is not published.
pub async fn measure(bootstrap: &Path, root: &Path, scenes: &mut Scenes<'_>, rehearsal: bool) -> Result<Stream> {
    let bytes = if rehearsal { REHEARSED } else { BYTES };
    let handler = "workers.publish";
    let root = root.to_str().ok_or("the folder's name is not UTF-8")?;
    let given = cold::environment(scenes, root, handler)?;
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let post = json!({
        "talentId": "cold", "content": "A long video", "connectionIds": [scenes.channel()?],
        "mediaUrls": [format!("https://media.example/clip.mp4?bytes={bytes}")],
        "options": {"YOUTUBE": {"title": "A long video", "privacyStatus": "public"}},
    });
    let id = author::publish(scenes.admin(), &post).await?;
    let event = scenes.publish_ring(&id);
    let mut runtime = Runtime::start(bootstrap, handler, &given).await?;
    let begun = Instant::now();
    let mut events = 0;
    loop {
        events += 1;
        let answer = runtime.invoke(&event).await?;
        if let Some(error) = answer.error {
            return Err(format!("{handler}: {error}\n{}", runtime.lines().join("\n")).into());
        }
        let post = author::post(scenes.admin(), &id).await?.body;
        match author::delivery(&post) {
            "published" => break,
            // Processing is looked at when its time has come, which a ring too early waits for or is dropped.
            "scheduled" | "claimed" | "submitting" | "processing" if events < 100 => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            _ => return Err(format!("the video is not out: {post:#}").into()),
        }
    }
    let (wall, usage) = (begun.elapsed(), runtime.usage());
    runtime.stop().await?;
    Ok(Stream { bytes, peak_rss_kib: usage.peak_rss_kib, wall, cpu: usage.cpu, events })
}
