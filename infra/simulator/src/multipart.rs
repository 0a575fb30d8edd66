//! multipart/form-data, cut into its parts while it passes.

use bytes::Bytes;

use crate::payload::Digest;

/// Of a part this much is kept; the rest is only measured and hashed.
const KEEP: usize = 16 * 1024 * 1024;
/// A part's headers are shorter than this.
const HEADERS: usize = 16 * 1024;

/// One part of a multipart body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) head: Bytes,
    pub(crate) digest: Digest,
}

impl Part {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Whether all of it was kept.
    pub(crate) fn whole(&self) -> bool {
        self.head.len() as u64 == self.digest.bytes
    }
}

#[derive(Debug)]
enum State {
    /// Before the first part.
    Preamble,
    /// After a boundary: another part or the end.
    Boundary,
    Headers,
    Data(Box<Part>, Vec<u8>),
    End,
    /// Not multipart after all.
    Broken,
}

/// Cuts a stream of bytes at a boundary.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    state: State,
    parts: Vec<Part>,
}

impl Splitter {
    /// For a body of this content type, if it is multipart/form-data with a boundary.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let mut pieces = content_type.split(';').map(str::trim);
        if !pieces.next()?.eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = pieces.find_map(|p| {
            let (name, value) = p.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        })?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first boundary has no line before it.
        Some(Self { delimiter, buffer: b"\r\n".to_vec(), state: State::Preamble, parts: Vec::new() })
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
        while self.step() {}
    }

    /// The parts that ended properly; none when the body broke off.
    pub(crate) fn finish(self) -> Vec<Part> {
        if matches!(self.state, State::End) { self.parts } else { Vec::new() }
    }

    fn step(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Preamble => match find(&self.buffer, &self.delimiter) {
                Some(at) => {
                    self.buffer.drain(..at + self.delimiter.len());
                    self.state = State::Boundary;
                    true
                }
                None => {
                    self.state = State::Preamble;
                    false
                }
            },
            State::Boundary if self.buffer.len() < 2 => {
                self.state = State::Boundary;
                false
            }
            State::Boundary => {
                let next: Vec<u8> = self.buffer.drain(..2).collect();
                self.state = match next.as_slice() {
                    b"--" => State::End,
                    b"\r\n" => State::Headers,
                    _ => State::Broken,
                };
                matches!(self.state, State::Headers)
            }
            State::Headers => match find(&self.buffer, b"\r\n\r\n") {
                Some(at) => {
                    let part = headers(&self.buffer[..at]);
                    self.buffer.drain(..at + 4);
                    self.state = part.map_or(State::Broken, |p| State::Data(Box::new(p), Vec::new()));
                    true
                }
                None if self.buffer.len() > HEADERS => false,
                None => {
                    self.state = State::Headers;
                    false
                }
            },
            State::Data(mut part, mut kept) => {
                let end = find(&self.buffer, &self.delimiter);
                let ready = end.unwrap_or_else(|| (self.buffer.len() + 1).saturating_sub(self.delimiter.len()));
                let data = &self.buffer[..ready];
                part.digest.update(data);
                kept.extend_from_slice(&data[..data.len().min(KEEP - kept.len())]);
                match end {
                    Some(at) => {
                        self.buffer.drain(..at + self.delimiter.len());
                        part.head = Bytes::from(kept);
                        self.parts.push(*part);
                        self.state = State::Boundary;
                        true
                    }
                    None => {
                        self.buffer.drain(..ready);
                        self.state = State::Data(part, kept);
                        false
                    }
                }
            }
            State::End => {
                self.buffer.clear();
                self.state = State::End;
                false
            }
            State::Broken => {
                self.buffer.clear();
                false
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|b| *b == first) {
        let at = from + at;
        if haystack.len() - at < needle.len() {
            return None;
        }
        if &haystack[at..at + needle.len()] == needle {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn headers(raw: &[u8]) -> Option<Part> {
    let text = String::from_utf8_lossy(raw);
    let mut part = Part::default();
    let mut named = false;
    for line in text.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => part.content_type = Some(value.to_owned()),
            "content-disposition" => {
                for piece in value.split(';').map(str::trim) {
                    match piece.split_once('=') {
                        Some(("name", v)) => {
                            v.trim_matches('"').clone_into(&mut part.name);
                            named = true;
                        }
                        Some(("filename", v)) => part.file_name = Some(v.trim_matches('"').to_owned()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    named.then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::sha256_hex;

    fn split(body: &[u8], step: usize) -> Vec<Part> {
        let mut splitter = Splitter::of("multipart/form-data; boundary=XX").unwrap();
        for chunk in body.chunks(step) {
            splitter.feed(chunk);
        }
        splitter.finish()
    }

    const BODY: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\na cat\r\n--XX\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--X\r\n\x00\r\n--XX--\r\n";

    #[test]
    fn parts_come_out_whatever_the_chunks() {
        for step in [1, 2, 3, 7, 64, 1000] {
            let parts = split(BODY, step);
            assert_eq!(parts.len(), 2, "{step}");
            assert_eq!((parts[0].name.as_str(), parts[0].text().as_str()), ("description", "a cat"));
            assert_eq!(&parts[1].head[..], b"\x89PNG\r\n--X\r\n\x00");
            assert_eq!(parts[1].digest.hex(), sha256_hex(b"\x89PNG\r\n--X\r\n\x00"));
            assert_eq!(parts[1].file_name.as_deref(), Some("a.png"));
        }
    }

    #[test]
    fn a_body_that_breaks_off_has_no_parts() {
        assert!(split(&BODY[..BODY.len() - 6], 5).is_empty());
        assert!(Splitter::of("application/json").is_none());
    }
}
