//! Records, blobs, videos.

use serde_json::{Value, json};

use crate::common::{Answer, World};
use crate::desk::{TID, bearer, video};

const PDS: &str = "pds.bsky.example/xrpc";
const DEMO: &str = "demo.bsky.social";

struct Me {
    w: World,
    token: String,
    did: String,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let token = w.token("BLUESKY", DEMO).await;
        let did = w.truth("BLUESKY", DEMO).await["id"].as_str().unwrap().to_owned();
        Self { w, token, did }
    }

    async fn call(&self, method: &str, body: &Value) -> Answer {
        self.w.post_json(&format!("{PDS}/{method}"), &[("authorization", &bearer(&self.token))], body).await
    }

    async fn write(&self, method: &str, rkey: &str, record: &Value) -> Answer {
        let body = json!({"repo": self.did, "collection": "app.bsky.feed.post", "rkey": rkey, "record": record});
        self.call(&format!("com.atproto.repo.{method}"), &body).await
    }

    async fn put(&self, record: &Value) -> Answer {
        self.write("putRecord", TID, record).await
    }

    async fn upload(&self, kind: &str, bytes: &[u8]) -> Answer {
        let auth = bearer(&self.token);
        let headers = [("authorization", auth.as_str()), ("content-type", kind)];
        self.w.bytes("POST", &format!("{PDS}/com.atproto.repo.uploadBlob"), &headers, bytes).await
    }
}

fn record(text: &str) -> Value {
    json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-20T10:00:00.000Z", "langs": ["en"]})
}

#[tokio::test]
async fn the_same_key_is_the_same_record() {
    let me = Me::new().await;
    let first = me.put(&record("hi")).await.json();
    assert!(first["commit"]["rev"].is_string());
    let again = me.put(&record("hi")).await.json();
    assert_eq!((&again["uri"], &again["cid"], again.get("commit")), (&first["uri"], &first["cid"], None));
    let made = me.w.publications("BLUESKY").await;
    assert_eq!((made.len(), &made[0]["submissions"], &made[0]["key"]), (1, &json!(2), &json!(TID)));
    assert_eq!(me.w.counts("BLUESKY").await["repeats"], 1);
    // Created once more it is an error of the server, as it was observed.
    let twice = me.write("createRecord", TID, &record("hi")).await;
    assert_eq!((twice.status, twice.json()["error"].clone()), (500, json!("InternalServerError")));
    assert_eq!(me.w.counts("BLUESKY").await["created"], 1);
    let changed = me.put(&record("hi!")).await.json();
    assert_ne!(changed["cid"], first["cid"]);
    assert_eq!(me.w.publications("BLUESKY").await[0]["text"], "hi!");
}

#[tokio::test]
async fn a_record_reads_back_from_the_repository_and_the_app_view() {
    let me = Me::new().await;
    me.w.control("PATCH", "settings/BLUESKY", json!({"indexLagSeconds": 30})).await;
    let made = me.put(&record("hi")).await.json();
    let one = format!("{PDS}/com.atproto.repo.getRecord?repo={}&collection=app.bsky.feed.post&rkey={TID}", me.did);
    let read = me.w.get(&one).await.json();
    assert_eq!((&read["cid"], &read["value"]["text"]), (&made["cid"], &json!("hi")));
    let list = format!("{PDS}/com.atproto.repo.listRecords?repo={}&collection=app.bsky.feed.post&limit=2", me.did);
    assert_eq!(me.w.get(&list).await.json()["records"][0]["uri"], made["uri"]);
    let feed = format!("public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor={DEMO}&limit=1");
    assert_ne!(me.w.get(&feed).await.json()["feed"][0]["post"]["uri"], made["uri"], "the AppView lags");
    me.w.advance(30).await;
    let post = me.w.get(&feed).await.json()["feed"][0]["post"].clone();
    assert_eq!((&post["uri"], &post["cid"], &post["likeCount"]), (&made["uri"], &made["cid"], &json!(0)));
    let gone = json!({"repo": me.did, "collection": "app.bsky.feed.post", "rkey": TID});
    assert_eq!(me.call("com.atproto.repo.deleteRecord", &gone).await.status, 200);
    assert_eq!(me.call("com.atproto.repo.deleteRecord", &gone).await.json(), json!({}));
    assert_eq!(me.w.get(&one).await.json()["error"], "RecordNotFound");
    assert_eq!(me.w.counts("BLUESKY").await["deleted"], 1);
}

#[tokio::test]
async fn a_record_keeps_the_rules() {
    let me = Me::new().await;
    let refused = async |record: Value| {
        let answer = me.put(&record).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        answer.json()["message"].as_str().unwrap().to_owned()
    };
    let long = refused(record(&"a".repeat(301))).await;
    assert_eq!(long, "Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got 301) at $.record.text");
    assert_eq!(me.put(&record(&"👨‍👩‍👧‍👦".repeat(100))).await.status, 200, "a family is one, and has 25 bytes");
    let heavy = refused(record(&"👨‍👩‍👧‍👦".repeat(121))).await;
    assert!(heavy.contains("string too big (maximum 3000, got 3025)"), "{heavy}");
    assert_eq!(me.w.unexpected().await, Vec::<String>::new(), "these are refusals that a client may meet");
    let mut facet = record("é x");
    facet["facets"] = json!([{"index": {"byteStart": 1, "byteEnd": 3}, "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "x"}]}]);
    refused(facet.clone()).await;
    facet["facets"][0]["index"] = json!({"byteStart": 3, "byteEnd": 9});
    refused(facet.clone()).await;
    facet["facets"][0]["index"] = json!({"byteStart": 3, "byteEnd": 4});
    assert_eq!(me.put(&facet).await.status, 200);
    let blob = json!({"$type": "blob", "ref": {"$link": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"}, "mimeType": "image/png", "size": 11});
    let mut image = record("x");
    image["embed"] = json!({"$type": "app.bsky.embed.images", "images": [{"alt": "", "image": blob}]});
    assert!(refused(image).await.starts_with("Could not find blob"));
    let bad_key = me.write("putRecord", "not-a-tid", &record("x")).await;
    assert_eq!(bad_key.status, 400);
    let mut odd = record("x");
    odd["colour"] = json!("red");
    refused(odd).await;
    let odd = me.w.unexpected().await;
    assert_eq!(odd.len(), 4, "{odd:?}");
}

#[tokio::test]
async fn pictures_are_blobs_and_the_right_bytes_arrive() {
    let me = Me::new().await;
    let png = me.w.get("media.example/a.png?w=30&h=20").await.bytes;
    let blob = me.upload("image/png", &png).await.json()["blob"].clone();
    assert_eq!((&blob["mimeType"], &blob["size"]), (&json!("image/png"), &json!(png.len())));
    assert_eq!(me.upload("image/png", &png).await.json()["blob"], blob, "the same bytes are the same blob");
    let mut post = record("");
    post["embed"] = json!({"$type": "app.bsky.embed.images", "images": [{"alt": "a pixel", "image": blob, "aspectRatio": {"width": 3, "height": 2}}]});
    assert_eq!(me.put(&post).await.status, 200);
    let made = &me.w.publications("BLUESKY").await[0];
    assert_eq!((&made["mediaCount"], &made["media"][0]["altText"]), (&json!(1), &json!("a pixel")));
    let uploads = me.w.control("GET", "uploads?platform=BLUESKY", Value::Null).await;
    assert_eq!((&uploads[0]["sha256"], &uploads[0]["requests"]), (&made["media"][0]["sha256"], &json!(2)));
    assert_eq!(me.upload("image/png", b"not a picture").await.status, 500);
    // Nobody refers to it: after some hours it is gone.
    let lonely = me.upload("image/png", &me.w.get("media.example/b.png").await.bytes).await.json()["blob"].clone();
    me.w.control("POST", "clock", json!({"advanceSeconds": 7_000})).await;
    me.w.advance(6 * 3600).await;
    let token = me.w.token("BLUESKY", DEMO).await;
    let me = Me { token, ..me };
    post["embed"]["images"][0]["image"] = lonely;
    assert!(me.put(&post).await.json()["message"].as_str().unwrap().starts_with("Could not find blob"));
}

#[tokio::test]
async fn a_video_goes_through_the_video_service() {
    let me = Me::new().await;
    let auth = bearer(&me.token);
    let ask = "com.atproto.server.getServiceAuth?aud=did:web:pds.bsky.example&lxm=com.atproto.repo.uploadBlob";
    let service = me.w.send("GET", &format!("{PDS}/{ask}"), &[("authorization", &auth)], "").await.json();
    let service = bearer(service["token"].as_str().unwrap());
    let url = format!("video.bsky.app/xrpc/app.bsky.video.uploadVideo?did={}&name=a.mp4", me.did);
    let headers = [("authorization", service.as_str()), ("content-type", "video/mp4")];
    let job = me.w.bytes("POST", &url, &headers, &video(5_000)).await.json()["jobStatus"].clone();
    let status = format!("video.bsky.app/xrpc/app.bsky.video.getJobStatus?jobId={}", job["jobId"].as_str().unwrap());
    assert_eq!(me.w.get(&status).await.json()["jobStatus"]["state"], "JOB_STATE_ENCODING");
    let done = me.w.get(&status).await.json()["jobStatus"].clone();
    assert_eq!(done["state"], "JOB_STATE_COMPLETED");
    let again = me.w.bytes("POST", &url, &headers, &video(5_000)).await;
    assert_eq!((again.status, again.json()["blob"].clone()), (409, done["blob"].clone()));
    let mut post = record("watch");
    post["embed"] =
        json!({"$type": "app.bsky.embed.video", "video": done["blob"], "aspectRatio": {"width": 9, "height": 16}});
    assert_eq!(me.put(&post).await.status, 200);
    let wrong =
        me.w.bytes("POST", &url, &[("authorization", auth.as_str()), ("content-type", "video/mp4")], b"x").await;
    assert_eq!(wrong.status, 401, "the session is no service token");
    me.w.fault(json!({"operation": "upload", "fault": {"kind": "fail_processing"}})).await;
    let job = me.w.bytes("POST", &url, &headers, &video(6_000)).await.json()["jobStatus"]["jobId"].clone();
    let status = format!("video.bsky.app/xrpc/app.bsky.video.getJobStatus?jobId={}", job.as_str().unwrap());
    me.w.get(&status).await;
    assert_eq!(me.w.get(&status).await.json()["jobStatus"]["state"], "JOB_STATE_FAILED");
}

#[tokio::test]
async fn a_reply_is_a_comment_and_names_its_parent() {
    let me = Me::new().await;
    let parent = me.put(&record("first")).await.json();
    let strong = json!({"uri": parent["uri"], "cid": parent["cid"]});
    let mut reply = record("second");
    reply["reply"] = json!({"root": strong, "parent": strong});
    assert_eq!(me.write("putRecord", "3n2qhjxtkz23l", &reply).await.status, 200);
    let made = me.w.publications("BLUESKY").await;
    assert_eq!((&made[1]["kind"], &made[1]["replyTo"]), (&json!("comment"), &parent["uri"]));
    let counts = me.w.counts("BLUESKY").await;
    assert_eq!((&counts["created"], &counts["comments"]), (&json!(1), &json!(1)));
    reply["reply"]["parent"]["cid"] = json!("bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(me.write("putRecord", "3n2qhjxtkz24l", &reply).await.status, 400);
    let log = me.w.control("GET", "requests?platform=BLUESKY", Value::Null).await;
    let operations: Vec<&str> = log.as_array().unwrap().iter().map(|r| r["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["submit", "comment", "comment"]);
}
