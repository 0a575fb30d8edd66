//! What a doubt ends in when the platform shows less, or more, than the one post: never in a second one, never in a lost
//! one, and never in "failed" of what is live.

use std::time::Duration;

use herald_tests::author::{self, Stage};
use herald_tests::client::Client;
use herald_tests::eventually;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

async fn writer(stack: &Stack, stage: Stage) -> Result<Client> {
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    author::connect(&stack.world, &staff, "ann", stage).await?;
    Ok(staff)
}

/// Lets the stack's and the world's time pass, `seconds` at a time, until a post is as it shall be.
async fn in_time(
    stack: &Stack,
    staff: &Client,
    id: &str,
    seconds: i64,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    for _ in 0..120 {
        if let Ok(post) = author::within(staff, id, Duration::from_millis(400), &wanted).await {
            return Ok(post);
        }
        stack.pass(seconds).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    }
    Err(format!("not in time: {:#}", author::post(staff, id).await?.body).into())
}

/// Nothing more happens to the post by itself.
fn rests(post: &Value) -> bool {
    let delivery = &post["deliveries"][0];
    matches!(author::delivery(post), "published" | "failed" | "unconfirmed") && delivery["nextAttemptAt"].is_null()
}

fn id_there(post: &Value) -> &str {
    post["deliveries"][0]["platformPostId"].as_str().unwrap_or_default()
}

fn steps(post: &Value) -> String {
    post["deliveries"][0]["attempts"].to_string()
}

async fn fault(stack: &Stack, operation: &str, times: u32, fault: Value) -> Result<()> {
    stack.world.fault(json!({"operation": operation, "times": times, "fault": fault})).await
}

/// Two posts with the same words are two posts: the first was never taken, and the second stands where it would.
#[tokio::test]
async fn the_same_words_twice_are_two_posts_though_the_first_never_arrived() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("MASTODON");
    let staff = writer(&stack, stage).await?;
    fault(&stack, "submit", 1, json!({"kind": "drop"})).await?;
    let first = author::publish(&staff, &stage.post("ann", "Good morning")).await?;
    author::until(&staff, &first, |post| author::delivery(post) == "unconfirmed").await?;
    let second = author::publish(&staff, &stage.post("ann", "Good morning")).await?;
    let second = author::until(&staff, &second, rests).await?;
    let first = in_time(&stack, &staff, &first, 10, rests).await?;
    assert_eq!((author::delivery(&first), author::delivery(&second)), ("published", "published"), "{first:#}");
    assert!(steps(&first).contains("another delivery's"), "the second one's post was not met: {first:#}");
    assert_eq!(author::published(&stack.world, stage, "Good morning").await?.len(), 2);
    assert_ne!(id_there(&first), id_there(&second));
    Ok(())
}

/// The same, when the first finds the second's post before the second has its own answer: whoever comes later looks on.
#[tokio::test]
async fn a_post_that_was_taken_for_anothers_is_made_up_for() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("MASTODON");
    let staff = writer(&stack, stage).await?;
    fault(&stack, "submit", 1, json!({"kind": "drop"})).await?;
    let first = author::publish(&staff, &stage.post("ann", "Good night")).await?;
    author::until(&staff, &first, |post| author::delivery(post) == "unconfirmed").await?;
    fault(&stack, "submit", 1, json!({"kind": "delay_after", "ms": 6_000})).await?;
    let second = author::publish(&staff, &stage.post("ann", "Good night")).await?;
    eventually::until("the second is there", async || {
        Ok(author::published(&stack.world, stage, "Good night").await?.len() == 1)
    })
    .await?;
    let first = in_time(&stack, &staff, &first, 4, rests).await?;
    assert_eq!(
        author::published(&stack.world, stage, "Good night").await?.len(),
        1,
        "it took the second's for its own"
    );
    let second = in_time(&stack, &staff, &second, 10, rests).await?;
    assert_eq!((author::delivery(&first), author::delivery(&second)), ("published", "published"), "{second:#}");
    assert!(steps(&second).contains("another delivery's"), "{second:#}");
    assert_eq!(author::published(&stack.world, stage, "Good night").await?.len(), 2);
    assert_ne!(id_there(&first), id_there(&second));
    Ok(())
}

/// The same where a list is read only when the handle is gone: what a look finds there is found, and not answered.
#[tokio::test]
async fn the_same_words_twice_are_two_videos_though_the_session_of_the_second_is_lost() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("YOUTUBE");
    let staff = writer(&stack, stage).await?;
    let first = author::publish(&staff, &stage.post("ann", "Swans")).await?;
    author::until(&staff, &first, rests).await?;
    // The second is there, its answer is lost, and its session is gone.
    fault(&stack, "submit", 1, json!({"kind": "drop_after"})).await?;
    let gone = json!({"platform": "YOUTUBE", "method": "PUT", "operation": "status", "times": 1, "fault": {"kind": "reject", "status": 404}});
    stack.world.fault(gone).await?;
    let second = author::publish(&staff, &stage.post("ann", "Swans")).await?;
    let second = in_time(&stack, &staff, &second, 60, rests).await?;
    assert_eq!(author::delivery(&second), "published", "{second:#}");
    let there = author::published(&stack.world, stage, "Swans").await?;
    assert_eq!(there.len(), 2, "nothing was uploaded again: {second:#}");
    let first = author::post(&staff, &first).await?.body;
    assert_ne!(id_there(&first), id_there(&second));
    Ok(())
}

/// The account's statuses cannot be read, whatever was granted.
async fn unreadable(stack: &Stack) -> Result<()> {
    let refused =
        json!({"kind": "reject", "status": 403, "body": {"error": "This action is outside the authorized scopes"}});
    let order =
        json!({"platform": "MASTODON", "method": "GET", "pathContains": "/statuses", "times": 0, "fault": refused});
    stack.world.fault(order).await
}

#[tokio::test]
async fn where_nothing_can_be_read_the_key_makes_sending_again_safe() -> Result<()> {
    let stack = Stack::start().await?;
    let stage = Stage::of("MASTODON");
    let staff = writer(&stack, stage).await?;
    unreadable(&stack).await?;
    fault(&stack, "submit", 1, json!({"kind": "drop_after"})).await?;
    let id = author::publish(&staff, &stage.post("ann", "by its key")).await?;
    let post = in_time(&stack, &staff, &id, 10, rests).await?;
    assert_eq!(author::delivery(&post), "published", "{post:#}");
    let there = author::published(&stack.world, stage, "by its key").await?;
    assert_eq!((there.len(), &there[0]["id"]), (1, &json!(id_there(&post))));
    Ok(())
}

#[tokio::test]
async fn a_key_is_no_proof_so_what_is_refused_or_lost_after_it_is_left_to_a_person() -> Result<()> {
    let lost = json!({"kind": "drop_after"});
    let refused = json!({"kind": "reject", "status": 422, "body": {"error": "Validation failed"}});
    let busy = json!({"kind": "rate_limit", "retryAfterSeconds": 300});
    for (after, times) in [(&refused, 1), (&lost, 2), (&busy, 0)] {
        let stack = Stack::start().await?;
        let stage = Stage::of("MASTODON");
        let staff = writer(&stack, stage).await?;
        unreadable(&stack).await?;
        fault(&stack, "submit", 1, lost.clone()).await?;
        stack.world.fault(json!({"operation": "submit", "times": times, "fault": after})).await?;
        let mut post = stage.post("ann", "live all the same");
        post["lateAfterMinutes"] = json!(10);
        let id = author::publish(&staff, &post).await?;
        let post = in_time(&stack, &staff, &id, 60, rests).await?;
        assert_eq!(author::delivery(&post), "unconfirmed", "{after}: {post:#}");
        assert!(steps(&post).contains("sent again"), "{after}: {post:#}");
        assert_eq!(author::published(&stack.world, stage, "live all the same").await?.len(), 1, "{after}");
    }
    Ok(())
}

/// YouTube shows a video that it took no more. One such answer proves nothing.
#[tokio::test]
async fn a_video_is_called_deleted_when_two_looks_show_it_no_more() -> Result<()> {
    for heals in [true, false] {
        let stack = Stack::start().await?;
        let stage = Stage::of("YOUTUBE");
        let staff = writer(&stack, stage).await?;
        let nothing =
            json!({"kind": "reject", "status": 200, "body": {"kind": "youtube#videoListResponse", "items": []}});
        fault(&stack, "status", 0, nothing).await?;
        let id = author::publish(&staff, &stage.post("ann", "now you see it")).await?;
        let post =
            in_time(&stack, &staff, &id, 10, |post| rests(post) || steps(post).contains("looking once more")).await?;
        assert_eq!(author::delivery(&post), "processing", "{post:#}");
        if heals {
            stack.world.heal().await?;
        }
        let post = in_time(&stack, &staff, &id, 30, rests).await?;
        assert_eq!(author::delivery(&post), if heals { "published" } else { "failed" }, "{post:#}");
    }
    Ok(())
}
