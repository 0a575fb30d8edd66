//! `http` and `https` addresses.

use std::ops::Range;

use super::chars::{is_latin, is_word};

/// The byte ranges of `http(s)` addresses, without the punctuation and the brackets of the sentence around them.
#[must_use]
pub fn links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, rest)) = next_scheme(text, from) {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let length = if before.is_some_and(forbids) { None } else { address(rest) };
        // Without an address behind it, the scheme is a word like others.
        let end = text.len() - rest.len() + length.unwrap_or(0);
        if length.is_some() {
            found.push(start..end);
        }
        from = end;
    }
    found
}

/// What a link never follows directly. Other scripts put no space before a link.
fn forbids(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_latin(c) || matches!(c, '_' | '@' | '＠' | '#' | '＃' | '$')
}

/// The next `http://` or `https://` from `from` on: where it begins, and what follows it.
fn next_scheme(text: &str, from: usize) -> Option<(usize, &str)> {
    let tail = text.get(from..)?;
    tail.match_indices("://").find_map(|(colon, _)| {
        let before = tail.get(..colon)?.as_bytes();
        let ends_with = |word: &[u8]| {
            let start = before.len().checked_sub(word.len());
            start.and_then(|start| before.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
        };
        let scheme = [&b"https"[..], b"http"].into_iter().find(|word| ends_with(word))?;
        Some((from + colon - scheme.len(), tail.get(colon + 3..)?))
    })
}

/// How much of `rest`, which follows the scheme, belongs to the address.
fn address(rest: &str) -> Option<usize> {
    let host = host(rest)?;
    let after = rest.get(host..)?;
    let port = after.strip_prefix(':').map_or(0, |digits| {
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=5).contains(&count) { count + 1 } else { 0 }
    });
    let start = host + port;
    let path = rest.get(start..)?;
    if !path.starts_with(['/', '?', '#']) {
        return Some(start);
    }
    let path = path.get(..path.find(|c| !in_path(c)).unwrap_or(path.len()))?;
    Some(start + without_sentence(path).len())
}

/// How long the host at the start of `rest` is: an IPv4 address, or at least two labels and the last one no number.
pub(super) fn host(rest: &str) -> Option<usize> {
    let end = rest.find(|c| !is_word(c) && !matches!(c, '-' | '_' | '.')).unwrap_or(rest.len());
    let host = rest.get(..end)?.trim_end_matches(['.', '-', '_']);
    let (front, last) = host.rsplit_once('.')?;
    // No top-level domain goes from Latin letters to another script: that is the sentence going on without a space.
    let last =
        last.get(..last.find(|c: char| !c.is_ascii() && !is_latin(c)).filter(|n| *n > 0).unwrap_or(last.len()))?;
    let well_formed = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    if !front.split('.').all(well_formed) || !well_formed(last) {
        return None;
    }
    let is_number = |label: &str| label.parse::<u8>().is_ok();
    let fits = if last.bytes().all(|b| b.is_ascii_digit()) {
        is_number(last) && front.split('.').count() == 3 && front.split('.').all(is_number)
    } else {
        last.chars().nth(1).is_some() && !last.contains('_') && !last.starts_with(|c: char| c.is_ascii_digit())
    };
    fits.then_some(front.len() + 1 + last.len())
}

/// Whether a path, a query or a fragment goes on with `c`. Letters of every script do, pictures do not.
fn in_path(c: char) -> bool {
    match c {
        '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}' => false,
        c if c.is_ascii() => c.is_ascii_graphic(),
        c => is_word(c),
    }
}

/// Without what belongs to the sentence around: punctuation at the end, and brackets that close what the path did not
/// open.
fn without_sentence(path: &str) -> &str {
    let count = |path: &str, bracket| path.matches(bracket).count();
    let mut path = path;
    // Counted once: each step takes away one bracket of the kind it looks at.
    let surplus = |open, close| count(path, close).saturating_sub(count(path, open));
    let (mut round, mut square) = (surplus('(', ')'), surplus('[', ']'));
    loop {
        path = match path.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*') => path,
            Some(')') if round > 0 => {
                round -= 1;
                path
            }
            Some(']') if square > 0 => {
                square -= 1;
                path
            }
            _ => return path,
        };
        path = path.get(..path.len() - 1).unwrap_or_default();
    }
}
