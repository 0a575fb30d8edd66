//! Every id is its own type, checked when it is parsed.
//!
//! An id names a row; it never grants a right. What a caller may do is read from the row.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::platform::Platform;

/// An id that does not have the form its kind demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct InvalidId {
    /// What the id was meant to name, in the words of the API.
    pub kind: &'static str,
    /// The form that is accepted.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the form and wraps the text.
            ///
            /// # Errors
            /// [`InvalidId`] names the accepted form.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(InvalidId { kind: $kind, rule: $rule }) }
            }

            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn slug(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

text_id!(
    /// A customer of Herald: an agency or a product team. Every key in the table begins with it.
    WorkspaceId, "workspace", "1 to 64 letters, digits, '_' or '-'", slug
);
text_id!(
    /// A talent (creator) of a workspace, named by the customer.
    TalentId, "talentId", "1 to 64 letters, digits, '_' or '-'", slug
);
text_id!(
    /// Who acts: the `sub` of a token, or an API key's id.
    SubjectId, "subject", "1 to 255 printable characters",
    |text| (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
);

/// `conn_{talentId}_{PLATFORM}_{milliseconds}`: the form that existing front ends know.
///
/// The parts are read only to find the row; the row decides what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId {
    text: String,
    talent: TalentId,
    platform: Platform,
}

impl ConnectionId {
    const INVALID: InvalidId = InvalidId { kind: "connectionId", rule: "conn_{talentId}_{PLATFORM}_{milliseconds}" };

    /// A new id for an account that `talent` links at `at`.
    #[must_use]
    pub fn new(talent: &TalentId, platform: Platform, at: Timestamp) -> Self {
        Self {
            text: format!("conn_{talent}_{}_{}", platform.as_str(), at.as_millisecond()),
            talent: talent.clone(),
            platform,
        }
    }

    /// Reads the id from the right, since a talent's id may itself contain `_`.
    ///
    /// # Errors
    /// [`InvalidId`] when a part is missing or malformed.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        let parts = || {
            let (rest, millis) = text.strip_prefix("conn_")?.rsplit_once('_')?;
            let (talent, platform) = rest.rsplit_once('_')?;
            let canonical =
                !millis.starts_with('0') && millis.len() <= 15 && millis.bytes().all(|b| b.is_ascii_digit());
            let platform = Platform::ALL.into_iter().find(|p| p.as_str() == platform)?;
            (canonical && !millis.is_empty()).then_some((TalentId::parse(talent).ok()?, platform))
        };
        let (talent, platform) = parts().ok_or(Self::INVALID)?;
        Ok(Self { text, talent, platform })
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The talent whose partition holds the row.
    #[must_use]
    pub fn talent(&self) -> &TalentId {
        &self.talent
    }

    /// The platform named in the id.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.platform
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> Self {
        id.text
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_id!(
    /// A post: `post_`, the time it was written (11 hexadecimal digits of milliseconds), and 16 random ones.
    PostId, "postId", "post_ and 27 hexadecimal digits",
    |text| text.strip_prefix("post_").is_some_and(|rest| {
        rest.len() == 27 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
);

impl PostId {
    /// A new id for a post written at `at`; `random` makes it one that nobody can guess.
    #[must_use]
    pub fn new(at: Timestamp, random: u64) -> Self {
        Self(format!("post_{:011x}{random:016x}", at.as_millisecond().clamp(0, 0xfff_ffff_ffff)))
    }

    /// When it was written.
    #[must_use]
    pub fn written_at(&self) -> Timestamp {
        let ms = self.0.get(5..16).and_then(|hex| i64::from_str_radix(hex, 16).ok());
        ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

text_id!(
    /// A bulk job: `bulk_`, the time it was asked for (11 hexadecimal digits of milliseconds), and 16 random ones.
    BulkId, "jobId", "bulk_ and 27 hexadecimal digits",
    |text| text.strip_prefix("bulk_").is_some_and(|rest| {
        rest.len() == 27 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
);

impl BulkId {
    /// A new id for a job that was asked for at `at`; `random` makes it one that nobody can guess.
    #[must_use]
    pub fn new(at: Timestamp, random: u64) -> Self {
        Self(format!("bulk_{:011x}{random:016x}", at.as_millisecond().clamp(0, 0xfff_ffff_ffff)))
    }
}

/// A post going to one account: `dlv_`, the post's digits, `_` and a number from 0 to 49.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    text: String,
    post: PostId,
    number: u8,
}

impl DeliveryId {
    const INVALID: InvalidId = InvalidId { kind: "deliveryId", rule: "dlv_, 27 hexadecimal digits, _ and a number" };

    /// Delivery number `number` of `post`.
    #[must_use]
    pub fn new(post: &PostId, number: u8) -> Self {
        let digits = post.as_str().trim_start_matches("post_");
        Self { text: format!("dlv_{digits}_{number}"), post: post.clone(), number }
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`InvalidId`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        let parts = || {
            let (digits, number) = text.strip_prefix("dlv_")?.split_once('_')?;
            let post = PostId::parse(format!("post_{digits}")).ok()?;
            let value: u8 = number.parse().ok().filter(|n: &u8| n.to_string() == number)?;
            Some((post, value))
        };
        let (post, number) = parts().ok_or(Self::INVALID)?;
        Ok(Self { text, post, number })
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The post that it delivers.
    #[must_use]
    pub fn post(&self) -> &PostId {
        &self.post
    }

    /// Its number in the post.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.text
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_connection_id_is_read() {
        let id = ConnectionId::parse("conn_talent_123_INSTAGRAM_1704902400000").unwrap();
        assert_eq!(id.talent().as_str(), "talent_123");
        assert_eq!(id.platform(), Platform::Instagram);
    }

    #[test]
    fn malformed_connection_ids_are_refused() {
        for text in [
            "",
            "conn_",
            "conn_t_INSTAGRAM_",
            "conn_t_INSTAGRAM_x",
            "conn_t_NOWHERE_1",
            "conn__INSTAGRAM_1",
            "conn_t_INSTAGRAM_01",
            "conn_t_INSTAGRAM_1234567890123456",
            "xconn_t_INSTAGRAM_1",
            "conn_t#_INSTAGRAM_1",
            "conn_t_instagram_1",
        ] {
            assert!(ConnectionId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_posts_id_holds_its_time_and_a_deliverys_id_its_post() {
        let post = PostId::new(Timestamp::from_millisecond(1_790_000_000_000).unwrap(), 0xabc);
        assert_eq!(post.as_str().len(), 32);
        assert_eq!(post.written_at().as_millisecond(), 1_790_000_000_000);
        let delivery = DeliveryId::new(&post, 7);
        let read = DeliveryId::parse(delivery.as_str()).unwrap();
        assert_eq!((read.post(), read.number()), (&post, 7));
        for text in ["dlv_", "dlv_x_1", "dlv_1a0c47eb4000000000000000abc_01", "dlv_1a0c47eb4000000000000000abc_300"] {
            assert!(DeliveryId::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_new_connection_id_parses_back_to_its_parts(talent in "[A-Za-z0-9_-]{1,64}", millis in 1i64..99_999_999_999_999, which in 0usize..13) {
            let talent = TalentId::parse(talent).unwrap();
            let platform = Platform::ALL[which];
            let id = ConnectionId::new(&talent, platform, Timestamp::from_millisecond(millis).unwrap());
            let read = ConnectionId::parse(id.as_str()).unwrap();
            prop_assert_eq!(read.talent(), &talent);
            prop_assert_eq!(read.platform(), platform);
        }

        #[test]
        fn no_text_makes_an_id_parser_panic(text in "\\PC{0,200}") {
            let _ = ConnectionId::parse(text.clone());
            let _ = TalentId::parse(text.clone());
            let _ = PostId::parse(text.clone());
            let _ = BulkId::parse(text.clone());
            let _ = DeliveryId::parse(text.clone());
            let _ = WorkspaceId::parse(text);
        }

        #[test]
        fn a_talent_id_never_holds_a_key_separator(text in "\\PC{0,80}") {
            if let Ok(id) = TalentId::parse(text) {
                prop_assert!(!id.as_str().contains('#'));
            }
        }
    }
}
