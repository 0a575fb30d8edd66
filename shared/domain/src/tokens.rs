//! The secrets of one connection.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::secret::Secret;

/// What a platform issued for an account. Stored only sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// Sent with every call.
    pub access: Secret,
    /// Renews the access token, where the platform has such a thing.
    pub refresh: Option<Secret>,
    /// When the access token dies; `None`: it lives until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When the access token was issued (a platform may demand an age before a refresh).
    pub issued_at: Timestamp,
    /// What was granted, in the platform's own words.
    pub scopes: Vec<String>,
    /// What else a platform needs to use or renew the token: a DPoP key, an issuer, a kind.
    pub extra: BTreeMap<String, Secret>,
}

impl TokenSet {
    /// Takes over what a refresh answered. An empty or missing refresh token never overwrites a good one,
    /// and scopes that a refresh answer leaves out stay what they were.
    #[must_use]
    pub fn renewed_by(self, answer: Self) -> Self {
        let mut extra = self.extra;
        extra.extend(answer.extra);
        Self {
            access: answer.access,
            refresh: answer.refresh.filter(|token| !token.is_empty()).or(self.refresh),
            expires_at: answer.expires_at,
            issued_at: answer.issued_at,
            scopes: if answer.scopes.is_empty() { self.scopes } else { answer.scopes },
            extra,
        }
    }

    /// A named extra secret.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&Secret> {
        self.extra.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(access: &str, refresh: Option<&str>) -> TokenSet {
        TokenSet {
            access: Secret::new(access),
            refresh: refresh.map(Secret::new),
            expires_at: None,
            issued_at: Timestamp::UNIX_EPOCH,
            scopes: vec!["read".to_owned()],
            extra: BTreeMap::new(),
        }
    }

    #[test]
    fn an_empty_refresh_token_never_overwrites_a_good_one() {
        for answered in [None, Some("")] {
            let renewed = set("old", Some("good")).renewed_by(TokenSet { scopes: vec![], ..set("new", answered) });
            assert_eq!(renewed.access.expose(), "new");
            assert_eq!(renewed.refresh.unwrap().expose(), "good");
            assert_eq!(renewed.scopes, ["read"]);
        }
    }

    #[test]
    fn a_rotated_refresh_token_replaces_the_old_one() {
        let renewed = set("old", Some("first")).renewed_by(set("new", Some("second")));
        assert_eq!(renewed.refresh.unwrap().expose(), "second");
    }
}
