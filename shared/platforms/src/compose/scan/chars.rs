//! What characters are.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

const LETTERS: GeneralCategoryGroup = GeneralCategoryGroup::Letter;
const WORD: GeneralCategoryGroup = GeneralCategoryGroup::Letter
    .union(GeneralCategoryGroup::Mark)
    .union(GeneralCategoryGroup::DecimalNumber)
    .union(GeneralCategoryGroup::LetterNumber);

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// A letter of any script.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTERS.contains(category(c)) }
}

/// A letter, a mark on one, or a digit. The marks that only turn characters into emoji are none.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{20e0}' | '\u{20e3}' | '\u{e0100}'..='\u{e01ef}')
        && WORD.contains(category(c))
}

/// A Latin letter outside of ASCII.
pub(super) fn is_latin(c: char) -> bool {
    matches!(c, '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') && is_letter(c)
}
