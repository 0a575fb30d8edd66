//! How the console logs people in.

use cloud::config;
use url::Url;

use crate::app::InvalidConfiguration;

/// What the console's pages are told. The issuer and the claims' names are those of the API itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// `HERALD_ISSUER`: where people log in; empty where it is not set, and then nobody can.
    pub issuer: String,
    /// `HERALD_AUDIENCE`: asked for at log-in, for issuers that make tokens for more than one API.
    pub audience: String,
    /// `HERALD_CLAIM_WORKSPACE`, `HERALD_CLAIM_ROLE`, `HERALD_CLAIM_TALENT`.
    pub claims: [String; 3],
    /// `HERALD_CONSOLE_CLIENT_ID`: the console as the issuer knows it, a public client; `herald-console`.
    pub client_id: String,
    /// `HERALD_CONSOLE_SCOPE`: what is asked for; `openid`.
    pub scope: String,
    /// `HERALD_CONSOLE_TOKEN`: which of the issuer's tokens the API takes, `access` or `id`; `access`.
    pub token: ConsoleToken,
    /// `HERALD_CONSOLE_ORIGINS`: origins beside the issuer's own that log-in calls, comma separated; none.
    pub origins: Vec<String>,
}

/// Which token is sent to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleToken {
    /// The access token.
    Access,
    /// The id token, for issuers whose access tokens name no audience.
    Id,
}

impl ConsoleToken {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
        }
    }
}

impl ConsoleSettings {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the variable.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidConfiguration> {
        let or =
            |name: &str, default: &str| get(name).filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned());
        let token = match or("HERALD_CONSOLE_TOKEN", "access").as_str() {
            "access" => ConsoleToken::Access,
            "id" => ConsoleToken::Id,
            _ => return Err(InvalidConfiguration("HERALD_CONSOLE_TOKEN must be access or id".to_owned())),
        };
        let origins = config::list(get, "HERALD_CONSOLE_ORIGINS");
        if let Some(wrong) = origins.iter().find(|origin| origin_of(origin).as_ref() != Some(origin)) {
            return Err(InvalidConfiguration(format!("HERALD_CONSOLE_ORIGINS must be origins, not {wrong}")));
        }
        Ok(Self {
            issuer: or("HERALD_ISSUER", ""),
            audience: or("HERALD_AUDIENCE", ""),
            claims: ["workspace", "role", "talent"]
                .map(|claim| or(&format!("HERALD_CLAIM_{}", claim.to_uppercase()), &format!("herald_{claim}"))),
            client_id: or("HERALD_CONSOLE_CLIENT_ID", "herald-console"),
            scope: or("HERALD_CONSOLE_SCOPE", "openid"),
            token,
            origins,
        })
    }

    /// The origins that the pages may call beside their own.
    #[must_use]
    pub fn called(&self) -> Vec<String> {
        origin_of(&self.issuer).into_iter().chain(self.origins.iter().cloned()).collect()
    }
}

/// The origin of an address that a browser may call.
fn origin_of(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<ConsoleSettings, InvalidConfiguration> {
        ConsoleSettings::from_env(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_pages_may_call_the_issuer_and_what_is_named() {
        let settings = settings(&[
            ("HERALD_ISSUER", "https://id.example/realms/agency"),
            ("HERALD_CONSOLE_ORIGINS", "https://login.example:8443"),
        ]);
        assert_eq!(settings.unwrap().called(), ["https://id.example", "https://login.example:8443"]);
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value) in [
            ("HERALD_CONSOLE_TOKEN", "refresh"),
            ("HERALD_CONSOLE_ORIGINS", "https://a.example/path"),
            ("HERALD_CONSOLE_ORIGINS", "'unsafe-inline'"),
        ] {
            assert!(settings(&[(name, value)]).unwrap_err().0.starts_with(name), "{value}");
        }
    }
}
