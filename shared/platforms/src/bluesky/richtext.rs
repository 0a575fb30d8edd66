//! What is marked in a text: links, mentions and hashtags. Nothing is detected by the network itself.

use std::ops::Range;

use serde::Serialize;

use super::facts::FACTS;
use crate::compose;

/// The longest hashtag, without its sign.
const TAG_GRAPHEMES: u32 = 64;
const TAG_BYTES: usize = 640;

/// A marked part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Facet {
    index: Slice,
    features: [Feature; 1],
}

/// Offsets in UTF-8 bytes; the end is the first byte behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Slice {
    byte_start: usize,
    byte_end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "$type")]
enum Feature {
    #[serde(rename = "app.bsky.richtext.facet#link")]
    Link { uri: String },
    #[serde(rename = "app.bsky.richtext.facet#mention")]
    Mention { did: String },
    #[serde(rename = "app.bsky.richtext.facet#tag")]
    Tag { tag: String },
}

/// The marks of `text`, in order and apart from each other. `did_of` knows the identities of the handles that were found
/// to have one; any other mention stays plain text.
pub(super) fn facets(text: &str, did_of: &dyn Fn(&str) -> Option<String>) -> Vec<Facet> {
    let links = compose::links(text).into_iter().filter_map(|range| {
        let uri = text.get(range.clone())?.to_owned();
        Some((range, Feature::Link { uri }))
    });
    let mentions = mentions(text).into_iter().filter_map(|(range, handle)| {
        let did = did_of(&handle)?;
        Some((range, Feature::Mention { did }))
    });
    let tags = compose::hashtags(text).into_iter().filter_map(|range| {
        let tag = text.get(range.clone())?.trim_start_matches(['#', '＃']).to_owned();
        let fits = !tag.is_empty() && tag.len() <= TAG_BYTES && compose::graphemes(&tag) <= TAG_GRAPHEMES;
        fits.then_some((range, Feature::Tag { tag }))
    });
    // None overlaps another: nothing is found inside of a link, and no mention inside of a hashtag.
    let mut kept: Vec<(Range<usize>, Feature)> = links.chain(mentions).chain(tags).collect();
    kept.sort_by_key(|(range, _)| range.start);
    kept.into_iter()
        .map(|(range, feature)| Facet {
            index: Slice { byte_start: range.start, byte_end: range.end },
            features: [feature],
        })
        .collect()
}

/// The handles that `text` mentions, each once.
pub(super) fn handles(text: &str) -> Vec<String> {
    let mut handles: Vec<String> = mentions(text).into_iter().map(|(_, handle)| handle).collect();
    handles.sort();
    handles.dedup();
    handles
}

/// Mentions of handles of this network: domain names. `@name` alone, or a name at a server, is nobody here.
fn mentions(text: &str) -> Vec<(Range<usize>, String)> {
    let handle = |range: Range<usize>| {
        let written = text.get(range.clone())?;
        let name = written.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let handle = (FACTS.handle.normalise)(name);
        let is_one = name.starts_with('@') && domain::handle::is_public_name(&handle);
        is_one.then_some((range.start..range.start + name.len(), handle))
    };
    compose::mentions(text).into_iter().filter_map(handle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marked(text: &str) -> serde_json::Value {
        let known = |handle: &str| (handle == "bob.example.com").then(|| "did:plc:bob".to_owned());
        serde_json::to_value(facets(text, &known)).unwrap()
    }

    #[test]
    fn offsets_are_bytes_of_utf_8() {
        // "Grüße " has 8 bytes, the family 25.
        assert_eq!(
            marked("Grüße @bob.example.com 👨‍👩‍👧‍👦 https://example.com/ä #Tag"),
            json!([
                {"index": {"byteStart": 8, "byteEnd": 24},
                 "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"}]},
                {"index": {"byteStart": 51, "byteEnd": 73},
                 "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/ä"}]},
                {"index": {"byteStart": 74, "byteEnd": 78},
                 "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "Tag"}]},
            ])
        );
    }

    #[test]
    fn what_stands_in_a_link_is_part_of_the_link() {
        let marks = marked("https://example.com/@bob.example.com#part");
        assert_eq!(marks.as_array().unwrap().len(), 1);
        assert_eq!(marks[0]["features"][0]["$type"], "app.bsky.richtext.facet#link");
        assert_eq!(handles("https://example.com/@bob.example.com"), [""; 0]);
    }

    #[test]
    fn a_mention_of_nobody_stays_text() {
        for text in ["@bob", "@nobody.example.com", "@bob@social.example.org", "a@b.example.com", "no marks at all"] {
            assert_eq!(marked(text), json!([]), "{text}");
        }
    }

    #[test]
    fn each_handle_is_asked_for_once() {
        assert_eq!(
            handles("@Bob.example.com, @alice.example.com and @bob.example.com."),
            ["alice.example.com", "bob.example.com"]
        );
    }

    #[test]
    fn a_hashtag_that_is_too_long_is_no_hashtag() {
        assert_eq!(marked(&format!("#{}", "a".repeat(65))), json!([]));
        assert_eq!(marked(&format!("#{}", "a".repeat(64))).as_array().unwrap().len(), 1);
    }
}
