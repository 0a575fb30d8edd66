//! Publishing on a real Bluesky server: what its repository holds is what was written, and each post is one record.

use std::time::Duration;

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::bluesky::{Author, Ground};

const POSTS: &str = "app.bsky.feed.post";

/// The posts in an account's repository, newest first, as the server lists them to anyone.
async fn records(ground: &Ground, did: &str) -> Result<Vec<Value>> {
    let mut page = Url::parse(ground.origin())?.join("/xrpc/com.atproto.repo.listRecords")?;
    page.query_pairs_mut().extend_pairs([("repo", did), ("collection", POSTS), ("limit", "100")]);
    let listed: Value =
        serde_json::from_str(&ground.staff.http().get(page).send().await?.error_for_status()?.text().await?)?;
    Ok(listed["records"].as_array().cloned().unwrap_or_default())
}

/// The records with this text.
async fn with_text(ground: &Ground, did: &str, text: &str) -> Result<Vec<Value>> {
    let all = records(ground, did).await?;
    Ok(all.into_iter().filter(|record| record["value"]["text"] == text).collect())
}

fn post(talent: &str, text: &str) -> Value {
    json!({"talentId": talent, "content": text, "platforms": ["BLUESKY"]})
}

fn did(account: &Value) -> &str {
    account["did"].as_str().unwrap_or_default()
}

async fn settled(staff: &Client, id: &str) -> Result<Value> {
    author::within(staff, id, Duration::from_secs(40), author::is(&["published", "partial", "failed"])).await
}

#[tokio::test]
async fn what_a_real_bluesky_server_stores_is_what_was_written_to_the_byte() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::bluesky_posts").await? else { return Ok(()) };
    let (staff, alice, bob) = (&ground.staff, ground.account(0), ground.account(1));
    let connection = ground.alice_consents().await?;
    assert_eq!(staff.done("alice", &connection).await?["syncStatus"], "READY");

    // 25 bytes of a family, 8 of a flag: offsets are bytes, not characters.
    let text = "👩‍👩‍👧‍👦 🇩🇪 @bob.test, lies https://example.com/a?b=1 #größe!";
    let mut body = post("alice", text);
    let photos = ["https://media.example/photo.jpg?w=1080&h=720", "https://media.example/photo.png?w=64&h=48"];
    body["mediaUrls"] = json!(photos);
    body["options"] = json!({"BLUESKY": {"altText": ["a wide one", "a small one"]}});
    let id = author::publish(staff, &body).await?;
    let seen = settled(staff, &id).await?;
    assert_eq!(seen["status"], "published", "{seen:#}");

    let all = records(&ground, did(alice)).await?;
    assert_eq!(all.len(), 1, "{all:#?}");
    let (uri, record) = (&all[0]["uri"], &all[0]["value"]);
    assert_eq!(&seen["deliveries"][0]["platformPostId"], uri);
    assert_eq!((&record["text"], &record["$type"]), (&json!(text), &json!(POSTS)));
    let facet = |start: u32, end: u32, feature: Value| json!({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]});
    let expected = json!([
        facet(35, 44, json!({"$type": "app.bsky.richtext.facet#mention", "did": did(bob)})),
        facet(51, 76, json!({"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/a?b=1"})),
        facet(77, 85, json!({"$type": "app.bsky.richtext.facet#tag", "tag": "größe"})),
    ]);
    assert_eq!(record["facets"], expected);
    assert_eq!((&text[35..44], &text[51..76], &text[77..85]), ("@bob.test", "https://example.com/a?b=1", "#größe"));

    let images = record["embed"]["images"].as_array().cloned().unwrap_or_default();
    let shown: Vec<(&Value, &Value, &Value)> =
        images.iter().map(|i| (&i["alt"], &i["image"]["mimeType"], &i["aspectRatio"])).collect();
    let (wide, small) = (json!({"width": 1080, "height": 720}), json!({"width": 64, "height": 48}));
    let (jpeg, png) = (json!("image/jpeg"), json!("image/png"));
    assert_eq!(shown, [(&json!("a wide one"), &jpeg, &wide), (&json!("a small one"), &png, &small)], "{record:#}");
    for (image, address) in images.iter().zip(photos) {
        let cid = image["image"]["ref"]["$link"].as_str().unwrap_or_default();
        let mut blob = Url::parse(ground.origin())?.join("/xrpc/com.atproto.sync.getBlob")?;
        blob.query_pairs_mut().extend_pairs([("did", did(alice)), ("cid", cid)]);
        let kept = staff.http().get(blob).send().await?.error_for_status()?.bytes().await?;
        let address = address.replacen("https://", &format!("{}/", ground.stack.world.origin), 1);
        let sent = staff.http().get(address).send().await?.error_for_status()?.bytes().await?;
        assert!(!sent.is_empty() && kept == sent, "{} and {} bytes", kept.len(), sent.len());
    }

    // Deleted by us, it is in nobody's list.
    let _ = staff.delete(&format!("/api/social/posts/{id}?remote=true")).await?.expect(202);
    author::until(staff, &id, |post| post["deliveries"][0]["deleted"] == true).await?;
    assert_eq!(records(&ground, did(alice)).await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_was_edited_reaches_a_real_bluesky_server_once_as_edited() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::bluesky_posts").await? else { return Ok(()) };
    let (staff, alice) = (&ground.staff, ground.account(0));
    let connection = ground.alice_consents().await?;
    assert_eq!(staff.done("alice", &connection).await?["syncStatus"], "READY");

    let now: Timestamp = ground.stack.client.get("/local/clock").await?.text_of("now").parse()?;
    let at =
        |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).and_then(|at| at.round(jiff::Unit::Second));
    // The first ring is on its way already when the time changes.
    let (first, second) = (at(12)?, at(16)?);
    let mut body = post("alice", "as first written");
    body["scheduledAt"] = json!(first.to_string());
    let made = staff.post("/api/social/posts", &body).await?.expect(201);
    let (id, etag) = (made.text_of("id"), made.header("etag").unwrap_or("*").to_owned());
    let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
    let change = json!({"content": "as edited", "scheduledAt": second.to_string()}).to_string().into_bytes();
    let _ = staff.send(Method::PATCH, &format!("/api/social/posts/{id}"), &headers, Some(change)).await?.expect(200);

    let seen = settled(staff, id).await?;
    assert_eq!(seen["status"], "published", "{seen:#}");
    let all = records(&ground, did(alice)).await?;
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["value"]["text"], "as edited");
    let posted: Timestamp = seen["postedAt"].as_str().unwrap_or_default().parse()?;
    assert!((0..10).contains(&second.duration_until(posted).as_secs()), "{second} {posted}");
    Ok(())
}

#[tokio::test]
async fn however_often_a_real_bluesky_server_is_asked_it_holds_one_record() -> Result<()> {
    let Some(mut ground) = Ground::or_skip("real_servers::bluesky_posts").await? else { return Ok(()) };
    let staff = ground.staff.clone();
    let bob = ground.account(1).clone();
    let connection = ground.bob_hands_over().await?;
    assert_eq!(staff.done("bob", &connection).await?["syncStatus"], "READY");

    // Every message comes three times; and this publish shows which calls one makes.
    let _ = ground.stack.control("/faults", &json!({"kind": "doorbell_triple"})).await?.expect(200);
    let _ = ground.stack.client.delete("/local/crossings").await?.expect(200);
    let id = author::publish(&staff, &post("bob", "three rings")).await?;
    let seen = settled(&staff, &id).await?;
    assert_eq!(seen["status"], "published", "{seen:#}");
    until("the last message", async || {
        let queues = ground.stack.client.get("/local/queues").await?.expect(200).body;
        Ok(["waiting", "in_flight", "delayed"].iter().all(|what| queues["publish"][what] == 0))
    })
    .await?;
    assert_eq!(with_text(&ground, did(&bob), "three rings").await?.len(), 1);
    let _ = ground.stack.client.delete("/local/faults").await?.expect(200);
    let calls = crate::platform_calls(&ground.stack, "workers.publish").await?;

    // The worker dies before the call that has the effect, and after it. Either way it is there once.
    for phase in ["before", "after"] {
        let text = format!("killed {phase} the write");
        let crash = json!({"phase": phase, "nth": calls, "service": "platform", "scope": "workers.publish"});
        let _ = ground.stack.control("/crash", &crash).await?.expect(200);
        let id = author::publish(&staff, &post("bob", &text)).await?;
        ground.stack.ended(Duration::from_secs(20)).await?;
        assert_eq!(with_text(&ground, did(&bob), &text).await?.len(), usize::from(phase == "after"), "{phase}");
        ground.stack.restart().await?;
        let seen = crate::in_time(&ground.stack, &staff, &id).await?;
        assert_eq!(seen["status"], "published", "{seen:#}");
        let there = with_text(&ground, did(&bob), &text).await?;
        assert_eq!(there.len(), 1, "{there:#?}");
        assert_eq!(seen["deliveries"][0]["platformPostId"], there[0]["uri"]);
    }
    Ok(())
}

/// The server's own word on the key that Herald chose: another record under it is refused, the same one is the same.
#[tokio::test]
async fn a_record_under_a_key_that_is_taken_overwrites_nothing() -> Result<()> {
    let Some(ground) = Ground::or_skip("real_servers::bluesky_posts").await? else { return Ok(()) };
    let (staff, bob) = (&ground.staff, ground.account(1));
    let connection = ground.bob_hands_over().await?;
    assert_eq!(staff.done("bob", &connection).await?["syncStatus"], "READY");
    let id = author::publish(staff, &post("bob", "the first")).await?;
    assert_eq!(settled(staff, &id).await?["status"], "published");
    let before = records(&ground, did(bob)).await?;
    let key = before[0]["uri"].as_str().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default().to_owned();
    let mut author = Author::of(ground.origin(), bob).await?;
    // As Herald writes: only where nothing stands.
    author.write("putRecord", POSTS, json!({"rkey": key, "record": before[0]["value"], "swapRecord": null})).await?;
    let mut other = before[0]["value"].clone();
    other["text"] = json!("something else");
    let page = author.send("putRecord", POSTS, json!({"rkey": key, "record": other, "swapRecord": null})).await?;
    assert_eq!((page.status, &page.json()["error"]), (400, &json!("InvalidSwap")), "{}", page.text);
    assert_eq!(records(&ground, did(bob)).await?, before);
    Ok(())
}
