//! A figure that tells why it is not there.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A figure that a platform reports (or that is made of reported ones), or the reason that there is none. Absence is
/// never zero. Stored as the number, `pending` or `not_offered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric<N = u64> {
    /// A measurement; zero is one too.
    Count(N),
    /// The platform offers the figure but has not reported it for this object (yet).
    Pending,
    /// The platform has no such figure, or hides it here.
    #[default]
    NotOffered,
}

impl<N: Copy> Metric<N> {
    /// The number, where there is one.
    #[must_use]
    pub const fn count(self) -> Option<N> {
        match self {
            Self::Count(n) => Some(n),
            Self::Pending | Self::NotOffered => None,
        }
    }

    /// Whether the platform has no such figure.
    #[must_use]
    pub const fn is_not_offered(&self) -> bool {
        matches!(self, Self::NotOffered)
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
}

impl Metric {
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

impl<N: Copy + Serialize> Serialize for Metric<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, self.unavailable()) {
            (Self::Count(n), _) => n.serialize(serializer),
            (_, why) => serializer.serialize_str(why.unwrap_or_default()),
        }
    }
}

impl<'de, N: Deserialize<'de>> Deserialize<'de> for Metric<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Stored(PhantomData))
    }
}

/// Reads a figure as it is stored.
struct Stored<N>(PhantomData<N>);

impl<'de, N: Deserialize<'de>> Visitor<'de> for Stored<N> {
    type Value = Metric<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, `pending` or `not_offered`")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Self::Value, E> {
        N::deserialize(n.into_deserializer()).map(Metric::Count)
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Self::Value, E> {
        N::deserialize(n.into_deserializer()).map(Metric::Count)
    }

    fn visit_str<E: Error>(self, why: &str) -> Result<Self::Value, E> {
        match why {
            "pending" => Ok(Metric::Pending),
            "not_offered" => Ok(Metric::NotOffered),
            other => Err(E::unknown_variant(other, &["pending", "not_offered"])),
        }
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

    #[test]
    fn a_figure_is_stored_as_the_number_or_the_reason() {
        let whole = [Metric::Count(0), Metric::Count(u64::MAX), Metric::Pending, Metric::NotOffered];
        let stored = serde_json::to_string(&whole).unwrap();
        assert_eq!(stored, r#"[0,18446744073709551615,"pending","not_offered"]"#);
        assert_eq!(serde_json::from_str::<[Metric; 4]>(&stored).unwrap(), whole);
        for rate in [5.93, 8.0, 0.0] {
            let stored = serde_json::to_string(&Metric::Count(rate)).unwrap();
            assert_eq!(serde_json::from_str::<Metric<f64>>(&stored).unwrap(), Metric::Count(rate));
        }
        for wrong in ["-1", "1.5", "null", "\"none\"", "{}"] {
            assert!(serde_json::from_str::<Metric>(wrong).is_err(), "{wrong}");
        }
    }
}
