//! Media insights.

use serde_json::{Value, json};

use super::read::{bearer, media_of, missing, split};
use super::{breach, graph_error, with_usage};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::posts::{Kind, Post};
use crate::state::{Platform, World};
use crate::strict::Rule;

const INSIGHTS: &str = "instagram_business_manage_insights";

/// What the API had once, and what it says to it now.
const REMOVED: [&str; 6] = ["impressions", "plays", "engagement", "video_views", "clips_replays_count", "exits"];

pub(super) fn insights(world: &World, call: &Call, node: &str) -> Answer {
    const RULE: Rule =
        Rule::get(&["metric!", "breakdown", "period", "metric_type", "access_token"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = bearer(world, call, INSIGHTS)?;
    if node == "me" || node == account.id() {
        return of_account(world, call, &account);
    }
    let Some(p) = media_of(world, &account, node) else { return Err(missing(node)) };
    let mut data = Vec::new();
    // Figures come up to two days late: until then the list is empty.
    let lag_ms = world.settings.ms(Platform::Instagram, "figuresLagSeconds");
    if world.now() < p.at_ms + lag_ms {
        return Ok(with_usage(Reply::json(200, &json!({"data": data})), &account));
    }
    for (at, (metric, _)) in split(call.query.text("metric")).iter().enumerate() {
        let Some(value) = metric_of(&p, metric) else {
            if REMOVED.contains(&metric.as_str()) {
                let text = format!(
                    "(#100) Starting from version v22.0 and above, the {metric} metric is no longer supported for the queried media."
                );
                return Err(world.unexpected(call, "a metric that was removed", graph_error(400, 100, None, &text)));
            }
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

/// Who follows the account. Under a hundred followers there is nothing.
fn of_account(world: &World, call: &Call, account: &Account) -> Answer {
    let wrong = |text: &str| Err(world.unexpected(call, text, graph_error(400, 100, None, &format!("(#100) {text}"))));
    let none = account.followers < 100;
    let entry = match (call.query.text("metric"), call.query.text("period")) {
        ("follower_demographics", "lifetime") => {
            if call.query.text("metric_type") != "total_value" {
                return wrong("follower_demographics needs metric_type total_value");
            }
            let Some(results) = demographics(account, call.query.text("breakdown")) else {
                return wrong("unsupported breakdown");
            };
            json!({"name": "follower_demographics", "period": "lifetime", "total_value": {"breakdowns": [
                {"dimension_keys": [call.query.text("breakdown")], "results": results}]}})
        }
        ("online_followers", "lifetime") => {
            let hours: serde_json::Map<String, Value> =
                (0..24_u64).map(|hour| (hour.to_string(), json!(account.followers * (hour + 1) / 100))).collect();
            json!({"name": "online_followers", "period": "lifetime", "values": [{"value": hours}]})
        }
        _ => return wrong("unsupported account metric or period"),
    };
    let data = if none { json!([]) } else { json!([entry]) };
    Ok(with_usage(Reply::json(200, &json!({"data": data})), account))
}

/// The law of an audience: fixed shares of the followers, in thousandths.
fn demographics(account: &Account, breakdown: &str) -> Option<Value> {
    let parts: &[(&str, u64)] = match breakdown {
        "gender" => &[("F", 560), ("M", 400), ("U", 40)],
        "age" => {
            &[("13-17", 50), ("18-24", 300), ("25-34", 400), ("35-44", 150), ("45-54", 60), ("55-64", 30), ("65+", 10)]
        }
        "country" => &[("DE", 500), ("US", 300), ("FR", 200)],
        "city" => &[("Köln, Nordrhein-Westfalen", 600), ("Paris, Île-de-France", 400)],
        _ => return None,
    };
    let result =
        |(name, part): &(&str, u64)| json!({"dimension_values": [name], "value": account.followers * part / 1000});
    Some(parts.iter().map(result).collect())
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
