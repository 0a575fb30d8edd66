//! Facts about the life of tokens.

use domain::{Effect, Kind};
use jiff::SignedDuration;
use platforms::Renewal;
use serde_json::json;

use crate::stands::Stand;
use crate::support::World;

/// Old enough to be renewed on every platform.
const A_DAY_AND_MORE: SignedDuration = SignedDuration::from_hours(25);

pub async fn an_expired_token_is_refused(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.pass(tokens.expires_at.unwrap().duration_since(world.now()) + SignedDuration::from_secs(1)).await;
    let failure = stand.look(world, &tokens).await.unwrap_err();
    // What a refresh may heal is told apart from what only a person can.
    let wanted = match stand.facts().oauth.renewal {
        Renewal::RefreshToken | Renewal::RotatingRefreshToken => Kind::TokenRejected,
        Renewal::Exchange | Renewal::None => Kind::ReconnectNeeded,
    };
    assert_eq!(failure.kind, wanted, "{failure}");
}

pub async fn a_renewal_heals_an_expired_token(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.pass(tokens.expires_at.unwrap().duration_since(world.now()) + SignedDuration::from_secs(1)).await;
    assert!(stand.look_renewing(world, &tokens).await.is_ok());
}

pub async fn a_renewal_in_time_outlives_the_old_token(stand: &Stand, world: &World) {
    let old = stand.tokens(world).await;
    let end = old.expires_at.unwrap();
    world.pass(end.duration_since(world.now()) - stand.facts().oauth.renew_ahead).await;
    let new = old.clone().renewed_by(world.refresh(&old).await.unwrap());
    assert_ne!(new.access, old.access);
    assert_eq!(new.issued_at, world.now());
    assert!(new.expires_at.unwrap() > end);
    assert_eq!(new.scopes, old.scopes);
    world.pass(stand.facts().oauth.renew_ahead + SignedDuration::from_secs(1)).await;
    assert_eq!(stand.look(world, &new).await.unwrap().handle, stand.handle);
}

pub async fn a_renewal_can_follow_a_renewal(stand: &Stand, world: &World) {
    let mut tokens = stand.tokens(world).await;
    let rotates = stand.facts().oauth.renewal == Renewal::RotatingRefreshToken;
    for _ in 0..3 {
        world.pass(A_DAY_AND_MORE).await;
        let before = tokens.refresh.clone();
        let answer = world.refresh(&tokens).await.unwrap();
        tokens = tokens.renewed_by(answer);
        assert_eq!(tokens.refresh.is_some(), before.is_some(), "a refresh token is never lost");
        assert_eq!(tokens.refresh != before, rotates);
        assert!(stand.look(world, &tokens).await.is_ok());
    }
}

pub async fn a_replaced_refresh_token_is_dead(stand: &Stand, world: &World) {
    let old = stand.tokens(world).await;
    let new = old.clone().renewed_by(world.refresh(&old).await.unwrap());
    assert_ne!(new.refresh, old.refresh);
    assert_eq!(world.refresh(&old).await.unwrap_err().kind, Kind::ReconnectNeeded);
}

pub async fn a_withdrawn_consent_asks_for_reconnect(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.post(&format!("{}/revoke-tokens", world.account_path(stand.handle)), json!({})).await;
    let failure = stand.look_renewing(world, &tokens).await.unwrap_err();
    assert_eq!(failure.kind, Kind::ReconnectNeeded, "{failure}");
    world.pass(A_DAY_AND_MORE).await;
    assert_eq!(world.refresh(&tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
}

pub async fn an_outage_during_a_renewal_is_no_revocation(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.pass(A_DAY_AND_MORE).await;
    for fault in [
        json!({"kind": "drop"}),
        json!({"kind": "garbage"}),
        json!({"kind": "reject", "status": 500}),
        json!({"kind": "reject", "status": 503}),
    ] {
        world.fault(stand.paths.renewal, fault.clone()).await;
        let failure = world.refresh(&tokens).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{fault}: {failure}");
    }
    world.fault(stand.paths.renewal, json!({"kind": "rate_limit", "retryAfterSeconds": stand.limit.0})).await;
    let failure = world.refresh(&tokens).await.unwrap_err();
    assert_eq!(failure.kind, Kind::RateLimited, "{failure}");
    assert!(world.refresh(&tokens).await.is_ok(), "the refresh token is as good as before");
}

/// The new tokens may exist or not: only the platform knows, and it has not said that the consent is over.
pub async fn a_lost_answer_to_a_renewal_is_no_revocation(stand: &Stand, world: &World) {
    for fault in ["drop_after", "truncate"] {
        let tokens = stand.tokens(world).await;
        world.pass(A_DAY_AND_MORE).await;
        world.fault(stand.paths.renewal, json!({"kind": fault})).await;
        let failure = world.refresh(&tokens).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::Unknown), "{fault}: {failure}");
    }
}

pub async fn revoking_ends_the_consent_at_the_platform(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.revoke(&tokens).await.unwrap();
    let failure = stand.look_renewing(world, &tokens).await.unwrap_err();
    assert_eq!(failure.kind, Kind::ReconnectNeeded, "{failure}");
    world.revoke(&tokens).await.unwrap();
    // A connection that was forgotten for a while is removed in the same way.
    let tokens = stand.tokens(world).await;
    world.pass(A_DAY_AND_MORE).await;
    world.revoke(&tokens).await.unwrap();
    world.revoke(&tokens).await.unwrap();
    assert_eq!(stand.look_renewing(world, &tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
}

pub async fn an_outage_during_a_revocation_is_told(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.post("faults", json!({"pathContains": "revoke", "fault": {"kind": "reject", "status": 503}})).await;
    assert_eq!(world.revoke(&tokens).await.unwrap_err().kind, Kind::ProviderDown);
    assert!(stand.look(world, &tokens).await.is_ok());
    world.revoke(&tokens).await.unwrap();
}

pub async fn without_a_call_for_it_revoking_calls_nobody(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let asked = world.requests().await;
    world.revoke(&tokens).await.unwrap();
    assert_eq!(world.requests().await, asked);
}
