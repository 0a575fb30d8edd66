//! What is written into an account's repository, and what the servers answer to it.

use std::collections::BTreeMap;

use domain::content::{Draft, Media};
use domain::{Failure, Kind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::richtext::{self, Facet};
use crate::publish::PostRef;

/// The collection of posts.
pub(super) const POSTS: &str = "app.bsky.feed.post";
/// In [`PostRef::extra`]: the hash of the record's content, which a reply must name.
pub(super) const CID: &str = "cid";

/// A post as a record. The same delivery makes the same record in each attempt, to the byte: that is what makes a
/// repeated write a write of nothing.
#[derive(Debug, Serialize)]
pub(super) struct Post<'a> {
    #[serde(rename = "$type")]
    kind: &'static str,
    text: &'a str,
    #[serde(rename = "createdAt")]
    created_at: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    langs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facets: Vec<Facet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed: Option<Value>,
}

impl<'a> Post<'a> {
    pub(super) fn new(text: &'a str, at: Timestamp, draft: &Draft, did_of: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            kind: POSTS,
            text,
            created_at: created_at(at),
            langs: langs(draft),
            facets: richtext::facets(text, did_of),
            reply: None,
            embed: None,
        }
    }

    /// The same with files; `blobs` has what the server answered for each.
    pub(super) fn with_media(mut self, draft: &Draft, blobs: &[Value]) -> Self {
        let files: Vec<(&Media, &Value)> = draft.media.iter().zip(blobs).collect();
        self.embed = match files.as_slice() {
            [] => None,
            [(video, blob)] if super::upload::is_video(video) => {
                Some(shaped(json!({ "$type": "app.bsky.embed.video", "video": blob, "alt": alt(draft, 0) }), video))
            }
            images => {
                let image = |(n, (media, blob)): (usize, &(&Media, &Value))| {
                    shaped(json!({ "image": blob, "alt": alt(draft, n) }), media)
                };
                let images: Vec<Value> = images.iter().enumerate().map(image).collect();
                Some(json!({ "$type": "app.bsky.embed.images", "images": images }))
            }
        };
        self
    }

    /// The same as a reply.
    pub(super) fn replying(mut self, root: &StrongRef, parent: &StrongRef) -> Self {
        self.reply = Some(json!({ "root": root, "parent": parent }));
        self
    }
}

/// A record and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StrongRef {
    pub(super) uri: String,
    pub(super) cid: String,
}

/// The answer to a written or a read record.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) uri: String,
    /// Only a read may leave it out.
    pub(super) cid: Option<String>,
    /// What is in it, when it was read.
    #[serde(default)]
    value: Value,
}

impl Written {
    /// Whether it carries the time that we would have given it. Nobody else gives a record of this key the same
    /// millisecond; its text may have been edited since in another client.
    pub(super) fn is_of(&self, at: Timestamp) -> bool {
        self.value["createdAt"].as_str() == Some(created_at(at).as_str())
    }

    /// What is remembered of it; `page` is the account's own.
    pub(super) fn into_ref(self, page: &str, at: Timestamp) -> PostRef {
        let rkey = self.uri.rsplit_once('/').map_or("", |(_, rkey)| rkey);
        PostRef {
            url: Some(format!("{page}/post/{rkey}")),
            extra: self.cid.map(|cid| (CID.to_owned(), cid)).into_iter().collect::<BTreeMap<_, _>>(),
            posted_at: created_at(at).parse().ok(),
            id: self.uri,
        }
    }
}

/// A blob that was stored.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) blob: Value,
}

/// A token that another service accepts in the account's name.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceToken {
    pub(super) token: domain::Secret,
}

/// How far the video service is. Its answer to an upload has the members at the top, its answer to a look inside
/// `jobStatus`; the schema says the latter of both.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VideoJob {
    job_status: Option<Box<VideoJob>>,
    pub(super) job_id: Option<String>,
    pub(super) state: Option<String>,
    pub(super) blob: Option<Value>,
    pub(super) error: Option<String>,
    pub(super) failure_code: Option<String>,
    pub(super) message: Option<String>,
}

impl VideoJob {
    pub(super) fn flat(self) -> Self {
        match self.job_status {
            Some(inner) => inner.flat(),
            None => self,
        }
    }
}

/// The time as it stands in the record: to the millisecond.
fn created_at(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The option `langs`.
fn langs(draft: &Draft) -> Vec<String> {
    let list = draft.options.get("langs").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|lang| lang.as_str().map(str::to_owned)).collect()
}

/// What the option `altText` says of file `n`. A single text is about the first.
pub(super) fn alt(draft: &Draft, n: usize) -> &str {
    match draft.options.get("altText") {
        Some(Value::String(text)) if n == 0 => text,
        Some(Value::Array(list)) => list.get(n).and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

/// With the proportions, where they are known, so that nothing jumps while the file loads.
fn shaped(mut embed: Value, media: &Media) -> Value {
    if let (Some(width), Some(height)) = (media.width.filter(|w| *w > 0), media.height.filter(|h| *h > 0)) {
        embed["aspectRatio"] = json!({ "width": width, "height": height });
    }
    embed
}

/// The key of a post of ours, from its `at://did/collection/rkey`.
pub(super) fn rkey(uri: &str) -> Result<&str, Failure> {
    let (rest, rkey) = uri.rsplit_once('/').unwrap_or_default();
    let ours = rest.starts_with("at://did:") && rest.ends_with(&format!("/{POSTS}")) && !rkey.is_empty();
    ours.then_some(rkey).ok_or_else(|| Failure::new(Kind::InvalidRequest, "not the id of a post of this network"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::content::MediaKind;

    fn media(kind: MediaKind, size: Option<(u32, u32)>) -> Media {
        Media {
            url: "https://files.example/1".to_owned(),
            kind,
            mime: String::new(),
            bytes: None,
            width: size.map(|s| s.0),
            height: size.map(|s| s.1),
            duration_ms: None,
        }
    }

    fn at() -> Timestamp {
        "2026-11-23T20:00:00.123456Z".parse().unwrap()
    }

    fn nobody(_: &str) -> Option<String> {
        None
    }

    fn draft(media: Vec<Media>, options: Value) -> Draft {
        Draft { text: "hi".to_owned(), media, options: options.as_object().cloned().unwrap(), follow_ups: vec![] }
    }

    #[test]
    fn a_plain_post_holds_nothing_that_is_not_there() {
        let draft = draft(vec![], json!({}));
        let post = Post::new("hi", at(), &draft, &nobody).with_media(&draft, &[]);
        assert_eq!(
            serde_json::to_string(&post).unwrap(),
            r#"{"$type":"app.bsky.feed.post","text":"hi","createdAt":"2026-11-23T20:00:00.123Z"}"#
        );
    }

    #[test]
    fn pictures_have_their_descriptions_and_their_proportions() {
        let list = vec![media(MediaKind::Image, Some((4, 3))), media(MediaKind::Image, None)];
        let draft = draft(list, json!({"altText": ["one", "two"], "langs": ["en", "de"]}));
        let post = Post::new("hi", at(), &draft, &nobody).with_media(&draft, &[json!("a"), json!("b")]);
        let post = serde_json::to_value(post).unwrap();
        assert_eq!(post["langs"], json!(["en", "de"]));
        assert_eq!(
            post["embed"],
            json!({"$type": "app.bsky.embed.images", "images": [
                {"image": "a", "alt": "one", "aspectRatio": {"width": 4, "height": 3}}, {"image": "b", "alt": "two"}]})
        );
    }

    #[test]
    fn a_single_description_is_of_the_first_file() {
        let draft = draft(vec![media(MediaKind::Video, Some((0, 3)))], json!({"altText": "a film"}));
        let post = Post::new("hi", at(), &draft, &nobody).with_media(&draft, &[json!("v")]);
        assert_eq!(
            serde_json::to_value(post).unwrap()["embed"],
            json!({"$type": "app.bsky.embed.video", "video": "v", "alt": "a film"})
        );
        assert_eq!(alt(&draft, 1), "");
    }

    #[test]
    fn a_reply_names_the_root_and_the_parent() {
        let named = |n: &str| StrongRef { uri: format!("at://{n}"), cid: n.to_owned() };
        let draft = draft(vec![], json!({}));
        let post = Post::new("re", at(), &draft, &nobody).replying(&named("root"), &named("parent"));
        assert_eq!(
            serde_json::to_value(post).unwrap()["reply"],
            json!({"root": {"uri": "at://root", "cid": "root"}, "parent": {"uri": "at://parent", "cid": "parent"}})
        );
    }

    #[test]
    fn a_record_is_known_by_its_time() {
        let read: Written = serde_json::from_str(include_str!("fixtures/record.json")).unwrap();
        assert!(read.is_of("2026-08-01T10:00:00Z".parse().unwrap()));
        assert!(!read.is_of("2026-08-01T10:00:00.001Z".parse().unwrap()));
        let post = read.into_ref("https://bsky.app/profile/alice.test", at());
        assert_eq!(post.id, "at://did:plc:atjq4x7c7b3ewegxjx57ad5a/app.bsky.feed.post/3n2qhjxtkz22l");
        assert_eq!(post.url.as_deref(), Some("https://bsky.app/profile/alice.test/post/3n2qhjxtkz22l"));
        assert_eq!(post.extra[CID], "bafyreidl72josqyfva3r7rt66bfpjcheuwcdvdewwnm6f6e7eofdqgkbi4");
        assert_eq!(rkey(&post.id).unwrap(), "3n2qhjxtkz22l");
    }

    #[test]
    fn only_a_post_has_a_key() {
        for uri in ["", "3n2qhjxtkz22l", "at://did:plc:x/app.bsky.feed.like/1", "https://x/app.bsky.feed.post/1"] {
            assert_eq!(rkey(uri).unwrap_err().kind, Kind::InvalidRequest, "{uri}");
        }
    }

    #[test]
    fn a_job_is_read_in_both_of_its_forms() {
        for text in [include_str!("fixtures/video_job.json"), include_str!("fixtures/video_job.flat.json")] {
            let job = serde_json::from_str::<VideoJob>(text).unwrap().flat();
            assert_eq!((job.job_id.as_deref(), job.state.as_deref()), (Some("job-1"), Some("JOB_STATE_ENCODING")));
        }
    }
}
