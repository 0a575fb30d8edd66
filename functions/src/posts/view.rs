//! What the API shows of posts and deliveries.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Response};
use cloud::table::deliveries::{Delivery, FollowUp, Row};
use domain::content::Media;
use domain::{DeliveryStatus, Post};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::found::{self, Found};

/// One thing that was tried.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// Its number.
    pub n: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// `hold`, `prepare`, `submit`, `look`, `find`, `follow_up` or `delete`.
    pub step: String,
    /// `ok`, `waiting`, `failed`, `unknown` or `absent`.
    pub outcome: String,
    /// In plain words.
    pub detail: String,
}

/// What followed a post: a first comment, or the next part of a thread.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpView {
    /// `submitting`, `published` or `failed`.
    pub status: &'static str,
    /// The platform's own id.
    pub platform_post_id: Option<String>,
    /// Its public page.
    pub url: Option<String>,
    /// Why it is not out.
    pub error: Option<String>,
}

/// A post going to one account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// The account.
    pub connection_id: String,
    /// Its platform.
    pub platform: String,
    /// `scheduled`, `claimed`, `submitting`, `processing`, `unconfirmed`, `published`, `failed`, `missed` or `cancelled`.
    #[schema(value_type = String)]
    pub status: DeliveryStatus,
    /// The platform's own id of the post.
    pub platform_post_id: Option<String>,
    /// Its public page.
    pub url: Option<String>,
    /// When it went out.
    pub posted_at: Option<Timestamp>,
    /// Why it is not out, for a person: the platform's own reason where it gave one.
    pub error: Option<String>,
    /// The same for a program.
    pub error_code: Option<String>,
    /// The platform's own code.
    pub platform_error_code: Option<String>,
    /// What was tried, oldest first; the last 40.
    pub attempts: Vec<AttemptView>,
    /// When the next step starts.
    pub next_attempt_at: Option<Timestamp>,
    /// What follows it.
    pub follow_ups: Vec<FollowUpView>,
    /// Whether it was deleted on the platform by `DELETE …?remote=true`.
    pub deleted: bool,
}

impl DeliveryView {
    /// The view of a row. A row that waits while a worker has it is being prepared.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let claimed = row.delivery.status == DeliveryStatus::Scheduled && row.claims > 0;
        let mut view = Self::from(&row.delivery);
        if claimed {
            view.status = DeliveryStatus::Claimed;
        }
        view
    }
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let live = delivery.live.as_ref();
        Self {
            id: delivery.id.to_string(),
            connection_id: delivery.connection.to_string(),
            platform: delivery.platform.to_string(),
            status: delivery.status,
            platform_post_id: live.map(|live| live.id.clone()).filter(|id| !id.is_empty()),
            url: live.and_then(|live| live.url.clone()),
            posted_at: live.map(|live| live.posted_at),
            error: delivery.error.as_ref().map(|error| error.message.clone()),
            error_code: delivery.error.as_ref().map(|error| error.code.clone()),
            platform_error_code: delivery.error.as_ref().and_then(|error| error.platform_code.clone()),
            attempts: delivery
                .log
                .iter()
                .map(|attempt| AttemptView {
                    n: attempt.n,
                    started_at: attempt.started_at,
                    step: attempt.step.clone(),
                    outcome: attempt.outcome.clone(),
                    detail: attempt.detail.clone(),
                })
                .collect(),
            next_attempt_at: delivery.next_attempt_at,
            follow_ups: delivery.follow_ups.iter().map(FollowUpView::from).collect(),
            deleted: delivery.removed,
        }
    }
}

impl From<&FollowUp> for FollowUpView {
    fn from(follow_up: &FollowUp) -> Self {
        match follow_up {
            FollowUp::Submitting { .. } => {
                Self { status: "submitting", platform_post_id: None, url: None, error: None }
            }
            FollowUp::Done(live) => Self {
                status: "published",
                platform_post_id: Some(live.id.clone()),
                url: live.url.clone(),
                error: None,
            },
            FollowUp::Failed { error } => {
                Self { status: "failed", platform_post_id: None, url: None, error: Some(error.message.clone()) }
            }
        }
    }
}

/// What differs on one platform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverrideView {
    /// The text there.
    pub content: Option<String>,
    /// The files there.
    pub media_urls: Option<Vec<String>>,
}

/// A post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostView {
    /// Its id.
    pub id: String,
    /// The talent whose post it is.
    pub talent_id: String,
    /// The shared text.
    pub content: String,
    /// The platforms that it goes to.
    pub platforms: Vec<String>,
    /// The accounts that it goes to.
    pub connection_ids: Vec<String>,
    /// `draft`, `scheduled`, `queued`, `published`, `partial`, `failed` or `archived`.
    pub status: &'static str,
    /// When it goes out.
    pub scheduled_at: Option<Timestamp>,
    /// The zone that its time was written in.
    pub timezone: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the first of its deliveries went out.
    pub posted_at: Option<Timestamp>,
    /// The shared files.
    pub media_urls: Vec<String>,
    /// Its hashtags.
    pub hashtags: Vec<String>,
    /// Its campaign.
    pub campaign: Option<String>,
    /// What differs per platform.
    pub overrides: BTreeMap<String, OverrideView>,
    /// Options per platform.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub options: BTreeMap<String, Map<String, Value>>,
    /// How late it may go out, in minutes.
    pub late_after_minutes: u32,
    /// The first delivery's error.
    pub error: Option<String>,
    /// Figures of its publications; `null` until they are read.
    #[schema(value_type = Option<Object>)]
    pub engagement_metrics: Option<Value>,
    /// Where its deliveries stand; in lists without attempts.
    pub deliveries: Vec<DeliveryView>,
    /// What is no mistake and a person may want to know; in answers to a write of the post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<ProblemView>>,
    /// What stays on its platform; in answers to `DELETE …?remote=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_deleted: Option<Vec<NotDeletedView>>,
}

/// Why a delivery stays on its platform.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotDeletedView {
    /// The delivery.
    pub delivery_id: String,
    /// Its platform.
    pub platform: String,
    /// `platform_cannot_delete` or `post_id_unknown`.
    pub code: &'static str,
    /// For a person.
    pub message: String,
}

fn urls(media: &[Media]) -> Vec<String> {
    media.iter().map(|media| media.url.clone()).collect()
}

impl PostView {
    /// A post with its deliveries.
    #[must_use]
    pub fn of(post: &Post, deliveries: Vec<DeliveryView>) -> Self {
        let mut platforms: Vec<String> = post.targets.iter().map(|(_, platform)| platform.to_string()).collect();
        platforms.dedup();
        Self {
            id: post.id.to_string(),
            talent_id: post.talent.to_string(),
            content: post.content.clone(),
            platforms,
            connection_ids: post.targets.iter().map(|(connection, _)| connection.to_string()).collect(),
            status: post.status.as_str(),
            scheduled_at: post.scheduled_at,
            timezone: post.timezone.clone(),
            created_at: post.created_at,
            created_by: post.created_by.clone(),
            updated_at: post.updated_at,
            posted_at: post.posted_at,
            media_urls: urls(&post.media),
            hashtags: post.hashtags.clone(),
            campaign: post.campaign.clone(),
            overrides: post
                .overrides
                .iter()
                .map(|(platform, own)| {
                    let view =
                        OverrideView { content: own.content.clone(), media_urls: own.media.as_deref().map(urls) };
                    (platform.to_string(), view)
                })
                .collect(),
            options: post.options.iter().map(|(platform, own)| (platform.to_string(), own.clone())).collect(),
            late_after_minutes: post.late_after_minutes,
            error: post.error.clone(),
            engagement_metrics: None,
            deliveries,
            warnings: None,
            not_deleted: None,
        }
    }

    /// The same with the warnings of the write that made it so.
    #[must_use]
    pub fn warned(self, found: &[Found]) -> Self {
        Self { warnings: Some(found::warnings(found)), ..self }
    }

    /// A post as a list shows it: the state of each delivery, without its own row.
    #[must_use]
    pub fn listed(post: &Post) -> Self {
        let deliveries = post
            .deliveries
            .iter()
            .map(|state| DeliveryView {
                id: state.id.to_string(),
                connection_id: state.connection.to_string(),
                platform: state.platform.to_string(),
                status: state.status,
                platform_post_id: None,
                url: None,
                posted_at: None,
                error: None,
                error_code: None,
                platform_error_code: None,
                attempts: Vec::new(),
                next_attempt_at: None,
                follow_ups: Vec::new(),
                deleted: false,
            })
            .collect();
        Self::of(post, deliveries)
    }
}

/// An answer with a post and its version as the ETag.
///
/// # Errors
/// 500 for a value that is no JSON.
pub fn answer(status: StatusCode, post: &Post, deliveries: Vec<DeliveryView>) -> Result<Response, ApiError> {
    Ok(Response::json(status, &PostView::of(post, deliveries))?.header("etag", etag(post)))
}

/// The same to a write of the post, with its warnings.
///
/// # Errors
/// As [`answer`].
pub fn written(
    status: StatusCode,
    post: &Post,
    deliveries: Vec<DeliveryView>,
    found: &[Found],
) -> Result<Response, ApiError> {
    Ok(Response::json(status, &PostView::of(post, deliveries).warned(found))?.header("etag", etag(post)))
}

/// The version of a post as its ETag.
#[must_use]
pub fn etag(post: &Post) -> String {
    format!("\"{}\"", post.version)
}

/// What `validate` answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView {
    /// Whether it may go out as it is.
    pub valid: bool,
    /// Per platform, what is wrong with it and what it counts.
    pub platforms: BTreeMap<String, PlatformValidationView>,
    /// Everything that was found, warnings too, in one list.
    pub problems: Vec<ProblemView>,
    /// What is not a mistake and a person may want to know: the same text to the same account, a clash of times.
    pub warnings: Vec<ProblemView>,
}

/// What one platform says of a post.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformValidationView {
    /// What the text counts here.
    pub length: u32,
    /// What it may count.
    pub max_length: u32,
    /// What is wrong.
    pub problems: Vec<ProblemView>,
}

/// Something wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The platform that it is about; `null`: none in particular.
    pub platform: Option<String>,
    /// The account that it is about; `null`: every account of the platform, or none in particular.
    pub connection_id: Option<String>,
    /// For a program.
    pub code: String,
    /// The field of the request.
    pub field: String,
    /// For a person.
    pub message: String,
}

impl From<&Found> for ProblemView {
    fn from(found: &Found) -> Self {
        let problem = &found.problem;
        Self {
            platform: found.platform.map(|platform| platform.to_string()),
            connection_id: found.connection.as_ref().map(ToString::to_string),
            severity: match problem.severity {
                domain::content::Severity::Error => "error",
                domain::content::Severity::Warning => "warning",
            },
            code: problem.code.clone(),
            field: problem.field.clone(),
            message: problem.message.clone(),
        }
    }
}
