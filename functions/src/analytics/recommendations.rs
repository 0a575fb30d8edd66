//! `GET /api/exclusive/analytics/recommendations`: what works for the talent, by how much, and on how many posts that rests.

use cloud::http::{ApiError, Request, Response};
use domain::MediaType;
use domain::analytics::recommend::{self, Finding, LEAST, Subject};
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::best_times::{compared, settled};
use super::shown::Known;
use super::{subject, zone};
use crate::App;

/// How many of a post's hashtags are compared.
const MOST_TAGS: usize = 30;

/// What works.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recommendations {
    /// What is compared: `engagementRate`, or `engagement` where too few posts have a rate.
    metric: &'static str,
    /// How many posts of the last year are behind it.
    posts: usize,
    /// How many posts a group and the rest must each have.
    minimum_posts: usize,
    /// The zone of the hours.
    timezone: String,
    /// What differs, the largest effect first; empty where nothing does beyond chance, or there is too little.
    recommendations: Vec<FindingView>,
}

/// A group of posts that differs from the rest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    /// `mediaType`, `length`, `hour` or `hashtag`.
    dimension: &'static str,
    /// The group: `VIDEO`, `1-80 characters`, `18:00-21:00`, `#coffee`.
    value: String,
    /// By how many percent its typical post is above the rest (below, where negative).
    effect_percent: f64,
    /// Posts in the group.
    posts: usize,
    /// Posts that it is compared with.
    compared_with: usize,
    /// The chance of such a difference without a cause.
    p_value: f64,
    /// The same in words.
    text: String,
}

/// Shows what works.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/recommendations", operation_id = "analytics.recommendations", tag = "Analytics",
    params(
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Recommendations), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    let posts = settled(app, &subject, request.now).await?;
    let (metric, figures) = compared(&posts);
    let subjects: Vec<Subject> =
        figures.into_iter().map(|(known, figure)| Subject { figure, traits: traits(known, &subject.zone) }).collect();
    Response::ok(&Recommendations {
        metric,
        posts: subjects.len(),
        minimum_posts: LEAST,
        timezone: zone::name(&subject.zone),
        recommendations: recommend::recommend(&subjects)
            .iter()
            .map(|finding| FindingView::of(finding, metric))
            .collect(),
    })
}

/// By what a post is told apart from others.
fn traits(known: &Known, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let publication = &known.publication;
    let media = match publication.media_type {
        MediaType::Image => "IMAGE",
        MediaType::Video => "VIDEO",
        MediaType::Carousel => "CAROUSEL",
        MediaType::Text => "TEXT",
    };
    let text = publication.caption.as_deref().unwrap_or_default();
    let length = match text.chars().count() {
        0 => "no text",
        1..=80 => "1-80 characters",
        81..=280 => "81-280 characters",
        _ => "over 280 characters",
    };
    let hour = publication.posted_at.to_zoned(zone.clone()).hour() / 3 * 3;
    let mut traits = vec![
        ("mediaType", media.to_owned()),
        ("length", length.to_owned()),
        ("hour", format!("{hour:02}:00-{:02}:00", hour + 3)),
    ];
    let mut tags = hashtags(text);
    tags.truncate(MOST_TAGS);
    traits.extend(tags.into_iter().map(|tag| ("hashtag", tag)));
    traits
}

/// The hashtags of a text, in lower case, each once.
fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = text
        .split('#')
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .filter(|tag| tag.chars().any(char::is_alphabetic))
        .map(|tag| format!("#{}", tag.to_lowercase()))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

impl FindingView {
    fn of(finding: &Finding, metric: &str) -> Self {
        let (size, way) = (finding.effect.abs().round(), if finding.effect > 0.0 { "more" } else { "less" });
        let what = if metric == "engagementRate" { "engagement for each view" } else { "engagement" };
        let which = match finding.dimension {
            "mediaType" => format!("{} posts", finding.value),
            "hour" => format!("Posts between {}", finding.value.replace('-', " and ")),
            _ => format!("Posts with {}", finding.value),
        };
        let text =
            format!("{which} have {size} % {way} {what} than the other {} ({} posts).", finding.others, finding.posts);
        Self {
            dimension: finding.dimension,
            value: finding.value.clone(),
            effect_percent: finding.effect,
            posts: finding.posts,
            compared_with: finding.others,
            p_value: finding.p,
            text,
        }
    }
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/recommendations", operation_id = "analytics.recommendations.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Recommendations), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_read_in_any_script_and_numbers_are_none() {
        assert_eq!(hashtags("New #Coffee #coffee, #menú! #東京_1 #5 # #a-b"), ["#a", "#coffee", "#menú", "#東京_1"]);
        assert_eq!(hashtags("no tags"), Vec::<String>::new());
    }
}
