//! What is known about Bluesky.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::{HandleRule, belongs_elsewhere, is_public_name};
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// The entryway: the authorization server of every account that Bluesky itself hosts.
pub(super) const ENTRYWAY: &str = "https://bsky.social";
/// The public AppView: answers anyone, from a cache.
pub(super) const APPVIEW: &str = "https://public.api.bsky.app";
/// The directory of `did:plc` identities.
pub(super) const PLC: &str = "https://plc.directory";
/// Processes videos for accounts of any server.
pub(super) const VIDEO_SERVICE: &str = "https://video.bsky.app";
/// Demanded of every client.
pub(super) const ATPROTO: &str = "atproto";
/// What an app password may do, too.
pub(super) const GENERIC: &str = "transition:generic";
/// The life of an access token of an app password's session where the token itself does not say (observed).
pub(super) const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(2);

/// Bluesky as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Bluesky,
    name: "Bluesky",
    docs: "https://docs.bsky.app/docs/get-started",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["bsky.app"],
        path_prefixes: &["profile/"],
        is_valid,
        normalise,
        federated: false,
        pattern: r"did:plc:[a-z2-7]{24}|did:web:[a-z0-9.-]+|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+",
        form: "a domain name such as name.bsky.social, or a did:plc: or did:web: identity",
    },
    profile_url: |handle| format!("https://bsky.app/profile/{handle}"),
    is_account_id: is_did,
    public_read: PublicRead::Open,
    oauth: OAuthFacts {
        pkce: Pkce::S256,
        registration: Registration::ClientMetadata,
        scope_separator: " ",
        scopes: &[
            Scope { name: ATPROTO, purpose: "know which account it is", needed_to_sync: true },
            // Reading through the account's own server and publishing; the granular permissions that could replace it
            // are not served everywhere yet (UNSURE when they are).
            Scope { name: GENERIC, purpose: "read and publish for the account", needed_to_sync: true },
        ],
        // A replayed refresh token revokes the whole session (observed), so refreshes stand one behind the other.
        renewal: Renewal::RotatingRefreshToken,
        // 30 minutes by the specification, 60 by the observed server, 2 hours for an app password's session: the
        // token answer decides.
        access_life: Some(SignedDuration::from_hours(1)),
        renew_ahead: SignedDuration::from_mins(10),
        revocable: true,
    },
    resync: SignedDuration::from_hours(1),
    quota: "3,000 calls in 5 minutes per address (864,000 a day); a sync costs 1 call for the profile and 1 for 100 \
            posts, so 24 syncs a day fit 18,000 connections; an account whose server has no AppView costs 6 to 9 calls.",
    page_size: 100,
    recent_posts: 100,
};

/// A post's text, and a reply's.
const TEXT: TextLimit = TextLimit { counted_in: CountedIn::Graphemes, max: 300, max_bytes: Some(3_000) };

/// Publishing as data; checked on 2026-11-20 against the schemas of 2026-08-20.
pub(super) static PUBLISH: PublishFacts = PublishFacts {
    text: TEXT,
    caption: None,
    photo_text: None,
    follow_up: Some(TEXT),
    // The network has no limit; a thread of 25.
    follow_ups: 24,
    // May be empty where there are files.
    text_required: false,
    media_required: false,
    files: &[
        FileRule {
            kind: MediaKind::Image,
            mimes: &["image/jpeg", "image/png", "image/webp"],
            // Servers that are not the newest take 1,000,000 and say so.
            max_bytes: 2_000_000,
            max_count: 4,
        },
        // At most 3 minutes, which the service checks.
        FileRule { kind: MediaKind::Video, mimes: &["video/mp4"], max_bytes: 300_000_000, max_count: 1 },
    ],
    measures: &[Measure::most(MediaKind::Video, Quantity::DurationMs, 180_000)],
    max_files: 4,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        OptionFact::new("langs", OptionForm::Texts(3), None, "The languages of the text, such as en or pt-BR."),
        // Or a single text, of the first file.
        OptionFact::new(
            "altText",
            OptionForm::Texts(4),
            None,
            "Describes each file, in their order, to people who cannot see it; a single text is of the first.",
        ),
    ],
    scopes: &[GENERIC],
    media_scopes: &[],
    proof: Proof::ClientKey,
    // The account's own server answers from what it wrote; 2026-11-20.
    index_lag: SignedDuration::ZERO,
    deletes: true,
};

fn is_valid(handle: &str) -> bool {
    if handle.starts_with("did:") {
        return is_did(handle);
    }
    // A name under another platform's host is a profile of that platform, pasted in the wrong place.
    is_public_name(handle) && !belongs_elsewhere(handle, FACTS.handle.hosts)
}

/// Whether `text` is an identity of one of the two methods that the network accepts.
pub(super) fn is_did(text: &str) -> bool {
    if let Some(id) = text.strip_prefix("did:plc:") {
        return id.len() == 24 && id.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
    }
    text.strip_prefix("did:web:").is_some_and(is_public_name)
}

/// Lower case, without what people copy along: the `@`, and the invisible marks of direction that the app puts around it.
fn normalise(handle: &str) -> String {
    let shown: String = handle.chars().filter(|c| !is_invisible(*c)).collect();
    shown.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_ascii_lowercase()
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Bluesky, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in [
            "Alice.Example.com",
            "@alice.example.com",
            "\u{202a}@alice.example.com\u{202c}",
            "https://bsky.app/profile/Alice.example.com",
        ] {
            assert_eq!(read(Some(handle), None).unwrap(), "alice.example.com", "{handle}");
        }
        assert_eq!(read(None, Some("https://bsky.app/profile/alice.test/post/3n2qhjxtkz22l")).unwrap(), "alice.test");
        assert_eq!(read(Some("bsky.app"), None).unwrap(), "bsky.app");
    }

    #[test]
    fn an_identity_is_a_name_too() {
        for did in ["did:plc:cavgp3laz4lboqk3ta2pohli", "did:web:alice.example.com"] {
            assert_eq!(read(Some(did), None).unwrap(), did);
            assert_eq!(read(None, Some(&format!("https://bsky.app/profile/{did}"))).unwrap(), did);
        }
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in [
            "alice",
            "two words.com",
            "a..b",
            "-a.com",
            "did:plc:short",
            "did:web:localhost",
            "did:key:z6Mk",
            "a.local",
            "1.2.3.4",
        ] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in
            ["https://bsky.app/alice.test", "https://x.com/alice", "https://bsky.app.evil.example/profile/alice.test"]
        {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
    }

    #[test]
    fn a_host_of_any_other_platform_is_refused() {
        let hosts = crate::Platforms::facts().filter(|f| f.platform != Platform::Bluesky).flat_map(|f| f.handle.hosts);
        for host in hosts {
            assert!(!is_valid(host), "{host}");
            assert!(!is_valid(&format!("www.{host}")), "{host}");
        }
        assert!(is_valid("netflix.com"));
    }

    proptest! {
        #[test]
        fn a_name_of_letters_and_dots_is_read(text in "[a-z]{3,8}\\.[a-z]{2,6}\\.[a-z]{4}") {
            prop_assert!(is_valid(&normalise(&text)));
        }
    }
}
