//! Arbitrary bytes, JSON, queries, paths and headers to every route: never a 5xx, always the error shape, still alive.
//!
//! `HERALD_FULL=1` runs twenty times as many cases; `HERALD_SEED=n` repeats a run, whose seed is printed.

use herald_tests::consent::start;
use herald_tests::process::Result;
use herald_tests::routes::{Route, routes};
use herald_tests::stack::Stack;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone)]
struct Shot {
    path: Text,
    query: Option<String>,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// What stands in place of a `{name}`, percent-encoded where it has to be.
#[derive(Debug, Clone)]
struct Text(String);

fn encoded(bytes: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    bytes.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The right value, any bytes, any Unicode, and ids that are nearly right.
fn path_part(right: String, connection: &str) -> impl Strategy<Value = Text> + use<> {
    let mangled = (Just(connection.to_owned()), 0usize..60, any::<char>()).prop_map(|(id, at, c)| {
        id.chars().enumerate().map(|(n, own)| if n == at { c } else { own }).collect::<String>().into_bytes()
    });
    let odd = vec!["..", ".", "refresh", "a\0b", "a#b", "*", "{talentId}", "a/b", "ann%2F"];
    let bytes = prop_oneof![
        6 => Just(right.into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 1..80),
        2 => "\\PC{1,80}".prop_map(String::into_bytes),
        2 => mangled,
        1 => "conn_[a-z#_]{0,70}_(MASTODON|TIKTOK|X)_-?[0-9]{0,20}".prop_map(String::into_bytes),
        1 => prop::sample::select(odd).prop_map(|text| text.as_bytes().to_vec()),
    ];
    bytes.prop_map(|bytes| Text(encoded(&bytes)))
}

/// Any JSON, not deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        "\\PC{0,40}".prop_map(Value::from),
        prop::sample::select(vec![
            "ann",
            "MASTODON",
            "x",
            "TIKTOK",
            "ann@mastodon.example",
            "https://mastodon.example/@ann",
            "2027-01-01T00:00:00Z",
            "9999-99-99T99:99:99Z",
            "//evil.example",
            "aaaa-bbbb-cccc-dddd",
            "UC0000000000000000000000"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Names that routes know, and others.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["talentId", "platform", "handle", "profileUrl", "name", "connectionId", "userId",
            "content", "platforms", "mediaUrls", "scheduledAt", "timezone", "options", "overrides", "outcome",
            "returnTo", "accessToken", "refreshToken", "expiresAt", "__proto__"]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ]
}

/// Bodies that a handler takes.
fn valid(handler: &str, connection: &str) -> Vec<Value> {
    let manual = |platform: &str, handle: &str| json!({"talentId": "ann", "platform": platform, "handle": handle});
    match handler {
        "talents.save" => vec![json!({"name": "Ann"})],
        "api_keys.create" => vec![
            json!({"name": "ci", "role": "admin"}),
            json!({"name": "ci", "role": "talent", "talentId": "ann", "expiresAt": "2099-01-01T00:00:00Z"}),
        ],
        "connections.connect_manual" => vec![
            manual("MASTODON", "ann@mastodon.example"),
            manual("YOUTUBE", "annwrites"),
            json!({"talentId": "ann", "platform": "BLUESKY", "profileUrl": "https://bsky.app/profile/ann.bsky.social"}),
        ],
        "connections.hand_over" => vec![
            json!({"talentId": "ann", "platform": "TIKTOK", "accessToken": "act.x", "refreshToken": "rft.x",
                "expiresAt": "2027-01-01T00:00:00Z", "handle": "annwrites"}),
            json!({"talentId": "ann", "platform": "BLUESKY", "accessToken": "aaaa-bbbb-cccc-dddd", "handle": "a.bsky.social"}),
        ],
        "connections.disconnect" => vec![json!({"connectionId": connection})],
        "competitors.add" => vec![json!({"talentId": "ann", "platform": "BLUESKY", "handle": "rival.bsky.social"})],
        "workspace.update" => vec![json!({"timezone": "Europe/Berlin"})],
        "oauth.connect" => vec![
            json!({"platform": "TIKTOK", "userId": "ann", "returnTo": "/accounts"}),
            json!({"platform": "MASTODON", "userId": "ann", "handle": "mastodon.example"}),
            json!({"platform": "BLUESKY", "userId": "ann"}),
        ],
        "posts.create" | "posts.validate" => vec![
            json!({"talentId": "ann", "content": "words"}),
            json!({"talentId": "ann", "content": "words", "platforms": ["BLUESKY"], "hashtags": ["a"],
                "overrides": {"BLUESKY": {"content": "other words"}}, "options": {"BLUESKY": {"langs": ["en"]}}}),
        ],
        "posts.schedule" => vec![
            json!({"talentId": "ann", "content": "words", "platforms": ["BLUESKY"], "scheduledAt": herald_tests::author::far_off(), "media": []}),
        ],
        "posts.publish" => vec![json!({"talentId": "ann", "content": "words", "platforms": ["BLUESKY"]})],
        "posts.update" => vec![json!({"content": "better words"}), json!({"campaign": null, "hashtags": ["b"]})],
        "posts.resolve" => {
            vec![json!({"outcome": "published", "url": "https://a.example/1"}), json!({"outcome": "resend"})]
        }
        _ => vec![json!({"reason": "because"})],
    }
}

/// Handlers that act on a state, or take a form of body, that this test does not bring about: they only may not break.
const NOT_REACHED: [&str; 7] = [
    "posts.retry",
    "posts.resolve",
    "posts.archive",
    "posts.bulk",
    "posts.bulk_report",
    "api_keys.revoke",
    "competitors.remove",
];

/// A body of a route with one of its values replaced, left out or doubled.
fn confused(valid: Vec<Value>) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(valid), any::<prop::sample::Index>(), any_json(), field(), 0u8..4).prop_map(
        |(mut body, which, value, name, how)| {
            let Some(members) = body.as_object_mut() else { return Vec::new() };
            let known: Vec<String> = members.keys().cloned().collect();
            let key = which.get(&known).clone();
            match how {
                0 => drop(members.insert(key, value)),
                1 => drop(members.remove(&key)),
                2 => drop(members.insert(name, value)),
                _ => {
                    let text = body.to_string();
                    return format!("{},\"{key}\":{value}}}", text.trim_end_matches('}')).into_bytes();
                }
            }
            body.to_string().into_bytes()
        },
    )
}

fn body(valid: Vec<Value>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => confused(valid.clone()),
        2 => any_json().prop_map(|json| json.to_string().into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 0..400),
        1 => "[\\[{\":,0-9ae+.\\\\u]{0,200}".prop_map(String::into_bytes),
        1 => (1usize..3_000).prop_map(|deep| b"[".repeat(deep)),
        4 => prop::sample::select(valid).prop_map(|json| json.to_string().into_bytes()),
    ]
}

/// Names that a handler reads from its query.
fn parameters(handler: &str) -> Vec<&'static str> {
    match handler {
        "talents.list" => vec!["limit", "cursor"],
        "oauth.callback" => vec!["state", "code", "error", "iss"],
        "oauth.connect" => vec!["platform", "userId", "returnTo", "handle"],
        "audit.list" => vec!["actor", "action", "from", "to", "limit", "cursor"],
        "competitors.list" => vec!["talentId"],
        name if name.starts_with("analytics.") => vec![
            "postId",
            "talentId",
            "platform",
            "connectionId",
            "startDate",
            "endDate",
            "from",
            "to",
            "interval",
            "metric",
            "format",
            "limit",
            "cursor",
        ],
        _ => vec!["limit", "cursor", "state"],
    }
}

/// A cursor of the right envelope and a made-up position.
fn cursor() -> impl Strategy<Value = Vec<u8>> {
    let month = prop_oneof![any::<i64>(), -10i64..10, Just(1_795_000_000), Just(253_402_300_799)];
    let text = || prop_oneof![2 => "\\PC{0,20}", 1 => "talent#[0-9]{0,20}#[a-z]{0,5}"];
    let position = prop_oneof![
        any_json(),
        month.clone().prop_map(|month| json!({"month": month, "last": null})),
        (month, text(), text(), text())
            .prop_map(|(month, pk, sk, sort)| json!({"month": month, "last": [pk, sk, sort]})),
    ];
    position.prop_map(|position| {
        let json = json!({"l": "talents of agency", "p": position}).to_string();
        json.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
    })
}

fn query(handler: &str) -> impl Strategy<Value = Option<String>> + use<> {
    let name = prop_oneof![6 => prop::sample::select(parameters(handler)).prop_map(str::to_owned), 1 => "\\PC{0,12}"];
    let value = prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..60),
        2 => "\\PC{0,60}".prop_map(String::into_bytes),
        2 => cursor(),
        3 => prop::sample::select(vec!["ann", "TIKTOK", "BLUESKY", "/", "18446744073709551616", "-1", "7", "mastodon.example"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let pairs = prop::collection::vec((name, value), 0..4).prop_map(|pairs| {
        let pair = |(name, value): (String, Vec<u8>)| format!("{}={}", encoded(name.as_bytes()), encoded(&value));
        pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
    });
    let good = match handler {
        "oauth.connect" => "userId=ann&platform=TIKTOK",
        "oauth.callback" => "code=guess",
        "analytics.get" | "analytics.summary" | "competitors.list" => "talentId=ann",
        "analytics.trends" => "metric=followers",
        "analytics.export" => "format=csv",
        _ => "limit=3",
    };
    let nearly = pairs.clone().prop_map(move |more| format!("{good}&{more}"));
    prop::option::weighted(0.9, prop_oneof![4 => pairs, 3 => nearly, 1 => "[!-~&&[^#]]{0,80}"])
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "idempotency-key",
        "if-none-match",
        "if-match",
        "cookie",
        "origin",
        "sec-fetch-site",
        "accept",
        "x-forwarded-for",
        "user-agent",
        "x-anything",
    ]);
    let value = prop_oneof![
        2 => prop::collection::vec(prop_oneof![Just(b'\t'), 32u8..127, 128u8..=255], 0..60),
        1 => Just(b"application/json".to_vec()),
        1 => Just(b"same-origin".to_vec()),
        1 => Just(b"one-key".to_vec()),
    ];
    prop::collection::vec((name, value), 0..4)
}

fn shot(route: &Route, connection: &str, post: &str) -> impl Strategy<Value = Shot> + use<> {
    let delivery = format!("dlv_{}_0", post.trim_start_matches("post_"));
    let right = if route.path.contains("{postId}") {
        post
    } else if route.path.contains("{deliveryId}") {
        delivery.as_str()
    } else if route.path.contains("{queue}") {
        "ingest"
    } else if route.path.contains("{talentId}") {
        "ann"
    } else if route.path.contains("{platform}") {
        "bluesky"
    } else {
        connection
    };
    let path = path_part(right.to_owned(), connection);
    (path, query(&route.handler), headers(), body(valid(&route.handler, connection)))
        .prop_map(|(path, query, headers, body)| Shot { path, query, headers, body })
}

/// Sends it and answers the status, or what is wrong with the answer.
async fn fire(stack: &Stack, token: &str, route: &Route, shot: &Shot) -> std::result::Result<u16, String> {
    let mut url = format!("{}{}", stack.client.base(), route.with(|_| shot.path.0.clone()));
    if let Some(query) = &shot.query {
        url = format!("{url}?{query}");
        if route.handler == "oauth.callback" && shot.body.len().is_multiple_of(2) {
            // A login that was started, so that what follows the state is looked at, too.
            let (client, asked) = (stack.client.with_token(token), json!({"userId": "ann", "platform": "TIKTOK"}));
            let begun = start(&client, &asked).await.map_err(|error| error.to_string())?;
            url = format!("{url}&state={}", begun.rsplit_once("state=").map(|(_, state)| state).unwrap_or_default());
        }
    }
    let method = Method::from_bytes(route.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = stack.client.http().request(method, &url).bearer_auth(token).body(shot.body.clone());
    if !shot.headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    if route.handler == "posts.update" && !shot.headers.iter().any(|(name, _)| *name == "if-match") {
        request = request.header("if-match", "*");
    }
    for (name, value) in &shot.headers {
        let value = HeaderValue::from_bytes(value).map_err(|error| error.to_string())?;
        request = request.header(HeaderName::from_static(name), value);
    }
    let answer = request.send().await.map_err(|error| format!("no answer: {error}"))?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| format!("half an answer: {error}"))?;
    let wrong = |what: &str| Err(format!("{what}: {status} {text} for {} {url}", route.method));
    // Nothing is broken or busy here, so nothing may say that it is.
    if status >= 500 {
        return wrong("a server error");
    }
    if status < 400 {
        return Ok(status);
    }
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    // A path that is none of the template's is refused by the gateway itself, in its own words.
    if status == 404 && body == json!({"message": "Not Found"}) {
        return Ok(status);
    }
    let members: Vec<&str> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let filled =
        ["error", "code", "requestId"].iter().all(|name| body[name].as_str().is_some_and(|text| !text.is_empty()));
    let code = body["code"].as_str().unwrap_or_default();
    let snake = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let known = members.iter().all(|name| matches!(*name, "error" | "code" | "requestId" | "problems"));
    if !known || !filled || !snake { wrong("not the error shape") } else { Ok(status) }
}

#[test]
fn no_input_reaches_a_server_error_and_every_refusal_has_the_one_shape() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let full = std::env::var("HERALD_FULL").is_ok_and(|full| full == "1");
    let mut stack = runtime.block_on(Stack::start())?;
    let seed = match std::env::var("HERALD_SEED") {
        Ok(seed) => seed.parse()?,
        // As good as chance here.
        Err(_) => u64::from(stack.pid()),
    };
    println!("HERALD_SEED={seed}");
    let (admin, connection, post) = runtime.block_on(async {
        let admin = stack.admin("agency").await?;
        admin.talent("ann").await?;
        let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
        herald_tests::consent::link(&admin, "ann", "BLUESKY", "ann.bsky.social").await?;
        let draft = json!({"talentId": "ann", "content": "a draft"});
        let post = admin.post("/api/social/posts", &draft).await?.expect(201).text_of("id").to_owned();
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((admin, id, post))
    })?;
    let mut routes = routes()?;
    // What is gone cannot be asked about.
    let order = ["posts.remove", "connections.disconnect", "connections.remove"];
    routes.sort_by_key(|route| order.iter().position(|last| *last == route.handler).map_or(0, |at| at + 1));
    let tokens = runtime.block_on(async {
        let staff = stack.token("workspace=agency&role=admin").await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((
            staff,
            stack.token("workspace=agency&role=talent&talent=ann").await?,
        ))
    })?;
    for (n, route) in (0u64..).zip(&routes) {
        let config = Config {
            cases: if full { 2_000 } else { 100 },
            rng_seed: RngSeed::Fixed(seed.wrapping_add(n)),
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        let token = if route.path.starts_with("/api/exclusive/") { &tokens.1 } else { &tokens.0 };
        let taken = std::cell::Cell::new(0);
        let outcome = TestRunner::new(config).run(&shot(route, &connection, &post), |shot| {
            let status = runtime.block_on(fire(&stack, token, route, &shot)).map_err(TestCaseError::fail)?;
            taken.set(taken.get() + u32::from(status < 400));
            Ok(())
        });
        if let Err(error) = outcome {
            return Err(format!("{} {} with HERALD_SEED={seed}: {error}", route.method, route.path).into());
        }
        // Input that is refused at the door tests only the door.
        let reached = taken.get() > 0 || NOT_REACHED.contains(&route.handler.as_str());
        assert!(reached, "{} {} took nothing of what was sent; HERALD_SEED={seed}", route.method, route.path);
    }
    assert!(stack.is_running()?, "the process is gone");
    runtime.block_on(async {
        let _ = admin.get("/health").await?.expect(200);
        // And it still works.
        admin.talent("eve").await?;
        let id = admin.connect("eve", "BLUESKY", "eve.bsky.social").await?;
        assert_eq!(admin.done("eve", &id).await?["syncStatus"], "READY");
        Ok(())
    })
}
