use domain::content::{Media, MediaKind};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::compose::{characters, graphemes};
use crate::media::testing::{document, image, video};
use crate::publish::{FileRule, Measure, OptionFact, OptionForm, Proof, Quantity, Takes};

const fn limit(counted_in: CountedIn, max: u32, max_bytes: Option<u32>) -> TextLimit {
    TextLimit { counted_in, max, max_bytes }
}

static FACTS: PublishFacts = PublishFacts {
    text: limit(CountedIn::Graphemes, 10, Some(40)),
    caption: Some(limit(CountedIn::Graphemes, 5, None)),
    photo_text: None,
    follow_up: Some(limit(CountedIn::Utf16, 4, None)),
    follow_ups: 3,
    text_required: false,
    media_required: false,
    files: &[
        FileRule { kind: MediaKind::Image, mimes: &["image/jpeg"], max_bytes: 8 << 20, max_count: 4 },
        FileRule { kind: MediaKind::Image, mimes: &["image/png"], max_bytes: 5_000_000, max_count: 4 },
        FileRule { kind: MediaKind::Video, mimes: &["video/mp4", "video/quicktime"], max_bytes: 1 << 30, max_count: 1 },
    ],
    measures: &[
        Measure::within(MediaKind::Video, Quantity::DurationMs, 3_000, 60_000),
        Measure::most(MediaKind::Image, Quantity::LongSide, 4_000).as_advice(),
    ],
    max_files: 4,
    mixed: false,
    takes: Takes::Bytes,
    options: &[
        OptionFact::new("sensitive", OptionForm::Flag, None, ""),
        OptionFact::new("title", OptionForm::Text(6), None, ""),
        OptionFact::new("visibility", OptionForm::OneOf(&["public", "private"]), None, ""),
        OptionFact::new("tags", OptionForm::Texts(2), None, ""),
        OptionFact::new("poll", OptionForm::Object, None, ""),
    ],
    scopes: &[],
    media_scopes: &[],
    proof: Proof::None,
    index_lag: SignedDuration::ZERO,
    deletes: false,
};

/// `field code message` of every problem.
fn problems_by(facts: &PublishFacts, draft: &Draft, limits: &Limits) -> Vec<String> {
    let found = common_problems(Platform::Youtube, facts, draft, limits, &graphemes);
    found.into_iter().map(|p| format!("{} {}: {}", p.field, p.code, p.message)).collect()
}

fn problems(draft: &Draft) -> Vec<String> {
    problems_by(&FACTS, draft, &Limits::from(&FACTS))
}

fn text(text: &str) -> Draft {
    Draft { text: text.to_owned(), ..Draft::default() }
}

fn options(options: Value) -> Draft {
    Draft { options: serde_json::from_value(options).unwrap(), ..text("a") }
}

fn with(media: &[Media]) -> Draft {
    Draft { media: media.to_vec(), ..text("a") }
}

fn jpeg(bytes: u64) -> Media {
    image("https://a.example/a.jpg", "image/jpeg", bytes, 1, 1)
}

#[test]
fn a_text_is_held_to_the_limit_in_the_platforms_unit() {
    assert_eq!(
        problems(&text("👨‍👩‍👧‍👦👨‍👩‍👧‍👦")),
        ["content too_long: The text has 50 bytes in UTF-8. YouTube takes at most 40."]
    );
    assert_eq!(problems(&text("0123456789")), [""; 0]);
    let over = ["content too_long: The text has 11 characters. YouTube takes at most 10."];
    assert_eq!(problems(&text("0123456789a")), over);
}

#[test]
fn a_text_beside_files_is_held_to_the_captions_limit() {
    let draft = Draft { text: "012345".to_owned(), ..with(&[jpeg(1)]) };
    assert_eq!(
        problems(&draft),
        ["content too_long: The text beside files has 6 characters. YouTube takes at most 5."]
    );
}

#[test]
fn the_accounts_own_server_decides_over_the_facts() {
    let own = Limits {
        text: limit(CountedIn::Graphemes, 20, None),
        max_files: 1,
        max_image_bytes: Some(100),
        ..Limits::from(&FACTS)
    };
    assert_eq!(problems_by(&FACTS, &text("0123456789abcdef"), &own), [""; 0]);
    assert_eq!(
        problems_by(&FACTS, &with(&[jpeg(101), jpeg(100)]), &own),
        [
            "mediaUrls too_many_files: There are 2 files. YouTube takes at most 1 in one post.",
            "mediaUrls[0] file_too_large: File 1 has 101 bytes. YouTube takes images of at most 100 bytes.",
        ]
    );
}

#[test]
fn what_is_missing_is_named() {
    let nothing = ["content text_required: There is nothing to publish: YouTube needs a text or at least 1 file."];
    for blank in ["", " \n\t", "\u{200b}\u{2060}\u{feff}", "\u{3164}"] {
        assert_eq!(problems(&text(blank)), nothing, "{blank:?}");
    }
    assert_eq!(problems(&Draft { text: String::new(), ..with(&[jpeg(1)]) }), [""; 0]);
    let facts = PublishFacts { text_required: true, media_required: true, ..FACTS };
    assert_eq!(
        problems_by(&facts, &Draft::default(), &Limits::from(&facts)),
        [
            "content text_required: YouTube needs a text: at least 1 character.",
            "mediaUrls media_required: YouTube needs at least 1 file (image and video); there is none.",
        ]
    );
    let facts = PublishFacts { media_required: true, ..FACTS };
    assert_eq!(problems_by(&facts, &Draft::default(), &Limits::from(&facts)).len(), 1, "said once");
}

#[test]
fn files_are_counted_in_all_and_by_kind() {
    let five = vec![jpeg(1); 5];
    assert_eq!(
        problems(&with(&five)),
        ["mediaUrls too_many_files: There are 5 files. YouTube takes at most 4 in one post."]
    );
    let two = [video("https://a.example/a.mp4", 1), video("https://a.example/b.mp4", 1)];
    assert_eq!(
        problems(&with(&two)),
        ["mediaUrls too_many_files: There are 2 videos. YouTube takes at most 1 video in one post."]
    );
}

#[test]
fn kinds_are_mixed_only_where_the_platform_does() {
    let both = with(&[jpeg(1), jpeg(1), video("https://a.example/a.mp4", 1)]);
    assert_eq!(
        problems(&both),
        ["mediaUrls mixed_media: YouTube takes files of 1 kind in one post; these are 2 images and 1 video."]
    );
    let facts = PublishFacts { mixed: true, ..FACTS };
    assert_eq!(problems_by(&facts, &both, &Limits::from(&facts)), [""; 0]);
}

#[test]
fn each_file_has_to_be_of_a_kind_a_type_and_a_size_that_is_taken() {
    let url = "https://a.example/";
    let mut unknown_size = jpeg(1);
    unknown_size.bytes = None;
    let files = [document(url, 1), image(url, "image/gif", 1, 1, 1), image(url, "image/webp", 1, 1, 1), unknown_size];
    let facts = PublishFacts { mixed: true, ..FACTS };
    assert_eq!(
        problems_by(&facts, &with(&files), &Limits::from(&facts)),
        [
            "mediaUrls[0] file_kind_refused: File 1 is a document (application/pdf). YouTube takes images and videos.",
            "mediaUrls[1] file_kind_refused: File 2 is a GIF animation (image/gif). YouTube takes images and videos.",
            "mediaUrls[2] file_type_refused: File 3 is image/webp. YouTube takes images of type image/jpeg and image/png.",
        ]
    );
    let sizes = [jpeg(6 << 20), image(url, "image/png", 5_000_001, 1, 1)];
    assert_eq!(
        problems(&with(&sizes)),
        ["mediaUrls[1] file_too_large: File 2 has 5.1 MB. YouTube takes images of at most 5 MB."],
        "each type has its own limit"
    );
}

#[test]
fn options_have_known_names_and_the_right_form() {
    let right = json!({"sensitive": true, "title": "Köln\u{308}x", "visibility": "public", "tags": ["a", "b"],
        "poll": {}, "firstComment": "a", "thread": ["b"]});
    assert_eq!(problems(&options(right)), [""; 0]);
    assert_eq!(problems(&options(json!({"title": null}))), [""; 0], "null is not given");
    assert_eq!(
        problems(&options(
            json!({"sensitive": "yes", "title": "7654321", "visibility": "secret", "tags": ["a", 2, "c"],
            "poll": [1], "colour": "red"})
        )),
        [
            "options.YOUTUBE.colour unknown_option: YouTube has no option colour; its options are: sensitive, title, \
             visibility, tags, poll, firstComment and thread.",
            "options.YOUTUBE.poll option_invalid: poll must be an object, not a list of 1.",
            "options.YOUTUBE.sensitive option_invalid: sensitive must be true or false, not \"yes\".",
            "options.YOUTUBE.tags option_invalid: tags has 3 items. At most 2 are allowed.",
            "options.YOUTUBE.tags[1] option_invalid: Item 2 of tags must be a text, not 2.",
            "options.YOUTUBE.title option_invalid: title has 7 characters. At most 6 are allowed.",
            "options.YOUTUBE.visibility option_invalid: visibility must be one of public, private, not \"secret\".",
        ]
    );
    assert_eq!(
        problems(&options(json!({"title": 1, "tags": "x"}))),
        [
            "options.YOUTUBE.tags option_invalid: tags must be a list of at most 2 texts, not \"x\".",
            "options.YOUTUBE.title option_invalid: title must be a text of at most 6 characters, not 1.",
        ]
    );
}

#[test]
fn follow_ups_are_counted_and_measured_in_their_own_unit() {
    let follow = |texts: &[&str]| Draft { follow_ups: texts.iter().map(|t| (*t).to_owned()).collect(), ..text("a") };
    assert_eq!(problems(&follow(&["👨‍👩‍👧‍👦"]))[0].split(':').next(), Some("options.YOUTUBE.thread[0] follow_up_too_long"));
    assert_eq!(
        problems(&follow(&["a", "12345", " ", "d"])),
        [
            "options.YOUTUBE.thread too_many_follow_ups: YouTube takes at most 3 follow-ups; 4 were given.",
            "options.YOUTUBE.thread[1] follow_up_too_long: Follow-up 2 has 5 characters. YouTube takes at most 4.",
            "options.YOUTUBE.thread[2] follow_up_empty: Follow-up 3 has no text.",
        ]
    );
    let one = PublishFacts { follow_ups: 1, ..FACTS };
    assert_eq!(
        problems_by(&one, &follow(&["12345"]), &Limits::from(&one)),
        [
            "options.YOUTUBE.firstComment follow_up_too_long: The first comment has 5 characters. YouTube takes at most 4."
        ]
    );
    assert_eq!(
        problems_by(&one, &follow(&["a", "b"]), &Limits::from(&one))[0],
        "options.YOUTUBE.thread too_many_follow_ups: YouTube takes 1 first comment; 2 were given."
    );
}

#[test]
fn where_nothing_follows_it_is_said_once() {
    let none = PublishFacts { follow_up: None, follow_ups: 0, options: &[], ..FACTS };
    let mut draft = options(json!({"firstComment": "a"}));
    draft.follow_ups = vec!["a".to_owned()];
    assert_eq!(
        problems_by(&none, &draft, &Limits::from(&none)),
        ["options.YOUTUBE.firstComment too_many_follow_ups: YouTube has no first comment and no thread; 1 was given."]
    );
    draft.follow_ups.clear();
    assert_eq!(
        problems_by(&none, &draft, &Limits::from(&none)),
        ["options.YOUTUBE.firstComment unknown_option: YouTube has no option firstComment; its options are: none."]
    );
}

#[test]
fn what_follows_in_a_wrong_form_is_named() {
    let wrong = |given: Value| {
        let draft = options(given);
        let follow_ups = ["thread", "firstComment"].iter().filter_map(|name| draft.options.get(*name));
        let follow_ups = follow_ups.flat_map(follow_up_texts).map(str::to_owned).collect();
        problems(&Draft { follow_ups, ..draft })
    };
    assert_eq!(
        wrong(json!({"firstComment": {"text": "Hi"}})),
        ["options.YOUTUBE.firstComment option_invalid: firstComment must be a text or a list of texts, not an object."]
    );
    assert_eq!(
        wrong(json!({"thread": ["a", 2]})),
        ["options.YOUTUBE.thread[1] option_invalid: Item 2 of thread must be a text, not 2."]
    );
    assert_eq!(
        wrong(json!({"thread": ["a"], "firstComment": "12345"})),
        ["options.YOUTUBE.firstComment follow_up_too_long: Follow-up 2 has 5 characters. YouTube takes at most 4."]
    );
    assert_eq!(wrong(json!({"firstComment": "Hi", "thread": ["a"]})), [""; 0]);
}

#[test]
fn what_a_file_measures_is_held_to_the_limits_and_what_is_unknown_is_not() {
    let lasting = |duration_ms| with(&[Media { duration_ms, ..video("https://a.example/a.mp4", 1) }]);
    assert_eq!(problems(&lasting(None)), [""; 0]);
    // The last frame may end after the last whole second.
    assert_eq!(problems(&lasting(Some(60_999))), [""; 0]);
    assert_eq!(
        problems(&lasting(Some(61_250))),
        ["mediaUrls[0] video_too_long: File 1 lasts 61.25 s. YouTube takes videos of 3 s to 60 s."]
    );
    assert_eq!(
        problems(&lasting(Some(2_000))),
        ["mediaUrls[0] video_too_short: File 1 lasts 2 s. YouTube takes videos of 3 s to 60 s."]
    );
    let sized = |width, height| image("https://a.example/a.jpg", "image/jpeg", 9 << 20, width, height);
    let draft = with(&[sized(3_000, 4_001)]);
    assert_eq!(
        problems(&draft),
        [
            "mediaUrls[0] file_too_large: File 1 has 9.0 MiB. YouTube takes images of at most 8 MiB.",
            "mediaUrls[0] dimensions_refused: File 1 is 3000 × 4001 pixels. YouTube advises images whose longer side has \
             at most 4000 pixels.",
        ]
    );
    let advice = common_problems(Platform::Youtube, &FACTS, &draft, &Limits::from(&FACTS), &graphemes);
    assert_eq!(advice[1].severity, domain::content::Severity::Warning);
}

#[test]
fn the_accounts_own_server_says_how_many_pixels_there_may_be() {
    const FEW: &[Measure] = &[Measure::most(MediaKind::Image, Quantity::Pixels, 1_000)];
    let facts = PublishFacts { measures: FEW, ..FACTS };
    let draft = with(&[image("https://a.example/a.jpg", "image/jpeg", 1, 40, 30)]);
    assert_eq!(
        problems_by(&facts, &draft, &Limits::from(&facts)),
        ["mediaUrls[0] dimensions_refused: File 1 is 40 × 30 pixels. YouTube takes images of at most 1000 pixels."]
    );
    assert_eq!(problems_by(&facts, &draft, &Limits { max_image_pixels: Some(1_200), ..Limits::from(&facts) }), [""; 0]);
}

#[test]
fn photos_may_have_a_longer_text_than_videos() {
    let facts = PublishFacts { photo_text: Some(limit(CountedIn::Graphemes, 8, None)), ..FACTS };
    let limits = Limits::from(&facts);
    let max = |media: &[Media]| text_limit(&facts, &with(media), &limits).max;
    assert_eq!((max(&[]), max(&[jpeg(1)]), max(&[video("https://a.example/a.mp4", 1)])), (10, 8, 5));
}

proptest! {
    #[test]
    fn a_text_has_a_problem_exactly_when_it_misses_a_limit(content in "\\PC{0,30}") {
        let found = problems(&text(&content));
        let expected = is_blank(&content) || graphemes(&content) > 10 || content.len() > 40;
        prop_assert_eq!(!found.is_empty(), expected, "{:?}", found);
        prop_assert!(characters(&content) >= graphemes(&content) || content.is_empty());
    }
}
