//! Inits, chunks, status.

use serde_json::{Value, json};

use crate::common::{Answer, World};
use crate::desk::{bearer, video};

const API: &str = "open.tiktokapis.com/v2/post/publish";

struct Me {
    w: World,
    token: String,
}

impl Me {
    async fn new() -> Self {
        Self::named("demo").await
    }

    async fn named(handle: &str) -> Self {
        let w = World::start().await;
        let token = w.token("TIKTOK", handle).await;
        Self { w, token }
    }

    async fn call(&self, path: &str, body: &Value) -> Answer {
        self.w.post_json(&format!("{API}/{path}"), &[("authorization", &bearer(&self.token))], body).await
    }

    async fn file(&self, size: u64, chunk: u64, count: u64) -> Answer {
        let source =
            json!({"source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": count});
        self.call("video/init/", &json!({"post_info": info("PUBLIC_TO_EVERYONE"), "source_info": source})).await
    }

    async fn pull(&self, url: &str) -> Answer {
        let source = json!({"source": "PULL_FROM_URL", "video_url": url});
        self.call("video/init/", &json!({"post_info": info("PUBLIC_TO_EVERYONE"), "source_info": source})).await
    }

    async fn status(&self, id: &Value) -> Value {
        self.call("status/fetch/", &json!({"publish_id": id})).await.json()["data"].clone()
    }

    async fn put(&self, url: &str, range: &str, body: &[u8]) -> Answer {
        let url = url.replacen("https://", "", 1);
        self.w.bytes("PUT", &url, &[("content-type", "video/mp4"), ("content-range", range)], body).await
    }

    async fn newest(&self) -> Value {
        let url = "open.tiktokapis.com/v2/video/list/?fields=id,video_description,share_url";
        let list = self.w.post_json(url, &[("authorization", &bearer(&self.token))], &json!({})).await.json();
        list["data"]["videos"][0].clone()
    }
}

fn info(level: &str) -> Value {
    json!({"title": "Tea time #tea", "privacy_level": level, "disable_comment": false})
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_file_goes_up_in_chunks_and_is_published() {
    let me = Me::new().await;
    let options = me.call("creator_info/query/", &json!({})).await.json()["data"].clone();
    assert_eq!(options["privacy_level_options"][0], "PUBLIC_TO_EVERYONE");
    let (size, chunk) = (12_000_000_usize, 5_000_000_usize);
    let data = video(size);
    let made = me.file(12_000_000, 5_000_000, 2).await.json()["data"].clone();
    assert!(made["publish_id"].as_str().unwrap().starts_with("v_pub_file~"));
    let url = made["upload_url"].as_str().unwrap();
    assert_eq!(me.status(&made["publish_id"]).await, json!({"status": "PROCESSING_UPLOAD", "uploaded_bytes": 0}));
    let first = me.put(url, "bytes 0-4999999/12000000", &data[..chunk]).await;
    assert_eq!((first.status, first.header("content-range")), (206, Some("bytes 0-4999999/12000000")));
    assert_eq!(me.put(url, "bytes 0-4999999/12000000", &data[..chunk]).await.status, 206, "the same chunk again");
    assert_eq!(me.w.counts("TIKTOK").await["created"], 0);
    assert_eq!(me.put(url, "bytes 5000000-11999999/12000000", &data[chunk..]).await.status, 201);
    assert_eq!(me.put(url, "bytes 5000000-11999999/12000000", &data[chunk..]).await.status, 201);
    assert_eq!(me.status(&made["publish_id"]).await["status"], "PROCESSING_UPLOAD");
    let done = me.status(&made["publish_id"]).await;
    assert_eq!(done["status"], "PUBLISH_COMPLETE");
    let newest = me.newest().await;
    assert_eq!(newest["id"], done["publicaly_available_post_id"][0].as_u64().unwrap().to_string());
    let post = &me.w.publications("TIKTOK").await;
    assert_eq!((post.len(), &post[0]["submissions"], &post[0]["url"]), (1, &json!(2), &newest["share_url"]));
    let digest = ring::digest::digest(&ring::digest::SHA256, &data);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(post[0]["media"][0]["sha256"], hex);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn chunks_keep_their_order_their_size_and_their_hour() {
    let me = Me::new().await;
    for (size, chunk, count) in
        [(12_000_000, 5_000_000, 3), (12_000_000, 1_000_000, 12), (100_000_000, 100_000_000, 1), (4_000, 5_000, 1)]
    {
        assert_eq!(
            code(&me.file(size, chunk, count).await),
            (400, "invalid_params".to_owned()),
            "{size} {chunk} {count}"
        );
    }
    let made = me.file(12_000_000, 5_000_000, 2).await.json()["data"].clone();
    let url = made["upload_url"].as_str().unwrap();
    let data = video(12_000_000);
    assert_eq!(me.put(url, "bytes 5000000-11999999/12000000", &data[5_000_000..]).await.status, 416, "out of order");
    assert_eq!(me.put(url, "bytes 0-3999999/12000000", &data[..4_000_000]).await.status, 416, "not announced");
    assert_eq!(me.put(url, "bytes 0-9/12000000", &data[..5]).await.status, 400);
    assert_eq!(me.put(&url.replace("upload_id=", "upload_id=x"), "bytes 0-9/10", &data[..10]).await.status, 404);
    let odd = me.w.unexpected().await;
    me.w.advance(3_600).await;
    assert_eq!(me.put(url, "bytes 0-4999999/12000000", &data[..5_000_000]).await.status, 403);
    assert_eq!(me.w.unexpected().await, odd, "an address that has run out is not the client's mistake");
    let unknown = me.call("status/fetch/", &json!({"publish_id": "v_pub_file~v2-1.1"})).await;
    assert_eq!(code(&unknown), (404, "invalid_publish_id".to_owned()));
}

#[tokio::test]
async fn a_url_is_pulled_and_an_init_is_the_post() {
    let me = Me::new().await;
    let id = me.pull("https://media.example/clip.mp4?bytes=200000").await.json()["data"]["publish_id"].clone();
    assert!(id.as_str().unwrap().starts_with("v_pub_url~"));
    assert_eq!(me.status(&id).await["status"], "PROCESSING_DOWNLOAD");
    assert_eq!(me.status(&id).await["status"], "PUBLISH_COMPLETE");
    let made = &me.w.publications("TIKTOK").await[0];
    assert_eq!(made["media"][0]["bytes"], 200_000);
    assert!(made["media"][0]["sha256"].is_string());
    for (url, reason) in [
        ("https://media.example/clip.mp4?redirect=https://media.example/clip.mp4", "video_pull_failed"),
        ("https://media.example/clip.mp4?status=404", "video_pull_failed"),
        ("https://media.example/clip.mp4?as=html", "file_format_check_failed"),
    ] {
        let id = me.pull(url).await.json()["data"]["publish_id"].clone();
        me.status(&id).await;
        let failed = me.status(&id).await;
        assert_eq!((&failed["status"], &failed["fail_reason"]), (&json!("FAILED"), &json!(reason)), "{url}");
    }
    assert_eq!(me.w.counts("TIKTOK").await["created"], 1);
    // An init again is a post again.
    me.pull("https://media.example/clip.mp4?bytes=200000").await;
    assert_eq!(me.w.counts("TIKTOK").await["created"], 2);
    me.w.control("PATCH", "settings/TIKTOK", json!({"verifiedDomains": ["app.example"]})).await;
    assert_eq!(code(&me.pull("https://media.example/clip.mp4").await), (403, "url_ownership_unverified".to_owned()));
}

#[tokio::test]
async fn photos_are_pulled_and_a_draft_waits_in_the_inbox() {
    let me = Me::new().await;
    let photos = |mode: &str, image: &str| {
        json!({"media_type": "PHOTO", "post_mode": mode, "post_info": {"title": "t", "description": "d", "privacy_level": "PUBLIC_TO_EVERYONE"},
            "source_info": {"source": "PULL_FROM_URL", "photo_images": [image], "photo_cover_index": 0}})
    };
    let id = me.call("content/init/", &photos("DIRECT_POST", "https://media.example/a.jpg")).await.json()["data"]["publish_id"].clone();
    assert_eq!(me.status(&id).await["status"], "PUBLISH_COMPLETE", "pictures are ready at the first look");
    assert_eq!(me.newest().await["video_description"], "d");
    let png = me.call("content/init/", &photos("DIRECT_POST", "https://media.example/a.png")).await.json()["data"]["publish_id"].clone();
    assert_eq!(me.status(&png).await["status"], "FAILED");
    let draft = me.call("content/init/", &photos("MEDIA_UPLOAD", "https://media.example/a.jpg")).await.json()["data"]["publish_id"].clone();
    assert_eq!(me.status(&draft).await["status"], "SEND_TO_USER_INBOX");
    let counts = me.w.counts("TIKTOK").await;
    assert_eq!((&counts["created"], &counts["drafts"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn limits_privacy_and_audit_are_told_in_codes() {
    let me = Me::named("private_one").await;
    let answer = me.pull("https://media.example/clip.mp4").await;
    assert_eq!(code(&answer), (403, "privacy_level_option_mismatch".to_owned()));
    let me = Me::new().await;
    me.w.control("PATCH", "settings/TIKTOK", json!({"dailyPosts": 1, "moderationSeconds": 60})).await;
    let id = me.pull("https://media.example/clip.mp4").await.json()["data"]["publish_id"].clone();
    assert_eq!(code(&me.pull("https://media.example/clip.mp4").await), (403, "spam_risk_too_many_posts".to_owned()));
    me.status(&id).await;
    assert_eq!(me.status(&id).await["publicaly_available_post_id"], json!([]), "moderation is not over");
    me.w.advance(60).await;
    assert_eq!(me.status(&id).await["publicaly_available_post_id"].as_array().unwrap().len(), 1);
    me.w.control("PATCH", "settings/TIKTOK", json!({"dailyPosts": null, "audited": false, "rates": true})).await;
    let refused = "unaudited_client_can_only_post_to_private_accounts";
    assert_eq!(code(&me.pull("https://media.example/clip.mp4").await), (403, refused.to_owned()));
    for _ in 0..5 {
        me.pull("https://media.example/clip.mp4").await;
    }
    assert_eq!(code(&me.pull("https://media.example/clip.mp4").await), (429, "rate_limit_exceeded".to_owned()));
    let narrow = me.w.control("POST", "accounts/TIKTOK/demo/issue-token", json!({"scopes": ["user.info.basic"]})).await;
    let me = Me { token: narrow["accessToken"].as_str().unwrap().to_owned(), ..me };
    assert_eq!(code(&me.pull("https://media.example/clip.mp4").await), (401, "scope_not_authorized".to_owned()));
}
