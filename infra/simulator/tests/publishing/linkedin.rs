//! LinkedIn: members, pages, posts, registered uploads.

use serde_json::{Value, json};

use crate::common::{Answer, World, pairs};
use crate::desk::{REST, bearer, linkedin, video};

const API: &str = "api.linkedin.com/rest";
const CALLBACK: &str = "https://app.example/cb";

struct Me {
    w: World,
    token: String,
    person: Value,
    page: Value,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let token = w.token("LINKEDIN", "demo").await;
        let person = w.truth("LINKEDIN", "demo").await["id"].clone();
        let page = w.truth("LINKEDIN", "demo-inc").await["id"].clone();
        Self { w, token, person, page }
    }

    async fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let auth = bearer(&self.token);
        let mut headers = vec![("authorization", auth.as_str()), ("content-type", "application/json")];
        headers.extend_from_slice(&REST);
        headers.extend_from_slice(more);
        self.w.send(method, &format!("{API}/{path}"), &headers, body).await
    }

    async fn post(&self, body: &Value) -> Answer {
        self.send("POST", "posts", &[], &body.to_string()).await
    }

    async fn list(&self, author: &Value) -> Answer {
        let author = author.as_str().unwrap().replace(':', "%3A");
        let path = format!("posts?author={author}&q=author&count=5&sortBy=CREATED");
        self.send("GET", &path, &[("x-restli-method", "FINDER")], "").await
    }

    async fn action(&self, kind: &str, action: &str, body: Value) -> Answer {
        self.send("POST", &format!("{kind}?action={action}"), &[], &body.to_string()).await
    }

    async fn put(&self, url: &Value, bytes: &[u8]) -> Answer {
        let auth = bearer(&self.token);
        let url = url.as_str().unwrap().replacen("https://", "", 1);
        self.w
            .bytes("PUT", &url, &[("authorization", &auth), ("content-type", "application/octet-stream")], bytes)
            .await
    }
}

#[tokio::test]
async fn consent_leads_to_a_member_and_the_page_it_runs() {
    let w = World::start().await;
    let query = pairs(&[
        ("response_type", "code"),
        ("client_id", simulator::LINKEDIN_CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("state", "s1"),
        (
            "scope",
            "openid profile email w_member_social w_organization_social r_organization_social rw_organization_admin",
        ),
    ]);
    let code = w
        .approve(&format!("www.linkedin.com/oauth/v2/authorization?{query}"), "demo")
        .await
        .redirected("code")
        .unwrap();
    let app = [("client_id", simulator::LINKEDIN_CLIENT_ID), ("client_secret", simulator::LINKEDIN_CLIENT_SECRET)];
    let token = async |fields: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = app.iter().chain(fields).copied().collect();
        w.form("www.linkedin.com/oauth/v2/accessToken", &all).await
    };
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let body = token(&fields).await.json();
    assert!(body["scope"].as_str().unwrap().contains("openid,profile"), "{body}");
    assert_eq!(body["refresh_token_expires_in"], 31_536_000);
    assert_eq!(token(&fields).await.status, 400);
    w.advance(5_184_000).await;
    let access = body["access_token"].as_str().unwrap();
    let info = w.get_as("api.linkedin.com/v2/userinfo", access).await;
    assert_eq!((info.status, info.json()["serviceErrorCode"].clone()), (401, json!(65_602)));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", body["refresh_token"].as_str().unwrap())];
    let next = token(&refresh).await.json();
    assert_eq!(next["refresh_token"], body["refresh_token"], "it stays, and its year goes on running");
    let left = next["refresh_token_expires_in"].as_i64().unwrap();
    assert!((26_351_000..=26_352_000).contains(&left), "{left}");
    let access = next["access_token"].as_str().unwrap();
    let info = w.get_as("api.linkedin.com/v2/userinfo", access).await.json();
    let person = w.truth("LINKEDIN", "demo").await["id"].clone();
    assert_eq!(person, format!("urn:li:person:{}", info["sub"].as_str().unwrap()));
    let auth = bearer(access);
    let mut headers = vec![("authorization", auth.as_str())];
    headers.extend_from_slice(&REST);
    let acls = w
        .send("GET", &format!("{API}/organizationAcls?q=roleAssignee&role=ADMINISTRATOR&state=APPROVED"), &headers, "")
        .await
        .json();
    assert_eq!(acls["elements"][0]["organization"], w.truth("LINKEDIN", "demo-inc").await["id"]);
    assert_eq!(w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_reads_its_posts_back_and_a_member_does_not() {
    let me = Me::new().await;
    let made = me.post(&linkedin(&me.page, "Hello \\#world")).await;
    assert_eq!((made.status, made.body.as_str()), (201, ""));
    let urn = made.header("x-restli-id").unwrap().to_owned();
    assert!(urn.starts_with("urn:li:share:"));
    let list = me.list(&me.page).await.json();
    assert_eq!(
        (&list["elements"][0]["id"], &list["elements"][0]["commentary"]),
        (&json!(urn), &json!("Hello \\#world"))
    );
    assert_eq!(me.w.publications("LINKEDIN").await[0]["text"], "Hello #world");
    let one = format!("posts/{}", urn.replace(':', "%3A"));
    assert_eq!(me.send("GET", &one, &[], "").await.json()["author"], me.page);
    let figures = format!(
        "organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={}&shares=List({})",
        me.page.as_str().unwrap().replace(':', "%3A"),
        urn.replace(':', "%3A")
    );
    let figures = me.send("GET", &figures, &[], "").await.json();
    assert_eq!(figures["elements"][0]["share"], json!(urn), "{figures}");
    assert_eq!(figures["elements"][0]["totalShareStatistics"]["impressionCount"], 0);
    let mine = me.post(&linkedin(&me.person, "As a person")).await;
    assert_eq!(mine.status, 201);
    let denied = me.list(&me.person).await;
    assert_eq!((denied.status, denied.json()["code"].clone()), (403, json!("ACCESS_DENIED")));
    let own = format!("posts/{}", mine.header("x-restli-id").unwrap().replace(':', "%3A"));
    assert_eq!(me.send("GET", &own, &[], "").await.status, 403);
    for _ in 0..2 {
        assert_eq!(me.send("DELETE", &one, &[("x-restli-method", "DELETE")], "").await.status, 204);
    }
    assert_eq!(me.send("GET", &one, &[], "").await.status, 404);
    let counts = me.w.counts("LINKEDIN").await;
    assert_eq!((&counts["created"], &counts["deleted"]), (&json!(2), &json!(1)));
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_twin_is_refused_with_the_name_of_the_first() {
    let me = Me::new().await;
    let first = me.post(&linkedin(&me.page, "Again")).await.header("x-restli-id").unwrap().to_owned();
    let twin = me.post(&linkedin(&me.page, "Again")).await;
    assert_eq!(twin.status, 422);
    let body = twin.json();
    assert_eq!(body["errorDetails"]["inputErrors"][0]["code"], "DUPLICATE_POST");
    assert!(body["message"].as_str().unwrap().ends_with(&format!("Content is a duplicate of {first}")), "{body}");
    assert_eq!(me.w.publications("LINKEDIN").await[0]["submissions"], 2);
    assert_eq!(me.post(&linkedin(&me.person, "Again")).await.status, 201, "another author");
    // The rule fires although the first is gone, and for two days.
    me.send("DELETE", &format!("posts/{first}"), &[], "").await;
    assert_eq!(me.post(&linkedin(&me.page, "Again")).await.status, 422);
    me.w.advance(172_800).await;
    assert_eq!(me.post(&linkedin(&me.page, "Again")).await.status, 201);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn headers_words_and_rights_are_checked() {
    let me = Me::new().await;
    let auth = bearer(&me.token);
    let bare = [("authorization", auth.as_str()), ("content-type", "application/json")];
    let body = linkedin(&me.page, "x").to_string();
    let none = me.w.send("POST", &format!("{API}/posts"), &bare, &body).await;
    assert_eq!((none.status, none.json()["code"].clone()), (400, json!("VERSION_MISSING")));
    let old = [bare[0], bare[1], ("linkedin-version", "202507"), REST[1]];
    let old = me.w.send("POST", &format!("{API}/posts"), &old, &body).await;
    assert_eq!((old.status, old.json()["code"].clone()), (426, json!("NONEXISTENT_VERSION")));
    for text in ["(bare)", "a_b", "x@y", "50 < 60"] {
        assert_eq!(me.post(&linkedin(&me.page, text)).await.status, 400, "{text}");
    }
    let mut odd = linkedin(&me.page, "x");
    odd["distribution"]["feedDistribution"] = json!("EVERYWHERE");
    assert_eq!(me.post(&odd).await.status, 400);
    assert_eq!(me.w.unexpected().await.len(), 7);
    let long = me.post(&linkedin(&me.page, &"a".repeat(3_001))).await;
    assert_eq!(long.status, 422);
    let stranger = me.post(&linkedin(&json!("urn:li:organization:99"), "x")).await;
    assert_eq!((stranger.status, stranger.json()["message"].clone()), (403, json!("Resource is forbidden")));
    let narrow =
        me.w.control("POST", "accounts/LINKEDIN/demo/issue-token", json!({"scopes": ["openid", "w_member_social"]}))
            .await;
    let me = Me { token: narrow["accessToken"].as_str().unwrap().to_owned(), ..me };
    assert_eq!(me.post(&linkedin(&me.page, "x")).await.status, 403);
    assert_eq!(me.post(&linkedin(&me.person, "x")).await.status, 201);
    assert_eq!(me.w.counts("LINKEDIN").await["created"], 1);
}

#[tokio::test]
async fn pictures_and_videos_are_registered_sent_and_waited_for() {
    let me = Me::new().await;
    let jpeg = me.w.get("media.example/photo.jpg").await.bytes;
    let begun =
        me.action("images", "initializeUpload", json!({"initializeUploadRequest": {"owner": me.page}})).await.json();
    let image = begun["value"]["image"].as_str().unwrap().to_owned();
    let with = |urn: &str| {
        let mut body = linkedin(&me.page, "look");
        body["content"] = json!({"media": {"id": urn, "altText": "a cup"}});
        body
    };
    let early = me.post(&with(&image)).await;
    assert_eq!((early.status, early.json()["code"].clone()), (422, json!("UNPROCESSABLE_ENTITY")));
    assert_eq!(me.put(&begun["value"]["uploadUrl"], &jpeg).await.status, 201);
    assert_eq!(me.send("GET", &format!("images/{image}"), &[], "").await.json()["status"], "AVAILABLE");
    assert_eq!(me.post(&with(&image)).await.status, 201);
    let made = me.w.publications("LINKEDIN").await[0].clone();
    assert_eq!((&made["media"][0]["bytes"], &made["media"][0]["altText"]), (&json!(jpeg.len()), &json!("a cup")));

    let total = 4_194_304 + 100_000;
    let data = video(total);
    let request = json!({"initializeUploadRequest": {"owner": me.page, "fileSizeBytes": total, "uploadCaptions": false, "uploadThumbnail": false}});
    let begun = me.action("videos", "initializeUpload", request).await.json()["value"].clone();
    let parts = begun["uploadInstructions"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[1]["firstByte"], &parts[1]["lastByte"]), (2, &json!(4_194_304), &json!(total - 1)));
    assert_eq!(me.put(&parts[0]["uploadUrl"], &data[..100]).await.status, 400);
    let mut etags = Vec::new();
    for part in parts {
        let (first, last) = (part["firstByte"].as_u64().unwrap() as usize, part["lastByte"].as_u64().unwrap() as usize);
        etags.push(me.put(&part["uploadUrl"], &data[first..=last]).await.header("etag").unwrap().to_owned());
    }
    let finish = |ids: &[String]| json!({"finalizeUploadRequest": {"video": begun["video"], "uploadToken": begun["uploadToken"], "uploadedPartIds": ids}});
    assert_eq!(me.action("videos", "finalizeUpload", finish(&etags[..1])).await.status, 400);
    assert_eq!(me.action("videos", "finalizeUpload", finish(&etags)).await.status, 200);
    let urn = begun["video"].as_str().unwrap().to_owned();
    let status = async || me.send("GET", &format!("videos/{urn}"), &[], "").await.json()["status"].clone();
    assert_eq!((status().await, status().await), (json!("PROCESSING"), json!("AVAILABLE")));
    let mut body = with(&urn);
    body["commentary"] = json!("watch");
    let post = me.post(&body).await.header("x-restli-id").unwrap().to_owned();
    let digest = ring::digest::digest(&ring::digest::SHA256, &data);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(me.w.publications("LINKEDIN").await[1]["media"][0]["sha256"], hex);
    let comment = json!({"actor": me.page, "object": post, "message": {"text": "first!"}});
    let said = me.send("POST", &format!("socialActions/{post}/comments"), &[], &comment.to_string()).await;
    assert_eq!((said.status, said.json()["message"]["text"].clone()), (201, json!("first!")));
    me.send("POST", &format!("socialActions/{post}/comments"), &[], &comment.to_string()).await;
    assert_eq!(me.w.counts("LINKEDIN").await["comments"], 2);
    for (start, shown) in [(0, 1), (1, 1), (2, 0)] {
        let page =
            me.send("GET", &format!("socialActions/{post}/comments?start={start}&count=1"), &[], "").await.json();
        assert_eq!(page["elements"].as_array().unwrap().len(), shown, "{page}");
    }
    assert_eq!(
        me.w.unexpected().await,
        ["not the bytes that the instruction names", "unexpected parameter uploadedPartIds"]
    );
}
