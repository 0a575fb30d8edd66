use proptest::prelude::*;

use super::*;

fn jpeg(width: u16, height: u16, orientation: Option<u8>) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0];
    if let Some(turn) = orientation {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
        exif.extend([1, 0, 0, 3, 0, 0, 0, 1, 0, 9, 0, 0]);
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0]);
        file.extend([0xff, 0xff, 0xe1, 0, u8::try_from(exif.len() + 2).unwrap()]);
        file.extend(exif);
    }
    file.extend([0xff, 0xc2, 0, 11, 8]);
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([1, 1, 0x11, 0, 0xff, 0xda]);
    file
}

fn in_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes()[..], name, content].concat()
}

fn movie(brand: &[u8; 4], width: u32, height: u32, turned: bool) -> Vec<u8> {
    let begin = [in_box(b"ftyp", &[&brand[..], &[0, 0, 2, 0], b"isom"].concat()), in_box(b"free", &[])].concat();
    [begin, moov(&[0; 100], width, height, turned)].concat()
}

/// The header of a movie of `duration` units of which a second has `scale`, in the older or the newer form.
fn mvhd(newer: bool, scale: u32, duration: u32) -> Vec<u8> {
    let mut header = vec![u8::from(newer), 0, 0, 0];
    header.extend(vec![0; if newer { 16 } else { 8 }]);
    header.extend(scale.to_be_bytes());
    header.extend(vec![0; if newer { 4 } else { 0 }]);
    header.extend(duration.to_be_bytes());
    header.extend([0; 80]);
    header
}

fn moov(header: &[u8], width: u32, height: u32, turned: bool) -> Vec<u8> {
    let mvhd = in_box(b"mvhd", header);
    let mut header = vec![0; 40];
    let (a, b) = if turned { (0, 1 << 16) } else { (1 << 16, 0) };
    for cell in [a, b, 0, 0u32.wrapping_sub(b), a, 0, 0, 0, 1 << 30, width << 16, height << 16] {
        header.extend(cell.to_be_bytes());
    }
    // The sound comes first, and has no size.
    let sound = in_box(b"trak", &in_box(b"tkhd", &[0; 84]));
    let picture = in_box(b"trak", &[in_box(b"edts", &[]), in_box(b"tkhd", &header)].concat());
    in_box(b"moov", &[mvhd, sound, picture].concat())
}

fn gif(frames: usize, repeats: bool) -> Vec<u8> {
    let mut file = b"GIF89a\x20\x03\x58\x02\x80\0\0".to_vec();
    file.extend([0; 6]);
    if repeats {
        file.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    }
    for _ in 0..frames {
        file.extend([0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
    }
    file.push(0x3b);
    file
}

fn shown(head: &[u8]) -> (MediaKind, &'static str, Option<(u32, u32)>) {
    let found = sniff(head).unwrap();
    (found.kind, found.mime, found.size)
}

#[test]
fn a_photo_has_the_size_it_is_shown_in() {
    assert_eq!(shown(&jpeg(4032, 3024, None)), (MediaKind::Image, "image/jpeg", Some((4032, 3024))));
    assert_eq!(shown(&jpeg(4032, 3024, Some(1))).2, Some((4032, 3024)));
    assert_eq!(shown(&jpeg(4032, 3024, Some(6))).2, Some((3024, 4032)));
    assert_eq!(shown(&jpeg(4032, 3024, Some(6))[..30]).2, None, "the size lies behind what was read");
}

#[test]
fn images_are_known_by_their_first_bytes() {
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 5, 0, 0, 0, 2, 0xd0]].concat();
    assert_eq!(shown(&png), (MediaKind::Image, "image/png", Some((1280, 720))));
    let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\x01\xf0\0";
    assert_eq!(shown(lossy), (MediaKind::Image, "image/webp", Some((320, 240))));
    let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x3f\x01\0\xef\0\0";
    assert_eq!(shown(extended).2, Some((320, 240)));
    // 14 bits of width - 1 and 14 of height - 1.
    let lossless = [&b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f"[..], &(319u32 | 239 << 14).to_le_bytes()].concat();
    assert_eq!(shown(&lossless).2, Some((320, 240)));
    assert_eq!(shown(b"BM\0\0\0\0\0\0\0\0").1, "image/bmp");
    assert_eq!(shown(b"II*\0").1, "image/tiff");
}

#[test]
fn a_video_lasts_as_long_as_its_header_says() {
    let lasts = |header: &[u8]| {
        let file = [in_box(b"ftyp", b"isom\0\0\x02\0isom"), moov(header, 1080, 1920, false)].concat();
        sniff(&file).unwrap().duration_ms
    };
    assert_eq!(lasts(&mvhd(false, 600, 90_300)), Some(150_500));
    assert_eq!(lasts(&mvhd(true, 30_000, 1_800_000)), Some(60_000));
    // Made of fragments, unknown, or nonsense.
    assert_eq!(lasts(&mvhd(false, 600, 0)), None);
    assert_eq!(lasts(&mvhd(false, 600, u32::MAX)), None);
    assert_eq!(lasts(&mvhd(false, 0, 600)), None);
    assert_eq!(lasts(&[0; 9]), None);
}

#[test]
fn what_a_video_says_of_itself_is_found_behind_its_pictures() {
    use boxes::{Movie, Search, search};
    let begin = in_box(b"ftyp", b"isom\0\0\x02\0isom");
    let large = |length: u64| [&1u32.to_be_bytes()[..], b"mdat", &length.to_be_bytes(), &[7; 100]].concat();
    let head = [begin.clone(), large(5_000_000_000)].concat();
    assert_eq!(search(&head, 0), Search::Beyond(20 + 5_000_000_000));
    let behind = [in_box(b"free", &[0; 30]), moov(&mvhd(false, 1_000, 7_000), 640, 360, false)].concat();
    let movie = Movie { size: Some((640, 360)), duration_ms: Some(7_000) };
    assert_eq!(search(&behind, 5_000_000_020), Search::Found(movie));
    assert_eq!(search(&in_box(b"free", &[]), 100), Search::Beyond(108));
    // To the end of the file, shorter than its own header, and the largest there is.
    assert_eq!(search(&[&begin[..], &[0, 0, 0, 0], b"mdat"].concat(), 0), Search::Nowhere);
    assert_eq!(search(&[0, 0, 0, 3, b'm', b'd', b'a', b't'], 0), Search::Nowhere);
    assert_eq!(search(&large(u64::MAX), 50), Search::Beyond(u64::MAX));
}

#[test]
fn a_gif_moves_when_it_has_a_second_frame() {
    assert_eq!(shown(&gif(1, false)), (MediaKind::Image, "image/gif", Some((800, 600))));
    assert_eq!(shown(&gif(2, false)), (MediaKind::Gif, "image/gif", Some((800, 600))));
    assert_eq!(shown(&gif(1, true)).0, MediaKind::Gif, "it says how often it repeats");
    let cut = gif(1, false);
    assert_eq!(shown(&cut[..cut.len() - 3]).0, MediaKind::Gif, "what follows is not known");
}

#[test]
fn videos_are_known_by_their_boxes_or_their_document_type() {
    assert_eq!(shown(&movie(b"isom", 1920, 1080, false)), (MediaKind::Video, "video/mp4", Some((1920, 1080))));
    assert_eq!(shown(&movie(b"qt  ", 1920, 1080, true)), (MediaKind::Video, "video/quicktime", Some((1080, 1920))));
    assert_eq!(shown(&in_box(b"moov", &[])).1, "video/quicktime", "before there was ftyp");
    assert_eq!(shown(b"\0\0\0\x14ftyp3gp5").1, "video/3gpp");
    assert_eq!(shown(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm").1, "video/webm");
    assert_eq!(shown(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska").1, "video/x-matroska");
    assert_eq!(shown(b"RIFF\0\0\0\0AVI LIST").1, "video/x-msvideo");
}

#[test]
fn photos_in_boxes_are_no_videos() {
    assert_eq!(shown(&in_box(b"ftyp", b"heic\0\0\0\0mif1")), (MediaKind::Image, "image/heic", None));
    assert_eq!(shown(&in_box(b"ftyp", b"mif1\0\0\0\0miafavif")).1, "image/avif");
    assert_eq!(shown(&in_box(b"ftyp", b"avif\0\0\0\0")).1, "image/avif");
}

#[test]
fn documents_are_pdfs() {
    assert_eq!(shown(b"%PDF-1.7\n"), (MediaKind::Document, "application/pdf", None));
    assert_eq!(shown(b"\xef\xbb\xbf\r\n%PDF-1.4").0, MediaKind::Document);
}

#[test]
fn what_no_platform_takes_is_unknown() {
    for head in
        [&b""[..], b"<!DOCTYPE html>", b"ID3\x03", b"PK\x03\x04", b"\x7fELF", b"<svg", b"RIFF\0\0\0\0WAVE", b"\xff"]
    {
        assert_eq!(sniff(head), None, "{head:?}");
    }
    assert_eq!(sniff(&in_box(b"ftyp", b"M4A \0\0\0\0")), None, "sound alone");
    assert!(is_web_page(b"\n <!DoctYpe HTML><html>") && is_web_page(b"\xef\xbb\xbf<html>") && !is_web_page(b"%PDF-"));
}

fn beginnings() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        jpeg(1, 1, Some(8)),
        gif(2, true),
        movie(b"isom", 8, 8, true),
        b"RIFF\0\0\0\0WEBPVP8X".to_vec(),
        b"\x89PNG\r\n\x1a\n".to_vec(),
        b"\x1a\x45\xdf\xa3\x42\x82".to_vec(),
    ]);
    (known, prop::collection::vec(any::<u8>(), 0..200), any::<prop::sample::Index>()).prop_map(
        |(mut head, noise, at)| {
            let at = at.index(head.len());
            head.splice(at..(at + noise.len() / 4).min(head.len()), noise);
            head
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange_to_look_at(head in beginnings(), noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (sniff(&head), sniff(&noise));
        for size in [sniff(&head), sniff(&noise)].into_iter().flatten().filter_map(|found| found.size) {
            prop_assert!(size.0 > 0 && size.1 > 0);
        }
    }
}
