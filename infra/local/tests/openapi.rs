//! The contract document, the template and the handlers say the same.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may panic as the tests do

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use functions::handlers::{HANDLERS, Run};
use local::template::Template;
use serde_json::Value;

/// `METHOD /path` of everything.
type Routes = BTreeSet<String>;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap()
}

fn template() -> Template {
    let text = std::fs::read_to_string(repository().join("template.yaml")).unwrap();
    Template::parse(&text, &BTreeMap::new()).unwrap()
}

/// The console's files are no part of the API's contract; `template.rs` holds the list of its routes.
fn is_api(handler: &str) -> bool {
    handler != "console.files"
}

fn documented(document: &Value) -> Routes {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    methods.collect()
}

#[test]
fn the_document_is_the_one_the_handlers_make() {
    let file = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    assert!(file == functions::openapi::document(), "docs/openapi.json is stale: run `make openapi`");
    assert!(file["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn the_document_and_the_template_have_the_same_routes() {
    let template = template();
    let routes = template.routes().filter(|(_, _, function)| is_api(&function.handler));
    let routes: Routes = routes.map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(documented(&functions::openapi::document()), routes);
}

#[test]
fn an_operation_is_named_after_the_handler_that_answers_it() {
    let document = functions::openapi::document();
    for (method, path, function) in template().routes().filter(|(_, _, function)| is_api(&function.handler)) {
        let id = document["paths"][path][method.to_lowercase()]["operationId"].as_str().unwrap();
        assert!(id == function.handler || id.starts_with(&format!("{}.", function.handler)), "{method} {path}: {id}");
    }
}

#[test]
fn exactly_the_public_routes_are_documented_as_public() {
    let document = functions::openapi::document();
    let open: Routes = template()
        .routes()
        .filter(|(_, _, function)| is_api(&function.handler))
        .filter(|(method, path, _)| {
            let security = document["paths"][path][method.to_lowercase()].get("security");
            security
                .and_then(Value::as_array)
                .is_some_and(|list| list.iter().all(|entry| entry.as_object().is_some_and(serde_json::Map::is_empty)))
        })
        .map(|(_, _, function)| function.handler.clone())
        .collect();
    let public: Routes = HANDLERS
        .iter()
        .filter(|handler| is_api(handler.name) && matches!(handler.run, Run::Http(cloud::http::Access::Public, _)))
        .map(|handler| handler.name.to_owned())
        .collect();
    assert_eq!(open, public);
}

/// Two types of one name would silently be one schema, that of whichever came last.
#[test]
fn no_two_types_share_a_schemas_name() {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
    let mut sources = Vec::new();
    files(&repository().join("functions/src"), &mut sources);
    let mut named: BTreeMap<String, std::path::PathBuf> = BTreeMap::new();
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split("ToSchema)]").skip(1) {
            let head: Vec<&str> = part.lines().take(6).collect();
            let renamed = head.iter().find_map(|line| line.strip_prefix("#[schema(as = ")?.strip_suffix(")]"));
            let own = head.iter().find_map(|line| {
                let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
                rest.split(|c: char| !c.is_alphanumeric()).next()
            });
            let Some(name) = renamed.or(own) else { continue };
            if let Some(other) = named.insert(name.to_owned(), file.clone()) {
                panic!("{name} is in {} and in {}", other.display(), file.display());
            }
        }
    }
    assert!(named.len() > 60, "{}", named.len());
}
