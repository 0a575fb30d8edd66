//! A real Bluesky server and its directory: accounts are linked, synced, renewed and revoked.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald_tests::browser::{Browser, Page, allow_at_pds};
use herald_tests::client::Client;
use herald_tests::eventually::until;
use herald_tests::process::{RealServer, Result, Tool};
use herald_tests::rows::Rows;
use herald_tests::stack::{Stack, World};
use reqwest::Url;
use serde_json::{Value, json};

use crate::{WORKSPACE, authority, begin, come_back, erased};

/// A real server with the accounts alice.test and bob.test, and a stack that sees it as part of the network.
pub struct Ground {
    pub server: RealServer,
    pub stack: Stack,
    pub staff: Client,
    _folder: tempfile::TempDir,
}

impl Ground {
    /// `None`, loudly, where the server is not installed.
    pub async fn or_skip(name: &str) -> Result<Option<Self>> {
        if Tool::Real.or_skip(name).is_none() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let arguments = ["--dir", folder.path().to_str().unwrap(), "--account", "alice.test", "--account", "bob.test"];
        let server = RealServer::start("pds.mjs", &arguments).await?;
        let facts = &server.facts;
        let (pds, plc) = (facts["pds"].as_str().unwrap().to_owned(), facts["plc"].as_str().unwrap().to_owned());
        let state = Network { http: Client::new(&pds)?.http().clone(), pds, plc };
        let proxy = serve(Router::new().fallback(network).with_state(state)).await?;
        let allow = format!("{},{}", authority(&facts["pds"]), authority(&facts["plc"]));
        let environment = [("HERALD_UPSTREAM_BLUESKY", proxy.as_str()), ("HERALD_LOOPBACK_ALLOW", &allow)];
        let stack = Stack::with(World::start().await?, &environment).await?;
        // A test may let hours pass.
        let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
        let staff = stack.client.with_token(token);
        for talent in ["alice", "bob"] {
            staff.talent(talent).await?;
        }
        Ok(Some(Self { server, stack, staff, _folder: folder }))
    }

    /// The server's origin.
    pub fn origin(&self) -> &str {
        self.server.facts["pds"].as_str().unwrap()
    }

    /// The facts of an account.
    pub fn account(&self, n: usize) -> &Value {
        &self.server.facts["accounts"][n]
    }

    /// Links alice's account with her consent, and answers the connection.
    pub async fn alice_consents(&self) -> Result<String> {
        let page = begin(&self.staff, "alice", "BLUESKY", "alice.test").await?;
        assert!(page.as_str().starts_with(&format!("{}/oauth/authorize?", self.origin())), "{page}");
        come_back(&self.staff, &allow_at_pds(&page, self.account(0)).await?).await
    }

    /// Links bob's account by an app password, and answers the connection.
    pub async fn bob_hands_over(&self) -> Result<String> {
        let password = &self.account(1)["appPassword"];
        let body = json!({"talentId": "bob", "platform": "BLUESKY", "handle": "bob.test", "accessToken": password});
        let reply = self.staff.post("/api/socials/oauth/callback", &body).await?.expect(201);
        Ok(reply.text_of("connectionId").to_owned())
    }
}

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
pub struct Author {
    browser: Browser,
    pds: Url,
    token: String,
    did: String,
}

impl Author {
    pub async fn of(pds: &str, account: &Value) -> Result<Self> {
        let (mut browser, pds) = (Browser::new()?, Url::parse(pds)?);
        let body = json!({"identifier": account["handle"], "password": account["password"]});
        let session = browser.json(&pds.join("/xrpc/com.atproto.server.createSession")?, &body, &[]).await?.json();
        let token = format!("Bearer {}", session["accessJwt"].as_str().ok_or("no session")?);
        Ok(Self { browser, pds, token, did: account["did"].as_str().unwrap_or_default().to_owned() })
    }

    /// Writes to the repository, whatever the server says to it.
    pub async fn send(&mut self, method: &str, collection: &str, more: Value) -> Result<Page> {
        let mut body = json!({"repo": self.did, "collection": collection});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = self.pds.join(&format!("/xrpc/com.atproto.repo.{method}"))?;
        self.browser.json(&url, &body, &[("authorization", &self.token)]).await
    }

    pub async fn write(&mut self, method: &str, collection: &str, more: Value) -> Result<()> {
        let page = self.send(method, collection, more).await?;
        assert_eq!(page.status, 200, "{}", page.text);
        Ok(())
    }

    pub async fn post(&mut self, text: &str) -> Result<()> {
        let record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-20T10:00:00.000Z"});
        self.write("createRecord", "app.bsky.feed.post", json!({"record": record})).await
    }
}

#[tokio::test]
async fn an_account_on_a_real_bluesky_server_is_linked_synced_renewed_and_revoked() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::bluesky").await? else { return Ok(()) };
    let (stack, staff, origin) = (&ground.stack, &ground.staff, ground.origin());
    let (alice, bob) = (ground.account(0), ground.account(1));
    let rows = Rows::of(stack).await?;

    let mut author = Author::of(origin, alice).await?;
    let profile = json!({"$type": "app.bsky.actor.profile", "displayName": "Alice Real", "description": "Written on the server."});
    author.write("putRecord", "app.bsky.actor.profile", json!({"rkey": "self", "record": profile})).await?;
    for text in ["one", "two", "three"] {
        author.post(text).await?;
    }

    // OAuth: handle to identity to server to issuer; pushed request, DPoP, PKCE.
    let id = ground.alice_consents().await?;
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
    Author::of(origin, bob).await?.post("by bob").await?;
    let wrong =
        json!({"talentId": "bob", "platform": "BLUESKY", "handle": "bob.test", "accessToken": "aaaa-bbbb-cccc-dddd"});
    let refused = staff.post("/api/socials/oauth/callback", &wrong).await?.expect(422);
    assert_eq!(refused.text_of("code"), "token_refused");
    let by_password = ground.bob_hands_over().await?;
    let linked = staff.done("bob", &by_password).await?;
    assert_eq!((&linked["syncStatus"], &linked["platformAccountId"]), (&json!("READY"), &bob["did"]), "{linked}");
    assert_eq!(rows.publications(WORKSPACE, &by_password).await?, 1);

    for (connection, is) in [(&id, "OAuth"), (&by_password, "an app password")] {
        let gone = staff.post("/api/social/disconnect", &json!({"connectionId": connection})).await?.expect(200);
        assert_eq!(gone.body["connected"], false, "{is}");
        erased(stack, connection).await?;
    }
    // The history stays.
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 4);
    Ok(())
}
