//! Facts about the simulated Mastodon.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use common::{Answer, World, pairs};
use serde_json::{Value, json};

const HOST: &str = "mastodon.example";
const CALLBACK: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPE: &str = "read:accounts read:statuses";

struct App {
    id: String,
    secret: String,
}

async fn register(w: &World, host: &str) -> App {
    let fields = [
        ("client_name", "Herald"),
        ("redirect_uris", CALLBACK),
        ("scopes", "read write"),
        ("website", "https://app.example"),
    ];
    let app = w.form(&format!("{host}/api/v1/apps"), &fields).await.json();
    assert_eq!(app["client_secret_expires_at"], 0);
    App { id: app["client_id"].as_str().unwrap().to_owned(), secret: app["client_secret"].as_str().unwrap().to_owned() }
}

fn authorize(host: &str, app: &App, scope: &str) -> String {
    let query = [
        ("response_type", "code"),
        ("client_id", &app.id),
        ("redirect_uri", CALLBACK),
        ("scope", scope),
        ("state", "s1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("{host}/oauth/authorize?{}", pairs(&query))
}

async fn exchange(w: &World, host: &str, app: &App, code: &str, verifier: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    w.form(&format!("{host}/oauth/token"), &fields).await
}

async fn connect(w: &World, app: &App, user: &str) -> String {
    let code = w.approve(&authorize(HOST, app, SCOPE), user).await.redirected("code").unwrap();
    let body = exchange(w, HOST, app, &code, VERIFIER).await.json();
    assert!(body.get("expires_in").is_none() && body.get("refresh_token").is_none());
    body["access_token"].as_str().unwrap().to_owned()
}

async fn me(w: &World, token: &str) -> Answer {
    w.get_as(&format!("{HOST}/api/v1/accounts/verify_credentials"), token).await
}

#[tokio::test]
async fn an_app_registers_itself_and_connects_an_account() {
    let w = World::start().await;
    let app = register(&w, HOST).await;
    let token = connect(&w, &app, "demo").await;
    let answer = me(&w, &token).await;
    assert!(answer.header("x-ratelimit-reset").unwrap().ends_with('Z'));
    let (account, truth) = (answer.json(), w.truth("MASTODON", "demo@mastodon.example").await);
    assert_eq!(account["id"], truth["id"]);
    assert_eq!(account["url"], "https://mastodon.example/@demo");
    assert_eq!(account["followers_count"], truth["followerCount"]);
    assert_eq!(account["source"]["note"], truth["bio"]);
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn a_token_lives_until_it_is_revoked_by_its_own_app() {
    let w = World::start().await;
    let (app, other) = (register(&w, HOST).await, register(&w, HOST).await);
    let token = connect(&w, &app, "demo").await;
    w.advance(400 * 86_400).await;
    assert_eq!(me(&w, &token).await.status, 200);
    let revoke = async |app: &App| {
        let fields = [("client_id", app.id.as_str()), ("client_secret", &app.secret), ("token", &token)];
        w.form(&format!("{HOST}/oauth/revoke"), &fields).await
    };
    let foreign = revoke(&other).await;
    assert_eq!((foreign.status, foreign.json()["error"].clone()), (403, json!("unauthorized_client")));
    for _ in 0..2 {
        let answer = revoke(&app).await;
        assert_eq!((answer.status, answer.json()), (200, json!({})));
    }
    let dead = me(&w, &token).await;
    assert_eq!((dead.status, dead.json()["error"].clone()), (401, json!("The access token was revoked")));
}

#[tokio::test]
async fn codes_apps_and_tokens_belong_to_one_instance() {
    let w = World::start().await;
    let app = register(&w, HOST).await;
    let code = w.approve(&authorize(HOST, &app, SCOPE), "demo").await.redirected("code").unwrap();
    let elsewhere = exchange(&w, "other.example", &app, &code, VERIFIER).await;
    assert_eq!((elsewhere.status, elsewhere.json()["error"].clone()), (401, json!("invalid_client")));
    assert_eq!(exchange(&w, HOST, &app, &code, &VERIFIER.replace('d', "e")).await.json()["error"], "invalid_grant");
    assert_eq!(exchange(&w, HOST, &app, &code, VERIFIER).await.status, 200);
    assert_eq!(exchange(&w, HOST, &app, &code, VERIFIER).await.json()["error"], "invalid_grant");
    let token = connect(&w, &app, "demo").await;
    assert_eq!(w.get_as("other.example/api/v1/accounts/verify_credentials", &token).await.status, 401);
}

#[tokio::test]
async fn scopes_stay_inside_the_registered_ones() {
    let w = World::start().await;
    let app = register(&w, HOST).await;
    let back = w.get(&authorize(HOST, &app, "read push")).await;
    assert_eq!(back.redirected("error").unwrap(), "invalid_scope");
    let page = authorize(HOST, &app, SCOPE);
    let fields = [("account", "demo"), ("decision", "approve"), ("scope", "read:statuses")];
    let code = w.form(&page, &fields).await.redirected("code").unwrap();
    let body = exchange(&w, HOST, &app, &code, VERIFIER).await.json();
    assert_eq!(body["scope"], "read:statuses");
    assert_eq!(me(&w, body["access_token"].as_str().unwrap()).await.status, 403);
}

#[tokio::test]
async fn the_public_looks_up_an_account_and_pages_through_its_statuses() {
    let w = World::start().await;
    let truth = w.truth("MASTODON", "many_p45@mastodon.example").await;
    let account = w.get(&format!("{HOST}/api/v1/accounts/lookup?acct=many_p45")).await.json();
    assert_eq!(account["id"], truth["id"]);
    let mut url =
        format!("{HOST}/api/v1/accounts/{}/statuses?limit=40&exclude_reblogs=true", account["id"].as_str().unwrap());
    let mut seen = Vec::new();
    loop {
        let page = w.get(&url).await;
        seen.extend(page.json().as_array().unwrap().clone());
        let next =
            page.header("link").and_then(|l| l.split(", ").find(|p| p.contains("rel=\"next\""))).map(str::to_owned);
        match next {
            Some(link) => url = link.trim_start_matches("<https://").split('>').next().unwrap().to_owned(),
            None => break,
        }
    }
    let posts = truth["posts"].as_array().unwrap();
    assert_eq!((seen.len(), posts.len()), (45, 45));
    for (s, t) in seen.iter().zip(posts) {
        assert_eq!(
            (&s["id"], &s["url"], &s["favourites_count"], &s["reblogs_count"]),
            (&t["id"], &t["url"], &t["likes"], &t["shares"])
        );
        assert!(t["views"].is_null());
    }
    let one = w.get(&format!("{HOST}/api/v1/statuses/{}", posts[44]["id"].as_str().unwrap())).await.json();
    assert_eq!(one["url"], posts[44]["url"]);
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn boosts_stand_between_the_own_statuses_unless_excluded() {
    let w = World::start().await;
    let id = w.truth("MASTODON", "demo@mastodon.example").await["id"].as_str().unwrap().to_owned();
    let all = w.get(&format!("{HOST}/api/v1/accounts/{id}/statuses?limit=40")).await.json();
    let boosts: Vec<usize> =
        all.as_array().unwrap().iter().enumerate().filter(|(_, s)| s["reblog"].is_object()).map(|(i, _)| i).collect();
    assert_eq!(boosts, [10, 21, 32]);
}

#[tokio::test]
async fn accounts_may_be_missing_suspended_private_or_gone() {
    let w = World::start().await;
    let lookup = |user: &str| format!("{HOST}/api/v1/accounts/lookup?acct={user}");
    assert_eq!(w.get(&lookup("missing_one")).await.status, 404);
    assert_eq!(w.get(&lookup("demo@other.example")).await.status, 404);
    let shell = w.get(&lookup("suspended_one")).await.json();
    assert_eq!((shell["suspended"].clone(), shell["display_name"].clone()), (json!(true), json!("")));
    let private = w.get(&lookup("private_one")).await.json();
    assert_eq!(private["locked"], true);
    let statuses = format!("{HOST}/api/v1/accounts/{}/statuses", private["id"].as_str().unwrap());
    assert_eq!(w.get(&statuses).await.json(), json!([]));
    w.control("PATCH", "accounts/MASTODON/private_one@mastodon.example", json!({"deleted": true})).await;
    assert_eq!(w.get(&statuses).await.status, 410);
    assert_eq!(w.get(&lookup("private_one")).await.status, 404);

    let app = register(&w, HOST).await;
    let token = connect(&w, &app, "demo").await;
    w.control("PATCH", "accounts/MASTODON/demo@mastodon.example", json!({"suspended": true})).await;
    assert_eq!(me(&w, &token).await.status, 403);
}

#[tokio::test]
async fn some_instances_are_old_closed_or_only_a_name() {
    let w = World::start().await;
    let metadata = "/.well-known/oauth-authorization-server";
    assert_eq!(
        w.get(&format!("{HOST}{metadata}")).await.json()["token_endpoint"],
        "https://mastodon.example/oauth/token"
    );
    assert_eq!(w.get(&format!("old.example{metadata}")).await.status, 404);
    assert_eq!(w.get("closed.example/api/v1/accounts/lookup?acct=demo").await.status, 401);
    let finger =
        w.get("alias.social.example/.well-known/webfinger?resource=acct:demo@alias.social.example").await.json();
    assert_eq!(finger["links"][1]["href"], "https://social.example/users/demo");
    assert_eq!(w.get("alias.social.example/api/v2/instance").await.status, 404);
    assert_eq!(w.get("social.example/api/v2/instance").await.json()["domain"], "social.example");
    assert_eq!(w.get("missing.example/api/v2/instance").await.status, 404);
}

#[tokio::test]
async fn unknown_parameters_headers_and_paths_are_recorded() {
    let w = World::start().await;
    assert_eq!(w.get(&format!("{HOST}/api/v1/accounts/lookup?acct=demo&shoes=1")).await.status, 422);
    assert_eq!(w.get(&format!("{HOST}/api/v1/shoes")).await.status, 404);
    let odd = w.send("GET", &format!("{HOST}/api/v2/instance"), &[("x-shoe-size", "44")], "").await;
    assert_eq!(odd.status, 422);
    assert_eq!(me(&w, "").await.status, 401);
    let list = w.control("GET", "unexpected", Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert_eq!(list[0]["platform"], "MASTODON");
}
