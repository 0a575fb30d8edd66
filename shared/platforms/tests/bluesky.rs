//! Bluesky's quirks against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Failure, Kind, MediaType, Metric, Platform, Secret, TokenSet};
use jiff::SignedDuration;
use platforms::{Access, AppCredentials, Finish, Grant, Start, bluesky};
use serde_json::json;
use support::{World, true_ids};
use url::Url;

const ALICE: &str = "alice.bsky.social";

/// P-256 keys of confidential clients are made with this in the tests.
fn app_key() -> Secret {
    use base64::Engine;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ring::rand::SystemRandom::new()).unwrap();
    Secret::new(base64::engine::general_purpose::STANDARD.encode(document.as_ref()))
}

async fn world(secret: Option<Secret>) -> World {
    let client_id = "https://herald.example/client-metadata.json".to_owned();
    World::new(Platform::Bluesky, AppCredentials { client_id, client_secret: secret, ..AppCredentials::default() })
        .await
}

async fn log_in(world: &World, handle: &str) -> Result<Grant, Failure> {
    let password = Secret::new(world.truth(handle).await["appPassword"].as_str().unwrap());
    let app_password = world.adapter().app_password.as_ref().unwrap();
    assert!(app_password.looks_like_one(&password));
    app_password.log_in(&world.cx(), handle, &password).await
}

fn rkeys(publications: &[domain::Publication]) -> Vec<&str> {
    publications.iter().map(|publication| publication.external_id.rsplit_once('/').unwrap().1).collect()
}

#[tokio::test]
async fn a_consent_is_pushed_and_bound_to_a_key() {
    let world = world(None).await;
    let grant = world.consent(ALICE, &[]).await.unwrap();
    let truth = world.truth(ALICE).await;
    assert_eq!(grant.platform_account_id.as_deref(), truth["id"].as_str());
    assert_eq!(grant.tokens.scopes, ["atproto", "transition:generic"]);
    assert_eq!(grant.tokens.extra("kind").unwrap().expose(), "oauth");
    assert_eq!(grant.tokens.extra("issuer").unwrap().expose(), simulator::BLUESKY_PDS);
    let profile = world.profile(ALICE, Access::Token(&grant.tokens)).await.unwrap();
    assert_eq!((profile.external_id.as_str(), profile.handle.as_str()), (truth["id"].as_str().unwrap(), ALICE));
    assert_eq!(profile.follower_count, Metric::Count(truth["followerCount"].as_u64().unwrap()));
    world.nothing_odd().await;
    // The first call to each of the two servers had to learn a nonce; every later one knew it.
    let asked = world.requests().await;
    assert_eq!(asked.iter().filter(|line| line.ends_with("/oauth/par")).count(), 2);
    assert_eq!(asked.iter().filter(|line| line.ends_with("/oauth/token")).count(), 1);
    assert_eq!(asked.iter().filter(|line| line.ends_with("getProfile")).count(), 2);
}

#[tokio::test]
async fn a_confidential_client_proves_itself() {
    let world = world(Some(app_key())).await;
    let grant = world.consent(ALICE, &[]).await.unwrap();
    let renewed = world.refresh(&grant.tokens).await.unwrap();
    world.revoke(&renewed).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_development_client_needs_no_document() {
    let mut world = world(None).await;
    let redirect_uri = Url::parse("http://127.0.0.1:4000/cb").unwrap();
    world.app.client_id = bluesky::loopback_client_id(&redirect_uri);
    let state = Secret::new("s");
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(ALICE) };
    let started = world.adapter().oauth.start(&world.cx(), &start).await.unwrap();
    let back = world.allow(&started.url, ALICE, &[]).await;
    let code = Secret::new(back["code"].clone());
    let finish = |issuer| Finish { redirect_uri: &redirect_uri, code: &code, issuer, keep: &started.keep };
    for issuer in [None, Some("https://evil.example")] {
        let failure = world.adapter().oauth.finish(&world.cx(), &finish(issuer)).await.unwrap_err();
        assert_eq!(failure.kind, Kind::InvalidRequest, "the code goes to nobody without the right issuer");
    }
    world.adapter().oauth.finish(&world.cx(), &finish(Some(&back["iss"]))).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_identity_may_stand_for_the_handle() {
    let world = world(None).await;
    let did = world.truth(ALICE).await["id"].as_str().unwrap().to_owned();
    let (redirect_uri, state) = (Url::parse(support::REDIRECT).unwrap(), Secret::new("s"));
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(&did) };
    let started = world.adapter().oauth.start(&world.cx(), &start).await.unwrap();
    assert_eq!(world.allow(&started.url, ALICE, &[]).await["state"], "s");
    let public = world.profile(&did, Access::Public).await.unwrap();
    assert_eq!(public.handle, ALICE);
}

#[tokio::test]
async fn a_handle_that_does_not_lead_back_starts_nothing() {
    let world = world(None).await;
    let truth = world.truth("mallory.bsky.social").await;
    world.fault("resolveHandle", json!({"kind": "reject", "status": 200, "body": {"did": truth["id"]}})).await;
    assert_eq!(world.consent(ALICE, &[]).await.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_server_cannot_speak_for_an_account_of_another() {
    let world = world(None).await;
    let did = world.truth(ALICE).await["id"].as_str().unwrap().to_owned();
    let elsewhere = json!({"id": did, "alsoKnownAs": [], "service": [
        {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://elsewhere.bsky.example"}]});
    // The start asks for the document once, the verification again.
    world
        .post(
            "faults",
            json!({"host": "plc.directory", "skip": 1, "fault": {"kind": "reject", "status": 200, "body": elsewhere}}),
        )
        .await;
    let metadata = json!({"authorization_servers": ["https://elsewhere.bsky.example"]});
    let fault = json!({"kind": "reject", "status": 200, "body": metadata});
    world
        .post(
            "faults",
            json!({"host": "elsewhere.bsky.example", "pathContains": "oauth-protected-resource", "fault": fault}),
        )
        .await;
    assert_eq!(world.consent(ALICE, &[]).await.unwrap_err().kind, Kind::InvalidRequest);
    assert!(world.requests().await.last().unwrap().ends_with("/oauth/revoke"), "the grant is not left behind");
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_time() {
    let world = world(None).await;
    let first = world.consent(ALICE, &[]).await.unwrap().tokens;
    world.pass(SignedDuration::from_hours(2)).await;
    assert_eq!(world.profile(ALICE, Access::Token(&first)).await.unwrap_err().kind, Kind::TokenRejected);
    let second = first.clone().renewed_by(world.refresh(&first).await.unwrap());
    assert_eq!(second.extra, first.extra);
    world.profile(ALICE, Access::Token(&second)).await.unwrap();
    // Replaying the old one revokes the whole session.
    assert_eq!(world.refresh(&first).await.unwrap_err().kind, Kind::ReconnectNeeded);
    assert_eq!(world.profile(ALICE, Access::Token(&second)).await.unwrap_err().kind, Kind::TokenRejected);
    assert_eq!(world.refresh(&second).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.revoke(&second).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_that_is_away_has_revoked_nothing() {
    let world = world(None).await;
    let oauth = world.consent(ALICE, &[]).await.unwrap().tokens;
    let session = log_in(&world, ALICE).await.unwrap().tokens;
    for fault in [json!({"kind": "reject", "status": 503}), json!({"kind": "drop"}), json!({"kind": "garbage"})] {
        world.fault("/oauth/token", fault.clone()).await;
        assert_eq!(world.refresh(&oauth).await.unwrap_err().kind, Kind::ProviderDown, "{fault}");
        world.fault("refreshSession", fault.clone()).await;
        assert_eq!(world.refresh(&session).await.unwrap_err().kind, Kind::ProviderDown, "{fault}");
    }
    world.refresh(&oauth).await.unwrap();
}

#[tokio::test]
async fn an_app_password_opens_a_session_that_renews_itself() {
    let world = world(None).await;
    let grant = log_in(&world, ALICE).await.unwrap();
    let truth = world.truth(ALICE).await;
    assert_eq!(grant.platform_account_id.as_deref(), truth["id"].as_str());
    assert_eq!(grant.tokens.extra("kind").unwrap().expose(), "app_password");
    let life = grant.tokens.expires_at.unwrap().duration_since(world.now()).as_secs();
    assert!((7_190..=7_200).contains(&life), "{life}");
    world.pass(SignedDuration::from_hours(3)).await;
    assert_eq!(world.profile(ALICE, Access::Token(&grant.tokens)).await.unwrap_err().kind, Kind::TokenRejected);
    let renewed = world.refresh(&grant.tokens).await.unwrap();
    // A lost answer can be asked for again.
    assert_eq!(world.refresh(&grant.tokens).await.unwrap().access, renewed.access);
    world.profile(ALICE, Access::Token(&renewed)).await.unwrap();
    world.revoke(&renewed).await.unwrap();
    world.revoke(&renewed).await.unwrap();
    assert_eq!(world.refresh(&renewed).await.unwrap_err().kind, Kind::ReconnectNeeded);
    let wrong = Secret::new("aaaa-bbbb-cccc-dddd");
    let failure = world.adapter().app_password.as_ref().unwrap().log_in(&world.cx(), ALICE, &wrong).await.unwrap_err();
    assert_eq!(failure.kind, Kind::ReconnectNeeded);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_token_that_was_handed_over_says_whose_it_is() {
    let world = world(None).await;
    let issued = world.post(&format!("{}/issue-token", world.account_path(ALICE)), json!({})).await;
    let tokens = TokenSet {
        access: Secret::new(issued["accessToken"].as_str().unwrap()),
        refresh: issued["refreshToken"].as_str().map(Secret::new),
        expires_at: None,
        issued_at: world.now(),
        scopes: vec![],
        extra: Default::default(),
    };
    // The handle that came along is not believed.
    let profile = world.profile("bob.bsky.social", Access::Token(&tokens)).await.unwrap();
    assert_eq!(profile.handle, ALICE);
    let renewed = tokens.clone().renewed_by(world.refresh(&tokens).await.unwrap());
    world.profile(ALICE, Access::Token(&renewed)).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn anyone_reads_in_public_page_by_page_without_reposts() {
    let handle = "many-p230.bsky.social";
    let world = world(None).await;
    let profile = world.profile(handle, Access::Public).await.unwrap();
    let posts = world.publications(&profile, Access::Public, usize::MAX).await.unwrap();
    let truth = world.truth(handle).await;
    assert_eq!(rkeys(&posts), true_ids(&truth));
    for (post, true_post) in posts.iter().zip(truth["posts"].as_array().unwrap()) {
        assert_eq!(post.caption.as_deref(), true_post["text"].as_str());
        assert_eq!(post.url.as_deref(), true_post["url"].as_str());
        assert_eq!(post.metrics.likes, Metric::Count(true_post["likes"].as_u64().unwrap()));
        let shares = true_post["shares"].as_u64().unwrap() + true_post["quotes"].as_u64().unwrap();
        assert_eq!(post.metrics.shares, Metric::Count(shares));
        assert_eq!(post.metrics.views, Metric::NotOffered);
    }
    assert!(posts.iter().any(|post| post.media_type == MediaType::Image && post.media_url.is_some()));
    world.nothing_odd().await;
}

#[tokio::test]
async fn with_consent_it_is_the_same_through_the_own_server() {
    let world = world(None).await;
    let tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
    let (with, without) = (Access::Token(&tokens), Access::Public);
    let profile = world.profile(ALICE, with).await.unwrap();
    assert_eq!(profile, world.profile(ALICE, without).await.unwrap());
    let posts = world.publications(&profile, with, usize::MAX).await.unwrap();
    assert_eq!(posts, world.publications(&profile, without, usize::MAX).await.unwrap());
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_without_an_appview_is_helped_by_the_public_one() {
    let world = world(None).await;
    let tokens = log_in(&world, ALICE).await.unwrap().tokens;
    let expected = world.profile(ALICE, Access::Public).await.unwrap();
    let no_appview = json!({"host": "pds.bsky.example", "pathContains": "app.bsky.", "times": 0, "fault": {"kind": "reject", "status": 502}});
    world.post("faults", no_appview).await;
    let profile = world.profile(ALICE, Access::Token(&tokens)).await.unwrap();
    assert_eq!(profile, expected);
    assert_eq!(world.publications(&profile, Access::Token(&tokens), usize::MAX).await.unwrap().len(), 40);
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_account_that_no_appview_knows_is_read_from_its_repository() {
    let handle = "raw-p130.bsky.social";
    let world = world(None).await;
    let tokens = world.consent(handle, &[]).await.unwrap().tokens;
    let unknown =
        json!({"kind": "reject", "status": 400, "body": {"error": "InvalidRequest", "message": "Profile not found"}});
    world.post("faults", json!({"host": "pds.bsky.example", "pathContains": "app.bsky.", "times": 0, "fault": {"kind": "reject", "status": 502}})).await;
    world
        .post(
            "faults",
            json!({"host": "public.api.bsky.app", "pathContains": "app.bsky.", "times": 0, "fault": unknown}),
        )
        .await;
    let profile = world.profile(handle, Access::Token(&tokens)).await.unwrap();
    assert_eq!((profile.handle.as_str(), profile.follower_count), (handle, Metric::NotOffered));
    let posts = world.publications(&profile, Access::Token(&tokens), usize::MAX).await.unwrap();
    let truth = world.truth(handle).await;
    assert_eq!(rkeys(&posts), true_ids(&truth));
    assert!(posts.iter().all(|post| post.metrics.likes == Metric::NotOffered));
    world.nothing_odd().await;
}

#[tokio::test]
async fn who_cannot_be_read() {
    let world = world(None).await;
    for (handle, kind) in [("missing.bsky.social", Kind::NotFound), ("suspended.bsky.social", Kind::Suspended)] {
        assert_eq!(world.profile(handle, Access::Public).await.unwrap_err().kind, kind, "{handle}");
    }
    let tokens = world.consent(ALICE, &["atproto"]).await.unwrap().tokens;
    assert_eq!(world.adapter().facts.missing_scopes(&tokens.scopes), ["transition:generic"]);
    let failure = world.profile(ALICE, Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("transition:generic")));
    world.fault("getProfile", json!({"kind": "rate_limit", "retryAfterSeconds": 77})).await;
    let failure = world.profile(ALICE, Access::Public).await.unwrap_err();
    assert_eq!((failure.kind, failure.retry_after.map(|wait| wait.as_secs())), (Kind::RateLimited, Some(77)));
    world.nothing_odd().await;
}
