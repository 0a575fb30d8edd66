//! Files made of boxes: MP4, MOV, 3GP, HEIC, AVIF.

use super::{Sniffed, array, at, be32, pair};

/// Whether a box of this name can begin a file. `ftyp` does in all of them but old QuickTime ones.
pub(super) fn begins(name: &[u8]) -> bool {
    matches!(name, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"pnot")
}

pub(super) fn sniff(head: &[u8]) -> Option<Sniffed> {
    if at(head, 4, 4)? != b"ftyp" {
        return Some(Sniffed::video("video/quicktime", video_size(head)));
    }
    let end = (be32(head, 0)? as usize).min(head.len());
    let others = head.get(16..end).unwrap_or_default().chunks_exact(4);
    let major = at(head, 8, 4)?;
    let mime = match major {
        b"qt  " => "video/quicktime",
        b"avif" | b"avis" => return Some(Sniffed::image("image/avif", None)),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => return Some(Sniffed::image("image/heic", None)),
        b"mif1" | b"msf1" => {
            let avif = others.into_iter().any(|brand| brand == b"avif");
            return Some(Sniffed::image(if avif { "image/avif" } else { "image/heif" }, None));
        }
        // Sound alone, and raw photos.
        b"M4A " | b"M4B " | b"M4P " | b"crx " => return None,
        [b'3', b'g', ..] => "video/3gpp",
        _ => "video/mp4",
    };
    Some(Sniffed::video(mime, video_size(head)))
}

/// The boxes inside of `bytes`, with their names, as far as they begin there.
fn inside(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let name = at(rest, 4, 4)?;
        let (header, length) = match be32(rest, 0)? {
            // The length follows in 64 bits.
            1 => (16, usize::try_from(u64::from_be_bytes(array(rest, 8)?)).ok()?),
            // To the end of the file.
            0 => (8, rest.len()),
            length => (8, length as usize),
        };
        if length < header {
            return None;
        }
        let end = length.min(rest.len());
        let content = rest.get(header..end).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        Some((name, content))
    })
}

/// The size of the first track that has one. Phones hold upright videos lying down, with a matrix that turns them.
fn video_size(head: &[u8]) -> Option<(u32, u32)> {
    let (_, movie) = inside(head).find(|(name, _)| *name == b"moov")?;
    inside(movie).filter(|(name, _)| *name == b"trak").find_map(|(_, track)| {
        let (_, header) = inside(track).find(|(name, _)| *name == b"tkhd")?;
        // The second version has its two times and its duration in 64 bits.
        let matrix = if header.first()? == &1 { 52 } else { 40 };
        // 16.16 fixed point.
        let side = |i| Some(be32(header, i)? >> 16);
        let (width, height) = pair(side(matrix + 36), side(matrix + 40))?;
        let turned = be32(header, matrix)? == 0 && be32(header, matrix + 16)? == 0;
        Some(if turned { (height, width) } else { (width, height) })
    })
}
