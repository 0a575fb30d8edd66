//! Answers that are read piece by piece, and the redirects that lead to them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::Secret;
use http::{HeaderName, header};
use outbound::{Call, Crossing, Incoming, Outbound, OutboundError, Phase, Probe, UpstreamConfig};
use support::{Names, client, client_with_names, get, server};

async fn all(mut answer: Incoming) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// A server that sends everyone to `location`.
async fn sends_to(location: String) -> String {
    server(move |mut visit| {
        let location = location.clone();
        async move { visit.answer(&format!("302 Found\r\nlocation: {location}"), "moved").await }
    })
    .await
}

#[tokio::test]
async fn an_answer_is_read_piece_by_piece() {
    let address = server(|mut visit| async move {
        visit.write("HTTP/1.1 200 OK\r\netag: \"a\"\r\ntransfer-encoding: chunked\r\n\r\n").await;
        for piece in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
            tokio::time::sleep(Duration::from_millis(30)).await;
            visit.write(piece).await;
        }
    })
    .await;
    let mut answer = client(&[&address]).open(get(&address, "/")).await.unwrap();
    assert!(answer.is_success());
    assert_eq!(answer.header("etag"), Some("\"a\""));
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "abc");
    assert_eq!(all(answer).await.unwrap(), b"de");
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let address = server(|mut visit| async move {
        visit.write("HTTP/1.1 200 OK\r\n\r\n").await;
        while visit.write([b'x'; 4096]).await {}
    })
    .await;
    let out = client(&[&address]);
    let answer = out.open(get(&address, "/").at_most(100_000)).await.unwrap();
    assert_eq!(all(answer).await.unwrap_err(), OutboundError::TooLarge);
    assert_eq!(out.send(get(&address, "/").at_most(100_000)).await.unwrap_err(), OutboundError::TooLarge);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up_and_one_that_trickles_is_not() {
    let address = server(|mut visit| async move {
        visit.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
        for _ in 0..5 {
            visit.write("x").await;
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        std::future::pending::<()>().await;
    })
    .await;
    let call = Call { idle: Duration::from_millis(400), deadline: Duration::from_millis(200), ..get(&address, "/") };
    let mut answer = client(&[&address]).open(call).await.unwrap();
    let mut came = 0;
    let error = loop {
        match answer.chunk().await {
            Ok(piece) => came += piece.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert_eq!((came, error), (5, OutboundError::Timeout), "the deadline was for the headers");
}

#[tokio::test]
async fn headers_that_never_come_are_given_up() {
    let address = server(|mut visit| async move {
        visit.write("HTTP/1.1 200 OK\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let call = get(&address, "/").within(Duration::from_millis(200));
    assert_eq!(client(&[&address]).open(call).await.unwrap_err(), OutboundError::Timeout);
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_no_body() {
    let address = server(|mut visit| async move {
        visit.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").await;
    })
    .await;
    let answer = client(&[&address]).open(get(&address, "/")).await.unwrap();
    assert!(matches!(all(answer).await, Err(OutboundError::Broken(_))));
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_asked() {
    let last = server(|mut visit| async move { visit.answer("200 OK", "here").await }).await;
    let middle = sends_to(format!("http://{last}/file")).await;
    let first = sends_to(format!("http://{middle}/")).await;
    let out = client(&[&first, &middle, &last]);
    assert_eq!(all(out.open(get(&first, "/").follow(2)).await.unwrap()).await.unwrap(), b"here");
    assert_eq!(out.open(get(&first, "/").follow(1)).await.unwrap().status, 302, "the second redirect is the answer");
    assert_eq!(out.open(get(&first, "/")).await.unwrap().status, 302);
}

#[tokio::test]
async fn a_redirect_inside_is_refused_at_whichever_hop() {
    for inside in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://metadata.google.internal/",
        "http://example.com/",
        "file:///etc/passwd",
    ] {
        let second = sends_to(inside.to_owned()).await;
        let first = sends_to(format!("http://{second}/")).await;
        let out = client(&[&first, &second]);
        let opened = out.open(get(&first, "/").follow(3)).await;
        assert!(matches!(opened, Err(OutboundError::Refused(_))), "{inside}: {opened:?}");
        let sent = out.send(get(&first, "/").follow(3)).await;
        assert!(matches!(sent, Err(OutboundError::Refused(_))), "{inside}: {sent:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_and_asked_for_once() {
    let names = Arc::new(Names {
        leads: vec![("rebound.example", vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])],
        ..Names::default()
    });
    let first = sends_to("https://rebound.example/".to_owned()).await;
    let out = client_with_names(&[&first], Arc::clone(&names));
    let error = out.open(get(&first, "/").follow(3)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused(_)), "{error:?}");
    // A second question could have another answer: what was checked has to be what is connected to.
    assert_eq!(*names.asked.lock().unwrap(), ["rebound.example"]);
}

#[tokio::test]
async fn a_credential_stays_with_the_origin_it_was_given_to() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let last = server(move |mut visit| {
        log.lock().unwrap().push(visit.head.to_lowercase());
        async move { visit.answer("200 OK", "here").await }
    })
    .await;
    let home = server({
        let (last, log) = (last.clone(), Arc::clone(&heads));
        move |mut visit| {
            log.lock().unwrap().push(visit.head.to_lowercase());
            let location = if visit.head.starts_with("GET /a ") { "/b".to_owned() } else { format!("http://{last}/c") };
            async move { visit.answer(&format!("307 Moved\r\nlocation: {location}"), "").await }
        }
    })
    .await;
    let secret = Secret::new("sesame");
    let call = get(&home, "/a")
        .follow(2)
        .bearer(&secret)
        .secret_header(HeaderName::from_static("x-api-key"), "", &secret)
        .header(header::COOKIE, "c=sesame")
        .header(header::RANGE, "bytes=0-9");
    client(&[&home, &last]).open(call).await.unwrap();
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 3);
    assert_eq!(heads.iter().map(|head| head.matches("sesame").count()).collect::<Vec<_>>(), [3, 3, 0], "{heads:?}");
    assert!(heads.iter().all(|head| head.contains("range: bytes=0-9")), "{heads:?}");
}

#[derive(Default)]
struct Log(Mutex<Vec<(String, Phase)>>);

impl Probe for Log {
    fn crossing(&self, crossing: Crossing<'_>, phase: Phase) {
        self.0.lock().unwrap().push((crossing.operation.to_owned(), phase));
    }
}

#[tokio::test]
async fn the_probe_sees_both_sides_of_an_answer_that_is_opened() {
    let address = server(|mut visit| async move { visit.answer("200 OK", "here").await }).await;
    let log = Arc::new(Log::default());
    let config = UpstreamConfig { loopback_allow: vec![address.clone()], ..UpstreamConfig::default() };
    let out = Outbound::with_probe(config, Arc::clone(&log) as Arc<dyn Probe>);
    let answer = out.open(get(&address, "/")).await.unwrap();
    let host = || "127.0.0.1".to_owned();
    assert_eq!(*log.0.lock().unwrap(), [(host(), Phase::Before), (host(), Phase::After)]);
    drop(answer);
}
