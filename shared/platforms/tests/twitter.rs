//! X's quirks against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Kind, MediaType, Metric, Platform, Secret};
use jiff::SignedDuration;
use platforms::{Access, AppCredentials};
use serde_json::json;
use support::{World, ids, true_ids};

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::TWITTER_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::TWITTER_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Twitter, app).await
}

#[tokio::test]
async fn without_offline_access_there_is_no_renewal() {
    let world = world().await;
    let scopes = ["users.read", "tweet.read", "tweet.write"];
    let tokens = world.consent("annlee", &scopes).await.unwrap().tokens;
    assert_eq!((tokens.refresh.as_ref(), tokens.expires_at), (None, Some(world.now() + SignedDuration::from_hours(2))));
    assert_eq!(world.refresh(&tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_sync_costs_two_calls_and_reads_what_is_there() {
    let world = world().await;
    let truth = world.truth("ann_p120").await;
    let tokens = world.consent("ann_p120", &[]).await.unwrap().tokens;
    let before = world.requests().await.len();
    let profile = world.profile("ann_p120", Access::Token(&tokens)).await.unwrap();
    let posts = world.publications(&profile, Access::Token(&tokens), 100).await.unwrap();
    assert_eq!(world.requests().await.len() - before, 2);
    assert_eq!(profile.is_verified, truth["isVerified"].as_bool());
    assert_eq!(ids(&posts), true_ids(&truth)[..100]);
    let views = truth["posts"][3]["views"].as_u64().unwrap();
    assert_eq!((posts[3].metrics.views, posts[3].metrics.reach), (Metric::Count(views), Metric::NotOffered));
    assert_eq!(posts[3].post_type.as_deref(), Some("post"));
    world.nothing_odd().await;
}

#[tokio::test]
async fn links_are_read_in_full() {
    let world = world().await;
    let text = "Tom & Ann <3 see https://example.com/menu?x=1&y=2 and example.org.";
    world.post(&format!("{}/posts", world.account_path("annlee")), json!({"text": text, "ageSeconds": 60})).await;
    let tokens = world.consent("annlee", &[]).await.unwrap().tokens;
    let profile = world.profile("annlee", Access::Token(&tokens)).await.unwrap();
    let posts = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap();
    let wanted = text.replace("example.org.", "http://example.org.");
    assert_eq!(posts[0].caption.as_deref(), Some(wanted.as_str()));
    assert_eq!(posts[0].media_type, MediaType::Text);
}

#[tokio::test]
async fn without_credits_the_operator_is_asked() {
    let world = world().await;
    let tokens = world.consent("noreads_ann", &[]).await.unwrap().tokens;
    let failure = world.profile("noreads_ann", Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::AppRejected, Some("credits")));
    assert!(failure.said.unwrap().contains("credits"));
    world.nothing_odd().await;
}

#[tokio::test]
async fn the_missing_one_of_two_rights_is_named_where_the_consent_tells() {
    let world = world().await;
    let tokens = world.consent("annlee", &["users.read", "offline.access"]).await.unwrap().tokens;
    let failure = world.profile("annlee", Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("tweet.read")));
}

#[tokio::test]
async fn newer_names_of_members_are_read_too() {
    let world = world().await;
    let tokens = world.consent("annlee", &[]).await.unwrap().tokens;
    let user = json!({"data": {"id": "7", "name": "Ann", "username": "AnnLee", "public_metrics": {"followers_count": 5, "post_count": 9}}});
    world.fault("/users/me", json!({"kind": "reject", "status": 200, "body": user})).await;
    let profile = world.profile("annlee", Access::Token(&tokens)).await.unwrap();
    assert_eq!((profile.handle.as_str(), profile.post_count), ("annlee", Metric::Count(9)));
    let posts = json!({"data": [
        {"id": "2", "text": "long…", "note_post": {"text": "long and whole"}, "created_at": "2026-11-01T12:00:00.000Z",
            "referenced_posts": [{"type": "replied_to", "id": "1"}], "public_metrics": {"repost_count": 3, "quote_count": 1, "like_count": 2}},
        {"id": "1", "text": "RT", "created_at": "2026-11-01T11:00:00.000Z", "referenced_posts": [{"type": "reposted", "id": "0"}]},
    ], "meta": {"result_count": 2}});
    world.fault("/tweets", json!({"kind": "reject", "status": 200, "body": posts})).await;
    let posts = world.publications(&profile, Access::Token(&tokens), 10).await.unwrap();
    let [post] = posts.as_slice() else { panic!("a repost is somebody else's: {posts:?}") };
    assert_eq!((post.caption.as_deref(), post.post_type.as_deref()), (Some("long and whole"), Some("reply")));
    assert_eq!((post.metrics.shares, post.metrics.comments), (Metric::Count(4), Metric::Pending));
}

#[tokio::test]
async fn a_partial_error_without_data_is_told() {
    let world = world().await;
    let tokens = world.consent("annlee", &[]).await.unwrap().tokens;
    let profile = world.profile("annlee", Access::Token(&tokens)).await.unwrap();
    for (problem, kind) in [
        ("resource-not-found", Kind::NotFound),
        ("not-authorized-for-resource", Kind::PermissionMissing),
        ("internal-error", Kind::ProviderDown),
    ] {
        let error = json!({"title": "…", "type": format!("https://api.twitter.com/2/problems/{problem}")});
        for path in ["/users/me", "/tweets"] {
            world.fault(path, json!({"kind": "reject", "status": 200, "body": {"errors": [error]}})).await;
        }
        assert_eq!(world.profile("annlee", Access::Token(&tokens)).await.unwrap_err().kind, kind, "{problem}");
        let failure = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{problem}");
    }
}

#[tokio::test]
async fn revoking_ends_both_tokens_whatever_is_alive() {
    let world = world().await;
    let tokens = world.consent("annlee", &[]).await.unwrap().tokens;
    world.revoke(&tokens).await.unwrap();
    assert_eq!(world.profile("annlee", Access::Token(&tokens)).await.unwrap_err().kind, Kind::TokenRejected);
    assert_eq!(world.refresh(&tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.revoke(&tokens).await.unwrap();
    world.nothing_odd().await;
}
