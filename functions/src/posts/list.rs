//! `GET /api/social/posts`: posts, newest first.

use cloud::http::{ApiError, Request, Response};
use cloud::table::posts::{self, Of, Position};
use domain::{Platform, Post, PostStatus, Role, TalentId, cursor};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::PostView;
use crate::App;

/// One page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posts {
    /// The posts.
    posts: Vec<PostView>,
    /// Where the next page begins; `null` at the end. A page of a rare filter may be short and still have a next one.
    next_cursor: Option<String>,
}

/// Lists posts by when they were written, newest first.
///
/// # Errors
/// 400 for a filter or a cursor that cannot be one.
#[utoipa::path(
    get, path = "/api/social/posts", operation_id = "posts.list", tag = "Posts",
    params(
        ("status" = Option<String>, Query, description = "A post's status"),
        ("platform" = Option<String>, Query, description = "Posts that go to this platform"),
        ("talentId" = Option<String>, Query, description = "Posts of this talent"),
        ("from" = Option<String>, Query, description = "Written at this time or later, RFC 3339"),
        ("to" = Option<String>, Query, description = "Written at this time or earlier, RFC 3339"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before")
    ),
    responses((status = 200, body = Posts), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let caller = request.caller()?;
    let named = request.query("talentId").map(TalentId::parse).transpose();
    let named = named.map_err(|error| ApiError::invalid(error.to_string()))?;
    let talent = match (caller.role, named) {
        (Role::Talent, Some(named)) if caller.talent.as_ref() != Some(&named) => {
            return Err(ApiError::not_found("talent"));
        }
        (Role::Talent, _) => Some(request.own_talent()?.clone()),
        (Role::Admin, named) => named,
    };
    let status = request
        .query("status")
        .map(|text| PostStatus::parse(text).ok_or_else(|| ApiError::invalid("status is not one of a post's states.")))
        .transpose()?;
    let platform: Option<Platform> = request
        .query("platform")
        .map(str::parse)
        .transpose()
        .map_err(|error: domain::platform::UnknownPlatform| ApiError::invalid(error.to_string()))?;
    let instant = |name: &str| {
        let read = request.query(name).map(str::parse::<Timestamp>).transpose();
        read.map_err(|_| ApiError::invalid(format!("{name} must be a time such as 2026-11-05T09:00:00Z.")))
    };
    let (from, to) = (instant("from")?, instant("to")?);
    let until = to.map_or(request.now, |to| to.min(request.now));
    let list = format!("posts of {} {talent:?} {status:?} {platform:?} {from:?} {to:?}", caller.workspace);
    let position: Option<Position> = request
        .query("cursor")
        .map(|text| {
            let position: Result<Position, _> = cursor::decode(&list, text);
            position.and_then(|at| at.is_possible(request.now).then_some(at).ok_or(cursor::InvalidCursor))
        })
        .transpose()
        .map_err(|error| ApiError::invalid(error.to_string()))?;
    let wanted = |post: &Post| {
        status.is_none_or(|status| post.status == status)
            && platform.is_none_or(|platform| post.targets.iter().any(|(_, on)| *on == platform))
    };
    let of = talent.as_ref().map_or(Of::Workspace, Of::Talent);
    let range = (from, until);
    let (page, next) =
        posts::list(&app.table, &caller.workspace, of, range, request.limit()?, position, wanted).await?;
    Response::ok(&Posts {
        posts: page.iter().map(PostView::listed).collect(),
        next_cursor: next.map(|position| cursor::encode(&list, &position)),
    })
}
