//! Instagram's quirks against the simulated platform.

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Kind, Metric, Platform, Secret};
use jiff::SignedDuration;
use platforms::{Access, AppCredentials};
use serde_json::json;
use support::{World, ids, true_ids};

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::INSTAGRAM_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::INSTAGRAM_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Instagram, app).await
}

#[tokio::test]
async fn a_consent_ends_in_a_token_for_sixty_days() {
    let world = world().await;
    // The token answer of this account has the documented form, of the others the observed one.
    for handle in ["wrapped.ann", "ann"] {
        let grant = world.consent(handle, &[]).await.unwrap();
        let life = grant.tokens.expires_at.unwrap().duration_since(world.now());
        assert_eq!(life, SignedDuration::from_hours(60 * 24));
        assert_eq!(grant.tokens.scopes.len(), 4);
        assert_eq!(grant.platform_account_id, None, "the id of the token answer is the app's own");
    }
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_lost_answer_to_the_exchange_does_not_cost_the_consent() {
    let world = world().await;
    world
        .post(
            "faults",
            json!({"host": "graph.instagram.com", "pathContains": "/access_token", "fault": {"kind": "drop_after"}}),
        )
        .await;
    assert!(world.consent("ann", &[]).await.is_ok());
    assert_eq!(world.requests().await.iter().filter(|line| *line == "GET /access_token").count(), 2);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_sync_costs_two_calls_and_reads_what_is_there() {
    let world = world().await;
    let truth = world.truth("ann_p60").await;
    let tokens = world.consent("ann_p60", &[]).await.unwrap().tokens;
    let before = world.requests().await.len();
    let profile = world.profile("ann_p60", Access::Token(&tokens)).await.unwrap();
    let posts = world.publications(&profile, Access::Token(&tokens), 50).await.unwrap();
    assert_eq!(world.requests().await.len() - before, 2);
    assert_eq!(profile.external_id, truth["id"].as_str().unwrap());
    assert_eq!(profile.follower_count.count(), truth["followerCount"].as_u64());
    assert_eq!(ids(&posts), true_ids(&truth)[..50]);
    for (post, truth) in posts.iter().zip(truth["posts"].as_array().unwrap()) {
        assert_eq!(post.metrics.likes.count(), truth["likes"].as_u64(), "hidden likes are no likes");
        assert_eq!(post.metrics.views, Metric::Pending);
    }
    let all = world.publications(&profile, Access::Token(&tokens), 1000).await.unwrap();
    assert_eq!(ids(&all), true_ids(&truth));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_young_token_is_left_alone_and_an_older_one_is_renewed() {
    let world = world().await;
    let tokens = world.consent("ann", &[]).await.unwrap().tokens;
    assert_eq!(world.refresh(&tokens).await.unwrap(), tokens);
    world.pass(SignedDuration::from_hours(25)).await;
    let renewed = tokens.clone().renewed_by(world.refresh(&tokens).await.unwrap());
    assert_ne!(renewed.access, tokens.access);
    assert_eq!(renewed.expires_at.unwrap(), world.now() + SignedDuration::from_hours(60 * 24));
    assert_eq!(renewed.scopes, tokens.scopes);
    assert!(world.profile("ann", Access::Token(&renewed)).await.is_ok());
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_expired_token_asks_for_reconnect_at_once() {
    let world = world().await;
    let tokens = world.consent("ann", &[]).await.unwrap().tokens;
    world.pass(SignedDuration::from_hours(61 * 24)).await;
    assert_eq!(world.profile("ann", Access::Token(&tokens)).await.unwrap_err().kind, Kind::ReconnectNeeded);
    assert_eq!(world.refresh(&tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
}

#[tokio::test]
async fn a_locked_account_is_suspended_and_a_withdrawn_scope_is_named() {
    let world = world().await;
    let tokens = world.consent("ann", &[]).await.unwrap().tokens;
    world.patch("ann", json!({"grantedScopes": ["instagram_business_content_publish"]})).await;
    let failure = world.profile("ann", Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("instagram_business_basic")));
    world.patch("ann", json!({"suspended": true})).await;
    assert_eq!(world.profile("ann", Access::Token(&tokens)).await.unwrap_err().kind, Kind::Suspended);
}
