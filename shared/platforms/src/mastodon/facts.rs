//! What is known about Mastodon and the servers that speak its API.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// Who the account is.
pub(super) const ACCOUNTS: &str = "read:accounts";
/// Its posts.
pub(super) const STATUSES: &str = "read:statuses";
/// Writing posts.
pub(super) const WRITE_STATUSES: &str = "write:statuses";
/// Sending pictures and videos.
pub(super) const WRITE_MEDIA: &str = "write:media";
/// What servers without granular scopes know.
pub(super) const COARSE: &str = "read write";

/// Mastodon as data. Changeable facts checked on 2026-11-20; they are the defaults of a server, which may set others.
pub static FACTS: Facts = Facts {
    platform: Platform::Mastodon,
    name: "Mastodon",
    docs: "https://docs.joinmastodon.org/client/intro/",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &[],
        path_prefixes: &["web/@", "@", "users/"],
        is_valid,
        normalise,
        federated: true,
        pattern: r"[a-z0-9_]([a-z0-9_.-]{0,62}[a-z0-9_])?@[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?",
        form: "user@host",
    },
    profile_url: |handle| match handle.rsplit_once('@') {
        Some((user, host)) => format!("https://{host}/@{user}"),
        None => format!("https://{handle}/"),
    },
    is_account_id: |_| false,
    public_read: PublicRead::Open,
    oauth: OAuthFacts {
        // Sent only to a server that says it knows it (4.3 and later).
        pkce: Pkce::S256,
        registration: Registration::PerServer,
        scope_separator: " ",
        // With what publishing needs, so that nobody has to consent twice.
        scopes: &[
            Scope { name: ACCOUNTS, purpose: "know which account it is", needed_to_sync: true },
            Scope { name: STATUSES, purpose: "read the account's posts", needed_to_sync: true },
            Scope { name: "read:notifications", purpose: "see replies and mentions", needed_to_sync: false },
            Scope { name: WRITE_STATUSES, purpose: "publish", needed_to_sync: false },
            Scope { name: WRITE_MEDIA, purpose: "upload pictures and videos", needed_to_sync: false },
        ],
        renewal: Renewal::None,
        access_life: None,
        renew_ahead: SignedDuration::ZERO,
        revocable: true,
    },
    resync: SignedDuration::from_hours(1),
    quota: "300 calls in 5 minutes per account and per address at each server (86,400 a day; newer servers allow more, \
            UNSURE); a sync costs 1 call for the profile and 1 for 40 posts, one more without consent, so 24 syncs a \
            day fit 1,200 accounts of one server read without consent.",
    page_size: 40,
    recent_posts: 40,
};

/// A status and a reply, with its content warning.
const TEXT: TextLimit = TextLimit { counted_in: CountedIn::Mastodon, max: 500, max_bytes: None };
/// 16 MiB.
const IMAGE_BYTES: u64 = 16_777_216;

/// Publishing as data; the defaults of a server, checked on 2026-11-20.
pub(super) static PUBLISH: PublishFacts = PublishFacts {
    text: TEXT,
    caption: None,
    photo_text: None,
    follow_up: Some(TEXT),
    // No server has a limit; a thread of 25.
    follow_ups: 24,
    text_required: false,
    media_required: false,
    files: &[
        FileRule {
            kind: MediaKind::Image,
            mimes: &["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/avif"],
            max_bytes: IMAGE_BYTES,
            max_count: 4,
        },
        FileRule { kind: MediaKind::Gif, mimes: &["image/gif"], max_bytes: IMAGE_BYTES, max_count: 4 },
        FileRule {
            kind: MediaKind::Video,
            mimes: &["video/mp4", "video/webm", "video/quicktime"],
            max_bytes: 103_809_024,
            max_count: 1,
        },
    ],
    measures: &[
        // A server may state others.
        Measure::most(MediaKind::Image, Quantity::Pixels, 33_177_600),
        Measure::most(MediaKind::Gif, Quantity::Pixels, 33_177_600),
        Measure::most(MediaKind::Video, Quantity::Pixels, 8_294_400),
    ],
    max_files: 4,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        OptionFact::new(
            "visibility",
            OptionForm::OneOf(&["public", "unlisted", "private", "direct"]),
            None,
            "Who may see it. Left out, the account's own setting holds.",
        ),
        OptionFact::new(
            "spoilerText",
            OptionForm::Text(500),
            None,
            "The content warning that the text stands behind; it counts with the text.",
        ),
        OptionFact::new("sensitive", OptionForm::Flag, Some("false"), "Hides the files until they are wanted."),
        OptionFact::new("language", OptionForm::Text(11), None, "The language of the text, such as en."),
    ],
    // Without `write:media` a text still goes out.
    scopes: &[WRITE_STATUSES],
    media_scopes: &[WRITE_MEDIA],
    // The same key is the same post on Mastodon itself, for an hour; other servers that speak its API ignore it (snac,
    // observed), and the server says only at the time which of them it is.
    proof: Proof::ReadBack,
    // An account's list comes from the database that the post was written to, or a copy of it; 2026-11-20.
    index_lag: SignedDuration::from_secs(30),
    deletes: true,
};

fn is_valid(handle: &str) -> bool {
    handle.split_once('@').is_some_and(|(user, host)| is_user(user) && is_host(host))
}

/// Mastodon's own names have at most 30 letters, digits and underscores; servers that speak its API allow more.
fn is_user(user: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-');
    let edge = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=64).contains(&user.len()) && user.bytes().all(inner) && user.starts_with(edge) && user.ends_with(edge)
}

/// The form of a host, with or without a port. Which hosts may be called, the outbound client decides.
pub(super) fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let label = |text: &str| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    name.len() <= 253
        && name.split('.').all(label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n > 0 && n.to_string() == port))
}

/// Lower case; a host in other letters in its ASCII form.
pub(super) fn normalise(handle: &str) -> String {
    let handle = handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase();
    let (user, host) = handle.rsplit_once('@').map_or((None, handle.as_str()), |(user, host)| (Some(user), host));
    if host.is_ascii() {
        return handle;
    }
    match (user, url::Host::parse(host)) {
        (Some(user), Ok(url::Host::Domain(host))) => format!("{user}@{host}"),
        (None, Ok(url::Host::Domain(host))) => host,
        _ => handle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Mastodon, &FACTS.handle, handle, url, &["localhost:8101".to_owned()])
            .map_err(|e| e.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in [
            "Ann@Social.Example",
            "@ann@social.example",
            "https://social.example/@ann",
            "https://social.example/users/ann",
        ] {
            assert_eq!(read(Some(handle), None).unwrap(), "ann@social.example", "{handle}");
        }
        assert_eq!(read(None, Some("https://other.example/@ann@social.example")).unwrap(), "ann@social.example");
        assert_eq!(read(Some("ann@münchen.example"), None).unwrap(), "ann@xn--mnchen-3ya.example");
        assert_eq!(read(Some("ann@localhost:8101"), None).unwrap(), "ann@localhost:8101");
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in [
            "ann",
            "@ann",
            "ann@",
            "a b@social.example",
            "ann@social.example/x",
            ".ann@social.example",
            "ann@@social.example",
            "ann@10.0.0.1",
        ] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in ["https://www.youtube.com/@ann", "https://social.example/about", "http://127.0.0.1/@ann"] {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
    }

    #[test]
    fn read_covers_every_read_scope() {
        let granted = |scopes: &[&str]| scopes.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert!(FACTS.missing_scopes(&granted(&["read", "write"])).is_empty());
        assert_eq!(FACTS.missing_scopes(&granted(&["read", "write:media"])), ["write:statuses"]);
    }

    proptest! {
        #[test]
        fn a_user_and_a_host_are_read(text in "[a-z]{1}[a-z0-9_]{0,20}@[a-z]{3,8}\\.[a-z]{4}") {
            prop_assert!(is_valid(&normalise(&text)));
        }
    }
}
