//! Publishing on LinkedIn against the simulated platform: as a member, whose posts cannot be listed, and as a page.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[path = "support/delivery.rs"]
#[allow(dead_code, reason = "every test file uses its part")]
mod delivery;
#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use delivery::{Delivery, draft, setting};
use domain::content::MediaKind;
use domain::{Effect, Kind, Platform, Secret, TokenSet};
use platforms::AppCredentials;
use platforms::publish::{Found, Limits, PostRef, Proof, Stop};
use serde_json::{Value, json};
use support::World;

const MEMBER: &str = "ann-lee";
const PAGE: &str = "ann-lee-inc";
const PHOTO: &str = "https://media.example/cup.jpg";
/// Three parts of four megabytes and a rest.
const VIDEO: &str = "https://media.example/swan.mp4?bytes=13000000";

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::LINKEDIN_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::LINKEDIN_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Linkedin, app).await
}

async fn member<'a>(world: &'a World, text: &str, urls: &[&str], options: Value) -> Delivery<'a> {
    Delivery::new(world, Platform::Linkedin, MEMBER, draft(text, urls, options)).await
}

async fn page_tokens(world: &World) -> TokenSet {
    let issued = world.post(&format!("{}/issue-token", world.account_path(MEMBER)), json!({})).await;
    TokenSet {
        access: Secret::new(issued["accessToken"].as_str().unwrap()),
        refresh: None,
        expires_at: None,
        issued_at: world.now(),
        scopes: Vec::new(),
        extra: Default::default(),
    }
}

async fn page<'a>(world: &'a World, text: &str, urls: &[&str]) -> Delivery<'a> {
    let tokens = page_tokens(world).await;
    Delivery::with(world, Platform::Linkedin, PAGE, tokens, draft(text, urls, json!({}))).await
}

#[tokio::test]
async fn words_stand_as_they_were_written() {
    let world = world().await;
    let text = "50% (off) *now* for a_b & c\\d, #latte_art and #coffee; ask @ann <3 {x} [y] ~z|";
    let mut delivery = member(&world, text, &[], json!({"visibility": "CONNECTIONS"})).await;
    let post = delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!((&shown["id"], &shown["text"]), (&json!(post.id), &json!(text)));
    assert_eq!(shown["details"]["body"]["visibility"], "CONNECTIONS");
    assert_eq!(post.url, Some(format!("https://www.linkedin.com/feed/update/{}", post.id)));
    delivery.stands_once().await;
    world.nothing_odd().await;
}

#[tokio::test]
async fn files_go_out_byte_for_byte_as_member_and_as_page() {
    for urls in [&[PHOTO][..], &[VIDEO], &[PHOTO, "https://media.example/beans.jpg"]] {
        for as_page in [false, true] {
            let world = world().await;
            let mut delivery = match as_page {
                true => page(&world, "Swans", urls).await,
                false => member(&world, "Swans", urls, json!({"altText": ["A swan in milk"]})).await,
            };
            let post = delivery.deliver().await;
            let [shown] = &delivery.publications().await[..] else { panic!("one post") };
            assert_eq!((&shown["id"], &shown["mediaCount"]), (&json!(post.id), &json!(urls.len())));
            assert_eq!(shown["media"][0]["sha256"], delivery.sha256().await);
            assert_eq!(shown["media"][0]["altText"].as_str(), (!as_page).then_some("A swan in milk"));
            delivery.stands_once().await;
            world.nothing_odd().await;
        }
    }
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let world = world().await;
    let mut delivery = member(&world, "Swans", &[VIDEO], json!({})).await;
    delivery.fault_after("upload", 2, json!({"kind": "drop"})).await;
    delivery.prepare_failing().await;
    assert_eq!(delivery.progress.number("upload.next"), 2);
    assert!(delivery.progress.kept.values().all(|kept| !kept.contains("dms-uploads")), "addresses are secrets");
    delivery.fault("upload", json!({"kind": "drop_after"})).await;
    delivery.prepare_failing().await;
    delivery.deliver().await;
    let [shown] = &delivery.publications().await[..] else { panic!("one post") };
    assert_eq!(shown["media"][0]["bytes"], 13_000_000);
    assert!(delivery.progress.secret.is_empty(), "what is used up is not kept");
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_lost_row_stops_the_upload() {
    let world = world().await;
    let mut delivery = member(&world, "Swans", &[VIDEO], json!({})).await;
    *delivery.row.renewals_left.lock().unwrap() = Some(1);
    assert!(matches!(delivery.prepare().await, Err(Stop::Lost)));
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn addresses_that_ran_out_are_asked_for_again() {
    let world = world().await;
    let mut delivery = member(&world, "Swans", &[PHOTO], json!({})).await;
    delivery.fault("upload", json!({"kind": "reject", "status": 403})).await;
    delivery.deliver().await;
    delivery.stands_once().await;
    // Once, not for ever.
    let world = self::world().await;
    let mut delivery = member(&world, "Swans", &[PHOTO], json!({})).await;
    let order = json!({"operation": "upload", "times": 0, "fault": {"kind": "reject", "status": 403}});
    world.post("faults", order).await;
    assert_eq!(delivery.prepare_failing().await.kind, Kind::PermissionMissing);
}

#[tokio::test]
async fn an_upload_that_somebody_else_answered_for_is_sent_again_once() {
    for times in [1, 0] {
        let world = world().await;
        let mut delivery = page(&world, "Swans", &[PHOTO]).await;
        let order = json!({"operation": "upload", "times": times, "fault": {"kind": "garbage"}});
        world.post("faults", order).await;
        if times == 1 {
            delivery.deliver().await;
            delivery.stands_once().await;
        } else {
            assert_eq!(delivery.prepare_failing().await.kind, Kind::ProviderDown);
            delivery.stands_nowhere().await;
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_processed_is_refused() {
    let world = world().await;
    let mut delivery = member(&world, "Swans", &[VIDEO], json!({})).await;
    delivery.fault("finish", json!({"kind": "fail_processing"})).await;
    let failure = delivery.prepare_failing().await;
    assert_eq!((failure.kind, failure.code.as_deref()), (Kind::ContentRefused, Some("PROCESSING_FAILED")));
    delivery.stands_nowhere().await;
}

#[tokio::test]
async fn a_file_that_is_not_ready_yet_is_tried_later() {
    let world = world().await;
    // A member may not look at a picture, so the post may come too early.
    setting(&world, Platform::Linkedin, json!({"processingSeconds": 3600})).await;
    let mut delivery = member(&world, "Swans", &[PHOTO], json!({})).await;
    delivery.prepare().await.unwrap();
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied));
    assert!(failure.retry_after.is_some());
    world.pass(jiff::SignedDuration::from_hours(1)).await;
    delivery.deliver().await;
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_pages_lost_answer_is_found_and_nothing_goes_out_twice() {
    for (fault, urls) in [("drop_after", &[][..]), ("truncate", &[]), ("drop_after", &[PHOTO])] {
        let world = world().await;
        let mut delivery = page(&world, "50% (off) #coffee\nfor @ann", urls).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", json!({"kind": fault})).await;
        match delivery.submit().await {
            // An answer without a body cannot be cut off.
            Ok(_) => assert_eq!(fault, "truncate"),
            Err(Stop::Failed(failure)) => assert_eq!(failure.effect, Effect::Unknown, "{failure}"),
            Err(Stop::Lost) => panic!("nobody took the row"),
        }
        let Found::Published(post) = delivery.find().await.unwrap() else { panic!("it is there") };
        assert_eq!(post.id, delivery.publications().await[0]["id"]);
        delivery.stands_once().await;
        world.nothing_odd().await;
    }
}

#[tokio::test]
async fn what_never_arrived_on_a_page_is_absent_and_goes_out_once() {
    for fault in [json!({"kind": "drop"}), json!({"kind": "reject", "status": 503}), json!({"kind": "garbage"})] {
        let world = world().await;
        for age in [7200, 3600] {
            let older = json!({"text": "Hello", "ageSeconds": age});
            world.post(&format!("{}/posts", world.account_path(PAGE)), older).await;
        }
        let mut delivery = page(&world, "Hello", &[]).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault).await;
        delivery.submit_unknown().await;
        assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)), "an older post is not ours");
        delivery.deliver().await;
        delivery.stands_once().await;
    }
}

#[tokio::test]
async fn of_a_member_nobody_can_tell_until_a_person_has_it_sent_again() {
    let world = world().await;
    let mut delivery = member(&world, "Hello", &[], json!({})).await;
    assert_eq!(delivery.publish().proof(&delivery.job().account, &delivery.tokens), Proof::None);
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    let asked = world.requests().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::NoMeans));
    assert_eq!(world.requests().await, asked, "a look that cannot be is not taken");
    world.pass(jiff::SignedDuration::from_mins(5)).await;
    // The post that is named cannot be read, and could be one that is gone.
    let failure = delivery.submit_unknown().await;
    assert_eq!((failure.kind, failure.existing), (Kind::ProviderDown, None));
    assert_eq!(failure.code.as_deref(), Some("DUPLICATE_POST"));
    assert!(matches!(delivery.find().await.unwrap(), Found::NoMeans));
    // A person has it sent again, and is told by LinkedIn's own refusal that it is there.
    delivery.resent = true;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
    assert_eq!(failure.existing.as_deref(), delivery.publications().await[0]["id"].as_str());
    delivery.stands_once().await;
}

#[tokio::test]
async fn the_same_post_of_a_page_is_believed_when_it_is_read() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    world.pass(jiff::SignedDuration::from_mins(5)).await;
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
    assert_eq!(failure.existing.as_deref(), delivery.publications().await[0]["id"].as_str());
    delivery.stands_once().await;
}

#[tokio::test]
async fn the_same_post_that_cannot_be_asked_for_just_now_is_looked_for_again() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    world.pass(jiff::SignedDuration::from_mins(5)).await;
    let fault = json!({"kind": "reject", "status": 503});
    let down = json!({"method": "GET", "pathContains": "/rest/posts/", "times": 9, "fault": fault});
    world.post("faults", down).await;
    let failure = delivery.submit_unknown().await;
    assert_eq!((failure.kind, failure.existing.as_deref()), (Kind::ProviderDown, None));
    let Found::Published(found) = delivery.find().await.unwrap() else { panic!("it is there") };
    assert_eq!(delivery.publications().await[0]["id"], found.id);
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_short_page_that_names_a_next_one_is_not_the_last() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    // What may not be shown is left out of a page.
    let next = json!([{"rel": "next", "href": "/rest/posts?start=100", "type": "application/json"}]);
    let short = json!({"paging": {"start": 0, "count": 100, "links": next}, "elements": []});
    let once = json!({"kind": "reject", "status": 200, "body": short});
    world.fault("/rest/posts", once).await;
    // The simulated platform has no second page, so what is not on it is not there.
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
    let asked = world.requests().await;
    assert_eq!(asked.iter().filter(|asked| *asked == "GET /rest/posts").count(), 2, "{asked:#?}");
}

#[tokio::test]
async fn a_post_that_is_named_and_gone_is_left_to_a_person() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    let post = delivery.deliver().await;
    delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
    world.pass(jiff::SignedDuration::from_mins(5)).await;
    let failure = delivery.submit_unknown().await;
    assert_eq!((failure.kind, failure.existing), (Kind::ProviderDown, None));
    assert!(matches!(delivery.find().await.unwrap(), Found::Unclear));
    // Another post with the same words was never sent: it is simply refused.
    let mut other = page(&world, "Hello", &[]).await;
    other.prepare().await.unwrap();
    let failure = other.submit_failing().await;
    assert_eq!((failure.kind, failure.effect), (Kind::Duplicate, Effect::NotApplied));
    // What LinkedIn said of that submission says nothing about a later one.
    world.pass(jiff::SignedDuration::from_hours(72)).await;
    delivery.fault("submit", json!({"kind": "drop"})).await;
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Absent(_)));
}

#[tokio::test]
async fn a_tag_with_a_wide_sign_is_found_again() {
    let world = world().await;
    let mut delivery = page(&world, "珈琲 ＃コーヒー ＃ 50% #tea", &[]).await;
    delivery.prepare().await.unwrap();
    delivery.fault("submit", json!({"kind": "drop_after"})).await;
    delivery.submit_unknown().await;
    assert!(matches!(delivery.find().await.unwrap(), Found::Published(_)));
    delivery.stands_once().await;
}

#[tokio::test]
async fn a_pages_post_is_public_or_not_sent() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    delivery.draft.options.insert("visibility".to_owned(), json!("CONNECTIONS"));
    let failure = delivery.prepare_failing().await;
    assert_eq!(failure.kind, Kind::ContentRefused);
    assert!(failure.said.is_some_and(|said| said.contains("visibility")));
    delivery.draft.options.insert("visibility".to_owned(), json!("PUBLIC"));
    delivery.deliver().await;
    assert_eq!(delivery.publications().await[0]["details"]["body"]["visibility"], "PUBLIC");
}

#[tokio::test]
async fn a_gif_stands_among_other_images() {
    let world = world().await;
    let publish = world.adapter().publish.as_ref().unwrap();
    let limits = Limits::from(publish.facts());
    let mut mixed = draft("Swans", &[PHOTO, "https://media.example/swan.gif"], json!({}));
    (mixed.media[1].kind, mixed.media[1].mime) = (MediaKind::Gif, "image/gif".to_owned());
    assert_eq!(publish.problems(&mixed, &limits), []);
    mixed.media.push(draft("", &[VIDEO], json!({})).media.remove(0));
    let codes: Vec<_> = publish.problems(&mixed, &limits).into_iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["mixed_media"]);
}

#[tokio::test]
async fn refusals_are_told_apart_and_have_no_effect() {
    for (fault, kind) in [
        (json!({"kind": "rate_limit", "retryAfterSeconds": 60}), Kind::RateLimited),
        (json!({"kind": "expire_token"}), Kind::TokenRejected),
        (json!({"kind": "revoke_token"}), Kind::ReconnectNeeded),
        (json!({"kind": "reject", "status": 400}), Kind::ContentRefused),
        (json!({"kind": "reject", "status": 422}), Kind::ContentRefused),
        (json!({"kind": "reject", "status": 409}), Kind::ProviderDown),
        (json!({"kind": "reject", "status": 426}), Kind::AppRejected),
    ] {
        let world = world().await;
        let mut delivery = member(&world, "Hello", &[], json!({})).await;
        delivery.prepare().await.unwrap();
        delivery.fault("submit", fault.clone()).await;
        let failure = delivery.submit_failing().await;
        assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied), "{fault}: {failure}");
        delivery.stands_nowhere().await;
    }
    let world = world().await;
    let tokens = world.consent(MEMBER, &["openid", "profile"]).await.unwrap().tokens;
    let mut delivery = Delivery::with(&world, Platform::Linkedin, MEMBER, tokens, draft("Hello", &[], json!({}))).await;
    delivery.prepare().await.unwrap();
    let failure = delivery.submit_failing().await;
    assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some("w_member_social")));
}

#[tokio::test]
async fn a_first_comment_stands_under_the_post_and_is_found_under_a_pages() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    delivery.draft.follow_ups = vec!["More (here): a_b".to_owned()];
    let post = delivery.deliver().await;
    delivery.intent_at = Some(world.now());
    let absent = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(matches!(absent, Found::Absent(_)));
    delivery.fault("comment", json!({"kind": "drop_after"})).await;
    let failure = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(matches!(found, Found::Published(_)), "{found:?}");
    let all = delivery.publications().await;
    assert_eq!((&all[1]["text"], &all[1]["replyTo"]), (&json!("More (here): a_b"), &json!(post.id)));
    delivery.stands_once().await;
    world.nothing_odd().await;

    let world = self::world().await;
    let mut delivery = member(&world, "Hello", &[], json!({})).await;
    delivery.draft.follow_ups = vec!["More".to_owned()];
    let post = delivery.deliver().await;
    let comment = delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(!comment.id.is_empty());
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    assert!(matches!(found, Found::NoMeans));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_post_is_deleted_once_and_stays_deleted() {
    let world = world().await;
    let mut delivery = member(&world, "Hello", &[], json!({})).await;
    let post = delivery.deliver().await;
    for _ in 0..2 {
        delivery.publish().delete(&world.cx(), &delivery.job(), &post).await.unwrap();
    }
    assert_eq!(delivery.counts().await["deleted"], 1);
    let gone = PostRef { id: "urn:li:share:1".to_owned(), ..post };
    delivery.publish().delete(&world.cx(), &delivery.job(), &gone).await.unwrap();
    world.nothing_odd().await;
}

#[tokio::test]
async fn escapes_count() {
    let world = world().await;
    let publish = world.adapter().publish.as_ref().unwrap();
    let limits = Limits::from(publish.facts());
    assert_eq!((publish.length("a_b (c)", &limits), publish.length("#coffee", &limits)), (10, 7));
    let codes = |text: &str| -> Vec<String> {
        publish.problems(&draft(text, &[], json!({})), &limits).into_iter().map(|p| p.code).collect()
    };
    assert!(codes(&"(".repeat(1500)).is_empty());
    assert_eq!(codes(&"(".repeat(1501)), ["too_long"]);
}

#[tokio::test]
async fn a_comment_is_found_among_more_than_a_page_of_them() {
    let world = world().await;
    let mut delivery = page(&world, "Hello", &[]).await;
    let post = delivery.deliver().await;
    let write = async |delivery: &mut Delivery<'_>, text: &str| {
        delivery.draft.follow_ups = vec![text.to_owned()];
        delivery.publish().follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await
    };
    delivery.intent_at = Some(world.now());
    let ours = write(&mut delivery, "More").await.unwrap();
    for _ in 0..105 {
        write(&mut delivery, "Others").await.unwrap();
    }
    delivery.draft.follow_ups = vec!["More".to_owned()];
    let found = delivery.publish().find_follow_up(&world.cx(), &delivery.job(), &post, &post, 0).await.unwrap();
    let Found::Published(found) = found else { panic!("{found:?}") };
    assert_eq!(found.id, ours.id);
    world.nothing_odd().await;
}
