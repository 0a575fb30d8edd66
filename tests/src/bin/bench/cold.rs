//! What a function costs from nothing to its first answer, and from then on.

use std::path::Path;
use std::time::Duration;

use herald_tests::process::{Result, repository};
use herald_tests::runtime_api::Runtime;
use serde_yaml_ng::Value;

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
    let hand_over = environment(scenes, root, "connections.hand_over")?;
    let hand_over: Vec<(&str, &str)> = hand_over.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut runtime = Runtime::start(bootstrap, "connections.hand_over", &hand_over).await?;
    let answer = runtime.invoke(&scenes.writer().await?).await?;
    if answer.response["statusCode"] != 201 {
        return Err(format!("the writer's account is not connected: {:?}", answer.response).into());
    }
    runtime.stop().await?;
    let mut measured = Vec::new();
    for handler in scenes.handlers()? {
        let given = environment(scenes, root, &handler)?;
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        measured.push(function(bootstrap, &handler, &given, scenes).await?);
    }
    measured.sort_by(|a, b| a.handler.cmp(&b.handler));
    Ok(measured)
}

/// The variables that the template gives to a handler's function.
///
/// # Errors
/// When the template cannot be read.
pub fn environment(scenes: &Scenes<'_>, root: &str, handler: &str) -> Result<Vec<(&'static str, String)>> {
    let template = std::fs::read_to_string(repository().join("template.yaml"))?;
    let template: Value = serde_yaml_ng::from_str(&template)?;
    let own = own_variables(&template, handler);
    let mut variables = scenes.environment(root);
    variables.retain(|(name, _)| !is_granted_singly(name) || own.contains(name));
    Ok(variables)
}

/// Queues, the key and the bus are given to the functions that use them, one by one.
fn is_granted_singly(name: &str) -> bool {
    name.starts_with("HERALD_QUEUE_") || matches!(name, "HERALD_KMS_KEY" | "HERALD_EVENT_BUS")
}

/// The names of the variables that the template gives to a handler's function alone.
fn own_variables<'a>(template: &'a Value, handler: &str) -> Vec<&'a str> {
    let resources = template["Resources"].as_mapping().into_iter().flat_map(|resources| resources.values());
    let mut functions = resources.map(|resource| &resource["Properties"]);
    let variables = functions.find(|p| p["Handler"] == handler).map(|p| &p["Environment"]["Variables"]);
    let names = variables.and_then(Value::as_mapping).into_iter().flat_map(|variables| variables.keys());
    names.filter_map(Value::as_str).collect()
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
