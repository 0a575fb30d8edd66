//! Every route of the template against every kind of caller: the exact status, and nothing changed.

use std::collections::BTreeSet;
use std::path::Path;

use herald_tests::client::{Client, Reply};
use herald_tests::process::Result;
use herald_tests::routes::{Route, routes};
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

/// Who asks. `bob` of the workspace `agency` owns what is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// No credential, or one that proves nothing; whether it is called invalid.
    Nobody { invalid: bool },
    /// A talent of the same workspace, who is not bob.
    OtherTalent,
    /// A talent of another workspace with bob's own id.
    Namesake,
    /// Staff of another workspace.
    OtherStaff,
    /// Staff of bob's workspace, on a talent's own routes.
    Staff,
}

/// Open to anyone: the whole list, by hand.
fn public() -> [(&'static str, &'static str, u16); 6] {
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/embed/files.tsv").exists();
    [
        ("GET", "/health", 200),
        ("GET", "/", 302),
        // 503 says that the console was not there when this was built.
        ("GET", "/console", if console { 200 } else { 503 }),
        ("GET", "/console/{path+}", 200),
        ("GET", "/api/social/oauth/callback", 400),
        ("GET", "/api/social/oauth/bluesky/client-metadata.json", 200),
    ]
}

/// What is due, written by hand from the contract: audience first, then whose data it is.
fn due(route: &Route, caller: Caller) -> Option<u16> {
    if let Some((_, _, status)) =
        public().iter().find(|(method, path, _)| (*method, *path) == (&*route.method, &*route.path))
    {
        return Some(*status);
    }
    let (staff, own) = (route.path.starts_with("/api/admin/"), route.path.starts_with("/api/exclusive/"));
    Some(match (caller, route.handler.as_str()) {
        (Caller::Nobody { .. }, _) => 401,
        (Caller::OtherTalent | Caller::Namesake, _) if staff => 403,
        (Caller::OtherStaff | Caller::Staff, _) if own => 403,
        // What staff of bob's own workspace may do on the other routes is not this test's.
        (Caller::Staff, _) => return None,
        (_, "ops.capabilities") => 200,
        // In their own workspace they may: it changes nothing of bob's.
        (Caller::OtherStaff, "talents.save" | "talents.list" | "ops.queue_stats" | "api_keys.list" | "audit.list") => {
            200
        }
        (Caller::OtherStaff, "api_keys.create") => 201,
        (Caller::OtherStaff, "ops.redrive") => 202,
        (Caller::OtherTalent, "connections.list") => 200,
        // A talent's own figures; whose they are, `analytics.rs` tests.
        (Caller::OtherTalent, name) if own && name.starts_with("analytics.") => 200,
        // Everybody has a list of posts; whose stand in it, `posts.rs` tests.
        (_, "posts.list") => 200,
        // A file is taken, and each of its rows answers for itself.
        (_, "posts.bulk") => 202,
        // A namesake names itself, and is nobody in a workspace that has no such talent.
        _ => 404,
    })
}

/// A request that would do something, sent by somebody who may.
fn request(route: &Route, connection: &str, post: &str) -> (Method, String, Option<Value>) {
    let mut path = route.with(|name| match name {
        "connectionId" => connection.to_owned(),
        "queue" => "ingest".to_owned(),
        "platform" => "MASTODON".to_owned(),
        "id" => "comp~bob~MASTODON~rival@mastodon.example".to_owned(),
        "postId" => post.to_owned(),
        "deliveryId" => format!("dlv_{}_0", post.trim_start_matches("post_")),
        "path+" => "config.json".to_owned(),
        "jobId" => format!("bulk_{}", post.trim_start_matches("post_")),
        _ => "bob".to_owned(),
    });
    let body = match (route.handler.as_str(), route.method.as_str()) {
        ("talents.save", _) => Some(json!({"name": "Intruder"})),
        ("api_keys.create", _) => Some(json!({"name": "Intruder", "role": "admin"})),
        ("connections.connect_manual", _) => {
            Some(json!({"talentId": "bob", "platform": "MASTODON", "handle": "intruder@mastodon.example"}))
        }
        ("connections.hand_over", _) => {
            Some(json!({"talentId": "bob", "platform": "TIKTOK", "handle": "intruder", "accessToken": "x"}))
        }
        ("connections.disconnect", _) => Some(json!({"connectionId": connection})),
        ("posts.create" | "posts.validate" | "posts.publish", _) => {
            Some(json!({"talentId": "bob", "content": "intruding"}))
        }
        ("posts.schedule", _) => Some(json!({"talentId": "bob", "content": "intruding", "platforms": ["MASTODON"],
            "scheduledAt": herald_tests::author::far_off()})),
        ("posts.update", _) => Some(json!({"content": "intruding"})),
        ("posts.resolve", _) => Some(json!({"outcome": "resend"})),
        ("oauth.connect", "POST") => Some(json!({"userId": "bob", "platform": "TIKTOK"})),
        ("oauth.connect", _) => {
            path.push_str("?userId=bob&platform=TIKTOK");
            None
        }
        ("competitors.add", _) => {
            Some(json!({"talentId": "bob", "platform": "MASTODON", "handle": "intruder@mastodon.example"}))
        }
        ("workspace.update", _) => Some(json!({"timezone": "Europe/Berlin"})),
        ("analytics.trends", _) => {
            path.push_str("?metric=followers");
            None
        }
        ("analytics.export", _) => {
            path.push_str("?format=csv");
            None
        }
        ("analytics.get" | "analytics.summary" | "competitors.list", "GET") if path.starts_with("/api/social/") => {
            path.push_str("?talentId=bob");
            None
        }
        _ => None,
    };
    (Method::from_bytes(route.method.as_bytes()).unwrap_or_default(), path, body)
}

async fn send(client: &Client, (method, path, body): (Method, String, Option<Value>)) -> Result<Reply> {
    if path.ends_with("/posts/bulk") {
        let file = b"talentId,content\nbob,intruding\n".to_vec();
        return client.send(method, &path, &[("content-type", "text/csv")], Some(file)).await;
    }
    match body {
        Some(body) => {
            let headers = [("content-type", "application/json"), ("if-match", "*")];
            client.send(method, &path, &headers, Some(body.to_string().into_bytes())).await
        }
        None => client.send(method, &path, &[], None).await,
    }
}

/// The token with another part in place of one of its own.
fn forged(token: &str, part: usize, text: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    if let Some(part) = parts.get_mut(part) {
        *part = text;
    }
    parts.join(".")
}

/// Base64 without padding, URL alphabet.
fn base64url(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |bits: u32| char::from(LETTERS[(bits & 63) as usize]);
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().enumerate().fold(0u32, |bits, (n, byte)| bits | u32::from(*byte) << (16 - 8 * n));
        (0..=chunk.len()).map(|n| letter(bits >> (18 - 6 * n))).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

/// Credentials that prove nothing, each a way that somebody has tried.
async fn worthless(stack: &Stack) -> Result<Vec<(&'static str, Client)>> {
    let good = stack.token("workspace=agency&role=admin").await?;
    let (head, signature) = (good.split('.').next().unwrap_or_default(), good.rsplit('.').next().unwrap_or_default());
    let claims = |issuer: &str, workspace: &str| {
        let until = 4_000_000_000_u64;
        let claims = json!({"iss": issuer, "aud": "herald", "sub": "x", "exp": until, "nbf": 0,
            "herald_workspace": workspace, "herald_role": "admin"});
        base64url(&claims.to_string())
    };
    let issuer = format!("{}/local", stack.client.base());
    let mut turned: Vec<char> = signature.chars().collect();
    turned.reverse();
    let none = |alg: &str| base64url(&json!({"alg": alg, "typ": "JWT"}).to_string());
    let with = |token: String| stack.client.with_token(token);
    Ok(vec![
        ("a forged signature", with(forged(&good, 2, &turned.iter().collect::<String>()))),
        ("no signature", with(forged(&good, 2, ""))),
        ("other claims under a good signature", with(forged(&good, 1, &claims(&issuer, "agency")))),
        ("alg none", with(format!("{}.{}.", none("none"), claims(&issuer, "agency")))),
        ("alg NONE with a signature", with(format!("{}.{}.{signature}", none("NONE"), claims(&issuer, "agency")))),
        ("alg HS256", with(format!("{}.{}.{signature}", none("HS256"), claims(&issuer, "agency")))),
        ("another issuer", with(format!("{head}.{}.{signature}", claims("https://evil.example", "agency")))),
        ("expired", with(stack.token("workspace=agency&role=admin&ttl=-60").await?)),
        ("an unknown API key", with(format!("hk_{}", "a".repeat(43)))),
        ("two parts", with("a.b".to_owned())),
        ("not a token", with("x".repeat(9_000))),
    ])
}

#[tokio::test]
async fn every_route_lets_in_whom_it_is_for_and_nobody_else() -> Result<()> {
    let mut routes = routes()?;
    // Once other staff have a bob of their own, their questions about bob are about that one.
    routes.sort_by_key(|route| route.handler == "talents.save");
    assert!(routes.len() >= 20, "the template was not read: {routes:?}");
    let stack = Stack::start().await?;
    let admin = stack.admin("agency").await?;
    for talent in ["ann", "bob"] {
        admin.talent(talent).await?;
    }
    let id = admin.connect("bob", "MASTODON", "bob@mastodon.example").await?;
    admin.done("bob", &id).await?;
    let draft = json!({"talentId": "bob", "content": "bob's own"});
    let post = admin.post("/api/social/posts", &draft).await?.expect(201).text_of("id").to_owned();
    let seen = async || {
        let talents = admin.get("/api/admin/talents").await?.expect(200).body;
        let glance = admin.get("/api/admin/talent/bob/social-intelligence").await?.expect(200).body;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((
            talents,
            glance,
            admin.connections("bob").await?,
            admin.connections("ann").await?,
            admin.get("/api/social/posts").await?.expect(200).body,
        ))
    };
    let (before, asked) = (seen().await?, stack.world.look("/requests").await?);

    let mut callers = vec![("no token", Caller::Nobody { invalid: false }, stack.client.clone())];
    for (what, client) in worthless(&stack).await? {
        callers.push((what, Caller::Nobody { invalid: true }, client));
    }
    callers.extend([
        ("another talent", Caller::OtherTalent, stack.as_talent("agency", "ann").await?),
        ("a namesake", Caller::Namesake, stack.as_talent("rival", "bob").await?),
        ("other staff", Caller::OtherStaff, stack.admin("rival").await?),
        ("staff", Caller::Staff, admin.clone()),
    ]);
    for (what, caller, client) in &callers {
        for route in &routes {
            let Some(status) = due(route, *caller) else { continue };
            let line = format!("{} {} by {what}", route.method, route.path);
            let reply = send(client, request(route, &id, &post)).await?;
            assert_eq!(reply.status, status, "{line}: {}", reply.text);
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            let demanded = match (caller, status) {
                (Caller::Nobody { invalid: true }, 401) => r#"Bearer realm="herald", error="invalid_token""#,
                (_, 401) => r#"Bearer realm="herald""#,
                _ => "",
            };
            assert_eq!(challenge, demanded, "{line}");
            let code = reply.text_of("code");
            match status {
                401 => assert_eq!(code, "unauthenticated", "{line}"),
                403 => assert_eq!(code, "forbidden", "{line}"),
                404 => assert!(code.ends_with("_not_found"), "{line}: {code}"),
                _ => {}
            }
        }
        assert_eq!(seen().await?, before, "{what} changed something");
    }
    assert_eq!(stack.world.look("/requests").await?, asked, "a platform was asked for nobody");
    let listed: BTreeSet<(String, String)> = routes.iter().map(|r| (r.method.clone(), r.path.clone())).collect();
    for (method, path, _) in public() {
        assert!(listed.contains(&(method.to_owned(), path.to_owned())), "{method} {path} is no route any more");
    }
    Ok(())
}

#[tokio::test]
async fn no_spelling_of_a_path_or_a_header_opens_a_staff_route_to_a_talent() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = stack.admin("agency").await?;
    admin.talent("ann").await?;
    let talent = stack.as_talent("agency", "ann").await?;
    for path in [
        "/api/%61dmin/talents",
        "/%61pi/admin/talents",
        "/api/admin%2Ftalents",
        "/api%2Fadmin%2Ftalents",
        "//api/admin/talents",
        "/api//admin/talents",
        "/api/admin//talents",
        "/api/admin/talents/",
        "/API/ADMIN/TALENTS",
        "/api/Admin/talents",
        "/api/admin/talents;x=1",
        "/api/admin/talents%00",
        "/api/exclusive/..%2Fadmin/talents",
    ] {
        for (name, value) in [("x-role", "admin"), ("x-original-url", "/health"), ("x-http-method-override", "GET")] {
            let reply = talent.send(Method::GET, path, &[(name, value)], None).await?;
            assert!(matches!(reply.status, 403 | 404), "{path}: {} {}", reply.status, reply.text);
        }
    }
    // The credential counts, in its one place.
    let token = stack.token("workspace=agency&role=admin").await?;
    for (name, value) in [
        ("authorization", format!("Basic {token}")),
        ("authorization", token.clone()),
        ("authorization", "Bearer".to_owned()),
        ("x-authorization", format!("Bearer {token}")),
        ("cookie", format!("authorization=Bearer {token}")),
    ] {
        let reply = stack.client.send(Method::GET, "/api/admin/talents", &[(name, &value)], None).await?;
        assert_eq!(reply.status, 401, "{name}");
    }
    let in_query = stack.client.get(&format!("/api/admin/talents?access_token={token}")).await?;
    assert_eq!(in_query.status, 401);
    let odd_case = [("authorization", format!("bEaReR  {token}"))];
    let odd_case = odd_case.each_ref().map(|(name, value)| (*name, value.as_str()));
    let reply = stack.client.send(Method::GET, "/api/admin/talents", &odd_case, None).await?;
    assert_eq!(reply.status, 200, "the scheme's case does not matter");
    Ok(())
}
