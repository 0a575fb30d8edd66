//! The bundle as a user deploys it: template.yaml and the release `bootstrap`, by `sam deploy`, into an AWS account that
//! was not written here (ministack: CloudFormation with the SAM transform, HTTP API, Lambda, SQS, EventBridge with its
//! Scheduler, DynamoDB, KMS). tests/deploy/deploy.py does it and lists every way in which the emulator differs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::eventually;
use crate::place::Place;
use crate::process::{Child, Result, Tool, free_port, repository};
use crate::stack::{Stack, World};

/// How long `sam deploy` of the whole bundle may take on a busy machine.
const DEPLOYED_WITHIN: Duration = Duration::from_secs(600);

/// A deployed bundle.
pub struct Deployment {
    client: Client,
    world: World,
    /// A local stack that is nothing but the issuer of the callers' tokens.
    issuer: Stack,
    facts: Value,
    aws: Client,
    heard: Mutex<Vec<Value>>,
    /// The account, which goes with it.
    _account: Child,
    _work: tempfile::TempDir,
}

/// What a deployment needs on this machine.
#[derive(Debug, Clone)]
pub struct Tools {
    bootstrap: PathBuf,
    ministack: PathBuf,
    python: PathBuf,
}

impl Tools {
    /// Where they are; a printed line says what is missing.
    #[must_use]
    pub fn or_skip(test: &str) -> Option<Self> {
        let python = Tool::Sam.or_skip(test)?.with_file_name("python");
        Some(Self { bootstrap: Tool::Bootstrap.or_skip(test)?, ministack: Tool::Ministack.or_skip(test)?, python })
    }
}

impl Deployment {
    /// Starts an empty account and deploys into it.
    ///
    /// # Errors
    /// When the account does not come up, or the deployment fails; the sentence holds the reason.
    pub async fn start(tools: &Tools) -> Result<Self> {
        let (world, work, port) = (World::start().await?, tempfile::tempdir()?, free_port()?);
        let issuer = Stack::with(World::start().await?, &[]).await?;
        let address = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(&tools.ministack);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", work.path())
            .env("TMPDIR", work.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // Each function acts as its own role: signatures are checked, and what its policy does not allow is refused.
            .env("AUTH", "true")
            // What it hands to the functions for an endpoint.
            .env("AWS_ENDPOINT_URL", &address)
            .current_dir(work.path());
        let account = Child::spawn(command)?;
        account.wait_for_line("the account", Duration::from_secs(60), |line| line.contains("Running on")).await?;

        let own = issuer.client.base().trim_start_matches("http://").to_owned();
        let parameters = [
            format!("PublicUrl={address}"),
            format!("Issuer={}/local", issuer.client.base()),
            "AllowedOrigins=https://app.example.com".to_owned(),
            format!("Upstream={}", world.origin),
            format!("LoopbackAllow={own}"),
        ];
        let mut deploy = Command::new(&tools.python);
        deploy.arg(repository().join("tests/deploy/deploy.py"));
        deploy.arg("--template").arg(repository().join("template.yaml")).arg("--bootstrap").arg(&tools.bootstrap);
        deploy.arg("--work").arg(work.path());
        for parameter in &parameters {
            deploy.arg("--parameter").arg(parameter);
        }
        deploy.env("AWS_ENDPOINT_URL", &address).env("SAM_CLI_TELEMETRY", "0");
        // The account's root, where data calls without a credential land, too.
        deploy.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        deploy.env("AWS_DEFAULT_REGION", "us-east-1");
        let deploying = Child::spawn(deploy)?;
        let line = deploying.wait_for_line("the deployment", DEPLOYED_WITHIN, |line| line.starts_with('{')).await?;
        let facts: Value = serde_json::from_str(&line)?;
        let client = Client::new(facts["endpoint"].as_str().unwrap_or_default())?;
        let aws = Client::new(&address)?;
        Ok(Self { client, world, issuer, facts, aws, heard: Mutex::default(), _account: account, _work: work })
    }

    /// How many resources the stack has.
    #[must_use]
    pub fn resources(&self) -> u64 {
        self.facts["resources"].as_u64().unwrap_or_default()
    }

    /// The address of a queue, by the logical id that the template gives it.
    fn queue(&self, logical: &str) -> Result<&str> {
        self.facts["queues"][logical].as_str().ok_or_else(|| format!("the template has no {logical}").into())
    }

    /// The lines of the functions' log that tell of trouble, for whoever reads a failed test.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn trouble(&self) -> Result<Vec<String>> {
        let asked = json!({"logGroupName": "/herald/herald", "filterPattern": "ERROR", "limit": 50});
        let got = self.call("logs", "Logs_20140328.FilterLogEvents", &asked).await?;
        let lines = got["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
        Ok(lines.map(str::to_owned).collect())
    }

    async fn sqs(&self, action: &str, body: &Value) -> Result<Value> {
        self.call("sqs", &format!("AmazonSQS.{action}"), body).await
    }

    async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let scope = format!("test/20260101/us-east-1/{service}/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let kind = if service == "sqs" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" };
        let headers = [("content-type", kind), ("x-amz-target", target), ("authorization", signed.as_str())];
        let reply = self.aws.send(reqwest::Method::POST, "/", &headers, Some(body.to_string().into_bytes())).await?;
        if reply.status == 200 {
            Ok(reply.body)
        } else {
            Err(format!("{target}: {} {}", reply.status, reply.text).into())
        }
    }
}

/// `ingest` → `Ingest`, as the template's logical ids begin.
fn logical(kind: &str, rest: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(rest.chars()).collect()
}

impl Place for Deployment {
    fn client(&self) -> &Client {
        &self.client
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn token(&self, query: &str) -> Result<String> {
        self.issuer.token(query).await
    }

    async fn send(&self, kind: &str, body: &str) -> Result<()> {
        let message = json!({"QueueUrl": self.queue(&logical(kind, "Queue"))?, "MessageBody": body});
        self.sqs("SendMessage", &message).await.map(drop)
    }

    async fn lose_messages(&self) -> Result<()> {
        for kind in ["ingest", "refresh", "erase", "publish", "notify", "bulk", "sweep"] {
            self.sqs("PurgeQueue", &json!({"QueueUrl": self.queue(&logical(kind, "Queue"))?})).await?;
        }
        Ok(())
    }

    /// What was received comes back after 390 s, five times: the queue is told to hide it for a second.
    async fn wear_out(&self, kind: &str, body: &str) -> Result<()> {
        let (queue, dead) = (self.queue(&logical(kind, "Queue"))?, self.queue(&logical(kind, "DeadLetters"))?);
        let soon = json!({"QueueUrl": queue, "Attributes": {"VisibilityTimeout": "1"}});
        self.sqs("SetQueueAttributes", &soon).await?;
        self.send(kind, body).await?;
        let asked = json!({"QueueUrl": dead, "AttributeNames": ["ApproximateNumberOfMessages"]});
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.sqs("GetQueueAttributes", &asked).await?["Attributes"]["ApproximateNumberOfMessages"] == "0" {
            if Instant::now() > deadline {
                return Err("no dead letter within a minute".into());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(())
    }

    /// The emulator has no `StartMessageMoveTask`.
    fn redrives(&self) -> bool {
        false
    }

    async fn told(&self) -> Result<Vec<Value>> {
        let queue = self.facts["heard"].as_str().ok_or("nobody listens to the bus")?;
        loop {
            let got = self.sqs("ReceiveMessage", &json!({"QueueUrl": queue, "MaxNumberOfMessages": 10})).await?;
            let messages = got["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let gone = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.sqs("DeleteMessage", &gone).await?;
                let event = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
                self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event);
            }
        }
        Ok(self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
    }

    /// Nobody's clock can be moved here.
    async fn pass(&self, time: Duration) -> Result<()> {
        tokio::time::sleep(time).await;
        Ok(())
    }
}

/// Waits until somebody outside was told of something of this name about this post.
///
/// # Errors
/// When nobody was, in time.
pub async fn is_told(place: &impl Place, name: &str, post: &str) -> Result<usize> {
    let mut count = 0;
    eventually::until(name, async || {
        let told = place.told().await?;
        count = told.iter().filter(|event| event["detail-type"] == name && event["detail"]["postId"] == post).count();
        Ok(count > 0)
    })
    .await?;
    Ok(count)
}
