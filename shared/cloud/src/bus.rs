//! Telling the outside of what happened: EventBridge in AWS, a list in the process on a laptop.

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_types::SdkConfig;

use crate::table::events::Event;

/// The name under which Herald's events stand on the bus.
pub const SOURCE: &str = "herald";

/// A bus that could not take an event. Nothing is lost: the event's row is still due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus cannot be reached: {0}")]
pub struct BusError(pub String);

/// Takes events, at least once each, always with the same id.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands one event over.
    ///
    /// # Errors
    /// [`BusError`]; the caller tries again later.
    async fn put(&self, event: &Event) -> Result<(), BusError>;
}

/// What a receiver reads of an event: `{"id","workspace","at", …}`.
#[must_use]
pub fn detail(event: &Event) -> serde_json::Value {
    let mut detail = event.detail.clone();
    if let Some(members) = detail.as_object_mut() {
        members.insert("id".to_owned(), event.id.clone().into());
        members.insert("workspace".to_owned(), event.workspace.as_str().into());
        members.insert("at".to_owned(), event.at.to_string().into());
    }
    detail
}

/// An EventBridge bus: `HERALD_EVENT_BUS` holds its name.
#[derive(Debug)]
pub struct EventBridge {
    sdk: SdkConfig,
    client: OnceLock<aws_sdk_eventbridge::Client>,
    name: String,
}

impl EventBridge {
    /// Reads the name of the bus; a function that tells nothing has none.
    #[must_use]
    pub fn from_env(sdk: SdkConfig, get: &dyn Fn(&str) -> Option<String>) -> Self {
        let bus = Self { sdk, client: OnceLock::new(), name: get("HERALD_EVENT_BUS").unwrap_or_default() };
        // As with the queues: whoever has a bus makes the client in the init phase, the others never.
        if !bus.name.is_empty() {
            bus.client();
        }
        bus
    }

    fn client(&self) -> &aws_sdk_eventbridge::Client {
        self.client.get_or_init(|| aws_sdk_eventbridge::Client::new(&self.sdk))
    }
}

#[async_trait]
impl Bus for EventBridge {
    async fn put(&self, event: &Event) -> Result<(), BusError> {
        let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(&event.name)
            .detail(detail(event).to_string())
            .time(aws_smithy_types::DateTime::from_millis(event.at.as_millisecond()))
            .build();
        let answer = self
            .client()
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| BusError(error.into_service_error().to_string()))?;
        // PutEvents answers 200 even when it took nothing.
        match answer.entries().iter().find_map(|entry| entry.error_code()) {
            Some(code) => Err(BusError(format!("the event was refused: {code}"))),
            None => Ok(()),
        }
    }
}
