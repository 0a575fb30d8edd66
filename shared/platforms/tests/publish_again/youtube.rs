//! A slow upload: the waits are counted from its last byte.

use std::time::Duration;

use domain::{Kind, Platform};
use jiff::SignedDuration;
use platforms::publish::{Found, Looked};
use serde_json::json;

use crate::delivery::{Delivery, draft};
use crate::support::World;
use crate::world;

const VIDEO: &str = "https://media.example/swan.mp4?bytes=20000000";

/// A delivery whose upload took `minutes` from its intent on.
async fn slow(world: &World, minutes: i64) -> Delivery<'_> {
    let mut delivery = Delivery::new(world, Platform::Youtube, "annlee", draft("Swans", &[VIDEO], json!({}))).await;
    delivery.prepare().await.unwrap();
    delivery.first_intent_at = Some(world.now() - SignedDuration::from_mins(minutes));
    delivery
}

async fn look(delivery: &Delivery<'_>) -> Looked {
    delivery.publish().look(&delivery.world.cx(), &delivery.job()).await.unwrap()
}

#[tokio::test]
async fn a_slow_upload_is_not_called_deleted_at_its_first_look() {
    let world = world(Platform::Youtube).await;
    let mut delivery = slow(&world, 20).await;
    assert_eq!(delivery.submit().await.unwrap(), None);
    delivery.intent_at = delivery.first_intent_at;
    let unseen = json!({"kind": "reject", "status": 200, "body": {"kind": "youtube#videoListResponse", "items": []}});
    delivery.fault("status", unseen.clone()).await;
    assert!(matches!(look(&delivery).await, Looked::Processing { .. }));
    // Ten minutes after its last byte it would be there.
    world.pass(SignedDuration::from_mins(11)).await;
    delivery.fault("status", unseen).await;
    assert!(matches!(look(&delivery).await, Looked::Gone(_)));
}

#[tokio::test]
async fn a_slow_upload_whose_end_is_unknown_is_waited_for_before_it_is_absent() {
    let world = world(Platform::Youtube).await;
    let mut delivery = slow(&world, 20).await;
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    delivery.intent_at = delivery.first_intent_at;
    let gone = json!({"kind": "reject", "status": 404});
    delivery.fault("status", gone.clone()).await;
    let failure = delivery.find().await.unwrap_err();
    assert_eq!((failure.kind, failure.retry_after), (Kind::ProviderDown, Some(Duration::from_secs(60))));
    world.pass(SignedDuration::from_mins(12)).await;
    delivery.fault("status", gone).await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
}

#[tokio::test]
async fn a_video_that_is_processed_for_long_is_out_a_day_after_its_last_byte() {
    let world = world(Platform::Youtube).await;
    let mut delivery = slow(&world, 23 * 60).await;
    assert_eq!(delivery.submit().await.unwrap(), None);
    delivery.intent_at = delivery.first_intent_at;
    world.pass(SignedDuration::from_hours(2)).await;
    let renewed = world.refresh(&delivery.tokens).await.unwrap();
    delivery.tokens = delivery.tokens.clone().renewed_by(renewed);
    let body = json!({"items": [{"id": "a", "status": {"uploadStatus": "uploaded"}}]});
    delivery.fault("status", json!({"kind": "reject", "status": 200, "body": body})).await;
    assert!(matches!(look(&delivery).await, Looked::Processing { .. }));
}

#[tokio::test]
async fn a_session_that_has_every_byte_and_names_no_video_is_asked_again() {
    let world = world(Platform::Youtube).await;
    let mut delivery = slow(&world, 1).await;
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    let whole = json!({"kind": "reject", "status": 308, "headers": {"range": "bytes=0-19999999"}});
    delivery.fault("status", whole).await;
    let failure = delivery.find().await.unwrap_err();
    assert_eq!(failure.kind, Kind::ProviderDown);
    assert!(failure.said.is_some_and(|said| said.contains("whole file")));
    assert!(matches!(delivery.find().await.unwrap(), Found::Processing { .. }), "the next look finds it");
}
