//! The template is the only list of functions, routes, queues and schedules; here it is held against the table of
//! handlers and against `events/`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cloud::doorbell::Ring;
use cloud::http::Access;
use functions::handlers::{HANDLERS, Run, find};
use functions::settings::Settings;
use local::routes::Routes;
use local::schedule::Expression;
use local::template::{Event, TEMPLATE, Template};
use platforms::Platforms;
use serde_json::Value;

fn template() -> Template {
    let given = ["AllowedOrigins", "PublicUrl", "Issuer"].map(|name| (name.to_owned(), "https://h.example".to_owned()));
    Template::parse(TEMPLATE, &BTreeMap::from(given)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn events() -> BTreeMap<String, Value> {
    let files = fs::read_dir(root().join("events")).unwrap().map(|file| file.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap().to_owned();
    files.map(|path| (named(&path), serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())).collect()
}

fn set<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.collect()
}

#[test]
fn functions_handlers_and_events_are_the_same_list() {
    let (template, events) = (template(), events());
    let handlers = set(HANDLERS.iter().map(|handler| handler.name));
    assert_eq!(set(template.functions.iter().map(|function| function.handler.as_str())), handlers);
    assert_eq!(template.functions.len(), handlers.len(), "no two functions run one handler");
    assert_eq!(set(events.keys().map(String::as_str)), handlers);
}

#[test]
fn a_handlers_name_is_its_file() {
    for handler in HANDLERS {
        let file = root().join("functions/src").join(handler.name.replace('.', "/")).with_extension("rs");
        assert!(file.exists(), "{} is not in {}", handler.name, file.display());
    }
}

#[test]
fn each_function_is_called_as_its_handler_expects() {
    for function in &template().functions {
        assert!(!function.events.is_empty(), "nothing calls {}", function.handler);
        for event in &function.events {
            match (find(&function.handler).unwrap().run, event) {
                (Run::Http(..), Event::Http { .. }) | (Run::Schedule(_), Event::Schedule { .. }) => {}
                (Run::Queue(kind, _), Event::Queue { queue, reports_failures, concurrency, .. }) => {
                    let variable = format!("HERALD_QUEUE_{}", kind.as_str().to_uppercase());
                    assert_eq!(function.environment.get(&variable), Some(queue), "{}", function.handler);
                    assert!(*reports_failures, "{}", function.handler);
                    assert!((2..=1000).contains(concurrency), "{}", function.handler);
                }
                (_, event) => panic!("{} is called by {event:?}", function.handler),
            }
        }
    }
}

#[test]
fn exactly_these_routes_are_public() {
    let template = template();
    let is_public = |handler: &str| matches!(find(handler).unwrap().run, Run::Http(Access::Public, _));
    let public = template.routes().filter(|(_, _, function)| is_public(&function.handler));
    let public: BTreeSet<String> = public.map(|(method, path, _)| format!("{method} {path}")).collect();
    let expected = [
        "GET /",
        "GET /api/social/oauth/bluesky/client-metadata.json",
        "GET /api/social/oauth/callback",
        "GET /console",
        "GET /console/{path+}",
        "GET /health",
    ];
    assert_eq!(public, expected.map(str::to_owned).into());
}

#[test]
fn every_queue_of_dead_letters_is_among_the_outputs() {
    let outputs = TEMPLATE.split("\nOutputs:\n").nth(1).unwrap();
    let queues: Vec<&str> = TEMPLATE
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix("DeadLetters:"))
        .filter(|name| !name.starts_with(' '))
        .collect();
    assert_eq!(queues, ["Ingest", "Refresh", "Erase", "Publish", "Notify", "Bulk", "Sweep"]);
    for queue in queues {
        let output = format!("  {queue}DeadLettersUrl:\n    Value: !Ref {queue}DeadLetters\n");
        assert!(outputs.contains(&output), "{queue}");
    }
}

#[test]
fn a_function_without_a_caller_reads_no_table_unless_it_must() {
    for name in ["ops.health", "oauth.client_metadata", "console.files"] {
        let text = TEMPLATE
            .split(&format!("Handler: {name}\n"))
            .nth(1)
            .unwrap()
            .split("AWS::Serverless::Function")
            .next()
            .unwrap();
        assert!(!text.contains("Policies:"), "{name} needs no rights");
    }
}

#[test]
fn every_event_file_is_one_that_its_function_gets() {
    let template = template();
    let routes = Routes::new(&template).unwrap();
    for (name, event) in events() {
        match find(&name).unwrap().run {
            Run::Http(access, _) => {
                let context = &event["requestContext"]["http"];
                let (method, path) = (context["method"].as_str().unwrap(), context["path"].as_str().unwrap());
                let matched = routes.find(method, path).unwrap_or_else(|| panic!("{name}: no route {method} {path}"));
                assert_eq!(matched.route.handler.name, name);
                assert_eq!(event["routeKey"], matched.route.key, "{name}");
                assert_eq!(event["version"], "2.0", "{name}");
                assert_eq!(event["rawPath"], path, "{name}");
                let parameters: BTreeMap<String, String> = serde_json::from_value(
                    event.get("pathParameters").cloned().unwrap_or_else(|| serde_json::json!({})),
                )
                .unwrap();
                assert_eq!(parameters, matched.parameters.into_iter().collect(), "{name}");
                let has_credential = event["headers"].get("authorization").is_some();
                assert_eq!(has_credential, access == Access::Caller, "{name}");
                assert!(event["isBase64Encoded"].is_boolean(), "{name}");
            }
            Run::Queue(kind, _) => {
                for record in event["Records"].as_array().unwrap() {
                    let ring: Ring = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
                    assert_eq!(ring.kind, kind, "{name}");
                    for attribute in
                        ["ApproximateReceiveCount", "SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"]
                    {
                        assert!(record["attributes"][attribute].is_string(), "{name}: {attribute}");
                    }
                }
            }
            Run::Schedule(_) => assert_eq!(event["source"], "aws.scheduler", "{name}"),
        }
    }
}

#[test]
fn schedules_are_named_after_the_stack_and_can_be_followed() {
    let mut names = BTreeSet::new();
    for function in &template().functions {
        for event in &function.events {
            if let Event::Schedule { name, expression, .. } = event {
                let name = name.clone().unwrap_or_default();
                assert!(name.starts_with("${AWS::StackName}-"), "{}: {name}", function.handler);
                assert!(Expression::parse(expression).is_some(), "{}: {expression}", function.handler);
                assert!(names.insert(name.clone()), "{name} is taken");
            }
        }
    }
    assert!(!names.is_empty());
}

#[test]
fn a_message_stays_hidden_for_six_calls_and_dies_after_five_receives() {
    let template = template();
    for function in &template.functions {
        for event in &function.events {
            if let Event::Queue { queue, .. } = event {
                let queue = template.queues.iter().find(|known| known.id == *queue).unwrap();
                assert!(queue.visibility_s >= 6 * i64::try_from(function.timeout_s).unwrap(), "{}", queue.id);
                assert!(queue.max_receives >= 5, "{}", queue.id);
                assert!(
                    TEMPLATE.contains(&format!("!GetAtt {}.QueueName", queue.dead_letters)),
                    "no alarm on {}",
                    queue.dead_letters
                );
            }
        }
    }
}

#[test]
fn the_throttles_are_those_of_routes_that_exist() {
    let template = template();
    let routes: BTreeSet<String> = template.routes().map(|(method, path, _)| format!("{method} {path}")).collect();
    let unknown: Vec<_> = template.throttled_routes.difference(&routes).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(!template.throttled_routes.is_empty());
}

#[test]
fn the_parameters_defaults_are_those_of_the_code() {
    let environment = template().environment();
    let get =
        |name: &str| environment.get(name).cloned().or_else(|| Some("x".to_owned()).filter(|_| name == "HERALD_TABLE"));
    let (with, without) = (
        Settings::from_env(&get).unwrap(),
        Settings::from_env(&|name| get(name).filter(|_| name == "HERALD_PUBLIC_URL")).unwrap(),
    );
    assert_eq!((&with.retry, with.due_shards), (&without.retry, without.due_shards));
    for facts in Platforms::facts() {
        let variable = format!("HERALD_{}_MODES", facts.platform);
        assert_eq!(environment.get(&variable).map(String::as_str), Some("manual,oauth"), "{variable} has no parameter");
        assert_eq!(with.modes(facts.platform), without.modes(facts.platform));
    }
}

#[test]
fn what_waits_for_a_platform_outlives_its_longest_call_and_not_the_api() {
    for handler in ["connections.hand_over", "oauth.connect", "oauth.callback"] {
        let timeout = template().function(handler).unwrap().timeout_s;
        assert!((21..30).contains(&timeout), "{handler}: {timeout}");
    }
}

#[test]
fn each_alarm_has_its_entry_in_the_runbook_and_all_that_stands_costs_no_more_than_planned() {
    let runbook = fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let alarms: Vec<&str> = TEMPLATE
        .split("\n    Type: AWS::CloudWatch::Alarm\n")
        .filter_map(|before| before.rsplit('\n').next()?.trim().strip_suffix(':'))
        .filter(|name| name.ends_with("Alarm"))
        .collect();
    for alarm in &alarms {
        assert!(runbook.contains(&format!("`{alarm}`")), "{alarm} is not in docs/runbook.md");
    }
    // One alarm is computed from two metrics. Key and secret stand beside, 648,000 long polls a month for each queue at
    // $0.40 a million beyond the first, which is free for everyone for ever, and 345,600 queries of ring_due for each kind at
    // half a read unit each ($0.125 a million), a fifth of that for the sweep.
    let queues = template().queues.iter().filter(|queue| !queue.dead_letters.is_empty()).count() as f64;
    let (polls, queries) = ((0.648 * queues - 1.0) * 0.40, 0.3456 * 0.5 * 0.125 * (queues - 0.8));
    let cost = 0.10 * (alarms.len() + 1) as f64 + 1.00 + 0.40 + polls + queries;
    assert!(alarms.len() > 10 && cost <= 5.0, "{cost}");
}

#[test]
fn the_dashboard_shows_figures_that_somebody_writes_and_names_entries_of_the_runbook() {
    let body = TEMPLATE.split("DashboardBody: !Sub |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let runbook = fs::read_to_string(root().join("docs/runbook.md")).unwrap().to_lowercase();
    let mut code = String::new();
    let mut folders = vec![root().join("functions/src"), root().join("shared/cloud/src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension() {
                Some(_) => code.push_str(&fs::read_to_string(path).unwrap_or_default()),
                None => folders.push(path),
            }
        }
    }
    let (mut shown, mut named) = (0, 0);
    for widget in body["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            if let Some(name) = metric[1].as_str() {
                assert!(code.contains(&format!("\"{name}\"")), "nobody writes {name}");
                shown += 1;
            }
        }
        let text = widget["properties"]["markdown"].as_str().unwrap_or_default();
        for entry in text.split(": ").nth(1).unwrap_or_default().split(" · ").filter(|entry| !entry.is_empty()) {
            assert!(runbook.contains(&format!("\n## {entry}\n")), "{entry} is no entry of the runbook");
            named += 1;
        }
    }
    assert!(shown > 12 && named > 5, "{shown} {named}");
}

#[test]
fn no_two_functions_disagree_about_a_variable() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for function in &template().functions {
        for (name, value) in &function.environment {
            let first = seen.entry(name.clone()).or_insert_with(|| value.clone());
            assert_eq!(first, value, "{}: {name}", function.handler);
        }
    }
}

#[test]
fn the_readme_names_every_variable_and_parameter() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let kinds = domain::due::WorkKind::ALL.map(|kind| kind.as_str().to_uppercase());
    let platforms: Vec<&str> = Platforms::facts().map(|facts| facts.platform.as_str()).collect();
    let general = |name: &str| {
        let name =
            kinds.iter().fold(name.to_owned(), |name, kind| name.replace(&format!("QUEUE_{kind}"), "QUEUE_<KIND>"));
        let own = platforms.iter().find(|platform| name.starts_with(&format!("HERALD_{platform}_")));
        own.map_or(name.clone(), |platform| name.replace(platform, "<PLATFORM>"))
    };
    let template = template();
    let mut named = BTreeSet::new();
    for name in template.functions.iter().flat_map(|function| function.environment.keys()) {
        named.insert(name.as_str());
        // In the table a name stands in full, or behind the ellipsis that shortens a row of names.
        let shown = general(name);
        let short = shown.rsplit_once('>').map_or(shown.clone(), |(_, end)| format!("…{end}"));
        assert!(
            readme.contains(&format!("`{shown}`")) || readme.contains(&format!("`{short}`")),
            "{name} is not in the README"
        );
    }
    assert!(named.len() > 15, "{named:?}");
}
