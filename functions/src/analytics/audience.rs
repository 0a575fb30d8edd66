//! `GET /api/exclusive/analytics/audience`: who follows the talent's accounts.

use std::collections::BTreeMap;

use cloud::http::{ApiError, Request, Response};
use cloud::table::audiences;
use domain::Connection;
use domain::analytics::{Audience, Shares};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::subject::{self, Subject};
use crate::App;

/// Who follows an account. A part that is not there is `null`, and `unavailable` says why.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AudienceView {
    /// The account.
    connection_id: String,
    /// The platform, upper case.
    platform: &'static str,
    /// The handle.
    handle: String,
    /// Countries by ISO code with their share in percent, the largest first.
    pub top_countries: Option<Vec<ShareView>>,
    /// Cities.
    pub top_cities: Option<Vec<ShareView>>,
    /// Age buckets, in percent.
    pub age_range: Option<BTreeMap<String, f64>>,
    /// `female`, `male` and `unknown`, in percent.
    pub gender: Option<BTreeMap<String, f64>>,
    /// Followers online by hour of the day, UTC.
    active_hours: Option<BTreeMap<String, f64>>,
    /// When it was read.
    pub fetched_at: Option<Timestamp>,
    /// Why a part is `null`: `pending` or `not_offered`.
    pub unavailable: BTreeMap<&'static str, &'static str>,
}

/// A share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShareView {
    /// Of what.
    pub name: String,
    /// In percent.
    pub percent: f64,
}

/// Audiences.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audiences {
    /// That of the account with the most followers among those whose audience is known.
    #[serde(flatten)]
    pub main: Option<AudienceView>,
    /// Each account's.
    accounts: Vec<AudienceView>,
}

/// Shows who follows the talent's accounts.
///
/// # Errors
/// 404 for an unknown talent.
#[utoipa::path(
    get, path = "/api/exclusive/analytics/audience", operation_id = "analytics.audience", tag = "Analytics",
    params(
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Audiences), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let subject = subject::of(app, &request).await?;
    Response::ok(&of(app, &subject).await?)
}

/// Who follows a subject's accounts. One query for each.
///
/// # Errors
/// 503 when the table cannot answer.
pub async fn of(app: &App, subject: &Subject) -> Result<Audiences, ApiError> {
    let read = |account: &Connection| {
        let (workspace, id) = (account.workspace.clone(), account.id.clone());
        async move { audiences::newest(&app.table, &workspace, &id).await }
    };
    let found = try_join_all(subject.accounts.iter().map(read)).await?;
    let mut accounts: Vec<(u64, AudienceView)> = Vec::new();
    for (account, found) in subject.accounts.iter().zip(found) {
        let offers = app.platforms.get(account.platform).and_then(|adapter| adapter.insights.as_ref());
        let offers = offers.is_some_and(|insights| insights.facts().audience_calls > 0);
        let followers = account.profile.as_ref().and_then(|profile| profile.follower_count.count()).unwrap_or(0);
        let known = found.as_ref().is_some_and(|(audience, _)| !audience.is_none());
        let rank = if known { followers + 1 } else { 0 };
        accounts.push((rank, AudienceView::of(account, found, offers)));
    }
    let main = accounts.iter().max_by_key(|(rank, _)| *rank).map(|(_, view)| view.clone());
    Ok(Audiences { main, accounts: accounts.into_iter().map(|(_, view)| view).collect() })
}

impl AudienceView {
    fn of(account: &Connection, found: Option<(Audience, Timestamp)>, offered: bool) -> Self {
        // Not read yet: pending where the platform tells it.
        let unread = || {
            let part = || if offered { Shares::Pending } else { Shares::NotOffered };
            Audience { countries: part(), cities: part(), ages: part(), genders: part(), hours: part() }
        };
        let fetched_at = found.as_ref().map(|(_, at)| *at);
        let audience = found.map_or_else(unread, |(audience, _)| audience);
        let why = [
            ("topCountries", audience.countries.unavailable()),
            ("topCities", audience.cities.unavailable()),
            ("ageRange", audience.ages.unavailable()),
            ("gender", audience.genders.unavailable()),
            ("activeHours", audience.hours.unavailable()),
        ];
        let unavailable = why.into_iter().filter_map(|(name, why)| Some((name, why?))).collect();
        Self {
            connection_id: account.id.to_string(),
            platform: account.platform.as_str(),
            handle: account.handle.clone(),
            top_countries: list(audience.countries),
            top_cities: list(audience.cities),
            age_range: map(audience.ages),
            gender: map(audience.genders),
            active_hours: map(audience.hours),
            fetched_at,
            unavailable,
        }
    }
}

fn list(shares: Shares) -> Option<Vec<ShareView>> {
    match shares {
        Shares::Known(shares) => Some(shares.into_iter().map(|(name, percent)| ShareView { name, percent }).collect()),
        Shares::Pending | Shares::NotOffered => None,
    }
}

fn map(shares: Shares) -> Option<BTreeMap<String, f64>> {
    match shares {
        Shares::Known(shares) => Some(shares.into_iter().collect()),
        Shares::Pending | Shares::NotOffered => None,
    }
}

/// The same for staff.
#[utoipa::path(
    get, path = "/api/admin/talent/{talentId}/analytics/audience", operation_id = "analytics.audience.staff", tag = "Analytics",
    params(
        ("talentId" = String, Path, description = "The talent"),
        ("platform" = Option<String>, Query, description = "Accounts of this platform"),
        ("connectionId" = Option<String>, Query, description = "This account")
    ),
    responses((status = 200, body = Audiences), crate::openapi::Refusals)
)]
#[expect(dead_code, reason = "the second route of the same function, for the contract document")]
pub(crate) fn staff() {}
