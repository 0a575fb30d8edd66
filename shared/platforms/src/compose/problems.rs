//! What every platform checks alike: all that is wrong with a draft, each sentence with the limit and the figure.

mod files;
mod measures;
mod options;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use domain::Platform;
use domain::content::{Draft, MediaKind, Problem};
use domain::post::follow_up_texts;

use super::count;
use crate::publish::{CountedIn, Limits, PublishFacts, TextLimit};

/// The limit that a draft's text is held to: the caption's when it goes out with files, the one of photos with those.
#[must_use]
pub fn text_limit(facts: &PublishFacts, draft: &Draft, limits: &Limits) -> TextLimit {
    let beside = draft.media.first().and_then(|first| match first.kind {
        MediaKind::Image => facts.photo_text.or(facts.caption),
        _ => facts.caption,
    });
    beside.unwrap_or(limits.text)
}

/// Everything wrong with `draft` by the facts and the account's own limits: lengths, what is missing, files, options
/// and follow-ups. `length` is the platform's own count of a text, the one that its composer shows.
///
/// Codes: `too_long`, `text_required`, `media_required`, `too_many_files`, `file_kind_refused`, `file_type_refused`,
/// `file_too_large`, `video_too_long`, `video_too_short`, `dimensions_refused`, `aspect_ratio`, `mixed_media`,
/// `unknown_option`, `option_invalid`, `too_many_follow_ups`, `follow_up_too_long`, `follow_up_empty`.
#[must_use]
pub fn common_problems(
    platform: Platform,
    facts: &PublishFacts,
    draft: &Draft,
    limits: &Limits,
    length: &dyn Fn(&str) -> u32,
) -> Vec<Problem> {
    let check = Check { platform, facts, draft, limits, length };
    let mut problems = check.text();
    problems.extend(check.files());
    problems.extend(check.options());
    problems.extend(check.follow_ups());
    problems
}

/// One check of one draft.
struct Check<'a> {
    platform: Platform,
    facts: &'a PublishFacts,
    draft: &'a Draft,
    limits: &'a Limits,
    length: &'a dyn Fn(&str) -> u32,
}

impl Check<'_> {
    /// The platform as people call it.
    fn name(&self) -> &'static str {
        name(self.platform)
    }

    fn text(&self) -> Vec<Problem> {
        let text = &self.draft.text;
        let name = self.name();
        if !is_blank(text) {
            let limit = text_limit(self.facts, self.draft, self.limits);
            let what = if limit == self.limits.text { "The text" } else { "The text beside files" };
            return self
                .too_long(text, &limit, what)
                .map(|message| Problem::error("too_long", "content", message))
                .collect();
        }
        let missing = |message: String| vec![Problem::error("text_required", "content", message)];
        if self.facts.text_required {
            missing(format!("{name} needs a text: at least 1 {}.", unit(self.limits.text.counted_in, 1)))
        } else if self.draft.media.is_empty() && !self.facts.media_required {
            missing(format!("There is nothing to publish: {name} needs a text or at least 1 file."))
        } else {
            Vec::new()
        }
    }

    /// The sentences that say by how much `text` misses `limit`.
    fn too_long(&self, text: &str, limit: &TextLimit, what: &str) -> impl Iterator<Item = String> {
        let name = self.name();
        let long = self.count(text, limit.counted_in);
        let over = (long > limit.max).then(|| {
            let unit = unit(limit.counted_in, long);
            format!("{what} has {long} {unit}. {name} takes at most {}.", limit.max)
        });
        let bytes = text.len();
        let max = limit.max_bytes.filter(|max| bytes > *max as usize);
        let heavy = max.map(|max| format!("{what} has {bytes} bytes in UTF-8. {name} takes at most {max}."));
        over.into_iter().chain(heavy)
    }

    /// A unit that needs no platform's rules is counted here; the platform's own count is for the unit of its posts.
    fn count(&self, text: &str, unit: CountedIn) -> u32 {
        let own = unit == self.limits.text.counted_in;
        let general = if own { None } else { count(unit, text) };
        general.unwrap_or_else(|| (self.length)(text))
    }

    fn follow_ups(&self) -> Vec<Problem> {
        let (name, given) = (self.name(), &self.draft.follow_ups);
        let most = self.facts.follow_up.map_or(0, |_| self.facts.follow_ups as usize);
        let mut problems = Vec::new();
        if given.len() > most {
            let message = match most {
                0 => format!("{name} has no first comment and no thread; {} given.", was(given.len())),
                1 => format!("{name} takes 1 first comment; {} given.", was(given.len())),
                _ => format!("{name} takes at most {most} follow-ups; {} given.", was(given.len())),
            };
            problems.push(Problem::error("too_many_follow_ups", self.follow_up_field(None), message));
        }
        let Some(limit) = self.facts.follow_up else { return problems };
        for (n, text) in given.iter().take(most).enumerate() {
            let field = self.follow_up_field(Some(n));
            if is_blank(text) {
                let message = format!("Follow-up {} has no text.", n + 1);
                problems.push(Problem::error("follow_up_empty", field, message));
                continue;
            }
            let what = if most == 1 { "The first comment".to_owned() } else { format!("Follow-up {}", n + 1) };
            let long = self.too_long(text, &limit, &what);
            problems.extend(long.map(|message| Problem::error("follow_up_too_long", field.clone(), message)));
        }
        problems
    }

    fn follow_up_field(&self, n: Option<usize>) -> String {
        follow_up_field(self.platform, self.facts, self.draft, n)
    }

    fn option_field(&self, name: &str) -> String {
        format!("options.{}.{name}", self.platform)
    }
}

/// Where follow-up number `n`, or all of them, were written: as a first comment or as a thread.
#[must_use]
pub fn follow_up_field(platform: Platform, facts: &PublishFacts, draft: &Draft, n: Option<usize>) -> String {
    let options = &draft.options;
    // Where follow-ups were written: in the thread first, the first comment behind it.
    let in_thread = options.get(options::THREAD).map(|thread| follow_up_texts(thread).len());
    let comment = match (in_thread, n) {
        (Some(in_thread), Some(n)) => n >= in_thread,
        (Some(_), None) => false,
        (None, _) => {
            options.contains_key(options::FIRST_COMMENT) || facts.follow_ups <= 1 && draft.follow_ups.len() == 1
        }
    };
    match n {
        _ if comment => format!("options.{platform}.{}", options::FIRST_COMMENT),
        Some(n) => format!("options.{platform}.{}[{n}]", options::THREAD),
        None => format!("options.{platform}.{}", options::THREAD),
    }
}

fn was(count: usize) -> String {
    if count == 1 { "1 was".to_owned() } else { format!("{count} were") }
}

/// Whether a reader would see nothing: white space, and characters without a width.
fn is_blank(text: &str) -> bool {
    const UNSEEN: [RangeInclusive<char>; 12] = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{115f}'..='\u{1160}',
        '\u{180e}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{2800}'..='\u{2800}',
        '\u{3164}'..='\u{3164}',
        '\u{fe00}'..='\u{fe0f}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
    ];
    text.chars().all(|c| c.is_whitespace() || c.is_control() || UNSEEN.iter().any(|range| range.contains(&c)))
}

const fn unit(unit: CountedIn, count: u32) -> &'static str {
    match (unit, count) {
        (CountedIn::Bytes, 1) => "byte",
        (CountedIn::Bytes, _) => "bytes",
        (_, 1) => "character",
        (_, _) => "characters",
    }
}

pub(super) const fn name(platform: Platform) -> &'static str {
    match platform {
        Platform::Instagram => "Instagram",
        Platform::Facebook => "Facebook",
        Platform::Threads => "Threads",
        Platform::Tiktok => "TikTok",
        Platform::Youtube => "YouTube",
        Platform::Twitter => "X",
        Platform::Linkedin => "LinkedIn",
        Platform::Pinterest => "Pinterest",
        Platform::Telegram => "Telegram",
        Platform::Whatsapp => "WhatsApp",
        Platform::Bluesky => "Bluesky",
        Platform::Mastodon => "Mastodon",
        Platform::Spotify => "Spotify",
    }
}
