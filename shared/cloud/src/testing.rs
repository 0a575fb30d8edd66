//! What tests of several modules need: a table that answers the real SDK, and a small HTTP server that stands in for
//! the outside world.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use outbound::{NoProbe, Probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::sdk::AwsConfig;
use crate::table::Table;

/// An empty table with the indexes of the template, in memory, for one test.
pub async fn table() -> Table {
    table_seen_by(Arc::new(NoProbe)).await
}

/// The same with a probe at every call of the SDK.
pub async fn table_seen_by(probe: Arc<dyn Probe>) -> Table {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    let client = aws_sdk_dynamodb::Client::new(&AwsConfig::local(endpoint).sdk_config(probe));
    let attribute =
        |name: &str, kind| AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap();
    client
        .create_table()
        .table_name("herald")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .attribute_definitions(attribute("month", ScalarAttributeType::S))
        .attribute_definitions(attribute("month_sort", ScalarAttributeType::S))
        .set_key_schema(Some(schema("pk", "sk")))
        .global_secondary_indexes(index(
            "due",
            ("due", "due_at"),
            Projection::builder().projection_type(ProjectionType::KeysOnly),
        ))
        .global_secondary_indexes(index(
            "by_workspace",
            ("month", "month_sort"),
            Projection::builder()
                .projection_type(ProjectionType::Include)
                .non_key_attributes("shown")
                .non_key_attributes("sync_status"),
        ))
        .send()
        .await
        .unwrap();
    Table::new(client, "herald".to_owned(), 8)
}

fn schema(hash: &str, range: &str) -> Vec<KeySchemaElement> {
    [(hash, KeyType::Hash), (range, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap())
        .collect()
}

fn index(
    name: &str,
    (hash, range): (&str, &str),
    projection: aws_sdk_dynamodb::types::builders::ProjectionBuilder,
) -> GlobalSecondaryIndex {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(schema(hash, range)))
        .projection(projection.build())
        .build()
        .unwrap()
}

/// An account that was linked a moment ago.
pub fn connection() -> domain::Connection {
    let (talent, linked) = (domain::TalentId::parse("ann").unwrap(), "2026-11-01T10:00:00.001Z".parse().unwrap());
    domain::Connection {
        id: domain::ConnectionId::new(&talent, domain::Platform::Instagram, linked),
        workspace: domain::WorkspaceId::parse("w").unwrap(),
        talent,
        platform: domain::Platform::Instagram,
        handle: "ann".to_owned(),
        profile_url: "https://i.example/ann".to_owned(),
        connection_type: domain::ConnectionType::Manual,
        connected: true,
        paused: false,
        sync_status: domain::SyncStatus::Pending,
        sync_error: None,
        next_retry_at: None,
        attempts: 0,
        last_synced_at: None,
        created_at: linked,
        updated_at: linked,
        token_expires_at: None,
        scopes: Vec::new(),
        missing_scopes: Vec::new(),
        platform_account_id: None,
        profile: None,
        averages: domain::connection::Averages::default(),
    }
}

/// A request that a [`Stage`] was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Path and query.
    pub path: String,
    /// The `X-Amz-Target` header, where an AWS client sent it.
    pub target: String,
    /// The body.
    pub body: String,
}

/// An HTTP server on this machine whose answers are set by the test.
pub struct Stage {
    /// `http://127.0.0.1:{port}`
    pub origin: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Stage {
    /// A server that answers each request with the status and JSON body that `answer` gives.
    pub async fn new(answer: impl Fn(&Sent) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&sent), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut socket).await else { return };
                    let (status, body) = answer(&request);
                    seen.lock().unwrap().push(request);
                    let head = format!(
                        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = socket.write_all((head + &body).as_bytes()).await;
                });
            }
        });
        Self { origin, sent }
    }

    /// What was asked so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

async fn read_request(socket: &mut tokio::net::TcpStream) -> Option<Sent> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = socket.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let length = header("content-length").and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
        if body.len() >= length {
            let target = header("x-amz-target").map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
            let path = head.split(' ').nth(1)?.to_owned();
            return Some(Sent { path, target, body: body.to_owned() });
        }
    }
}
