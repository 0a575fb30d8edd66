//! Facts about the simulated TikTok.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use common::{Answer, World, pairs};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/cb";
const ALL: &str = "user.info.basic,user.info.profile,user.info.stats,video.list";
const USER: &str = "open.tiktokapis.com/v2/user/info/?fields=open_id,username,follower_count,video_count,is_verified";

fn authorize(redirect: &str, scope: &str) -> String {
    let query = [
        ("client_key", simulator::TIKTOK_CLIENT_KEY),
        ("response_type", "code"),
        ("scope", scope),
        ("redirect_uri", redirect),
        ("state", "s1"),
    ];
    format!("www.tiktok.com/v2/auth/authorize/?{}", pairs(&query))
}

async fn token(w: &World, more: &[(&str, &str)]) -> Answer {
    let mut fields =
        vec![("client_key", simulator::TIKTOK_CLIENT_KEY), ("client_secret", simulator::TIKTOK_CLIENT_SECRET)];
    fields.extend_from_slice(more);
    w.form("open.tiktokapis.com/v2/oauth/token/", &fields).await
}

async fn exchange(w: &World, code: &str) -> Answer {
    token(w, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]).await
}

async fn connect(w: &World, handle: &str, scope: &str) -> (String, String) {
    let code = w.approve(&authorize(CALLBACK, scope), handle).await.redirected("code").unwrap();
    let body = exchange(w, &code).await.json();
    let text = |n: &str| body[n].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn refresh(w: &World, token_text: &str) -> Answer {
    token(w, &[("grant_type", "refresh_token"), ("refresh_token", token_text)]).await
}

async fn list(w: &World, access: &str, body: &Value) -> Answer {
    let url = "open.tiktokapis.com/v2/video/list/?fields=id,create_time,video_description,share_url,like_count,comment_count,share_count,view_count";
    w.post_json(url, &[("authorization", &format!("Bearer {access}"))], body).await
}

fn code_of(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_consent_leads_to_a_user_that_is_the_truth() {
    let w = World::start().await;
    let back = w.approve(&authorize(CALLBACK, ALL), "demo").await;
    assert_eq!(back.redirected("scopes").unwrap(), ALL);
    assert_eq!(back.redirected("state").unwrap(), "s1");
    assert!(back.redirected("code").unwrap().ends_with("*2!6315"));
    assert!(back.header("location").unwrap().contains("%216315"), "the code has to be decoded");
    let (access, refresh) = connect(&w, "demo", ALL).await;
    assert!(access.starts_with("act.") && refresh.starts_with("rft."));
    let user = w.get_as(USER, &access).await.json();
    let truth = w.truth("TIKTOK", "demo").await;
    assert_eq!(user["error"]["code"], "ok");
    assert_eq!(user["data"]["user"]["open_id"], truth["id"]);
    assert_eq!(user["data"]["user"]["follower_count"], truth["followerCount"]);
    assert_eq!(user["data"]["user"]["is_verified"], truth["isVerified"]);
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn a_redirect_with_a_query_is_refused() {
    let w = World::start().await;
    assert_eq!(w.get(&authorize("https://app.example/cb?a=1", ALL)).await.status, 400);
    assert_eq!(w.get(&authorize("http://app.example/cb", ALL)).await.status, 400);
    assert_eq!(w.get(&authorize(CALLBACK, "user.info.basic video.list")).await.status, 400);
    assert_eq!(w.unexpected().await, ["redirect_uri", "redirect_uri", "scope"]);
}

#[tokio::test]
async fn token_errors_come_with_status_200() {
    let w = World::start().await;
    let code = w.approve(&authorize(CALLBACK, ALL), "demo").await.redirected("code").unwrap();
    assert!(exchange(&w, &code).await.json()["access_token"].is_string());
    let again = exchange(&w, &code).await;
    assert_eq!((again.status, again.json()["error"].clone()), (200, json!("invalid_grant")));
    let odd = token(&w, &[("grant_type", "refresh_token"), ("refresh_token", "x"), ("code_verifier", "y")]).await;
    assert_eq!((odd.status, odd.json()["error"].clone()), (200, json!("invalid_request")));
}

#[tokio::test]
async fn the_refresh_token_rotates_and_the_old_one_dies() {
    let w = World::start().await;
    let (access, old) = connect(&w, "demo", ALL).await;
    w.advance(86_401).await;
    let answer = w.get_as(USER, &access).await;
    assert_eq!((answer.status, code_of(&answer)), (401, "access_token_invalid".to_owned()));
    let pair = refresh(&w, &old).await.json();
    assert_ne!(pair["refresh_token"], old.as_str());
    assert_eq!(refresh(&w, &old).await.json()["error"], "invalid_grant");
    assert_eq!(w.get_as(USER, pair["access_token"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_field_without_its_scope_is_refused() {
    let w = World::start().await;
    let (access, _) = connect(&w, "demo", "user.info.basic").await;
    let answer = w.get_as(USER, &access).await;
    assert_eq!((answer.status, code_of(&answer)), (401, "scope_not_authorized".to_owned()));
    let basic = w.get_as("open.tiktokapis.com/v2/user/info/?fields=open_id,display_name", &access).await;
    assert_eq!(basic.status, 200);
    assert_eq!(code_of(&list(&w, &access, &json!({})).await), "scope_not_authorized");
}

#[tokio::test]
async fn fields_are_mandatory_and_known() {
    let w = World::start().await;
    let (access, _) = connect(&w, "demo", ALL).await;
    assert_eq!(code_of(&w.get_as("open.tiktokapis.com/v2/user/info/", &access).await), "invalid_params");
    assert_eq!(
        code_of(&w.get_as("open.tiktokapis.com/v2/user/info/?fields=shoe_size", &access).await),
        "invalid_params"
    );
    assert_eq!(code_of(&list(&w, &access, &json!({"max_count": 21})).await), "invalid_params");
    assert_eq!(code_of(&list(&w, &access, &json!({"shoes": 1})).await), "invalid_params");
    assert_eq!(w.unexpected().await.len(), 4);
}

#[tokio::test]
async fn videos_come_in_pages_of_twenty_and_match_the_truth() {
    let w = World::start().await;
    let (access, _) = connect(&w, "many_p45", ALL).await;
    let (mut seen, mut body) = (Vec::new(), json!({"max_count": 20}));
    loop {
        let page = list(&w, &access, &body).await.json()["data"].clone();
        seen.extend(page["videos"].as_array().unwrap().clone());
        if page["has_more"] == false {
            break;
        }
        body["cursor"] = page["cursor"].clone();
    }
    let truth = w.truth("TIKTOK", "many_p45").await;
    let posts = truth["posts"].as_array().unwrap();
    assert_eq!((seen.len(), posts.len()), (45, 45));
    for (v, t) in seen.iter().zip(posts) {
        assert_eq!(
            (&v["id"], &v["share_url"], &v["view_count"], &v["share_count"]),
            (&t["id"], &t["url"], &t["views"], &t["shares"])
        );
    }
    let id = posts[44]["id"].as_str().unwrap();
    let query = json!({"filters": {"video_ids": [id, "7000000000000000000"]}});
    let url = "open.tiktokapis.com/v2/video/query/?fields=id";
    let found = w.post_json(url, &[("authorization", &format!("Bearer {access}"))], &query).await.json();
    assert_eq!(found["data"]["videos"], json!([{"id": id}]));
}

#[tokio::test]
async fn a_private_account_shows_no_videos() {
    let w = World::start().await;
    let (access, _) = connect(&w, "private_one", ALL).await;
    assert_eq!(list(&w, &access, &json!({})).await.json()["data"]["videos"], json!([]));
}

#[tokio::test]
async fn revoking_kills_the_pair_and_so_does_a_ban() {
    let w = World::start().await;
    let (access, old) = connect(&w, "demo", ALL).await;
    let fields = [
        ("client_key", simulator::TIKTOK_CLIENT_KEY),
        ("client_secret", simulator::TIKTOK_CLIENT_SECRET),
        ("token", &access),
    ];
    assert_eq!(w.form("open.tiktokapis.com/v2/oauth/revoke/", &fields).await.status, 200);
    assert_eq!(w.get_as(USER, &access).await.status, 401);
    assert_eq!(refresh(&w, &old).await.json()["error"], "invalid_grant");

    let (access, _) = connect(&w, "banned", ALL).await;
    w.control("PATCH", "accounts/TIKTOK/banned", json!({"suspended": true})).await;
    assert_eq!(code_of(&w.get_as(USER, &access).await), "access_token_invalid");
}
