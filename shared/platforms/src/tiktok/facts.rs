//! What is known about TikTok.

use domain::Platform;
use domain::content::MediaKind;
use domain::handle::HandleRule;
use jiff::SignedDuration;

use crate::facts::{Facts, OAuthFacts, Pkce, PublicRead, Registration, Renewal, Scope};
use crate::publish::{
    CountedIn, FileRule, Measure, OptionFact, OptionForm, Proof, PublishFacts, Quantity, Takes, TextLimit,
};

/// Open id, display name, avatars.
pub(super) const BASIC: &str = "user.info.basic";
/// User name, bio, verification.
pub(super) const PROFILE: &str = "user.info.profile";
/// Counts.
pub(super) const STATS: &str = "user.info.stats";
/// The account's public videos.
pub(super) const VIDEOS: &str = "video.list";
/// Posts that go out by themselves.
pub(super) const PUBLISH: &str = "video.publish";
/// Drafts in the person's inbox.
pub(super) const UPLOAD: &str = "video.upload";

/// TikTok as data. Changeable facts checked on 2026-11-20.
pub static FACTS: Facts = Facts {
    platform: Platform::Tiktok,
    name: "TikTok",
    docs: "https://developers.tiktok.com/doc/overview",
    checked: "2026-11-20",
    handle: HandleRule {
        hosts: &["tiktok.com"],
        path_prefixes: &["@"],
        is_valid,
        normalise,
        federated: false,
        pattern: r"[a-z0-9._]{1,23}[a-z0-9_]",
        form: "2 to 24 letters, digits, dots or underscores",
    },
    profile_url: |handle| format!("https://www.tiktok.com/@{handle}"),
    is_account_id: |_| false,
    public_read: PublicRead::None,
    oauth: OAuthFacts {
        // For desktop and mobile apps only; a web client proves itself by its secret.
        pkce: Pkce::None,
        registration: Registration::Configured,
        scope_separator: ",",
        scopes: &[
            Scope { name: BASIC, purpose: "know which account it is", needed_to_sync: true },
            Scope { name: PROFILE, purpose: "read the user name and the bio", needed_to_sync: false },
            Scope { name: STATS, purpose: "read followers and counts", needed_to_sync: false },
            Scope { name: VIDEOS, purpose: "read the account's videos", needed_to_sync: true },
            Scope { name: PUBLISH, purpose: "publish videos and photos", needed_to_sync: false },
            Scope { name: UPLOAD, purpose: "hand over drafts", needed_to_sync: false },
        ],
        renewal: Renewal::RotatingRefreshToken,
        access_life: Some(SignedDuration::from_hours(24)),
        renew_ahead: SignedDuration::from_mins(30),
        revocable: true,
    },
    resync: SignedDuration::from_hours(1),
    quota: "600 calls a minute per endpoint and app (864,000 a day); a sync of 40 videos costs 1 call of user/info and 2 \
            of video/list, so 24 syncs a day fit 18,000 connections.",
    page_size: 20,
    recent_posts: 40,
};

/// Publishing on TikTok as data. Checked on 2026-11-20.
pub static PUBLISHING: PublishFacts = PublishFacts {
    // The caption of a video; photos have a longer one, `PHOTO_TEXT`.
    text: TextLimit { counted_in: CountedIn::Utf16, max: 2_200, max_bytes: None },
    caption: None,
    photo_text: Some(PHOTO_TEXT),
    // No comments in this API.
    follow_up: None,
    follow_ups: 0,
    text_required: false,
    media_required: true,
    files: &[
        FileRule {
            kind: MediaKind::Video,
            mimes: &["video/mp4", "video/quicktime", "video/webm"],
            max_bytes: 4_000_000_000,
            max_count: 1,
        },
        FileRule { kind: MediaKind::Image, mimes: &["image/jpeg", "image/webp"], max_bytes: 20_000_000, max_count: 35 },
    ],
    measures: &[
        // By creator, 3 to 10 minutes, which is looked up before the upload; at most 10 for everyone.
        Measure::most(MediaKind::Video, Quantity::DurationMs, 600_000),
        // In practice; no page says so.
        Measure::least(MediaKind::Video, Quantity::DurationMs, 3_000).as_advice(),
        Measure::within(MediaKind::Video, Quantity::ShortSide, 360, 4_096),
        Measure::most(MediaKind::Video, Quantity::LongSide, 4_096),
        // "1080p", which does not say how an upright photo is measured.
        Measure::most(MediaKind::Image, Quantity::ShortSide, 1_080).as_advice(),
        Measure::most(MediaKind::Image, Quantity::LongSide, 1_920).as_advice(),
    ],
    max_files: 35,
    mixed: false,
    // Videos. Photos are fetched by TikTok from addresses whose domain the operator has verified in the developer portal.
    takes: Takes::Bytes,
    options: &[
        OptionFact::new(
            "privacyLevel",
            OptionForm::OneOf(&PRIVACY),
            None,
            "Who may see it. Left out, as many as the account allows.",
        ),
        OptionFact::new("disableComment", OptionForm::Flag, Some("false"), "Nobody may comment."),
        OptionFact::new("disableDuet", OptionForm::Flag, Some("false"), "Nobody may make a duet with it; videos only."),
        OptionFact::new("disableStitch", OptionForm::Flag, Some("false"), "Nobody may stitch it; videos only."),
        OptionFact::new(
            "postMode",
            OptionForm::OneOf(&["DIRECT_POST", "MEDIA_UPLOAD"]),
            Some("DIRECT_POST"),
            "Whether it is posted, or laid into the account's inbox to be finished in TikTok's app.",
        ),
    ],
    scopes: &[PUBLISH],
    media_scopes: &[],
    proof: Proof::Handle,
    // The status of a publish id is TikTok's own record. A post without one is looked for in the list of videos, which
    // is waited for longer (`publish.rs`).
    index_lag: SignedDuration::from_secs(30),
    // No call deletes.
    deletes: false,
};

/// Who may see a post; each account offers some of them.
const PRIVACY: [&str; 4] = [PUBLIC, "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"];

/// What everyone may see. Only such posts have a public id and stand in the list of videos.
pub(super) const PUBLIC: &str = "PUBLIC_TO_EVERYONE";

/// The text of photos, checked on 2026-11-20.
pub(super) const PHOTO_TEXT: TextLimit = TextLimit { counted_in: CountedIn::Utf16, max: 4_000, max_bytes: None };

/// A dot cannot stand at the end. That TikTok allows no other character is stated in its help pages, not in the API's.
fn is_valid(handle: &str) -> bool {
    (2..=24).contains(&handle.len())
        && handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_')
        && !handle.ends_with('.')
}

fn normalise(handle: &str) -> String {
    handle.trim_matches(|c: char| c == '@' || c.is_whitespace()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(handle: Option<&str>, url: Option<&str>) -> Result<String, String> {
        domain::handle::read(Platform::Tiktok, &FACTS.handle, handle, url, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling_for_every_way_to_name_an_account() {
        for handle in ["TeaTree", "@teatree", "https://www.tiktok.com/@TeaTree?lang=en"] {
            assert_eq!(read(Some(handle), None).unwrap(), "teatree");
        }
        assert_eq!(read(None, Some("https://www.tiktok.com/@teatree/video/7068948195347508509")).unwrap(), "teatree");
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for handle in ["a", "two words", "dash-ed", "dot.", "twenty_five_characters_xx", "ünder"] {
            assert!(read(Some(handle), None).unwrap_err().starts_with("Invalid handle"), "{handle}");
        }
        for url in
            ["https://www.tiktok.com/teatree", "https://vm.tiktok.com/ZM8abc/", "https://www.instagram.com/@teatree"]
        {
            assert!(read(None, Some(url)).unwrap_err().starts_with("Invalid profileUrl"), "{url}");
        }
    }
}
