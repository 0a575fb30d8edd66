//! How long a text counts here, and in which form it is compared.

use std::borrow::Cow;
use std::ops::Range;

use crate::compose::{graphemes, links, mentions, nfc};

/// What every link counts as, where the server does not say otherwise.
const LINK: u32 = 23;

/// The text as it is sent; servers trim it themselves.
pub(super) fn compose_text(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// The length: every link is `link` long, of `@user@host` only `@user` counts, the rest in grapheme clusters.
pub(super) fn length(text: &str, link: Option<u32>) -> u32 {
    let text = compose_text(text);
    // A placeholder keeps what stands beside a link from joining with it.
    let placeholder = "x".repeat(link.unwrap_or(LINK).min(1_000) as usize);
    let mut parts: Vec<(Range<usize>, &str)> =
        links(&text).into_iter().map(|link| (link, placeholder.as_str())).collect();
    parts.extend(hosts(&text).into_iter().map(|host| (host, "")));
    graphemes(&replaced(&text, parts))
}

/// The form in which texts are compared: servers break lines and paragraphs their own way, and show a mention of somebody
/// they know without the host.
pub(super) fn comparable(text: &str) -> String {
    let hosts = hosts(text).into_iter().map(|host| (host, "")).collect();
    let text = replaced(text, hosts);
    nfc(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is left of a text that a server has taken for markup: letters and digits.
pub(super) fn skeleton(text: &str) -> String {
    comparable(text).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn replaced(text: &str, mut parts: Vec<(Range<usize>, &str)>) -> String {
    parts.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, with) in parts {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(with);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The `@host` parts of mentions of accounts elsewhere.
fn hosts(text: &str) -> Vec<Range<usize>> {
    let host = |mention: Range<usize>| {
        let at = text.get(mention.clone())?.rfind('@').filter(|at| *at > 0)?;
        Some(mention.start + at..mention.end)
    };
    mentions(text).into_iter().filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_counts_the_same_however_long_it_is() {
        let long = format!("https://example.com/{}", "a".repeat(400));
        assert_eq!(length(&long, None), 23);
        assert_eq!(length("https://example.com", None), 23);
        assert_eq!(length(&format!("see {long} and http://b.example"), None), 4 + 23 + 5 + 23);
        assert_eq!(length("https://example.com", Some(32)), 32);
    }

    #[test]
    fn of_a_mention_elsewhere_only_the_name_counts() {
        assert_eq!(length("@ann@social.example.org hi", None), 7);
        assert_eq!(length("@ann hi", None), 7);
        // Neither an address of mail nor a name inside of a word.
        assert_eq!(length("mail ann@social.example.org", None), 27);
        assert_eq!(length("(@ann@social.example.org), …", None), 9);
        assert_eq!(length("@ann@", None), 5);
    }

    #[test]
    fn what_a_person_sees_as_one_counts_as_one() {
        assert_eq!(length("👨‍👩‍👧‍👦 🇩🇪", None), 3);
        assert_eq!(length("  Ko\u{308}ln\r\n ", None), 4);
        assert_eq!(length("a\r\nb", None), 3);
        assert_eq!(length("", None), 0);
    }

    #[test]
    fn texts_are_compared_without_what_servers_change() {
        let sent = "Hi @ann@social.example.org,\r\n\r\n\r\nKo\u{308}ln  is nice ";
        assert_eq!(comparable(sent), "Hi @ann, Köln is nice");
        assert_eq!(comparable("Hi @ann,\n\nKöln is nice"), comparable(sent));
        assert_ne!(comparable("Hi @ann, Köln is Nice"), comparable(sent));
        assert_eq!(skeleton("Hello *bold* & `code`"), skeleton("Hello bold & code"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,60}|[@a.b /:=-]{0,40}") {
            length(&text, None);
            skeleton(&text);
        }
    }
}
