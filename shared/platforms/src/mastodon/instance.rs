//! What a server says of itself: its limits, and whether it is Mastodon.

use domain::{Failure, Platform};
use outbound::Call;
use serde::Deserialize;

use super::facts::PUBLISH;
use super::{error, server};
use crate::kit::Context;
use crate::publish::{CountedIn, Limits, TextLimit};
use crate::wire::{text_or_number, url};

/// The instance document. Every part may be missing; the newer and the older form differ only around these members.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Instance {
    version: Option<String>,
    configuration: Configuration,
    /// Of servers (Pleroma and its kin) that stated it before Mastodon did.
    #[serde(deserialize_with = "text_or_number::count")]
    max_toot_chars: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    statuses: Statuses,
    media_attachments: Attachments,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Statuses {
    #[serde(deserialize_with = "text_or_number::count")]
    max_characters: Option<u64>,
    #[serde(deserialize_with = "text_or_number::count")]
    max_media_attachments: Option<u64>,
    #[serde(deserialize_with = "text_or_number::count")]
    characters_reserved_per_url: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attachments {
    #[serde(deserialize_with = "text_or_number::count")]
    image_size_limit: Option<u64>,
    #[serde(deserialize_with = "text_or_number::count")]
    video_size_limit: Option<u64>,
    #[serde(deserialize_with = "text_or_number::count")]
    image_matrix_limit: Option<u64>,
    #[serde(deserialize_with = "text_or_number::count")]
    video_matrix_limit: Option<u64>,
}

impl Instance {
    /// Whether it is Mastodon, or a fork of its code: a bare version of it. Others that speak its API say so around a
    /// version (`4.0.0 (not true; really snac/2.75)`, `2.7.2 (compatible; …)`) or count their own from 0.
    pub(super) fn is_mastodon(&self) -> bool {
        let version = self.version.as_deref().unwrap_or_default();
        let numbers: Vec<&str> = version.split(['-', '+']).next().unwrap_or_default().split('.').collect();
        let plain = version.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_'));
        let parsed: Vec<u32> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
        plain && parsed.len() == 3 && numbers.len() == 3 && parsed.first().is_some_and(|major| *major >= 2)
    }

    /// Its limits; a part that it does not state is Mastodon's own.
    pub(super) fn limits(&self) -> Limits {
        let (statuses, files) = (&self.configuration.statuses, &self.configuration.media_attachments);
        let stated = |number: Option<u64>| number.filter(|number| *number > 0);
        let small = |number: Option<u64>| stated(number).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let longest = small(statuses.max_characters).or(small(self.max_toot_chars));
        Limits {
            text: TextLimit {
                counted_in: CountedIn::Mastodon,
                max: longest.unwrap_or(PUBLISH.text.max),
                max_bytes: None,
            },
            max_files: small(statuses.max_media_attachments).unwrap_or(PUBLISH.max_files),
            max_image_bytes: stated(files.image_size_limit),
            max_video_bytes: stated(files.video_size_limit),
            max_image_pixels: stated(files.image_matrix_limit),
            max_video_pixels: stated(files.video_matrix_limit),
            link_length: small(statuses.characters_reserved_per_url),
        }
    }
}

/// Asks `host` about itself; the older form where it does not know the newer one (before 4.0, and others).
pub(super) async fn read(cx: &Context<'_>, host: &str) -> Result<Instance, Failure> {
    let base = server::base(cx, host);
    let newer = server::send(cx, Call::get(Platform::Mastodon, url(&format!("{base}/api/v2/instance"))?)).await?;
    if newer.is_success() {
        return newer.json();
    }
    let failure = error::read(&newer, cx.clock.now(), None);
    if failure.may_pass() {
        return Err(failure);
    }
    let older = server::send(cx, Call::get(Platform::Mastodon, url(&format!("{base}/api/v1/instance"))?)).await?;
    if older.is_success() { older.json() } else { Err(error::read(&older, cx.clock.now(), None)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(text: &str) -> Instance {
        serde_json::from_str(text).unwrap()
    }

    fn version(version: &str) -> bool {
        Instance { version: Some(version.to_owned()), ..Instance::default() }.is_mastodon()
    }

    #[test]
    fn only_mastodon_and_its_forks_are_mastodon() {
        for known in ["4.5.2", "3.5.3", "4.6.0-nightly.2026-11-01", "4.4.0-beta.1+glitch", "4.3.0+hometown-1.1.1"] {
            assert!(version(known), "{known}");
        }
        for other in [
            "4.0.0 (not true; really snac/2.75)",
            "2.7.2 (compatible; Pleroma 2.5.0)",
            "3.5.3 (compatible; Pixelfed 0.12.1)",
            "0.18.1+git-1234567",
            "takahe/0.10.1",
            "4.5",
            "",
        ] {
            assert!(!version(other), "{other}");
        }
        assert!(!Instance::default().is_mastodon());
    }

    #[test]
    fn a_server_states_its_limits() {
        let limits = instance(include_str!("fixtures/instance.json")).limits();
        assert_eq!((limits.text.max, limits.text.counted_in), (1_000, CountedIn::Mastodon));
        assert_eq!((limits.max_files, limits.link_length), (6, Some(23)));
        assert_eq!((limits.max_image_bytes, limits.max_video_bytes), (Some(16_777_216), Some(103_809_024)));
    }

    #[test]
    fn the_older_form_of_another_server_is_read_alike() {
        let snac = instance(include_str!("fixtures/instance.snac.json"));
        assert!(!snac.is_mastodon());
        let limits = snac.limits();
        assert_eq!((limits.text.max, limits.max_files, limits.link_length), (100_000, 4, Some(32)));
        assert_eq!(limits.max_image_bytes, None);
        assert_eq!(instance(r#"{"max_toot_chars": "5000"}"#).limits().text.max, 5_000);
    }

    #[test]
    fn a_server_that_says_nothing_has_the_usual_limits() {
        let limits = instance(r#"{"configuration":{"statuses":{"max_characters":0}}}"#).limits();
        assert_eq!((limits.text.max, limits.max_files, limits.link_length), (500, 4, None));
    }
}
