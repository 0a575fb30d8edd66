//! Finds links, hashtags and mentions in a text, as byte ranges: in order, apart from each other, on character
//! boundaries.
//!
//! These are the rules that the platforms share. Where one has rules of its own (X's list of top-level domains, a
//! handle that has to resolve), its folder narrows what is found here.

mod chars;
mod links;
#[cfg(test)]
mod tests;

use std::ops::Range;

use chars::{is_latin, is_letter, is_word};
pub use links::links;

/// The byte ranges of hashtags with their sign: letters, marks, digits and underscores, at least one of them a letter.
#[must_use]
pub fn hashtags(text: &str) -> Vec<Range<usize>> {
    let before = |c: char| is_word(c) || matches!(c, '_' | '&' | '/' | '=');
    signs(text, &['#', '＃'], before, |body| {
        let joins = |c: char| is_word(c) || c == '_' || is_joiner(c);
        let body = body.get(..body.find(|c| !joins(c)).unwrap_or(body.len()))?.trim_end_matches(is_joiner);
        body.chars().any(is_letter).then_some(body.len())
    })
}

/// The byte ranges of mentions with their sign: `@name`, `@name.example.com`, `@name@server.example`.
#[must_use]
pub fn mentions(text: &str) -> Vec<Range<usize>> {
    let before = |c: char| {
        is_latin(c)
            || c.is_ascii_alphanumeric()
            || matches!(c, '_' | '@' | '＠' | '/' | '=' | '+' | '!' | '#' | '$' | '%' | '&' | '*')
    };
    signs(text, &['@', '＠'], before, |body| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !body.starts_with(is_part) {
            return None;
        }
        let end = body.find(|c| !is_part(c) && !matches!(c, '.' | '-')).unwrap_or(body.len());
        let (name, rest) = body.split_at_checked(end)?;
        // What goes on with an accent is a word that no platform has handles of.
        if rest.starts_with(is_latin) {
            return None;
        }
        let bare = name.trim_end_matches(['.', '-']);
        let server = rest.strip_prefix('@').filter(|_| bare.len() == name.len()).and_then(links::host);
        Some(server.map_or(bare.len(), |host| name.len() + 1 + host))
    })
}

/// The places of a sign with what follows it, where neither what stands before nor a link forbids it. `body` tells how
/// long what follows is.
fn signs(
    text: &str,
    signs: &[char],
    forbidden_before: impl Fn(char) -> bool,
    body: impl Fn(&str) -> Option<usize>,
) -> Vec<Range<usize>> {
    let links = links(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, sign) in text.match_indices(signs) {
        let after = start + sign.len();
        let taken = |range: &Range<usize>| range.start < after && start < range.end;
        // Links come in order, and so does what was found.
        let link = links.get(links.partition_point(|link| link.end <= start));
        if link.is_some_and(taken) || found.last().is_some_and(taken) {
            continue;
        }
        if text.get(..start).and_then(|before| before.chars().next_back()).is_some_and(&forbidden_before) {
            continue;
        }
        // Scripts without spaces put a link right behind a tag or a name, which ends there.
        let end = link.map_or(text.len(), |link| link.start);
        let Some(length) = text.get(after..end).and_then(&body) else { continue };
        found.push(start..after + length);
    }
    found
}

/// Characters that stand inside of a tag between its letters, but never at its end.
const fn is_joiner(c: char) -> bool {
    matches!(
        c,
        '\u{200c}' | '\u{200d}' | '·' | '・' | '\u{5be}' | '\u{5f3}' | '\u{5f4}' | '\u{f0b}' | '〜' | '～' | '゠'
    )
}
