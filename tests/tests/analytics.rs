//! Figures over time: looks by the age of posts, courses, sums and what is made of them, against the closed form of the
//! world's growing accounts.

mod analytics_support;

use analytics_support::{Law, grown, staff, sweep};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use serde_json::json;

#[tokio::test]
async fn looks_follow_the_age_of_posts_and_each_sees_what_the_platform_shows() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let id = admin.connect("ann", "MASTODON", "growing@mastodon.example").await?;
    admin.done("ann", &id).await?;
    sweep(&stack).await?;
    let rows = Rows::of(&stack).await?.of_partition(&format!("w#agency#c#{id}"), "look#").await?;
    assert_eq!(rows.len(), 40, "every post of the last 90 days has its first look");
    let law = Law::of(&stack, "MASTODON", "growing@mastodon.example").await?;
    for row in &rows {
        let sk = row["sk"]["S"].as_str().unwrap_or_default();
        let post = law.post(sk.rsplit('#').next().unwrap_or_default());
        let seen: serde_json::Value = serde_json::from_str(row["looks"]["S"].as_str().unwrap_or_default())?;
        let at = seen[0]["t"].as_i64().unwrap_or_default();
        let likes = grown(post["likes"].as_u64().unwrap_or_default(), at - law.posted(post));
        assert_eq!(seen[0]["m"]["likes"], json!(likes), "{sk}");
        assert_eq!(seen[0]["m"].get("views"), None, "a figure that is not offered is not stored");
    }
    assert_eq!(stack.world.look("/unexpected").await?, json!([]));
    Ok(())
}
