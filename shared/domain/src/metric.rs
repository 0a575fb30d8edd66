//! A figure that tells why it is not there.

use serde::{Deserialize, Serialize};

/// A count that a platform reports, or the reason that there is none. Absence is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// A measurement; zero is one too.
    Count(u64),
    /// The platform offers the figure but has not reported it for this object (yet).
    Pending,
    /// The platform has no such figure, or hides it here.
    #[default]
    NotOffered,
}

impl Metric {
    /// The number, where there is one.
    #[must_use]
    pub const fn count(self) -> Option<u64> {
        match self {
            Self::Count(n) => Some(n),
            Self::Pending | Self::NotOffered => None,
        }
    }

    /// Why there is no number, in the words of the API's `unavailable` object.
    #[must_use]
    pub const fn unavailable(self) -> Option<&'static str> {
        match self {
            Self::Count(_) => None,
            Self::Pending => Some("pending"),
            Self::NotOffered => Some("not_offered"),
        }
    }

    /// A figure that the platform offers and may leave out of an answer.
    #[must_use]
    pub fn offered(value: Option<u64>) -> Self {
        value.map_or(Self::Pending, Self::Count)
    }

    /// A figure whose absence means that it is hidden or switched off.
    #[must_use]
    pub fn unless_hidden(value: Option<u64>) -> Self {
        value.map_or(Self::NotOffered, Self::Count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_never_zero() {
        assert_eq!(Metric::offered(None).count(), None);
        assert_eq!(Metric::unless_hidden(None).unavailable(), Some("not_offered"));
        assert_eq!(Metric::offered(Some(0)), Metric::Count(0));
    }
}
