//! Bodies that are read while they are sent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod support;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::{Effect, Failure, Kind};
use futures_util::{StreamExt, stream};
use http::Method;
use outbound::{Call, OutboundError, Streamed};
use support::{client, server};
use url::Url;

fn post(address: &str, body: Streamed) -> Call {
    let url = Url::parse(&format!("http://{address}/upload")).unwrap();
    Call::new(None, Method::POST, url).streamed("video/mp4", body)
}

fn pieces(
    pieces: Vec<Result<&'static [u8], Failure>>,
) -> impl futures_util::Stream<Item = Result<Bytes, Failure>> + Send {
    stream::iter(pieces.into_iter().map(|piece| piece.map(Bytes::from_static)))
}

/// A server that takes what comes and tells how much of how much it was.
async fn receiver() -> (String, Arc<Mutex<Vec<(usize, usize)>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let address = server(move |mut visit| {
        let log = Arc::clone(&log);
        async move {
            let promised = visit.header("content-length").unwrap().parse().unwrap();
            let came = visit.drain(promised).await;
            log.lock().unwrap().push((came, promised));
            visit.answer("200 OK", "done").await;
        }
    })
    .await;
    (address, seen)
}

async fn settled<T: Clone>(seen: &Mutex<Vec<T>>, count: usize) -> Vec<T> {
    for _ in 0..500 {
        if seen.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen.lock().unwrap().clone()
}

#[tokio::test]
async fn a_streamed_body_arrives_whole_and_with_its_length() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let address = server(move |mut visit| {
        let log = Arc::clone(&log);
        async move {
            use tokio::io::AsyncReadExt;
            let mut body = std::mem::take(&mut visit.body);
            while body.len() < 20 {
                visit.socket.read_buf(&mut body).await.unwrap();
            }
            log.lock().unwrap().push((visit.head.to_lowercase(), String::from_utf8(body).unwrap()));
            visit.answer("200 OK", "done").await;
        }
    })
    .await;
    let file = Streamed::new(10, pieces(vec![Ok(b"01234"), Ok(b""), Ok(b"56789")]));
    let form = Streamed::around(Bytes::from_static(b"<<<<<"), file, Bytes::from_static(b">>>>>"));
    assert_eq!(form.length(), 20);
    assert_eq!(client(&[&address]).send(post(&address, form)).await.unwrap().body, "done");
    let (head, body) = heads.lock().unwrap().pop().unwrap();
    assert_eq!(body, "<<<<<0123456789>>>>>");
    assert!(head.contains("content-length: 20") && head.contains("content-type: video/mp4"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn a_source_that_fails_cuts_the_request_off_and_is_told_apart() {
    let (address, seen) = receiver().await;
    let failure = Failure::new(Kind::ProviderDown, "file: broken").said(Some("The file broke.".into()), None);
    let broken = failure.clone();
    let file = Streamed::new(
        10,
        pieces(vec![Ok(b"01234")]).chain(stream::once(async {
            // What was read before is on its way.
            tokio::time::sleep(Duration::from_millis(200)).await;
            Err(broken)
        })),
    );
    let error = client(&[&address]).send(post(&address, file)).await.unwrap_err();
    assert_eq!(error, OutboundError::Source(Box::new(failure.clone())));
    assert_eq!(error.effect(), Effect::NotApplied);
    assert_eq!(Failure::from(error), failure, "what the file said is what is told");
    assert_eq!(settled(&seen, 1).await, [(5, 10)], "the platform never had a whole request");
}

#[tokio::test]
async fn a_source_of_another_length_never_becomes_a_whole_request() {
    let (address, seen) = receiver().await;
    let out = client(&[&address]);
    for (length, parts) in
        [(10, vec![Ok(&b"0123"[..])]), (5, vec![Ok(&b"01234"[..]), Ok(b"5")]), (4, vec![Ok(b"01234")])]
    {
        let error = out.send(post(&address, Streamed::new(length, pieces(parts)))).await.unwrap_err();
        let OutboundError::Source(failure) = error else { panic!("{error:?}") };
        assert_eq!((failure.kind, failure.effect), (Kind::ContentRefused, Effect::NotApplied));
    }
    let whole = Streamed::new(2, pieces(vec![Ok(b"ab")]));
    out.send(post(&address, whole)).await.unwrap();
    let seen = settled(&seen, 1).await;
    assert_eq!(seen.iter().filter(|(came, promised)| came == promised).collect::<Vec<_>>(), [&(2, 2)], "{seen:?}");
}

#[tokio::test]
async fn an_empty_file_is_sent_as_such() {
    let (address, seen) = receiver().await;
    client(&[&address]).send(post(&address, Streamed::new(0, pieces(vec![])))).await.unwrap();
    assert_eq!(settled(&seen, 1).await, [(0, 0)]);
}

#[tokio::test]
async fn a_streamed_body_is_sent_once() {
    let (address, seen) = receiver().await;
    let out = client(&[&address]);
    let call = post(&address, Streamed::new(2, pieces(vec![Ok(b"ab")])));
    out.send(call.clone()).await.unwrap();
    let error = out.send(call).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused(_)), "{error:?}");
    assert_eq!(settled(&seen, 1).await.len(), 1);
}

#[tokio::test]
async fn a_platform_that_breaks_off_is_not_taken_for_our_source() {
    let address = server(|mut visit| async move {
        visit.drain(100_000).await;
    })
    .await;
    let endless = stream::repeat_with(|| Ok(Bytes::from(vec![7; 64 * 1024])));
    let error = client(&[&address]).send(post(&address, Streamed::new(1 << 40, endless))).await.unwrap_err();
    assert!(matches!(error, OutboundError::Broken(_)), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_whole_body_is_the_answer() {
    let address = server(|mut visit| async move {
        visit.answer("413 Content Too Large", "too large").await;
        visit.drain(usize::MAX).await;
    })
    .await;
    // The source never goes on by itself.
    let stalled = stream::unfold(0, |n| async move {
        if n > 0 {
            std::future::pending::<()>().await;
        }
        Some((Ok(Bytes::from_static(b"abc")), n + 1))
    });
    let answer = client(&[&address]).send(post(&address, Streamed::new(100, stalled))).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (413, &b"too large"[..]));
}

#[tokio::test]
async fn a_source_that_stalls_ends_with_the_deadline() {
    let (address, _) = receiver().await;
    let stalled = stream::once(std::future::pending::<Result<Bytes, Failure>>());
    let call = post(&address, Streamed::new(100, stalled)).within(Duration::from_millis(300));
    assert_eq!(client(&[&address]).send(call).await.unwrap_err(), OutboundError::Timeout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_is_never_held() {
    const LENGTH: u64 = 512 << 20;
    const PIECE: u64 = 256 << 10;
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    let address = server(move |mut visit| {
        let counter = Arc::clone(&counter);
        async move {
            use tokio::io::AsyncReadExt;
            counter.fetch_add(visit.body.len(), Ordering::SeqCst);
            let mut buffer = vec![0; 1 << 20];
            while counter.load(Ordering::SeqCst) < usize::try_from(LENGTH).unwrap() {
                let read = visit.socket.read(&mut buffer).await.unwrap();
                assert!(read > 0);
                counter.fetch_add(read, Ordering::SeqCst);
            }
            visit.answer("200 OK", "done").await;
        }
    })
    .await;
    let most = Arc::new(AtomicU64::new(0));
    let (peak, arrived) = (Arc::clone(&most), Arc::clone(&received));
    let made_up = stream::unfold(0, move |made| {
        // What was made and has not arrived is alive somewhere: in the client, or in the sockets.
        peak.fetch_max(made - arrived.load(Ordering::SeqCst) as u64, Ordering::SeqCst);
        let piece = (made < LENGTH).then(|| (Ok(Bytes::from(vec![1; PIECE as usize])), made + PIECE));
        std::future::ready(piece)
    });
    client(&[&address])
        .send(post(&address, Streamed::new(LENGTH, made_up)).within(Duration::from_secs(120)))
        .await
        .unwrap();
    assert_eq!(received.load(Ordering::SeqCst) as u64, LENGTH);
    let most = most.load(Ordering::SeqCst);
    assert!(most < 24 << 20, "{most} bytes were under way at once");
}
