//! What a file is by its content, whatever its name says.

/// What the first bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `image/jpeg` and so on; `application/octet-stream` when nothing is known.
    pub(crate) content_type: &'static str,
    /// `image`, `gif`, `video`, `document`, `unknown`.
    pub(crate) kind: &'static str,
    pub(crate) size: Option<(u32, u32)>,
}

/// Looks at the head of a file.
pub(crate) fn sniff(head: &[u8]) -> Seen {
    let seen = |content_type, kind, size| Seen { content_type, kind, size };
    let u16_at = |at: usize| head.get(at..at + 2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    let u32_at = |at: usize| head.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    match head {
        [0xff, 0xd8, 0xff, ..] => seen("image/jpeg", "image", jpeg_size(head)),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => seen("image/png", "image", u32_at(16).zip(u32_at(20))),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => seen("image/gif", "gif", u16_at(6).zip(u16_at(8))),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => seen("image/webp", "image", None),
        [_, _, _, _, b'f', b't', b'y', b'p', b'q', b't', ..] => seen("video/quicktime", "video", mp4_size(head)),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => seen("video/mp4", "video", mp4_size(head)),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => seen("video/webm", "video", None),
        [b'%', b'P', b'D', b'F', b'-', ..] => seen("application/pdf", "document", None),
        _ => {
            let start: Vec<u8> = head.iter().take(64).map(u8::to_ascii_lowercase).collect();
            let text = String::from_utf8_lossy(&start);
            if text.trim_start().starts_with("<!doctype") || text.trim_start().starts_with("<html") {
                seen("text/html", "unknown", None)
            } else {
                seen("application/octet-stream", "unknown", None)
            }
        }
    }
}

/// Width and height in the frame header.
fn jpeg_size(head: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = *head.get(at + 1)?;
        let length = usize::from(u16::from_be_bytes([*head.get(at + 2)?, *head.get(at + 3)?]));
        if matches!(marker, 0xc0..=0xc3) {
            let n = |i: usize| Some(u32::from(u16::from_be_bytes([*head.get(at + i)?, *head.get(at + i + 1)?])));
            return n(7).zip(n(5));
        }
        at += 2 + length;
    }
}

/// Width and height of the first track, when its header is in the head.
fn mp4_size(head: &[u8]) -> Option<(u32, u32)> {
    let at = head.windows(4).position(|w| w == b"tkhd")?;
    let n = |from: usize| head.get(from..from + 2).map(|b| u32::from(u16::from_be_bytes([b[0], b[1]])));
    n(at + 80).zip(n(at + 84))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::files;

    #[test]
    fn files_are_what_they_are() {
        let type_and_size = |head: &[u8]| (sniff(head).content_type, sniff(head).size);
        assert_eq!(type_and_size(&files::jpeg(1080, 1350, "x")), ("image/jpeg", Some((1080, 1350))));
        assert_eq!(type_and_size(&files::png(640, 480, "x")), ("image/png", Some((640, 480))));
        assert_eq!(type_and_size(&files::gif(30, 20, "x")), ("image/gif", Some((30, 20))));
        assert_eq!(type_and_size(&files::mp4(720, 1280, 9, 0, b"isom", "x")), ("video/mp4", Some((720, 1280))));
        assert_eq!(sniff(&files::mp4(1, 1, 9, 0, b"qt  ", "x")).content_type, "video/quicktime");
        assert_eq!(sniff(&files::pdf("x")).kind, "document");
        assert_eq!(sniff(b"  <!DOCTYPE html><p>").content_type, "text/html");
        assert_eq!(sniff(b"").kind, "unknown");
    }
}
