//! What each function's policy lets it do with the table. The local stack refuses what AWS would, so that a missing right
//! is found here and not after a deployment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::intrinsic;
use crate::template::Template;

/// An action on the table, or on one of its indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// As in `dynamodb:GetItem`, without the service.
    pub action: String,
    /// The index; `None`: the table itself.
    pub index: Option<String>,
}

/// The rights of every handler.
#[derive(Debug, Default)]
pub struct Permissions(BTreeMap<String, BTreeSet<Right>>);

impl Permissions {
    /// Those that the template grants.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        Self(template.functions.iter().map(|f| (f.handler.clone(), f.rights.clone())).collect())
    }

    /// The first right that a call needs and `handler` does not have. What runs outside a function may do anything.
    #[must_use]
    pub fn missing(&self, handler: &str, operation: &str, request: &[u8]) -> Option<Right> {
        let granted = self.0.get(handler)?;
        needed(operation, request).into_iter().find(|right| !granted.contains(right))
    }
}

/// The rights that a call needs: each part of a transaction its own.
fn needed(operation: &str, request: &[u8]) -> Vec<Right> {
    let on_table = |action: &str| Right { action: action.to_owned(), index: None };
    // The usual calls say all in their name; only these are read.
    let body = || serde_json::from_slice::<Value>(request).unwrap_or_default();
    match operation {
        "Query" | "Scan" => {
            let index = body()["IndexName"].as_str().map(str::to_owned);
            vec![Right { action: operation.to_owned(), index }]
        }
        "TransactWriteItems" => {
            let parts = body()["TransactItems"].as_array().cloned().unwrap_or_default();
            let kind = |part: &Value| part.as_object().and_then(|part| part.keys().next().cloned());
            let action = |kind: String| match kind.as_str() {
                "ConditionCheck" => on_table("ConditionCheckItem"),
                other => on_table(&format!("{other}Item")),
            };
            parts.iter().filter_map(kind).map(action).collect()
        }
        "TransactGetItems" => vec![on_table("GetItem")],
        other => vec![on_table(other)],
    }
}

/// The rights on the table in a function's `Policies`.
#[must_use]
pub fn granted(policies: &Value) -> BTreeSet<Right> {
    let documents = policies.as_array().map_or(std::slice::from_ref(policies), Vec::as_slice);
    let statements = documents.iter().filter_map(|document| document["Statement"].as_array()).flatten();
    let mut rights = BTreeSet::new();
    for statement in statements.filter(|statement| statement["Effect"] == "Allow") {
        let list = |name: &str| match &statement[name] {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        for resource in list("Resource") {
            let written = intrinsic::as_written(&resource);
            if !written.contains("Table.Arn") {
                continue;
            }
            let index = written.split_once("/index/").map(|(_, index)| index.trim_end_matches('"').to_owned());
            for action in list("Action") {
                let action = action.as_str().and_then(|action| action.strip_prefix("dynamodb:"));
                rights.extend(action.map(|action| Right { action: action.to_owned(), index: index.clone() }));
            }
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn permissions() -> Permissions {
        let policies = json!({"Statement": [
            {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Query"], "Resource": {"Fn::GetAtt": "Table.Arn"}},
            {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": [{"Fn::Sub": "${Table.Arn}/index/by_talent"}]},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": "PublishQueue.Arn"}},
        ]});
        Permissions(BTreeMap::from([("posts.create".to_owned(), granted(&policies))]))
    }

    #[test]
    fn a_call_needs_what_it_does_and_where() {
        let permissions = permissions();
        let missing = |operation: &str, request: Value| {
            let missing = permissions.missing("posts.create", operation, request.to_string().as_bytes());
            missing.map(|right| format!("{} {}", right.action, right.index.unwrap_or_default()))
        };
        assert_eq!(missing("PutItem", json!({})), None);
        assert_eq!(missing("BatchGetItem", json!({})), Some("BatchGetItem ".to_owned()));
        assert_eq!(missing("Query", json!({"IndexName": "by_talent"})), None);
        assert_eq!(missing("Query", json!({"IndexName": "due"})), Some("Query due".to_owned()));
        let parts = json!({"TransactItems": [{"Put": {}}, {"ConditionCheck": {}}]});
        assert_eq!(missing("TransactWriteItems", parts), Some("ConditionCheckItem ".to_owned()));
        assert_eq!(permissions.missing("somebody else", "Scan", b"{}"), None);
    }
}
