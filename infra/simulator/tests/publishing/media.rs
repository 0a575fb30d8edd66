//! The media host.

use tokio::io::AsyncReadExt as _;

use crate::common::World;

const HOST: &str = "media.example";

#[tokio::test]
async fn files_have_their_size_their_type_and_the_same_bytes_each_time() {
    let w = World::start().await;
    let photo = w.get(&format!("{HOST}/photo.jpg?w=800&h=600&bytes=50000")).await;
    assert_eq!((photo.status, photo.header("content-type"), photo.bytes.len()), (200, Some("image/jpeg"), 50_000));
    assert_eq!(&photo.bytes[..3], b"\xff\xd8\xff");
    assert_eq!(w.get(&format!("{HOST}/photo.jpg?w=800&h=600&bytes=50000")).await.bytes, photo.bytes);
    assert_ne!(w.get(&format!("{HOST}/photo.jpg?w=800&h=600&bytes=50000&seed=2")).await.bytes, photo.bytes);
    for (name, magic) in [("a.png", &b"\x89PNG"[..]), ("a.gif", b"GIF8"), ("a.pdf", b"%PDF"), ("a.html", b"<!do")] {
        assert!(w.get(&format!("cdn.{HOST}/{name}")).await.bytes.starts_with(magic), "{name}");
    }
    let video = w.get(&format!("{HOST}/clip.mp4?bytes=300000")).await;
    assert_eq!(
        (&video.bytes[4..8], video.bytes.len(), video.header("accept-ranges")),
        (&b"ftyp"[..], 300_000, Some("bytes"))
    );
    let part = w.send("GET", &format!("{HOST}/clip.mp4?bytes=300000"), &[("range", "bytes=100000-199999")], "").await;
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 100000-199999/300000")));
    assert!(part.bytes == video.bytes[100_000..200_000]);
    let head = w.send("HEAD", &format!("{HOST}/clip.mp4?bytes=300000"), &[], "").await;
    assert_eq!((head.header("content-length"), head.bytes.len()), (Some("300000"), 0));
    let behind = w.send("GET", &format!("{HOST}/clip.mp4?bytes=300000"), &[("range", "bytes=300000-")], "").await;
    assert_eq!(behind.status, 416);
    assert_eq!(w.unexpected().await, Vec::<String>::new());
}

#[tokio::test]
async fn liars_lie() {
    let w = World::start().await;
    let get = async |path: &str| w.get(&format!("{HOST}/{path}")).await;
    let wrong = get("photo.jpg?as=html").await;
    assert_eq!((wrong.header("content-type"), wrong.body.starts_with("<!doctype html")), (Some("image/jpeg"), true));
    assert_eq!(get("photo.jpg?type=text/plain").await.header("content-type"), Some("text/plain"));
    let other = get("photo.jpg?as=mp4").await;
    assert_eq!((other.header("content-type"), &other.bytes[4..8]), (Some("image/jpeg"), &b"ftyp"[..]));
    assert_eq!(get("photo.jpg?status=404").await.status, 404);
    assert_eq!(get("nothing.xyz").await.status, 404);
    let moved = get("photo.jpg?redirect=https://169.254.169.254/latest/meta-data/").await;
    assert_eq!((moved.status, moved.header("location")), (302, Some("https://169.254.169.254/latest/meta-data/")));
    for broken in ["photo.jpg?bytes=20000&length=90000", "photo.jpg?bytes=20000&cut=5000"] {
        assert!(w.try_send("GET", &format!("{HOST}/{broken}"), &[], "").await.is_err(), "{broken}");
    }
    let whole = w.send("GET", &format!("{HOST}/clip.mp4?range=no"), &[("range", "bytes=0-9")], "").await;
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, None));
    let secret = w.send("GET", &format!("{HOST}/photo.jpg"), &[("authorization", "Bearer x")], "").await;
    assert_eq!(secret.status, 400);
    assert_eq!(w.unexpected().await, ["credential sent to the media host"]);
}

#[tokio::test]
async fn an_endless_body_never_ends_and_a_slow_one_is_slow() {
    let w = World::start().await;
    let mut endless =
        w.connect("GET /media.example/clip.mp4?endless=1 HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n").await;
    let (mut total, mut buffer) = (0, vec![0; 1 << 16]);
    while total < 20_000_000 {
        let n = endless.read(&mut buffer).await.unwrap();
        assert_ne!(n, 0, "it ended after {total}");
        total += n;
    }
    let start = std::time::Instant::now();
    assert_eq!(w.get(&format!("{HOST}/photo.bin?bytes=2000&pace=10000")).await.bytes.len(), 2_000);
    assert!(start.elapsed().as_millis() >= 150, "{:?}", start.elapsed());
}
