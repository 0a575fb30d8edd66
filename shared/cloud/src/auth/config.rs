//! Whose tokens are accepted, and what their claims are called.

use url::Url;

use super::limit::RateLimit;
use crate::config::{MissingVariable, required};

/// A setting that is missing or makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthConfigError {
    /// Not set.
    #[error(transparent)]
    Missing(#[from] MissingVariable),
    /// Set to something else.
    #[error("the environment variable {variable} must be {rule}")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What it must hold.
        rule: &'static str,
    },
}

/// Whose tokens are accepted, and what their claims are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// `HERALD_ISSUER`: the `iss` of every token, to the letter, and where the issuer's keys are announced.
    pub issuer: String,
    /// `HERALD_AUDIENCE`: what `aud` must hold.
    pub audience: String,
    /// `HERALD_CLAIM_WORKSPACE` (`herald_workspace`).
    pub claim_workspace: String,
    /// `HERALD_CLAIM_ROLE` (`herald_role`): `admin` or `talent`.
    pub claim_role: String,
    /// `HERALD_CLAIM_TALENT` (`herald_talent`): demanded of a talent.
    pub claim_talent: String,
    /// `HERALD_JWKS_URL`: where the keys are, for an issuer that does not announce it.
    pub jwks_url: Option<Url>,
    /// `HERALD_RATE_LIMIT` (`50:200`): requests a second and burst of one credential.
    pub rate_limit: RateLimit,
}

impl AuthConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`AuthConfigError`] names the variable.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, AuthConfigError> {
        let or = |name: &str, default: &str| get(name).filter(|text| !text.is_empty()).unwrap_or(default.to_owned());
        let web_address = |text: &str| Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let issuer = required(get, "HERALD_ISSUER")?;
        if web_address(&issuer).is_none() {
            return Err(AuthConfigError::Invalid { variable: "HERALD_ISSUER", rule: "the issuer's https address" });
        }
        let jwks_url = match get("HERALD_JWKS_URL").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(web_address(&text).ok_or(AuthConfigError::Invalid {
                variable: "HERALD_JWKS_URL",
                rule: "the https address of a JWK set",
            })?),
        };
        Ok(Self {
            issuer,
            audience: required(get, "HERALD_AUDIENCE")?,
            claim_workspace: or("HERALD_CLAIM_WORKSPACE", "herald_workspace"),
            claim_role: or("HERALD_CLAIM_ROLE", "herald_role"),
            claim_talent: or("HERALD_CLAIM_TALENT", "herald_talent"),
            jwks_url,
            rate_limit: RateLimit::parse(&or("HERALD_RATE_LIMIT", "50:200")).ok_or(AuthConfigError::Invalid {
                variable: "HERALD_RATE_LIMIT",
                rule: "requests a second and burst, such as 50:200",
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AuthConfig, AuthConfigError> {
        let base = [("HERALD_ISSUER", "https://id.example/"), ("HERALD_AUDIENCE", "herald")];
        AuthConfig::from_env(&|name| {
            let found = pairs.iter().chain(&base).find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_is_not_set_has_its_documented_value() {
        let config = read(&[]).unwrap();
        assert_eq!(config.issuer, "https://id.example/");
        assert_eq!(
            (config.claim_workspace.as_str(), config.claim_role.as_str(), config.claim_talent.as_str()),
            ("herald_workspace", "herald_role", "herald_talent")
        );
        assert_eq!(config.rate_limit, RateLimit { per_second: 50, burst: 200 });
        assert_eq!(config.jwks_url, None);
        assert_eq!(
            read(&[("HERALD_CLAIM_ROLE", "https://acme.example/role")]).unwrap().claim_role,
            "https://acme.example/role"
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (name, value) in [
            ("HERALD_ISSUER", ""),
            ("HERALD_ISSUER", "id.example"),
            ("HERALD_AUDIENCE", ""),
            ("HERALD_JWKS_URL", "file:///etc/passwd"),
            ("HERALD_RATE_LIMIT", "50"),
            ("HERALD_RATE_LIMIT", "0:0"),
        ] {
            assert!(read(&[(name, value)]).unwrap_err().to_string().contains(name), "{name}={value}");
        }
    }
}
