//! "Little text", the form of a post's words: signs with a meaning are escaped, tags and mentions are templates.

use crate::compose;

/// What has a meaning in little text unless a backslash stands before it.
const SIGNS: &str = r"|{}@[]()<>#\*_~";

/// The words as they are sent, which are the ones that are counted. Tags stay tags; nothing else in what a person wrote
/// means anything to LinkedIn.
pub(super) fn compose_text(text: &str) -> String {
    let text = compose::nfc(text);
    let mut sent = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for tag in compose::hashtags(&text) {
        escape(&text[at..tag.start], &mut sent);
        let word = text[tag.clone()].trim_start_matches(['#', '＃']);
        if word.chars().all(|c| !SIGNS.contains(c)) {
            sent.push('#');
            sent.push_str(word);
        } else {
            sent.push_str(r"{hashtag|\#|");
            escape(word, &mut sent);
            sent.push('}');
        }
        at = tag.end;
    }
    escape(&text[at..], &mut sent);
    sent
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if SIGNS.contains(c) {
            into.push('\\');
        }
        into.push(c);
    }
}

/// Little text as a person reads it: `@[Name](urn)` is the name, `{hashtag|\#|tag}` the tag.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((shown, behind)) = template(rest) {
            plain.push_str(&shown);
            rest = behind;
        } else if let Some(escaped) = rest.strip_prefix('\\').and_then(|behind| behind.chars().next()) {
            plain.push(escaped);
            rest = &rest[1 + escaped.len_utf8()..];
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    plain
}

/// What a template at the beginning of `text` shows, and what follows it.
fn template(text: &str) -> Option<(String, &str)> {
    if let Some(tag) = text.strip_prefix("{hashtag|") {
        let (sign, tag) = until(tag, '|')?;
        let (word, behind) = until(tag, '}')?;
        return Some((plain(sign) + &plain(word), behind));
    }
    let (name, behind) = until(text.strip_prefix("@[")?, ']')?;
    let (_, behind) = until(behind.strip_prefix('(')?, ')')?;
    Some((plain(name), behind))
}

/// `text` up to the first `end` that is not escaped, and what follows it.
fn until(text: &str, end: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == end => return Some((&text[..at], &text[at + end.len_utf8()..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_are_escaped_and_tags_stay_tags() {
        assert_eq!(compose_text("50% (off) *now* a_b c\\d"), r"50% \(off\) \*now\* a\_b c\\d");
        assert_eq!(compose_text("Hi @ann <3 {x} [y] ~z|"), r"Hi \@ann \<3 \{x\} \[y\] \~z\|");
        assert_eq!(compose_text("Good #coffee, # 1"), r"Good #coffee, \# 1");
    }

    #[test]
    fn templates_are_read_as_what_they_show() {
        assert_eq!(plain(r"Hello \#world @[Tea \[Tree\]](urn:li:organization:1)!"), "Hello #world Tea [Tree]!");
        assert_eq!(plain(r"{hashtag|\#|my\_tag} and #tag"), "#my_tag and #tag");
        assert_eq!(plain("{hashtag|broken and @[broken"), "{hashtag|broken and @[broken");
        assert_eq!(plain("ends with \\"), "ends with \\");
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_as_what_was_written(text in "[a-z #@\\\\(){}\\[\\]|<>*_~é\n]{0,60}") {
            prop_assert_eq!(plain(&compose_text(&text)), text);
        }
    }
}
