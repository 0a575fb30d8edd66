//! What a function costs from nothing to its first answer, and from then on.

use std::path::Path;
use std::time::Duration;

use herald_tests::process::{Result, repository};
use herald_tests::runtime_api::{Invocation, Runtime};
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
    let mut measured = Vec::new();
    let mut is_connected = false;
    for handler in scenes.handlers()? {
        // After the schedules, which are to find nothing due.
        if !is_connected && !handler.starts_with("schedules.") {
            connect_writer(bootstrap, root, scenes).await?;
            is_connected = true;
        }
        let given = environment(scenes, root, &handler)?;
        let given = borrowed(&given);
        let beforehand = scenes.beforehand(&handler);
        for (event, answer) in beforehand.iter().zip(aside(bootstrap, &handler, &given, &beforehand).await?) {
            scenes.answered(&handler, event, &answer).await?;
        }
        measured.push(function(bootstrap, &handler, &given, scenes).await?);
    }
    measured.sort_by(|a, b| a.handler.cmp(&b.handler));
    Ok(measured)
}

/// Connects the account that functions publish to.
async fn connect_writer(bootstrap: &Path, root: &str, scenes: &Scenes<'_>) -> Result<()> {
    let handler = "connections.hand_over";
    let given = environment(scenes, root, handler)?;
    let writer = scenes.writer().await?;
    for answer in aside(bootstrap, handler, &borrowed(&given), &[writer]).await? {
        if answer["statusCode"] != 201 {
            return Err(format!("the writer's account is not connected: {answer}").into());
        }
    }
    Ok(())
}

/// Has a function work on events without being measured; its answers.
async fn aside(
    bootstrap: &Path,
    handler: &str,
    environment: &[(&str, &str)],
    events: &[serde_json::Value],
) -> Result<Vec<serde_json::Value>> {
    let mut answers = Vec::new();
    if events.is_empty() {
        return Ok(answers);
    }
    let mut runtime = Runtime::start(bootstrap, handler, environment).await?;
    for event in events {
        answers.push(done(handler, &runtime.invoke(event).await?, &runtime)?.clone());
    }
    runtime.stop().await?;
    Ok(answers)
}

/// The answer of a function that has not failed.
fn done<'a>(handler: &str, answer: &'a Invocation, runtime: &Runtime) -> Result<&'a serde_json::Value> {
    match &answer.error {
        None => Ok(&answer.response),
        Some(error) => Err(format!("{handler}: {error}\n{}", runtime.lines().join("\n")).into()),
    }
}

/// Variables as a process is given them.
pub fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
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
        scenes.answered(handler, &event, done(handler, &answer, &started)?).await?;
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
        scenes.answered(handler, &event, done(handler, &answer, &runtime)?).await?;
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
