//! The law of the world: every number, text and id is a pure function of (platform, account, index).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::state::Platform;

/// 2026-11-01T12:00:00Z: the newest post of every account.
pub(crate) const EPOCH_S: i64 = 1_793_534_400;
/// Every post is nine hours older than the one after it.
pub(crate) const SPACING_S: i64 = 9 * 3600;
/// Posts of an account whose handle says nothing else.
pub(crate) const DEFAULT_POSTS: u32 = 40;
/// After every ten own posts the timelines of Mastodon and Bluesky hold one repost of somebody else.
pub(crate) const BOOST_EVERY: u32 = 10;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const TID: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// A stable 64-bit hash of (platform, seed, salt, index): FNV-1a finished by splitmix64.
pub(crate) fn hash(platform: Platform, seed: &str, salt: &str, index: u64) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    let bytes = platform.name().bytes().chain([0]).chain(seed.bytes()).chain([0]).chain(salt.bytes());
    for b in bytes.chain(index.to_le_bytes()) {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    h = h.wrapping_add(0x9e37_79b9_7f4a_7c15);
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// How many posts the handle asks for: `many_p120` and `many-p120` have 120.
pub(crate) fn posts_in_handle(local: &str) -> u32 {
    local
        .rfind(['_', '-'])
        .and_then(|at| local[at + 1..].strip_prefix('p'))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .map_or(DEFAULT_POSTS, |n: u32| n.min(100_000))
}

/// When post `index` appeared; 0 is the newest.
pub(crate) fn published_ms(index: u32) -> i64 {
    (EPOCH_S - i64::from(index) * SPACING_S) * 1000
}

/// Whether the figures of an account grow with time.
pub(crate) fn grows(local: &str) -> bool {
    local.starts_with("grow")
}

/// What a figure that comes to `total` in the end has reached at an age: half of it after a day, two thirds after two, …
pub(crate) fn grown(total: u64, age_ms: i64) -> u64 {
    const HALF_S: u128 = 86_400;
    let age_s = u128::from(age_ms.max(0).unsigned_abs() / 1000);
    u64::try_from(u128::from(total) * age_s / (age_s + HALF_S)).unwrap_or(total)
}

/// How many people more follow a growing account each day.
pub(crate) fn followers_a_day(platform: Platform, seed: &str) -> u64 {
    24 + hash(platform, seed, "followers-a-day", 0) % 96
}

/// How many that has brought since the newest post of the law.
pub(crate) fn followers_gained(a_day: u64, now_ms: i64) -> u64 {
    let age_s = (now_ms / 1000 - EPOCH_S).max(0).unsigned_abs();
    a_day * age_s / 86_400
}

const WORDS: [&str; 8] = ["Zoë", "東京 🍜", "Кофе ☕️", "Studio", "👩‍🍳 José", "مطبخ", "& Söhne", "✨"];
const LINES: [&str; 10] = [
    "New blend is out ☕️ #coffee",
    "Guten Morgen aus Köln, schöne Grüße!",
    "Behind the scenes 🎬 #bts",
    "今日の一杯 🍵",
    "Thank you all for coming 🙏🏽 #community",
    "Family day 👨‍👩‍👧‍👦",
    "“Small steps” – every day… <3",
    "Rock & roll \\o/ 100% \"live\"",
    "Nuevo menú ya disponible 🌶️ #menú",
    "Two lines,\nsame thought.",
];

pub(crate) fn display_name(platform: Platform, seed: &str, local: &str) -> String {
    let mut letters = local.chars();
    let title: String = letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default();
    format!("{title} {}", WORDS[(hash(platform, seed, "name", 0) % 8) as usize])
}

pub(crate) fn bio(platform: Platform, seed: &str, local: &str) -> String {
    let n = hash(platform, seed, "bio", 0);
    format!("{local} – {}", LINES[(n % 9) as usize])
}

pub(crate) fn text(platform: Platform, seed: &str, index: u32) -> String {
    let n = hash(platform, seed, "text", u64::from(index));
    format!("{} · {}", LINES[(n % 10) as usize], index + 1)
}

/// `digits` decimal digits, stable for the account.
pub(crate) fn digits(platform: Platform, seed: &str, salt: &str, digits: u32) -> u64 {
    hash(platform, seed, salt, 0) % 10_u64.pow(digits)
}

/// 120 bits as 24 letters of base32.
pub(crate) fn base32_24(platform: Platform, seed: &str) -> String {
    base32(platform, seed, "did", 24)
}

/// `length` letters of base32 from the account's hash.
pub(crate) fn base32(platform: Platform, seed: &str, salt: &str, length: usize) -> String {
    let mut out = String::with_capacity(length);
    for block in 0_u64.. {
        let mut bits = hash(platform, seed, salt, block);
        for _ in 0..12 {
            if out.len() == length {
                return out;
            }
            out.push(char::from(BASE32[(bits & 31) as usize]));
            bits >>= 5;
        }
    }
    out
}

/// 128 bits as 22 characters of base64url.
pub(crate) fn base64_22(platform: Platform, seed: &str) -> String {
    let mut bytes = [0_u8; 16];
    bytes[..8].copy_from_slice(&hash(platform, seed, "id", 0).to_be_bytes());
    bytes[8..].copy_from_slice(&hash(platform, seed, "id", 1).to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn uuid(platform: Platform, seed: &str, salt: &str) -> String {
    let a = hash(platform, seed, salt, 0);
    let b = hash(platform, seed, salt, 1);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

/// X's ids: milliseconds since its own epoch, then 22 bits.
pub(crate) fn snowflake(ms: i64, low: u64) -> u64 {
    ((ms - 1_288_834_974_657).unsigned_abs() << 22) | (low & 0x3f_ffff)
}

/// The same since 1970, as LinkedIn's ids look.
pub(crate) fn snowflake_unix(ms: i64, low: u64) -> u64 {
    (ms.unsigned_abs() << 22) | (low & 0x3f_ffff)
}

/// `xxxx-xxxx-xxxx-xxxx`
pub(crate) fn app_password(seed: &str) -> String {
    let letters = base32(Platform::Bluesky, seed, "password", 16);
    format!("{}-{}-{}-{}", &letters[..4], &letters[4..8], &letters[8..12], &letters[12..])
}

/// An entry of a timeline that also shows reposts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Own(u32),
    /// The repost that follows own post `10·n + 9`.
    Boost(u32),
}

/// Entries of a timeline, newest first.
pub(crate) fn timeline(posts: u32) -> impl Iterator<Item = Entry> {
    (0..posts).flat_map(|i| {
        let boost = (i % BOOST_EVERY == BOOST_EVERY - 1).then_some(Entry::Boost(i / BOOST_EVERY));
        std::iter::once(Entry::Own(i)).chain(boost)
    })
}

/// When the entry appeared; a boost stands an hour before the post above it.
pub(crate) fn entry_ms(entry: Entry) -> i64 {
    match entry {
        Entry::Own(i) => published_ms(i),
        Entry::Boost(n) => published_ms(n * BOOST_EVERY + BOOST_EVERY - 1) - 3_600_000,
    }
}

/// The own post or boost that appeared at `ms`, if one did.
pub(crate) fn entry_at(ms: i64, posts: u32) -> Option<Entry> {
    let age = EPOCH_S * 1000 - ms;
    let step = SPACING_S * 1000;
    let index = u32::try_from(age.checked_div(step)?).ok().filter(|i| *i < posts)?;
    let entry = if age % step == 0 { Entry::Own(index) } else { Entry::Boost(index / BOOST_EVERY) };
    (entry_ms(entry) == ms).then_some(entry)
}

/// A TID: 53 bits of microseconds and 10 bits of clock id.
pub(crate) fn tid(ms: i64, clock: u64) -> String {
    let value = (ms.unsigned_abs() * 1000) << 10 | (clock & 1023);
    (0..13).rev().map(|i| char::from(TID[((value >> (5 * i)) & 31) as usize])).collect()
}

/// The milliseconds and clock id of a TID.
pub(crate) fn tid_parts(tid: &str) -> Option<(i64, u64)> {
    if tid.len() != 13 {
        return None;
    }
    let value = tid.bytes().try_fold(0_u64, |v, b| {
        let digit = TID.iter().position(|c| *c == b)?;
        Some(v << 5 | digit as u64)
    })?;
    let micros = value >> 10;
    (micros % 1000 == 0).then_some(())?;
    Some((i64::try_from(micros / 1000).ok()?, value & 1023))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_says_how_many_posts_there_are() {
        assert_eq!(posts_in_handle("many_p120"), 120);
        assert_eq!(posts_in_handle("many-p7"), 7);
        assert_eq!(posts_in_handle("many_p"), 40);
        assert_eq!(posts_in_handle("top_player"), 40);
        assert_eq!(posts_in_handle("plain"), 40);
    }

    #[test]
    fn figures_grow_to_their_total_and_never_past_it() {
        assert_eq!([0, 86_400_000, 2 * 86_400_000].map(|age| grown(900, age)), [0, 450, 600]);
        assert_eq!((grown(900, -5), grown(u64::MAX, i64::MAX) < u64::MAX, grown(0, 9)), (0, true, 0));
        assert_eq!(followers_gained(24, (EPOCH_S + 3_600) * 1000), 1);
        assert_eq!(followers_gained(24, 0), 0);
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash(Platform::Instagram, "demo", "id", 0), hash(Platform::Instagram, "demo", "id", 0));
        assert_ne!(hash(Platform::Instagram, "demo", "id", 0), hash(Platform::TikTok, "demo", "id", 0));
        assert_ne!(hash(Platform::Instagram, "demo", "id", 0), hash(Platform::Instagram, "demo", "id", 1));
    }

    #[test]
    fn a_timeline_reads_back_from_its_times() {
        let entries: Vec<Entry> = timeline(25).collect();
        assert_eq!(entries.len(), 27);
        assert_eq!(entries[10], Entry::Boost(0));
        assert!(entries.windows(2).all(|w| entry_ms(w[0]) > entry_ms(w[1])));
        for e in entries {
            assert_eq!(entry_at(entry_ms(e), 25), Some(e));
        }
        assert_eq!(entry_at(published_ms(25), 25), None);
        assert_eq!(entry_at(published_ms(3) - 1, 25), None);
    }

    #[test]
    fn tids_sort_by_time_and_read_back() {
        let newer = tid(published_ms(0), 5);
        let older = tid(published_ms(1), 900);
        assert!(newer > older, "{newer} {older}");
        assert_eq!(newer.len(), 13);
        assert_eq!(tid_parts(&newer), Some((published_ms(0), 5)));
    }

    #[test]
    fn an_app_password_has_its_form() {
        let password = app_password("demo.bsky.social");
        assert_eq!(password.len(), 19);
        assert_eq!(password.matches('-').count(), 3);
    }
}
