//! Facts about faults and the control API.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use common::World;
use serde_json::{Value, json};

const PROFILE: &str = "public.api.bsky.app/xrpc/app.bsky.actor.getProfile?actor=demo.bsky.social";
const APPS: &str = "mastodon.example/api/v1/apps";

async fn fault(w: &World, order: Value) {
    assert!(w.control("POST", "faults", order).await["id"].is_u64());
}

async fn register(w: &World) -> std::io::Result<common::Answer> {
    let form = common::pairs(&[("client_name", "Herald"), ("redirect_uris", "https://app.example/cb")]);
    w.try_send("POST", APPS, &[("content-type", "application/x-www-form-urlencoded")], &form).await
}

/// Whether the connection ended without a single byte of an answer.
fn is_cut(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
}

async fn client_secrets(w: &World) -> usize {
    let all = w.control("GET", "tokens", Value::Null).await;
    all.as_array().unwrap().iter().filter(|t| t["kind"] == "clientSecret" && t["platform"] == "MASTODON").count()
}

#[tokio::test]
async fn a_dropped_request_has_no_effect_and_no_answer() {
    let w = World::start().await;
    fault(&w, json!({"host": "mastodon.example", "fault": {"kind": "drop"}})).await;
    assert!(is_cut(&register(&w).await.unwrap_err()));
    assert_eq!(client_secrets(&w).await, 0);
    assert_eq!(register(&w).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_dropped_after_has_its_effect_and_no_answer() {
    let w = World::start().await;
    fault(&w, json!({"host": "mastodon.example", "fault": {"kind": "drop_after"}})).await;
    assert!(is_cut(&register(&w).await.unwrap_err()));
    assert_eq!(client_secrets(&w).await, 1);
    let log = w.control("GET", "requests?host=mastodon.example", Value::Null).await;
    assert_eq!((log[0]["status"].clone(), log[0]["fault"].clone()), (Value::Null, json!("drop_after")));
}

#[tokio::test]
async fn a_truncated_answer_breaks_off() {
    let w = World::start().await;
    fault(&w, json!({"platform": "BLUESKY", "fault": {"kind": "truncate"}})).await;
    assert_eq!(w.try_send("GET", PROFILE, &[], "").await.unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(w.get(PROFILE).await.status, 200);
}

#[tokio::test]
async fn garbage_is_200_and_not_json() {
    let w = World::start().await;
    fault(&w, json!({"pathContains": "getProfile", "fault": {"kind": "garbage"}})).await;
    let answer = w.get(PROFILE).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<Value>(&answer.body).is_err());
}

#[tokio::test]
async fn a_hanging_request_is_never_answered_and_a_delayed_one_is_late() {
    let w = World::start().await;
    fault(&w, json!({"fault": {"kind": "hang"}})).await;
    let waited = tokio::time::timeout(Duration::from_millis(200), w.get(PROFILE)).await;
    assert!(waited.is_err());
    fault(&w, json!({"fault": {"kind": "delay", "ms": 120}})).await;
    let start = Instant::now();
    assert_eq!(w.get(PROFILE).await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn skip_and_times_count_matching_requests_only() {
    let w = World::start().await;
    fault(&w, json!({"platform": "bluesky", "method": "GET", "skip": 1, "times": 2, "fault": {"kind": "reject", "status": 503}})).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        assert_eq!(w.get("mastodon.example/api/v2/instance").await.status, 200);
        seen.push(w.get(PROFILE).await.status);
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    fault(&w, json!({"times": 0, "fault": {"kind": "reject", "status": 500, "body": {"a": 1}, "headers": {"retry-after": "7"}}})).await;
    for _ in 0..3 {
        let answer = w.get(PROFILE).await;
        assert_eq!((answer.status, answer.json(), answer.header("retry-after")), (500, json!({"a": 1}), Some("7")));
    }
    assert_eq!(w.control("GET", "faults", Value::Null).await.as_array().unwrap().len(), 1);
    w.control("DELETE", "faults", Value::Null).await;
    assert_eq!(w.get(PROFILE).await.status, 200);
}

#[tokio::test]
async fn each_platform_states_its_limit_in_its_own_way() {
    let w = World::start().await;
    fault(&w, json!({"times": 0, "fault": {"kind": "rate_limit", "retryAfterSeconds": 90}})).await;
    let instagram = w.get("graph.instagram.com/v26.0/me").await;
    assert_eq!((instagram.status, instagram.json()["error"]["code"].clone()), (400, json!(80002)));
    assert!(instagram.header("x-business-use-case-usage").unwrap().contains("\"estimated_time_to_regain_access\":2"));
    let tiktok = w.get("open.tiktokapis.com/v2/user/info/").await;
    assert_eq!(
        (tiktok.status, tiktok.json()["error"]["code"].clone(), tiktok.header("retry-after")),
        (429, json!("rate_limit_exceeded"), None)
    );
    let youtube = w.get("youtube.googleapis.com/youtube/v3/channels").await;
    assert_eq!(
        (youtube.status, youtube.json()["error"]["errors"][0]["reason"].clone()),
        (403, json!("rateLimitExceeded"))
    );
    let mastodon = w.get("mastodon.example/api/v2/instance").await;
    assert_eq!((mastodon.status, mastodon.header("x-ratelimit-remaining")), (429, Some("0")));
    assert!(mastodon.header("x-ratelimit-reset").unwrap().ends_with('Z'));
    let bluesky = w.get(PROFILE).await;
    assert_eq!((bluesky.status, bluesky.header("retry-after")), (429, Some("90")));
    assert!(bluesky.header("ratelimit-reset").unwrap().parse::<i64>().is_ok());
}

#[tokio::test]
async fn a_renamed_account_keeps_its_id_and_loses_its_old_handle() {
    let w = World::start().await;
    let before = w.truth("BLUESKY", "demo.bsky.social").await;
    let after = w
        .control("PATCH", "accounts/BLUESKY/demo.bsky.social", json!({"rename": "fresh.bsky.social", "posts": 3}))
        .await;
    assert_eq!(
        (&after["id"], &after["handle"], &after["postCount"]),
        (&before["id"], &json!("fresh.bsky.social"), &json!(3))
    );
    assert_eq!(w.get(PROFILE).await.status, 400);
    let moved = w.get(&PROFILE.replace("demo", "fresh")).await.json();
    assert_eq!(moved["did"], before["id"]);
    let document = w.get(&format!("plc.directory/{}", before["id"].as_str().unwrap())).await.json();
    assert_eq!(document["alsoKnownAs"][0], "at://fresh.bsky.social");
}

#[tokio::test]
async fn issued_tokens_work_expire_and_are_all_known() {
    let w = World::start().await;
    let at = "accounts/TIKTOK/demo";
    let issued = w.control("POST", &format!("{at}/issue-token"), json!({"scopes": ["user.info.basic"]})).await;
    let access = issued["accessToken"].as_str().unwrap();
    let url = "open.tiktokapis.com/v2/user/info/?fields=open_id";
    assert_eq!(w.get_as(url, access).await.status, 200);
    let narrow = w.control("PATCH", at, json!({"grantedScopes": []})).await;
    assert_eq!(narrow["handle"], "demo");
    assert_eq!(w.get_as(url, access).await.json()["error"]["code"], "scope_not_authorized");
    w.control("PATCH", at, json!({"grantedScopes": null})).await;
    assert_eq!(w.get_as(url, access).await.status, 200);
    w.control("POST", &format!("{at}/expire-tokens"), Value::Null).await;
    assert_eq!(w.get_as(url, access).await.status, 401);
    let refresh = [
        ("client_key", simulator::TIKTOK_CLIENT_KEY),
        ("client_secret", simulator::TIKTOK_CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", issued["refreshToken"].as_str().unwrap()),
    ];
    let again = w.form("open.tiktokapis.com/v2/oauth/token/", &refresh).await.json();
    assert!(again["access_token"].is_string());
    let known = w.control("GET", &format!("{at}/tokens"), Value::Null).await;
    assert_eq!(known.as_array().unwrap().len(), 4);
    let all = w.control("GET", "tokens", Value::Null).await.to_string();
    for secret in [access, again["refresh_token"].as_str().unwrap(), simulator::TIKTOK_CLIENT_SECRET] {
        assert!(all.contains(secret));
    }
    for platform in ["INSTAGRAM/demo", "YOUTUBE/demo", "MASTODON/demo@mastodon.example", "BLUESKY/demo.bsky.social"] {
        let token = w.control("POST", &format!("accounts/{platform}/issue-token"), Value::Null).await;
        assert!(token["accessToken"].as_str().unwrap().len() > 40);
    }
}

#[tokio::test]
async fn requests_are_logged_without_values_and_a_reset_forgets_everything() {
    let w = World::start().await;
    w.get("graph.instagram.com/v26.0/me?access_token=IGAAsecret").await;
    w.get(PROFILE).await;
    let log = w.control("GET", "requests", Value::Null).await;
    assert_eq!(log[0]["queryKeys"], json!(["access_token"]));
    assert!(!log.to_string().contains("IGAAsecret"));
    assert_eq!(
        (&log[1]["account"], &log[1]["platform"], &log[1]["status"]),
        (&json!("demo.bsky.social"), &json!("BLUESKY"), &json!(200))
    );
    assert_eq!(w.control("GET", "stats", Value::Null).await["BLUESKY"]["requests"], 1);
    let only = w.control("GET", "requests?platform=instagram", Value::Null).await;
    assert_eq!(only.as_array().unwrap().len(), 1);
    w.control("PATCH", "accounts/BLUESKY/demo.bsky.social", json!({"deleted": true})).await;
    assert_eq!(w.get(PROFILE).await.status, 400);
    w.control("POST", "reset", Value::Null).await;
    assert_eq!(w.control("GET", "requests", Value::Null).await, json!([]));
    assert_eq!(w.get(PROFILE).await.status, 200);
}

#[tokio::test]
async fn pictures_can_be_fetched_and_unknown_hosts_are_recorded() {
    let w = World::start().await;
    let picture = w.get("files.mastodon.example/accounts/avatars/1.png").await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    assert_eq!(w.get("nohost/x").await.status, 404);
    assert_eq!(w.unexpected().await, ["no such host"]);
    assert_eq!(w.send("POST", "_control/faults", &[], "{\"fault\":{\"kind\":\"flood\"}}").await.status, 400);
    assert_eq!(w.get("_control/accounts/INSTAGRAM/missing_one").await.status, 404);
}

#[tokio::test]
async fn a_wrong_method_is_refused_and_recorded_everywhere() {
    let w = World::start().await;
    let posts = [
        "graph.instagram.com/v26.0/me",
        "open.tiktokapis.com/v2/user/info/?fields=open_id",
        "youtube.googleapis.com/youtube/v3/channels?part=id",
        "mastodon.example/api/v2/instance",
        "plc.directory/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    for url in posts {
        assert!(w.send("POST", url, &[], "").await.status >= 400, "{url}");
    }
    assert_eq!(w.unexpected().await, ["method not allowed here"; 5]);
}

#[tokio::test]
async fn an_account_that_was_asked_for_is_known_by_its_id_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("accounts");
    let start = || async { World::of(simulator::Simulator::default().remembering(&journal).unwrap()).await };
    let first = start().await;
    let did =
        first.control("GET", "accounts/BLUESKY/demo.bsky.social", Value::Null).await["id"].as_str().unwrap().to_owned();
    assert_eq!(first.get(PROFILE).await.status, 200);
    let by_did = format!("public.api.bsky.app/xrpc/app.bsky.actor.getProfile?actor={did}");
    assert_eq!(start().await.get(&by_did).await.status, 200);
    assert_eq!(World::start().await.get(&by_did).await.status, 400, "a world without a journal must not know it");
}

#[tokio::test]
async fn tokens_apps_and_posts_are_known_after_a_restart_and_forgotten_with_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("world");
    let start = || async { World::of(simulator::Simulator::default().remembering(&memory).unwrap()).await };
    let first = start().await;
    let issue = async |w: &World, platform: &str, account: &str| {
        w.control("POST", &format!("accounts/{platform}/{account}/issue-token"), json!({})).await["accessToken"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let kept = issue(&first, "MASTODON", "demo@mastodon.example").await;
    let revoked = issue(&first, "TWITTER", "demo").await;
    let status = async |w: &World, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        w.send("POST", "mastodon.example/api/v1/statuses", &headers, r#"{"status":"written before"}"#).await.status
    };
    assert_eq!(status(&first, &kept).await, 200);
    first.control("POST", "accounts/TWITTER/demo/revoke-tokens", json!({})).await;

    for _ in 0..2 {
        let again = start().await;
        let me = "mastodon.example/api/v1/accounts/verify_credentials";
        let bearer = |token: &str| format!("Bearer {token}");
        assert_eq!(again.send("GET", me, &[("authorization", &bearer(&kept))], "").await.status, 200);
        let x = "api.x.com/2/users/me";
        assert_eq!(again.send("GET", x, &[("authorization", &bearer(&revoked))], "").await.status, 401);
        let posts = again.control("GET", "publications?platform=MASTODON", Value::Null).await;
        assert_eq!(posts.as_array().map(Vec::len), Some(1), "{posts:#}");
        assert_eq!((&posts[0]["text"], &posts[0]["submissions"]), (&json!("written before"), &json!(1)));
        // Nothing that comes later takes the place of what was there.
        let other = issue(&again, "MASTODON", "other@mastodon.example").await;
        assert_ne!(other, kept);
    }
    let again = start().await;
    again.control("POST", "reset", json!({})).await;
    let later = start().await;
    assert_eq!(later.control("GET", "publications", Value::Null).await, json!([]));
    let me = "mastodon.example/api/v1/accounts/verify_credentials";
    assert_eq!(later.send("GET", me, &[("authorization", &format!("Bearer {kept}"))], "").await.status, 401);
}
