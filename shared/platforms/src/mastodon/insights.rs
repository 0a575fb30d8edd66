//! Reads figures of posts: twenty at a time from servers that can (4.3 and newer), else one by one.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::publication::Metrics;
use domain::{Failure, Kind};

use super::api::Status;
use super::facts::STATUSES;
use super::ingest::{self, segment};
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};

/// Figures of posts. Servers tell nobody who follows an account.
pub(super) struct Mastodon;

/// Checked on 2026-11-20: 300 calls in 5 minutes for each account. Syncs are 2 to 4 an hour.
static FACTS: InsightFacts = InsightFacts {
    batch: 20,
    audience_calls: 0,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::Account,
        window: Window::Hour,
        limit: 3_600,
        sweep_until: 300,
        ingest_until: 1_800,
        counts_syncs: false,
        publish_units: 0,
    }],
    lag_hours: 0,
};

#[async_trait]
impl Insights for Mastodon {
    fn facts(&self) -> &'static InsightFacts {
        &FACTS
    }

    async fn posts(
        &self,
        cx: &Context<'_>,
        account: &Account<'_>,
        access: Access<'_>,
        ids: &[&str],
    ) -> Result<HashMap<String, Metrics>, Failure> {
        let tokens = match access {
            Access::Token(tokens) => Some(tokens),
            Access::Public => None,
        };
        let host = ingest::host(cx, account, tokens).await?;
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("id[]", *id)).collect();
        let found = match ingest::get(cx, &host, "statuses", &query, tokens, STATUSES).await {
            Ok(answer) => answer.json::<Vec<Status>>()?,
            // A server that knows no such list.
            Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::InvalidRequest) => {
                let mut found = Vec::new();
                for id in ids {
                    match ingest::get(cx, &host, &format!("statuses/{}", segment(id)), &[], tokens, STATUSES).await {
                        Ok(answer) => found.push(answer.json()?),
                        Err(failure) if failure.kind == Kind::NotFound => {}
                        Err(failure) => return Err(failure),
                    }
                }
                found
            }
            Err(failure) => return Err(failure),
        };
        let posts = found.into_iter().filter_map(Status::into_publication);
        Ok(posts.map(|post| (post.external_id, post.metrics)).collect())
    }
}
