//! JSON logs with stable field names, and metrics in CloudWatch's embedded format.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Where metrics go when it is not standard output. Logs have a global of their own in `tracing`.
static FILE: OnceLock<File> = OnceLock::new();

/// Starts JSON logs on standard output. `filter` is `HERALD_LOG` (default `info`).
pub fn start(filter: Option<&str>) {
    start_into(filter, None);
}

/// Starts JSON logs, and puts them and the metrics into `file` where there is one: a laptop's terminal is for people.
pub fn start_into(filter: Option<&str>, file: Option<File>) {
    // `Targets` reads `info` and `info,cloud=debug`; the richer filter would bring a regex engine into every function.
    let filter: Targets =
        filter.and_then(|text| text.parse().ok()).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let logs =
        || tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_target(false);
    // A second start in one process (tests) keeps the first.
    let _ = match file {
        None => tracing_subscriber::registry().with(logs().with_filter(filter)).try_init(),
        Some(file) => {
            if let Ok(metrics) = file.try_clone() {
                let _ = FILE.set(metrics);
            }
            let writer = std::sync::Mutex::new(file);
            tracing_subscriber::registry().with(logs().with_writer(writer).with_filter(filter)).try_init()
        }
    };
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
    write(&embedded(now, name, unit, value, dimension, false));
}

/// The same by a dimension and in total: an alarm watches one metric, so it needs the total.
pub fn metric_and_total(now: jiff::Timestamp, name: &str, unit: Unit, value: f64, dimension: (&str, &str)) {
    write(&embedded(now, name, unit, value, Some(dimension), true));
}

fn write(line: &Value) {
    // One write per line, so that lines of several threads do not mix.
    let line = format!("{line}\n");
    // Where nothing can be written there is nowhere to report that to.
    let _ = match FILE.get() {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => std::io::stdout().lock().write_all(line.as_bytes()),
    };
}

fn embedded(
    now: jiff::Timestamp,
    name: &str,
    unit: Unit,
    value: f64,
    dimension: Option<(&str, &str)>,
    total: bool,
) -> Value {
    let mut dimensions: Vec<Vec<&str>> = vec![dimension.iter().map(|(name, _)| *name).collect()];
    if total {
        dimensions.push(Vec::new());
    }
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
            false,
        );
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["platform"]]));
        assert_eq!((&line["SyncDuration"], &line["platform"]), (&json!(12.0), &json!("BLUESKY")));
    }

    #[test]
    fn what_an_alarm_watches_is_told_in_total_too() {
        let dimension = Some(("platform", "TIKTOK"));
        let line = embedded(jiff::Timestamp::UNIX_EPOCH, "RefreshFailures", Unit::Count, 1.0, dimension, true);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["platform"], []]));
    }
}
