//! Facts about the simulated Bluesky.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as the tests do

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Answer, World, pairs};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PDS: &str = "pds.bsky.example";
const APP_VIEW: &str = "public.api.bsky.app/xrpc";
const CALLBACK: &str = "http://127.0.0.1:4000/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DEMO: &str = "demo.bsky.social";

fn client_id() -> String {
    format!(
        "http://localhost?{}",
        pairs(&[("redirect_uri", "http://127.0.0.1/cb"), ("scope", "atproto transition:generic")])
    )
}

/// A DPoP key and the clock of the test's own machine.
struct Key {
    pair: EcdsaKeyPair,
    next: AtomicU64,
    started: Instant,
    now: i64,
}

impl Key {
    async fn new(w: &World) -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &rng).unwrap();
        let now =
            w.control("GET", "clock", Value::Null).await["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        Self { pair, next: AtomicU64::new(0), started: Instant::now(), now: now.as_second() }
    }

    fn claims(&self, method: &str, url: &str, nonce: Option<&str>, access: Option<&str>) -> Value {
        let elapsed: Duration = self.started.elapsed();
        let jti = format!("jti-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let htu = format!("https://{}", url.split('?').next().unwrap());
        let mut claims = json!({"jti": jti, "htm": method, "htu": htu, "iat": self.now + elapsed.as_secs() as i64});
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(access) = access {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, access.as_bytes())));
        }
        claims
    }

    fn sign(&self, claims: &Value) -> String {
        let point = self.pair.public_key().as_ref();
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let input =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    async fn form(&self, w: &World, url: &str, fields: &[(&str, &str)], nonce: Option<&str>) -> Answer {
        let proof = self.sign(&self.claims("POST", url, nonce, None));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", proof.as_str())];
        w.send("POST", url, &headers, &pairs(fields)).await
    }

    /// A form to the authorization server, with the nonce that it asks for.
    async fn ask(&self, w: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
        let url = format!("{PDS}{path}");
        let first = self.form(w, &url, fields, None).await;
        assert_eq!((first.status, first.json()["error"].clone()), (400, json!("use_dpop_nonce")));
        let nonce = first.header("dpop-nonce").unwrap().to_owned();
        self.form(w, &url, fields, Some(&nonce)).await
    }

    async fn get(&self, w: &World, url: &str, access: &str) -> Answer {
        let send = async |nonce: Option<&str>| {
            let proof = self.sign(&self.claims("GET", url, nonce, Some(access)));
            w.send("GET", url, &[("authorization", &format!("DPoP {access}")), ("dpop", &proof)], "").await
        };
        let first = send(None).await;
        assert_eq!(first.status, 401);
        assert!(first.header("www-authenticate").unwrap().contains("use_dpop_nonce"));
        send(Some(first.header("dpop-nonce").unwrap())).await
    }
}

async fn push(w: &World, key: &Key, scope: &str) -> Answer {
    let id = client_id();
    let fields = [
        ("client_id", id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "s1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("login_hint", DEMO),
    ];
    key.ask(w, "/oauth/par", &fields).await
}

async fn code(w: &World, key: &Key, scope: &str) -> String {
    let pushed = push(w, key, scope).await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let page = format!("{PDS}/oauth/authorize?{}", pairs(&[("client_id", &client_id()), ("request_uri", &uri)]));
    assert!(w.get(&page).await.body.contains(DEMO));
    let back = w.approve(&page, DEMO).await;
    assert_eq!(back.redirected("iss").unwrap(), simulator::BLUESKY_PDS);
    assert_eq!(back.redirected("state").unwrap(), "s1");
    assert_eq!(w.get(&page).await.status, 400, "a request_uri is good once");
    back.redirected("code").unwrap()
}

async fn exchange(w: &World, key: &Key, code: &str, verifier: &str) -> Answer {
    let id = client_id();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", verifier),
    ];
    key.ask(w, "/oauth/token", &fields).await
}

async fn refresh(w: &World, key: &Key, token: &str) -> Answer {
    key.ask(
        w,
        "/oauth/token",
        &[("grant_type", "refresh_token"), ("client_id", &client_id()), ("refresh_token", token)],
    )
    .await
}

async fn connect(w: &World, key: &Key) -> (String, String) {
    let code = code(w, key, "atproto transition:generic").await;
    let body = exchange(w, key, &code, VERIFIER).await.json();
    assert_eq!((body["token_type"].clone(), body["expires_in"].clone()), (json!("DPoP"), json!(3599)));
    (body["access_token"].as_str().unwrap().to_owned(), body["refresh_token"].as_str().unwrap().to_owned())
}

async fn session(w: &World, handle: &str, password: &str) -> Answer {
    let url = format!("{PDS}/xrpc/com.atproto.server.createSession");
    w.post_json(&url, &[], &json!({"identifier": handle, "password": password})).await
}

async fn password(w: &World, handle: &str) -> String {
    w.truth("BLUESKY", handle).await["appPassword"].as_str().unwrap().to_owned()
}

fn whoami() -> String {
    format!("{PDS}/xrpc/com.atproto.server.getSession")
}

#[tokio::test]
async fn a_handle_leads_to_a_did_a_document_and_a_server() {
    let w = World::start().await;
    let did = w.get(&format!("{DEMO}/.well-known/atproto-did")).await.body;
    assert_eq!(w.truth("BLUESKY", DEMO).await["id"], did.as_str());
    assert_eq!(did.len(), 32);
    let resolved = w.get(&format!("bsky.social/xrpc/com.atproto.identity.resolveHandle?handle={DEMO}")).await.json();
    assert_eq!(resolved["did"], did.as_str());
    let document = w.get(&format!("plc.directory/{did}")).await.json();
    assert_eq!(document["alsoKnownAs"], json!(["at://demo.bsky.social"]));
    assert_eq!(document["service"][0]["serviceEndpoint"], simulator::BLUESKY_PDS);
    let resource = w.get(&format!("{PDS}/.well-known/oauth-protected-resource")).await.json();
    assert_eq!(resource["authorization_servers"], json!([simulator::BLUESKY_PDS]));
    let server = w.get(&format!("{PDS}/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(server["require_pushed_authorization_requests"], true);
    assert_eq!(w.get("missing-one.bsky.social/.well-known/atproto-did").await.status, 404);
    let custom = w.get("alice.example/.well-known/atproto-did").await;
    assert!(custom.body.starts_with("did:plc:"));
    assert_eq!(w.get("plc.directory/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").await.status, 404);
}

#[tokio::test]
async fn an_app_password_opens_a_session() {
    let w = World::start().await;
    let body = session(&w, DEMO, &password(&w, DEMO).await).await.json();
    let me = w.get_as(&whoami(), body["accessJwt"].as_str().unwrap()).await.json();
    assert_eq!((&me["did"], &me["handle"]), (&body["did"], &json!(DEMO)));
    let wrong = session(&w, DEMO, "aaaa-bbbb-cccc-dddd").await;
    assert_eq!((wrong.status, wrong.json()["error"].clone()), (401, json!("AuthenticationRequired")));
    let gone = "suspended-one.bsky.social";
    assert_eq!(session(&w, gone, &password(&w, gone).await).await.json()["error"], "AccountTakedown");
    w.advance(7_201).await;
    let expired = w.get_as(&whoami(), body["accessJwt"].as_str().unwrap()).await;
    assert_eq!((expired.status, expired.json()["error"].clone()), (400, json!("ExpiredToken")));
}

#[tokio::test]
async fn a_rotated_session_token_gives_the_same_pair_for_two_hours() {
    let w = World::start().await;
    let first = session(&w, DEMO, &password(&w, DEMO).await).await.json();
    let old = first["refreshJwt"].as_str().unwrap();
    let refresh = async || {
        let url = format!("{PDS}/xrpc/com.atproto.server.refreshSession");
        w.send("POST", &url, &[("authorization", &format!("Bearer {old}"))], "").await
    };
    let second = refresh().await.json();
    assert_ne!(second["refreshJwt"], first["refreshJwt"]);
    w.advance(3_600).await;
    let again = refresh().await.json();
    assert_eq!((&again["accessJwt"], &again["refreshJwt"]), (&second["accessJwt"], &second["refreshJwt"]));
    w.advance(3_601).await;
    assert_eq!(refresh().await.json()["error"], "ExpiredToken");
}

#[tokio::test]
async fn after_delete_session_the_access_token_lives_on() {
    let w = World::start().await;
    let s = session(&w, DEMO, &password(&w, DEMO).await).await.json();
    let bearer = format!("Bearer {}", s["refreshJwt"].as_str().unwrap());
    let post = async |name: &str| {
        w.send("POST", &format!("{PDS}/xrpc/com.atproto.server.{name}"), &[("authorization", &bearer)], "").await.status
    };
    assert_eq!(post("deleteSession").await, 200);
    assert_eq!(post("refreshSession").await, 400);
    assert_eq!(w.get_as(&whoami(), s["accessJwt"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn oauth_with_par_pkce_and_dpop_leads_to_the_account() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    let (access, refresh) = connect(&w, &key).await;
    assert!(access.starts_with("eyJ") && refresh.starts_with("ref-"));
    let did = w.truth("BLUESKY", DEMO).await["id"].clone();
    assert_eq!(key.get(&w, &whoami(), &access).await.json()["did"], did);
    let feed = format!("{PDS}/xrpc/app.bsky.feed.getAuthorFeed?actor={DEMO}&limit=3");
    assert_eq!(key.get(&w, &feed, &access).await.json()["feed"].as_array().unwrap().len(), 3);
    assert!(w.unexpected().await.is_empty(), "{:?}", w.unexpected().await);
    assert_ne!(w.get_as(&whoami(), &access).await.status, 200, "a bound token is no bearer token");
}

#[tokio::test]
async fn replayed_refresh_token_revokes_the_session() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    let (_, old) = connect(&w, &key).await;
    let pair = refresh(&w, &key, &old).await.json();
    let (access, new) = (pair["access_token"].as_str().unwrap(), pair["refresh_token"].as_str().unwrap());
    assert_eq!(key.get(&w, &whoami(), access).await.status, 200);
    let replay = refresh(&w, &key, &old).await;
    assert_eq!((replay.status, replay.json()["error_description"].clone()), (400, json!("Refresh token replayed")));
    assert_eq!(refresh(&w, &key, new).await.json()["error"], "invalid_grant");
    assert_eq!(key.get(&w, &whoami(), access).await.status, 401);
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_of_the_request() {
    let w = World::start().await;
    let (key, thief) = (Key::new(&w).await, Key::new(&w).await);
    let stolen = code(&w, &key, "atproto").await;
    assert_eq!(exchange(&w, &thief, &stolen, VERIFIER).await.json()["error"], "invalid_dpop_proof");
    assert_eq!(exchange(&w, &key, &stolen, &VERIFIER.replace('d', "e")).await.json()["error"], "invalid_grant");
    assert_eq!(exchange(&w, &key, &stolen, VERIFIER).await.status, 200);
    let (access, refresh_token) = connect(&w, &key).await;
    assert_ne!(thief.get(&w, &whoami(), &access).await.status, 200);
    assert_eq!(refresh(&w, &thief, &refresh_token).await.json()["error"], "invalid_dpop_proof");
    assert_eq!(refresh(&w, &key, &refresh_token).await.status, 200);
}

#[tokio::test]
async fn a_spent_code_revokes_what_came_of_it() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    let text = code(&w, &key, "atproto").await;
    let access = exchange(&w, &key, &text, VERIFIER).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(exchange(&w, &key, &text, VERIFIER).await.json()["error"], "invalid_grant");
    assert_eq!(key.get(&w, &whoami(), &access).await.status, 401);
}

#[tokio::test]
async fn a_proof_that_says_something_else_is_refused() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    let (access, _) = connect(&w, &key).await;
    let url = whoami();
    let send = async |claims: &Value, spoil: bool| {
        let mut proof = key.sign(claims);
        if spoil {
            let at = proof.len() - 10;
            let c = if &proof[at..=at] == "A" { "B" } else { "A" };
            proof.replace_range(at..=at, c);
        }
        w.send("GET", &url, &[("authorization", &format!("DPoP {access}")), ("dpop", &proof)], "").await
    };
    let fresh = || key.claims("GET", &url, None, Some(&access));
    let nonce = send(&fresh(), false).await.header("dpop-nonce").unwrap().to_owned();
    let good = || key.claims("GET", &url, Some(&nonce), Some(&access));
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        claims
    };
    let once = good();
    assert_eq!(send(&once, false).await.status, 200);
    let mut reasons = vec![];
    for (claims, spoil) in [
        (once, false),
        (good(), true),
        (with("htm", json!("POST")), false),
        (with("htu", json!("https://other.example/")), false),
        (with("iat", json!(1)), false),
        (with("ath", json!("x")), false),
    ] {
        let answer = send(&claims, spoil).await;
        assert_eq!((answer.status, answer.json()["error"].clone()), (401, json!("invalid_dpop_proof")));
        reasons.push(answer.json()["message"].as_str().unwrap().to_owned());
    }
    assert_eq!(reasons, ["jti used before", "signature", "htm", "htu", "iat", "ath"]);
    assert_eq!(send(&with("nonce", json!("stale")), false).await.json()["error"], "use_dpop_nonce");
    assert_eq!(w.unexpected().await.len(), 6);
}

#[tokio::test]
async fn scopes_and_clients_are_checked_when_a_request_is_pushed() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    assert_eq!(push(&w, &key, "transition:generic").await.json()["error"], "invalid_scope");
    assert_eq!(push(&w, &key, "atproto transition:chat.bsky").await.json()["error"], "invalid_request");
    let text = code(&w, &key, "atproto").await;
    let access = exchange(&w, &key, &text, VERIFIER).await.json()["access_token"].as_str().unwrap().to_owned();
    let profile = format!("{PDS}/xrpc/app.bsky.actor.getProfile?actor={DEMO}");
    assert_eq!(key.get(&w, &profile, &access).await.json()["error"], "ScopeMissingError");
}

#[tokio::test]
async fn a_revoked_or_fortnight_old_public_session_is_over() {
    let w = World::start().await;
    let key = Key::new(&w).await;
    let (access, token) = connect(&w, &key).await;
    let done = w.form(&format!("{PDS}/oauth/revoke"), &[("token", &token), ("client_id", &client_id())]).await;
    assert_eq!(done.status, 200);
    assert_eq!(key.get(&w, &whoami(), &access).await.status, 401);
    let (_, token) = connect(&w, &key).await;
    w.advance(13 * 86_400).await;
    let token = refresh(&w, &key, &token).await.json()["refresh_token"].as_str().unwrap().to_owned();
    w.advance(86_400).await;
    assert_eq!(refresh(&w, &key, &token).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn the_public_reads_profiles_and_feeds_that_are_the_truth() {
    let w = World::start().await;
    let handle = "many-p120.bsky.social";
    let truth = w.truth("BLUESKY", handle).await;
    let profile = w.get(&format!("{APP_VIEW}/app.bsky.actor.getProfile?actor={handle}")).await.json();
    assert_eq!((&profile["did"], &profile["followersCount"]), (&truth["id"], &truth["followerCount"]));
    assert_eq!(profile["postsCount"], 120);
    let (mut own, mut reposts, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = w
            .get(&format!(
                "{APP_VIEW}/app.bsky.feed.getAuthorFeed?actor={}&limit=100{cursor}",
                profile["did"].as_str().unwrap()
            ))
            .await
            .json();
        for item in page["feed"].as_array().unwrap() {
            if item.get("reason").is_some() { reposts += 1 } else { own.push(item["post"].clone()) }
        }
        match page["cursor"].as_str() {
            Some(c) => cursor = format!("&{}", pairs(&[("cursor", c)])),
            None => break,
        }
    }
    let posts = truth["posts"].as_array().unwrap();
    assert_eq!((own.len(), reposts), (120, 12));
    for (p, t) in own.iter().zip(posts) {
        assert!(p["uri"].as_str().unwrap().ends_with(t["id"].as_str().unwrap()));
        assert_eq!(
            (&p["record"]["text"], &p["likeCount"], &p["repostCount"], &p["replyCount"]),
            (&t["text"], &t["likes"], &t["shares"], &t["comments"])
        );
    }
    let uri = own[119]["uri"].as_str().unwrap();
    let one = w.get(&format!("{APP_VIEW}/app.bsky.feed.getPosts?{}", pairs(&[("uris", uri)]))).await.json();
    assert_eq!(one["posts"][0]["cid"], own[119]["cid"]);
    let record = format!("{PDS}/xrpc/com.atproto.repo.getRecord?repo={handle}&collection=app.bsky.feed.post&rkey=");
    assert_eq!(w.get(&format!("{record}{}", posts[3]["id"].as_str().unwrap())).await.status, 200);
    let none = w.get(&format!("{record}2222222222222")).await;
    assert_eq!((none.status, none.json()["error"].clone()), (400, json!("RecordNotFound")));
    assert!(w.unexpected().await.is_empty());
}

#[tokio::test]
async fn missing_and_suspended_actors_and_unknown_methods_are_told_apart() {
    let w = World::start().await;
    let profile = |actor: &str| format!("{APP_VIEW}/app.bsky.actor.getProfile?actor={actor}");
    assert_eq!(w.get(&profile("missing-one.bsky.social")).await.json()["message"], "Profile not found");
    assert_eq!(w.get(&profile("suspended-one.bsky.social")).await.json()["error"], "AccountTakedown");
    let unknown = w.get(&format!("{APP_VIEW}/app.bsky.shoes.get")).await;
    assert_eq!((unknown.status, unknown.json()["error"].clone()), (404, json!("XRPCNotSupported")));
    assert_eq!(w.get(&format!("{}&shoes=1", profile(DEMO))).await.status, 400);
    assert_eq!(w.get_as(&profile(DEMO), "eyJx").await.status, 400);
    assert_eq!(w.unexpected().await.len(), 3);
}
