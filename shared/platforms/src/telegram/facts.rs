//! What is known about Telegram.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// The rights of a bot in a chat stand where other platforms have scopes; the words are Telegram's.
pub(super) const ADMINISTRATOR: &str = "administrator";
/// Publishing.
pub(super) const POST: &str = "can_post_messages";
/// Deleting.
pub(super) const DELETE: &str = "can_delete_messages";

/// Telegram as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Telegram,
    name: "Telegram",
    docs: "https://core.telegram.org/bots/api",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["t.me", "telegram.me"],
        path_prefixes: &["s/", "c/", ""],
        is_valid,
        normalise,
        federated: false,
        pattern: r"[a-z][a-z0-9_]{2,30}[a-z0-9]|-?[0-9]+",
        form: "4 to 32 letters, digits or underscores that begin with a letter, or the number of a private channel",
    },
    profile_url,
    is_account_id: is_chat_id,
    // With a bot of the installation; that one reads public channels without being in them is practice, not written.
    public_read: PublicRead::ApiKey,
    oauth: OAuthFacts {
        pkce: Pkce::None,
        registration: Registration::None,
        scope_separator: " ",
        scopes: &[
            Scope {
                name: ADMINISTRATOR,
                purpose: "see the channel as one of its administrators",
                needed_to_sync: true,
            },
            Scope { name: POST, purpose: "publish in the channel", needed_to_sync: false },
            Scope { name: DELETE, purpose: "delete what was published", needed_to_sync: false },
        ],
        renewal: Renewal::None,
        access_life: None,
        renew_ahead: SignedDuration::ZERO,
        // Only its owner takes a bot's token back, in the chat with @BotFather.
        revocable: false,
    },
    resync: SignedDuration::from_hours(6),
    quota: "About 30 calls a second for a bot; a sync is 3 (chat, rights, members) and reads no posts, since there is no \
            call for them.",
    page_size: 1,
    recent_posts: 1,
};

/// Publishing on Telegram. Checked on 2026-11-20.
pub(super) static PUBLISH: PublishFacts = PublishFacts {
    text: TextLimit { counted_in: CountedIn::Utf16, max: 4096, max_bytes: None },
    caption: Some(TextLimit { counted_in: CountedIn::Utf16, max: 1024, max_bytes: None }),
    photo_text: None,
    follow_up: None,
    follow_ups: 0,
    text_required: false,
    media_required: false,
    files: &[
        FileRule {
            kind: MediaKind::Image,
            mimes: &["image/jpeg", "image/png", "image/webp"],
            max_bytes: 10 * 1024 * 1024,
            max_count: 10,
        },
        FileRule { kind: MediaKind::Gif, mimes: &["image/gif"], max_bytes: UPLOAD, max_count: 1 },
        FileRule { kind: MediaKind::Video, mimes: &["video/mp4"], max_bytes: UPLOAD, max_count: 10 },
        FileRule {
            kind: MediaKind::Document,
            mimes: &[
                "application/pdf",
                "application/msword",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ],
            max_bytes: UPLOAD,
            max_count: 10,
        },
    ],
    measures: &[
        Measure::most(MediaKind::Image, Quantity::Sides, 10_000),
        Measure::within(MediaKind::Image, Quantity::RatioThousandths, 50, 20_000),
    ],
    max_files: 10,
    mixed: true,
    takes: Takes::Bytes,
    options: &[
        OptionFact::new(
            "parseMode",
            OptionForm::OneOf(&["HTML", "MarkdownV2", "Markdown"]),
            None,
            "How marks in the text are read. Left out, they stay as they are written.",
        ),
        OptionFact::new("disableNotification", OptionForm::Flag, Some("false"), "It arrives without a sound."),
    ],
    scopes: &[POST],
    media_scopes: &[],
    // A bot sees none of its own messages again.
    proof: Proof::None,
    index_lag: SignedDuration::ZERO,
    deletes: true,
};

/// The largest file that a bot uploads.
const UPLOAD: u64 = 50 * 1024 * 1024;

/// A chat's own number: channels and large groups begin with `-100`.
pub(super) fn is_chat_id(handle: &str) -> bool {
    handle.strip_prefix("-100").is_some_and(|rest| is_number(rest) && !rest.starts_with('0'))
}

fn is_number(text: &str) -> bool {
    (1..=13).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// New names have five characters at least; bought ones may have four.
fn is_valid(handle: &str) -> bool {
    let named = (4..=32).contains(&handle.len())
        && handle.starts_with(|c: char| c.is_ascii_lowercase())
        && handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !handle.ends_with('_')
        // Pages of the site that stand where a name would.
        && !matches!(handle, "joinchat" | "addstickers" | "share" | "proxy" | "login");
    named || is_chat_id(handle)
}

/// A private channel's address has its number without `-100`.
fn normalise(handle: &str) -> String {
    let bare = handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase();
    if is_number(&bare) && !bare.starts_with('0') { format!("-100{bare}") } else { bare }
}

fn profile_url(handle: &str) -> String {
    match handle.strip_prefix("-100") {
        Some(number) => format!("https://t.me/c/{number}"),
        None => format!("https://t.me/{handle}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Telegram, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_a_channel() {
        for handle in
            ["TeaTree", "@teatree", "https://t.me/TeaTree", "https://t.me/s/teatree", "https://t.me/teatree/42"]
        {
            assert_eq!(read(Some(handle), None).unwrap(), "teatree");
        }
        for handle in ["-1001234567890", "1234567890", "https://t.me/c/1234567890/42"] {
            assert_eq!(read(Some(handle), None).unwrap(), "-1001234567890");
        }
    }

    #[test]
    fn what_no_channel_is_called_is_refused() {
        for handle in ["abc", "two words", "4teas", "tea-tree", "tea_", "-123", "-1000", "joinchat"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in ["https://t.me/+AbCdEf", "https://t.me/", "https://telegram.org/teatree"] {
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
