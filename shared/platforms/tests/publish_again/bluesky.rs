//! The time and the key of a record: fresh while nothing can stand under the key, and never changed after that.

use domain::content::MediaKind;
use domain::{Effect, Platform, TokenSet};
use jiff::{SignedDuration, Timestamp};
use platforms::AppCredentials;
use serde_json::json;

use crate::delivering::{Delivery, PNG, count, failed, fault, publications};
use crate::support::World;

const ALICE: &str = "alice.bsky.social";

async fn consented() -> (World, TokenSet) {
    let app = AppCredentials {
        client_id: "https://herald.example/client-metadata.json".to_owned(),
        ..AppCredentials::default()
    };
    let world = World::new(Platform::Bluesky, app).await;
    let tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
    (world, tokens)
}

/// Two hours later, with a living token.
async fn two_hours_later(world: &World, delivery: &mut Delivery) {
    world.pass(SignedDuration::from_hours(2)).await;
    delivery.tokens = world.consent(ALICE, &[]).await.unwrap().tokens;
}

async fn record_time(world: &World) -> Timestamp {
    publications(world).await[0]["details"]["record"]["createdAt"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_attempt_after_one_that_sent_nothing_has_a_time_of_its_own() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "picture").with(MediaKind::Image, "image/png", PNG, None);
    fault(&world, "upload", json!({"kind": "reject", "status": 500})).await;
    failed(delivery.prepare(&world).await.unwrap_err());
    two_hours_later(&world, &mut delivery).await;
    let begun = world.now();
    delivery.publish(&world).await;
    assert!(record_time(&world).await >= begun);
    assert_eq!(count(&world, "created").await, 1);
}

#[tokio::test]
async fn a_refusal_of_what_was_taken_makes_no_second_record_however_late_it_is_tried_again() {
    for status in [400, 429] {
        let (world, tokens) = consented().await;
        let mut delivery = Delivery::new(&world, ALICE, &tokens, "later");
        // The submission begins long after the work began: the key is of its own time.
        delivery.started_at = world.now() - SignedDuration::from_mins(10);
        delivery.prepare(&world).await.unwrap();
        // The first call only brings the nonce.
        let lie = json!({"operation": "submit", "skip": 1, "fault": {"kind": "reject_after", "status": status}});
        world.post("faults", lie).await;
        delivery.submit(&world).await.unwrap_err();
        assert!(delivery.found(&world).await.id.contains("app.bsky.feed.post"), "{status}");
        two_hours_later(&world, &mut delivery).await;
        delivery.publish(&world).await;
        assert_eq!(count(&world, "created").await, 1, "{status}");
    }
}

#[tokio::test]
async fn an_attempt_after_proven_absence_has_a_time_of_its_own() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "absent").following(&["and on"]);
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "drop"})).await;
    assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown);
    two_hours_later(&world, &mut delivery).await;
    delivery.absent(&world).await;
    let begun = world.now();
    let post = delivery.publish(&world).await;
    assert!(record_time(&world).await >= begun);
    // What follows is later than the post.
    let second = delivery.follow_up(&world, &post, &post, 0).await.unwrap();
    assert!(second.posted_at > post.posted_at);
    assert_eq!(count(&world, "created").await, 1);
}

#[tokio::test]
async fn a_key_under_which_the_post_may_stand_is_kept_whatever_comes_between() {
    let (world, tokens) = consented().await;
    let mut delivery = Delivery::new(&world, ALICE, &tokens, "there");
    delivery.prepare(&world).await.unwrap();
    let key = delivery.progress.get("rkey").unwrap().to_owned();
    fault(&world, "submit", json!({"kind": "drop_after"})).await;
    assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::Unknown);
    // A person has it sent again without a look: first it is refused, then it goes through.
    two_hours_later(&world, &mut delivery).await;
    delivery.prepare(&world).await.unwrap();
    fault(&world, "submit", json!({"kind": "rate_limit", "retryAfterSeconds": 77})).await;
    assert_eq!(delivery.submit(&world).await.unwrap_err().effect, Effect::NotApplied);
    delivery.restore();
    let post = delivery.publish(&world).await;
    assert!(post.id.ends_with(&key), "{post:?}");
    assert_eq!(count(&world, "created").await, 1);
}
