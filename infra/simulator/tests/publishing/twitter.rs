//! X: consent, posts, media.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::{Answer, World, pairs};
use crate::desk::{bearer, video};

const API: &str = "api.x.com/2";
const CALLBACK: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Me {
    w: World,
    token: String,
    id: String,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let token = w.token("TWITTER", "demo").await;
        let id = w.truth("TWITTER", "demo").await["id"].as_str().unwrap().to_owned();
        Self { w, token, id }
    }

    async fn call(&self, path: &str, body: &Value) -> Answer {
        self.w.post_json(&format!("{API}/{path}"), &[("authorization", &bearer(&self.token))], body).await
    }

    async fn tweet(&self, text: &str) -> Answer {
        self.call("tweets", &json!({"text": text})).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.w.get_as(&format!("{API}/{path}"), &self.token).await
    }

    async fn append(&self, id: &str, index: usize, bytes: &[u8]) -> Answer {
        let mut body =
            format!("--XX\r\nContent-Disposition: form-data; name=\"segment_index\"\r\n\r\n{index}\r\n--XX\r\n")
                .into_bytes();
        body.extend_from_slice(b"Content-Disposition: form-data; name=\"media\"; filename=\"blob\"\r\n\r\n");
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        let auth = bearer(&self.token);
        let headers = [("authorization", auth.as_str()), ("content-type", "multipart/form-data; boundary=XX")];
        self.w.bytes("POST", &format!("{API}/media/upload/{id}/append"), &headers, &body).await
    }
}

fn detail(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn token(w: &World, fields: &[(&str, &str)]) -> Answer {
    let auth = basic(simulator::TWITTER_CLIENT_ID, simulator::TWITTER_CLIENT_SECRET);
    let headers = [("authorization", auth.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    w.send("POST", "api.x.com/2/oauth2/token", &headers, &pairs(fields)).await
}

#[tokio::test]
async fn consent_needs_pkce_and_refresh_tokens_are_good_once() {
    let w = World::start().await;
    let query = |method: &str| {
        let base = [
            ("response_type", "code"),
            ("client_id", simulator::TWITTER_CLIENT_ID),
            ("redirect_uri", CALLBACK),
            ("scope", "tweet.read tweet.write users.read media.write offline.access"),
            ("state", "s1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", method),
        ];
        format!("x.com/i/oauth2/authorize?{}", pairs(&base))
    };
    assert_eq!(w.get(&query("S512")).await.status, 400);
    let code = w.approve(&query("S256"), "demo").await.redirected("code").unwrap();
    let exchange = |code: &str| {
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
    };
    let send = async |fields: [(String, String); 4]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        token(&w, &fields).await
    };
    let body = send(exchange(&code)).await.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(7_200)));
    assert_eq!(send(exchange(&code)).await.status, 400, "a code is good once");
    let late = w.approve(&query("S256"), "demo").await.redirected("code").unwrap();
    w.advance(30).await;
    assert_eq!(send(exchange(&late)).await.status, 400, "and for half a minute");
    let refresh = async |old: &Value| {
        token(&w, &[("grant_type", "refresh_token"), ("refresh_token", old.as_str().unwrap())]).await
    };
    let next = refresh(&body["refresh_token"]).await.json();
    assert_ne!(next["refresh_token"], body["refresh_token"]);
    let replay = refresh(&body["refresh_token"]).await;
    assert_eq!((replay.status, replay.json()["error"].clone()), (400, json!("invalid_request")));
    let me = w
        .get_as(&format!("{API}/users/me?user.fields=public_metrics,verified"), next["access_token"].as_str().unwrap())
        .await;
    assert_eq!(me.json()["data"]["username"], "demo");
    assert!(me.header("x-rate-limit-reset").unwrap().parse::<i64>().is_ok());
    w.advance(7_200).await;
    assert_eq!(w.get_as(&format!("{API}/users/me"), next["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(w.unexpected().await, ["code_challenge_method or state"]);
}

#[tokio::test]
async fn a_post_stands_in_the_timeline_and_its_twin_is_refused() {
    let me = Me::new().await;
    let first = me.tweet("Hello there").await;
    assert_eq!(first.status, 201);
    let first = first.json()["data"].clone();
    let twin = me.tweet("Hello there").await;
    assert_eq!(detail(&twin), (403, "You are not allowed to create a Tweet with duplicate content.".to_owned()));
    let made = me.w.publications("TWITTER").await;
    assert_eq!((made.len(), &made[0]["submissions"]), (1, &json!(2)));
    let list =
        me.get(&format!("users/{}/tweets?max_results=5&tweet.fields=created_at,public_metrics", me.id)).await.json();
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["text"]), (&first["id"], &json!("Hello there")));
    let next = list["meta"]["next_token"].as_str().unwrap();
    let page = me.get(&format!("users/{}/tweets?max_results=5&pagination_token={next}", me.id)).await.json();
    assert_eq!(page["data"][0]["id"], me.w.truth("TWITTER", "demo").await["posts"][5]["id"]);
    // Addresses are shortened anew each time, so the rule does not see that they are the same.
    let link = me.tweet("See https://example.com/a").await.json()["data"].clone();
    assert!(link["text"].as_str().unwrap().starts_with("See https://t.co/"), "{link}");
    assert_eq!(me.tweet("See https://example.com/a").await.status, 201);
    let read = me.get(&format!("tweets/{}?tweet.fields=entities", link["id"].as_str().unwrap())).await.json();
    assert_eq!(read["data"]["entities"]["urls"][0]["expanded_url"], "https://example.com/a");
    let auth = bearer(&me.token);
    let gone = format!("{API}/tweets/{}", first["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(
            me.w.send("DELETE", &gone, &[("authorization", &auth)], "").await.json(),
            json!({"data": {"deleted": true}})
        );
    }
    assert_eq!(
        me.get(&format!("tweets/{}", first["id"].as_str().unwrap())).await.json()["errors"][0]["title"],
        "Not Found Error"
    );
    assert_eq!(me.tweet("Hello there").await.status, 201, "what is deleted may be said again");
    me.w.advance(86_400).await;
    let token = me.w.token("TWITTER", "demo").await;
    let me = Me { token, ..me };
    assert_eq!(me.tweet("Hello there").await.status, 201, "and so may what is a day old");
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn posts_keep_the_rules() {
    let me = Me::new().await;
    assert_eq!(me.tweet(&"語".repeat(140)).await.status, 201);
    assert_eq!(me.tweet(&"語".repeat(141)).await.status, 400);
    assert_eq!(detail(&me.tweet("$ABC and $XYZ").await).0, 403);
    let parent = me.tweet("one").await.json()["data"]["id"].clone();
    let reply = me.call("tweets", &json!({"text": "two", "reply": {"in_reply_to_tweet_id": parent}})).await;
    assert_eq!(reply.status, 201);
    assert_eq!(me.w.counts("TWITTER").await["comments"], 1);
    let other = me.w.token("TWITTER", "other").await;
    let theirs =
        me.w.post_json(&format!("{API}/tweets"), &[("authorization", &bearer(&other))], &json!({"text": "mine"}))
            .await
            .json();
    let answer =
        me.call("tweets", &json!({"text": "hey", "reply": {"in_reply_to_tweet_id": theirs["data"]["id"]}})).await;
    assert_eq!(detail(&answer), (403, "You are not permitted to perform this action.".to_owned()));
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    for odd in [
        json!({}),
        json!({"text": "x", "poll": {"options": ["a", "b"], "duration_minutes": 10}, "media": {"media_ids": ["1"]}}),
        json!({"text": "x", "reply_settings": "everyone"}),
        json!({"text": "x", "colour": "red"}),
    ] {
        assert_eq!(me.call("tweets", &odd).await.status, 400, "{odd}");
    }
    assert_eq!(me.w.unexpected().await.len(), 4);
    me.w.control("PATCH", "settings/TWITTER", json!({"credits": "write"})).await;
    let read = me.get(&format!("users/{}/tweets", me.id)).await;
    assert_eq!((read.status, read.json()["title"].clone()), (402, json!("CreditsDepleted")));
    assert_eq!(me.tweet("still").await.status, 201);
    me.w.control("PATCH", "settings/TWITTER", json!({"credits": "none"})).await;
    assert_eq!(me.tweet("no more").await.status, 402);
}

#[tokio::test]
async fn media_goes_up_in_segments() {
    let me = Me::new().await;
    let data = video(250_000);
    let start = json!({"media_type": "video/mp4", "total_bytes": 250_000, "media_category": "tweet_video"});
    let id = me.call("media/upload/initialize", &start).await.json()["data"]["id"].as_str().unwrap().to_owned();
    for (index, piece) in data.chunks(100_000).enumerate() {
        assert_eq!(me.append(&id, index, piece).await.status, 200);
    }
    assert_eq!(me.append(&id, 1, &data[100_000..200_000]).await.status, 200, "the same segment again");
    let done = me.call(&format!("media/upload/{id}/finalize"), &json!({})).await.json()["data"].clone();
    assert_eq!((&done["size"], &done["processing_info"]["state"]), (&json!(250_000), &json!("pending")));
    let early = me.call("tweets", &json!({"text": "watch", "media": {"media_ids": [id]}})).await;
    assert_eq!(early.status, 400);
    let state = async || {
        me.get(&format!("media/upload?command=STATUS&media_id={id}")).await.json()["data"]["processing_info"]["state"]
            .clone()
    };
    assert_eq!((state().await, state().await), (json!("in_progress"), json!("succeeded")));
    assert_eq!(
        me.call("media/metadata", &json!({"id": id, "metadata": {"alt_text": {"text": "a clip"}}})).await.status,
        200
    );
    assert_eq!(me.call("tweets", &json!({"text": "watch", "media": {"media_ids": [id]}})).await.status, 201);
    let digest = ring::digest::digest(&ring::digest::SHA256, &data);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let media = me.w.publications("TWITTER").await[0]["media"][0].clone();
    assert_eq!(
        (&media["sha256"], &media["altText"], &media["bytes"]),
        (&json!(hex), &json!("a clip"), &json!(250_000))
    );
    let short = me.call("media/upload/initialize", &start).await.json()["data"]["id"].as_str().unwrap().to_owned();
    me.append(&short, 0, &data[..1_000]).await;
    assert_eq!(me.call(&format!("media/upload/{short}/finalize"), &json!({})).await.status, 400);
    me.w.fault(json!({"operation": "finish", "fault": {"kind": "fail_processing"}})).await;
    for (index, piece) in data.chunks(100_000).enumerate() {
        me.append(&short, index, piece).await;
    }
    me.call(&format!("media/upload/{short}/finalize"), &json!({})).await;
    let look = async || {
        me.get(&format!("media/upload?command=STATUS&media_id={short}")).await.json()["data"]["processing_info"].clone()
    };
    look().await;
    assert_eq!(look().await["error"]["name"], "InternalError");
    let png = me.w.get("media.example/a.png").await.bytes;
    let shot = json!({"media": STANDARD.encode(&png), "media_category": "tweet_image"});
    let one = me.call("media/upload", &shot).await.json()["data"]["id"].clone();
    assert_eq!(me.call("tweets", &json!({"media": {"media_ids": [one]}})).await.status, 201);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_app_itself_reads_what_is_public() {
    let me = Me::new().await;
    let auth = basic(simulator::TWITTER_API_KEY, simulator::TWITTER_API_SECRET);
    let headers = [("authorization", auth.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let app = me.w.send("POST", "api.x.com/oauth2/token", &headers, "grant_type=client_credentials").await.json();
    let app = app["access_token"].as_str().unwrap();
    let user = me.w.get_as(&format!("{API}/users/by/username/demo?user.fields=public_metrics"), app).await.json();
    assert_eq!(user["data"]["id"], me.id.as_str());
    assert_eq!(
        me.w.get_as(&format!("{API}/users/{}/tweets?max_results=100", me.id), app).await.json()["meta"]["result_count"],
        40
    );
    let nobody = me.w.get_as(&format!("{API}/users/by/username/missing_one"), app).await.json();
    assert_eq!(nobody["errors"][0]["resource_type"], "user");
    me.w.get_as(&format!("{API}/users/by/username/private_one"), app).await;
    let id = me.w.truth("TWITTER", "private_one").await["id"].as_str().unwrap().to_owned();
    let hidden = me.w.get_as(&format!("{API}/users/{id}/tweets"), app).await.json();
    assert_eq!(hidden["errors"][0]["title"], "Authorization Error");
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    let write =
        me.w.post_json(&format!("{API}/tweets"), &[("authorization", &bearer(app))], &json!({"text": "x"})).await;
    assert_eq!((write.status, me.w.unexpected().await.len()), (403, 1));
}
