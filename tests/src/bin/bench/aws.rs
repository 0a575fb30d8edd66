//! AWS on this machine, over TLS: DynamoDB is the running stack's own; SQS, KMS and EventBridge say what they have to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use axum::{Json, Router};
use herald_tests::process::Result;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A data key of 32 bytes, in base64. What is sealed with it never leaves this run.
const DATA_KEY: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

/// What stands in for AWS.
pub struct Aws {
    /// Its https origin.
    pub origin: String,
    database: String,
    http: reqwest::Client,
    calls: Mutex<BTreeMap<String, u64>>,
    rings: Mutex<VecDeque<Left>>,
    told: Mutex<Vec<Value>>,
}

/// A message that was left with a queue.
pub struct Left {
    /// The row that it names.
    pub ring: Value,
    /// When its delay is over and a worker would be told.
    pub due: Instant,
}

impl Aws {
    /// Serves in front of the DynamoDB at `database` until this process ends.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(acceptor: TlsAcceptor, database: &str) -> Result<Arc<Self>> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let aws = Arc::new(Self {
            origin: format!("https://{}", tcp.local_addr()?),
            database: database.to_owned(),
            http: reqwest::Client::builder().no_proxy().build()?,
            calls: Mutex::default(),
            rings: Mutex::default(),
            told: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&aws));
        tokio::spawn(async move { axum::serve(TlsListener { tcp, acceptor }, router).await });
        Ok(aws)
    }

    /// The calls since the last time, by service.
    pub fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut lock(&self.calls))
    }

    /// The oldest message of a kind that nobody has taken yet.
    pub fn take_ring(&self, kind: &str) -> Option<Value> {
        self.take_left(|ring| ring["kind"] == kind).map(|left| left.ring)
    }

    /// The oldest message that `fits` and that nobody has taken yet.
    pub fn take_left(&self, fits: impl Fn(&Value) -> bool) -> Option<Left> {
        let mut rings = lock(&self.rings);
        let at = rings.iter().position(|left| fits(&left.ring))?;
        rings.remove(at)
    }

    /// What the event bus was told since the last time: the details.
    pub fn take_told(&self) -> Vec<Value> {
        std::mem::take(&mut lock(&self.told))
    }

    fn keep(&self, message: &Value) {
        let delay = Duration::from_secs(message["DelaySeconds"].as_u64().unwrap_or_default());
        let ring = message["MessageBody"].as_str().and_then(|body| serde_json::from_str(body).ok());
        lock(&self.rings).extend(ring.map(|ring| Left { ring, due: Instant::now() + delay }));
    }

    fn tell(&self, entry: &Value) {
        let detail = entry["Detail"].as_str().and_then(|text| serde_json::from_str(text).ok());
        lock(&self.told).extend(detail);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(aws): State<Arc<Aws>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or((target, ""));
    let name = match service {
        "AmazonSQS" => "SQS",
        "TrentService" => "KMS",
        "AWSEvents" => "EventBridge",
        _ => "DynamoDB",
    };
    *lock(&aws.calls).entry(name.to_owned()).or_default() += 1;
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (name, operation) {
        ("SQS", "SendMessage") => {
            aws.keep(&said);
            Json(json!({"MessageId": "1", "MD5OfMessageBody": "-"})).into_response()
        }
        ("SQS", "SendMessageBatch") => {
            let entries = said["Entries"].as_array().cloned().unwrap_or_default();
            entries.iter().for_each(|entry| aws.keep(entry));
            let taken = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "-"});
            Json(json!({"Successful": entries.iter().map(taken).collect::<Vec<_>>(), "Failed": []})).into_response()
        }
        ("SQS", "GetQueueAttributes") => {
            Json(json!({"Attributes": {"ApproximateNumberOfMessages": "0", "QueueArn": "arn:aws:sqs:us-east-1:0:q"}}))
                .into_response()
        }
        ("SQS", _) => Json(json!({"TaskHandle": "1"})).into_response(),
        ("EventBridge", _) => {
            let entries = said["Entries"].as_array().cloned().unwrap_or_default();
            entries.iter().for_each(|entry| aws.tell(entry));
            let taken: Vec<Value> = entries.iter().map(|_| json!({"EventId": "1"})).collect();
            Json(json!({"FailedEntryCount": 0, "Entries": taken})).into_response()
        }
        ("KMS", _) => Json(json!({"KeyId": "key", "Plaintext": DATA_KEY, "CiphertextBlob": DATA_KEY})).into_response(),
        _ => match forward(&aws, headers, body).await {
            Ok(response) => response,
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        },
    }
}

async fn forward(aws: &Aws, mut headers: HeaderMap, body: Bytes) -> Result<Response> {
    for own in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
        headers.remove(own);
    }
    let answer = aws.http.post(&aws.database).headers(headers).body(body).send().await?;
    let status = answer.status();
    let crc = HeaderName::from_static("x-amz-crc32");
    let kept: HeaderMap = [header::CONTENT_TYPE, crc]
        .into_iter()
        .filter_map(|name| Some((name.clone(), answer.headers().get(&name)?.clone())))
        .collect();
    Ok((status, kept, answer.bytes().await?).into_response())
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, from)) = self.tcp.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            // A handshake that fails is the caller's to report.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
