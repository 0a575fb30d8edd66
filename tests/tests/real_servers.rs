//! Real implementations instead of our own reading of the documents: a Bluesky server with its directory, a server of
//! the Mastodon API, a certified OpenID provider. `tests/real/README.md` says what they are.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may panic as the tests do

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald_tests::browser::{Browser, allow_at_oidc, allow_at_pds, allow_at_snac};
use herald_tests::client::Client;
use herald_tests::consent;
use herald_tests::eventually::until;
use herald_tests::process::{RealServer, Result, Tool};
use herald_tests::rows::Rows;
use herald_tests::stack::{Stack, World};
use reqwest::Url;
use serde_json::{Value, json};

const WORKSPACE: &str = "w_real";

/// `localhost:PORT` of an address that a server printed.
fn authority(address: &Value) -> String {
    address.as_str().unwrap().trim_start_matches("http://").to_owned()
}

/// Takes a consent's redirect back to the stack, and answers the connection that it made.
async fn come_back(staff: &Client, callback: &Url) -> Result<String> {
    let path = format!("{}?{}", callback.path(), callback.query().unwrap_or_default());
    Ok(consent::landing(&staff.get(&path).await?)?.connection()?.to_owned())
}

async fn begin(staff: &Client, talent: &str, platform: &str, handle: &str) -> Result<Url> {
    let body = json!({"platform": platform, "userId": talent, "handle": handle, "returnTo": "/done"});
    Ok(Url::parse(&consent::start(staff, &body).await?)?)
}

/// Whether nothing is left to erase, and every token was revoked by its platform's own word.
async fn erased(stack: &Stack, connection: &str) -> Result<()> {
    let rows = Rows::of(stack).await?;
    let pk = format!("w#{WORKSPACE}#c#{connection}");
    until("the end of erasing", async || Ok(rows.of_partition(&pk, "erase#").await?.is_empty())).await?;
    assert!(rows.of_partition(&pk, "tokens").await?.is_empty());
    let log = std::fs::read_to_string(stack.data().join("herald.log"))?;
    assert!(log.contains("\"social_erase\"") && !log.contains("tokens destroyed without revocation"), "{log}");
    Ok(())
}

// -------- Bluesky

/// What stands in for the hosts of the network that are not on this machine.
#[derive(Clone)]
struct Network {
    http: reqwest::Client,
    pds: String,
    plc: String,
}

/// The directory is the real one; handles are proven by the account's server; the public AppView knows nobody, as it
/// would not know a server that no relay crawls.
async fn network(State(network): State<Network>, request: Request) -> Response<Body> {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let (host, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, ""));
    let asked = match host {
        "plc.directory" => network.http.get(format!("{}/{rest}", network.plc)),
        "public.api.bsky.app" => {
            let known =
                ["com.atproto.identity.resolveHandle", "app.bsky.actor.getProfile", "app.bsky.feed.getAuthorFeed"];
            assert!(known.iter().any(|name| rest.ends_with(name)), "{path}?{query}");
            let message =
                if rest.ends_with("resolveHandle") { "Unable to resolve handle" } else { "Profile not found" };
            let body = json!({"error": "InvalidRequest", "message": message});
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        handle if handle.ends_with(".test") => {
            network.http.get(format!("{}/{rest}", network.pds)).header("host", handle)
        }
        _ => return (StatusCode::NOT_FOUND, "no such host").into_response(),
    };
    let answer = asked.send().await.unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], answer.text().await.unwrap()).into_response()
}

async fn serve(router: Router) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(origin)
}

/// An account of the server, as its own app would use it.
struct Author {
    browser: Browser,
    pds: Url,
    token: String,
    did: String,
}

impl Author {
    async fn of(pds: &str, account: &Value) -> Result<Self> {
        let (mut browser, pds) = (Browser::new()?, Url::parse(pds)?);
        let body = json!({"identifier": account["handle"], "password": account["password"]});
        let session = browser.json(&pds.join("/xrpc/com.atproto.server.createSession")?, &body, &[]).await?.json();
        let token = format!("Bearer {}", session["accessJwt"].as_str().ok_or("no session")?);
        Ok(Self { browser, pds, token, did: account["did"].as_str().unwrap_or_default().to_owned() })
    }

    async fn write(&mut self, method: &str, collection: &str, more: Value) -> Result<()> {
        let mut body = json!({"repo": self.did, "collection": collection});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = self.pds.join(&format!("/xrpc/com.atproto.repo.{method}"))?;
        let page = self.browser.json(&url, &body, &[("authorization", &self.token)]).await?;
        assert_eq!(page.status, 200, "{}", page.text);
        Ok(())
    }

    async fn post(&mut self, text: &str) -> Result<()> {
        let record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-20T10:00:00.000Z"});
        self.write("createRecord", "app.bsky.feed.post", json!({"record": record})).await
    }
}

#[tokio::test]
async fn an_account_on_a_real_bluesky_server_is_linked_synced_renewed_and_revoked() -> Result<()> {
    if Tool::Real.or_skip("real_servers::bluesky").is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let arguments = ["--dir", folder.path().to_str().unwrap(), "--account", "alice.test", "--account", "bob.test"];
    let server = RealServer::start("pds.mjs", &arguments).await?;
    let (facts, origin) = (&server.facts, server.facts["pds"].as_str().unwrap());
    let (alice, bob) = (&facts["accounts"][0], &facts["accounts"][1]);
    let state = Network {
        http: reqwest::Client::new(),
        pds: origin.to_owned(),
        plc: facts["plc"].as_str().unwrap().to_owned(),
    };
    let proxy = serve(Router::new().fallback(network).with_state(state)).await?;
    let allow = format!("{},{}", authority(&facts["pds"]), authority(&facts["plc"]));
    let environment = [("HERALD_UPSTREAM_BLUESKY", proxy.as_str()), ("HERALD_LOOPBACK_ALLOW", &allow)];
    let stack = Stack::with(World::start().await?, &environment).await?;
    let (staff, rows) = (stack.admin(WORKSPACE).await?, Rows::of(&stack).await?);
    staff.talent("alice").await?;

    let mut author = Author::of(origin, alice).await?;
    let profile = json!({"$type": "app.bsky.actor.profile", "displayName": "Alice Real", "description": "Written on the server."});
    author.write("putRecord", "app.bsky.actor.profile", json!({"rkey": "self", "record": profile})).await?;
    for text in ["one", "two", "three"] {
        author.post(text).await?;
    }

    // OAuth: handle to identity to server to issuer; pushed request, DPoP, PKCE.
    let page = begin(&staff, "alice", "BLUESKY", "alice.test").await?;
    assert!(page.as_str().starts_with(&format!("{origin}/oauth/authorize?")), "{page}");
    let id = come_back(&staff, &allow_at_pds(&page, alice).await?).await?;
    let linked = staff.done("alice", &id).await?;
    assert_eq!(linked["syncStatus"], "READY", "{linked}");
    assert_eq!(linked["connectionType"], "OAUTH");
    assert_eq!((&linked["handle"], &linked["platformAccountId"]), (&json!("alice.test"), &alice["did"]));
    assert_eq!(linked["scopes"], json!(["atproto", "transition:generic"]));
    assert_eq!(linked["missingScopes"], json!([]));
    assert_eq!(linked["profile"]["displayName"], "Alice Real");
    assert_eq!(linked["profile"]["bio"], "Written on the server.");
    // Nobody counts followers here, and nobody counted is not nobody.
    assert_eq!(linked["profile"]["followerCount"], Value::Null);
    assert_eq!(linked["profile"]["unavailable"]["followerCount"], "not_offered");
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 3);

    // A renewal rotates the tokens, and the server ends the old ones at once.
    let key = json!({"pk": {"S": format!("w#{WORKSPACE}#c#{id}")}, "sk": {"S": "tokens"}});
    let before = rows.call("GetItem", json!({"Key": key})).await?;
    let due =
        json!({"Key": key, "UpdateExpression": "SET due_at = :now", "ExpressionAttributeValues": {":now": {"N": "1"}}});
    rows.call("UpdateItem", due).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    until("the renewal", async || {
        let now = rows.call("GetItem", json!({"Key": key, "ConsistentRead": true})).await?;
        Ok(now["Item"]["sealed"] != before["Item"]["sealed"] && now["Item"]["claims"]["N"] == "0")
    })
    .await?;
    author.post("four").await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    let synced = staff.done("alice", &id).await?;
    assert_eq!(synced["syncStatus"], "READY", "{synced}");
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 4);

    // App password.
    staff.talent("bob").await?;
    Author::of(origin, bob).await?.post("by bob").await?;
    let mut body =
        json!({"talentId": "bob", "platform": "BLUESKY", "handle": "bob.test", "accessToken": "aaaa-bbbb-cccc-dddd"});
    let refused = staff.post("/api/socials/oauth/callback", &body).await?.expect(422);
    assert_eq!(refused.text_of("code"), "token_refused");
    body["accessToken"] = bob["appPassword"].clone();
    let by_password =
        staff.post("/api/socials/oauth/callback", &body).await?.expect(201).text_of("connectionId").to_owned();
    let linked = staff.done("bob", &by_password).await?;
    assert_eq!((&linked["syncStatus"], &linked["platformAccountId"]), (&json!("READY"), &bob["did"]), "{linked}");
    assert_eq!(rows.publications(WORKSPACE, &by_password).await?, 1);

    for (connection, is) in [(&id, "OAuth"), (&by_password, "an app password")] {
        let gone = staff.post("/api/social/disconnect", &json!({"connectionId": connection})).await?.expect(200);
        assert_eq!(gone.body["connected"], false, "{is}");
        erased(&stack, connection).await?;
    }
    // The history stays.
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 4);
    Ok(())
}

// -------- Mastodon

#[tokio::test]
async fn an_account_on_a_real_mastodon_server_is_linked_by_handle_and_by_oauth() -> Result<()> {
    if Tool::Real.or_skip("real_servers::mastodon").is_none() || Tool::Snac.or_skip("real_servers::mastodon").is_none()
    {
        return Ok(());
    }
    let server = RealServer::start("snac.mjs", &["--account", "alice"]).await?;
    let (host, alice) = (server.facts["host"].as_str().unwrap(), &server.facts["accounts"][0]);
    let stack = Stack::with(World::start().await?, &[("HERALD_LOOPBACK_ALLOW", host)]).await?;
    let (staff, rows) = (stack.admin(WORKSPACE).await?, Rows::of(&stack).await?);
    staff.talent("alice").await?;
    let handle = format!("alice@{host}");

    // By handle: nothing has been written yet.
    let id = staff.connect("alice", "MASTODON", &format!("@Alice@{host}")).await?;
    let linked = staff.done("alice", &id).await?;
    assert_eq!(linked["syncStatus"], "READY", "{linked}");
    assert_eq!((&linked["handle"], &linked["connectionType"]), (&json!(handle), &json!("MANUAL")));
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 0);
    let missing = staff.connect("alice", "MASTODON", &format!("nobody@{host}")).await?;
    let missing = staff.done("alice", &missing).await?;
    assert_eq!(missing["syncError"], "Profile not found on platform", "{missing}");

    // More posts than a page, on a server that does not page.
    let mut author = Browser::new()?;
    let site = Url::parse(server.facts["url"].as_str().unwrap())?;
    let callback = "http://127.0.0.1:9/cb";
    let app = [("client_name", "Author"), ("redirect_uris", callback), ("scopes", "read write")];
    let app = author.form(&site.join("/api/v1/apps")?, &app, &[]).await?.json();
    let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
    let mut page = site.join("/oauth/authorize")?;
    let asked = [
        ("response_type", "code"),
        ("client_id", &text("client_id")),
        ("redirect_uri", callback),
        ("scope", "read write"),
        ("state", "s"),
    ];
    page.query_pairs_mut().extend_pairs(asked);
    let back = allow_at_snac(&page, alice).await?;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &text("client_id")),
        ("client_secret", &text("client_secret")),
        ("redirect_uri", callback),
    ];
    let token = author.form(&site.join("/oauth/token")?, &exchange, &[]).await?.json();
    let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
    for n in 0..42 {
        let status = [("status", format!("post {n} & **more**")), ("visibility", "public".to_owned())];
        let status: Vec<(&str, &str)> = status.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let posted = author.form(&site.join("/api/v1/statuses")?, &status, &[("authorization", &token)]).await?;
        assert_eq!(posted.status, 200, "{}", posted.text);
    }

    // By OAuth: the same account is the same connection, now with consent.
    let page = begin(&staff, "alice", "MASTODON", &handle).await?;
    assert!(page.as_str().starts_with(&format!("http://{host}/oauth/authorize?")), "{page}");
    assert_eq!(come_back(&staff, &allow_at_snac(&page, alice).await?).await?, id);
    let linked = staff.done("alice", &id).await?;
    assert_eq!((&linked["syncStatus"], &linked["connectionType"]), (&json!("READY"), &json!("OAUTH")), "{linked}");
    assert_eq!(linked["handle"], handle);
    // The newest forty, each once, and the text as a person wrote it.
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 40);
    let stored = rows.of_partition(&format!("w#{WORKSPACE}#c#{id}"), "pub#").await?;
    let shown = |row: &Value| serde_json::from_str::<Value>(row["shown"]["S"].as_str()?).ok();
    let captions: Vec<Value> = stored.iter().filter_map(|row| Some(shown(row)?["caption"].take())).collect();
    assert!(captions.contains(&json!("post 41 & more")) && !captions.contains(&json!("post 1 & more")), "{captions:?}");

    let _ = staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    erased(&stack, &id).await?;
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 0);
    // A revocation takes the app's registration along at this server; the next consent makes a new one.
    let page = begin(&staff, "alice", "MASTODON", &handle).await?;
    match allow_at_snac(&page, alice).await {
        Ok(callback) => {
            assert_eq!(staff.done("alice", &come_back(&staff, &callback).await?).await?["syncStatus"], "READY")
        }
        Err(refused) => panic!("the person meets a dead page: {refused}"),
    }
    Ok(())
}

// -------- OpenID

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const FRONT_END: &str = "http://127.0.0.1:9/cb";

/// Signs in as a front end would; `resource` names the audience and the algorithm.
async fn sign_in(issuer: &str, login: &str, resource: Option<&str>) -> Result<Value> {
    let mut page = Url::parse(&format!("{issuer}/auth"))?;
    page.query_pairs_mut().extend_pairs([
        ("client_id", "front"),
        ("response_type", "code"),
        ("redirect_uri", FRONT_END),
        ("scope", "openid profile"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    page.query_pairs_mut().extend_pairs(resource.map(|resource| ("resource", resource)));
    let back = allow_at_oidc(&page, login, FRONT_END).await?;
    let code = back.query_pairs().find(|(name, _)| name == "code").ok_or_else(|| back.to_string())?.1.into_owned();
    token(
        issuer,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", FRONT_END),
            ("code_verifier", VERIFIER),
        ],
    )
    .await
}

async fn token(issuer: &str, form: &[(&str, &str)]) -> Result<Value> {
    // `front:secret`
    let basic = [("authorization", "Basic ZnJvbnQ6c2VjcmV0")];
    let page = Browser::new()?.form(&Url::parse(&format!("{issuer}/token"))?, form, &basic).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    Ok(page.json())
}

#[tokio::test]
async fn tokens_of_a_certified_openid_provider_say_who_may_do_what() -> Result<()> {
    if Tool::Real.or_skip("real_servers::openid").is_none() {
        return Ok(());
    }
    let staff = format!(r#"staff={{"herald_workspace":"{WORKSPACE}","herald_role":"admin"}}"#);
    let talent = format!(r#"ann={{"herald_workspace":"{WORKSPACE}","herald_role":"talent","herald_talent":"ann"}}"#);
    let arguments = [
        "--client-id",
        "front",
        "--client-secret",
        "secret",
        "--redirect-uri",
        FRONT_END,
        "--claims",
        &staff,
        "--claims",
        &talent,
    ];
    let server = RealServer::start("oidc.mjs", &arguments).await?;
    let issuer = server.facts["issuer"].as_str().unwrap();
    let allow = authority(&server.facts["issuer"]);
    let environment = [("HERALD_ISSUER", issuer), ("HERALD_LOOPBACK_ALLOW", allow.as_str())];
    let stack = Stack::with(World::start().await?, &environment).await?;
    let bearer = |token: &Value, name: &str| stack.client.with_token(token[name].as_str().unwrap_or_default());
    let list = "/api/admin/talent/ann/social-connections";

    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = sign_in(issuer, "staff", Some(&format!("urn:herald:{algorithm}"))).await?;
        let staff = bearer(&token, "access_token");
        staff.talent("ann").await?;
        assert_eq!(staff.get(list).await?.expect(200).body["total"], 0, "{algorithm}");
        // An identity token is for the front end, not for us.
        let _ = bearer(&token, "id_token").get(list).await?.expect(401);
    }
    let signed_in = sign_in(issuer, "ann", Some("urn:herald:ES256")).await?;
    let renewed = token(
        issuer,
        &[("grant_type", "refresh_token"), ("refresh_token", signed_in["refresh_token"].as_str().unwrap())],
    )
    .await?;
    for token in [&signed_in, &renewed] {
        let ann = bearer(token, "access_token");
        assert_eq!(ann.get("/api/exclusive/socials").await?.expect(200).body["total"], 0);
        let _ = ann.get(list).await?.expect(403);
    }
    let nobody = sign_in(issuer, "bob", Some("urn:herald:ES256")).await?;
    let _ = bearer(&nobody, "access_token").get(list).await?.expect(403);
    for resource in [Some("urn:elsewhere:ES256"), None] {
        let foreign = bearer(&sign_in(issuer, "staff", resource).await?, "access_token").get(list).await?.expect(401);
        assert!(foreign.header("www-authenticate").is_some_and(|text| text.starts_with("Bearer")), "{resource:?}");
    }
    // The stack's own issuer is not believed beside the one that was configured.
    let _ = stack.admin(WORKSPACE).await?.get(list).await?.expect(401);
    Ok(())
}
