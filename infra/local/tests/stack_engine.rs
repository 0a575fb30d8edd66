//! The engine, row by row: claims, fences, leases, rings.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may panic as the tests do

mod support;

use std::time::Duration;

use cloud::doorbell::Depth;
use cloud::work::{self, Claim, Extra, Finish, Next};
use domain::due::{LEASE, SKEW, WorkKind};
use domain::{Clock, SyncErrorCode, SyncStatus};
use jiff::SignedDuration;
use serde_json::json;
use support::{Bench, start};

const DEMO: &str = "demo.bsky.social";

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connect_is_one_transaction_and_one_ring() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    assert_eq!(bench.calls.taken(), [("TransactWriteItems".to_owned(), 1)].into());
    let rings = bench.doorbell.taken();
    assert_eq!(rings, [(work::ingest_ring(&bench.connection(&id).await), Duration::ZERO)]);
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_one_query() {
    let bench = Bench::new().await;
    bench.connect("BLUESKY", DEMO).await;
    bench.calls.taken();
    let path = "/api/admin/talent/t/social-connections";
    let (status, body) = bench.call("GET", path, "connections.list", None, json!({})).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(1)));
    assert_eq!(bench.calls.taken(), [("Query".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_finds_nothing_new_writes_only_claim_and_finish() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    bench.work(ring.clone()).await;
    let first = bench.connection(&id).await;
    assert_eq!(first.sync_status, SyncStatus::Ready, "{:?}", first.sync_error);

    bench.pass(SignedDuration::from_hours(9));
    bench.calls.taken();
    bench.work(ring).await;
    assert_eq!(bench.calls.taken(), [("UpdateItem".to_owned(), 2)].into());
    let second = bench.connection(&id).await;
    assert_eq!(second.updated_at, first.updated_at);
    assert!(second.last_synced_at > first.last_synced_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ring_for_the_same_work_finds_nothing() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    bench.work(ring.clone()).await;
    let asked = bench.requests("BLUESKY").await;
    bench.work(ring.clone()).await;
    bench.work(ring).await;
    assert_eq!(bench.requests("BLUESKY").await, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_workers_one_gets_the_row_and_the_other_cannot_write() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    let claim = || work::claim(&bench.app.table, &ring, bench.clock.now(), Extra::default());
    let Claim::Taken(first) = claim().await.unwrap() else { panic!("the row is due") };
    assert!(matches!(claim().await.unwrap(), Claim::Nothing), "a leased row is nobody else's");

    bench.pass(LEASE);
    assert!(matches!(claim().await.unwrap(), Claim::Nothing), "a lease counts as over {SKEW} late");
    bench.pass(SKEW);
    let Claim::Taken(second) = claim().await.unwrap() else { panic!("the lease is over") };
    assert_eq!((first.token.fence + 1, second.claims), (second.token.fence, 2));

    let finish = || Finish::outcome(Next::Never).set_value("sync_status", &SyncStatus::Ready).unwrap();
    assert!(!finish().write(&bench.app.table, &first.token).await.unwrap(), "the first worker woke too late");
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Pending);
    assert!(finish().write(&bench.app.table, &second.token).await.unwrap());
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_claim_without_an_outcome_does_no_work() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    for n in 1..=5 {
        let claim = work::claim(&bench.app.table, &ring, bench.clock.now(), Extra::default()).await.unwrap();
        let Claim::Taken(claimed) = claim else { panic!("claim {n} was not given") };
        assert!(!claimed.is_poison());
        bench.pass(LEASE + SKEW);
    }
    bench.work(ring).await;
    let connection = bench.connection(&id).await;
    assert_eq!(bench.requests("BLUESKY").await, 0);
    assert_eq!(connection.sync_status, SyncStatus::Error);
    assert_eq!(connection.sync_error.unwrap().code, SyncErrorCode::SyncInterrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_ring_waits_rings_again_or_is_dropped() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    let early = |ahead: SignedDuration| {
        let (table, ring) = (bench.app.table.clone(), ring.clone());
        async move { work::claim(&table, &ring, start() - ahead, Extra::default()).await.unwrap() }
    };
    let wait = early(SignedDuration::from_millis(700)).await;
    assert!(matches!(wait, Claim::Wait(left) if left == Duration::from_millis(700)), "{wait:?}");
    let again = early(seconds(90)).await;
    assert!(matches!(again, Claim::RingAgain(left) if left == Duration::from_secs(90)), "{again:?}");
    let dropped = early(seconds(200)).await;
    assert!(matches!(dropped, Claim::Nothing), "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ring_is_found_by_ring_due() {
    let bench = Bench::new().await;
    let id = bench.connect("BLUESKY", DEMO).await;
    bench.doorbell.taken();
    let expected = work::ingest_ring(&bench.connection(&id).await);
    assert_eq!(bench.ring_due().await, [(expected, Duration::ZERO)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ring_due_rings_ahead_with_the_delay_that_starts_work_on_the_second() {
    let bench = Bench::new().await;
    bench.connect("BLUESKY", DEMO).await;
    bench.clock.advance(-SignedDuration::from_millis(90_500));
    let rings = bench.ring_due().await;
    // Whole seconds go to the queue, the half second to the worker.
    assert_eq!(rings.iter().map(|(_, delay)| *delay).collect::<Vec<_>>(), [Duration::from_secs(90)]);
    bench.clock.advance(-seconds(100));
    assert_eq!(bench.ring_due().await, [], "what is due beyond the horizon is a later run's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_future_is_rung_for_once_until_it_is_overdue() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(bench.connect("BLUESKY", &format!("future{n}.bsky.social")).await);
    }
    bench.doorbell.taken();
    // Ten minutes before they are due, and then minute by minute.
    bench.clock.advance(-seconds(600));
    let mut rings = Vec::new();
    for _ in 0..10 {
        rings.push(bench.ring_due().await.len());
        bench.pass(seconds(60));
    }
    assert_eq!(rings, [0, 0, 0, 0, 0, 0, 0, 30, 0, 0]);
    // All these rings were lost: a minute later at most the rows are overdue and rung for again.
    bench.pass(seconds(1));
    assert_eq!(bench.ring_due().await.len(), 30);
    // A clock that steps back makes nothing certain: what comes near is rung for again.
    bench.clock.advance(-seconds(300));
    assert_eq!(bench.ring_due().await.len(), 0);
    bench.pass(seconds(130));
    assert_eq!(bench.ring_due().await.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_gets_no_ring_for_overdue_rows_but_for_future_ones() {
    let bench = Bench::new().await;
    bench.connect("BLUESKY", "overdue.bsky.social").await;
    bench.pass(seconds(10));
    let soon = bench.connect("BLUESKY", "soon.bsky.social").await;
    bench.clock.advance(-seconds(5));
    bench.doorbell.pretend(WorkKind::Ingest, Depth { waiting: 600, delayed: 400, ..Depth::default() });
    let expected = work::ingest_ring(&bench.connection(&soon).await);
    // The run waits for room until its time is over, in real seconds: the queue is emptied meanwhile.
    let (ring_due, emptied) = tokio::join!(bench.ring_due(), async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let before = bench.doorbell.taken();
        bench.doorbell.pretend(WorkKind::Ingest, Depth::default());
        before
    });
    assert!(
        emptied.iter().all(|(ring, _)| *ring == expected),
        "an overdue row was rung into a full queue: {emptied:?}"
    );
    let rung: Vec<_> = emptied.into_iter().chain(ring_due).map(|(ring, _)| ring).collect();
    assert_eq!(rung.len(), 2, "{rung:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_platform_is_tried_three_times_then_the_error_says_when_next() {
    let bench = Bench::new().await;
    bench.fault(json!({"platform": "BLUESKY", "times": 0, "fault": {"kind": "reject", "status": 503}})).await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    for wait in [2, 4] {
        bench.doorbell.taken();
        bench.work(ring.clone()).await;
        let connection = bench.connection(&id).await;
        assert_eq!(connection.sync_status, SyncStatus::Syncing);
        assert_eq!(connection.sync_error.unwrap().message, "Connection timeout. Try again.");
        assert_eq!(connection.next_retry_at, Some(bench.clock.now() + seconds(wait)));
        assert_eq!(bench.doorbell.taken(), [(ring.clone(), Duration::from_secs(u64::try_from(wait).unwrap()))]);
        bench.pass(seconds(wait));
    }
    bench.work(ring.clone()).await;
    let connection = bench.connection(&id).await;
    assert_eq!(connection.sync_status, SyncStatus::Error);
    let sweep = connection.next_retry_at.expect("the next sweep has its time");
    assert!(sweep > bench.clock.now() + SignedDuration::from_mins(20));

    bench.world(reqwest::Method::DELETE, "/faults", json!(null)).await;
    bench.clock.advance(bench.clock.now().duration_until(sweep));
    bench.work(ring).await;
    let connection = bench.connection(&id).await;
    assert_eq!(
        (connection.sync_status, connection.sync_error, connection.next_retry_at),
        (SyncStatus::Ready, None, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_the_retries_are_the_waits_before_the_attempts_the_first_included() {
    let bench = Bench::with(&[("HERALD_RETRY_SECONDS", "3,2")], None).await;
    bench.fault(json!({"platform": "BLUESKY", "times": 2, "fault": {"kind": "reject", "status": 503}})).await;
    let id = bench.connect("BLUESKY", DEMO).await;
    let ring = work::ingest_ring(&bench.connection(&id).await);
    let after = |seconds| vec![(ring.clone(), Duration::from_secs(seconds))];
    assert_eq!(bench.doorbell.taken(), after(3));
    bench.work(ring.clone()).await;
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Pending, "it is not time yet");
    bench.doorbell.taken();
    assert_eq!(bench.ring_due().await, after(3), "a lost ring is found with its wait");
    bench.pass(seconds(3));
    bench.work(ring.clone()).await;
    assert_eq!(bench.doorbell.taken(), after(2));
    bench.pass(seconds(2));
    bench.work(ring.clone()).await;
    // Two numbers, two attempts.
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Error);
    bench.doorbell.taken();
    let path = format!("/api/admin/socials/{id}/sync");
    let (status, answer) = bench.call("POST", &path, "connections.sync", None, json!({})).await;
    assert_eq!((status, bench.doorbell.taken()), (202, after(3)), "{answer}");
    bench.work(ring.clone()).await;
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Syncing);
    bench.pass(seconds(3));
    bench.work(ring).await;
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_has_one_effect_and_one_answer() {
    let bench = Bench::new().await;
    let body = json!({"talentId": "t", "platform": "BLUESKY", "handle": DEMO});
    let call = |body: serde_json::Value| {
        bench.call(
            "POST",
            "/api/admin/socials/connect-manual",
            "connections.connect_manual",
            Some(body),
            json!({"idempotency-key": "k1"}),
        )
    };
    let first = call(body.clone()).await;
    bench.doorbell.taken();
    bench.pass(seconds(60));
    assert_eq!(call(body.clone()).await, first);
    assert_eq!(bench.doorbell.taken(), [], "a replay rings nobody");
    let (status, refused) = call(json!({"talentId": "t", "platform": "BLUESKY", "handle": "other.bsky.social"})).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("idempotency_key_reused")));
    bench.pass(SignedDuration::from_hours(25));
    let (status, _) = call(json!({"talentId": "t", "platform": "BLUESKY", "handle": "other.bsky.social"})).await;
    assert_eq!(status, 201, "after a day the key is free");
}
