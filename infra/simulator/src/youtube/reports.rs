//! YouTube Analytics: who watches a channel.

use serde_json::{Value, json};

use super::read::writer;
use super::{api_error, breach};
use crate::call::{Answer, Call, Reply};
use crate::state::World;
use crate::strict::Rule;

pub(super) fn reports(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(
        &["ids!", "startDate!", "endDate!", "metrics!", "dimensions", "sort", "maxResults", "filters"],
        &["authorization!"],
    );
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = writer(world, call, &["yt-analytics.readonly"])?;
    let q = &call.query;
    let refused = |text: &str| Err(world.unexpected(call, text, api_error(400, "badRequest", "global", text, "")));
    if q.text("ids") != "channel==MINE" || q.text("startDate") > q.text("endDate") {
        return refused("Invalid query. Query did not conform to the expectations.");
    }
    let rows: Vec<Value> = match (q.text("metrics"), q.text("dimensions"), q.text("sort")) {
        ("viewerPercentage", "ageGroup,gender", "") => vec![
            json!(["age18-24", "female", 20.5]),
            json!(["age18-24", "male", 10.25]),
            json!(["age25-34", "female", 30.0]),
            json!(["age25-34", "male", 39.25]),
        ],
        ("views", "country", "-views") => {
            let views = account.total("views");
            vec![json!(["US", views / 2]), json!(["DE", views / 4]), json!(["JP", views / 4])]
        }
        _ => return refused("The query is not supported. Check the documentation for supported queries."),
    };
    // Small audiences are left out.
    let mut body = json!({"kind": "youtubeAnalytics#resultTable", "columnHeaders": []});
    if account.followers >= 100 {
        body["rows"] = json!(rows);
    }
    Ok(Reply::json(200, &body))
}
