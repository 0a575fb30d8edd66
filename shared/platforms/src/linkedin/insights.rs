//! Reads figures of a page's posts, a hundred at a time.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Failure;
use domain::publication::Metrics;

use super::api::ORGANIZATION;
use super::ingest;
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};

/// Figures of a page's posts. A member's are shown to partners of LinkedIn only.
pub(super) struct Linkedin;

/// Checked on 2026-11-20. How many calls a day an app and a member have, LinkedIn shows in its portal only (UNSURE); 100 is
/// what new apps report. The four syncs of a page take 16.
static FACTS: InsightFacts = InsightFacts {
    batch: 100,
    audience_calls: 0,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::Account,
        window: Window::Day,
        limit: 100,
        sweep_until: 40,
        ingest_until: 80,
        counts_syncs: false,
        publish_units: 0,
    }],
    lag_hours: 48,
};

#[async_trait]
impl Insights for Linkedin {
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
        let tokens = ingest::own(access)?;
        let Some(page) = account.platform_account_id.filter(|urn| urn.starts_with(ORGANIZATION)) else {
            return Ok(ids.iter().map(|id| ((*id).to_owned(), Metrics::default())).collect());
        };
        let figures = ingest::figures(cx, tokens, page, ids).await?;
        // A post that nobody has seen is left out of the answer, as is one that was deleted: it has what it had.
        Ok(ids.iter().map(|id| ((*id).to_owned(), figures.of(id))).collect())
    }
}
