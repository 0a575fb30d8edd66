//! How an account is named, and what is not a name on a platform.
//!
//! The rule of each platform is data in its folder (`platforms::<name>::facts`); this file reads by it.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::platform::Platform;

/// The naming rule of one platform.
#[derive(Debug, Clone, Copy)]
pub struct HandleRule {
    /// Hosts whose profile URLs belong to the platform, without `www.` or `m.`; empty: any host (federated).
    pub hosts: &'static [&'static str],
    /// What stands before the handle in the path of a profile URL, most specific first: `@`, `profile/`, or nothing.
    pub path_prefixes: &'static [&'static str],
    /// Whether a normalised handle can exist on the platform.
    pub is_valid: fn(&str) -> bool,
    /// The one spelling of a handle: no `@` in front, the case that the platform ignores taken out.
    pub normalise: fn(&str) -> String,
    /// Whether the handle names its server too (`user@host`).
    pub federated: bool,
    /// What every handle matches as a whole, letters of either case and without `@`: a regular expression in the dialect of
    /// browsers (flags `iu`), for forms that check while someone types. `is_valid` has the last word and may refuse more.
    pub pattern: &'static str,
    /// The form in words, for the error message.
    pub form: &'static str,
}

/// Why a handle or a profile URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHandle {
    /// The handle cannot exist on the platform.
    #[error("Invalid handle. A {platform} handle is {form}.")]
    Handle {
        /// The platform it was meant for.
        platform: Platform,
        /// The accepted form.
        form: &'static str,
    },
    /// The URL is not a profile on the platform.
    #[error("Invalid profileUrl. It must be the address of a {platform} profile.")]
    Url {
        /// The platform it was meant for.
        platform: Platform,
    },
    /// Handle and URL name different accounts.
    #[error("Invalid profileUrl. It names another account than the handle.")]
    Mismatch,
    /// Neither was given.
    #[error("Invalid handle. Give a handle or a profileUrl.")]
    Missing,
}

/// Hosts of the platforms; a handle that is a name on a server cannot live on another platform's.
const KNOWN_HOSTS: [&str; 17] = [
    "instagram.com",
    "facebook.com",
    "threads.net",
    "threads.com",
    "tiktok.com",
    "youtube.com",
    "youtu.be",
    "x.com",
    "twitter.com",
    "linkedin.com",
    "pinterest.com",
    "t.me",
    "telegram.me",
    "whatsapp.com",
    "bsky.app",
    "spotify.com",
    "google.com",
];

/// The normalised handle that `handle` and `profile_url` name together.
///
/// `local_hosts` are host:port pairs that this installation may reach although they are not public names.
///
/// # Errors
/// [`InvalidHandle`], whose message begins with `Invalid handle` or `Invalid profileUrl`.
pub fn read(
    platform: Platform,
    rule: &HandleRule,
    handle: Option<&str>,
    profile_url: Option<&str>,
    local_hosts: &[String],
) -> Result<String, InvalidHandle> {
    let handle = handle.map(str::trim).filter(|text| !text.is_empty());
    let url = profile_url.map(str::trim).filter(|text| !text.is_empty());
    let from_url = url.map(|text| from_url(platform, rule, text, local_hosts)).transpose()?;
    let from_handle = handle
        .map(|text| {
            let local = from_url.as_deref().filter(|_| rule.federated && !text.trim_start_matches('@').contains('@'));
            let completed = local.and_then(|full| full.split_once('@')).map(|(_, host)| format!("{text}@{host}"));
            from_handle(platform, rule, completed.as_deref().unwrap_or(text), local_hosts)
        })
        .transpose()?;
    match (from_handle, from_url) {
        (Some(a), Some(b)) if a != b => Err(InvalidHandle::Mismatch),
        (Some(handle), _) | (None, Some(handle)) => Ok(handle),
        (None, None) => Err(InvalidHandle::Missing),
    }
}

fn from_handle(
    platform: Platform,
    rule: &HandleRule,
    text: &str,
    local_hosts: &[String],
) -> Result<String, InvalidHandle> {
    let invalid = || InvalidHandle::Handle { platform, form: rule.form };
    if text.len() > 400 {
        return Err(invalid());
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return from_url(platform, rule, text, local_hosts).map_err(|_| invalid());
    }
    let handle = (rule.normalise)(text.strip_prefix('@').unwrap_or(text));
    if (rule.is_valid)(&handle) && host_allowed(rule, &handle, local_hosts) { Ok(handle) } else { Err(invalid()) }
}

fn from_url(
    platform: Platform,
    rule: &HandleRule,
    text: &str,
    local_hosts: &[String],
) -> Result<String, InvalidHandle> {
    let invalid = || InvalidHandle::Url { platform };
    let url = Some(text)
        .filter(|text| text.len() <= 500)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none())
        .ok_or_else(invalid)?;
    let host = url.host_str().ok_or_else(invalid)?;
    let bare = host.strip_prefix("www.").or_else(|| host.strip_prefix("m.")).unwrap_or(host);
    if !rule.federated && (!rule.hosts.contains(&bare) || url.port().is_some()) {
        return Err(invalid());
    }
    let path = url.path().trim_matches('/');
    let name = rule.path_prefixes.iter().find_map(|prefix| path.strip_prefix(prefix)).ok_or_else(invalid)?;
    // What follows the name (a tab, a post) is not part of it.
    let name = name.split('/').next().unwrap_or(name);
    // Letters of other scripts are percent-encoded in an address. What is still encoded after that is no handle.
    let name = percent_decode_str(name).decode_utf8().map_err(|_| invalid())?;
    let full = if rule.federated && !name.contains('@') {
        match url.port() {
            Some(port) => format!("{name}@{host}:{port}"),
            None => format!("{name}@{host}"),
        }
    } else {
        name.into_owned()
    };
    let handle = (rule.normalise)(&full);
    if (rule.is_valid)(&handle) && host_allowed(rule, &handle, local_hosts) { Ok(handle) } else { Err(invalid()) }
}

/// A federated handle's host must be a public name that is no other platform's, or on the list of local ones.
fn host_allowed(rule: &HandleRule, handle: &str, local_hosts: &[String]) -> bool {
    if !rule.federated {
        return true;
    }
    let Some((_, host)) = handle.rsplit_once('@') else { return false };
    if local_hosts.iter().any(|allowed| allowed == host) {
        return true;
    }
    is_public_name(host) && !belongs_elsewhere(host, rule.hosts)
}

/// Whether `host` is, or lies under, a host of another platform than the one whose hosts are `own`.
#[must_use]
pub fn belongs_elsewhere(host: &str, own: &[&str]) -> bool {
    KNOWN_HOSTS
        .iter()
        .filter(|known| !own.contains(known))
        .any(|known| host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether `host` has the form of a public DNS name: at least two labels, no port, no address literal.
#[must_use]
pub fn is_public_name(host: &str) -> bool {
    let label = |text: &str| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    let labels: Vec<&str> = host.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    host.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(|text| label(text))
        && last.bytes().any(|b| b.is_ascii_lowercase())
        && !matches!(last, "localhost" | "local" | "internal" | "invalid" | "onion")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: HandleRule = HandleRule {
        hosts: &["photos.example"],
        path_prefixes: &["@"],
        is_valid: |h| (1..=10).contains(&h.len()) && h.bytes().all(|b| b.is_ascii_alphanumeric()),
        normalise: |h| h.to_lowercase(),
        federated: false,
        pattern: "",
        form: "1 to 10 letters",
    };
    const FEDERATED: HandleRule = HandleRule {
        hosts: &[],
        path_prefixes: &["@", "users/"],
        is_valid: |h| h.contains('@'),
        normalise: |h| h.to_lowercase(),
        federated: true,
        pattern: "",
        form: "user@host",
    };

    fn plain(handle: Option<&str>, url: Option<&str>) -> Result<String, InvalidHandle> {
        read(Platform::Instagram, &PLAIN, handle, url, &[])
    }

    fn federated(handle: Option<&str>, url: Option<&str>) -> Result<String, InvalidHandle> {
        read(Platform::Mastodon, &FEDERATED, handle, url, &["localhost:8101".to_owned()])
    }

    #[test]
    fn at_sign_and_case_are_normalised() {
        assert_eq!(plain(Some("@Ann"), None).unwrap(), "ann");
        assert_eq!(plain(None, Some("https://www.photos.example/@Ann/?hl=en")).unwrap(), "ann");
        assert_eq!(plain(Some(" ann "), Some("https://photos.example/@ANN")).unwrap(), "ann");
    }

    #[test]
    fn a_url_of_another_platform_is_an_invalid_profile_url() {
        let error = plain(Some("ann"), Some("https://other.example/@ann")).unwrap_err();
        assert!(error.to_string().starts_with("Invalid profileUrl"), "{error}");
    }

    #[test]
    fn a_handle_of_another_shape_is_an_invalid_handle() {
        for handle in ["a b", "toolongforthisrule", "ann@host", "", "💥"] {
            assert!(plain(Some(handle), None).unwrap_err().to_string().starts_with("Invalid handle"), "{handle}");
        }
    }

    #[test]
    fn handle_and_url_must_name_the_same_account() {
        assert_eq!(plain(Some("ann"), Some("https://photos.example/@bob")), Err(InvalidHandle::Mismatch));
    }

    #[test]
    fn a_federated_handle_needs_its_host() {
        assert_eq!(federated(Some("Ann@Social.Example"), None).unwrap(), "ann@social.example");
        assert_eq!(federated(None, Some("https://social.example/@ann")).unwrap(), "ann@social.example");
        assert_eq!(federated(Some("ann"), Some("https://social.example/@ann")).unwrap(), "ann@social.example");
        assert!(federated(Some("ann"), None).is_err());
    }

    #[test]
    fn a_federated_host_is_public_and_no_other_platform() {
        for host in [
            "127.0.0.1",
            "localhost",
            "169.254.169.254",
            "[::1]",
            "youtube.com",
            "www.youtube.com",
            "host",
            "a.internal",
            "x.local",
        ] {
            assert!(federated(Some(&format!("ann@{host}")), None).is_err(), "{host}");
        }
        assert_eq!(federated(Some("ann@localhost:8101"), None).unwrap(), "ann@localhost:8101");
        assert!(federated(Some("ann@localhost:8102"), None).is_err());
    }
}
