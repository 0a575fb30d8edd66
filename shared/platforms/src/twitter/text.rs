//! How X counts a text: twitter-text, configuration 3, and what of it is sent.

use icu_properties::CodePointSetData;
use icu_properties::props::{Emoji, EmojiModifierBase};

use super::urls;
use crate::compose;

/// What every link counts, whatever its length: X puts a t.co address in its place.
const LINK: u32 = 23;
/// What an emoji counts, however many characters it is made of.
const EMOJI: u32 = 2;

/// The text as it is sent, which is the one that is counted: in Unicode's composed form (NFC).
pub(super) fn compose_text(text: &str) -> String {
    compose::nfc(text).into_owned()
}

/// How long a text counts.
pub(super) fn weight(text: &str) -> u32 {
    let text = compose_text(text);
    let mut links = urls::find(&text).into_iter().peekable();
    let (mut sum, mut at) = (0, 0);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(link) = links.next_if(|link| link.start == at) {
            sum += LINK;
            at = link.end;
            continue;
        }
        let emoji = emoji_length(&text[at..]);
        if emoji > 0 {
            sum += EMOJI;
            at += emoji;
        } else {
            sum += weight_of(c);
            at += c.len_utf8();
        }
        while links.next_if(|link| link.start < at).is_some() {}
    }
    sum
}

/// Whether there is a character in it that X refuses.
pub(super) fn has_invalid(text: &str) -> bool {
    text.chars().any(urls::is_invalid)
}

fn weight_of(c: char) -> u32 {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

const JOINER: char = '\u{200d}';
const AS_PICTURE: char = '\u{fe0f}';
const AS_TEXT: char = '\u{fe0e}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';

/// The bytes of the emoji that `text` begins with, pictures joined to one included; 0 where it begins with none.
fn emoji_length(text: &str) -> usize {
    let mut length = picture_length(text);
    while length > 0
        && let Some(rest) = text[length..].strip_prefix(JOINER)
        && let next @ 1.. = picture_length(rest)
    {
        length += JOINER.len_utf8() + next;
    }
    length
}

/// The bytes of the single picture that `text` begins with.
fn picture_length(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    let rest = chars.as_str();
    let used = |rest: &str| text.len() - rest.len();
    if first.is_ascii() {
        let key = matches!(first, '0'..='9' | '#' | '*');
        let rest = rest.strip_prefix(AS_PICTURE).unwrap_or(rest);
        return rest.strip_prefix(KEYCAP).filter(|_| key).map_or(0, used);
    }
    if !CodePointSetData::new::<Emoji>().contains(first) || rest.starts_with(AS_TEXT) {
        return 0;
    }
    if let Some(rest) = rest.strip_prefix(AS_PICTURE) {
        return used(rest);
    }
    // © and ® are letters unless they are asked for as pictures.
    if u32::from(first) < 0x2000 {
        return 0;
    }
    if is_regional(first) {
        return used(rest.strip_prefix(is_regional).unwrap_or(rest));
    }
    if CodePointSetData::new::<EmojiModifierBase>().contains(first)
        && let Some(rest) = rest.strip_prefix(is_skin_tone)
    {
        return used(rest);
    }
    if first == BLACK_FLAG {
        let tags = rest.trim_start_matches(|c: char| matches!(c, '\u{e0020}'..='\u{e007e}'));
        if tags.len() < rest.len()
            && let Some(rest) = tags.strip_prefix('\u{e007f}')
        {
            return used(rest);
        }
    }
    used(rest)
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_count_the_same_with_and_without_a_scheme() {
        for text in ["https://example.com/a/very/long/path/that/goes/on?and=on", "example.com", "EXAMPLE.com/x"] {
            assert_eq!(weight(text), 23, "{text}");
        }
        assert_eq!(weight("example.unknowntld"), 18);
        assert_eq!(weight("ann@example.com"), 15, "an address of mail is no link");
    }

    #[test]
    fn an_emoji_counts_two_whatever_it_is_made_of() {
        for text in ["👍", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "❤️‍🔥", "©️", "☺️"]
        {
            assert_eq!(weight(text), 2, "{text}");
        }
        assert_eq!((weight("©"), weight("1"), weight("🇩🇪🇫🇷"), weight("🐱🏽")), (1, 1, 4, 4));
    }

    #[test]
    fn what_is_counted_is_what_is_sent() {
        assert_eq!(compose_text("A\u{301}"), "Á");
        assert_eq!(weight("A\u{301}"), 1);
        assert!(has_invalid("a\u{ffff}") && !has_invalid("\u{202a}"));
    }

    proptest! {
        #[test]
        fn any_text_has_a_weight(text in "(?s)[a-z./:#@ 👨‍👩🏽️é漢\\PC]{0,60}") {
            let weight = weight(&text);
            let letters = u32::try_from(compose_text(&text).chars().count()).unwrap();
            prop_assert!(weight <= letters * 2 + letters.div_ceil(4) * LINK);
            prop_assert!(letters == 0 || weight > 0);
        }
    }
}
