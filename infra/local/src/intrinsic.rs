//! CloudFormation's functions, as far as the template uses them where one machine looks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What the pseudo parameters are on this machine.
const PSEUDO: [(&str, &str); 5] = [
    ("AWS::StackName", "herald-local"),
    ("AWS::Region", "us-east-1"),
    ("AWS::AccountId", "000000000000"),
    ("AWS::Partition", "aws"),
    ("AWS::URLSuffix", "amazonaws.com"),
];

/// YAML with its short forms (`!Ref X`) written out (`{"Ref": "X"}`); `None` for a key that is no text.
pub fn long_form(yaml: serde_yaml_ng::Value) -> Option<Value> {
    use serde_yaml_ng::Value as Yaml;
    Some(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => Value::Bool(truth),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => json!(whole),
            (None, other) => json!(other),
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(long_form).collect::<Option<_>>()?),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Yaml::String(key) => key,
                    Yaml::Bool(key) => key.to_string(),
                    Yaml::Number(key) => key.to_string(),
                    _ => return None,
                };
                object.insert(key, long_form(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let name = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            json!({ name: long_form(tagged.value)? })
        }
    })
}

/// The one function that `value` is, and its argument.
fn call(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(name, argument)| (name.as_str(), argument))
}

/// The logical id that a `Ref` or `GetAtt` names.
pub fn target(value: &Value) -> Option<&str> {
    match call(value)? {
        ("Ref", id) => id.as_str(),
        ("Fn::GetAtt", Value::String(path)) => path.split('.').next(),
        ("Fn::GetAtt", path) => path.get(0)?.as_str(),
        _ => None,
    }
}

/// The text of a `Sub` before anything is put in; other values as JSON.
pub fn as_written(value: &Value) -> String {
    match (value, call(value)) {
        (Value::String(text), _) | (_, Some(("Fn::Sub", Value::String(text)))) => text.clone(),
        (value, _) => value.to_string(),
    }
}

/// Finds out what a value is on this machine.
#[derive(Debug)]
pub struct Resolver<'a> {
    root: &'a Value,
    parameters: BTreeMap<&'a str, String>,
}

impl<'a> Resolver<'a> {
    /// With the parameters' defaults, or what `given` says instead; a parameter with neither is empty.
    pub fn new(root: &'a Value, given: &BTreeMap<String, String>) -> Self {
        let declared = root.get("Parameters").and_then(Value::as_object).into_iter().flatten();
        let parameters = declared.map(|(name, parameter)| {
            let default = parameter.get("Default").map(plain).unwrap_or_default();
            (name.as_str(), given.get(name).cloned().unwrap_or(default))
        });
        Self { root, parameters: parameters.collect() }
    }

    /// The value as text. A resource is its logical id, since only AWS knows more.
    pub fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => return Some(plain(value)),
            _ => {}
        }
        match call(value)? {
            ("Ref", id) => self.named(id.as_str()?),
            ("Fn::GetAtt", _) => target(value).map(str::to_owned),
            ("Fn::Sub", text) => self.substituted(text.as_str()?),
            ("Fn::Join", parts) => {
                let delimiter = parts.get(0)?.as_str()?;
                let parts: Vec<String> = match parts.get(1)? {
                    Value::Array(parts) => parts.iter().map(|part| self.text(part)).collect::<Option<_>>()?,
                    list => self.text(list)?.split(',').map(|part| part.trim().to_owned()).collect(),
                };
                Some(parts.join(delimiter))
            }
            ("Fn::If", parts) => {
                let condition = self.root.get("Conditions")?.get(parts.get(0)?.as_str()?)?;
                self.text(parts.get(if self.holds(condition)? { 1 } else { 2 })?)
            }
            _ => None,
        }
    }

    /// The value as a number.
    pub fn number(&self, value: &Value) -> Option<u64> {
        self.text(value)?.parse().ok()
    }

    fn named(&self, name: &str) -> Option<String> {
        let pseudo = || PSEUDO.iter().find(|(pseudo, _)| *pseudo == name).map(|(_, value)| (*value).to_owned());
        let resource = || self.root.get("Resources")?.get(name).map(|_| name.to_owned());
        self.parameters.get(name).cloned().or_else(pseudo).or_else(resource)
    }

    fn substituted(&self, text: &str) -> Option<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            result.push_str(before);
            result.push_str(&self.named(name.split('.').next()?).or_else(|| self.named(name))?);
            rest = after;
        }
        result.push_str(rest);
        Some(result)
    }

    fn holds(&self, condition: &Value) -> Option<bool> {
        match call(condition)? {
            ("Fn::Not", parts) => self.holds(parts.get(0)?).map(|holds| !holds),
            ("Fn::Equals", parts) => Some(self.text(parts.get(0)?)? == self.text(parts.get(1)?)?),
            ("Condition", name) => self.holds(self.root.get("Conditions")?.get(name.as_str()?)?),
            _ => None,
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(yaml: &str) -> Option<String> {
        let text = format!(
            "Parameters: {{ P: {{ Default: '' }}, L: {{ Default: 'a, b' }} }}\nConditions: {{ HasP: !Not [!Equals [!Ref P, '']] }}\nResources: {{ R: {{}} }}\nvalue: {yaml}"
        );
        let root = long_form(serde_yaml_ng::from_str(&text).unwrap()).unwrap();
        Resolver::new(&root, &BTreeMap::new()).text(&root["value"])
    }

    #[test]
    fn the_functions_that_the_template_uses_are_followed() {
        for (yaml, text) in [
            ("8", "8"),
            ("!Ref R", "R"),
            ("!GetAtt R.Arn", "R"),
            ("!Sub '${AWS::StackName}-x-${R.Arn}'", "herald-local-x-R"),
            ("!Join [';', !Ref L]", "a;b"),
            ("!Join ['-', [a, !Ref R]]", "a-R"),
            ("!If [HasP, yes, no]", "no"),
        ] {
            assert_eq!(resolved(yaml).as_deref(), Some(text), "{yaml}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        for yaml in ["!Ref Nobody", "!Sub '${Nobody}'", "!ImportValue x", "!Sub '${open'"] {
            assert_eq!(resolved(yaml), None, "{yaml}");
        }
    }
}
