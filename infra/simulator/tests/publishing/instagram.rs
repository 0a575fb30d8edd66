//! Containers, publishing, quota, comments.

use serde_json::{Value, json};

use crate::common::{Answer, World, pairs};

struct Me {
    w: World,
    token: String,
    id: String,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let token = w.token("INSTAGRAM", "demo").await;
        let id = w.truth("INSTAGRAM", "demo").await["id"].as_str().unwrap().to_owned();
        Self { w, token, id }
    }

    async fn post(&self, edge: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = fields.to_vec();
        all.push(("access_token", &self.token));
        self.w.form(&format!("graph.instagram.com/v26.0/{edge}"), &all).await
    }

    async fn container(&self, fields: &[(&str, &str)]) -> Answer {
        self.post(&format!("{}/media", self.id), fields).await
    }

    async fn good(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.container(fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn publish(&self, container: &str) -> Answer {
        self.post(&format!("{}/media_publish", self.id), &[("creation_id", container)]).await
    }

    async fn get(&self, path: &str, fields: &str) -> Value {
        let query = pairs(&[("fields", fields), ("access_token", &self.token)]);
        self.w.get(&format!("graph.instagram.com/v26.0/{path}?{query}")).await.json()
    }

    async fn status(&self, container: &str) -> String {
        self.get(container, "status_code").await["status_code"].as_str().unwrap().to_owned()
    }
}

fn code(answer: &Answer) -> (i64, i64) {
    let e = &answer.json()["error"];
    (e["code"].as_i64().unwrap(), e["error_subcode"].as_i64().unwrap_or(0))
}

const PHOTO: &str = "https://media.example/photo.jpg";
const CLIP: &str = "https://media.example/clip.mp4?bytes=400000";

#[tokio::test]
async fn a_picture_is_fetched_published_and_listed() {
    let me = Me::new().await;
    let id = me.good(&[("image_url", PHOTO), ("caption", "Morning #coffee"), ("alt_text", "a cup")]).await;
    assert_eq!(me.status(&id).await, "FINISHED");
    let media = me.publish(&id).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(me.status(&id).await, "PUBLISHED");
    let read = me.get(&media, "id,caption,permalink,media_type,timestamp,alt_text,like_count").await;
    assert_eq!(
        (&read["caption"], &read["media_type"], &read["alt_text"]),
        (&json!("Morning #coffee"), &json!("IMAGE"), &json!("a cup"))
    );
    assert!(read["permalink"].as_str().unwrap().starts_with("https://www.instagram.com/p/"));
    let list = me.get(&format!("{}/media", me.id), "id").await;
    assert_eq!(list["data"][0]["id"], media.as_str());
    let next = list["paging"]["next"].as_str().unwrap().replacen("https://", "", 1);
    assert_eq!(me.w.get(&next).await.json()["data"][0]["id"], me.w.truth("INSTAGRAM", "demo").await["posts"][25]["id"]);
    let made = &me.w.publications("INSTAGRAM").await[0];
    let real = me.w.get("media.example/photo.jpg").await.bytes;
    assert_eq!(made["media"][0]["bytes"], real.len());
    assert_eq!((&made["media"][0]["sourceUrl"], &made["key"]), (&json!(PHOTO), &json!(id)));
    let fetched = me.w.control("GET", "requests?host=media.example", Value::Null).await;
    assert_eq!(fetched[0]["path"], "/photo.jpg", "the platform came for it itself");
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_container_is_good_for_one_post() {
    let me = Me::new().await;
    let id = me.good(&[("image_url", PHOTO), ("caption", "once")]).await;
    assert_eq!(me.publish(&id).await.status, 200);
    let again = me.publish(&id).await;
    assert_eq!((again.status, code(&again)), (400, (24, 2_207_008)));
    let made = me.w.publications("INSTAGRAM").await;
    assert_eq!((made.len(), &made[0]["submissions"]), (1, &json!(2)));
    // Another container is another post: there is no duplicate rule.
    let other = me.good(&[("image_url", PHOTO), ("caption", "once")]).await;
    assert_eq!(me.publish(&other).await.status, 200);
    assert_eq!(me.w.counts("INSTAGRAM").await["created"], 2);
    let old = me.good(&[("image_url", PHOTO)]).await;
    me.w.advance(86_400).await;
    assert_eq!(me.status(&old).await, "EXPIRED");
    assert_eq!(code(&me.publish(&old).await), (24, 2_207_008));
}

#[tokio::test]
async fn a_video_is_ready_after_a_while() {
    let me = Me::new().await;
    let id = me.good(&[("media_type", "REELS"), ("video_url", CLIP), ("caption", "reel")]).await;
    let early = me.publish(&id).await;
    assert_eq!((early.status, code(&early)), (400, (9_007, 2_207_027)));
    assert_eq!(me.status(&id).await, "IN_PROGRESS");
    assert_eq!(me.status(&id).await, "FINISHED");
    assert_eq!(me.publish(&id).await.status, 200);
    me.w.control("PATCH", "settings/INSTAGRAM", json!({"processingSeconds": 90, "processingLooks": 0})).await;
    let slow = me.good(&[("media_type", "REELS"), ("video_url", CLIP)]).await;
    assert_eq!(me.status(&slow).await, "IN_PROGRESS");
    assert_eq!(me.status(&slow).await, "IN_PROGRESS");
    me.w.advance(90).await;
    assert_eq!(me.status(&slow).await, "FINISHED");
    me.w.fault(json!({"operation": "init", "fault": {"kind": "fail_processing"}})).await;
    let bad = me.good(&[("media_type", "REELS"), ("video_url", CLIP)]).await;
    me.w.advance(90).await;
    let why = me.get(&bad, "status_code,status").await;
    assert_eq!((&why["status_code"], why["status"].as_str().unwrap().contains("2207082")), (&json!("ERROR"), true));
    assert_eq!(me.publish(&bad).await.status, 400);
    assert_eq!(me.w.counts("INSTAGRAM").await["created"], 1);
}

#[tokio::test]
async fn a_carousel_has_children_and_a_story_is_not_in_the_list() {
    let me = Me::new().await;
    let one = me.good(&[("image_url", PHOTO), ("is_carousel_item", "true")]).await;
    let two = me.good(&[("media_type", "VIDEO"), ("video_url", CLIP), ("is_carousel_item", "true")]).await;
    me.status(&two).await;
    let id = me.good(&[("media_type", "CAROUSEL"), ("children", &format!("{one},{two}")), ("caption", "two")]).await;
    let media = me.publish(&id).await.json()["id"].as_str().unwrap().to_owned();
    let read = me.get(&media, "media_type,children{id,media_type}").await;
    assert_eq!(
        (&read["media_type"], read["children"]["data"].as_array().unwrap().len()),
        (&json!("CAROUSEL_ALBUM"), 2)
    );
    assert_eq!(me.w.publications("INSTAGRAM").await[0]["mediaCount"], 2);
    let few = me.container(&[("media_type", "CAROUSEL"), ("children", &one)]).await;
    assert_eq!(code(&few), (100, 2_207_028));
    let story = me.good(&[("media_type", "STORIES"), ("image_url", PHOTO)]).await;
    let story = me.publish(&story).await.json()["id"].clone();
    assert_eq!(me.get(&format!("{}/stories", me.id), "id,media_product_type").await["data"][0]["id"], story);
    assert_ne!(me.get(&format!("{}/media", me.id), "id").await["data"][0]["id"], story);
    assert_eq!(me.w.counts("INSTAGRAM").await["stories"], 1);
}

#[tokio::test]
async fn pictures_and_words_keep_the_rules() {
    let me = Me::new().await;
    let at = |q: &str| format!("https://media.example/{q}");
    for (url, expected) in [
        (at("a.png"), (36_001, 2_207_005)),
        (at("photo.jpg?as=html"), (36_001, 2_207_005)),
        (at("photo.jpg?bytes=9000000"), (36_000, 2_207_004)),
        (at("photo.jpg?w=400&h=1200"), (36_003, 2_207_009)),
        (at("photo.jpg?status=404"), (9_004, 2_207_052)),
        (at("photo.jpg?endless=1"), (36_000, 2_207_004)),
        ("https://media.example/ü.jpg".to_owned(), (9_004, 2_207_052)),
    ] {
        assert_eq!(code(&me.container(&[("image_url", &url)]).await), expected, "{url}");
    }
    let long = "a".repeat(2_201);
    assert_eq!(code(&me.container(&[("image_url", PHOTO), ("caption", &long)]).await), (36_004, 2_207_010));
    me.w.fault(json!({"operation": "init", "fault": {"kind": "media_refused"}})).await;
    assert_eq!(code(&me.container(&[("image_url", PHOTO)]).await), (9_004, 2_207_052));
    me.w.control("PATCH", "settings/INSTAGRAM", json!({"foreignMedia": "refuse"})).await;
    assert_eq!(code(&me.container(&[("image_url", "https://elsewhere.example/a.jpg")]).await), (9_004, 2_207_052));
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    for odd in [
        vec![("image_url", PHOTO), ("media_type", "VIDEO")],
        vec![("image_url", PHOTO), ("is_carousel_item", "true"), ("caption", "x")],
        vec![("image_url", PHOTO), ("scheduled_publish_time", "1")],
        vec![("media_type", "REELS"), ("video_url", CLIP), ("alt_text", "x")],
    ] {
        assert_eq!(me.container(&odd).await.status, 400);
    }
    assert_eq!(me.w.unexpected().await.len(), 4);
}

#[tokio::test]
async fn the_day_has_a_quota_and_a_post_has_comments() {
    let me = Me::new().await;
    me.w.control("PATCH", "settings/INSTAGRAM", json!({"quotaTotal": 2})).await;
    for text in ["a", "b"] {
        let id = me.good(&[("image_url", PHOTO), ("caption", text)]).await;
        assert_eq!(me.publish(&id).await.status, 200);
    }
    let limit = me.get(&format!("{}/content_publishing_limit", me.id), "quota_usage,config").await;
    assert_eq!(limit["data"][0], json!({"quota_usage": 2, "config": {"quota_total": 2, "quota_duration": 86_400}}));
    let id = me.good(&[("image_url", PHOTO)]).await;
    assert_eq!(code(&me.publish(&id).await), (9, 2_207_042));
    let media = me.w.publications("INSTAGRAM").await[1]["id"].as_str().unwrap().to_owned();
    let comment = me.post(&format!("{media}/comments"), &[("message", "first!")]).await.json();
    let list = me.get(&format!("{media}/comments"), "id,text").await;
    assert_eq!(list["data"][0], json!({"id": comment["id"], "text": "first!"}));
    // The newest first, page by page.
    me.post(&format!("{media}/comments"), &[("message", "second")]).await;
    let page = async |more: &str| {
        let query = format!("fields=text&limit=1&access_token={}{more}", me.token);
        me.w.get(&format!("graph.instagram.com/v26.0/{media}/comments?{query}")).await.json()
    };
    let newest = page("").await;
    assert_eq!((&newest["data"][0]["text"], newest["paging"]["next"].is_string()), (&json!("second"), true));
    let after = newest["paging"]["cursors"]["after"].as_str().unwrap();
    let oldest = page(&format!("&after={after}")).await;
    assert_eq!((&oldest["data"][0]["text"], &oldest["paging"]["next"]), (&json!("first!"), &Value::Null));
    let counts = me.w.counts("INSTAGRAM").await;
    assert_eq!((&counts["created"], &counts["comments"], &counts["refused"]), (&json!(2), &json!(2), &json!(1)));
    let gone =
        me.w.send("DELETE", &format!("graph.instagram.com/v26.0/{media}?access_token={}", me.token), &[], "").await;
    assert_eq!(gone.status, 400);
    assert_eq!(me.w.unexpected().await, ["Instagram Login deletes nothing"]);
}
