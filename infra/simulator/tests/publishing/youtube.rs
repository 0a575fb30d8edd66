//! Resumable uploads, videos, comments.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{Answer, World};
use crate::desk::{bearer, video};

const OPEN: &str = "www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status";
const API: &str = "youtube.googleapis.com/youtube/v3";
const BLOCK: usize = 262_144;

struct Me {
    w: World,
    token: String,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let path = "accounts/YOUTUBE/demo/issue-token";
        let scopes = ["youtube.upload", "youtube.readonly", "youtube.force-ssl"]
            .map(|s| format!("https://www.googleapis.com/auth/{s}"));
        let issued = w.control("POST", path, json!({"scopes": scopes})).await;
        Self { w, token: issued["accessToken"].as_str().unwrap().to_owned() }
    }

    async fn open(&self, body: &Value, length: usize) -> Answer {
        let (auth, length) = (bearer(&self.token), length.to_string());
        let headers = [
            ("authorization", auth.as_str()),
            ("x-upload-content-length", length.as_str()),
            ("x-upload-content-type", "video/mp4"),
        ];
        self.w.post_json(OPEN, &headers, body).await
    }

    async fn session(&self, length: usize) -> String {
        let body =
            json!({"snippet": {"title": "Latte art", "description": "how"}, "status": {"privacyStatus": "public"}});
        let answer = self.open(&body, length).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.header("location").unwrap().replacen("https://", "", 1)
    }

    async fn put(&self, at: &str, range: &str, body: &[u8]) -> Answer {
        self.w.bytes("PUT", at, &[("content-type", "video/mp4"), ("content-range", range)], body).await
    }

    async fn look(&self, id: &str) -> Value {
        let url = format!("{API}/videos?part=status,processingDetails,snippet&id={id}");
        self.w.get_as(&url, &self.token).await.json()["items"][0].clone()
    }
}

fn reason(answer: &Answer) -> String {
    answer.json()["error"]["errors"][0]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_video_is_uploaded_in_chunks_and_exists_after_its_last_byte() {
    let me = Me::new().await;
    let (data, total) = (video(2 * BLOCK + 100), 2 * BLOCK + 100);
    let at = me.session(total).await;
    let fresh = me.put(&at, &format!("bytes */{total}"), b"").await;
    assert_eq!((fresh.status, fresh.header("range")), (308, None));
    let first = me.put(&at, &format!("bytes 0-{}/{total}", BLOCK - 1), &data[..BLOCK]).await;
    assert_eq!((first.status, first.header("range")), (308, Some("bytes=0-262143")));
    let probe = me.put(&at, &format!("bytes */{total}"), b"").await;
    assert_eq!((probe.status, probe.header("range")), (308, Some("bytes=0-262143")));
    assert_eq!(me.w.counts("YOUTUBE").await["created"], 0);
    let last = me.put(&at, &format!("bytes {BLOCK}-{}/{total}", total - 1), &data[BLOCK..]).await;
    assert_eq!(last.status, 200);
    let id = last.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(me.put(&at, &format!("bytes */{total}"), b"").await.json()["id"], id.as_str(), "the session remembers");
    let made = me.w.publications("YOUTUBE").await;
    assert_eq!((made.len(), &made[0]["submissions"], &made[0]["text"]), (1, &json!(1), &json!("Latte art")));
    let digest = ring::digest::digest(&ring::digest::SHA256, &data);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((&made[0]["media"][0]["sha256"], &made[0]["media"][0]["bytes"]), (&json!(hex), &json!(total)));
    assert_eq!(me.look(&id).await["processingDetails"]["processingStatus"], "processing");
    let done = me.look(&id).await;
    assert_eq!(
        (&done["status"]["uploadStatus"], &done["snippet"]["description"]),
        (&json!("processed"), &json!("how"))
    );
    let channel = me.w.truth("YOUTUBE", "demo").await["id"].as_str().unwrap().replacen("UC", "UU", 1);
    let list =
        me.w.get_as(&format!("{API}/playlistItems?part=contentDetails&playlistId={channel}"), &me.token).await.json();
    assert_eq!(list["items"][0]["contentDetails"]["videoId"], id.as_str());
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_stopped() {
    let me = Me::new().await;
    let total = 4 * BLOCK;
    let (data, at) = (video(total), me.session(total).await);
    me.w.fault(json!({"operation": "submit", "fault": {"kind": "cut", "afterBytes": BLOCK + 5_000}})).await;
    let range = format!("bytes 0-{}/{total}", total - 1);
    let cut = me.w.try_bytes("PUT", &at, &[("content-type", "video/mp4"), ("content-range", &range)], &data).await;
    assert!(cut.is_err());
    let probe = me.put(&at, &format!("bytes */{total}"), b"").await;
    assert_eq!((probe.status, probe.header("range")), (308, Some("bytes=0-262143")), "full blocks are kept");
    // A client that dies in the middle of a chunk.
    let head = format!(
        "PUT /{at} HTTP/1.1\r\nhost: sim\r\ncontent-type: video/mp4\r\ncontent-length: {}\r\ncontent-range: bytes {BLOCK}-{}/{total}\r\n\r\n",
        3 * BLOCK,
        total - 1
    );
    let mut dying = me.w.connect(&head).await;
    dying.write_all(&data[BLOCK..2 * BLOCK + 10]).await.unwrap();
    dying.shutdown().await.unwrap();
    let _ = dying.read_to_end(&mut Vec::new()).await;
    let probe = me.put(&at, &format!("bytes */{total}"), b"").await;
    assert_eq!(probe.header("range"), Some("bytes=0-524287"));
    // What is there already is not taken twice: the answer says where to go on.
    let overlap = me.put(&at, &format!("bytes 0-{}/{total}", BLOCK - 1), &data[..BLOCK]).await;
    assert_eq!((overlap.status, overlap.header("range")), (308, Some("bytes=0-524287")));
    let rest = me.put(&at, &format!("bytes {}-{}/{total}", 2 * BLOCK, total - 1), &data[2 * BLOCK..]).await;
    assert_eq!(rest.status, 200);
    let digest = ring::digest::digest(&ring::digest::SHA256, &data);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(me.w.publications("YOUTUBE").await[0]["media"][0]["sha256"], hex);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn chunks_and_words_keep_the_rules() {
    let me = Me::new().await;
    let total = 2 * BLOCK;
    let (data, at) = (video(total), me.session(total).await);
    for (range, body) in [
        (format!("bytes 0-99/{total}"), &data[..100]),
        (format!("bytes {BLOCK}-{}/{total}", total - 1), &data[BLOCK..]),
        (format!("bytes 0-{}/{total}", BLOCK - 1), &data[..100]),
        (format!("bytes 0-{}/999999", BLOCK - 1), &data[..BLOCK]),
    ] {
        assert_eq!(me.put(&at, &range, body).await.status, 400, "{range}");
    }
    assert_eq!(me.w.unexpected().await.len(), 4);
    let title = |title: &str| json!({"snippet": {"title": title}, "status": {"privacyStatus": "private"}});
    assert_eq!(reason(&me.open(&title(&"a".repeat(101)), 1).await), "invalidTitle");
    assert_eq!(reason(&me.open(&title("a<b"), 1).await), "invalidTitle");
    let mut tags = title("ok");
    tags["snippet"]["tags"] = json!(["a".repeat(498), "b c"]);
    assert_eq!(reason(&me.open(&tags, 1).await), "invalidTags");
    assert_eq!(me.w.unexpected().await.len(), 4, "these a client may meet");
    assert_eq!(reason(&me.open(&json!({"snippet": {"title": "ok"}, "status": {}}), 1).await), "invalidVideoMetadata");
    assert_eq!(me.w.unexpected().await.len(), 5);
    me.w.advance(7 * 86_400).await;
    assert_eq!(me.put(&at, &format!("bytes */{total}"), b"").await.status, 404);
    let none = me.w.token("YOUTUBE", "nochannel").await;
    let answer = me.w.post_json(OPEN, &[("authorization", &bearer(&none))], &title("x")).await;
    assert_eq!((answer.status, reason(&answer)), (401, "youtubeSignupRequired".to_owned()));
}

#[tokio::test]
async fn a_private_video_shows_to_its_owner_only_and_a_bad_file_fails() {
    let me = Me::new().await;
    let body = json!({"snippet": {"title": "mine"}, "status": {"privacyStatus": "private"}});
    let at = me.open(&body, 1_000).await.header("location").unwrap().replacen("https://", "", 1);
    let id = me.put(&at, "bytes 0-999/1000", &video(1_000)).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(me.look(&id).await["status"]["privacyStatus"], "private");
    let public = me.w.get(&format!("{API}/videos?part=status&id={id}&key={}", simulator::YOUTUBE_API_KEY)).await.json();
    assert_eq!(public["items"], json!([]));
    let at = me.open(&body, 4).await.header("location").unwrap().replacen("https://", "", 1);
    let bad = me.put(&at, "bytes 0-3/4", b"text").await.json()["id"].as_str().unwrap().to_owned();
    me.look(&bad).await;
    let status = me.look(&bad).await["status"].clone();
    assert_eq!((&status["uploadStatus"], &status["failureReason"]), (&json!("failed"), &json!("invalidFile")));
    me.w.control("PATCH", "settings/YOUTUBE", json!({"rejectsDuplicates": true})).await;
    let at = me.open(&body, 1_000).await.header("location").unwrap().replacen("https://", "", 1);
    let twin = me.put(&at, "bytes 0-999/1000", &video(1_000)).await.json()["id"].as_str().unwrap().to_owned();
    me.look(&twin).await;
    let status = me.look(&twin).await["status"].clone();
    assert_eq!((&status["uploadStatus"], &status["rejectionReason"]), (&json!("rejected"), &json!("duplicate")));
}

#[tokio::test]
async fn comments_deletion_and_units_cost_what_they_cost() {
    let me = Me::new().await;
    let at = me.session(1_000).await;
    let id = me.put(&at, "bytes 0-999/1000", &video(1_000)).await.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"snippet": {"videoId": id, "topLevelComment": {"snippet": {"textOriginal": "first!"}}}});
    let auth = bearer(&me.token);
    let url = format!("{API}/commentThreads?part=snippet");
    let thread = me.w.post_json(&url, &[("authorization", &auth)], &body).await.json();
    assert_eq!(thread["snippet"]["topLevelComment"]["snippet"]["textOriginal"], "first!");
    let list =
        me.w.get(&format!("{API}/commentThreads?part=snippet&videoId={id}&key={}", simulator::YOUTUBE_API_KEY))
            .await
            .json();
    assert_eq!(list["items"][0]["id"], thread["id"]);
    // The newest first, page by page.
    me.w.post_json(&url, &[("authorization", &auth)], &body).await;
    let page = async |more: &str| {
        let key = simulator::YOUTUBE_API_KEY;
        let query = format!("part=snippet&videoId={id}&order=time&maxResults=1{more}&key={key}");
        me.w.get(&format!("{API}/commentThreads?{query}")).await.json()
    };
    let token = page("").await["nextPageToken"].as_str().unwrap().to_owned();
    let last = page(&format!("&pageToken={token}")).await;
    assert_eq!((&last["items"][0]["id"], &last["nextPageToken"]), (&thread["id"], &Value::Null));
    let delete = async || me.w.send("DELETE", &format!("{API}/videos?id={id}"), &[("authorization", &auth)], "").await;
    assert_eq!(delete().await.status, 204);
    assert_eq!(delete().await.status, 404);
    let quota = me.w.control("GET", "stats", Value::Null).await["YOUTUBE"]["quota"].clone();
    assert_eq!(quota, json!({"units": 50 + 1 + 50 + 2 + 50 + 50, "uploads": 1}));
    me.w.control("PATCH", "settings/YOUTUBE", json!({"dailyUnits": 203, "dailyUploads": 1})).await;
    let broke = me.w.get_as(&format!("{API}/videos?part=id&id={id}"), &me.token).await;
    assert_eq!((broke.status, reason(&broke)), (403, "quotaExceeded".to_owned()));
    let full = me.open(&json!({"snippet": {"title": "x"}, "status": {"privacyStatus": "public"}}), 1).await;
    assert_eq!((full.status, reason(&full)), (403, "quotaExceeded".to_owned()));
    me.w.advance(86_400).await;
    let token = me.w.token("YOUTUBE", "demo").await;
    assert_eq!(me.w.get_as(&format!("{API}/videos?part=id&id={id}"), &token).await.status, 200);
}

#[tokio::test]
async fn a_large_upload_needs_little_memory() {
    let me = Me::new().await;
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let (piece, pieces) = (vec![0x5a_u8; 1 << 20], 256_usize);
    let total = piece.len() * pieces;
    let at = me.session(total).await;
    let before = peak();
    let head = format!(
        "PUT /{at} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-type: video/mp4\r\ncontent-length: {total}\r\n\r\n"
    );
    let mut stream = me.w.connect(&head).await;
    for _ in 0..pieces {
        stream.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(me.w.control("GET", "uploads", Value::Null).await[0]["bytes"], total);
    assert!(peak() - before < 96 * 1024, "256 MiB took {} KiB", peak() - before);
}
