//! Files made of boxes: MP4, MOV, 3GP, HEIC, AVIF.

use super::{Sniffed, array, at, be32, pair};

/// Whether a box of this name can begin a file. `ftyp` does in all of them but old QuickTime ones.
pub(super) fn begins(name: &[u8]) -> bool {
    matches!(name, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"pnot")
}

pub(super) fn sniff(head: &[u8]) -> Option<Sniffed> {
    if at(head, 4, 4)? != b"ftyp" {
        return Some(video("video/quicktime", head));
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
    Some(video(mime, head))
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

fn video(mime: &'static str, head: &[u8]) -> Sniffed {
    let movie = inside(head).find(|(name, _)| *name == b"moov").map(|(_, content)| Movie::read(content));
    let Movie { size, duration_ms } = movie.unwrap_or_default();
    Sniffed { duration_ms, ..Sniffed::video(mime, size) }
}

/// What the `moov` box tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Movie {
    /// Width and height as it is shown.
    pub(in crate::media) size: Option<(u32, u32)>,
    /// How long it lasts.
    pub(in crate::media) duration_ms: Option<u64>,
}

impl Movie {
    fn read(content: &[u8]) -> Self {
        let header = inside(content).find(|(name, _)| *name == b"mvhd");
        Self { size: size(content), duration_ms: header.and_then(|(_, header)| duration_ms(header)) }
    }
}

/// Where a search for the `moov` box stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Search {
    /// Found.
    Found(Movie),
    /// The next box begins at this offset, beyond what was given.
    Beyond(u64),
    /// There is none.
    Nowhere,
}

/// Looks for the `moov` box in `part`, which begins with a box at `offset` of its file.
pub(in crate::media) fn search(part: &[u8], offset: u64) -> Search {
    let mut at = 0_usize;
    // Fewer bytes than a header: the box is read from its begin.
    while let (Some(name), Some(length)) = (at_name(part, at), be32(part, at)) {
        if name == b"moov" {
            let content = part.get(at..).and_then(|rest| inside(rest).next());
            return content.map_or(Search::Nowhere, |(_, content)| Search::Found(Movie::read(content)));
        }
        let length = match length {
            0 => return Search::Nowhere,
            1 => match array(part, at + 8) {
                Some(long) => u64::from_be_bytes(long),
                None => return Search::Beyond(offset.saturating_add(at as u64)),
            },
            length => u64::from(length),
        };
        let Some(next) = (at as u64).checked_add(length).filter(|_| length >= 8) else { return Search::Nowhere };
        match usize::try_from(next) {
            Ok(inside) if inside < part.len() => at = inside,
            _ => return Search::Beyond(offset.saturating_add(next)),
        }
    }
    Search::Beyond(offset.saturating_add(at as u64))
}

fn at_name(part: &[u8], start: usize) -> Option<&[u8]> {
    at(part, start.checked_add(4)?, 4)
}

/// The duration in an `mvhd` box. A file that is made of fragments has none there.
fn duration_ms(header: &[u8]) -> Option<u64> {
    // The second version has its two times and its duration in 64 bits.
    let (scale, duration, unknown) = match header.first()? {
        1 => (be32(header, 20)?, u64::from_be_bytes(array(header, 24)?), u64::MAX),
        _ => (be32(header, 12)?, u64::from(be32(header, 16)?), u64::from(u32::MAX)),
    };
    let known = Some(duration).filter(|duration| *duration != 0 && *duration != unknown)?;
    known.checked_mul(1_000)?.checked_div(u64::from(scale))
}

/// The size of the first track that has one. Phones hold upright videos lying down, with a matrix that turns them.
fn size(movie: &[u8]) -> Option<(u32, u32)> {
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
