//! What a draft becomes on YouTube, and what is wrong with it.

use std::borrow::Cow;

use domain::Platform;
use domain::content::{Draft, Problem};
use serde_json::Value;

use super::facts::{PUBLISHING, TAGS, TITLE};
use crate::compose;
use crate::publish::Limits;

/// What marks a Short. The API has no field for it: YouTube shows every square or upright video of up to three minutes
/// as a Short, marked or not. The hashtag is how an author says so to people and to search.
const SHORTS: &str = "#Shorts";

const LONGEST_SHORT_MS: u64 = 180_000;

fn text<'a>(draft: &'a Draft, name: &str) -> Option<&'a str> {
    draft.options.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn flag(draft: &Draft, name: &str) -> Option<bool> {
    draft.options.get(name).and_then(Value::as_bool)
}

/// The title as it is sent: the option, else the first line of the text, cut where it is too long.
pub(super) fn title(draft: &Draft) -> Cow<'_, str> {
    match text(draft, "title") {
        Some(title) => Cow::Borrowed(title),
        None => cut(first_line(draft)),
    }
}

fn first_line(draft: &Draft) -> &str {
    draft.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// At most [`TITLE`] characters, between words where there are any.
fn cut(line: &str) -> Cow<'_, str> {
    let most = TITLE as usize;
    if line.chars().count() <= most {
        return Cow::Borrowed(line);
    }
    let end = line.char_indices().nth(most - 1).map_or(line.len(), |(at, _)| at);
    let head = line.get(..end).unwrap_or(line);
    let words = head.rsplit_once(char::is_whitespace).map(|(words, _)| words.trim_end());
    // One very long word is cut inside.
    let head = words.filter(|words| words.chars().count() > most / 2).unwrap_or(head);
    Cow::Owned(format!("{head}…"))
}

/// The description as it is sent: the text, with the mark of a Short where it is wanted and not there yet.
pub(super) fn compose_text(draft: &Draft) -> Cow<'_, str> {
    with_mark(&draft.text, wants_mark(draft))
}

fn wants_mark(draft: &Draft) -> bool {
    flag(draft, "publishAsShort") == Some(true) && !has_mark(&title(draft))
}

fn with_mark(text: &str, wanted: bool) -> Cow<'_, str> {
    match text.trim_end() {
        _ if !wanted || has_mark(text) => Cow::Borrowed(text),
        "" => Cow::Borrowed(SHORTS),
        text => Cow::Owned(format!("{text}\n\n{SHORTS}")),
    }
}

fn has_mark(text: &str) -> bool {
    compose::hashtags(text).into_iter().filter_map(|range| text.get(range)).any(|tag| tag.eq_ignore_ascii_case(SHORTS))
}

/// The tags, without a sign.
pub(super) fn tags(draft: &Draft) -> Vec<&str> {
    let tags = draft.options.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(|tag| tag.trim().trim_start_matches('#')).filter(|tag| !tag.is_empty()).collect()
}

/// What tags count together: commas stand between them, and one with a blank in it counts its quotes.
pub(super) fn tags_length(tags: &[&str]) -> u32 {
    let each = tags.iter().map(|tag| compose::characters(tag) + if tag.contains(char::is_whitespace) { 2 } else { 0 });
    let commas = u32::try_from(tags.len().saturating_sub(1)).unwrap_or(u32::MAX);
    each.fold(commas, u32::saturating_add)
}

/// Who may see the video. It is always said: what a missing word means has changed before.
pub(super) fn privacy(draft: &Draft) -> &str {
    text(draft, "privacyStatus").unwrap_or("public")
}

/// The category, where one was chosen.
pub(super) fn category(draft: &Draft) -> Option<&str> {
    text(draft, "categoryId")
}

/// Whether the person declares the video as made for children; without a word the channel's own setting holds.
pub(super) fn made_for_kids(draft: &Draft) -> Option<bool> {
    flag(draft, "madeForKids")
}

/// How long a description counts, as it was written; the mark of a Short is added by [`problems`].
pub(super) fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// How long the description of a draft counts, with the mark of a Short where it gets one.
pub(super) fn draft_length(draft: &Draft) -> u32 {
    length(&compose_text(draft))
}

/// Everything wrong with a draft.
pub(super) fn problems(draft: &Draft, limits: &Limits) -> Vec<Problem> {
    let marked = wants_mark(draft);
    // The same length measures follow-ups, which are never marked.
    let as_sent = |text: &str| {
        if text == draft.text { length(&with_mark(text, marked)) } else { compose::characters(text) }
    };
    let mut problems = compose::common_problems(Platform::Youtube, &PUBLISHING, draft, limits, &as_sent);
    problems.extend(title_problem(draft));
    if has_angle(&draft.text) {
        problems.push(Problem::error(
            "forbidden_characters",
            "content",
            "YouTube allows neither < nor > in a description.",
        ));
    }
    problems.extend(tag_problem(draft));
    if category(draft).is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
        problems.push(Problem::error(
            "option_invalid",
            field("categoryId"),
            "A category of YouTube is a number, for example 22.",
        ));
    }
    problems.extend(short_problem(draft));
    problems.extend(comment_problem(draft));
    problems
}

fn field(name: &str) -> String {
    format!("options.YOUTUBE.{name}")
}

fn has_angle(text: &str) -> bool {
    text.contains(['<', '>'])
}

fn title_problem(draft: &Draft) -> Option<Problem> {
    let title = title(draft);
    let given = text(draft, "title");
    let whose = if given.is_some() { field("title") } else { "content".to_owned() };
    if title.is_empty() {
        let words = "A video needs a title: give options.YOUTUBE.title, or a text whose first line is one.";
        return Some(Problem::error("title_required", field("title"), words));
    }
    if has_angle(&title) {
        return Some(Problem::error("forbidden_characters", whose, "YouTube allows neither < nor > in a title."));
    }
    let line = first_line(draft).chars().count();
    (given.is_none() && line > TITLE as usize).then(|| {
        let words = format!(
            "The first line becomes the title and has {line} characters of {TITLE}: it is cut to “{title}”. Give \
             options.YOUTUBE.title to choose another."
        );
        Problem::warning("title_cut", whose, words)
    })
}

fn tag_problem(draft: &Draft) -> Option<Problem> {
    let count = tags_length(&tags(draft));
    (count > TAGS).then(|| {
        let words = format!(
            "All tags together may have {TAGS} characters, with commas between them and quotes around those of several \
             words; they have {count}."
        );
        Problem::error("too_long", field("tags"), words)
    })
}

fn short_problem(draft: &Draft) -> Option<Problem> {
    let media = draft.media.first().filter(|_| flag(draft, "publishAsShort") == Some(true))?;
    let lying = media.width.zip(media.height).filter(|(width, height)| width > height);
    let words = match (lying, media.duration_ms) {
        (Some((width, height)), _) => format!("A Short is square or upright; this video is {width} × {height}."),
        (None, Some(ms)) if ms >= LONGEST_SHORT_MS + 1_000 => {
            format!("A Short lasts at most {} s; this video lasts {} s.", LONGEST_SHORT_MS / 1_000, ms / 1_000)
        }
        _ => return None,
    };
    Some(Problem::error("not_a_short", field("publishAsShort"), words))
}

fn comment_problem(draft: &Draft) -> Option<Problem> {
    if draft.follow_ups.is_empty() {
        return None;
    }
    let field = field("firstComment");
    if made_for_kids(draft) == Some(true) {
        let words = "YouTube allows no comments under videos that are made for kids.";
        return Some(Problem::error("first_comment_not_possible", field, words));
    }
    (privacy(draft) == "private").then(|| {
        Problem::error("first_comment_not_possible", field, "YouTube allows no comments under a private video.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::content::{Media, MediaKind, Severity};
    use serde_json::json;

    fn draft(text: &str, options: Value) -> Draft {
        let media = Media {
            url: "https://media.example/a.mp4".to_owned(),
            kind: MediaKind::Video,
            mime: "video/mp4".to_owned(),
            bytes: Some(1_000),
            width: Some(1920),
            height: Some(1080),
            duration_ms: None,
        };
        let Value::Object(options) = options else { panic!("options are an object") };
        Draft { text: text.to_owned(), media: vec![media], options, follow_ups: Vec::new() }
    }

    fn found(draft: &Draft) -> Vec<(String, String, Severity)> {
        let limits = Limits::from(&PUBLISHING);
        problems(draft, &limits).into_iter().map(|problem| (problem.code, problem.field, problem.severity)).collect()
    }

    fn one(code: &str, field: &str, severity: Severity) -> Vec<(String, String, Severity)> {
        vec![(code.to_owned(), field.to_owned(), severity)]
    }

    #[test]
    fn the_title_is_the_option_or_the_first_line() {
        assert_eq!(title(&draft("Latte art\nHow to", json!({"title": " Swans "}))), "Swans");
        assert_eq!(title(&draft("\n  Latte art \nHow to", json!({}))), "Latte art");
        assert_eq!(title(&draft("Latte art", json!({"title": " "}))), "Latte art");
        assert_eq!(found(&draft("", json!({}))), one("title_required", "options.YOUTUBE.title", Severity::Error));
        assert_eq!(found(&draft("", json!({"title": "Swans"}))), []);
    }

    #[test]
    fn a_long_first_line_is_cut_between_words_and_that_is_told() {
        // 27 words of four letters and a blank: 134 characters.
        let long = draft(&format!("{}\nmore", ["word"; 27].join(" ")), json!({}));
        let cut = title(&long);
        assert_eq!(cut, format!("{}…", ["word"; 19].join(" ")));
        assert!(cut.chars().count() <= 100);
        assert_eq!(found(&long), one("title_cut", "content", Severity::Warning));
        let one_word = draft(&"ß".repeat(120), json!({}));
        assert_eq!(title(&one_word), format!("{}…", "ß".repeat(99)));
    }

    #[test]
    fn what_youtube_would_refuse_is_told_with_its_place() {
        let place = |text, options| found(&draft(text, options));
        assert_eq!(place("a <b>", json!({"title": "t"})), one("forbidden_characters", "content", Severity::Error));
        assert_eq!(
            place("a", json!({"title": "1 < 2"})),
            one("forbidden_characters", "options.YOUTUBE.title", Severity::Error)
        );
        assert_eq!(
            place("a", json!({"categoryId": "x"})),
            one("option_invalid", "options.YOUTUBE.categoryId", Severity::Error)
        );
        assert_eq!(
            place("a", json!({"publishAsShort": true})),
            one("not_a_short", "options.YOUTUBE.publishAsShort", Severity::Error)
        );
    }

    #[test]
    fn tags_count_commas_and_the_quotes_of_several_words() {
        assert_eq!(tags_length(&["Foo-Baz"]), 7);
        assert_eq!(tags_length(&["Foo Baz"]), 9);
        assert_eq!(tags_length(&["Foo Baz", "ä"]), 11);
        assert_eq!(tags_length(&[]), 0);
        let tag = "t".repeat(499);
        assert_eq!(found(&draft("a", json!({"tags": [tag]}))), []);
        assert_eq!(
            found(&draft("a", json!({"tags": [tag, "b"]}))),
            one("too_long", "options.YOUTUBE.tags", Severity::Error)
        );
        assert_eq!(tags(&draft("a", json!({"tags": ["#coffee", " ", "latte art"]}))), ["coffee", "latte art"]);
    }

    #[test]
    fn a_description_is_counted_in_bytes_as_it_is_sent() {
        let title = json!({"title": "t"});
        assert_eq!(found(&draft(&"ß".repeat(2_500), title.clone())), []);
        assert_eq!(found(&draft(&"ß".repeat(2_501), title)), one("too_long", "content", Severity::Error));
        let mut short = draft(&"a".repeat(4_990), json!({"title": "t", "publishAsShort": true}));
        short.media[0].width = Some(1080);
        short.media[0].height = Some(1920);
        // Two line breaks and seven characters more.
        assert_eq!(compose_text(&short).len(), 4_999);
        assert_eq!(found(&short), []);
        short.text.push_str("bc");
        assert_eq!(found(&short), one("too_long", "content", Severity::Error));
    }

    #[test]
    fn a_short_is_marked_once() {
        let described = |text, options| compose_text(&draft(text, options)).into_owned();
        assert_eq!(described("Swans", json!({"publishAsShort": true})), "Swans\n\n#Shorts");
        assert_eq!(described("Swans #shorts", json!({"publishAsShort": true})), "Swans #shorts");
        assert_eq!(described("Swans", json!({"publishAsShort": true, "title": "Swans #Shorts"})), "Swans");
        assert_eq!(described("", json!({"publishAsShort": true, "title": "Swans"})), "#Shorts");
        assert_eq!(described("Swans", json!({"publishAsShort": false})), "Swans");
    }

    #[test]
    fn a_short_lasts_three_minutes_at_most_and_a_video_twelve_hours() {
        let of = |seconds: u64, options| {
            let mut draft = draft("Swans", options);
            draft.media[0].height = Some(1920);
            draft.media[0].duration_ms = Some(seconds * 1_000);
            found(&draft)
        };
        let short = json!({"publishAsShort": true});
        assert_eq!(of(180, short.clone()), []);
        assert_eq!(of(181, short), one("not_a_short", "options.YOUTUBE.publishAsShort", Severity::Error));
        assert_eq!(of(43_200, json!({})), []);
        assert_eq!(of(43_201, json!({})), one("video_too_long", "mediaUrls[0]", Severity::Error));
    }

    #[test]
    fn where_nobody_can_comment_there_is_no_first_comment() {
        for options in [json!({"madeForKids": true}), json!({"privacyStatus": "private"})] {
            let mut draft = draft("Swans", options);
            draft.follow_ups = vec!["first".to_owned()];
            assert_eq!(
                found(&draft),
                one("first_comment_not_possible", "options.YOUTUBE.firstComment", Severity::Error)
            );
        }
    }

    #[test]
    fn the_audience_is_always_said() {
        assert_eq!(privacy(&draft("a", json!({}))), "public");
        assert_eq!(privacy(&draft("a", json!({"privacyStatus": "unlisted"}))), "unlisted");
        assert_eq!(made_for_kids(&draft("a", json!({}))), None);
    }
}
