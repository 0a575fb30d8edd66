//! Reads figures of media, one at a time, and who follows an account.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::analytics::{Audience, Shares};
use domain::publication::Metrics;
use domain::{Failure, Kind, Metric, Secret};
use outbound::Answer;
use serde::Deserialize;
use serde_json::Value;

use super::ingest;
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};

/// Figures of media.
pub(super) struct Instagram;

/// Checked on 2026-11-20: 4,800 calls a day, which are 200 an hour, for each account and impression that it had in a day; an
/// account with one has 200. A sync takes 2 an hour.
static FACTS: InsightFacts = InsightFacts {
    batch: 1,
    audience_calls: 5,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::Account,
        window: Window::Hour,
        limit: 200,
        sweep_until: 100,
        ingest_until: 150,
        counts_syncs: false,
        publish_units: 3,
    }],
    lag_hours: 48,
};

/// One name that a medium does not have would fail the whole call; these every medium has. `impressions` and `plays` were
/// removed in 2025.
const FIGURES: &str = "views,reach,likes,comments,shares,saved";

#[async_trait]
impl Insights for Instagram {
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
        let token = ingest::token(access)?;
        let mut found = HashMap::new();
        for id in ids {
            match ingest::get(cx, token, &format!("{id}/insights"), &[("metric", FIGURES)]).await {
                Ok(answer) => found.insert((*id).to_owned(), figures(&answer)?),
                Err(failure) if failure.kind == Kind::NotFound => None,
                Err(failure) => return Err(failure),
            };
        }
        Ok(found)
    }

    async fn audience(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Audience, Failure> {
        let token = ingest::token(access)?;
        let id = account.platform_account_id.unwrap_or("me");
        let by = async |breakdown: &str| {
            let query = [
                ("metric", "follower_demographics"),
                ("period", "lifetime"),
                ("metric_type", "total_value"),
                ("breakdown", breakdown),
            ];
            demographics(cx, token, id, &query).await
        };
        let genders = by("gender").await?.map(|counts| {
            let name = |letter: String| match letter.as_str() {
                "F" => "female".to_owned(),
                "M" => "male".to_owned(),
                _ => "unknown".to_owned(),
            };
            counts.into_iter().map(|(letter, count)| (name(letter), count)).collect()
        });
        let shares = |counts: Option<Vec<(String, u64)>>| counts.map_or(Shares::Pending, Shares::of_counts);
        Ok(Audience {
            genders: shares(genders),
            ages: shares(by("age").await?),
            cities: shares(by("city").await?),
            countries: shares(by("country").await?),
            hours: online(cx, token, id).await?,
        })
    }
}

#[derive(Deserialize)]
struct Insight {
    name: String,
    #[serde(default)]
    values: Vec<Value>,
    #[serde(default)]
    total_value: Value,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Insight>,
}

/// Figures come up to two days late: until then the list is empty, or a name is missing in it.
fn figures(answer: &Answer) -> Result<Metrics, Failure> {
    let list: List = answer.json()?;
    let of = |name: &str| {
        let found = list.data.iter().find(|insight| insight.name == name);
        Metric::offered(found.and_then(|insight| insight.values.first()?["value"].as_u64()))
    };
    // A like count that the owner hides is left out of an answer that has the rest.
    let likes = match of("likes") {
        Metric::Pending if !list.data.is_empty() => Metric::NotOffered,
        likes => likes,
    };
    Ok(Metrics {
        likes,
        comments: of("comments"),
        shares: of("shares"),
        saves: of("saved"),
        views: of("views"),
        reach: of("reach"),
        impressions: Metric::NotOffered,
    })
}

/// The counts of a breakdown; `None` where the platform has none yet: it wants 100 followers.
async fn demographics(
    cx: &Context<'_>,
    token: &Secret,
    id: &str,
    query: &[(&str, &str)],
) -> Result<Option<Vec<(String, u64)>>, Failure> {
    let list: List = ingest::get(cx, token, &format!("{id}/insights"), query).await?.json()?;
    let Some(insight) = list.data.first() else { return Ok(None) };
    let results = insight.total_value["breakdowns"][0]["results"].as_array();
    let count = |result: &Value| Some((result["dimension_values"][0].as_str()?.to_owned(), result["value"].as_u64()?));
    Ok(results.map(|results| results.iter().filter_map(count).collect()))
}

/// Followers online by hour, of the last day that was told.
async fn online(cx: &Context<'_>, token: &Secret, id: &str) -> Result<Shares, Failure> {
    let query = [("metric", "online_followers"), ("period", "lifetime")];
    let list: List = ingest::get(cx, token, &format!("{id}/insights"), &query).await?.json()?;
    let hours = list.data.first().and_then(|insight| insight.values.last()?["value"].as_object());
    let mut counts: Vec<(String, f64)> = hours
        .into_iter()
        .flatten()
        .filter_map(|(hour, count)| Some((format!("{hour:0>2}"), count.as_f64()?)))
        .collect();
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(if counts.is_empty() { Shares::Pending } else { Shares::Known(counts) })
}

#[cfg(test)]
mod tests {
    use Metric::{Count, NotOffered, Pending};

    use super::*;
    use crate::wire::testing::ok;

    #[test]
    fn figures_that_have_not_come_are_pending_and_hidden_likes_are_not_offered() {
        let none = figures(&ok(r#"{"data":[]}"#)).unwrap();
        assert_eq!((none.likes, none.views, none.reach, none.impressions), (Pending, Pending, Pending, NotOffered));
        let some = r#"{"data":[{"name":"views","period":"lifetime","values":[{"value":888}]},
            {"name":"comments","period":"lifetime","values":[{"value":0}]}]}"#;
        let some = figures(&ok(some)).unwrap();
        assert_eq!((some.likes, some.views, some.comments, some.reach), (NotOffered, Count(888), Count(0), Pending));
    }
}
