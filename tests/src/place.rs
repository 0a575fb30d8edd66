//! Where Herald runs: on a laptop, or deployed. A suite that takes a [`Place`] does not know which of the two it talks to.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::Result;
use crate::stack::{Stack, World};

/// A running Herald, and what stands around it.
#[allow(async_fn_in_trait, reason = "used by this package's tests alone")]
pub trait Place {
    /// The caller without a credential.
    fn client(&self) -> &Client;

    /// The platforms that it sees.
    fn world(&self) -> &World;

    /// A token of its issuer, by the query of the local stack's `/local/token`.
    async fn token(&self, query: &str) -> Result<String>;

    /// Puts a message into the queue of a kind of work.
    async fn send(&self, kind: &str, body: &str) -> Result<()>;

    /// Loses every message that waits in any queue.
    async fn lose_messages(&self) -> Result<()>;

    /// Puts a message into a queue whose worker keeps giving it back, until it is a dead letter.
    async fn wear_out(&self, kind: &str, body: &str) -> Result<()>;

    /// Whether dead letters can be moved back here.
    fn redrives(&self) -> bool;

    /// What the outside was told so far: `{"detail-type", "detail", …}` each, in the order in which it was told.
    async fn told(&self) -> Result<Vec<Value>>;

    /// Lets this much time pass, with all that happens in it.
    async fn pass(&self, time: Duration) -> Result<()>;

    /// A caller who is staff of a workspace.
    ///
    /// # Errors
    /// When there is no answer.
    async fn admin(&self, workspace: &str) -> Result<Client> {
        Ok(self.client().with_token(self.token(&format!("workspace={workspace}&role=admin&ttl=86400")).await?))
    }
}

impl Place for Stack {
    fn client(&self) -> &Client {
        &self.client
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn token(&self, query: &str) -> Result<String> {
        Self::token(self, query).await
    }

    async fn send(&self, kind: &str, body: &str) -> Result<()> {
        let path = format!("/local/queues/{kind}");
        let sent = self.client.send(Method::POST, &path, &[], Some(body.as_bytes().to_vec())).await?;
        if sent.status == 202 { Ok(()) } else { Err(sent.text.into()) }
    }

    async fn lose_messages(&self) -> Result<()> {
        let _ = self.client.delete("/local/queues").await?.expect(200);
        Ok(())
    }

    async fn wear_out(&self, kind: &str, body: &str) -> Result<()> {
        Place::send(self, kind, body).await?;
        let seen =
            async || -> Result<Value> { Ok(self.client.get("/local/queues").await?.expect(200).body[kind].clone()) };
        loop {
            crate::eventually::until("the worker has given it back", async || {
                let queue = seen().await?;
                Ok(queue["waiting"] == 0 && (queue["in_flight"] != 0 || queue["dead"] != 0))
            })
            .await?;
            if seen().await?["dead"] != 0 {
                return Ok(());
            }
            // Longer than any queue hides what was received.
            Self::pass(self, 400).await?;
        }
    }

    fn redrives(&self) -> bool {
        true
    }

    async fn told(&self) -> Result<Vec<Value>> {
        let all = self.client.get("/local/events").await?.expect(200).body["events"].clone();
        Ok(all.as_array().cloned().unwrap_or_default())
    }

    async fn pass(&self, time: Duration) -> Result<()> {
        for _ in 0..time.as_secs() {
            Self::pass(self, 1).await?;
        }
        let _ = self.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        Ok(())
    }
}
