//! Facts about obtaining consent.

use domain::{Kind, Secret};
use jiff::SignedDuration;
use platforms::{Finish, Pkce, Renewal, Start, Started};
use serde_json::json;
use url::Url;

use crate::stands::Stand;
use crate::support::{REDIRECT, World};

pub async fn a_consent_is_for_what_was_asked(stand: &Stand, world: &World) {
    let oauth = &stand.facts().oauth;
    let grant = world.consent(stand.handle, &[]).await.unwrap();
    let tokens = &grant.tokens;
    assert_eq!(stand.facts().missing_scopes(&tokens.scopes), Vec::<String>::new());
    assert!(!tokens.access.is_empty());
    assert_eq!(tokens.issued_at, world.now());
    // The world's clock goes on while ours stands still, so a life may be read a moment short.
    let life = tokens.expires_at.map(|end| end.duration_since(world.now()));
    assert_eq!(life.is_some(), oauth.access_life.is_some());
    if let (Some(life), Some(stated)) = (life, oauth.access_life) {
        assert!((stated - SignedDuration::from_secs(10)..=stated).contains(&life), "{life:?}");
    }
    let refreshes = matches!(oauth.renewal, Renewal::RefreshToken | Renewal::RotatingRefreshToken);
    assert_eq!(tokens.refresh.as_ref().is_some_and(|token| !token.is_empty()), refreshes);
    if let Some(id) = grant.platform_account_id {
        assert_eq!(
            id,
            stand.look(world, tokens).await.unwrap().external_id,
            "the grant and the profile are one account"
        );
    }
}

pub async fn the_consent_page_is_asked_as_the_facts_say(stand: &Stand, world: &World) {
    let facts = stand.facts();
    let (url, value) = {
        let started = start(stand, world).await;
        let pairs: Vec<(String, String)> = started.url.query_pairs().into_owned().collect();
        (started.url, move |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()))
    };
    assert_eq!(url.scheme(), "https");
    assert_eq!(value("response_type").as_deref(), Some("code"));
    assert_eq!(value("redirect_uri").as_deref(), Some(REDIRECT));
    assert_eq!(value("state").as_deref(), Some("state"));
    assert_eq!(value("scope"), Some(facts.scope_list()));
    let method = if facts.oauth.pkce == Pkce::S256 { Some("S256") } else { None };
    assert_eq!(value("code_challenge_method").as_deref(), method);
    assert_eq!(value("code_challenge").is_some(), method.is_some());
}

pub async fn what_a_person_left_out_is_known(stand: &Stand, world: &World) {
    let asked = stand.facts().oauth.scopes.iter().map(|scope| scope.name);
    let allowed: Vec<&str> = asked.filter(|scope| *scope != stand.optional_scope).collect();
    let tokens = world.consent(stand.handle, &allowed).await.unwrap().tokens;
    assert_eq!(stand.facts().missing_scopes(&tokens.scopes), [stand.optional_scope]);
}

pub async fn a_code_is_good_once(stand: &Stand, world: &World) {
    let started = start(stand, world).await;
    let (code, issuer) = allow(stand, world, &started).await;
    assert!(finish(world, &started, &code, issuer.as_deref()).await.is_ok());
    let refused = finish(world, &started, &code, issuer.as_deref()).await.unwrap_err();
    assert_eq!(refused, Kind::ReconnectNeeded);
}

/// A code that could not be exchanged may be spent or not; that is no refusal by the platform.
pub async fn a_code_of_an_unreachable_platform_is_not_refused(stand: &Stand, world: &World) {
    let started = start(stand, world).await;
    let (code, issuer) = allow(stand, world, &started).await;
    world.post("faults", json!({"method": "POST", "fault": {"kind": "reject", "status": 503}})).await;
    let failure = finish(world, &started, &code, issuer.as_deref()).await.unwrap_err();
    assert_eq!(failure, Kind::ProviderDown);
    assert!(finish(world, &started, &code, issuer.as_deref()).await.is_ok(), "the code was not spent");
}

async fn start(stand: &Stand, world: &World) -> Started {
    let (redirect_uri, state) = (Url::parse(REDIRECT).unwrap(), Secret::new("state"));
    let start = Start { redirect_uri: &redirect_uri, state: &state, handle: Some(stand.handle) };
    world.adapter().oauth.start(&world.cx(), &start).await.unwrap()
}

async fn allow(stand: &Stand, world: &World, started: &Started) -> (Secret, Option<String>) {
    let back = world.allow(&started.url, stand.handle, &[]).await;
    (Secret::new(back["code"].clone()), back.get("iss").cloned())
}

async fn finish(world: &World, started: &Started, code: &Secret, issuer: Option<&str>) -> Result<(), Kind> {
    let redirect_uri = Url::parse(REDIRECT).unwrap();
    let finish = Finish { redirect_uri: &redirect_uri, code, issuer, keep: &started.keep };
    let answered = world.adapter().oauth.finish(&world.cx(), &finish).await;
    answered.map(|_| ()).map_err(|failure| failure.kind)
}
