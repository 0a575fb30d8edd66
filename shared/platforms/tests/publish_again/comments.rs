//! First comments among many others, and among equal ones.

use domain::{Effect, Platform};
use jiff::SignedDuration;
use platforms::publish::{Found, PostRef};
use serde_json::json;

use crate::delivery::{Delivery, draft};
use crate::support::World;
use crate::world;

const PHOTO: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";

async fn published<'a>(world: &'a World, platform: Platform) -> (Delivery<'a>, PostRef) {
    let (handle, url) = match platform {
        Platform::Instagram => ("ann.lee", PHOTO),
        Platform::Youtube => ("annlee", VIDEO),
        other => panic!("{other} is not asked for here"),
    };
    let mut delivery = Delivery::new(world, platform, handle, draft("Swans", &[url], json!({}))).await;
    let post = delivery.deliver().await;
    (delivery, post)
}

async fn comment(delivery: &mut Delivery<'_>, post: &PostRef, text: &str) -> Result<PostRef, domain::Failure> {
    delivery.draft.follow_ups = vec![text.to_owned()];
    delivery.publish().follow_up(&delivery.world.cx(), &delivery.job(), post, post, 0).await
}

#[tokio::test]
async fn more_comments_than_a_page_has_do_not_hide_ours() {
    for (platform, others) in [(Platform::Instagram, 55), (Platform::Youtube, 105)] {
        let world = world(platform).await;
        let (mut delivery, post) = published(&world, platform).await;
        delivery.intent_at = Some(world.now());
        delivery.fault("comment", json!({"kind": "drop_after"})).await;
        assert_eq!(comment(&mut delivery, &post, "More on our site").await.unwrap_err().effect, Effect::Unknown);
        world.pass(SignedDuration::from_secs(5)).await;
        for _ in 0..others {
            comment(&mut delivery, &post, "Others").await.unwrap();
        }
        delivery.draft.follow_ups = vec!["More on our site".to_owned()];
        let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
        let Found::Published(found) = found else { panic!("{platform}: {found:?}") };
        assert_eq!(world.get("publications?kind=comment").await[0]["id"], json!(found.id), "{platform}");
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn of_several_equal_comments_the_first_after_the_intent_is_ours() {
    for platform in [Platform::Instagram, Platform::Youtube] {
        let world = world(platform).await;
        let (mut delivery, post) = published(&world, platform).await;
        delivery.intent_at = Some(world.now());
        let ours = comment(&mut delivery, &post, "More").await.unwrap();
        world.pass(SignedDuration::from_secs(30)).await;
        comment(&mut delivery, &post, "More").await.unwrap();
        let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
        let Found::Published(found) = found else { panic!("{platform}: {found:?}") };
        assert_eq!(found.id, ours.id, "{platform}");
    }
}
