//! Which of several equal posts is ours, and how far the lists are read.

use domain::Platform;
use jiff::SignedDuration;
use platforms::publish::{Found, PostRef};
use serde_json::{Value, json};

use crate::delivery::{Delivery, draft, setting};
use crate::support::World;
use crate::{elsewhere, world};

const TEXT: &str = "Swans";
const PHOTO: &str = "https://media.example/cup.jpg";
const VIDEO: &str = "https://media.example/swan.mp4";

struct Case {
    platform: Platform,
    handle: &'static str,
    urls: &'static [&'static str],
    options: Value,
    /// What makes a look depend on the list of posts.
    handle_gone: bool,
    /// More posts than the first page has.
    page: usize,
}

fn cases() -> Vec<Case> {
    let case =
        |platform, handle, urls, page| Case { platform, handle, urls, options: json!({}), handle_gone: false, page };
    vec![
        case(Platform::Twitter, "annlee", &[], 105),
        case(Platform::Linkedin, "ann-lee-inc", &[], 105),
        case(Platform::Instagram, "ann.lee", &[PHOTO], 55),
        Case {
            options: json!({"privacyLevel": "PUBLIC_TO_EVERYONE"}),
            ..case(Platform::Tiktok, "annlee", &[PHOTO], 25)
        },
        Case { handle_gone: true, ..case(Platform::Youtube, "annlee", &[VIDEO], 55) },
    ]
}

impl Case {
    async fn delivery<'a>(&self, world: &'a World) -> Delivery<'a> {
        let draft = draft(TEXT, self.urls, self.options.clone());
        let mut delivery = if self.platform == Platform::Linkedin {
            // A page's own token is its administrator's.
            let issued = world.post("accounts/LINKEDIN/ann-lee/issue-token", json!({})).await;
            let mut tokens = world.consent("ann-lee", &[]).await.unwrap().tokens;
            tokens.access = domain::Secret::new(issued["accessToken"].as_str().unwrap());
            tokens.scopes.clear();
            Delivery::with(world, self.platform, self.handle, tokens, draft).await
        } else {
            Delivery::new(world, self.platform, self.handle, draft).await
        };
        delivery.prepare().await.unwrap();
        delivery
    }

    /// Submits, and the answer is lost.
    async fn lose_answer(&self, delivery: &mut Delivery<'_>) {
        delivery.fault("submit", json!({"kind": "drop_after"})).await;
        delivery.submit_unknown().await;
        if self.platform == Platform::Instagram {
            // Without its container only the list shows it.
            delivery.fault("status", json!({"kind": "reject", "status": 404})).await;
        }
    }

    async fn find(&self, delivery: &mut Delivery<'_>) -> Found {
        if self.handle_gone {
            delivery.fault("status", json!({"kind": "reject", "status": 404})).await;
        }
        delivery.find().await.unwrap()
    }

    fn id(&self, found: Found) -> String {
        match found {
            Found::Published(PostRef { id, .. }) => id,
            Found::Processing { progress, .. } => progress.get("video").unwrap().to_owned(),
            other => panic!("{}: {other:?}", self.platform),
        }
    }
}

async fn ours(delivery: &Delivery<'_>) -> Value {
    let all = delivery.publications().await;
    all.into_iter().find(|post| post["elsewhere"] == json!(false)).unwrap()["id"].clone()
}

#[tokio::test]
async fn of_several_equal_posts_the_first_after_the_intent_is_ours() {
    for case in cases() {
        let world = world(case.platform).await;
        let mut delivery = case.delivery(&world).await;
        if matches!(case.platform, Platform::Twitter | Platform::Linkedin) {
            setting(&world, case.platform, json!({"duplicateSeconds": 1})).await;
        }
        // Just before it, where the clocks could differ.
        elsewhere(&world, case.handle, TEXT, 1, 40).await;
        case.lose_answer(&mut delivery).await;
        world.pass(SignedDuration::from_secs(30)).await;
        elsewhere(&world, case.handle, TEXT, 1, 0).await;
        let found = case.find(&mut delivery).await;
        assert_eq!(json!(case.id(found)), ours(&delivery).await, "{}", case.platform);
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn more_posts_than_a_page_has_do_not_hide_ours() {
    for case in cases() {
        let world = world(case.platform).await;
        let mut delivery = case.delivery(&world).await;
        case.lose_answer(&mut delivery).await;
        world.pass(SignedDuration::from_secs(5)).await;
        elsewhere(&world, case.handle, "Others", case.page, 0).await;
        let found = case.find(&mut delivery).await;
        assert_eq!(json!(case.id(found)), ours(&delivery).await, "{}", case.platform);
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn a_flood_of_other_posts_leaves_it_open() {
    for case in cases() {
        let world = world(case.platform).await;
        let mut delivery = case.delivery(&world).await;
        case.lose_answer(&mut delivery).await;
        // TikTok may fetch photos for an hour.
        let minutes = if case.platform == Platform::Tiktok { 80 } else { 20 };
        world.pass(SignedDuration::from_mins(minutes)).await;
        elsewhere(&world, case.handle, "Others", 5 * case.page, 0).await;
        assert!(matches!(case.find(&mut delivery).await, Found::Unclear), "{}", case.platform);
    }
}

#[tokio::test]
async fn a_first_submission_that_is_listed_late_is_found_after_the_second() {
    let world = world(Platform::Twitter).await;
    let case = cases().remove(0);
    let mut delivery = case.delivery(&world).await;
    setting(&world, Platform::Twitter, json!({"indexLagSeconds": 1_800})).await;
    case.lose_answer(&mut delivery).await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)), "the list is behind");
    world.pass(SignedDuration::from_mins(29)).await;
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    world.pass(SignedDuration::from_mins(2)).await;
    let found = case.find(&mut delivery).await;
    assert_eq!(json!(case.id(found)), ours(&delivery).await);
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_post_that_is_another_deliverys_is_not_taken_for_ours() {
    for case in cases() {
        let world = world(case.platform).await;
        let mut delivery = case.delivery(&world).await;
        // TikTok may fetch photos for an hour.
        let minutes = if case.platform == Platform::Tiktok { 80 } else { 20 };
        case.lose_answer(&mut delivery).await;
        world.pass(SignedDuration::from_mins(minutes)).await;
        delivery.not_ours = vec![ours(&delivery).await.as_str().unwrap().to_owned()];
        let found = case.find(&mut delivery).await;
        // TikTok's list proves no absence.
        let expected = if case.platform == Platform::Tiktok { "Unclear" } else { "Absent" };
        assert!(format!("{found:?}").starts_with(expected), "{}: {found:?}", case.platform);
    }
}
