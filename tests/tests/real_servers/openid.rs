//! A certified OpenID provider signs people in.

use herald_tests::browser::{Browser, allow_at_oidc};
use herald_tests::process::{RealServer, Result, Tool};
use herald_tests::stack::{Stack, World};
use reqwest::Url;
use serde_json::Value;

use crate::{WORKSPACE, authority};

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
