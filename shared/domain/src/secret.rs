//! Values that must never be printed.

use secrecy::{ExposeSecret, SecretString};

/// A token, key or password: prints as `[redacted]` and is read only by a method with a loud name.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value; from here on it cannot be printed by accident.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The bare value, for building a header, a form body or a sealed envelope, and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it; an empty token is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted() {
        let token = Secret::new("ya29.very-secret");
        assert_eq!(format!("{token:?}"), "[redacted]");
        assert!(!format!("{:?}", Some(&token)).contains("ya29"));
    }
}
