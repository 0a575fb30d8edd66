//! Reads figures of videos, twenty at a time.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::publication::Metrics;
use domain::{Failure, Platform};
use outbound::Call;
use serde_json::json;

use super::facts::VIDEOS;
use super::{api, error, ingest};
use crate::insights::{InsightFacts, Insights};
use crate::kit::{Access, Account, Context};
use crate::quota::{Quota, Scope, Window};
use crate::wire;

/// Figures of videos. Audiences are of TikTok API for Business, which is another app and another consent.
pub(super) struct Tiktok;

/// Checked on 2026-11-20: 600 calls a minute for each endpoint and app.
static FACTS: InsightFacts = InsightFacts {
    batch: 20,
    audience_calls: 0,
    units_per_post: 0,
    quotas: &[Quota {
        scope: Scope::App,
        window: Window::Hour,
        limit: 36_000,
        sweep_until: 18_000,
        ingest_until: 30_000,
        counts_syncs: false,
        publish_units: 0,
    }],
    lag_hours: 48,
};

#[async_trait]
impl Insights for Tiktok {
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
        let tokens = ingest::tokens(access)?;
        let fields = "id,create_time,like_count,comment_count,share_count,view_count";
        let url = wire::url_with("https://open.tiktokapis.com/v2/video/query/", &[("fields", fields)])?;
        let body = json!({"filters": {"video_ids": ids}});
        let answer = cx.out.send(Call::post_json(Platform::Tiktok, url, &body).bearer(&tokens.access)).await?;
        let videos = api::videos(&error::check(answer, VIDEOS)?)?.publications;
        Ok(videos.into_iter().map(|video| (video.external_id, video.metrics)).collect())
    }
}
