//! Files that are what they say: a real head for every format, then filler that is the same each time.

use std::sync::OnceLock;

use bytes::Bytes;

const BLOCK: u64 = 64 * 1024;

/// A file of any length, made where it is read.
#[derive(Debug, Clone)]
pub(crate) struct File {
    prefix: Bytes,
    seed: u64,
    pub(crate) length: u64,
}

impl File {
    /// `prefix`, filled up to `length`; at least the prefix.
    pub(crate) fn new(prefix: Vec<u8>, seed: &str, length: Option<u64>) -> Self {
        let seed =
            seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let length = length.unwrap_or(0).max(prefix.len() as u64);
        Self { prefix: Bytes::from(prefix), seed, length }
    }

    /// Up to 64 KiB from `offset` on; empty at the end. An endless reader may go on behind `length`.
    pub(crate) fn read(&self, offset: u64, most: u64) -> Bytes {
        let head = self.prefix.len() as u64;
        if offset < head {
            let from = usize::try_from(offset).unwrap_or(0);
            let to = usize::try_from((offset + most.min(BLOCK)).min(head)).unwrap_or(from);
            return self.prefix.slice(from..to);
        }
        let (number, within) = ((offset - head) / BLOCK, (offset - head) % BLOCK);
        let mut block = pattern().to_vec();
        // No two blocks are alike, so that blocks in the wrong order have another digest.
        block[..8].copy_from_slice(&number.to_be_bytes());
        block[8..16].copy_from_slice(&self.seed.to_be_bytes());
        let to = (within + most).min(BLOCK);
        Bytes::from(block).slice(usize::try_from(within).unwrap_or(0)..usize::try_from(to).unwrap_or(0))
    }
}

fn pattern() -> &'static [u8] {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let mut x = 0x9e37_79b9_7f4a_7c15_u64;
        let mut out = Vec::with_capacity(BLOCK as usize);
        while out.len() < BLOCK as usize {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            out.extend_from_slice(&x.to_le_bytes());
        }
        out
    })
}

/// A grey baseline JPEG. Every block is two zero bits: no change of brightness, end of block.
pub(crate) fn jpeg(w: u16, h: u16, note: &str) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xe0, 0, 16];
    out.extend_from_slice(b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    segment(&mut out, 0xfe, note.as_bytes());
    let mut quantisation = vec![0];
    quantisation.extend_from_slice(&[1; 64]);
    segment(&mut out, 0xdb, &quantisation);
    let [wh, wl] = w.to_be_bytes();
    let [hh, hl] = h.to_be_bytes();
    segment(&mut out, 0xc0, &[8, hh, hl, wh, wl, 1, 1, 0x11, 0]);
    for table in [0x00, 0x10] {
        // One code of one bit, for the value 0.
        let mut huffman = vec![table, 1];
        huffman.extend_from_slice(&[0; 15]);
        huffman.push(0);
        segment(&mut out, 0xc4, &huffman);
    }
    segment(&mut out, 0xda, &[1, 1, 0, 0, 63, 0]);
    let blocks = usize::from(w).div_ceil(8) * usize::from(h).div_ceil(8);
    out.resize(out.len() + blocks * 2 / 8, 0);
    let rest = blocks * 2 % 8;
    if rest > 0 {
        out.push(0xff >> rest);
    }
    out.extend_from_slice(&[0xff, 0xd9]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, data: &[u8]) {
    let length = u16::try_from(data.len() + 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(data);
}

/// A black PNG of one bit a pixel, stored without compression.
pub(crate) fn png(w: u32, h: u32, note: &str) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [w.to_be_bytes(), h.to_be_bytes()].concat();
    head.extend_from_slice(&[1, 0, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"tEXt", &[b"Comment\0", note.as_bytes()].concat());
    let rows = vec![0_u8; (w as usize).div_ceil(8).saturating_add(1) * h as usize];
    let mut data = vec![0x78, 0x01];
    let mut pieces = rows.chunks(65_535).peekable();
    while let Some(piece) = pieces.next() {
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        data.push(u8::from(pieces.peek().is_none()));
        data.extend_from_slice(&length.to_le_bytes());
        data.extend_from_slice(&(!length).to_le_bytes());
        data.extend_from_slice(piece);
    }
    // Adler-32 of nothing but zeros: the second sum counts them.
    let adler = ((rows.len() as u64 % 65_521) << 16 | 1) as u32;
    data.extend_from_slice(&adler.to_be_bytes());
    chunk(&mut out, b"IDAT", &data);
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(name);
    out.extend_from_slice(data);
    let crc = crc32(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0_u32, |mut crc, b| {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
        crc
    })
}

/// A GIF whose pixels are written as they are: a clear code before the code table can grow.
pub(crate) fn gif(w: u16, h: u16, note: &str) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend_from_slice(&w.to_le_bytes());
    out.extend_from_slice(&h.to_le_bytes());
    out.extend_from_slice(&[0xf6, 0, 0]);
    out.resize(out.len() + 128 * 3, 0x80);
    out.extend_from_slice(&[0x21, 0xfe]);
    for piece in note.as_bytes().chunks(255).filter(|p| !p.is_empty()) {
        out.push(u8::try_from(piece.len()).unwrap_or(255));
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(&[0, 0x2c, 0, 0, 0, 0]);
    out.extend_from_slice(&w.to_le_bytes());
    out.extend_from_slice(&h.to_le_bytes());
    out.extend_from_slice(&[0, 7]);
    // Codes of eight bits are bytes: 0 is a pixel, 128 clears, 129 ends.
    let pixels = usize::from(w) * usize::from(h);
    let mut codes = Vec::with_capacity(pixels + pixels / 100 + 2);
    for at in 0..pixels {
        if at % 100 == 0 {
            codes.push(128);
        }
        codes.push(0);
    }
    codes.push(129);
    for piece in codes.chunks(255) {
        out.push(u8::try_from(piece.len()).unwrap_or(255));
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(&[0, 0x3b]);
    out
}

fn mp4_box(name: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let mut out = u32::try_from(content.len() + 8).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend_from_slice(name);
    out.extend_from_slice(&content);
    out
}

/// What stands before the pictures of an MP4: its brand, its length in time, one track; then an open `mdat`.
pub(crate) fn mp4(w: u16, h: u16, seconds: u32, length: u64, brand: &[u8; 4], note: &str) -> Vec<u8> {
    let matrix: Vec<u8> =
        [0x10000_u32, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000].iter().flat_map(|n| n.to_be_bytes()).collect();
    let ms = seconds.saturating_mul(1000).to_be_bytes();
    let movie = mp4_box(
        b"mvhd",
        &[&[0; 12], &1000_u32.to_be_bytes(), &ms, &[0, 1, 0, 0, 1, 0], &[0; 10], &matrix, &[0; 24], &[0, 0, 0, 2]],
    );
    let size = [u32::from(w) << 16, u32::from(h) << 16].map(u32::to_be_bytes).concat();
    let track = mp4_box(b"tkhd", &[&[0, 0, 0, 3], &[0; 8], &[0, 0, 0, 1], &[0; 4], &ms, &[0; 16], &matrix, &size]);
    let media = mp4_box(b"mdhd", &[&[0; 12], &1000_u32.to_be_bytes(), &ms, &[0x55, 0xc4, 0, 0]]);
    let handler = mp4_box(b"hdlr", &[&[0; 8], b"vide", &[0; 12], b"video\0"]);
    let table = mp4_box(
        b"stbl",
        &[
            &mp4_box(b"stsd", &[&[0; 8]]),
            &mp4_box(b"stts", &[&[0; 8]]),
            &mp4_box(b"stsc", &[&[0; 8]]),
            &mp4_box(b"stsz", &[&[0; 12]]),
            &mp4_box(b"stco", &[&[0; 8]]),
        ],
    );
    let info = mp4_box(b"minf", &[&mp4_box(b"vmhd", &[&[0, 0, 0, 1], &[0; 8]]), &table]);
    let moov = mp4_box(b"moov", &[&movie, &mp4_box(b"trak", &[&track, &mp4_box(b"mdia", &[&media, &handler, &info])])]);
    let mut out = mp4_box(b"ftyp", &[brand, &[0, 0, 2, 0], b"isomiso2avc1mp41"]);
    out.extend_from_slice(&mp4_box(b"free", &[note.as_bytes()]));
    out.extend_from_slice(&moov);
    // A 64-bit size, so that a file may be as long as it likes.
    let rest = length.saturating_sub(out.len() as u64).max(16);
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(b"mdat");
    out.extend_from_slice(&rest.to_be_bytes());
    out
}

pub(crate) fn pdf(note: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n% {note}\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_the_same_in_any_pieces() {
        let file = File::new(mp4(720, 1280, 10, 200_000, b"isom", ""), "a", Some(200_000));
        let gather = |file: &File, step: u64| {
            let (mut out, mut at) = (Vec::new(), 0);
            while at < file.length {
                let piece = file.read(at, step.min(file.length - at));
                at += piece.len() as u64;
                out.extend_from_slice(&piece);
            }
            out
        };
        let whole = gather(&file, u64::MAX);
        assert_eq!(whole.len(), 200_000);
        assert!(gather(&file, 1_013) == whole);
        let other = File::new(mp4(720, 1280, 10, 200_000, b"isom", ""), "b", Some(200_000));
        assert!(gather(&other, u64::MAX) != whole);
    }

    #[test]
    fn checksums_are_the_known_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // The smallest picture of all, as any PNG tool reads it.
        let tiny = png(1, 1, "");
        assert_eq!(&tiny[tiny.len() - 12..], b"\0\0\0\0IEND\xae\x42\x60\x82");
    }
}
