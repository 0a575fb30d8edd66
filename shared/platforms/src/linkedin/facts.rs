//! What is known about LinkedIn.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// The version of the API that every call names. Each lives for a year at least: this one until 2027-07.
pub(super) const VERSION: &str = "202607";

/// Who the member is.
pub(super) const OPENID: &str = "openid";
/// Publishing as a member.
pub(super) const WRITE: &str = "w_member_social";
/// Publishing as a page.
pub(super) const WRITE_PAGE: &str = "w_organization_social";
/// A page's posts.
pub(super) const READ_PAGE: &str = "r_organization_social";
/// Which pages a member administers, and their figures.
pub(super) const ADMIN: &str = "rw_organization_admin";

/// LinkedIn as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Linkedin,
    name: "LinkedIn",
    docs: "https://learn.microsoft.com/en-us/linkedin/",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["linkedin.com"],
        path_prefixes: &["in/", "company/", "school/", "showcase/"],
        is_valid,
        normalise,
        federated: false,
        pattern: r"[0-9]+|[\p{L}\p{N}_.&-]{3,100}",
        form: "3 to 100 letters, digits, hyphens or underscores, or the number of a page",
    },
    profile_url,
    // The identity is a URN, which no handle is.
    is_account_id: |_| false,
    public_read: PublicRead::None,
    oauth: OAuthFacts {
        pkce: Pkce::None,
        registration: Registration::Configured,
        scope_separator: " ",
        // What every app may ask for. One scope that the app's products do not hold, and LinkedIn refuses the consent.
        scopes: &[
            Scope { name: OPENID, purpose: "know which member it is", needed_to_sync: true },
            Scope { name: "profile", purpose: "read the member's name and picture", needed_to_sync: true },
            Scope { name: WRITE, purpose: "publish as the member", needed_to_sync: false },
        ],
        // For apps of partners; others get no refresh token, and the consent ends with the access token.
        renewal: Renewal::RefreshToken,
        access_life: Some(SignedDuration::from_hours(60 * 24)),
        renew_ahead: SignedDuration::from_hours(7 * 24),
        revocable: true,
    },
    resync: SignedDuration::from_hours(6),
    quota: "A number of calls per day for each endpoint, for the app and for each member, shown only in the developer \
            portal (100 a member in the development tier, UNSURE); a member's sync is 1 call, a page's 4 (page, \
            followers, 100 posts, their figures), so four syncs a day are at most 16 calls.",
    page_size: 100,
    recent_posts: 100,
};

/// Publishing on LinkedIn. Checked on 2026-11-20.
pub(super) static PUBLISH: PublishFacts = PublishFacts {
    text: TextLimit { counted_in: CountedIn::Characters, max: 3000, max_bytes: None },
    caption: None,
    photo_text: None,
    follow_up: Some(TextLimit { counted_in: CountedIn::Characters, max: 1250, max_bytes: None }),
    follow_ups: 1,
    text_required: false,
    media_required: false,
    files: &[
        FileRule {
            kind: MediaKind::Image,
            mimes: &["image/jpeg", "image/png"],
            // UNSURE: only the number of pixels is stated (36,152,320).
            max_bytes: 10 * 1024 * 1024,
            max_count: 20,
        },
        FileRule { kind: MediaKind::Gif, mimes: &["image/gif"], max_bytes: 10 * 1024 * 1024, max_count: 20 },
        FileRule {
            kind: MediaKind::Video,
            mimes: &["video/mp4"],
            // More is taken (5 GB, UNSURE) than is shown for posts that nobody pays for.
            max_bytes: 500 * 1024 * 1024,
            max_count: 1,
        },
        FileRule {
            kind: MediaKind::Document,
            mimes: &[
                "application/pdf",
                "application/msword",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ],
            max_bytes: 100 * 1024 * 1024,
            max_count: 1,
        },
    ],
    measures: &[
        Measure::most(MediaKind::Image, Quantity::Pixels, 36_152_319),
        Measure::most(MediaKind::Gif, Quantity::Pixels, 36_152_319),
        Measure::within(MediaKind::Video, Quantity::DurationMs, 3_000, 1_800_000),
    ],
    max_files: 20,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        // Pages are always public.
        OptionFact::new(
            "visibility",
            OptionForm::OneOf(&["PUBLIC", "CONNECTIONS", "LOGGED_IN"]),
            Some("PUBLIC"),
            "Who may see it; pages are always public.",
        ),
        OptionFact::new(
            "altText",
            OptionForm::Texts(20),
            None,
            "Describes each file, in their order, to people who cannot see it.",
        ),
    ],
    scopes: &[WRITE],
    media_scopes: &[],
    // Of pages. Members' posts cannot be listed: none.
    proof: Proof::ReadBack,
    // Nobody states one.
    index_lag: SignedDuration::from_secs(60),
    deletes: true,
};

/// A page may be named by its number.
fn is_number(handle: &str) -> bool {
    (1..=20).contains(&handle.len()) && handle.bytes().all(|b| b.is_ascii_digit())
}

fn profile_url(handle: &str) -> String {
    let kind = if is_number(handle) { "company" } else { "in" };
    format!("https://www.linkedin.com/{kind}/{handle}/")
}

/// Names of members and pages have letters of any script. That a full name has at most 100 is stated for members only.
fn is_valid(handle: &str) -> bool {
    let inside = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '.' | '&');
    is_number(handle) || ((3..=100).contains(&handle.chars().count()) && handle.chars().all(inside))
}

fn normalise(handle: &str) -> String {
    handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Linkedin, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in ["Ann-Lee-42", "@ann-lee-42", "https://www.linkedin.com/in/Ann-Lee-42/?locale=en"] {
            assert_eq!(read(Some(handle), None).unwrap(), "ann-lee-42");
        }
        for url in ["https://www.linkedin.com/in/анна-7/", "https://www.linkedin.com/in/%D0%B0%D0%BD%D0%BD%D0%B0-7/"]
        {
            assert_eq!(read(None, Some(url)).unwrap(), "анна-7");
        }
        assert_eq!(read(None, Some("https://www.linkedin.com/company/Tea-Tree/posts")).unwrap(), "tea-tree");
        assert_eq!(read(None, Some("https://www.linkedin.com/company/2414183/")).unwrap(), "2414183");
        assert_eq!((FACTS.profile_url)("2414183"), "https://www.linkedin.com/company/2414183/");
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in ["", "ab", "two words", "ann/lee", "ann@example.org", "urn:li:person:abc"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in ["https://www.linkedin.com/feed/", "https://www.linkedin.com/ann", "https://www.tiktok.com/@ann"] {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_rule(text in "(?s).{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(&normalise(&once), &once);
            prop_assert!(!is_valid(&once) || !once.contains(['#', '/', '@', '?', ' ', '\n']));
        }
    }
}
