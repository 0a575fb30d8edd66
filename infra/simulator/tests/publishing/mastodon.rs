//! Statuses, keys, media.

use serde_json::{Value, json};

use crate::common::{Answer, World};
use crate::desk::{bearer, video};

const HOST: &str = "mastodon.example";

struct Me {
    w: World,
    token: String,
    host: String,
}

impl Me {
    async fn new() -> Self {
        Self::at(HOST).await
    }

    async fn at(host: &str) -> Self {
        let w = World::start().await;
        let token = w.token("MASTODON", &format!("demo@{host}")).await;
        Self { w, token, host: host.to_owned() }
    }

    async fn post(&self, key: Option<&str>, body: &Value) -> Answer {
        let auth = bearer(&self.token);
        let mut headers = vec![("authorization", auth.as_str())];
        headers.extend(key.map(|k| ("idempotency-key", k)));
        self.w.post_json(&format!("{}/api/v1/statuses", self.host), &headers, body).await
    }

    async fn upload(&self, name: &str, kind: &str, bytes: &[u8]) -> Answer {
        let mut body =
            b"--XX\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\na cup\r\n--XX\r\n".to_vec();
        body.extend_from_slice(
            format!(
                "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        let auth = bearer(&self.token);
        let headers = [("authorization", auth.as_str()), ("content-type", "multipart/form-data; boundary=XX")];
        self.w.bytes("POST", &format!("{}/api/v2/media", self.host), &headers, &body).await
    }

    async fn media(&self, id: &str) -> Answer {
        self.w.get_as(&format!("{}/api/v1/media/{id}", self.host), &self.token).await
    }
}

fn text(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_is_remembered_for_an_hour() {
    let me = Me::new().await;
    let body = json!({"status": "Hello https://example.org/x\nand more", "visibility": "public", "language": "en"});
    let first = me.post(Some("k1"), &body).await.json();
    assert_eq!(first["url"], format!("https://{HOST}/@demo/{}", first["id"].as_str().unwrap()));
    assert!(first["content"].as_str().unwrap().contains("<a href=\"https://example.org/x\""), "{first}");
    assert_eq!(me.post(Some("k1"), &body).await.json()["id"], first["id"]);
    assert_eq!(me.w.counts("MASTODON").await["created"], 1);
    assert_eq!(me.w.publications("MASTODON").await[0]["submissions"], 2);
    // Without a key, or an hour later, the same words are another status.
    assert_ne!(me.post(None, &body).await.json()["id"], first["id"]);
    me.w.advance(3_600).await;
    assert_ne!(me.post(Some("k1"), &body).await.json()["id"], first["id"]);
    assert_eq!(me.w.counts("MASTODON").await["created"], 3);
    let account = me.w.truth("MASTODON", "demo@mastodon.example").await["id"].as_str().unwrap().to_owned();
    let list =
        me.w.get(&format!("{HOST}/api/v1/accounts/{account}/statuses?limit=5&exclude_reblogs=true")).await.json();
    assert_eq!(list[2]["id"], first["id"]);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_compatible_server_does_not_know_the_key() {
    let me = Me::at("snac.example").await;
    let instance = me.w.get("snac.example/api/v2/instance").await.json();
    assert!(instance["version"].as_str().unwrap().contains("compatible"));
    assert_ne!(instance["source_url"], "https://github.com/mastodon/mastodon");
    for _ in 0..2 {
        assert_eq!(me.post(Some("k1"), &json!({"status": "twice"})).await.status, 200);
    }
    assert_eq!(me.w.counts("MASTODON").await["created"], 2);
}

#[tokio::test]
async fn media_is_processed_then_attached() {
    let me = Me::new().await;
    let png = me.w.get("media.example/a.png?w=60&h=40").await.bytes;
    let picture = me.upload("a.png", "image/png", &png).await;
    assert_eq!(picture.status, 200);
    let picture = picture.json();
    assert_eq!(
        (&picture["type"], &picture["description"], &picture["meta"]["original"]["size"]),
        (&json!("image"), &json!("a cup"), &json!("60x40"))
    );
    let clip = me.upload("a.mp4", "video/mp4", &video(90_000)).await;
    assert_eq!((clip.status, clip.json()["url"].clone()), (202, Value::Null));
    let id = clip.json()["id"].as_str().unwrap().to_owned();
    let early = me.post(None, &json!({"status": "x", "media_ids": [id]})).await;
    assert_eq!(
        text(&early),
        (422, "Cannot attach files that have not finished processing. Try again in a moment!".to_owned())
    );
    assert_eq!(me.media(&id).await.status, 206);
    assert_eq!(me.media(&id).await.status, 200);
    let mixed = me.post(None, &json!({"status": "x", "media_ids": [id, picture["id"]]})).await;
    assert_eq!(mixed.status, 422);
    let status = me.post(None, &json!({"status": "", "media_ids": [picture["id"]]})).await.json();
    assert_eq!(status["media_attachments"][0]["id"], picture["id"]);
    let made = &me.w.publications("MASTODON").await[0];
    assert_eq!((&made["media"][0]["bytes"], &made["media"][0]["altText"]), (&json!(png.len()), &json!("a cup")));
    let again = me.post(None, &json!({"status": "y", "media_ids": [picture["id"]]})).await;
    assert_eq!(again.status, 422, "attached elsewhere");
    me.w.advance(86_400).await;
    assert_eq!(me.media(&id).await.status, 404, "purged");
    me.w.fault(json!({"operation": "upload", "fault": {"kind": "fail_processing"}})).await;
    let bad = me.upload("b.mp4", "video/mp4", &video(9_000)).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!((me.media(&bad).await.status, me.media(&bad).await.status), (206, 422));
}

#[tokio::test]
async fn the_instance_sets_the_limits() {
    let me = Me::new().await;
    let long = me.post(None, &json!({"status": "a".repeat(501)})).await;
    assert_eq!(text(&long), (422, "Validation failed: Text character limit of 500 exceeded".to_owned()));
    assert_eq!(me.post(None, &json!({"status": "é".repeat(490), "spoiler_text": "0123456789"})).await.status, 200);
    assert_eq!(me.post(None, &json!({"status": "é".repeat(490), "spoiler_text": "01234567890"})).await.status, 422);
    assert_eq!(
        text(&me.post(None, &json!({"status": " "})).await),
        (422, "Validation failed: Text can't be blank".to_owned())
    );
    let limits = json!({"maxCharacters": 600, "imageSizeLimit": 100, "maxMediaAttachments": 1});
    me.w.control("PATCH", &format!("settings/MASTODON/{HOST}"), limits).await;
    assert_eq!(me.post(None, &json!({"status": "a".repeat(501)})).await.status, 200);
    let png = me.w.get("media.example/a.png").await.bytes;
    assert_eq!(me.upload("a.png", "image/png", &png).await.status, 413, "a proxy refuses what is far too long");
    let text_file = me.upload("a.png", "image/png", b"hello").await;
    assert_eq!(text(&text_file), (422, "Validation failed: File content type is invalid, File is invalid".to_owned()));
    let many = me.post(None, &json!({"status": "x", "media_ids": ["1", "2"]})).await;
    assert_eq!(many.status, 422);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    assert_eq!(me.post(None, &json!({"status": "x", "scheduled_at": "2030-01-01T00:00:00Z"})).await.status, 422);
    assert_eq!(me.w.unexpected().await, ["unexpected parameter scheduled_at"]);
}

#[tokio::test]
async fn a_status_is_deleted_once_and_answered_in_a_thread() {
    let me = Me::new().await;
    let parent = me.post(None, &json!({"status": "one"})).await.json();
    let reply = me.post(None, &json!({"status": "two", "in_reply_to_id": parent["id"]})).await.json();
    assert_eq!(reply["in_reply_to_id"], parent["id"]);
    let at = format!("{HOST}/api/v1/statuses/{}", parent["id"].as_str().unwrap());
    let context = me.w.get(&format!("{at}/context")).await.json();
    assert_eq!(context["descendants"][0]["id"], reply["id"]);
    let counts = me.w.counts("MASTODON").await;
    assert_eq!((&counts["created"], &counts["comments"]), (&json!(1), &json!(1)));
    let auth = bearer(&me.token);
    let gone = me.w.send("DELETE", &at, &[("authorization", &auth)], "").await;
    assert_eq!((gone.status, gone.json()["text"].clone()), (200, json!("one")));
    assert_eq!(me.w.send("DELETE", &at, &[("authorization", &auth)], "").await.status, 404);
    assert_eq!(me.w.get(&at).await.status, 404);
    assert_eq!(me.post(None, &json!({"status": "x", "in_reply_to_id": "1"})).await.status, 404);
    let direct = me.post(None, &json!({"status": "psst", "visibility": "direct"})).await.json();
    let hidden = format!("{HOST}/api/v1/statuses/{}", direct["id"].as_str().unwrap());
    assert_eq!((me.w.get(&hidden).await.status, me.w.get_as(&hidden, &me.token).await.status), (404, 200));
}
