//! The descriptor of a platform: data only.

use domain::Platform;
use domain::handle::HandleRule;
use jiff::SignedDuration;

/// Everything about a platform that is a fact and not a step.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Which platform.
    pub platform: Platform,
    /// Its name as people write it.
    pub name: &'static str,
    /// The official documentation.
    pub docs: &'static str,
    /// The day on which the changeable facts below were last checked.
    pub checked: &'static str,
    /// How accounts are named.
    pub handle: HandleRule,
    /// The public page of a normalised handle.
    pub profile_url: fn(&str) -> String,
    /// Whether a normalised handle is the platform's own id of the account, in place of its name.
    pub is_account_id: fn(&str) -> bool,
    /// What can be read without the account's consent.
    pub public_read: PublicRead,
    /// How the account's consent is obtained.
    pub oauth: OAuthFacts,
    /// How often a READY connection is synced again.
    pub resync: SignedDuration,
    /// Why that often: the platform's limit in one sentence, with the calls that a sync costs.
    pub quota: &'static str,
    /// The largest page of posts that the platform serves.
    pub page_size: u32,
    /// How many recent posts a sync reads.
    pub recent_posts: u32,
}

/// What can be read without the account's consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicRead {
    /// Nothing that is reliable and allowed: a MANUAL connection ends in ERROR `oauth_required`.
    None,
    /// With an API key of the installation.
    ApiKey,
    /// Anyone may read.
    Open,
}

/// How consent works.
#[derive(Debug, Clone, Copy)]
pub struct OAuthFacts {
    /// Whether the code flow carries a proof key.
    pub pkce: Pkce,
    /// Where the app's credentials come from.
    pub registration: Registration,
    /// What stands between scopes in the authorize URL.
    pub scope_separator: &'static str,
    /// The scopes that Herald asks for.
    pub scopes: &'static [Scope],
    /// How an access token is renewed.
    pub renewal: Renewal,
    /// How long an access token lives; `None`: until it is revoked.
    pub access_life: Option<SignedDuration>,
    /// How long before its end a token is renewed.
    pub renew_ahead: SignedDuration,
    /// Whether the platform has a call that revokes a token.
    pub revocable: bool,
}

/// A scope and why it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The platform's word.
    pub name: &'static str,
    /// What it is for, for people.
    pub purpose: &'static str,
    /// Whether a sync cannot work without it.
    pub needed_to_sync: bool,
}

/// Proof key for code exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// The platform does not document it; it is not sent.
    None,
    /// S256.
    S256,
}

/// Where app credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// `HERALD_<PLATFORM>_CLIENT_ID` and `…_CLIENT_SECRET`.
    Configured,
    /// Herald registers itself at each server and keeps what it gets.
    PerServer,
    /// The client id is the address of a metadata document that Herald serves.
    ClientMetadata,
    /// The platform knows no apps: the account's own token is all there is.
    None,
}

/// How an access token is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Never: it lives until it is revoked.
    None,
    /// By a refresh token that stays the same.
    RefreshToken,
    /// By a refresh token that is replaced each time; the old one is dead.
    RotatingRefreshToken,
    /// By exchanging the token itself while it is alive.
    Exchange,
}

impl Facts {
    /// The scopes among those asked for that are not in `granted`.
    #[must_use]
    pub fn missing_scopes(&self, granted: &[String]) -> Vec<String> {
        let missing = |s: &&Scope| !granted.iter().any(|g| covers(g, s.name));
        self.oauth.scopes.iter().filter(missing).map(|s| s.name.to_owned()).collect()
    }

    /// The scopes asked for, joined as the platform wants them.
    #[must_use]
    pub fn scope_list(&self) -> String {
        self.oauth.scopes.iter().map(|s| s.name).collect::<Vec<_>>().join(self.oauth.scope_separator)
    }
}

/// Whether a granted scope is the wanted one or contains it: `read` contains `read:accounts`. No platform here has a
/// scope with a colon that is not meant this way.
pub(crate) fn covers(granted: &str, wanted: &str) -> bool {
    wanted.strip_prefix(granted).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_itself_and_its_parts() {
        assert!(covers("read", "read"));
        assert!(covers("read", "read:accounts"));
        assert!(!covers("read:accounts", "read"));
        assert!(!covers("rea", "read:accounts"));
        assert!(!covers("write", "read:accounts"));
        assert!(!covers("https://auth.example/a", "https://auth.example/a.readonly"));
    }
}
