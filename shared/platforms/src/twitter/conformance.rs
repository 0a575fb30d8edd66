//! The conformance data of twitter-text, where it is at hand: `HERALD_SPECS`, or `../shared/platforms/specs` beside the
//! repository.

use std::io::Write;
use std::path::PathBuf;

use serde_yaml_ng::Value;

use super::{text, urls};

/// A file of the data; without it the test says so and passes.
fn data(test: &str, file: &str) -> Option<Value> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/platforms/specs"));
    let path = std::env::var_os("HERALD_SPECS").map_or_else(beside, PathBuf::from).join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        // Past the test runner's capture, so that it is seen without a switch.
        let line = format!("SKIPPED: {test}: {} is not there (HERALD_SPECS)\n", path.display());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    Some(serde_yaml_ng::from_slice::<Value>(&bytes).unwrap())
}

fn cases<'a>(data: &'a Value, group: &str) -> &'a [Value] {
    data["tests"][group].as_sequence().unwrap()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn the_configuration_is_the_one_that_is_implemented() {
    let Some(config) = data("configuration", "x-twitter-text-config-v3.json") else { return };
    let number = |name: &str| config[name].as_u64().unwrap();
    assert_eq!((number("version"), number("maxWeightedTweetLength")), (3, 280));
    assert_eq!((number("transformedURLLength"), number("defaultWeight") / number("scale")), (23, 2));
    for range in config["ranges"].as_sequence().unwrap() {
        let [start, end] = ["start", "end"].map(|name| u32::try_from(range[name].as_u64().unwrap()).unwrap());
        for point in [start, end] {
            let text = format!("{}.", char::from_u32(point).unwrap());
            assert!(text::weight(&text) <= 2, "{point} counts one");
        }
        assert_eq!(text::weight(&char::from_u32(end + 1).unwrap().to_string()), 2, "{end} is the last that counts one");
    }
}

#[test]
fn texts_weigh_what_they_weigh_there() {
    let Some(data) = data("weights", "x-twitter-text-conformance-validate.yml") else { return };
    // The group without "discounted" is of configuration 2, where an emoji counts as its characters do.
    for group in ["WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"] {
        for case in cases(&data, group) {
            let (text, expected) = (case["text"].as_str().unwrap(), &case["expected"]);
            let weight = text::weight(text);
            assert_eq!(u64::from(weight), expected["weightedLength"].as_u64().unwrap(), "{:?}", case["description"]);
            let valid = (1..=280).contains(&weight) && !text::has_invalid(text);
            assert_eq!(valid, expected["valid"].as_bool().unwrap(), "{:?}", case["description"]);
        }
    }
    let without_emoji = cases(&data, "WeightedTweetsCounterTest").iter().filter(|case| {
        let description = case["description"].as_str().unwrap();
        !["emoji", "mix of", "ZWJ", "u2000"].iter().any(|word| description.contains(word))
    });
    for case in without_emoji {
        let weight = text::weight(case["text"].as_str().unwrap());
        assert_eq!(
            u64::from(weight),
            case["expected"]["weightedLength"].as_u64().unwrap(),
            "{:?}",
            case["description"]
        );
    }
}

#[test]
fn links_are_found_where_they_are_found_there() {
    let Some(data) = data("links", "x-twitter-text-conformance-extract.yml") else { return };
    for group in ["urls", "tco_urls_with_params"] {
        for case in cases(&data, group) {
            let text = case["text"].as_str().unwrap();
            let found: Vec<&str> = urls::find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, words(&case["expected"]), "{:?}", case["description"]);
        }
    }
    for group in ["urls_with_indices", "urls_with_directional_markers"] {
        for case in cases(&data, group) {
            let text = case["text"].as_str().unwrap();
            let count = |end: usize| text[..end].chars().count() as u64;
            let found: Vec<(&str, u64, u64)> =
                urls::find(text).into_iter().map(|r| (&text[r.clone()], count(r.start), count(r.end))).collect();
            let expected: Vec<(&str, u64, u64)> = case["expected"]
                .as_sequence()
                .unwrap()
                .iter()
                .map(|e| {
                    let at = |index: usize| e["indices"][index].as_u64().unwrap();
                    (e["url"].as_str().unwrap(), at(0), at(1))
                })
                .collect();
            assert_eq!(found, expected, "{:?}", case["description"]);
        }
    }
}

#[test]
fn every_top_level_domain_is_known() {
    let Some(data) = data("top-level domains", "x-twitter-text-conformance-tlds.yml") else { return };
    for group in ["country", "generic"] {
        for case in cases(&data, group) {
            let text = case["text"].as_str().unwrap();
            let found: Vec<&str> = urls::find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, words(&case["expected"]), "{:?}", case["description"]);
        }
    }
}
