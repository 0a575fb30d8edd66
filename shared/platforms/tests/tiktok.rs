//! TikTok's quirks against the simulated platform.

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Kind, Metric, Platform, Secret};
use jiff::SignedDuration;
use platforms::{Access, AppCredentials};
use serde_json::json;
use support::{World, ids, true_ids};

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::TIKTOK_CLIENT_KEY.to_owned(),
        client_secret: Some(Secret::new(simulator::TIKTOK_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Tiktok, app).await
}

#[tokio::test]
async fn a_consent_names_the_account_and_what_was_granted() {
    let world = world().await;
    let grant = world.consent("teatree", &["user.info.basic", "video.list"]).await.unwrap();
    assert_eq!(grant.platform_account_id.as_deref(), world.truth("teatree").await["id"].as_str());
    assert_eq!(grant.tokens.scopes, ["user.info.basic", "video.list"]);
    assert_eq!(grant.tokens.expires_at.unwrap(), world.now() + SignedDuration::from_hours(24));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_sync_costs_three_calls_and_reads_what_is_there() {
    let world = world().await;
    let truth = world.truth("teatree_p45").await;
    let tokens = world.consent("teatree_p45", &[]).await.unwrap().tokens;
    let before = world.requests().await.len();
    let profile = world.profile("teatree_p45", Access::Token(&tokens)).await.unwrap();
    let videos = world.publications(&profile, Access::Token(&tokens), 40).await.unwrap();
    assert_eq!(world.requests().await.len() - before, 3);
    assert_eq!(profile.handle, "teatree_p45");
    assert_eq!(profile.follower_count.count(), truth["followerCount"].as_u64());
    assert_eq!(ids(&videos), true_ids(&truth)[..40]);
    assert_eq!(videos[3].metrics.views.count(), truth["posts"][3]["views"].as_u64());
    assert_eq!(videos[3].metrics.saves, Metric::NotOffered);
    let all = world.publications(&profile, Access::Token(&tokens), 1000).await.unwrap();
    assert_eq!(ids(&all), true_ids(&truth));
    world.nothing_odd().await;
}

#[tokio::test]
async fn what_was_not_ticked_is_not_asked_for() {
    let world = world().await;
    let tokens = world.consent("teatree", &["user.info.basic"]).await.unwrap().tokens;
    let profile = world.profile("teatree", Access::Token(&tokens)).await.unwrap();
    assert_eq!((profile.handle.as_str(), profile.follower_count), ("teatree", Metric::NotOffered));
    let failure = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("video.list")));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_token_whose_scopes_are_unknown_or_have_shrunk_still_names_its_account() {
    let world = world().await;
    let mut tokens = world.consent("teatree", &[]).await.unwrap().tokens;
    world.patch("teatree", json!({"grantedScopes": ["user.info.basic"]})).await;
    assert_eq!(world.profile("teatree", Access::Token(&tokens)).await.unwrap().follower_count, Metric::NotOffered);
    tokens.scopes.clear();
    let profile = world.profile("teatree", Access::Token(&tokens)).await.unwrap();
    assert_eq!(profile.handle, "teatree");
    // The status of this refusal is 401, and the token is fine.
    assert_eq!(
        world.publications(&profile, Access::Token(&tokens), 1).await.unwrap_err().kind,
        Kind::PermissionMissing
    );
}
