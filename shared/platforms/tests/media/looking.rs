//! What a look at a file shows, and which addresses are not looked at.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::content::{Media, MediaKind, Problem};
use outbound::{Looking, Lookup, Outbound, UpstreamConfig};
use platforms::media::{probe, probe_all};

use crate::server::{File, Site};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05\0\0\0\x02\xd0";

fn png() -> File {
    File { head: Bytes::from_static(PNG), ..File::default() }
}

async fn look(file: File) -> Result<Media, Problem> {
    let site = Site::of(file).await;
    probe(&site.client(), &site.url()).await
}

/// The code of what is wrong, and its sentence.
async fn wrong(file: File) -> (String, String) {
    let problem = look(file).await.unwrap_err();
    assert_eq!(problem.field, "mediaUrls");
    (problem.code, problem.message)
}

#[tokio::test]
async fn a_file_is_what_its_first_bytes_are() {
    let site = Site::of(File { length: 5_000_000, ..png() }).await;
    let expected = Media {
        url: site.url(),
        kind: MediaKind::Image,
        mime: "image/png".to_owned(),
        bytes: Some(5_000_000),
        width: Some(1280),
        height: Some(720),
        duration_ms: None,
    };
    assert_eq!(probe(&site.client(), &site.url()).await.unwrap(), expected);
    assert_eq!(site.asked(), ["0-65535"]);
    assert_eq!(site.sent.load(Ordering::SeqCst), 65536, "no more than its head is fetched");
    // What its server calls it does not matter.
    site.change(|file| file.headers = "content-type: text/html\r\n".to_owned());
    assert_eq!(probe(&site.client(), &site.url()).await.unwrap(), expected);
}

/// A video as cameras write it: what it says of itself stands behind its pictures.
fn video() -> File {
    let pictures = 300_000_u32;
    let mut header = vec![0; 12];
    header.extend([0, 0, 2, 0x58, 0, 0, 0x8c, 0xa0]);
    header.extend([0; 80]);
    let mvhd = [&108_u32.to_be_bytes()[..], b"mvhd", &header].concat();
    let tail = [&116_u32.to_be_bytes()[..], b"moov", &mvhd].concat();
    let head = [&b"\0\0\0\x14ftypisom\0\0\x02\0isom"[..], &pictures.to_be_bytes(), b"mdat"].concat();
    let length = 20 + u64::from(pictures) + tail.len() as u64;
    File { head: head.into(), tail: tail.into(), length, ..File::default() }
}

#[tokio::test]
async fn how_long_a_video_lasts_is_read_from_its_end() {
    let site = Site::of(video()).await;
    let seen = probe(&site.client(), &site.url()).await.unwrap();
    // 36,000 units, of which a second has 600.
    assert_eq!((seen.mime.as_str(), seen.duration_ms), ("video/mp4", Some(60_000)));
    assert_eq!(site.asked(), ["0-65535", "300020-365555"]);
}

#[tokio::test]
async fn how_long_a_video_lasts_may_stay_unknown() {
    let unknown = [
        File { parts: false, ..video() },
        // It ends before the place where the rest should be.
        File { length: 300_020, tail: Bytes::new(), ..video() },
        File { length: 100_000, tail: Bytes::new(), ..video() },
    ];
    for file in unknown {
        let length = file.length;
        let seen = look(file).await.unwrap();
        assert_eq!((seen.mime.as_str(), seen.duration_ms), ("video/mp4", None), "{length}");
    }
}

#[tokio::test]
async fn a_server_without_parts_is_left_after_the_head() {
    let site = Site::of(File { length: 1 << 30, parts: false, ..png() }).await;
    let seen = probe(&site.client(), &site.url()).await.unwrap();
    assert_eq!((seen.mime.as_str(), seen.bytes), ("image/png", Some(1 << 30)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(site.sent.load(Ordering::SeqCst) < 32 << 20, "only what the sockets held went out");
}

#[tokio::test]
async fn a_server_that_refuses_parts_is_asked_for_the_whole() {
    for status in [400, 416, 501] {
        let site = Site::of(File { refuses_parts: Some(status), ..png() }).await;
        assert_eq!(probe(&site.client(), &site.url()).await.unwrap().bytes, Some(100_000), "{status}");
        assert_eq!(site.asked(), ["0-65535", "-"]);
    }
}

#[tokio::test]
async fn a_length_that_is_not_told_is_known_only_of_what_was_read_to_its_end() {
    let untold = File { parts: false, tells_length: false, ..png() };
    assert_eq!(look(File { length: 5000, ..untold.clone() }).await.unwrap().bytes, Some(5000));
    assert_eq!(look(untold).await.unwrap().bytes, None);
}

#[tokio::test]
async fn what_cannot_be_published_is_named() {
    let page = File { head: Bytes::from_static(b"<!DOCTYPE html><title>Log in"), length: 28, ..File::default() };
    assert_eq!(
        wrong(page).await,
        ("media_type_unknown".to_owned(), "The address leads to a web page, not to a file.".to_owned())
    );
    let (code, message) = wrong(File { length: 0, ..File::default() }).await;
    assert_eq!((code.as_str(), message.as_str()), ("media_type_unknown", "The file is empty."));
    assert_eq!(wrong(File::default()).await.0, "media_type_unknown");
    let (code, message) = wrong(File { length: 5_000_000_001, breaks_after: Some(70_000), ..png() }).await;
    assert_eq!(code, "file_too_large");
    assert!(message.contains("5000000001") && message.contains("5 GB"), "{message}");
}

#[tokio::test]
async fn a_server_that_does_not_serve_is_named() {
    let (code, message) = wrong(File { status: Some("404 Not Found".to_owned()), ..png() }).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("media_unreachable", "The file cannot be fetched: its server answered 404.")
    );
    assert_eq!(
        wrong(File { status: Some("200 OK\r\ncontent-length: 9".to_owned()), ..png() }).await.0,
        "media_unreachable"
    );
    let cut = File { breaks_after: Some(10), ..png() };
    assert_eq!(wrong(cut).await.0, "media_unreachable", "it promised more");
    let gone = "127.0.0.1:9".to_owned();
    let out = Outbound::new(UpstreamConfig { loopback_allow: vec![gone.clone()], ..UpstreamConfig::default() });
    let problem = probe(&out, &format!("http://{gone}/")).await.unwrap_err();
    assert_eq!(problem.code, "media_unreachable");
}

#[tokio::test]
async fn a_server_that_keeps_us_waiting_is_given_up_after_ten_seconds() {
    let (hour, none) = (Duration::from_secs(3600), Duration::ZERO);
    let begun = tokio::time::Instant::now();
    let (silent, stuck) =
        tokio::join!(wrong(File { waits: (hour, none), ..png() }), wrong(File { waits: (none, hour), ..png() }));
    for (code, message) in [silent, stuck] {
        assert_eq!(code, "media_unreachable");
        assert!(message.contains("within 10 seconds"), "{message}");
    }
    assert!((9..13).contains(&begun.elapsed().as_secs()));
}

struct Inside;

impl Lookup for Inside {
    fn lookup<'a>(&'a self, _: &'a str) -> Looking<'a> {
        Box::pin(async { Ok(["10.0.0.7", "127.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap()).to_vec()) })
    }
}

#[tokio::test]
async fn addresses_inside_are_not_looked_at() {
    let out = Outbound::with_lookup(UpstreamConfig::default(), Arc::new(Inside));
    for url in [
        "http://example.com/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a.jpg",
        "https://localhost/a.jpg",
        "https://u:p@example.com/a.jpg",
        "https://rebound.example/a.jpg",
        "ftp://example.com/a.jpg",
        "no address",
    ] {
        let problem = probe(&out, url).await.unwrap_err();
        assert_eq!(problem.code, "media_address_refused", "{url}: {}", problem.message);
    }
}

/// A name that is public when it is asked for first, and inside ever after.
struct Rebinding(AtomicUsize);

impl Lookup for Rebinding {
    fn lookup<'a>(&'a self, _: &'a str) -> Looking<'a> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        // Public, and on no test machine's way.
        let text = if first { "2606:4700:4700::1111" } else { "127.0.0.1" };
        Box::pin(async move { Ok(vec![text.parse::<IpAddr>().unwrap()]) })
    }
}

#[tokio::test]
async fn a_name_that_turns_inside_after_it_was_checked_leads_nowhere() {
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://rebound.example:{}/a.jpg", inside.local_addr().unwrap().port());
    let names = Arc::new(Rebinding(AtomicUsize::new(0)));
    let out = Outbound::with_lookup(UpstreamConfig::default(), Arc::<Rebinding>::clone(&names));
    // The first look goes to the address that was checked, the next ones are refused.
    assert_eq!(probe(&out, &url).await.unwrap_err().code, "media_unreachable");
    assert_eq!(names.0.load(Ordering::SeqCst), 1, "a name is looked up once for each connection");
    assert_eq!(probe(&out, &url).await.unwrap_err().code, "media_address_refused");
    let called = tokio::time::timeout(Duration::from_millis(100), inside.accept()).await;
    assert!(called.is_err(), "something inside was called");
}

#[tokio::test]
async fn a_redirect_is_followed_three_times_and_never_inside() {
    let file = Site::of(png()).await;
    let mut before = file.url();
    let mut sites = Vec::new();
    for _ in 0..4 {
        let status = Some(format!("302 Found\r\nlocation: {before}"));
        let site = Site::of(File { status, ..png() }).await;
        before = site.url();
        sites.push(site);
    }
    let loopback_allow = sites.iter().chain([&file]).map(|site| site.address.clone()).collect();
    let out = Outbound::new(UpstreamConfig { loopback_allow, ..UpstreamConfig::default() });
    assert_eq!(probe(&out, &sites[2].url()).await.unwrap().mime, "image/png");
    let problem = probe(&out, &sites[3].url()).await.unwrap_err();
    assert_eq!((problem.code.as_str(), problem.message.contains("302")), ("media_unreachable", true));

    for inside in ["http://127.0.0.1:9/", "https://10.1.2.3/", "http://example.com/"] {
        let status = Some(format!("302 Found\r\nlocation: {inside}"));
        assert_eq!(wrong(File { status, ..png() }).await.0, "media_address_refused", "{inside}");
    }
}

#[tokio::test]
async fn many_files_are_looked_at_in_order_and_four_at_once() {
    let site = Site::of(File { waits: (Duration::from_millis(100), Duration::ZERO), ..png() }).await;
    let mut urls: Vec<String> = (0..9).map(|n| format!("{}?{n}", site.url())).collect();
    urls.push("http://example.com/".to_owned());
    let seen = probe_all(&site.client(), &urls).await;
    assert_eq!(seen.len(), 10);
    for (seen, url) in seen.iter().zip(&urls).take(9) {
        assert_eq!(&seen.as_ref().unwrap().url, url);
    }
    assert_eq!(seen[9].as_ref().unwrap_err().field, "mediaUrls[9]");
    assert_eq!(site.most_at_once.load(Ordering::SeqCst), 4);
}
