//! Publishing on Bluesky, against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivering.rs"]
mod delivering;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use delivering::{Delivery, PNG, count, failed, fault, harmless, mp4, posted, publications, publish};
use domain::content::MediaKind;
use domain::{Effect, Kind, Platform, Secret, TokenSet};
use jiff::SignedDuration;
use platforms::publish::{Found, Progress, Stop};
use platforms::{Access, AppCredentials};
use serde_json::json;
use support::World;

const ALICE: &str = "alice.bsky.social";

async fn world() -> World {
    let client_id = "https://herald.example/client-metadata.json".to_owned();
    World::new(Platform::Bluesky, AppCredentials { client_id, ..AppCredentials::default() }).await
}

/// A world, and Alice's consent in it. The server's nonce is known, so that each call goes out once.
async fn consented() -> (World, TokenSet) {
    let world = world().await;
    let tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
    world.profile(ALICE, Access::Token(&tokens)).await.unwrap();
    (world, tokens)
}

async fn by_app_password(world: &World) -> TokenSet {
    let password = Secret::new(world.truth(ALICE).await["appPassword"].as_str().unwrap());
    let app_password = world.adapter().app_password.as_ref().unwrap();
    app_password.log_in(&world.cx(), ALICE, &password).await.unwrap().tokens
}

#[tokio::test]
async fn a_text_is_a_record_under_a_key_of_our_own() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "Hello, world.  \n");
    let post = delivery.publish(&world).await;
    let did = world.truth(ALICE).await["id"].as_str().unwrap().to_owned();
    let key = delivery.progress.get("rkey").unwrap();
    assert_eq!(post.id, format!("at://{did}/app.bsky.feed.post/{key}"));
    assert_eq!(post.url, Some(format!("https://bsky.app/profile/{ALICE}/post/{key}")));
    assert!(post.extra["cid"].starts_with("bafyrei"), "{post:?}");
    let there = publications(&world).await;
    assert_eq!(there.len(), 1);
    assert_eq!((there[0]["text"].as_str(), there[0]["key"].as_str()), (Some("Hello, world."), Some(key)));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_that_wants_its_nonce_gets_it() {
    let world = world().await;
    let tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
    let film = mp4(9 * 1024 * 1024);
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "film").with(MediaKind::Video, "video/mp4", &film, None);
    // The nonce that is known is the authorization server's: the body goes out twice, and arrives once.
    delivery.publish(&world).await;
    assert_eq!(world.get("uploads").await.as_array().unwrap().len(), 1);
    assert_eq!(count(&world, "created").await, 1);
    // Another process knows none. A large body is not sent to find out: a small call learns it.
    let fresh = platforms::Platforms::default();
    let publish = fresh.get(Platform::Bluesky).unwrap().publish.as_ref().unwrap();
    delivery.progress = Progress::default().with("rkey", "3n2qhjxtkz22l");
    let before = world.requests().await.len();
    publish.prepare(&world.cx(), &delivery.job()).await.unwrap();
    let asked = world.requests().await.split_off(before);
    let calls: Vec<&str> = asked.iter().map(|line| line.rsplit('.').next().unwrap()).collect();
    assert_eq!(calls, ["getSession", "getSession", "uploadBlob"]);
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_app_password_publishes_as_well() {
    let world = world().await;
    let tokens = by_app_password(&world).await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "with a password");
    let post = delivery.publish(&world).await;
    assert_eq!(delivery.found(&world).await, post);
    world.nothing_odd().await;
}

#[tokio::test]
async fn what_was_published_is_read_back_as_the_same_post() {
    let (world, tokens) = consented().await;
    let post = Delivery::new(&world, ALICE, &tokens, "the same").publish(&world).await;
    let profile = world.profile(ALICE, Access::Token(&tokens)).await.unwrap();
    let read = world.publications(&profile, Access::Token(&tokens), 1).await.unwrap();
    assert_eq!((read[0].external_id.as_str(), read[0].url.as_ref()), (post.id.as_str(), post.url.as_ref()));
}

#[tokio::test]
async fn links_mentions_and_hashtags_are_marked() {
    let (world, tokens) = consented().await;
    let bob = world.truth("bob.bsky.social").await["id"].clone();
    let text = "Grüße @bob.bsky.social @missing.bsky.social https://example.com/x #Tag";
    let mut delivery = Delivery::new(&world, ALICE, &tokens, text).option("langs", json!(["de", "en-GB"]));
    delivery.publish(&world).await;
    let there = publications(&world).await;
    let record = &there[0]["details"]["record"];
    assert_eq!(record["langs"], json!(["de", "en-GB"]));
    assert_eq!(
        record["facets"],
        json!([
            {"index": {"byteStart": 8, "byteEnd": 24},
             "features": [{"$type": "app.bsky.richtext.facet#mention", "did": bob}]},
            {"index": {"byteStart": 46, "byteEnd": 67},
             "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/x"}]},
            {"index": {"byteStart": 68, "byteEnd": 72},
             "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "Tag"}]},
        ])
    );
    world.nothing_odd().await;
}

#[tokio::test]
async fn pictures_have_descriptions_and_proportions() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "")
        .with(MediaKind::Image, "image/png", PNG, Some((1, 1)))
        .with(MediaKind::Image, "image/png", PNG, None)
        .option("altText", json!(["one", "two"]));
    assert_eq!(delivery.problems(&world), [""; 0]);
    delivery.publish(&world).await;
    let there = publications(&world).await;
    assert_eq!(there[0]["mediaCount"], 2);
    let images = &there[0]["details"]["record"]["embed"]["images"];
    assert_eq!((&images[0]["alt"], &images[1]["alt"]), (&json!("one"), &json!("two")));
    assert_eq!(images[0]["aspectRatio"], json!({"width": 1, "height": 1}));
    assert_eq!(images[1].get("aspectRatio"), None);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_small_video_goes_to_the_accounts_own_server() {
    let (world, tokens) = consented().await;
    // More than is held in memory, so it is streamed.
    let file = mp4(9 * 1024 * 1024);
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "a film")
        .with(MediaKind::Video, "video/mp4", &file, Some((1920, 1080)))
        .option("altText", json!("what it shows"));
    delivery.publish(&world).await;
    let embed = publications(&world).await[0]["details"]["record"]["embed"].clone();
    assert_eq!((&embed["$type"], &embed["alt"]), (&json!("app.bsky.embed.video"), &json!("what it shows")));
    assert_eq!(embed["aspectRatio"], json!({"width": 1920, "height": 1080}));
    assert_eq!(embed["video"]["size"], 9 * 1024 * 1024);
    let asked = world.requests().await;
    assert!(!asked.iter().any(|line| line.contains("uploadVideo")), "{asked:?}");
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_large_video_goes_to_the_video_service() {
    let (world, tokens) = consented().await;
    let file = mp4(53 * 1024 * 1024);
    let mut delivery =
        Delivery::new(&world, ALICE, &tokens, "a long film").with(MediaKind::Video, "video/mp4", &file, None);
    delivery.publish(&world).await;
    let there = publications(&world).await;
    assert_eq!(there[0]["details"]["record"]["embed"]["video"]["size"], 53 * 1024 * 1024);
    let asked = world.requests().await;
    assert!(asked.iter().any(|line| line.contains("getJobStatus")), "{asked:?}");
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_video_that_fails_in_processing_is_refused_and_sent_anew_next_time() {
    let (world, tokens) = consented().await;
    let file = mp4(53 * 1024 * 1024);
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "film").with(MediaKind::Video, "video/mp4", &file, None);
    fault(&world, "upload", json!({"kind": "fail_processing"})).await;
    let failure = harmless(failed(delivery.prepare(&world).await.unwrap_err()));
    assert_eq!(failure.kind, Kind::ContentRefused);
    assert!(failure.said.is_some(), "{failure:?}");
    delivery.progress = delivery.lease.kept.lock().unwrap().last().unwrap().clone();
    assert_eq!(delivery.progress.get("video.job"), None);
    delivery.publish(&world).await;
    assert_eq!(count(&world, "created").await, 1);
}

#[tokio::test]
async fn the_same_key_twice_is_one_record() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "once");
    let first = delivery.publish(&world).await;
    world.pass(SignedDuration::from_mins(90)).await;
    let renewed = tokens.clone().renewed_by(world.refresh(&tokens).await.unwrap());
    delivery.tokens = renewed;
    assert_eq!(delivery.submit(&world).await.unwrap(), first);
    assert_eq!(count(&world, "created").await, 1);
    assert_eq!(publications(&world).await.len(), 1);
    world.nothing_odd().await;
}

#[tokio::test]
async fn nothing_is_ever_overwritten() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "the first");
    let first = delivery.publish(&world).await;
    delivery.draft.text = "changed since".to_owned();
    let failure = delivery.submit(&world).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::Unknown));
    assert_eq!(delivery.found(&world).await.id, first.id);
    assert_eq!(publications(&world).await[0]["text"], "the first");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found() {
    for kind in ["drop_after", "truncate", "reject_after"] {
        let (world, tokens) = consented().await;
        let mut delivery = Delivery::new(&world, ALICE, &tokens, "there?");
        delivery.prepare(&world).await.unwrap();
        fault(&world, "submit", json!({"kind": kind, "status": 502})).await;
        let failure = delivery.submit(&world).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{kind}");
        let found = delivery.found(&world).await;
        assert_eq!(found.extra["cid"], publications(&world).await[0]["details"]["cid"].as_str().unwrap(), "{kind}");
        assert_eq!(count(&world, "created").await, 1, "{kind}");
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn what_never_arrived_is_absent_and_goes_out_once() {
    for fault_kind in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 500}), json!({"kind": "garbage"})] {
        let (world, tokens) = consented().await;
        let mut delivery = Delivery::new(&world, ALICE, &tokens, "gone");
        delivery.prepare(&world).await.unwrap();
        fault(&world, "submit", fault_kind.clone()).await;
        assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown, "{fault_kind}");
        delivery.absent(&world).await;
        delivery.publish(&world).await;
        assert_eq!(count(&world, "created").await, 1, "{fault_kind}");
    }
}

#[tokio::test]
async fn a_record_of_another_time_is_not_taken_for_ours() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "mine");
    delivery.publish(&world).await;
    let later = delivery.started_at.checked_add(SignedDuration::from_secs(1)).unwrap();
    delivery.progress = delivery.progress.with("at", later.to_string());
    assert!(matches!(delivery.find(&world).await, Found::Unclear));
}

#[tokio::test]
async fn a_thread_hangs_on_its_post() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "1/3").following(&["2/3 #two", "3/3"]);
    let post = delivery.publish(&world).await;
    let second = delivery.follow_up(&world, &post, &post, 0).await.unwrap();
    fault(&world, "comment", json!({"kind": "drop_after"})).await;
    let failure = delivery.follow_up(&world, &post, &second, 1).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let third = posted(delivery.find_follow_up(&world, &post, &second, 1).await);
    // The same follow-up again is the same record.
    assert_eq!(delivery.follow_up(&world, &post, &second, 1).await.unwrap().id, third.id);
    let there = publications(&world).await;
    let texts: Vec<&str> = there.iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["1/3", "2/3 #two", "3/3"]);
    let reply = &there[2]["details"]["record"]["reply"];
    assert_eq!(reply["root"], json!({"uri": post.id, "cid": post.extra["cid"]}));
    assert_eq!(reply["parent"], json!({"uri": second.id, "cid": second.extra["cid"]}));
    assert!(matches!(
        Delivery::new(&world, ALICE, &tokens, "1/3").find_follow_up(&world, &post, &third, 2).await,
        Found::Absent(_)
    ));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_reply_finds_out_what_it_replies_to() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "root").following(&["reply"]);
    let mut post = delivery.publish(&world).await;
    let cid = post.extra.remove("cid").unwrap();
    delivery.follow_up(&world, &post, &post, 0).await.unwrap();
    assert_eq!(publications(&world).await[1]["details"]["record"]["reply"]["root"]["cid"], cid);
}

#[tokio::test]
async fn refusals_leave_nothing_behind() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "refused");
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "rate_limit", "retryAfterSeconds": 77})).await;
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!((failure.kind, failure.retry_after.map(|wait| wait.as_secs())), (Kind::RateLimited, Some(77)));
    fault(&world, "submit", json!({"kind": "expire_token"})).await;
    assert_eq!(harmless(delivery.submit(&world).await.unwrap_err()).kind, Kind::TokenRejected);
    delivery.tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
    delivery.draft.text = "x".repeat(301);
    assert_eq!(delivery.problems(&world), ["too_long"]);
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!(failure.kind, Kind::ContentRefused);
    assert!(failure.said.is_some_and(|said| said.contains("301")));
    assert_eq!(count(&world, "created").await, 0);
    let without = world.consent(ALICE, &["atproto"]).await.unwrap().tokens;
    let mut delivery = Delivery::new(&world, ALICE, &without, "no right");
    delivery.prepare(&world).await.unwrap();
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("transition:generic")));
}

#[tokio::test]
async fn a_file_that_cannot_be_sent_leaves_nothing_behind() {
    let (world, tokens) = consented().await;
    for kind in ["drop", "drop_after", "garbage"] {
        let mut delivery =
            Delivery::new(&world, ALICE, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
        fault(&world, "upload", json!({"kind": kind})).await;
        let failure = harmless(failed(delivery.prepare(&world).await.unwrap_err()));
        assert_eq!(failure.kind, Kind::ProviderDown, "{kind}");
        delivery.prepare(&world).await.unwrap();
    }
    let large = vec![0; 2_000_001];
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "huge").with(MediaKind::Image, "image/png", &large, None);
    assert_eq!(delivery.problems(&world), ["file_too_large"]);
    assert_eq!(harmless(failed(delivery.prepare(&world).await.unwrap_err())).kind, Kind::ContentRefused);
    assert_eq!(count(&world, "submissions").await, 0);
}

#[tokio::test]
async fn a_file_that_waited_too_long_is_sent_again() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
    delivery.prepare(&world).await.unwrap();
    delivery.prepare(&world).await.unwrap();
    assert_eq!(world.get("uploads").await.as_array().unwrap().len(), 1);
    let before = delivery.progress.get("blob.0").unwrap().to_owned();
    world.pass(SignedDuration::from_mins(11)).await;
    delivery.prepare(&world).await.unwrap();
    assert_eq!(delivery.progress.get("blob.0"), Some(before.as_str()), "the same bytes are the same blob");
    let sent = world.requests().await.into_iter().filter(|line| line.ends_with("uploadBlob")).count();
    assert_eq!(sent, 2);
    delivery.submit(&world).await.unwrap();
}

#[tokio::test]
async fn whoever_has_lost_the_row_sends_nothing() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
    delivery.lease.lost = true;
    assert!(matches!(delivery.prepare(&world).await, Err(Stop::Lost)));
    assert!(!world.requests().await.iter().any(|line| line.contains("uploadBlob")));
}

#[tokio::test]
async fn a_deleted_post_is_gone_and_deleting_twice_is_fine() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "short-lived");
    let post = delivery.publish(&world).await;
    delivery.delete(&world, &post).await.unwrap();
    delivery.delete(&world, &post).await.unwrap();
    delivery.absent(&world).await;
    assert_eq!(publications(&world).await[0]["state"], "deleted");
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_outage_of_the_search_says_nothing_about_the_post() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "there");
    delivery.publish(&world).await;
    for kind in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 503}), json!({"kind": "garbage"})] {
        world.fault("getRecord", kind.clone()).await;
        let failure = publish(&world).find(&world.cx(), &delivery.job()).await.unwrap_err();
        assert_eq!(failure.kind, Kind::ProviderDown, "{kind}");
    }
    delivery.found(&world).await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let (world, tokens) = consented().await;
    let check = |delivery: Delivery| delivery.problems(&world);
    let new = |text: &str| Delivery::new(&world, ALICE, &tokens, text);
    assert_eq!(check(new(&"👨‍👩‍👧‍👦".repeat(120))), [""; 0], "120 graphemes, 3,000 bytes");
    assert_eq!(check(new(&"👨‍👩‍👧‍👦".repeat(121))), ["too_long"], "121 graphemes, 3,025 bytes");
    assert_eq!(check(new(&format!("{}   ", "x".repeat(300)))), [""; 0]);
    assert_eq!(check(new("")), ["text_required"]);
    assert_eq!(
        check(
            new(&"x".repeat(301))
                .option("langs", json!(["nonsense language"]))
                .option("altText", json!(["of nothing"]))
                .option("colour", json!("red"))
        ),
        ["too_long", "unknown_option", "option_invalid", "option_invalid"]
    );
    let pictures = |n: usize| (0..n).fold(new("x"), |d, _| d.with(MediaKind::Image, "image/png", PNG, None));
    assert_eq!(check(pictures(5)), ["too_many_files"]);
    assert_eq!(check(pictures(2).option("altText", json!("one"))), ["alt_text_of_first"]);
    assert_eq!(check(pictures(1).with(MediaKind::Video, "video/mp4", &mp4(99), None)), ["mixed_media"]);
}
