//! YouTube's quirks against the simulated platform.

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Kind, Metric, Platform, Secret};
use jiff::SignedDuration;
use platforms::{Access, Account, AppCredentials};
use serde_json::json;
use support::{World, ids, true_ids};

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::YOUTUBE_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::YOUTUBE_CLIENT_SECRET)),
        api_key: Some(Secret::new(simulator::YOUTUBE_API_KEY)),
    };
    World::new(Platform::Youtube, app).await
}

#[tokio::test]
async fn a_public_sync_costs_three_units_and_reads_what_is_there() {
    let world = world().await;
    let truth = world.truth("harbor-p120").await;
    let profile = world.profile("harbor-p120", Access::Public).await.unwrap();
    let videos = world.publications(&profile, Access::Public, 50).await.unwrap();
    assert_eq!(world.requests().await.len(), 3);
    assert_eq!(profile.external_id, truth["id"].as_str().unwrap());
    assert_eq!(profile.following_count, Metric::NotOffered);
    assert_eq!(ids(&videos), true_ids(&truth)[..50]);
    for (video, truth) in videos.iter().zip(truth["posts"].as_array().unwrap()) {
        assert_eq!(video.metrics.likes.count(), truth["likes"].as_u64());
        assert_eq!(video.metrics.comments.count(), truth["comments"].as_u64());
        assert_eq!(video.metrics.views.count(), truth["views"].as_u64());
        assert_eq!(video.caption.as_deref(), truth["text"].as_str());
    }
    let all = world.publications(&profile, Access::Public, 1000).await.unwrap();
    assert_eq!(ids(&all), true_ids(&truth));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_channel_is_found_by_its_id_after_a_rename() {
    let world = world().await;
    let id = world.profile("harbor", Access::Public).await.unwrap().external_id;
    world.patch("harbor", json!({"rename": "NewHarbor"})).await;
    let known = Account { handle: "harbor", platform_account_id: Some(&id) };
    let profile = world.adapter().ingest.profile(&world.cx(), &known, Access::Public).await.unwrap();
    assert_eq!((profile.handle.as_str(), profile.external_id.as_str()), ("newharbor", id.as_str()));
    assert_eq!(world.profile(&id, Access::Public).await.unwrap().handle, "newharbor", "an id may stand as the handle");
    assert_eq!(world.profile("harbor", Access::Public).await.unwrap_err().kind, Kind::NotFound);
    world.nothing_odd().await;
}

#[tokio::test]
async fn hidden_subscribers_are_not_zero_except_to_their_owner() {
    let world = world().await;
    assert_eq!(world.profile("private-ann", Access::Public).await.unwrap().follower_count, Metric::NotOffered);
    let tokens = world.consent("private-ann", &[]).await.unwrap().tokens;
    let profile = world.profile("private-ann", Access::Token(&tokens)).await.unwrap();
    // The platform says that the count is hidden even where it sends it: what is hidden is not shown to a team either.
    assert_eq!(profile.follower_count, Metric::NotOffered);
}

#[tokio::test]
async fn a_spent_quota_waits_for_the_next_day_in_california() {
    let world = world().await;
    world
        .fault(
            "/channels",
            json!({"kind": "reject", "status": 403, "body": {"error": {"code": 403, "message": "",
        "errors": [{"message": "", "domain": "youtube.quota", "reason": "quotaExceeded"}]}}}),
        )
        .await;
    let failure = world.profile("harbor", Access::Public).await.unwrap_err();
    assert_eq!(failure.kind, Kind::RateLimited);
    assert!((1..=25 * 3600).contains(&failure.retry_after.unwrap().as_secs()));
    world.fault("/channels", json!({"kind": "rate_limit", "retryAfterSeconds": 30})).await;
    assert_eq!(world.profile("harbor", Access::Public).await.unwrap_err().kind, Kind::RateLimited);
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_the_operators_business() {
    let mut world = world().await;
    world.app.api_key = Some(Secret::new("wrong"));
    assert_eq!(world.profile("harbor", Access::Public).await.unwrap_err().kind, Kind::AppRejected);
    world.app.api_key = None;
    assert_eq!(world.profile("harbor", Access::Public).await.unwrap_err().kind, Kind::OauthRequired);
}

#[tokio::test]
async fn every_consent_brings_a_refresh_token_that_lasts() {
    let world = world().await;
    for _ in 0..2 {
        let tokens = world.consent("harbor", &[]).await.unwrap().tokens;
        assert!(tokens.refresh.is_some());
        assert_eq!(tokens.scopes.len(), 4);
    }
    let tokens = world.consent("harbor", &[]).await.unwrap().tokens;
    world.pass(SignedDuration::from_hours(2)).await;
    assert_eq!(world.profile("harbor", Access::Token(&tokens)).await.unwrap_err().kind, Kind::TokenRejected);
    let answered = world.refresh(&tokens).await.unwrap();
    assert_eq!(answered.refresh, None, "Google sends no new one");
    let renewed = tokens.clone().renewed_by(answered);
    assert_eq!(renewed.refresh, tokens.refresh);
    assert_eq!(world.profile("", Access::Token(&renewed)).await.unwrap().handle, "harbor");
    world.nothing_odd().await;
}

#[tokio::test]
async fn without_the_verifier_that_was_kept_the_code_is_worth_nothing() {
    let world = world().await;
    let redirect_uri = url::Url::parse(support::REDIRECT).unwrap();
    let state = Secret::new("s");
    let start = platforms::Start { redirect_uri: &redirect_uri, state: &state, handle: None };
    let mut started = world.adapter().oauth.start(&world.cx(), &start).await.unwrap();
    let back = world.allow(&started.url, "harbor", &[]).await;
    started.keep.insert("code_verifier".to_owned(), Secret::new("a-verifier-of-somebody-else-with-43-letters-or-more"));
    let code = Secret::new(back["code"].clone());
    let finish = platforms::Finish { redirect_uri: &redirect_uri, code: &code, issuer: None, keep: &started.keep };
    let refused = world.adapter().oauth.finish(&world.cx(), &finish).await;
    assert_eq!(refused.unwrap_err().kind, Kind::ReconnectNeeded);
}

#[tokio::test]
async fn a_scope_that_was_unticked_is_named() {
    let world = world().await;
    let upload = "https://www.googleapis.com/auth/youtube.upload";
    let tokens = world.consent("harbor", &[upload]).await.unwrap().tokens;
    assert_eq!(tokens.scopes, [upload]);
    let failure = world.profile("harbor", Access::Token(&tokens)).await.unwrap_err();
    assert_eq!(failure.kind, Kind::PermissionMissing);
    assert_eq!(failure.scope.as_deref(), Some("https://www.googleapis.com/auth/youtube.readonly"));
}

#[tokio::test]
async fn an_account_without_a_channel_is_not_found_and_a_suspended_one_is_suspended() {
    let world = world().await;
    let tokens = world.consent("nochannel-ann", &[]).await.unwrap().tokens;
    assert_eq!(world.profile("nochannel-ann", Access::Token(&tokens)).await.unwrap_err().kind, Kind::NotFound);
    let tokens = world.consent("harbor", &[]).await.unwrap().tokens;
    world.patch("harbor", json!({"suspended": true})).await;
    assert_eq!(world.profile("harbor", Access::Token(&tokens)).await.unwrap_err().kind, Kind::Suspended);
    assert_eq!(world.profile("harbor", Access::Public).await.unwrap_err().kind, Kind::NotFound);
}
