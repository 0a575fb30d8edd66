//! Instagram's words on the wire, for publishing.

use std::collections::BTreeMap;

use domain::content::{Draft, Media, MediaKind};
use domain::{Failure, Kind};
use jiff::Timestamp;
use outbound::Answer;
use serde::Deserialize;

use super::rules::{self, Shape};
use crate::compose;
use crate::publish::{Job, PostRef};
use crate::wire::text_or_number;

/// What is asked of a container.
pub(super) const CONTAINER_FIELDS: &str = "status_code,status";

/// What is asked of a published post.
pub(super) const POST_FIELDS: &str = "id,permalink,timestamp";

/// What is asked of posts that are compared with a draft.
pub(super) const RECENT_FIELDS: &str = "id,caption,media_type,permalink,timestamp";

/// What is asked of comments that are compared with a follow-up.
pub(super) const COMMENT_FIELDS: &str = "id,text,timestamp,username,from";

/// What is asked of the quota.
pub(super) const QUOTA_FIELDS: &str = "quota_usage,config";

/// The fields of the container that holds a whole draft; `children` are those of an album.
pub(super) fn container_form(draft: &Draft, children: &[&str]) -> Vec<(&'static str, String)> {
    let shape = Shape::of(draft);
    let mut form = match (shape, draft.media.first()) {
        (Shape::Carousel, _) => {
            vec![("media_type", "CAROUSEL".to_owned()), ("children", children.join(","))]
        }
        (_, Some(media)) => vec![file_field(media)],
        (_, None) => Vec::new(),
    };
    match shape {
        Shape::Reel => {
            form.push(("media_type", "REELS".to_owned()));
            form.extend(rules::share_to_feed(draft).map(|share| ("share_to_feed", share.to_string())));
        }
        Shape::Story => form.push(("media_type", "STORIES".to_owned())),
        Shape::Image => form.extend(rules::alt_text(draft).map(|text| ("alt_text", text.to_owned()))),
        Shape::Carousel => {}
    }
    form.extend(rules::compose_text(draft).map(|text| ("caption", text.to_owned())));
    let names = rules::collaborators(draft);
    if !names.is_empty() && shape != Shape::Story {
        form.push(("collaborators", serde_json::json!(names).to_string()));
    }
    form
}

/// The fields of the container of file number `n` of an album.
pub(super) fn child_form(draft: &Draft, n: usize) -> Vec<(&'static str, String)> {
    let Some(media) = draft.media.get(n) else { return Vec::new() };
    let mut form = vec![file_field(media), ("is_carousel_item", "true".to_owned())];
    if media.kind == MediaKind::Video {
        form.push(("media_type", "VIDEO".to_owned()));
    }
    let first_image = draft.media.iter().position(|media| media.kind == MediaKind::Image);
    if first_image == Some(n) {
        form.extend(rules::alt_text(draft).map(|text| ("alt_text", text.to_owned())));
    }
    form
}

/// Only ASCII is fetched, so the address goes out in its encoded form.
fn file_field(media: &Media) -> (&'static str, String) {
    let url = url::Url::parse(&media.url).map_or_else(|_| media.url.clone(), String::from);
    (if media.kind == MediaKind::Video { "video_url" } else { "image_url" }, url)
}

#[derive(Deserialize)]
struct Created {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
}

/// The id of what a call created.
pub(super) fn created(answer: &Answer) -> Result<String, Failure> {
    Ok(answer.json::<Created>()?.id)
}

#[derive(Deserialize)]
struct Container {
    status_code: String,
    status: Option<String>,
}

/// Where a container stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Instagram fetches or converts.
    InProgress,
    /// It can be published.
    Finished,
    /// It has been published.
    Published,
    /// It cannot be published; the platform's words.
    Error(String),
    /// Nobody published it for a day.
    Expired,
}

/// Reads the state of a container.
pub(super) fn state(answer: &Answer) -> Result<State, Failure> {
    let container = answer.json::<Container>()?;
    Ok(match container.status_code.as_str() {
        "IN_PROGRESS" => State::InProgress,
        "FINISHED" => State::Finished,
        "PUBLISHED" => State::Published,
        "ERROR" => State::Error(container.status.unwrap_or_default()),
        "EXPIRED" => State::Expired,
        _ => return Err(Failure::new(Kind::ProviderDown, "a state of a container that is not known")),
    })
}

#[derive(Deserialize)]
struct Data<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct QuotaEntry {
    #[serde(default, deserialize_with = "text_or_number::count")]
    quota_usage: Option<u64>,
    config: Option<QuotaConfig>,
}

#[derive(Deserialize)]
struct QuotaConfig {
    #[serde(default, deserialize_with = "text_or_number::count")]
    quota_total: Option<u64>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    quota_duration: Option<u64>,
}

/// How many posts an account may publish through apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    /// Posts in the window that ends now.
    pub(super) used: u64,
    /// The most.
    pub(super) total: u64,
    /// The window in seconds.
    pub(super) seconds: u64,
}

/// Reads the quota; `None` where the answer does not say.
pub(super) fn quota(answer: &Answer) -> Result<Option<Quota>, Failure> {
    let entry = answer.json::<Data<QuotaEntry>>()?.data.into_iter().next();
    Ok(entry.and_then(|entry| {
        let config = entry.config?;
        let seconds = config.quota_duration.unwrap_or(86_400);
        Some(Quota { used: entry.quota_usage?, total: config.quota_total?, seconds })
    }))
}

#[derive(Deserialize)]
struct Post {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    permalink: Option<String>,
    timestamp: Option<Timestamp>,
}

/// Reads a published post.
pub(super) fn post(answer: &Answer) -> Result<PostRef, Failure> {
    let post = answer.json::<Post>()?;
    Ok(reference(post.id, post.permalink, post.timestamp))
}

/// A post or a comment by its id.
pub(super) fn reference(id: String, url: Option<String>, posted_at: Option<Timestamp>) -> PostRef {
    PostRef { id, url, posted_at, extra: BTreeMap::new() }
}

/// A post of the account, for comparing.
#[derive(Debug, Deserialize)]
pub(super) struct Recent {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
    caption: Option<String>,
    media_type: Option<String>,
    permalink: Option<String>,
    pub(super) timestamp: Timestamp,
}

/// Reads a page of posts, newest first.
pub(super) fn recent(answer: &Answer) -> Result<Vec<Recent>, Failure> {
    Ok(answer.json::<Data<Recent>>()?.data)
}

/// What to ask for to get the page after this one.
pub(super) fn next_page(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Page {
        paging: Option<Paging>,
    }
    #[derive(Deserialize)]
    struct Paging {
        cursors: Option<Cursors>,
        next: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Cursors {
        after: Option<String>,
    }
    answer.json::<Page>().ok()?.paging.filter(|paging| paging.next.is_some())?.cursors?.after
}

impl Recent {
    /// Whether it may be the draft of `job`, published no earlier than `since`.
    pub(super) fn is(&self, job: &Job<'_>, since: Timestamp) -> bool {
        let kind = Shape::of(job.draft).reads_back_as(job.draft);
        let caption = rules::compose_text(job.draft).unwrap_or_default();
        self.timestamp >= since
            && self.media_type.as_deref().is_none_or(|shown| shown == kind)
            && same_text(self.caption.as_deref().unwrap_or_default(), caption)
    }
}

impl From<Recent> for PostRef {
    fn from(post: Recent) -> Self {
        reference(post.id, post.permalink, Some(post.timestamp))
    }
}

#[derive(Deserialize)]
struct Comment {
    #[serde(deserialize_with = "text_or_number::text")]
    id: String,
    text: Option<String>,
    timestamp: Option<Timestamp>,
    username: Option<String>,
    from: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    id: Option<serde_json::Value>,
    username: Option<String>,
}

/// The comments on a page with this text that the account itself wrote, no earlier than `since`, and the time of the
/// page's last.
pub(super) fn own_comments(
    answer: &Answer,
    job: &Job<'_>,
    text: &str,
    since: Timestamp,
) -> Result<(Vec<PostRef>, Option<Timestamp>), Failure> {
    let comments = answer.json::<Data<Comment>>()?.data;
    let last = comments.last().and_then(|comment| comment.timestamp);
    let ours = |comment: &Comment| {
        let by_us = comment.is_by(job).unwrap_or(true);
        let at = comment.timestamp.is_some_and(|at| at >= since);
        by_us && at && same_text(comment.text.as_deref().unwrap_or_default(), text)
    };
    let found = comments.into_iter().filter(ours).map(|comment| reference(comment.id, None, comment.timestamp));
    Ok((found.collect(), last))
}

impl Comment {
    /// Whether the account of `job` wrote it; `None` where the answer does not say who did.
    fn is_by(&self, job: &Job<'_>) -> Option<bool> {
        let from = self.from.as_ref();
        let id = from.and_then(|from| from.id.as_ref()).map(|id| match id {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        // `from.id` may be this app's own id of the account, so only a match of it decides.
        if id.is_some() && id.as_deref() == job.account.platform_account_id {
            return Some(true);
        }
        let name = self.username.as_deref().or_else(|| from?.username.as_deref())?;
        Some(name.eq_ignore_ascii_case(job.account.handle))
    }
}

/// Whether two texts are the same to a reader. Instagram trims, and may rewrite blank lines.
fn same_text(a: &str, b: &str) -> bool {
    compose::nfc(a).split_whitespace().eq(compose::nfc(b).split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;
    use serde_json::{Value, json};

    fn draft(kinds: &[MediaKind], options: Value) -> Draft {
        let file = |(n, kind): (usize, &MediaKind)| Media {
            url: format!("https://media.example/ä {n}.jpg"),
            kind: *kind,
            mime: "image/jpeg".to_owned(),
            bytes: None,
            width: None,
            height: None,
            duration_ms: None,
        };
        let Value::Object(options) = options else { panic!("options are an object") };
        let media = kinds.iter().enumerate().map(file).collect();
        Draft { text: "New #blend".to_owned(), media, options, follow_ups: Vec::new() }
    }

    fn form(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn an_image_goes_out_with_its_description_and_an_address_in_ascii() {
        let draft = draft(&[MediaKind::Image], json!({"altText": "A cup", "collaborators": ["@ann", "bob"]}));
        assert_eq!(
            container_form(&draft, &[]),
            form(&[
                ("image_url", "https://media.example/%C3%A4%200.jpg"),
                ("alt_text", "A cup"),
                ("caption", "New #blend"),
                ("collaborators", r#"["ann","bob"]"#),
            ])
        );
    }

    #[test]
    fn a_single_video_is_a_reel() {
        let draft = draft(&[MediaKind::Video], json!({"shareToFeed": false, "altText": "not for reels"}));
        assert_eq!(
            container_form(&draft, &[]),
            form(&[
                ("video_url", "https://media.example/%C3%A4%200.jpg"),
                ("media_type", "REELS"),
                ("share_to_feed", "false"),
                ("caption", "New #blend"),
            ])
        );
    }

    #[test]
    fn a_story_carries_nothing_but_its_file() {
        let options = json!({"mediaType": "STORIES", "altText": "x", "collaborators": ["ann"], "shareToFeed": true});
        assert_eq!(
            container_form(&draft(&[MediaKind::Image], options), &[]),
            form(&[("image_url", "https://media.example/%C3%A4%200.jpg"), ("media_type", "STORIES")])
        );
    }

    #[test]
    fn an_album_has_its_caption_on_itself_and_its_description_on_its_first_image() {
        let draft = draft(&[MediaKind::Video, MediaKind::Image, MediaKind::Image], json!({"altText": "A cup"}));
        assert_eq!(
            container_form(&draft, &["1", "2", "3"]),
            form(&[("media_type", "CAROUSEL"), ("children", "1,2,3"), ("caption", "New #blend")])
        );
        assert_eq!(
            child_form(&draft, 0),
            form(&[
                ("video_url", "https://media.example/%C3%A4%200.jpg"),
                ("is_carousel_item", "true"),
                ("media_type", "VIDEO")
            ])
        );
        assert_eq!(child_form(&draft, 1)[2], ("alt_text", "A cup".to_owned()));
        assert_eq!(child_form(&draft, 2).len(), 2);
    }

    #[test]
    fn every_state_of_a_container_is_read() {
        let state = |body| state(&ok(body)).unwrap();
        assert_eq!(state(r#"{"status_code":"IN_PROGRESS","id":"1"}"#), State::InProgress);
        assert_eq!(state(r#"{"status_code":"FINISHED","status":"Finished: ready"}"#), State::Finished);
        assert_eq!(state(r#"{"status_code":"PUBLISHED"}"#), State::Published);
        assert_eq!(state(r#"{"status_code":"EXPIRED"}"#), State::Expired);
        let failed = state(include_str!("fixtures/container.error.json"));
        assert_eq!(failed, State::Error("Error: Media upload has failed with error code 2207026".to_owned()));
    }

    #[test]
    fn a_quota_is_what_the_answer_says() {
        let quota = quota(&ok(include_str!("fixtures/publishing_limit.json"))).unwrap();
        assert_eq!(quota, Some(Quota { used: 2, total: 100, seconds: 86_400 }));
    }

    #[test]
    fn texts_are_the_same_to_a_reader() {
        assert!(same_text("New blend\n\n#coffee ", "New blend\n#coffee"));
        assert!(same_text("Ko\u{308}ln", "Köln"));
        assert!(!same_text("New blend", "New blends"));
    }
}
