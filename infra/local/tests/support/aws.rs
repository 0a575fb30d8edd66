//! KMS and SQS as they may answer on a bad day, in front of a real table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What a call meets in place of its answer.
#[derive(Debug, Clone)]
pub enum Bad {
    /// This status and body.
    Says(u16, &'static str),
    /// Nothing, for ever.
    Hangs,
}

/// Every way in which a service can fail that may pass.
pub const PASSING: [(&str, Bad); 6] = [
    ("a fault of the service", Bad::Says(500, r#"{"__type":"InternalFailure","message":"x"}"#)),
    ("a gateway's page", Bad::Says(502, "<html>bad gateway</html>")),
    ("a missing right", Bad::Says(400, r#"{"__type":"AccessDeniedException","Message":"no secret-of-the-request"}"#)),
    ("too many calls", Bad::Says(400, r#"{"__type":"ThrottlingException","message":"slow down"}"#)),
    ("no JSON", Bad::Says(200, "<html>")),
    ("half an answer", Bad::Says(200, r#"{"Plaintext":"#)),
];

/// The services.
#[derive(Default)]
pub struct Aws {
    bad: Mutex<BTreeMap<&'static str, Bad>>,
    calls: Mutex<BTreeMap<String, Vec<Value>>>,
}

impl Aws {
    /// From now on `operation` fails like this.
    pub fn fail(&self, operation: &'static str, bad: Bad) {
        self.bad.lock().unwrap().insert(operation, bad);
    }

    /// Everything is well again.
    pub fn heal(&self) {
        self.bad.lock().unwrap().clear();
    }

    /// What was asked of an operation since the last look.
    pub fn taken(&self, operation: &str) -> Vec<Value> {
        self.calls.lock().unwrap().remove(operation).unwrap_or_default()
    }

    /// Serves in front of a table; answers where.
    pub async fn serve(self: &Arc<Self>, table: String) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let aws = Arc::clone(self);
        let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let (aws, client, table) = (Arc::clone(&aws), client.clone(), table.clone());
            async move { aws.answer(&client, &table, headers, body).await }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        origin
    }

    async fn answer(&self, client: &reqwest::Client, table: &str, headers: HeaderMap, body: Bytes) -> Response {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let bad = self.bad.lock().unwrap().get(operation).cloned();
        match bad {
            Some(Bad::Says(status, body)) => return said(status, body.to_owned()),
            Some(Bad::Hangs) => tokio::time::sleep(Duration::from_secs(3600)).await,
            None => {}
        }
        if service.starts_with("DynamoDB") {
            let answer = client.post(table).headers(headers).body(body).send().await.unwrap();
            return said(answer.status().as_u16(), answer.text().await.unwrap());
        }
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let key = STANDARD.encode([7; 32]);
        let answer = match operation {
            "GenerateDataKey" => json!({"Plaintext": key, "CiphertextBlob": STANDARD.encode("wrapped"), "KeyId": "k"}),
            "Decrypt" => json!({"Plaintext": key, "KeyId": "k"}),
            "SendMessage" => json!({"MessageId": "m", "MD5OfMessageBody": "m"}),
            "SendMessageBatch" => {
                let sent = asked["Entries"].as_array().into_iter().flatten();
                let sent = sent.map(|entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "m"}));
                json!({"Successful": sent.collect::<Vec<_>>(), "Failed": []})
            }
            "GetQueueAttributes" => json!({"Attributes": {"ApproximateNumberOfMessages": "0",
                "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
                "QueueArn": "arn:aws:sqs:us-east-1:1:ingest-dead"}}),
            "StartMessageMoveTask" => json!({"TaskHandle": "t"}),
            other => panic!("{service}.{other} is not expected"),
        };
        self.calls.lock().unwrap().entry(operation.to_owned()).or_default().push(asked);
        said(200, answer.to_string())
    }
}

fn said(status: u16, body: String) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.body(Body::from(body)).unwrap()
}
