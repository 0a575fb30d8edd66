//! Mastodon's quirks against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Failure, Kind, Metric, Platform, Secret, TokenSet};
use platforms::{Access, Account, AppCredentials, Finish, Grant, Start};
use serde_json::json;
use support::{REDIRECT, World, ids, true_ids};
use url::Url;

const ANN: &str = "ann@social.example.org";

/// A world where Herald is registered at `server`.
async fn registered(server: &str) -> World {
    let mut world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    world.app = register(&world, server).await.unwrap();
    world
}

async fn register(world: &World, server: &str) -> Result<AppCredentials, Failure> {
    let register = world.adapter().register.as_ref().unwrap();
    register.register(&world.cx(), server, &Url::parse(REDIRECT).unwrap()).await
}

async fn issued(world: &World, handle: &str, scopes: &[&str]) -> TokenSet {
    let issued = world.post(&format!("{}/issue-token", world.account_path(handle)), json!({ "scopes": scopes })).await;
    TokenSet {
        access: Secret::new(issued["accessToken"].as_str().unwrap()),
        refresh: None,
        expires_at: None,
        issued_at: world.now(),
        scopes: vec![],
        extra: Default::default(),
    }
}

#[tokio::test]
async fn every_server_registers_herald_for_itself() {
    let world = registered("social.example.org").await;
    let other = register(&world, "other.example.org").await.unwrap();
    assert_ne!(world.app.client_id, other.client_id);
    let server = |handle: &str| world.adapter().register.as_ref().unwrap().server(handle);
    assert_eq!(server("@Ann@Social.Example.org").as_deref(), Some("social.example.org"));
    assert_eq!(server("social.example.org").as_deref(), Some("social.example.org"));
    assert_eq!(server("ann"), None);
    assert_eq!(register(&world, "missing.example.org").await.unwrap_err().kind, Kind::NotFound);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_consent_is_proven_by_pkce_and_never_ends() {
    let world = registered("social.example.org").await;
    let grant = world.consent(ANN, &[]).await.unwrap();
    assert_eq!((grant.tokens.refresh.clone(), grant.tokens.expires_at), (None, None));
    assert!(world.adapter().facts.missing_scopes(&grant.tokens.scopes).is_empty());
    assert_eq!(grant.tokens.extra("server").unwrap().expose(), "social.example.org");
    let profile = world.profile(ANN, Access::Token(&grant.tokens)).await.unwrap();
    let truth = world.truth(ANN).await;
    assert_eq!(profile.handle, ANN);
    assert_eq!(profile.external_id, "https://social.example.org/users/ann");
    assert_eq!(profile.follower_count, Metric::Count(truth["followerCount"].as_u64().unwrap()));
    assert_eq!(profile.bio.as_deref(), truth["bio"].as_str());
    assert_eq!(world.refresh(&grant.tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_old_server_knows_no_pkce_and_no_discovery() {
    let handle = "ann@old.example.org";
    let world = registered("old.example.org").await;
    let grant = world.consent(handle, &[]).await.unwrap();
    assert_eq!(grant.tokens.scopes, ["read", "write"]);
    assert!(world.adapter().facts.missing_scopes(&grant.tokens.scopes).is_empty());
    world.profile(handle, Access::Token(&grant.tokens)).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_that_asks_for_the_sign_in_first_is_asked_whether_it_knows_the_app() {
    let mut world = registered("social.example.org").await;
    let redirect_uri = Url::parse(REDIRECT).unwrap();
    let state = Secret::new("state");
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(ANN) };
    let consent = world.adapter().oauth.start(&world.cx(), &start).await.unwrap().url;
    let known = async |world: &World| world.adapter().register.as_ref().unwrap().is_known(&world.cx(), &consent).await;
    let revocations =
        async |world: &World| world.requests().await.iter().filter(|line| *line == "POST /oauth/revoke").count();
    // A server that shows its page has looked at the app, and some would drop it with a revocation.
    assert!(known(&world).await);
    assert_eq!(revocations(&world).await, 0);
    let sign_in =
        json!({"kind": "reject", "status": 302, "headers": {"location": "https://social.example.org/auth/sign_in"}});
    world
        .post("faults", json!({"method": "GET", "pathContains": "/oauth/authorize", "times": 0, "fault": sign_in}))
        .await;
    assert!(known(&world).await);
    let secret = world.app.client_secret.replace(Secret::new("of-an-app-that-was-purged"));
    assert!(!known(&world).await);
    world.app.client_secret = secret;
    for fault in [
        json!({"kind": "reject", "status": 503}),
        json!({"kind": "drop"}),
        json!({"kind": "reject", "status": 403, "body": "<html>"}),
    ] {
        world.fault("/oauth/revoke", fault.clone()).await;
        assert!(known(&world).await, "{fault}: away for now is not unknown");
    }
    assert_eq!(revocations(&world).await, 5);
    // Nothing was revoked by it.
    assert!(world.consent(ANN, &[]).await.is_ok());
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_domain_may_point_to_another_host() {
    let handle = "ann@alias.example.org";
    let world = registered("alias.example.org").await;
    let public = world.profile(handle, Access::Public).await.unwrap();
    assert_eq!((public.handle.as_str(), public.external_id.as_str()), (handle, "https://example.org/users/ann"));
    let redirect_uri = Url::parse(REDIRECT).unwrap();
    let state = Secret::new("state");
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(handle) };
    let started = world.adapter().oauth.start(&world.cx(), &start).await.unwrap();
    assert_eq!(started.url.host_str(), Some("example.org"));
    let back = world.allow(&started.url, "ann", &[]).await;
    let code = Secret::new(back["code"].clone());
    let finish = Finish { redirect_uri: &redirect_uri, code: &code, issuer: None, keep: &started.keep };
    let Grant { tokens, .. } = world.adapter().oauth.finish(&world.cx(), &finish).await.unwrap();
    let own = world.profile(handle, Access::Token(&tokens)).await.unwrap();
    assert_eq!((own.handle.as_str(), &own.external_id), (handle, &public.external_id));
    let posts = world.publications(&own, Access::Token(&tokens), 40).await.unwrap();
    assert_eq!(ids(&posts).len(), 40);
    world.nothing_odd().await;
}

#[tokio::test]
async fn anyone_reads_an_open_server_page_by_page_without_boosts() {
    let handle = "many-p95@social.example.org";
    let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    let profile = world.profile(handle, Access::Public).await.unwrap();
    let posts = world.publications(&profile, Access::Public, usize::MAX).await.unwrap();
    let truth = world.truth(handle).await;
    assert_eq!(ids(&posts), true_ids(&truth));
    for (post, true_post) in posts.iter().zip(truth["posts"].as_array().unwrap()) {
        assert_eq!(post.caption.as_deref(), true_post["text"].as_str());
        assert_eq!(post.url.as_deref(), true_post["url"].as_str());
        let shares = true_post["shares"].as_u64().unwrap() + true_post["quotes"].as_u64().unwrap();
        assert_eq!(post.metrics.shares, Metric::Count(shares));
        assert_eq!(post.metrics.views, Metric::NotOffered);
    }
    assert_eq!(world.requests().await.len(), 2 + 3, "webfinger, lookup, three pages");
    world.nothing_odd().await;
}

#[tokio::test]
async fn another_process_finds_the_account_again() {
    let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    let profile = world.profile(ANN, Access::Public).await.unwrap();
    let fresh = platforms::Platforms::default();
    let ingest = &fresh.get(Platform::Mastodon).unwrap().ingest;
    let page = ingest.publications(&world.cx(), &profile, Access::Public, None).await.unwrap();
    assert_eq!(page.publications.len(), 40);
    // The identity is enough to know the server.
    let account = Account { handle: &profile.handle, platform_account_id: Some(&profile.external_id) };
    assert_eq!(ingest.profile(&world.cx(), &account, Access::Public).await.unwrap(), profile);
    let asked = world.requests().await;
    assert_eq!(asked.iter().filter(|line| line.contains("webfinger")).count(), 1);
}

#[tokio::test]
async fn who_cannot_be_read_in_public() {
    let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    for (handle, kind) in [
        ("ann@closed.example.org", Kind::OauthRequired),
        ("missing@social.example.org", Kind::NotFound),
        ("ann@missing.example.org", Kind::NotFound),
        ("suspended@social.example.org", Kind::Suspended),
        ("ann", Kind::InvalidHandle),
    ] {
        assert_eq!(world.profile(handle, Access::Public).await.unwrap_err().kind, kind, "{handle}");
    }
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_closed_server_is_read_with_consent() {
    let handle = "ann@closed.example.org";
    let world = registered("closed.example.org").await;
    let Grant { tokens, .. } = world.consent(handle, &[]).await.unwrap();
    let profile = world.profile(handle, Access::Token(&tokens)).await.unwrap();
    assert_eq!(world.publications(&profile, Access::Token(&tokens), 40).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    let tokens = issued(&world, ANN, &["read:statuses"]).await;
    let failure = world.profile(ANN, Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("read:accounts")));
    let tokens = issued(&world, ANN, &["read:accounts"]).await;
    let profile = world.profile(ANN, Access::Token(&tokens)).await.unwrap();
    let failure = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("read:statuses")));
}

#[tokio::test]
async fn a_revoked_token_needs_a_new_consent_and_revoking_twice_is_fine() {
    let world = registered("social.example.org").await;
    let Grant { tokens, .. } = world.consent(ANN, &[]).await.unwrap();
    world.revoke(&tokens).await.unwrap();
    assert_eq!(world.profile(ANN, Access::Token(&tokens)).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.revoke(&tokens).await.unwrap();
    let handed_over = issued(&world, ANN, &["read"]).await;
    world.revoke(&handed_over).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    for path in ["webfinger", "lookup"] {
        for fault in [json!({"kind": "reject", "status": 503}), json!({"kind": "drop"}), json!({"kind": "garbage"})] {
            world.fault(path, fault.clone()).await;
            match world.profile(ANN, Access::Public).await {
                Err(failure) => assert_eq!(failure.kind, Kind::ProviderDown, "{path} {fault}"),
                Ok(_) => assert!(path == "webfinger" && fault["kind"] == "garbage", "{path} {fault}"),
            }
        }
    }
    world.fault("lookup", json!({"kind": "rate_limit", "retryAfterSeconds": 90})).await;
    let failure = world.profile(ANN, Access::Public).await.unwrap_err();
    assert_eq!(failure.kind, Kind::RateLimited);
    assert!(failure.retry_after.is_some_and(|wait| (80..=90).contains(&wait.as_secs())), "{failure:?}");
}

#[tokio::test]
async fn a_server_that_does_not_page_is_read_once() {
    let status = |n: u32| json!({"id": n.to_string(), "created_at": "2026-11-01T12:00:00Z", "content": "x<br>"});
    for count in [40, 66] {
        let world = World::new(Platform::Mastodon, AppCredentials::default()).await;
        let profile = world.profile(ANN, Access::Public).await.unwrap();
        let list: Vec<_> = (0..count).map(|n| status(100 - n)).collect();
        world
            .post("faults", json!({"pathContains": "/statuses", "times": 0, "fault": {"kind": "reject", "status": 200, "body": list}}))
            .await;
        let posts = world.publications(&profile, Access::Public, usize::MAX).await.unwrap();
        assert_eq!(posts.len(), count as usize);
        assert_eq!(posts[0].caption.as_deref(), Some("x"));
    }
}
