//! TikTok's words on the wire, for publishing.

use domain::content::Draft;
use domain::{Failure, Secret};
use jiff::Timestamp;
use outbound::Answer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules;
use super::upload::Plan;
use crate::compose;
use crate::publish::PostRef;
use crate::wire::text_or_number;

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

/// What an account allows at this moment.
#[derive(Debug, Deserialize)]
pub(super) struct Creator {
    pub(super) creator_username: Option<String>,
    #[serde(default)]
    pub(super) privacy_level_options: Vec<String>,
    #[serde(default)]
    pub(super) comment_disabled: bool,
    #[serde(default)]
    pub(super) duet_disabled: bool,
    #[serde(default)]
    pub(super) stitch_disabled: bool,
    #[serde(default, deserialize_with = "text_or_number::count")]
    pub(super) max_video_post_duration_sec: Option<u64>,
}

/// Reads what an account allows.
pub(super) fn creator(answer: &Answer) -> Result<Creator, Failure> {
    Ok(answer.json::<Data<Creator>>()?.data)
}

/// Who may see a post and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) privacy: String,
    pub(super) no_comment: bool,
    pub(super) no_duet: bool,
    pub(super) no_stitch: bool,
}

/// The start of a video's upload. Without `terms` it becomes a draft.
#[derive(Serialize)]
pub(super) struct VideoInit<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    post_info: Option<VideoInfo<'a>>,
    source_info: FileSource,
}

#[derive(Serialize)]
struct VideoInfo<'a> {
    title: &'a str,
    privacy_level: &'a str,
    disable_comment: bool,
    disable_duet: bool,
    disable_stitch: bool,
}

#[derive(Serialize)]
struct FileSource {
    source: &'static str,
    video_size: u64,
    chunk_size: u64,
    total_chunk_count: u64,
}

impl<'a> VideoInit<'a> {
    pub(super) fn new(draft: &'a Draft, terms: Option<&'a Terms>, plan: Plan) -> Self {
        Self {
            post_info: terms.map(|terms| VideoInfo {
                title: rules::compose_text(draft),
                privacy_level: &terms.privacy,
                disable_comment: terms.no_comment,
                disable_duet: terms.no_duet,
                disable_stitch: terms.no_stitch,
            }),
            source_info: FileSource {
                source: "FILE_UPLOAD",
                video_size: plan.size,
                chunk_size: plan.chunk,
                total_chunk_count: plan.count,
            },
        }
    }
}

/// The start of a post of photos, which is all of it. Without `terms` it becomes a draft.
#[derive(Serialize)]
pub(super) struct PhotoInit<'a> {
    media_type: &'static str,
    post_mode: &'static str,
    post_info: PhotoInfo<'a>,
    source_info: UrlSource,
}

#[derive(Serialize)]
struct PhotoInfo<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_level: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_comment: Option<bool>,
}

#[derive(Serialize)]
struct UrlSource {
    source: &'static str,
    photo_images: Vec<String>,
    photo_cover_index: u32,
}

impl<'a> PhotoInit<'a> {
    pub(super) fn new(draft: &'a Draft, terms: Option<&'a Terms>) -> Self {
        Self {
            media_type: "PHOTO",
            post_mode: if terms.is_some() { "DIRECT_POST" } else { "MEDIA_UPLOAD" },
            post_info: PhotoInfo {
                description: rules::compose_text(draft),
                privacy_level: terms.map(|terms| terms.privacy.as_str()),
                disable_comment: terms.map(|terms| terms.no_comment),
            },
            source_info: UrlSource {
                source: "PULL_FROM_URL",
                photo_images: draft.media.iter().map(|media| encoded(&media.url)).collect(),
                photo_cover_index: 0,
            },
        }
    }
}

/// An address as it stands in a request line.
fn encoded(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

#[derive(Deserialize)]
struct Started {
    publish_id: String,
    upload_url: Option<Secret>,
}

/// Reads the answer to a start: the publish id, and where the bytes go.
pub(super) fn started(answer: &Answer) -> Result<(String, Option<Secret>), Failure> {
    let started = answer.json::<Data<Started>>()?.data;
    Ok((started.publish_id, started.upload_url))
}

/// Asks where a post stands.
#[derive(Serialize)]
pub(super) struct AskStatus<'a> {
    pub(super) publish_id: &'a str,
}

/// Where a post stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    /// TikTok waits for bytes, or works on those it has; `uploaded` where it says how many.
    Uploading {
        /// Bytes that have arrived.
        uploaded: Option<u64>,
    },
    /// TikTok fetches the files.
    Downloading,
    /// The draft is in the person's inbox.
    InInbox,
    /// Published; the public id comes when moderation has ended, and never for a post that is not public.
    Complete {
        /// The public id.
        id: Option<String>,
    },
    /// Refused in processing, with the reason.
    Failed(String),
}

#[derive(Deserialize)]
struct Fetched {
    status: String,
    fail_reason: Option<String>,
    #[serde(default, deserialize_with = "text_or_number::count")]
    uploaded_bytes: Option<u64>,
    /// TikTok's own spelling. Ids are larger than 2^53.
    #[serde(default)]
    publicaly_available_post_id: Vec<Value>,
}

/// Reads where a post stands; `None` for a word that is not known.
pub(super) fn status(answer: &Answer) -> Result<Option<Status>, Failure> {
    let fetched = answer.json::<Data<Fetched>>()?.data;
    // One post may get several ids over time; the first is the one it went out under.
    let id = fetched.publicaly_available_post_id.into_iter().find_map(|id| match id {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    Ok(Some(match fetched.status.as_str() {
        "PROCESSING_UPLOAD" => Status::Uploading { uploaded: fetched.uploaded_bytes },
        "PROCESSING_DOWNLOAD" => Status::Downloading,
        "SEND_TO_USER_INBOX" => Status::InInbox,
        "PUBLISH_COMPLETE" => Status::Complete { id },
        "FAILED" => Status::Failed(fetched.fail_reason.unwrap_or_default()),
        _ => return Ok(None),
    }))
}

/// What is asked of posts that are compared with a draft.
pub(super) const RECENT_FIELDS: &str = "id,create_time,share_url,video_description,title";

/// A post of the account, for comparing.
#[derive(Debug, Deserialize)]
pub(super) struct Recent {
    #[serde(deserialize_with = "text_or_number::text")]
    pub(super) id: String,
    create_time: i64,
    share_url: Option<String>,
    video_description: Option<String>,
    title: Option<String>,
}

#[derive(Deserialize)]
struct RecentData {
    #[serde(default)]
    videos: Vec<Recent>,
    cursor: Option<i64>,
    #[serde(default)]
    has_more: bool,
}

/// A page of the account's posts, newest first.
pub(super) struct RecentPage {
    pub(super) posts: Vec<Recent>,
    /// What to ask for next; `None` at the end.
    pub(super) next: Option<i64>,
}

/// Reads a page of posts.
pub(super) fn recent(answer: &Answer) -> Result<RecentPage, Failure> {
    let RecentData { videos, cursor, has_more } = answer.json::<Data<RecentData>>()?.data;
    Ok(RecentPage { posts: videos, next: cursor.filter(|_| has_more) })
}

impl Recent {
    /// When it was posted.
    pub(super) fn posted_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.create_time).ok()
    }

    /// Whether its text is the draft's. A list shows the beginning of a long one.
    pub(super) fn says(&self, draft: &Draft) -> bool {
        let text = rules::compose_text(draft);
        let shown = [self.video_description.as_deref(), self.title.as_deref()];
        let mut shown = shown.into_iter().flatten().filter(|shown| !shown.trim().is_empty()).peekable();
        match shown.peek() {
            None => text.trim().is_empty(),
            Some(_) => shown.any(|shown| shows(shown, text)),
        }
    }
}

fn shows(shown: &str, text: &str) -> bool {
    let one_line = |text: &str| compose::nfc(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, text) = (one_line(shown), one_line(text));
    let beginning = shown.trim_end_matches(['…', '.']);
    // 150 characters are shown of a longer text; less than most of them is another text with the same beginning.
    shown == text || (compose::utf16(beginning) >= 140 && text.starts_with(beginning))
}

impl From<Recent> for PostRef {
    fn from(post: Recent) -> Self {
        let posted_at = post.posted_at();
        Self { posted_at, ..reference(post.id, post.share_url) }
    }
}

/// A post by its id.
pub(super) fn reference(id: String, url: Option<String>) -> PostRef {
    PostRef { id, url, posted_at: None, extra: std::collections::BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;
    use domain::content::{Media, MediaKind};
    use serde_json::json;

    fn draft(text: &str, urls: &[&str]) -> Draft {
        let file = |url: &&str| Media {
            url: (*url).to_owned(),
            kind: MediaKind::Image,
            mime: "image/jpeg".to_owned(),
            bytes: None,
            width: None,
            height: None,
            duration_ms: None,
        };
        Draft { text: text.to_owned(), media: urls.iter().map(file).collect(), ..Draft::default() }
    }

    fn terms() -> Terms {
        Terms { privacy: "SELF_ONLY".to_owned(), no_comment: true, no_duet: false, no_stitch: true }
    }

    #[test]
    fn what_an_account_allows_is_read() {
        let creator = creator(&ok(include_str!("fixtures/creator.json"))).unwrap();
        assert_eq!(creator.creator_username.as_deref(), Some("teatree"));
        assert_eq!(creator.privacy_level_options, ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]);
        assert_eq!((creator.comment_disabled, creator.duet_disabled, creator.stitch_disabled), (false, false, true));
        assert_eq!(creator.max_video_post_duration_sec, Some(300));
    }

    #[test]
    fn a_video_is_announced_with_its_terms_and_its_chunks() {
        let plan = Plan { size: 20, chunk: 9, count: 2 };
        let draft = draft("Hello #tea", &[]);
        let terms = terms();
        assert_eq!(
            serde_json::to_value(VideoInit::new(&draft, Some(&terms), plan)).unwrap(),
            json!({
                "post_info": {"title": "Hello #tea", "privacy_level": "SELF_ONLY", "disable_comment": true,
                              "disable_duet": false, "disable_stitch": true},
                "source_info": {"source": "FILE_UPLOAD", "video_size": 20, "chunk_size": 9, "total_chunk_count": 2},
            })
        );
        let inbox = serde_json::to_value(VideoInit::new(&draft, None, plan)).unwrap();
        assert_eq!(inbox.as_object().unwrap().keys().collect::<Vec<_>>(), ["source_info"]);
    }

    #[test]
    fn photos_are_named_by_their_addresses() {
        let draft = draft("Hello", &["https://media.example/1.jpg", "https://media.example/2.jpg"]);
        let terms = terms();
        assert_eq!(
            serde_json::to_value(PhotoInit::new(&draft, Some(&terms))).unwrap(),
            json!({
                "media_type": "PHOTO", "post_mode": "DIRECT_POST",
                "post_info": {"description": "Hello", "privacy_level": "SELF_ONLY", "disable_comment": true},
                "source_info": {"source": "PULL_FROM_URL", "photo_cover_index": 0,
                                "photo_images": ["https://media.example/1.jpg", "https://media.example/2.jpg"]},
            })
        );
        let inbox = serde_json::to_value(PhotoInit::new(&draft, None)).unwrap();
        assert_eq!(
            (&inbox["post_mode"], &inbox["post_info"]),
            (&json!("MEDIA_UPLOAD"), &json!({"description": "Hello"}))
        );
    }

    #[test]
    fn the_place_for_the_bytes_is_a_secret() {
        let (id, url) = started(&ok(include_str!("fixtures/init.json"))).unwrap();
        assert_eq!(id, "v_pub_file~v2-1.123456789");
        assert_eq!(format!("{url:?}"), "Some([redacted])");
        assert!(url.unwrap().expose().starts_with("https://open-upload.tiktokapis.com/video/?upload_id=67890"));
    }

    #[test]
    fn every_status_is_read_and_ids_keep_all_their_digits() {
        let status = |body: &str| status(&ok(body)).unwrap();
        let complete = status(include_str!("fixtures/status.complete.json"));
        assert_eq!(complete, Some(Status::Complete { id: Some("7068948195347508509".to_owned()) }));
        let body = |status: &str| format!(r#"{{"data":{{"status":"{status}"}},"error":{{"code":"ok"}}}}"#);
        assert_eq!(status(&body("PUBLISH_COMPLETE")), Some(Status::Complete { id: None }));
        assert_eq!(status(&body("PROCESSING_DOWNLOAD")), Some(Status::Downloading));
        assert_eq!(status(&body("SEND_TO_USER_INBOX")), Some(Status::InInbox));
        assert_eq!(status(&body("SOMETHING_NEW")), None);
        let uploading = r#"{"data":{"status":"PROCESSING_UPLOAD","uploaded_bytes":10000},"error":{"code":"ok"}}"#;
        assert_eq!(status(uploading), Some(Status::Uploading { uploaded: Some(10_000) }));
        let failed = status(include_str!("fixtures/status.failed.json"));
        assert_eq!(failed, Some(Status::Failed("picture_size_check_failed".to_owned())));
    }

    #[test]
    fn only_the_same_text_is_the_same_post() {
        let posts = |text: &str| {
            let body = json!({"data": {"videos": [{"id": "1", "create_time": 1, "video_description": text}]}});
            recent(&ok(&body.to_string())).unwrap().posts
        };
        assert!(posts("Hello\n #tea")[0].says(&draft("Hello #tea", &[])));
        assert!(!posts("Hello")[0].says(&draft("Hello #tea", &[])));
        assert!(!posts("")[0].says(&draft("Hello #tea", &[])));
        let long = "word ".repeat(60);
        assert!(posts(&long[..150])[0].says(&draft(&long, &[])));
        assert!(!posts(&long[..100])[0].says(&draft(&long, &[])));
        assert!(posts(" ")[0].says(&draft("", &[])));
    }
}
