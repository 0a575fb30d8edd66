//! One publish on each platform, in the steps that the platform asks for.

use serde_json::{Value, json};

use crate::common::{Answer, World, pairs};

/// Every platform and an account on it.
pub const ALL: [(&str, &str); 8] = [
    ("INSTAGRAM", "demo"),
    ("YOUTUBE", "demo"),
    ("TIKTOK", "demo"),
    ("MASTODON", "demo@mastodon.example"),
    ("BLUESKY", "demo.bsky.social"),
    ("TWITTER", "demo"),
    ("LINKEDIN", "demo-inc"),
    ("TELEGRAM", "demo_channel"),
];

pub const TID: &str = "3n2qhjxtkz22l";

/// A small video: real head, then filler.
pub fn video(length: usize) -> Vec<u8> {
    let mut out = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    out.extend((0..length.saturating_sub(out.len())).map(|i| (i % 251) as u8));
    out
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// An account that is ready to publish: everything but the last request has been made.
pub struct Ready {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ready {
    fn json(url: String, token: &str, body: &Value) -> Self {
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), bearer(token)),
        ];
        Self { method: "POST", url, headers, body: body.to_string().into_bytes() }
    }

    /// The request that makes the post stand.
    pub async fn submit(&self, w: &World) -> std::io::Result<Answer> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        w.try_bytes(self.method, &self.url, &headers, &self.body).await
    }
}

pub const REST: [(&str, &str); 2] = [("linkedin-version", "202607"), ("x-restli-protocol-version", "2.0.0")];

pub async fn prepare(w: &World, platform: &str, handle: &str, text: &str) -> Ready {
    let token = w.token(platform, handle).await;
    let auth = bearer(&token);
    let auth = [("authorization", auth.as_str())];
    match platform {
        "INSTAGRAM" => {
            let id = w.truth(platform, handle).await["id"].as_str().unwrap().to_owned();
            let url = "https://media.example/photo.jpg";
            let query = pairs(&[("image_url", url), ("caption", text), ("access_token", &token)]);
            let made = w.send("POST", &format!("graph.instagram.com/v26.0/{id}/media?{query}"), &[], "").await;
            let container = made.json()["id"].as_str().unwrap().to_owned();
            let query = pairs(&[("creation_id", &container), ("access_token", &token)]);
            let url = format!("graph.instagram.com/v26.0/{id}/media_publish?{query}");
            Ready { method: "POST", url, headers: Vec::new(), body: Vec::new() }
        }
        "YOUTUBE" => {
            let url = "www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status";
            let body = json!({"snippet": {"title": text}, "status": {"privacyStatus": "public"}});
            let at = w.post_json(url, &auth, &body).await.header("location").unwrap().replacen("https://", "", 1);
            let headers = vec![("content-type".to_owned(), "video/mp4".to_owned())];
            Ready { method: "PUT", url: at, headers, body: video(1_000) }
        }
        "TIKTOK" => {
            let body = json!({"post_info": {"title": text, "privacy_level": "PUBLIC_TO_EVERYONE"},
                "source_info": {"source": "FILE_UPLOAD", "video_size": 1_000, "chunk_size": 1_000, "total_chunk_count": 1}});
            let made = w.post_json("open.tiktokapis.com/v2/post/publish/video/init/", &auth, &body).await.json();
            let url = made["data"]["upload_url"].as_str().unwrap().replacen("https://", "", 1);
            let headers = vec![
                ("content-type".to_owned(), "video/mp4".to_owned()),
                ("content-range".to_owned(), "bytes 0-999/1000".to_owned()),
            ];
            Ready { method: "PUT", url, headers, body: video(1_000) }
        }
        "MASTODON" => Ready::json("mastodon.example/api/v1/statuses".to_owned(), &token, &json!({"status": text})),
        "BLUESKY" => {
            let did = w.truth(platform, handle).await["id"].clone();
            let record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-20T10:00:00.000Z"});
            let body = json!({"repo": did, "collection": "app.bsky.feed.post", "rkey": TID, "record": record});
            Ready::json("pds.bsky.example/xrpc/com.atproto.repo.putRecord".to_owned(), &token, &body)
        }
        "TWITTER" => Ready::json("api.x.com/2/tweets".to_owned(), &token, &json!({"text": text})),
        "LINKEDIN" => {
            let author = w.truth(platform, handle).await["id"].clone();
            let mut ready = Ready::json("api.linkedin.com/rest/posts".to_owned(), &token, &linkedin(&author, text));
            ready.headers.extend(REST.map(|(n, v)| (n.to_owned(), v.to_owned())));
            ready
        }
        _ => {
            let body = json!({"chat_id": format!("@{handle}"), "text": text});
            let mut ready = Ready::json(format!("api.telegram.org/bot{token}/sendMessage"), &token, &body);
            ready.headers.truncate(1);
            ready
        }
    }
}

/// The body of a LinkedIn post.
pub fn linkedin(author: &Value, text: &str) -> Value {
    json!({"author": author, "commentary": text, "visibility": "PUBLIC", "lifecycleState": "PUBLISHED",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "isReshareDisabledByAuthor": false})
}
