//! Publishing on Mastodon, against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivering.rs"]
mod delivering;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use delivering::{Delivery, PNG, count, failed, fault, harmless, mp4, posted, publications, publish};
use domain::content::MediaKind;
use domain::{Effect, Kind, Platform, Secret, TokenSet};
use jiff::SignedDuration;
use platforms::publish::{Found, Proof, Stop};
use platforms::{Account, AppCredentials};
use serde_json::json;
use support::World;
use url::Url;

const ANN: &str = "ann@social.example.org";

/// A world, and the consent of `handle` in it.
async fn consented_by(handle: &str) -> (World, TokenSet) {
    let mut world = World::new(Platform::Mastodon, AppCredentials::default()).await;
    let host = handle.split_once('@').unwrap().1;
    let register = world.adapter().register.as_ref().unwrap();
    world.app = register.register(&world.cx(), host, &Url::parse(support::REDIRECT).unwrap()).await.unwrap();
    let tokens = world.consent(handle, &[]).await.unwrap().tokens;
    (world, tokens)
}

async fn consented() -> (World, TokenSet) {
    consented_by(ANN).await
}

/// A server that speaks the API and is not Mastodon.
async fn another_kind(world: &World) {
    let body = json!({"version": "4.0.0 (not true; really snac/2.75)", "configuration": {}});
    world
        .post(
            "faults",
            json!({"pathContains": "/instance", "times": 0, "fault": {"kind": "reject", "status": 200, "body": body}}),
        )
        .await;
}

#[tokio::test]
async fn a_text_is_a_status_with_its_options() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "  Hello & <world>\n\n\nmore #tag ")
        .option("visibility", json!("unlisted"))
        .option("spoilerText", json!("careful"))
        .option("sensitive", json!(true))
        .option("language", json!("en"));
    assert_eq!(delivery.problems(&world), [""; 0]);
    let post = delivery.publish(&world).await;
    assert!(post.url.as_ref().is_some_and(|url| url.ends_with(&post.id)), "{post:?}");
    let there = publications(&world).await;
    assert_eq!(there[0]["text"], "Hello & <world>\n\n\nmore #tag");
    assert_eq!(there[0]["details"]["sensitive"], true, "a text alone can be sensitive");
    assert_eq!((there[0]["id"].as_str(), there[0]["key"].as_str()), (Some(post.id.as_str()), Some("dlv_0000000001")));
    assert_eq!(delivery.found(&world).await, post);
    world.nothing_odd().await;
}

#[tokio::test]
async fn pictures_and_a_film_are_sent_first() {
    let (world, tokens) = consented().await;
    let mut pictures = Delivery::new(&world, ANN, &tokens, "two")
        .with(MediaKind::Image, "image/png", PNG, None)
        .with(MediaKind::Image, "image/png", PNG, None)
        .option("sensitive", json!(true));
    let post = pictures.publish(&world).await;
    assert_eq!(pictures.found(&world).await.id, post.id);
    let mut film = Delivery::new(&world, ANN, &tokens, "").with(MediaKind::Video, "video/mp4", &mp4(9 << 20), None);
    film.key = "dlv_film".to_owned();
    let steps = film.prepare(&world).await.unwrap();
    assert!(steps >= 3, "sent, looked at, ready: {steps}");
    let post = film.submit(&world).await.unwrap();
    assert_eq!(film.found(&world).await.id, post.id);
    let there = publications(&world).await;
    assert_eq!((there[0]["mediaCount"].as_u64(), there[1]["mediaCount"].as_u64()), (Some(2), Some(1)));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_film_that_fails_in_processing_is_refused_and_sent_anew_next_time() {
    let (world, tokens) = consented().await;
    let mut film = Delivery::new(&world, ANN, &tokens, "film").with(MediaKind::Video, "video/mp4", &mp4(999), None);
    fault(&world, "upload", json!({"kind": "fail_processing"})).await;
    assert_eq!(harmless(failed(film.prepare(&world).await.unwrap_err())).kind, Kind::ContentRefused);
    film.progress = film.lease.kept.lock().unwrap().last().unwrap().clone();
    film.publish(&world).await;
    assert_eq!(count(&world, "created").await, 1);
}

#[tokio::test]
async fn the_same_key_twice_is_one_status() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "once");
    let first = delivery.publish(&world).await;
    world.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(delivery.submit(&world).await.unwrap(), first);
    assert_eq!(count(&world, "created").await, 1);
    assert_eq!(count(&world, "repeats").await, 1);
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found() {
    for kind in ["drop_after", "truncate", "reject_after"] {
        let (world, tokens) = consented().await;
        let text = "See https://example.com/a?b=c&d=e @bob@other.example.org\n\nKo\u{308}ln \"quoted\" 👨‍👩‍👧‍👦";
        let mut delivery = Delivery::new(&world, ANN, &tokens, text);
        delivery.prepare(&world).await.unwrap();
        fault(&world, "submit", json!({"kind": kind, "status": 503})).await;
        let failure = delivery.submit(&world).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{kind}");
        world.pass(SignedDuration::from_secs(70)).await;
        let found = delivery.found(&world).await;
        assert_eq!(publications(&world).await[0]["id"], found.id, "{kind}");
        assert_eq!(count(&world, "created").await, 1, "{kind}");
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn what_never_arrived_is_absent_and_goes_out_once() {
    for fault_kind in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 500}), json!({"kind": "garbage"})] {
        let (world, tokens) = consented().await;
        let mut delivery = Delivery::new(&world, ANN, &tokens, "gone");
        delivery.prepare(&world).await.unwrap();
        fault(&world, "submit", fault_kind.clone()).await;
        assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown, "{fault_kind}");
        delivery.absent(&world).await;
        delivery.publish(&world).await;
        assert_eq!(count(&world, "created").await, 1, "{fault_kind}");
    }
}

#[tokio::test]
async fn another_post_is_not_taken_for_ours() {
    let (world, tokens) = consented().await;
    let posts = format!("{}/posts", world.account_path(ANN));
    // The same text, before the intent; another text, after it.
    world.post(&posts, json!({"text": "good morning", "ageSeconds": 3_600})).await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "good morning");
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "drop"})).await;
    delivery.submit(&world).await.unwrap_err();
    world.post(&posts, json!({"text": "Good morning!"})).await;
    assert!(
        matches!(delivery.find(&world).await, Found::SameKey),
        "the older one is ours if the server's clock is behind"
    );
    // The same text with a file is another post, too.
    let with = Delivery::new(&world, ANN, &tokens, "Good morning!").with(MediaKind::Image, "image/png", PNG, None);
    assert!(matches!(with.find(&world).await, Found::Absent(_)));
}

#[tokio::test]
async fn a_server_that_is_not_mastodon_is_read_with_more_care() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "hidden").option("visibility", json!("direct"));
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "drop"})).await;
    delivery.submit(&world).await.unwrap_err();
    delivery.absent(&world).await;
    another_kind(&world).await;
    assert!(matches!(delivery.find(&world).await, Found::Unclear), "not every server lists what few may see");
    delivery.draft.options.insert("visibility".to_owned(), json!("public"));
    delivery.absent(&world).await;
    // The answer of a server that has taken a text for markup, and does not tell what was written.
    let shown = json!([{"id": "1", "created_at": world.now(), "content": "<p><b>hidden</b>!</p>"}]);
    world.fault("/statuses", json!({"kind": "reject", "status": 200, "body": shown})).await;
    world.fault("/source", json!({"kind": "reject", "status": 404, "body": "<h1>404</h1>"})).await;
    assert!(matches!(delivery.find(&world).await, Found::Unclear));
}

#[tokio::test]
async fn a_server_that_ignores_the_key_is_looked_at_before_anything_is_sent_again() {
    let handle = "ann@snac.example.org";
    for lost in ["drop_after", "drop"] {
        let (world, tokens) = consented_by(handle).await;
        let mut delivery = Delivery::new(&world, handle, &tokens, "once, please");
        fault(&world, "submit", json!({"kind": lost})).await;
        assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown);
        match delivery.find(&world).await {
            Found::Published(post) => assert_eq!(publications(&world).await[0]["id"], post.id),
            Found::Absent(_) => drop(delivery.submit(&world).await.unwrap()),
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&world, "created").await, 1, "{lost}");
        delivery.submit(&world).await.unwrap();
        assert_eq!(count(&world, "created").await, 2, "the key does not help here");
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_behind_gets_no_second_status() {
    let (world, tokens) = consented_by("ann@snac.example.org").await;
    world.clock.advance(SignedDuration::from_mins(5));
    let mut delivery = Delivery::new(&world, "ann@snac.example.org", &tokens, "once, please");
    fault(&world, "submit", json!({"kind": "drop_after"})).await;
    assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown);
    assert!(matches!(delivery.find(&world).await, Found::Unclear), "it could be the one");
    assert_eq!(count(&world, "created").await, 1);
}

#[tokio::test]
async fn without_the_right_to_read_only_mastodons_key_can_tell() {
    let (world, _) = consented().await;
    let scopes = ["read:accounts", "write:statuses"];
    let tokens = world.consent(ANN, &scopes).await.unwrap().tokens;
    assert_eq!(publish(&world).proof(&Account { handle: ANN, platform_account_id: None }, &tokens), Proof::None);
    let mut delivery = Delivery::new(&world, ANN, &tokens, "unreadable");
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "drop_after"})).await;
    delivery.submit(&world).await.unwrap_err();
    assert!(matches!(delivery.find(&world).await, Found::SameKey), "nothing shows it, and the same key does no harm");
    delivery.submit(&world).await.unwrap();
    assert_eq!(count(&world, "created").await, 1);
    world.pass(SignedDuration::from_mins(51)).await;
    assert!(matches!(delivery.find(&world).await, Found::NoMeans), "the key may be forgotten");
    another_kind(&world).await;
    delivery.started_at = world.now();
    assert!(matches!(delivery.find(&world).await, Found::NoMeans), "a key that nobody keeps");
}

#[tokio::test]
async fn a_thread_hangs_on_its_post() {
    let (world, tokens) = consented().await;
    let mut delivery =
        Delivery::new(&world, ANN, &tokens, "1/3").following(&["2/3", "3/3"]).option("visibility", json!("private"));
    let post = delivery.publish(&world).await;
    let second = delivery.follow_up(&world, &post, &post, 0).await.unwrap();
    fault(&world, "comment", json!({"kind": "drop_after"})).await;
    assert_eq!(delivery.follow_up(&world, &post, &second, 1).await.unwrap_err().effect, Effect::Unknown);
    let third = posted(delivery.find_follow_up(&world, &post, &second, 1).await);
    // The same key again is the same status.
    assert_eq!(delivery.follow_up(&world, &post, &second, 1).await.unwrap().id, third.id);
    // The post is none of its own follow-ups, nor the other way round.
    assert_eq!(delivery.found(&world).await.id, post.id);
    let there = publications(&world).await;
    let seen: Vec<(&str, Option<&str>)> =
        there.iter().map(|one| (one["text"].as_str().unwrap(), one["replyTo"].as_str())).collect();
    assert_eq!(seen, [("1/3", None), ("2/3", Some(post.id.as_str())), ("3/3", Some(second.id.as_str()))]);
    assert_eq!(there[2]["key"], "dlv_0000000001#1");
    world.nothing_odd().await;
}

#[tokio::test]
async fn refusals_leave_nothing_behind() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "refused");
    fault(&world, "submit", json!({"kind": "rate_limit", "retryAfterSeconds": 90})).await;
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!(failure.kind, Kind::RateLimited);
    assert!(failure.retry_after.is_some_and(|wait| (80..=90).contains(&wait.as_secs())), "{failure:?}");
    delivery.draft.text = "x".repeat(501);
    assert_eq!(delivery.problems(&world), ["too_long"]);
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!(failure.kind, Kind::ContentRefused);
    assert!(failure.said.is_some_and(|said| said.contains("500")));
    let reader = world.consent(ANN, &["read:accounts", "read:statuses"]).await.unwrap().tokens;
    delivery.draft.text = "no right".to_owned();
    delivery.tokens = reader;
    let failure = harmless(delivery.submit(&world).await.unwrap_err());
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("write:statuses")));
    delivery.tokens.access = Secret::new("nobody's");
    assert_eq!(harmless(delivery.submit(&world).await.unwrap_err()).kind, Kind::ReconnectNeeded);
    assert_eq!(count(&world, "created").await, 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_sent_leaves_nothing_behind() {
    let (world, tokens) = consented().await;
    for kind in ["drop", "drop_after", "garbage"] {
        let mut delivery =
            Delivery::new(&world, ANN, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
        fault(&world, "upload", json!({"kind": kind})).await;
        assert_eq!(harmless(failed(delivery.prepare(&world).await.unwrap_err())).kind, Kind::ProviderDown, "{kind}");
        delivery.prepare(&world).await.unwrap();
    }
    let mut delivery = Delivery::new(&world, ANN, &tokens, "x").with(MediaKind::Image, "image/png", PNG, None);
    delivery.limits.max_image_bytes = Some(10);
    assert_eq!(delivery.problems(&world), ["file_too_large"]);
    assert_eq!(harmless(failed(delivery.prepare(&world).await.unwrap_err())).kind, Kind::ContentRefused);
    assert_eq!(count(&world, "submissions").await, 0);
}

#[tokio::test]
async fn whoever_has_lost_the_row_sends_nothing() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
    delivery.lease.lost = true;
    assert!(matches!(delivery.prepare(&world).await, Err(Stop::Lost)));
    assert!(!world.requests().await.iter().any(|line| line.contains("/media")));
}

#[tokio::test]
async fn a_deleted_post_is_gone_and_deleting_twice_is_fine() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ANN, &tokens, "short-lived");
    let post = delivery.publish(&world).await;
    delivery.delete(&world, &post).await.unwrap();
    delivery.delete(&world, &post).await.unwrap();
    delivery.absent(&world).await;
    world.fault("/statuses/", json!({"kind": "reject", "status": 404, "body": "<h1>404 Not Found</h1>"})).await;
    assert_eq!(delivery.delete(&world, &post).await.unwrap_err().kind, Kind::InvalidRequest);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_server_sets_its_own_limits() {
    let (world, tokens) = consented().await;
    let statuses = json!({"max_characters": 1000, "max_media_attachments": 6, "characters_reserved_per_url": 30});
    let body = json!({"version": "4.5.0", "configuration": {"statuses": statuses}});
    world.fault("/api/v2/instance", json!({"kind": "reject", "status": 200, "body": body})).await;
    let account = Account { handle: ANN, platform_account_id: None };
    let limits = publish(&world).limits(&world.cx(), &account).await.unwrap();
    assert_eq!((limits.text.max, limits.max_files, limits.link_length), (1_000, 6, Some(30)));
    let text = format!("{} https://example.com", "x".repeat(969));
    let mut delivery = Delivery::new(&world, ANN, &tokens, &text).following(&[&text]);
    delivery.limits = limits;
    assert_eq!(delivery.problems(&world), [""; 0]);
    for kind in [MediaKind::Image, MediaKind::Image, MediaKind::Image, MediaKind::Image, MediaKind::Gif] {
        let mime = if kind == MediaKind::Gif { "image/gif" } else { "image/png" };
        delivery = delivery.with(kind, mime, PNG, None);
    }
    assert_eq!(delivery.problems(&world), [""; 0], "pictures and animations share the server's number");
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_old_server_states_its_limits_the_old_way() {
    let (world, tokens) = consented_by("ann@old.example.org").await;
    let account = Account { handle: "ann@old.example.org", platform_account_id: None };
    let limits = publish(&world).limits(&world.cx(), &account).await.unwrap();
    assert_eq!((limits.text.max, limits.max_files), (500, 4));
    Delivery::new(&world, "ann@old.example.org", &tokens, "old").publish(&world).await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let (world, tokens) = consented().await;
    let check = |delivery: Delivery| delivery.problems(&world);
    let new = |text: &str| Delivery::new(&world, ANN, &tokens, text);
    let link = format!("{} https://example.com/{}", "x".repeat(476), "y".repeat(300));
    assert_eq!(check(new(&link)), [""; 0], "476 + 1 + 23");
    assert_eq!(check(new(&format!("x{link}"))), ["too_long"]);
    assert_eq!(check(new(&"x".repeat(495)).option("spoilerText", json!("careful"))), ["too_long"]);
    assert_eq!(
        check(new("x").option("visibility", json!("secret")).option("language", json!("English"))),
        ["option_invalid", "option_invalid"]
    );
    let film = || new("x").with(MediaKind::Video, "video/mp4", &mp4(99), None);
    assert_eq!(check(film().with(MediaKind::Image, "image/png", PNG, None)), ["mixed_media"]);
    assert_eq!(check(film().with(MediaKind::Video, "video/mp4", &mp4(99), None)), ["too_many_files"]);
    let pictures = (0..5).fold(new("x"), |d, _| d.with(MediaKind::Image, "image/png", PNG, None));
    assert_eq!(check(pictures), ["too_many_files"]);
}
