//! Facts about the simulated Instagram.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use common::{World, pairs};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/cb";

fn authorize(extra: &[(&str, &str)]) -> String {
    let mut query = vec![
        ("client_id", simulator::INSTAGRAM_CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "instagram_business_basic,instagram_business_manage_insights"),
        ("state", "st&te"),
    ];
    query.extend_from_slice(extra);
    format!("www.instagram.com/oauth/authorize?{}", pairs(&query))
}

async fn exchange(w: &World, code: &str, redirect: &str, secret: &str) -> common::Answer {
    let fields = [
        ("client_id", simulator::INSTAGRAM_CLIENT_ID),
        ("client_secret", secret),
        ("grant_type", "authorization_code"),
        ("redirect_uri", redirect),
        ("code", code),
    ];
    w.form("api.instagram.com/oauth/access_token", &fields).await
}

async fn short(w: &World, handle: &str) -> Value {
    let code = w.approve(&authorize(&[]), handle).await.redirected("code").unwrap();
    let answer = exchange(w, &code, CALLBACK, simulator::INSTAGRAM_CLIENT_SECRET).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn long(w: &World, handle: &str) -> String {
    let body = short(w, handle).await;
    let query = pairs(&[
        ("grant_type", "ig_exchange_token"),
        ("client_secret", simulator::INSTAGRAM_CLIENT_SECRET),
        ("access_token", body["access_token"].as_str().unwrap()),
    ]);
    let answer = w.get(&format!("graph.instagram.com/access_token?{query}")).await.json();
    assert_eq!(answer["expires_in"], 5_184_000);
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn me(w: &World, token: &str) -> common::Answer {
    w.get(&format!("graph.instagram.com/v26.0/me?fields=id,user_id,username,followers_count,media_count,biography&access_token={token}")).await
}

fn code_of(answer: &common::Answer) -> (i64, Option<i64>) {
    let e = answer.json();
    (e["error"]["code"].as_i64().unwrap(), e["error"]["error_subcode"].as_i64())
}

#[tokio::test]
async fn a_consent_leads_to_a_profile_that_is_the_truth() {
    let w = World::start().await;
    let page = w.get(&authorize(&[])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=account") && page.body.contains("action=\"\""));
    let back = w.approve(&authorize(&[]), "demo").await;
    assert_eq!(back.status, 302);
    assert!(back.header("location").unwrap().starts_with("https://app.example/cb?code=AQB"));
    assert!(back.header("location").unwrap().ends_with("#_"));
    assert_eq!(back.redirected("state").unwrap(), "st&te");

    let token = long(&w, "demo").await;
    assert!(token.starts_with("IGAA"));
    let profile = me(&w, &token).await;
    assert!(profile.header("x-business-use-case-usage").is_some());
    let (profile, truth) = (profile.json(), w.truth("INSTAGRAM", "demo").await);
    assert_eq!(profile["user_id"], truth["id"]);
    assert!(truth["id"].as_str().unwrap().starts_with("1784"));
    assert_eq!(profile["followers_count"], truth["followerCount"]);
    assert_eq!(profile["biography"], truth["bio"]);
    assert_eq!(profile["media_count"], 40);
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn a_denial_comes_back_as_access_denied() {
    let w = World::start().await;
    let back = w.form(&authorize(&[]), &[("account", "demo"), ("decision", "deny")]).await;
    assert_eq!(back.redirected("error").unwrap(), "access_denied");
    assert_eq!(back.redirected("error_reason").unwrap(), "user_denied");
}

#[tokio::test]
async fn the_documented_wrapper_also_occurs() {
    let w = World::start().await;
    assert!(short(&w, "demo").await["user_id"].is_u64());
    let body = short(&w, "wrapped").await;
    assert!(body["data"][0]["permissions"].as_str().unwrap().contains("instagram_business_basic,"));
}

#[tokio::test]
async fn a_code_works_once_for_its_redirect_within_its_hour() {
    let w = World::start().await;
    let secret = simulator::INSTAGRAM_CLIENT_SECRET;
    let code = w.approve(&authorize(&[]), "demo").await.redirected("code").unwrap();
    let wrong = exchange(&w, &code, "https://app.example/cb/", secret).await;
    assert_eq!((wrong.status, wrong.json()["error_type"].clone()), (400, json!("OAuthException")));
    assert_eq!(exchange(&w, &code, CALLBACK, "guess").await.status, 400);
    assert_eq!(exchange(&w, &code, CALLBACK, secret).await.status, 200);
    assert_eq!(exchange(&w, &code, CALLBACK, secret).await.status, 400);

    let late = w.approve(&authorize(&[]), "demo").await.redirected("code").unwrap();
    w.advance(3601).await;
    assert_eq!(exchange(&w, &late, CALLBACK, secret).await.status, 400);
}

#[tokio::test]
async fn pkce_and_unknown_scopes_are_refused_and_recorded() {
    let w = World::start().await;
    assert_eq!(w.get(&authorize(&[("code_challenge", "x")])).await.status, 400);
    assert_eq!(w.unexpected().await, ["unexpected parameter code_challenge"]);
    let page = authorize(&[]).replace("manage_insights", "see_everything");
    assert_eq!(w.get(&page).await.status, 400);
}

#[tokio::test]
async fn a_long_token_is_refreshed_only_after_a_day_and_dies_after_sixty() {
    let w = World::start().await;
    let token = long(&w, "demo").await;
    let refresh = format!("graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token&access_token={token}");
    assert_eq!(w.get(&refresh).await.status, 400);
    assert_eq!(w.unexpected().await.len(), 1);
    w.advance(86_400).await;
    let again = w.get(&refresh).await.json();
    assert_ne!(again["access_token"], token.as_str());
    w.advance(60 * 86_400).await;
    assert_eq!(code_of(&me(&w, &token).await), (190, Some(463)));
    assert_eq!(code_of(&w.get(&refresh).await), (190, Some(463)));
}

#[tokio::test]
async fn media_come_in_pages_and_match_the_truth() {
    let w = World::start().await;
    let token = long(&w, "many_p60").await;
    let fields = "id,caption,media_type,permalink,timestamp,like_count,comments_count,children{id,media_type}";
    let mut url = format!("graph.instagram.com/v26.0/me/media?fields={fields}&limit=25&access_token={token}");
    let mut seen = Vec::new();
    loop {
        let page = w.get(&url).await.json();
        seen.extend(page["data"].as_array().unwrap().clone());
        match page["paging"]["next"].as_str() {
            Some(next) => url = next.strip_prefix("https://").unwrap().to_owned(),
            None => break,
        }
    }
    let truth = w.truth("INSTAGRAM", "many_p60").await;
    let posts = truth["posts"].as_array().unwrap();
    assert_eq!((seen.len(), posts.len()), (60, 60));
    for (m, t) in seen.iter().zip(posts) {
        assert_eq!((&m["id"], &m["permalink"], &m["caption"]), (&t["id"], &t["url"], &t["text"]));
        assert_eq!(m.get("like_count").unwrap_or(&Value::Null), &t["likes"]);
    }
    assert!(seen[7].get("like_count").is_none());
    assert_eq!(seen[0]["timestamp"], "2026-11-01T12:00:00+0000");
    assert_eq!(seen[2]["children"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn insights_answer_only_metrics_that_the_media_has() {
    let w = World::start().await;
    let token = long(&w, "demo").await;
    let truth = w.truth("INSTAGRAM", "demo").await;
    let image = truth["posts"][0]["id"].as_str().unwrap();
    let url = |metric: &str| format!("graph.instagram.com/v26.0/{image}/insights?metric={metric}&access_token={token}");
    let good = w.get(&url("views,reach,saved")).await.json();
    assert_eq!(good["data"][0]["values"][0]["value"], truth["posts"][0]["views"]);
    assert_eq!(good["data"][2]["values"][0]["value"], truth["posts"][0]["saves"]);
    assert_eq!(code_of(&w.get(&url("views,impressions")).await).0, 100);
}

#[tokio::test]
async fn a_scope_that_was_not_ticked_is_missing() {
    let w = World::start().await;
    let fields = [("account", "demo"), ("decision", "approve"), ("scope", "instagram_business_basic")];
    let code = w.form(&authorize(&[]), &fields).await.redirected("code").unwrap();
    let body = exchange(&w, &code, CALLBACK, simulator::INSTAGRAM_CLIENT_SECRET).await.json();
    assert_eq!(body["permissions"], json!(["instagram_business_basic"]));
    let token = body["access_token"].as_str().unwrap();
    let media = w.truth("INSTAGRAM", "demo").await["posts"][0]["id"].as_str().unwrap().to_owned();
    let answer = w.get(&format!("graph.instagram.com/v26.0/{media}/insights?metric=views&access_token={token}")).await;
    assert_eq!(code_of(&answer).0, 10);
}

#[tokio::test]
async fn unknown_fields_parameters_headers_and_paths_are_recorded() {
    let w = World::start().await;
    let token = long(&w, "demo").await;
    let at = |path: &str| format!("graph.instagram.com/v26.0/{path}access_token={token}");
    assert_eq!(code_of(&w.get(&at("me?fields=id,shoe_size&")).await).0, 100);
    assert_eq!(code_of(&w.get(&at("me?pretty=1&")).await).0, 100);
    assert_eq!(code_of(&w.get(&at("me/shoes?")).await).0, 2500);
    let odd = w.send("GET", &at("me?"), &[("x-shoe-size", "44")], "").await;
    assert_eq!(code_of(&odd).0, 100);
    assert_eq!(code_of(&w.get("graph.instagram.com/v26.0/me").await).0, 2500);
    assert_eq!(w.unexpected().await.len(), 5);
}

#[tokio::test]
async fn removing_the_app_and_suspension_have_their_codes() {
    let w = World::start().await;
    let token = long(&w, "demo").await;
    w.control("PATCH", "accounts/INSTAGRAM/demo", json!({"suspended": true})).await;
    assert_eq!(code_of(&me(&w, &token).await), (190, Some(459)));
    w.control("PATCH", "accounts/INSTAGRAM/demo", json!({"suspended": false})).await;
    w.control("POST", "accounts/INSTAGRAM/demo/revoke-tokens", Value::Null).await;
    assert_eq!(code_of(&me(&w, &token).await), (190, Some(458)));
    assert_eq!(code_of(&me(&w, "IGAAnonsense").await), (190, None));
    assert_eq!(w.approve(&authorize(&[]), "suspended_one").await.status, 403);
    assert_eq!(w.approve(&authorize(&[]), "missing_one").await.status, 404);
}
