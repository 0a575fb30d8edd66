//! Media insights.

use serde_json::json;

use super::read::{bearer, media_of, missing, split};
use super::{breach, graph_error, with_usage};
use crate::call::{Answer, Call, Reply};
use crate::posts::{Kind, Post};
use crate::state::World;
use crate::strict::Rule;

const INSIGHTS: &str = "instagram_business_manage_insights";

pub(super) fn insights(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule = Rule::get(&["metric!", "breakdown", "period", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, INSIGHTS)?;
    let Some(p) = media_of(world, &account, node) else { return Err(missing(node)) };
    let mut data = Vec::new();
    for (at, (metric, _)) in split(call.query.text("metric")).iter().enumerate() {
        let Some(value) = metric_of(&p, metric) else {
            let kind = if p.kind == Kind::Video { "REELS" } else { "FEED" };
            let text = format!("(#100) metric[{at}] ({metric}) is an unsupported metric for this {kind} media");
            return Err(world.unexpected(
                call,
                &format!("unsupported metric {metric}"),
                graph_error(400, 100, None, &text),
            ));
        };
        // A hidden like count is hidden here too.
        let Some(value) = value else { continue };
        data.push(json!({"name": metric, "period": "lifetime", "values": [{"value": value}], "title": metric.replace('_', " "),
            "description": "", "id": format!("{}/insights/{metric}/lifetime", p.id)}));
    }
    Ok(with_usage(Reply::json(200, &json!({"data": data})), &account))
}

/// Outer `None`: the platform does not offer the metric for this media.
fn metric_of(p: &Post, metric: &str) -> Option<Option<u64>> {
    let video = p.kind == Kind::Video;
    let sum = |parts: [Option<u64>; 4]| Some(parts.iter().flatten().sum());
    Some(match metric {
        "views" => p.views,
        "reach" => p.reach,
        "likes" => p.likes,
        "comments" => p.comments,
        "shares" => p.shares,
        "saved" => p.saves,
        "reposts" => p.shares.map(|n| n / 3),
        "total_interactions" => sum([p.likes, p.comments, p.shares, p.saves]),
        "follows" | "profile_visits" if !video => p.reach.map(|n| n / 50),
        "ig_reels_avg_watch_time" if video => p.views.map(|n| 1_500 + n % 9_000),
        "ig_reels_video_view_total_time" if video => p.views.map(|n| n * (1_500 + n % 9_000)),
        "reels_skip_rate" | "crossposted_views" if video => p.views.map(|n| n % 60),
        _ => return None,
    })
}
