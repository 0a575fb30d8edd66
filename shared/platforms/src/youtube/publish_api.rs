//! YouTube's words on the wire, for publishing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::Failure;
use domain::content::Draft;
use jiff::Timestamp;
use outbound::Answer;
use serde::{Deserialize, Serialize};

use super::{refusal, rules};
use crate::compose;
use crate::publish::{Job, PostRef};

/// What is said about a video when its upload begins.
#[derive(Serialize)]
pub(super) struct Insert<'a> {
    snippet: InsertSnippet<'a>,
    status: InsertStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InsertSnippet<'a> {
    title: Cow<'a, str>,
    description: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InsertStatus<'a> {
    privacy_status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_declared_made_for_kids: Option<bool>,
}

impl<'a> Insert<'a> {
    pub(super) fn new(draft: &'a Draft) -> Self {
        Self {
            snippet: InsertSnippet {
                title: rules::title(draft),
                description: rules::compose_text(draft),
                tags: rules::tags(draft),
                category_id: rules::category(draft),
            },
            status: InsertStatus {
                privacy_status: rules::privacy(draft),
                self_declared_made_for_kids: rules::made_for_kids(draft),
            },
        }
    }
}

#[derive(Deserialize)]
struct Inserted {
    id: String,
}

/// The id of what a call created.
pub(super) fn created(answer: &Answer) -> Result<String, Failure> {
    Ok(answer.json::<Inserted>()?.id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
    next_page_token: Option<String>,
}

/// What a page of a list holds for a search.
#[derive(Debug)]
pub(super) struct Shown {
    /// What could be ours.
    pub(super) ours: Vec<PostRef>,
    /// The time of the oldest on the page.
    pub(super) oldest: Option<Timestamp>,
    /// The next page.
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    id: String,
    snippet: Option<VideoSnippet>,
    status: Option<VideoStatus>,
    processing_details: Option<Processing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoSnippet {
    published_at: Option<Timestamp>,
    title: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoStatus {
    upload_status: Option<String>,
    failure_reason: Option<String>,
    rejection_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Processing {
    processing_status: Option<String>,
    processing_failure_reason: Option<String>,
}

/// Where an uploaded video stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// YouTube works on it.
    Processing,
    /// It is out.
    Out(PostRef),
    /// It never will be.
    Refused(Failure),
}

/// Reads where a video stands; `None` when the channel has no such video.
pub(super) fn standing(answer: &Answer) -> Result<Option<Standing>, Failure> {
    Ok(answer.json::<List<Video>>()?.items.into_iter().next().map(|video| {
        let status = video.status.as_ref();
        let refused = |reason: Option<&str>| Standing::Refused(refusal::of_video(reason.unwrap_or_default()));
        let processing = video.processing_details.as_ref();
        match status.and_then(|status| status.upload_status.as_deref()) {
            Some("processed") => {
                let posted_at = video.snippet.as_ref().and_then(|snippet| snippet.published_at);
                Standing::Out(reference(video.id, posted_at))
            }
            Some("failed") => refused(status.and_then(|status| status.failure_reason.as_deref())),
            Some("rejected") => refused(status.and_then(|status| status.rejection_reason.as_deref())),
            Some("deleted") => refused(Some("deleted")),
            // The status of the upload may lag behind that of its processing.
            _ => match processing.and_then(|processing| processing.processing_status.as_deref()) {
                Some("failed" | "terminated") => {
                    refused(processing.and_then(|processing| processing.processing_failure_reason.as_deref()))
                }
                _ => Standing::Processing,
            },
        }
    }))
}

/// A video by its id.
pub(super) fn reference(id: String, posted_at: Option<Timestamp>) -> PostRef {
    let url = Some(format!("https://www.youtube.com/watch?v={id}"));
    PostRef { id, url, posted_at, extra: BTreeMap::new() }
}

/// The videos among these that are the draft of `job` and no older than it.
pub(super) fn own_videos(answer: &Answer, job: &Job<'_>) -> Result<Shown, Failure> {
    let (title, description) = (rules::title(job.draft), rules::compose_text(job.draft));
    let list = answer.json::<List<Video>>()?;
    let oldest = list.items.iter().filter_map(|video| video.snippet.as_ref()?.published_at).min();
    let ours = list.items.into_iter().filter_map(|video| {
        let snippet = video.snippet?;
        let at = snippet.published_at.filter(|at| *at >= job.since())?;
        let same = same_text(snippet.title.as_deref().unwrap_or_default(), &title)
            && same_text(snippet.description.as_deref().unwrap_or_default(), &description);
        (same && job.may_be(&video.id)).then(|| reference(video.id, Some(at)))
    });
    Ok(Shown { ours: ours.collect(), oldest, next: list.next_page_token })
}

/// A comment under a video.
#[derive(Serialize)]
pub(super) struct Comment<'a> {
    snippet: CommentSnippet<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommentSnippet<'a> {
    video_id: &'a str,
    top_level_comment: TopLevel<'a>,
}

#[derive(Serialize)]
struct TopLevel<'a> {
    snippet: TopLevelSnippet<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TopLevelSnippet<'a> {
    text_original: &'a str,
}

impl<'a> Comment<'a> {
    pub(super) fn new(video_id: &'a str, text: &'a str) -> Self {
        Self {
            snippet: CommentSnippet {
                video_id,
                top_level_comment: TopLevel { snippet: TopLevelSnippet { text_original: text } },
            },
        }
    }
}

#[derive(Deserialize)]
struct Thread {
    id: String,
    snippet: ThreadSnippet,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadSnippet {
    top_level_comment: ShownComment,
}

#[derive(Deserialize)]
struct ShownComment {
    snippet: ShownSnippet,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownSnippet {
    /// As it was written, which only its author gets; the text for display has markup in it.
    text_original: Option<String>,
    author_channel_id: Option<Author>,
    published_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Author {
    value: String,
}

/// The comments with this text that the channel itself wrote, no older than `since`.
pub(super) fn own_comments(
    answer: &Answer,
    channel: Option<&str>,
    text: &str,
    since: Timestamp,
) -> Result<Shown, Failure> {
    let list = answer.json::<List<Thread>>()?;
    let next = list.next_page_token;
    let comments: Vec<(String, ShownSnippet)> =
        list.items.into_iter().map(|thread| (thread.id, thread.snippet.top_level_comment.snippet)).collect();
    let oldest = comments.iter().filter_map(|(_, comment)| comment.published_at).min();
    let ours = comments.into_iter().filter_map(|(id, comment)| {
        let at = comment.published_at.filter(|at| *at >= since)?;
        let author = comment.author_channel_id.map(|author| author.value);
        let by_us = author.as_deref().zip(channel).is_none_or(|(author, channel)| author == channel);
        let shown = comment.text_original.unwrap_or_default();
        (by_us && same_text(&shown, text)).then(|| PostRef { url: None, ..reference(id, Some(at)) })
    });
    Ok(Shown { ours: ours.collect(), oldest, next })
}

/// Whether two texts are the same to a reader. YouTube trims them.
fn same_text(a: &str, b: &str) -> bool {
    compose::nfc(a).split_whitespace().eq(compose::nfc(b).split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;
    use domain::Kind;
    use serde_json::{Value, json};

    fn draft(text: &str, options: Value) -> Draft {
        let Value::Object(options) = options else { panic!("options are an object") };
        Draft { text: text.to_owned(), options, ..Draft::default() }
    }

    #[test]
    fn a_video_is_announced_with_all_that_is_known_about_it() {
        let options = json!({"privacyStatus": "unlisted", "tags": ["#coffee", "latte art"], "categoryId": "22",
                             "madeForKids": false, "publishAsShort": true});
        assert_eq!(
            serde_json::to_value(Insert::new(&draft("Swans\nHow to pour", options))).unwrap(),
            json!({
                "snippet": {"title": "Swans", "description": "Swans\nHow to pour\n\n#Shorts",
                            "tags": ["coffee", "latte art"], "categoryId": "22"},
                "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": false},
            })
        );
        assert_eq!(
            serde_json::to_value(Insert::new(&draft("", json!({"title": "Swans"})))).unwrap(),
            json!({"snippet": {"title": "Swans", "description": ""}, "status": {"privacyStatus": "public"}})
        );
    }

    #[test]
    fn a_video_is_out_when_it_is_processed() {
        let read = |body: &str| standing(&ok(body)).unwrap();
        let Some(Standing::Out(post)) = read(include_str!("fixtures/video.processed.json")) else {
            panic!("it is out")
        };
        assert_eq!(post.id, "dQw4w9WgXc0");
        assert_eq!(post.url.as_deref(), Some("https://www.youtube.com/watch?v=dQw4w9WgXc0"));
        assert_eq!(post.posted_at.unwrap().to_string(), "2026-11-10T09:00:00Z");
        assert_eq!(read(include_str!("fixtures/video.uploaded.json")), Some(Standing::Processing));
        assert_eq!(read(r#"{"kind":"youtube#videoListResponse"}"#), None);
    }

    #[test]
    fn a_video_that_never_goes_out_tells_why() {
        let refused = |body: &str| match standing(&ok(body)).unwrap() {
            Some(Standing::Refused(failure)) => (failure.kind, failure.code),
            other => panic!("{other:?}"),
        };
        let duplicate = include_str!("fixtures/video.rejected.json");
        assert_eq!(refused(duplicate), (Kind::Duplicate, Some("duplicate".to_owned())));
        let failed = include_str!("fixtures/video.failed.json");
        assert_eq!(refused(failed), (Kind::ContentRefused, Some("codec".to_owned())));
        let terminated = r#"{"items":[{"id":"a","status":{"uploadStatus":"uploaded"},
            "processingDetails":{"processingStatus":"terminated"}}]}"#;
        assert_eq!(refused(terminated), (Kind::ContentRefused, None));
    }

    #[test]
    fn a_comment_is_ours_only_with_its_text_its_author_and_its_time() {
        let answer = ok(include_str!("fixtures/comments.json"));
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let find = |channel, text, since| own_comments(&answer, Some(channel), text, at(since)).unwrap().ours;
        let [found] = &find("UC0000000000000000000001", "More on\nour site", "2026-11-10T09:00:00Z")[..] else {
            panic!("one comment")
        };
        assert_eq!((found.id.as_str(), &found.url), ("UgzOwn", &None));
        assert_eq!(find("UC0000000000000000000001", "More on our site", "2026-11-10T09:00:06Z"), []);
        assert_eq!(find("UC0000000000000000000001", "More", "2026-11-10T09:00:00Z"), []);
        assert_eq!(find("UC0000000000000000000009", "More on our site", "2026-11-10T09:00:00Z"), []);
    }
}
