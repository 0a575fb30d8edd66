//! `template.yaml`, read as far as one machine needs it: the one list of functions, routes, queues, schedules and
//! tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::intrinsic;
pub use crate::model::{Cors, Event, Function, Index, KeyPair, Queue, TableModel};
use crate::permissions;

/// The template of this source tree.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// A template that says something this stack cannot follow; the text says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(pub String);

/// What the local stack reads from the template.
#[derive(Debug, Clone)]
pub struct Template {
    /// Every function, in the order of their logical ids.
    pub functions: Vec<Function>,
    /// Every queue that is not a dead-letter queue.
    pub queues: Vec<Queue>,
    /// Every table.
    pub tables: Vec<TableModel>,
    /// What the API answers to browsers of other origins.
    pub cors: Cors,
    /// The keys of the routes that have a throttle of their own.
    pub throttled_routes: BTreeSet<String>,
}

impl Template {
    /// Reads `text` with the parameters' defaults, or what `parameters` says instead.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let yaml: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(text).map_err(|error| TemplateError(error.to_string()))?;
        let root = intrinsic::long_form(yaml).ok_or_else(|| TemplateError("a key is no text".to_owned()))?;
        let reader = Reader { root: &root, resolver: intrinsic::Resolver::new(&root, parameters) };
        reader.template()
    }

    /// The function behind a handler.
    #[must_use]
    pub fn function(&self, handler: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.handler == handler)
    }

    /// Every route: method, path and function.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str, &Function)> {
        self.functions.iter().flat_map(|function| {
            function.events.iter().filter_map(move |event| match event {
                Event::Http { method, path } => Some((method.as_str(), path.as_str(), function)),
                _ => None,
            })
        })
    }

    /// Every variable that some function has; all functions agree on those they share.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.functions.iter().flat_map(|function| function.environment.clone()).collect()
    }
}

struct Reader<'a> {
    root: &'a Value,
    resolver: intrinsic::Resolver<'a>,
}

type Entries<'a> = Vec<(&'a str, &'a Value)>;

impl<'a> Reader<'a> {
    fn template(&self) -> Result<Template, TemplateError> {
        let queues: Vec<Queue> = self
            .of_type("AWS::SQS::Queue")
            .filter(|(_, queue)| queue.get("RedrivePolicy").is_some())
            .map(|(id, queue)| self.queue(id, queue))
            .collect::<Result<_, _>>()?;
        let api = self.of_type("AWS::Serverless::HttpApi").next().map(|(_, api)| api).unwrap_or(&Value::Null);
        Ok(Template {
            functions: self
                .of_type("AWS::Serverless::Function")
                .map(|(id, f)| self.function(id, f))
                .collect::<Result<_, _>>()?,
            tables: self.of_type("AWS::DynamoDB::Table").map(|(id, t)| self.table(id, t)).collect::<Result<_, _>>()?,
            queues,
            cors: self.cors(api.get("CorsConfiguration").unwrap_or(&Value::Null)),
            throttled_routes: entries(api.get("RouteSettings")).into_iter().map(|(key, _)| key.to_owned()).collect(),
        })
    }

    fn of_type(&self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        entries(self.root.get("Resources"))
            .into_iter()
            .filter(move |(_, resource)| resource["Type"] == *kind)
            .map(|(id, resource)| (id, resource.get("Properties").unwrap_or(&Value::Null)))
    }

    fn function(&self, id: &str, function: &Value) -> Result<Function, TemplateError> {
        let globals = self.root.pointer("/Globals/Function").unwrap_or(&Value::Null);
        let own_or_global = |name: &str| function.get(name).or_else(|| globals.get(name));
        let mut environment = BTreeMap::new();
        for source in [globals, function] {
            for (name, value) in entries(source.pointer("/Environment/Variables")) {
                let value = self.resolver.text(value).ok_or_else(|| wrong(id, &format!("the variable {name}")))?;
                environment.insert(name.to_owned(), value);
            }
        }
        Ok(Function {
            id: id.to_owned(),
            handler: self.text(function, "Handler", id)?,
            timeout_s: own_or_global("Timeout").and_then(|v| self.resolver.number(v)).unwrap_or(3),
            environment,
            events: entries(function.get("Events"))
                .into_iter()
                .map(|(name, event)| self.event(&format!("{id}.{name}"), event))
                .collect::<Result<_, _>>()?,
            rights: permissions::granted(function.get("Policies").unwrap_or(&Value::Null)),
        })
    }

    fn event(&self, at: &str, event: &Value) -> Result<Event, TemplateError> {
        let properties = event.get("Properties").unwrap_or(&Value::Null);
        match event["Type"].as_str() {
            Some("HttpApi") => Ok(Event::Http {
                method: self.text(properties, "Method", at)?.to_uppercase(),
                path: self.text(properties, "Path", at)?,
            }),
            Some("SQS") => Ok(Event::Queue {
                queue: intrinsic::target(&properties["Queue"]).ok_or_else(|| wrong(at, "Queue"))?.to_owned(),
                batch_size: self.number(properties, "/BatchSize").unwrap_or(10),
                concurrency: self.number(properties, "/ScalingConfig/MaximumConcurrency").unwrap_or(2),
                reports_failures: properties["FunctionResponseTypes"] == json!(["ReportBatchItemFailures"]),
            }),
            Some("ScheduleV2") => Ok(Event::Schedule {
                name: properties.get("Name").map(intrinsic::as_written),
                expression: self.text(properties, "ScheduleExpression", at)?,
                input: properties.get("Input").and_then(|input| self.resolver.text(input)),
            }),
            other => Err(wrong(at, &format!("the event type {other:?}"))),
        }
    }

    fn queue(&self, id: &str, queue: &Value) -> Result<Queue, TemplateError> {
        let redrive = &queue["RedrivePolicy"];
        Ok(Queue {
            id: id.to_owned(),
            visibility_s: self.number(queue, "/VisibilityTimeout").unwrap_or(30),
            dead_letters: intrinsic::target(&redrive["deadLetterTargetArn"])
                .ok_or_else(|| wrong(id, "deadLetterTargetArn"))?
                .to_owned(),
            max_receives: self.number(redrive, "/maxReceiveCount").ok_or_else(|| wrong(id, "maxReceiveCount"))?,
        })
    }

    fn table(&self, id: &str, table: &Value) -> Result<TableModel, TemplateError> {
        let attribute = |definition: &Value| {
            Ok((self.text(definition, "AttributeName", id)?, self.text(definition, "AttributeType", id)?))
        };
        let ttl = &table["TimeToLiveSpecification"];
        Ok(TableModel {
            id: id.to_owned(),
            attributes: items(&table["AttributeDefinitions"]).iter().map(attribute).collect::<Result<_, _>>()?,
            keys: self.keys(id, &table["KeySchema"])?,
            indexes: items(&table["GlobalSecondaryIndexes"])
                .iter()
                .map(|index| {
                    let name = self.text(index, "IndexName", id)?;
                    Ok(Index {
                        keys: self.keys(&name, &index["KeySchema"])?,
                        projection: self.text(&index["Projection"], "ProjectionType", &name)?,
                        included: self.texts(&index["Projection"]["NonKeyAttributes"]),
                        name,
                    })
                })
                .collect::<Result<_, _>>()?,
            ttl: (ttl["Enabled"] == true).then(|| ttl["AttributeName"].as_str().unwrap_or_default().to_owned()),
        })
    }

    fn keys(&self, at: &str, schema: &Value) -> Result<KeyPair, TemplateError> {
        let of = |kind: &str| items(schema).iter().find(|key| key["KeyType"] == *kind);
        Ok(KeyPair {
            hash: self.text(of("HASH").ok_or_else(|| wrong(at, "the HASH key"))?, "AttributeName", at)?,
            range: of("RANGE").map(|key| self.text(key, "AttributeName", at)).transpose()?,
        })
    }

    fn cors(&self, cors: &Value) -> Cors {
        Cors {
            allow_origins: self.texts(&cors["AllowOrigins"]),
            allow_methods: self.texts(&cors["AllowMethods"]),
            allow_headers: self.texts(&cors["AllowHeaders"]),
            expose_headers: self.texts(&cors["ExposeHeaders"]),
            max_age_s: self.number(cors, "/MaxAge"),
        }
    }

    fn text(&self, of: &Value, name: &str, at: &str) -> Result<String, TemplateError> {
        of.get(name).and_then(|value| self.resolver.text(value)).ok_or_else(|| wrong(at, name))
    }

    fn number<N: TryFrom<u64>>(&self, of: &Value, pointer: &str) -> Option<N> {
        self.resolver.number(of.pointer(pointer)?).and_then(|number| N::try_from(number).ok())
    }

    /// A list, or a parameter that holds one, comma separated.
    fn texts(&self, value: &Value) -> Vec<String> {
        match value {
            Value::Array(values) => values.iter().filter_map(|value| self.resolver.text(value)).collect(),
            value => {
                let text = self.resolver.text(value).unwrap_or_default();
                text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            }
        }
    }
}

fn entries(value: Option<&Value>) -> Entries<'_> {
    value.and_then(Value::as_object).map(Map::iter).into_iter().flatten().map(|(k, v)| (k.as_str(), v)).collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn wrong(at: &str, what: &str) -> TemplateError {
    TemplateError(format!("{at}: {what} is missing or cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        let given = [
            ("AllowedOrigins", "https://a.example, https://b.example"),
            ("PublicUrl", "https://h.example"),
            ("Issuer", "https://i.example"),
        ];
        Template::parse(TEMPLATE, &given.map(|(k, v)| (k.to_owned(), v.to_owned())).into()).unwrap()
    }

    #[test]
    fn a_function_has_the_global_variables_and_its_own() {
        let template = template();
        let ingest = template.function("workers.ingest").unwrap();
        let variable = |name: &str| ingest.environment.get(name).map(String::as_str);
        assert_eq!(variable("HERALD_TABLE"), Some("Table"));
        assert_eq!(variable("HERALD_QUEUE_INGEST"), Some("IngestQueue"));
        assert_eq!(variable("HERALD_ALLOWED_ORIGINS"), Some("https://a.example,https://b.example"));
        assert_eq!(variable("HERALD_UPSTREAM"), Some(""), "the outside world is the real one");
        assert_eq!(variable("HERALD_APPS"), Some(""), "no secret is named, so none is read");
        assert_eq!(template.function("ops.health").unwrap().environment.get("HERALD_KMS_KEY"), None);
    }

    #[test]
    fn a_queue_hands_over_as_the_template_says() {
        let template = template();
        let ingest = template.function("workers.ingest").unwrap();
        let queue =
            Event::Queue { queue: "IngestQueue".to_owned(), batch_size: 10, concurrency: 20, reports_failures: true };
        assert_eq!((ingest.timeout_s, &ingest.events[..]), (60, &[queue][..]));
        let queue = Queue {
            id: "IngestQueue".to_owned(),
            visibility_s: 390,
            dead_letters: "IngestDeadLetters".to_owned(),
            max_receives: 5,
        };
        assert!(template.queues.contains(&queue));
        assert_eq!(template.queues.len(), 7, "dead-letter queues are not listed");
    }

    #[test]
    fn the_table_has_its_indexes() {
        let template = template();
        let [table] = &template.tables[..] else { panic!("one table") };
        assert_eq!((table.keys.hash.as_str(), table.ttl.as_deref()), ("pk", Some("ttl")));
        let due = table.indexes.iter().find(|index| index.name == "due").unwrap();
        assert_eq!((due.keys.range.as_deref(), due.projection.as_str()), (Some("due_at"), "KEYS_ONLY"));
        assert!(table.attributes.contains(&("due_at".to_owned(), "N".to_owned())));
    }

    #[test]
    fn cors_allows_the_origins_of_the_parameter() {
        assert_eq!(template().cors.allow_origins, ["https://a.example", "https://b.example"]);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let text = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: { Handler: a.b, Events: { E: { Type: S3 } } }";
        assert_eq!(
            Template::parse(text, &BTreeMap::new()).unwrap_err().to_string(),
            "template.yaml: F.E: the event type Some(\"S3\") is missing or cannot be read"
        );
    }
}
