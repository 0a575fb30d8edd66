//! Which parts of a text X takes for links, as twitter-text finds them: with a scheme, or without one under a known
//! top-level domain. Every link counts the same, so the count of a text hangs on this.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// The longest address that is a link, in UTF-16 code units with its scheme counted twice, as twitter-text counts it.
const LONGEST_URL: usize = 4096;
/// The longest label of a domain in its ASCII form.
const LONGEST_LABEL: usize = 63;
/// The longest slug of a t.co address.
const LONGEST_SLUG: usize = 40;

/// The byte ranges of the links in `text`.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    // No domain is without a dot.
    if !text.contains('.') {
        return Vec::new();
    }
    let scan = Scan::of(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at <= scan.chars.len() {
        let Some(link) = scan.link_from(at) else {
            at += 1;
            continue;
        };
        scan.take(&link, &mut found);
        at = link.end;
    }
    found.into_iter().map(|range| scan.offsets[range.start]..scan.offsets[range.end]).collect()
}

/// A text with what every start of a domain in it has to know, so that a long text costs no square of its length.
struct Scan {
    chars: Vec<char>,
    /// The byte offset of each character, and of the end.
    offsets: Vec<usize>,
    /// The end of the run of label characters from here.
    label_end: Vec<usize>,
    /// The next underscore from here.
    underscore: Vec<usize>,
}

/// An address in the form of a link. All positions are of characters.
struct Link {
    /// Where it begins, scheme included.
    start: usize,
    domain: Range<usize>,
    scheme: bool,
    path: bool,
    end: usize,
}

impl Scan {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
        offsets.push(text.len());
        let mut label_end = vec![chars.len(); chars.len() + 1];
        let mut underscore = vec![chars.len(); chars.len() + 1];
        for (index, c) in chars.iter().enumerate().rev() {
            let inside = in_domain(*c) || matches!(c, '_' | '-');
            label_end[index] = if inside { label_end[index + 1] } else { index };
            underscore[index] = if *c == '_' { index } else { underscore[index + 1] };
        }
        Self { chars, offsets, label_end, underscore }
    }

    fn char(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    /// The link whose preceding character stands at `at`, or that begins the text.
    fn link_from(&self, at: usize) -> Option<Link> {
        let behind = self.char(at).filter(|c| may_precede(*c)).and_then(|_| self.link_at(at + 1));
        behind.or_else(|| if at == 0 { self.link_at(0) } else { None })
    }

    fn link_at(&self, start: usize) -> Option<Link> {
        let scheme = ["https://", "http://"].into_iter().find(|scheme| self.begins(start, scheme)).map_or(0, str::len);
        let domain = start + scheme;
        let mut end = self.domain(domain)?;
        let domain = domain..end;
        if self.char(end) == Some(':') {
            let digits = self.run(end + 1, |c| c.is_ascii_digit());
            end = if digits > end + 1 { digits } else { end };
        }
        let path = self.char(end) == Some('/');
        if path {
            end = self.path(end + 1);
        }
        if self.char(end) == Some('?') {
            end = self.query(end + 1).unwrap_or(end);
        }
        Some(Link { start, domain, scheme: scheme > 0, path, end })
    }

    fn begins(&self, at: usize, word: &str) -> bool {
        let mut rest = self.chars.iter().skip(at);
        word.chars().all(|c| rest.next().is_some_and(|other| other.eq_ignore_ascii_case(&c)))
    }

    /// The end of the first run of `wanted` characters from `at`.
    fn run(&self, at: usize, wanted: impl Fn(char) -> bool) -> usize {
        at + self.chars.iter().skip(at).take_while(|c| wanted(**c)).count()
    }

    /// The end of the longest domain from `start`: labels, and a top-level domain that is known.
    fn domain(&self, start: usize) -> Option<usize> {
        let (mut label, mut longest) = (start, None);
        loop {
            let dot = *self.label_end.get(label)?;
            let edges = [self.char(label), dot.checked_sub(1).and_then(|last| self.char(last))];
            if dot == label || self.char(dot) != Some('.') || !edges.into_iter().flatten().all(in_domain) {
                return longest;
            }
            // Only in front of the domain's own name may a label hold an underscore.
            if self.underscore[label] >= dot {
                longest = self.top_level(dot + 1, self.chars.len()).or(longest);
            }
            label = dot + 1;
        }
    }

    /// The end of a top-level domain at `at`, if one stands there. Nothing behind `limit` is looked at.
    fn top_level(&self, at: usize, limit: usize) -> Option<usize> {
        let rest = &self.chars[at.min(limit)..limit];
        let ends =
            |end: usize| !rest.get(end).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'));
        let word: String =
            rest.iter().take_while(|c| c.is_ascii_alphanumeric()).map(char::to_ascii_lowercase).collect();
        let known = known();
        if known.latin.contains(word.as_str()) && ends(word.len()) {
            return Some(at + word.len());
        }
        let others = known.others.iter().filter(|name| {
            rest.len() >= name.len() && name.iter().zip(rest).all(|(a, b)| a == b || b.to_lowercase().eq([*a]))
        });
        if let Some(length) = others.map(Vec::len).filter(|length| ends(*length)).max() {
            return Some(at + length);
        }
        let coded = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '-').count();
        (coded > 4 && self.begins(at, "xn--")).then_some(at + coded)
    }

    /// The end of the longest path from `at`, which is behind its first slash. A path ends in a letter, a digit or one
    /// of a few signs, or in a pair of parentheses, so that the full stop of a sentence is none of it.
    fn path(&self, start: usize) -> usize {
        let (mut at, mut end) = (start, start);
        while let Some(c) = self.char(at) {
            if let Some(closed) = self.parentheses(at) {
                at = closed;
                end = closed;
            } else if in_path(c) {
                at += 1;
                end = if ends_path(c) { at } else { end };
            } else {
                break;
            }
        }
        end
    }

    /// The end of a pair of parentheses at `at`, with at most one other pair in it.
    fn parentheses(&self, at: usize) -> Option<usize> {
        if self.char(at) != Some('(') {
            return None;
        }
        let mut end = self.run(at + 1, in_path);
        if self.char(end) == Some('(') {
            let inner = self.run(end + 1, in_path);
            if inner == end + 1 || self.char(inner) != Some(')') {
                return None;
            }
            end = self.run(inner + 1, in_path);
        } else if end == at + 1 {
            return None;
        }
        (self.char(end) == Some(')')).then_some(end + 1)
    }

    /// The end of the longest query from `at`, which is behind its question mark.
    fn query(&self, at: usize) -> Option<usize> {
        let end = self.run(at, in_query);
        (at..end).rev().find(|index| ends_query(self.chars[*index])).map(|last| last + 1)
    }

    /// What of an address in the form of a link becomes links.
    fn take(&self, link: &Link, found: &mut Vec<Range<usize>>) {
        if !self.is_valid(link) {
            return;
        }
        if link.scheme {
            found.extend(self.without_tail_of_tco(link).map(|end| link.start..end));
            return;
        }
        let before = link.start.checked_sub(1).and_then(|at| self.char(at));
        if before.is_some_and(|c| matches!(c, '-' | '_' | '.' | '/')) {
            return;
        }
        // Without a scheme only what is written in Latin letters is a link.
        let mut at = link.domain.start;
        let mut last = None;
        while at < link.domain.end {
            match self.latin_domain(at, link.domain.end) {
                Some(end) => {
                    found.extend(last.replace(at..end));
                    at = end;
                }
                None => at += 1,
            }
        }
        if let Some(last) = last {
            found.push(if link.path { last.start..link.end } else { last });
        }
    }

    fn is_valid(&self, link: &Link) -> bool {
        let domain = &self.chars[link.domain.clone()];
        let coded = self.begins(link.domain.start, "xn--");
        if coded && !link.domain.clone().any(|at| self.latin_domain(at, link.domain.end).is_some()) {
            return false;
        }
        let fits = |label: &[char]| {
            let text: String = label.iter().collect();
            let length = if text.is_ascii() {
                Some(text.len())
            } else {
                idna::punycode::encode_str(&text).map(|coded| coded.len() + 4)
            };
            length.is_some_and(|length| (1..=LONGEST_LABEL).contains(&length))
        };
        let scheme = if link.scheme { link.domain.start - link.start } else { "https://".len() };
        let length: usize = self.chars[link.start..link.end].iter().map(|c| c.len_utf16()).sum();
        domain.split(|c| *c == '.').all(fits) && scheme + length <= LONGEST_URL
    }

    /// The end of the longest domain in Latin letters from `at`.
    fn latin_domain(&self, at: usize, limit: usize) -> Option<usize> {
        let (mut label, mut longest) = (at, None);
        loop {
            let dot = self.run(label, |c| c.is_ascii_alphanumeric() || c == '-' || is_latin(c)).min(limit);
            if dot == label || dot >= limit || self.char(dot) != Some('.') {
                return longest;
            }
            longest = self.top_level(dot + 1, limit).or(longest);
            label = dot + 1;
        }
    }

    /// Where the link ends: of a t.co address, only the slug and a query are one. `None` where the slug is none.
    fn without_tail_of_tco(&self, link: &Link) -> Option<usize> {
        let host = self.begins(link.domain.start, "t.co/") && link.domain.len() == 4;
        let slug = link.domain.end + 1;
        let end = self.run(slug, |c| c.is_ascii_alphanumeric());
        if !host || end == slug {
            return Some(link.end);
        }
        if end - slug > LONGEST_SLUG {
            return None;
        }
        let query = (self.char(end) == Some('?')).then(|| self.query(end + 1)).flatten();
        Some(query.unwrap_or(end))
    }
}

/// What may stand in front of a link: no letter or digit, and no sign that makes it a name, a tag or a price.
fn may_precede(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '@' | '＠' | '$' | '#' | '＃') && !is_invalid(c)
}

/// What X takes in no text.
pub(super) fn is_invalid(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{feff}' | '\u{ffff}')
}

/// Marks that turn the direction of a text.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}')
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{200a}'
            | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

fn in_domain(c: char) -> bool {
    !r"!'#%&()*+,\-./:;<=>?@[]^_{|}~$".contains(c) && !is_space(c) && !is_invalid(c) && !is_direction(c)
}

/// Latin letters with marks.
fn is_latin(c: char) -> bool {
    matches!(
        c,
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='\u{24f}' | '\u{253}' | '\u{254}' | '\u{256}' | '\u{257}' | '\u{259}'
            | '\u{25b}' | '\u{263}' | '\u{268}' | '\u{26f}' | '\u{272}' | '\u{289}' | '\u{28b}' | '\u{2bb}'
            | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}'
    )
}

/// Letters that stand in a path besides the ASCII ones.
fn is_letter(c: char) -> bool {
    is_latin(c) || matches!(c, '\u{400}'..='\u{4ff}')
}

fn in_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!*';:=+,.$/%#[]-\u{2013}_~@|&".contains(c) || is_letter(c)
}

fn ends_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+-=_#/".contains(c) || is_letter(c)
}

fn in_query(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!?*'@();:&=+$/%#[]-_.,~|".contains(c)
}

fn ends_query(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_&=#/".contains(c)
}

/// The top-level domains: in Latin letters alone, and the others letter by letter.
struct Known {
    latin: BTreeSet<&'static str>,
    others: Vec<Vec<char>>,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let lines = include_str!("tlds.txt").lines().filter(|line| !line.starts_with('#'));
        let (latin, others): (Vec<_>, Vec<_>) =
            lines.flat_map(str::split_ascii_whitespace).partition(|name| name.is_ascii());
        Known {
            latin: latin.into_iter().collect(),
            others: others.into_iter().map(|name| name.chars().collect()).collect(),
        }
    })
}
