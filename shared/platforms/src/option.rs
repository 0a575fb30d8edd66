//! What a person may choose of a post on one platform.

/// The form of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionForm {
    /// `true` or `false`.
    Flag,
    /// Text of at most so many characters.
    Text(u32),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of at most so many texts.
    Texts(u32),
    /// An object whose members the platform's own check knows.
    Object,
}

/// An option of a platform, in the platform's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionFact {
    /// Its name in `options.<PLATFORM>`.
    pub name: &'static str,
    /// Its form.
    pub form: OptionForm,
    /// What holds when it is left out; `None`: the platform or the account decides.
    pub default: Option<&'static str>,
    /// What it does, for a person.
    pub what: &'static str,
}

impl OptionFact {
    /// An option.
    #[must_use]
    pub const fn new(name: &'static str, form: OptionForm, default: Option<&'static str>, what: &'static str) -> Self {
        Self { name, form, default, what }
    }
}
