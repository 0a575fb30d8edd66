//! The routes, read from template.yaml as everything else reads them.

use serde_yaml_ng::Value;

use crate::process::{Result, repository};

/// A route of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: String,
    /// The path with its `{names}`.
    pub path: String,
    /// The handler behind it.
    pub handler: String,
}

/// Every route of the template.
///
/// # Errors
/// When the template cannot be read.
pub fn routes() -> Result<Vec<Route>> {
    let template: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(repository().join("template.yaml"))?)?;
    let resources = template["Resources"].as_mapping().ok_or("the template has no resources")?;
    let mut routes = Vec::new();
    for function in resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function") {
        let properties = &function["Properties"];
        let events = properties["Events"].as_mapping().into_iter().flat_map(|events| events.values());
        for event in events.filter(|event| event["Type"] == "HttpApi") {
            let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a route without method or path");
            routes.push(Route {
                method: text(&event["Properties"]["Method"])?,
                path: text(&event["Properties"]["Path"])?,
                handler: text(&properties["Handler"])?,
            });
        }
    }
    Ok(routes)
}

impl Route {
    /// The path with each of its `{names}` replaced.
    #[must_use]
    pub fn with(&self, name: impl Fn(&str) -> String) -> String {
        let parts = self.path.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(parameter) => name(parameter),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }
}
