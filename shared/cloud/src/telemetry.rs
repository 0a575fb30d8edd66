//! JSON logs with stable field names, and metrics in CloudWatch's embedded format.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

/// Where metrics go when it is not standard output. Logs have a global of their own in `tracing`.
static FILE: OnceLock<File> = OnceLock::new();

/// Starts JSON logs on standard output. `filter` is `HERALD_LOG` (default `info`).
pub fn start(filter: Option<&str>) {
    start_into(filter, None);
}

/// Starts JSON logs, and puts them and the metrics into `file` where there is one: a laptop's terminal is for people.
pub fn start_into(filter: Option<&str>, file: Option<File>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .with_env_filter(filter);
    // A second start in one process (tests) keeps the first.
    match file {
        None => {
            let _ = logs.try_init();
        }
        Some(file) => {
            if let Ok(metrics) = file.try_clone() {
                let _ = FILE.set(metrics);
            }
            let _ = logs.with_writer(std::sync::Mutex::new(file)).try_init();
        }
    }
}

/// A metric's unit, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// Writes one metric of the namespace `Herald` in the embedded metric format, with at most one dimension: each
/// combination of dimensions costs $0.30 a month.
pub fn metric(now: jiff::Timestamp, name: &str, unit: Unit, value: f64, dimension: Option<(&str, &str)>) {
    // One write per line, so that lines of several threads do not mix.
    let line = format!("{}\n", embedded(now, name, unit, value, dimension));
    // Where nothing can be written there is nowhere to report that to.
    let _ = match FILE.get() {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => std::io::stdout().lock().write_all(line.as_bytes()),
    };
}

fn embedded(now: jiff::Timestamp, name: &str, unit: Unit, value: f64, dimension: Option<(&str, &str)>) -> Value {
    let dimensions: Vec<Vec<&str>> = vec![dimension.iter().map(|(name, _)| *name).collect()];
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "Herald",
                "Dimensions": dimensions,
                "Metrics": [{"Name": name, "Unit": unit.as_str()}],
            }],
        },
        name: value,
    });
    if let (Some((name, value)), Some(object)) = (dimension, line.as_object_mut()) {
        object.insert(name.to_owned(), json!(value));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_the_embedded_form() {
        let line = embedded(
            jiff::Timestamp::UNIX_EPOCH,
            "SyncDuration",
            Unit::Milliseconds,
            12.0,
            Some(("platform", "BLUESKY")),
        );
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["platform"]]));
        assert_eq!((&line["SyncDuration"], &line["platform"]), (&json!(12.0), &json!("BLUESKY")));
    }
}
