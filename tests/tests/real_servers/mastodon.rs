//! A real server of the Mastodon API: an account is linked by handle and by OAuth.

use herald_tests::browser::{Browser, allow_at_snac};
use herald_tests::client::Client;
use herald_tests::process::{RealServer, Result, Tool};
use herald_tests::rows::Rows;
use herald_tests::stack::{Stack, World};
use reqwest::Url;
use serde_json::{Value, json};

use crate::{WORKSPACE, begin, come_back, erased};

/// A real server with the account alice, and a stack that sees it.
pub struct Ground {
    pub server: RealServer,
    pub stack: Stack,
    pub staff: Client,
}

impl Ground {
    /// `None`, loudly, where the server is not installed.
    pub async fn or_skip(name: &str) -> Result<Option<Self>> {
        if Tool::Real.or_skip(name).is_none() || Tool::Snac.or_skip(name).is_none() {
            return Ok(None);
        }
        let server = RealServer::start("snac.mjs", &["--account", "alice"]).await?;
        let host = server.facts["host"].as_str().unwrap();
        let stack = Stack::with(World::start().await?, &[("HERALD_LOOPBACK_ALLOW", host)]).await?;
        // A test may let hours pass.
        let token = stack.token(&format!("workspace={WORKSPACE}&role=admin&ttl=31536000")).await?;
        let staff = stack.client.with_token(token);
        staff.talent("alice").await?;
        Ok(Some(Self { server, stack, staff }))
    }

    /// `localhost:PORT`.
    pub fn host(&self) -> &str {
        self.server.facts["host"].as_str().unwrap()
    }

    /// Links alice's account with her consent, and answers the connection.
    pub async fn alice_consents(&self) -> Result<String> {
        let page = begin(&self.staff, "alice", "MASTODON", &format!("alice@{}", self.host())).await?;
        assert!(page.as_str().starts_with(&format!("http://{}/oauth/authorize?", self.host())), "{page}");
        come_back(&self.staff, &allow_at_snac(&page, &self.server.facts["accounts"][0]).await?).await
    }
}

/// The header with which an app of the account's own speaks to its server.
pub async fn own_app(ground: &Ground) -> Result<String> {
    let mut author = Browser::new()?;
    let site = Url::parse(ground.server.facts["url"].as_str().unwrap())?;
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
    let back = allow_at_snac(&page, &ground.server.facts["accounts"][0]).await?;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &text("client_id")),
        ("client_secret", &text("client_secret")),
        ("redirect_uri", callback),
    ];
    let token = author.form(&site.join("/oauth/token")?, &exchange, &[]).await?.json();
    Ok(format!("Bearer {}", token["access_token"].as_str().unwrap()))
}

#[tokio::test]
async fn an_account_on_a_real_mastodon_server_is_linked_by_handle_and_by_oauth() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::mastodon").await? else { return Ok(()) };
    let (stack, staff, host) = (&ground.stack, &ground.staff, ground.host());
    let (rows, alice) = (Rows::of(stack).await?, &ground.server.facts["accounts"][0]);
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
    let site = Url::parse(ground.server.facts["url"].as_str().unwrap())?;
    let (mut author, token) = (Browser::new()?, own_app(&ground).await?);
    for n in 0..42 {
        let status = [("status", format!("post {n} & **more**")), ("visibility", "public".to_owned())];
        let status: Vec<(&str, &str)> = status.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let posted = author.form(&site.join("/api/v1/statuses")?, &status, &[("authorization", &token)]).await?;
        assert_eq!(posted.status, 200, "{}", posted.text);
    }

    // By OAuth: the same account is the same connection, now with consent.
    assert_eq!(ground.alice_consents().await?, id);
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
    erased(stack, &id).await?;
    assert_eq!(rows.publications(WORKSPACE, &id).await?, 0);
    // A revocation takes the app's registration along at this server; the next consent makes a new one.
    let page = begin(staff, "alice", "MASTODON", &handle).await?;
    match allow_at_snac(&page, alice).await {
        Ok(callback) => {
            assert_eq!(staff.done("alice", &come_back(staff, &callback).await?).await?["syncStatus"], "READY")
        }
        Err(refused) => panic!("the person meets a dead page: {refused}"),
    }
    Ok(())
}
