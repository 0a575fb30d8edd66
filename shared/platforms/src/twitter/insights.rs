//! Reads figures of posts, a hundred at a time.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Failure;
use domain::publication::Metrics;

use super::facts::POSTS;
use super::{api, ingest};
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};

/// Figures of posts. X tells nobody who follows an account.
pub(super) struct Twitter;

/// Checked on 2026-11-20. Reads cost credits: an own post $0.001, once a day (UTC) however often it is read, so a unit is a
/// post. The calls themselves are many more than are needed (5,000 in 15 minutes). The limit is Herald's own: $0.30 a day
/// for an account, of which the four syncs of 100 posts take $0.10.
static FACTS: InsightFacts = InsightFacts {
    batch: 100,
    audience_calls: 0,
    units_per_post: 1,
    quotas: &[Quota {
        scope: Scope::Account,
        window: Window::Day,
        limit: 300,
        sweep_until: 150,
        ingest_until: 250,
        counts_syncs: false,
        publish_units: 0,
    }],
    lag_hours: 0,
};

#[async_trait]
impl Insights for Twitter {
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
        let query = [("ids", ids.join(",")), ("tweet.fields", "id,public_metrics".to_owned())];
        let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = ingest::get(cx, ingest::own(access)?, "tweets", &query, POSTS).await?;
        api::figures(&answer, cx.clock.now(), POSTS)
    }
}
