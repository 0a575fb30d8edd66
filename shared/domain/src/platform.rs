//! The social platforms by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A social platform; written in upper case, read in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Platform {
    Instagram,
    Facebook,
    Threads,
    Tiktok,
    Youtube,
    Twitter,
    Linkedin,
    Pinterest,
    Telegram,
    Whatsapp,
    Bluesky,
    Mastodon,
    Spotify,
}

impl Platform {
    /// Every platform the contract names, in its order.
    pub const ALL: [Self; 13] = [
        Self::Instagram,
        Self::Facebook,
        Self::Threads,
        Self::Tiktok,
        Self::Youtube,
        Self::Twitter,
        Self::Linkedin,
        Self::Pinterest,
        Self::Telegram,
        Self::Whatsapp,
        Self::Bluesky,
        Self::Mastodon,
        Self::Spotify,
    ];

    /// The name on the wire, in ids and in variables: `INSTAGRAM`, `TWITTER`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instagram => "INSTAGRAM",
            Self::Facebook => "FACEBOOK",
            Self::Threads => "THREADS",
            Self::Tiktok => "TIKTOK",
            Self::Youtube => "YOUTUBE",
            Self::Twitter => "TWITTER",
            Self::Linkedin => "LINKEDIN",
            Self::Pinterest => "PINTEREST",
            Self::Telegram => "TELEGRAM",
            Self::Whatsapp => "WHATSAPP",
            Self::Bluesky => "BLUESKY",
            Self::Mastodon => "MASTODON",
            Self::Spotify => "SPOTIFY",
        }
    }
}

/// A word that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Unknown platform. Use one of INSTAGRAM, FACEBOOK, THREADS, TIKTOK, YOUTUBE, TWITTER, LINKEDIN, PINTEREST, TELEGRAM, WHATSAPP, BLUESKY, MASTODON, SPOTIFY."
)]
pub struct UnknownPlatform;

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        if text.eq_ignore_ascii_case("x") {
            return Ok(Self::Twitter);
        }
        Self::ALL.into_iter().find(|p| p.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownPlatform)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_in_any_case_and_x_is_twitter() {
        assert_eq!("instagram".parse(), Ok(Platform::Instagram));
        assert_eq!("TikTok".parse(), Ok(Platform::Tiktok));
        assert_eq!("x".parse(), Ok(Platform::Twitter));
        assert_eq!("X".parse(), Ok(Platform::Twitter));
        assert_eq!("myspace".parse::<Platform>(), Err(UnknownPlatform));
    }

    #[test]
    fn every_platform_reads_back_from_its_name() {
        for platform in Platform::ALL {
            assert_eq!(platform.as_str().parse(), Ok(platform));
        }
    }
}
