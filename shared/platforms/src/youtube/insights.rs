//! Reads figures of videos, fifty at a time, and who watches a channel.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::analytics::{Audience, Shares};
use domain::publication::Metrics;
use domain::{Failure, Kind, Platform, TokenSet};
use outbound::Call;
use serde::Deserialize;
use serde_json::Value;

use super::{api, error, ingest};
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};
use crate::wire;

/// Figures of videos.
pub(super) struct Youtube;

/// Checked on 2026-11-20. A unit a call; uploads have a bucket of their own, but looks at processing, thumbnails and
/// comments are of these units. The quota of YouTube Analytics is apart, and shown in Google's console only (UNSURE).
static FACTS: InsightFacts = InsightFacts {
    batch: 50,
    audience_calls: 2,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::App,
        window: Window::PacificDay,
        limit: 10_000,
        sweep_until: 5_000,
        ingest_until: 9_000,
        counts_syncs: true,
        publish_units: 2,
    }],
    lag_hours: 72,
};

#[async_trait]
impl Insights for Youtube {
    fn facts(&self) -> &'static InsightFacts {
        &FACTS
    }

    async fn posts(
        &self,
        cx: &Context<'_>,
        _: &Account<'_>,
        access: Access<'_>,
        ids: &[&str],
    ) -> Result<HashMap<String, Metrics>, Failure> {
        let query = [("part", "id,snippet,status,statistics"), ("id", &ids.join(","))];
        let videos = api::videos(&ingest::get(cx, access, "videos", &query).await?)?;
        Ok(videos.into_iter().map(|video| (video.external_id, video.metrics)).collect())
    }

    async fn audience(&self, cx: &Context<'_>, _: &Account<'_>, access: Access<'_>) -> Result<Audience, Failure> {
        let Access::Token(tokens) = access else { return Ok(Audience::default()) };
        let viewers = match report(cx, tokens, "viewerPercentage", "ageGroup,gender", None).await {
            Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(Audience::default()),
            report => report?,
        };
        let countries = report(cx, tokens, "views", "country", Some("-views")).await?;
        let by = |column: usize| {
            let mut shares: Vec<(String, f64)> = Vec::new();
            for row in &viewers.rows {
                let (Some(name), Some(share)) = (row.get(column).and_then(Value::as_str), number(row, 2)) else {
                    continue;
                };
                let name = name.trim_start_matches("age").replace("user_specified", "unknown");
                match shares.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum += share,
                    None => shares.push((name, share)),
                }
            }
            // Small audiences are left out of the answer.
            if shares.is_empty() { Shares::Pending } else { Shares::Known(rounded(shares)) }
        };
        let counts = countries.rows.iter().filter_map(|row| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "views are whole and not negative"
            )]
            let views = number(row, 1)? as u64;
            Some((row.first()?.as_str()?.to_owned(), views))
        });
        Ok(Audience {
            countries: Shares::of_counts(counts.collect()),
            cities: Shares::NotOffered,
            ages: by(0),
            genders: by(1),
            hours: Shares::NotOffered,
        })
    }
}

fn number(row: &[Value], column: usize) -> Option<f64> {
    row.get(column)?.as_f64()
}

fn rounded(shares: Vec<(String, f64)>) -> Vec<(String, f64)> {
    shares.into_iter().map(|(name, share)| (name, domain::analytics::totals::two_decimals(share))).collect()
}

#[derive(Deserialize)]
struct Report {
    /// Left out when there are none.
    #[serde(default)]
    rows: Vec<Vec<Value>>,
}

/// A report on the last 28 days that are surely complete.
async fn report(
    cx: &Context<'_>,
    tokens: &TokenSet,
    metrics: &str,
    dimensions: &str,
    sort: Option<&str>,
) -> Result<Report, Failure> {
    let day = |back: i64| {
        let at = cx.clock.now().as_second() - back * 86_400;
        jiff::Timestamp::from_second(at).unwrap_or_default().strftime("%Y-%m-%d").to_string()
    };
    let (start, end) = (day(31), day(3));
    let mut query = vec![
        ("ids", "channel==MINE"),
        ("startDate", start.as_str()),
        ("endDate", end.as_str()),
        ("metrics", metrics),
        ("dimensions", dimensions),
    ];
    query.extend(sort.map(|sort| ("sort", sort)));
    let url = wire::url_with("https://youtubeanalytics.googleapis.com/v2/reports", &query)?;
    let answer = cx.out.send(Call::get(Platform::Youtube, url).bearer(&tokens.access)).await?;
    if answer.is_success() { answer.json() } else { Err(error::of(&answer, cx.clock.now())) }
}
