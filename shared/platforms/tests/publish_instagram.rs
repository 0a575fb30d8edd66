//! Publishing on Instagram against the simulated platform: every step, and every way in which its answer is lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use std::time::Duration;

use delivery::{Delivery, draft, setting};
use domain::{Effect, Kind, Platform, Secret};
use jiff::SignedDuration;
use platforms::AppCredentials;
use platforms::publish::Found;
use serde_json::{Value, json};
use support::World;

const IMAGE: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";
const HANDLE: &str = "ann.lee";

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::INSTAGRAM_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::INSTAGRAM_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Instagram, app).await
}

async fn delivery<'a>(world: &'a World, urls: &[&str], options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Instagram, HANDLE, draft("New blend\n\n#coffee ", urls, options)).await
}

async fn image(world: &World) -> Delivery<'_> {
    delivery(world, &[IMAGE], json!({})).await
}

#[tokio::test]
async fn an_image_is_published_with_all_that_belongs_to_it() {
    let world = world().await;
    let mut delivery = delivery(&world, &[IMAGE], json!({"altText": "A cup", "collaborators": ["bob"]})).await;
    let post = delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!(shown["id"], post.id);
    assert_eq!(shown["url"].as_str(), post.url.as_deref());
    assert_eq!(shown["text"], "New blend\n\n#coffee ");
    assert_eq!((&shown["media"][0]["altText"], &shown["media"][0]["sourceUrl"]), (&json!("A cup"), &json!(IMAGE)));
    assert_eq!(shown["key"].as_str(), delivery.progress.get("container"));
    assert!(post.posted_at.is_some_and(|at| at >= delivery.intent_at.unwrap() - SignedDuration::from_secs(1)));
    let calls: Vec<_> = world.requests().await.into_iter().skip_while(|line| !line.ends_with("/media")).collect();
    // Container, its state, the quota, the post, its address.
    assert_eq!(calls.len(), 5, "{calls:?}");
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_reel_is_waited_for() {
    let world = world().await;
    setting(&world, Platform::Instagram, json!({"processingLooks": 4})).await;
    let mut delivery = delivery(&world, &[VIDEO], json!({"mediaType": "REELS", "shareToFeed": true})).await;
    let before = world.now();
    let post = delivery.deliver().await;
    assert!(world.now().duration_since(before) >= SignedDuration::from_secs(20));
    assert!(post.url.unwrap().contains("/reel/"));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_story_is_published_without_a_text() {
    let world = world().await;
    let mut delivery = delivery(&world, &[VIDEO], json!({"mediaType": "STORIES"})).await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one story") };
    assert_eq!((&shown["kind"], &shown["text"]), (&json!("story"), &json!("")));
    world.nothing_odd().await;
}

#[tokio::test]
async fn an_album_is_published_in_order_when_all_its_parts_are_ready() {
    let world = world().await;
    let urls = [IMAGE, VIDEO, "https://media.example/beans.jpg"];
    let mut delivery = delivery(&world, &urls, json!({"altText": "A cup"})).await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    let sources: Vec<_> = shown["media"].as_array().unwrap().iter().map(|m| m["sourceUrl"].as_str().unwrap()).collect();
    assert_eq!(sources, urls);
    assert_eq!(shown["media"][0]["altText"], "A cup");
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found() {
    let spam = json!({"error": {"message": "m", "type": "OAuthException", "code": 4, "error_subcode": 2_207_051}});
    for fault in [
        json!({"kind": "drop_after"}),
        json!({"kind": "truncate"}),
        json!({"kind": "reject_after", "status": 500}),
        // The platform speaks of spam, and the post is up.
        json!({"kind": "reject_after", "status": 400, "body": spam}),
    ] {
        let world = world().await;
        let mut delivery = image(&world).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        delivery.submit_unknown().await;
        let Found::Published(post) = delivery.find().await.unwrap() else { panic!("{fault}: it is there") };
        assert_eq!(delivery.publications().await[0]["id"], post.id);
        assert!(post.url.is_some());
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_story_whose_answer_was_lost_is_found_among_the_stories() {
    let world = world().await;
    let mut delivery = delivery(&world, &[IMAGE], json!({"mediaType": "STORIES"})).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    let Found::Published(post) = delivery.find().await.unwrap() else { panic!("it is there") };
    assert_eq!(delivery.publications().await[0]["id"], post.id);
    world.nothing_odd().await;
}

#[tokio::test]
async fn what_never_arrived_is_absent_and_goes_out_with_the_same_container() {
    for fault in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 503}), json!({"kind": "garbage"})] {
        let world = world().await;
        let mut delivery = image(&world).await;
        delivery.prepare().await.unwrap();
        let container = delivery.progress.get("container").unwrap().to_owned();
        delivery.fault("submit", fault).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
        delivery.deliver().await;
        assert_eq!(delivery.publications().await[0]["key"], container);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_second_submission_of_a_used_container_is_the_first_post() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    delivery.submit().await.unwrap();
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Published(_)));
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_post_that_the_lists_show_late_is_waited_for() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "index_lag", "seconds": 120})).await;
    // The address cannot be read yet; the post's id is known all the same.
    assert_eq!(delivery.submit().await.unwrap(), None);
    let post = delivery.settle().await.unwrap();
    assert_eq!(delivery.publications().await[0]["id"], post.id);
    assert!(post.url.is_some());
    delivery.stands_once().await;
}

#[tokio::test]
async fn an_expired_container_is_absent_and_another_one_is_made() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    world.pass(SignedDuration::from_hours(25)).await;
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    assert_eq!(delivery.progress.get("container"), None);
    delivery.deliver().await;
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_container_that_has_waited_for_too_long_is_made_again() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.fault("limits", json!({"kind": "reject", "status": 500})).await;
    delivery.prepare_failing().await;
    let first = delivery.progress.get("container").unwrap().to_owned();
    world.pass(SignedDuration::from_hours(25)).await;
    delivery.deliver().await;
    assert_ne!(delivery.progress.get("container"), Some(first.as_str()));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_published_container_is_a_post_even_where_no_list_shows_it() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "index_lag", "seconds": 7_200})).await;
    assert_eq!(delivery.submit().await.unwrap(), None);
    // The worker died before it could store the post's id.
    delivery.progress.kept.remove("media");
    assert!(matches!(delivery.find().await.unwrap(), Found::Processing { .. }));
    let post = delivery.settle().await.unwrap();
    assert_eq!((Some(post.id.as_str()), post.url), (delivery.progress.get("container"), None));
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_used_up_quota_waits_until_its_oldest_post_is_a_day_old() {
    let world = world().await;
    setting(&world, Platform::Instagram, json!({"quotaTotal": 1})).await;
    image(&world).await.deliver().await;
    world.pass(SignedDuration::from_hours(2)).await;
    let mut second = image(&world).await;
    let failure = second.prepare_failing().await;
    assert_eq!(failure.kind, Kind::RateLimited);
    let wait = failure.retry_after.unwrap();
    assert!(wait > Duration::from_secs(21 * 3600) && wait <= Duration::from_secs(22 * 3600 + 5), "{wait:?}");
    assert_eq!(
        failure.said.as_deref(),
        Some("The account has used all of the posts that Instagram lets apps publish: 1 in 24 hours.")
    );
    world.pass(SignedDuration::try_from(wait).unwrap()).await;
    second.deliver().await;
    assert_eq!(second.counts().await["created"], 2);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_quota_that_runs_out_at_the_last_moment_is_no_post() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "quota_exhausted"})).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::RateLimited, Effect::NotApplied));
    assert_eq!(failure.code.as_deref(), Some("9/2207042"));
}

#[tokio::test]
async fn an_image_that_instagram_refuses_is_told_in_its_own_words() {
    let world = world().await;
    for (url, code) in [
        ("https://media.example/cup.jpg?as=png", "36001/2207005"),
        ("https://media.example/cup.jpg?w=1000&h=2000", "36003/2207009"),
        ("https://media.example/cup.jpg?bytes=8388609", "36000/2207004"),
    ] {
        let mut delivery = delivery(&world, &[url], json!({})).await;
        let failure = delivery.prepare_failing().await;
        assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some(code)));
        assert!(failure.said.is_some());
        delivery.stands_nowhere().await;
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_fetched_is_told() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.fault("init", json!({"kind": "media_refused"})).await;
    let failure = delivery.prepare_failing().await;
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("9004/2207052")));
}

#[tokio::test]
async fn a_video_that_fails_in_processing_is_refused_with_the_reason() {
    let world = world().await;
    let mut delivery = delivery(&world, &[VIDEO], json!({})).await;
    delivery.fault("init", json!({"kind": "fail_processing", "reason": "2207026"})).await;
    let failure = delivery.prepare_failing().await;
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("2207026")));
    assert_eq!(delivery.progress.get("container"), None, "another attempt begins with another container");
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn a_container_that_fails_for_a_moment_is_made_again() {
    let world = world().await;
    let mut delivery = delivery(&world, &[IMAGE, VIDEO], json!({})).await;
    delivery.fault_after("init", 1, json!({"kind": "fail_processing", "reason": "2207053"})).await;
    delivery.deliver().await;
    delivery.stands_once().await;
    let containers =
        world.requests().await.into_iter().filter(|line| line.starts_with("POST") && line.ends_with("/media"));
    assert_eq!(containers.count(), 4, "two parts, one of them twice, and the album");
}

#[tokio::test]
async fn a_container_that_always_fails_is_given_up() {
    let world = world().await;
    let mut delivery = delivery(&world, &[VIDEO], json!({})).await;
    let fault = json!({"operation": "init", "times": 0, "fault": {"kind": "fail_processing", "reason": "2207053"}});
    world.post("faults", fault).await;
    assert_eq!(delivery.prepare_failing().await.kind, Kind::ProviderDown);
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn nothing_that_fails_before_the_post_leaves_one() {
    for operation in ["init", "status", "limits"] {
        for fault in [
            json!({"kind": "drop_after"}),
            json!({"kind": "reject", "status": 500}),
            json!({"kind": "rate_limit", "retryAfterSeconds": 120}),
        ] {
            let world = world().await;
            let mut delivery = image(&world).await;
            delivery.fault(operation, fault.clone()).await;
            let failure = delivery.prepare_failing().await;
            assert!(failure.may_pass(), "{operation} {fault}: {failure}");
            delivery.stands_nowhere().await;
            delivery.deliver().await;
            delivery.stands_once().await;
        }
    }
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let world = world().await;
    let tokens = world.consent(HANDLE, &["instagram_business_basic"]).await.unwrap().tokens;
    let draft = draft("Hi", &[IMAGE], json!({}));
    let mut delivery = Delivery::with(&world, Platform::Instagram, HANDLE, tokens, draft).await;
    let failure = delivery.prepare_failing().await;
    assert_eq!(failure.kind, Kind::PermissionMissing);
    assert_eq!(failure.scope.as_deref(), Some("instagram_business_content_publish"));
}

#[tokio::test]
async fn a_dead_token_asks_for_reconnect_and_nothing_is_out() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "revoke_token"})).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ReconnectNeeded, Effect::NotApplied));
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn a_first_comment_stands_once_even_where_its_answer_was_a_refusal() {
    let refused = json!({"error": {"message": "m", "type": "OAuthException", "code": 100}});
    for fault in [
        None,
        Some(json!({"kind": "drop_after"})),
        Some(json!({"kind": "reject_after", "status": 400, "body": refused})),
        Some(json!({"kind": "reject_after", "status": 500})),
    ] {
        let world = world().await;
        let mut delivery = image(&world).await;
        delivery.draft.follow_ups = vec!["More on our site".to_owned()];
        let post = delivery.deliver().await;
        if let Some(fault) = &fault {
            delivery.fault("comment", fault.clone()).await;
        }
        delivery.intent_at = Some(world.now());
        let written = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await;
        let comment = match (fault, written) {
            (None, written) => written.unwrap(),
            (Some(_), written) => {
                assert_eq!(written.unwrap_err().effect, Effect::Unknown);
                let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await;
                let Found::Published(comment) = found.unwrap() else { panic!("it is there") };
                comment
            }
        };
        let comments = world.get("publications?kind=comment").await;
        assert_eq!((comments.as_array().unwrap().len(), &comments[0]["id"]), (1, &json!(comment.id)));
        assert_eq!(comments[0]["text"], "More on our site");
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_comment_that_never_arrived_is_absent() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.draft.follow_ups = vec!["More on our site".to_owned()];
    let post = delivery.deliver().await;
    delivery.fault("comment", json!({"kind": "drop"})).await;
    let failure = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(matches!(found, Found::Absent(_)));
    delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert_eq!(delivery.counts().await["comments"], 1);
}

#[tokio::test]
async fn another_post_with_another_text_is_not_taken_for_ours() {
    let world = world().await;
    let mut delivery = image(&world).await;
    delivery.prepare().await.unwrap();
    world.post("accounts/INSTAGRAM/ann.lee/posts", json!({"text": "New blends"})).await;
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    let Found::Published(post) = delivery.find().await.unwrap() else { panic!("it is there") };
    let ours = delivery.publications().await.into_iter().find(|shown| shown["elsewhere"] == json!(false)).unwrap();
    assert_eq!(ours["id"], post.id);
}
