//! Telegram's quirks against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::{Kind, Metric, Platform, Secret};
use platforms::{Access, Account, AppCredentials, Start};
use serde_json::json;
use support::{REDIRECT, World};
use url::Url;

async fn world() -> World {
    World::new(Platform::Telegram, AppCredentials::default()).await
}

async fn token(world: &World, handle: &str) -> Secret {
    let issued = world.post(&format!("{}/issue-token", world.account_path(handle)), json!({})).await;
    Secret::new(issued["accessToken"].as_str().unwrap())
}

#[tokio::test]
async fn a_bots_token_is_proven_when_it_is_handed_over() {
    let world = world().await;
    let passwords = world.adapter().app_password.as_ref().unwrap();
    let grant = world.hand_over("annlee").await.unwrap();
    assert_eq!(grant.platform_account_id.as_deref(), world.truth("annlee").await["id"].as_str());
    assert_eq!(grant.tokens.scopes, ["administrator", "can_post_messages", "can_delete_messages"]);
    assert_eq!((&grant.tokens.refresh, grant.tokens.expires_at), (&None, None));
    for (handle, kind, scope) in [
        ("nobot_ann", Kind::PermissionMissing, Some("can_post_messages")),
        ("readonly_ann", Kind::PermissionMissing, Some("can_post_messages")),
        ("missing_ann", Kind::NotFound, None),
    ] {
        let token = token(&world, if kind == Kind::NotFound { "annlee" } else { handle }).await;
        let failure = passwords.log_in(&world.cx(), handle, &token).await.unwrap_err();
        assert_eq!((failure.kind, failure.scope.as_deref()), (kind, scope), "{handle}: {failure}");
    }
    let nobodys = Secret::new("123456789:AAabcdefghijklmnopqrstuvwxyz_-01234");
    assert_eq!(passwords.log_in(&world.cx(), "annlee", &nobodys).await.unwrap_err().kind, Kind::ReconnectNeeded);
    for text in ["ya29.an-oauth-token", "", "123:short"] {
        assert!(!passwords.looks_like_one(&Secret::new(text)), "{text}");
    }
    world.nothing_odd().await;
}

#[tokio::test]
async fn there_is_no_consent_page() {
    let world = world().await;
    let (redirect_uri, state) = (Url::parse(REDIRECT).unwrap(), Secret::new("state"));
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some("annlee") };
    let failure = world.adapter().oauth.start(&world.cx(), &start).await.unwrap_err();
    assert_eq!(failure.kind, Kind::InvalidRequest);
    assert!(world.requests().await.is_empty());
}

#[tokio::test]
async fn a_sync_costs_three_calls() {
    let world = world().await;
    let tokens = world.hand_over("annlee").await.unwrap().tokens;
    let before = world.requests().await.len();
    let profile = world.profile("annlee", Access::Token(&tokens)).await.unwrap();
    let posts = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap();
    assert_eq!((world.requests().await.len() - before, posts.len()), (3, 0));
    assert_eq!((profile.profile_url.as_str(), profile.post_count), ("https://t.me/annlee", Metric::NotOffered));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_private_channel_is_known_by_its_number() {
    let world = world().await;
    let truth = world.truth("private_ann").await;
    let id = truth["id"].as_str().unwrap();
    let token = token(&world, "private_ann").await;
    let passwords = world.adapter().app_password.as_ref().unwrap();
    let grant = passwords.log_in(&world.cx(), id, &token).await.unwrap();
    let account = Account { handle: id, platform_account_id: grant.platform_account_id.as_deref() };
    let access = Access::Token(&grant.tokens);
    let profile = world.adapter().ingest.profile(&world.cx(), &account, access).await.unwrap();
    assert_eq!((profile.external_id.as_str(), profile.handle.as_str()), (id, id));
    assert_eq!(profile.profile_url, format!("https://t.me/c/{}", id.trim_start_matches("-100")));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_bot_that_was_removed_lacks_a_right() {
    let world = world().await;
    let tokens = world.hand_over("annlee").await.unwrap().tokens;
    let left = json!({"ok": true, "result": {"status": "left", "user": {"id": 1}}});
    world.fault("/getChatMember", json!({"kind": "reject", "status": 200, "body": left})).await;
    let failure = world.profile("annlee", Access::Token(&tokens)).await.unwrap_err();
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("administrator")));
}

#[tokio::test]
async fn without_a_bot_of_the_installation_nobody_is_asked() {
    let world = world().await;
    assert_eq!(world.profile("annlee", Access::Public).await.unwrap_err().kind, Kind::OauthRequired);
    assert!(world.requests().await.is_empty());
}
