//! How long a text is, in the units that platforms count in.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;

use crate::publish::CountedIn;

/// Extended grapheme clusters: what a person sees as one character.
#[must_use]
pub fn graphemes(text: &str) -> u32 {
    narrow(text.graphemes(true).count())
}

/// UTF-16 code units.
#[must_use]
pub fn utf16(text: &str) -> u32 {
    narrow(text.encode_utf16().count())
}

/// Unicode scalar values of the composed form (NFC): an accent typed as its own character does not count.
#[must_use]
pub fn characters(text: &str) -> u32 {
    // Nearly every text is composed already, and then nothing is copied.
    narrow(nfc(text).chars().count())
}

/// The composed form (NFC), in which texts are compared.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// The length in a unit that needs no platform's own rules; `None` for a unit that does.
#[must_use]
pub fn count(unit: CountedIn, text: &str) -> Option<u32> {
    match unit {
        CountedIn::Characters => Some(characters(text)),
        CountedIn::Graphemes => Some(graphemes(text)),
        CountedIn::Utf16 => Some(utf16(text)),
        CountedIn::Bytes => Some(narrow(text.len())),
        CountedIn::Weighted | CountedIn::Mastodon => None,
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_one_grapheme_and_many_code_units() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!((graphemes(family), characters(family), utf16(family)), (1, 7, 11));
        assert_eq!((graphemes("🇩🇪🇫🇷"), characters("🇩🇪🇫🇷"), utf16("🇩🇪🇫🇷")), (2, 4, 8));
        assert_eq!((graphemes("a\r\nb"), characters("a\r\nb")), (3, 4));
        assert_eq!((graphemes(""), characters(""), utf16("")), (0, 0, 0));
    }

    #[test]
    fn an_accent_counts_the_same_however_it_was_typed() {
        assert_eq!((characters("Ko\u{308}ln"), characters("Köln")), (4, 4));
        assert_eq!((utf16("Ko\u{308}ln"), graphemes("Ko\u{308}ln")), (5, 4));
        assert_eq!(nfc("Ko\u{308}ln"), "Köln");
    }

    #[test]
    fn units_with_rules_of_their_own_are_left_to_their_platform() {
        assert_eq!(count(CountedIn::Bytes, "ß"), Some(2));
        assert_eq!((count(CountedIn::Weighted, "a"), count(CountedIn::Mastodon, "a")), (None, None));
    }
}
