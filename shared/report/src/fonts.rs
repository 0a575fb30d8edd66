//! The fonts that text is drawn with.

use std::path::Path;

use parley::fontique::{Collection, CollectionOptions, GenericFamily, SourceCache};
use parley::{FontContext, LayoutContext};

use crate::Error;

/// The families, in the order in which they are asked for a character. `infra/fonts/package.json` brings them.
pub const FAMILIES: [&str; 14] = [
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Armenian",
    "Noto Sans Georgian",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Noto Sans Symbols 2",
    EMOJI,
];
/// The one with colours.
pub(crate) const EMOJI: &str = "Noto Color Emoji";

/// The fonts of a directory. A file is mapped when one of its characters is needed, so that memory holds what a report uses.
pub struct Fonts {
    pub(crate) context: FontContext,
    pub(crate) layouts: LayoutContext<()>,
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fonts").finish_non_exhaustive()
    }
}

impl Fonts {
    /// The fonts in `directory`.
    ///
    /// # Errors
    /// [`Error::NoFonts`] when one of [`FAMILIES`] is not there: a report without its script would lose what people wrote.
    pub fn in_directory(directory: &Path) -> Result<Self, Error> {
        let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        collection.load_fonts_from_paths([directory]);
        for family in FAMILIES {
            if collection.family_id(family).is_none() {
                return Err(Error::NoFonts(format!("{} ({family})", directory.display())));
            }
        }
        // What is an emoji as a whole is drawn by one font, also where another has its first character.
        let emoji = collection.family_id(EMOJI);
        collection.set_generic_families(GenericFamily::Emoji, emoji.into_iter());
        let context = FontContext { collection, source_cache: SourceCache::default() };
        Ok(Self { context, layouts: LayoutContext::new() })
    }
}
