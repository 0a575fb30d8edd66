//! The Bot API.

use serde_json::{Value, json};

use crate::common::{Answer, World};
use crate::desk::video;

struct Me {
    w: World,
    token: String,
}

impl Me {
    async fn new() -> Self {
        let w = World::start().await;
        let token = w.token("TELEGRAM", "demo_channel").await;
        Self { w, token }
    }

    async fn call(&self, method: &str, body: &Value) -> Answer {
        self.w.post_json(&format!("api.telegram.org/bot{}/{method}", self.token), &[], body).await
    }

    async fn parts(&self, method: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend_from_slice(
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
            );
        }
        for (name, bytes) in files {
            let head =
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.bin\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        let url = format!("api.telegram.org/bot{}/{method}", self.token);
        self.w.bytes("POST", &url, &[("content-type", "multipart/form-data; boundary=XX")], &body).await
    }
}

fn why(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.json()["ok"], false);
    (answer.status, answer.json()["description"].as_str().unwrap().to_owned())
}

fn bad(text: &str) -> (u16, String) {
    (400, format!("Bad Request: {text}"))
}

#[tokio::test]
async fn a_bot_knows_itself_its_channel_and_its_rights() {
    let me = Me::new().await;
    let bot = me.call("getMe", &json!({})).await.json()["result"].clone();
    assert_eq!((&bot["is_bot"], &bot["username"]), (&json!(true), &json!("demo_channel_bot")));
    let chat = me.call("getChat", &json!({"chat_id": "@demo_channel"})).await.json()["result"].clone();
    assert_eq!((&chat["type"], &chat["username"]), (&json!("channel"), &json!("demo_channel")));
    assert!(chat["id"].as_i64().unwrap() < -1_000_000_000_000);
    let member = me.call("getChatMember", &json!({"chat_id": chat["id"], "user_id": bot["id"]})).await.json();
    assert_eq!(
        (&member["result"]["status"], &member["result"]["can_post_messages"]),
        (&json!("administrator"), &json!(true))
    );
    let count = me.call("getChatMemberCount", &json!({"chat_id": chat["id"]})).await.json();
    assert_eq!(count["result"], me.w.truth("TELEGRAM", "demo_channel").await["followerCount"]);
    let own = format!("api.telegram.org/bot{}", simulator::TELEGRAM_BOT_TOKEN);
    for (channel, expected) in [
        ("@nobot_here", (403, "Forbidden: bot is not a member of the channel chat".to_owned())),
        ("@kicked_out", (403, "Forbidden: bot was kicked from the channel chat".to_owned())),
        ("@readonly_one", bad("need administrator rights in the channel chat")),
        ("@missing_one", bad("chat not found")),
    ] {
        let body = json!({"chat_id": channel, "text": "x"});
        assert_eq!(why(&me.w.post_json(&format!("{own}/sendMessage"), &[], &body).await), expected, "{channel}");
    }
    assert_eq!(me.w.get("api.telegram.org/bot123456789:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/getMe").await.status, 401);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    assert_eq!(me.w.get("api.telegram.org/botnonsense/getMe").await.status, 404);
}

#[tokio::test]
async fn the_same_message_again_is_another_message_and_nothing_reads_back() {
    let me = Me::new().await;
    let body = json!({"chat_id": "@demo_channel", "text": "<b>Hello</b> https://example.com", "parse_mode": "HTML"});
    let first = me.call("sendMessage", &body).await.json()["result"].clone();
    assert_eq!((&first["message_id"], &first["text"]), (&json!(1), &json!("Hello https://example.com")));
    assert_eq!(
        first["entities"],
        json!([{"offset": 0, "length": 5, "type": "bold"}, {"offset": 6, "length": 19, "type": "url"}])
    );
    assert_eq!(me.call("sendMessage", &body).await.json()["result"]["message_id"], 2);
    assert_eq!(me.w.counts("TELEGRAM").await["created"], 2);
    let made = me.w.publications("TELEGRAM").await;
    assert_eq!((&made[1]["url"], &made[1]["key"]), (&json!("https://t.me/demo_channel/2"), &Value::Null));
    let reply = json!({"chat_id": "@demo_channel", "text": "more", "reply_parameters": {"message_id": 2}});
    assert_eq!(me.call("sendMessage", &reply).await.status, 200);
    assert_eq!(me.w.counts("TELEGRAM").await["comments"], 1);
    let gone = json!({"chat_id": "@demo_channel", "message_id": 1});
    assert_eq!(me.call("deleteMessage", &gone).await.json(), json!({"ok": true, "result": true}));
    assert_eq!(why(&me.call("deleteMessage", &gone).await), bad("message to delete not found"));
    assert_eq!(me.w.counts("TELEGRAM").await["deleted"], 1);
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
    assert_eq!(me.call("getUpdates", &json!({})).await.status, 404);
    let odd = me
        .call("sendMessage", &json!({"chat_id": "@demo_channel", "text": "x", "disable_web_page_preview": true}))
        .await;
    assert_eq!((odd.status, me.w.unexpected().await.len()), (400, 2));
}

#[tokio::test]
async fn lengths_count_after_the_markup() {
    let me = Me::new().await;
    let send = async |text: &str, mode: &str| {
        me.call("sendMessage", &json!({"chat_id": "@demo_channel", "text": text, "parse_mode": mode})).await
    };
    assert_eq!(send(&format!("<b>{}</b>", "a".repeat(4_096)), "HTML").await.status, 200);
    assert_eq!(why(&send(&"a".repeat(4_097), "HTML").await), bad("message is too long"));
    assert_eq!(why(&send(&"👍".repeat(2_049), "HTML").await), bad("message is too long"));
    assert_eq!(
        why(&send("<b>x", "HTML").await).1,
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    );
    assert!(why(&send("1. x", "MarkdownV2").await).1.contains("Character '.' is reserved"));
    assert_eq!(why(&send("  ", "HTML").await), bad("message text is empty"));
    let photo =
        json!({"chat_id": "@demo_channel", "photo": "https://media.example/photo.jpg", "caption": "a".repeat(1_025)});
    assert_eq!(why(&me.call("sendPhoto", &photo).await), bad("message caption is too long"));
    let counts = me.w.counts("TELEGRAM").await;
    assert_eq!((&counts["created"], &counts["refused"]), (&json!(1), &json!(6)));
}

#[tokio::test]
async fn files_come_as_parts_or_by_url() {
    let me = Me::new().await;
    let jpeg = me.w.get("media.example/photo.jpg").await.bytes;
    let sent =
        me.parts("sendPhoto", &[("chat_id", "@demo_channel"), ("caption", "hi")], &[("photo", &jpeg)]).await.json();
    assert_eq!((&sent["result"]["photo"][0]["width"], &sent["result"]["caption"]), (&json!(1080), &json!("hi")));
    let again = json!({"chat_id": "@demo_channel", "photo": sent["result"]["photo"][0]["file_id"]});
    assert_eq!(me.call("sendPhoto", &again).await.status, 200);
    assert_eq!(me.parts("sendVideo", &[("chat_id", "@demo_channel")], &[("video", &video(9_000))]).await.status, 200);
    let by_url = |kind: &str, url: &str| json!({"chat_id": "@demo_channel", kind: url});
    assert_eq!(me.call("sendPhoto", &by_url("photo", "https://media.example/b.jpg?w=900")).await.status, 200);
    let photo = async |url: &str| why(&me.call("sendPhoto", &by_url("photo", url)).await);
    assert_eq!(photo("https://media.example/photo.jpg?bytes=6000000").await, bad("failed to get HTTP URL content"));
    assert_eq!(photo("https://media.example/photo.jpg?status=404").await, bad("failed to get HTTP URL content"));
    assert_eq!(photo("https://media.example/photo.jpg?as=html").await, bad("wrong type of the web page content"));
    assert_eq!(photo("https://media.example/photo.jpg?as=mp4").await, bad("IMAGE_PROCESS_FAILED"));
    assert_eq!(photo("https://media.example/photo.jpg?w=9000&h=2000").await, bad("PHOTO_INVALID_DIMENSIONS"));
    assert_eq!(photo("nonsense").await, bad("wrong file identifier/HTTP URL specified"));
    let big = vec![0xff_u8; 10 * 1_048_576 + 1];
    assert_eq!(me.parts("sendPhoto", &[("chat_id", "@demo_channel")], &[("photo", &big)]).await.status, 413);
    let media =
        r#"[{"type":"photo","media":"attach://one","caption":"album"},{"type":"video","media":"attach://two"}]"#;
    let fields = [("chat_id", "@demo_channel"), ("media", media)];
    let album =
        me.parts("sendMediaGroup", &fields, &[("one", &jpeg), ("two", &video(9_000))]).await.json()["result"].clone();
    assert_eq!((album.as_array().unwrap().len(), &album[0]["media_group_id"]), (2, &album[1]["media_group_id"]));
    let made = me.w.publications("TELEGRAM").await;
    let last = made.last().unwrap();
    assert_eq!(
        (&last["mediaCount"], &last["text"], &last["details"]["messageIds"]),
        (&json!(2), &json!("album"), &json!([5, 6]))
    );
    for n in [5, 6] {
        assert_eq!(me.w.counts("TELEGRAM").await["deleted"], 0);
        me.call("deleteMessage", &json!({"chat_id": "@demo_channel", "message_id": n})).await;
    }
    assert_eq!(me.w.counts("TELEGRAM").await["deleted"], 1, "an album goes with its last message");
    assert_eq!(me.w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn too_fast_says_how_long_to_wait() {
    let me = Me::new().await;
    me.w.control("PATCH", "settings/TELEGRAM", json!({"rates": true})).await;
    let body = json!({"chat_id": "@demo_channel", "text": "x"});
    for _ in 0..20 {
        assert_eq!(me.call("sendMessage", &body).await.status, 200);
    }
    let slow = me.call("sendMessage", &body).await;
    assert_eq!(slow.status, 429);
    let wait = slow.json()["parameters"]["retry_after"].as_i64().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    me.w.advance(wait).await;
    assert_eq!(me.call("sendMessage", &body).await.status, 200);
}
