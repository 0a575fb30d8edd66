//! Reads figures of posts, 25 at a time: through the account's own server with its consent, from the AppView without.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Failure;
use domain::publication::Metrics;

use super::api::Posts;
use super::client::{Bluesky, query};
use super::error;
use super::facts::APPVIEW;
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};

/// Checked on 2026-11-20: 3,000 calls in 5 minutes for each address that calls. Syncs are 2 an hour and account. The network
/// tells nobody who follows an account.
static FACTS: InsightFacts = InsightFacts {
    batch: 25,
    audience_calls: 0,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::Account,
        window: Window::Hour,
        limit: 3_000,
        sweep_until: 300,
        ingest_until: 1_500,
        counts_syncs: false,
        publish_units: 0,
    }],
    lag_hours: 0,
};

#[async_trait]
impl Insights for Bluesky {
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
        let uris: Vec<(&str, &str)> = ids.iter().map(|id| ("uris", *id)).collect();
        let mut answer = None;
        if let Access::Token(tokens) = access {
            let home = self.home(cx, Some(account), tokens).await?;
            let through = self.send_as(cx, tokens, query(&home.pds, "app.bsky.feed.getPosts", &uris)?).await?;
            // A server without an AppView of its own: the public one knows the same.
            answer = Some(through).filter(|answer| !error::no_appview(answer));
        }
        let answer = match answer {
            Some(answer) => answer,
            None => cx.out.send(query(APPVIEW, "app.bsky.feed.getPosts", &uris)?).await?,
        };
        if !answer.is_success() {
            return Err(error::xrpc(&answer, cx.clock.now()));
        }
        Ok(answer.json::<Posts>()?.figures())
    }
}
