//! The stack's rows, looked at from outside: DynamoDB's wire format over plain HTTP.

use serde_json::{Value, json};

use crate::process::Result;
use crate::stack::Stack;

/// The table of a running stack. A stack that was started again listens elsewhere.
#[derive(Debug, Clone)]
pub struct Rows {
    http: reqwest::Client,
    url: String,
}

impl Rows {
    /// The table of `stack`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn of(stack: &Stack) -> Result<Self> {
        let url = stack.client.get("/local/database").await?.expect(200).text_of("url").to_owned();
        Ok(Self { http: stack.client.http().clone(), url })
    }

    /// Any operation on the table.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn call(&self, operation: &str, mut request: Value) -> Result<Value> {
        request["TableName"] = json!("Table");
        let signature = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                         SignedHeaders=host;x-amz-date, Signature=00";
        let answer = self
            .http
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signature)
            .body(request.to_string())
            .send()
            .await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status != 200 {
            return Err(format!("{operation}: {status} {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// The rows of a partition whose sort key begins with `prefix`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn of_partition(&self, pk: &str, prefix: &str) -> Result<Vec<Value>> {
        let condition = if prefix.is_empty() { "pk = :pk" } else { "pk = :pk AND begins_with(sk, :prefix)" };
        let mut values = json!({":pk": {"S": pk}});
        if !prefix.is_empty() {
            values[":prefix"] = json!({"S": prefix});
        }
        let request = json!({"KeyConditionExpression": condition, "ExpressionAttributeValues": values});
        self.pages("Query", request).await
    }

    /// Every row.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn all(&self) -> Result<Vec<Value>> {
        self.pages("Scan", json!({})).await
    }

    /// How many publications of a connection are stored.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn publications(&self, workspace: &str, connection: &str) -> Result<usize> {
        Ok(self.of_partition(&format!("w#{workspace}#c#{connection}"), "pub#").await?.len())
    }

    async fn pages(&self, operation: &str, mut request: Value) -> Result<Vec<Value>> {
        request["ConsistentRead"] = json!(true);
        let mut rows = Vec::new();
        loop {
            let mut page = self.call(operation, request.clone()).await?;
            rows.extend(page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page.get("LastEvaluatedKey") {
                None | Some(Value::Null) => return Ok(rows),
                Some(key) => request["ExclusiveStartKey"] = key.clone(),
            }
        }
    }
}
