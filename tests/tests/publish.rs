//! The main job of publishing: on each platform once, with what the platform shows equal to what was written.

use herald_tests::author::{self, STAGES, Stage};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

async fn staff(stack: &Stack) -> Result<Client> {
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    Ok(staff)
}

async fn reaches(name: &str) -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let stage = Stage::of(name);
    author::connect(&stack.world, &staff, "ann", stage).await?;
    let text = format!("Guten Morgen, {name} 👩‍👩‍👧‍👦 & <friends> — 5 < 6");
    let text = if name == "YOUTUBE" { text.replace(['<', '>'], "") } else { text };
    let id = author::publish(&staff, &stage.post("ann", &text)).await?;
    let post = author::until(&staff, &id, author::is(&["published", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    let delivery = &post["deliveries"][0];
    let there = author::published(&stack.world, stage, &text).await?;
    assert_eq!(there.len(), 1, "{there:#?}");
    assert_eq!(there[0]["submissions"], 1);
    let id_there = there[0]["id"].as_str().unwrap_or_default();
    // Telegram's judge names the chat before the message.
    let ours = delivery["platformPostId"].as_str().unwrap_or_default();
    assert!(!ours.is_empty() && (ours.contains(id_there) || id_there.ends_with(ours)), "{delivery} {id_there}");
    assert!(delivery["url"].is_string() || there[0]["url"].is_null(), "{delivery}");
    assert!(delivery["postedAt"].is_string() && post["postedAt"].is_string(), "{delivery}");
    assert_eq!(stack.world.look("/unexpected").await?, json!([]), "no call that a good client does not make");
    Ok(())
}

macro_rules! reaches {
    ($($fact:ident: $platform:literal),* $(,)?) => {$(
        #[tokio::test]
        async fn $fact() -> Result<()> {
            reaches($platform).await
        }
    )*};
}

reaches! {
    a_post_reaches_bluesky: "BLUESKY",
    a_post_reaches_mastodon: "MASTODON",
    a_post_reaches_instagram: "INSTAGRAM",
    a_post_reaches_youtube: "YOUTUBE",
    a_post_reaches_tiktok: "TIKTOK",
    a_post_reaches_x: "TWITTER",
    a_post_reaches_linkedin: "LINKEDIN",
    a_post_reaches_telegram: "TELEGRAM",
}

#[tokio::test]
async fn a_post_goes_to_several_accounts_and_tells_the_outside_once() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let stages = &STAGES[..2];
    for stage in stages {
        author::connect(&stack.world, &staff, "ann", *stage).await?;
    }
    let post = json!({
        "talentId": "ann", "content": "one text", "platforms": ["bluesky", "MASTODON"],
        "overrides": {"MASTODON": {"content": "another text"}}, "hashtags": ["coffee"],
    });
    let id = author::publish(&staff, &post).await?;
    let post = author::until(&staff, &id, author::is(&["published", "partial", "failed"])).await?;
    assert_eq!(post["status"], "published", "{post:#}");
    for (stage, text) in stages.iter().zip(["one text\n\n#coffee", "another text\n\n#coffee"]) {
        let there = author::published(&stack.world, *stage, text).await?;
        assert_eq!(there.len(), 1, "{} {there:#?}", stage.platform);
    }
    herald_tests::eventually::until("the event", async || Ok(!told(&stack, "post.published").await?.is_empty()))
        .await?;
    let told = told(&stack, "post.published").await?;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["detail"]["postId"], json!(id));
    Ok(())
}

async fn told(stack: &Stack, name: &str) -> Result<Vec<Value>> {
    let all = stack.client.get("/local/events").await?.expect(200).body["events"].clone();
    Ok(all.as_array().into_iter().flatten().filter(|event| event["detail-type"] == name).cloned().collect())
}

#[tokio::test]
async fn a_scheduled_post_waits_for_its_second_and_goes_out_then() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=315360000").await?);
    staff.talent("ann").await?;
    let stage = Stage::of("BLUESKY");
    author::connect(&stack.world, &staff, "ann", stage).await?;
    let now = stack.client.get("/local/clock").await?.body["now"].as_str().unwrap_or_default().to_owned();
    let now: jiff::Timestamp = now.parse()?;
    let at = now.checked_add(jiff::SignedDuration::from_hours(2))?.round(jiff::Unit::Second)?;
    let mut post = stage.post("ann", "in two hours");
    post["scheduledAt"] = json!(at.to_string());
    let reply = staff.post("/api/social/posts", &post).await?.expect(201);
    let id = reply.text_of("id").to_owned();
    assert_eq!(reply.body["status"], "scheduled");
    stack.pass(7_100).await?;
    let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
    // The account's token is renewed meanwhile; a lease that a jump of the clock ends would let a second worker do it too.
    herald_tests::eventually::until("nobody is at work", async || {
        let queues = stack.client.get("/local/queues").await?.expect(200).body;
        let busy = |queue: &Value| queue["waiting"] != 0 || queue["in_flight"] != 0;
        Ok(!queues.as_object().into_iter().flat_map(|all| all.values()).any(busy))
    })
    .await?;
    assert_eq!(author::published(&stack.world, stage, "in two hours").await?, Vec::<Value>::new(), "none early");
    stack.pass(90).await?;
    let post = author::within(&staff, &id, std::time::Duration::from_secs(25), author::is(&["published"])).await?;
    let posted: jiff::Timestamp = post["postedAt"].as_str().unwrap_or_default().parse()?;
    let late = at.duration_until(posted);
    assert!((0..30).contains(&late.as_secs()), "{at} {posted}");
    Ok(())
}
