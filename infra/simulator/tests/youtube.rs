//! Facts about the simulated YouTube.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use common::{Answer, World, pairs};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/cb";
const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const API: &str = "youtube.googleapis.com/youtube/v3";

fn authorize(scope: &str, extra: &[(&str, &str)]) -> String {
    let mut query = vec![
        ("client_id", simulator::YOUTUBE_CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "s1"),
        ("access_type", "offline"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    query.extend_from_slice(extra);
    format!("accounts.google.com/o/oauth2/v2/auth?{}", pairs(&query))
}

async fn token(w: &World, more: &[(&str, &str)]) -> Answer {
    let mut fields =
        vec![("client_id", simulator::YOUTUBE_CLIENT_ID), ("client_secret", simulator::YOUTUBE_CLIENT_SECRET)];
    fields.extend_from_slice(more);
    w.form("oauth2.googleapis.com/token", &fields).await
}

async fn exchange(w: &World, code: &str, verifier: &str) -> Answer {
    let fields =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)];
    token(w, &fields).await
}

async fn connect(w: &World, handle: &str, extra: &[(&str, &str)]) -> Value {
    let code = w.approve(&authorize(READ, extra), handle).await.redirected("code").unwrap();
    let answer = exchange(w, &code, VERIFIER).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn reason(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["errors"][0]["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_consent_leads_to_the_own_channel() {
    let w = World::start().await;
    let body = connect(&w, "@demo", &[]).await;
    assert!(body["access_token"].as_str().unwrap().starts_with("ya29."));
    assert!(body["refresh_token"].as_str().unwrap().starts_with("1//0"));
    assert_eq!(body["expires_in"], 3599);
    let url = format!("{API}/channels?part=id,snippet,statistics,contentDetails&mine=true");
    let channel = w.get_as(&url, body["access_token"].as_str().unwrap()).await.json()["items"][0].clone();
    let truth = w.truth("YOUTUBE", "demo").await;
    assert_eq!(channel["id"], truth["id"]);
    assert_eq!(channel["id"].as_str().unwrap().len(), 24);
    assert_eq!(channel["snippet"]["customUrl"], "@demo");
    assert_eq!(channel["statistics"]["subscriberCount"], truth["followerCount"].to_string());
    assert_eq!(channel["statistics"]["videoCount"], "40");
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn the_verifier_must_answer_the_challenge_and_the_code_works_once() {
    let w = World::start().await;
    let code = w.approve(&authorize(READ, &[]), "demo").await.redirected("code").unwrap();
    let wrong = exchange(&w, &code, &VERIFIER.replace('d', "e")).await;
    assert_eq!((wrong.status, wrong.json()["error"].clone()), (400, json!("invalid_grant")));
    assert_eq!(exchange(&w, &code, VERIFIER).await.status, 200);
    assert_eq!(exchange(&w, &code, VERIFIER).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_consent_or_a_forced_one() {
    let w = World::start().await;
    assert!(connect(&w, "demo", &[]).await["refresh_token"].is_string());
    assert!(connect(&w, "demo", &[]).await.get("refresh_token").is_none());
    assert!(connect(&w, "demo", &[("prompt", "consent")]).await["refresh_token"].is_string());
    let online = authorize(READ, &[("prompt", "consent")]).replace("offline", "online");
    let code = w.approve(&online, "other").await.redirected("code").unwrap();
    assert!(exchange(&w, &code, VERIFIER).await.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn refreshing_keeps_the_refresh_token_until_it_is_revoked() {
    let w = World::start().await;
    let first = connect(&w, "demo", &[]).await;
    let (access, refresh) = (first["access_token"].as_str().unwrap(), first["refresh_token"].as_str().unwrap());
    w.advance(3600).await;
    let url = format!("{API}/channels?part=id&mine=true");
    assert_eq!(reason(&w.get_as(&url, access).await), (401, "authError".to_owned()));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    for _ in 0..2 {
        let again = token(&w, &fields).await.json();
        assert!(again.get("refresh_token").is_none());
        assert_eq!(w.get_as(&url, again["access_token"].as_str().unwrap()).await.status, 200);
    }
    assert_eq!(w.form("oauth2.googleapis.com/revoke", &[("token", refresh)]).await.status, 200);
    let dead = token(&w, &fields).await;
    assert_eq!((dead.status, dead.json()["error"].clone()), (400, json!("invalid_grant")));
    let twice = w.form("oauth2.googleapis.com/revoke", &[("token", refresh)]).await;
    assert_eq!((twice.status, twice.json()["error"].clone()), (400, json!("invalid_token")));
}

#[tokio::test]
async fn unticked_scopes_show_in_the_callback_and_are_missed_later() {
    let w = World::start().await;
    let page = authorize(&format!("openid {READ}"), &[]);
    let back = w.form(&page, &[("account", "demo"), ("decision", "approve"), ("scope", "openid")]).await;
    assert_eq!(back.redirected("scope").unwrap(), "openid");
    let body = exchange(&w, &back.redirected("code").unwrap(), VERIFIER).await.json();
    let answer = w.get_as(&format!("{API}/channels?part=id&mine=true"), body["access_token"].as_str().unwrap()).await;
    assert_eq!(reason(&answer), (403, "insufficientPermissions".to_owned()));
}

#[tokio::test]
async fn the_public_reads_with_a_key_and_sees_rounded_subscribers() {
    let w = World::start().await;
    w.control("PATCH", "accounts/YOUTUBE/demo", json!({"followerCount": 123_456})).await;
    let url = |key: &str| format!("{API}/channels?part=statistics&forHandle=%40demo&key={key}");
    let seen = w.get(&url(simulator::YOUTUBE_API_KEY)).await.json();
    assert_eq!(seen["items"][0]["statistics"]["subscriberCount"], "123000");
    assert_eq!(w.get(&url("guess")).await.status, 400);
    assert_eq!(reason(&w.get(&format!("{API}/channels?part=id&forHandle=demo")).await), (403, "forbidden".to_owned()));
    let key = simulator::YOUTUBE_API_KEY;
    let gone = w.get(&format!("{API}/channels?part=id&forHandle=missing_one&key={key}")).await.json();
    assert_eq!(gone["items"], json!([]));
    let suspended = w.get(&format!("{API}/channels?part=id&forHandle=suspended_one&key={key}")).await.json();
    assert_eq!(suspended["items"], json!([]));
}

#[tokio::test]
async fn uploads_come_in_pages_and_videos_match_the_truth() {
    let w = World::start().await;
    let key = simulator::YOUTUBE_API_KEY;
    let truth = w.truth("YOUTUBE", "many_p60").await;
    let uploads = truth["id"].as_str().unwrap().replacen("UC", "UU", 1);
    let (mut ids, mut page) = (Vec::new(), String::new());
    loop {
        let body = w
            .get(&format!("{API}/playlistItems?part=contentDetails&playlistId={uploads}&maxResults=50{page}&key={key}"))
            .await
            .json();
        ids.extend(
            body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["contentDetails"]["videoId"].as_str().unwrap().to_owned()),
        );
        match body["nextPageToken"].as_str() {
            Some(token) => page = format!("&pageToken={token}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 60);
    let videos = w
        .get(&format!("{API}/videos?part=snippet,statistics,contentDetails&id={}&key={key}", ids[..50].join(",")))
        .await
        .json();
    for (v, t) in videos["items"].as_array().unwrap().iter().zip(truth["posts"].as_array().unwrap()) {
        let number = |n: &str| {
            v["statistics"].get(n).map_or(Value::Null, |s| json!(s.as_str().unwrap().parse::<u64>().unwrap()))
        };
        assert_eq!(v["id"], t["id"]);
        assert_eq!(
            (number("viewCount"), number("likeCount"), number("commentCount")),
            (t["views"].clone(), t["likes"].clone(), t["comments"].clone())
        );
        assert!(t["shares"].is_null());
    }
    assert!(videos["items"][5]["statistics"].get("likeCount").is_none());
    assert!(w.unexpected().await.is_empty());
    let many = w.get(&format!("{API}/videos?part=id&id={}&key={key}", ids[..51].join(","))).await;
    assert_eq!(many.status, 400);
    let bad = w.get(&format!("{API}/playlistItems?part=id&playlistId={uploads}&pageToken=zzz&key={key}")).await;
    assert_eq!(reason(&bad), (400, "invalidPageToken".to_owned()));
    let none = w.get(&format!("{API}/playlistItems?part=id&playlistId=UU0000000000000000000000&key={key}")).await;
    assert_eq!(reason(&none), (404, "playlistNotFound".to_owned()));
}

#[tokio::test]
async fn a_known_etag_answers_304() {
    let w = World::start().await;
    let url = format!("{API}/channels?part=snippet&forHandle=demo&key={}", simulator::YOUTUBE_API_KEY);
    let etag = w.get(&url).await.header("etag").unwrap().to_owned();
    assert_eq!(w.send("GET", &url, &[("if-none-match", &etag)], "").await.status, 304);
}

#[tokio::test]
async fn an_account_may_have_no_channel_or_a_suspended_one() {
    let w = World::start().await;
    let url = format!("{API}/channels?part=id&mine=true");
    let none = connect(&w, "nochannel_joe", &[]).await;
    assert_eq!(w.get_as(&url, none["access_token"].as_str().unwrap()).await.json()["items"], json!([]));
    let demo = connect(&w, "demo", &[]).await;
    w.control("PATCH", "accounts/YOUTUBE/demo", json!({"suspended": true})).await;
    let answer = w.get_as(&url, demo["access_token"].as_str().unwrap()).await;
    assert_eq!(reason(&answer), (403, "authenticatedUserAccountSuspended".to_owned()));
}

#[tokio::test]
async fn unknown_parts_parameters_and_paths_are_recorded() {
    let w = World::start().await;
    let key = simulator::YOUTUBE_API_KEY;
    assert_eq!(w.get(&format!("{API}/channels?part=shoes&forHandle=demo&key={key}")).await.status, 400);
    assert_eq!(reason(&w.get(&format!("{API}/channels?forHandle=demo&key={key}")).await).1, "missingRequiredParameter");
    assert_eq!(
        reason(&w.get(&format!("{API}/channels?part=id&shoes=1&forHandle=demo&key={key}")).await).1,
        "unexpectedParameter"
    );
    assert_eq!(w.get(&format!("{API}/shoes?key={key}")).await.status, 404);
    assert_eq!(w.get(&authorize("https://www.googleapis.com/auth/shoes", &[])).await.status, 400);
    assert_eq!(w.unexpected().await.len(), 5);
}
