//! What a file is, by its first bytes: names and headers lie too often.

pub(super) mod boxes;
mod jpeg;

use domain::content::MediaKind;

/// What the first bytes of a file show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    /// What it is.
    pub kind: MediaKind,
    /// Its type.
    pub mime: &'static str,
    /// Width and height as it is shown (a turned photo or video is turned), where these bytes tell.
    pub size: Option<(u32, u32)>,
    /// How long a video lasts, in milliseconds, where these bytes tell.
    pub duration_ms: Option<u64>,
}

impl Sniffed {
    const fn new(kind: MediaKind, mime: &'static str, size: Option<(u32, u32)>) -> Self {
        Self { kind, mime, size, duration_ms: None }
    }

    const fn image(mime: &'static str, size: Option<(u32, u32)>) -> Self {
        Self::new(MediaKind::Image, mime, size)
    }

    const fn video(mime: &'static str, size: Option<(u32, u32)>) -> Self {
        Self::new(MediaKind::Video, mime, size)
    }
}

/// What the file that begins with `head` is; `None` when it is no image, video or document that a platform could take.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let found = match head {
        [0xff, 0xd8, 0xff, ..] => Sniffed::image("image/jpeg", jpeg::size(head)),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => {
            Sniffed::image("image/png", pair(be32(head, 16), be32(head, 20)))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            let kind = if moves(head) { MediaKind::Gif } else { MediaKind::Image };
            Sniffed::new(kind, "image/gif", pair(le16(head, 6), le16(head, 8)))
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Sniffed::image("image/webp", webp(head)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => {
            Sniffed::video("video/x-msvideo", pair(le32(head, 64), le32(head, 68)))
        }
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Sniffed::image("image/bmp", pair(le32(head, 18), le32(head, 22))),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Sniffed::image("image/tiff", None),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => match doc_type(head)? {
            b"webm" => Sniffed::video("video/webm", None),
            b"matroska" => Sniffed::video("video/x-matroska", None),
            _ => return None,
        },
        [0, 0, 1, 0xba, ..] => Sniffed::video("video/mpeg", None),
        _ if at(head, 4, 4).is_some_and(boxes::begins) => return boxes::sniff(head),
        // The specification lets a PDF begin anywhere in the first 1024 bytes; readers and platforms agree.
        _ if head.get(..head.len().min(1024))?.windows(5).any(|five| five == b"%PDF-") => {
            Sniffed::new(MediaKind::Document, "application/pdf", None)
        }
        _ => return None,
    };
    Some(found)
}

/// Whether a file is a web page, which is what a link to a viewer leads to.
pub(crate) fn is_web_page(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<script", b"<!--"]
        .iter()
        .any(|tag| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// Whether a GIF has more than one frame. One whose first frame is larger than what was read counts as moving, which is
/// the stricter of the two for every platform.
fn moves(head: &[u8]) -> bool {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let Some(&flags) = head.get(10) else { return true };
    let (mut i, mut frames) = (13 + table(flags), 0);
    loop {
        i = match head.get(i) {
            Some(0x21) => {
                // Only an animation says how often it repeats.
                if head.get(i + 1) == Some(&0xff)
                    && matches!(at(head, i + 3, 11), Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0"))
                {
                    return true;
                }
                i + 2
            }
            Some(0x2c) => {
                frames += 1;
                if frames > 1 {
                    return true;
                }
                let Some(&flags) = head.get(i + 9) else { return true };
                i + 11 + table(flags)
            }
            Some(_) => return false,
            None => return true,
        };
        // The blocks of data that follow, up to the empty one.
        loop {
            match head.get(i) {
                Some(0) => break i += 1,
                Some(&length) => i += 1 + usize::from(length),
                None => return true,
            }
        }
    }
}

fn webp(head: &[u8]) -> Option<(u32, u32)> {
    match at(head, 12, 4)? {
        b"VP8X" => pair(Some(le24(head, 24)? + 1), Some(le24(head, 27)? + 1)),
        b"VP8L" => {
            let bits = le32(head, 21)?;
            pair(Some((bits & 0x3fff) + 1), Some((bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " if at(head, 23, 3)? == [0x9d, 0x01, 0x2a] => {
            pair(le16(head, 26).map(|w| w & 0x3fff), le16(head, 28).map(|h| h & 0x3fff))
        }
        _ => None,
    }
}

/// The document type in the header of a Matroska file.
fn doc_type(head: &[u8]) -> Option<&[u8]> {
    let header = head.get(..head.len().min(64))?;
    let start = header.windows(2).position(|two| two == [0x42, 0x82])? + 2;
    // A length of one byte has its first bit set.
    let length = usize::from(header.get(start)? & 0x7f);
    at(header, start + 1, length)
}

fn at(bytes: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    bytes.get(start..start.checked_add(length)?)
}

fn array<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    at(bytes, start, N)?.try_into().ok()
}

fn be16(bytes: &[u8], start: usize) -> Option<u32> {
    array(bytes, start).map(u16::from_be_bytes).map(u32::from)
}

fn be32(bytes: &[u8], start: usize) -> Option<u32> {
    array(bytes, start).map(u32::from_be_bytes)
}

fn le16(bytes: &[u8], start: usize) -> Option<u32> {
    array(bytes, start).map(u16::from_le_bytes).map(u32::from)
}

fn le24(bytes: &[u8], start: usize) -> Option<u32> {
    let [a, b, c] = array(bytes, start)?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

fn le32(bytes: &[u8], start: usize) -> Option<u32> {
    array(bytes, start).map(u32::from_le_bytes)
}

/// A size, if both sides are there and none is absurd.
fn pair(width: Option<u32>, height: Option<u32>) -> Option<(u32, u32)> {
    let sane = |side: &u32| (1..=100_000).contains(side);
    Some((width.filter(sane)?, height.filter(sane)?))
}

#[cfg(test)]
mod tests;
