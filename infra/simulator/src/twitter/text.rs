//! How long a post is, and which of its words are addresses.

use crate::graphemes::{clusters, is_emoji};

/// Endings of domains that make a word an address; two letters are a country.
const ENDINGS: [&str; 32] = [
    "com", "net", "org", "info", "biz", "edu", "gov", "int", "mil", "dev", "app", "io", "cloud", "shop", "store",
    "blog", "online", "site", "xyz", "news", "live", "social", "page", "link", "photo", "video", "media", "agency",
    "studio", "design", "wiki", "travel",
];

/// Weight of an address, whatever its length.
const URL: usize = 23;

fn is_domain(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let good = |l: &&str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let known = labels
        .last()
        .map(|e| e.to_ascii_lowercase())
        .is_some_and(|e| ENDINGS.contains(&e.as_str()) || (e.len() == 2 && e.bytes().all(|b| b.is_ascii_lowercase())));
    labels.len() >= 2 && labels.iter().all(good) && known
}

/// Byte spans of the addresses of a text.
pub(super) fn urls(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let start = at;
        at += word.len();
        let bare = word.trim_end();
        // Brackets and quotes around an address, and the point behind it, are not part of it.
        let open = bare.len() - bare.trim_start_matches(['(', '[', '"', '\'', '“', '«']).len();
        let bare = bare[open..].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '"', '\'', '”', '»', '…']);
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|s| bare.get(..s.len()).filter(|h| h.eq_ignore_ascii_case(s)).map(|_| &bare[s.len()..]));
        let schemeless = rest.is_none();
        let rest = rest.unwrap_or(bare);
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or("");
        if is_domain(host) && !(schemeless && (bare.contains('@') || bare.starts_with(['#', '$']))) {
            found.push((start + open, start + open + bare.len()));
        }
    }
    found
}

fn weigh(text: &str) -> usize {
    let light = |c: char| matches!(u32::from(c), 0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247);
    let one = |cluster: &&str| match is_emoji(cluster) {
        true => 200,
        // A mark over a letter is one with it in composed form.
        false => cluster
            .chars()
            .filter(|c| !(0x300..=0x36f).contains(&u32::from(*c)))
            .map(|c| if light(c) { 100 } else { 200 })
            .sum(),
    };
    clusters(text).iter().map(one).sum()
}

/// Weighted length; up to 280 fit into a post.
pub(super) fn length(text: &str) -> usize {
    let (mut total, mut at) = (0, 0);
    for (start, end) in urls(text) {
        total += weigh(&text[at..start]) + URL * 100;
        at = end;
    }
    (total + weigh(&text[at..])) / 100
}

/// Words that begin with a dollar sign and are all letters.
pub(super) fn cashtags(text: &str) -> usize {
    let tag = |w: &&str| {
        w.strip_prefix('$').is_some_and(|t| (1..=6).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    text.split(|c: char| c.is_whitespace() || c == ',').filter(tag).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_weighted() {
        assert_eq!(length("hello"), 5);
        assert_eq!(length("日本語"), 6);
        assert_eq!(length("👨‍👩‍👧‍👦"), 2);
        assert_eq!(length("🇩🇪 1️⃣"), 5);
        assert_eq!(length("see https://example.com/a/very/long/path/indeed?with=query"), 27);
        assert_eq!(length("go to example.com."), 30);
        assert_eq!(length("nai\u{308}ve"), 5);
        assert_eq!(length("ann@example.com"), 15);
        assert_eq!(length(&"a".repeat(280)), 280);
    }

    #[test]
    fn addresses_are_found_without_their_brackets() {
        let text = "(https://example.com/x) and b.org!";
        let found: Vec<&str> = urls(text).into_iter().map(|(a, b)| &text[a..b]).collect();
        assert_eq!(found, ["https://example.com/x", "b.org"]);
        assert_eq!(cashtags("$ABC and $5 $TOOLONGTAG $XY"), 2);
    }
}
