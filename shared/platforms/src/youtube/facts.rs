//! What is known about YouTube.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// The scope that every read with a consent needs.
pub(super) const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";

/// The scope that an upload needs.
pub(super) const UPLOAD: &str = "https://www.googleapis.com/auth/youtube.upload";

/// The scope that comments and deletions need: the smallest one that holds them.
pub(super) const MANAGE: &str = "https://www.googleapis.com/auth/youtube.force-ssl";

/// YouTube as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Youtube,
    name: "YouTube",
    docs: "https://developers.google.com/youtube/v3",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["youtube.com"],
        // `/c/` and `/user/` are names of an older kind that the API cannot look up reliably.
        path_prefixes: &["@", "channel/"],
        is_valid,
        normalise,
        federated: false,
        pattern: r"UC[\w-]{22}|[\p{L}\p{M}\p{N}_.·-]{3,30}",
        form: "3 to 30 letters, digits, underscores, hyphens or dots after an @, or a channel id that begins with UC",
    },
    profile_url,
    is_account_id: is_channel_id,
    public_read: PublicRead::ApiKey,
    oauth: OAuthFacts {
        pkce: Pkce::S256,
        registration: Registration::Configured,
        scope_separator: " ",
        scopes: &[
            Scope { name: READ, purpose: "read the channel and its videos", needed_to_sync: true },
            Scope { name: UPLOAD, purpose: "publish videos", needed_to_sync: false },
            Scope { name: MANAGE, purpose: "write the first comment, delete videos", needed_to_sync: false },
            Scope {
                name: "https://www.googleapis.com/auth/yt-analytics.readonly",
                purpose: "read the channel's analytics",
                needed_to_sync: false,
            },
        ],
        renewal: Renewal::RefreshToken,
        access_life: Some(SignedDuration::from_secs(3_599)),
        renew_ahead: SignedDuration::from_mins(5),
        revocable: true,
    },
    resync: SignedDuration::from_hours(6),
    quota: "10,000 units a day per project; a sync of 50 videos costs 3 (channel, one page of uploads, their figures), so \
            four syncs a day cost 12 units: 800 connections are 9,600 units, which leaves 400 for first syncs and \
            retries. More connections need a larger quota from Google (an unverified app may have only 100 people).",
    page_size: 50,
    recent_posts: 50,
};

/// Publishing on YouTube as data. Checked on 2026-11-20.
pub static PUBLISHING: PublishFacts = PublishFacts {
    // The description.
    text: TextLimit { counted_in: CountedIn::Bytes, max: 5_000, max_bytes: None },
    caption: None,
    photo_text: None,
    follow_up: Some(TextLimit { counted_in: CountedIn::Characters, max: 10_000, max_bytes: None }),
    follow_ups: 1,
    // A title is needed, which may be an option; `rules.rs` looks.
    text_required: false,
    media_required: true,
    files: &[FileRule {
        kind: MediaKind::Video,
        mimes: &[
            "video/mp4",
            "video/quicktime",
            "video/webm",
            "video/x-matroska",
            "video/x-msvideo",
            "video/mpeg",
            "video/3gpp",
            "video/x-flv",
            "video/x-ms-wmv",
        ],
        max_bytes: 274_877_906_944,
        max_count: 1,
    }],
    // A channel whose owner gave no telephone number: 15 minutes, which nothing tells beforehand.
    measures: &[Measure::most(MediaKind::Video, Quantity::DurationMs, 12 * 3_600_000)],
    max_files: 1,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        OptionFact::new(
            "title",
            OptionForm::Text(TITLE),
            None,
            "The title. Left out, it is the first line of the text.",
        ),
        OptionFact::new(
            "privacyStatus",
            OptionForm::OneOf(&["public", "unlisted", "private"]),
            Some("public"),
            "Who may see it.",
        ),
        OptionFact::new("tags", OptionForm::Texts(TAGS), None, "Words for search; 500 characters together."),
        OptionFact::new(
            "categoryId",
            OptionForm::Text(4),
            None,
            "The number of a category of YouTube, for example 22.",
        ),
        OptionFact::new(
            "madeForKids",
            OptionForm::Flag,
            None,
            "Whether it is made for children. Left out, the channel's own setting holds.",
        ),
        OptionFact::new(
            "publishAsShort",
            OptionForm::Flag,
            Some("false"),
            "Adds #Shorts to a square or upright video of up to three minutes.",
        ),
    ],
    scopes: &[READ, UPLOAD],
    media_scopes: &[],
    proof: Proof::Handle,
    // An upload session is Google's own record and has no lag. A session that is gone is followed by a look at the
    // uploads, which is waited for longer (`publish.rs`).
    index_lag: SignedDuration::from_secs(30),
    deletes: true,
};

/// The longest title in characters. Checked on 2026-11-20.
pub(super) const TITLE: u32 = 100;

/// The most characters of all tags together, and so the most tags. Checked on 2026-11-20.
pub(super) const TAGS: u32 = 500;

fn profile_url(handle: &str) -> String {
    if is_channel_id(handle) {
        format!("https://www.youtube.com/channel/{handle}")
    } else {
        format!("https://www.youtube.com/@{handle}")
    }
}

/// `UC` and 22 characters of base64url. A handle of just that form is read as an id; no API call could tell them apart.
pub(super) fn is_channel_id(text: &str) -> bool {
    text.len() == 24
        && text.starts_with("UC")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Letters and digits of any script. UNSURE: how many each script may have; YouTube says 3 to 30 for most.
fn is_valid(handle: &str) -> bool {
    is_channel_id(handle) || ((3..=30).contains(&handle.chars().count()) && handle.chars().all(in_handle))
}

fn in_handle(c: char) -> bool {
    match c {
        '_' | '-' | '.' | '·' => true,
        // Marks that belong to the letter before them (vowel signs, tone marks): not letters for Unicode.
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{652}' | '\u{900}'..='\u{eff}' => !c.is_ascii(),
        c => c.is_alphanumeric() && !c.is_uppercase(),
    }
}

fn normalise(handle: &str) -> String {
    let bare = handle.trim_matches(|c: char| c == '@' || c.is_whitespace());
    if is_channel_id(bare) { bare.to_owned() } else { bare.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Youtube, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_a_channel() {
        for handle in ["HarborRoasters", "@harborroasters", "https://www.youtube.com/@HarborRoasters/videos"] {
            assert_eq!(read(Some(handle), None).unwrap(), "harborroasters");
        }
    }

    #[test]
    fn a_channel_id_keeps_its_case() {
        let id = "UC0000000000000000000abC";
        assert_eq!(read(Some(id), None).unwrap(), id);
        assert_eq!(read(None, Some(&format!("https://m.youtube.com/channel/{id}"))).unwrap(), id);
        assert_eq!((FACTS.profile_url)(id), format!("https://www.youtube.com/channel/{id}"));
    }

    #[test]
    fn handles_of_other_scripts_are_handles() {
        for (text, handle) in [("@Кофейня", "кофейня"), ("東京カフェ", "東京カフェ"), ("हिन्दी", "हिन्दी")]
        {
            assert_eq!(read(Some(text), None).unwrap(), handle);
        }
        assert_eq!(read(None, Some("https://www.youtube.com/@Кофейня")).unwrap(), "кофейня");
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused() {
        for url in [
            "https://www.youtube.com/c/harbor",
            "https://www.youtube.com/user/harbor",
            "https://www.youtube.com/watch?v=dQw4w9WgXc0",
        ] {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
        for handle in ["ab", "two words", "a#b", "a/b/c", "%2541bc", "emoji💥", "thirty-one-characters-are-too-man"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
    }
}
