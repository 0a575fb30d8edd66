use proptest::prelude::*;

use super::*;

fn cut<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
    ranges.iter().map(|range| &text[range.clone()]).collect()
}

fn links_in(text: &str) -> Vec<&str> {
    cut(text, &links(text))
}

fn tags_in(text: &str) -> Vec<&str> {
    cut(text, &hashtags(text))
}

fn mentions_in(text: &str) -> Vec<&str> {
    cut(text, &mentions(text))
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_link_ends_where_its_sentence_goes_on() {
    for (text, link) in [
        ("see https://example.com.", "https://example.com"),
        ("see https://example.com/a.b, and", "https://example.com/a.b"),
        ("(https://example.com/a)", "https://example.com/a"),
        ("(see https://example.com/a).", "https://example.com/a"),
        ("https://en.wikipedia.org/wiki/Rust_(language)", "https://en.wikipedia.org/wiki/Rust_(language)"),
        ("(https://en.wikipedia.org/wiki/Rust_(language))!", "https://en.wikipedia.org/wiki/Rust_(language)"),
        ("[a](https://example.com/b_c)", "https://example.com/b_c"),
        ("\"https://example.com/a\"", "https://example.com/a"),
        ("'https://example.com/a'", "https://example.com/a"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("really https://example.com/a?!", "https://example.com/a"),
        ("https://example.com/?a=1&b=[2]#c", "https://example.com/?a=1&b=[2]#c"),
        ("https://example.com?q=x", "https://example.com?q=x"),
        ("https://example.com:8080/a", "https://example.com:8080/a"),
        ("https://example.com: that", "https://example.com"),
        ("HTTP://Example.COM/A", "HTTP://Example.COM/A"),
        ("https://a.example/b\nnext", "https://a.example/b"),
        ("https://example.com/a…", "https://example.com/a"),
        ("http://192.0.2.7/x", "http://192.0.2.7/x"),
        ("view-source:https://example.com", "https://example.com"),
    ] {
        assert_eq!(links_in(text), [link], "{text}");
    }
}

#[test]
fn hosts_and_paths_of_every_script_are_links() {
    for (text, link) in [
        ("https://münchen.de/straße", "https://münchen.de/straße"),
        ("https://пример.рф/путь", "https://пример.рф/путь"),
        ("https://例え.テスト/あ", "https://例え.テスト/あ"),
        ("https://xn--mnchen-3ya.de", "https://xn--mnchen-3ya.de"),
        ("https://ja.wikipedia.org/wiki/日本", "https://ja.wikipedia.org/wiki/日本"),
        ("https://उदाहरण.भारत", "https://उदाहरण.भारत"),
        ("https://haus.vermögensberater/x", "https://haus.vermögensberater/x"),
        ("見てhttps://example.comを見て", "https://example.com"),
        ("「https://example.com/a」", "https://example.com/a"),
        ("https://example.com/a、", "https://example.com/a"),
        ("https://example.com/a。", "https://example.com/a"),
    ] {
        assert_eq!(links_in(text), [link], "{text}");
    }
}

#[test]
fn emoji_around_a_link_are_no_part_of_it() {
    for text in
        ["🎉https://example.com🎉", "❤️https://example.com❤️", "👉🏽 https://example.com👨‍👩‍👧‍👦", "🇩🇪https://example.com🇩🇪"]
    {
        assert_eq!(links_in(text), ["https://example.com"], "{text}");
    }
    assert_eq!(
        links_in("https://example.com/a🔥 https://b.example/❤️"),
        ["https://example.com/a", "https://b.example/"]
    );
}

#[test]
fn what_is_no_address_is_no_link() {
    for text in [
        "",
        "https://",
        "http:// a.example",
        "https://localhost/",
        "https://example",
        "xhttps://example.com",
        "ftp://a.example",
        "example.com",
        "https://.com",
        "https://a..b",
        "https://-a.example-",
        "https://a.1",
        "https://1.2.3.4.5",
        "https://999.1.1.1",
        "https://user@example.com",
        "éhttps://example.com",
        "https:/example.com",
        "://example.com",
        "https://a.b",
    ] {
        assert_eq!(links_in(text), NOTHING, "{text}");
    }
    assert_eq!(links_in("https://https://example.com http://a.example"), ["https://example.com", "http://a.example"]);
}

#[test]
fn hashtags_have_a_letter_and_end_with_their_word() {
    for (text, tags) in [
        ("#rust", &["#rust"][..]),
        ("a #rust, #2026 #2026a #a_b #_a", &["#rust", "#2026a", "#a_b", "#_a"]),
        ("#हिन्दी #ไทย #العربية #日本語", &["#हिन्दी", "#ไทย", "#العربية", "#日本語"]),
        ("#Köln #Ko\u{308}ln", &["#Köln", "#Ko\u{308}ln"]),
        ("＃全角", &["＃全角"]),
        ("#ピカ・チュウ・", &["#ピカ・チュウ"]),
        ("#می\u{200c}خواهم", &["#می\u{200c}خواهم"]),
        ("🎉#fest🎉 ❤️#love❤️", &["#fest", "#love"]),
        ("(#a) ##b '#c'", &["#a", "#b", "#c"]),
        ("#a#b a#c &#39; x=#d /#e", &["#a"]),
        ("#️⃣ #️⃣a # #-a", &[]),
        ("https://a.example/#top #out", &["#out"]),
    ] {
        assert_eq!(tags_in(text), tags, "{text}");
    }
}

#[test]
fn mentions_are_names_with_or_without_a_server() {
    for (text, names) in [
        ("@alice", &["@alice"][..]),
        ("hi @alice, .@bob! (@car_ol)", &["@alice", "@bob", "@car_ol"]),
        ("@alice.bsky.social.", &["@alice.bsky.social"]),
        ("@alice@example.org. @b@münchen.de", &["@alice@example.org", "@b@münchen.de"]),
        ("@alice@bob @x@", &["@alice", "@x"]),
        ("＠alice 感谢@bob谢谢", &["＠alice", "@bob"]),
        ("🎉@alice🎉", &["@alice"]),
        ("mail a@example.com a.b@example.com x@@y", &[]),
        ("@josé @é @- @.a @", &[]),
        ("https://a.example/@alice?x=@bob @out", &["@out"]),
    ] {
        assert_eq!(mentions_in(text), names, "{text}");
    }
}

#[test]
fn a_tag_or_a_name_ends_where_a_link_begins() {
    let tag = "#日本https://example.com";
    assert_eq!((tags_in(tag), links_in(tag)), (vec!["#日本"], vec!["https://example.com"]));
    let name = "@a@例え.テストhttps://example.com";
    assert_eq!((mentions_in(name), links_in(name)), (vec!["@a@例え.テスト"], vec!["https://example.com"]));
}

/// Texts made of what is hard about texts.
fn hard() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "https://",
        "http://",
        "HTTPS://",
        "a.example",
        "example.com",
        "münchen.de",
        "例え.テスト",
        "/",
        "?q=",
        "#",
        "＃",
        "@",
        "＠",
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        ":",
        ":80",
        " ",
        "\n",
        "🎉",
        "❤️",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "e\u{301}",
        "\u{200d}",
        "・",
        "日本",
        "हिन्दी",
        "a",
        "_",
        "1",
        "-",
        "…",
        "\u{fe0f}\u{20e3}",
        "&",
        "'",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat()), "\\PC{0,40}", any::<String>()]
}

/// In order, apart, not empty, on character boundaries.
fn sound(text: &str, ranges: &[Range<usize>]) -> Result<(), TestCaseError> {
    let mut end = 0;
    for range in ranges {
        prop_assert!(range.start >= end && range.start < range.end, "{ranges:?}");
        prop_assert!(text.get(range.clone()).is_some(), "{range:?} cuts a character");
        end = range.end;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn ranges_are_sound_in_any_text(text in hard()) {
        let (links, tags, names) = (links(&text), hashtags(&text), mentions(&text));
        sound(&text, &links)?;
        sound(&text, &tags)?;
        sound(&text, &names)?;
        // Nor does one kind overlap another.
        let mut all = [links, tags, names].concat();
        all.sort_by_key(|range| range.start);
        sound(&text, &all)?;
    }

    #[test]
    fn a_link_alone_is_found_whole(text in hard()) {
        for link in links_in(&text) {
            prop_assert_eq!(links_in(link), [link]);
            let host = link.split_once("://").unwrap().1;
            prop_assert!(host.contains('.'));
        }
    }
}
