//! The queue is only a doorbell: it says which row to look at, and the row says the rest.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_types::SdkConfig;
use domain::due::WorkKind;
use serde::{Deserialize, Serialize};

/// The message: which row has work of which kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// The kind of work.
    pub kind: WorkKind,
    /// The row's partition key.
    pub pk: String,
    /// The row's sort key.
    pub sk: String,
}

/// A queue that could not be reached. Nothing is lost: `ring_due` rings again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue cannot be reached: {0}")]
pub struct DoorbellError(pub String);

/// What a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Depth {
    /// Ready to be received.
    pub waiting: u64,
    /// Received and not yet acknowledged.
    pub in_flight: u64,
    /// Not ready before their delay is over.
    pub delayed: u64,
    /// In the dead-letter queue.
    pub dead: u64,
}

/// Rings workers. One queue per kind of work; it may lose, repeat and reorder anything.
#[async_trait]
pub trait Doorbell: Send + Sync {
    /// Rings for up to ten rows of one kind, each after its own delay (whole seconds; at most 900).
    ///
    /// # Errors
    /// [`DoorbellError`]; some of the rings may have been taken.
    async fn ring_all(&self, kind: WorkKind, rings: &[(Ring, Duration)]) -> Result<(), DoorbellError>;

    /// What the queue of a kind holds.
    ///
    /// # Errors
    /// [`DoorbellError`].
    async fn depth(&self, kind: WorkKind) -> Result<Depth, DoorbellError>;

    /// Puts the dead-letter messages of a kind back; answers how many, where the queue tells.
    ///
    /// # Errors
    /// [`DoorbellError`].
    async fn redrive(&self, kind: WorkKind) -> Result<Option<u64>, DoorbellError>;
}

/// How long a caller waits for a ring to be taken: the row is committed, and the answer must not be lost over it.
const RING_WITHIN: Duration = Duration::from_secs(3);

/// Rings for one row, best effort: the row is committed, so a lost ring costs at most a minute.
pub async fn ring(doorbell: &dyn Doorbell, ring: Ring, delay: Duration) {
    let kind = ring.kind;
    let rung = tokio::time::timeout(RING_WITHIN, doorbell.ring_all(kind, &[(ring, delay)])).await;
    if let Err(error) = rung.unwrap_or_else(|_| Err(DoorbellError("no answer in time".to_owned()))) {
        tracing::warn!(%error, kind = kind.as_str(), "ring lost; ring_due will ring again");
    }
}

/// The queues of this installation: `HERALD_QUEUE_<KIND>` and `HERALD_QUEUE_<KIND>_DLQ` hold URLs.
#[derive(Debug)]
pub struct Queues {
    sdk: SdkConfig,
    client: OnceLock<aws_sdk_sqs::Client>,
    urls: BTreeMap<WorkKind, String>,
    dead: BTreeMap<WorkKind, String>,
}

impl Queues {
    /// Reads the URLs that this function was given; a function has only those it may use.
    #[must_use]
    pub fn from_env(sdk: SdkConfig, get: &dyn Fn(&str) -> Option<String>) -> Self {
        let urls = |suffix: &str| {
            let url = |kind: WorkKind| get(&format!("HERALD_QUEUE_{}{suffix}", kind.as_str().to_uppercase()));
            WorkKind::ALL.into_iter().filter_map(|kind| Some((kind, url(kind).filter(|u| !u.is_empty())?))).collect()
        };
        let queues = Self { sdk, client: OnceLock::new(), urls: urls(""), dead: urls("_DLQ") };
        // A client costs a tenth of a function's start: those that have a queue make it in the init phase, the others never.
        if !(queues.urls.is_empty() && queues.dead.is_empty()) {
            queues.client();
        }
        queues
    }

    fn client(&self) -> &aws_sdk_sqs::Client {
        self.client.get_or_init(|| aws_sdk_sqs::Client::new(&self.sdk))
    }

    fn url(urls: &BTreeMap<WorkKind, String>, kind: WorkKind) -> Result<&String, DoorbellError> {
        urls.get(&kind).ok_or_else(|| DoorbellError(format!("this function was given no queue for {}", kind.as_str())))
    }

    async fn attributes(&self, url: &str) -> Result<BTreeMap<String, u64>, DoorbellError> {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let answer = self
            .client()
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(Name::ApproximateNumberOfMessages)
            .attribute_names(Name::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(Name::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| DoorbellError(error.into_service_error().to_string()))?;
        let pairs = answer.attributes.unwrap_or_default();
        Ok(pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.parse().ok()?)))
            .collect())
    }
}

#[async_trait]
impl Doorbell for Queues {
    async fn ring_all(&self, kind: WorkKind, rings: &[(Ring, Duration)]) -> Result<(), DoorbellError> {
        use aws_sdk_sqs::types::SendMessageBatchRequestEntry as Entry;
        let url = Self::url(&self.urls, kind)?;
        let body = |ring: &Ring| serde_json::to_string(ring).map_err(|error| DoorbellError(error.to_string()));
        let seconds = |delay: Duration| i32::try_from(delay.as_secs().min(900)).unwrap_or(900);
        if let [(ring, delay)] = rings {
            self.client()
                .send_message()
                .queue_url(url)
                .message_body(body(ring)?)
                .delay_seconds(seconds(*delay))
                .send()
                .await
                .map_err(|error| DoorbellError(error.into_service_error().to_string()))?;
            return Ok(());
        }
        for chunk in rings.chunks(10) {
            let entries: Result<Vec<Entry>, DoorbellError> = chunk
                .iter()
                .enumerate()
                .map(|(at, (ring, delay))| {
                    Entry::builder()
                        .id(at.to_string())
                        .message_body(body(ring)?)
                        .delay_seconds(seconds(*delay))
                        .build()
                        .map_err(|error| DoorbellError(error.to_string()))
                })
                .collect();
            let answer = self
                .client()
                .send_message_batch()
                .queue_url(url)
                .set_entries(Some(entries?))
                .send()
                .await
                .map_err(|error| DoorbellError(error.into_service_error().to_string()))?;
            if let Some(failed) = answer.failed().first() {
                return Err(DoorbellError(format!("{} of a batch refused: {}", answer.failed().len(), failed.code())));
            }
        }
        Ok(())
    }

    async fn depth(&self, kind: WorkKind) -> Result<Depth, DoorbellError> {
        let live = self.attributes(Self::url(&self.urls, kind)?).await?;
        let count = |name: &str| live.get(name).copied().unwrap_or(0);
        // A function without the dead-letter queue's URL only wants the live counts.
        let dead = match self.dead.get(&kind) {
            Some(url) => self.attributes(url).await?.get("ApproximateNumberOfMessages").copied().unwrap_or(0),
            None => 0,
        };
        Ok(Depth {
            waiting: count("ApproximateNumberOfMessages"),
            in_flight: count("ApproximateNumberOfMessagesNotVisible"),
            delayed: count("ApproximateNumberOfMessagesDelayed"),
            dead,
        })
    }

    async fn redrive(&self, kind: WorkKind) -> Result<Option<u64>, DoorbellError> {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let dead = Self::url(&self.dead, kind)?;
        let attributes = self
            .client()
            .get_queue_attributes()
            .queue_url(dead)
            .attribute_names(Name::QueueArn)
            .attribute_names(Name::ApproximateNumberOfMessages)
            .send()
            .await
            .map_err(|error| DoorbellError(error.into_service_error().to_string()))?
            .attributes
            .unwrap_or_default();
        let arn = attributes.get(&Name::QueueArn).ok_or_else(|| DoorbellError("the queue has no ARN".to_owned()))?;
        self.client()
            .start_message_move_task()
            .source_arn(arn)
            .send()
            .await
            .map_err(|error| DoorbellError(error.into_service_error().to_string()))?;
        Ok(attributes.get(&Name::ApproximateNumberOfMessages).and_then(|text| text.parse().ok()))
    }
}
