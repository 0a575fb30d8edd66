//! API keys.

use domain::{Role, Secret, SubjectId, TalentId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn wanted(role: Role, talent: Option<&str>) -> NewApiKey {
    NewApiKey {
        workspace: WorkspaceId::parse("acme").unwrap(),
        role,
        talent: talent.map(|talent| TalentId::parse(talent).unwrap()),
        name: "ci".to_owned(),
        expires_at: Some(at(3600)),
        created_by: SubjectId::parse("staff-1").unwrap(),
    }
}

async fn made(house: &House, wanted: NewApiKey) -> (Secret, String) {
    let (key, row) = wanted.issue(at(0)).unwrap();
    let hash = api_key::hash(key.expose());
    let item = row.item(&hash).unwrap();
    assert!(!format!("{item:?}").contains(key.expose()), "the key is nowhere in its row");
    house.table.put(item).await.unwrap();
    (key, hash)
}

#[tokio::test]
async fn a_key_proves_its_bearer_by_one_read_and_its_use_is_noted_once_an_hour() {
    let house = House::new().await;
    let (key, _) = made(&house, wanted(Role::Talent, Some("t1"))).await;
    assert_eq!(key.expose().len(), 46);
    let instance = house.instance();
    let before = house.table_calls();
    let caller = ask(&instance, key.expose()).await.unwrap();
    assert_eq!(house.table_calls(), before + 2, "read, and noted");
    ask(&instance, key.expose()).await.unwrap();
    assert_eq!(house.table_calls(), before + 3, "read");
    house.clock.advance(SignedDuration::from_mins(59));
    ask(&instance, key.expose()).await.unwrap();
    assert_eq!(house.table_calls(), before + 4, "read");
    assert_eq!((caller.workspace.as_str(), caller.role), ("acme", Role::Talent));
    assert_eq!(caller.talent, Some(TalentId::parse("t1").unwrap()));
    assert!(caller.subject.as_str().starts_with("key_"));
}

#[test]
fn the_hash_is_the_documented_one() {
    // sha256sum of the text.
    assert_eq!(api_key::hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once() {
    let house = House::new().await;
    let (key, hash) = made(&house, wanted(Role::Admin, None)).await;
    let instance = house.instance();
    ask(&instance, key.expose()).await.unwrap();
    house.table.delete(&crate::table::keys::api_key_pk(&hash), "-").await.unwrap();
    assert!(is_invalid(&ask(&instance, key.expose()).await));
}

#[tokio::test]
async fn an_expired_key_is_dead_though_its_row_stands() {
    let house = House::new().await;
    let (key, _) = made(&house, wanted(Role::Admin, None)).await;
    let instance = house.instance();
    house.clock.advance(SignedDuration::from_secs(3599));
    ask(&instance, key.expose()).await.unwrap();
    house.clock.advance(SignedDuration::from_secs(1));
    assert!(is_invalid(&ask(&instance, key.expose()).await));
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_a_read() {
    let house = House::new().await;
    let instance = house.instance();
    let (key, hash) = made(&house, wanted(Role::Admin, None)).await;
    let before = house.table_calls();
    let key = key.expose();
    for text in [
        "hk_",
        "hk_x",
        &key[..45],
        &format!("{key}A"),
        &format!("{key}="),
        &format!("hk_{hash}"),
        &key.replace("hk_", "hk_#"),
    ] {
        assert!(is_invalid(&ask(&instance, text).await), "{text}");
    }
    assert_eq!(house.table_calls(), before);
    assert!(is_invalid(&ask(&instance, api_key::generate().unwrap().expose()).await));
}

#[tokio::test]
async fn a_talents_key_that_names_no_talent_is_forbidden() {
    let house = House::new().await;
    let (key, _) = made(&house, wanted(Role::Talent, None)).await;
    assert!(matches!(ask(&house.instance(), key.expose()).await, Err(AuthError::Forbidden(_))));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_lets_nobody_in() {
    let house = House::new().await;
    let (key, row) = wanted(Role::Admin, None).issue(at(0)).unwrap();
    let hash = api_key::hash(key.expose());
    for (name, value) in [("role", "root"), ("workspace", "a#b"), ("expires_at", "never")] {
        let mut item = row.item(&hash).unwrap();
        item.insert(name.to_owned(), crate::table::s(value));
        house.table.put(item).await.unwrap();
        assert!(matches!(ask(&house.instance(), key.expose()).await, Err(AuthError::Malformed(_))), "{name}");
    }
    let mut item = row.item(&hash).unwrap();
    item.insert("v".to_owned(), crate::table::n(2));
    house.table.put(item).await.unwrap();
    assert!(matches!(ask(&house.instance(), key.expose()).await, Err(AuthError::Malformed(_))));
}

#[tokio::test]
async fn a_key_past_its_limit_costs_no_read() {
    let house = House::new().await;
    let (key, _) = made(&house, wanted(Role::Admin, None)).await;
    let instance = house.limited("1:1");
    ask(&instance, key.expose()).await.unwrap();
    let before = house.table_calls();
    assert_eq!(ask(&instance, key.expose()).await.unwrap_err(), AuthError::TooManyRequests { retry_after: 1 });
    assert_eq!(house.table_calls(), before);
}
