//! What is known about Instagram.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// The version in every API path. v26.0 came out on 2026-07-29 and is the latest one on 2026-11-20; a version is
/// served for about two years, and a path without one is served by the oldest.
pub(super) const VERSION: &str = "v26.0";

/// The scope that every read needs.
pub(super) const BASIC: &str = "instagram_business_basic";

/// The scope that publishing needs.
pub(super) const PUBLISH: &str = "instagram_business_content_publish";

/// The scope that writing and reading comments needs.
pub(super) const COMMENTS: &str = "instagram_business_manage_comments";

/// First parts of paths that are Instagram's own pages and never a profile.
const RESERVED: [&str; 12] =
    ["p", "reel", "reels", "tv", "stories", "explore", "accounts", "direct", "about", "developer", "legal", "web"];

/// Instagram as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Instagram,
    name: "Instagram",
    docs: "https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["instagram.com"],
        path_prefixes: &["@", ""],
        is_valid,
        normalise,
        federated: false,
        pattern: r"[a-z0-9._]{1,30}",
        form: "1 to 30 letters, digits, dots or underscores",
    },
    profile_url: |handle| format!("https://www.instagram.com/{handle}/"),
    is_account_id: |_| false,
    // Business discovery, the only look at other accounts, needs Facebook Login.
    public_read: PublicRead::None,
    oauth: OAuthFacts {
        // Not documented for this flow, and UNSURE whether it would be ignored or refused.
        pkce: Pkce::None,
        registration: Registration::Configured,
        scope_separator: ",",
        scopes: &[
            Scope { name: BASIC, purpose: "read the profile and its posts", needed_to_sync: true },
            Scope { name: PUBLISH, purpose: "publish posts", needed_to_sync: false },
            Scope { name: "instagram_business_manage_insights", purpose: "read insights", needed_to_sync: false },
            Scope { name: COMMENTS, purpose: "read and answer comments", needed_to_sync: false },
        ],
        renewal: Renewal::Exchange,
        access_life: Some(SignedDuration::from_hours(60 * 24)),
        // An expired token cannot be refreshed, so there must be room for many failed attempts.
        renew_ahead: SignedDuration::from_hours(10 * 24),
        // No call is documented (UNSURE); people remove the app in Instagram's settings.
        revocable: false,
    },
    resync: SignedDuration::from_hours(1),
    quota: "4,800 calls a day per account and app for each impression that the account had in the last 24 h; a sync of \
            50 posts costs 2 calls (profile, one page of media), 48 a day.",
    // UNSURE: the largest page of media is not documented; 50 is served.
    page_size: 50,
    recent_posts: 50,
};

/// What a story's file measures.
pub(super) const STORY: &[Measure] = &[
    Measure::within(MediaKind::Video, Quantity::DurationMs, 3_000, 60_000),
    Measure::most(MediaKind::Video, Quantity::Width, 1_920),
    Measure::within(MediaKind::Video, Quantity::RatioThousandths, 100, 10_000),
];

/// Publishing on Instagram as data. Checked on 2026-11-20.
pub static PUBLISHING: PublishFacts = PublishFacts {
    text: TextLimit { counted_in: CountedIn::Characters, max: 2_200, max_bytes: None },
    caption: None,
    photo_text: None,
    // UNSURE: the reference of comments names no length; this is the one of the app.
    follow_up: Some(TextLimit { counted_in: CountedIn::Characters, max: 2_200, max_bytes: None }),
    follow_ups: 1,
    text_required: false,
    media_required: true,
    files: &[
        // JPEG only: other images are refused with 36001/2207005. The limit is told as 8 MB and as 8 MiB; the error,
        // which decides, says MiB.
        FileRule { kind: MediaKind::Image, mimes: &["image/jpeg"], max_bytes: 8 * 1024 * 1024, max_count: 10 },
        FileRule {
            kind: MediaKind::Video,
            mimes: &["video/mp4", "video/quicktime"],
            max_bytes: 300_000_000,
            max_count: 10,
        },
    ],
    measures: &[
        Measure::within(MediaKind::Image, Quantity::RatioThousandths, 800, 1_910),
        // Of reels; a story's are `STORY`.
        Measure::within(MediaKind::Video, Quantity::DurationMs, 3_000, 900_000),
        Measure::most(MediaKind::Video, Quantity::Width, 1_920),
        Measure::within(MediaKind::Video, Quantity::RatioThousandths, 10, 10_000),
    ],
    max_files: 10,
    mixed: true,
    takes: Takes::Url,
    options: &[
        OptionFact::new(
            "mediaType",
            OptionForm::OneOf(&["FEED", "REELS", "STORIES"]),
            None,
            "What it becomes: a post of the feed, a reel, or a story for a day. Left out: one video is a reel, all else a post of the feed.",
        ),
        OptionFact::new(
            "shareToFeed",
            OptionForm::Flag,
            None,
            "Whether a reel stands in the feed as well. Left out, Instagram decides.",
        ),
        OptionFact::new(
            "collaborators",
            OptionForm::Texts(3),
            None,
            "Names of accounts that are invited as co-authors.",
        ),
        OptionFact::new(
            "altText",
            OptionForm::Text(1_000),
            None,
            "Describes the first image to people who cannot see it.",
        ),
    ],
    scopes: &[BASIC, PUBLISH],
    media_scopes: &[],
    proof: Proof::Handle,
    // A container's status is the platform's own record of the effect. UNSURE: no page says how late it or the list of
    // media may be; seconds have been seen.
    index_lag: SignedDuration::from_secs(30),
    // Only the flavour with Facebook Login can delete.
    deletes: false,
};

/// The largest video of a story in bytes. Checked on 2026-11-20.
pub(super) const STORY_VIDEO_BYTES: u64 = 100_000_000;

/// The most hashtags in a caption. Checked on 2026-11-20.
pub(super) const HASHTAGS: usize = 30;

/// The most mentions in a caption. Checked on 2026-11-20.
pub(super) const MENTIONS: usize = 20;

/// Dots in odd places (two in a row, at the end) are refused at sign-up today, but older names have them.
fn is_valid(handle: &str) -> bool {
    (1..=30).contains(&handle.len())
        && handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_')
        && handle.bytes().any(|b| b != b'.')
        && !RESERVED.contains(&handle)
}

fn normalise(handle: &str) -> String {
    handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Instagram, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in ["Harbor.Roasters_1", "@harbor.roasters_1", "https://www.instagram.com/Harbor.Roasters_1/?hl=de"]
        {
            assert_eq!(read(Some(handle), None).unwrap(), "harbor.roasters_1");
        }
        assert_eq!(read(None, Some("https://instagram.com/harbor.roasters_1/reels/")).unwrap(), "harbor.roasters_1");
    }

    #[test]
    fn a_post_is_not_a_profile() {
        for url in [
            "https://www.instagram.com/p/DAbCdEfGhIj/",
            "https://www.instagram.com/stories/ann/1/",
            "https://instagram.com/",
        ] {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in ["two words", "dash-ed", "umläut", "a/b", "...", "thirty_one_characters_are_too_ma"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
    }
}
