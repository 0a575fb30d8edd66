//! Files on their way through: streamed on whole, and larger than memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Effect, Kind};
use futures_util::StreamExt;
use http::Method;
use outbound::{Call, Outbound, OutboundError, UpstreamConfig};
use platforms::media::Sources;
use platforms::media::testing::{InMemory, made_up, video};
use platforms::publish::Files;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::server::{File, Site};

/// A platform that takes a body and answers with its length; what came is summed up.
async fn platform() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let came = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut read = Vec::new();
                let end = loop {
                    if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                        break end + 4;
                    }
                    if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        return;
                    }
                };
                let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let length: u64 = length.parse().unwrap();
                let mut count = (read.len() - end) as u64;
                let mut buffer = vec![0; 256 * 1024];
                loop {
                    counter.fetch_max(count, Ordering::SeqCst);
                    if count >= length {
                        break;
                    }
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(n) => count += n as u64,
                    }
                }
                let body = count.to_string();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    (address, came)
}

fn client(local: &[&String]) -> Outbound {
    let loopback_allow = local.iter().map(|address| (*address).clone()).collect();
    Outbound::new(UpstreamConfig { loopback_allow, ..UpstreamConfig::default() })
}

fn upload(address: &str, body: outbound::Streamed) -> Call {
    let url = Url::parse(&format!("http://{address}/upload")).unwrap();
    Call::new(None, Method::POST, url).streamed("video/mp4", body).within(Duration::from_secs(120))
}

#[tokio::test]
async fn a_stream_is_the_whole_file_even_over_broken_answers() {
    let site = Site::of(File { length: 3_000_000, breaks_after: Some(1_000_000), ..File::default() }).await;
    let files = Sources::new(&site.client());
    let body = files.stream(&site.media()).await.unwrap();
    assert_eq!(body.length(), 3_000_000);
    let pieces: Vec<_> = body.take().unwrap().collect().await;
    let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
    assert!(bytes == made_up(0, 3_000_000));
    assert_eq!(site.asked(), ["-", "1000000-", "2000000-"]);
}

#[tokio::test]
async fn a_file_that_changes_under_way_cuts_the_upload_off() {
    let (address, came) = platform().await;
    let site = Site::of(File { length: 40_000_000, breaks_after: Some(30_000_000), ..File::default() }).await;
    let out = client(&[&address, &site.address]);
    site.change(|file| file.headers = "etag: \"a\"\r\n".to_owned());
    let body = Sources::new(&out).stream(&site.media()).await.unwrap();
    site.change(|file| file.headers = "etag: \"b\"\r\n".to_owned());
    let error = out.send(upload(&address, body)).await.unwrap_err();
    let OutboundError::Source(failure) = error else { panic!("{error:?}") };
    assert_eq!((failure.kind, failure.effect), (Kind::ContentRefused, Effect::NotApplied));
    assert!(came.load(Ordering::SeqCst) < 40_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_larger_than_memory_is_read_in_pieces() {
    const LENGTH: u64 = 1 << 30;
    const PIECE: usize = 8 << 20;
    let site = Site::of(File { length: LENGTH, ..File::default() }).await;
    let files = Sources::new(&site.client());
    let (mut at, mut most) = (0, 0);
    while at < LENGTH {
        let part = files.read(&site.media(), at, PIECE).await.unwrap();
        assert_eq!(part.len(), PIECE);
        at += PIECE as u64;
        assert_eq!(part[PIECE - 16..], made_up(at - 16, 16));
        drop(part);
        // What its server sent and nobody has read yet is alive somewhere: in the client, or in the sockets.
        most = most.max(site.sent.load(Ordering::SeqCst).saturating_sub(at));
    }
    assert_eq!(site.asked(), ["-"]);
    assert!(most < 64 << 20, "{most} bytes were under way at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_larger_than_memory_is_streamed_on() {
    const LENGTH: u64 = 256 << 20;
    let (address, came) = platform().await;
    let site = Site::of(File { length: LENGTH, ..File::default() }).await;
    let out = client(&[&address, &site.address]);
    let body = Sources::new(&out).stream(&site.media()).await.unwrap();
    let sending = tokio::spawn(async move { out.send(upload(&address, body)).await });
    let mut most = 0;
    while !sending.is_finished() {
        // Read in this order, the difference is never smaller than it was.
        let arrived = came.load(Ordering::SeqCst);
        most = most.max(site.sent.load(Ordering::SeqCst).saturating_sub(arrived));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(sending.await.unwrap().unwrap().body, LENGTH.to_string());
    assert!(most < 64 << 20, "{most} bytes were under way at once");
}

#[tokio::test]
async fn files_in_memory_behave_as_the_real_ones() {
    let url = "https://a.example/v.mp4";
    let files = InMemory::default().with_made_up(url, 4 << 30).with("https://a.example/s", "0123456789");
    let media = video(url, 4 << 30);
    assert_eq!(files.size(&media).await.unwrap(), 4 << 30);
    assert_eq!(files.read(&media, 3 << 30, 4).await.unwrap(), made_up(3 << 30, 4));
    assert_eq!(files.read(&media, (4 << 30) - 1, 4).await.unwrap().len(), 1);
    let small = video("https://a.example/s", 10);
    assert_eq!(files.read(&small, 8, 10).await.unwrap(), "89");
    let body = files.stream(&small).await.unwrap().take().unwrap();
    assert_eq!(body.map(Result::unwrap).collect::<Vec<_>>().await.concat(), b"0123456789");
    assert_eq!(files.reads().len(), 4);
    assert_eq!(files.read(&video("https://a.example/s", 9), 0, 1).await.unwrap_err().kind, Kind::ContentRefused);
    assert_eq!(files.read(&video("https://a.example/none", 9), 0, 1).await.unwrap_err().kind, Kind::ContentRefused);

    let broken = InMemory::default().with_made_up(url, 1000).breaking_at(url, 500);
    let media = video(url, 1000);
    assert_eq!(broken.read(&media, 0, 500).await.unwrap().len(), 500);
    assert_eq!(broken.read(&media, 500, 500).await.unwrap_err().effect, Effect::NotApplied);
    let pieces: Vec<_> = broken.stream(&media).await.unwrap().take().unwrap().collect().await;
    assert!(pieces.first().unwrap().is_ok() && pieces.last().unwrap().is_err());
}
