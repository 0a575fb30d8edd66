//! The handlers on a real table, with a clock that only moves when told, and a doorbell that only remembers.

#[allow(dead_code)] // every test file uses its part
pub mod aws;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloud::Doorbell;
use cloud::auth::Signer;
use cloud::doorbell::{Depth, DoorbellError, Ring};
use cloud::sdk::AwsConfig;
use cloud::vault::LocalKeys;
use domain::clock::ManualClock;
use domain::due::WorkKind;
use domain::{Clock, Connection, ConnectionId, WorkspaceId};
use functions::app::{App, Parts};
use functions::handlers;
use functions::runtime;
use jiff::{SignedDuration, Timestamp};
use local::database::Database;
use local::tables;
use local::template::Template;
use outbound::{Crossing, Phase, Probe};
use serde_json::{Value, json};

/// What was rung, in order.
#[derive(Default)]
pub struct Memory(Mutex<Vec<(Ring, Duration)>>, Mutex<BTreeMap<WorkKind, Depth>>);

#[allow(dead_code)] // every test file uses its part
impl Memory {
    pub fn taken(&self) -> Vec<(Ring, Duration)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub fn pretend(&self, kind: WorkKind, depth: Depth) {
        self.1.lock().unwrap().insert(kind, depth);
    }
}

#[async_trait]
impl Doorbell for Memory {
    async fn ring_all(&self, _: WorkKind, rings: &[(Ring, Duration)]) -> Result<(), DoorbellError> {
        self.0.lock().unwrap().extend_from_slice(rings);
        Ok(())
    }

    async fn depth(&self, kind: WorkKind) -> Result<Depth, DoorbellError> {
        Ok(self.1.lock().unwrap().get(&kind).copied().unwrap_or_default())
    }

    async fn redrive(&self, _: WorkKind) -> Result<Option<u64>, DoorbellError> {
        Ok(Some(0))
    }
}

/// Counts the calls of the SDK by operation.
#[derive(Default)]
pub struct Counter(Mutex<BTreeMap<String, u32>>);

impl Counter {
    pub fn taken(&self) -> BTreeMap<String, u32> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Probe for Counter {
    fn crossing(&self, crossing: Crossing<'_>, phase: Phase) {
        if phase == Phase::Before && crossing.service != "platform" {
            *self.0.lock().unwrap().entry(crossing.operation.to_owned()).or_default() += 1;
        }
    }
}

pub struct Bench {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub doorbell: Arc<Memory>,
    pub calls: Arc<Counter>,
    pub origin: String,
    signer: Signer,
    _database: Database,
    _folder: tempfile::TempDir,
}

/// Everything starts at this instant.
pub fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

#[allow(dead_code)] // every test file uses its part
impl Bench {
    pub async fn new() -> Self {
        Self::with(&[], None).await
    }

    /// With more variables; with `aws`, queues and keys are those of AWS, which stands at that address.
    pub async fn with(more: &[(&str, &str)], aws: Option<&Arc<aws::Aws>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.sqlite");
        let database = std::thread::spawn(move || Database::start(&file).unwrap()).join().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(simulator::Simulator::default().serve(listener));

        let template =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")).unwrap();
        let template = Template::parse(&template, &BTreeMap::new()).unwrap();
        let upstream = origin.clone();
        let more: BTreeMap<String, String> = more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let variables = move |name: &str| {
            let value = match name {
                _ if more.contains_key(name) => &more[name],
                "HERALD_KMS_KEY" => "arn:aws:kms:us-east-1:1:key/k",
                "HERALD_QUEUE_INGEST" => "https://sqs.us-east-1.amazonaws.com/1/ingest",
                "HERALD_QUEUE_REFRESH" => "https://sqs.us-east-1.amazonaws.com/1/refresh",
                "HERALD_QUEUE_ERASE" => "https://sqs.us-east-1.amazonaws.com/1/erase",
                "HERALD_QUEUE_INGEST_DLQ" => "https://sqs.us-east-1.amazonaws.com/1/ingest-dead",
                "HERALD_TABLE" => "Table",
                "HERALD_PUBLIC_URL" => "http://127.0.0.1:4000",
                "HERALD_ISSUER" => "https://issuer.example",
                "HERALD_AUDIENCE" => "herald",
                "HERALD_RATE_LIMIT" => "100000:100000",
                "HERALD_UPSTREAM" => &upstream,
                "HERALD_TIKTOK_CLIENT_ID" => simulator::TIKTOK_CLIENT_KEY,
                "HERALD_TIKTOK_CLIENT_SECRET" => simulator::TIKTOK_CLIENT_SECRET,
                "HERALD_YOUTUBE_CLIENT_ID" => simulator::YOUTUBE_CLIENT_ID,
                "HERALD_YOUTUBE_CLIENT_SECRET" => simulator::YOUTUBE_CLIENT_SECRET,
                "HERALD_YOUTUBE_API_KEY" => simulator::YOUTUBE_API_KEY,
                _ => return None,
            };
            Some(value.to_owned())
        };
        let clock = Arc::new(ManualClock::at(start()));
        let (doorbell, calls) = (Arc::new(Memory::default()), Arc::new(Counter::default()));
        let table = format!("http://{}", database.address);
        let mut parts = Parts {
            aws: AwsConfig::local(table.clone()),
            doorbell: Some(doorbell.clone()),
            bus: None,
            keys: Some(Arc::new(LocalKeys::open_or_create(&folder.path().join("keys")).unwrap())),
            clock: clock.clone(),
            probe: calls.clone(),
        };
        if let Some(aws) = aws {
            parts = Parts { aws: AwsConfig::local(aws.serve(table).await), doorbell: None, keys: None, ..parts };
        }
        let app = App::new(&variables, parts).unwrap();
        let client = aws_sdk_dynamodb::Client::new(
            &AwsConfig::local(format!("http://{}", database.address)).sdk_config(Arc::new(outbound::NoProbe)),
        );
        for model in &template.tables {
            tables::ensure(&client, model).await.unwrap();
        }
        let signer = Signer::from_pkcs8(&Signer::generate_pkcs8().unwrap()).unwrap();
        app.gate.authenticator().keys().store(signer.jwks()).await.unwrap();
        let bench = Self { app, clock, doorbell, calls, origin, signer, _database: database, _folder: folder };
        bench.put("/api/admin/talents/t", "talents.save", json!({"name": "T"})).await;
        bench.calls.taken();
        bench
    }

    fn token(&self) -> String {
        let now = self.clock.now().as_second();
        let claims = json!({
            "iss": "https://issuer.example", "aud": "herald", "sub": "staff", "iat": now, "exp": now + 600,
            "herald_workspace": "w", "herald_role": "admin",
        });
        self.signer.sign(&claims).unwrap()
    }

    /// Calls a route as staff.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        handler: &str,
        body: Option<Value>,
        headers: Value,
    ) -> (u16, Value) {
        let answer = self.answer(method, path, handler, body, headers).await;
        let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
        (status, serde_json::from_str(answer["body"].as_str().unwrap_or("null")).unwrap_or(Value::Null))
    }

    /// The same; the whole answer, as API Gateway gets it.
    pub async fn answer(&self, method: &str, path: &str, handler: &str, body: Option<Value>, headers: Value) -> Value {
        let mut all = json!({"authorization": format!("Bearer {}", self.token()), "content-type": "application/json"});
        all.as_object_mut().unwrap().extend(headers.as_object().unwrap().clone());
        let name = path.split('/').nth(4).unwrap_or_default();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": all,
            "pathParameters": {"talentId": name, "connectionId": name, "queue": name},
            "requestContext": {"requestId": "r", "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"}},
            "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
        });
        let handler = handlers::find(handler).unwrap();
        serde_json::from_str(&runtime::run(&self.app, handler, &event.to_string()).await.unwrap()).unwrap()
    }

    async fn put(&self, path: &str, handler: &str, body: Value) {
        let (status, answer) = self.call("PUT", path, handler, Some(body), json!({})).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Links an account by handle.
    pub async fn connect(&self, platform: &str, handle: &str) -> ConnectionId {
        let body = json!({"talentId": "t", "platform": platform, "handle": handle});
        let (status, answer) = self
            .call("POST", "/api/admin/socials/connect-manual", "connections.connect_manual", Some(body), json!({}))
            .await;
        assert_eq!(status, 201, "{answer}");
        ConnectionId::parse(answer["connectionId"].as_str().unwrap()).unwrap()
    }

    /// The row behind a connection.
    pub async fn row(&self, id: &ConnectionId) -> cloud::table::connections::Row {
        cloud::table::connections::get(&self.app.table, &WorkspaceId::parse("w").unwrap(), id).await.unwrap().unwrap()
    }

    pub async fn connection(&self, id: &ConnectionId) -> Connection {
        self.row(id).await.connection
    }

    /// Tells a worker of a row, as its queue would.
    pub async fn work(&self, ring: Ring) {
        assert!(self.works(ring).await, "the message goes back to the queue");
    }

    /// The same; false when the message goes back to the queue.
    pub async fn works(&self, ring: Ring) -> bool {
        let name = format!("workers.{}", ring.kind.as_str());
        let body = serde_json::to_string(&ring).unwrap();
        let event = json!({"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q", "awsRegion": "us-east-1"}]});
        let handler = handlers::find(&name).unwrap();
        let answer: Value =
            serde_json::from_str(&runtime::run(&self.app, handler, &event.to_string()).await.unwrap()).unwrap();
        answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty)
    }

    pub async fn ring_due(&self) -> Vec<(Ring, Duration)> {
        self.doorbell.taken();
        functions::schedules::ring_due::handle(&self.app).await.unwrap();
        self.doorbell.taken()
    }

    pub fn pass(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// An instant that is so far ahead.
    pub fn clock_at(&self, ahead: SignedDuration) -> Timestamp {
        self.clock.now() + ahead
    }

    /// Time passes, here and in the world.
    pub async fn pass_everywhere(&self, by: SignedDuration) {
        self.pass(by);
        self.world(reqwest::Method::POST, "/clock", json!({"advanceSeconds": by.as_secs()})).await;
    }

    /// Orders something of the simulator.
    pub async fn world(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer =
            client.request(method, format!("{}/_control{path}", self.origin)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    pub async fn fault(&self, fault: Value) {
        self.world(reqwest::Method::POST, "/faults", fault).await;
    }

    /// How many requests a platform has had.
    pub async fn requests(&self, platform: &str) -> usize {
        let path = format!("/requests?platform={platform}");
        self.world(reqwest::Method::GET, &path, json!(null)).await.as_array().unwrap().len()
    }
}
