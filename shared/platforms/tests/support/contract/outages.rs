//! Facts about a platform that does not answer as it should.

use std::time::{Duration, Instant};

use domain::{Effect, Kind};
use platforms::Access;
use serde_json::json;

use crate::stands::Stand;
use crate::support::World;

pub async fn a_platform_that_is_away_may_come_back(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let access = Access::Token(&tokens);
    let profile = stand.look(world, &tokens).await.unwrap();
    for fault in [
        json!({"kind": "reject", "status": 500}),
        json!({"kind": "reject", "status": 503}),
        json!({"kind": "reject", "status": 504, "body": "<html>"}),
        json!({"kind": "drop"}),
        json!({"kind": "drop_after"}),
        json!({"kind": "garbage"}),
        json!({"kind": "truncate"}),
    ] {
        world.fault(stand.paths.profile, fault.clone()).await;
        let failure = stand.look(world, &tokens).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{fault}: {failure}");
        if !stand.has_history() {
            continue;
        }
        world.fault(stand.paths.posts, fault.clone()).await;
        let failure = world.publications(&profile, access, 1).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{fault}: {failure}");
    }
    assert_eq!(stand.look(world, &tokens).await.unwrap(), profile);
    assert_eq!(stand.has_history(), !world.publications(&profile, access, 1).await.unwrap().is_empty());
}

pub async fn a_rate_limit_says_how_long_to_wait(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let access = Access::Token(&tokens);
    let profile = stand.look(world, &tokens).await.unwrap();
    let (seconds, waits) = &stand.limit;
    let limit = json!({"kind": "rate_limit", "retryAfterSeconds": seconds});
    world.fault(stand.paths.profile, limit.clone()).await;
    let mut failures = vec![stand.look(world, &tokens).await.unwrap_err()];
    if stand.has_history() {
        world.fault(stand.paths.posts, limit).await;
        failures.push(world.publications(&profile, access, 1).await.unwrap_err());
    }
    for failure in failures {
        assert_eq!((failure.kind, failure.effect), (Kind::RateLimited, Effect::NotApplied), "{failure}");
        assert!(failure.retry_after.is_some_and(|wait| waits.contains(&wait.as_secs())), "{failure:?}");
    }
}

/// With a world of its own, because all platforms wait at the same time.
pub async fn an_answer_never_comes(stand: &'static Stand) {
    let world = stand.world().await;
    let tokens = stand.tokens(&world).await;
    world.fault(stand.paths.profile, json!({"kind": "hang"})).await;
    let asked = Instant::now();
    let failure = stand.look(&world, &tokens).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{failure}");
    assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", asked.elapsed());
    assert!(stand.look(&world, &tokens).await.is_ok(), "the next look finds an answer");
}
