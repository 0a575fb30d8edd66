//! What a function costs from nothing to its first answer, and from then on.

use std::path::Path;
use std::time::Duration;

use herald_tests::process::Result;
use herald_tests::runtime_api::Runtime;

use crate::scenes::Scenes;
use crate::stats::median;

/// Starts of each function.
pub const STARTS: usize = 15;
/// Calls of a function that is warm.
pub const WARM: usize = 10;

/// A function's cost; medians.
pub struct Cold {
    /// Its handler.
    pub handler: String,
    /// From the spawn to the first request for an event.
    pub ready: Duration,
    /// From the first event to its answer.
    pub first: Duration,
    /// CPU time from the spawn to the first answer.
    pub cpu: Duration,
    /// Peak memory at the first answer.
    pub peak_rss_kib: u64,
    /// CPU time of a later call.
    pub warm_cpu: Duration,
    /// From a later event to its answer.
    pub warm: Duration,
    /// Calls of AWS up to the first answer: service and number.
    pub calls: Vec<(String, u64)>,
}

impl Cold {
    /// Whether it is a route whose first answer cost so many calls of the table and none of anything else. Workers and
    /// schedules call platforms and issuers besides.
    pub fn is_route_with(&self, table_calls: u64) -> bool {
        let outside = ["workers.", "schedules.", "oauth."].iter().any(|area| self.handler.starts_with(area));
        !outside
            && matches!(self.calls.as_slice(), [(service, calls)] if service == "DynamoDB" && *calls == table_calls)
    }
}

/// Measures every function of the template.
///
/// # Errors
/// When a function does not start or does not do its work.
pub async fn measure(bootstrap: &Path, root: &Path, scenes: &mut Scenes<'_>) -> Result<Vec<Cold>> {
    let root = root.to_str().ok_or("the folder's name is not UTF-8")?;
    let variables = scenes.environment(root);
    let environment: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut measured = Vec::new();
    for handler in scenes.handlers()? {
        measured.push(function(bootstrap, &handler, &environment, scenes).await?);
    }
    measured.sort_by(|a, b| a.handler.cmp(&b.handler));
    Ok(measured)
}

async fn function(
    bootstrap: &Path,
    handler: &str,
    environment: &[(&str, &str)],
    scenes: &mut Scenes<'_>,
) -> Result<Cold> {
    let (mut ready, mut first, mut cpu, mut rss) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut calls = Vec::new();
    let mut runtime = None;
    for _ in 0..STARTS {
        let event = scenes.event(handler).await?;
        scenes.forget_calls();
        let mut started = Runtime::start(bootstrap, handler, environment).await?;
        let answer = started.invoke(&event).await?;
        calls = scenes.calls();
        if let Some(error) = answer.error {
            return Err(format!("{handler}: {error}\n{}", started.lines().join("\n")).into());
        }
        scenes.answered(handler, &answer.response)?;
        ready.push(started.startup().wall);
        first.push(answer.duration);
        cpu.push(answer.usage.cpu);
        rss.push(answer.usage.peak_rss_kib);
        if let Some(before) = runtime.replace(started) {
            before.stop().await?;
        }
    }
    let mut runtime = runtime.ok_or("no start at all")?;
    let (mut warm, mut warm_cpu) = (Vec::new(), Vec::new());
    for _ in 0..WARM {
        let event = scenes.event(handler).await?;
        let before = runtime.usage().cpu;
        let answer = runtime.invoke(&event).await?;
        scenes.answered(handler, &answer.response)?;
        warm.push(answer.duration);
        warm_cpu.push(answer.usage.cpu.saturating_sub(before));
    }
    runtime.stop().await?;
    Ok(Cold {
        handler: handler.to_owned(),
        ready: median(ready),
        first: median(first),
        cpu: median(cpu),
        peak_rss_kib: median(rss),
        warm_cpu: median(warm_cpu),
        warm: median(warm),
        calls,
    })
}
