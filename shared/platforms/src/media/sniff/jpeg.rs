//! The size of a JPEG, as it is shown.

use super::{at, be16, be32, le16, le32, pair};

/// Width and height from the frame header; swapped when the camera was held upright (EXIF orientation 5 to 8).
pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    let (mut i, mut turned) = (2, false);
    loop {
        if *head.get(i)? != 0xff {
            return None;
        }
        let length = be16(head, i + 2)? as usize;
        match *head.get(i + 1)? {
            // Fill bytes before a marker.
            0xff => {
                i += 1;
                continue;
            }
            // Frame headers; the four that are left out are tables and extensions.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let (width, height) = pair(be16(head, i + 7), be16(head, i + 5))?;
                return Some(if turned { (height, width) } else { (width, height) });
            }
            0xe1 => turned |= at(head, i + 4, length.checked_sub(2)?).and_then(orientation).is_some_and(|o| o >= 5),
            // The picture itself: no frame header came before it.
            0xda | 0xd9 => return None,
            _ => {}
        }
        i += 2 + length;
    }
}

/// The orientation (1 to 8) of an EXIF segment.
fn orientation(segment: &[u8]) -> Option<u32> {
    let tiff = segment.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |i| if little { le16(tiff, i) } else { be16(tiff, i) };
    let directory = if little { le32(tiff, 4) } else { be32(tiff, 4) }? as usize;
    let entries = short(directory)? as usize;
    let entry = (0..entries).map(|n| directory + 2 + 12 * n).find(|&entry| short(entry) == Some(0x0112))?;
    short(entry + 8).filter(|turn| (1..=8).contains(turn))
}
