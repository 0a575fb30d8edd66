//! The captured events of `events/`, and how they are fitted to what a run has made.

use std::collections::BTreeMap;

use herald_tests::process::{Result, repository};
use serde_json::{Value, json};

/// The captured event of each handler.
///
/// # Errors
/// When one cannot be read.
pub fn captured() -> Result<BTreeMap<String, Value>> {
    let mut events = BTreeMap::new();
    for file in std::fs::read_dir(repository().join("events"))? {
        let path = file?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            events.insert(name.to_owned(), serde_json::from_slice(&std::fs::read(&path)?)?);
        }
    }
    Ok(events)
}

/// Puts another path into an event.
pub fn path(event: &mut Value, path: &str, parameter: &str, value: &str) {
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event["pathParameters"][parameter] = json!(value);
}

/// Puts another query into an event.
pub fn query(event: &mut Value, query: &str) {
    event["rawQueryString"] = json!(query);
}

/// Puts another JSON body into an event.
pub fn body(event: &mut Value, body: &Value) {
    text(event, &body.to_string());
}

/// Puts another body into an event.
pub fn text(event: &mut Value, text: &str) {
    event["headers"]["content-length"] = json!(text.len().to_string());
    event["body"] = json!(text);
}

/// Makes a batch of one message of an event.
pub fn message(event: &mut Value, ring: &Value) {
    if let Some(records) = event["Records"].as_array_mut() {
        records.truncate(1);
    }
    event["Records"][0]["body"] = json!(ring.to_string());
}

/// The ring in a batch of one message; null for any other event.
pub fn ring_of(event: &Value) -> Value {
    event["Records"][0]["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}
