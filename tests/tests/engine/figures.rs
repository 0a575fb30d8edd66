//! What the alarms watch is told also when nothing else happens any more.

use herald_tests::consent;
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::{TALENT, fault, staff};

/// Every value of a metric that was written so far.
fn metric(stack: &Stack, name: &str) -> Result<Vec<Value>> {
    let log = std::fs::read_to_string(stack.data().join("herald.log"))?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter(|line| line.get("_aws").is_some() && line.get(name).is_some()).collect())
}

async fn counted(stack: &Stack, name: &str) -> Result<f64> {
    let _ = stack.control("/schedules/schedules.count_states", &json!({})).await?.expect(200);
    let last = metric(stack, name)?.last().and_then(|line| line[name].as_f64());
    last.ok_or_else(|| format!("no {name}").into())
}

#[tokio::test]
async fn a_sweep_that_has_stopped_is_told_by_the_age_of_the_data() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    assert!(
        counted(&stack, "DataAgeHours").await?.abs() < f64::EPSILON,
        "silence is a fault, so there is always a figure"
    );
    let id = staff.connect(TALENT, "BLUESKY", "old.bsky.social").await?;
    staff.done(TALENT, &id).await?;
    fault(&stack, json!({"kind": "workers_stopped"})).await?;
    assert!(counted(&stack, "DataAgeHours").await? < 0.1);
    stack.pass(50 * 3600).await?;
    let age = counted(&stack, "DataAgeHours").await?;
    assert!((50.0..50.1).contains(&age), "{age}");
    // An account that never had any data has waited for it.
    let waiting = staff.connect(TALENT, "BLUESKY", "new.bsky.social").await?;
    let _ = staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
    stack.pass(3600).await?;
    let age = counted(&stack, "DataAgeHours").await?;
    assert!((1.0..1.1).contains(&age), "{age}");
    fault(&stack, json!({"kind": "workers_stopped", "on": false})).await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{waiting}/sync")).await?.expect(202);
    assert_eq!(staff.done(TALENT, &waiting).await?["syncStatus"], "READY");
    assert!(counted(&stack, "DataAgeHours").await?.abs() < f64::EPSILON);
    Ok(())
}

#[tokio::test]
async fn a_disconnected_account_is_no_failed_sync_that_somebody_waits_for() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    for (n, handle) in ["missing-one.bsky.social", "missing-two.bsky.social"].into_iter().enumerate() {
        let id = staff.connect(TALENT, "BLUESKY", handle).await?;
        assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "ERROR");
        assert!((counted(&stack, "FailedSyncsWaiting").await? - 1.0).abs() < f64::EPSILON, "{n}");
        let _ = staff.post("/api/social/disconnect", &json!({"connectionId": id})).await?.expect(200);
        assert!(counted(&stack, "FailedSyncsWaiting").await?.abs() < f64::EPSILON, "{n}");
    }
    // Linked again, it counts again.
    let id = staff.connect(TALENT, "BLUESKY", "missing-one.bsky.social").await?;
    assert_eq!(staff.done(TALENT, &id).await?["syncStatus"], "ERROR");
    assert!((counted(&stack, "FailedSyncsWaiting").await? - 1.0).abs() < f64::EPSILON);
    Ok(())
}

#[tokio::test]
async fn failed_renewals_and_revocations_are_told_by_platform_and_in_total() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = staff(&stack).await?;
    let id = consent::link(&staff, TALENT, "TIKTOK", "renewer").await?;
    staff.done(TALENT, &id).await?;
    let _ = stack.world.control("/accounts/TIKTOK/renewer/revoke-tokens", &json!({})).await?.expect(200);
    stack.pass(24 * 3600).await?;
    let _ = staff.post_empty(&format!("/api/admin/socials/{id}/sync")).await?.expect(202);
    assert_eq!(staff.done(TALENT, &id).await?["syncErrorCode"], "token_expired");
    // A revocation that is refused for good is not tried again.
    let other = consent::link(&staff, TALENT, "TIKTOK", "leaver").await?;
    staff.done(TALENT, &other).await?;
    let refused = json!({"kind": "reject", "status": 401, "body": {"error": "invalid_client"}});
    stack.world.fault(json!({"pathContains": "/v2/oauth/revoke/", "times": 0, "fault": refused})).await?;
    let _ = staff.delete(&format!("/api/admin/socials/{other}")).await?.expect(200);
    until("the end of the erasure", async || Ok(!metric(&stack, "RevocationsFailed")?.is_empty())).await?;
    for name in ["RefreshFailures", "RevocationsFailed"] {
        let lines = metric(&stack, name)?;
        let dimensions = &lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!((dimensions, &lines[0]["platform"]), (&json!([["platform"], []]), &json!("TIKTOK")), "{name}");
    }
    Ok(())
}
