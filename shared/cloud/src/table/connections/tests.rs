//! Rows that give back what was written, and changes that meet each other.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::{Averages, ConnectionType};
use domain::sync::SyncError;
use domain::{AccountType, Connection, ConnectionId, Metric, Platform, Profile, SyncErrorCode, SyncStatus};
use jiff::Timestamp;

use super::row::attributes;
use super::*;
use crate::table::client::{Item, StoreError, Table, field, n, s};
use crate::table::keys;
use crate::table::transact::Outcome;
use crate::testing::table;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bare() -> Connection {
    crate::testing::connection()
}

fn full() -> Connection {
    Connection {
        connection_type: ConnectionType::Oauth,
        paused: true,
        sync_status: SyncStatus::Syncing,
        sync_error: Some(SyncError::of(SyncErrorCode::RateLimited)),
        next_retry_at: Some(at("2026-11-02T10:00:04Z")),
        attempts: 2,
        updated_at: at("2026-11-02T10:00:00.5Z"),
        token_expires_at: Some(at("2026-12-01T00:00:00Z")),
        scopes: vec!["basic".to_owned()],
        missing_scopes: vec!["insights".to_owned()],
        platform_account_id: Some("17".to_owned()),
        profile: Some(Profile {
            external_id: "17".to_owned(),
            handle: "ann".to_owned(),
            profile_url: "https://i.example/ann".to_owned(),
            display_name: Some("Ann \"A\"\n東京".to_owned()),
            bio: None,
            profile_image_url: Some("https://i.example/ann.jpg".to_owned()),
            follower_count: Metric::Count(0),
            following_count: Metric::NotOffered,
            post_count: Metric::Pending,
            is_verified: Some(false),
            account_type: Some(AccountType::Creator),
        }),
        averages: Averages {
            views: Metric::Pending,
            engagement: Metric::Count(12),
            engagement_rate: Metric::Count(5.93),
        },
        ..bare()
    }
}

fn row(connection: &Connection) -> Item {
    let attributes = attributes(connection).unwrap().into_iter();
    let mut item: Item = attributes.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    item.insert("fence".to_owned(), n(7));
    item
}

#[test]
fn a_row_gives_back_what_was_written() {
    for connection in [bare(), full()] {
        let found = read(&row(&connection)).unwrap();
        assert_eq!((&found.connection, found.fence, found.found.as_str()), (&connection, 7, ""));
    }
    let mut item = row(&full());
    for name in ["sync_error", "next_retry_at", "token_expires_at"] {
        item.insert(name.to_owned(), AttributeValue::Null(true));
    }
    let read = read(&item).unwrap().connection;
    assert_eq!((read.sync_error, read.next_retry_at, read.token_expires_at), (None, None, None));
}

#[test]
fn a_row_that_makes_no_sense_is_an_error_and_not_a_default() {
    for (name, value) in [
        ("card", Some(s("{}"))),
        ("card", Some(n(1))),
        ("card", None),
        ("sync_status", Some(s("DONE"))),
        ("sync_status", None),
        ("updated_at", Some(s("yesterday"))),
        ("updated_at", None),
        ("sync_error", Some(s("oops"))),
        ("attempts", Some(n(-1))),
        ("fence", None),
    ] {
        let mut item = row(&full());
        match value.clone() {
            Some(value) => item.insert(name.to_owned(), value),
            None => item.remove(name),
        };
        assert!(matches!(read(&item), Err(StoreError::Malformed(_))), "{name}: {value:?}");
    }
}

async fn save(table: &Table, connection: &Connection) {
    let talent = HashMap::from([
        ("pk".to_owned(), s(keys::talent_pk(&connection.workspace, &connection.talent))),
        ("sk".to_owned(), s(keys::TALENT_SK)),
        ("v".to_owned(), n(keys::SCHEMA_VERSION)),
    ]);
    table.put(talent).await.unwrap();
    let outcome =
        insert(table.transaction(), table, connection, connection.created_at).unwrap().commit().await.unwrap();
    assert!(outcome.is_done(), "{outcome:?}");
}

#[tokio::test]
async fn a_list_shows_what_a_single_read_shows() {
    let (table, connection) = (table().await, full());
    assert_eq!(list(&table, &connection.workspace, &connection.talent).await.unwrap(), None);
    save(&table, &connection).await;
    let one = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap().connection;
    assert_eq!(one, connection);
    let listed = list(&table, &connection.workspace, &connection.talent).await.unwrap().unwrap();
    // Nobody is shown the number of failed attempts.
    assert_eq!(listed, [Connection { attempts: 0, ..connection }]);
}

#[tokio::test]
async fn a_persons_change_leaves_a_renewal_that_came_in_between_as_it_is() {
    let (table, connection) = (table().await, full());
    save(&table, &connection).await;
    let before = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap();
    let renewed = at("2027-01-01T00:00:00Z");
    let (pk, sk) = (keys::talent_pk(&connection.workspace, &connection.talent), keys::connection_sk(&connection.id));
    let renewal = table.transaction().update(
        "connection",
        (&pk, &sk),
        "SET token_expires_at = :ends",
        None,
        HashMap::new(),
        HashMap::from([(":ends".to_owned(), s(renewed.to_string()))]),
    );
    assert!(renewal.unwrap().commit().await.unwrap().is_done());
    let after = changed(before.connection.clone(), Change::Resume, at("2026-11-03T00:00:00Z"));
    let change = update(table.transaction(), &table, &before, &after, Some(after.updated_at)).unwrap();
    assert!(change.commit().await.unwrap().is_done());
    let found = get(&table, &connection.workspace, &connection.id).await.unwrap().unwrap();
    assert_eq!(found.connection, Connection { token_expires_at: Some(renewed), ..after.clone() });
    assert_eq!(found.fence, before.fence + 1);
    // What was read before the change is no ground for another.
    let late = update(table.transaction(), &table, &before, &after, None).unwrap();
    assert!(changed_in_between(&late.commit().await.unwrap()));
}

async fn row_of(table: &Table, connection: &Connection) -> Row {
    get(table, &connection.workspace, &connection.id).await.unwrap().unwrap()
}

/// What a sync commits: the row under its fence, and the guards that follow.
async fn synced(table: &Table, before: &Row, after: &Connection, learned: &Guards) -> Outcome {
    let (pk, sk) = (keys::talent_pk(&after.workspace, &after.talent), keys::connection_sk(&after.id));
    let transaction = table.transaction().update(
        "connection",
        (&pk, &sk),
        "SET card = :card, sync_status = :ready",
        None,
        HashMap::new(),
        HashMap::from([
            (":card".to_owned(), card(after).unwrap()),
            (":ready".to_owned(), s(SyncStatus::Ready.as_str())),
        ]),
    );
    learned.add(transaction.unwrap(), &before.connection, after).unwrap().commit().await.unwrap()
}

async fn guards_of(table: &Table, connection: &Connection) -> Vec<(String, String)> {
    let pk = keys::talent_pk(&connection.workspace, &connection.talent);
    let rows = table.query_prefix(&pk, "account#", "v, sk, holder").await.unwrap();
    rows.iter().map(|row| (field(row, "sk").unwrap(), holder_of(row).unwrap().as_str().to_owned())).collect()
}

#[tokio::test]
async fn a_removal_that_meets_a_sync_leaves_no_guard_behind() {
    let (table, connection) = (table().await, bare());
    save(&table, &connection).await;
    let before = row_of(&table, &connection).await;
    let named = Connection { handle: "new".to_owned(), platform_account_id: Some("17".to_owned()), ..bare() };
    assert!(synced(&table, &before, &named, &Guards::default()).await.is_done());
    let late = remove(table.transaction(), &table, &before).await.unwrap().commit().await.unwrap();
    assert!(changed_in_between(&late), "{late:?}");
    let again = row_of(&table, &connection).await;
    assert!(remove(table.transaction(), &table, &again).await.unwrap().commit().await.unwrap().is_done());
    assert_eq!(guards_of(&table, &connection).await, []);
}

#[tokio::test]
async fn a_persons_change_does_not_undo_a_sync_that_found_nothing_new() {
    let (table, connection) = (table().await, full());
    save(&table, &connection).await;
    let before = row_of(&table, &connection).await;
    // Neither fence nor time moves, only the state.
    assert!(synced(&table, &before, &connection, &Guards::default()).await.is_done());
    let after = changed(before.connection.clone(), Change::Sync, at("2026-11-03T00:00:00Z"));
    let late = update(table.transaction(), &table, &before, &after, None).unwrap();
    assert!(changed_in_between(&late.commit().await.unwrap()));
    let late = remove(table.transaction(), &table, &before).await.unwrap();
    assert!(changed_in_between(&late.commit().await.unwrap()));
}

#[tokio::test]
async fn a_handle_follows_its_account_and_an_account_is_held_once() {
    let (table, mut learned) = (table().await, Guards::default());
    let linked = |id: &str, moment: &str, handle: &str| Connection {
        id: ConnectionId::new(&bare().talent, Platform::Instagram, at(moment)),
        handle: handle.to_owned(),
        platform_account_id: Some(id.to_owned()),
        ..bare()
    };
    let (one, two) = (linked("1", "2026-11-01T10:00:00Z", "one"), linked("2", "2026-11-01T11:00:00Z", "two"));
    save(&table, &one).await;
    save(&table, &two).await;
    let (row_one, row_two) = (row_of(&table, &one).await, row_of(&table, &two).await);
    // The first is renamed to the handle of the second, whose own sync comes later.
    let one_now = Connection { handle: "two".to_owned(), ..one.clone() };
    let refused = synced(&table, &row_one, &one_now, &learned).await;
    assert_eq!(learned.learn(&table, &one_now, &refused).await.unwrap(), Lesson::Again);
    assert!(synced(&table, &row_one, &one_now, &learned).await.is_done());
    let mut learned = Guards::default();
    let two_now = Connection { handle: "one".to_owned(), ..two.clone() };
    let refused = synced(&table, &row_two, &two_now, &learned).await;
    assert_eq!(learned.learn(&table, &two_now, &refused).await.unwrap(), Lesson::Again);
    assert!(synced(&table, &row_two, &two_now, &learned).await.is_done());
    let held = |sk: &str, by: &Connection| (format!("account#INSTAGRAM#{sk}"), by.id.as_str().to_owned());
    let expected = [held("handle#one", &two), held("handle#two", &one), held("id#1", &one), held("id#2", &two)];
    assert_eq!(guards_of(&table, &one).await, expected);
    // The account itself is nobody else's.
    let row_two = row_of(&table, &two).await;
    let stolen = Connection { platform_account_id: Some("1".to_owned()), ..two_now };
    let mut learned = Guards::default();
    let refused = synced(&table, &row_two, &stolen, &learned).await;
    assert_eq!(learned.learn(&table, &stolen, &refused).await.unwrap(), Lesson::Duplicate);
    let gone = remove(table.transaction(), &table, &row_of(&table, &one).await).await.unwrap();
    assert!(gone.commit().await.unwrap().is_done());
    assert_eq!(guards_of(&table, &one).await, [held("handle#one", &two), held("id#2", &two)]);
}

#[tokio::test]
async fn of_two_names_of_one_account_the_id_wins_whoever_comes_first() {
    for id_first in [true, false] {
        let table = table().await;
        let named = |moment: &str, handle: &str, id: Option<&str>| Connection {
            id: ConnectionId::new(&bare().talent, Platform::Youtube, at(moment)),
            platform: Platform::Youtube,
            handle: handle.to_owned(),
            platform_account_id: id.map(str::to_owned),
            ..bare()
        };
        let by_handle = named("2026-11-01T10:00:00Z", "ann", None);
        let by_id = named("2026-11-01T11:00:00Z", "UC17", Some("UC17"));
        save(&table, &by_handle).await;
        save(&table, &by_id).await;
        let seen = |c: &Connection| Connection {
            handle: "ann".to_owned(),
            platform_account_id: Some("UC17".to_owned()),
            ..c.clone()
        };
        for by_its_id in [id_first, !id_first] {
            let before = row_of(&table, if by_its_id { &by_id } else { &by_handle }).await;
            let (after, mut learned) = (seen(&before.connection), Guards::default());
            let refused = synced(&table, &before, &after, &learned).await;
            let lesson = learned.learn(&table, &after, &refused).await.unwrap();
            assert_eq!(lesson, if by_its_id { Lesson::Again } else { Lesson::Duplicate }, "{by_its_id} {id_first}");
            if by_its_id {
                assert!(synced(&table, &before, &after, &learned).await.is_done());
            }
        }
        let held = |sk: &str, by: &Connection| (format!("account#YOUTUBE#{sk}"), by.id.as_str().to_owned());
        assert_eq!(guards_of(&table, &by_id).await, [held("handle#ann", &by_id), held("id#UC17", &by_id)]);
        // When that one is gone, the other takes both.
        let gone = remove(table.transaction(), &table, &row_of(&table, &by_id).await).await.unwrap();
        assert!(gone.commit().await.unwrap().is_done());
        let before = row_of(&table, &by_handle).await;
        assert!(synced(&table, &before, &seen(&by_handle), &Guards::default()).await.is_done());
        assert_eq!(guards_of(&table, &by_handle).await, [held("handle#ann", &by_handle), held("id#UC17", &by_handle)]);
    }
}
