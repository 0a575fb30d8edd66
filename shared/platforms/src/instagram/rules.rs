//! What a draft becomes on Instagram, and what is wrong with it.

use domain::Platform;
use domain::content::{Draft, MediaKind, Problem};
use serde_json::Value;

use super::facts::{HASHTAGS, MENTIONS, PUBLISHING, STORY, STORY_VIDEO_BYTES};
use crate::compose;
use crate::publish::{Limits, PublishFacts};

/// What a draft becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One image in the feed.
    Image,
    /// One video: every single video of the feed is a reel.
    Reel,
    /// One image or video for a day, without a text.
    Story,
    /// Two to ten images and videos.
    Carousel,
}

impl Shape {
    pub(super) fn of(draft: &Draft) -> Self {
        match (media_type(draft), draft.media.as_slice()) {
            (Some("STORIES"), _) => Self::Story,
            (_, [one]) if one.kind == MediaKind::Video => Self::Reel,
            (_, [] | [_]) => Self::Image,
            _ => Self::Carousel,
        }
    }

    /// The `media_type` that a published post of this shape has.
    pub(super) fn reads_back_as(self, draft: &Draft) -> &'static str {
        match self {
            Self::Carousel => "CAROUSEL_ALBUM",
            _ if draft.media.first().is_some_and(|media| media.kind == MediaKind::Video) => "VIDEO",
            _ => "IMAGE",
        }
    }
}

fn media_type(draft: &Draft) -> Option<&str> {
    draft.options.get("mediaType").and_then(Value::as_str)
}

/// The caption as it is sent, which is the text as it was written; a story has none.
pub(super) fn compose_text(draft: &Draft) -> Option<&str> {
    (Shape::of(draft) != Shape::Story && !draft.text.trim().is_empty()).then_some(draft.text.as_str())
}

/// The description of the image for people who cannot see it. Of an album, the first image has it.
pub(super) fn alt_text(draft: &Draft) -> Option<&str> {
    let text = draft.options.get("altText").and_then(Value::as_str);
    text.filter(|text| !text.trim().is_empty() && Shape::of(draft) != Shape::Story)
}

/// The accounts that are invited as co-authors, without `@`.
pub(super) fn collaborators(draft: &Draft) -> Vec<&str> {
    let names = draft.options.get("collaborators").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).map(bare).filter(|name| !name.is_empty()).collect()
}

fn bare(name: &str) -> &str {
    name.trim().trim_start_matches('@')
}

/// Whether a reel is shown in the feed as well. A person who asked for the feed gets it; else Instagram decides.
pub(super) fn share_to_feed(draft: &Draft) -> Option<bool> {
    let asked = draft.options.get("shareToFeed").and_then(Value::as_bool);
    asked.or_else(|| (media_type(draft) == Some("FEED")).then_some(true))
}

/// How long a caption counts.
pub(super) fn length(text: &str) -> u32 {
    compose::characters(text)
}

/// Everything wrong with a draft.
pub(super) fn problems(draft: &Draft, limits: &Limits) -> Vec<Problem> {
    let shape = Shape::of(draft);
    let measures = if shape == Shape::Story { STORY } else { PUBLISHING.measures };
    let facts = PublishFacts { measures, ..PUBLISHING };
    let mut problems = compose::common_problems(Platform::Instagram, &facts, draft, limits, &length);
    problems.extend(shape_problems(draft, shape));
    if shape == Shape::Story {
        problems.extend(story_problems(draft));
    } else {
        problems.extend(caption_problems(draft));
    }
    problems.extend(option_problems(draft, shape));
    problems
}

fn shape_problems(draft: &Draft, shape: Shape) -> Option<Problem> {
    let files = draft.media.len();
    match media_type(draft) {
        Some("REELS") if files > 0 && shape != Shape::Reel => Some(Problem::error(
            "media_type_mismatch",
            "options.INSTAGRAM.mediaType",
            format!("A reel is exactly one video; there are {files} files, of which {} are videos.", videos(draft)),
        )),
        Some("STORIES") if files > 1 => Some(Problem::error(
            "media_type_mismatch",
            "options.INSTAGRAM.mediaType",
            format!("A story is exactly one image or video; there are {files} files."),
        )),
        _ => None,
    }
}

fn videos(draft: &Draft) -> usize {
    draft.media.iter().filter(|media| media.kind == MediaKind::Video).count()
}

fn story_problems(draft: &Draft) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !draft.text.trim().is_empty() {
        problems.push(Problem::warning("text_not_shown", "content", "A story has no caption: the text is not shown."));
    }
    if !draft.follow_ups.is_empty() {
        problems.push(Problem::error(
            "first_comment_not_possible",
            "options.INSTAGRAM.firstComment",
            "A story cannot have a first comment.",
        ));
    }
    for (n, media) in draft.media.iter().enumerate() {
        let bytes = media.bytes.unwrap_or(0);
        if media.kind == MediaKind::Video && bytes > STORY_VIDEO_BYTES {
            problems.push(Problem::error(
                "file_too_large",
                format!("mediaUrls[{n}]"),
                format!("A story's video may have {STORY_VIDEO_BYTES} bytes; this one has {bytes}."),
            ));
        }
    }
    problems
}

fn caption_problems(draft: &Draft) -> Vec<Problem> {
    let mut problems = Vec::new();
    let hashtags = compose::hashtags(&draft.text).len();
    if hashtags > HASHTAGS {
        problems.push(Problem::error(
            "too_many_hashtags",
            "content",
            format!("Instagram allows {HASHTAGS} hashtags in a caption; there are {hashtags}."),
        ));
    }
    let mentions = compose::mentions(&draft.text).len();
    if mentions > MENTIONS {
        problems.push(Problem::error(
            "too_many_mentions",
            "content",
            format!("Instagram allows {MENTIONS} mentions in a caption; there are {mentions}."),
        ));
    }
    problems
}

fn option_problems(draft: &Draft, shape: Shape) -> Vec<Problem> {
    let mut problems = Vec::new();
    let ignored = |name: &str, why: &str| {
        Problem::warning("option_ignored", format!("options.INSTAGRAM.{name}"), format!("{name} is left out: {why}."))
    };
    if draft.options.contains_key("shareToFeed") && shape != Shape::Reel {
        problems.push(ignored("shareToFeed", "only a reel can be shared to the feed"));
    }
    let has_image = draft.media.iter().any(|media| media.kind == MediaKind::Image);
    if draft.options.contains_key("altText") && !draft.media.is_empty() && (shape == Shape::Story || !has_image) {
        problems.push(ignored("altText", "only images of the feed have a description"));
    }
    if draft.options.contains_key("collaborators") && shape == Shape::Story {
        problems.push(Problem::error(
            "option_not_possible",
            "options.INSTAGRAM.collaborators",
            "A story cannot have collaborators.",
        ));
    }
    let names = draft.options.get("collaborators").and_then(Value::as_array).into_iter().flatten();
    for (n, name) in names.filter_map(Value::as_str).enumerate() {
        let rule = &super::FACTS.handle;
        if !(rule.is_valid)(&(rule.normalise)(name)) {
            problems.push(Problem::error(
                "option_invalid",
                format!("options.INSTAGRAM.collaborators[{n}]"),
                format!("A collaborator is named by {}.", rule.form),
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::content::{Media, Severity};
    use serde_json::json;

    fn file(kind: MediaKind, mime: &str, size: Option<(u32, u32)>) -> Media {
        Media {
            url: "https://media.example/a".to_owned(),
            kind,
            mime: mime.to_owned(),
            bytes: Some(1_000),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            duration_ms: None,
        }
    }

    fn image() -> Media {
        file(MediaKind::Image, "image/jpeg", Some((1080, 1080)))
    }

    fn video() -> Media {
        file(MediaKind::Video, "video/mp4", None)
    }

    fn draft(text: &str, media: Vec<Media>, options: Value) -> Draft {
        let Value::Object(options) = options else { panic!("options are an object") };
        Draft { text: text.to_owned(), media, options, follow_ups: Vec::new() }
    }

    fn codes(draft: &Draft) -> Vec<(String, Severity)> {
        let limits = Limits::from(&PUBLISHING);
        problems(draft, &limits).into_iter().map(|problem| (problem.code, problem.severity)).collect()
    }

    #[test]
    fn a_draft_becomes_what_its_files_make_it() {
        let shape = |media, options| Shape::of(&draft("x", media, options));
        assert_eq!(shape(vec![image()], json!({})), Shape::Image);
        assert_eq!(shape(vec![video()], json!({})), Shape::Reel);
        assert_eq!(shape(vec![video()], json!({"mediaType": "FEED"})), Shape::Reel);
        assert_eq!(shape(vec![image(), video()], json!({})), Shape::Carousel);
        assert_eq!(shape(vec![video()], json!({"mediaType": "STORIES"})), Shape::Story);
    }

    #[test]
    fn only_a_reel_that_was_meant_for_the_feed_is_shared_there_unasked() {
        let shared = |options| share_to_feed(&draft("x", vec![video()], options));
        assert_eq!(shared(json!({})), None);
        assert_eq!(shared(json!({"mediaType": "FEED"})), Some(true));
        assert_eq!(shared(json!({"mediaType": "FEED", "shareToFeed": false})), Some(false));
    }

    #[test]
    fn a_good_post_has_no_problem() {
        assert_eq!(codes(&draft("Hello", vec![image()], json!({"altText": "A cup"}))), []);
        assert_eq!(codes(&draft("Hello", vec![video()], json!({"mediaType": "REELS", "shareToFeed": true}))), []);
        assert_eq!(codes(&draft("", vec![image()], json!({"mediaType": "STORIES"}))), []);
    }

    #[test]
    fn a_reel_is_one_video_and_a_story_is_one_file() {
        let reel = draft("", vec![image()], json!({"mediaType": "REELS"}));
        assert_eq!(codes(&reel), [("media_type_mismatch".to_owned(), Severity::Error)]);
        let story = draft("", vec![image(), image()], json!({"mediaType": "STORIES"}));
        assert_eq!(codes(&story), [("media_type_mismatch".to_owned(), Severity::Error)]);
    }

    #[test]
    fn what_a_story_cannot_have_is_told() {
        let mut story = draft(
            "Hello",
            vec![image()],
            json!({"mediaType": "STORIES", "collaborators": ["ann"], "altText": "A cup"}),
        );
        story.follow_ups = vec!["first".to_owned()];
        let codes = codes(&story);
        for expected in ["text_not_shown", "first_comment_not_possible", "option_not_possible", "option_ignored"] {
            assert!(codes.iter().any(|(code, _)| code == expected), "{expected} in {codes:?}");
        }
    }

    #[test]
    fn a_shape_that_instagram_would_refuse_is_told_before() {
        let sized = |width, height| {
            codes(&draft("", vec![file(MediaKind::Image, "image/jpeg", Some((width, height)))], json!({})))
        };
        for good in [(1080, 1350), (1080, 1080), (1200, 628), (1080, 566)] {
            assert_eq!(sized(good.0, good.1), [], "{good:?}");
        }
        for bad in [(1080, 1920), (2000, 1000)] {
            assert_eq!(sized(bad.0, bad.1), [("aspect_ratio".to_owned(), Severity::Error)], "{bad:?}");
        }
        let story =
            draft("", vec![file(MediaKind::Image, "image/jpeg", Some((1080, 1920)))], json!({"mediaType": "STORIES"}));
        assert_eq!(codes(&story), []);
    }

    #[test]
    fn a_caption_has_at_most_30_hashtags_and_20_mentions() {
        let tags = |count: usize| (0..count).map(|n| format!("#tag{n}")).collect::<Vec<_>>().join(" ");
        let names = |count: usize| (0..count).map(|n| format!("@name{n}")).collect::<Vec<_>>().join(" ");
        let of = |text: &str| codes(&draft(text, vec![image()], json!({})));
        let error = |code: &str| vec![(code.to_owned(), Severity::Error)];
        assert_eq!((of(&tags(30)), of(&tags(31))), (vec![], error("too_many_hashtags")));
        assert_eq!((of(&names(20)), of(&names(21))), (vec![], error("too_many_mentions")));
    }

    #[test]
    fn a_reel_and_a_story_have_their_own_durations_and_sizes() {
        let of = |change: &dyn Fn(&mut Media), options| {
            let mut media = video();
            change(&mut media);
            codes(&draft("", vec![media], options))
        };
        let lasting = |seconds: u64, options| of(&|media| media.duration_ms = Some(seconds * 1_000), options);
        let error = |code: &str| vec![(code.to_owned(), Severity::Error)];
        let (reel, story) = (json!({}), json!({"mediaType": "STORIES"}));
        assert_eq!(lasting(900, reel.clone()), []);
        assert_eq!(lasting(901, reel.clone()), error("video_too_long"));
        assert_eq!(lasting(2, reel.clone()), error("video_too_short"));
        assert_eq!((lasting(60, story.clone()), lasting(61, story.clone())), (vec![], error("video_too_long")));
        let heavy = |media: &mut Media| media.bytes = Some(100_000_001);
        assert_eq!((of(&heavy, reel.clone()), of(&heavy, story)), (vec![], error("file_too_large")));
        let wide = |media: &mut Media| (media.width, media.height) = (Some(2_560), Some(1_440));
        assert_eq!(of(&wide, reel), error("dimensions_refused"));
    }

    #[test]
    fn collaborators_are_names() {
        let post = draft("", vec![image()], json!({"collaborators": ["@Ann.Lee", "two words"]}));
        assert_eq!(codes(&post), [("option_invalid".to_owned(), Severity::Error)]);
        assert_eq!(collaborators(&draft("", vec![image()], json!({"collaborators": ["@Ann.Lee", " "]}))), ["Ann.Lee"]);
    }
}
