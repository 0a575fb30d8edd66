//! What bad input gets: a clear refusal in the one error shape, nothing written, nothing secret echoed.

use herald_tests::client::{Client, Reply};
use herald_tests::consent;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

/// Stands for a secret in every place where a client might put one by mistake.
const SECRET: &str = "ya29.a-secret-in-the-wrong-place";

const MANUAL: &str = "/api/admin/socials/connect-manual";
const HAND_OVER: &str = "/api/socials/oauth/callback";
const CONNECT: &str = "/api/social/oauth/connect";

/// The shape of every refusal, with the status, the code and the beginning of the sentence that are due.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, code: &str, sentence: &str) {
    assert_eq!((reply.status, reply.text_of("code")), (status, code), "{}", reply.text);
    assert!(reply.text_of("error").starts_with(sentence), "{sentence:?} expected: {}", reply.text);
    let mut fields: Vec<_> = reply.body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["code", "error", "requestId"], "{}", reply.text);
    assert!(!reply.text_of("requestId").is_empty());
    assert!(!reply.text.contains(SECRET), "echoed: {}", reply.text);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{}", reply.text);
}

struct House {
    stack: Stack,
    admin: Client,
    talent: Client,
    rival: Client,
    /// A connection of ann's.
    id: String,
}

impl House {
    async fn start() -> Result<Self> {
        let stack = Stack::start().await?;
        let admin = stack.admin("agency").await?;
        for talent in ["ann", "bob"] {
            admin.talent(talent).await?;
        }
        let rival = stack.admin("rival").await?;
        rival.talent("zoe").await?;
        let talent = stack.as_talent("agency", "ann").await?;
        let id = admin.connect("ann", "MASTODON", "ann@mastodon.example").await?;
        admin.done("ann", &id).await?;
        Ok(Self { admin, talent, rival, id, stack })
    }

    /// Everything that anyone can see of the workspaces.
    async fn seen(&self) -> Result<Vec<Value>> {
        let mut seen = Vec::new();
        for (caller, talents) in [(&self.admin, ["ann", "bob"].as_slice()), (&self.rival, &["zoe"])] {
            seen.push(caller.get("/api/admin/talents").await?.expect(200).body);
            for talent in talents {
                seen.push(json!(caller.connections(talent).await?));
            }
        }
        Ok(seen)
    }

    /// Nothing of the secret may be in the log either.
    fn assert_silent(&self) -> Result<()> {
        let log = std::fs::read_to_string(self.stack.data().join("herald.log"))?;
        assert!(!log.contains(SECRET), "the log repeats what it must not");
        assert!(log.contains("request refused"), "the log does not speak of refusals, so this proves nothing");
        Ok(())
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_routes_own_is_refused_and_named() -> Result<()> {
    let house = House::start().await?;
    let before = house.seen().await?;
    let plain = [("content-type", "application/json")];
    let valid = json!({"talentId": "ann", "platform": "MASTODON", "handle": "new@mastodon.example"}).to_string();
    for (body, sentence) in [
        ("", "The body is not valid JSON."),
        ("{", "The body is not valid JSON."),
        ("{\"talentId\":\"ann\",}", "The body is not valid JSON."),
        ("\u{0}", "The body is not valid JSON."),
        (&format!("{valid} trailing"), "The body is not valid JSON."),
        (&"[".repeat(100_000), "The body does not have the expected form."),
        ("[]", "The body does not have the expected form."),
        ("null", "The body does not have the expected form."),
        (&format!("\"{SECRET}\""), "The body does not have the expected form."),
        ("{}", "The field talentId is missing."),
        (r#"{"talentId":"ann"}"#, "The field platform is missing."),
        (r#"{"talentId":"ann","platform":"MASTODON","handle":"a@b.example","admin":true}"#, "There is no field admin."),
        (
            &format!(r#"{{"talentId":"ann","platform":"MASTODON","{SECRET}":1}}"#),
            "The body does not have the expected form.",
        ),
        (r#"{"talentId":7,"platform":"MASTODON","handle":"a@b.example"}"#, "The field talentId has the wrong type"),
        (r#"{"talentId":"ann","talentId":"bob","platform":"MASTODON"}"#, "The field talentId stands twice."),
        (
            r#"{"talentId":"ann","platform":["MASTODON"],"handle":"a@b.example"}"#,
            "The field platform has the wrong type",
        ),
        (&format!(r#"{{"talentId":"ann","platform":"MASTODON","handle":{{"a":"{SECRET}"}}}}"#), "The field handle has"),
        (r#"{"talentId":"ann/../bob","platform":"MASTODON","handle":"a@b.example"}"#, "talentId must be"),
        (&format!(r#"{{"talentId":"ann","platform":"{SECRET}","handle":"a"}}"#), "Unknown platform."),
    ] {
        let reply = house.admin.send(Method::POST, MANUAL, &plain, Some(body.as_bytes().to_vec())).await?;
        assert_refused(&reply, 400, "invalid_request", sentence);
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let headers = [("content-type", content_type)];
        let reply = house.admin.send(Method::POST, MANUAL, &headers, Some(valid.clone().into_bytes())).await?;
        assert_refused(&reply, 415, "unsupported_media_type", "Send the body as application/json.");
    }
    let invalid_text =
        [b"{\"talentId\":\"ann\",\"platform\":\"MASTODON\",\"handle\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    let reply = house.admin.send(Method::POST, MANUAL, &plain, Some(invalid_text)).await?;
    assert_eq!(reply.status, 400, "{}", reply.text);
    for size in [1_000_001, 3_000_000] {
        let large = json!({"talentId": "ann", "platform": "MASTODON", "handle": "a".repeat(size)}).to_string();
        let reply = house.admin.send(Method::POST, MANUAL, &plain, Some(large.into_bytes())).await?;
        assert_refused(&reply, 413, "payload_too_large", "The body is larger than 1 MB.");
    }
    assert_eq!(house.seen().await?, before, "something was written");
    house.assert_silent()
}

#[tokio::test]
async fn a_handle_or_url_that_is_not_of_the_platform_is_refused_with_its_reason() -> Result<()> {
    let house = House::start().await?;
    let before = house.seen().await?;
    let (handle, url) = ("Invalid handle", "Invalid profileUrl");
    for (platform, named, sentence) in [
        ("INSTAGRAM", json!({"handle": "ann@mastodon.example"}), handle),
        ("INSTAGRAM", json!({"handle": "two words"}), handle),
        ("INSTAGRAM", json!({"handle": "a".repeat(31)}), handle),
        ("TIKTOK", json!({"handle": "ann.bsky.social.and.more.than.24"}), handle),
        ("YOUTUBE", json!({"handle": "ab"}), handle),
        ("MASTODON", json!({"handle": "ann"}), handle),
        ("MASTODON", json!({"handle": "ann@youtube.com"}), handle),
        ("MASTODON", json!({"handle": "ann@127.0.0.1"}), handle),
        ("MASTODON", json!({"handle": "ann@[::1]"}), handle),
        ("MASTODON", json!({"handle": "ann@localhost"}), handle),
        ("MASTODON", json!({"handle": "ann@169.254.169.254"}), handle),
        ("MASTODON", json!({"handle": "ann@metadata.internal"}), handle),
        ("BLUESKY", json!({"handle": "ann"}), handle),
        ("BLUESKY", json!({"handle": "did:key:zQ3sh"}), handle),
        ("BLUESKY", json!({"handle": ""}), handle),
        ("BLUESKY", json!({}), handle),
        ("INSTAGRAM", json!({"profileUrl": "https://www.tiktok.com/@ann"}), url),
        ("TIKTOK", json!({"profileUrl": "https://www.instagram.com/ann/"}), url),
        ("YOUTUBE", json!({"profileUrl": "https://youtube.com.evil.example/@ann"}), url),
        ("YOUTUBE", json!({"profileUrl": "https://user:pw@youtube.com/@ann"}), url),
        ("BLUESKY", json!({"profileUrl": "javascript:alert(1)"}), url),
        ("BLUESKY", json!({"profileUrl": "file:///etc/passwd"}), url),
        ("MASTODON", json!({"profileUrl": "https://www.instagram.com/@ann"}), url),
        ("MASTODON", json!({"profileUrl": "http://127.0.0.1:4000/@ann"}), url),
        ("INSTAGRAM", json!({"handle": "ann", "profileUrl": "https://www.instagram.com/bob/"}), url),
    ] {
        let mut body = named.clone();
        body["platform"] = json!(platform);
        body["talentId"] = json!("ann");
        assert_refused(&house.admin.post(MANUAL, &body).await?, 400, "invalid_handle", sentence);
        body["accessToken"] = json!(SECRET);
        assert_refused(&house.talent.post(HAND_OVER, &body).await?, 400, "invalid_handle", sentence);
    }
    for platform in ["FACEBOOK", "threads", "PINTEREST", "WhatsApp", "spotify"] {
        let body = json!({"talentId": "ann", "platform": platform, "handle": "ann"});
        assert_refused(&house.admin.post(MANUAL, &body).await?, 400, "platform_not_supported", "");
        let body = json!({"userId": "ann", "platform": platform});
        assert_refused(&house.admin.post(CONNECT, &body).await?, 400, "platform_not_supported", "");
    }
    assert_eq!(house.seen().await?, before, "something was written");
    house.assert_silent()
}

#[tokio::test]
async fn what_belongs_to_somebody_else_does_not_exist() -> Result<()> {
    let house = House::start().await?;
    let before = house.seen().await?;
    let bob = house.stack.as_talent("agency", "bob").await?;
    let twin = house.stack.as_talent("rival", "ann").await?;
    let id = &house.id;
    let unknown = id.replace("conn_ann_", "conn_bob_");
    let admin_path = |what: &str| format!("/api/admin/socials/{id}{what}");
    for (caller, method, path, body) in [
        (&house.rival, Method::POST, admin_path("/sync"), None),
        (&house.rival, Method::POST, admin_path("/pause"), None),
        (&house.rival, Method::POST, admin_path("/resume"), None),
        (&house.rival, Method::DELETE, admin_path(""), None),
        (&house.rival, Method::POST, "/api/social/disconnect".to_owned(), Some(json!({"connectionId": id}))),
        (&bob, Method::POST, format!("/api/exclusive/socials/{id}/sync"), None),
        (&bob, Method::POST, "/api/exclusive/socials/disconnect".to_owned(), Some(json!({"connectionId": id}))),
        (&bob, Method::POST, "/api/social/disconnect".to_owned(), Some(json!({"connectionId": id}))),
        (&twin, Method::POST, format!("/api/exclusive/socials/{id}/sync"), None),
        (&twin, Method::POST, "/api/exclusive/socials/disconnect".to_owned(), Some(json!({"connectionId": id}))),
        (&house.admin, Method::POST, format!("/api/admin/socials/{unknown}/sync"), None),
        (&house.admin, Method::POST, "/api/admin/socials/nonsense/sync".to_owned(), None),
        (&house.admin, Method::DELETE, "/api/admin/socials/conn_%23_MASTODON_1".to_owned(), None),
        (&house.admin, Method::POST, "/api/social/disconnect".to_owned(), Some(json!({"connectionId": SECRET}))),
    ] {
        let body = body.map(|body| body.to_string().into_bytes());
        let reply = caller.send(method, &path, &[("content-type", "application/json")], body).await?;
        assert_refused(&reply, 404, "connection_not_found", "There is no such connection.");
    }
    let handed = json!({"talentId": "bob", "platform": "TIKTOK", "handle": "bob", "accessToken": SECRET});
    for (caller, path, body) in [
        (&house.admin, MANUAL, json!({"talentId": "nobody", "platform": "MASTODON", "handle": "a@b.example"})),
        (&house.rival, MANUAL, json!({"talentId": "ann", "platform": "MASTODON", "handle": "a@b.example"})),
        (&house.rival, HAND_OVER, handed.clone()),
        (&house.talent, HAND_OVER, handed),
        (&house.rival, CONNECT, json!({"userId": "ann", "platform": "TIKTOK"})),
        (&house.talent, CONNECT, json!({"userId": "bob", "platform": "TIKTOK"})),
        (&house.talent, "/api/exclusive/socials/connect", json!({"userId": "bob", "platform": "TIKTOK"})),
        (&house.admin, CONNECT, json!({"userId": "nobody", "platform": "TIKTOK"})),
    ] {
        assert_refused(&caller.post(path, &body).await?, 404, "talent_not_found", "There is no such talent.");
    }
    for path in ["/api/admin/talent/ann/social-connections", "/api/admin/talent/ann/social-intelligence"] {
        assert_refused(&house.rival.get(path).await?, 404, "talent_not_found", "There is no such talent.");
    }
    assert_refused(&twin.get("/api/exclusive/socials").await?, 404, "talent_not_found", "There is no such talent.");
    assert_eq!(house.seen().await?, before, "something was written");
    assert_eq!(house.stack.world.look("/requests?platform=TIKTOK").await?, json!([]));
    house.assert_silent()
}

#[tokio::test]
async fn tokens_that_cannot_be_tokens_and_values_that_cannot_be_used_are_refused() -> Result<()> {
    let house = House::start().await?;
    let before = house.seen().await?;
    let tiktok = |more: Value| {
        let mut body = json!({"platform": "TIKTOK", "handle": "annsings", "accessToken": SECRET});
        body.as_object_mut().into_iter().for_each(|body| body.extend(more.as_object().cloned().unwrap_or_default()));
        body
    };
    for (body, sentence) in [
        (tiktok(json!({"accessToken": ""})), "accessToken must be"),
        (tiktok(json!({"accessToken": format!("{SECRET} {SECRET}")})), "accessToken must be"),
        (tiktok(json!({"accessToken": format!("{SECRET}\r\nx-admin: 1")})), "accessToken must be"),
        (tiktok(json!({"accessToken": "é"})), "accessToken must be"),
        (tiktok(json!({"accessToken": "a".repeat(16_385)})), "accessToken must be"),
        (tiktok(json!({"refreshToken": "a b"})), "refreshToken must be"),
        (tiktok(json!({"expiresAt": "2020-01-01T00:00:00Z"})), "expiresAt is in the past"),
        (tiktok(json!({"expiresAt": "tomorrow"})), "The field expiresAt has the wrong type or form."),
        (tiktok(json!({"expiresAt": 1_900_000_000})), "The field expiresAt has the wrong type or form."),
        (tiktok(json!({"accessToken": {"value": SECRET}})), "The field accessToken has the wrong type or form."),
        (tiktok(json!({"scopes": ["all"]})), "There is no field scopes."),
        (json!({"platform": "TIKTOK", "handle": "annsings"}), "The field accessToken is missing."),
        (
            json!({"platform": "BLUESKY", "handle": "ann.bsky.social", "accessToken": SECRET}),
            "accessToken must be an app password",
        ),
    ] {
        assert_refused(&house.talent.post(HAND_OVER, &body).await?, 400, "invalid_request", sentence);
    }
    assert_refused(
        &house.admin.post(HAND_OVER, &tiktok(json!({}))).await?,
        400,
        "invalid_request",
        "The field talentId is missing.",
    );
    for (name, path) in
        [("", "/api/admin/talents/ann"), ("\u{7}", "/api/admin/talents/ann"), ("ok", "/api/admin/talents/a%20b")]
    {
        let reply = house.admin.json(Method::PUT, path, &json!({"name": name})).await?;
        assert_refused(&reply, 400, "invalid_request", "");
    }
    let long = json!({"name": "n".repeat(201)});
    assert_refused(
        &house.admin.json(Method::PUT, "/api/admin/talents/ann", &long).await?,
        400,
        "invalid_request",
        "name must be",
    );
    for body in
        [json!({"platform": "TIKTOK"}), json!({"userId": "ann"}), json!({"userId": "ann", "platform": "MASTODON"})]
    {
        assert_refused(&house.admin.post(CONNECT, &body).await?, 400, "invalid_request", "The field");
    }
    assert_refused(
        &house.admin.get(&format!("{CONNECT}?platform=TIKTOK&userId=ann&more=1")).await?,
        400,
        "invalid_request",
        "The query takes",
    );
    assert_eq!(house.seen().await?, before, "something was written");
    assert_eq!(house.stack.world.look("/requests?platform=TIKTOK").await?, json!([]));
    house.assert_silent()
}

#[tokio::test]
async fn a_key_that_comes_again_answers_the_same_and_with_another_body_is_refused() -> Result<()> {
    let house = House::start().await?;
    let keyed = |key: &'static str| [("content-type", "application/json"), ("idempotency-key", key)];
    let body =
        |handle: &str| json!({"talentId": "ann", "platform": "MASTODON", "handle": handle}).to_string().into_bytes();
    let send = async |key, handle| house.admin.send(Method::POST, MANUAL, &keyed(key), Some(body(handle))).await;
    let first = send("one", "new@mastodon.example").await?.expect(201);
    house.admin.done("ann", first.text_of("connectionId")).await?;
    let again = send("one", "new@mastodon.example").await?.expect(201);
    assert_eq!(again.body, first.body, "the stored answer, not a new one");
    assert_refused(
        &send("one", "other@mastodon.example").await?,
        409,
        "idempotency_key_reused",
        "This Idempotency-Key",
    );
    assert_refused(
        &send("a b", "third@mastodon.example").await?,
        400,
        "invalid_idempotency_key",
        "Idempotency-Key must",
    );
    // An error is not stored: the same key may be used for the corrected request.
    assert_refused(&send("two", "wrong").await?, 400, "invalid_handle", "Invalid handle");
    let _ = send("two", "right@mastodon.example").await?.expect(201);
    // Another caller's key is another key, and a deletion is not repeated.
    let path = format!("/api/admin/socials/{}", house.id);
    for _ in 0..2 {
        let gone = house.admin.send(Method::DELETE, &path, &[("idempotency-key", "one")], None).await?.expect(200);
        assert_eq!(gone.body, json!({"message": "Social connection removed"}));
    }
    assert_refused(&house.admin.delete(&path).await?, 404, "connection_not_found", "");
    house.stack.pass(86_400 + 60).await?;
    let tomorrow = house.stack.admin("agency").await?;
    let reused = tomorrow.send(Method::POST, MANUAL, &keyed("one"), Some(body("later@mastodon.example"))).await?;
    let _ = reused.expect(201);
    Ok(())
}

#[tokio::test]
async fn a_login_that_was_not_started_here_leads_nowhere() -> Result<()> {
    let house = House::start().await?;
    let before = house.seen().await?;
    let sentence = "This login is unknown, was used already or took more than ten minutes.";
    let long = "s".repeat(600);
    for query in
        ["", "?state=", "?state=guess&code=x", "?code=x", "?error=access_denied", &format!("?state={long}&code=x")]
    {
        let reply = house.stack.client.get(&format!("/api/social/oauth/callback{query}")).await?;
        assert_refused(&reply, 400, "invalid_state", sentence);
        assert_eq!(reply.header("location"), None, "nobody is sent anywhere");
    }
    let url = consent::start(&house.admin, &json!({"userId": "ann", "platform": "TIKTOK"})).await?;
    let state =
        reqwest::Url::parse(&url)?.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
    let state = state.ok_or("no state")?;
    assert!(state.len() >= 32, "128 bits at least");
    let reply = house.stack.client.get(&format!("/api/social/oauth/callback?state={state}&code={SECRET}")).await?;
    assert_eq!(consent::landing(&reply)?.error(), "token_refused");
    assert!(!reply.header("location").unwrap_or_default().contains(SECRET));
    let again = house.stack.client.get(&format!("/api/social/oauth/callback?state={state}&code={SECRET}")).await?;
    assert_refused(&again, 400, "invalid_state", sentence);
    assert_eq!(house.seen().await?, before, "something was written");
    house.assert_silent()
}
