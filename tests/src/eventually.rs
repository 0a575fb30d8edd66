//! Waiting for what will be, without sleeping for a fixed time.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Result;
use crate::stack::World;

/// How long anything may take that a person would wait for.
pub const SOON: Duration = Duration::from_secs(15);

/// Waits until `done` says so.
///
/// # Errors
/// When it does not within [`SOON`]; the sentence says what was waited for.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + SOON;
    while !done().await? {
        if Instant::now() > deadline {
            return Err(format!("{what} did not happen within {SOON:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The requests that a host of the world has answered with 200 and whose path contains `path`.
///
/// # Errors
/// When there is no answer.
pub async fn served(world: &World, host: &str, path: &str) -> Result<usize> {
    Ok(asked(world, host, path).await?.iter().filter(|request| request["status"] == 200).count())
}

/// The requests that a host of the world has had and whose path contains `path`, whatever became of them.
///
/// # Errors
/// When there is no answer.
pub async fn asked(world: &World, host: &str, path: &str) -> Result<Vec<Value>> {
    let requests = world.look(&format!("/requests?host={host}")).await?;
    let fits = |request: &&Value| request["path"].as_str().is_some_and(|text| text.contains(path));
    Ok(requests.as_array().map(|all| all.iter().filter(fits).cloned().collect()).unwrap_or_default())
}
