//! Reading a file in pieces.

use std::time::Duration;

use domain::content::Media;
use domain::{Effect, Failure, Kind};
use platforms::media::{LARGEST_READ, Sources};
use platforms::publish::Files;

use crate::server::{File, Site};

fn refused(result: Result<impl std::fmt::Debug, Failure>) -> Failure {
    let failure = result.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::ContentRefused, Effect::NotApplied), "{failure:?}");
    assert!(failure.said.is_some());
    failure
}

fn down(result: Result<impl std::fmt::Debug, Failure>) -> Failure {
    let failure = result.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::ProviderDown, Effect::NotApplied), "{failure:?}");
    failure
}

/// Reads the whole file in pieces, each compared with what it should be.
async fn read_all(files: &Sources, site: &Site, media: &Media, piece: usize) -> Result<u64, Failure> {
    let mut at = 0;
    loop {
        let part = files.read(media, at, piece).await?;
        let expected = site.file.lock().unwrap().bytes(at, piece as u64);
        assert!(part == expected, "the piece at {at} is another");
        at += part.len() as u64;
        if part.len() < piece {
            return Ok(at);
        }
    }
}

#[tokio::test]
async fn pieces_that_follow_each_other_come_from_one_answer() {
    let site = Site::of(File { length: 1_000_000, ..File::default() }).await;
    let (files, media) = (Sources::new(&site.client()), site.media());
    assert_eq!(read_all(&files, &site, &media, 100_000).await.unwrap(), 1_000_000);
    assert_eq!(site.asked(), ["-"]);
    assert!(files.read(&media, 1_000_000, 10).await.unwrap().is_empty());
    assert_eq!(read_all(&files, &site, &media, 65_537).await.unwrap(), 1_000_000);
    assert_eq!(site.asked(), ["-"], "back to the start is a new request");
}

#[tokio::test]
async fn the_size_is_asked_for_with_the_first_read() {
    let site = Site::of(File::default()).await;
    let files = Sources::new(&site.client());
    assert_eq!(files.size(&site.unmeasured()).await.unwrap(), 100_000);
    assert_eq!(read_all(&files, &site, &site.unmeasured(), 30_000).await.unwrap(), 100_000);
    assert_eq!(site.asked(), ["-"]);
}

#[tokio::test]
async fn another_process_goes_on_in_the_middle() {
    let site = Site::of(File { length: 10_000_000, ..File::default() }).await;
    let files = Sources::new(&site.client());
    let part = files.read(&site.media(), 7_654_321, 1000).await.unwrap();
    assert_eq!(part, site.file.lock().unwrap().bytes(7_654_321, 1000));
    let next = files.read(&site.media(), 7_655_321, 1000).await.unwrap();
    assert_eq!(next, site.file.lock().unwrap().bytes(7_655_321, 1000));
    let near = files.read(&site.media(), 7_700_000, 1000).await.unwrap();
    assert_eq!(near, site.file.lock().unwrap().bytes(7_700_000, 1000));
    assert_eq!(site.asked(), ["7654321-"]);
    files.read(&site.media(), 1_000_000, 1000).await.unwrap();
    assert_eq!(site.asked(), ["1000000-"]);
    assert!(files.read(&site.media(), 10_000_000, 1000).await.unwrap().is_empty());
    assert!(files.read(&site.unmeasured(), 10_000_000, 1000).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_without_parts_is_read_past_what_is_not_wanted() {
    let site = Site::of(File { length: 10_000_000, parts: false, ..File::default() }).await;
    let (files, media) = (Sources::new(&site.client()), site.media());
    for at in [5_000_000, 5_001_000, 9_000_000] {
        assert_eq!(files.read(&media, at, 1000).await.unwrap(), site.file.lock().unwrap().bytes(at, 1000));
    }
    assert_eq!(site.asked(), ["5000000-"], "once it is known to give no parts, the answer is kept");
    assert_eq!(files.read(&media, 8_000_000, 1000).await.unwrap(), site.file.lock().unwrap().bytes(8_000_000, 1000));
    assert_eq!(site.asked(), ["8000000-"]);
}

#[tokio::test]
async fn a_file_that_changed_is_not_sent_on() {
    let tagged = |tag: &str| format!("etag: \"{tag}\"\r\nlast-modified: Mon, 02 Nov 2026 10:00:00 GMT\r\n");
    type Change = fn(&mut File);
    let changes: [(&str, Change); 3] = [
        ("its tag", |file| file.headers = file.headers.replace("\"a\"", "\"b\"")),
        ("its date", |file| file.headers = file.headers.replace("10:00", "10:01")),
        ("its length", |file| file.length += 1),
    ];
    for (what, change) in changes {
        let site = Site::of(File { length: 4_000_000, headers: tagged("a"), ..File::default() }).await;
        let (files, media) = (Sources::new(&site.client()), site.unmeasured());
        files.read(&media, 0, 1000).await.unwrap();
        let seen = files.seen();
        site.change(change);
        let failure = refused(files.read(&media, 3_000_000, 1000).await);
        assert!(failure.said.unwrap().contains("another"), "{what}");
        // The process after this one sees it as well.
        refused(Sources::expecting(&site.client(), &seen).read(&media, 3_000_000, 1000).await);
        refused(Sources::expecting(&site.client(), &seen).stream(&media).await);
        refused(Sources::expecting(&site.client(), &seen).size(&media).await);
        assert!(Sources::new(&site.client()).read(&media, 3_000_000, 1000).await.is_ok(), "{what}: a fresh start");
        assert!(!seen.contains("127.0.0.1"), "no address is stored");
    }
}

#[tokio::test]
async fn a_file_of_another_length_than_was_looked_at_is_refused() {
    let site = Site::of(File::default()).await;
    let media = Media { bytes: Some(99_999), ..site.media() };
    refused(Sources::new(&site.client()).read(&media, 0, 10).await);
    // One that tells no length is found out at the end.
    site.change(|file| (file.parts, file.tells_length) = (false, false));
    refused(Sources::new(&site.client()).read(&media, 0, 99_999).await);
    let longer = Media { bytes: Some(100_001), ..site.media() };
    down(Sources::new(&site.client()).read(&longer, 0, 200_000).await);
}

#[tokio::test]
async fn an_answer_that_breaks_is_taken_up_where_it_broke() {
    let site = Site::of(File { length: 4_000_000, breaks_after: Some(700_000), ..File::default() }).await;
    let (files, media) = (Sources::new(&site.client()), site.media());
    assert_eq!(read_all(&files, &site, &media, 4_000_000).await.unwrap(), 4_000_000);
    assert_eq!(site.asked(), ["-", "700000-", "1400000-", "2100000-", "2800000-", "3500000-"]);
}

#[tokio::test]
async fn a_server_that_never_gets_further_is_given_up() {
    let site = Site::of(File { breaks_after: Some(1000), ..File::default() }).await;
    down(Sources::new(&site.client()).read(&site.media(), 0, 50_000).await);
    assert_eq!(site.asked(), ["-", "1000-", "2000-", "3000-"]);
}

#[tokio::test]
async fn a_server_that_lies_about_its_length_is_found_out() {
    let site = Site::of(File { claims: Some(200_000), ..File::default() }).await;
    let failure = Sources::new(&site.client()).read(&site.unmeasured(), 0, 200_000).await.unwrap_err();
    assert_eq!(failure.effect, Effect::NotApplied, "{failure:?}");
    // Nor is there anything behind what a process before this one has sent, if the file is shorter than that.
    site.change(|file| file.claims = None);
    refused(Sources::new(&site.client()).read(&site.unmeasured(), 150_000, 1000).await);
}

#[tokio::test]
async fn what_is_not_the_file_is_refused() {
    for (status, kind) in [
        ("404 Not Found", Kind::ContentRefused),
        ("403 Forbidden", Kind::ContentRefused),
        ("500 Oops", Kind::ProviderDown),
    ] {
        let site = Site::of(File { status: Some(status.to_owned()), ..File::default() }).await;
        let failure = Sources::new(&site.client()).read(&site.media(), 0, 10).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (kind, Effect::NotApplied));
        assert!(failure.said.unwrap().contains(&status[..3]));
    }
    let busy = File { status: Some("429 Slow down\r\nretry-after: 7".to_owned()), ..File::default() };
    let site = Site::of(busy).await;
    let failure = down(Sources::new(&site.client()).read(&site.media(), 0, 10).await);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));

    let compressed = Site::of(File { headers: "content-encoding: gzip\r\n".to_owned(), ..File::default() }).await;
    refused(Sources::new(&compressed.client()).read(&compressed.media(), 0, 10).await);

    let inside = File { status: Some("302 Found\r\nlocation: https://169.254.169.254/".to_owned()), ..File::default() };
    let site = Site::of(inside).await;
    refused(Sources::new(&site.client()).read(&site.media(), 0, 10).await);
    refused(Sources::new(&site.client()).size(&site.media()).await);
    refused(Sources::new(&site.client()).stream(&site.media()).await);

    let other = "206 Partial Content\r\ncontent-range: bytes 5-6/100000".to_owned();
    let site = Site::of(File { status: Some(other), ..File::default() }).await;
    refused(Sources::new(&site.client()).read(&site.media(), 50, 10).await);
}

#[tokio::test]
async fn a_length_that_is_not_told_is_counted() {
    let site = Site::of(File { tells_length: false, parts: false, length: 3_000_000, ..File::default() }).await;
    let files = Sources::new(&site.client());
    assert_eq!(files.size(&site.unmeasured()).await.unwrap(), 3_000_000);
    assert_eq!(read_all(&files, &site, &site.unmeasured(), 1_000_000).await.unwrap(), 3_000_000);
    site.change(|file| file.length = 80 << 20);
    refused(Sources::new(&site.client()).size(&site.unmeasured()).await);
}

#[tokio::test]
async fn one_read_is_never_larger_than_a_piece() {
    let site = Site::of(File::default()).await;
    let failure = Sources::new(&site.client()).read(&site.media(), 0, LARGEST_READ + 1).await.unwrap_err();
    assert_eq!(failure.kind, Kind::InvalidRequest);
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn two_files_are_kept_apart() {
    let (one, two) = (Site::of(File::default()).await, Site::of(File { length: 50_000, ..File::default() }).await);
    let config = outbound::UpstreamConfig {
        loopback_allow: vec![one.address.clone(), two.address.clone()],
        ..outbound::UpstreamConfig::default()
    };
    let files = Sources::new(&outbound::Outbound::new(config));
    assert_eq!(files.size(&one.media()).await.unwrap(), 100_000);
    assert_eq!(files.size(&two.media()).await.unwrap(), 50_000);
    assert_eq!(read_all(&files, &two, &two.media(), 20_000).await.unwrap(), 50_000);
    assert_eq!(read_all(&files, &one, &one.media(), 20_000).await.unwrap(), 100_000);
}
