//! The code flow of every platform against its consent page, and everything that can go wrong on the way.

use std::collections::BTreeMap;

use herald_tests::client::Client;
use herald_tests::consent::{Person, consent, landing, link, start};
use herald_tests::eventually::asked;
use herald_tests::process::Result;
use herald_tests::stack::{Stack, World};
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// An account on every platform, and what a start has to name.
const PLATFORMS: [(&str, &str, &str); 5] = [
    ("INSTAGRAM", "ann.dives", ""),
    ("TIKTOK", "anndives", ""),
    ("YOUTUBE", "anndives", ""),
    ("MASTODON", "ann@mastodon.example", "mastodon.example"),
    ("BLUESKY", "ann.bsky.social", ""),
];

async fn admin(stack: &Stack, workspace: &str) -> Result<Client> {
    let token = stack.token(&format!("workspace={workspace}&role=admin&ttl=31536000")).await?;
    let admin = stack.client.with_token(token);
    admin.talent("ann").await?;
    Ok(admin)
}

fn body(platform: &str, server: &str) -> Value {
    let mut body = json!({"userId": "ann", "platform": platform, "returnTo": "/accounts?tab=2"});
    if !server.is_empty() {
        body["handle"] = json!(server);
    }
    body
}

fn query(url: &str) -> Result<BTreeMap<String, String>> {
    let base = Url::parse("http://ours.invalid")?;
    Ok(base.join(url)?.query_pairs().into_owned().collect())
}

/// The same callback with another value for one of its parameters.
fn with(callback: &str, name: &str, value: &str) -> Result<String> {
    let mut url = Url::parse("http://ours.invalid")?.join(callback)?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(n, _)| n != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

#[tokio::test]
async fn a_consent_connects_the_account_that_the_platform_names_and_returns_the_person() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack, "agency").await?;
    let talent = stack.as_talent("agency", "ann").await?;
    for (n, (platform, account, server)) in PLATFORMS.into_iter().enumerate() {
        // Three routes start the same thing: for staff, for a talent, and as a link.
        let url = match n % 3 {
            0 => start(&admin, &body(platform, server)).await?,
            1 => {
                let own = json!({"platform": platform.to_lowercase(), "returnTo": "/accounts?tab=2"});
                talent.post("/api/exclusive/socials/connect", &own).await?.expect(200).text_of("url").to_owned()
            }
            _ => {
                let path =
                    format!("/api/social/oauth/connect?platform={platform}&userId=ann&returnTo=%2Faccounts%3Ftab%3D2");
                let reply = admin.get(&path).await?.expect(200);
                assert_eq!(reply.header("cache-control"), Some("no-store"));
                reply.text_of("url").to_owned()
            }
        };
        assert!(url.starts_with(&stack.world.origin), "{url}");
        let callback = Person::allowing(account).answers(admin.http(), &url).await?;
        assert!(callback.starts_with("/api/social/oauth/callback?"), "{callback}");
        // The callback carries no credential: the state is the credential.
        let reply = stack.client.get(&callback).await?.expect(302);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        let landed = landing(&reply)?;
        let id = landed.connection()?.to_owned();
        assert_eq!(landed.location, format!("/accounts?tab=2&connectionId={id}"));
        let ready = admin.done("ann", &id).await?;
        let truth = stack.world.account(platform, account).await?;
        assert_eq!((&ready["handle"], &ready["syncStatus"]), (&truth["handle"], &json!("READY")), "{platform}");
        assert_eq!((&ready["connectionType"], &ready["missingScopes"]), (&json!("OAUTH"), &json!([])));
        assert!(ready["scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()));
        // The state is spent, also for the one who has it.
        let again = stack.client.get(&callback).await?.expect(400);
        assert_eq!(again.text_of("code"), "invalid_state", "{platform}");
        assert_eq!(admin.connection("ann", &id).await?["syncStatus"], "READY");
        // The same account again is the same connection.
        assert_eq!(link(&admin, "ann", platform, account).await?, id);
    }
    assert_eq!(admin.connections("ann").await?.len(), 5);
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_denied_consent_leaves_nothing_and_says_so() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack, "agency").await?;
    for (platform, account, server) in PLATFORMS {
        let url = start(&admin, &body(platform, server)).await?;
        let callback = Person::denying(account).answers(admin.http(), &url).await?;
        let landed = landing(&stack.client.get(&callback).await?)?;
        assert_eq!(landed.location, "/accounts?tab=2&error=access_denied", "{platform}");
        let state = query(&callback)?.remove("state").unwrap_or_default();
        let forged = format!("/api/social/oauth/callback?state={state}&code=found-elsewhere");
        assert_eq!(stack.client.get(&forged).await?.expect(400).text_of("code"), "invalid_state", "{platform}");
    }
    assert!(admin.connections("ann").await?.is_empty());
    // A refusal in words that no platform should use is not repeated to the browser.
    let state = query(&start(&admin, &body("TIKTOK", "")).await?)?.remove("state").unwrap_or_default();
    let odd = format!("/api/social/oauth/callback?state={state}&error=%3Cscript%3E&error_description=x");
    assert_eq!(landing(&stack.client.get(&odd).await?)?.error(), "platform_refused");
    Ok(())
}

#[tokio::test]
async fn a_state_lives_for_ten_minutes() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack, "agency").await?;
    let (early, late) = (start(&admin, &body("TIKTOK", "")).await?, start(&admin, &body("TIKTOK", "")).await?);
    stack.pass(590).await?;
    let in_time = Person::allowing("anndives").answers(admin.http(), &early).await?;
    let id = landing(&stack.client.get(&in_time).await?)?.connection()?.to_owned();
    admin.done("ann", &id).await?;
    let too_late = Person::allowing("bobdives").answers(admin.http(), &late).await?;
    stack.pass(20).await?;
    assert_eq!(stack.client.get(&too_late).await?.expect(400).text_of("code"), "invalid_state");
    assert_eq!(admin.connections("ann").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_state_decides_whose_the_account_becomes_and_a_code_of_another_flow_is_refused() -> Result<()> {
    let stack = Stack::start().await?;
    let (ours, theirs) = (admin(&stack, "agency").await?, admin(&stack, "rival").await?);
    // Whoever follows the link, with whatever credential: the state's workspace gets the account.
    let url = start(&ours, &body("TIKTOK", "")).await?;
    let callback = Person::allowing("anndives").answers(ours.http(), &url).await?;
    landing(&theirs.get(&callback).await?)?.connection()?;
    assert_eq!((ours.connections("ann").await?.len(), theirs.connections("ann").await?.len()), (1, 0));
    // Where the platform has a proof key, a code does not fit another flow's state.
    for (platform, account, server) in
        PLATFORMS.into_iter().filter(|(p, _, _)| matches!(*p, "YOUTUBE" | "MASTODON" | "BLUESKY"))
    {
        let mine =
            Person::allowing(account).answers(ours.http(), &start(&ours, &body(platform, server)).await?).await?;
        let other =
            Person::allowing(account).answers(ours.http(), &start(&theirs, &body(platform, server)).await?).await?;
        let swapped = with(&mine, "state", query(&other)?.get("state").map(String::as_str).unwrap_or_default())?;
        let landed = landing(&stack.client.get(&swapped).await?)?;
        assert_eq!(landed.error(), "token_refused", "{platform}");
        assert_eq!(stack.client.get(&other).await?.status, 400, "{platform}: the state is spent by what happened");
    }
    assert_eq!((ours.connections("ann").await?.len(), theirs.connections("ann").await?.len()), (1, 0));
    // A code of another platform fits none.
    let mine = Person::allowing("ann.dives").answers(ours.http(), &start(&ours, &body("INSTAGRAM", "")).await?).await?;
    let other = Person::allowing("bobdives").answers(ours.http(), &start(&ours, &body("TIKTOK", "")).await?).await?;
    let swapped = with(&mine, "state", query(&other)?.get("state").map(String::as_str).unwrap_or_default())?;
    assert_eq!(landing(&stack.client.get(&swapped).await?)?.error(), "token_refused");
    // A server that did not consent cannot speak for the one that did (RFC 9207).
    let bluesky =
        Person::allowing("ann.bsky.social").answers(ours.http(), &start(&ours, &body("BLUESKY", "")).await?).await?;
    let evil = with(&bluesky, "iss", "https://evil.example")?;
    assert_eq!(landing(&stack.client.get(&evil).await?)?.error(), "token_refused");
    assert_eq!(ours.connections("ann").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_code_that_was_used_already_connects_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack, "agency").await?;
    for (platform, account, server) in PLATFORMS.into_iter().filter(|(platform, _, _)| *platform != "BLUESKY") {
        let first =
            Person::allowing(account).answers(admin.http(), &start(&admin, &body(platform, server)).await?).await?;
        let id = landing(&stack.client.get(&first).await?)?.connection()?.to_owned();
        let before = admin.done("ann", &id).await?;
        let url = start(&admin, &body(platform, server)).await?;
        let state = query(&url)?.remove("state").ok_or("no state")?;
        let landed = landing(&stack.client.get(&with(&first, "state", &state)?).await?)?;
        assert_eq!(landed.error(), "token_refused", "{platform}");
        assert_eq!(admin.connection("ann", &id).await?, before, "{platform}: what stands is untouched");
    }
    let state = query(&start(&admin, &body("TIKTOK", "")).await?)?.remove("state").ok_or("no state")?;
    let without = landing(&stack.client.get(&format!("/api/social/oauth/callback?state={state}")).await?)?;
    assert_eq!(without.error(), "code_missing");
    Ok(())
}

#[tokio::test]
async fn return_to_leads_to_allowed_places_only() -> Result<()> {
    let world = World::start().await?;
    let stack = Stack::with(world, &[("HERALD_ALLOWED_ORIGINS", "https://app.example,http://localhost:5173")]).await?;
    let admin = admin(&stack, "agency").await?;
    let asking = |to: &str| json!({"userId": "ann", "platform": "TIKTOK", "returnTo": to});
    for (to, location) in [
        ("/", "/?connectionId="),
        ("/a/b?c=d#e", "/a/b?c=d&connectionId="),
        ("https://app.example/back?x=1", "https://app.example/back?x=1&connectionId="),
        ("http://localhost:5173/#/accounts", "http://localhost:5173/?connectionId="),
    ] {
        let landed = consent(&admin, &asking(to), &Person::allowing("anndives")).await?;
        assert!(landed.location.starts_with(location), "{to}: {}", landed.location);
    }
    for to in [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:444/",
        "http://app.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/ok\r\nLocation: https://evil.example",
        "/\t/evil.example",
        "/ space",
        "accounts",
    ] {
        let reply = admin.post("/api/social/oauth/connect", &asking(to)).await?.expect(400);
        assert_eq!(reply.text_of("code"), "invalid_return_to", "{to:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_login_started_in_our_own_page_ends_only_in_the_same_browser() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = admin(&stack, "agency").await?;
    let begin = async |headers: &[(&str, &str)]| -> Result<(String, String)> {
        let all: Vec<(&str, &str)> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
        let asked = body("TIKTOK", "").to_string().into_bytes();
        let reply = admin.send(Method::POST, "/api/social/oauth/connect", &all, Some(asked)).await?.expect(200);
        Ok((reply.text_of("url").to_owned(), reply.header("set-cookie").unwrap_or_default().to_owned()))
    };
    // From another subdomain the cookie does not come back: the start must not demand it.
    for site in ["cross-site", "none", "same-site"] {
        let (url, cookie) = begin(&[("sec-fetch-site", site)]).await?;
        assert_eq!(cookie, "", "a cookie of {site} would not come back");
        let callback = Person::allowing("caroldives").answers(admin.http(), &url).await?;
        let id = landing(&stack.client.get(&callback).await?)?.connection()?.to_owned();
        let _ = admin.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    }
    let tokens = async || asked(&stack.world, "open.tiktokapis.com", "/v2/oauth/token/").await;
    let exchanged = tokens().await?.len();
    let (url, cookie) = begin(&[("sec-fetch-site", "same-origin")]).await?;
    for part in ["__Host-herald-oauth=", "Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "a __Host- cookie has no domain");
    let own = cookie.split(';').next().unwrap_or_default().to_owned();
    for brought in [vec![], vec![("cookie", "__Host-herald-oauth=guess")], vec![("cookie", "__Host-herald-oauth=")]] {
        let (url, _) = begin(&[("sec-fetch-site", "same-origin")]).await?;
        let callback = Person::allowing("bobdives").answers(admin.http(), &url).await?;
        let landed = landing(&stack.client.send(Method::GET, &callback, &brought, None).await?)?;
        assert_eq!(landed.error(), "other_browser", "{brought:?}");
    }
    assert!(admin.connections("ann").await?.is_empty());
    assert_eq!(tokens().await?.len(), exchanged, "the code was not even tried");
    // Two logins side by side in one browser both come through.
    let (second, again) = begin(&[("sec-fetch-site", "same-origin"), ("cookie", &own)]).await?;
    assert_eq!(again.split(';').next(), Some(own.as_str()));
    for (url, account) in [(second, "bobdives"), (url, "anndives")] {
        let callback = Person::allowing(account).answers(admin.http(), &url).await?;
        let reply = stack.client.send(Method::GET, &callback, &[("cookie", &format!("a=b; {own}"))], None).await?;
        landing(&reply)?.connection()?;
    }
    Ok(())
}
