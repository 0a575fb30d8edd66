//! The release binary under the Lambda Runtime Interface Emulator, with the events of `events/`: a route, a schedule and
//! a worker do the main job between them.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use herald_tests::eventually::until;
use herald_tests::process::{Child, Result, Tool, free_port, repository};
use herald_tests::stack::Stack;
use serde_json::{Value, json};

/// AWS at one address: DynamoDB is the stack's own, SQS keeps what it is sent.
#[derive(Clone)]
struct Aws {
    http: reqwest::Client,
    database: String,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl Aws {
    async fn start(stack: &Stack) -> Result<(Self, String)> {
        let database = stack.client.get("/local/database").await?.expect(200).text_of("url").to_owned();
        let aws = Self { http: stack.client.http().clone(), database, sent: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(aws.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((aws, origin))
    }

    fn sent(&self) -> Vec<Value> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a message as `SendMessage` answers it.
    fn keep(&self, message: &Value) -> Value {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(serde_json::from_str(message["MessageBody"].as_str().unwrap_or_default()).unwrap_or_default());
        json!({"MessageId": sent.len().to_string(), "Id": message["Id"], "MD5OfMessageBody": ""})
    }
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let entries = || asked["Entries"].as_array().cloned().unwrap_or_default();
    let reply = match target.as_str() {
        "AmazonSQS.SendMessage" => aws.keep(&asked),
        "AmazonSQS.SendMessageBatch" => {
            json!({"Successful": entries().iter().map(|entry| aws.keep(entry)).collect::<Vec<_>>(), "Failed": []})
        }
        "AmazonSQS.GetQueueAttributes" => json!({"Attributes": {
            "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
        }}),
        _ => {
            let mut request = aws.http.post(&aws.database).body(body);
            for (name, value) in &headers {
                if name != "host" && name != "content-length" {
                    request = request.header(name, value);
                }
            }
            return match request.send().await {
                Ok(found) => (found.status(), found.bytes().await.unwrap_or_default()).into_response(),
                Err(_) => StatusCode::BAD_GATEWAY.into_response(),
            };
        }
    };
    ([("content-type", "application/x-amz-json-1.0")], reply.to_string()).into_response()
}

/// One function under the emulator.
struct Function {
    address: String,
    http: reqwest::Client,
    child: Child,
}

impl Function {
    fn start(rie: &Path, bootstrap: &Path, handler: &str, stack: &Stack, aws: &str) -> Result<Self> {
        let (address, api) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?));
        let (_, host) = stack.client.base().split_once("//").ok_or("the stack has no address")?;
        let mut command = Command::new(rie);
        command
            .args(["--log-level", "error", "--runtime-interface-emulator-address", &address])
            .args(["--runtime-api-address", &api])
            .arg(bootstrap)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("_HANDLER", handler)
            .env("AWS_LAMBDA_FUNCTION_NAME", handler.replace('.', "-"))
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "30")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL", aws)
            .env("HERALD_TABLE", "Table")
            .env("HERALD_PUBLIC_URL", stack.client.base())
            .env("HERALD_ISSUER", format!("{}/local", stack.client.base()))
            .env("HERALD_AUDIENCE", "herald")
            .env("HERALD_UPSTREAM", &stack.world.origin)
            .env("HERALD_LOOPBACK_ALLOW", host);
        for kind in ["INGEST", "REFRESH", "ERASE"] {
            command.env(format!("HERALD_QUEUE_{kind}"), format!("{aws}/000000000000/{kind}"));
        }
        Ok(Self { address, http: stack.client.http().clone(), child: Child::spawn(command)? })
    }

    /// Sends an event and answers what the function answered. An emulated failure is a 200 too, so the body decides.
    async fn invoke(&self, event: &Value) -> Result<Value> {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        until("the emulator listens", async || Ok(tokio::net::TcpStream::connect(&self.address).await.is_ok())).await?;
        let text = self.http.post(url).body(event.to_string()).send().await?.text().await?;
        let answer: Value = serde_json::from_str(&text).map_err(|_| format!("{text} {:?}", self.child.lines()))?;
        assert!(answer.get("errorType").is_none(), "{answer} {:?}", self.child.lines());
        Ok(answer)
    }
}

fn event(handler: &str) -> Result<Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(repository().join(format!("events/{handler}.json")))?)?)
}

#[tokio::test]
async fn the_release_binary_does_the_main_job_under_the_emulator() -> Result<()> {
    let name = "the_release_binary_does_the_main_job_under_the_emulator";
    let (Some(rie), Some(bootstrap)) = (Tool::Rie.or_skip(name), Tool::Bootstrap.or_skip(name)) else { return Ok(()) };
    let stack = Stack::start().await?;
    let stopped = stack.control("/faults", &json!({"kind": "workers_stopped", "on": true})).await?;
    assert_eq!(stopped.status / 100, 2, "{}", stopped.text);
    let admin = stack.admin("demo").await?;
    admin.talent("talent_demo").await?;
    let (aws, address) = Aws::start(&stack).await?;

    // The route: as API Gateway would send it, with a token of this stack.
    let route = Function::start(&rie, &bootstrap, "connections.connect_manual", &stack, &address)?;
    let mut request = event("connections.connect_manual")?;
    request["headers"]["authorization"] = json!(format!("Bearer {}", stack.token("workspace=demo&role=admin").await?));
    let answer = route.invoke(&request).await?;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    assert_eq!((&body["handle"], &body["syncStatus"]), (&json!("demo.bsky.social"), &json!("PENDING")));
    let id = body["connectionId"].as_str().unwrap_or_default().to_owned();
    let rings = aws.sent();
    assert_eq!(rings.len(), 1, "one commit, one ring");

    // The same request again is answered by its idempotency key, and without a token by nobody.
    assert_eq!(route.invoke(&request).await?["headers"]["idempotency-replayed"], "true");
    request["headers"]["authorization"] = json!("Bearer forged");
    assert_eq!(route.invoke(&request).await?["statusCode"], 401);

    // The schedule finds the row by itself and rings for it too.
    let schedule = Function::start(&rie, &bootstrap, "schedules.ring_due", &stack, &address)?;
    assert_eq!(schedule.invoke(&event("schedules.ring_due")?).await?, json!({}));
    assert_eq!(aws.sent().get(1), rings.first(), "ring_due rings for the row that is due");

    // The worker, told by the message that was sent and by one that names nothing.
    let worker = Function::start(&rie, &bootstrap, "workers.ingest", &stack, &address)?;
    let mut batch = event("workers.ingest")?;
    batch["Records"][0]["body"] = json!(rings[0].to_string());
    assert_eq!(worker.invoke(&batch).await?["batchItemFailures"], json!([]));
    let ready = admin.settled("talent_demo", &id, Duration::from_secs(5), |c| c["syncStatus"] != "PENDING").await?;
    let truth = stack.world.account("BLUESKY", "demo.bsky.social").await?;
    assert_eq!(ready["syncStatus"], "READY", "{ready}");
    assert_eq!(ready["profile"]["followerCount"], truth["followerCount"]);
    Ok(())
}
