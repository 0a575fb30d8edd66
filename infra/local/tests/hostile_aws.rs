//! KMS and SQS fail in every way: the answer is honest, nothing is half done, and once they are back nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may panic as the tests do

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloud::doorbell::Ring;
use cloud::table::tokens::refresh_ring;
use cloud::work;
use domain::due::{LEASE, SKEW};
use domain::{ConnectionId, SyncErrorCode, SyncStatus, WorkspaceId};
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::Bench;
use support::aws::{Aws, Bad, PASSING};

/// Longer than a data key stays in memory.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(6);

async fn bench() -> (Bench, Arc<Aws>) {
    let aws = Arc::new(Aws::default());
    (Bench::with(&[], Some(&aws)).await, aws)
}

/// Tokens of an account, handed over under its own name.
async fn tokens(bench: &Bench, account: &str) -> Value {
    let path = format!("/accounts/TIKTOK/{account}/issue-token");
    let issued = bench.world(reqwest::Method::POST, &path, json!({})).await;
    json!({"talentId": "t", "platform": "TIKTOK", "handle": account, "accessToken": issued["accessToken"],
        "refreshToken": issued["refreshToken"], "expiresAt": bench.clock_at(SignedDuration::from_hours(24))})
}

async fn hand_over(bench: &Bench, body: &Value, key: &str) -> Value {
    let headers = json!({"idempotency-key": key});
    bench.answer("POST", "/api/socials/oauth/callback", "connections.hand_over", Some(body.clone()), headers).await
}

fn id_in(answer: &Value) -> ConnectionId {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    ConnectionId::parse(body["connectionId"].as_str().unwrap_or_else(|| panic!("{body}"))).unwrap()
}

/// 503 in our own words, with a time to come back.
fn assert_honest(answer: &Value, what: &str) {
    assert_eq!(answer["statusCode"], 503, "{what}: {answer}");
    assert!(
        answer["headers"]["retry-after"].as_str().is_some_and(|wait| wait.parse::<u32>().is_ok()),
        "{what}: {answer}"
    );
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["code"], "unavailable", "{what}");
    assert!(!body.to_string().contains("secret-of-the-request"), "{what}: {body}");
}

async fn listed(bench: &Bench) -> u64 {
    let path = "/api/admin/talent/t/social-connections";
    bench.call("GET", path, "connections.list", None, json!({})).await.1["total"].as_u64().unwrap()
}

fn refresh(id: &ConnectionId) -> Ring {
    refresh_ring(&WorkspaceId::parse("w").unwrap(), id)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_data_key_nothing_is_handed_over_and_the_same_request_succeeds_later() {
    let (bench, aws) = bench().await;
    let more = [
        ("a key of another length", Bad::Says(200, r#"{"Plaintext":"AAAA","CiphertextBlob":"AAAA"}"#)),
        ("an empty answer", Bad::Says(200, "{}")),
        ("a disabled key", Bad::Says(400, r#"{"__type":"DisabledException","message":"x"}"#)),
    ];
    for (n, (what, bad)) in PASSING.into_iter().chain(more).enumerate() {
        let body = tokens(&bench, &format!("account{n}")).await;
        let before = listed(&bench).await;
        aws.fail("GenerateDataKey", bad);
        assert_honest(&hand_over(&bench, &body, &format!("k{n}")).await, what);
        assert_eq!((listed(&bench).await, aws.taken("SendMessage").len()), (before, 0), "{what}: nothing half done");
        aws.heal();
        let answer = hand_over(&bench, &body, &format!("k{n}")).await;
        assert_eq!(answer["statusCode"], 201, "{what}: {answer}");
        let id = id_in(&answer);
        bench.work(work::ingest_ring(&bench.connection(&id).await)).await;
        assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready, "{what}");
        aws.taken("SendMessage");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_without_a_data_key_is_not_started() {
    let (bench, aws) = bench().await;
    for (what, bad) in PASSING {
        aws.fail("GenerateDataKey", bad);
        let body = json!({"platform": "TIKTOK", "userId": "t"});
        let path = "/api/social/oauth/connect";
        assert_honest(&bench.answer("POST", path, "oauth.connect", Some(body), json!({})).await, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_cannot_be_opened_for_now_are_neither_lost_nor_called_expired() {
    let (bench, aws) = bench().await;
    let id = id_in(&hand_over(&bench, &tokens(&bench, "sealed").await, "k").await);
    let ring = work::ingest_ring(&bench.connection(&id).await);
    bench.work(ring.clone()).await;
    for (what, bad) in PASSING {
        bench.pass(SignedDuration::from_hours(1));
        let asked = bench.requests("TIKTOK").await;
        aws.fail("Decrypt", bad);
        assert!(!bench.works(ring.clone()).await, "{what}: the message goes back");
        let seen = bench.connection(&id).await;
        assert_eq!((seen.sync_status, seen.sync_error), (SyncStatus::Syncing, None), "{what}");
        assert_eq!(bench.requests("TIKTOK").await, asked, "{what}");
        aws.heal();
        bench.pass(LEASE + SKEW);
        bench.work(ring.clone()).await;
        assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready, "{what}");
    }
    // What will never open is told from that: only the person can bring new tokens.
    bench.pass(SignedDuration::from_hours(1));
    aws.fail("Decrypt", Bad::Says(400, r#"{"__type":"InvalidCiphertextException"}"#));
    bench.work(ring).await;
    let lost = bench.connection(&id).await;
    let code = lost.sync_error.map(|error| error.code);
    assert_eq!((lost.sync_status, code), (SyncStatus::Error, Some(SyncErrorCode::TokenExpired)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_cannot_open_its_tokens_asks_nobody_and_is_made_up_for() {
    let (bench, aws) = bench().await;
    let id = id_in(&hand_over(&bench, &tokens(&bench, "renewed").await, "k").await);
    bench.pass_everywhere(SignedDuration::from_hours(24) - SignedDuration::from_mins(20)).await;
    for (what, bad) in PASSING.into_iter().take(4) {
        aws.fail("Decrypt", bad);
        let asked = bench.requests("TIKTOK").await;
        assert!(!bench.works(refresh(&id)).await, "{what}");
        assert_eq!(bench.requests("TIKTOK").await, asked, "{what}: a refresh token is not spent");
        bench.pass_everywhere(LEASE + SKEW).await;
    }
    aws.heal();
    let before = bench.connection(&id).await.token_expires_at.unwrap();
    bench.work(refresh(&id)).await;
    let after = bench.connection(&id).await;
    assert!(after.token_expires_at.unwrap() > before + SignedDuration::from_hours(20), "{after:?}");
    bench.pass(FORGOTTEN);
    bench.work(work::ingest_ring(&after)).await;
    assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_refuses_makes_work_late_and_never_loses_it() {
    let (bench, aws) = bench().await;
    for (n, (what, bad)) in PASSING.into_iter().enumerate() {
        for operation in ["SendMessage", "SendMessageBatch", "GetQueueAttributes"] {
            aws.fail(operation, bad.clone());
        }
        // The row is committed, and that is what counts.
        let id = bench.connect("BLUESKY", &format!("account{n}.bsky.social")).await;
        assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Pending, "{what}");
        let (stats, redrive, rings) = tokio::join!(
            bench.answer("GET", "/api/admin/queue-stats", "ops.queue_stats", None, json!({})),
            bench.answer("POST", "/api/admin/queues/ingest/redrive", "ops.redrive", None, json!({})),
            functions::schedules::ring_due::handle(&bench.app),
        );
        assert_honest(&stats, what);
        assert_honest(&redrive, what);
        assert!(rings.is_err(), "{what}: an alarm watches that");
        aws.heal();
        aws.taken("SendMessage");
        functions::schedules::ring_due::handle(&bench.app).await.unwrap();
        let rung = aws.taken("SendMessage");
        let expected = serde_json::to_string(&work::ingest_ring(&bench.connection(&id).await)).unwrap();
        assert_eq!(rung.iter().filter(|message| message["MessageBody"] == json!(expected)).count(), 1, "{what}");
        bench.work(work::ingest_ring(&bench.connection(&id).await)).await;
        assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Ready, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_answers_is_not_waited_for_as_long_as_the_caller_would() {
    let (queue, keys, table) = tokio::join!(bench(), bench(), bench());
    let without_a_queue = async {
        let (bench, aws) = queue;
        aws.fail("SendMessage", Bad::Hangs);
        let asked = Instant::now();
        let id = bench.connect("BLUESKY", "hang.bsky.social").await;
        assert!(asked.elapsed() < Duration::from_secs(6), "the ring is best effort: {:?}", asked.elapsed());
        assert_eq!(bench.connection(&id).await.sync_status, SyncStatus::Pending);
    };
    let without_keys = async {
        let (bench, aws) = keys;
        let body = tokens(&bench, "hang").await;
        aws.fail("GenerateDataKey", Bad::Hangs);
        let asked = Instant::now();
        assert_honest(&hand_over(&bench, &body, "k").await, "no answer of KMS");
        assert!(asked.elapsed() < Duration::from_secs(14), "before the function's own end: {:?}", asked.elapsed());
        aws.heal();
        assert_eq!(listed(&bench).await, 0);
        assert_eq!(hand_over(&bench, &body, "k").await["statusCode"], 201);
    };
    let without_a_table = async {
        let (bench, aws) = table;
        aws.fail("Query", Bad::Hangs);
        let asked = Instant::now();
        let path = "/api/admin/talent/t/social-connections";
        assert_honest(&bench.answer("GET", path, "connections.list", None, json!({})).await, "no answer of the table");
        assert!(asked.elapsed() < Duration::from_secs(14), "before the function's own end: {:?}", asked.elapsed());
    };
    tokio::join!(without_a_queue, without_keys, without_a_table);
}
