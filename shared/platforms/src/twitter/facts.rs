//! What is known about X.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// Who the account is; a read of posts needs it too.
pub(super) const USERS: &str = "users.read";
/// Its posts.
pub(super) const POSTS: &str = "tweet.read";
/// Publishing and deleting.
pub(super) const WRITE: &str = "tweet.write";
/// Uploading.
pub(super) const MEDIA: &str = "media.write";

/// X as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Twitter,
    name: "X",
    docs: "https://docs.x.com/x-api/introduction",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["x.com", "twitter.com", "mobile.twitter.com", "mobile.x.com"],
        path_prefixes: &[""],
        is_valid,
        normalise,
        federated: false,
        pattern: r"[a-z0-9_]{1,15}",
        form: "1 to 15 letters, digits or underscores",
    },
    profile_url: |handle| format!("https://x.com/{handle}"),
    is_account_id: |_| false,
    // A read without consent needs a token of the app itself, made of a key and a secret, and costs ten times as much
    // as a read of one's own.
    public_read: PublicRead::None,
    oauth: OAuthFacts {
        pkce: Pkce::S256,
        registration: Registration::Configured,
        scope_separator: " ",
        // With what publishing needs, so that nobody has to consent twice.
        scopes: &[
            Scope { name: USERS, purpose: "know which account it is", needed_to_sync: true },
            Scope { name: POSTS, purpose: "read the account's posts and figures", needed_to_sync: true },
            Scope { name: WRITE, purpose: "publish and delete posts", needed_to_sync: false },
            Scope { name: MEDIA, purpose: "upload pictures and videos", needed_to_sync: false },
            // Without it there is no refresh token, and the consent ends after two hours.
            Scope { name: "offline.access", purpose: "stay connected", needed_to_sync: false },
        ],
        renewal: Renewal::RotatingRefreshToken,
        access_life: Some(SignedDuration::from_hours(2)),
        renew_ahead: SignedDuration::from_mins(20),
        revocable: true,
    },
    resync: SignedDuration::from_hours(6),
    quota: "900 timeline reads and 75 reads of the own profile in 15 minutes per account, and credits: an own post read \
            costs $0.001, once a day however often it is read; a sync is 2 calls (profile, 100 posts), so four a day \
            cost about $0.10 an account.",
    page_size: 100,
    recent_posts: 100,
};

/// Publishing on X. Checked on 2026-11-20. Subscribers may write longer posts; the API's limit for them nobody states
/// (UNSURE), so everyone's holds.
pub(super) static PUBLISH: PublishFacts = PublishFacts {
    text: TEXT,
    caption: None,
    photo_text: None,
    follow_up: Some(TEXT),
    follow_ups: 24,
    text_required: false,
    media_required: false,
    files: &[
        FileRule {
            kind: MediaKind::Image,
            mimes: &["image/jpeg", "image/png", "image/webp"],
            max_bytes: 5 * 1024 * 1024,
            max_count: 4,
        },
        FileRule { kind: MediaKind::Gif, mimes: &["image/gif"], max_bytes: 15 * 1024 * 1024, max_count: 1 },
        FileRule {
            kind: MediaKind::Video,
            mimes: &["video/mp4", "video/quicktime"],
            max_bytes: 512 * 1024 * 1024,
            max_count: 1,
        },
    ],
    measures: &[
        // Of everyone; longer ones of subscribers are another category of upload.
        Measure::within(MediaKind::Video, Quantity::DurationMs, 500, 140_000),
        Measure::least(MediaKind::Video, Quantity::ShortSide, 32),
        // What is larger is taken of subscribers, and scaled of others (observed).
        Measure::most(MediaKind::Video, Quantity::LongSide, 1_280).as_advice(),
        Measure::most(MediaKind::Video, Quantity::ShortSide, 1_024).as_advice(),
        Measure::within(MediaKind::Video, Quantity::RatioThousandths, 333, 3_000),
        Measure::most(MediaKind::Gif, Quantity::LongSide, 1_280),
        Measure::most(MediaKind::Gif, Quantity::ShortSide, 1_080),
    ],
    max_files: 4,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        // Left out, everyone may reply.
        OptionFact::new(
            "replySettings",
            OptionForm::OneOf(&["following", "mentionedUsers", "subscribers", "verified"]),
            None,
            "Who may reply. Left out, everyone.",
        ),
        OptionFact::new(
            "poll",
            OptionForm::Object,
            None,
            "A poll instead of files: {\"options\": [2 to 4 texts], \"durationMinutes\": 5 to 10080}.",
        ),
        OptionFact::new(
            "altText",
            OptionForm::Texts(4),
            None,
            "Describes each file, in their order, to people who cannot see it; 1000 characters each.",
        ),
    ],
    scopes: &[POSTS, WRITE, USERS],
    media_scopes: &[MEDIA],
    proof: Proof::ReadBack,
    // "A few seconds", nobody says how many.
    index_lag: SignedDuration::from_secs(30),
    deletes: true,
};

const TEXT: TextLimit = TextLimit { counted_in: CountedIn::Weighted, max: 280, max_bytes: None };

/// The longest description of a picture, in characters.
pub(super) const LONGEST_ALT_TEXT: usize = 1000;

/// Pages of the site that stand where a name would.
const PAGES: [&str; 10] =
    ["home", "explore", "search", "settings", "messages", "notifications", "i", "intent", "share", "hashtag"];

fn is_valid(handle: &str) -> bool {
    (1..=15).contains(&handle.len())
        && handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !PAGES.contains(&handle)
}

fn normalise(handle: &str) -> String {
    handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Twitter, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in ["TeaTree", "@teatree", "https://x.com/TeaTree?lang=en", "https://twitter.com/TeaTree/status/1"] {
            assert_eq!(read(Some(handle), None).unwrap(), "teatree");
        }
        assert_eq!(read(None, Some("https://mobile.twitter.com/TeaTree")).unwrap(), "teatree");
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in ["two words", "dash-ed", "do.t", "sixteen_letters_", "ünder", "home"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in ["https://x.com/", "https://x.com/i/flow/login", "https://t.co/abc", "https://www.instagram.com/a"] {
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
